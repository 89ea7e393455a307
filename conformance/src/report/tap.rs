//! The report in the Test Anything Protocol, version 14: one test point a verdict, the plan first.
//!
//! A file handed in that is not true of the run is a test point of its own, which fails. TAP has two directives. What
//! could not be tried is `SKIP`; what failed but is not held against the target (it is no MUST, or a list of known
//! failures names it) is the other one. A run that could not judge bails out.

use std::fmt::Write;

use super::mark::Mark;
use super::plain::{one_line, visible};
use super::{Conclusion, Report, curl};
use crate::judge::{Failure, Verdict};

/// The directive for what fails and may; in two halves, since the word is otherwise a note to oneself.
const MAY_FAIL: &str = concat!("TO", "DO");

/// The TAP text of a report.
pub fn render(report: &Report<'_>) -> String {
    let mut out = format!("TAP version 14\n1..{}\n", report.planned + report.surprises.len());
    for (position, verdict) in report.verdicts.iter().enumerate() {
        out.push_str(&point(position + 1, verdict));
        out.push_str(&diagnostics(report, verdict));
    }
    for (position, surprise) in report.surprises.iter().enumerate() {
        let number = report.planned + position + 1;
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "not ok {number} - {}", escape(&one_line(&surprise.to_string())));
    }
    if report.conclusion == Conclusion::Inconclusive {
        let _ = writeln!(out, "Bail out! {}", one_line(&report.reasons.join("; ")));
    }
    out
}

fn point(number: usize, verdict: &Verdict) -> String {
    let reason = |reason: &str| escape(&one_line(reason));
    let (result, directive) = match Mark::of_verdict(verdict) {
        Mark::Pass | Mark::Observed => ("ok", String::new()),
        Mark::Unsupported => ("ok", format!(" # SKIP {}", reason(&verdict.message))),
        Mark::Fail | Mark::SetupFailed => ("not ok", String::new()),
        Mark::Warning => ("not ok", format!(" # {MAY_FAIL} {}: {}", verdict.level, reason(&verdict.message))),
        Mark::Known => {
            let why = verdict.excuse.as_ref().map_or("", |excuse| &excuse.reason);
            ("not ok", format!(" # {MAY_FAIL} known: {}", reason(why)))
        }
    };
    format!("{result} {number} - {} [{}]{directive}\n", escape(&verdict.case), verdict.format)
}

/// In a description `#` would begin a directive.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}

fn diagnostics(report: &Report<'_>, verdict: &Verdict) -> String {
    let mut out = String::new();
    if let Some(failure) = &verdict.failure {
        failed(&mut out, report, verdict, failure);
    }
    for (position, (name, word)) in verdict.observations.iter().enumerate() {
        if position == 0 {
            out.push_str("  observed:\n");
        }
        let _ = writeln!(out, "    {}: {}", quoted(name), quoted(&visible(word)));
    }
    if out.is_empty() { out } else { format!("  ---\n{out}  ...\n") }
}

fn failed(out: &mut String, report: &Report<'_>, verdict: &Verdict, failure: &Failure) {
    let blamed = report.suite.case(&verdict.case).and_then(|case| report.suite.requirement(&case.requirements[0]));
    let telling = failure.exchange.and_then(|position| verdict.exchanges.get(position));
    let fields = [
        ("outcome", Some(verdict.outcome.word().to_owned())),
        ("level", Some(verdict.level.word().to_owned())),
        ("requirement", blamed.map(|row| format!("{}: {} ({})", row.id, row.says, row.source))),
        ("step", Some(failure.step.clone())),
        ("expected", Some(failure.expected.clone())),
        ("actual", Some(visible(&failure.actual))),
        ("curl", telling.map(|exchange| curl::line(&exchange.sent))),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            let _ = writeln!(out, "  {name}: {}", quoted(&value));
        }
    }
}

/// A JSON string is a YAML string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
