//! One block of profiles as one job of the store: what is put, and what is refused.

use super::decoding::{Decoded, Line};
use rollcall_model::{profile::Profile, world::World};
use rollcall_server::import::{Taken, taken};
use rollcall_store::{error::StoreError, transaction::Transaction};
use std::sync::atomic::{AtomicU64, Ordering};

/// What is done about lines that cannot simply be kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) existing: Existing,
    /// Whether a bad line is left out instead of stopping the load.
    pub(super) skip_bad: bool,
}

/// What is done about a line whose identifier belongs to a profile that is not equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refuse,
    Replace,
}

/// What has become of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// There was no such profile.
    Loaded,
    /// It is in place of another one.
    Replaced,
    /// The very same profile was there.
    Unchanged,
    /// It is not kept, and why.
    Bad(String),
}

/// What has become of a block.
#[derive(Debug)]
pub(super) enum Kept {
    /// The fate of its lines; of those behind a bad one that stops the load, nothing.
    Fates(Vec<Fate>),
    /// A block before it has stopped the load, so that nothing of it is kept.
    Halted,
}

/// Which block has stopped the load, if one has: so that nothing behind a bad line is kept, though the block is handed
/// over before the one with the bad line is answered.
#[derive(Debug)]
pub(super) struct Halt(AtomicU64);

const NONE: u64 = u64::MAX;

impl Halt {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(NONE))
    }

    fn is_before(&self, block: u64) -> bool {
        self.0.load(Ordering::SeqCst) < block
    }

    fn at(&self, block: u64) {
        self.0.fetch_min(block, Ordering::SeqCst);
    }

    /// A store may run a job again: what the first run said is void.
    fn forget(&self, block: u64) {
        let _it_may_be_another_block = self.0.compare_exchange(block, NONE, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// Keeps the block, which is the `number`th that was handed over.
pub(super) fn keep(
    block: &Decoded,
    number: u64,
    policy: Policy,
    halt: &Halt,
    world: &World,
    state: &mut dyn Transaction,
) -> Result<Kept, StoreError> {
    halt.forget(number);
    if halt.is_before(number) {
        return Ok(Kept::Halted);
    }
    let mut fates = Vec::with_capacity(block.lines.len());
    let mut failed = None;
    for line in &block.lines {
        let fate = match keep_line(line, policy.existing, world, state) {
            Ok(fate) => fate,
            // On with the others: a store that is far away notes what it is asked, and has the job run again when it
            // knows the answers.
            Err(error) => {
                failed.get_or_insert(error);
                continue;
            }
        };
        let stops = matches!(fate, Fate::Bad(_)) && !policy.skip_bad;
        fates.push(fate);
        if stops {
            halt.at(number);
            break;
        }
    }
    failed.map_or(Ok(Kept::Fates(fates)), Err)
}

fn keep_line(line: &Line, existing: Existing, world: &World, state: &mut dyn Transaction) -> Result<Fate, StoreError> {
    let profile = match &line.profile {
        Ok(profile) => profile,
        Err(error) => return Ok(Fate::Bad(error.to_string())),
    };
    let before = state.profile(profile.database, profile.id)?;
    let fate = match before.as_deref() {
        None => Fate::Loaded,
        Some(before) if before == profile => return Ok(Fate::Unchanged),
        Some(_) if existing == Existing::Replace => Fate::Replaced,
        Some(_) => return Ok(Fate::Bad(is_another(profile))),
    };
    // A line of a database that is not there is no profile, so that this one is.
    if let Some(database) = world.database(profile.database)
        && let Some(Taken { field, owner }) = taken(before.as_deref(), profile, database, state)?
    {
        return Ok(Fate::Bad(format!("{field}: belongs to profile {owner}, and is unique in a database")));
    }
    state.put(profile.clone())?;
    Ok(fate)
}

fn is_another(profile: &Profile) -> String {
    format!("id: the store has another profile {}; --replace would put this one in its place", profile.id)
}
