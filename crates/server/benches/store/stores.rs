//! Two stores that only a comparison wants: one that gives group commit away, and one that does nothing else.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::iter;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rollcall_matching::index::ProfileIndex;
use rollcall_matching::key::LookupKey;
use rollcall_model::database::DatabaseId;
use rollcall_model::event::{Event, EventNumber};
use rollcall_model::profile::{Profile, ProfileId};
use rollcall_store::disk::{LARGEST_BATCH, QUEUE_CAPACITY};
use rollcall_store::error::StoreError;
use rollcall_store::record;
use rollcall_store::transaction::{
    HandOn, Job, NumberedEvent, OutboxChange, ReadJob, Snapshot, Store, Transaction, View,
};

/// Hands one job at a time to the store behind it, which therefore syncs once for each.
pub(crate) struct OneAtATime<S>(Arc<Inner<S>>);

struct Inner<S> {
    store: S,
    /// The jobs that wait while one is under way; `None` while none is.
    waiting: Mutex<Option<VecDeque<Job>>>,
}

/// Belongs to the job that is under way. It ends with the job, when that has been answered, and lets the next one go.
struct Turn<S: Store>(Arc<Inner<S>>);

impl<S: Store> OneAtATime<S> {
    pub(crate) fn before(store: S) -> Self {
        Self(Arc::new(Inner { store, waiting: Mutex::new(None) }))
    }
}

impl<S: Store> Inner<S> {
    fn go(self: &Arc<Self>, job: Job) -> Result<(), StoreError> {
        let turn = Turn(Arc::clone(self));
        self.store.enqueue(job.through(move |state: &mut dyn Transaction, hand_on: HandOn<'_>| {
            let _ends_with_the_job = &turn;
            hand_on(state);
        }))
    }
}

impl<S: Store> Drop for Turn<S> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.as_mut().and_then(VecDeque::pop_front) {
            Some(job) => {
                drop(waiting);
                // A job that is not taken is dropped, and with it its turn: the next one goes.
                let _refused = self.0.go(job);
            }
            None => *waiting = None,
        }
    }
}

impl<S: Store> Store for OneAtATime<S> {
    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *waiting {
            Some(waiting) if waiting.len() >= QUEUE_CAPACITY => Err(StoreError::Busy),
            Some(waiting) => {
                waiting.push_back(job);
                Ok(())
            }
            none => {
                *none = Some(VecDeque::new());
                drop(waiting);
                self.0.go(job)
            }
        }
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        self.0.store.enqueue_read(job)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.0.store.close()
    }
}

/// Appends the records that jobs put to a file, with one sync for all that wait together, and forgets them: the most that
/// the disk and our server allow any store.
pub(crate) struct BareLog {
    queue: SyncSender<Job>,
}

impl BareLog {
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create_new(path)?;
        let (queue, jobs) = mpsc::sync_channel(QUEUE_CAPACITY);
        thread::Builder::new().name("log-writer".to_owned()).spawn(move || write(file, &jobs))?;
        Ok(Self { queue })
    }
}

fn write(mut file: File, queue: &Receiver<Job>) {
    let mut bytes = Vec::new();
    while let Ok(first) = queue.recv() {
        bytes.clear();
        let mut jobs: Vec<_> = iter::once(first).chain(queue.try_iter()).take(LARGEST_BATCH).collect();
        jobs.iter_mut().for_each(|job| append(job, &mut bytes));
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        let kept = written.map_err(|error| StoreError::NotKept(Arc::new(error)));
        jobs.into_iter().for_each(|job| job.settle(kept.clone()));
    }
}

fn append(job: &mut Job, bytes: &mut Vec<u8>) {
    let mut nothing = Nothing { put: None };
    if job.run(&mut nothing) {
        nothing.put.iter().for_each(|profile| bytes.extend(record::encode(profile)));
    }
}

impl Store for BareLog {
    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => StoreError::Busy,
            mpsc::TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        job.finish(&Nothing { put: None });
        Ok(())
    }

    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A state without profiles, and what an import puts.
struct Nothing {
    put: Option<Profile>,
}

impl ProfileIndex for Nothing {
    type Error = StoreError;

    fn find_oldest(&self, _: DatabaseId, _: &LookupKey<'_>, _: usize) -> Result<Vec<ProfileId>, StoreError> {
        Ok(Vec::new())
    }
}

impl View for Nothing {
    fn profile(&self, _: DatabaseId, _: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        Ok(None)
    }
}

impl Snapshot for Nothing {
    fn profiles_after(&self, _: DatabaseId, _: Option<ProfileId>, _: usize) -> Result<Vec<Arc<Profile>>, StoreError> {
        Ok(Vec::new())
    }

    fn event(&self, _: EventNumber) -> Result<Option<Arc<Event>>, StoreError> {
        Ok(None)
    }

    fn events_after(&self, _: Option<EventNumber>, _: usize) -> Result<Vec<NumberedEvent>, StoreError> {
        Ok(Vec::new())
    }
}

impl Transaction for Nothing {
    fn put(&mut self, profile: Profile) -> Result<(), StoreError> {
        self.put = Some(profile);
        Ok(())
    }

    fn remove(&mut self, _: DatabaseId, _: ProfileId) -> Result<(), StoreError> {
        Ok(())
    }

    fn change_outbox(&mut self, _: OutboxChange) -> Result<(), StoreError> {
        Ok(())
    }
}
