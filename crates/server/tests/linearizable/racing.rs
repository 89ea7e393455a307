//! A store that is wrong in the way that tests miss most easily: each job looks at the state as it was a moment before, and
//! what it puts then goes over whatever is there. Without company it does nothing wrong.

use rollcall_matching::{index::ProfileIndex, key::LookupKey};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
};
use rollcall_store::{
    error::StoreError,
    memory::MemoryStore,
    transaction::{HandOn, Job, OutboxChange, ReadJob, Store, Transaction, View},
};
use std::{sync::Arc, thread};

const DATABASE: DatabaseId = DatabaseId(1);

/// Matches outside of the write.
pub(crate) struct RacingStore(Arc<MemoryStore>);

impl RacingStore {
    pub(crate) fn new() -> Self {
        Self(Arc::new(MemoryStore::new()))
    }
}

impl Store for RacingStore {
    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        let store = Arc::clone(&self.0);
        // The job works on a copy, which is dropped; what it puts there is put into the store before it is answered.
        copy(&self.0)?.enqueue(job.through(move |state: &mut dyn Transaction, hand_on: HandOn<'_>| {
            let mut recording = Recording { state, puts: Vec::new() };
            hand_on(&mut recording);
            let puts = recording.puts;
            thread::yield_now(); // so that others may begin before this ends
            put(&store, puts);
        }))
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        self.0.enqueue_read(job)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.0.close()
    }
}

/// A store in memory has done a job when it has taken it.
fn copy(store: &MemoryStore) -> Result<MemoryStore, StoreError> {
    let (job, mut everything) = ReadJob::new(|state| state.profiles_after(DATABASE, None, usize::MAX));
    store.enqueue_read(job)?;
    let copy = MemoryStore::new();
    put(&copy, everything.try_recv().unwrap()?.iter().map(|profile| Profile::clone(profile)).collect());
    Ok(copy)
}

fn put(store: &MemoryStore, profiles: Vec<Profile>) {
    let (job, mut done) = Job::new(move |state| profiles.iter().try_for_each(|profile| state.put(profile.clone())));
    store.enqueue(job).unwrap();
    done.try_recv().unwrap().unwrap();
}

/// Remembers what is put.
struct Recording<'a> {
    state: &'a mut dyn Transaction,
    puts: Vec<Profile>,
}

impl ProfileIndex for Recording<'_> {
    type Error = StoreError;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, StoreError> {
        self.state.find_oldest(database, key, count)
    }
}

impl View for Recording<'_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        self.state.profile(database, id)
    }
}

impl Transaction for Recording<'_> {
    fn put(&mut self, profile: Profile) -> Result<(), StoreError> {
        self.puts.push(profile.clone());
        self.state.put(profile)
    }

    fn remove(&mut self, database: DatabaseId, id: ProfileId) -> Result<(), StoreError> {
        self.state.remove(database, id)
    }

    fn change_outbox(&mut self, change: OutboxChange) -> Result<(), StoreError> {
        self.state.change_outbox(change)
    }
}
