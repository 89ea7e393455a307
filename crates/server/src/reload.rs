//! The configuration is read again while requests are served: one that is sound is in force from then on, any other
//! changes nothing.

use crate::{service::Service, world_file};
use rollcall_model::world::World;
use std::path::Path;

/// Reads the file again. The log says what came of it.
pub fn reload(file: &Path, service: &Service) {
    let read = world_file::read_file(file);
    if let Some(metrics) = &service.metrics {
        metrics.count_reload(read.is_ok());
    }
    match read {
        Ok(world) => {
            tell(&service.worlds.now(), &world);
            service.worlds.exchange(world);
        }
        Err(error) => tracing::error!("{error:#}; what was read before stays in force"),
    }
}

fn tell(before: &World, after: &World) {
    let databases = Turnover::of(&before.databases, &after.databases, |database| database.id);
    let tokens = Turnover::of(&before.grants, &after.grants, |grant| grant.hash);
    let triggers = Turnover::of(&before.triggers, &after.triggers, |trigger| trigger.name.clone());
    tracing::info!(
        databases = after.databases.len(),
        databases_came = databases.came,
        databases_went = databases.went,
        tokens = after.grants.len(),
        tokens_came = tokens.came,
        tokens_went = tokens.went,
        triggers = after.triggers.len(),
        triggers_came = triggers.came,
        triggers_went = triggers.went,
        "the world file was read again"
    );
}

/// How many came and how many went.
#[derive(Debug, PartialEq, Eq)]
struct Turnover {
    came: usize,
    went: usize,
}

impl Turnover {
    fn of<T, K: PartialEq>(before: &[T], after: &[T], key: impl Fn(&T) -> K) -> Self {
        let missing =
            |of: &[T], from: &[T]| of.iter().filter(|row| from.iter().all(|other| key(other) != key(row))).count();
        Self { came: missing(after, before), went: missing(before, after) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_came_and_what_went() {
        let turnover = Turnover::of(&[1, 2, 3], &[3, 4], |number| *number);
        assert_eq!(turnover, Turnover { came: 1, went: 2 });
    }
}
