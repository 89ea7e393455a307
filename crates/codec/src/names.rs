//! The names of one object while it is read: finds an earlier sibling with the same name. Rulings T15, X3.
//!
//! A few names are compared one by one, which is fastest; many are kept in a map, so that a hostile body cannot make
//! this quadratic.

use crate::tree::Value;
use std::collections::HashMap;

const FEW: usize = 24;

#[derive(Default)]
pub(crate) struct Names {
    count: usize,
    last: usize,
    /// Place of the latest value by name; made when there are more than a few.
    many: Option<HashMap<Box<str>, usize>>,
}

impl Names {
    /// Enters the name of the value that is about to be added; answers the place of the latest sibling of that name.
    pub(crate) fn enter(&mut self, values: &[Value<'_>], parent: usize, name: &str) -> Option<usize> {
        let place = values.len();
        let found = self.find(values, parent, name);
        self.count += 1;
        self.last = place;
        if let Some(many) = &mut self.many {
            many.insert(name.into(), place);
        } else if self.count > FEW {
            let mut many: HashMap<_, _> = siblings(values, parent).map(|at| ((*values[at].name).into(), at)).collect();
            many.insert(name.into(), place);
            self.many = Some(many);
        }
        found
    }

    fn find(&self, values: &[Value<'_>], parent: usize, name: &str) -> Option<usize> {
        if self.count == 0 {
            return None;
        }
        // Items of a list follow each other, so the latest sibling is the best guess.
        if values[self.last].name == name {
            return Some(self.last);
        }
        match &self.many {
            Some(many) => many.get(name).copied(),
            None => siblings(values, parent).filter(|&at| values[at].name == name).last(),
        }
    }
}

/// The places of a value's children so far.
fn siblings(values: &[Value<'_>], parent: usize) -> impl Iterator<Item = usize> {
    let first = Some(parent + 1).filter(|&first| first < values.len());
    std::iter::successors(first, move |&at| Some(values[at].end).filter(|&next| next < values.len()))
}
