//! What a server tells of itself: request ids, the program's log, `/metrics`.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection, GET, IMPORT, Response, Server, authorised, documented_world, log::events, program::rollcall,
    request_text, serve, service,
};
use rollcall_server::http::Settings;
use rollcall_store::memory::MemoryStore;
use serde_json::json;
use std::{collections::HashSet, sync::Arc};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn import() -> String {
    authorised(json!({ "email": "ann@example.com", "data": { "email": "ann@example.com" } })).to_string()
}

fn send(client: &mut Connection, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Response {
    client.send(request_text(method, path, headers, body)).unwrap();
    client.receive().unwrap()
}

#[test]
fn every_answer_has_a_request_id_and_a_sound_one_is_the_senders_own() {
    let server = Server::start(Arc::new(service()), Settings { body_bytes: 1000, ..Settings::default() });
    let mut ids = HashSet::new();
    let too_large = "x".repeat(1001);
    for (method, path, body, status) in [
        ("POST", IMPORT, Some(&*import()), 200),
        ("POST", IMPORT, Some("{}"), 401),
        ("POST", IMPORT, Some("{"), 400),
        ("POST", IMPORT, Some(&too_large), 413),
        ("PUT", IMPORT, None, 405),
        ("POST", "/nowhere", None, 404),
        ("GET", "/healthz", None, 200),
        ("GET", "/readyz", None, 200),
        ("GET", "/metrics", None, 200),
        ("POST", "/metrics", None, 405),
    ] {
        // Of its own, since an answer that comes before its body closes the connection.
        let mut client = server.connect();
        let response = send(&mut client, method, path, &[JSON], body);
        assert_eq!(response.status, status, "{method} {path}");
        let id = response.header("x-request-id").unwrap().to_owned();
        assert!(!id.is_empty() && ids.insert(id), "{method} {path}");
        let mut client = server.connect();
        let response = send(&mut client, method, path, &[JSON, ("X-Request-Id", "mine/7")], body);
        assert_eq!(response.header("x-request-id"), Some("mine/7"), "{method} {path}");
    }
    let mut client = server.connect();
    for unsound in ["", "two words", "\u{fc}", &"x".repeat(129)] {
        let response = send(&mut client, "GET", "/healthz", &[("X-Request-Id", unsound)], None);
        assert_ne!(response.header("x-request-id").unwrap(), unsound);
    }
    server.stop();
}

#[test]
fn the_program_writes_its_log_as_json_where_it_is_told_to() {
    let mut command = rollcall();
    command.args(["--memory", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    let server = rollcall_testbed::server::Server::start(command.env("RUST_LOG", "rollcall_server=debug")).unwrap();
    let mut client = Connection::open(server.address).unwrap();
    assert_eq!(send(&mut client, "POST", IMPORT, &[JSON], Some(&import())).status, 200);
    assert_eq!(events(&server.log(), "answered")[0]["call"], IMPORT);
    server.stop().unwrap();
}

#[test]
fn metrics_count_what_was_answered_and_no_path_makes_a_label() {
    let server = serve(documented_world(), Arc::new(MemoryStore::new()));
    let mut client = server.connect();
    for _ in 0..3 {
        assert_eq!(send(&mut client, "POST", IMPORT, &[JSON], Some(&import())).status, 200);
    }
    let nobody = authorised(json!({ "email": "nobody@example.com" })).to_string();
    assert_eq!(send(&mut client, "POST", GET, &[JSON], Some(&nobody)).status, 404);
    for path in ["/a", "/b?c=d", "/metrics2"] {
        assert_eq!(send(&mut client, "POST", path, &[JSON], Some("{}")).status, 404);
    }
    let response = send(&mut client, "GET", "/metrics", &[], None);
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let page = String::from_utf8(response.body).unwrap();
    let requests = |call: &str, code: u16, reason: &str, count: u32| {
        let labels = format!("call=\"{call}\",format=\"json\",code=\"{code}\",reason=\"{reason}\"");
        format!("rollcall_requests_total{{{labels}}} {count}")
    };
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        &*requests(IMPORT, 0, "Success", 3),
        &*requests(GET, 404, "ProfileNotFound", 1),
        &*requests("unknown", 404, "UnknownCall", 3),
        &format!("rollcall_request_duration_seconds_count{{call=\"{IMPORT}\"}} 3"),
        "rollcall_requests_under_way 1", // the one that asks
        "rollcall_trigger_backlog 0",
        &format!("rollcall_build_info{{version=\"{version}\"}} 1"),
    ] {
        assert!(page.lines().any(|known| known == line), "{line} is not in\n{page}");
    }
    server.stop();
}

#[test]
fn the_program_shows_each_figure_once_those_of_its_store_included() {
    let mut command = rollcall();
    let server =
        rollcall_testbed::server::Server::start(command.args(["--memory", "--listen", "127.0.0.1:0"])).unwrap();
    let mut client = Connection::open(server.address).unwrap();
    send(&mut client, "POST", IMPORT, &[JSON], Some(&import()));
    let page = String::from_utf8(send(&mut client, "GET", "/metrics", &[], None).body).unwrap();
    let mut names = HashSet::new();
    for name in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(names.insert(name), "{name} stands twice in\n{page}");
    }
    assert!(names.contains("rollcall_trigger_backlog") && page.contains("\nrollcall_store_profiles 1\n"), "{page}");
    server.stop().unwrap();
}

#[test]
fn metrics_can_be_switched_off() {
    let mut command = rollcall();
    command.args(["--memory", "--listen", "127.0.0.1:0", "--no-metrics"]);
    let server = rollcall_testbed::server::Server::start(&mut command).unwrap();
    let mut client = Connection::open(server.address).unwrap();
    assert_eq!(send(&mut client, "GET", "/metrics", &[], None).status, 404);
    assert_eq!(send(&mut client, "GET", "/healthz", &[], None).status, 200);
    assert_eq!(send(&mut client, "POST", IMPORT, &[JSON], Some(&import())).status, 200);
    server.stop().unwrap();
}
