//! Load: many callers at once, and how long each call took. In a closed loop a caller calls again as soon as it has its
//! answer; in an open loop calls are due at a fixed rate, and a late answer makes the next ones late too, which counts.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

/// Something that makes one call after the other.
pub trait Caller: 'static {
    /// Makes the call with this number and waits for its answer; an answer that is none is an error.
    fn call(&mut self, number: u64) -> impl Future<Output = anyhow::Result<()>>;
}

/// How long calls took.
#[derive(Debug, Clone)]
pub struct Times(Histogram<u64>);

/// Digits that are kept of each time.
const DIGITS: u8 = 3;

impl Default for Times {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "it only refuses more than five digits")]
        Self(Histogram::new(DIGITS).expect("three digits are kept"))
    }
}

impl Times {
    /// Takes in one call's time.
    pub fn record(&mut self, time: Duration) {
        // It grows with what is recorded, and refuses nothing that fits its type: 584 years.
        let _ = self.0.record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Takes in the times of other calls.
    pub fn add(&mut self, others: &Self) {
        let _ = self.0.add(&others.0); // it grows with what is added
    }

    /// How many calls there were.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that this share of the calls (0.5, 0.999) took at most.
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(share))
    }
}

/// What came of a round of calls.
#[derive(Debug, Clone)]
pub struct Round {
    /// How long each took.
    pub times: Times,
    /// From the first call to the last answer.
    pub elapsed: Duration,
}

impl Round {
    /// Calls a second.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 calls")]
    pub fn per_second(&self) -> f64 {
        self.times.count() as f64 / self.elapsed.as_secs_f64()
    }
}

/// When a closed loop ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// No call begins after this time.
    Over(Duration),
    /// All calls with lower numbers have been made.
    Number(u64),
}

/// Opens `connections` callers and lets them call in a closed loop. Calls are numbered from `next`, which is left at
/// the first number that was not used; the first error ends the round. `done` hears of every answer.
pub fn closed_loop<C: Caller>(
    open: impl AsyncFn() -> anyhow::Result<C>,
    connections: usize,
    next: &mut u64,
    until: Until,
    done: impl Fn() + 'static,
) -> anyhow::Result<Round> {
    let numbers = Rc::new(Cell::new(*next));
    let done = Rc::new(done);
    let round = on_one_thread(async {
        let callers = open_all(open, connections).await?;
        let begin = Instant::now();
        let mut all = JoinSet::new();
        for mut caller in callers {
            let (numbers, done) = (Rc::clone(&numbers), Rc::clone(&done));
            all.spawn_local(async move {
                let mut times = Times::default();
                while let Some(number) = until.next(&numbers, begin) {
                    let begin = Instant::now();
                    caller.call(number).await.with_context(|| format!("call {number}"))?;
                    times.record(begin.elapsed());
                    done();
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Times::default();
        while let Some(one) = all.join_next().await {
            times.add(&one??);
        }
        Ok(Round { times, elapsed: begin.elapsed() })
    });
    *next = numbers.get();
    round
}

impl Until {
    /// The number of the next call, of a loop that began then; none if there is to be none.
    pub fn next(self, numbers: &Cell<u64>, begin: Instant) -> Option<u64> {
        let number = numbers.get();
        let goes_on = match self {
            Self::Over(time) => begin.elapsed() < time,
            Self::Number(end) => number < end,
        };
        goes_on.then(|| numbers.replace(number + 1))
    }
}

/// Calls at a fixed rate.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Calls that are due in a second.
    pub per_second: u32,
    /// For how long.
    pub time: Duration,
    /// Into how many equal slices of time the result is divided.
    pub slices: u32,
}

/// The calls that were due in one slice of time.
#[derive(Debug, Clone, Default)]
pub struct Slice {
    /// From when a call was due to its answer. The timer's steps of a millisecond are in it.
    pub times: Times,
    /// What went wrong, of the calls that had no good answer.
    pub errors: Vec<String>,
}

/// Opens `connections` callers and lets them call in an open loop. `ended` hears of each slice as soon as none of its
/// calls is due any more.
pub fn open_loop<C: Caller>(
    open: impl AsyncFn() -> anyhow::Result<C>,
    connections: usize,
    next: &mut u64,
    pace: Pace,
    mut ended: impl FnMut(u32) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Slice>> {
    let slices = Rc::new(RefCell::new(vec![Slice::default(); pace.slices as usize]));
    let turns = Rc::new(Cell::new(0));
    let first = *next;
    let result = on_one_thread(async {
        let callers = open_all(open, connections).await?;
        let begin = Instant::now();
        let mut all = JoinSet::new();
        for mut caller in callers {
            let (turns, slices) = (Rc::clone(&turns), Rc::clone(&slices));
            all.spawn_local(async move {
                while let Some((turn, due)) = pace.next(&turns) {
                    tokio::time::sleep_until((begin + due).into()).await;
                    let result = caller.call(first + u64::from(turn)).await;
                    let slice = &mut slices.borrow_mut()[pace.slice_of(due)];
                    match result {
                        Ok(()) => slice.times.record(begin.elapsed().saturating_sub(due)),
                        Err(error) => slice.errors.push(format!("{error:#}")),
                    }
                }
            });
        }
        for slice in 0..pace.slices {
            tokio::time::sleep_until((begin + pace.time * (slice + 1) / pace.slices).into()).await;
            ended(slice)?;
        }
        all.join_all().await;
        Ok(())
    });
    *next = first + u64::from(turns.get());
    result.map(|()| slices.take())
}

impl Pace {
    /// The next turn, and when it is due after the beginning.
    fn next(self, turns: &Cell<u32>) -> Option<(u32, Duration)> {
        let turn = turns.get();
        let due = Duration::from_secs(1) * turn / self.per_second;
        (due < self.time).then(|| (turns.replace(turn + 1), due))
    }

    fn slice_of(self, due: Duration) -> usize {
        let slice = due.as_nanos() * u128::from(self.slices) / self.time.as_nanos();
        usize::try_from(slice).unwrap_or(usize::MAX)
    }
}

async fn open_all<C>(open: impl AsyncFn() -> anyhow::Result<C>, connections: usize) -> anyhow::Result<Vec<C>> {
    let mut callers = Vec::with_capacity(connections);
    for _ in 0..connections {
        callers.push(open().await?);
    }
    Ok(callers)
}

/// Clients take one thread, so that they do not crowd out the server that they measure.
fn on_one_thread<T>(calls: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start")?;
    LocalSet::new().block_on(&runtime, calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes the numbers it is called with, and refuses one of them.
    struct Noting(Rc<RefCell<Vec<u64>>>, Option<u64>);

    impl Caller for Noting {
        async fn call(&mut self, number: u64) -> anyhow::Result<()> {
            tokio::task::yield_now().await;
            self.0.borrow_mut().push(number);
            anyhow::ensure!(self.1 != Some(number), "refused");
            Ok(())
        }
    }

    #[test]
    fn a_closed_loop_uses_each_number_once() {
        let (noted, mut next) = (Rc::default(), 5);
        let open = async || Ok(Noting(Rc::clone(&noted), None));
        let round = closed_loop(open, 8, &mut next, Until::Number(105), || ()).unwrap();
        let mut numbers = noted.take();
        numbers.sort_unstable();
        assert_eq!(numbers, (5..105).collect::<Vec<_>>());
        assert_eq!((round.times.count(), next), (100, 105));
    }

    #[test]
    fn a_closed_loop_ends_with_an_error() {
        let open = async || Ok(Noting(Rc::default(), Some(7)));
        let error = closed_loop(open, 2, &mut 0, Until::Number(10), || ()).unwrap_err();
        assert_eq!(format!("{error:#}"), "call 7: refused");
    }

    #[test]
    fn an_open_loop_keeps_its_rate_and_counts_errors() {
        let pace = Pace { per_second: 1000, time: Duration::from_millis(200), slices: 4 };
        let (mut next, mut ended) = (0, Vec::new());
        let open = async || Ok(Noting(Rc::default(), Some(60)));
        let slices = open_loop(open, 4, &mut next, pace, |slice| {
            ended.push(slice);
            Ok(())
        });
        let slices = slices.unwrap();
        assert_eq!(slices.iter().map(|slice| slice.times.count()).collect::<Vec<_>>(), [50, 49, 50, 50]);
        assert_eq!(slices[1].errors, ["refused"]);
        assert_eq!((next, ended), (200, vec![0, 1, 2, 3]));
    }

    #[test]
    fn a_quantile_is_the_time_that_so_many_calls_took_at_most() {
        let mut times = Times::default();
        (1..=1000).for_each(|millisecond| times.record(Duration::from_millis(millisecond)));
        for (share, millisecond) in [(0.5, 500), (0.99, 990), (0.999, 999)] {
            let off = times.quantile(share).abs_diff(Duration::from_millis(millisecond));
            assert!(off < Duration::from_millis(2), "{share}: off by {off:?}");
        }
    }
}
