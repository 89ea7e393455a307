//! The kill matrix: which case notices which fault, and whether the suite is sharp enough.
//!
//! What is wanted is said here once ([`Matrix::problems`]); how the servers are tried is in [`trial`], how the matrix is
//! shown in [`page`].

pub mod page;
pub mod trial;

use crate::Fault;
use rollcall_conformance::{
    case::Case,
    judge::{Outcome, Verdict},
    report::{Conclusion, Report, RowResult},
    requirement::{Level, Requirement},
    suite::Suite,
};
use std::collections::{BTreeMap, BTreeSet};

/// So many other cases of its area may notice a fault that a case is kept for. Measured: nine in ten cases are needed by
/// this. With fewer, cases of one mode or channel count as idle because they lean on each other to set up what they test;
/// with more, twins of a case pass.
pub const FEW: usize = 5;

/// So many faults must break a row that a case tests.
const FAULTS_WANTED: [(Level, usize); 3] = [(Level::Must, 2), (Level::Should, 1), (Level::May, 1)];

/// What the suite said of one server.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Its verdict.
    pub conclusion: Conclusion,
    /// The requirement rows that it reported as failed.
    pub rows: BTreeSet<String>,
    /// The cases that failed in any format, in the order of the suite.
    pub cases: Vec<String>,
}

impl Heard {
    /// What the report says.
    pub fn of(report: &Report<'_>) -> Self {
        let is_failed = |verdict: &&Verdict| verdict.outcome == Outcome::Fail;
        let mut cases: Vec<_> = report.verdicts.iter().filter(is_failed).map(|verdict| verdict.case.clone()).collect();
        cases.dedup();
        let rows = report.requirements.iter().filter(|row| row.outcome == RowResult::Fail);
        Self { conclusion: report.conclusion, rows: rows.map(|row| row.id.to_owned()).collect(), cases }
    }
}

/// What became of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The server is nonconformant, and the row that the fault breaks is reported as failed.
    Killed,
    /// The row is reported as failed, as a warning: it is no MUST, or its cases leave room on purpose.
    Told,
    /// Neither: the suite has a hole.
    Survived,
}

impl Fate {
    /// The word used in the matrix.
    pub fn word(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Told => "told",
            Self::Survived => "survived",
        }
    }
}

/// A fault and what the suite said of the server that has it.
pub struct Tried<'a> {
    /// The fault.
    pub fault: &'a Fault,
    /// What was said.
    pub heard: Heard,
}

/// Every fault tried on the whole suite.
pub struct Matrix<'a> {
    /// What they were tried on.
    pub suite: &'a Suite,
    /// What was said of the server without a fault.
    pub honest: Heard,
    /// The faults, in the order of their tables.
    pub tried: Vec<Tried<'a>>,
}

/// What a hand-written case is good for.
pub struct Worth<'a> {
    /// The case.
    pub case: &'a Case,
    /// How many faults it notices.
    pub kills: usize,
    /// The fault that the fewest other cases of its area notice, and how many do.
    pub rarest: Option<(&'a Fault, usize)>,
}

impl Worth<'_> {
    /// Whether a fault might pass unnoticed if the case were not there.
    pub fn is_needed(&self) -> bool {
        self.rarest.is_some_and(|(_, others)| others <= FEW)
    }
}

impl<'a> Matrix<'a> {
    /// What became of the fault.
    pub fn fate(&self, tried: &Tried<'_>) -> Fate {
        let Tried { fault, heard } = tried;
        let is_must = self.suite.requirement(fault.breaks).is_none_or(|row| row.level == Level::Must);
        match heard.conclusion {
            _ if !heard.rows.contains(fault.breaks) => Fate::Survived,
            Conclusion::Nonconformant => Fate::Killed,
            Conclusion::Conformant if !is_must || fault.room.is_some() => Fate::Told,
            _ => Fate::Survived,
        }
    }

    /// How many faults had this fate.
    pub fn count(&self, fate: Fate) -> usize {
        self.tried.iter().filter(|tried| self.fate(tried) == fate).count()
    }

    /// What each hand-written case that can fail is good for.
    pub fn worths(&self) -> Vec<Worth<'a>> {
        let mut by_case: BTreeMap<&str, Vec<(&'a Fault, usize)>> = BTreeMap::new();
        for tried in &self.tried {
            let mut of_area: BTreeMap<&str, usize> = BTreeMap::new();
            let hand_written = || tried.heard.cases.iter().filter_map(|id| self.hand_written(id));
            hand_written().for_each(|case| *of_area.entry(case.area()).or_default() += 1);
            for case in hand_written() {
                by_case.entry(&case.id).or_default().push((tried.fault, of_area[case.area()] - 1));
            }
        }
        let can_fail = self.suite.cases.iter().filter(|case| self.suite.level(case) > Level::Observe);
        let worth = |case: &'a Case| {
            let kills = by_case.get(case.id.as_str()).map_or(&[][..], Vec::as_slice);
            Worth { case, kills: kills.len(), rarest: kills.iter().min_by_key(|(_, others)| *others).copied() }
        };
        can_fail.map(worth).collect()
    }

    /// The rows that a case can fail, each with the number of faults that break it.
    pub fn broken_rows(&self) -> Vec<(&'a Requirement, usize)> {
        let rows = self.suite.requirements.iter().filter(|row| row.level > Level::Observe && row.untested.is_none());
        rows.map(|row| (row, self.tried.iter().filter(|tried| tried.fault.breaks == row.id).count())).collect()
    }

    /// What is not as it must be, a line each; empty when the suite is sharp enough.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.honest.conclusion != Conclusion::Conformant || !self.honest.cases.is_empty() {
            problems.push(format!("the server without a fault fails {}", listed(&self.honest.cases)));
        }
        problems.extend(self.tried.iter().filter_map(|tried| self.problem_of_fault(tried)));
        problems.extend(self.worths().iter().filter_map(problem_of_case));
        problems.extend(self.broken_rows().iter().filter_map(|(row, faults)| problem_of_row(row, *faults)));
        problems
    }

    fn problem_of_fault(&self, tried: &Tried<'_>) -> Option<String> {
        let Tried { fault: Fault { name, breaks, room, .. }, heard } = tried;
        let Some(row) = self.suite.requirement(breaks) else {
            return Some(format!("fault {name}: there is no requirement {breaks}"));
        };
        match (self.fate(tried), room) {
            (Fate::Survived, _) => Some(format!(
                "fault {name} survives: {breaks} must be reported as failed by a server that is {}; failed: {}. Write \
                 the case that is missing",
                if row.level == Level::Must && room.is_none() { "nonconformant" } else { "conformant or not" },
                listed(&heard.cases)
            )),
            (Fate::Killed, Some(_)) => Some(format!("fault {name} is killed: take its reason for being told away")),
            (Fate::Told, Some(_)) if row.level < Level::Must => {
                Some(format!("fault {name}: {breaks} is no MUST, so that it needs no reason for being told"))
            }
            _ => None,
        }
    }

    fn hand_written(&self, id: &str) -> Option<&'a Case> {
        let place = self.suite.cases.binary_search_by(|case| case.id.as_str().cmp(id)).ok()?;
        self.suite.cases.get(place)
    }
}

fn problem_of_case(worth: &Worth<'_>) -> Option<String> {
    let id = &worth.case.id;
    match (worth.is_needed(), worth.case.documents.is_some()) {
        (false, false) => Some(format!(
            "case {id}: every fault it notices is noticed by more than {FEW} others of its area. Write the fault that \
             is missing, or say in the case what it `documents`"
        )),
        (true, true) => Some(format!("case {id}: `documents` is not needed, faults need the case")),
        _ => None,
    }
}

fn problem_of_row(row: &Requirement, faults: usize) -> Option<String> {
    let (_, wanted) = FAULTS_WANTED.into_iter().find(|(level, _)| *level == row.level)?;
    (faults < wanted).then(|| format!("row {} is broken by {faults} faults; {wanted} are wanted", row.id))
}

/// The first few, so that a line stays one.
fn listed(ids: &[String]) -> String {
    const SHOWN: usize = 8;
    match ids.len() {
        0 => "nothing".to_owned(),
        count if count > SHOWN => format!("{} and {} more", ids[..SHOWN].join(", "), count - SHOWN),
        _ => ids.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows and four cases of one area; the fault `finds-nobody` breaks the first row.
    fn suite(level: &str, documents: &str) -> Suite {
        let breaks = fault().breaks;
        let row = |id: &str, level: &str| {
            format!("[{id}]\nlevel='{level}'\nsays='It works.'\nsource='page:1'\nconfidence='documented'\n")
        };
        let case = |row: &str, more: &str| {
            format!("title='t'\nrequirements=['{row}']\n{more}\n[[steps]]\nimport='{{\"data\":{{}}}}'\nexpect='new'")
        };
        let files = [
            ("spec/requirements/a.toml", row(breaks, level) + &row("B-1", "may")),
            ("cases/x/a.toml", case(breaks, documents)),
            ("cases/x/b.toml", case("B-1", "")),
            ("worlds/documented.toml", "[suite]\ntoken='t'\ndatabase=1".to_owned()),
        ];
        Suite::load(&files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into()).unwrap()
    }

    fn fault() -> &'static Fault {
        crate::named("finds-nobody").unwrap()
    }

    fn heard(conclusion: Conclusion, rows: &[&str], cases: &[&str]) -> Heard {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Heard { conclusion, rows: texts(rows).into_iter().collect(), cases: texts(cases) }
    }

    fn matrix<'a>(suite: &'a Suite, heard_of_fault: Heard) -> Matrix<'a> {
        let honest = heard(Conclusion::Conformant, &[], &[]);
        Matrix { suite, honest, tried: vec![Tried { fault: fault(), heard: heard_of_fault }] }
    }

    #[track_caller]
    fn assert_fate(level: &str, conclusion: Conclusion, rows: &[&str], expected: Fate) {
        let suite = suite(level, "");
        let matrix = matrix(&suite, heard(conclusion, rows, &["x/a"]));
        assert_eq!(matrix.fate(&matrix.tried[0]), expected);
        let is_told = matrix.problems().iter().any(|problem| problem.contains("survives"));
        assert_eq!(is_told, expected == Fate::Survived);
    }

    #[test]
    fn a_fault_is_killed_only_where_the_row_that_it_breaks_is_blamed() {
        let row = fault().breaks;
        assert_fate("must", Conclusion::Nonconformant, &[row], Fate::Killed);
        assert_fate("must", Conclusion::Nonconformant, &["B-1"], Fate::Survived);
        assert_fate("must", Conclusion::Conformant, &[row], Fate::Survived);
        assert_fate("should", Conclusion::Conformant, &[row], Fate::Told);
        assert_fate("should", Conclusion::Conformant, &[], Fate::Survived);
        assert_fate("must", Conclusion::Inconclusive, &[row], Fate::Survived);
    }

    #[test]
    fn a_case_that_no_fault_needs_must_say_what_it_documents() {
        let row = fault().breaks;
        let problems = |documents: &str, cases: &[&str]| {
            let suite = suite("must", documents);
            let problems = matrix(&suite, heard(Conclusion::Nonconformant, &[row], cases)).problems();
            problems.into_iter().filter(|problem| problem.starts_with("case x/a")).collect::<Vec<_>>()
        };
        assert_eq!(problems("", &["x/a"]), Vec::<String>::new());
        assert!(problems("", &["x/b"])[0].contains("say in the case what it `documents`"));
        assert_eq!(problems("documents='an example'", &["x/b"]), Vec::<String>::new());
        assert!(problems("documents='an example'", &["x/a"])[0].contains("is not needed"));
    }

    #[test]
    fn counts_the_other_cases_of_the_area_that_notice_the_same() {
        let suite = suite("must", "");
        let matrix = matrix(&suite, heard(Conclusion::Nonconformant, &[], &["x/a", "x/b", "generated/1"]));
        let others: Vec<_> = matrix.worths().iter().map(|worth| worth.rarest.map(|(_, others)| others)).collect();
        assert_eq!(others, [Some(1), Some(1)]);
    }

    #[test]
    fn a_must_wants_two_faults_and_a_server_without_one_fails_nothing() {
        let suite = suite("must", "");
        let mut matrix = matrix(&suite, heard(Conclusion::Nonconformant, &[fault().breaks], &["x/a", "x/b"]));
        matrix.honest = heard(Conclusion::Nonconformant, &[], &["x/a"]);
        let problems = matrix.problems();
        assert!(problems[0].contains("without a fault fails x/a"), "{problems:?}");
        assert!(problems.iter().any(|problem| problem.contains("broken by 1 faults; 2 are wanted")), "{problems:?}");
    }

    #[test]
    fn the_page_tells_what_notices_a_fault() {
        let suite = suite("must", "");
        let matrix =
            matrix(&suite, heard(Conclusion::Nonconformant, &[fault().breaks], &["x/a", "x/b", "generated/1"]));
        let page = page::render(&matrix);
        let line =
            format!("| `finds-nobody` | {} | {} | killed | yes | `x/a` | 2 | 1 |", fault().story, fault().breaks);
        assert!(page.lines().any(|found| found == line), "{page}");
    }
}
