//! The outbox as a map: events in the order of their numbers. The memory store has one.

use crate::transaction::{NumberedEvent, OutboxChange};
use rollcall_model::event::{Event, EventNumber};
use std::{collections::BTreeMap, ops::Bound, sync::Arc};

/// Events that wait, and those that were given up.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    events: BTreeMap<EventNumber, Arc<Event>>,
    /// The greatest number that was given to an event.
    latest: u64,
}

impl Outbox {
    pub(crate) fn get(&self, number: EventNumber) -> Option<&Arc<Event>> {
        self.events.get(&number)
    }

    /// The events with a greater number than `after`, or all.
    pub(crate) fn after(&self, after: Option<EventNumber>) -> impl Iterator<Item = NumberedEvent> {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.events.range((begin, Bound::Unbounded)).map(|(number, event)| (*number, Arc::clone(event)))
    }

    pub(crate) fn apply(&mut self, change: OutboxChange) {
        match change {
            OutboxChange::Post(event) => {
                self.latest += 1;
                self.events.insert(EventNumber(self.latest), event);
            }
            OutboxChange::Replace(number, event) => {
                self.events.entry(number).and_modify(|known| *known = event);
            }
            OutboxChange::Remove(number) => {
                self.events.remove(&number);
            }
        }
    }
}
