//! The store that many servers share: a database that speaks PostgreSQL's protocol.
//!
//! Correctness between servers is the database's: each write is a serializable transaction, which the database refuses
//! where it would not fit into a serial order, and which is then run again. A process has one writer, which runs what
//! waits together, and a few readers; each has a connection of its own, which it makes again when it is lost. A pool
//! would have nothing to give them.

mod batch; // what the jobs of one transaction change
mod connection; // what is sent, and what an error means
mod deliverer; // whether this is the server that delivers events
mod reader; // jobs that read
mod schema; // table: tables, migrations, statements
mod state; // what is known of the database, and what is asked for
mod writer; // jobs that write

use crate::{
    error::{Cause, StoreError},
    figures::{Counters, Figures},
    transaction::{Job, ReadJob, Store},
};
use connection::{Connection, Target};
use deliverer::Deliverer;
use reader::Reader;
use std::{
    error::Error,
    fmt,
    panic::resume_unwind,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        mpsc::{self, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use writer::Writer;

/// How many jobs may wait for the writer, and how many for a reader; one more is [`StoreError::Busy`].
pub const QUEUE_CAPACITY: usize = 4096;

/// How many jobs read at once.
const READERS: usize = 4;

/// How long [`PostgresStore::close`] goes on with what is queued.
const CLOSE_BOUND: Duration = Duration::from_secs(10);

/// Keeps profiles in a database that other servers may use at the same time. A job is answered when the database has
/// committed what it put. Dropping the store closes it.
#[derive(Debug)]
pub struct PostgresStore {
    /// `None` once closed.
    queues: RwLock<Option<Queues>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// `None` once closed.
    deliverer: Mutex<Option<Deliverer>>,
    closes_at: Arc<OnceLock<Instant>>,
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct Queues {
    writes: SyncSender<Job>,
    reads: SyncSender<ReadJob>,
}

impl PostgresStore {
    /// Connects to the database, for instance `postgres://rollcall@localhost/rollcall`, and makes the tables where there
    /// are none.
    pub fn open(url: &str) -> Result<Self, OpenError> {
        let target: Target = url.parse().map_err(|cause| OpenError::Address { cause })?;
        // In a thread of its own: the caller's may belong to a runtime, where nobody may wait.
        let opening = {
            let target = target.clone();
            thread::spawn(move || connect(&target))
        };
        let connection = opening.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        let (writes, jobs) = mpsc::sync_channel(QUEUE_CAPACITY);
        let (reads, read_jobs) = mpsc::sync_channel(QUEUE_CAPACITY);
        let (closes_at, counters) = (Arc::default(), Arc::default());
        let writer = Writer::new(target.clone(), connection, Arc::clone(&closes_at), Arc::clone(&counters));
        let mut threads = vec![start(&target, "postgres-writer", move || writer.run(&jobs))?];
        let read_jobs = Arc::new(Mutex::new(read_jobs));
        for _ in 0..READERS {
            let reader = Reader::new(target.clone(), Arc::clone(&closes_at));
            let read_jobs = Arc::clone(&read_jobs);
            threads.push(start(&target, "postgres-reader", move || reader.run(&read_jobs))?);
        }
        let (queues, threads) = (RwLock::new(Some(Queues { writes, reads })), Mutex::new(threads));
        Ok(Self { queues, threads, deliverer: Mutex::new(Some(Deliverer::new(target))), closes_at, counters })
    }

    fn hand_over<T>(&self, queue: impl FnOnce(&Queues) -> &SyncSender<T>, job: T) -> Result<(), StoreError> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let queue = queue(queues.as_ref().ok_or(StoreError::Closed)?);
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }
}

/// Brings the tables up to date, and makes the writer's connection.
fn connect(target: &Target) -> Result<Connection, OpenError> {
    let failed = |cause| OpenError::Database { place: target.to_string(), cause };
    let mut connection = Connection::plain(target).map_err(failed)?;
    let found = schema::migrate(&mut connection).map_err(|fault| failed(fault.cause()))?;
    if found > schema::VERSION {
        return Err(OpenError::NewerTables { place: target.to_string(), found, known: schema::VERSION });
    }
    Connection::for_work(target).map_err(failed)
}

/// Whether the store has been closing for as long as it may. What still waits is not run then.
fn is_past(closes_at: &OnceLock<Instant>) -> bool {
    closes_at.get().is_some_and(|at| Instant::now() > *at)
}

fn start(target: &Target, name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let thread = thread::Builder::new().name(name.into()).spawn(work);
    thread.map_err(|error| OpenError::Database { place: target.to_string(), cause: Arc::new(error) })
}

impl Store for PostgresStore {
    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        self.counters.comes();
        self.hand_over(|queues| &queues.writes, job).inspect_err(|_| self.counters.taken(1))
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        self.hand_over(|queues| &queues.reads, job)
    }

    fn may_deliver(&self) -> Result<bool, StoreError> {
        let mut deliverer = self.deliverer.lock().unwrap_or_else(PoisonError::into_inner);
        deliverer.as_mut().ok_or(StoreError::Closed)?.is_this_one()
    }

    fn figures(&self) -> Figures {
        Figures { bytes_written: None, ..self.counters.figures() } // how many those were the database knows
    }

    fn close(&self) -> Result<(), StoreError> {
        drop(self.deliverer.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Held to the end, so that a second caller comes back when everything is done, too.
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.closes_at.get_or_init(|| Instant::now() + CLOSE_BOUND);
        drop(self.queues.write().unwrap_or_else(PoisonError::into_inner).take());
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store had panicked; what it had not answered may not be kept");
            }
        }
        Ok(())
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!("while closing the store: {error}");
        }
    }
}

/// Why a database could not be opened as a store. No text shows a password.
#[derive(Debug)]
pub enum OpenError {
    /// The address is not one.
    Address {
        /// Why not.
        cause: Cause,
    },
    /// The database could not be reached, or its tables could not be made.
    Database {
        /// The database and where it is.
        place: String,
        /// Why not.
        cause: Cause,
    },
    /// A later version of this program has made the tables.
    NewerTables {
        /// The database and where it is.
        place: String,
        /// Their version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { cause } => write!(
                f,
                "the store's address cannot be read: {cause}; write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE"
            ),
            Self::Database { place, cause } => write!(
                f,
                "{place} cannot be used: {cause}; look whether it runs, and whether the user may connect and make tables"
            ),
            Self::NewerTables { place, found, known } => write!(
                f,
                "the tables in {place} are of version {found}, and this program knows versions up to {known}: use the \
                 newer program that made them"
            ),
        }
    }
}

/// Without a source: the text has told the causes, and whoever prints them would tell them twice.
impl Error for OpenError {}
