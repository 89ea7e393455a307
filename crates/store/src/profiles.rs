//! Profiles and the index of their keys, as maps. The memory store is one of these; the other stores have one for what a
//! batch changes.

use crate::key_place::key_place;
use rollcall_matching::key::{LookupKey, keys_of};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
    resource::ResourceId,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Bound,
    sync::Arc,
};

/// Profiles, each found by its identifier and by its keys.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    by_id: BTreeMap<(DatabaseId, ProfileId), Arc<Profile>>,
    by_key: HashMap<Box<[u8]>, Holders>,
}

/// What becomes of a profile.
#[derive(Debug)]
pub(crate) enum Changed {
    /// It was not there.
    New(Arc<Profile>),
    /// It is another one than it was.
    Replaced {
        /// What it was.
        before: Arc<Profile>,
        /// What it is to be.
        after: Arc<Profile>,
    },
    /// It is there no longer.
    Removed(Arc<Profile>),
}

impl Changed {
    /// What leads from one to the other, unless they are the same.
    pub(crate) fn between(before: Option<Arc<Profile>>, after: Option<Arc<Profile>>) -> Option<Self> {
        match (before, after) {
            (None, None) => None,
            (None, Some(after)) => Some(Self::New(after)),
            (Some(before), Some(after)) => (before != after).then_some(Self::Replaced { before, after }),
            (Some(before), None) => Some(Self::Removed(before)),
        }
    }

    pub(crate) fn before(&self) -> Option<&Profile> {
        match self {
            Self::New(_) => None,
            Self::Replaced { before, .. } | Self::Removed(before) => Some(before),
        }
    }

    pub(crate) fn after(&self) -> Option<&Profile> {
        match self {
            Self::New(after) | Self::Replaced { after, .. } => Some(after),
            Self::Removed(_) => None,
        }
    }
}

/// A profile that has a key, and the resource of the subscription it has it from.
type Holder = (ProfileId, Option<ResourceId>);

/// Who has a key: nearly always one.
#[derive(Debug)]
enum Holders {
    One(Holder),
    Many(BTreeSet<Holder>),
}

impl Profiles {
    pub(crate) fn get(&self, database: DatabaseId, id: ProfileId) -> Option<&Arc<Profile>> {
        self.by_id.get(&(database, id))
    }

    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = &Arc<Profile>> {
        self.by_id.values()
    }

    /// The database's profiles that are younger than `after`, oldest first.
    pub(crate) fn after(&self, database: DatabaseId, after: Option<ProfileId>) -> impl Iterator<Item = &Arc<Profile>> {
        let begin = match after {
            Some(id) => Bound::Excluded((database, id)),
            None => Bound::Included((database, ProfileId([0; 12]))),
        };
        let end = Bound::Included((database, ProfileId([u8::MAX; 12])));
        self.by_id.range((begin, end)).map(|(_, profile)| profile)
    }

    /// The profiles that have the key, oldest first, each once, but no more than `count` of them.
    pub(crate) fn holders(&self, database: DatabaseId, key: &LookupKey<'_>, count: usize) -> Vec<ProfileId> {
        match self.by_key.get(&*key_place(database, key)) {
            Some(holders) => holders.at(key.resource, count),
            None => Vec::new(),
        }
    }

    /// Takes the profile in, in place of the one with its identifier, and keeps the index in step.
    pub(crate) fn put(&mut self, profile: Arc<Profile>) {
        let (database, id) = (profile.database, profile.id);
        let before = self.by_id.insert((database, id), Arc::clone(&profile));
        let changes = KeyChanges::between(before.as_deref(), Some(&profile));
        for key in changes.removed {
            self.remove_key(key_place(database, &key), (id, key.resource));
        }
        for key in changes.added {
            self.add_key(key_place(database, &key), (id, key.resource));
        }
    }

    /// Takes the profile out, if it is there, and its keys with it.
    pub(crate) fn remove(&mut self, database: DatabaseId, id: ProfileId) {
        let before = self.by_id.remove(&(database, id));
        for key in KeyChanges::between(before.as_deref(), None).removed {
            self.remove_key(key_place(database, &key), (id, key.resource));
        }
    }

    fn add_key(&mut self, place: Vec<u8>, holder: Holder) {
        self.by_key.entry(place.into()).and_modify(|holders| holders.add(holder)).or_insert(Holders::One(holder));
    }

    fn remove_key(&mut self, place: Vec<u8>, holder: Holder) {
        if self.by_key.get_mut(&*place).is_some_and(|holders| holders.remove(holder)) {
            self.by_key.remove(&*place);
        }
    }
}

impl Holders {
    fn add(&mut self, holder: Holder) {
        match self {
            Self::One(known) if *known == holder => {}
            Self::One(known) => *self = Self::Many(BTreeSet::from([*known, holder])),
            Self::Many(known) => {
                known.insert(holder);
            }
        }
    }

    /// Takes a holder out, and says whether none is left.
    fn remove(&mut self, holder: Holder) -> bool {
        match self {
            Self::One(known) => *known == holder,
            Self::Many(known) => {
                known.remove(&holder);
                known.is_empty()
            }
        }
    }

    fn at(&self, resource: Option<ResourceId>, count: usize) -> Vec<ProfileId> {
        let is_meant = |holder: &Holder| resource.is_none() || holder.1 == resource;
        match self {
            Self::One(holder) => Some(holder.0).filter(|_| is_meant(holder)).into_iter().collect(),
            Self::Many(holders) => {
                let mut ids = Vec::new();
                for holder in holders.iter().filter(|holder| is_meant(holder)) {
                    // A profile's holders lie side by side.
                    if ids.last() != Some(&holder.0) {
                        if ids.len() == count {
                            break;
                        }
                        ids.push(holder.0);
                    }
                }
                ids
            }
        }
    }
}

/// The keys that a change of a profile takes from it, and those that it gives to it.
#[derive(Debug, Default)]
pub(crate) struct KeyChanges<'a> {
    pub(crate) removed: Vec<LookupKey<'a>>,
    pub(crate) added: Vec<LookupKey<'a>>,
}

impl<'a> KeyChanges<'a> {
    /// A profile may have one key twice, from two subscriptions: it keeps it until the last of them is gone.
    pub(crate) fn between(before: Option<&'a Profile>, after: Option<&'a Profile>) -> Self {
        let mut removed = before.map(keys_of).unwrap_or_default();
        let mut added = after.map(keys_of).unwrap_or_default();
        if removed == added {
            return Self::default(); // most imports change no key
        }
        if removed.is_empty() || added.is_empty() {
            return Self { removed, added };
        }
        let had: HashSet<_> = removed.iter().cloned().collect();
        let has: HashSet<_> = added.iter().cloned().collect();
        removed.retain(|key| !has.contains(key));
        added.retain(|key| !had.contains(key));
        Self { removed, added }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Holder = (ProfileId([1; 12]), Some(ResourceId(1)));
    const ELSEWHERE: Holder = (ProfileId([1; 12]), Some(ResourceId(2)));
    const B: Holder = (ProfileId([2; 12]), Some(ResourceId(1)));

    #[test]
    fn holders_come_oldest_first_and_each_once() {
        let mut holders = Holders::One(B);
        [ELSEWHERE, A, B].into_iter().for_each(|holder| holders.add(holder));
        assert_eq!(holders.at(None, 9), [A.0, B.0]);
        assert_eq!(holders.at(None, 1), [A.0]);
        assert_eq!(holders.at(Some(ResourceId(2)), 9), [A.0]);
        assert_eq!(holders.at(Some(ResourceId(3)), 9), []);
    }

    #[test]
    fn the_last_holder_takes_the_key_along() {
        let mut holders = Holders::One(A);
        assert!(!holders.remove(B));
        holders.add(B);
        assert!(!holders.remove(A));
        assert!(holders.remove(B));
    }

    #[test]
    fn a_map_forgets_the_keys_that_nobody_has() {
        let mut profiles = Profiles::default();
        let mut profile = Profile::new(A.0, DatabaseId(1));
        profile.fields.set("code".into(), rollcall_model::field::FieldValue::Int(1));
        profiles.put(Arc::new(profile.clone()));
        assert_eq!(profiles.by_key.len(), 1);
        profile.fields.remove("code");
        profiles.put(Arc::new(profile));
        assert_eq!(profiles.by_key.len(), 0);
    }
}
