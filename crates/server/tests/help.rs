//! What the program says of itself, reviewed like code; and how arguments go together.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    desk::{Desk, said},
    program::{rollcall, run},
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
    assert_snapshot!("world_check", help(&["world", "check"]));
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
