//! Whose turn it is: the events that wait, by webhook and profile. No clock, no store, no network: moments are handed in,
//! and of an event only its number is kept, so that a million of them need eight megabytes.
//!
//! A webhook's events wait in one row. An event that is taken from it opens a lane for its profile, and those that come
//! after it wait in the lane, until it is delivered or given up. A webhook has only so many lanes: one that takes nothing
//! is tried with a few profiles, not with all.

use super::deliverer::DeliverySettings;
use rollcall_model::{database::DatabaseId, event::EventNumber, profile::ProfileId};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};

/// Who the profile of a lane is.
pub(super) type Whose = (DatabaseId, ProfileId);

/// The events that wait.
pub(super) struct Queue {
    settings: DeliverySettings,
    webhooks: Vec<Webhook>,
    places: HashMap<Box<str>, usize>,
    /// The webhook that is asked first the next time, so that each has its turn.
    first: usize,
    under_way: usize,
    waiting: usize,
}

/// What waits for a webhook.
#[derive(Default)]
struct Webhook {
    row: VecDeque<EventNumber>,
    lanes: HashMap<Whose, Lane>,
    /// Lanes whose first event can be sent now.
    ready: VecDeque<Whose>,
    /// Lanes whose first event waits to be sent again.
    later: BTreeSet<(Instant, Whose)>,
    under_way: usize,
}

/// The events of one profile for one webhook, of which the first is on its way or waits for another attempt.
struct Lane {
    first: EventNumber,
    attempts: u32,
    behind: VecDeque<EventNumber>,
}

/// An event whose turn it is, as far as its number tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) number: EventNumber,
    webhook: usize,
    /// Known of the first event of a lane.
    whose: Option<Whose>,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The event is settled: delivered, or given up.
    Settled,
    /// It is to be sent again.
    Failed,
}

impl Queue {
    pub(super) fn new(settings: DeliverySettings) -> Self {
        let (webhooks, places) = Default::default();
        Self { settings, webhooks, places, first: 0, under_way: 0, waiting: 0 }
    }

    /// How many events wait or are under way.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Puts an event behind all others for its webhook. Events come in the order of their numbers.
    pub(super) fn push(&mut self, url: &str, number: EventNumber) {
        let place = match self.places.get(url) {
            Some(place) => *place,
            None => {
                self.places.insert(url.into(), self.webhooks.len());
                self.webhooks.push(Webhook::default());
                self.webhooks.len() - 1
            }
        };
        self.webhooks[place].row.push_back(number);
        self.waiting += 1;
    }

    /// Events whose turn it is: as many as there is room for, webhook by webhook. Each is to be begun or dropped.
    pub(super) fn take(&mut self, now: Instant) -> Vec<Turn> {
        let mut turns = Vec::new();
        let count = self.webhooks.len();
        for webhook in (0..count).map(|step| (self.first + step) % count) {
            let room = self.settings.at_once.saturating_sub(self.under_way + turns.len());
            self.webhooks[webhook].take(webhook, room, now, &self.settings, &mut turns);
        }
        self.first = (self.first + 1) % count.max(1);
        turns
    }

    /// Whether the event is to be sent now, since nothing of its profile is before it. It is under way then; otherwise it
    /// waits in the lane.
    pub(super) fn begin(&mut self, turn: Turn, whose: Whose) -> bool {
        let webhook = &mut self.webhooks[turn.webhook];
        let begins = webhook.begin(turn.number, whose);
        if begins {
            webhook.under_way += 1;
            self.under_way += 1;
        }
        begins
    }

    /// Leaves out an event that is not there any more.
    pub(super) fn drop_gone(&mut self, turn: Turn) {
        let webhook = &mut self.webhooks[turn.webhook];
        if let Some(whose) = turn.whose {
            webhook.advance(whose);
        }
        self.waiting -= 1;
    }

    /// Takes in what came of the attempt at the first event of a lane. One that failed is sent again after a pause that
    /// grows with the attempts; `chance`, from 0 to 1, says how much of it.
    pub(super) fn end(&mut self, turn: Turn, whose: Whose, attempt: Attempt, now: Instant, chance: f64) {
        self.under_way -= 1;
        let webhook = &mut self.webhooks[turn.webhook];
        webhook.under_way -= 1;
        match attempt {
            Attempt::Settled => {
                self.waiting -= 1;
                webhook.advance(whose);
            }
            Attempt::Failed => {
                let Some(lane) = webhook.lanes.get_mut(&whose) else { return };
                lane.attempts += 1;
                let pause = self.settings.pause(lane.attempts).mul_f64(chance);
                webhook.later.insert((now + pause, whose));
            }
        }
    }

    /// How often the first event of the lane has been sent in vain.
    pub(super) fn attempts(&self, turn: Turn, whose: Whose) -> u32 {
        self.webhooks[turn.webhook].lanes.get(&whose).map_or(0, |lane| lane.attempts)
    }

    /// When the next event is to be sent again, if one waits for that.
    pub(super) fn next_moment(&self) -> Option<Instant> {
        self.webhooks.iter().filter_map(|webhook| webhook.later.first().map(|(moment, _)| *moment)).min()
    }
}

impl Webhook {
    fn take(&mut self, place: usize, room: usize, now: Instant, settings: &DeliverySettings, turns: &mut Vec<Turn>) {
        while let Some((moment, whose)) = self.later.first().copied().filter(|(moment, _)| *moment <= now) {
            self.later.remove(&(moment, whose));
            self.ready.push_back(whose);
        }
        let mut room = room.min(settings.at_once_per_webhook.saturating_sub(self.under_way));
        let turn = |number, whose| Turn { number, webhook: place, whose };
        while let Some(whose) = (room > 0).then(|| self.ready.pop_front()).flatten() {
            turns.extend(self.lanes.get(&whose).map(|lane| turn(lane.first, Some(whose))));
            room -= 1;
        }
        // Those that are taken may all need lanes of their own.
        let fresh = room.min(settings.lanes_per_webhook.saturating_sub(self.lanes.len())).min(self.row.len());
        turns.extend(self.row.drain(..fresh).map(|number| turn(number, None)));
    }

    fn begin(&mut self, number: EventNumber, whose: Whose) -> bool {
        match self.lanes.get_mut(&whose) {
            Some(lane) if lane.first == number => true,
            Some(lane) => {
                lane.behind.push_back(number);
                false
            }
            None => {
                self.lanes.insert(whose, Lane { first: number, attempts: 0, behind: VecDeque::new() });
                true
            }
        }
    }

    /// The next event of the lane is its first one now; without one there is no lane.
    fn advance(&mut self, whose: Whose) {
        let Some(lane) = self.lanes.get_mut(&whose) else { return };
        match lane.behind.pop_front() {
            Some(next) => {
                (lane.first, lane.attempts) = (next, 0);
                self.ready.push_back(whose);
            }
            None => {
                self.lanes.remove(&whose);
            }
        }
    }
}

impl DeliverySettings {
    /// The longest pause after so many attempts in vain: doubled each time.
    fn pause(&self, attempts: u32) -> Duration {
        let doubled = 2u32.saturating_pow(attempts.saturating_sub(1));
        self.first_pause.saturating_mul(doubled).min(self.longest_pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};

    const SETTINGS: DeliverySettings = DeliverySettings {
        at_once: 5,
        at_once_per_webhook: 3,
        lanes_per_webhook: 4,
        connect: Duration::ZERO,
        whole: Duration::ZERO,
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(35),
        attempts: 0,
    };

    /// An event: for which webhook, and of which profile.
    type Posted = (usize, u8);

    fn whose(profile: u8) -> Whose {
        (DatabaseId(1), ProfileId([profile; 12]))
    }

    /// Sends all events, of which some fail and some end before others that were begun earlier, as `chances` have it; the
    /// events in the order in which they were settled.
    fn settled(events: &[Posted], chances: &[u8]) -> Vec<usize> {
        let mut queue = Queue::new(SETTINGS);
        for (number, (webhook, _)) in events.iter().enumerate() {
            queue.push(&format!("http://{webhook}/"), EventNumber(number as u64));
        }
        let (mut settled, mut under_way, mut now) = (Vec::new(), Vec::new(), Instant::now());
        let mut chances = chances.iter().cycle().map(|chance| usize::from(*chance));
        while queue.waiting() > 0 {
            for turn in queue.take(now) {
                let number = usize::try_from(turn.number.0).unwrap();
                if queue.begin(turn, whose(events[number].1)) {
                    under_way.push((turn, number));
                }
            }
            check_bounds(&under_way, events);
            if under_way.is_empty() {
                now = queue.next_moment().unwrap_or(now);
                continue;
            }
            let (turn, number) = under_way.swap_remove(chances.next().unwrap() % under_way.len());
            let attempt = if chances.next().unwrap() % 2 == 0 { Attempt::Failed } else { Attempt::Settled };
            settled.extend((attempt == Attempt::Settled).then_some(number));
            queue.end(turn, whose(events[number].1), attempt, now, 1.0);
        }
        settled
    }

    /// Nothing of a profile is under way to a webhook twice, and not too much at all.
    fn check_bounds(under_way: &[(Turn, usize)], events: &[Posted]) {
        assert!(under_way.len() <= SETTINGS.at_once);
        for (place, (turn, number)) in under_way.iter().enumerate() {
            let others = || under_way[place + 1..].iter().map(|(_, other)| events[*other]);
            assert!(others().all(|other| other != events[*number]));
            let same = others().filter(|other| other.0 == events[*number].0).count();
            assert!(same < SETTINGS.at_once_per_webhook, "{turn:?}");
        }
    }

    proptest! {
        #[test]
        fn events_of_a_profile_are_settled_in_their_order_whatever_fails(
            events in collection::vec((0..3usize, 0..6u8), 0..60),
            mut chances in collection::vec(any::<u8>(), 16..64),
        ) {
            chances.push(1); // so that not everything fails for ever
            chances.push(1);
            chances.push(1);
            let settled = settled(&events, &chances);
            prop_assert_eq!(settled.len(), events.len());
            for (place, number) in settled.iter().enumerate() {
                let earlier = |other: &&usize| **other < *number && events[**other] == events[*number];
                prop_assert_eq!(settled[place..].iter().find(earlier), None);
            }
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses = [1, 2, 3, 40].map(|attempts| SETTINGS.pause(attempts).as_millis());
        assert_eq!(pauses, [10, 20, 35, 35]);
    }

    #[test]
    fn an_event_that_is_gone_lets_the_next_one_through() {
        let mut queue = Queue::new(SETTINGS);
        (1..=2).for_each(|number| queue.push("http://a/", EventNumber(number)));
        let turns = queue.take(Instant::now());
        queue.drop_gone(turns[0]);
        assert!(queue.begin(turns[1], whose(1)));
        assert_eq!(queue.waiting(), 1);
    }

    #[test]
    fn a_webhook_that_takes_nothing_is_tried_with_few_profiles() {
        let mut queue = Queue::new(SETTINGS);
        (0..100).for_each(|number| queue.push("http://a/", EventNumber(number)));
        let now = Instant::now();
        let mut tried = std::collections::HashSet::new();
        for _ in 0..100 {
            for turn in queue.take(now) {
                let profile = u8::try_from(turn.number.0).unwrap();
                assert!(queue.begin(turn, whose(profile)));
                queue.end(turn, whose(profile), Attempt::Failed, now, 1.0);
                tried.insert(profile);
            }
        }
        assert_eq!(tried.len(), SETTINGS.lanes_per_webhook);
    }
}
