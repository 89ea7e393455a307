//! The store that does not forget: a folder, one writer thread, and one sync for all jobs that wait together.
//!
//! What is written is a log of our own (`log`, `frame`); what is searched is an index in memory (`index`), which a
//! checkpoint shortens the making of. `docs/performance.md` says why this and no storage engine.

pub(crate) mod files; // what is asked of a file system

pub(crate) mod folder; // what a folder is, and who has it open
mod format_1; // folders of the first format, written anew

pub(crate) mod frame; // bytes: frames and records
pub(crate) mod log; // segments of frames
pub(crate) mod events; // which event is where
pub(crate) mod index; // which profile is where, and who may have a key
mod draft; // a frame in the making
pub(crate) mod checkpoint; // the index as a file
pub(crate) mod state; // what is kept, to be read
mod cleaner; // takes space back
mod batch; // what the jobs of one commit change
mod writer; // what is written: jobs, frames, chores
#[cfg(test)]
mod power_loss; // test: prefixes of what was written and synced

use crate::{
    error::{OpenError, StoreError},
    figures::{Counters, Figures},
    transaction::{Job, ReadJob, Store},
};
use files::{Files, Folder};
use folder::{Kind, Lock};
use log::Log;
use state::State;
use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use writer::{Chore, Writer};

/// How many jobs may wait for the writer; one more is [`StoreError::Busy`]. At 10,000 writes a second, the last of them
/// waits for less than half a second.
pub const QUEUE_CAPACITY: usize = 4096;

/// How many jobs share a commit at most. More would not make a sync cheaper, and would keep the first of them waiting.
pub const LARGEST_BATCH: usize = 256;

/// How long [`DiskStore::open`] waits while opening a folder makes no headway.
pub const OPEN_BOUND: Duration = Duration::from_secs(30);

/// Keeps profiles in a folder. A job is answered when what it put is on the disk. Dropping the store closes it.
#[derive(Debug)]
pub struct DiskStore {
    /// `None` once closed.
    open: RwLock<Option<Open>>,
    running: Mutex<Option<Running>>,
}

/// What ends when the store is closed.
#[derive(Debug)]
struct Running {
    writer: JoinHandle<()>,
    keeper: JoinHandle<()>,
    /// Until both have ended, nobody else may open the folder.
    _lock: Lock,
}

#[derive(Debug)]
struct Open {
    state: Arc<RwLock<State>>,
    queue: SyncSender<Job>,
    counters: Arc<Counters>,
}

impl DiskStore {
    /// Opens the folder, and makes it where there is none. Gives up when [`OPEN_BOUND`] passes without headway.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_within(path, OPEN_BOUND)
    }

    /// Opens the folder, and makes it where there is none, or gives up when `bound` passes without headway.
    pub fn open_within(path: &Path, bound: Duration) -> Result<Self, OpenError> {
        let folder = path.to_owned();
        let Opened { lock, files, mut writer, chores } =
            watched(path, bound, move |headway| open_folder(&folder, headway))?;
        let (queue, jobs) = mpsc::sync_channel(QUEUE_CAPACITY);
        let state = Arc::clone(writer.state());
        let counters = Arc::clone(writer.counters());
        let kept = Arc::clone(&state);
        let writer = start(path, "store-writer", move || writer.run(&jobs))?;
        let keeper = start(path, "store-keeper", move || writer::do_chores(&chores, &*files, &kept))?;
        let running = Running { writer, keeper, _lock: lock };
        Ok(Self { open: RwLock::new(Some(Open { state, queue, counters })), running: Mutex::new(Some(running)) })
    }

    fn with_open<T>(&self, use_it: impl FnOnce(&Open) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Nothing that holds this lock can panic half-way.
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        use_it(open.as_ref().ok_or(StoreError::Closed)?)
    }
}

impl Store for DiskStore {
    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        self.with_open(|open| {
            open.counters.comes();
            open.queue.try_send(job).map_err(|error| {
                open.counters.taken(1);
                match error {
                    mpsc::TrySendError::Full(_) => StoreError::Busy,
                    mpsc::TrySendError::Disconnected(_) => StoreError::Closed,
                }
            })
        })
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        self.with_open(|open| {
            job.finish(&*writer::read(&open.state));
            Ok(())
        })
    }

    fn figures(&self) -> Figures {
        let figures = self.with_open(|open| {
            let index = &writer::read(&open.state).index;
            let (profiles, events) = (index.profiles() as u64, index.events.places().len() as u64);
            Ok(Figures { profiles: Some(profiles), events: Some(events), ..open.counters.figures() })
        });
        figures.unwrap_or_default() // nothing once it is closed
    }

    fn close(&self) -> Result<(), StoreError> {
        // Held to the end, so that a second caller comes back when everything is done, too.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a queue the writer finishes what was in it and ends, and without a writer the keeper does.
        self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { writer, keeper, _lock }) = running.take() {
            for thread in [writer, keeper] {
                if thread.join().is_err() {
                    tracing::error!("a thread of the store had panicked; what it had not answered is not kept");
                }
            }
        }
        Ok(())
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!("while closing the store: {error}");
        }
    }
}

/// A folder that is open, before its threads are started.
#[derive(Debug)]
struct Opened {
    lock: Lock,
    files: Arc<dyn Files>,
    writer: Writer,
    chores: Receiver<Chore>,
}

/// How many chores may wait; one more is done at once, or later.
const CHORES: usize = 8;

fn open_folder(path: &Path, headway: &Headway) -> Result<Opened, OpenError> {
    let lock = folder::lock(path)?;
    let store = match folder::kind(path)? {
        Kind::New => make(path)?,
        Kind::First => format_1::upgrade(path, headway)?,
        Kind::Second(store) => {
            folder::stamp(path, store)?; // it has no record that format 3 has not
            store
        }
        Kind::Current(store) => {
            format_1::remove(path)?; // what an upgrade may have left
            store
        }
    };
    let files: Arc<dyn Files> = Arc::new(Folder(path.into()));
    let (send, chores) = mpsc::sync_channel(CHORES);
    let log = Log::open(Arc::clone(&files), store)?;
    let writer = Writer::open(Arc::clone(&files), log, send, headway)?;
    Ok(Opened { lock, files, writer, chores })
}

fn make(path: &Path) -> io::Result<u64> {
    let store = folder::new_store();
    folder::stamp(path, store)?;
    Ok(store)
}

/// Counts what has been done of something long, so that it can be told from something that is stuck.
pub(crate) type Headway = AtomicU64;

/// Opens in a thread of its own, and leaves it behind when it makes no headway. Should it come through after all, what
/// it has opened is closed again.
fn watched<T: Send + 'static>(
    path: &Path,
    bound: Duration,
    open: impl FnOnce(&Headway) -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    let (done, opened) = mpsc::channel();
    let headway = Arc::new(Headway::default());
    let counted = Arc::clone(&headway);
    start(path, "store-open", move || {
        let _nobody_waits_any_more = done.send(open(&counted));
    })?;
    let mut before = 0;
    loop {
        let error = match opened.recv_timeout(bound) {
            Ok(result) => return result,
            Err(error) => error,
        };
        let now = headway.load(Ordering::Relaxed);
        if error == RecvTimeoutError::Disconnected {
            return Err(io::Error::other("opening it panicked; this is a fault of ours").into());
        } else if now == before {
            return Err(OpenError::TimedOut { path: path.into(), bound });
        }
        before = now;
    }
}

fn start(path: &Path, name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let thread = thread::Builder::new().name(name.into()).spawn(work);
    thread.map_err(|cause| OpenError::Folder { path: path.into(), cause })
}

#[cfg(test)]
mod tests {
    use super::{log::Position, *};
    use crate::transaction::{OutboxChange, Transaction};
    use rollcall_model::{
        database::DatabaseId,
        event::EventNumber,
        field::FieldValue,
        profile::{Profile, ProfileId},
    };
    use tempfile::TempDir;
    use tokio::sync::oneshot;

    const DATABASE: DatabaseId = DatabaseId(1);

    /// A store whose writer is held in a job until the sender is dropped, so that what follows becomes one batch.
    struct Held {
        store: DiskStore,
        let_go: mpsc::Sender<()>,
        first: oneshot::Receiver<Result<(), StoreError>>,
        folder: TempDir,
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
        Held { store, let_go, first, folder }
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

    /// How many frames with records the log has.
    fn commits(folder: &TempDir) -> usize {
        let store = folder::must_be_current(folder.path()).unwrap();
        let log = Log::open(Arc::new(Folder(folder.path().into())), store).unwrap();
        let mut frames = 0;
        log.frames_from(Position::default(), |segment, frame| {
            frames += usize::from(!state::entries_in(segment, frame)?.is_empty());
            Ok(())
        })
        .unwrap();
        frames
    }

    #[test]
    fn jobs_that_wait_together_see_each_other_and_share_a_commit() {
        let Held { store, let_go, first, folder } = held();
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
        assert_eq!(commits(&folder), 1);
    }

    #[test]
    fn a_job_that_fails_or_panics_in_a_batch_leaves_the_others_alone() {
        let Held { store, let_go, first, folder: _folder } = held();
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
        let before = commits(&folder);
        hand_over(&store, |transaction| transaction.put(numbered(1))).blocking_recv().unwrap().unwrap();
        hand_over(&store, |_| Ok(())).blocking_recv().unwrap().unwrap();
        let nothing_to_remove = |transaction: &mut dyn Transaction| {
            transaction.remove(DATABASE, numbered(7).id)?;
            transaction.put(numbered(8))?;
            transaction.remove(DATABASE, numbered(8).id)?;
            transaction.change_outbox(OutboxChange::Remove(EventNumber(7)))
        };
        hand_over(&store, nothing_to_remove).blocking_recv().unwrap().unwrap();
        assert_eq!(commits(&folder), before);
        hand_over(&store, |transaction| transaction.put(numbered(2))).blocking_recv().unwrap().unwrap();
        assert_eq!(commits(&folder), before + 1);
    }

    #[test]
    fn a_full_queue_is_busy_and_what_was_in_it_is_still_done() {
        let Held { store, let_go, first, folder: _folder } = held();
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
        let Held { store, let_go, first, folder: _folder } = held();
        let last = hand_over(&store, |transaction| transaction.put(numbered(1)));
        drop(let_go);
        store.close().unwrap();
        first.blocking_recv().unwrap().unwrap();
        last.blocking_recv().unwrap().unwrap();
    }

    #[test]
    fn gives_up_on_a_folder_that_makes_no_headway() {
        let (let_go, held) = mpsc::channel::<()>();
        let stuck = move |_: &Headway| Ok(held.recv().is_ok());
        let error = watched(Path::new("here"), Duration::from_millis(10), stuck).unwrap_err();
        assert!(matches!(error, OpenError::TimedOut { .. }), "{error}");
        assert!(error.to_string().contains("start again"), "{error}");
        drop(let_go);
    }

    #[test]
    fn waits_for_a_folder_that_takes_long_but_makes_headway() {
        let bound = Duration::from_millis(20);
        let slow = move |headway: &Headway| {
            let begin = std::time::Instant::now();
            while begin.elapsed() < bound * 10 {
                headway.fetch_add(1, Ordering::Relaxed);
                thread::yield_now();
            }
            Ok(())
        };
        watched(Path::new("here"), bound, slow).unwrap();
    }

    #[test]
    fn a_panic_while_opening_is_an_error() {
        let error = watched::<()>(Path::new("here"), OPEN_BOUND, |_| panic!("as a fault of ours may")).unwrap_err();
        assert!(matches!(error, OpenError::File(_)), "{error}");
    }
}
