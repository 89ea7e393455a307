//! Lists that hold each value once, in the order first given. Rulings D8, D10.
//!
//! A few values are compared one by one; many are looked up, so that a long list costs no more than its length.

use std::{collections::HashSet, hash::Hash};

const FEW: usize = 16;

/// The values, each once.
pub fn distinct<T: Eq + Hash + Clone>(mut values: Vec<T>) -> Vec<T> {
    if values.len() <= FEW {
        let mut kept = Vec::with_capacity(values.len());
        values.into_iter().for_each(|value| {
            if !kept.contains(&value) {
                kept.push(value)
            }
        });
        return kept;
    }
    let mut seen = HashSet::new();
    values.retain(|value| seen.insert(value.clone()));
    values
}

/// The values of both lists.
pub fn union<T: Eq + Hash + Clone>(first: &[T], second: &[T]) -> Vec<T> {
    distinct(first.iter().chain(second).cloned().collect())
}

/// The values of the first list that are not in the second.
pub fn difference<T: Eq + Hash + Clone>(first: &[T], second: &[T]) -> Vec<T> {
    let second: HashSet<_> = second.iter().collect();
    first.iter().filter(|value| !second.contains(value)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_treated_alike() {
        for count in [3, 100] {
            let values: Vec<_> = (0..count).chain(0..count).rev().collect();
            assert_eq!(distinct(values), (0..count).rev().collect::<Vec<_>>());
        }
        assert_eq!(union(&[2, 1], &[1, 3]), [2, 1, 3]);
        assert_eq!(difference(&[3, 1, 2], &[1]), [3, 2]);
    }
}
