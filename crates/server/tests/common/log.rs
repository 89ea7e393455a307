//! What a server in the test's own process logs.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};
use tracing::subscriber::DefaultGuard;

/// A log in memory: a JSON object a line.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// A log, and what makes a thread write everything to it for as long as the guard is there.
    pub(crate) fn of_everything() -> (Self, impl FnOnce() -> DefaultGuard + Send + 'static) {
        let log = Self::default();
        let writer = log.clone();
        let begin = move || {
            let subscriber = tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .with_max_level(tracing::Level::TRACE)
                .with_writer(move || writer.clone())
                .finish();
            tracing::subscriber::set_default(subscriber)
        };
        (log, begin)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The events with this message.
    pub(crate) fn events(&self, message: &str) -> Vec<serde_json::Value> {
        events(&self.text(), message)
    }
}

/// The events of a log with this message.
pub(crate) fn events(log: &str, message: &str) -> Vec<serde_json::Value> {
    let events = log.lines().map(|line| super::json(line.as_bytes()));
    events.filter(|event| event["message"] == message).collect()
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
