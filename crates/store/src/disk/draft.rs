//! A frame in the making, together with what it changes in the index once it is on the disk.

use super::{
    frame::{Frame, Record, Span},
    index::{Change, Hashes},
    log::Appended,
};
use rollcall_model::{database::DatabaseId, event::EventNumber, profile::ProfileId};

/// A frame, and the changes that its records stand for. Their places are in the frame.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) frame: Frame,
    changes: Vec<Change>,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self { frame: Frame::new(), changes: Vec::new() }
    }

    /// The profile is as it is here. `hashes` says how the hashes of its keys change.
    pub(crate) fn put(&mut self, database: DatabaseId, id: ProfileId, body: &[u8], hashes: Hashes) {
        let place = self.frame.push(Record::Profile { database, id, body });
        self.changes.push(Change::Put { database, id, place, hashes });
    }

    /// The profile is removed, and was not written of after the segment `last`.
    pub(crate) fn remove(&mut self, database: DatabaseId, id: ProfileId, last: u32, hashes: Hashes) {
        let place = self.frame.push(Record::Removed { database, id, last });
        self.changes.push(Change::Removed { database, id, place, hashes });
    }

    /// That the profile is removed need not be said any more.
    pub(crate) fn forget(&mut self, database: DatabaseId, id: ProfileId) {
        self.changes.push(Change::Forgotten { database, id });
    }

    /// The event is as it is here.
    pub(crate) fn event(&mut self, number: EventNumber, body: &[u8]) {
        let place = self.frame.push(Record::Event { number, body });
        self.changes.push(Change::Event { number, place });
    }

    /// The event has ended, and was written of in these segments.
    pub(crate) fn end(&mut self, number: EventNumber, written: Span) {
        let place = self.frame.push(Record::Ended { number, written });
        self.changes.push(Change::Ended { number, place });
    }

    /// What is changed, now that the frame is in the log.
    pub(crate) fn into_changes(self, appended: Appended) -> impl Iterator<Item = Change> {
        self.changes.into_iter().map(move |change| change.moved(|place| appended.place(place)))
    }
}
