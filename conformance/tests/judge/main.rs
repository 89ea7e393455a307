//! The judge against small servers: one that is honest, and many that are wrong in one way.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should; helpers too")]

mod announced;
mod capabilities;
mod others;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::Mutex;

use rollcall_conformance::filter::Filter;
use rollcall_conformance::fingerprint::Expected;
use rollcall_conformance::judge::{Judge, Outcome};
use rollcall_conformance::known::Known;
use rollcall_conformance::read_only;
use rollcall_conformance::report::{Answers, Asked, Conclusion, Report, RowResult, json, junit, screen};
use rollcall_conformance::run;
use rollcall_conformance::suite::{Files, Suite};
use rollcall_conformance::target::Target;
use rollcall_conformance::value::Value;
use rollcall_conformance::world::World;
use rollcall_conformance::xml;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const TOKEN: &str = "t0ken\"<&secret";
const FOREIGN: &str = "f0reign-secret";

const ROWS: &str = "
[CREATE]
level = 'must'
says = 'An import of somebody unknown makes a profile.'
source = 'page:1'
confidence = 'documented'
[FIND]
level = 'must'
says = 'Mode `email` finds the profile.'
source = 'page:2'
confidence = 'documented'
[REFUSE]
level = 'must'
says = 'A wrong token is refused.'
source = 'page:3'
confidence = 'documented'
[TEXT]
level = 'should'
says = 'A refusal says why.'
source = 'page:4'
confidence = 'documented'
[UNKNOWN]
level = 'observe'
says = 'Whether an unknown field is ignored.'
source = 'ruling:D3'
confidence = 'unknown'
[SEGMENT]
level = 'must'
says = 'A profile is put into segments.'
source = 'page:5'
confidence = 'documented'
";

const CREATE: &str = r#"
title = 'Two people are two profiles'
requirements = ['CREATE']
[[steps]]
import = '{"email": "${email:a}", "data": {"email": "${email:a}"}}'
expect = 'new'
check = true
[[steps]]
import = '{"email": "${email:b}", "data": {"email": "${email:b}"}}'
expect = 'new'
"#;

const FIND: &str = r#"
title = 'The same e-mail is the same profile'
requirements = ['FIND', 'CREATE']
[[steps]]
import = '{"email": "${email:a}", "data": {"email": "${email:a}"}}'
expect = 'new'
save = 'ann'
[[steps]]
import = '{"email": "${email:a}", "data": {}}'
expect = 'same:ann'
answer = { error_text = 'present' }
"#;

const REFUSE: &str = r#"
title = 'A foreign token is refused'
requirements = ['REFUSE']
[[steps]]
import = '{"token": "${foreign_token}", "email": "${email:a}", "data": {}}'
expect = 'refused'
twin = '{"email": "${email:a}", "data": {}}'
"#;

const TEXT: &str = r#"
title = 'A refusal has a text'
requirements = ['TEXT']
[[steps]]
import = '{"token": "${foreign_token}", "email": "${email:a}", "data": {}}'
expect = 'refused'
answer = { error_text = 'nonempty' }
twin = '{"email": "${email:a}", "data": {}}'
"#;

const UNKNOWN: &str = r#"
title = 'An unknown field'
requirements = ['UNKNOWN']
[[steps]]
import = '{"email": "${email:a}", "data": {"no_such_field": 1}}'
observe = 'unknown-field'
answers = { refused = 'rejected with {error}', accepted = 'ignored' }
"#;

const SEGMENT: &str = r#"
title = 'A segment'
requirements = ['SEGMENT']
[[steps]]
import = '{"email": "${email:a}", "add_to_segments": [${segment:1}], "data": {}}'
expect = 'accepted'
"#;

const RACE: &str = r#"
title = 'Many at once make one profile'
requirements = ['CREATE']
[[steps]]
import = '{"email": "${email:a}", "data": {}}'
parallel = 8
expect = 'all-same'
save = 'ann'
check = true
[[steps]]
import = '{"email": "${email:a}", "data": {}}'
expect = 'same:ann'
"#;

const GET: &str = r#"
title = 'What is stored can be seen'
requirements = ['FIND']
[[steps]]
import = '{"email": "${email:a}", "data": {"email": "${email:a}"}}'
expect = 'new'
[[steps]]
get = '{"email": "${email:a}"}'
expect = 'accepted'
data = '{"email": "${email:a}"}'
"#;

fn suite() -> Suite {
    let files = [
        ("spec/requirements/all.toml", ROWS),
        ("cases/basic/create.toml", CREATE),
        ("cases/basic/find.toml", FIND),
        ("cases/basic/get.toml", GET),
        ("cases/basic/race.toml", RACE),
        ("cases/basic/segment.toml", SEGMENT),
        ("cases/refusals/text.toml", TEXT),
        ("cases/refusals/token.toml", REFUSE),
        ("cases/refusals/unknown.toml", UNKNOWN),
        ("worlds/documented.toml", "[suite]\ntoken = 't'\ndatabase = 1"),
    ];
    let files: Files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into();
    Suite::load(&files).unwrap()
}

fn world() -> World {
    World::read(&format!("[suite]\ntoken = '{TOKEN}'\nforeign_token = '{FOREIGN}'\ndatabase = 1")).unwrap()
}

/// What a run left behind.
struct Ran {
    conclusion: Conclusion,
    outcomes: BTreeMap<String, Outcome>,
    rows: BTreeMap<String, RowResult>,
    fingerprint: BTreeMap<String, Answers>,
    json: serde_json::Value,
    screen: String,
    junit: String,
}

/// What a run is made with, besides the small suite.
struct Setting {
    world: World,
    known: Known,
    fingerprint: Option<Expected>,
    read_only: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self { world: world(), known: Known::default(), fingerprint: None, read_only: false }
    }
}

impl Ran {
    fn on(target: &Target, setting: &Setting) -> Self {
        let (suite, filter) = (suite(), Filter::default());
        let asked = Asked { target: target.base(), world: "test", seed: 7, filter: &filter };
        let plan = run::plan(&suite, &filter);
        let judge = Judge::new(&setting.world, 7);
        let run = if setting.read_only {
            read_only::run(&plan, &judge, target, 2, |_| {})
        } else {
            run::run(&plan, &judge, target, 2, |_| {})
        };
        let mut report = Report::new(&suite, &asked, &plan, run);
        report.read_only = setting.read_only;
        report.hold_against(&setting.known, setting.fingerprint.as_ref(), &plan);
        let name = |verdict: &rollcall_conformance::judge::Verdict| format!("{} {}", verdict.case, verdict.format);
        Self {
            conclusion: report.conclusion,
            outcomes: report.verdicts.iter().map(|verdict| (name(verdict), verdict.outcome)).collect(),
            rows: report.requirements.iter().map(|row| (row.id.to_owned(), row.outcome)).collect(),
            fingerprint: report.fingerprint.clone(),
            json: serde_json::from_str(&json::render(&report).unwrap()).unwrap(),
            screen: anstream::adapter::strip_str(&screen::closing(&report, false)).to_string(),
            junit: junit::render(&report),
        }
    }
}

async fn judge(server: impl Respond + 'static) -> Ran {
    judge_with(server, Setting::default()).await
}

async fn judge_with(server: impl Respond + 'static, setting: Setting) -> Ran {
    let mock = serve(server).await;
    let target = Target::new(&mock.uri()).unwrap();
    tokio::task::spawn_blocking(move || Ran::on(&target, &setting)).await.unwrap()
}

async fn serve(server: impl Respond + 'static) -> MockServer {
    let mock = MockServer::start().await;
    Mock::given(any()).respond_with(server).mount(&mock).await;
    mock
}

/// A tiny honest server: knows people by e-mail, refuses foreign tokens and unknown fields.
#[derive(Default)]
struct Honest {
    people: Mutex<Vec<String>>,
}

impl Honest {
    fn answer(&self, request: &Request) -> (bool, i64, String, Option<String>) {
        let text = std::str::from_utf8(&request.body).unwrap();
        let is_xml = request.headers.get("content-type").unwrap() == "application/xml";
        let tree = if is_xml { xml::read(text).unwrap().content } else { Value::parse(text).unwrap() };
        if tree.get("token").and_then(Value::as_text) != Some(TOKEN) {
            return (is_xml, 403, "no access".to_owned(), None);
        }
        if tree.get("data").is_some_and(|data| data.get("no_such_field").is_some()) {
            return (is_xml, 400, "no such field".to_owned(), None);
        }
        let email = tree.get("email").and_then(Value::as_text).unwrap().to_owned();
        let mut people = self.people.lock().unwrap();
        let position = people.iter().position(|known| *known == email).unwrap_or_else(|| {
            people.push(email);
            people.len() - 1
        });
        (is_xml, 0, String::new(), Some(format!("id{position}")))
    }
}

impl Respond for Honest {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let (is_xml, error, text, id) = self.answer(request);
        if is_xml {
            let id = id.map(|id| format!("<profile_id>{id}</profile_id>")).unwrap_or_default();
            let body = format!("<xml><error>{error}</error><error_text>{text}</error_text>{id}</xml>");
            ResponseTemplate::new(200).set_body_raw(body, "application/xml")
        } else {
            let mut body = json!({ "error": error, "error_text": text });
            if let Some(id) = id {
                body["profile_id"] = json!(id);
            }
            ResponseTemplate::new(200).set_body_json(body)
        }
    }
}

/// Never finds anybody.
#[derive(Default)]
struct Forgetful(Mutex<u32>);

impl Respond for Forgetful {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut last = self.0.lock().unwrap();
        *last += 1;
        ResponseTemplate::new(200)
            .set_body_json(json!({ "error": 0, "error_text": "", "profile_id": last.to_string() }))
    }
}

/// The honest server with its answer's bytes spoilt.
struct Spoilt(Honest, fn(Vec<u8>) -> Vec<u8>);

impl Respond for Spoilt {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let (_, error, text, id) = self.0.answer(request);
        let body = serde_json::to_vec(&json!({ "error": error, "error_text": text, "profile_id": id })).unwrap();
        ResponseTemplate::new(200).set_body_raw(self.1(body), "application/json")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_server_is_conformant() {
    let ran = judge(Honest::default()).await;
    assert_eq!(ran.conclusion, Conclusion::Conformant, "{}", ran.screen);
    assert_eq!(ran.outcomes["basic/race xml"], Outcome::Pass);
    assert_eq!(ran.outcomes["refusals/unknown json"], Outcome::Observed);
    assert_eq!(ran.rows["FIND"], RowResult::Pass);
    assert_eq!(ran.fingerprint["unknown-field"], Answers::Same("rejected with 400".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_world_does_not_offer_is_unsupported_not_failed() {
    let ran = judge(Honest::default()).await;
    assert_eq!(ran.outcomes["basic/segment json"], Outcome::Unsupported);
    assert_eq!(ran.rows["SEGMENT"], RowResult::Unsupported);
    assert!(ran.screen.contains("the world file names no `segments[0]`"), "{}", ran.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_constant_success_is_nonconformant() {
    let body = json!({ "error": 0, "error_text": "", "profile_id": "1" });
    let ran = judge(ResponseTemplate::new(200).set_body_json(body)).await;
    assert_eq!(ran.conclusion, Conclusion::Nonconformant);
    assert_eq!((ran.rows["CREATE"], ran.rows["REFUSE"]), (RowResult::Fail, RowResult::Fail));
    assert!(ran.screen.contains("REFUSE: A wrong token is refused. (page:3)"), "{}", ran.screen);
    assert!(ran.screen.contains("--filter refusals/token"), "{}", ran.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_constant_refusal_is_nonconformant_by_the_twins() {
    let body = json!({ "error": 400, "error_text": "no" });
    let ran = judge(ResponseTemplate::new(400).set_body_json(body)).await;
    assert_eq!(ran.outcomes["refusals/token json"], Outcome::Fail);
    assert!(ran.screen.contains("step 1 of 1, its twin"), "{}", ran.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_prepares_and_fails_is_counted_apart() {
    let body = json!({ "error": 400, "error_text": "no" });
    let ran = judge(ResponseTemplate::new(400).set_body_json(body)).await;
    assert_eq!(ran.outcomes["basic/find json"], Outcome::SetupFailed);
    assert_eq!(ran.rows["FIND"], RowResult::SetupFailed);
    assert!(ran.screen.contains("SET-UP FAILED  basic/find [json]"), "{}", ran.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_should_is_a_warning() {
    struct Mute(Honest);
    impl Respond for Mute {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let (_, error, _, id) = self.0.answer(request);
            let mut body = json!({ "error": error, "error_text": "" });
            body["profile_id"] = json!(id);
            ResponseTemplate::new(200).set_body_json(body)
        }
    }
    let ran = judge(Mute(Honest::default())).await;
    assert_eq!(ran.outcomes["refusals/text json"], Outcome::Fail);
    assert_eq!(ran.conclusion, Conclusion::Conformant, "{}", ran.screen);
    assert!(ran.screen.contains("WARNING") && ran.screen.contains("2 warnings"), "{}", ran.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_utf8_fails() {
    let spoil = |mut body: Vec<u8>| {
        body.splice(1..1, *b"\"x\":\"\xff\",");
        body
    };
    let ran = judge(Spoilt(Honest::default(), spoil)).await;
    assert_eq!(ran.outcomes["basic/create json"], Outcome::Fail);
    assert!(ran.screen.contains("not UTF-8"), "{}", ran.screen);
    assert!(ran.json.to_string().contains("body_hex"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_string_for_error_fails() {
    let spoil = |body: Vec<u8>| String::from_utf8(body).unwrap().replace("\"error\":0", "\"error\":\"0\"").into_bytes();
    let ran = judge(Spoilt(Honest::default(), spoil)).await;
    assert_eq!(ran.outcomes["basic/create json"], Outcome::Fail);
    assert!(ran.screen.contains("`error` is a string"), "{}", ran.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_loses_people_in_a_race_fails() {
    let ran = judge(Forgetful::default()).await;
    assert_eq!(ran.outcomes["basic/race json"], Outcome::Fail);
    assert_eq!(ran.outcomes["basic/find json"], Outcome::Fail);
    assert_eq!(ran.outcomes["basic/create json"], Outcome::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_report_holds_a_token() {
    /// Says everything back, as a careless server would.
    struct Echo;
    impl Respond for Echo {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let said = String::from_utf8_lossy(&request.body).into_owned();
            ResponseTemplate::new(400)
                .insert_header("x-token", FOREIGN)
                .set_body_json(json!({ "error": 1, "error_text": format!("{said} {TOKEN} {FOREIGN}") }))
        }
    }
    let ran = judge(Echo).await;
    for report in [ran.screen, ran.junit, ran.json.to_string()] {
        assert!(report.contains("TOKEN"), "nothing was masked in {report}");
        for piece in ["t0ken", FOREIGN] {
            assert!(!report.contains(piece), "`{piece}` stands in {report}");
        }
    }
}

/// The published schema of what `--json` writes.
fn schema(text: &str) -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

#[track_caller]
fn assert_fits(schema: &jsonschema::Validator, result: &serde_json::Value) {
    let error = |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    let errors: Vec<String> = schema.iter_errors(result).map(error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

const RESULTS_SCHEMA: &str = include_str!("../../schema/results.schema.json");

#[tokio::test(flavor = "multi_thread")]
async fn a_result_fits_the_published_schema() {
    let schema = schema(RESULTS_SCHEMA);
    let unreadable = judge(ResponseTemplate::new(500).set_body_bytes(b"\xff".to_vec())).await;
    for ran in [judge(Honest::default()).await, unreadable] {
        assert_fits(&schema, &ran.json);
    }
    assert!(!schema.is_valid(&json!({ "verdict": "conformant" })), "the schema accepts anything");
}

/// A server of its own, since it must end in mid-run: it answers `lives` requests, each on its own connection.
fn mortal(lives: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for _ in 0..lives {
            let (mut stream, mut request) = (listener.accept().unwrap().0, Vec::new());
            // A connection closed with bytes unread would be a reset, and lose the answer.
            while !request.ends_with(b"}}") && !request.ends_with(b"</xml>\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            let body = r#"{"error":0,"error_text":"","profile_id":"1"}"#;
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn a_target_that_dies_in_the_run_is_inconclusive() {
    let target = Target::new(&mortal(3)).unwrap();
    let ran = Ran::on(&target, &Setting::default());
    assert_eq!(ran.conclusion, Conclusion::Inconclusive);
    assert!(ran.screen.contains("stopped answering"), "{}", ran.screen);
    assert!(ran.json["delivered"].as_u64() < ran.json["planned"].as_u64());
}

/// The URL of a port that was free a moment ago: nothing listens there.
fn nobody() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollcall-conformance")).args(arguments).output().unwrap()
}

/// Runs the program, and gives its exit code and all it said.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let output = program(arguments);
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn an_unreachable_target_gives_exit_code_2_and_still_writes_the_results() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    let output = program(&["--target", &nobody(), "--json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("does not answer") && said.contains("start the target"), "{said}");
    let results: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(results["verdict"], "inconclusive");
}

#[test]
fn what_cannot_be_judged_gives_exit_code_2_and_names_the_option() {
    for (target, option, says) in [
        ("127.0.0.1:8080", "--quiet", "--target"),
        (&nobody(), "--world=/no/such/world.toml", "/no/such/world.toml"),
        (&nobody(), "--filter=no-such-case", "no case is selected"),
        (&nobody(), "--colour", "--colour"),
    ] {
        let output = program(&["--target", target, option]);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn the_list_needs_no_target() {
    let output = program(&["--list", "--filter", "MATCH"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("requirement rows"));
}
