//! Is the proof sound? A few faults of each kind, told by the cases that cite what they break; servers that are plainly
//! wrong; and the program. The full proof, every fault on the whole suite, is `cargo xtask mutants`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that unwraps fails where it should; helpers too")]

use rollcall_conformance::{
    filter::Filter,
    judge::{Outcome, Verdict},
    report::{Conclusion, Report, RowResult},
    requirement::Level,
    suite::Suite,
    target::Target,
};
use rollcall_faulty::{matrix::trial, personality::PERSONALITIES};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::LazyLock,
};
use tokio::runtime::Runtime;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

static SUITE: LazyLock<Suite> = LazyLock::new(|| trial::suite(0).expect("the suite's data is sound"));

/// The failed cases, each once, in the order of the suite.
fn failed<'a>(report: &'a Report<'_>) -> Vec<&'a str> {
    let is_failed = |verdict: &&Verdict| verdict.outcome == Outcome::Fail;
    let mut failed: Vec<_> = report.verdicts.iter().filter(is_failed).map(|verdict| verdict.case.as_str()).collect();
    failed.dedup();
    failed
}

/// The cases which cite the row that the fault breaks must notice it.
#[track_caller]
fn assert_killed(name: &str) {
    let fault = rollcall_faulty::named(name).unwrap();
    let filter = Filter::new(Some(fault.breaks.to_owned()));
    let report = trial::judge_server(&Runtime::new().unwrap(), &SUITE, fault.server().unwrap(), &filter).unwrap();
    let row = report.requirements.iter().find(|row| row.id == fault.breaks).unwrap();
    assert_eq!((row.outcome, report.conclusion), (RowResult::Fail, Conclusion::Nonconformant), "{name}");
}

#[test]
fn a_fault_at_each_seam_is_noticed() {
    assert_killed("token-without-right-let-in"); // the configuration
    assert_killed("mode-email-without-profile-email"); // the table of modes
    assert_killed("unknown-database-is-the-first"); // the request's bytes
    assert_killed("parameter-skip-triggers-refused"); // what is refused
    assert_killed("json-success-error-text-missing"); // the reply
    assert_killed("skips-the-good-ones-too"); // the call
    assert_killed("channel-sms-forgotten"); // the decoded request
    assert_killed("id-of-the-answer-not-of-the-profile"); // how imports are taken
    assert_killed("email-subscription-several-is-nobody"); // look-ups
    assert_killed("first-value-wins"); // writes
    assert_killed("database-ignored-in-search"); // both together
}

#[test]
fn the_server_without_a_fault_fails_nothing() {
    let server = rollcall_faulty::unbroken().unwrap();
    let report = trial::judge_server(&Runtime::new().unwrap(), &SUITE, server, &Filter::default()).unwrap();
    assert_eq!((report.conclusion, failed(&report)), (Conclusion::Conformant, Vec::new()));
}

#[test]
fn every_fault_breaks_a_requirement_that_there_is() {
    for fault in rollcall_faulty::all() {
        assert!(SUITE.requirement(fault.breaks).is_some(), "{}: there is no {}", fault.name, fault.breaks);
    }
}

#[test]
fn the_program_lists_every_fault_and_personality_and_serves_one() {
    let program = || Command::new(env!("CARGO_BIN_EXE_rollcall-faulty"));
    let list = String::from_utf8(program().arg("--list").output().unwrap().stdout).unwrap();
    assert_eq!(list.lines().count(), rollcall_faulty::all().len() + PERSONALITIES.len());
    let mut child = program().arg("finds-nobody").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let answered = line.trim().strip_prefix("listening on ").map(|url| Target::new(url).unwrap().probe());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(answered, Some(Ok(())), "the first line is {line:?}");
}

/// Somebody else's server, which says the same to everything.
struct Constant(&'static str);

impl Respond for Constant {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_raw(self.0, "application/json")
    }
}

#[track_caller]
fn assert_breaks_many_musts(answer: &'static str) {
    let runtime = Runtime::new().unwrap();
    let report = runtime.block_on(async {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(Constant(answer)).mount(&server).await;
        let url = server.uri();
        tokio::task::spawn_blocking(move || trial::judge(&SUITE, &url, &Filter::default())).await.unwrap().unwrap()
    });
    let is_must = |case: &&&str| SUITE.case(case).is_some_and(|case| SUITE.level(case) == Level::Must);
    let failed = failed(&report).iter().filter(is_must).count();
    println!("{answer}: {failed} cases of level must failed");
    assert_eq!(report.conclusion, Conclusion::Nonconformant);
    assert!(failed >= 30, "only {failed} cases of level must failed");
}

#[test]
fn a_server_that_accepts_everything_breaks_many_musts() {
    assert_breaks_many_musts(
        r#"{"error":0,"error_text":"Successful operation","profile_id":"54759eb3c090d83494e2d804"}"#,
    );
}

#[test]
fn a_server_that_refuses_everything_breaks_many_musts() {
    assert_breaks_many_musts(r#"{"error":400,"error_text":"Incorrect request"}"#);
}
