//! `rollcall check` and `rollcall backup`, as the program.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection,
    desk::{Desk, numbered, said},
    people::{Outcome, Person},
    program::{Place, check_refusal, rollcall, run},
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

fn check(folder: &Path, more: &[&str]) -> Output {
    run(rollcall().args(["check", "--data"]).arg(folder).args(more))
}

fn backup(folder: &Path, target: &Path) -> Output {
    run(rollcall().args(["backup", "--data"]).arg(folder).arg(target))
}

/// A desk with a store of so many profiles.
fn with_store(profiles: usize) -> Desk {
    let desk = Desk::new();
    desk.write("people.jsonl", &numbered(0..profiles));
    said(&desk.load("store", &["people.jsonl"]));
    desk
}

#[test]
fn a_sound_folder_is_said_to_be_sound() {
    let desk = with_store(1_000);
    let told = said(&check(&desk.path("store"), &[]));
    assert!(told.starts_with("sound: 1000 profiles, "), "{told}");
    let told: Value = serde_json::from_str(&said(&check(&desk.path("store"), &["--json"]))).unwrap();
    assert_eq!((&told["sound"], &told["profiles"], &told["wrong"]), (&true.into(), &1_000.into(), &0.into()));
}

#[test]
fn a_damaged_folder_is_told_from_a_sound_one_and_is_not_changed() {
    let desk = with_store(1_000);
    let log = fs::read_dir(desk.path("store")).unwrap().map(|file| file.unwrap().path());
    let log = log.max_by_key(|file| file.extension().map(|ending| ending == "log")).unwrap();
    let mut bytes = fs::read(&log).unwrap();
    // Behind the last frame there may be zeros, which mean nothing.
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end / 2] ^= 1;
    fs::write(&log, &bytes).unwrap();
    for _ in 0..2 {
        let told = check(&desk.path("store"), &["--json"]);
        assert_eq!(told.status.code(), Some(1), "{told:?}");
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(told["sound"], false, "{told}");
        assert!(!told["findings"].as_array().unwrap().is_empty(), "{told}");
    }
    let told = check(&desk.path("store"), &[]);
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&told.stdout).contains(" wrong: "), "{told:?}");
    assert_eq!(fs::read(&log).unwrap(), bytes);
}

#[test]
fn what_cannot_be_checked_is_neither_sound_nor_wrong() {
    let (place, desk) = (Place::new(), Desk::new());
    let _server = place.start();
    desk.write("store.txt", "no store");
    let cases = [
        (desk.path("missing"), "there is no store in"),
        (desk.0.path().to_owned(), "no Rollcall store"),
        (place.data(), "is in use"),
    ];
    for (folder, says) in cases {
        let told = check(&folder, &[]);
        let errors = String::from_utf8_lossy(&told.stderr);
        assert_eq!((told.status.code(), told.stdout.len()), (Some(2), 0), "{errors}");
        assert!(errors.contains(says), "{errors}");
    }
    assert!(!desk.path("missing").exists());
}

#[test]
fn a_backup_is_made_while_a_server_answers_and_is_a_store() {
    let (place, desk) = (Place::new(), Desk::new());
    let server = place.start();
    let mut client = Connection::open(server.address).unwrap();
    let (mut before, mut after) = (Person::new(1), Person::new(2));
    assert_eq!(before.import(&mut client), Outcome::Answered);
    let told = said(&backup(&place.data(), &desk.path("copy")));
    assert!(told.starts_with("backed up 1 profiles to "), "{told}");
    assert_eq!(after.import(&mut client), Outcome::Answered);
    said(&check(&desk.path("copy"), &[]));
    assert_eq!(desk.lines("copy").len(), 1);
    server.kill();
    let copy = rollcall_testbed::server::Server::start(&mut place.rollcall_on(&desk.path("copy"))).unwrap();
    before.check(&mut Connection::open(copy.address).unwrap());
}

#[test]
fn a_backup_goes_neither_from_nowhere_nor_over_anything() {
    let desk = with_store(10);
    check_refusal(&backup(&desk.path("missing"), &desk.path("copy")), &["there is no store in"]);
    assert!(!desk.path("copy").exists());
    let other = with_store(20);
    let refused = backup(&desk.path("store"), &other.path("store"));
    check_refusal(&refused, &[other.path("store").to_str().unwrap()]);
    assert_eq!(other.lines("store").len(), 20);
    check_refusal(&backup(&desk.path("store"), &desk.path("store")), &["store"]);
    assert_eq!(desk.lines("store").len(), 10);
}

#[test]
fn a_reader_that_goes_away_ends_a_check_without_complaint() {
    let desk = with_store(10);
    let mut checking = rollcall();
    checking.args(["check", "--data"]).arg(desk.path("store")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut checking = checking.spawn().unwrap();
    drop(checking.stdout.take());
    let ended = checking.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
