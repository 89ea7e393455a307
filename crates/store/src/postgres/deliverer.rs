//! Whether this server is the one that delivers the events of the outbox: it holds a lock of the database's, on a
//! connection of its own, and whoever loses the connection loses the lock.

use super::{
    connection::{Connection, Fault, Target},
    schema,
};
use crate::error::StoreError;
use std::{fmt, panic::resume_unwind, thread};

/// Holds the lock, or tries to.
pub(super) struct Deliverer {
    target: Target,
    /// The connection that the lock is asked for on.
    connection: Option<Connection>,
    /// Whether that connection has the lock.
    has_lock: bool,
}

impl fmt::Debug for Deliverer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliverer").field("has_lock", &self.has_lock).finish_non_exhaustive()
    }
}

impl Deliverer {
    pub(super) fn new(target: Target) -> Self {
        Self { target, connection: None, has_lock: false }
    }

    /// Takes the lock where nobody has it, and says whether it is here.
    pub(super) fn is_this_one(&mut self) -> Result<bool, StoreError> {
        // In a thread of its own: the caller's may belong to a runtime, where nobody may wait.
        let asked = thread::scope(|scope| scope.spawn(|| self.ask_or_connect_again()).join());
        asked.unwrap_or_else(|panic| resume_unwind(panic)).map_err(|fault| fault.error())
    }

    /// A connection from before may have been lost since.
    fn ask_or_connect_again(&mut self) -> Result<bool, Fault> {
        let is_from_before = self.connection.is_some();
        self.ask().or_else(|fault| if is_from_before { self.ask() } else { Err(fault) })
    }

    fn ask(&mut self) -> Result<bool, Fault> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.has_lock = false;
                Connection::plain(&self.target).map_err(Fault::Lost)?
            }
        };
        let question = if self.has_lock { schema::ALIVE } else { schema::DELIVER };
        let has_lock = connection.number(question)? == Some(1);
        if has_lock && !self.has_lock {
            tracing::info!("this server delivers the events of {}", self.target);
        }
        self.has_lock = has_lock;
        self.connection = Some(connection);
        Ok(has_lock)
    }
}
