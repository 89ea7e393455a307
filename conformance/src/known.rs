//! Failures that were announced: lists of those that are known, what the lists excuse, and where they are not true.
//!
//! An entry is never a reason to leave a case out. Its cases run, and an entry of the failing list must come true to
//! the letter: a case that passes, or fails in another way, makes the list a lie, which fails the run.

use std::fmt::Write;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;

use crate::Format;
use crate::case::Case;
use crate::filter;
use crate::generated::number_of;
use crate::judge::{Excuse, Failure, KnownList, Verdict};
use crate::report::{Report, Surprise};
use crate::run::Planned;
use crate::suite::Suite;

/// So many cases are named where an entry holds for more.
const NAMED: usize = 3;

/// Both lists, and the day on which they are read.
#[derive(Debug, Clone, Default)]
pub struct Known {
    entries: Vec<Entry>,
    today: Date,
}

/// An entry and the list it stands in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    /// The list.
    pub list: KnownList,
    /// What it says.
    pub entry: Announcement,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    /// Glob over ids of cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Glob over the requirement that a failed case blames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// The one format in which it fails; both where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// A piece of the failure's message, so that another failure of the same case is not covered.
    pub expectation: String,
    /// Why nothing is done about it now.
    pub reason: String,
    /// The last day on which the entry counts.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "date")]
    pub expires: Option<Date>,
}

#[derive(Debug, Clone)]
struct Entry {
    announced: Announced,
    /// File, line and number, for messages.
    place: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    #[serde(default)]
    known: Vec<Spanned<Announcement>>,
}

/// A TOML date, or the text of one.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Toml(toml::value::Datetime),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Toml(date) => date.to_string(),
        Written::Text(text) => text,
    };
    // Nothing but a day: a time of day would be read and not honoured.
    let day = Some(&text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
    let refusal = || serde::de::Error::custom(format!("`expires` is {text}; write a day, such as 2027-01-31"));
    day.map(Some).ok_or_else(refusal)
}

impl Known {
    /// No entries yet, to be judged as of this day.
    pub fn new(today: Date) -> Self {
        Self { entries: Vec::new(), today }
    }

    /// Adds the entries of a file.
    ///
    /// # Errors
    /// Names file and line of what is wrong, and says how it must be written.
    pub fn read(&mut self, list: KnownList, file: &str, text: &str) -> Result<(), String> {
        let written: ListFile = toml::from_str(text).map_err(|error| format!("{file}: {error}"))?;
        for (position, entry) in written.known.into_iter().enumerate() {
            let line = text[..entry.span().start.min(text.len())].matches('\n').count() + 1;
            let place = format!("{file}:{line} (entry {})", position + 1);
            self.add(Announced { list, entry: entry.into_inner() }, place)?;
        }
        Ok(())
    }

    /// Adds entries that were written down elsewhere.
    ///
    /// # Errors
    /// Says which entry is wrong.
    pub fn extend(&mut self, file: &str, entries: &[Announced]) -> Result<(), String> {
        for (position, announced) in entries.iter().enumerate() {
            self.add(announced.clone(), format!("{file} (known failure {})", position + 1))?;
        }
        Ok(())
    }

    fn add(&mut self, announced: Announced, place: String) -> Result<(), String> {
        if announced.entry.case.is_some() == announced.entry.requirement.is_some() {
            return Err(format!("{place}: give either `case` or `requirement`, a glob with * or ?"));
        }
        if announced.entry.expectation.trim().is_empty() {
            return Err(format!("{place}: `expectation` is empty; copy a piece of the failure's message into it"));
        }
        if announced.entry.reason.trim().is_empty() {
            return Err(format!("{place}: `reason` is empty; say why the failure stays for now"));
        }
        self.entries.push(Entry { announced, place });
        Ok(())
    }

    /// The entries, as a claim states them.
    pub fn announced(&self) -> Vec<Announced> {
        self.entries.iter().map(|entry| entry.announced.clone()).collect()
    }

    /// Marks every failure that an entry announces.
    pub fn excuse_all(&self, suite: &Suite, verdicts: &mut [Verdict]) {
        for verdict in verdicts {
            verdict.excuse = self.excuse(suite, verdict);
        }
    }

    /// Why this failure is not held against the target, if an entry announces it.
    pub fn excuse(&self, suite: &Suite, verdict: &Verdict) -> Option<Excuse> {
        let Announced { list, entry } = &self.entry_for(suite, verdict)?.announced;
        Some(Excuse { list: *list, reason: entry.reason.clone() })
    }

    fn entry_for(&self, suite: &Suite, verdict: &Verdict) -> Option<&Entry> {
        verdict.failure.as_ref()?;
        let case = suite.case(&verdict.case)?;
        let is_meant = |entry: &&Entry| entry.names(case, verdict.format) && entry.foresees(verdict);
        self.entries.iter().filter(|entry| !entry.is_expired(self.today)).find(is_meant)
    }

    /// Where the lists are not true of this run. What was not selected, not tried or not delivered says nothing.
    pub fn surprises(&self, suite: &Suite, plan: &[Planned<'_>], verdicts: &[Verdict]) -> Vec<Surprise> {
        self.entries.iter().flat_map(|entry| entry.surprises(self.today, suite, plan, verdicts)).collect()
    }
}

impl Entry {
    fn names(&self, case: &Case, format: Format) -> bool {
        let Announcement { case: ids, requirement, format: only, .. } = &self.announced.entry;
        let fits = |pattern: &Option<String>, id: Option<&String>| match (pattern, id) {
            (Some(pattern), Some(id)) => filter::glob(pattern.as_bytes(), id.as_bytes()),
            _ => false,
        };
        only.is_none_or(|only| only == format)
            && (fits(ids, Some(&case.id)) || fits(requirement, case.requirements.first()))
    }

    fn foresees(&self, verdict: &Verdict) -> bool {
        verdict.message.contains(&self.announced.entry.expectation)
    }

    fn is_expired(&self, today: Date) -> bool {
        self.announced.entry.expires.is_some_and(|last| last < today)
    }

    fn surprises(&self, today: Date, suite: &Suite, plan: &[Planned<'_>], verdicts: &[Verdict]) -> Vec<Surprise> {
        let case = self.announced.entry.case.as_deref().unwrap_or_default();
        if case.starts_with("generated/") && suite.generated.is_empty() {
            return Vec::new(); // none was generated
        }
        if !plan.iter().any(|planned| self.names(planned.case, planned.format)) {
            let is_somewhere =
                suite.all_cases().any(|case| case.formats.iter().any(|&format| self.names(case, format)));
            let what = format!("{} matches no case of this suite", self.pattern());
            return if is_somewhere {
                Vec::new()
            } else {
                vec![self.surprise(what, "correct it, or remove the entry")]
            };
        }
        if self.is_expired(today) {
            let what = format!("{} has expired, on {}", self.pattern(), self.expiry());
            return vec![self.surprise(what, "mend the failure and remove the entry, or give it a later day")];
        }
        match self.announced.list {
            KnownList::KnownFlaky => Vec::new(),
            KnownList::KnownFailing => self.untrue(suite, verdicts),
        }
    }

    /// What was tried and did not fail, or not as announced.
    fn untrue(&self, suite: &Suite, verdicts: &[Verdict]) -> Vec<Surprise> {
        let is_named = |verdict: &&Verdict| {
            suite.case(&verdict.case).is_some_and(|case| self.names(case, verdict.format)) && verdict.is_tried()
        };
        let named: Vec<&Verdict> = verdicts.iter().filter(is_named).collect();
        let passing: Vec<&Verdict> = named.iter().copied().filter(|verdict| verdict.failure.is_none()).collect();
        let other = named.iter().find(|verdict| verdict.failure.is_some() && !self.foresees(verdict));
        let mut surprises = Vec::new();
        if !passing.is_empty() {
            let all = passing.len() == named.len();
            let next = if all { "remove the entry" } else { "narrow the entry to what still fails" };
            surprises.push(self.surprise(format!("no failure any more in {}", listed(&passing)), next));
        }
        if let Some(verdict) = other {
            let what = format!("{} [{}] fails in another way: {}", verdict.case, verdict.format, verdict.message);
            surprises.push(self.surprise(what, "see to that failure, or announce it in an entry of its own"));
        }
        surprises
    }

    fn surprise(&self, what: String, next: &str) -> Surprise {
        Surprise { place: self.place.clone(), what, next: next.to_owned() }
    }

    fn pattern(&self) -> String {
        let entry = &self.announced.entry;
        let (key, pattern) = match (&entry.case, &entry.requirement) {
            (Some(pattern), _) => ("case", pattern.as_str()),
            (None, pattern) => ("requirement", pattern.as_deref().unwrap_or_default()),
        };
        let format = entry.format.map(|format| format!(" in {format}")).unwrap_or_default();
        format!("{key} `{pattern}`{format}")
    }

    fn expiry(&self) -> String {
        self.announced.entry.expires.map(|date| date.to_string()).unwrap_or_default()
    }
}

fn listed(verdicts: &[&Verdict]) -> String {
    let names = verdicts.iter().take(NAMED).map(|verdict| format!("{} [{}]", verdict.case, verdict.format));
    let names = names.collect::<Vec<_>>().join(", ");
    match verdicts.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

const HEAD: &str = "\
# Failures that are known, for --known-failing. The cases still run: an entry that comes true costs nothing, one that
# does not fails the run. Give every entry a reason of your own, and a day on which it must be looked at again:
#   expires = 2027-01-31
# Move what fails only now and then into a file for --known-flaky.
";

/// A list of all failures of a run, to start from. Those that were announced before keep their words.
pub fn render(report: &Report<'_>, known: &Known) -> String {
    let mut out = HEAD.to_owned();
    let is_flaky =
        |verdict: &Verdict| verdict.excuse.as_ref().is_some_and(|excuse| excuse.list == KnownList::KnownFlaky);
    // A drawn case fails with this seed only; its failures belong on the other list.
    for case in report.suite.all_cases().filter(|case| number_of(&case.id).is_none()) {
        let failed = report.verdicts.iter().filter(|verdict| verdict.case == case.id && !is_flaky(verdict));
        let failed: Vec<(&Verdict, &Failure)> =
            failed.filter_map(|verdict| verdict.failure.as_ref().map(|failure| (verdict, failure))).collect();
        let is_alike = failed.windows(2).all(|pair| telling(pair[0].1) == telling(pair[1].1));
        let is_everywhere = failed.len() == case.formats.len();
        let written = if is_alike && is_everywhere { 1 } else { failed.len() };
        for (verdict, failure) in failed.into_iter().take(written) {
            let format = (!is_alike || !is_everywhere).then_some(verdict.format);
            entry(&mut out, report.suite, known, case, (verdict, failure), format);
        }
    }
    out
}

/// The part of a failure's message that does not depend on what was answered.
fn telling(failure: &Failure) -> String {
    format!("{}: expected {}", failure.step, failure.expected)
}

fn entry(
    out: &mut String,
    suite: &Suite,
    known: &Known,
    case: &Case,
    (verdict, failure): (&Verdict, &Failure),
    format: Option<Format>,
) {
    let before = known.entry_for(suite, verdict).map(|entry| &entry.announced.entry);
    let reason = before.map_or_else(
        || format!("new with suite {}, not looked into yet", env!("CARGO_PKG_VERSION")),
        |entry| entry.reason.clone(),
    );
    let quoted = |text: &str| toml::Value::from(text).to_string();
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(out);
    for row in case.requirements.iter().take(1).filter_map(|id| suite.requirement(id)) {
        let _ = writeln!(out, "# {} ({}): {}", row.id, verdict.level, row.says);
    }
    let got = failure.actual.replace(char::is_control, " ");
    let _ = writeln!(out, "# got {got}");
    let _ = writeln!(out, "[[known]]\ncase = {}", quoted(&case.id));
    if let Some(format) = format {
        let _ = writeln!(out, "format = {}", quoted(format.word()));
    }
    let _ = writeln!(out, "expectation = {}\nreason = {}", quoted(&telling(failure)), quoted(&reason));
    if let Some(date) = before.and_then(|entry| entry.expires) {
        let _ = writeln!(out, "expires = {date}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::judge::{Found, Outcome, Reason};
    use crate::requirement::Level;
    use crate::run;

    fn suite() -> Suite {
        let row =
            |id: &str| format!("[{id}]\nlevel='must'\nsays='It works.'\nsource='page:1'\nconfidence='documented'\n");
        let case = |row: &str| {
            format!("title='t'\nrequirements=['{row}']\n[[steps]]\nimport='{{\"data\":{{}}}}'\nexpect='new'")
        };
        let files = [
            ("spec/requirements/a.toml", row("A-1") + &row("B-1")),
            ("cases/x/a.toml", case("A-1")),
            ("cases/x/b.toml", case("B-1")),
            ("worlds/documented.toml", "[suite]\ntoken='t'\ndatabase=1".to_owned()),
        ];
        Suite::load(&files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into()).unwrap()
    }

    fn known(list: KnownList, text: &str) -> Known {
        let mut known = Known::new(jiff::civil::date(2026, 10, 1));
        known.read(list, "known.toml", text).unwrap();
        known
    }

    fn verdict(case: &str, format: Format, expected: &str) -> Verdict {
        let failure = (!expected.is_empty()).then(|| Failure {
            position: 0,
            step: "step 1 of 1".to_owned(),
            expected: expected.to_owned(),
            actual: "refused".to_owned(),
            exchange: None,
            no_answer: false,
            reason: Reason { wanted: "new", found: Found::Refusal },
        });
        let outcome = if failure.is_some() { Outcome::Fail } else { Outcome::Pass };
        let message =
            if failure.is_some() { format!("step 1 of 1: expected {expected}; got refused") } else { String::new() };
        Verdict { message, failure, ..Verdict::new(case, format, Level::Must, outcome) }
    }

    /// What is surprising if `x/a` fails so in both formats and `x/b` passes; the plan is all of it unless filtered.
    fn surprises(list: KnownList, entry: &str, expected: [&str; 2], filter: Option<&str>) -> Vec<String> {
        let suite = suite();
        let filter = Filter::new(filter.map(str::to_owned));
        let plan = run::plan(&suite, &filter);
        let [json, xml] = expected;
        let verdicts = [
            verdict("x/a", Format::Json, json),
            verdict("x/a", Format::Xml, xml),
            verdict("x/b", Format::Json, ""),
            verdict("x/b", Format::Xml, ""),
        ];
        let delivered: Vec<Verdict> =
            verdicts.into_iter().filter(|verdict| plan.iter().any(|planned| planned.case.id == verdict.case)).collect();
        let known = known(list, &format!("# a list\n\n[[known]]\nreason = 'r'\n{entry}"));
        known.surprises(&suite, &plan, &delivered).iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn check(list: KnownList, entry: &str, expected: [&str; 2], filter: Option<&str>, says: Option<&str>) {
        let found = surprises(list, entry, expected, filter);
        match says {
            None => assert!(found.is_empty(), "{found:?}"),
            Some(says) => {
                assert!(found.iter().any(|one| one.contains(says)), "{found:?} does not say `{says}`");
                assert!(found[0].starts_with("known.toml:3 (entry 1): "), "{found:?}");
            }
        }
    }

    use KnownList::{KnownFailing, KnownFlaky};

    #[test]
    fn an_entry_that_comes_true_is_no_surprise() {
        check(KnownFailing, "case = 'x/a'\nexpectation = 'new'", ["new"; 2], None, None);
        check(KnownFailing, "requirement = 'A-*'\nexpectation = 'new'", ["new"; 2], None, None);
        check(KnownFailing, "case = '*/a'\nformat = 'xml'\nexpectation = 'new'", ["", "new"], None, None);
    }

    #[test]
    fn a_known_failure_that_passes_is_told() {
        let passes = Some("no failure any more in x/a [json]; narrow the entry to what still fails");
        check(KnownFailing, "case = 'x/a'\nexpectation = 'new'", ["", "new"], None, passes);
        let all = Some("in x/a [json], x/a [xml]; remove the entry");
        check(KnownFailing, "case = 'x/a'\nexpectation = 'new'", ["", ""], None, all);
        check(KnownFlaky, "case = 'x/a'\nexpectation = 'new'", ["", "new"], None, None);
    }

    #[test]
    fn another_failure_of_the_same_case_is_told() {
        let told = Some("x/a [xml] fails in another way: step 1 of 1: expected the same id; got refused");
        check(KnownFailing, "case = 'x/a'\nexpectation = 'expected new'", ["new", "the same id"], None, told);
    }

    #[test]
    fn an_entry_that_matches_nothing_is_told_in_both_lists() {
        for list in [KnownFailing, KnownFlaky] {
            let told = Some("case `y/*` matches no case of this suite; correct it");
            check(list, "case = 'y/*'\nexpectation = 'new'", ["new"; 2], None, told);
            check(list, "requirement = 'B-2'\nexpectation = 'new'", ["new"; 2], None, Some("requirement `B-2`"));
        }
    }

    #[test]
    fn an_entry_outside_the_filter_is_not_looked_at() {
        check(KnownFailing, "case = 'x/b'\nexpectation = 'new'", ["new"; 2], Some("x/a"), None);
        check(KnownFailing, "case = 'x/b'\nexpectation = 'new'\nexpires = 2000-01-01", ["new"; 2], Some("x/a"), None);
        check(KnownFailing, "case = 'y'\nexpectation = 'new'", ["new"; 2], Some("x/a"), Some("matches no case"));
    }

    #[test]
    fn an_entry_counts_to_the_end_of_its_last_day() {
        let entry = |day: &str| format!("case = 'x/a'\nexpectation = 'new'\nexpires = {day}");
        check(KnownFailing, &entry("2026-10-01"), ["new"; 2], None, None);
        for list in [KnownFailing, KnownFlaky] {
            check(list, &entry("2026-09-30"), ["new"; 2], None, Some("has expired, on 2026-09-30; mend"));
        }
        let excused = |day: &str| {
            let known = known(KnownFailing, &format!("[[known]]\nreason = 'r'\n{}", entry(day)));
            known.excuse(&suite(), &verdict("x/a", Format::Json, "new")).is_some()
        };
        assert!(excused("2026-10-01") && !excused("2026-09-30"));
    }

    #[test]
    fn what_was_not_tried_says_nothing() {
        let suite = suite();
        let plan = run::plan(&suite, &Filter::default());
        let untried = [Format::Json, Format::Xml]
            .map(|format| Verdict { outcome: Outcome::Unsupported, ..verdict("x/a", format, "") });
        let known = known(KnownFailing, "[[known]]\ncase = 'x/a'\nexpectation = 'new'\nreason = 'r'");
        assert_eq!(known.surprises(&suite, &plan, &untried), []);
        assert_eq!(known.surprises(&suite, &plan, &[]), []);
    }

    #[test]
    fn refuses_an_entry_that_would_cover_too_much() {
        for (entry, says) in [
            ("case = 'x'\nreason = 'r'", "missing field `expectation`"),
            ("case = 'x'\nreason = 'r'\nexpectation = ' '", "copy a piece of the failure's message"),
            ("case = 'x'\nexpectation = 'new'", "missing field `reason`"),
            ("case = 'x'\nexpectation = 'new'\nreason = ''", "say why"),
            ("expectation = 'new'\nreason = 'r'", "either `case` or `requirement`"),
            ("case = 'x'\nrequirement = 'y'\nexpectation = 'new'\nreason = 'r'", "either `case` or `requirement`"),
            ("case = 'x'\nexpectation = 'new'\nreason = 'r'\nexpires = 2027-01-31T00:00:00", "such as 2027-01-31"),
            ("case = 'x'\nexpectation = 'new'\nreason = 'r'\nexpires = 7", "expires"),
            ("cases = 'x'\nexpectation = 'new'\nreason = 'r'", "unknown field `cases`"),
        ] {
            let error = Known::default().read(KnownFailing, "k.toml", &format!("[[known]]\n{entry}")).unwrap_err();
            assert!(error.starts_with("k.toml:") && error.contains(says), "{error}");
        }
    }
}
