//! The report as JSON, by the schema in `schema/results.schema.json`. A value only ever gets more keys.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::{Conclusion, Report, RowOutcome, Surprise, curl};
use crate::Format;
use crate::finds::Find;
use crate::fingerprint::Fingerprint;
use crate::judge::{Exchange, Excuse, Failure, Outcome, Verdict};
use crate::requirement::Level;
use crate::suite::Erratum;

#[derive(Serialize)]
struct Results<'a> {
    suite_version: &'static str,
    target: &'a str,
    world: &'a str,
    seed: u64,
    verdict: Conclusion,
    reasons: &'a [String],
    unexpected: &'a [Surprise],
    read_only: bool,
    planned: usize,
    delivered: usize,
    elapsed_ms: u64,
    counts: Counts,
    fingerprint: &'a Fingerprint,
    requirements: &'a [RowOutcome<'a>],
    document_defects: Vec<Defect<'a>>,
    finds: Vec<serde_json::Value>,
    cases: Vec<CaseResult<'a>>,
}

/// A defect of the documentation, and what its cases came to.
#[derive(Serialize)]
struct Defect<'a> {
    #[serde(flatten)]
    erratum: &'a Erratum,
    shown: Vec<String>,
}

impl<'a> Defect<'a> {
    fn of(report: &Report<'_>, erratum: &'a Erratum) -> Self {
        Self { erratum, shown: report.shown_by_defect(erratum) }
    }
}

#[derive(Serialize)]
struct Counts {
    #[serde(flatten)]
    total: BTreeMap<&'static str, usize>,
    by_level: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
}

#[derive(Serialize)]
struct CaseResult<'a> {
    id: &'a str,
    title: &'a str,
    file: &'a str,
    requirements: &'a [String],
    level: Level,
    format: Format,
    outcome: Outcome,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excuse: Option<&'a Excuse>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    observed: BTreeMap<&'a str, &'a str>,
    /// Commands that repeat a failed case's exchanges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    curl: Vec<String>,
    exchanges: Vec<serde_json::Value>,
}

/// The JSON text of a report.
///
/// # Errors
/// Never in practice: every key is a string and every number finite.
pub fn render(report: &Report<'_>) -> serde_json::Result<String> {
    let results = Results {
        suite_version: env!("CARGO_PKG_VERSION"),
        target: &report.target,
        world: &report.world,
        seed: report.seed,
        verdict: report.conclusion,
        reasons: &report.reasons,
        unexpected: &report.surprises,
        read_only: report.read_only,
        planned: report.planned,
        delivered: report.verdicts.len(),
        elapsed_ms: u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
        counts: counts(report),
        fingerprint: &report.fingerprint,
        requirements: &report.requirements,
        document_defects: report.document_defects().iter().map(|erratum| Defect::of(report, erratum)).collect(),
        finds: report.finds.iter().map(find).collect(),
        cases: report.verdicts.iter().filter_map(|verdict| case_result(report, verdict)).collect(),
    };
    serde_json::to_string_pretty(&results).map(|text| text + "\n")
}

fn counts(report: &Report<'_>) -> Counts {
    let table = |count: &dyn Fn(Outcome) -> usize, excused: usize| {
        let outcomes = Outcome::ALL.map(|outcome| (outcome.word(), count(outcome)));
        outcomes.into_iter().chain([("excused", excused)]).collect()
    };
    let of_level = |level: Level| table(&|outcome| report.count(level, outcome), report.excused(level));
    let excused = Level::ALL.map(|level| report.excused(level)).iter().sum();
    Counts {
        total: table(&|outcome| report.total(outcome), excused),
        by_level: Level::ALL.map(|level| (level.word(), of_level(level))).into(),
    }
}

fn case_result<'a>(report: &Report<'a>, verdict: &'a Verdict) -> Option<CaseResult<'a>> {
    let case = report.suite.case(&verdict.case)?;
    let curl = match &verdict.failure {
        Some(_) => verdict.exchanges.iter().map(|exchange| curl::line(&exchange.sent)).collect(),
        None => Vec::new(),
    };
    Some(CaseResult {
        id: &case.id,
        title: &case.title,
        file: &case.file,
        requirements: &case.requirements,
        level: verdict.level,
        format: verdict.format,
        outcome: verdict.outcome,
        message: &verdict.message,
        failure: verdict.failure.as_ref(),
        excuse: verdict.excuse.as_ref(),
        observed: verdict.observations.iter().map(|(name, word)| (name.as_str(), word.as_str())).collect(),
        curl,
        exchanges: verdict.exchanges.iter().map(exchange).collect(),
    })
}

/// A find: the small case, and the script that shows it.
fn find(find: &Find) -> serde_json::Value {
    let mut shown = json!({
        "cases": find.cases,
        "id": find.case.id,
        "format": find.verdict.format,
        "level": find.verdict.level,
        "requirement": find.case.requirements.first(),
        "message": find.verdict.message,
        "case_file": find.text,
    });
    match &find.script {
        Ok(script) => shown["script"] = json!(script),
        Err(reason) => shown["no_script"] = json!(reason),
    }
    shown
}

/// One request and its answer.
pub(super) fn exchange(exchange: &Exchange) -> serde_json::Value {
    let sent = &exchange.sent;
    let headers: serde_json::Map<_, _> = sent.headers.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
    let mut request = json!({ "method": sent.method, "url": sent.url, "headers": headers });
    put_body(&mut request, &sent.body);
    match &exchange.received {
        Ok(got) => {
            let headers: Vec<_> = got.headers.iter().map(|(name, value)| json!([name, value])).collect();
            let mut answer = json!({ "status": got.status, "headers": headers });
            put_body(&mut answer, &got.body);
            json!({ "request": request, "answer": answer })
        }
        Err(reason) => json!({ "request": request, "no_answer": reason }),
    }
}

/// Text as `body`; bytes that are none as `body_hex`.
fn put_body(message: &mut serde_json::Value, body: &[u8]) {
    match std::str::from_utf8(body) {
        Ok(text) => message["body"] = json!(text),
        Err(_) => message["body_hex"] = json!(body.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}
