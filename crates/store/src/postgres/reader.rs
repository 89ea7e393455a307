//! Readers: each runs one job at a time, in a transaction of its own that changes nothing.

use super::{
    connection::{Connection, Fault, Target},
    schema,
    state::{Known, State},
};
use crate::{error::StoreError, transaction::ReadJob};
use std::sync::{Mutex, PoisonError, mpsc::Receiver};

/// Runs jobs that read.
pub(super) struct Reader {
    target: Target,
    connection: Option<Connection>,
}

impl Reader {
    pub(super) fn new(target: Target) -> Self {
        Self { target, connection: None }
    }

    /// Takes jobs out of the queue that all readers share.
    pub(super) fn run(mut self, queue: &Mutex<Receiver<ReadJob>>) {
        loop {
            // Held while waiting: the others wait for the lock instead.
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            self.serve(job);
        }
    }

    fn serve(&mut self, job: ReadJob) {
        // A connection may have been lost since the last job, so that the first try may fail for no reason of today.
        let begun = self.begin().or_else(|_| self.begin());
        let Some(connection) = self.connection.as_mut().filter(|_| begun.is_ok()) else {
            return job.run(Err(begun.err().unwrap_or(StoreError::Busy)));
        };
        let state = State::asking(Known::default(), connection);
        job.run(Ok(&state));
        let ended = state.into_parts().and_then(|_| connection.roll_back());
        if ended.is_err() {
            self.connection = None;
        }
    }

    /// Begins a transaction, which shows that the database answers.
    fn begin(&mut self) -> Result<(), StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::for_work(&self.target).map_err(StoreError::Engine)?,
        };
        let connection = self.connection.insert(connection);
        connection.execute(schema::BEGIN_READ).map_err(|fault: Fault| {
            self.connection = None;
            fault.error()
        })
    }
}
