//! Chance that can be repeated, and how much of it there is to be: both are said, and can be given by environment.

use anyhow::Context;
use std::{
    env::{self, VarError},
    str::FromStr,
};

/// The seed that `ROLLCALL_SEED` gives, or a new one. It is printed, so that a failed test shows it.
pub fn seed() -> anyhow::Result<u64> {
    let seed = given("ROLLCALL_SEED")?.unwrap_or_else(|| fastrand::u64(..=u64::from(u32::MAX)));
    println!("ROLLCALL_SEED={seed}");
    Ok(seed)
}

/// The chances of one part of a run, such as a round or a client: each part has its own, whatever the others draw.
pub fn part(seed: u64, number: usize) -> fastrand::Rng {
    let mut parts = fastrand::Rng::with_seed(seed ^ (number as u64).rotate_left(32));
    parts.fork()
}

/// How often something is done: as often as the variable says, or `usually`.
pub fn amount(variable: &str, usually: usize) -> anyhow::Result<usize> {
    Ok(given(variable)?.unwrap_or(usually))
}

fn given<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(variable: &str) -> anyhow::Result<Option<T>> {
    match env::var(variable) {
        Err(VarError::NotPresent) => Ok(None),
        given => given?.parse().map(Some).with_context(|| format!("{variable} is to be a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_run_can_be_repeated_and_differ() {
        let drawn = |seed, number| part(seed, number).u64(..);
        assert_eq!(drawn(7, 1), drawn(7, 1));
        assert_ne!(drawn(7, 1), drawn(7, 2));
        assert_ne!(drawn(7, 1), drawn(8, 1));
    }
}
