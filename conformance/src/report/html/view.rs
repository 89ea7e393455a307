//! What the page shows: rows, cases and verdicts of all implementations side by side.
//!
//! The script gets it as data, the parts that stand in the page are made from it too.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::results::{Exchange, Excuse, Failure, Results, Row};
use super::sections::{self, Section};
use crate::Format;
use crate::report::mark::{Mark, Tally};
use crate::requirement::Level;

/// Everything on the page.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    pub(super) implementations: Vec<Implementation<'a>>,
    #[serde(skip)]
    pub(super) chapters: Vec<Chapter<'a>>,
    cases: Vec<Case<'a>>,
    /// The marks of verdicts and of rows, in the order in which they are offered.
    marks: Vec<&'static str>,
    /// By id.
    rows: BTreeMap<&'a str, RowData<'a>>,
}

/// A target and its results.
#[derive(Debug, Serialize)]
pub(super) struct Implementation<'a> {
    pub(super) name: String,
    #[serde(skip)]
    pub(super) results: &'a Results<'a>,
    #[serde(skip)]
    pub(super) tally: Tally,
}

/// Rows under one title.
#[derive(Debug)]
pub(super) struct Chapter<'a> {
    pub(super) title: &'a str,
    pub(super) place: &'a str,
    pub(super) rows: Vec<Line<'a>>,
}

/// A row and its mark for each implementation.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) row: &'a Row<'a>,
    pub(super) marks: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct RowData<'a> {
    level: Level,
    says: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    untested: Option<&'a str>,
    cases: &'a [&'a str],
}

#[derive(Debug, Serialize)]
struct Case<'a> {
    id: &'a str,
    title: &'a str,
    file: &'a str,
    rows: &'a [&'a str],
    verdicts: Vec<VerdictData<'a>>,
}

#[derive(Debug, Serialize)]
struct VerdictData<'a> {
    /// Position of the implementation.
    by: usize,
    format: Format,
    level: Level,
    mark: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excuse: Option<&'a Excuse<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    observed: &'a BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    curl: &'a [&'a str],
    exchanges: &'a [Exchange<'a>],
}

/// Marks that only rows have, after those of verdicts.
const ROW_MARKS: [&str; 3] = ["unproven", "not-run", "untested"];

impl<'a> View<'a> {
    pub(super) fn new(results: &'a [Results<'a>], sections: &'a [Section]) -> Self {
        let lines = lines(results);
        Self {
            implementations: implementations(results),
            rows: lines.iter().map(|line| (line.row.id, row_data(line.row))).collect(),
            chapters: chapters(lines, sections),
            cases: cases(results),
            marks: Mark::ALL.map(Mark::word).into_iter().chain(ROW_MARKS).collect(),
        }
    }
}

/// Targets by their address; one that was judged twice gets a number.
fn implementations<'a>(results: &'a [Results<'a>]) -> Vec<Implementation<'a>> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let one = |results: &'a Results<'a>| {
        let address = results.target.split_once("://").map_or(results.target, |(_, address)| address);
        let times = seen.entry(address).or_default();
        *times += 1;
        let name = if *times == 1 { address.to_owned() } else { format!("{address} ({times})") };
        let tally = results.cases.iter().map(|case| (case.level, case.mark())).collect();
        Implementation { name, results, tally }
    };
    results.iter().map(one).collect()
}

/// Every row that any of the results has, in the order of the first that has it.
fn lines<'a>(results: &'a [Results<'a>]) -> Vec<Line<'a>> {
    let by_id: Vec<BTreeMap<&str, &Row<'_>>> =
        results.iter().map(|results| results.requirements.iter().map(|row| (row.id, row)).collect()).collect();
    let known: Vec<BTreeSet<&str>> = results.iter().map(only_known).collect();
    let mark = |id: &str, at: usize| by_id[at].get(id).map_or("not-run", |row| row_mark(row, known[at].contains(id)));
    let mut seen = BTreeSet::new();
    let rows = results.iter().flat_map(|results| &results.requirements).filter(|row| seen.insert(row.id));
    rows.map(|row| Line { row, marks: (0..results.len()).map(|at| mark(row.id, at)).collect() }).collect()
}

/// Ids of rows that failed only as announced.
fn only_known<'a>(results: &Results<'a>) -> BTreeSet<&'a str> {
    let blamed = |is_known: bool| {
        let broken =
            results.cases.iter().filter(move |case| case.failure.is_some() && case.excuse.is_some() == is_known);
        broken.filter_map(|case| case.requirements.first().copied()).collect::<BTreeSet<_>>()
    };
    &blamed(true) - &blamed(false)
}

fn row_mark<'a>(row: &'a Row<'a>, is_known: bool) -> &'a str {
    match row.outcome {
        "fail" | "setup-failed" if is_known => Mark::Known.word(),
        "fail" | "setup-failed" if row.level != Level::Must => Mark::Warning.word(),
        outcome => outcome,
    }
}

fn row_data<'a>(row: &'a Row<'a>) -> RowData<'a> {
    RowData { level: row.level, says: row.says, source: row.source, untested: row.untested, cases: &row.cases }
}

/// Rows of a source that no section knows come last.
fn chapters<'a>(lines: Vec<Line<'a>>, sections: &'a [Section]) -> Vec<Chapter<'a>> {
    let mut chapters: Vec<Chapter<'a>> = sections
        .iter()
        .map(|section| Chapter { title: &section.title, place: &section.place, rows: Vec::new() })
        .collect();
    chapters.push(Chapter { title: "Elsewhere", place: "", rows: Vec::new() });
    let last = sections.len();
    for line in lines {
        let at = sections::position(sections, line.row.source).unwrap_or(last);
        chapters[at].rows.push(line);
    }
    chapters.retain(|chapter| !chapter.rows.is_empty());
    chapters
}

/// Every case that any of the results has, with the verdicts of all.
fn cases<'a>(results: &'a [Results<'a>]) -> Vec<Case<'a>> {
    let mut cases: Vec<Case<'a>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (by, case) in
        results.iter().enumerate().flat_map(|(by, results)| results.cases.iter().map(move |case| (by, case)))
    {
        let place = *places.entry(case.id).or_insert_with(|| {
            let (id, title, file, rows) = (case.id, case.title, case.file, case.requirements.as_slice());
            cases.push(Case { id, title, file, rows, verdicts: Vec::new() });
            cases.len() - 1
        });
        cases[place].verdicts.push(VerdictData {
            by,
            format: case.format,
            level: case.level,
            mark: case.mark().word(),
            message: case.message,
            failure: case.failure.as_ref(),
            excuse: case.excuse.as_ref(),
            observed: &case.observed,
            curl: &case.curl,
            exchanges: &case.exchanges,
        });
    }
    cases
}
