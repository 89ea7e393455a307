//! Does the judge notice? Every fault must fail the very requirement it breaks, and the server without a fault must fail
//! nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that unwraps fails where it should; helpers too")]

use rollcall_conformance::{
    filter::Filter,
    judge::{Judge, Outcome, Verdict},
    report::{Asked, Conclusion, Report, RowResult},
    requirement::Level,
    run,
    suite::{Suite, built_in_files},
    target::Target,
};
use rollcall_faulty::Fault;
use rollcall_server::call::Answer;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::runtime::Runtime;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

static SUITE: LazyLock<Suite> = LazyLock::new(|| Suite::load(&built_in_files()).expect("the suite's data is sound"));

/// Servers judged at once, and cases of each: enough to keep a small machine busy while somebody waits.
const LANES: usize = 3;
const JOBS: usize = 2;

/// What the judge says of the server at this address, by the cases that the filter selects.
fn judged(url: &str, filter: &Filter) -> Report<'static> {
    let target = Target::new(url).unwrap();
    let world = SUITE.documented_world.as_ref().expect("the documented world is built in");
    let plan = run::plan(&SUITE, filter);
    let run = run::run(&plan, &Judge { world, seed: 1 }, &target, JOBS, |_| {});
    Report::new(&SUITE, &Asked { target: url, world: "documented", seed: 1, filter }, &plan, run)
}

fn judged_in(runtime: &Runtime, server: Arc<dyn Answer>, filter: &Filter) -> Report<'static> {
    let (url, serving) = runtime.block_on(rollcall_faulty::listen(server)).unwrap();
    let serving = runtime.spawn(serving);
    let report = judged(&url, filter);
    serving.abort();
    report
}

/// The failed cases, each once, in the order of the suite.
fn failed<'a>(report: &'a Report<'_>) -> Vec<&'a str> {
    let is_failed = |verdict: &&Verdict| verdict.outcome == Outcome::Fail;
    let mut failed: Vec<_> = report.verdicts.iter().filter(is_failed).map(|verdict| verdict.case.as_str()).collect();
    failed.dedup();
    failed
}

#[test]
fn every_fault_is_noticed_and_none_is_imagined() {
    let runtime = Runtime::new().unwrap();
    let honest = judged_in(&runtime, rollcall_faulty::unbroken().unwrap(), &Filter::default());
    assert_eq!(honest.conclusion, Conclusion::Conformant, "the unbroken server: {:?}", failed(&honest));
    assert_eq!(failed(&honest), [""; 0], "the unbroken server");
    let faults: Vec<&Fault> = rollcall_faulty::all().collect();
    let next = AtomicUsize::new(0);
    let survivors = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = judged_in(&runtime, fault.server().unwrap(), &telling_cases(fault));
                    if let Some(reason) = survival(fault, &report) {
                        survivors.lock().unwrap().push(format!("{}: {reason}", fault.name));
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap();
    assert!(survivors.is_empty(), "faults that survive:\n{}", survivors.join("\n"));
}

/// Faults that are told and change no verdict: what they break is no MUST, or the cases leave room on purpose.
const ONLY_TOLD: &[&str] = &[
    "custom-sub-unknown",
    "indentation-refused",
    "phones-appended",
    "priority-set-once",
    "priority-zero-is-none",
    "sex-dropped",
    "status-reset-on-reimport",
    "subscriptions-kept-twice",
    "subscriptions-replaced",
    "windows-line-breaks-refused",
];

/// The cases which can tell that the fault breaks its row: those that cite it. Where the verdict is not the row's alone
/// to decide, since it is no MUST or since its cases leave room, all cases.
fn telling_cases(fault: &Fault) -> Filter {
    let is_must = SUITE.requirement(fault.breaks).is_some_and(|row| row.level == Level::Must);
    let decides = is_must && !ONLY_TOLD.contains(&fault.name);
    Filter::new(decides.then(|| fault.breaks.to_owned()))
}

/// Why the fault was not noticed as what it is: the report must show the row that it breaks as failed.
fn survival(fault: &Fault, report: &Report<'_>) -> Option<String> {
    let is_only_told = ONLY_TOLD.contains(&fault.name);
    let expected = if is_only_told { Conclusion::Conformant } else { Conclusion::Nonconformant };
    let row = report.requirements.iter().find(|row| row.id == fault.breaks);
    match row.map(|row| row.outcome) {
        None => Some(format!("there is no requirement {}", fault.breaks)),
        Some(RowResult::Fail) if report.conclusion == expected => None,
        Some(RowResult::Fail) => {
            Some(format!("the verdict is {}; failed: {}", report.conclusion.word(), blamed(report)))
        }
        Some(outcome) => Some(format!("{} is {outcome:?}; failed: {}", fault.breaks, blamed(report))),
    }
}

/// The failed cases, each with the row that it blames.
fn blamed(report: &Report<'_>) -> String {
    let row = |id: &str| SUITE.case(id).map_or("", |case| &case.requirements[0]);
    failed(report).into_iter().map(|id| format!("{id} ({})", row(id))).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_program_lists_every_fault_and_serves_one() {
    let program = || Command::new(env!("CARGO_BIN_EXE_rollcall-faulty"));
    let list = String::from_utf8(program().arg("--list").output().unwrap().stdout).unwrap();
    assert_eq!(list.lines().count(), rollcall_faulty::all().len());
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
        tokio::task::spawn_blocking(move || judged(&url, &Filter::default())).await.unwrap()
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
