//! Does the judge leave room? Every personality does what it may, so that no MUST may be held against it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that unwraps fails where it should; helpers too")]

use rollcall_conformance::{
    filter::Filter,
    judge::{Outcome, Verdict},
    report::{Conclusion, Report},
    requirement::Level,
    suite::Suite,
};
use rollcall_faulty::matrix::trial;
use rollcall_faulty::personality::{PERSONALITIES, Personality};
use std::sync::{
    LazyLock, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use tokio::runtime::Runtime;

/// Cases that the model makes up are as bound to leave room as those written by hand.
const GENERATED: usize = 20;

static SUITE: LazyLock<Suite> = LazyLock::new(|| trial::suite(GENERATED).expect("the suite's data is sound"));

/// Servers judged at once; some are slow and leave the machine to others.
const LANES: usize = 8;

#[test]
fn no_must_is_held_against_a_server_with_habits_of_its_own() {
    let runtime = Runtime::new().unwrap();
    let next = AtomicUsize::new(0);
    let wronged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(personality) = PERSONALITIES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    wronged.lock().unwrap().extend(wrong_done_to(personality, &judged_in(&runtime, personality)));
                }
            });
        }
    });
    let wronged = wronged.into_inner().unwrap();
    assert!(wronged.is_empty(), "held against servers that may be as they are:\n{}", wronged.join("\n"));
}

fn judged_in(runtime: &Runtime, personality: &Personality) -> Report<'static> {
    let (url, serving) = runtime.block_on(personality.listen()).unwrap();
    let serving = runtime.spawn(serving);
    let report = trial::judge(&SUITE, &url, &Filter::default()).unwrap();
    serving.abort();
    report
}

/// What fails though it may be so. What a SHOULD asks for in vain is only told.
fn wrong_done_to(personality: &Personality, report: &Report<'_>) -> Option<String> {
    let broken = |must: bool| report.verdicts.iter().filter(move |verdict| is_broken(verdict, must)).map(told);
    let warnings: Vec<_> = broken(false).collect();
    println!("{}: {} warnings\n{}", personality.name, warnings.len(), warnings.join("\n"));
    let wrongs: Vec<_> = broken(true).collect();
    let is_content = report.conclusion == Conclusion::Conformant && wrongs.is_empty();
    let verdict = report.conclusion.word();
    (!is_content)
        .then(|| format!("{} ({}): {verdict}\n{}", personality.name, personality.rulings.join(", "), wrongs.join("\n")))
}

/// A case that could not be set up has said nothing, which is as bad as a failure.
fn is_broken(verdict: &Verdict, must: bool) -> bool {
    let is_broken = matches!(verdict.outcome, Outcome::Fail | Outcome::SetupFailed);
    is_broken && verdict.level > Level::Observe && (verdict.level == Level::Must) == must
}

fn told(verdict: &Verdict) -> String {
    let row = SUITE.case(&verdict.case).map_or("", |case| &case.requirements[0]);
    format!("  {} ({}), {row}: {}", verdict.case, verdict.format, verdict.message)
}

#[test]
fn each_personality_has_a_name_and_a_story_of_its_own_and_rulings_that_allow_it() {
    for (place, one) in PERSONALITIES.iter().enumerate() {
        assert!(one.name.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric()), "{}", one.name);
        assert!(!one.story.contains('\n') && one.story.ends_with('.'), "{}: {}", one.name, one.story);
        assert!(!one.rulings.is_empty(), "{}", one.name);
        assert!(rollcall_faulty::named(one.name).is_err(), "{} is a fault too", one.name);
        for other in &PERSONALITIES[place + 1..] {
            assert!(one.name != other.name && one.story != other.story, "{} and {}", one.name, other.name);
        }
    }
}

#[test]
fn an_unknown_name_is_no_personality() {
    let error = rollcall_faulty::personality::named("nobody").err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("no personality is called \"nobody\""));
}
