//! What a server in the test's own process logs. One test at a time, and no other in this program: what logs is asked once
//! whether anybody listens, and a thread that nobody listens to must not be the one that asks.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection, IMPORT, Response, Server, TOKEN, authorised, documented_world, log::Log, request_text, service,
};
use rollcall_server::{http::Settings, service::Service};
use rollcall_store::{memory::MemoryStore, transaction::Store};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

const JSON: (&str, &str) = ("Content-Type", "application/json");

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn import() -> String {
    authorised(json!({ "email": "ann@example.com", "data": { "email": "ann@example.com" } })).to_string()
}

fn send(client: &mut Connection, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    client.send(request_text("POST", path, headers, Some(body))).unwrap();
    client.receive().unwrap()
}

#[test]
fn the_log_has_an_event_for_each_call_without_what_it_carried() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (log, log_everything) = Log::of_everything();
    let server = Server::start_within(log_everything, Arc::new(service()), Settings::default());
    let mut client = server.connect();
    let refused =
        authorised(json!({ "email": "ann@example.com", "data": { "phones": ["secret-detail"] } })).to_string();
    send(&mut client, IMPORT, &[JSON, ("X-Request-Id", "first")], &import());
    send(&mut client, &format!("{IMPORT}?token={TOKEN}"), &[JSON], &refused);
    send(&mut client, "/secret-path", &[JSON], "{}");
    server.stop();
    let events = log.events("answered");
    let expected = json!({
        "level": "DEBUG", "call": IMPORT, "format": "json", "code": 0, "reason": "Success", "token": "token-1",
        "database": 1, "bytes_in": import().len(), "request_id": "first",
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&events[0][key], value, "{key} of {}", events[0]);
    }
    assert!(events[0]["duration_us"].is_u64() && events[0]["bytes_out"].is_u64(), "{}", events[0]);
    let told = |event: &Value| (event["call"].clone(), event["code"].clone(), event["reason"].clone());
    assert_eq!(told(&events[1]), (json!(IMPORT), json!(400), json!("IncorrectValue")));
    assert_eq!(told(&events[2]), (json!("unknown"), json!(404), json!("UnknownCall")));
    assert_eq!(events.len(), 3);
    for hidden in [TOKEN, "secret", "example.com"] {
        assert!(!log.text().contains(hidden), "{hidden} is in {}", log.text());
    }
}

#[test]
fn a_fault_of_the_store_is_logged_with_the_request_that_it_hit() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (log, log_everything) = Log::of_everything();
    let store = Arc::new(MemoryStore::new());
    store.close().unwrap();
    let service = Arc::new(Service::new(documented_world(), store));
    let server = Server::start_within(log_everything, service, Settings::default());
    let response = send(&mut server.connect(), IMPORT, &[JSON, ("X-Request-Id", "unlucky")], &import());
    assert_eq!(response.status, 503);
    server.stop();
    let faults = log.events("the store did not do its part");
    assert_eq!((faults.len(), &faults[0]["span"]["request_id"]), (1, &json!("unlucky")), "{}", log.text());
    let answered = log.events("answered");
    assert_eq!((&answered[0]["level"], &answered[0]["request_id"]), (&json!("WARN"), &json!("unlucky")));
}
