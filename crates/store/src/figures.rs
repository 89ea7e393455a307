//! Plain numbers of a store at work, for whoever watches it. They are counted as it goes along, and each may be a moment
//! older than the others.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a store tells of itself; nothing where it does not know.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Writes that have been handed over and not yet been taken up.
    pub waiting: Option<u64>,
    /// Commits since the store was opened; each keeps the changes of one or more jobs.
    pub commits: Option<u64>,
    /// Jobs since the store was opened that were answered when everything they had changed was kept, though that be
    /// nothing.
    pub jobs: Option<u64>,
    /// Bytes written into the log since the store was opened.
    pub bytes_written: Option<u64>,
    /// Profiles of all databases.
    pub profiles: Option<u64>,
    /// Events in the outbox.
    pub events: Option<u64>,
}

/// What a writer counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    waiting: AtomicU64,
    commits: AtomicU64,
    jobs: AtomicU64,
    bytes_written: AtomicU64,
}

impl Counters {
    /// A job is about to be handed over. Counted before, so that it cannot be taken up uncounted.
    pub(crate) fn comes(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// So many jobs no longer wait.
    pub(crate) fn taken(&self, jobs: usize) {
        self.waiting.fetch_sub(jobs as u64, Ordering::Relaxed);
    }

    pub(crate) fn committed(&self, bytes: u64) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn kept(&self, jobs: usize) {
        self.jobs.fetch_add(jobs as u64, Ordering::Relaxed);
    }

    pub(crate) fn figures(&self) -> Figures {
        let read = |counter: &AtomicU64| Some(counter.load(Ordering::Relaxed));
        Figures {
            waiting: read(&self.waiting),
            commits: read(&self.commits),
            jobs: read(&self.jobs),
            bytes_written: read(&self.bytes_written),
            ..Figures::default()
        }
    }
}
