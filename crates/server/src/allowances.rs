//! How much each token has used of what it is allowed: requests (429) and imported profiles (402).
//!
//! The counts are in memory, and begin anew with the process. They belong to the token's hash, so that they outlive an
//! exchange of the configuration, unless the allowance itself is another one then. A period begins with the first that
//! is counted in it.

use crate::failure::Failure;
use rollcall_model::{
    rejection::Rejection,
    response_code::ResponseCode,
    token::{Allowance, Grant, TokenHash},
};
use std::{
    collections::HashMap,
    future::Future,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What has been used of all allowances.
#[derive(Debug, Default)]
pub struct Allowances {
    requests: Counts,
    profiles: Counts,
}

impl Allowances {
    /// Counts a request, or refuses it and says how long its sender has to wait.
    pub(crate) fn take_request(&self, grant: &Grant) -> Result<(), (Rejection, Duration)> {
        let Some(allowance) = grant.rate_limit else { return Ok(()) };
        self.requests.take(grant.hash, allowance, Instant::now()).map_err(|wait| {
            let Allowance { count, period } = allowance;
            let detail = format!("the token may send {count} requests in {period:?}");
            (ResponseCode::TooManyRequests.because(detail), wait)
        })
    }

    /// Lets a profile be imported, and counts it unless that is refused or fails.
    pub(crate) async fn import<T>(
        &self,
        grant: &Grant,
        importing: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(allowance) = grant.tariff_limit else { return importing.await };
        self.profiles.take(grant.hash, allowance, Instant::now()).map_err(|wait| {
            let (Allowance { count, period }, wait) = (allowance, whole_seconds(wait));
            let detail = format!("the token may import {count} profiles in {period:?}, and again in {wait}s");
            ResponseCode::TariffLimit.because(detail)
        })?;
        importing.await.inspect_err(|_| self.profiles.give_back(grant.hash))
    }
}

/// As `Retry-After` tells it: never too early.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<TokenHash, Count>>);

/// What a token has used in the period that runs.
#[derive(Debug, Clone, Copy)]
struct Count {
    of: Allowance,
    since: Instant,
    used: u32,
}

impl Counts {
    /// Uses one, or says in which time the period is over.
    fn take(&self, token: TokenHash, of: Allowance, now: Instant) -> Result<(), Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Count { of, since: now, used: 0 };
        let count = counts.entry(token).or_insert(fresh);
        let passed = now.saturating_duration_since(count.since);
        if count.of != of || passed >= of.period {
            *count = fresh;
        }
        if count.used == of.count.get() {
            return Err(of.period - now.saturating_duration_since(count.since));
        }
        count.used += 1;
        Ok(())
    }

    fn give_back(&self, token: TokenHash) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = counts.get_mut(&token) {
            known.used = known.used.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    const TOKEN: TokenHash = TokenHash([1; 32]);
    const SECOND: Duration = Duration::from_secs(1);

    fn so_many(count: u32) -> Allowance {
        Allowance { count: NonZeroU32::new(count).unwrap(), period: 10 * SECOND }
    }

    #[test]
    fn a_period_begins_with_what_is_counted_first_and_gives_the_whole_allowance_again() {
        let (counts, begin) = (Counts::default(), Instant::now());
        let take = |seconds| counts.take(TOKEN, so_many(2), begin + seconds * SECOND);
        assert_eq!([take(3), take(4), take(4), take(12)], [Ok(()), Ok(()), Err(9 * SECOND), Err(SECOND)]);
        assert_eq!([take(13), take(13), take(22), take(23)], [Ok(()), Ok(()), Err(SECOND), Ok(())]);
    }

    #[test]
    fn what_was_not_used_can_be_used_again() {
        let (counts, now) = (Counts::default(), Instant::now());
        let take = || counts.take(TOKEN, so_many(2), now).is_ok();
        assert_eq!([take(), take(), take()], [true, true, false]);
        counts.give_back(TOKEN);
        assert_eq!([take(), take()], [true, false]);
    }

    #[test]
    fn tokens_are_counted_apart_and_another_allowance_begins_anew() {
        let (counts, now) = (Counts::default(), Instant::now());
        let take = |token, of| counts.take(token, of, now).is_ok();
        assert!(take(TOKEN, so_many(1)) && take(TokenHash([2; 32]), so_many(1)));
        assert!(!take(TOKEN, so_many(1)));
        assert!(take(TOKEN, so_many(2)) && take(TOKEN, so_many(2)) && !take(TOKEN, so_many(2)));
    }

    #[test]
    fn nobody_is_told_to_come_back_too_early() {
        let seconds = [0, 1, 999, 1000, 1001].map(|wait| whole_seconds(Duration::from_millis(wait)));
        assert_eq!(seconds, [0, 1, 1, 1, 2]);
    }
}
