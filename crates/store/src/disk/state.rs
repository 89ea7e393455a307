//! What is kept, to be read: the index, and the profiles in the segments it points into.

use super::{
    Headway, checkpoint,
    files::{File, Files},
    frame::{Place, ReadFrame, Record, Span},
    index::{self, Change, Hashes, Index},
    log::{Log, Position, damaged},
};
use crate::{
    error::{OpenError, StoreError},
    record,
    transaction::{NumberedEvent, Snapshot, View, find_by},
};
use rollcall_matching::{
    index::ProfileIndex,
    key::{LookupKey, keys_of},
};
use rollcall_model::{
    database::DatabaseId,
    event::{Event, EventNumber},
    profile::{Profile, ProfileId},
};
use std::{
    collections::{BTreeMap, HashSet},
    num::NonZero,
    sync::{Arc, atomic::Ordering},
    thread,
};

/// How many profiles are looked at together, on all cores, when an index is completed.
const LOOKED_AT_ONCE: usize = 1 << 14;

/// One state of a folder.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) index: Index,
    segments: BTreeMap<u32, Arc<dyn File>>,
}

impl State {
    /// What the log holds, by way of the checkpoint if there is a sound one; and from which position on it was read.
    pub(crate) fn restore(log: &Log, files: &dyn Files, headway: &Headway) -> Result<(Self, Position), OpenError> {
        if let Some((index, position)) = checkpoint::read(files, log.store()) {
            // What a checkpoint speaks of was on the disk before it.
            if position > log.end() {
                return Err(damaged(log.end().segment, log.end().offset));
            }
            match Self::completed(index, log, position, headway) {
                Ok(state) => return Ok((state, position)),
                Err(error) => tracing::warn!("the index is made anew, since it does not fit the log: {error}"),
            }
        }
        let begin = Position::default();
        Ok((Self::completed(Index::new(log.store()), log, begin, headway)?, begin))
    }

    fn completed(index: Index, log: &Log, position: Position, headway: &Headway) -> Result<Self, OpenError> {
        let segments = log.segments().iter().map(|(number, segment)| (*number, Arc::clone(&segment.file))).collect();
        let mut state = Self { index, segments };
        state.read_on(log, position, headway)?;
        state.index.forget_unless(|segment| log.segments().contains_key(&segment));
        Ok(state)
    }

    /// Takes in what was written from this position on. A profile that was written several times is looked at once.
    fn read_on(&mut self, log: &Log, position: Position, headway: &Headway) -> Result<(), OpenError> {
        let mut written = HashSet::new();
        log.frames_from(position, |segment, frame| {
            headway.fetch_add(1, Ordering::Relaxed);
            for entry in entries_in(segment, frame)? {
                if let Entry::Profile { database, id, .. } = entry {
                    written.insert((database, id));
                }
                self.index.apply(entry.change());
            }
            Ok(())
        })?;
        let written: Vec<_> = written.into_iter().collect();
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        for some in written.chunks(LOOKED_AT_ONCE) {
            let parts = some.chunks(some.len().div_ceil(threads));
            let looked_at: Vec<_> = thread::scope(|scope| {
                let looking: Vec<_> = parts.map(|part| scope.spawn(|| self.keys_of_all(part))).collect();
                looking.into_iter().map(|looking| looking.join().unwrap_or(Err(StoreError::Panicked))).collect()
            });
            for part in looked_at {
                for change in part? {
                    self.index.apply(change);
                }
            }
            headway.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The keys that profiles have in their newest records.
    fn keys_of_all(&self, written: &[(DatabaseId, ProfileId)]) -> Result<Vec<Change>, StoreError> {
        let places = written.iter().filter_map(|&(database, id)| Some((database, id, self.index.place(database, id)?)));
        let keys = places.map(|(database, id, place)| {
            let profile = self.profile_at(place, database, id)?;
            let added = index::hashes_of(self.index.salt, &profile).into_iter().collect();
            Ok(Change::Put { database, id, place, hashes: Hashes { removed: Vec::new(), added } })
        });
        keys.collect()
    }

    /// Takes in a change that is on the disk, and says what place counts no longer.
    pub(crate) fn apply(&mut self, change: Change) -> Option<Place> {
        self.index.apply(change)
    }

    /// From now on profiles and events may be in this segment, too.
    pub(crate) fn add_segment(&mut self, number: u32, file: &Arc<dyn File>) {
        self.segments.entry(number).or_insert_with(|| Arc::clone(file));
    }

    /// Nothing is in this segment any more.
    pub(crate) fn remove_segment(&mut self, number: u32) {
        self.segments.remove(&number);
    }

    /// A profile's record, as it is in the log.
    pub(crate) fn body(&self, place: Place, database: DatabaseId, id: ProfileId) -> Result<Vec<u8>, StoreError> {
        let problem = "the segment that it is in does not count";
        self.read(place)?.ok_or(StoreError::Corrupt { database, id, problem })
    }

    /// An event's record, as it is in the log.
    pub(crate) fn event_body(&self, place: Place) -> Result<Vec<u8>, StoreError> {
        self.read(place)?.ok_or(DAMAGED_EVENT)
    }

    /// The bytes at this place, if its segment counts.
    fn read(&self, place: Place) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(segment) = self.segments.get(&place.segment) else { return Ok(None) };
        let mut bytes = vec![0; place.length as usize];
        segment.read_at(&mut bytes, u64::from(place.offset)).map_err(|error| StoreError::Engine(Arc::new(error)))?;
        Ok(Some(bytes))
    }

    fn profile_at(&self, place: Place, database: DatabaseId, id: ProfileId) -> Result<Arc<Profile>, StoreError> {
        let body = self.body(place, database, id)?;
        let profile = record::decode(database, id, &body);
        profile.map(Arc::new).map_err(|problem| StoreError::Corrupt { database, id, problem })
    }

    pub(crate) fn event_at(&self, place: Place) -> Result<Arc<Event>, StoreError> {
        let body = self.event_body(place)?;
        record::decode_event(&body).map(Arc::new).map_err(|_| DAMAGED_EVENT)
    }
}

const DAMAGED_EVENT: StoreError = StoreError::CorruptRow { table: "outbox" };

/// What a frame says of a profile or an event.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    Profile { database: DatabaseId, id: ProfileId, place: Place },
    Removed { database: DatabaseId, id: ProfileId, place: Place, last: u32 },
    Event { number: EventNumber, place: Place },
    Ended { number: EventNumber, place: Place, written: Span },
}

impl Entry {
    /// What it changes in an index, keys aside.
    fn change(self) -> Change {
        let hashes = Hashes::default();
        match self {
            Self::Profile { database, id, place } => Change::Put { database, id, place, hashes },
            Self::Removed { database, id, place, .. } => Change::Removed { database, id, place, hashes },
            Self::Event { number, place } => Change::Event { number, place },
            Self::Ended { number, place, .. } => Change::Ended { number, place },
        }
    }
}

/// What a frame says, in this order.
pub(crate) fn entries_in(segment: u32, frame: &ReadFrame) -> Result<Vec<Entry>, OpenError> {
    let mut entries = Vec::new();
    for record in frame.records() {
        let (record, end) = record.ok_or_else(|| damaged(segment, frame.end()))?;
        let place = |length| place(segment, end, length);
        entries.push(match record {
            Record::Profile { database, id, body } => Entry::Profile { database, id, place: place(body.len())? },
            Record::Removed { database, id, last } => Entry::Removed { database, id, place: place(0)?, last },
            Record::Event { number, body } => Entry::Event { number, place: place(body.len())? },
            Record::Ended { number, written } => Entry::Ended { number, place: place(0)?, written },
            Record::Forgotten { .. } | Record::Counts { .. } => continue,
        });
    }
    Ok(entries)
}

/// The place of a body that ends here.
fn place(segment: u32, end: u64, length: usize) -> Result<Place, OpenError> {
    let offset = u32::try_from(end - length as u64).map_err(|_| damaged(segment, end))?;
    let length = u32::try_from(length).map_err(|_| damaged(segment, end))?;
    Ok(Place { segment, offset, length })
}

/// The profiles among the candidates that have the key, until there are `count`. The index knows hashes only.
pub(crate) fn those_with_key(
    view: &dyn View,
    database: DatabaseId,
    key: &LookupKey<'_>,
    count: usize,
    candidates: impl Iterator<Item = ProfileId>,
) -> Result<Vec<ProfileId>, StoreError> {
    let mut found = Vec::new();
    for id in candidates {
        if found.len() == count {
            break;
        }
        let has_it = |profile: Arc<Profile>| keys_of(&profile).iter().any(|has| has.is_found_by(key));
        let is_found = match view.profile(database, id) {
            Ok(profile) => profile.is_some_and(has_it),
            // One that is damaged had the key as far as anybody knows. Who asks for it learns of the damage.
            Err(StoreError::Corrupt { .. }) => true,
            Err(error) => return Err(error),
        };
        if is_found {
            found.push(id);
        }
    }
    Ok(found)
}

impl ProfileIndex for State {
    type Error = StoreError;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, StoreError> {
        find_by(self, database, key, || {
            those_with_key(self, database, key, count, self.index.candidates(database, key))
        })
    }
}

impl View for State {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        let place = self.index.place(database, id);
        place.map(|place| self.profile_at(place, database, id)).transpose()
    }
}

impl Snapshot for State {
    fn profiles_after(
        &self,
        database: DatabaseId,
        after: Option<ProfileId>,
        count: usize,
    ) -> Result<Vec<Arc<Profile>>, StoreError> {
        let slots = self.index.after(database, after).take(count);
        slots.map(|slot| self.profile_at(slot.place, database, slot.id)).collect()
    }

    fn event(&self, number: EventNumber) -> Result<Option<Arc<Event>>, StoreError> {
        self.index.events.place(number).map(|place| self.event_at(place)).transpose()
    }

    fn events_after(&self, after: Option<EventNumber>, count: usize) -> Result<Vec<NumberedEvent>, StoreError> {
        let events = self.index.events.after(after).take(count);
        events.map(|(number, place)| Ok((number, self.event_at(place)?))).collect()
    }
}
