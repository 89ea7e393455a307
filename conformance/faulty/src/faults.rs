//! Table: the faults, by the seam they are put at.

mod answers; // what goes back
mod batches; // calls about many profiles
mod bodies; // what the bytes are taken for
mod fields; // the decoded request: matching and fields
mod imports; // how imports are taken, from outside
mod made; // from the server's own tables
mod neighbours; // calls about subscriptions, segments and the configuration
mod profiles; // calls about one profile, beside the import
mod refusals; // what is refused though it must not be
mod state; // look-ups and writes
mod subscriptions; // the decoded request: subscriptions
mod worlds; // the configuration

use crate::{Fault, seam::Seam};
use std::sync::LazyLock;

/// All of them.
pub fn all() -> &'static [Fault] {
    static ALL: LazyLock<Vec<Fault>> = LazyLock::new(|| written().chain(made::all()).collect());
    &ALL
}

/// Those that were written one by one.
fn written() -> impl Iterator<Item = Fault> {
    const TABLES: [&[Fault]; 11] = [
        state::FAULTS,
        fields::FAULTS,
        subscriptions::FAULTS,
        worlds::FAULTS,
        imports::FAULTS,
        refusals::FAULTS,
        bodies::FAULTS,
        answers::FAULTS,
        profiles::FAULTS,
        batches::FAULTS,
        neighbours::FAULTS,
    ];
    TABLES.into_iter().flatten().copied()
}

const fn fault(name: &'static str, breaks: &'static str, story: &'static str, seam: Seam) -> Fault {
    Fault { name, breaks, story, room: None, seam }
}
