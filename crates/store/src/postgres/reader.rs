//! Readers: each runs one job at a time, in a transaction of its own that changes nothing.

use super::{
    connection::{Connection, Fault, Target},
    is_past, schema,
    state::{Known, State},
};
use crate::{error::StoreError, transaction::ReadJob};
use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc::Receiver},
    time::Instant,
};

/// How often a job is tried. A second try sees what the first one was in conflict with, so that it seldom fails.
const TRIES: u32 = 10;

/// Runs jobs that read.
pub(super) struct Reader {
    target: Target,
    connection: Option<Connection>,
    /// When jobs that are still waiting are let down, once the store is being closed.
    closes_at: Arc<OnceLock<Instant>>,
}

impl Reader {
    pub(super) fn new(target: Target, closes_at: Arc<OnceLock<Instant>>) -> Self {
        Self { target, connection: None, closes_at }
    }

    /// Takes jobs out of the queue that all readers share.
    pub(super) fn run(mut self, queue: &Mutex<Receiver<ReadJob>>) {
        loop {
            // Held while waiting: the other readers wait for the lock instead.
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(mut job) = next else { return };
            if is_past(&self.closes_at) {
                job.settle(Err(StoreError::Closed));
                continue;
            }
            let Err(fault) = self.serve(&mut job) else {
                job.settle(Ok(()));
                continue;
            };
            job.settle(Err(fault.error()));
            if fault.loses_connection() {
                // Those behind it would only wait for the same. If the lock is taken, another reader sees to them.
                let waiting = queue.try_lock();
                waiting.iter().flat_map(|queue| queue.try_iter()).for_each(|job| job.settle(Err(fault.error())));
            }
        }
    }

    fn serve(&mut self, job: &mut ReadJob) -> Result<(), Fault> {
        let mut tries = 0;
        loop {
            tries += 1;
            let is_from_before = self.connection.is_some(); // and may have been lost since
            match self.attempt(job) {
                Err(Fault::Conflict(_)) if tries < TRIES => {}
                Err(Fault::Lost(_)) if tries < TRIES && is_from_before => {}
                done => return done,
            }
        }
    }

    /// One try. What it leaves behind when it fails is a connection without a transaction, or none.
    fn attempt(&mut self, job: &mut ReadJob) -> Result<(), Fault> {
        let connection = Connection::kept(&mut self.connection, &self.target).map_err(Fault::Lost)?;
        let done = transact(connection, job).map_err(|fault| connection.give_up(fault));
        if done.as_ref().is_err_and(Fault::loses_connection) {
            self.connection = None;
        }
        done
    }
}

/// Runs the job in a transaction. That this is begun at once shows that the database answers.
fn transact(connection: &mut Connection, job: &mut ReadJob) -> Result<(), Fault> {
    connection.execute(schema::BEGIN_READ)?;
    let state = State::asking(Known::default(), connection);
    job.run(&state);
    state.into_parts()?;
    connection.execute(schema::COMMIT)
}
