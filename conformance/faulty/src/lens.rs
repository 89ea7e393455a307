//! A store seen through a lens: look-ups and writes pass it, and may come out changed.
//!
//! Only imports look through it. What `profiles/get` shows is read from the store as it is, so that it stays a witness.

use crate::seam::{Find, Put};
use rollcall_matching::{index::ProfileIndex, key::LookupKey};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
};
use rollcall_store::{
    error::StoreError,
    transaction::{Job, OutboxChange, ReadJob, Store, Transaction, View},
};
use std::sync::Arc;

/// What an import sees and changes of the state before it; unless said otherwise, the state itself.
pub(crate) trait Lens: Send + Sync + 'static {
    /// Who has the key.
    fn find(
        &self,
        state: &dyn Transaction,
        database: DatabaseId,
        key: &LookupKey<'_>,
    ) -> Result<Vec<ProfileId>, StoreError> {
        state.find(database, key)
    }

    /// The profile with this identifier.
    fn profile(
        &self,
        state: &dyn Transaction,
        database: DatabaseId,
        id: ProfileId,
    ) -> Result<Option<Arc<Profile>>, StoreError> {
        state.profile(database, id)
    }

    /// Keeps a profile.
    fn put(&self, state: &mut dyn Transaction, profile: Profile) -> Result<(), StoreError> {
        state.put(profile)
    }

    /// Removes a profile.
    fn remove(&self, state: &mut dyn Transaction, database: DatabaseId, id: ProfileId) -> Result<(), StoreError> {
        state.remove(database, id)
    }
}

/// Changes what is found.
pub(crate) struct Finds(pub(crate) Find);

impl Lens for Finds {
    fn find(
        &self,
        state: &dyn Transaction,
        database: DatabaseId,
        key: &LookupKey<'_>,
    ) -> Result<Vec<ProfileId>, StoreError> {
        (self.0)(state, database, key)
    }
}

/// Changes what is kept.
pub(crate) struct Puts(pub(crate) Put);

impl Lens for Puts {
    fn put(&self, state: &mut dyn Transaction, profile: Profile) -> Result<(), StoreError> {
        let before = state.profile(profile.database, profile.id)?;
        (self.0)(before.as_deref(), profile).map_or(Ok(()), |profile| state.put(profile))
    }
}

/// A store whose jobs see their state through a lens.
pub(crate) struct LensStore {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) lens: Arc<dyn Lens>,
}

impl Store for LensStore {
    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        let lens = Arc::clone(&self.lens);
        self.store.enqueue(job.through(move |state, hand_on| hand_on(&mut Seen { state, lens: &*lens })))
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        self.store.enqueue_read(job)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.store.close()
    }
}

struct Seen<'a> {
    state: &'a mut dyn Transaction,
    lens: &'a dyn Lens,
}

impl ProfileIndex for Seen<'_> {
    type Error = StoreError;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, StoreError> {
        let mut found = self.lens.find(self.state, database, key)?;
        found.truncate(count);
        Ok(found)
    }
}

impl View for Seen<'_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        self.lens.profile(self.state, database, id)
    }
}

impl Transaction for Seen<'_> {
    fn put(&mut self, profile: Profile) -> Result<(), StoreError> {
        self.lens.put(self.state, profile)
    }

    fn remove(&mut self, database: DatabaseId, id: ProfileId) -> Result<(), StoreError> {
        self.lens.remove(self.state, database, id)
    }

    fn change_outbox(&mut self, change: OutboxChange) -> Result<(), StoreError> {
        self.state.change_outbox(change)
    }
}
