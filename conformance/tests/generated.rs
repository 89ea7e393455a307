//! Generated cases: the same seed gives the same ones, each is a case that could have been written, and most can fail.

use std::collections::BTreeSet;

use rollcall_conformance::case::Case;
use rollcall_conformance::expectation::Expectation;
use rollcall_conformance::generated::{Generator, number_of};
use rollcall_conformance::suite::{Suite, built_in_files};
use rollcall_conformance::world::World;

const COUNT: usize = 200;

fn suite() -> Suite {
    Suite::load(&built_in_files()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn cases(seed: u64, world: &World) -> Vec<Case> {
    Generator::new(seed, world).cases(COUNT).unwrap_or_else(|problem| panic!("{problem}"))
}

#[test]
fn the_same_seed_gives_the_same_cases_and_another_one_others() {
    let world = suite().documented_world.unwrap_or_else(|| panic!("it is built in"));
    let text = |seed: u64, number: usize| {
        let generator = Generator::new(seed, &world);
        generator.case_file(number, &generator.draw(number).current()).1
    };
    let files = |seed: u64| {
        (0..40).map(|number| text(seed, number).replacen(&format!("seed {seed}"), "", 1)).collect::<Vec<_>>()
    };
    assert_eq!(files(1), files(1));
    assert_ne!(files(1), files(2));
}

#[test]
fn every_case_can_be_read_and_cites_rows_that_exist() {
    let suite = suite();
    for (seed, world) in worlds(&suite).into_iter().enumerate() {
        let mut ids = BTreeSet::new();
        for case in cases(seed as u64, &world) {
            for row in &case.requirements {
                assert!(suite.requirement(row).is_some(), "{} cites {row}", case.id);
            }
            assert!(ids.insert(case.id.clone()), "two cases are called {}", case.id);
            let unsupported = case.roles.iter().find(|role| world.role(role).is_none());
            assert!(number_of(&case.id).is_none() || unsupported.is_none(), "{} needs {unsupported:?}", case.id);
        }
    }
}

/// The documented world, and worlds that lack some of it.
fn worlds(suite: &Suite) -> Vec<World> {
    let full = suite.documented_world.clone().unwrap_or_else(|| panic!("it is built in"));
    let poor = "[suite]\ntoken = 't'\ndatabase = 1";
    let small = "[suite]\ntoken = 't'\ndatabase = 1\nresource = 1\n[suite.fields]\nstring = 'word'";
    let read = |text: &str| World::read(text).unwrap_or_else(|problem| panic!("{problem}"));
    vec![full, read(poor), read(small)]
}

#[test]
fn most_steps_can_fail() {
    let world = suite().documented_world.unwrap_or_else(|| panic!("it is built in"));
    let cases = cases(3, &world);
    let expectations = cases.iter().filter(|case| number_of(&case.id).is_some()).flat_map(|case| &case.steps);
    let (mut all, mut free) = (0, 0);
    for step in expectations {
        all += 1;
        free += usize::from(step.expect == [Expectation::Readable]);
    }
    println!("{free} of {all} steps are free");
    assert!(free * 3 < all, "{free} of {all} steps are free");
}
