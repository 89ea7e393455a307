//! Two targets, asked the same.

use serde_json::json;
use wiremock::ResponseTemplate;

use super::{assert_fits, nobody, said, schema, serve};

const SCHEMA: &str = include_str!("../../schema/disagreements.schema.json");

fn answering(status: u16, error: i64) -> ResponseTemplate {
    let mut body = json!({ "error": error, "error_text": "why" });
    if error == 0 {
        body["profile_id"] = json!("1");
    }
    ResponseTemplate::new(status).set_body_json(body)
}

/// Exit code and output of a comparison, and its JSON.
async fn compare(a: ResponseTemplate, b: ResponseTemplate) -> (Option<i32>, String, serde_json::Value) {
    let (a, b) = (serve(a).await, serve(b).await);
    let (a, b) = (a.uri(), b.uri());
    tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disagreements.json");
        let json = path.to_str().unwrap();
        let (code, text) =
            said(&["--target", &a, "--against", &b, "--filter", "matching/*", "--json", json, "--seed", "5"]);
        (code, text, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_answer_alike_do_not_disagree() {
    let (code, text, json) = compare(answering(400, 400), answering(400, 400)).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("no disagreement"), "{text}");
    assert_fits(&schema(SCHEMA), &json);
}

#[tokio::test(flavor = "multi_thread")]
async fn disagreements_are_told_by_kind_with_an_example_each() {
    let (code, text, json) = compare(answering(200, 0), answering(400, 404)).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(" 1. A accepted, B refused with error 404  in "), "{text}");
    assert!(text.contains("curl -sS") && text.contains("--filter matching/"), "{text}");
    assert!(!text.contains(" 2. "), "one kind is told once: {text}");
    assert_eq!(json["disagreements"][0]["count"], json["compared"], "each case tells it once");
    assert_fits(&schema(SCHEMA), &json);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_crashes_are_a_kind_of_their_own() {
    let crash = || ResponseTemplate::new(500).set_body_string("oops");
    let (code, text, json) = compare(crash(), crash()).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("both broke"), "{text}");
    assert_eq!(json["disagreements"][0]["aspect"], "both broke");
    assert_fits(&schema(SCHEMA), &json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_or_is_the_same_is_not_compared() {
    let server = serve(answering(400, 400)).await;
    let url = server.uri();
    tokio::task::spawn_blocking(move || {
        for (other, says) in [(nobody(), "does not answer"), (url.clone(), "is the target itself")] {
            let (code, text) = said(&["--target", &url, "--against", &other, "--filter", "matching/*", "--quiet"]);
            assert_eq!(code, Some(2), "{text}");
            assert!(text.contains(says), "{text}");
        }
    })
    .await
    .unwrap();
}
