//! What triggers hear, from its posting to its delivery. Ruling D13.
//!
//! An import posts its events in the write that changes the profile (`post`). From the outbox of the store a
//! [`deliverer::Deliverer`] sends them: at least once, and those of one profile to one webhook in the order in which they
//! happened. What becomes of an event that cannot be delivered is said in `docs/triggers.md`.

pub mod deliverer; // from the outbox to the webhooks
mod queue; // whose turn it is: no clock, no store, no network
mod webhook; // one event over HTTP, signed

pub mod letters; // the outbox as people see it: looked at, sent again, thrown away
pub(crate) mod calls; // the same over HTTP

pub(crate) use webhook::is_address;

use crate::failure::Failure;
use jiff::Timestamp;
use rollcall_codec::event;
use rollcall_model::{
    database::DatabaseId, event::Event, profile::Profile, rejection::Rejection, response_code::ResponseCode,
    trigger::wanted, world::World,
};
use rollcall_store::{
    ids::new_event_id,
    transaction::{OutboxChange, Transaction},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// How many events wait to be delivered, and the bell by which a deliverer hears of new ones.
#[derive(Debug)]
pub struct Backlog {
    /// As many as this process knows of: the one that delivers knows of all.
    waiting: AtomicUsize,
    /// While there are more, no import is taken that posts another one.
    most: usize,
    bell: Notify,
}

impl Default for Backlog {
    fn default() -> Self {
        Self::of_at_most(Self::USUAL)
    }
}

impl Backlog {
    /// How long it may become, unless something else is said.
    pub const USUAL: usize = 1_000_000;

    /// A backlog that may become about so long.
    pub fn of_at_most(most: usize) -> Self {
        Self { waiting: AtomicUsize::new(0), most, bell: Notify::new() }
    }

    /// How many events wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether one more may be posted.
    fn check(&self) -> Result<(), Rejection> {
        match self.waiting() < self.most {
            true => Ok(()),
            false => Err(ResponseCode::Unavailable.because("too many events wait to be delivered")),
        }
    }

    /// Tells the deliverer that there may be new events, if a trigger listens to the database.
    pub(crate) fn ring_for(&self, database: DatabaseId, world: &World) {
        if world.triggers.iter().any(|trigger| trigger.database == database) {
            self.ring();
        }
    }

    /// Tells the deliverer that there are new events.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }

    async fn rung(&self) {
        self.bell.notified().await;
    }

    pub(crate) fn set_waiting(&self, count: usize) {
        self.waiting.store(count, Ordering::Relaxed);
    }
}

/// Posts what triggers want to hear of the change from `before` to `after`.
pub(crate) fn post(
    before: Option<&Profile>,
    after: &Profile,
    world: &World,
    backlog: &Backlog,
    state: &mut dyn Transaction,
) -> Result<(), Failure> {
    let events = wanted(&world.triggers, before, after);
    if events.is_empty() {
        return Ok(());
    }
    backlog.check()?;
    let time = Timestamp::now();
    for (trigger, change) in events {
        let id = new_event_id();
        let body = event::body(id, trigger, &change, after, time, world);
        let (trigger, database, profile) = (trigger.name.clone(), after.database, after.id);
        let event = Event { id, trigger, database, profile, body, dead: None };
        state.change_outbox(OutboxChange::Post(Arc::new(event)))?;
    }
    Ok(())
}
