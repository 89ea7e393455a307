//! What the jobs of one commit have changed together, over the state that is kept. Each store on a disk or in a database
//! has one for a batch.

use crate::{
    outbox::OutboxChanges,
    overlay::Changes,
    profiles::{Changed, Profiles},
};
use rollcall_matching::key::LookupKey;
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
};
use std::{collections::BTreeSet, sync::Arc};

/// The changes of the jobs that have run so far.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    profiles: Profiles,
    /// Profiles that have been removed, and not put again.
    removed: BTreeSet<(DatabaseId, ProfileId)>,
    outbox: OutboxChanges,
}

/// What is to be kept: what is not as it was.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) profiles: Vec<Changed>,
    pub(crate) outbox: OutboxChanges,
}

impl Difference {
    pub(crate) fn is_empty(&self) -> bool {
        self.profiles.is_empty() && self.outbox.is_empty()
    }
}

impl Layer {
    /// Takes in what a job has changed.
    pub(crate) fn take_in(&mut self, changes: Changes) {
        let Changes { puts, removed, outbox } = changes;
        for profile in puts {
            self.removed.remove(&(profile.database, profile.id));
            self.profiles.put(profile);
        }
        for (database, id) in removed {
            self.profiles.remove(database, id);
            self.removed.insert((database, id));
        }
        outbox.into_iter().for_each(|change| self.outbox.take_in(change));
    }

    /// How many profiles are not as they are kept, perhaps.
    #[cfg(feature = "postgres")]
    pub(crate) fn count(&self) -> usize {
        self.profiles.all().len() + self.removed.len()
    }

    /// The profile as it is here, if it is not as it is kept.
    pub(crate) fn profile(&self, database: DatabaseId, id: ProfileId) -> Option<Option<&Arc<Profile>>> {
        match self.profiles.get(database, id) {
            Some(profile) => Some(Some(profile)),
            None => self.removed.contains(&(database, id)).then_some(None),
        }
    }

    /// Whether what is kept of the profile no longer counts.
    pub(crate) fn covers(&self, database: DatabaseId, id: ProfileId) -> bool {
        self.profile(database, id).is_some()
    }

    /// The profiles here that have the key.
    pub(crate) fn holders(&self, database: DatabaseId, key: &LookupKey<'_>, count: usize) -> Vec<ProfileId> {
        self.profiles.holders(database, key, count)
    }

    /// What is not as it was `before`.
    pub(crate) fn into_difference(
        self,
        mut before: impl FnMut(DatabaseId, ProfileId) -> Option<Arc<Profile>>,
    ) -> Difference {
        let put = self.profiles.all().map(|after| (after.database, after.id, Some(after)));
        let removed = self.removed.iter().map(|&(database, id)| (database, id, None));
        let changed = |(database, id, after): (_, _, Option<&Arc<Profile>>)| {
            Changed::between(before(database, id), after.cloned())
        };
        let profiles = put.chain(removed).filter_map(changed).collect();
        Difference { profiles, outbox: self.outbox }
    }
}
