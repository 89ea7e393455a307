//! The store that forgets: maps behind one lock, and no thread of its own.

use crate::{
    error::StoreError,
    overlay::Overlay,
    profiles::Profiles,
    transaction::{Job, ReadJob, Snapshot, Store, View, find_by_id},
};
use rollcall_matching::{
    index::ProfileIndex,
    key::{KeySource, LookupKey},
};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps profiles as long as it lives. A job runs on the thread that hands it over, so that nobody waits in a queue.
#[derive(Debug, Default)]
pub struct MemoryStore {
    /// `None` once closed.
    profiles: Mutex<Option<Profiles>>,
}

impl MemoryStore {
    /// A store without profiles.
    pub fn new() -> Self {
        Self { profiles: Mutex::new(Some(Profiles::default())) }
    }

    /// Work that panics does so over its overlay, so that the maps behind a poisoned lock are whole.
    fn lock(&self) -> MutexGuard<'_, Option<Profiles>> {
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn enqueue(&self, mut job: Job) -> Result<(), StoreError> {
        let mut lock = self.lock();
        let profiles = lock.as_mut().ok_or(StoreError::Closed)?;
        let mut overlay = Overlay::new(&*profiles);
        if job.run(&mut overlay) {
            overlay.into_puts().into_iter().for_each(|profile| profiles.put(profile));
        }
        drop(lock); // before the answer wakes somebody
        job.settle(Ok(()));
        Ok(())
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        let lock = self.lock();
        job.finish(lock.as_ref().ok_or(StoreError::Closed)?);
        Ok(())
    }

    fn close(&self) -> Result<(), StoreError> {
        self.lock().take();
        Ok(())
    }
}

impl ProfileIndex for Profiles {
    type Error = StoreError;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, StoreError> {
        match key.source {
            KeySource::ProfileId => find_by_id(self, database, key),
            _ => Ok(self.holders(database, key, count)),
        }
    }
}

impl View for Profiles {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        Ok(self.get(database, id).cloned())
    }
}

impl Snapshot for Profiles {
    fn profiles_after(
        &self,
        database: DatabaseId,
        after: Option<ProfileId>,
        count: usize,
    ) -> Result<Vec<Arc<Profile>>, StoreError> {
        Ok(self.after(database, after).take(count).cloned().collect())
    }
}
