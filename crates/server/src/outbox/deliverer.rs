//! From the outbox to the webhooks: one loop that reads new events, sends those whose turn it is, and settles what came of
//! them, many in one write. What it knows is in the outbox too, so that it can begin anew at any moment: after a restart,
//! after an error of the store, and when the configuration has other triggers.

use super::{
    Backlog,
    queue::{Attempt, Queue, Turn, Whose},
    webhook::{Sender, Sent},
};
use crate::worlds::Worlds;
use rollcall_model::{
    event::{DeadLetter, Event, EventNumber},
    trigger::Trigger,
    world::World,
};
use rollcall_store::{
    error::StoreError,
    transaction::{self, OutboxChange, Snapshot, Store, Transaction},
};
use std::{
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    task::{JoinError, JoinSet, spawn_blocking},
    time::{sleep, sleep_until},
};

/// How events are delivered.
#[derive(Debug, Clone, Copy)]
pub struct DeliverySettings {
    /// Events on their way at once, at most.
    pub at_once: usize,
    /// Of these, to one webhook.
    pub at_once_per_webhook: usize,
    /// Profiles whose events a webhook is sent again at the same time, at most; when there are so many, others wait.
    pub lanes_per_webhook: usize,
    /// How long it may take to connect.
    pub connect: Duration,
    /// How long all of it may take, to the end of the answer.
    pub whole: Duration,
    /// The pause after the first attempt in vain, at most; it is doubled by each further one.
    pub first_pause: Duration,
    /// The pause, however many attempts there were, at most.
    pub longest_pause: Duration,
    /// Attempts at most; an event that has had them is given up.
    pub attempts: u32,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            at_once: 256,
            at_once_per_webhook: 16,
            lanes_per_webhook: 1_000,
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(15),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(300),
            attempts: 20,
        }
    }
}

/// Delivers the events of a store.
pub struct Deliverer {
    /// Where they wait.
    pub store: Arc<dyn Store>,
    /// What says where they are to be sent.
    pub worlds: Arc<Worlds>,
    /// Rings when there are new ones.
    pub backlog: Arc<Backlog>,
    /// How to go about it.
    pub settings: DeliverySettings,
}

/// How long the deliverer waits at most before it looks again: at the outbox, for what the bell did not tell, at the
/// configuration, and whether it may deliver.
const TICK: Duration = Duration::from_secs(1);

/// Events that are read at once.
const PAGE: usize = 1_000;

/// Resolves when the deliverer is to stop.
type Stop<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

impl Deliverer {
    /// Delivers until `stop` resolves; then what is on its way is waited for.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let sender = Sender::new(self.settings);
        let mut stop: Stop<'_> = std::pin::pin!(stop);
        loop {
            if self.may_deliver().await {
                match Round::new(&self, &sender).deliver(stop.as_mut()).await {
                    Ok(End::Stopped) => return,
                    Ok(End::Anew) => continue,
                    Err(StoreError::Closed) => {}
                    Err(error) => tracing::warn!(%error, "events cannot be read or settled now"),
                }
            }
            tokio::select! {
                () = &mut stop => return,
                () = sleep(TICK) => {}
            }
        }
    }

    /// Asks the store, which may have to ask a database.
    async fn may_deliver(&self) -> bool {
        let store = Arc::clone(&self.store);
        let asked = spawn_blocking(move || store.may_deliver()).await;
        asked.unwrap_or(Err(StoreError::Panicked)).unwrap_or_else(|error| {
            tracing::warn!(%error, "it is not known who delivers events");
            false
        })
    }
}

/// Why a round of deliveries ended.
enum End {
    Stopped,
    /// There are other triggers, or it is for others to deliver.
    Anew,
}

/// Deliveries under one configuration.
struct Round<'a> {
    of: &'a Deliverer,
    sender: &'a Sender,
    world: Arc<World>,
    /// When the store was asked last whether this process delivers.
    asked: Instant,
    queue: Queue,
    /// The last event that was read.
    read: Option<EventNumber>,
    on_their_way: JoinSet<Sending>,
    /// What is to be written to the outbox.
    settled: Vec<OutboxChange>,
}

/// An event that has been sent.
struct Sending {
    turn: Turn,
    event: Arc<Event>,
    sent: Sent,
}

impl<'a> Round<'a> {
    fn new(of: &'a Deliverer, sender: &'a Sender) -> Self {
        let (queue, world) = (Queue::new(of.settings), of.worlds.now());
        let asked = Instant::now();
        Self { of, sender, world, asked, queue, read: None, on_their_way: JoinSet::new(), settled: Vec::new() }
    }

    async fn deliver(&mut self, mut stop: Stop<'_>) -> Result<End, StoreError> {
        let mut may_be_new = true;
        while self.triggers_are_as_they_were() && self.is_still_ours().await {
            if may_be_new {
                may_be_new = self.read_page().await?;
            }
            let are_more = self.begin().await?;
            self.of.backlog.set_waiting(self.queue.waiting());
            self.settle().await;
            let moment = self.next_moment();
            tokio::select! {
                biased;
                () = &mut stop => return self.finish().await.map(|()| End::Stopped),
                Some(sent) = self.on_their_way.join_next() => self.take_in(sent)?,
                () = ready(()), if may_be_new || are_more => {}
                () = self.of.backlog.rung() => may_be_new = true,
                () = sleep_until(moment.into()) => may_be_new = true,
            }
            while let Some(sent) = self.on_their_way.try_join_next() {
                self.take_in(sent)?;
            }
        }
        self.finish().await.map(|()| End::Anew)
    }

    fn triggers_are_as_they_were(&self) -> bool {
        let now = self.of.worlds.now();
        Arc::ptr_eq(&now, &self.world) || now.triggers == self.world.triggers
    }

    /// Whether this process is still the one that delivers; asked now and then.
    async fn is_still_ours(&mut self) -> bool {
        if self.asked.elapsed() < TICK {
            return true;
        }
        self.asked = Instant::now();
        self.of.may_deliver().await
    }

    /// When something is to be done next of which nobody tells.
    fn next_moment(&self) -> Instant {
        let tick = Instant::now() + TICK;
        self.queue.next_moment().map_or(tick, |moment| moment.min(tick))
    }

    /// Takes the next events of the outbox into the queue, and says whether there may be more.
    async fn read_page(&mut self) -> Result<bool, StoreError> {
        let after = self.read;
        let page = transaction::read(&*self.of.store, move |state| state.events_after(after, PAGE)).await?;
        for (number, event) in page.iter().filter(|(_, event)| event.dead.is_none()) {
            match trigger(&self.world, event) {
                Some(trigger) => self.queue.push(&trigger.webhook.url, *number),
                None => self.settled.push(given_up(*number, event, 0, "the configuration has no such trigger")),
            }
        }
        self.read = page.last().map(|(number, _)| *number).or(self.read);
        Ok(page.len() == PAGE)
    }

    /// Sends the events whose turn it is, and says whether there may be more of them.
    async fn begin(&mut self) -> Result<bool, StoreError> {
        let turns = self.queue.take(Instant::now());
        if turns.is_empty() {
            return Ok(false);
        }
        let numbers: Vec<_> = turns.iter().map(|turn| turn.number).collect();
        let find = move |state: &dyn Snapshot| numbers.iter().map(|number| state.event(*number)).collect();
        let events: Vec<Option<Arc<Event>>> = transaction::read(&*self.of.store, find).await?;
        for (turn, event) in turns.into_iter().zip(events) {
            let trigger =
                event.as_deref().filter(|event| event.dead.is_none()).and_then(|event| trigger(&self.world, event));
            match (event, trigger) {
                (Some(event), Some(trigger)) if self.queue.begin(turn, whose(&event)) => {
                    let (sender, webhook) = (self.sender.clone(), trigger.webhook.clone());
                    self.on_their_way.spawn(async move {
                        let sent = sender.send(&event, &webhook).await;
                        Sending { turn, event, sent }
                    });
                }
                (Some(_), Some(_)) => {}
                _ => self.queue.drop_gone(turn),
            }
        }
        Ok(true)
    }

    fn take_in(&mut self, sent: Result<Sending, JoinError>) -> Result<(), StoreError> {
        let Sending { turn, event, sent } = sent.map_err(|_| StoreError::Panicked)?;
        let attempts = self.queue.attempts(turn, whose(&event)) + 1;
        let reason = match sent {
            Sent::Delivered => {
                self.settled.push(OutboxChange::Remove(turn.number));
                self.end(turn, &event, Attempt::Settled);
                return Ok(());
            }
            Sent::Failed(reason) if attempts < self.of.settings.attempts => {
                tracing::debug!(event = %event.id, trigger = %event.trigger, attempts, reason, "not delivered");
                self.end(turn, &event, Attempt::Failed);
                return Ok(());
            }
            Sent::Failed(reason) | Sent::Unwanted(reason) => reason,
        };
        tracing::warn!(event = %event.id, trigger = %event.trigger, attempts, reason, "given up");
        self.settled.push(given_up(turn.number, &event, attempts, &reason));
        self.end(turn, &event, Attempt::Settled);
        Ok(())
    }

    fn end(&mut self, turn: Turn, event: &Event, attempt: Attempt) {
        self.queue.end(turn, whose(event), attempt, Instant::now(), fastrand::f64());
    }

    /// Writes what is settled. If the store does not take it now, it is written later; meanwhile it only is not known to
    /// who comes after us.
    async fn settle(&mut self) {
        if self.settled.is_empty() {
            return;
        }
        let changes = self.settled.clone();
        let work = move |state: &mut dyn Transaction| {
            changes.iter().cloned().try_for_each(|change| state.change_outbox(change))
        };
        match transaction::write(&*self.of.store, work).await {
            Ok(()) => self.settled.clear(),
            Err(error) => {
                tracing::warn!(%error, "deliveries cannot be written down now");
                sleep(TICK).await; // what goes on meanwhile would have to be done again
            }
        }
    }

    /// Waits for what is on its way.
    async fn finish(&mut self) -> Result<(), StoreError> {
        while let Some(sent) = self.on_their_way.join_next().await {
            self.take_in(sent)?;
        }
        self.settle().await;
        Ok(())
    }
}

fn trigger<'w>(world: &'w World, event: &Event) -> Option<&'w Trigger> {
    world.triggers.iter().find(|trigger| trigger.name == event.trigger && trigger.database == event.database)
}

fn whose(event: &Event) -> Whose {
    (event.database, event.profile)
}

fn given_up(number: EventNumber, event: &Arc<Event>, attempts: u32, reason: &str) -> OutboxChange {
    let dead = Some(DeadLetter { attempts, reason: reason.into() });
    OutboxChange::Replace(number, Arc::new(Event { dead, ..Event::clone(event) }))
}
