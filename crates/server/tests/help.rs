//! What the program says of itself, reviewed like code; and how arguments go together.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    desk::{Desk, said},
    program::{check_refusal, rollcall, run},
};
use insta::assert_snapshot;

fn help(command: &[&str]) -> String {
    said(&run(rollcall().env("COLUMNS", "100").args(command).arg("--help")))
}

#[test]
fn every_command_explains_itself() {
    assert_snapshot!("serve", help(&[]));
    assert_snapshot!("export", help(&["export"]));
    assert_snapshot!("load", help(&["load"]));
    assert_snapshot!("check", help(&["check"]));
    assert_snapshot!("backup", help(&["backup"]));
    for action in ["list", "retry", "drop"] {
        assert_snapshot!(format!("outbox_{action}"), help(&["outbox", action]));
    }
    assert_snapshot!("world_check", help(&["world", "check"]));
    assert_snapshot!("world_show", help(&["world", "show"]));
    assert_snapshot!("token_new", help(&["token", "new"]));
    assert_snapshot!("token_hash", help(&["token", "hash"]));
}

#[test]
fn options_of_the_server_do_not_stand_before_a_command() {
    let refused = run(rollcall().args(["--memory", "load", "people.jsonl"]));
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{errors}");
    assert!(errors.contains("--memory") || errors.contains("cannot be used with"), "{errors}");
}

#[test]
fn the_environment_names_store_and_world_for_commands_too() {
    let desk = Desk::new();
    desk.write("people.jsonl", "{\"db_id\": 7, \"lucky\": 7}\n");
    desk.write("world.toml", "[[databases]]\nid = 7\nname = 'A'\nfields = [{ name = 'lucky', type = 'int' }]\n");
    let command = |arguments: &[&str]| {
        let mut program = rollcall();
        program.env("ROLLCALL_DATA", desk.path("store")).env("ROLLCALL_WORLD", desk.path("world.toml"));
        said(&run(program.current_dir(desk.0.path()).args(arguments)))
    };
    assert_eq!(command(&["load", "people.jsonl"]), "loaded 1 profiles\n");
    assert!(command(&["export"]).contains("\"lucky\":7"));
    assert!(command(&["check"]).starts_with("sound: 1 profiles"));
}

#[test]
fn what_is_typed_goes_before_the_environment_and_an_empty_variable_is_unset() {
    let desk = Desk::new();
    desk.write("people.jsonl", "{\"db_id\": 1}\n");
    let elsewhere = "postgres://nobody@127.0.0.1:1/nothing";
    let load = |environment: &[(&str, &str)], typed: &[&str]| {
        let mut program = rollcall();
        program.current_dir(desk.0.path()).envs(environment.iter().copied());
        run(program.arg("load").args(typed).arg("people.jsonl"))
    };
    for (environment, typed, folder) in [
        (&[("ROLLCALL_STORE", elsewhere)][..], &["--data", "a"][..], "a"),
        (&[("ROLLCALL_STORE", ""), ("ROLLCALL_DATA", "b")], &[], "b"),
        (&[("ROLLCALL_STORE", elsewhere), ("ROLLCALL_DATA", "b")], &["--data", "c"], "c"),
        (&[("ROLLCALL_STORE", ""), ("ROLLCALL_DATA", "")], &[], "rollcall-data"),
    ] {
        assert_eq!(said(&load(environment, typed)), "loaded 1 profiles\n");
        assert!(desk.path(folder).is_dir(), "{folder}");
    }
    for (environment, typed, says) in [
        (&[("ROLLCALL_DATA", "b")][..], &["--store", elsewhere][..], "127.0.0.1"),
        (&[("ROLLCALL_STORE", elsewhere), ("ROLLCALL_DATA", "")], &[], "127.0.0.1"),
        (&[("ROLLCALL_STORE", elsewhere), ("ROLLCALL_DATA", "b")], &[], "ROLLCALL_STORE and ROLLCALL_DATA"),
    ] {
        check_refusal(&load(environment, typed), &[says]);
    }
    assert_eq!(load(&[], &["--store", elsewhere, "--data", "a"]).status.code(), Some(2));
}
