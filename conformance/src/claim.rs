//! Claims: what a run showed, in a file that anybody can check again with one command.
//!
//! A claim names what it was made with - the rows and cases by their hash, the settings, the failures that were known -
//! and what came of it. It carries a hash of itself, so that nobody edits one by accident; that is no signature.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::generated::number_of;
use crate::judge::Outcome;
use crate::known::{Announced, Known};
use crate::report::{Conclusion, Report};
use crate::requirement::Level;
use crate::suite::{Files, Suite};
use crate::world::World;

/// Headers in which a server may say what it is, the first that is there.
const BANNERS: [&str; 2] = ["server", "x-powered-by"];

/// A claim as it stands in its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    claim: Claim,
    /// Of `claim`, as compact JSON with its keys in the order of the type.
    sha256: String,
}

/// What is claimed of a target. The order of the fields is that of the hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Version of the suite.
    pub suite_version: String,
    /// Hash of the requirement rows by id, without regard to files and layout.
    pub requirements_sha256: String,
    /// Hash of the case files and of the documented examples they send.
    pub cases_sha256: String,
    /// Base URL of the target.
    pub target: String,
    /// What the target calls itself in its answers.
    pub banner: Option<String>,
    /// How the world was named.
    pub world: String,
    /// What the world declares beyond the import call.
    pub capabilities: Vec<String>,
    /// Which roles the world names.
    pub roles: Vec<String>,
    /// True if nothing was sent that could be stored.
    pub read_only: bool,
    /// The failures that were known.
    pub known_failures: Vec<Announced>,
    /// The seed that draws the generated cases.
    pub seed: u64,
    /// How many cases were generated.
    pub generated: usize,
    /// Verdicts by level and outcome.
    pub counts: BTreeMap<String, BTreeMap<String, usize>>,
    /// What the run came to.
    pub verdict: Conclusion,
    /// The day of the run.
    pub date: Date,
}

/// A field in which what is claimed and what was found differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    field: &'static str,
    claimed: String,
    found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: claimed {}, found {}", self.field, self.claimed, self.found)
    }
}

impl Claim {
    /// What can be claimed after a run, made on this day with the data in `files`.
    pub fn new(report: &Report<'_>, world: &World, known: &Known, files: &Files, date: Date) -> Self {
        Self {
            suite_version: env!("CARGO_PKG_VERSION").to_owned(),
            requirements_sha256: hash_of_rows(report.suite),
            cases_sha256: hash_of_cases(files),
            target: report.target.clone(),
            banner: banner(report),
            world: report.world.clone(),
            capabilities: sorted(world.capabilities.clone()),
            roles: world.named_roles(),
            read_only: report.read_only,
            known_failures: known.announced(),
            seed: report.seed,
            generated: report.suite.generated.iter().filter(|case| number_of(&case.id).is_some()).count(),
            counts: Level::ALL.map(|level| (level.word().to_owned(), counts(report, level))).into(),
            verdict: report.conclusion,
            date,
        }
    }

    /// The text of a claim file.
    ///
    /// # Errors
    /// Never in practice: every key is a string.
    pub fn render(&self) -> serde_json::Result<String> {
        let sealed = Sealed { claim: self.clone(), sha256: self.hash()? };
        serde_json::to_string_pretty(&sealed).map(|text| text + "\n")
    }

    /// Reads a claim file.
    ///
    /// # Errors
    /// When it is none, or was changed after it was written.
    pub fn read(text: &str) -> Result<Self, String> {
        let Sealed { claim, sha256 } = serde_json::from_str(text)
            .map_err(|error| format!("no claim of this suite ({error}); give a file that --claim wrote"))?;
        let own = claim.hash().map_err(|error| error.to_string())?;
        if own != sha256 {
            return Err(format!(
                "the claim was changed after it was written: its hash is {own}, it says {sha256}; get the file that \
                 --claim wrote"
            ));
        }
        Ok(claim)
    }

    /// What identifies this claim.
    ///
    /// # Errors
    /// Never in practice: every key is a string.
    pub fn hash(&self) -> serde_json::Result<String> {
        Ok(hex(&Sha256::digest(serde_json::to_vec(self)?)))
    }

    /// Where a new run does not show what this claims. When and with which seed, and at which address, is no part of it.
    pub fn differences(&self, found: &Self) -> Vec<Difference> {
        let shown = |claim: &Self| {
            [
                ("suite version", claim.suite_version.clone()),
                ("hash of the requirement rows", claim.requirements_sha256.clone()),
                ("hash of the cases", claim.cases_sha256.clone()),
                ("banner of the target", claim.banner.clone().unwrap_or_else(|| "none".to_owned())),
                ("capabilities", listed(&claim.capabilities)),
                ("roles", listed(&claim.roles)),
                ("generated cases", claim.generated.to_string()),
                ("must verdicts", claim.counted(Level::Must)),
                ("should verdicts", claim.counted(Level::Should)),
                ("may verdicts", claim.counted(Level::May)),
                ("observe verdicts", claim.counted(Level::Observe)),
                ("verdict", claim.verdict.word().to_owned()),
            ]
        };
        let pairs = shown(self).into_iter().zip(shown(found));
        let differing = pairs.filter(|(claimed, found)| claimed != found);
        differing.map(|((field, claimed), (_, found))| Difference { field, claimed, found }).collect()
    }

    fn counted(&self, level: Level) -> String {
        let counts = self.counts.get(level.word()).into_iter().flatten().filter(|(_, count)| **count > 0);
        let counts: Vec<String> = counts.map(|(word, count)| format!("{count} {word}")).collect();
        listed(&counts)
    }
}

fn listed(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort_unstable();
    words
}

fn counts(report: &Report<'_>, level: Level) -> BTreeMap<String, usize> {
    let outcomes = Outcome::ALL.map(|outcome| (outcome.word().to_owned(), report.count(level, outcome)));
    outcomes.into_iter().chain([("excused".to_owned(), report.excused(level))]).collect()
}

fn banner(report: &Report<'_>) -> Option<String> {
    let answers = report.verdicts.iter().flat_map(|verdict| &verdict.exchanges);
    let headers: Vec<_> =
        answers.filter_map(|exchange| exchange.received.as_ref().ok()).map(|got| &got.headers).collect();
    let value_of = |wanted: &str| {
        let mut all = headers.iter().flat_map(|headers| headers.iter());
        all.find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    };
    BANNERS.iter().find_map(|name| value_of(name))
}

fn hash_of_rows(suite: &Suite) -> String {
    let mut rows: Vec<_> = suite
        .requirements
        .iter()
        .map(|row| (&row.id, row.level, &row.says, &row.source, row.confidence, &row.untested))
        .collect();
    rows.sort_by_key(|row| row.0);
    // Strings and words only: nothing that JSON could not say.
    hex(&Sha256::digest(serde_json::to_vec(&rows).unwrap_or_default()))
}

/// Path and content of each file, each with its length in front, so that no two sets of files give the same bytes.
fn hash_of_cases(files: &Files) -> String {
    let mut hash = Sha256::new();
    let is_of_cases = |path: &str| path.starts_with("cases/") || path.starts_with("documented/");
    for (path, content) in files.iter().filter(|(path, _)| is_of_cases(path)) {
        for part in [path.as_bytes(), content.as_slice()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::report::Asked;
    use crate::run::{self, Run};

    fn files(more: &str) -> Files {
        let files = [
            (
                "spec/requirements/a.toml",
                format!("[A-1]\nlevel='must'\nsays='It works.'\nsource='page:1'\nconfidence='documented'{more}"),
            ),
            (
                "cases/x/y.toml",
                "title='t'\nrequirements=['A-1']\n[[steps]]\nimport='{\"data\":{}}'\nexpect='new'".to_owned(),
            ),
            ("worlds/documented.toml", "[suite]\ntoken='secret'\ndatabase=1".to_owned()),
        ];
        files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into()
    }

    fn claim(files: &Files) -> Claim {
        let suite = Suite::load(files).unwrap();
        let filter = Filter::default();
        let asked = Asked { target: "http://a", world: "w", seed: 1, filter: &filter };
        let report = Report::new(&suite, &asked, &run::plan(&suite, &filter), Run::default());
        let mut known = Known::default();
        known
            .read(
                crate::judge::KnownList::KnownFailing,
                "k",
                "[[known]]\ncase='x/y'\nexpectation='e'\nreason='r'\nexpires=2027-01-31",
            )
            .unwrap();
        let world = suite.documented_world.clone().unwrap();
        Claim::new(&report, &world, &known, files, jiff::civil::date(2026, 10, 1))
    }

    #[test]
    fn what_is_written_is_read_again() {
        let claim = claim(&files(""));
        let text = claim.render().unwrap();
        assert_eq!(Claim::read(&text).unwrap(), claim);
        assert!(text.contains("\"2027-01-31\"") && !text.contains("secret"), "{text}");
        let compact = serde_json::from_str::<serde_json::Value>(&text).unwrap().to_string();
        assert_eq!(Claim::read(&compact).unwrap(), claim, "the layout is no part of the claim");
    }

    #[test]
    fn a_claim_that_was_changed_is_refused() {
        let text = claim(&files("")).render().unwrap();
        let changed = text.replace("inconclusive", "conformant");
        assert_ne!(text, changed);
        assert!(Claim::read(&changed).unwrap_err().contains("changed after it was written"));
        let more = text.replace("\"banner\"", "\"note\": 1, \"banner\"");
        assert!(Claim::read(&more).unwrap_err().contains("unknown field `note`"));
    }

    #[test]
    fn hashes_tell_rows_and_cases_apart_from_layout() {
        let plain = claim(&files(""));
        let spaced = claim(&files("\n\n# a comment\n"));
        assert_eq!(plain.requirements_sha256, spaced.requirements_sha256);
        let row = claim(&files(
            "\n[A-2]\nlevel='may'\nsays='It works.'\nsource='page:1'\nconfidence='documented'\nuntested='r'",
        ));
        assert_ne!(plain.requirements_sha256, row.requirements_sha256);
        let mut other = files("");
        other.get_mut("cases/x/y.toml").unwrap().push(b'\n');
        let other = claim(&other);
        assert_eq!(plain.requirements_sha256, other.requirements_sha256);
        assert_eq!(plain.differences(&other).len(), 1, "the cases alone differ");
    }

    #[test]
    fn every_field_that_differs_is_told() {
        let one = claim(&files(""));
        assert_eq!(
            one.differences(&Claim { seed: 2, date: Date::default(), target: "http://b".to_owned(), ..one.clone() }),
            []
        );
        let mut other = Claim { banner: Some("x/1".to_owned()), verdict: Conclusion::Conformant, ..one.clone() };
        other.counts.get_mut("must").unwrap().insert("pass".to_owned(), 7);
        let lines: Vec<String> = one.differences(&other).iter().map(ToString::to_string).collect();
        let expected = [
            "banner of the target: claimed none, found x/1",
            "must verdicts: claimed none, found 7 pass",
            "verdict: claimed inconclusive, found conformant",
        ];
        assert_eq!(lines, expected);
    }
}
