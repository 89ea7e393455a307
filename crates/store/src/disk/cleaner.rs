//! Takes space back: what still counts of a segment is written again at the log's end, and the segment is forgotten.
//!
//! It goes along with the writes, some of it in each frame, so that it costs no sync of its own and no lock.

use super::{
    draft::Draft,
    files::Files,
    frame::{self, Place, Record, Span},
    index::Hashes,
    log::{Log, Segment},
    state::{Entry, State, entries_in},
};
use crate::error::{OpenError, StoreError};
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

/// How far a frame cleans a segment, to be settled when it is on the disk.
#[derive(Debug)]
pub(crate) struct Step {
    /// The segment, and how far it is cleaned then.
    at: (u32, u64),
    /// Whether nothing is left in it.
    is_last: bool,
}

impl Cleaner {
    pub(crate) fn new(state: &State) -> Self {
        let mut cleaner = Self::default();
        state.index.places().for_each(|place| cleaner.counts(place));
        cleaner
    }

    /// From now on something is here that counts. The ends of events count, too, so that a segment full of those that
    /// are still needed is not moved again and again; after a start it may be, once.
    pub(crate) fn counts(&mut self, place: Place) {
        *self.counting.entry(place.segment).or_default() += frame::record_length(place);
    }

    /// From now on it is here no longer.
    pub(crate) fn counts_no_more(&mut self, place: Place) {
        if let Some(bytes) = self.counting.get_mut(&place.segment) {
            *bytes = bytes.saturating_sub(frame::record_length(place));
        }
    }

    /// Adds to the draft some of what is to be moved, if there is a segment worth it. Nothing is settled yet.
    /// `bytes` is what the frame will hold beside it.
    pub(crate) fn step(&mut self, log: &Log, state: &State, bytes: u64, draft: &mut Draft) -> Option<Step> {
        let (number, from) = self.at.or_else(|| Some((self.choose(log)?, 0)))?;
        let segment = log.segments().get(&number)?;
        let budget = (bytes * LOOKED_THROUGH).max(LOOKED_THROUGH_AT_LEAST);
        match (Move { log, state, segment }.some(from, budget, draft)) {
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

/// Moves what counts out of a segment.
struct Move<'a> {
    log: &'a Log,
    state: &'a State,
    segment: &'a Segment,
}

impl Move<'_> {
    fn some(&self, from: u64, budget: u64, draft: &mut Draft) -> Result<Step, OpenError> {
        let (number, length) = (self.segment.id.number, self.segment.length);
        let mut at = from;
        while at < length && at - from < budget {
            let read = frame::read(&*self.segment.file, self.segment.id, at, length)?
                .ok_or_else(|| super::log::damaged(number, at))?;
            entries_in(number, &read)?.into_iter().try_for_each(|entry| self.one(entry, draft))?;
            at = read.end();
        }
        let is_last = at >= length;
        if is_last {
            draft.frame.push(Record::Forgotten { segment: number });
        }
        Ok(Step { at: (number, at), is_last })
    }

    /// Writes again what still counts. That something is removed or has ended counts as long as another segment may hold
    /// what it was before: else that would come back when the log is read from its beginning.
    fn one(&self, entry: Entry, draft: &mut Draft) -> Result<(), StoreError> {
        let index = &self.state.index;
        match entry {
            Entry::Profile { database, id, place } if index.place(database, id) == Some(place) => {
                draft.put(database, id, &self.state.body(place, database, id)?, Hashes::default());
            }
            Entry::Removed { database, id, place, last } => {
                if let Some(slot) = index.slot(database, id).filter(|slot| slot.place == place) {
                    match self.is_left(Span { first: slot.first, last }) {
                        true => draft.remove(database, id, last, Hashes::default()),
                        false => draft.forget(database, id),
                    }
                }
            }
            Entry::Event { number, place } if index.events.place(number) == Some(place) => {
                draft.event(number, &self.state.event_body(place)?);
            }
            Entry::Ended { number, written, .. } if self.is_left(written) => draft.end(number, written),
            Entry::Profile { .. } | Entry::Event { .. } | Entry::Ended { .. } => {}
        }
        Ok(())
    }

    fn is_left(&self, written: Span) -> bool {
        self.log.counts_beside(self.segment.id.number, written)
    }
}

/// Removes the file of a segment that is forgotten. Should it stay, the next start removes it.
pub(crate) fn remove(files: &dyn Files, number: u32) {
    let name = super::log::segment_name(number);
    if let Err(error) = files.remove(&name) {
        tracing::warn!("{name} counts no longer, and could not be removed: {error}");
    }
}
