//! What the page reads of a result file. Keys it does not know are left alone, so that later files can be shown too.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use crate::Format;
use crate::judge::Outcome;
use crate::report::mark::Mark;
use crate::requirement::Level;

/// One result file, by `schema/results.schema.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Results<'a> {
    pub(super) suite_version: &'a str,
    pub(super) target: &'a str,
    pub(super) world: &'a str,
    pub(super) seed: u64,
    pub(super) verdict: &'a str,
    #[serde(borrow)]
    pub(super) reasons: Vec<&'a str>,
    #[serde(borrow, default)]
    pub(super) unexpected: Vec<Surprise<'a>>,
    #[serde(default)]
    pub(super) read_only: bool,
    pub(super) planned: usize,
    pub(super) delivered: usize,
    pub(super) elapsed_ms: u64,
    #[serde(borrow)]
    pub(super) fingerprint: BTreeMap<&'a str, Words<'a>>,
    #[serde(borrow)]
    pub(super) requirements: Vec<Row<'a>>,
    #[serde(borrow)]
    pub(super) document_defects: Vec<Defect<'a>>,
    #[serde(borrow)]
    pub(super) cases: Vec<CaseResult<'a>>,
}

impl<'a> Results<'a> {
    /// # Errors
    /// Names the key that is missing or wrong.
    pub(super) fn read(value: &'a Value) -> serde_json::Result<Self> {
        Self::deserialize(value)
    }
}

/// An observed word, or one for each format.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Words<'a> {
    Same(&'a str),
    #[serde(borrow)]
    ByFormat(BTreeMap<Format, &'a str>),
}

/// What a file handed in (known failures, fingerprint) says and the run does not show.
#[derive(Debug, Deserialize)]
pub(super) struct Surprise<'a> {
    pub(super) place: &'a str,
    pub(super) what: &'a str,
    pub(super) next: &'a str,
}

/// A requirement row and what became of it.
#[derive(Debug, Deserialize)]
pub(super) struct Row<'a> {
    pub(super) id: &'a str,
    pub(super) level: Level,
    pub(super) says: &'a str,
    pub(super) source: &'a str,
    pub(super) outcome: &'a str,
    #[serde(borrow)]
    pub(super) cases: Vec<&'a str>,
    pub(super) untested: Option<&'a str>,
}

/// A defect of the documentation.
#[derive(Debug, Deserialize)]
pub(super) struct Defect<'a> {
    pub(super) id: &'a str,
    pub(super) page: &'a str,
    pub(super) what: &'a str,
    pub(super) asserted: &'a str,
    #[serde(borrow)]
    pub(super) readings: Vec<&'a str>,
    /// What the cases that send the bytes came to.
    #[serde(default)]
    pub(super) shown: Vec<String>,
}

/// One case in one format.
#[derive(Debug, Deserialize)]
pub(super) struct CaseResult<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) file: &'a str,
    #[serde(borrow)]
    pub(super) requirements: Vec<&'a str>,
    pub(super) level: Level,
    pub(super) format: Format,
    #[serde(deserialize_with = "outcome")]
    pub(super) outcome: Outcome,
    pub(super) message: &'a str,
    pub(super) failure: Option<Failure<'a>>,
    pub(super) excuse: Option<Excuse<'a>>,
    #[serde(borrow, default)]
    pub(super) observed: BTreeMap<&'a str, &'a str>,
    #[serde(borrow, default)]
    pub(super) curl: Vec<&'a str>,
    #[serde(borrow)]
    pub(super) exchanges: Vec<Exchange<'a>>,
}

impl CaseResult<'_> {
    pub(super) fn mark(&self) -> Mark {
        Mark::of(self.outcome, self.level, self.excuse.is_some())
    }
}

fn outcome<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Outcome, D::Error> {
    let word = <&str>::deserialize(deserializer)?;
    let known = Outcome::ALL.into_iter().find(|outcome| outcome.word() == word);
    known.ok_or_else(|| de::Error::custom(format!("`{word}` is no outcome")))
}

/// What was not as expected.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Failure<'a> {
    pub(super) step: &'a str,
    pub(super) expected: &'a str,
    pub(super) actual: &'a str,
    pub(super) exchange: Option<usize>,
}

/// Which list of known failures names it, and why.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Excuse<'a> {
    pub(super) list: &'a str,
    pub(super) reason: &'a str,
}

/// One request and its answer.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Exchange<'a> {
    #[serde(borrow)]
    pub(super) request: Request<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Answer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_answer: Option<&'a str>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    #[serde(borrow)]
    pub(super) headers: BTreeMap<&'a str, &'a str>,
    #[serde(borrow, flatten)]
    pub(super) body: Body<'a>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    #[serde(borrow)]
    pub(super) headers: Vec<(&'a str, &'a str)>,
    #[serde(borrow, flatten)]
    pub(super) body: Body<'a>,
}

/// Text, or bytes in hexadecimal digits.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Body<'a> {
    #[serde(rename = "body")]
    Text(&'a str),
    #[serde(rename = "body_hex")]
    Hex(&'a str),
}
