//! The suite looks at itself: can every expectation fail, and does the order of the cases matter?
//!
//! Neither question is about the target, which only serves as the other side of the talk. An expectation that holds of
//! an answer and of its opposite is worth nothing; a verdict that depends on what ran before is none.

use std::collections::BTreeMap;

use proptest::strategy::{Just, Strategy, ValueTree};

use crate::Format;
use crate::answer::Answer;
use crate::case::{Case, Purpose, Step};
use crate::expectation::{Demands, Expectation, IdDemand};
use crate::generated;
use crate::judge::{Exchange, Judge, Outcome, Verdict};
use crate::render::{escape_json, escape_xml};
use crate::replay::Replay;
use crate::requirement::Level;
use crate::run::{self, Planned};
use crate::target::{Received, Target};

/// Every expectation that still holds after the answer to it was turned into its opposite, as one line each, and how
/// many were tried. `verdicts` are those of `plan`; only cases that passed can be asked.
pub fn vacuous(plan: &[Planned<'_>], verdicts: &[Verdict], judge: &Judge<'_>) -> (Vec<String>, usize) {
    let by_name: BTreeMap<(&str, Format), &Verdict> =
        verdicts.iter().map(|verdict| ((verdict.case.as_str(), verdict.format), verdict)).collect();
    let (mut lines, mut tried) = (Vec::new(), 0);
    for planned in plan.iter().filter(|planned| planned.level > Level::Observe) {
        let Some(verdict) = by_name.get(&(planned.case.id.as_str(), planned.format)) else { continue };
        if verdict.outcome == Outcome::Pass {
            for flip in flips(planned.case, verdict) {
                tried += 1;
                if still_passes(planned, verdict, judge, &flip) {
                    let step = verdict.exchanges[flip.exchange].step + 1;
                    lines.push(format!("{} [{}], step {step}: holds {}", planned.case.id, planned.format, flip.story));
                }
            }
        }
    }
    (lines, tried)
}

/// An answer in place of a recorded one.
struct Flip {
    exchange: usize,
    answer: Received,
    story: &'static str,
}

fn still_passes(planned: &Planned<'_>, verdict: &Verdict, judge: &Judge<'_>, flip: &Flip) -> bool {
    let mut answers: Vec<_> = verdict.exchanges.iter().map(|exchange| exchange.received.clone()).collect();
    answers[flip.exchange] = Ok(flip.answer.clone());
    let wire = Replay::new(answers);
    let again = judge.judge(&wire, planned.case, planned.level, planned.format, planned.ordinal);
    again.is_ok_and(|again| again.outcome == Outcome::Pass)
}

/// Each judged answer turned into what it must not be, in each way that something is demanded of it.
fn flips(case: &Case, verdict: &Verdict) -> Vec<Flip> {
    let mut flips = Vec::new();
    for (position, step) in case.steps.iter().enumerate().filter(|(_, step)| step.purpose == Purpose::Check) {
        for is_twin in [false, true] {
            let of_step = |exchange: &Exchange| exchange.step == position && exchange.is_twin == is_twin;
            let Some(at) = verdict.exchanges.iter().position(of_step) else { continue };
            let seen =
                verdict.exchanges[..at].iter().rev().find_map(|one| one.answer()?.accepted_id().map(str::to_owned));
            let Some(recorded) = Recorded::of(&verdict.exchanges[at], seen) else { continue };
            let answers = match &step.twin {
                Some(twin) if is_twin => recorded.opposites(&twin.expect),
                _ => recorded.opposites(&step.expect).into_iter().chain(recorded.formless(step)).collect(),
            };
            flips.extend(answers.into_iter().map(|(answer, story)| Flip { exchange: at, answer, story }));
        }
    }
    flips
}

/// An answer as it was recorded.
struct Recorded {
    received: Received,
    answer: Answer,
    format: Format,
    /// An id that was answered before.
    seen: Option<String>,
}

impl Recorded {
    fn of(exchange: &Exchange, seen: Option<String>) -> Option<Self> {
        let (received, answer) = (exchange.received.clone().ok()?, exchange.answer()?);
        let format = answer.envelope.as_ref().ok()?.format;
        Some(Self { received, answer, format, seen })
    }

    /// Answers that mean something else than what is expected.
    fn opposites(&self, expect: &[Expectation]) -> Vec<(Received, &'static str)> {
        let mut all = vec![(self.with_body("nonsense".to_owned()), "of an answer that cannot be read")];
        let accepts = expect.iter().all(Expectation::wants_acceptance);
        let refuses = expect.iter().all(|one| matches!(one, Expectation::Refused(_)));
        if accepts {
            all.push((self.with_body(self.envelope(400, "Refused", None)), "of a refusal"));
        }
        if accepts && !expect.contains(&Expectation::Done) {
            all.push((self.with_body(self.envelope(0, "", None)), "of a success without an id"));
        }
        if refuses {
            all.push((self.with_body(self.envelope(0, "", Some("5f0000000000000000000000"))), "of a success"));
        }
        let wants_known = |one: &Expectation| matches!(one, Expectation::Same(_) | Expectation::OneOf(_));
        if accepts && expect.iter().all(wants_known) {
            all.push((self.with_body(self.envelope(0, "", Some("5f0000000000000000000000"))), "of an id nobody has"));
        }
        if let (Some(seen), true) = (&self.seen, expect.contains(&Expectation::New)) {
            all.push((self.with_body(self.envelope(0, "", Some(seen))), "of an id that was answered before"));
        }
        all
    }

    /// Answers of the right meaning whose form or data is not what the step demands.
    fn formless(&self, step: &Step) -> Vec<(Received, &'static str)> {
        let Demands { format, status, mirror, error_text, profile_id } = &step.demands;
        let Ok(envelope) = &self.answer.envelope else { return Vec::new() };
        let id = self.answer.accepted_id();
        let mut all = Vec::new();
        if format.is_some() {
            let other = if self.format == Format::Json { Format::Xml } else { Format::Json };
            let body = Self { format: other, ..self.copy() }.envelope(envelope.error, "text", id);
            all.push((self.with_body(body), "of an answer in the other format"));
        }
        if status.is_some() || *mirror {
            all.push((Received { status: 418, ..self.received.clone() }, "of another HTTP status"));
        }
        if error_text.is_some() {
            all.push((self.with_body(self.textless(envelope.error, id)), "of an answer without `error_text`"));
        }
        if *profile_id == Some(IdDemand::Absent) {
            all.push((self.with_body(self.envelope(envelope.error, "text", Some("5f"))), "of an answer with an id"));
        }
        if !step.results.is_empty() {
            all.push((self.with_body(self.envelope(0, "", id)), "of an answer without results"));
        }
        if step.data.is_some() || !step.counts.is_empty() {
            all.push((self.with_body(self.envelope(0, "", id)), "of an answer without data"));
        }
        all
    }

    fn copy(&self) -> Self {
        Self {
            received: self.received.clone(),
            answer: self.answer.clone(),
            format: self.format,
            seen: self.seen.clone(),
        }
    }

    fn with_body(&self, body: String) -> Received {
        Received { body: body.into_bytes(), ..self.received.clone() }
    }

    fn envelope(&self, error: i64, text: &str, id: Option<&str>) -> String {
        match self.format {
            Format::Json => {
                let id = id.map(|id| format!(r#","profile_id":"{}""#, escape_json(id))).unwrap_or_default();
                format!(r#"{{"error":{error},"error_text":"{}"{id}}}"#, escape_json(text))
            }
            Format::Xml => {
                let id = id.map(|id| format!("<profile_id>{}</profile_id>", escape_xml(id))).unwrap_or_default();
                format!("<xml><error>{error}</error><error_text>{}</error_text>{id}</xml>", escape_xml(text))
            }
        }
    }

    fn textless(&self, error: i64, id: Option<&str>) -> String {
        let whole = self.envelope(error, "", id);
        whole.replace(r#","error_text":"""#, "").replace("<error_text></error_text>", "")
    }
}

/// Runs the plan in its order one by one, shuffled one by one, and shuffled with several workers. Each line is a case
/// whose outcome or observed words differ.
pub fn depends_on_order(plan: &[Planned<'_>], judge: &Judge<'_>, target: &Target, jobs: usize) -> Vec<String> {
    let shuffled = shuffle(plan, judge.seed);
    let orders: [(&str, &[Planned<'_>], usize); 3] = [
        ("in order, one by one", plan, 1),
        ("shuffled, one by one", &shuffled, 1),
        ("shuffled, several at once", &shuffled, jobs.max(2)),
    ];
    let mut seen: BTreeMap<(String, Format), (String, &str)> = BTreeMap::new();
    let mut lines = Vec::new();
    for (turn, (name, order, jobs)) in orders.into_iter().enumerate() {
        // New people each time; the store keeps those of the turns before.
        let judge = Judge::new(judge.world, judge.seed.wrapping_add(turn as u64 + 1));
        let run = run::run(order, &judge, target, jobs, |_| {});
        lines.extend(run.trouble.into_iter().map(|trouble| format!("{name}: {trouble}")));
        for verdict in run.verdicts {
            let found = said(&verdict);
            let (first, first_order) =
                seen.entry((verdict.case.clone(), verdict.format)).or_insert_with(|| (found.clone(), name));
            if *first != found {
                lines.push(format!(
                    "{} [{}]: {first} when {first_order}, {found} when {name}",
                    verdict.case, verdict.format
                ));
            }
        }
    }
    lines
}

fn said(verdict: &Verdict) -> String {
    let words = verdict.observations.iter().map(|(name, word)| format!(", {name} {word}"));
    std::iter::once(verdict.outcome.word().to_owned()).chain(words).collect()
}

/// The same plan in an order that the seed decides.
fn shuffle<'a>(plan: &[Planned<'a>], seed: u64) -> Vec<Planned<'a>> {
    let places = Just((0..plan.len()).collect::<Vec<_>>()).prop_shuffle();
    let shuffled = places.new_tree(&mut generated::runner(seed, 0)).map(|tree| tree.current());
    // A strategy without filters rejects nothing; were it to, the order would be the plan's own.
    shuffled.unwrap_or_else(|_| (0..plan.len()).collect()).into_iter().map(|place| plan[place]).collect()
}
