//! The store that forgets: maps behind one lock, and no thread of its own.

use crate::{
    error::StoreError,
    figures::Figures,
    outbox::Outbox,
    overlay::{Changes, Overlay},
    profiles::Profiles,
    transaction::{Job, NumberedEvent, ReadJob, Snapshot, Store, View, find_by},
};
use rollcall_matching::{index::ProfileIndex, key::LookupKey};
use rollcall_model::{
    database::DatabaseId,
    event::{Event, EventNumber},
    profile::{Profile, ProfileId},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps profiles as long as it lives. A job runs on the thread that hands it over, so that nobody waits in a queue.
#[derive(Debug, Default)]
pub struct MemoryStore {
    /// `None` once closed.
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    profiles: Profiles,
    outbox: Outbox,
    /// How many jobs have been done.
    jobs: u64,
}

impl MemoryStore {
    /// A store without profiles.
    pub fn new() -> Self {
        Self { kept: Mutex::new(Some(Kept::default())) }
    }

    /// Work that panics does so over its overlay, so that the maps behind a poisoned lock are whole.
    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn enqueue(&self, mut job: Job) -> Result<(), StoreError> {
        let mut lock = self.lock();
        let kept = lock.as_mut().ok_or(StoreError::Closed)?;
        let mut overlay = Overlay::new(&*kept);
        if job.run(&mut overlay) {
            let changes = overlay.into_changes();
            kept.take_in(changes);
        }
        kept.jobs += 1;
        drop(lock); // before the answer wakes somebody
        job.settle(Ok(()));
        Ok(())
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        let lock = self.lock();
        job.finish(lock.as_ref().ok_or(StoreError::Closed)?);
        Ok(())
    }

    fn figures(&self) -> Figures {
        let lock = self.lock();
        let Some(Kept { profiles, outbox, jobs }) = &*lock else { return Figures::default() };
        let (profiles, events) = (profiles.all().len() as u64, outbox.length() as u64);
        Figures { jobs: Some(*jobs), profiles: Some(profiles), events: Some(events), ..Figures::default() }
    }

    fn close(&self) -> Result<(), StoreError> {
        self.lock().take();
        Ok(())
    }
}

impl Kept {
    fn take_in(&mut self, changes: Changes) {
        changes.puts.into_iter().for_each(|profile| self.profiles.put(profile));
        changes.removed.into_iter().for_each(|(database, id)| self.profiles.remove(database, id));
        changes.outbox.into_iter().for_each(|change| self.outbox.apply(change));
    }
}

impl ProfileIndex for Kept {
    type Error = StoreError;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, StoreError> {
        find_by(self, database, key, || Ok(self.profiles.holders(database, key, count)))
    }
}

impl View for Kept {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        Ok(self.profiles.get(database, id).cloned())
    }
}

impl Snapshot for Kept {
    fn profiles_after(
        &self,
        database: DatabaseId,
        after: Option<ProfileId>,
        count: usize,
    ) -> Result<Vec<Arc<Profile>>, StoreError> {
        Ok(self.profiles.after(database, after).take(count).cloned().collect())
    }

    fn event(&self, number: EventNumber) -> Result<Option<Arc<Event>>, StoreError> {
        Ok(self.outbox.get(number).cloned())
    }

    fn events_after(&self, after: Option<EventNumber>, count: usize) -> Result<Vec<NumberedEvent>, StoreError> {
        Ok(self.outbox.after(after).take(count).collect())
    }
}
