//! Events: that something became of a profile, on its way to the webhook of a trigger. Ruling D13.

use crate::{database::DatabaseId, profile::ProfileId};
use std::fmt;

/// What tells an event from all others, so that a receiver can know one that it was sent before. Written as 24
/// lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId(pub [u8; 12]);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ProfileId(self.0).fmt(f)
    }
}

/// The place of an event in the outbox. Of two events of one profile, the one that happened first has the smaller number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventNumber(pub u64);

/// An event that waits to be delivered, or cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What its receiver knows it by.
    pub id: EventId,
    /// The name of the trigger that wants it.
    pub trigger: Box<str>,
    /// The database of its profile.
    pub database: DatabaseId,
    /// Whom it happened to.
    pub profile: ProfileId,
    /// What is sent, in JSON: the same bytes each time.
    pub body: Box<str>,
    /// Why it is sent no more, where it is given up.
    pub dead: Option<DeadLetter>,
}

/// Why an event was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// How often it was sent in vain.
    pub attempts: u32,
    /// What came of the last attempt.
    pub reason: Box<str>,
}
