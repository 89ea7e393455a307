//! What the jobs of one transaction change together, over what is known of the database.

use super::state::State;
use crate::{
    error::StoreError,
    overlay::lay_over,
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
use std::sync::Arc;

/// The state in the database with the changes of the jobs that have run so far.
pub(super) struct Batch<'a, 'c> {
    kept: &'a State<'c>,
    changed: Profiles,
    /// Whether a profile that is put without having been looked for is looked for. It nearly always is a new one; where
    /// it is not, the database says so when it is inserted, and the second try looks first.
    looks_first: bool,
}

impl<'a, 'c> Batch<'a, 'c> {
    pub(super) fn new(kept: &'a State<'c>, looks_first: bool) -> Self {
        Self { kept, changed: Profiles::default(), looks_first }
    }

    /// Takes a job's changes in: all, or none where one of them would change what cannot be read.
    pub(super) fn take_in(&mut self, puts: Vec<Arc<Profile>>) -> Result<(), StoreError> {
        puts.iter().try_for_each(|profile| self.before(profile).map(drop))?;
        puts.into_iter().for_each(|profile| self.changed.put(profile));
        Ok(())
    }

    /// The profiles that are not as they were.
    pub(super) fn into_changes(self) -> Vec<Changed> {
        // What has been taken in can be read.
        self.changed.changed_since(|after| self.before(after).ok().flatten())
    }

    fn before(&self, profile: &Profile) -> Result<Option<Arc<Profile>>, StoreError> {
        let place = (profile.database, profile.id);
        match self.looks_first || self.kept.knows_profile(place) {
            true => self.kept.profile(profile.database, profile.id),
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
        if key.source == KeySource::ProfileId {
            return find_by_id(self, database, key);
        }
        // Those that have changed may have lost the key, so that as many more are asked for.
        let below = self.kept.find_oldest(database, key, count.saturating_add(self.changed.all().len()))?;
        let is_changed = |id| self.changed.get(database, id).is_some();
        let mut found = lay_over(below, is_changed, self.changed.holders(database, key, usize::MAX));
        found.truncate(count);
        Ok(found)
    }
}

impl View for Batch<'_, '_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        let changed = self.changed.get(database, id).cloned();
        changed.map_or_else(|| self.kept.profile(database, id), |profile| Ok(Some(profile)))
    }
}
