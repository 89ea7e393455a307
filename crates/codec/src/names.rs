//! The names of one object while it is read: finds an earlier sibling with the same name. Rulings T15, X3.
//!
//! Most names are seen to be new at a glance: no name so far has their bit. Otherwise a few names are compared one by
//! one, and many are kept in a map, so that a hostile body cannot make this quadratic.

use crate::tree::{Place, Value};
use std::collections::HashMap;

const FEW: u32 = 24;

#[derive(Default)]
pub(crate) struct Names {
    count: u32,
    last: Place,
    /// A bit for each name so far; of several names with one bit, nothing is known.
    bits: u64,
    /// Made when there are more than a few. Boxed, since objects with so many names are rare.
    many: Option<Box<Latest>>,
}

/// Place of the latest value by name.
type Latest = HashMap<Box<str>, Place>;

impl Names {
    /// Enters the name of the value that is about to be added; answers the place of the latest sibling of that name.
    pub(crate) fn enter(&mut self, values: &[Value<'_>], parent: Place, place: Place, name: &str) -> Option<Place> {
        let bit = bit_of(name);
        let found = if self.bits & bit == 0 { None } else { self.find(values, parent, name) };
        self.bits |= bit;
        self.count += 1;
        self.last = place;
        if let Some(many) = &mut self.many {
            many.insert(name.into(), place);
        } else if self.count > FEW {
            let known = siblings(values, parent).map(|at| ((*values[at as usize].name).into(), at));
            let mut many: Latest = known.collect();
            many.insert(name.into(), place);
            self.many = Some(Box::new(many));
        }
        found
    }

    fn find(&self, values: &[Value<'_>], parent: Place, name: &str) -> Option<Place> {
        // Items of a list follow each other, so the latest sibling is the best guess.
        if is_same(&values[self.last as usize].name, name) {
            return Some(self.last);
        }
        match &self.many {
            Some(many) => many.get(name).copied(),
            None => siblings(values, parent).filter(|&at| is_same(&values[at as usize].name, name)).last(),
        }
    }
}

/// One of 64 bits. Names that differ mostly do so in length or at their ends.
fn bit_of(name: &str) -> u64 {
    let end = |byte: Option<&u8>| byte.map_or(0, |byte| u32::from(*byte));
    let (first, last) = (end(name.as_bytes().get(1)), end(name.as_bytes().last()));
    let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    1 << (length.wrapping_add(first << 8).wrapping_add(last << 16).wrapping_mul(0x9e37_79b1) >> 26)
}

/// Names that differ mostly do so in length or in their last letter, which is cheaper to see than all of them.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.as_bytes().last() == b.as_bytes().last() && a == b
}

/// The places of a value's children so far.
fn siblings(values: &[Value<'_>], parent: Place) -> impl Iterator<Item = Place> {
    let is_there = |place: &Place| (*place as usize) < values.len();
    let first = Some(parent + 1).filter(is_there);
    std::iter::successors(first, move |&at| Some(values[at as usize].end).filter(is_there))
}
