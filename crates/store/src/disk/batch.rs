//! What the jobs of one commit change together, over the state that is kept.

use super::state::{State, those_with_key};
use crate::{
    error::StoreError,
    profiles::{Changed, Profiles},
    transaction::{View, find_by_id},
};
use rollcall_matching::{
    index::ProfileIndex,
    key::{KeySource, LookupKey},
};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
};
use std::{cell::RefCell, collections::HashMap, sync::Arc};

/// The kept state with the changes of the jobs that have run so far.
pub(crate) struct Batch<'a> {
    kept: &'a State,
    /// Profiles as they are kept, as far as anybody has asked: each is read and decoded once a batch.
    read: RefCell<Read>,
    changed: Profiles,
}

type Read = HashMap<(DatabaseId, ProfileId), Option<Arc<Profile>>>;

impl<'a> Batch<'a> {
    pub(crate) fn new(kept: &'a State) -> Self {
        Self { kept, read: RefCell::default(), changed: Profiles::default() }
    }

    /// Takes a job's changes in: all, or none where one of them would change what cannot be read.
    pub(crate) fn take_in(&mut self, puts: Vec<Arc<Profile>>) -> Result<(), StoreError> {
        puts.iter().try_for_each(|profile| self.kept_profile(profile.database, profile.id).map(drop))?;
        puts.into_iter().for_each(|profile| self.changed.put(profile));
        Ok(())
    }

    /// The profiles that are not as they were.
    pub(crate) fn into_changes(self) -> Vec<Changed> {
        let mut read = self.read.into_inner();
        self.changed.changed_since(|after| read.remove(&(after.database, after.id)).flatten())
    }

    fn kept_profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        if let Some(known) = self.read.borrow().get(&(database, id)) {
            return Ok(known.clone());
        }
        let profile = self.kept.profile(database, id)?;
        self.read.borrow_mut().insert((database, id), profile.clone());
        Ok(profile)
    }
}

impl ProfileIndex for Batch<'_> {
    type Error = StoreError;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, StoreError> {
        if key.source == KeySource::ProfileId {
            return find_by_id(self, database, key);
        }
        let is_changed = |id: &ProfileId| self.changed.get(database, *id).is_some();
        let unchanged = self.kept.index.candidates(database, key).filter(|id| !is_changed(id));
        let mut found = those_with_key(self, database, key, count, unchanged)?;
        found.extend(self.changed.holders(database, key, count));
        found.sort_unstable();
        found.truncate(count);
        Ok(found)
    }
}

impl View for Batch<'_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        let changed = self.changed.get(database, id).cloned();
        changed.map_or_else(|| self.kept_profile(database, id), |profile| Ok(Some(profile)))
    }
}
