//! Do generated cases find what they are made for? Faulty servers that only the model knows to be wrong: each is found,
//! made small, and shown by a script that was run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that unwraps fails where it should; helpers too")]

use rollcall_conformance::{
    filter::Filter,
    finds::{Examiner, Find},
    generated::Generator,
    judge::Judge,
    run,
    suite::Suite,
    target::Target,
};
use rollcall_faulty::matrix::trial;
use std::{process::Command, sync::LazyLock};
use tokio::runtime::Runtime;

const SEED: u64 = 1;
const GENERATED: usize = 150;

static SUITE: LazyLock<Suite> = LazyLock::new(|| trial::suite(GENERATED).expect("the suite's data is sound"));

/// What generated cases alone find on a server that listens there.
fn finds(url: &str) -> Vec<Find> {
    let target = Target::new(url).unwrap();
    let world = SUITE.documented_world.as_ref().unwrap();
    let judge = Judge::new(world, 17);
    let plan = run::plan(&SUITE, &Filter::new(Some("generated/*".to_owned())));
    let run = run::run(&plan, &judge, &target, 2, |_| {});
    let (generator, wire) = (Generator::new(SEED, world), target.client());
    Examiner { suite: &SUITE, generator: &generator, judge: &judge, wire: &wire }.examine(&run.verdicts)
}

#[track_caller]
fn assert_found(fault: &str, requirement: &str, most_steps: usize) {
    let runtime = Runtime::new().unwrap();
    let server = rollcall_faulty::named(fault).unwrap().server().unwrap();
    let (url, serving) = runtime.block_on(rollcall_faulty::listen(server)).unwrap();
    let serving = runtime.spawn(serving);
    let finds = finds(&url);
    let shown: Vec<_> = finds.iter().map(|find| (&find.case.requirements[0], find.case.steps.len())).collect();
    println!("{fault}: {shown:?}");
    let find = finds.iter().find(|find| find.case.requirements[0] == requirement);
    let find = find.unwrap_or_else(|| panic!("{fault} is not blamed on {requirement}: {shown:?}"));
    assert!(find.case.steps.len() <= most_steps, "{fault}: {}", find.text);
    if Command::new("curl").arg("--version").output().is_ok() {
        assert!(find.script.is_ok(), "{fault}: {:?}\n{}", find.script, find.text);
    } else {
        eprintln!("NOT RUN: no curl is installed, so that no script was proved");
    }
    serving.abort();
}

#[test]
fn a_search_in_a_place_too_many_is_found_and_made_small() {
    assert_found("mode-email-sub-with-profile-email", "MATCH-EMAIL-SUB", 2);
}

#[test]
fn a_key_that_is_half_ignored_is_found_and_made_small() {
    assert_found("push-provider-ignored", "MATCH-PUSH-SUB", 2);
}

#[test]
fn an_update_that_is_forgotten_is_found_and_made_small() {
    assert_found("updates-not-kept", "MATCH-PHONE-BOTH", 3);
}

#[test]
fn a_third_profile_for_two_that_match_is_found_and_made_small() {
    assert_found("several-is-nobody", "MATCH-SEVERAL", 3);
}

#[test]
fn nothing_is_found_on_a_server_without_a_fault() {
    let runtime = Runtime::new().unwrap();
    let (url, serving) = runtime.block_on(rollcall_faulty::listen(rollcall_faulty::unbroken().unwrap())).unwrap();
    let serving = runtime.spawn(serving);
    assert!(finds(&url).is_empty());
    serving.abort();
}
