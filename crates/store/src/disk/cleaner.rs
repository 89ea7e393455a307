//! Takes space back: what still counts of a segment is written again at the log's end, and the segment is forgotten.
//!
//! It goes along with the writes, some of it in each frame, so that it costs no sync of its own and no lock.

use super::{
    files::Files,
    frame::{self, Frame, Place, Record},
    index::{Change, Slot},
    log::{Appended, Log, Segment},
    state::{State, profiles_in},
};
use crate::error::{OpenError, StoreError};
use rollcall_model::{database::DatabaseId, profile::ProfileId};
use std::collections::{BTreeMap, BTreeSet};

/// How much may lie idle before a segment is cleaned, in segments' bytes; and it must be more than half of the log.
const IDLE_SEGMENTS: u64 = 2;

/// So many segments are never too many; beyond them, twice as many as their bytes would fill.
const SEGMENTS_AT_LEAST: u64 = 16;

/// How many bytes are looked through for each that is written. Two would be enough to keep up with a log of which half
/// counts.
const LOOKED_THROUGH: u64 = 4;
const LOOKED_THROUGH_AT_LEAST: u64 = 64 << 10;

/// What is known of the segments' contents.
#[derive(Debug, Default)]
pub(crate) struct Cleaner {
    /// Bytes of each segment that count.
    counting: BTreeMap<u32, u64>,
    /// The segment that is being cleaned, and how far.
    at: Option<(u32, u64)>,
    /// Segments that cannot be read, and stay.
    spoiled: BTreeSet<u32>,
}

/// What a frame moves, to be settled when it is on the disk.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) moved: Vec<Moved>,
    /// The segment, and how far it is cleaned then.
    at: (u32, u64),
    /// Whether nothing is left in it.
    pub(crate) is_last: bool,
}

/// A profile that a frame holds again as it is.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) database: DatabaseId,
    pub(crate) id: ProfileId,
    /// Where in the frame.
    pub(crate) at: usize,
    pub(crate) length: u32,
}

impl Moved {
    /// What it changes in the index, when its frame has been appended.
    pub(crate) fn change(&self, appended: Appended) -> Change {
        let place = appended.place(self.at, self.length as usize);
        let slot = Slot { database: self.database, id: self.id, place };
        Change { slot, removed: Vec::new(), added: Vec::new() }
    }
}

impl Cleaner {
    pub(crate) fn new(state: &State) -> Self {
        let mut cleaner = Self::default();
        state.index.slots().iter().for_each(|slot| cleaner.counts(slot.place));
        cleaner
    }

    /// From now on a profile is here.
    pub(crate) fn counts(&mut self, place: Place) {
        *self.counting.entry(place.segment).or_default() += frame::record_length(place);
    }

    /// From now on a profile is here no longer.
    pub(crate) fn counts_no_more(&mut self, place: Place) {
        if let Some(bytes) = self.counting.get_mut(&place.segment) {
            *bytes = bytes.saturating_sub(frame::record_length(place));
        }
    }

    /// Adds to the frame some of what is to be moved, if there is a segment worth it. Nothing is settled yet.
    /// `bytes` is what the frame will hold beside it.
    pub(crate) fn step(&mut self, log: &Log, state: &State, bytes: u64, frame: &mut Frame) -> Option<Step> {
        let (number, from) = self.at.or_else(|| Some((self.choose(log)?, 0)))?;
        let segment = log.segments().get(&number)?;
        let budget = (bytes * LOOKED_THROUGH).max(LOOKED_THROUGH_AT_LEAST);
        match move_some(segment, from, budget, state, frame) {
            Ok(step) => Some(step),
            Err(error) => {
                tracing::error!("a segment cannot be cleaned, and stays: {error}");
                self.spoiled.insert(number);
                self.at = None;
                None
            }
        }
    }

    /// The frame with this step is on the disk. Where it was the last one, the segment counts no longer.
    pub(crate) fn settle(&mut self, step: &Step) -> Option<u32> {
        let (number, _) = step.at;
        self.at = (!step.is_last).then_some(step.at);
        step.is_last.then(|| {
            self.counting.remove(&number);
            number
        })
    }

    /// The segment of which the least counts, when enough of the whole log is idle; or the shortest one, when there are
    /// too many, as each start begins a new one.
    fn choose(&self, log: &Log) -> Option<u32> {
        let total: u64 = log.segments().values().map(|segment| segment.length).sum();
        let idle = total.saturating_sub(self.counting.values().sum());
        let closed = log.segments().iter().filter(|(number, _)| log.tail() != Some(**number));
        let sound = closed.filter(|(number, _)| !self.spoiled.contains(number));
        let chosen = if idle * 2 >= total && idle >= IDLE_SEGMENTS * log.segment_bytes() {
            let counting = |number: &u32| self.counting.get(number).copied().unwrap_or(0) as f64;
            let share = |(number, segment): &(&u32, &Segment)| counting(number) / segment.length as f64;
            sound.min_by(|a, b| share(a).total_cmp(&share(b)))
        } else if log.segments().len() as u64 > SEGMENTS_AT_LEAST + 2 * total / log.segment_bytes() {
            sound.min_by_key(|(_, segment)| segment.length)
        } else {
            None
        };
        chosen.map(|(number, _)| *number)
    }
}

fn move_some(segment: &Segment, from: u64, budget: u64, state: &State, frame: &mut Frame) -> Result<Step, OpenError> {
    let number = segment.id.number;
    let mut moved = Vec::new();
    let mut at = from;
    while at < segment.length && at - from < budget {
        let read = frame::read(&*segment.file, segment.id, at, segment.length)?
            .ok_or_else(|| super::log::damaged(number, at))?;
        for slot in profiles_in(number, &read)? {
            if state.index.place(slot.database, slot.id) == Some(slot.place) {
                moved.push(again(slot.database, slot.id, slot.place, state, frame)?);
            }
        }
        at = read.end();
    }
    let is_last = at >= segment.length;
    if is_last {
        frame.push(Record::Forgotten { segment: number });
    }
    Ok(Step { moved, at: (number, at), is_last })
}

fn again(
    database: DatabaseId,
    id: ProfileId,
    place: Place,
    state: &State,
    frame: &mut Frame,
) -> Result<Moved, StoreError> {
    let body = state.body(place, database, id)?;
    let at = frame.push(Record::Profile { database, id, body: &body });
    Ok(Moved { database, id, at, length: place.length })
}

/// Removes the file of a segment that is forgotten. Should it stay, the next start removes it.
pub(crate) fn remove(files: &dyn Files, number: u32) {
    let name = super::log::segment_name(number);
    if let Err(error) = files.remove(&name) {
        tracing::warn!("{name} counts no longer, and could not be removed: {error}");
    }
}
