//! Whether a closed folder is sound: every frame, every event, every profile, every key of every profile. Changes nothing.

use crate::{
    disk::{
        Headway,
        files::{Files, Folder},
        folder,
        frame::Place,
        index::hashes_of,
        log::{Log, Segment, frames_of},
        state::{Entry, State, entries_in},
    },
    error::{OpenError, StoreError},
    progress::Progress,
    transaction::View,
};
use rollcall_model::{database::DatabaseId, event::EventNumber, profile::ProfileId};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    path::Path,
    sync::Arc,
};

/// How many findings are kept; all are counted.
const SHOWN: usize = 100;

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Profiles of all databases.
    pub profiles: u64,
    /// Events of the outbox.
    pub events: u64,
    /// Entries under which profiles are found.
    pub keys: u64,
    /// Entries of keys that their profile has no longer. They cost a look, and nothing else.
    pub outlived: u64,
    /// Files of the log.
    pub segments: u64,
    /// Bytes of the log.
    pub bytes: u64,
    /// What is wrong, the first hundred of it.
    pub findings: Vec<Finding>,
    /// How much is wrong in all.
    pub wrong: u64,
}

/// Something that is wrong with a folder.
#[derive(Debug)]
pub enum Finding {
    /// A file cannot be read as what it is.
    Segment(OpenError),
    /// A profile cannot be read.
    Profile(StoreError),
    /// An event cannot be read.
    Event(StoreError),
    /// The index does not lead to the newest record of an event, or to one that has ended.
    EventAstray {
        /// The event.
        number: EventNumber,
    },
    /// The index does not lead to the newest record of a profile, or to one that is removed.
    Astray {
        /// The profile's database.
        database: DatabaseId,
        /// The profile.
        id: ProfileId,
    },
    /// A search for a key that the profile has does not come upon it.
    KeyMissing {
        /// The profile's database.
        database: DatabaseId,
        /// The profile.
        id: ProfileId,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = "remove the file `index`, which is then made anew";
        match self {
            Self::Segment(error) => error.fmt(f),
            Self::Profile(error) | Self::Event(error) => error.fmt(f),
            Self::EventAstray { number: EventNumber(number) } => {
                write!(f, "event {number}: the index does not lead to its newest record; {remedy}")
            }
            Self::Astray { database, id } => {
                write!(
                    f,
                    "profile {id} of database {}: the index does not lead to its newest record; {remedy}",
                    database.0
                )
            }
            Self::KeyMissing { database, id } => {
                write!(f, "profile {id} of database {}: it is not found by one of its keys; {remedy}", database.0)
            }
        }
    }
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.wrong == 0
    }

    fn found(&mut self, finding: Finding) {
        self.wrong += 1;
        if self.findings.len() < SHOWN {
            self.findings.push(finding);
        }
    }
}

/// Looks at everything in the folder, which no server may have open. An error means that it could not be looked at.
pub fn check(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Report, OpenError> {
    let store = folder::must_be_current(path)?;
    let _lock = folder::lock(path)?;
    let files: Arc<dyn Files> = Arc::new(Folder(path.into()));
    let mut report = Report::default();
    let opened = Log::open(Arc::clone(&files), store).and_then(|log| {
        let (state, _) = State::restore(&log, &*files, &Headway::default())?;
        Ok((log, state))
    });
    match opened {
        Ok((log, state)) => Check { log, state, report: &mut report, progress }.run(),
        Err(error @ (OpenError::Damaged { .. } | OpenError::Profile(_))) => report.found(Finding::Segment(error)),
        Err(error) => return Err(error),
    }
    Ok(report)
}

struct Check<'a> {
    log: Log,
    state: State,
    report: &'a mut Report,
    progress: &'a mut dyn FnMut(Progress),
}

impl Check<'_> {
    /// First the log, which says where the newest record of each profile is, then what the index makes of it.
    fn run(mut self) {
        let segments = self.log.segments().clone();
        let bytes = segments.values().map(|segment| segment.length).sum();
        (self.report.segments, self.report.bytes) = (segments.len() as u64, bytes);
        let mut newest = Newest::default();
        let mut done = 0;
        for (number, segment) in &segments {
            self.segment(*number, segment, &mut newest);
            done += segment.length;
            (self.progress)(Progress { done: done / 2, total: bytes });
        }
        self.events(&newest.events);
        let all = newest.profiles.len().max(1) as u64;
        for ((place, (database, id)), number) in sorted(newest.profiles).into_iter().zip(1..) {
            self.profile(database, id, place);
            if number % 1_000 == 0 || number == all {
                (self.progress)(Progress { done: bytes / 2 + (bytes / 2).saturating_mul(number) / all, total: bytes });
            }
        }
        self.report.outlived = self.state.index.entries().saturating_sub(self.report.keys);
        (self.progress)(Progress { done: bytes, total: bytes });
    }

    fn segment(&mut self, number: u32, segment: &Segment, newest: &mut Newest) {
        let read = frames_of(segment, 0..segment.length, |frame| {
            entries_in(number, frame)?.into_iter().for_each(|entry| newest.take_in(entry));
            Ok(())
        });
        if let Err(error) = read {
            self.report.found(Finding::Segment(error));
        }
    }

    fn events(&mut self, newest: &BTreeMap<EventNumber, Option<Place>>) {
        for (&number, &place) in newest {
            if self.state.index.events.place(number) != place {
                self.report.found(Finding::EventAstray { number });
            } else if let Some(place) = place {
                self.report.events += 1;
                self.state.event_at(place).map_or_else(|error| self.report.found(Finding::Event(error)), drop);
            }
        }
    }

    fn profile(&mut self, database: DatabaseId, id: ProfileId, place: Option<Place>) {
        if place.is_none() && self.state.index.place(database, id).is_none() {
            return; // removed
        }
        self.report.profiles += 1;
        if self.state.index.place(database, id) != place {
            return self.report.found(Finding::Astray { database, id });
        }
        match self.state.profile(database, id) {
            Err(error) => self.report.found(Finding::Profile(error)),
            Ok(None) => self.report.found(Finding::Astray { database, id }),
            Ok(Some(profile)) => {
                let hashes: HashSet<_> = hashes_of(self.state.index.salt, &profile);
                self.report.keys += hashes.len() as u64;
                for _ in hashes.iter().filter(|hash| !self.state.index.leads_to(**hash, database, id)) {
                    self.report.found(Finding::KeyMissing { database, id });
                }
            }
        }
    }
}

/// What the log says last of each profile and event: where it is, or that it is there no longer.
#[derive(Default)]
struct Newest {
    profiles: HashMap<(DatabaseId, ProfileId), Option<Place>>,
    events: BTreeMap<EventNumber, Option<Place>>,
}

impl Newest {
    fn take_in(&mut self, entry: Entry) {
        match entry {
            Entry::Profile { database, id, place } => drop(self.profiles.insert((database, id), Some(place))),
            Entry::Removed { database, id, .. } => drop(self.profiles.insert((database, id), None)),
            Entry::Event { number, place } => drop(self.events.insert(number, Some(place))),
            Entry::Ended { number, .. } => drop(self.events.insert(number, None)),
        }
    }
}

/// In the order of their places, so that the disk is read from its beginning to its end.
fn sorted(newest: HashMap<(DatabaseId, ProfileId), Option<Place>>) -> Vec<(Option<Place>, (DatabaseId, ProfileId))> {
    let mut places: Vec<_> = newest.into_iter().map(|(who, place)| (place, who)).collect();
    places.sort_unstable_by_key(|(place, _)| place.map(|place| (place.segment, place.offset)));
    places
}
