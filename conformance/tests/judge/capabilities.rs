//! What a target does not have is never held against it; what it says it has, and has not, is. And what may not be
//! written is not.

use std::sync::Arc;
use std::sync::Mutex;

use rollcall_conformance::judge::Outcome;
use rollcall_conformance::report::Conclusion;
use rollcall_conformance::world::World;
use wiremock::{Request, Respond, ResponseTemplate};

use super::{Honest, RESULTS_SCHEMA, Setting, assert_fits, judge, judge_with, said, schema, serve, world};

fn declaring(capability: &str) -> Setting {
    let world = World { capabilities: vec![capability.to_owned()], ..world() };
    Setting { world, ..Setting::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capability_that_is_not_declared_is_unsupported() {
    let ran = judge(Honest::default()).await;
    assert_eq!(ran.outcomes["basic/get json"], Outcome::Unsupported);
    assert_eq!(ran.conclusion, Conclusion::Conformant, "{}", ran.screen);
    assert!(ran.screen.contains("does not declare the capability `profiles/get`"), "{}", ran.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capability_that_is_declared_and_missing_fails() {
    let ran = judge_with(Honest::default(), declaring("profiles/get")).await;
    assert_eq!(ran.outcomes["basic/get json"], Outcome::Fail);
    assert_eq!(ran.conclusion, Conclusion::Nonconformant, "{}", ran.screen);
}

/// The honest server, counting what it was asked and what it accepted.
#[derive(Default, Clone)]
struct Counting(Arc<Counted>);

#[derive(Default)]
struct Counted {
    honest: Honest,
    asked: Mutex<usize>,
    accepted: Mutex<Vec<String>>,
}

impl Respond for Counting {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let said = String::from_utf8_lossy(&request.body).into_owned();
        if said != "{}" {
            *self.0.asked.lock().unwrap() += 1;
            let (_, error, ..) = self.0.honest.answer(request);
            if error == 0 {
                self.0.accepted.lock().unwrap().push(said);
            }
            return self.0.honest.respond(request);
        }
        ResponseTemplate::new(400)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_run_sends_nothing_that_could_be_accepted() {
    let server = Counting::default();
    let ran = judge_with(server.clone(), Setting { read_only: true, ..Setting::default() }).await;
    assert_eq!(*server.0.accepted.lock().unwrap(), [""; 0]);
    assert_eq!(*server.0.asked.lock().unwrap(), 2, "the refusal of a MUST in both formats, without its twin");
    assert_eq!(ran.outcomes["refusals/token json"], Outcome::Pass);
    for left_out in ["basic/create json", "refusals/text xml", "refusals/unknown json", "basic/get xml"] {
        assert_eq!(ran.outcomes[left_out], Outcome::Unsupported, "{left_out}");
    }
    assert_eq!(ran.conclusion, Conclusion::Conformant, "{}", ran.screen);
    let says =
        "read-only: 14 verdicts were not tried since they could write, and no refusal was compared with an acceptance";
    assert!(ran.screen.contains(says), "{}", ran.screen);
    assert_eq!(ran.json["read_only"], true);
    assert_fits(&schema(RESULTS_SCHEMA), &ran.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_run_may_write_where_nothing_forbids_it() {
    let server = Counting::default();
    judge_with(server.clone(), Setting::default()).await;
    assert!(server.0.accepted.lock().unwrap().len() > 10, "the counter counts");
}

/// The world file forbids to write as the option does, also where every question would write.
#[tokio::test(flavor = "multi_thread")]
async fn a_world_that_may_not_be_written_is_asked_no_question_that_writes() {
    let target = serve(ResponseTemplate::new(200)).await;
    let url = target.uri();
    tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let world = folder.path().join("world.toml");
        std::fs::write(&world, "[suite]\ntoken = 's3cret'\ndatabase = 1\nread_only = true").unwrap();
        let world = world.to_str().unwrap();
        for question in [["--against", "http://127.0.0.1:9"].as_slice(), ["--self-check"].as_slice()] {
            let (code, text) = said(&[&["--target", &url, "--world", world], question].concat());
            assert_eq!(code, Some(2), "{text}");
            assert!(text.contains("read_only"), "{text}");
        }
    })
    .await
    .unwrap();
    // The sign of life is a request without a token, which must be refused.
    let bodies: Vec<_> = target.received_requests().await.unwrap().into_iter().map(|request| request.body).collect();
    assert!(bodies.iter().all(|body| body == b"{}"), "{bodies:?}");
}
