//! What a run came to: the verdict, the counts, the fingerprint, the outcome of each requirement row.
//!
//! This is the one place that decides between conformant, nonconformant and inconclusive. How it is shown is for the
//! files below: the screen, JSON, JUnit, the map of requirements and cases. What the files handed in announce, and
//! whether it came true, is for `known` and `fingerprint`.

pub mod badge;
pub mod curl;
pub mod disagreements;
pub mod html;
pub mod json;
pub mod junit;
pub mod list;
pub mod mark;
pub mod markdown;
pub mod plain;
pub mod screen;
pub mod tap;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Format;
use crate::case::Case;
use crate::filter::Filter;
use crate::finds::Find;
use crate::fingerprint::{Expected, Fingerprint};
use crate::generated::number_of;
use crate::judge::{Outcome, Verdict};
use crate::known::Known;
use crate::read_only;
use crate::requirement::{Level, Requirement};
use crate::run::{Planned, Run};
use crate::suite::{Erratum, Suite};

/// The answer to "does it conform?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// Every MUST holds.
    Conformant,
    /// Every MUST holds but for failures that a list of known ones names.
    AsExpected,
    /// Every MUST holds or fails as announced, but a file handed in says something that is not true any more.
    Unexpected,
    /// A MUST failed.
    Nonconformant,
    /// It could not be judged; never to be read as success.
    Inconclusive,
}

impl Conclusion {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Conformant => "conformant",
            Self::AsExpected => "as-expected",
            Self::Unexpected => "unexpected",
            Self::Nonconformant => "nonconformant",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// The exit code of the program.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Conformant | Self::AsExpected => 0,
            Self::Unexpected | Self::Nonconformant => 1,
            Self::Inconclusive => 2,
        }
    }
}

/// Everything that a report shows.
#[derive(Debug)]
pub struct Report<'a> {
    /// Rows, cases and errata.
    pub suite: &'a Suite,
    /// Base URL of the target.
    pub target: String,
    /// How the world was named.
    pub world: String,
    /// The seed that draws the generated cases.
    pub seed: u64,
    /// The verdict.
    pub conclusion: Conclusion,
    /// Why the run is inconclusive.
    pub reasons: Vec<String>,
    /// How many verdicts were planned.
    pub planned: usize,
    /// The verdicts that were delivered.
    pub verdicts: Vec<Verdict>,
    /// The outcome of each row, from what ran.
    pub requirements: Vec<RowOutcome<'a>>,
    /// Observed words by name; one for both formats, or one for each.
    pub fingerprint: Fingerprint,
    /// What the files handed in announce and the run does not show.
    pub surprises: Vec<Surprise>,
    /// What generated cases found, made small.
    pub finds: Vec<Find>,
    /// True if nothing was sent that the target could store.
    pub read_only: bool,
    /// How long the run took.
    pub elapsed: Duration,
}

/// Something that a file handed in says and that is not true of this run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Surprise {
    /// The file, and the line or entry in it.
    pub place: String,
    /// What is not true any more.
    pub what: String,
    /// What to do about it.
    pub next: String,
}

impl fmt::Display for Surprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.what, self.next)
    }
}

/// What a run was asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Base URL of the target.
    pub target: &'a str,
    /// How the world was named.
    pub world: &'a str,
    /// The seed that draws the generated cases.
    pub seed: u64,
    /// What was selected.
    pub filter: &'a Filter,
}

/// A row and what became of it in this run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowOutcome<'a> {
    /// Id of the row.
    pub id: &'a str,
    /// Its level.
    pub level: Level,
    /// Its sentence.
    pub says: &'a str,
    /// Where it is written.
    pub source: &'a str,
    /// What became of it.
    pub outcome: RowResult,
    /// Ids of the cases that cite it.
    pub cases: Vec<&'a str>,
    /// Why no case tests it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untested: Option<&'a str>,
}

/// What became of a requirement row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowResult {
    /// A case that blames this row failed.
    Fail,
    /// A case that blames this row could not be set up.
    SetupFailed,
    /// A case that cites it passed, and none that blames it failed.
    Pass,
    /// Answers were recorded.
    Observed,
    /// Its cases failed for other rows, so that it was not shown.
    Unproven,
    /// The world does not offer what its cases need.
    Unsupported,
    /// Its cases were not selected, or the run broke off.
    NotRun,
    /// No case tests it; the row says why.
    Untested,
}

/// The word observed, or one for each format where they differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answers {
    /// The same in every format that was run.
    Same(String),
    /// Different by format.
    ByFormat(BTreeMap<Format, String>),
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(word) => f.write_str(word),
            Self::ByFormat(words) => {
                let words: Vec<_> = words.iter().map(|(format, word)| format!("{word} in {format}")).collect();
                f.write_str(&words.join(", "))
            }
        }
    }
}

impl<'a> Report<'a> {
    /// Draws the conclusion from a run.
    pub fn new(suite: &'a Suite, asked: &Asked<'_>, plan: &[Planned<'_>], run: Run) -> Self {
        let Run { verdicts, trouble, elapsed } = run;
        let mut report = Self {
            suite,
            target: asked.target.to_owned(),
            world: asked.world.to_owned(),
            seed: asked.seed,
            conclusion: Conclusion::Inconclusive,
            reasons: trouble,
            planned: plan.len(),
            requirements: row_outcomes(suite, &verdicts),
            fingerprint: fingerprint(&verdicts),
            surprises: Vec::new(),
            finds: Vec::new(),
            read_only: false,
            verdicts,
            elapsed,
        };
        report.reasons.extend(report.shortcomings(asked.filter));
        report.conclusion = report.conclude();
        report
    }

    /// A report on a target that could not be asked.
    pub fn unreachable(suite: &'a Suite, asked: &Asked<'_>, plan: &[Planned<'_>], reason: &str) -> Self {
        let trouble = vec![format!("{} does not answer: {reason}", asked.target)];
        Self::new(suite, asked, plan, Run { trouble, ..Run::default() })
    }

    /// Holds the run against the files that announce failures and answers, and concludes anew.
    pub fn hold_against(&mut self, known: &Known, fingerprint: Option<&Expected>, plan: &[Planned<'_>]) {
        known.excuse_all(self.suite, &mut self.verdicts);
        self.surprises = known.surprises(self.suite, plan, &self.verdicts);
        if let Some(expected) = fingerprint {
            self.surprises.extend(expected.surprises(self));
        }
        self.conclusion = self.conclude();
    }

    fn shortcomings(&self, filter: &Filter) -> Vec<String> {
        let mut reasons = Vec::new();
        let delivered = self.verdicts.len();
        if self.planned == 0 {
            reasons.push("no case is selected".to_owned());
        } else if delivered < self.planned && self.reasons.is_empty() {
            reasons.push(format!("{delivered} of {} planned verdicts were delivered", self.planned));
        } else if self.total(Outcome::Unsupported) == delivered {
            reasons.push("nothing that was selected could be tried; see the unsupported cases".to_owned());
        } else if filter.is_all() && !self.verdicts.iter().any(is_must_tried) {
            reasons.push("no MUST could be tried; see the unsupported cases".to_owned());
        }
        reasons
    }

    fn conclude(&self) -> Conclusion {
        if !self.reasons.is_empty() {
            Conclusion::Inconclusive
        } else if self.broken_musts() > 0 {
            Conclusion::Nonconformant
        } else if !self.surprises.is_empty() {
            Conclusion::Unexpected
        } else if self.excused(Level::Must) > 0 {
            Conclusion::AsExpected
        } else {
            Conclusion::Conformant
        }
    }

    /// Takes in what generated cases found; the rows that the small cases blame have failed.
    pub fn add_finds(&mut self, finds: Vec<Find>) {
        for find in &finds {
            let is_blamed = |row: &&mut RowOutcome<'_>| find.case.requirements.first().is_some_and(|id| id == row.id);
            self.requirements.iter_mut().filter(is_blamed).for_each(|row| row.outcome = RowResult::Fail);
        }
        self.finds = finds;
    }

    /// How many MUST verdicts failed or could not be set up, without excuse.
    pub fn broken_musts(&self) -> usize {
        self.count(Level::Must, Outcome::Fail) + self.count(Level::Must, Outcome::SetupFailed)
    }

    /// How many verdicts have this level and outcome; excused failures are counted apart.
    pub fn count(&self, level: Level, outcome: Outcome) -> usize {
        let counted = |verdict: &&Verdict| verdict.level == level && verdict.outcome == outcome;
        self.verdicts.iter().filter(counted).filter(|verdict| verdict.excuse.is_none()).count()
    }

    /// How many failures of this level a list of known ones excuses.
    pub fn excused(&self, level: Level) -> usize {
        self.verdicts.iter().filter(|verdict| verdict.level == level && verdict.excuse.is_some()).count()
    }

    /// How many verdicts have this outcome; excused failures are counted apart.
    pub fn total(&self, outcome: Outcome) -> usize {
        Level::ALL.map(|level| self.count(level, outcome)).iter().sum()
    }

    /// How many verdicts were not tried because the target may not be written.
    pub fn left_out(&self) -> usize {
        self.verdicts.iter().filter(|verdict| verdict.message == read_only::REASON).count()
    }

    /// What the cases of a defect came to, one line each: the outcome, and what was answered to the bytes as printed.
    pub fn shown_by_defect(&self, erratum: &Erratum) -> Vec<String> {
        let ran = |verdict: &&Verdict| erratum.run_by.contains(&verdict.case);
        let line = |verdict: &Verdict| {
            let words: Vec<String> =
                verdict.observations.iter().map(|(_, word)| format!(", as printed {word}")).collect();
            format!("{} [{}]: {}{}", verdict.case, verdict.format, verdict.outcome.word(), words.concat())
        };
        self.verdicts.iter().filter(ran).map(line).collect()
    }

    /// The defects of the documentation, which are not held against the target.
    pub fn document_defects(&self) -> &'a [Erratum] {
        &self.suite.errata
    }
}

fn is_must_tried(verdict: &Verdict) -> bool {
    verdict.level == Level::Must && matches!(verdict.outcome, Outcome::Pass | Outcome::Fail | Outcome::SetupFailed)
}

fn row_outcomes<'a>(suite: &'a Suite, verdicts: &[Verdict]) -> Vec<RowOutcome<'a>> {
    let mut outcomes: BTreeMap<&str, Vec<Outcome>> = BTreeMap::new();
    for verdict in verdicts {
        outcomes.entry(&verdict.case).or_default().push(verdict.outcome);
    }
    suite.requirements.iter().map(|row| row_outcome(suite, row, &outcomes)).collect()
}

/// `outcomes` are those of each case, in whichever formats it ran.
fn row_outcome<'a>(suite: &'a Suite, row: &'a Requirement, outcomes: &BTreeMap<&str, Vec<Outcome>>) -> RowOutcome<'a> {
    let cases: Vec<_> = suite.cases_of(&row.id).collect();
    let ran = |blamed: bool, outcome: Outcome| {
        // Of a drawn case that failed nobody knows whom to blame before it is made small.
        let is_blamed = |case: &Case| case.requirements[0] == row.id && number_of(&case.id).is_none();
        let counted = cases.iter().filter(|case| !blamed || is_blamed(case));
        counted.filter_map(|case| outcomes.get(case.id.as_str())).any(|outcomes| outcomes.contains(&outcome))
    };
    let outcome = if cases.is_empty() {
        RowResult::Untested
    } else if ran(true, Outcome::Fail) {
        RowResult::Fail
    } else if ran(true, Outcome::SetupFailed) {
        RowResult::SetupFailed
    } else if ran(false, Outcome::Pass) {
        RowResult::Pass
    } else if ran(false, Outcome::Observed) {
        RowResult::Observed
    } else if ran(false, Outcome::Fail) || ran(false, Outcome::SetupFailed) {
        RowResult::Unproven
    } else if ran(false, Outcome::Unsupported) {
        RowResult::Unsupported
    } else {
        RowResult::NotRun
    };
    RowOutcome {
        id: &row.id,
        level: row.level,
        says: &row.says,
        source: &row.source,
        outcome,
        cases: cases.into_iter().map(|case| case.id.as_str()).collect(),
        untested: row.untested.as_deref(),
    }
}

/// Cases that record different words under one name are shown together, so that none is lost.
fn fingerprint(verdicts: &[Verdict]) -> Fingerprint {
    let mut words: BTreeMap<&str, BTreeMap<Format, Vec<&str>>> = BTreeMap::new();
    for verdict in verdicts {
        for (name, word) in &verdict.observations {
            let seen = words.entry(name).or_default().entry(verdict.format).or_default();
            if !seen.contains(&word.as_str()) {
                seen.push(word);
            }
        }
    }
    let joined = |by_format: BTreeMap<Format, Vec<&str>>| {
        let by_format: BTreeMap<Format, String> =
            by_format.into_iter().map(|(format, words)| (format, words.join(" | "))).collect();
        let mut values = by_format.values();
        match values.next() {
            Some(first) if values.all(|word| word == first) => Answers::Same(first.clone()),
            _ => Answers::ByFormat(by_format),
        }
    };
    words.into_iter().map(|(name, by_format)| (name.to_owned(), joined(by_format))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(level: Level, outcome: Outcome, format: Format, word: &str) -> Verdict {
        let observations = vec![("name".to_owned(), word.to_owned())];
        Verdict { observations, ..Verdict::new("x/y", format, level, outcome) }
    }

    fn suite() -> Suite {
        let row =
            |id: &str| format!("[{id}]\nlevel='must'\nsays='It works.'\nsource='page:1'\nconfidence='documented'\n");
        let case = "title='t'\nrequirements=['A-1', 'A-2']\n[[steps]]\nimport='{\"data\":{}}'\nexpect='new'";
        let files = [
            ("spec/requirements/a.toml", row("A-1") + &row("A-2") + &row("A-3")),
            ("cases/x/y.toml", case.to_owned()),
            ("worlds/documented.toml", "[suite]\ntoken='t'\ndatabase=1".to_owned()),
        ];
        Suite::load(&files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into()).unwrap()
    }

    fn conclude(outcomes: &[(Level, Outcome)], pattern: Option<&str>) -> Conclusion {
        let suite = suite();
        let filter = Filter::new(pattern.map(str::to_owned));
        let asked = Asked { target: "http://a", world: "w", seed: 1, filter: &filter };
        let plan = crate::run::plan(&suite, &Filter::default());
        let verdicts =
            outcomes.iter().zip(Format::ALL).map(|((level, outcome), format)| verdict(*level, *outcome, format, "w"));
        let run = Run { verdicts: verdicts.collect(), ..Run::default() };
        Report::new(&suite, &asked, &plan, run).conclusion
    }

    #[test]
    fn only_a_must_decides() {
        use Level::{Must, Should};
        use Outcome::{Fail, Pass, SetupFailed, Unsupported};
        assert_eq!(conclude(&[(Must, Pass), (Must, Pass)], None), Conclusion::Conformant);
        assert_eq!(conclude(&[(Must, Pass), (Should, Fail)], None), Conclusion::Conformant);
        assert_eq!(conclude(&[(Must, Pass), (Must, Unsupported)], None), Conclusion::Conformant);
        assert_eq!(conclude(&[(Must, Pass), (Must, Fail)], None), Conclusion::Nonconformant);
        assert_eq!(conclude(&[(Must, Pass), (Must, SetupFailed)], None), Conclusion::Nonconformant);
    }

    #[test]
    fn what_was_not_judged_is_never_a_success() {
        use Level::{Must, Should};
        use Outcome::{Fail, Pass, Unsupported};
        assert_eq!(conclude(&[(Must, Pass)], None), Conclusion::Inconclusive, "a verdict is missing");
        assert_eq!(conclude(&[(Must, Fail)], None), Conclusion::Inconclusive, "a verdict is missing");
        assert_eq!(conclude(&[(Must, Unsupported), (Should, Pass)], None), Conclusion::Inconclusive, "no MUST ran");
        assert_eq!(conclude(&[(Should, Pass), (Should, Pass)], Some("x")), Conclusion::Conformant, "it was asked for");
        let nothing = [(Must, Unsupported), (Should, Unsupported)];
        assert_eq!(conclude(&nothing, Some("x")), Conclusion::Inconclusive, "nothing of what was asked for ran");
    }

    #[test]
    fn the_first_requirement_of_a_failed_case_is_blamed() {
        let suite = suite();
        let failed = [verdict(Level::Must, Outcome::Fail, Format::Json, "w")];
        let outcomes =
            |verdicts: &[Verdict]| row_outcomes(&suite, verdicts).iter().map(|row| row.outcome).collect::<Vec<_>>();
        assert_eq!(outcomes(&failed), [RowResult::Fail, RowResult::Unproven, RowResult::Untested]);
        assert_eq!(outcomes(&[]), [RowResult::NotRun, RowResult::NotRun, RowResult::Untested]);
    }

    #[test]
    fn a_fingerprint_tells_formats_apart_only_where_they_differ() {
        let (json, xml) = (Format::Json, Format::Xml);
        let seen = |a: &str, b: &str| {
            let verdicts =
                [(json, a), (xml, b)].map(|(format, word)| verdict(Level::Observe, Outcome::Observed, format, word));
            fingerprint(&verdicts)["name"].clone()
        };
        assert_eq!(seen("rejected", "rejected"), Answers::Same("rejected".to_owned()));
        let both = BTreeMap::from([(json, "ignored".to_owned()), (xml, "rejected".to_owned())]);
        assert_eq!(seen("ignored", "rejected"), Answers::ByFormat(both));
    }
}
