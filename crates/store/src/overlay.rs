//! What a piece of work has changed but no store keeps yet, laid over the state it reads. It is kept as a whole or
//! dropped.

use crate::{
    error::StoreError,
    profiles::Profiles,
    transaction::{OutboxChange, Transaction, View, find_by},
};
use rollcall_matching::{
    index::ProfileIndex,
    key::{LookupKey, keys_of},
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
    /// Profiles that the job has removed, and has not put again.
    removed: Vec<(DatabaseId, ProfileId)>,
    outbox: Vec<OutboxChange>,
}

/// What a job has changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Profiles to keep, each once.
    pub(crate) puts: Vec<Arc<Profile>>,
    /// Profiles to remove: others.
    pub(crate) removed: Vec<(DatabaseId, ProfileId)>,
    /// What becomes of events, in this order.
    pub(crate) outbox: Vec<OutboxChange>,
}

impl Changes {
    /// Who is put or removed.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = (DatabaseId, ProfileId)> {
        self.puts.iter().map(|profile| (profile.database, profile.id)).chain(self.removed.iter().copied())
    }
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
        Self { base, puts: Puts::Few(Vec::new()), removed: Vec::new(), outbox: Vec::new() }
    }

    /// What the job has changed.
    pub(crate) fn into_changes(self) -> Changes {
        let puts = match self.puts {
            Puts::Few(puts) => puts,
            Puts::Many(puts) => puts.all().cloned().collect(),
        };
        Changes { puts, removed: self.removed, outbox: self.outbox }
    }

    fn is_removed(&self, database: DatabaseId, id: ProfileId) -> bool {
        self.removed.contains(&(database, id))
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

    fn remove(&mut self, database: DatabaseId, id: ProfileId) {
        match self {
            Self::Few(puts) => puts.retain(|profile| (profile.database, profile.id) != (database, id)),
            Self::Many(puts) => puts.remove(database, id),
        }
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
        find_by(self, database, key, || {
            // Those that were put may have lost the key, so that as many more are asked for.
            let changed = self.puts.count() + self.removed.len();
            let below = self.base.find_oldest(database, key, count.saturating_add(changed))?;
            if changed == 0 {
                return Ok(below);
            }
            let is_changed = |id| self.is_removed(database, id) || self.puts.get(database, id).is_some();
            let mut found = lay_over(below, is_changed, self.puts.holders(database, key, count));
            found.truncate(count);
            Ok(found)
        })
    }
}

impl View for Overlay<'_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        match self.puts.get(database, id) {
            Some(profile) => Ok(Some(Arc::clone(profile))),
            None if self.is_removed(database, id) => Ok(None),
            None => self.base.profile(database, id),
        }
    }
}

impl Transaction for Overlay<'_> {
    fn put(&mut self, profile: Profile) -> Result<(), StoreError> {
        if !self.removed.is_empty() {
            self.removed.retain(|removed| *removed != (profile.database, profile.id));
        }
        self.puts.put(Arc::new(profile));
        Ok(())
    }

    fn remove(&mut self, database: DatabaseId, id: ProfileId) -> Result<(), StoreError> {
        self.puts.remove(database, id);
        if !self.is_removed(database, id) {
            self.removed.push((database, id));
        }
        Ok(())
    }

    fn change_outbox(&mut self, change: OutboxChange) -> Result<(), StoreError> {
        self.outbox.push(change);
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
