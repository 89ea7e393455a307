//! The outbox as a map, which the memory store has: events in the order of their numbers; and what a batch changes in an
//! outbox, put together.

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

    pub(crate) fn length(&self) -> usize {
        self.events.len()
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

/// What becomes of events by all changes of a batch.
#[derive(Debug, Default)]
pub(crate) struct OutboxChanges {
    /// New events, in this order.
    pub(crate) posted: Vec<Arc<Event>>,
    /// What becomes of those that were there: another one, or nothing.
    pub(crate) others: BTreeMap<EventNumber, Option<Arc<Event>>>,
}

impl OutboxChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.posted.is_empty() && self.others.is_empty()
    }

    pub(crate) fn take_in(&mut self, change: OutboxChange) {
        match change {
            OutboxChange::Post(event) => self.posted.push(event),
            OutboxChange::Replace(number, event) => {
                if self.others.get(&number) != Some(&None) {
                    self.others.insert(number, Some(event));
                }
            }
            OutboxChange::Remove(number) => {
                self.others.insert(number, None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_model::{database::DatabaseId, event::EventId, profile::ProfileId};

    fn event(body: &str) -> Arc<Event> {
        let (id, profile, database) = (EventId([1; 12]), ProfileId([1; 12]), DatabaseId(1));
        Arc::new(Event { id, trigger: "t".into(), database, profile, body: body.into(), dead: None })
    }

    #[test]
    fn an_event_that_has_been_removed_is_not_replaced_any_more() {
        let mut changes = OutboxChanges::default();
        let number = EventNumber(1);
        for (change, becomes) in [
            (OutboxChange::Replace(number, event("a")), Some("a")),
            (OutboxChange::Replace(number, event("b")), Some("b")),
            (OutboxChange::Remove(number), None),
            (OutboxChange::Replace(number, event("c")), None),
        ] {
            changes.take_in(change);
            assert_eq!(changes.others[&number].as_ref().map(|event| &*event.body), becomes);
        }
    }
}
