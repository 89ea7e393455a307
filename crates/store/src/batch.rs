//! What the jobs of one commit change together, over the state on disk; and the commit.

use crate::{
    engine::{DiskView, Engine},
    error::StoreError,
    overlay::lay_over,
    profiles::{KeyChanges, Profiles},
    record, tables,
    transaction::{View, find_by_id},
};
use fjall::PersistMode;
use rollcall_matching::{
    index::ProfileIndex,
    key::{KeySource, LookupKey},
};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The state on disk with the changes of the jobs that have run so far.
pub(crate) struct Batch {
    disk: DiskView,
    /// Profiles as they are on disk, as far as anybody has asked: each is read and decoded once a batch.
    read: RefCell<Read>,
    changed: Profiles,
}

type Read = HashMap<(DatabaseId, ProfileId), Option<Arc<Profile>>>;

impl Batch {
    pub(crate) fn new(disk: DiskView) -> Self {
        Self { disk, read: RefCell::default(), changed: Profiles::default() }
    }

    /// Takes a job's changes in: all, or none where one of them would change what cannot be read.
    pub(crate) fn take_in(&mut self, puts: Vec<Arc<Profile>>) -> Result<(), StoreError> {
        for profile in &puts {
            self.profile_on_disk(profile.database, profile.id)?;
        }
        puts.into_iter().for_each(|profile| self.changed.put(profile));
        Ok(())
    }

    /// Writes the changes as one, and comes back when they are on the disk. Without a change there is nothing to do.
    pub(crate) fn commit(self, engine: &Engine) -> fjall::Result<()> {
        // Data alone is enough: the sync of a file's data takes along the length that makes them readable.
        let mut writes = engine.database.batch().durability(Some(PersistMode::SyncData));
        let read = self.read.into_inner();
        for after in self.changed.all() {
            let before = read.get(&(after.database, after.id)).and_then(Option::as_ref);
            if before != Some(after) {
                write_profile(&mut writes, engine, before.map(|before| &**before), after);
            }
        }
        if writes.is_empty() { Ok(()) } else { writes.commit() }
    }

    fn profile_on_disk(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        if let Some(known) = self.read.borrow().get(&(database, id)) {
            return Ok(known.clone());
        }
        let profile = self.disk.profile(database, id)?;
        self.read.borrow_mut().insert((database, id), profile.clone());
        Ok(profile)
    }
}

fn write_profile(writes: &mut fjall::OwnedWriteBatch, engine: &Engine, before: Option<&Profile>, after: &Profile) {
    let changes = KeyChanges::between(before, after);
    // A set, since a profile may have one key twice, and one batch must not write one row twice.
    let rows = |keys: &[LookupKey<'_>]| -> BTreeSet<Vec<u8>> {
        keys.iter().map(|key| tables::key_row(after.database, key, after.id)).collect()
    };
    writes.insert(&engine.profiles, tables::profile_row(after.database, after.id), record::encode(after));
    rows(&changes.removed).into_iter().for_each(|row| writes.remove(&engine.keys, row));
    rows(&changes.added).into_iter().for_each(|row| writes.insert(&engine.keys, row, []));
}

impl ProfileIndex for Batch {
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
        let below = self.disk.find_oldest(database, key, count.saturating_add(self.changed.len()))?;
        let is_changed = |id| self.changed.get(database, id).is_some();
        let mut found = lay_over(below, is_changed, self.changed.holders(database, key, usize::MAX));
        found.truncate(count);
        Ok(found)
    }
}

impl View for Batch {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        match self.changed.get(database, id) {
            Some(profile) => Ok(Some(Arc::clone(profile))),
            None => self.profile_on_disk(database, id),
        }
    }
}
