//! The program's own manners: what it refuses to start with, and how it stops.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection,
    people::{Outcome, Person},
    program::{Place, check_refusal, rollcall, run},
};

#[test]
fn stops_at_sigterm_and_keeps_everything() {
    let place = Place::new();
    let server = place.start();
    let mut person = Person::new(1);
    assert_eq!(person.import(&mut Connection::open(server.address).unwrap()), Outcome::Answered);
    server.stop().unwrap();
    person.check(&mut Connection::open(place.start().address).unwrap());
}

#[test]
fn refuses_a_folder_that_another_server_has_open_and_lets_that_one_go_on() {
    let place = Place::new();
    let server = place.start();
    let mut client = Connection::open(server.address).unwrap();
    let mut person = Person::new(1);
    assert_eq!(person.import(&mut client), Outcome::Answered);
    for _ in 0..2 {
        let second = run(&mut place.rollcall_on(&place.data()));
        check_refusal(&second, &[place.data().to_str().unwrap(), "is in use", "stop the server"]);
    }
    assert_eq!(person.import(&mut client), Outcome::Answered);
    person.check(&mut client);
    server.kill();
    person.check(&mut Connection::open(place.start().address).unwrap());
}

#[test]
fn serves_the_documented_world_on_loopback_addresses_only() {
    let refused = run(rollcall().args(["--memory", "--listen", "0.0.0.0:0"]));
    check_refusal(&refused, &["loopback", "0.0.0.0", "--world FILE"]);
}

#[test]
fn refuses_an_address_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check_refusal(&run(rollcall().args(["--memory", "--listen", &address])), &["cannot listen on", &address]);
}

#[test]
fn checks_a_world_file_and_names_the_line_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(rollcall().args(["--check", "--world"]).arg(&file))
    };
    let sound = "[[databases]]\nid = 1\nname = 'A'\n";
    let checked = check(sound);
    assert_eq!(
        (checked.status.code(), &*checked.stdout),
        (Some(0), &b"sound: 1 databases, 0 resources, 0 tokens\n"[..])
    );
    check_refusal(&check(&format!("{sound}colour = 'red'\n")), &["world.toml:4: unknown field `colour`"]);
    check_refusal(&check(&format!("{sound}[[databases]]\nid = 1\nname = 'B'\n")), &["world.toml:5: database id 1"]);
    check_refusal(&run(rollcall().args(["--check", "--world", "missing.toml"])), &["missing.toml"]);
}
