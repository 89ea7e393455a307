//! The program's own manners: what it refuses to start with, and how it stops.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection,
    desk::said,
    people::{Outcome, Person},
    program::{Place, check_refusal, rollcall, run},
};
use insta::assert_snapshot;
use rollcall_model::token::TokenHash;
use rollcall_server::world_file;

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
        run(rollcall().args(["world", "check"]).arg(&file))
    };
    let sound = "[[databases]]\nid = 1\nname = 'A'\n";
    let checked = check(sound);
    assert_eq!(
        (checked.status.code(), &*checked.stdout),
        (Some(0), &b"sound: 1 databases, 0 resources, 0 tokens\n"[..])
    );
    check_refusal(
        &check(&format!("{sound}colour = 'red'\n")),
        &["world.toml:4: databases[0].colour: unknown field `colour`"],
    );
    check_refusal(
        &check(&format!("{sound}[[databases]]\nid = 1\nname = 'B'\n")),
        &["world.toml:5: databases[1].id: database id 1"],
    );
    check_refusal(&run(rollcall().args(["world", "check", "missing.toml"])), &["missing.toml"]);
    let serve = run(rollcall().args(["--memory", "--world", "missing.toml"]));
    check_refusal(&serve, &["there is no world file missing.toml", "--world FILE"]);
}

#[test]
fn shows_what_a_world_file_comes_to_and_no_secret_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.toml");
    let text = "[[databases]]\nid = 1\nname = 'A'\ndefault_region = 'RU'\n\
                fields = [{ name = 'tier', type = 'enum', options = ['a', 'b'] }]\n\
                [[tokens]]\ntoken = 'hidden-token'\ndatabases = [1]\nactions = ['read']\n\
                rate_limit = { requests = 5, per = '1m' }\n";
    std::fs::write(&file, text).unwrap();
    let show = |options: &[&str]| said(&run(rollcall().args(["world", "show"]).args(options).arg(&file)));
    let shown = show(&[]);
    assert_snapshot!("world", shown);
    let read: toml::Table = shown.parse().unwrap();
    let json: serde_json::Value = serde_json::from_str(&show(&["--json"])).unwrap();
    for section in ["databases", "channels", "tokens"] {
        assert_eq!(serde_json::to_value(&read[section]).unwrap(), json[section]);
    }
    let hash = TokenHash::of("hidden-token").to_string();
    assert!(!shown.contains("hidden") && !shown.contains(&hash) && !json.to_string().contains(&hash));
}

#[test]
fn a_new_token_is_let_in_by_the_lines_that_come_with_it() {
    let made = || said(&run(rollcall().args(["token", "new", "--name", "a \"shop\""])));
    let (text, other) = (made(), made());
    let (token, lines) = text.split_once('\n').unwrap();
    assert!(token.len() == 32 && token.bytes().all(|digit| b"0123456789abcdef".contains(&digit)), "{token}");
    assert!(!other.contains(token) && !lines.contains(token), "{text}{other}");
    let world = world_file::read(&format!("[[databases]]\nid = 1\nname = 'A'\n{lines}"), "w.toml").unwrap();
    assert_eq!(&*world.grant(TokenHash::of(token)).unwrap().name, "a \"shop\"");
}

#[test]
fn hashes_a_token_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.txt");
    let hash = |token: &str| {
        std::fs::write(&file, token).unwrap();
        run(rollcall().args(["token", "hash"]).stdin(std::fs::File::open(&file).unwrap()))
    };
    let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
    assert_eq!([said(&hash("abc")), said(&hash("abc\n"))], [expected, expected]);
    for wrong in ["", "\n", " abc", "abc \n"] {
        check_refusal(&hash(wrong), &["a token cannot be empty"]);
    }
}
