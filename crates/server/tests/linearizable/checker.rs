//! Is there an order of a history's calls, each somewhere between its beginning and its answer, in which every answer is
//! right? By Wing and Gong's search, with Lowe's memory of what was tried: the calls done so far and the state they lead
//! to say all about what can follow.
//!
//! Our own: it is one loop over this model, where a kept crate brings more than it saves. stateright's tester wants each
//! client to fall silent after a call without answer, remembers nothing of what it tried, and brings a model checker with
//! an HTTP server along.

use super::model::{Answer, Call, State};
use std::collections::HashSet;

/// A call, when it began and when it was answered, by a clock that all clients share.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) call: Call,
    pub(crate) called: usize,
    /// None where nothing definite came back: it may take effect at any later time, or never.
    pub(crate) answered: Option<(usize, Answer)>,
}

impl Entry {
    fn answer(&self) -> Option<&Answer> {
        self.answered.as_ref().map(|(_, answer)| answer)
    }

    fn end(&self) -> usize {
        self.answered.as_ref().map_or(usize::MAX, |(end, _)| *end)
    }
}

/// The most calls a history may have.
pub(crate) const MOST_CALLS: usize = 64;

/// The places of calls in their history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Calls(u64);

impl Calls {
    fn has(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }

    fn with(self, place: usize) -> Self {
        Self(self.0 | (1 << place))
    }
}

/// Whether some order explains the history, beginning with nobody there.
pub(crate) fn is_linearizable(history: &[Entry]) -> bool {
    assert!(history.len() <= MOST_CALLS, "the history is too long");
    let beginning = (Calls::default(), State::default());
    let mut seen = HashSet::from([beginning.clone()]);
    let mut to_try = vec![beginning];
    while let Some((done, state)) = to_try.pop() {
        let left = || (0..history.len()).filter(|place| !done.has(*place));
        // A call that began after another was answered comes after it.
        let horizon = left().map(|place| history[place].end()).min().unwrap_or(usize::MAX);
        if horizon == usize::MAX {
            return true; // what is left was never answered
        }
        for place in left().filter(|place| history[*place].called < horizon) {
            let Some(next) = state.after(&history[place].call, history[place].answer()) else { continue };
            let reached = (done.with(place), next);
            if seen.insert(reached.clone()) {
                to_try.push(reached);
            }
        }
    }
    false
}

/// What the checker must say of histories whose truth is known.
#[cfg(test)]
mod tests {
    use super::{
        super::{
            model::{Change, Number, Search, Values},
            random_call,
        },
        *,
    };
    use rollcall_model::{profile::ProfileId, response_code::ResponseCode};
    use rollcall_testbed::chance;

    const A: ProfileId = ProfileId([1; 12]);
    const B: ProfileId = ProfileId([2; 12]);
    const NOTHING: Change = Change { email: None, phone: None, number: None };
    const NOBODY: Answer = Answer::Refused(ResponseCode::ProfileNotFound);
    const ONE: Search = Search::Email(0);

    fn entry(called: usize, end: usize, call: Call, answer: Answer) -> Entry {
        Entry { call, called, answered: Some((end, answer)) }
    }

    fn unanswered(called: usize, call: Call) -> Entry {
        Entry { call, called, answered: None }
    }

    fn set(number: i64) -> Call {
        Call::Import(ONE, Change { number: Some(Number::Set(number)), ..NOTHING })
    }

    fn increment() -> Call {
        Call::Import(ONE, Change { number: Some(Number::Increment(1)), ..NOTHING })
    }

    fn found(number: i64) -> Answer {
        Answer::Found(A, Values { email: Some(0), number: Some(number), ..Values::default() })
    }

    /// The history, and whether it can be explained.
    fn check(history: &[Entry], expected: bool) {
        assert_eq!(is_linearizable(history), expected, "{history:#?}");
    }

    #[test]
    fn a_read_shows_what_was_answered_before_it() {
        let written = entry(0, 1, set(7), Answer::Imported(A));
        check(&[written.clone(), entry(2, 3, Call::Get(ONE), found(7))], true);
        check(&[written.clone(), entry(2, 3, Call::Get(ONE), NOBODY)], false);
        check(
            &[written.clone(), entry(2, 3, set(8), Answer::Imported(A)), entry(4, 5, Call::Get(ONE), found(7))],
            false,
        );
        check(&[written, entry(2, 3, Call::Get(ONE), found(8))], false);
    }

    #[test]
    fn a_read_beside_a_write_shows_either_and_the_next_no_less() {
        let beside = entry(0, 9, set(7), Answer::Imported(A));
        let read = |at, answer| entry(at, at + 1, Call::Get(ONE), answer);
        check(&[beside.clone(), read(1, NOBODY), read(3, found(7))], true);
        check(&[beside, read(1, found(7)), read(3, NOBODY)], false);
    }

    #[test]
    fn one_new_person_becomes_one_profile() {
        let history =
            |second| [entry(0, 3, set(1), Answer::Imported(A)), entry(1, 2, set(2), Answer::Imported(second))];
        check(&history(A), true);
        check(&history(B), false);
    }

    #[test]
    fn two_new_persons_do_not_become_one_profile() {
        let other = Call::Import(Search::Email(1), NOTHING);
        check(&[entry(0, 3, set(1), Answer::Imported(A)), entry(1, 2, other, Answer::Imported(A))], false);
    }

    #[test]
    fn no_increment_is_lost() {
        let history = |sum| {
            let increments =
                [entry(0, 3, increment(), Answer::Imported(A)), entry(1, 2, increment(), Answer::Imported(A))];
            [increments.as_slice(), &[entry(4, 5, Call::Get(ONE), found(sum))]].concat()
        };
        check(&history(2), true);
        check(&history(1), false);
    }

    #[test]
    fn an_unanswered_import_may_take_effect_late_or_never_but_once() {
        let read = |at, answer| entry(at, at + 1, Call::Get(ONE), answer);
        let history = |numbers: &[i64]| {
            let reads = (4..).step_by(2).zip(numbers).map(|(at, number)| read(at, found(*number)));
            let answered = entry(2, 3, increment(), Answer::Imported(A));
            [unanswered(0, increment()), answered].into_iter().chain(reads).collect::<Vec<_>>()
        };
        for (numbers, expected) in
            [(&[1, 1][..], true), (&[1, 2], true), (&[2, 2], true), (&[2, 1], false), (&[1, 3], false)]
        {
            check(&history(numbers), expected);
        }
        check(&[unanswered(2, increment()), read(0, found(1))], false);
    }

    #[test]
    fn an_address_has_one_owner() {
        let to_the_other = Call::Import(Search::Phone(1), Change { email: Some(0), ..NOTHING });
        let history = |answer| [entry(0, 1, set(1), Answer::Imported(A)), entry(2, 3, to_the_other.clone(), answer)];
        check(&history(Answer::Refused(ResponseCode::EmailTaken)), true);
        check(&history(Answer::Imported(B)), false);
        check(&history(Answer::Imported(A)), false);
    }

    /// All orders of all choices of calls, as the definition has it.
    fn is_explained_by_some_order(history: &[Entry], done: Calls, state: &State) -> bool {
        let left: Vec<_> = (0..history.len()).filter(|place| !done.has(*place)).collect();
        let is_next = |place: &usize| left.iter().all(|other| history[*other].end() > history[*place].called);
        left.iter().all(|place| history[*place].answered.is_none())
            || left.iter().filter(|place| is_next(place)).any(|&place| {
                let next = state.after(&history[place].call, history[place].answer());
                next.is_some_and(|next| is_explained_by_some_order(history, done.with(place), &next))
            })
    }

    #[test]
    fn agrees_with_trying_every_order() {
        const CALLS: usize = 6;
        let seed = chance::seed().unwrap();
        let mut said = [0, 0];
        for number in 0..3_000 {
            let mut random = chance::part(seed, number);
            let history: Vec<_> = (0..CALLS).map(|_| random_entry(&mut random)).collect();
            let expected = is_explained_by_some_order(&history, Calls::default(), &State::default());
            check(&history, expected);
            said[usize::from(expected)] += 1;
        }
        assert!(said.iter().all(|times| *times > 100), "{said:?}: too much of one kind");
    }

    /// An answer that may well be wrong, over an interval that many others overlap.
    fn random_entry(random: &mut fastrand::Rng) -> Entry {
        let id = [A, B][random.usize(..2)];
        let call = random_call(random, Some(id));
        let called = random.usize(..12);
        let likely = match &call {
            Call::Import(..) => Answer::Imported(id),
            Call::Get(_) => NOBODY,
        };
        let answer = if random.u8(..8) == 0 { Answer::Refused(ResponseCode::ProfileNotFound) } else { likely };
        let is_answered = random.u8(..3) != 0;
        Entry { call, called, answered: is_answered.then_some((called + random.usize(1..12), answer)) }
    }
}
