//! A client that has lost its answer, or never sent all of its request, sends it again: one profile comes of it, in every
//! mode that creates, in both formats, with every store, and with another server of the same database too.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection, GET, IMPORT, Response, authorised,
    modes::{Contact, MODES, Mode, merged},
    request_text,
    stores::{Fleet, StoreKind},
};
use rollcall_codec::format::Format;
use rollcall_testbed::{chance, server::Server};
use serde_json::{Value, json};
use std::thread;

#[test]
fn an_import_sent_again_makes_one_profile_in_memory() {
    check(StoreKind::Memory);
}

#[test]
fn an_import_sent_again_makes_one_profile_on_disk() {
    check(StoreKind::Disk);
}

#[test]
fn an_import_sent_again_to_another_server_of_the_database_makes_one_profile() {
    check(StoreKind::Postgres);
}

/// How a client loses its answer.
type Loss = fn(&Server, &str, &mut fastrand::Rng);

const LOSSES: &[(&str, Loss)] = &[
    ("hangs up in the middle of the request", |server, request, random| {
        let mut client = connect(server);
        client.send(&request[..random.usize(1..request.len())]).unwrap();
    }),
    ("hangs up after the request", |server, request, _| connect(server).send(request).unwrap()),
    ("says no more, and hangs up", |server, request, _| {
        let mut client = connect(server);
        client.send(request).unwrap();
        client.say_no_more().unwrap();
    }),
    ("hangs up in the middle of the answer", |server, request, _| {
        let mut client = connect(server);
        client.send(request).unwrap();
        client.receive_head().unwrap();
    }),
    ("does not wait, and sends it several times at once", |server, request, _| {
        let mut clients: Vec<_> = (0..4).map(|_| connect(server)).collect();
        clients.iter_mut().for_each(|client| client.send(request).unwrap());
    }),
];

/// How often each way to lose an answer is tried, in each mode and format.
const TIMES: usize = 3;

fn check(kind: StoreKind) {
    let Some(fleet) = Fleet::start(kind) else { return };
    let mut random = chance::part(chance::seed().unwrap(), 0);
    let modes = MODES.iter().filter(|mode| (mode.identifiers)(0).get("profile_id").is_none());
    let ways = modes.flat_map(|mode| LOSSES.iter().map(move |(name, loss)| (mode, name, loss)));
    let ways = ways.flat_map(|way| Format::ALL.iter().map(move |format| (way, *format)));
    let ways = ways.flat_map(|way| [way; TIMES]);
    for (who, ((mode, name, loss), format)) in ways.enumerate() {
        let request = text(&import(mode, who), format);
        loss(fleet.server(0), &request, &mut random);
        let ids = send_again(&fleet, &request);
        let told = |id: &str| ids.iter().all(|answer| answer.contains(id));
        // The servers' world refuses a search that finds several.
        let found = connect(fleet.server(1)).post(GET, &authorised((mode.identifiers)(who))).unwrap().json();
        let id = found["data"]["id"].as_str().unwrap_or_else(|| panic!("{name}, {format:?}: {request}: {found}"));
        assert!(told(id), "{name}, {format:?}: {request}: {id}, but {ids:?}");
    }
}

/// What is answered when the request is sent to every server at once, and once more.
fn send_again(fleet: &Fleet, request: &str) -> Vec<String> {
    let at_once = thread::scope(|scope| {
        let sent = [0, 1].map(|number| scope.spawn(move || send(fleet.server(number), request)));
        sent.map(|answer| answer.join().unwrap())
    });
    let once_more = send(fleet.server(0), request);
    at_once.into_iter().chain([once_more]).collect()
}

fn send(server: &Server, request: &str) -> String {
    let mut client = connect(server);
    client.send(request).unwrap();
    let Response { status, body, .. } = client.receive().unwrap();
    let answer = String::from_utf8(body).unwrap();
    assert_eq!(status, 200, "{request}: {answer}");
    answer
}

fn connect(server: &Server) -> Connection {
    Connection::open(server.address).unwrap()
}

/// An import of somebody new, who can be found by it again.
fn import(mode: &Mode, who: usize) -> Value {
    let subscriptions: Vec<_> = mode.needs.map(|contact: Contact| contact.subscription(who)).into_iter().collect();
    let data = json!({ "_fname": "Olly", "custom_float": 0.5, "subscriptions": subscriptions });
    authorised(merged((mode.identifiers)(who), json!({ "data": data })))
}

fn text(request: &Value, format: Format) -> String {
    let body = match format {
        Format::Json => request.to_string(),
        Format::Xml => format!("<xml>{}</xml>", elements(request)),
    };
    request_text("POST", IMPORT, &[("Content-Type", format.media_types()[0])], Some(&body))
}

/// The members of an object as elements; a list has one item here, whose members stand in the list's element.
fn elements(value: &Value) -> String {
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| element(name, value)).collect(),
        Value::Array(items) => items.iter().map(elements).collect(),
        Value::String(text) => text.clone(),
        scalar => scalar.to_string(),
    }
}

fn element(name: &str, value: &Value) -> String {
    match value {
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Array(_) => format!("<{name} array='true'>{}</{name}>", elements(value)),
        _ => format!("<{name}>{}</{name}>", elements(value)),
    }
}
