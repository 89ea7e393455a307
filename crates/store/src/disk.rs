//! The store that does not forget: a folder, one writer thread, and one sync for all jobs that wait together.

use crate::{
    batch::Batch,
    engine::Engine,
    error::{Cause, OpenError, StoreError},
    overlay::Overlay,
    transaction::{Job, ReadJob, Store},
};
use fjall::PersistMode;
use std::{
    fmt, io, iter,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How many jobs may wait for the writer; one more is [`StoreError::Busy`]. At 10,000 writes a second, the last of them
/// waits for less than half a second.
pub const QUEUE_CAPACITY: usize = 4096;

/// How many jobs share a commit at most. More would not make a sync cheaper, and would keep the first of them waiting.
pub const LARGEST_BATCH: usize = 256;

/// How long [`DiskStore::open`] gives a folder to open.
pub const OPEN_BOUND: Duration = Duration::from_secs(30);

/// Keeps profiles in a folder. A job is answered when what it put is on the disk. Dropping the store closes it.
#[derive(Debug)]
pub struct DiskStore {
    /// `None` once closed.
    open: RwLock<Option<Open>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    broken: Arc<Broken>,
}

/// The error of a commit that failed, after which the engine takes no more.
type Broken = OnceLock<Cause>;

struct Open {
    engine: Engine,
    queue: SyncSender<Job>,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

impl DiskStore {
    /// Opens the folder, and makes it where there is none, within [`OPEN_BOUND`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_within(path, OPEN_BOUND)
    }

    /// Opens the folder, and makes it where there is none, or gives up after `bound`.
    pub fn open_within(path: &Path, bound: Duration) -> Result<Self, OpenError> {
        let folder = path.to_owned();
        let engine = watched(path, bound, move || Engine::open(&folder))?;
        let (queue, jobs) = mpsc::sync_channel(QUEUE_CAPACITY);
        let broken = Arc::new(Broken::new());
        let writer = Writer { engine: engine.clone(), broken: Arc::clone(&broken) };
        let writer = start(path, "store-writer", move || writer.run(&jobs))?;
        Ok(Self { open: RwLock::new(Some(Open { engine, queue })), writer: Mutex::new(Some(writer)), broken })
    }

    fn with_open<T>(&self, use_it: impl FnOnce(&Open) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(cause) = self.broken.get() {
            return Err(StoreError::Broken(Arc::clone(cause)));
        }
        // Nothing that holds this lock can panic half-way.
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        use_it(open.as_ref().ok_or(StoreError::Closed)?)
    }
}

impl Store for DiskStore {
    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        self.with_open(|open| {
            open.queue.try_send(job).map_err(|error| match error {
                mpsc::TrySendError::Full(_) => StoreError::Busy,
                mpsc::TrySendError::Disconnected(_) => StoreError::Closed,
            })
        })
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        self.with_open(|open| {
            job.run(Ok(&open.engine.view()));
            Ok(())
        })
    }

    fn close(&self) -> Result<(), StoreError> {
        // Held to the end, so that a second caller comes back when everything is done, too.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Open { engine, queue }) = self.open.write().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        drop(queue); // the writer finishes what is in it, then ends
        if writer.take().is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the store's writer had panicked; what it had not answered is not kept");
        }
        match self.broken.get() {
            Some(cause) => Err(StoreError::Broken(Arc::clone(cause))),
            None => Ok(engine.database.persist(PersistMode::SyncAll)?),
        }
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!("while closing the store: {error}");
        }
    }
}

/// Runs all jobs, one after the other.
struct Writer {
    engine: Engine,
    broken: Arc<Broken>,
}

impl Writer {
    /// Takes what waits, and never waits for more: a lonely connection pays for no timer, many share a sync.
    fn run(&self, queue: &Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let waiting = iter::once(first).chain(queue.try_iter());
            self.run_together(waiting.take(LARGEST_BATCH));
        }
    }

    fn run_together(&self, jobs: impl Iterator<Item = Job>) {
        let mut batch = Batch::new(self.engine.view());
        let mut done = Vec::new();
        for mut job in jobs {
            let mut overlay = Overlay::new(&batch);
            let to_keep = if job.run(&mut overlay) { overlay.into_puts() } else { Vec::new() };
            match batch.take_in(to_keep) {
                Ok(()) => done.push(job),
                Err(error) => job.settle(Err(error)),
            }
        }
        let kept = self.commit(batch);
        done.into_iter().for_each(|job| job.settle(kept.clone()));
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        if let Some(cause) = self.broken.get() {
            return Err(StoreError::Broken(Arc::clone(cause)));
        }
        batch.commit(&self.engine).map_err(|error| {
            tracing::error!("a commit failed, and the store answers nothing until it is opened again: {error}");
            StoreError::Broken(Arc::clone(self.broken.get_or_init(|| Arc::new(error))))
        })
    }
}

/// Opens in a thread of its own, and leaves it behind when it takes too long. Should it come through after all, what it
/// has opened is closed again.
fn watched<T: Send + 'static>(
    path: &Path,
    bound: Duration,
    open: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    let (done, opened) = mpsc::channel();
    start(path, "store-open", move || {
        let _nobody_waits_any_more = done.send(open());
    })?;
    opened.recv_timeout(bound).unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Timeout => OpenError::TimedOut { path: path.into(), bound },
            RecvTimeoutError::Disconnected => OpenError::Engine {
                path: path.into(),
                cause: Arc::new(io::Error::other("the storage engine panicked")),
            },
        })
    })
}

fn start(path: &Path, name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let thread = thread::Builder::new().name(name.into()).spawn(work);
    thread.map_err(|error| OpenError::Engine { path: path.into(), cause: Arc::new(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::transaction::Transaction;
    use rollcall_model::{
        database::DatabaseId,
        field::FieldValue,
        profile::{Profile, ProfileId},
    };
    use tokio::sync::oneshot;

    const DATABASE: DatabaseId = DatabaseId(1);

    /// A store whose writer is held in a job until the sender is dropped, so that what follows becomes one batch.
    struct Held {
        store: DiskStore,
        let_go: mpsc::Sender<()>,
        first: oneshot::Receiver<Result<(), StoreError>>,
        _folder: tempfile::TempDir,
    }

    fn held() -> Held {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(folder.path()).unwrap();
        let (let_go, held) = mpsc::channel::<()>();
        let (begins, begun) = mpsc::channel();
        let first = hand_over(&store, move |transaction| {
            transaction.put(numbered(0))?;
            begins.send(()).unwrap();
            held.recv().unwrap_err();
            Ok(())
        });
        begun.recv().unwrap();
        Held { store, let_go, first, _folder: folder }
    }

    fn hand_over<T: Send + 'static>(
        store: &DiskStore,
        work: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, StoreError>> {
        let (job, answer) = Job::new(work);
        store.enqueue(job).unwrap();
        answer
    }

    fn numbered(number: u8) -> Profile {
        Profile::new(ProfileId([number; 12]), DATABASE)
    }

    fn stored(store: &DiskStore, number: u8) -> Result<Option<Arc<Profile>>, StoreError> {
        let (job, answer) = ReadJob::new(move |state| state.profile(DATABASE, numbered(number).id));
        store.enqueue_read(job)?;
        answer.blocking_recv().unwrap()
    }

    fn commits(store: &DiskStore) -> u64 {
        store.open.read().unwrap().as_ref().unwrap().engine.database.visible_seqno()
    }

    #[test]
    fn jobs_that_wait_together_see_each_other_and_share_a_commit() {
        let Held { store, let_go, first, _folder } = held();
        let before = commits(&store);
        let answers: Vec<_> = (1..LARGEST_BATCH)
            .map(|_| {
                hand_over(&store, move |transaction| {
                    let mut profile = (*transaction.profile(DATABASE, numbered(0).id)?.unwrap()).clone();
                    let count = match profile.fields.get("count") {
                        Some(FieldValue::Int(count)) => count + 1,
                        _ => 1,
                    };
                    profile.fields.set("count".into(), FieldValue::Int(count));
                    transaction.put(profile)?;
                    Ok(count)
                })
            })
            .collect();
        drop(let_go);
        first.blocking_recv().unwrap().unwrap();
        for (answer, place) in answers.into_iter().zip(1..) {
            assert_eq!(answer.blocking_recv().unwrap().unwrap(), place);
        }
        assert_eq!(commits(&store), before + 1);
    }

    #[test]
    fn a_job_that_fails_or_panics_in_a_batch_leaves_the_others_alone() {
        let Held { store, let_go, first, _folder } = held();
        let fails = hand_over(&store, |transaction| {
            transaction.put(numbered(1))?;
            Err::<(), _>(StoreError::Busy)
        });
        let panics = hand_over(&store, |transaction| -> Result<(), _> {
            transaction.put(numbered(2))?;
            panic!("on purpose")
        });
        let works = hand_over(&store, |transaction| transaction.put(numbered(3)));
        drop(let_go);
        first.blocking_recv().unwrap().unwrap();
        assert!(matches!(fails.blocking_recv().unwrap(), Err(StoreError::Busy)));
        assert!(matches!(panics.blocking_recv().unwrap(), Err(StoreError::Panicked)));
        works.blocking_recv().unwrap().unwrap();
        let kept = [0, 1, 2, 3].map(|number| stored(&store, number).unwrap().is_some());
        assert_eq!(kept, [true, false, false, true]);
    }

    #[test]
    fn a_batch_that_changes_nothing_costs_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(folder.path()).unwrap();
        hand_over(&store, |transaction| transaction.put(numbered(1))).blocking_recv().unwrap().unwrap();
        let before = commits(&store);
        hand_over(&store, |transaction| transaction.put(numbered(1))).blocking_recv().unwrap().unwrap();
        hand_over(&store, |_| Ok(())).blocking_recv().unwrap().unwrap();
        assert_eq!(commits(&store), before);
        hand_over(&store, |transaction| transaction.put(numbered(2))).blocking_recv().unwrap().unwrap();
        assert_eq!(commits(&store), before + 1);
    }

    #[test]
    fn a_full_queue_is_busy_and_what_was_in_it_is_still_done() {
        let Held { store, let_go, first, _folder } = held();
        let mut waiting: Vec<_> = (0..QUEUE_CAPACITY).map(|_| hand_over(&store, |_| Ok(()))).collect();
        let (one_more, unanswered) = Job::new(|_| Ok(()));
        assert!(matches!(store.enqueue(one_more), Err(StoreError::Busy)));
        assert!(unanswered.blocking_recv().is_err(), "a job that is not taken is dropped");
        drop(let_go);
        first.blocking_recv().unwrap().unwrap();
        waiting.pop().unwrap().blocking_recv().unwrap().unwrap();
        hand_over(&store, |_| Ok(())).blocking_recv().unwrap().unwrap();
    }

    #[test]
    fn closing_finishes_what_is_queued() {
        let Held { store, let_go, first, _folder } = held();
        let last = hand_over(&store, |transaction| transaction.put(numbered(1)));
        drop(let_go);
        store.close().unwrap();
        first.blocking_recv().unwrap().unwrap();
        last.blocking_recv().unwrap().unwrap();
    }

    #[test]
    fn after_a_failed_commit_everything_is_refused_until_the_store_is_opened_again() {
        let Held { store, let_go, first, _folder } = held();
        let second = hand_over(&store, |transaction| transaction.put(numbered(1)));
        store.broken.set(Arc::new(fjall::Error::Poisoned)).unwrap();
        drop(let_go);
        for answer in [first, second] {
            assert!(matches!(answer.blocking_recv().unwrap(), Err(StoreError::Broken(_))));
        }
        assert!(matches!(store.enqueue(Job::new(|_| Ok(())).0), Err(StoreError::Broken(_))));
        assert!(matches!(stored(&store, 0), Err(StoreError::Broken(_))));
        let told = store.close().unwrap_err().to_string();
        assert!(told.contains("start the server again"), "{told}");
        let again = DiskStore::open(_folder.path()).unwrap();
        assert_eq!(stored(&again, 0).unwrap(), None);
    }

    #[test]
    fn gives_up_on_a_folder_that_does_not_open() {
        let (let_go, held) = mpsc::channel::<()>();
        let stuck = move || Ok(held.recv().is_ok());
        let error = watched(Path::new("here"), Duration::from_millis(10), stuck).unwrap_err();
        assert!(matches!(error, OpenError::TimedOut { .. }), "{error}");
        assert!(error.to_string().contains("start again"), "{error}");
        drop(let_go);
    }

    #[test]
    fn a_panic_while_opening_is_an_error() {
        let error = watched::<()>(Path::new("here"), OPEN_BOUND, || panic!("as an engine may")).unwrap_err();
        assert!(matches!(error, OpenError::Engine { .. }), "{error}");
    }
}
