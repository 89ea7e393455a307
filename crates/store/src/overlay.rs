//! What a piece of work has put but no store keeps yet, laid over the state it reads. It is kept as a whole or dropped.

use crate::{
    error::StoreError,
    transaction::{Transaction, View, find_by_id},
};
use rollcall_matching::{
    index::ProfileIndex,
    key::{KeySource, LookupKey, keys_of},
};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
};
use std::sync::Arc;

/// The transaction of one job. A job puts a profile or two, so that looking through them beats an index of them.
pub(crate) struct Overlay<'a> {
    base: &'a dyn View,
    puts: Vec<Arc<Profile>>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(base: &'a dyn View) -> Self {
        Self { base, puts: Vec::new() }
    }

    /// What the job has put, each profile once.
    pub(crate) fn into_puts(self) -> Vec<Arc<Profile>> {
        self.puts
    }

    fn place(&self, database: DatabaseId, id: ProfileId) -> Option<usize> {
        self.puts.iter().position(|profile| (profile.database, profile.id) == (database, id))
    }

    fn find_in_puts(&self, database: DatabaseId, key: &LookupKey<'_>) -> impl Iterator<Item = ProfileId> {
        let of_database = self.puts.iter().filter(move |profile| profile.database == database);
        of_database.filter(|profile| keys_of(profile).iter().any(|has| has.is_found_by(key))).map(|profile| profile.id)
    }
}

impl ProfileIndex for Overlay<'_> {
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
        // Those that were put may have lost the key, so that as many more are asked for.
        let below = self.base.find_oldest(database, key, count.saturating_add(self.puts.len()))?;
        if self.puts.is_empty() {
            return Ok(below);
        }
        let is_changed = |id| self.place(database, id).is_some();
        let mut found = lay_over(below, is_changed, self.find_in_puts(database, key));
        found.truncate(count);
        Ok(found)
    }
}

impl View for Overlay<'_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        match self.place(database, id) {
            Some(place) => Ok(Some(Arc::clone(&self.puts[place]))),
            None => self.base.profile(database, id),
        }
    }
}

impl Transaction for Overlay<'_> {
    fn put(&mut self, profile: Profile) -> Result<(), StoreError> {
        match self.place(profile.database, profile.id) {
            Some(place) => self.puts[place] = Arc::new(profile),
            None => self.puts.push(Arc::new(profile)),
        }
        Ok(())
    }
}

/// The profiles a search finds in two layers: what the upper one has changed counts by what it found there.
pub(crate) fn lay_over(
    mut below: Vec<ProfileId>,
    is_changed: impl Fn(ProfileId) -> bool,
    above: impl IntoIterator<Item = ProfileId>,
) -> Vec<ProfileId> {
    below.retain(|id| !is_changed(*id));
    below.extend(above);
    below.sort_unstable();
    below
}
