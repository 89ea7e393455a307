//! Fingerprints: a word for every point that is left to the implementation, kept in a file, so that a change shows.
//!
//! The file is JSON with the words under `fingerprint`, sorted by name, one a line: a difference of two files reads like
//! the list of what changed, and a whole results file of `--json` has the same key, so that either will do.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::case::{Case, Purpose};
use crate::judge::Verdict;
use crate::report::{Answers, Report, Surprise};

/// Observed words by name.
pub type Fingerprint = BTreeMap<String, Answers>;

#[derive(Serialize)]
struct Written<'a> {
    fingerprint: &'a Fingerprint,
}

#[derive(Deserialize)]
struct Read {
    fingerprint: Fingerprint,
}

/// The text of a fingerprint file.
///
/// # Errors
/// Never in practice: every key is a string.
pub fn render(fingerprint: &Fingerprint) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&Written { fingerprint }).map(|text| text + "\n")
}

/// Reads a fingerprint file or a results file.
///
/// # Errors
/// Says what is wrong with it, and which files will do.
pub fn read(text: &str) -> Result<Fingerprint, String> {
    let read: Read = serde_json::from_str(text)
        .map_err(|error| format!("no fingerprint ({error}); give a file that --fingerprint or --json wrote"))?;
    Ok(read.fingerprint)
}

/// A name whose words differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The name.
    pub name: &'a str,
    /// Before; nothing if the name is new.
    pub before: Option<&'a Answers>,
    /// After; nothing if the name is gone.
    pub after: Option<&'a Answers>,
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match (self.before, self.after) {
            (Some(before), Some(after)) => write!(f, "{name}: changed from `{before}` to `{after}`"),
            (None, Some(after)) => write!(f, "{name}: new, `{after}`"),
            (Some(before), None) => write!(f, "{name}: gone, was `{before}`"),
            (None, None) => Ok(()),
        }
    }
}

/// The names whose words differ, sorted.
pub fn difference<'a>(before: &'a Fingerprint, after: &'a Fingerprint) -> Vec<Change<'a>> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let change = |name: &'a String| Change { name, before: before.get(name), after: after.get(name) };
    names.into_iter().map(change).filter(|change| change.before != change.after).collect()
}

/// The fingerprint that a run must have.
#[derive(Debug, Clone)]
pub struct Expected {
    file: String,
    fingerprint: Fingerprint,
}

impl Expected {
    /// Reads it from the text of a file.
    ///
    /// # Errors
    /// Names the file and says which ones will do.
    pub fn read(file: &str, text: &str) -> Result<Self, String> {
        let fingerprint = read(text).map_err(|error| format!("{file}: {error}"))?;
        Ok(Self { file: file.to_owned(), fingerprint })
    }

    /// Every difference to a run, as far as the run can tell.
    pub fn surprises(&self, report: &Report<'_>) -> Vec<Surprise> {
        let changes = difference(&self.fingerprint, &report.fingerprint);
        let changes = changes.into_iter().filter(|change| can_tell(report, change.name));
        let surprise = |change: Change<'_>| Surprise {
            place: self.file.clone(),
            what: change.to_string(),
            next: "if that is meant, write the file anew with --fingerprint".to_owned(),
        };
        changes.map(surprise).collect()
    }
}

/// A run of everything tells of every name; a run of a part only of names whose cases all ran.
fn can_tell(report: &Report<'_>, name: &str) -> bool {
    if name.starts_with("generated/") && report.suite.generated.is_empty() {
        return false; // no case was generated that could record it
    }
    let everything: usize = report.suite.all_cases().map(|case| case.formats.len()).sum();
    if report.planned == everything && !report.read_only {
        return true;
    }
    let mut recording = report.suite.all_cases().filter(|case| records(case, name)).peekable();
    recording.peek().is_some() && recording.all(|case| ran(report, case))
}

fn records(case: &Case, name: &str) -> bool {
    case.steps.iter().any(|step| matches!(&step.purpose, Purpose::Observe { name: recorded, .. } if recorded == name))
}

fn ran(report: &Report<'_>, case: &Case) -> bool {
    let tried = |verdict: &&Verdict| verdict.case == case.id && verdict.is_tried();
    report.verdicts.iter().filter(tried).count() == case.formats.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;

    fn fingerprint(words: &[(&str, &str)]) -> Fingerprint {
        words.iter().map(|(name, word)| ((*name).to_owned(), Answers::Same((*word).to_owned()))).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut fingerprint = fingerprint(&[("b", "rejected"), ("a", "1 | 2")]);
        let by_format = [(Format::Json, "x".to_owned()), (Format::Xml, "y".to_owned())];
        fingerprint.insert("c".to_owned(), Answers::ByFormat(by_format.into()));
        let text = render(&fingerprint).unwrap();
        assert!(text.contains("\n    \"a\": \"1 | 2\",\n    \"b\": \"rejected\",\n"), "{text}");
        assert_eq!(read(&text).unwrap(), fingerprint);
    }

    #[test]
    fn a_results_file_will_do() {
        let text = r#"{"verdict":"conformant","fingerprint":{"a":"x"},"cases":[]}"#;
        assert_eq!(read(text).unwrap(), fingerprint(&[("a", "x")]));
        for text in ["", "{}", r#"{"fingerprint":{"a":1}}"#] {
            assert!(read(text).unwrap_err().contains("--fingerprint or --json wrote"), "{text}");
        }
    }

    #[test]
    fn a_difference_is_a_change_or_new_or_gone() {
        let (before, after) =
            (fingerprint(&[("a", "1"), ("b", "2"), ("c", "3")]), fingerprint(&[("a", "1"), ("b", "4"), ("d", "5")]));
        let lines: Vec<String> = difference(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["b: changed from `2` to `4`", "c: gone, was `3`", "d: new, `5`"]);
        assert_eq!(difference(&before, &before), []);
    }
}
