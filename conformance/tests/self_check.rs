//! The suite's look at itself notices what it is for: an expectation that cannot fail, a verdict that depends on order.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should; helpers too")]

use std::sync::atomic::{AtomicUsize, Ordering};

use rollcall_conformance::filter::Filter;
use rollcall_conformance::judge::{Judge, Outcome};
use rollcall_conformance::replay::Replay;
use rollcall_conformance::run;
use rollcall_conformance::self_check::{depends_on_order, vacuous};
use rollcall_conformance::suite::{Files, Suite};
use rollcall_conformance::target::{Received, Target};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

fn suite(case: &str) -> Suite {
    let row = "[A-1]\nlevel='must'\nsays='It works.'\nsource='page:1'\nconfidence='documented'";
    let files = [
        ("spec/requirements/a.toml", row.to_owned()),
        (
            "cases/x/y.toml",
            format!("title='t'\nrequirements=['A-1']\nformats=['json']\nformats_why='one is enough'\n{case}"),
        ),
        ("worlds/documented.toml", "[suite]\ntoken='s3cret'\ndatabase=1\ncapabilities=['profiles/get']".to_owned()),
    ];
    let files: Files = files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into();
    Suite::load(&files).unwrap()
}

/// What is vacuous in a case whose last step looks at the stored data.
fn vacuous_lines(data: &str) -> (Vec<String>, usize) {
    let suite = suite(&format!(
        "[[steps]]\nget='''{{\"email\": \"${{email:a}}\"}}'''\nexpect='accepted'\nanswer={{ error_text='present' }}\ndata='''{data}'''"
    ));
    let judge = Judge::new(suite.documented_world.as_ref().unwrap(), 1);
    let plan = run::plan(&suite, &Filter::default());
    let body = br#"{"error":0,"error_text":"","data":{"id":"5f","email":"a@example.com"}}"#.to_vec();
    let wire = Replay::new([Ok(Received { status: 200, headers: Vec::new(), body })]);
    let verdict = judge.judge(&wire, plan[0].case, plan[0].level, plan[0].format, plan[0].ordinal).unwrap();
    assert_eq!(verdict.outcome, Outcome::Pass, "{}", verdict.message);
    vacuous(&plan, &[verdict], &judge)
}

#[test]
fn an_expectation_that_cannot_fail_is_told() {
    let (lines, tried) = vacuous_lines("{}");
    assert_eq!(lines, ["x/y [json], step 1: holds of an answer without data"]);
    assert!(tried > 3, "{tried}");
    assert_eq!(vacuous_lines("{\"email\": \"a@example.com\"}").0, Vec::<String>::new());
}

/// Takes the first two imports and refuses those behind.
struct Tired(AtomicUsize);

impl Respond for Tired {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let body = match number {
            0 | 1 => json!({"error": 0, "error_text": "", "profile_id": number.to_string()}),
            _ => json!({"error": 500, "error_text": "tired"}),
        };
        ResponseTemplate::new(200).set_body_json(body)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_depends_on_what_ran_before_is_told() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Tired(AtomicUsize::new(0))).mount(&server).await;
    let url = server.uri();
    let lines = tokio::task::spawn_blocking(move || {
        let suite = suite("[[steps]]\nimport='{\"data\":{}}'\nexpect='new'");
        let judge = Judge::new(suite.documented_world.as_ref().unwrap(), 1);
        let plan = run::plan(&suite, &Filter::default());
        depends_on_order(&[plan[0], plan[0]], &judge, &Target::new(&url).unwrap(), 2)
    });
    let lines = lines.await.unwrap();
    assert!(lines[0].starts_with("x/y [json]: pass when in order, one by one, fail when shuffled"), "{lines:?}");
}
