//! Identifiers of new profiles and events: 12 bytes of seconds, process and counter, as MongoDB's `ObjectId` lays them out.

use rollcall_model::{event::EventId, profile::ProfileId};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// How many bits of the position the counter takes.
const COUNTER_BITS: u32 = 24;

static IDS: LazyLock<ProfileIds> = LazyLock::new(ProfileIds::default);
static EVENTS: LazyLock<ProfileIds> = LazyLock::new(ProfileIds::default);

/// A new identifier, unlike any other and greater than all that this process has made or found stored before.
pub fn new_profile_id() -> ProfileId {
    IDS.next()
}

/// An identifier that no other event has.
pub fn new_event_id() -> EventId {
    EventId(EVENTS.next().0)
}

/// The identifier `count` places after `first`, for who numbers profiles beforehand: by the same `first`, the same
/// profile has the same identifier again. Others cannot have it: `first` is from [`new_profile_id`], and its process
/// makes no more of them.
pub fn numbered(first: ProfileId, count: u64) -> ProfileId {
    let ProfileId([s0, s1, s2, s3, process @ .., c0, c1, c2]) = first;
    id_at(u64::from_be_bytes([0, s0, s1, s2, s3, c0, c1, c2]) + count, process)
}

/// From now on, new identifiers are greater than this one, which another process has made: perhaps in this very second,
/// perhaps by a clock that was ahead. One that is ahead by more than a day was made by no clock, and is not followed: it
/// would use up the time that identifiers can tell.
pub(crate) fn continue_after(id: ProfileId) {
    if seconds_of(id) <= now() + A_DAY {
        IDS.continue_after(id);
    }
}

/// In seconds.
const A_DAY: u64 = 24 * 60 * 60;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn seconds_of(id: ProfileId) -> u64 {
    let [s0, s1, s2, s3, ..] = id.0;
    u64::from(u32::from_be_bytes([s0, s1, s2, s3]))
}

/// Makes identifiers. Those of one maker are unique and ascend, whichever threads ask; two makers are told apart by
/// five random bytes.
#[derive(Debug)]
pub struct ProfileIds {
    /// Seconds since 1970 and counter of the latest identifier, as one number: a second whose counter is used up
    /// borrows from the next one, and a clock that goes back is waited for, so that the order holds all the same.
    latest: AtomicU64,
    process: [u8; 5],
}

impl Default for ProfileIds {
    fn default() -> Self {
        // The hasher's keys are the standard library's way to randomness.
        let [process @ .., _, _, _] = RandomState::new().hash_one(std::process::id()).to_be_bytes();
        Self { latest: AtomicU64::new(0), process }
    }
}

impl ProfileIds {
    /// The next identifier.
    pub fn next(&self) -> ProfileId {
        self.next_at(now())
    }

    fn continue_after(&self, id: ProfileId) {
        let end_of_its_second = (seconds_of(id) << COUNTER_BITS) | ((1 << COUNTER_BITS) - 1);
        self.latest.fetch_max(end_of_its_second, Ordering::Relaxed);
    }

    fn next_at(&self, seconds: u64) -> ProfileId {
        let position = |latest: u64| (latest + 1).max(seconds << COUNTER_BITS);
        let latest = self.latest.update(Ordering::Relaxed, Ordering::Relaxed, position);
        id_at(position(latest), self.process)
    }
}

fn id_at(position: u64, [p0, p1, p2, p3, p4]: [u8; 5]) -> ProfileId {
    let [_, s0, s1, s2, s3, c0, c1, c2] = position.to_be_bytes();
    ProfileId([s0, s1, s2, s3, p0, p1, p2, p3, p4, c0, c1, c2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, thread};

    #[test]
    fn continue_after_what_another_process_has_made() {
        let (earlier, later) = (ProfileIds::default(), ProfileIds::default());
        let made_ahead = (0..9).map(|_| earlier.next_at(2_000)).last().unwrap();
        later.continue_after(made_ahead);
        assert!(later.next_at(2_000) > made_ahead && later.next_at(1_000) > made_ahead);
    }

    #[test]
    fn numbered_identifiers_ascend_and_are_the_same_again() {
        let first = ProfileIds::default().next_at(100);
        let ids: Vec<_> = [0, 1, 2, 1 << COUNTER_BITS, u64::from(u32::MAX)].map(|count| numbered(first, count)).into();
        assert_eq!(ids[0], first);
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert_eq!(ids[3].0[..4], [0, 0, 0, 101]);
    }

    #[test]
    fn an_identifier_that_no_clock_has_made_is_not_followed() {
        continue_after(ProfileId([u8::MAX; 12]));
        assert!(seconds_of(new_profile_id()) <= now() + A_DAY);
    }

    #[test]
    fn carries_the_second_it_was_made_in() {
        let ProfileId([s0, s1, s2, s3, .., c0, c1, c2]) = ProfileIds::default().next_at(0x5475_9eb3);
        assert_eq!((s0, s1, s2, s3), (0x54, 0x75, 0x9e, 0xb3));
        assert_eq!((c0, c1, c2), (0, 0, 0));
    }

    #[test]
    fn ascends_when_the_clock_goes_back_and_when_the_counter_is_used_up() {
        let ids = ProfileIds::default();
        let before = ids.next_at(100);
        assert!(ids.next_at(99) > before);
        ids.latest.store((101 << COUNTER_BITS) - 1, Ordering::Relaxed);
        let carried = ids.next_at(100);
        assert!(carried > before);
        assert_eq!(carried.0[..4], [0, 0, 0, 101]);
    }

    #[test]
    fn makes_no_identifier_twice_whichever_thread_asks() {
        let ids = ProfileIds::default();
        let made: Vec<Vec<ProfileId>> = thread::scope(|scope| {
            let ask = || (0..5_000).map(|_| ids.next()).collect();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(made.iter().all(|ids| ids.is_sorted()));
        assert_eq!(made.iter().flatten().collect::<HashSet<_>>().len(), 20_000);
    }

    #[test]
    fn tells_processes_apart() {
        assert_ne!(ProfileIds::default().process, ProfileIds::default().process);
    }
}
