//! What a piece of work has put but no store keeps yet, laid over the state it reads. It is kept as a whole or dropped.

use crate::{
    error::StoreError,
    profiles::Profiles,
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

/// The transaction of one job.
pub(crate) struct Overlay<'a> {
    base: &'a dyn View,
    puts: Puts,
}

/// What a job has put, each profile once. Nearly every job puts a profile or two, so that looking through them beats an
/// index of them; one that loads a file puts hundreds.
enum Puts {
    Few(Vec<Arc<Profile>>),
    Many(Box<Profiles>),
}

const FEW: usize = 8;

impl<'a> Overlay<'a> {
    pub(crate) fn new(base: &'a dyn View) -> Self {
        Self { base, puts: Puts::Few(Vec::new()) }
    }

    /// What the job has put, each profile once.
    pub(crate) fn into_puts(self) -> Vec<Arc<Profile>> {
        match self.puts {
            Puts::Few(puts) => puts,
            Puts::Many(puts) => puts.all().cloned().collect(),
        }
    }
}

impl Puts {
    fn count(&self) -> usize {
        match self {
            Self::Few(puts) => puts.len(),
            Self::Many(puts) => puts.all().len(),
        }
    }

    fn get(&self, database: DatabaseId, id: ProfileId) -> Option<&Arc<Profile>> {
        match self {
            Self::Few(puts) => puts.iter().find(|profile| (profile.database, profile.id) == (database, id)),
            Self::Many(puts) => puts.get(database, id),
        }
    }

    fn holders(&self, database: DatabaseId, key: &LookupKey<'_>, count: usize) -> Vec<ProfileId> {
        let puts = match self {
            Self::Few(puts) => puts,
            Self::Many(puts) => return puts.holders(database, key, count),
        };
        let has_key = |profile: &Profile| keys_of(profile).iter().any(|has| has.is_found_by(key));
        let of_database = puts.iter().filter(|profile| profile.database == database);
        of_database.filter(|profile| has_key(profile)).map(|profile| profile.id).collect()
    }

    fn put(&mut self, profile: Arc<Profile>) {
        match self {
            Self::Many(puts) => puts.put(profile),
            Self::Few(puts) => {
                let known = puts.iter().position(|known| (known.database, known.id) == (profile.database, profile.id));
                match known {
                    Some(place) => puts[place] = profile,
                    None => puts.push(profile),
                }
                if puts.len() > FEW {
                    let mut many = Profiles::default();
                    puts.drain(..).for_each(|profile| many.put(profile));
                    *self = Self::Many(many.into());
                }
            }
        }
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
        let put = self.puts.count();
        let below = self.base.find_oldest(database, key, count.saturating_add(put))?;
        if put == 0 {
            return Ok(below);
        }
        let is_changed = |id| self.puts.get(database, id).is_some();
        let mut found = lay_over(below, is_changed, self.puts.holders(database, key, count));
        found.truncate(count);
        Ok(found)
    }
}

impl View for Overlay<'_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        match self.puts.get(database, id) {
            Some(profile) => Ok(Some(Arc::clone(profile))),
            None => self.base.profile(database, id),
        }
    }
}

impl Transaction for Overlay<'_> {
    fn put(&mut self, profile: Profile) -> Result<(), StoreError> {
        self.puts.put(Arc::new(profile));
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
