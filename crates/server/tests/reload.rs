//! The world file is read again while the program serves.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection, GET, IMPORT, TOKEN,
    program::{Place, rollcall},
    world_file_that_refuses_several,
};
use rollcall_testbed::server::Server;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long a change may take to be noticed. No test gets there, unless it is not.
const PATIENCE: Duration = Duration::from_secs(60);

const NEWCOMER: &str = "[[tokens]]\ntoken = 'newcomer'\ndatabases = [1]\n";

fn with_newcomer() -> String {
    format!("{NEWCOMER}{}", world_file_that_refuses_several())
}

fn request(token: &str, database: u32) -> Value {
    json!({ "token": token, "db_id": database, "email": "a@example.com", "data": { "email": "a@example.com" } })
}

fn ask(client: &mut Connection, path: &str, request: &Value) -> u16 {
    client.post(path, request).unwrap().status
}

/// Asks until this is the answer.
fn wait_for(status: u16, mut ask: impl FnMut() -> u16) {
    let begin = Instant::now();
    while ask() != status {
        assert!(begin.elapsed() < PATIENCE, "the answer never was {status}");
    }
}

fn start(place: &Place) -> Server {
    Server::start(place.rollcall_on(&place.data()).env("RUST_LOG", "info")).unwrap()
}

/// Imports without pause until told to stop, and says how many there were. Each must be answered.
fn import_until(stop: &AtomicBool, address: SocketAddr) -> usize {
    let mut client = Connection::open(address).unwrap();
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        assert_eq!(ask(&mut client, IMPORT, &request(TOKEN, 1)), 200);
        count += 1;
    }
    count
}

#[test]
fn what_the_file_says_is_in_force_after_sighup_and_no_request_is_dropped_meanwhile() {
    let place = Place::new();
    let server = start(&place);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = [(); 2].map(|()| scope.spawn(|| import_until(&stop, server.address)));
        let mut client = Connection::open(server.address).unwrap();
        let mut newcomer = || ask(&mut client, GET, &request("newcomer", 1));
        for _ in 0..3 {
            assert_eq!(newcomer(), 403);
            place.exchange_world(&with_newcomer());
            server.hang_up().unwrap();
            wait_for(200, &mut newcomer);
            place.exchange_world(&world_file_that_refuses_several());
            server.hang_up().unwrap();
            wait_for(403, &mut newcomer);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(load.map(|load| load.join().unwrap()).iter().all(|count| *count > 0));
    });
    let log = server.log();
    assert!(log.contains("the world file was read again") && log.contains("tokens_came=1"), "{log}");
    server.stop().unwrap();
}

#[test]
fn a_file_that_is_not_sound_changes_nothing_and_the_log_says_where() {
    let place = Place::new();
    place.exchange_world(&with_newcomer());
    let server = start(&place);
    let mut client = Connection::open(server.address).unwrap();
    place.exchange_world(&with_newcomer().replacen("[1]", "[7]", 1));
    server.hang_up().unwrap();
    let refused = "world.toml:3: tokens[0].databases[0]: there is no database 7";
    wait_for(200, || {
        assert_eq!(ask(&mut client, IMPORT, &request("newcomer", 1)), 200);
        if server.log().contains(refused) { 200 } else { 0 }
    });
    assert!(server.log().lines().any(|line| line.contains("ERROR") && line.contains(refused)), "{}", server.log());
    client.send(common::request_text("GET", "/metrics", &[], None)).unwrap();
    let page = String::from_utf8(client.receive().unwrap().body).unwrap();
    assert!(page.contains("rollcall_world_reloads_total{result=\"failed\"}"), "{page}");
    server.stop().unwrap();
}

#[test]
fn a_change_of_the_file_is_noticed_without_being_told() {
    let place = Place::new();
    let server = start(&place);
    let mut client = Connection::open(server.address).unwrap();
    assert_eq!(ask(&mut client, IMPORT, &request("newcomer", 1)), 403);
    place.exchange_world(&with_newcomer());
    wait_for(200, || ask(&mut client, IMPORT, &request("newcomer", 1)));
    server.stop().unwrap();
}

#[test]
fn profiles_of_a_database_that_went_are_there_when_it_comes_back() {
    let one = format!("{NEWCOMER}[[databases]]\nid = 1\nname = 'A'\n");
    let two = format!("{}[[databases]]\nid = 2\nname = 'B'\n", one.replace("[1]", "[1, 2]"));
    let place = Place::new();
    place.exchange_world(&two);
    let server = start(&place);
    let mut client = Connection::open(server.address).unwrap();
    let mut send = |path| ask(&mut client, path, &request("newcomer", 2));
    assert_eq!(send(IMPORT), 200);
    place.exchange_world(&one);
    server.hang_up().unwrap();
    wait_for(404, || send(GET));
    place.exchange_world(&two);
    server.hang_up().unwrap();
    wait_for(200, || send(GET));
    server.stop().unwrap();
}

#[test]
fn the_documented_world_has_no_file_and_sighup_only_says_so() {
    let mut command = rollcall();
    let server = Server::start(command.args(["--memory", "--listen", "127.0.0.1:0"]).env("RUST_LOG", "info")).unwrap();
    server.hang_up().unwrap();
    let mut client = Connection::open(server.address).unwrap();
    wait_for(200, || {
        assert_eq!(ask(&mut client, IMPORT, &request(TOKEN, 1)), 200);
        if server.log().contains("no file to read again") { 200 } else { 0 }
    });
    server.stop().unwrap();
}
