//! What the jobs of one commit change together, over the state that is kept.

use super::state::{State, those_with_key};
use crate::{
    error::StoreError,
    layer::{Difference, Layer},
    overlay::Changes,
    transaction::{View, find_by},
};
use rollcall_matching::{index::ProfileIndex, key::LookupKey};
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
    changed: Layer,
}

type Read = HashMap<(DatabaseId, ProfileId), Option<Arc<Profile>>>;

impl<'a> Batch<'a> {
    pub(crate) fn new(kept: &'a State) -> Self {
        Self { kept, read: RefCell::default(), changed: Layer::default() }
    }

    /// Takes a job's changes in: all, or none where one of them would change what cannot be read.
    pub(crate) fn take_in(&mut self, changes: Changes) -> Result<(), StoreError> {
        changes.profiles().try_for_each(|(database, id)| self.kept_profile(database, id).map(drop))?;
        self.changed.take_in(changes);
        Ok(())
    }

    /// What is not as it was.
    pub(crate) fn into_difference(self) -> Difference {
        let mut read = self.read.into_inner();
        let mut difference = self.changed.into_difference(|database, id| read.remove(&(database, id)).flatten());
        difference.outbox.others.retain(|number, _| self.kept.index.events.place(*number).is_some());
        difference
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
        find_by(self, database, key, || {
            let unchanged = self.kept.index.candidates(database, key).filter(|id| !self.changed.covers(database, *id));
            let mut found = those_with_key(self, database, key, count, unchanged)?;
            found.extend(self.changed.holders(database, key, count));
            found.sort_unstable();
            found.truncate(count);
            Ok(found)
        })
    }
}

impl View for Batch<'_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        match self.changed.profile(database, id) {
            Some(changed) => Ok(changed.cloned()),
            None => self.kept_profile(database, id),
        }
    }
}
