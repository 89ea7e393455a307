//! The one writer of a process: takes what waits, and runs it together in one transaction.
//!
//! All jobs of a transaction are run over what is known of the database; what one of them asks for and is not known yet
//! is noted, fetched for all of them at once, and they are run again, until nothing is missing. So a batch of any size
//! costs two round trips and a sync: the look-ups, and the changes with the commit. More writers would not help: to
//! PostgreSQL, two transactions of that size nearly always conflict.

use super::{
    batch::Batch,
    connection::{Connection, Fault, Target},
    is_past, schema,
    state::{Known, State, Wanted},
};
use crate::{
    error::StoreError,
    figures::Counters,
    layer::Difference,
    overlay::{Changes, Overlay},
    transaction::Job,
};
use std::{
    iter,
    sync::{Arc, OnceLock, mpsc::Receiver},
    thread,
    time::{Duration, Instant},
};

/// How many jobs share a transaction at most.
const LARGEST_BATCH: usize = 256;

/// How often a batch is tried together before it is split, so that one quarrel does not doom all.
const TRIES_TOGETHER: u32 = 5;

/// How long a batch is tried again and again. Then the jobs that are left are told that the store is busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait at most before the second try; twice as long before each later one.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// How long turns are taken once there has been a conflict.
const TURNS_FOR: Duration = Duration::from_secs(30);

/// After so many runs that noted what is missing, it is asked for on the spot: a job may ask for something else each
/// time it is run.
const NOTING_RUNS: usize = 8;

/// Runs jobs in transactions.
pub(super) struct Writer {
    target: Target,
    connection: Option<Connection>,
    turns: Turns,
    /// When jobs that are still waiting are let down, once the store is being closed.
    closes_at: Arc<OnceLock<Instant>>,
    counters: Arc<Counters>,
}

/// What became of each job: nothing, or an error of its own that keeps its changes out.
type Refusals = Vec<Option<StoreError>>;

impl Writer {
    pub(super) fn new(
        target: Target,
        connection: Connection,
        closes_at: Arc<OnceLock<Instant>>,
        counters: Arc<Counters>,
    ) -> Self {
        Self { turns: Turns::new(target.clone()), target, connection: Some(connection), closes_at, counters }
    }

    /// Takes what waits, and never waits for more.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let jobs: Vec<Job> = iter::once(first).chain(queue.try_iter()).take(LARGEST_BATCH).collect();
            self.counters.taken(jobs.len());
            if is_past(&self.closes_at) {
                settle_all(jobs, &StoreError::Closed);
                continue;
            }
            match Connection::kept(&mut self.connection, &self.target) {
                Ok(_) => self.run_together(jobs, Instant::now() + PATIENCE),
                // Those behind them would only wait for the same.
                Err(cause) => settle_all(jobs.into_iter().chain(self.none_wait(queue)), &StoreError::Engine(cause)),
            }
        }
    }

    /// What waits, and no longer does.
    fn none_wait(&self, queue: &Receiver<Job>) -> impl Iterator<Item = Job> {
        queue.try_iter().inspect(|_| self.counters.taken(1))
    }

    /// Runs the jobs in one transaction, or in several where they cannot be kept together.
    fn run_together(&mut self, mut jobs: Vec<Job>, until: Instant) {
        let mut tries = 0;
        let fault = loop {
            tries += 1;
            let fault = match self.attempt(&mut jobs, tries > 1) {
                Ok(refusals) => {
                    self.counters.kept(refusals.iter().filter(|refusal| refusal.is_none()).count());
                    return settle_each(jobs, refusals);
                }
                Err(fault) => fault,
            };
            let is_tried_again = match &fault {
                Fault::Conflict(_) => tries < TRIES_TOGETHER,
                Fault::Lost(_) => tries == 1, // the database may have been restarted since the last job
                Fault::Refused(_) | Fault::Uncertain(_) => false,
            };
            if !is_tried_again || Instant::now() > until {
                break fault;
            }
            pause(tries);
        };
        match fault {
            Fault::Conflict(_) if jobs.len() > 1 && Instant::now() < until => {
                let later = jobs.split_off(jobs.len() / 2);
                self.run_together(jobs, until);
                self.run_together(later, until);
            }
            fault => {
                let error = fault.error();
                tracing::warn!(cause = %fault.cause(), jobs = jobs.len(), "a transaction was not kept, or nobody knows");
                settle_all(jobs, &error);
            }
        }
    }

    /// One try. What it leaves behind when it fails is a connection without a transaction, or none.
    fn attempt(&mut self, jobs: &mut [Job], looks_first: bool) -> Result<Refusals, Fault> {
        let connection = Connection::kept(&mut self.connection, &self.target).map_err(Fault::Lost)?;
        let turn = self.turns.take();
        let done = transact(connection, jobs, looks_first).map_err(|fault| connection.give_up(fault));
        drop(turn);
        if done.is_ok() && connection.has_begun() {
            self.counters.committed(0);
        }
        match &done {
            Err(Fault::Conflict(cause)) => {
                tracing::debug!(%cause, "a conflict with another server");
                self.turns.are_needed();
            }
            Err(fault) if fault.loses_connection() => self.connection = None,
            _ => {}
        }
        done
    }
}

/// Runs the jobs in one transaction.
fn transact(connection: &mut Connection, jobs: &mut [Job], looks_first: bool) -> Result<Refusals, Fault> {
    connection.begin(schema::BEGIN_WRITE);
    let (mut known, mut runs) = (Known::default(), 0);
    loop {
        runs += 1;
        let state = match runs <= NOTING_RUNS {
            true => State::noting(known),
            false => State::asking(known, connection),
        };
        let (difference, refusals) = run_all(jobs, &state, looks_first);
        let wanted: Wanted;
        (known, wanted) = state.into_parts()?;
        if wanted.is_empty() {
            if !difference.is_empty() || connection.has_begun() {
                connection.keep(&difference)?;
            }
            return Ok(refusals);
        }
        connection.fetch(&wanted, &mut known)?;
    }
}

/// Runs the jobs one after the other, each over the changes of those before it.
fn run_all(jobs: &mut [Job], state: &State<'_>, looks_first: bool) -> (Difference, Refusals) {
    let mut batch = Batch::new(state, looks_first);
    let run = |job: &mut Job| {
        let mut overlay = Overlay::new(&batch);
        let to_keep = if job.run(&mut overlay) { overlay.into_changes() } else { Changes::default() };
        batch.take_in(to_keep).err()
    };
    let refusals = jobs.iter_mut().map(run).collect();
    (batch.into_difference(), refusals)
}

fn settle_each(jobs: Vec<Job>, refusals: Refusals) {
    for (job, refusal) in jobs.into_iter().zip(refusals) {
        job.settle(refusal.map_or(Ok(()), Err));
    }
}

fn settle_all(jobs: impl IntoIterator<Item = Job>, error: &StoreError) {
    jobs.into_iter().for_each(|job| job.settle(Err(error.clone())));
}

/// Waits for a random time that grows with the tries, so that servers that have met do not meet again.
fn pause(tries: u32) {
    let longest = FIRST_PAUSE * 2u32.pow(tries.min(8));
    thread::sleep(longest.mul_f64(fastrand::f64()));
}

/// Servers that have come into conflict write in turns for a while. It is a courtesy that saves work done in vain:
/// nothing depends on it, so that whoever has no turn, because somebody holds it for too long, writes all the same.
///
/// PostgreSQL notes what a serializable transaction has read by pages of an index, and from some 30 pages on as the whole
/// index; so two batches conflict whatever they are about. The turn is the lock of a row, held by a transaction of its
/// own on a connection of its own, since a serializable transaction that waits for a lock sees the state before it.
struct Turns {
    target: Target,
    connection: Option<Connection>,
    until: Option<Instant>,
}

/// The turn, until it is dropped.
struct Turn<'a>(&'a mut Option<Connection>);

impl Turns {
    fn new(target: Target) -> Self {
        Self { target, connection: None, until: None }
    }

    fn are_needed(&mut self) {
        self.until = Some(Instant::now() + TURNS_FOR);
    }

    /// Waits for the turn, if turns are taken.
    fn take(&mut self) -> Option<Turn<'_>> {
        if self.until.is_none_or(|until| Instant::now() > until) {
            return None;
        }
        if self.connection.is_none() {
            self.connection = Connection::plain(&self.target).ok();
        }
        let connection = self.connection.as_mut()?;
        let taken = connection.execute(schema::TAKE_TURN);
        let turn = Turn(&mut self.connection);
        taken.is_ok().then_some(turn) // dropped at once where it was not taken
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let given_back = self.0.as_mut().map(|connection| connection.execute(schema::ROLLBACK));
        if given_back.is_some_and(|done| done.is_err()) {
            *self.0 = None;
        }
    }
}
