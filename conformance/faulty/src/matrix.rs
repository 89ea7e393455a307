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

/// So many other cases of its area may notice a fault that a case is kept for.
pub const FEW: usize = 3;

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
