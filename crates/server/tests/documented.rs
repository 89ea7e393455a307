//! Our answers to the documented examples, byte for byte as printed and in their repaired forms, and what they leave in
//! the store. The snapshots are there to be reviewed when an answer changes.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{Connection, GET, IMPORT, Response, Server, authorised, documented_world, request_text, serve};
use insta::assert_snapshot;
use rollcall_store::memory::MemoryStore;
use serde_json::{Value, json};
use std::{fmt::Write as _, sync::Arc};

/// The examples in each format: three requests, what is repaired of them, and the answer, which is no request.
const JSON: &[&str] = &["request-1.json", "request-2.json", "request-3.json", "answer.json"];
const XML: &[&str] =
    &["request-1.xml", "request-2.xml", "repaired/request-2.xml", "request-3.xml", "answer.xml", "repaired/answer.xml"];

#[test]
fn answers_to_the_json_examples() {
    with_ids_redacted(|| assert_snapshot!("json", answers_to(JSON)));
}

#[test]
fn answers_to_the_xml_examples() {
    with_ids_redacted(|| assert_snapshot!("xml", answers_to(XML)));
}

#[test]
fn what_the_examples_leave_in_the_store() {
    let mut stored = String::new();
    for file in requests() {
        let profile = on_a_fresh_server(|client| {
            replay(client, file);
            client.post(GET, &authorised(json!({ "email": "example@example.com" }))).unwrap().json()
        });
        writeln!(stored, "{file}\n{profile:#}\n").unwrap();
    }
    with_ids_redacted(|| assert_snapshot!("stored", stored));
}

#[test]
fn takes_every_request_but_the_one_that_is_not_well_formed() {
    for file in requests() {
        let response = on_a_fresh_server(|client| replay(client, file));
        let expected = if file == "request-2.xml" { 400 } else { 200 };
        assert_eq!(response.status, expected, "{file}: {}", text(&response));
    }
}

#[test]
fn our_answer_has_the_members_of_the_documented_one() {
    let documented: Value = serde_json::from_slice(&bytes("answer.json")).unwrap();
    let ours = on_a_fresh_server(|client| replay(client, "request-1.json")).json();
    let names = |answer: &Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&documented));
    assert_eq!((&ours["error"], &ours["error_text"]), (&documented["error"], &documented["error_text"]));
    let is_hexadecimal = |id: &str| id.len() == 24 && id.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
    assert!(is_hexadecimal(ours["profile_id"].as_str().unwrap()), "{ours}");
}

#[test]
fn all_examples_mean_one_person() {
    on_a_fresh_server(|client| {
        let first = replay(client, "request-1.json").json();
        let id = first["profile_id"].as_str().unwrap();
        for file in requests().filter(|file| *file != "request-2.xml") {
            let answer = text(&replay(client, file));
            assert!(answer.contains(id), "{file} is not about {id}: {answer}");
        }
    });
}

fn requests() -> impl Iterator<Item = &'static str> {
    JSON.iter().chain(XML).copied().filter(|file| file.contains("request"))
}

fn answers_to(files: &[&str]) -> String {
    let mut answers = String::new();
    for file in files {
        let response = on_a_fresh_server(|client| replay(client, file));
        let content_type = response.header("content-type").unwrap();
        writeln!(answers, "{file}\n  HTTP {}, {content_type}\n  {}\n", response.status, text(&response)).unwrap();
    }
    answers
}

/// The examples all speak of one person, who is unknown to this server.
fn on_a_fresh_server<T>(use_it: impl FnOnce(&mut Connection) -> T) -> T {
    let server: Server = serve(documented_world(), Arc::new(MemoryStore::new()));
    let result = use_it(&mut server.connect());
    server.stop();
    result
}

fn replay(client: &mut Connection, file: &str) -> Response {
    let media_type = if file.ends_with("json") { "application/json" } else { "application/xml" };
    let body = String::from_utf8(bytes(file)).unwrap();
    client.send(request_text("POST", IMPORT, &[("Content-Type", media_type)], Some(&body))).unwrap();
    client.receive().unwrap()
}

fn bytes(file: &str) -> Vec<u8> {
    let path = format!("{}/../../fixtures/documented/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

fn with_ids_redacted(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\b[0-9a-f]{24}\b", "[profile id]");
    settings.add_filter(r#""hash_id": "[0-9a-f]{8}""#, r#""hash_id": "[hash id]""#);
    settings.set_omit_expression(true);
    settings.bind(check);
}
