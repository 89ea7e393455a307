//! Which profile is where in the log, and which profiles may have a key: in memory, since a log cannot be searched. And
//! where the events are (`events`).
//!
//! Of a key only a hash is kept, in 8 bytes a key. Whoever searches looks at the profiles themselves, so that two keys
//! of one hash, or an entry that has outlived its key, cost a look and never a wrong answer. What must hold is the
//! other direction: no key of a profile is missing.

use super::{events::Events, frame::Place};
use crate::key_place::key_place;
use hashbrown::HashTable;
use rollcall_matching::key::{LookupKey, keys_of};
use rollcall_model::{
    database::DatabaseId,
    event::EventNumber,
    profile::{Profile, ProfileId},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Bound,
};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How many tables the keys are spread over: each is small, so that the time in which one grows or is written down
/// keeps nobody waiting. A power of two.
pub(crate) const SHARDS: usize = 256;

/// How many slots lie in one piece, for the same reason.
pub(crate) const SLOTS_TOGETHER: usize = 1 << 16;

/// A profile's number in the index. It keeps it as long as the index lives, and nobody else ever has it.
pub(crate) type SlotNumber = u32;

/// Everything that is found.
#[derive(Debug)]
pub(crate) struct Index {
    /// Makes hashes of this folder unlike those of others, so that nobody can prepare keys of one hash: its number.
    pub(crate) salt: u64,
    slots: Slots,
    /// Profiles, and those that are removed as long as the log has to say so.
    by_id: BTreeMap<(DatabaseId, ProfileId), SlotNumber>,
    /// How many of these are removed.
    removed: usize,
    shards: Vec<Shard>,
    pub(crate) events: Events,
}

/// A profile: who it is, and where. Or one that is removed, and where that is said: as long as older records of it can be
/// read, since one that is put again is a matter of them, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) database: DatabaseId,
    pub(crate) id: ProfileId,
    /// Where its record is.
    pub(crate) place: Place,
    /// No older segment that counts holds a record of it.
    pub(crate) first: u32,
}

/// Where nothing is: in a slot whose profile is removed and forgotten. Its number is not given out again, since keys that
/// were written down meanwhile may lead to it; the next start leaves it out.
const NOWHERE: Place = Place { segment: 0, offset: 0, length: 0 };

impl Slot {
    /// Whether there is a profile. A record that says that it is removed has no body, and any other has one.
    pub(crate) fn is_profile(&self) -> bool {
        self.place.length > 0
    }

    /// Whether nothing is known of whom it was for.
    pub(crate) fn is_vacant(&self) -> bool {
        self.place == NOWHERE
    }
}

/// What a write changes in the index.
#[derive(Debug)]
pub(crate) enum Change {
    /// A profile is here now.
    Put { database: DatabaseId, id: ProfileId, place: Place, hashes: Hashes },
    /// A profile is removed, as is said here.
    Removed { database: DatabaseId, id: ProfileId, place: Place, hashes: Hashes },
    /// Of a profile that is removed nothing can be read any more.
    Forgotten { database: DatabaseId, id: ProfileId },
    /// An event is here now.
    Event { number: EventNumber, place: Place },
    /// An event has ended, as is said here.
    Ended { number: EventNumber, place: Place },
}

/// Hashes of keys that a profile has no longer, and of those that it has now.
#[derive(Debug, Default)]
pub(crate) struct Hashes {
    pub(crate) removed: Vec<u64>,
    pub(crate) added: Vec<u64>,
}

impl Change {
    /// Where it is written.
    pub(crate) fn place(&self) -> Option<Place> {
        match self {
            Self::Put { place, .. } | Self::Removed { place, .. } => Some(*place),
            Self::Event { place, .. } | Self::Ended { place, .. } => Some(*place),
            Self::Forgotten { .. } => None,
        }
    }

    /// The same, written elsewhere.
    pub(crate) fn moved(mut self, to: impl FnOnce(Place) -> Place) -> Self {
        match &mut self {
            Self::Put { place, .. } | Self::Removed { place, .. } => *place = to(*place),
            Self::Event { place, .. } | Self::Ended { place, .. } => *place = to(*place),
            Self::Forgotten { .. } => {}
        }
        self
    }
}

impl Index {
    pub(crate) fn new(salt: u64) -> Self {
        let shards = std::iter::repeat_with(Shard::default).take(SHARDS).collect();
        Self { salt, slots: Slots::default(), by_id: BTreeMap::new(), removed: 0, shards, events: Events::default() }
    }

    /// An index of what a checkpoint says.
    pub(crate) fn restored(salt: u64, slots: Slots, shards: Vec<Shard>, events: Events) -> Self {
        let by_id = slots.iter().zip(0..).map(|(slot, number)| ((slot.database, slot.id), number)).collect();
        let removed = slots.iter().filter(|slot| !slot.is_profile()).count();
        Self { salt, slots, by_id, removed, shards, events }
    }

    /// How many profiles there are.
    pub(crate) fn profiles(&self) -> usize {
        self.by_id.len() - self.removed
    }

    /// Places of everything that counts in the log.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        let slots = self.slots.iter().filter(|slot| !slot.is_vacant()).map(|slot| slot.place);
        slots.chain(self.events.places().values().map(|event| event.place))
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// Where the profile is.
    pub(crate) fn place(&self, database: DatabaseId, id: ProfileId) -> Option<Place> {
        self.slot(database, id).filter(|slot| slot.is_profile()).map(|slot| slot.place)
    }

    /// What is known of the profile, which may be removed.
    pub(crate) fn slot(&self, database: DatabaseId, id: ProfileId) -> Option<&Slot> {
        self.by_id.get(&(database, id)).map(|number| self.slots.get(*number))
    }

    /// The greatest identifier of all databases.
    pub(crate) fn youngest(&self) -> Option<ProfileId> {
        let mut youngest = None;
        let mut last = self.by_id.last_key_value();
        while let Some(((database, id), _)) = last {
            youngest = youngest.max(Some(*id));
            last = self.by_id.range(..(*database, ProfileId([0; 12]))).next_back();
        }
        youngest
    }

    /// The database's profiles that are younger than `after`, oldest first.
    pub(crate) fn after(&self, database: DatabaseId, after: Option<ProfileId>) -> impl Iterator<Item = Slot> {
        let begin = match after {
            Some(id) => Bound::Excluded((database, id)),
            None => Bound::Included((database, ProfileId([0; 12]))),
        };
        let end = Bound::Included((database, ProfileId([u8::MAX; 12])));
        self.by_id.range((begin, end)).map(|(_, number)| *self.slots.get(*number)).filter(Slot::is_profile)
    }

    /// The profiles that may have the key, oldest first.
    pub(crate) fn candidates(&self, database: DatabaseId, key: &LookupKey<'_>) -> impl Iterator<Item = ProfileId> {
        let hash = hash_of_lookup(self.salt, database, key);
        // Another database's profile is here only when two hashes are the same.
        let is_meant = move |slot: &&Slot| slot.database == database && slot.is_profile();
        self.holders(hash).map(|number| self.slots.get(number)).filter(is_meant).map(|slot| slot.id)
    }

    /// Whether a search for this hash comes upon the profile.
    pub(crate) fn leads_to(&self, hash: u64, database: DatabaseId, id: ProfileId) -> bool {
        let number = self.by_id.get(&(database, id));
        number.is_some_and(|number| match self.shard(hash).holders(hash) {
            Some(Holders::One(holder)) => holder == *number,
            Some(Holders::Many(known)) => known.contains(&(id, *number)),
            None => false,
        })
    }

    /// How many entries of keys there are.
    pub(crate) fn entries(&self) -> u64 {
        let count = |(_, holders): (u32, Holders<'_>)| match holders {
            Holders::One(_) => 1,
            Holders::Many(list) => list.len() as u64,
        };
        self.shards.iter().flat_map(Shard::entries).map(count).sum()
    }

    fn holders(&self, hash: u64) -> impl Iterator<Item = SlotNumber> {
        let (one, many) = match self.shard(hash).holders(hash) {
            Some(Holders::One(number)) => (Some(number), None),
            Some(Holders::Many(known)) => (None, Some(known)),
            None => (None, None),
        };
        one.into_iter().chain(many.into_iter().flatten().map(|(_, number)| *number))
    }

    /// Takes a change in, and says what place counts no longer.
    pub(crate) fn apply(&mut self, change: Change) -> Option<Place> {
        match change {
            Change::Put { database, id, place, hashes } => {
                let (number, before) = self.put(database, id, place);
                self.change_keys(id, number, hashes);
                before
            }
            Change::Removed { database, id, place, hashes } => {
                let number = *self.by_id.get(&(database, id))?;
                let before = self.move_to(number, place);
                self.change_keys(id, number, hashes);
                Some(before)
            }
            Change::Forgotten { database, id } => {
                let number = *self.by_id.get(&(database, id))?;
                let before = self.move_to(number, NOWHERE);
                self.by_id.remove(&(database, id));
                self.removed -= 1;
                Some(before)
            }
            Change::Event { number, place } => self.events.put(number, place),
            Change::Ended { number, .. } => self.events.end(number),
        }
    }

    /// Forgets what is said to be in a segment that `counts` no longer. An index says so that was written down before:
    /// what counted of the segment was written again since. What was not was removed, and that need not be said any more.
    pub(crate) fn forget_unless(&mut self, counts: impl Fn(u32) -> bool) {
        let is_gone = |slot: &&Slot| !slot.is_vacant() && !counts(slot.place.segment);
        let gone: Vec<_> = self.slots.iter().filter(is_gone).map(|slot| (slot.database, slot.id)).collect();
        for (database, id) in gone {
            self.apply(Change::Forgotten { database, id });
        }
        self.events.forget_unless(counts);
    }

    fn put(&mut self, database: DatabaseId, id: ProfileId, place: Place) -> (SlotNumber, Option<Place>) {
        match self.by_id.get(&(database, id)) {
            Some(&number) => (number, Some(self.move_to(number, place))),
            None => {
                let number = self.slots.push(Slot { database, id, place, first: place.segment });
                self.by_id.insert((database, id), number);
                (number, None)
            }
        }
    }

    fn move_to(&mut self, number: SlotNumber, place: Place) -> Place {
        let slot = self.slots.get_mut(number);
        let was_profile = slot.is_profile();
        let before = std::mem::replace(&mut slot.place, place);
        match (was_profile, slot.is_profile()) {
            (true, false) => self.removed += 1,
            (false, true) => self.removed -= 1,
            _ => {}
        }
        before
    }

    fn change_keys(&mut self, id: ProfileId, number: SlotNumber, Hashes { removed, added }: Hashes) {
        let Self { slots, shards, .. } = self;
        for hash in removed {
            shards[shard_of(hash)].remove(hash, (id, number));
        }
        for hash in added {
            shards[shard_of(hash)].add(hash, (id, number), |other| slots.get(other).id);
        }
    }

    fn shard(&self, hash: u64) -> &Shard {
        &self.shards[shard_of(hash)]
    }
}

/// The hashes under which a profile is found.
pub(crate) fn hashes_of(salt: u64, profile: &Profile) -> HashSet<u64> {
    keys_of(profile).iter().flat_map(|key| hashes_of_key(salt, profile.database, key)).collect()
}

/// The hashes under which a key is found: wherever it stems from, and by its resource (M17).
pub(crate) fn hashes_of_key(salt: u64, database: DatabaseId, key: &LookupKey<'_>) -> impl Iterator<Item = u64> {
    let mut bytes = key_place(database, key);
    let anywhere = xxh3_64_with_seed(&bytes, salt) & TOLD_APART;
    let at_resource = key.resource.map(|resource| {
        bytes.extend_from_slice(&resource.0.to_be_bytes());
        xxh3_64_with_seed(&bytes, salt) & TOLD_APART
    });
    std::iter::once(anywhere).chain(at_resource)
}

fn hash_of_lookup(salt: u64, database: DatabaseId, key: &LookupKey<'_>) -> u64 {
    hashes_of_key(salt, database, key).last().unwrap_or_default()
}

/// The bits of a hash that the index tells apart: those that choose the shard, and those that the shard keeps. Without
/// the others, two keys of one profile are one to whoever compares hashes, too.
const TOLD_APART: u64 = !(u64::MAX >> SHARDS.trailing_zeros()) | u32::MAX as u64;

/// The upper bits choose the shard, the lower half is what the shard keeps.
#[expect(clippy::cast_possible_truncation, reason = "a few bits are left")]
fn shard_of(hash: u64) -> usize {
    (hash >> (u64::BITS - SHARDS.trailing_zeros())) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn kept(hash: u64) -> u32 {
    hash as u32
}

/// Profiles by their number.
#[derive(Debug, Default)]
pub(crate) struct Slots(Vec<Vec<Slot>>);

impl Slots {
    pub(crate) fn length(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * SLOTS_TOGETHER + last.len())
    }

    /// Takes in a profile, and gives it its number. There is room for 2^31, which take 60 GB here alone.
    #[expect(clippy::cast_possible_truncation, reason = "fewer than LIST, as asserted")]
    pub(crate) fn push(&mut self, slot: Slot) -> SlotNumber {
        let number = self.length();
        assert!(number < LIST as usize, "a folder holds 2^31 profiles at most");
        if number.is_multiple_of(SLOTS_TOGETHER) {
            self.0.push(Vec::with_capacity(SLOTS_TOGETHER));
        }
        self.0[number / SLOTS_TOGETHER].push(slot);
        number as SlotNumber
    }

    /// The slot with this number, which must have been given out.
    pub(crate) fn get(&self, number: SlotNumber) -> &Slot {
        &self.0[number as usize / SLOTS_TOGETHER][number as usize % SLOTS_TOGETHER]
    }

    fn get_mut(&mut self, number: SlotNumber) -> &mut Slot {
        &mut self.0[number as usize / SLOTS_TOGETHER][number as usize % SLOTS_TOGETHER]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().flatten()
    }

    /// Those from this number on that lie in one piece with it; none after the last.
    pub(crate) fn piece(&self, from: usize) -> &[Slot] {
        self.0.get(from / SLOTS_TOGETHER).map_or(&[], |piece| &piece[(from % SLOTS_TOGETHER).min(piece.len())..])
    }
}

/// Some of the keys. A key has nearly always one holder; those of the others are in lists.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    /// The lower half of a key's hash, and who has it: a profile's number, or a list's with [`LIST`].
    table: HashTable<(u32, u32)>,
    lists: Vec<List>,
    /// Lists that are not used.
    free: Vec<u32>,
}

/// Holders of one key, oldest first.
pub(crate) type List = BTreeSet<(ProfileId, SlotNumber)>;

/// Marks the number of a list.
const LIST: u32 = 1 << 31;

/// Who may have a key.
pub(crate) enum Holders<'a> {
    One(SlotNumber),
    Many(&'a List),
}

impl Shard {
    /// A shard for so many keys.
    pub(crate) fn with_capacity(keys: usize) -> Self {
        Self { table: HashTable::with_capacity(keys), ..Self::default() }
    }

    /// Its keys with their holders.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, Holders<'_>)> {
        self.table.iter().map(|(hash, holder)| (*hash, self.at(*holder)))
    }

    /// Takes in what a checkpoint says of a key that it has not yet.
    pub(crate) fn restore(&mut self, hash: u32, mut holders: List) {
        let holder = match (holders.len(), holders.pop_first()) {
            (_, None) => return,
            (1, Some((_, number))) => number,
            (_, Some(first)) => {
                holders.insert(first);
                self.keep_list(holders)
            }
        };
        self.table.insert_unique(spread(hash), (hash, holder), |(hash, _)| spread(*hash));
    }

    /// Like [`Self::restore`], for the many keys with one holder.
    pub(crate) fn restore_one(&mut self, hash: u32, holder: SlotNumber) {
        self.table.insert_unique(spread(hash), (hash, holder), |(hash, _)| spread(*hash));
    }

    fn at(&self, holder: u32) -> Holders<'_> {
        match holder & LIST {
            0 => Holders::One(holder),
            _ => Holders::Many(&self.lists[(holder & !LIST) as usize]),
        }
    }

    fn holders(&self, hash: u64) -> Option<Holders<'_>> {
        let hash = kept(hash);
        let (_, holder) = self.table.find(spread(hash), |(known, _)| *known == hash)?;
        Some(self.at(*holder))
    }

    fn add(&mut self, hash: u64, holder: (ProfileId, SlotNumber), id_of: impl Fn(SlotNumber) -> ProfileId) {
        let hash = kept(hash);
        let Some((_, known)) = self.table.find(spread(hash), |(known, _)| *known == hash).copied() else {
            return self.restore_one(hash, holder.1);
        };
        if known & LIST != 0 {
            self.lists[(known & !LIST) as usize].insert(holder);
        } else if known != holder.1 {
            let list = self.keep_list(List::from([(id_of(known), known), holder]));
            self.set(hash, list);
        }
    }

    fn remove(&mut self, hash: u64, holder: (ProfileId, SlotNumber)) {
        let hash = kept(hash);
        let Ok(entry) = self.table.find_entry(spread(hash), |(known, _)| *known == hash) else { return };
        let (_, known) = *entry.get();
        if known == holder.1 {
            entry.remove();
        } else if known & LIST != 0 {
            let list = &mut self.lists[(known & !LIST) as usize];
            list.remove(&holder);
            if let (1, Some((_, last))) = (list.len(), list.first().copied()) {
                list.clear();
                self.free.push(known & !LIST);
                self.set(hash, last);
            }
        }
    }

    fn set(&mut self, hash: u32, holder: u32) {
        if let Some((_, known)) = self.table.find_mut(spread(hash), |(known, _)| *known == hash) {
            *known = holder;
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "there are fewer lists than profiles")]
    fn keep_list(&mut self, list: List) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.lists[number as usize] = list;
                number | LIST
            }
            None => {
                self.lists.push(list);
                (self.lists.len() - 1) as u32 | LIST
            }
        }
    }
}

/// The table wants all 64 bits to be different where hashes are.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};

    fn profile(number: u32) -> (ProfileId, Slot) {
        let mut id = ProfileId([0; 12]);
        id.0[..4].copy_from_slice(&number.to_be_bytes());
        (id, Slot { database: DatabaseId(1), id, place: Place { segment: 1, offset: number, length: 1 }, first: 1 })
    }

    fn apply(index: &mut Index, number: u32, removed: &[u64], added: &[u64]) {
        let (_, Slot { database, id, place, .. }) = profile(number);
        let hashes = Hashes { removed: removed.to_vec(), added: added.to_vec() };
        index.apply(Change::Put { database, id, place, hashes });
    }

    fn found(index: &Index, hash: u64) -> Vec<ProfileId> {
        index.holders(hash).map(|number| index.slots.get(number).id).collect()
    }

    #[test]
    fn holders_of_one_key_come_oldest_first_and_leave_one_by_one() {
        let mut index = Index::new(0);
        for number in [3, 1, 2] {
            apply(&mut index, number, &[], &[7, 7]);
        }
        assert_eq!(found(&index, 7), [1, 2, 3].map(|number| profile(number).0));
        for (gone, left) in [(1, [2, 3].as_slice()), (3, &[2]), (2, &[])] {
            apply(&mut index, gone, &[7], &[]);
            assert_eq!(found(&index, 7), left.iter().map(|number| profile(*number).0).collect::<Vec<_>>());
        }
        assert_eq!(index.entries(), 0);
    }

    #[test]
    fn slots_are_counted_across_pieces() {
        let mut slots = Slots::default();
        let many = u32::try_from(SLOTS_TOGETHER).unwrap() + 3;
        (0..many).for_each(|number| assert_eq!(slots.push(profile(number).1), number));
        assert_eq!(slots.length(), SLOTS_TOGETHER + 3);
        assert_eq!((slots.piece(SLOTS_TOGETHER - 1).len(), slots.piece(SLOTS_TOGETHER).len()), (1, 3));
        assert!(slots.piece(SLOTS_TOGETHER + 3).is_empty() && slots.piece(9 * SLOTS_TOGETHER).is_empty());
        assert_eq!(slots.get(many - 1), &profile(many - 1).1);
    }

    proptest! {
        #[test]
        fn finds_what_a_list_of_all_keys_finds(
            steps in collection::vec((0..6u32, prop_oneof![0..4u64, (0..4u64).prop_map(|low| low << 56)], any::<bool>()), 0..80)
        ) {
            let (mut index, mut list) = (Index::new(0), BTreeSet::new());
            for (number, hash, is_added) in steps {
                match is_added {
                    true => { list.insert((hash, profile(number).0)); apply(&mut index, number, &[], &[hash]) }
                    false => { list.remove(&(hash, profile(number).0)); apply(&mut index, number, &[hash], &[]) }
                }
                let expected: Vec<_> = list.iter().filter(|(of, _)| *of == hash).map(|(_, id)| *id).collect();
                prop_assert_eq!(found(&index, hash), expected);
            }
            prop_assert_eq!(index.entries(), list.len() as u64);
            for (hash, id) in list {
                prop_assert!(index.leads_to(hash, DatabaseId(1), id));
            }
        }
    }
}
