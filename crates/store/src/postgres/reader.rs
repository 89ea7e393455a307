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
            // Held while waiting: the other readers wait for the lock instead.
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            match self.begin() {
                Ok(connection) => {
                    if serve(job, connection).is_err() {
                        self.connection = None;
                    }
                }
                Err(error) => {
                    job.run(Err(error.clone()));
                    // Those behind it would only wait for the same. If the lock is taken, another reader sees to them.
                    let waiting = queue.try_lock();
                    waiting.iter().flat_map(|queue| queue.try_iter()).for_each(|job| job.run(Err(error.clone())));
                }
            }
        }
    }

    /// Begins a transaction, which shows that the database answers. A connection from before may have been lost since.
    fn begin(&mut self) -> Result<&mut Connection, StoreError> {
        let is_from_before = self.connection.is_some();
        let begin = |reader: &mut Self| {
            let connection = Connection::kept(&mut reader.connection, &reader.target).map_err(StoreError::Engine)?;
            connection.execute(schema::BEGIN_READ).map_err(|fault| {
                reader.connection = None;
                fault.error()
            })
        };
        begin(self).or_else(|error| if is_from_before { begin(self) } else { Err(error) })?;
        self.connection.as_mut().ok_or(StoreError::Busy)
    }
}

fn serve(job: ReadJob, connection: &mut Connection) -> Result<(), Fault> {
    let state = State::asking(Known::default(), connection);
    job.run(Ok(&state));
    state.into_parts()?;
    connection.roll_back()
}
