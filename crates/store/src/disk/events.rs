//! Where the events of the outbox are in the log.

use super::frame::{Place, Span};
use rollcall_model::event::EventNumber;
use std::{
    collections::BTreeMap,
    ops::Bound,
    time::{SystemTime, UNIX_EPOCH},
};

/// The outbox, as far as it need not be read.
#[derive(Debug, Default)]
pub(crate) struct Events {
    places: BTreeMap<EventNumber, EventPlace>,
    /// The greatest number that any record of an event has, also of one that has ended; 0 where there is none.
    latest: u64,
}

/// Where an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventPlace {
    pub(crate) place: Place,
    /// No older segment was ever written into for it.
    pub(crate) first: u32,
}

impl Events {
    /// The events that a checkpoint speaks of.
    pub(crate) fn restored(places: BTreeMap<EventNumber, EventPlace>, latest: u64) -> Self {
        Self { places, latest }
    }

    pub(crate) fn places(&self) -> &BTreeMap<EventNumber, EventPlace> {
        &self.places
    }

    pub(crate) fn latest(&self) -> u64 {
        self.latest
    }

    /// Where the event is, if it is in the outbox.
    pub(crate) fn place(&self, number: EventNumber) -> Option<Place> {
        self.places.get(&number).map(|event| event.place)
    }

    /// The segments that may hold something of the event, in a log that ends in the segment `last`.
    pub(crate) fn written(&self, number: EventNumber, last: u32) -> Option<Span> {
        self.places.get(&number).map(|event| Span { first: event.first, last })
    }

    /// The events with a greater number than `after`, or all, in the order of their numbers.
    pub(crate) fn after(&self, after: Option<EventNumber>) -> impl Iterator<Item = (EventNumber, Place)> {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.places.range((begin, Bound::Unbounded)).map(|(number, event)| (*number, event.place))
    }

    /// Numbers for new events, ascending. No record that can still be read has one of them: it would end another event
    /// than it was meant for. Microseconds, so that receivers of events see as good as never one number twice.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = EventNumber> + use<> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        let first = u64::try_from(now).unwrap_or(0).max(self.latest + 1);
        (first..).map(EventNumber)
    }

    /// From now on the event is here. Says where it was before.
    pub(crate) fn put(&mut self, number: EventNumber, place: Place) -> Option<Place> {
        self.latest = self.latest.max(number.0);
        let known = self.places.entry(number).or_insert(EventPlace { place, first: place.segment });
        let before = std::mem::replace(&mut known.place, place);
        (before != place).then_some(before)
    }

    /// Forgets what is said to be in a segment that `counts` no longer: it has ended since.
    pub(crate) fn forget_unless(&mut self, counts: impl Fn(u32) -> bool) {
        self.places.retain(|_, event| counts(event.place.segment));
    }

    /// From now on the event is in the outbox no longer. Says where it was.
    pub(crate) fn end(&mut self, number: EventNumber) -> Option<Place> {
        self.latest = self.latest.max(number.0);
        self.places.remove(&number).map(|event| event.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(segment: u32) -> Place {
        Place { segment, offset: 24, length: 9 }
    }

    #[test]
    fn an_event_is_remembered_from_its_first_segment_on() {
        let mut events = Events::default();
        let number = events.numbers().next().unwrap();
        assert_eq!(events.put(number, place(3)), None);
        assert_eq!(events.put(number, place(5)), Some(place(3)));
        assert_eq!(events.written(number, 6), Some(Span { first: 3, last: 6 }));
        assert_eq!(events.end(number), Some(place(5)));
        assert_eq!((events.end(number), events.written(number, 6)), (None, None));
    }

    #[test]
    fn no_number_is_given_twice_whatever_the_clock_says() {
        let mut events = Events::default();
        let ahead = EventNumber(u64::MAX / 2);
        events.end(ahead);
        assert_eq!(events.numbers().next(), Some(EventNumber(ahead.0 + 1)));
        assert_eq!(events.after(None).count(), 0);
    }
}
