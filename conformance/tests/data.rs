//! The suite's own data: everything loads, every row has a case or a reason, nothing cites what is not there.

use std::collections::BTreeSet;

use rollcall_conformance::requirement::Level;
use rollcall_conformance::suite::{Suite, built_in_files};

fn suite() -> Suite {
    Suite::load(&built_in_files()).unwrap_or_else(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

#[test]
fn every_file_loads_and_cites_only_rows_that_exist() {
    suite();
}

#[test]
fn every_row_has_a_case_or_a_reason() {
    assert_eq!(suite().coverage_gaps(), Vec::<String>::new());
}

#[test]
fn the_first_cut_is_as_broad_as_promised() {
    let suite = suite();
    assert!(suite.requirements.len() >= 90, "{} rows", suite.requirements.len());
    assert!(suite.cases.len() >= 150, "{} cases", suite.cases.len());
    assert!(!suite.errata.is_empty(), "no errata");
}

#[test]
fn titles_are_unique() {
    let suite = suite();
    let mut titles = BTreeSet::new();
    for case in &suite.cases {
        assert!(titles.insert(&case.title), "two cases are titled `{}`", case.title);
    }
}

#[test]
fn every_must_row_with_a_case_is_blamed_by_one() {
    let suite = suite();
    let blamed: BTreeSet<_> = suite.cases.iter().map(|case| &case.requirements[0]).collect();
    let unblamed: Vec<_> = suite
        .requirements
        .iter()
        .filter(|row| row.level == Level::Must && row.untested.is_none() && !blamed.contains(&row.id))
        .map(|row| &row.id)
        .collect();
    assert!(unblamed.is_empty(), "no failure can name these rows, since no case has them first: {unblamed:?}");
}
