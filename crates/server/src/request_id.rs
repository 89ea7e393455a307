//! What a call is called in the log and in its answer: as its sender calls it, or by a name of ours.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes that a sender's own name may have.
const LONGEST: usize = 128;

/// Whether a sender may call its request this: visible ASCII, so that it stays one word of one line of the log.
pub(crate) fn is_sound(given: &[u8]) -> bool {
    (1..=LONGEST).contains(&given.len()) && given.iter().all(u8::is_ascii_graphic)
}

/// A name that no other call of this process has: what tells processes apart, then how many there were before.
pub(crate) fn fresh() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static BEFORE: AtomicU64 = AtomicU64::new(0);
    format!("{:08x}{:08x}", *PROCESS & 0xffff_ffff, BEFORE.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_word_of_visible_ascii() {
        for sound in ["a", "7f3c-19/x:y", &"x".repeat(128)] {
            assert!(is_sound(sound.as_bytes()), "{sound}");
        }
        for unsound in ["", " ", "a b", "a\tb", "a\n", "ü", &"x".repeat(129)] {
            assert!(!is_sound(unsound.as_bytes()), "{unsound:?}");
        }
    }

    #[test]
    fn makes_each_name_once_and_soundly() {
        let names: std::collections::HashSet<_> = (0..1000).map(|_| fresh()).collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| is_sound(name.as_bytes())));
    }
}
