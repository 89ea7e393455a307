//! What the jobs of one transaction change together, over what is known of the database.

use super::state::State;
use crate::{
    error::StoreError,
    layer::{Difference, Layer},
    overlay::{Changes, lay_over},
    transaction::{View, find_by},
};
use rollcall_matching::{index::ProfileIndex, key::LookupKey};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
};
use std::sync::Arc;

/// The state in the database with the changes of the jobs that have run so far.
pub(super) struct Batch<'a, 'c> {
    kept: &'a State<'c>,
    changed: Layer,
    /// Whether a profile that is put without having been looked for is looked for. It nearly always is a new one; where
    /// it is not, the database says so when it is inserted, and the second try looks first.
    looks_first: bool,
}

impl<'a, 'c> Batch<'a, 'c> {
    pub(super) fn new(kept: &'a State<'c>, looks_first: bool) -> Self {
        Self { kept, changed: Layer::default(), looks_first }
    }

    /// Takes a job's changes in: all, or none where one of them would change what cannot be read.
    pub(super) fn take_in(&mut self, changes: Changes) -> Result<(), StoreError> {
        changes.removed.iter().try_for_each(|&(database, id)| self.kept.profile(database, id).map(drop))?;
        changes.puts.iter().try_for_each(|profile| self.before(profile.database, profile.id).map(drop))?;
        self.changed.take_in(changes);
        Ok(())
    }

    /// What is not as it was.
    pub(super) fn into_difference(self) -> Difference {
        let Self { kept, changed, looks_first } = self;
        let batch = Batch::new(kept, looks_first);
        // What has been taken in can be read.
        changed.into_difference(|database, id| batch.before(database, id).ok().flatten())
    }

    fn before(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        match self.looks_first || self.kept.knows_profile((database, id)) {
            true => self.kept.profile(database, id),
            false => Ok(None),
        }
    }
}

impl ProfileIndex for Batch<'_, '_> {
    type Error = StoreError;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, StoreError> {
        find_by(self, database, key, || {
            // Those that have changed may have lost the key, so that as many more are asked for.
            let below = self.kept.find_oldest(database, key, count.saturating_add(self.changed.count()))?;
            let above = self.changed.holders(database, key, usize::MAX);
            let mut found = lay_over(below, |id| self.changed.covers(database, id), above);
            found.truncate(count);
            Ok(found)
        })
    }
}

impl View for Batch<'_, '_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        match self.changed.profile(database, id) {
            Some(changed) => Ok(changed.cloned()),
            None => self.kept.profile(database, id),
        }
    }
}
