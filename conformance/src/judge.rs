//! Runs one case in one format against a target and says what came of it.
//!
//! Steps go out in order; the first one that is not answered as expected ends the case. The verdict carries what is
//! needed to understand and repeat it, with the world's tokens masked already: nothing behind this file sees them.

use std::collections::BTreeSet;
use std::sync::Barrier;

use serde::{Deserialize, Serialize};

use crate::Format;
use crate::answer::Answer;
use crate::case::{self, Case, Message, Purpose, Step, Twin, Unbuildable};
use crate::compare;
use crate::expectation::Expectation;
use crate::mask::Masker;
use crate::placeholder::{Escape, Missing, Scope, Template, Values};
use crate::requirement::Level;
use crate::target::{Received, Sent, Wire};
use crate::value::Value;
use crate::world::World;

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check held.
    Pass,
    /// A check did not hold.
    Fail,
    /// A step that prepares a check was not answered as it must be.
    SetupFailed,
    /// The world does not offer what the case needs.
    Unsupported,
    /// The case only records answers.
    Observed,
}

impl Outcome {
    /// All outcomes, as reports list them.
    pub const ALL: [Self; 5] = [Self::Pass, Self::Fail, Self::SetupFailed, Self::Unsupported, Self::Observed];

    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SetupFailed => "setup-failed",
            Self::Unsupported => "unsupported",
            Self::Observed => "observed",
        }
    }
}

/// What the judge says of one case in one format.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Id of the case.
    pub case: String,
    /// The format it ran in.
    pub format: Format,
    /// The case's level.
    pub level: Level,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, in one line; empty when it passed.
    pub message: String,
    /// What was not as expected.
    pub failure: Option<Failure>,
    /// Observed words by name.
    pub observations: Vec<(String, String)>,
    /// Everything that was sent and answered.
    pub exchanges: Vec<Exchange>,
    /// The values that were made for this run of the case: no other run knows them.
    pub values: Vec<String>,
    /// Why a failure is not held against the target: a list of known ones names it.
    pub excuse: Option<Excuse>,
}

/// Where a failure was announced, and with which words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excuse {
    /// Which list names it.
    pub list: KnownList,
    /// The reason given there.
    pub reason: String,
}

/// The two lists of known failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KnownList {
    /// Fails every time; passing is news.
    KnownFailing,
    /// Fails now and then; passing is no news.
    KnownFlaky,
}

impl Verdict {
    /// A verdict that shows nothing but its outcome.
    pub fn new(case: &str, format: Format, level: Level, outcome: Outcome) -> Self {
        Self {
            case: case.to_owned(),
            format,
            level,
            outcome,
            message: String::new(),
            failure: None,
            observations: Vec::new(),
            exchanges: Vec::new(),
            values: Vec::new(),
            excuse: None,
        }
    }

    /// The group under which reports count it.
    pub fn area(&self) -> &str {
        case::area(&self.case)
    }

    /// True if something was asked; else the verdict says nothing about the target.
    pub fn is_tried(&self) -> bool {
        self.outcome != Outcome::Unsupported
    }
}

/// An expectation that did not hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// Which step, counted from 0.
    #[serde(skip)]
    pub position: usize,
    /// Which step, in words.
    pub step: String,
    /// What was expected, by meaning.
    pub expected: String,
    /// What was found, by meaning.
    pub actual: String,
    /// Position of the telling exchange, if anything was sent.
    pub exchange: Option<usize>,
    /// True if the target gave no answer at all.
    pub no_answer: bool,
    /// The kind of failure.
    #[serde(skip)]
    pub reason: Reason,
}

/// What was wanted and what came, without the names and values of one case: two failures of one reason are one find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason {
    /// The word of what was expected.
    pub wanted: &'static str,
    /// What came instead.
    pub found: Found,
}

/// The kinds of answer that are not the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Found {
    /// Accepted, with an id that the case had not seen.
    NewId,
    /// Accepted, with an id answered to the case before.
    KnownId,
    /// Refused, or an error without a text.
    Refusal,
    /// An answer that cannot be read, or `error` 0 without an id.
    Unreadable,
    /// No answer.
    Nothing,
    /// The right meaning in a form that is not allowed.
    Form,
    /// Other data than what was stored.
    Data,
    /// The id which the step needs was not answered by an earlier one.
    NoId,
}

/// One request and its answer, tokens masked.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The step it belongs to, counted from 0.
    pub step: usize,
    /// True if it is that of the step's twin.
    pub is_twin: bool,
    /// What was sent.
    pub sent: Sent,
    /// What was answered, or why nothing was.
    pub received: Result<Received, String>,
}

impl Exchange {
    /// What was answered, read; nothing if there was no answer.
    pub fn answer(&self) -> Option<Answer> {
        let got = self.received.as_ref().ok()?;
        Some(Answer::read(got.status, got.content_type(), &got.body))
    }
}

/// What a case is judged with.
#[derive(Debug)]
pub struct Judge<'a> {
    /// What the target is set up with.
    pub world: &'a World,
    /// Makes the values of this run.
    pub seed: u64,
    masker: Masker,
}

impl<'a> Judge<'a> {
    /// A judge for this world, with the values of this seed.
    pub fn new(world: &'a World, seed: u64) -> Self {
        Self { world, seed, masker: Masker::new(world) }
    }

    /// Runs `case` in `format`. `ordinal` is the place of the two in the suite.
    ///
    /// # Errors
    /// A fault of the suite itself; there is no verdict then.
    pub fn judge(
        &self,
        wire: &dyn Wire,
        case: &Case,
        level: Level,
        format: Format,
        ordinal: usize,
    ) -> Result<Verdict, String> {
        let mut verdict = Verdict::new(&case.id, format, level, Outcome::Pass);
        if let Some(reason) = self.unsupported(case) {
            verdict.outcome = Outcome::Unsupported;
            verdict.message = reason;
            return Ok(verdict);
        }
        let values = Values::new(self.world, self.seed, ordinal, &case.id, format);
        let mut hearing = Hearing {
            step: 0,
            is_twin: false,
            wire,
            format,
            values,
            seen: BTreeSet::new(),
            exchanges: Vec::new(),
            words: Vec::new(),
        };
        let ending = hearing.hear(case, level)?;
        verdict.outcome = ending.as_ref().map_or_else(|| unbroken(case, level), |(outcome, _)| *outcome);
        verdict.observations = hearing.words;
        verdict.failure = ending.map(|(_, failure)| failure);
        verdict.exchanges = hearing.exchanges;
        verdict.values = hearing.values.into_made();
        self.masker.mask(&mut verdict);
        if let Some(failure) = &verdict.failure {
            verdict.message = format!("{}: expected {}; got {}", failure.step, failure.expected, failure.actual);
        }
        Ok(verdict)
    }

    /// Why the target cannot be asked this, if so.
    fn unsupported(&self, case: &Case) -> Option<String> {
        if let Some(capability) = case.needs.iter().find(|need| !self.world.capabilities.contains(need)) {
            return Some(format!("the world file does not declare the capability `{capability}`"));
        }
        if let Some(role) = case.roles.iter().find(|role| self.world.role(role).is_none()) {
            return Some(format!("the world file names no `{}`", role.key()));
        }
        None
    }
}

/// The outcome of a case in which nothing went wrong.
fn unbroken(case: &Case, level: Level) -> Outcome {
    let checks = level > Level::Observe && case.steps.iter().any(|step| step.purpose == Purpose::Check);
    if checks { Outcome::Pass } else { Outcome::Observed }
}

/// One case being run.
struct Hearing<'a> {
    step: usize,
    is_twin: bool,
    wire: &'a dyn Wire,
    format: Format,
    values: Values<'a>,
    seen: BTreeSet<String>,
    exchanges: Vec<Exchange>,
    words: Vec<(String, String)>,
}

/// The answers to one message, or why there is none.
struct Answers {
    list: Vec<Answer>,
    unanswered: Option<String>,
}

/// Why a step does not go on.
enum Stop {
    /// The target did not answer as expected.
    Failure { expected: String, actual: String, reason: Reason },
    /// The step needs the id that an earlier step should have been answered.
    Unprepared { name: String },
    /// The suite is to blame.
    Fault(String),
}

impl Hearing<'_> {
    /// Sends the steps until one is not answered as expected.
    fn hear(&mut self, case: &Case, level: Level) -> Result<Option<(Outcome, Failure)>, String> {
        for (position, step) in case.steps.iter().enumerate() {
            let mut name = format!("step {} of {}", position + 1, case.steps.len());
            let sent_before = self.exchanges.len();
            self.step = position;
            let mut result = self.step(step);
            if let (Ok(()), Some(twin)) = (&result, &step.twin) {
                name.push_str(", its twin");
                result = self.twin(twin);
            }
            let is_judged = step.purpose == Purpose::Check && level > Level::Observe;
            let broken = if is_judged { Outcome::Fail } else { Outcome::SetupFailed };
            let (outcome, expected, actual, reason) = match result {
                Ok(()) => continue,
                Err(Stop::Fault(fault)) => return Err(format!("{} ({}), {name}: {fault}", case.id, self.format)),
                Err(_) if matches!(step.purpose, Purpose::Observe { .. }) => continue,
                Err(Stop::Failure { expected, actual, reason }) => (broken, expected, actual, reason),
                Err(Stop::Unprepared { name }) => {
                    let expected = format!("an earlier step to answer the id of `{name}`");
                    let reason = Reason { wanted: "id", found: Found::NoId };
                    (Outcome::SetupFailed, expected, "none was answered".to_owned(), reason)
                }
            };
            let exchange = self.telling_exchange(sent_before);
            let no_answer = reason.found == Found::Nothing;
            return Ok(Some((
                outcome,
                Failure { position, step: name, expected, actual, exchange, no_answer, reason },
            )));
        }
        Ok(None)
    }

    /// The exchange to show: of many at once the first that was not accepted, else the last.
    fn telling_exchange(&self, from: usize) -> Option<usize> {
        let is_odd = |exchange: &Exchange| exchange.answer().is_none_or(|answer| answer.accepted_id().is_none());
        let odd = (from..self.exchanges.len()).find(|&position| is_odd(&self.exchanges[position]));
        let is_parallel = self.exchanges.len() > from + 2; // more than a step and its twin
        odd.filter(|_| is_parallel).or_else(|| self.exchanges.len().checked_sub(1))
    }

    fn step(&mut self, step: &Step) -> Result<(), Stop> {
        let Purpose::Observe { name, answers: words } = &step.purpose else { return self.judged(step) };
        let word = match self.observed(step, words) {
            Ok(word) => word,
            Err(fault @ Stop::Fault(_)) => return Err(fault),
            Err(_) => "other".to_owned(),
        };
        self.words.push((name.clone(), word));
        Ok(())
    }

    fn judged(&mut self, step: &Step) -> Result<(), Stop> {
        let answers = self.send(&step.message, step.parallel)?;
        let result = self.check(step, &answers);
        self.remember(&answers, step.save.as_deref());
        result
    }

    fn observed(&mut self, step: &Step, words: &[(Expectation, String)]) -> Result<String, Stop> {
        let answers = self.send(&step.message, step.parallel)?;
        let word = self.word(step, words, &answers);
        self.remember(&answers, step.save.as_deref());
        word
    }

    fn twin(&mut self, twin: &Twin) -> Result<(), Stop> {
        self.values.enter(twin.scope);
        self.is_twin = true;
        let answers = self.send(&twin.message, 1);
        self.is_twin = false;
        self.values.enter(Scope::Shared);
        let answers = answers?;
        let result = self.expect(&twin.expect, &answers);
        self.remember(&answers, twin.save.as_deref());
        result
    }

    fn remember(&mut self, answers: &Answers, save: Option<&str>) {
        self.seen.extend(answers.list.iter().filter_map(Answer::accepted_id).map(str::to_owned));
        if let (Some(name), Some(id)) = (save, answers.list.first().and_then(Answer::accepted_id)) {
            self.values.save(name, id);
        }
    }

    fn send(&mut self, message: &Message, times: usize) -> Result<Answers, Stop> {
        let sent = self.request(message)?;
        let received = if times == 1 { vec![self.wire.send(&sent)] } else { self.send_at_once(&sent, times) };
        let mut answers = Answers { list: Vec::new(), unanswered: None };
        for received in received {
            match &received {
                Ok(got) => answers.list.push(Answer::read(got.status, got.content_type(), &got.body)),
                Err(reason) => answers.unanswered = Some(reason.clone()),
            }
            let (step, is_twin) = (self.step, self.is_twin);
            self.exchanges.push(Exchange { step, is_twin, sent: sent.clone(), received });
        }
        Ok(answers)
    }

    fn send_at_once(&self, sent: &Sent, times: usize) -> Vec<Result<Received, String>> {
        let barrier = Barrier::new(times);
        let one = || {
            barrier.wait();
            self.wire.send(sent)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..times).map(|_| scope.spawn(one)).collect();
            let gone = |_| Err("the sending thread ended".to_owned());
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(gone)).collect()
        })
    }

    fn request(&mut self, message: &Message) -> Result<Sent, Stop> {
        let body = message.bytes(self.format, &mut self.values).map_err(stop)?;
        let path = self.text(&message.path, Escape::Url)?;
        let query = message.query.as_ref().map(|query| self.text(query, Escape::Url)).transpose()?;
        let content_type = match &message.content_type {
            Some(template) => self.text(template, Escape::Plain)?,
            None => self.format.media_type().to_owned(),
        };
        let mut headers = vec![("Content-Type", content_type)];
        for (name, template) in [("Accept", &message.accept), ("Authorization", &message.authorization)] {
            if let Some(template) = template {
                headers.push((name, self.text(template, Escape::Plain)?));
            }
        }
        headers.retain(|(_, value)| !value.is_empty());
        let url = self.wire.url(&path, query.as_deref());
        Ok(Sent { method: message.method.clone(), url, headers, body })
    }

    fn text(&mut self, template: &Template, escape: Escape) -> Result<String, Stop> {
        template.fill_text(&mut self.values, escape).map_err(|missing| stop(Unbuildable::Missing(missing)))
    }

    fn check(&mut self, step: &Step, answers: &Answers) -> Result<(), Stop> {
        self.expect(&step.expect, answers)?;
        for answer in &answers.list {
            if let Some((expected, actual)) = step.demands.unmet(answer) {
                let actual = format!("{actual} - {}", answer.describe());
                let reason = Reason { wanted: "form", found: Found::Form };
                return Err(Stop::Failure { expected, actual, reason });
            }
        }
        let difference = match self.results_difference(step, answers) {
            None => self.data_difference(step, answers)?,
            difference => difference,
        };
        match difference {
            Some(difference) => Err(Stop::Failure {
                expected: "an answer whose data holds what was stored".to_owned(),
                actual: difference,
                reason: Reason { wanted: "data", found: Found::Data },
            }),
            None => Ok(()),
        }
    }

    fn expect(&self, expect: &[Expectation], answers: &Answers) -> Result<(), Stop> {
        let is_answered = answers.unanswered.is_none();
        if is_answered && expect.iter().any(|one| one.holds(&answers.list, &self.values, &self.seen)) {
            return Ok(());
        }
        let expected = expect.iter().map(ToString::to_string).collect::<Vec<_>>().join(", or ");
        let reason = Reason { wanted: expect.first().map_or("nothing", Expectation::word), found: self.kind(answers) };
        Err(Stop::Failure { expected, actual: self.describe(answers), reason })
    }

    fn kind(&self, answers: &Answers) -> Found {
        let telling = answers.list.iter().find(|answer| answer.accepted_id().is_none()).or(answers.list.first());
        match (&answers.unanswered, telling) {
            (Some(_), _) | (None, None) => Found::Nothing,
            (None, Some(answer)) => match (answer.accepted_id(), &answer.envelope) {
                (Some(id), _) if self.seen.contains(id) => Found::KnownId,
                (Some(_), _) => Found::NewId,
                (None, Ok(envelope)) if envelope.error != 0 => Found::Refusal,
                (None, _) => Found::Unreadable,
            },
        }
    }

    /// What the target said, with the saved names of the ids that were answered.
    fn describe(&self, answers: &Answers) -> String {
        if let Some(reason) = &answers.unanswered {
            return format!("no answer: {reason}");
        }
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for answer in &answers.list {
            let known = match answer.accepted_id() {
                Some(id) => match self.values.name_of(id) {
                    Some(name) => format!(", the id of `{name}`"),
                    None if self.seen.contains(id) => ", answered to this case before".to_owned(),
                    None => ", not seen before".to_owned(),
                },
                None => String::new(),
            };
            let kind = format!("{}{known}", answer.describe());
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((kind, 1)),
            }
        }
        match kinds.as_slice() {
            [(kind, _)] => kind.clone(),
            many => many.iter().map(|(kind, count)| format!("{count} x {kind}")).collect::<Vec<_>>().join("; "),
        }
    }

    fn data_difference(&mut self, step: &Step, answers: &Answers) -> Result<Option<String>, Stop> {
        let expected = match &step.data {
            Some(data) => case::data_of(data, &mut self.values).map_err(stop)?,
            None if step.counts.is_empty() => return Ok(None),
            None => Value::Object(Vec::new()),
        };
        let Some(Ok(envelope)) = answers.list.first().map(|answer| &answer.envelope) else {
            return Ok(Some("the answer cannot be read".to_owned()));
        };
        let empty = Value::Object(Vec::new());
        let data = envelope.data.as_ref().unwrap_or(&empty);
        Ok(compare::difference(&expected, data, envelope.format)
            .or_else(|| compare::count_difference(&step.counts, data, envelope.format)))
    }

    /// Where the results of a batch are not those that are wanted. Their ids are remembered as it goes, so that a later
    /// item may be that of an earlier one.
    fn results_difference(&mut self, step: &Step, answers: &Answers) -> Option<String> {
        let answer = answers.list.first().filter(|_| !step.results.is_empty())?;
        let results = answer.envelope.as_ref().ok().and_then(|envelope| envelope.results.as_ref());
        let found = results.map_or(0, Vec::len);
        if found != step.results.len() {
            return Some(format!("{found} results for {} items", step.results.len()));
        }
        for (place, (wanted, result)) in step.results.iter().zip(results?).enumerate() {
            let item = Answer { envelope: result.clone(), ..answer.clone() };
            let item = Answers { list: vec![item], unanswered: None };
            if !wanted.expect.holds(&item.list, &self.values, &self.seen) {
                let found = self.describe(&item);
                return Some(format!("result {}: expected {}, found {found}", place + 1, wanted.expect));
            }
            self.remember(&item, wanted.save.as_deref());
        }
        None
    }

    /// The word for what was answered: that of the first expectation which holds, form and data included.
    fn word(&mut self, step: &Step, words: &[(Expectation, String)], answers: &Answers) -> Result<String, Stop> {
        let is_formed = answers.list.iter().all(|answer| step.demands.unmet(answer).is_none());
        let has_results = self.results_difference(step, answers).is_none();
        for (expectation, word) in words {
            let holds = answers.unanswered.is_none() && expectation.holds(&answers.list, &self.values, &self.seen);
            let has_data =
                !expectation.wants_acceptance() || (has_results && self.data_difference(step, answers)?.is_none());
            if holds && is_formed && has_data {
                return Ok(spell(word, &answers.list));
            }
        }
        Ok("other".to_owned())
    }
}

/// Puts the numbers that were answered into an observed word.
fn spell(word: &str, answers: &[Answer]) -> String {
    let Some(answer) = answers.first() else { return word.to_owned() };
    let error = answer.envelope.as_ref().map_or_else(|_| "none".to_owned(), |envelope| envelope.error.to_string());
    word.replace("{error}", &error).replace("{status}", &answer.status.to_string())
}

fn stop(reason: Unbuildable) -> Stop {
    match reason {
        Unbuildable::Fault(fault) => Stop::Fault(fault),
        Unbuildable::Missing(Missing::Role(role)) => Stop::Fault(format!("the world names no `{}`", role.key())),
        Unbuildable::Missing(Missing::Saved(name)) => Stop::Unprepared { name },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_hold_the_numbers_that_were_answered() {
        let answer = Answer::read(404, None, br#"{"error":404,"error_text":""}"#);
        assert_eq!(spell("error {error}, status {status}", &[answer]), "error 404, status 404");
    }
}
