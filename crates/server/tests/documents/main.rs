//! The documents do what they say: every shell block of the README and of the quick start is run as it is printed, but
//! for its ports, and every answer that is printed behind one came. So it is with the examples of the reference.
//!
//! A block that says `listening on` goes on in its terminal while the later ones are run. What builds or takes long is
//! looked at and not run, and that is said (`cargo.sh`).

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod answers; // is a printed answer among those that came?
mod blocks; // the blocks of a document
mod reference; // the reference by call
mod stage; // a folder, terminals, free ports
#[path = "../common/mod.rs"]
mod common;

use blocks::{Block, blocks};
use common::program::{are_installed, rollcall};
use stage::{Outcome, Stage, repository};
use std::{
    fs,
    io::{self, Write},
};

#[test]
fn the_readme_does_what_it_says() {
    if are_installed(&["bash", "curl"], "the README was not tried") && others_are_built("the README was not tried") {
        play("README.md");
    }
}

#[test]
fn the_quick_start_does_what_it_says() {
    if are_installed(&["bash", "curl", "python3"], "the quick start was not tried") {
        play("docs/quick-start.md");
    }
}

/// Whether the programs of other packages are there, which `cargo test --workspace` builds.
fn others_are_built(so_that: &str) -> bool {
    let programs = std::path::Path::new(rollcall().get_program()).parent().unwrap().to_owned();
    let path = |name: &str| programs.join(name).display().to_string();
    are_installed(&[&path("rollcall-conformance")], so_that) && are_installed(&[&path("rollcall-faulty")], so_that)
}

/// Runs the document's blocks in their order.
fn play(name: &str) {
    let document = fs::read_to_string(repository().join(name)).unwrap();
    let mut stage = Stage::new();
    let mut said = String::new();
    for block in blocks(&document) {
        match block.language {
            "sh" => said = run(&mut stage, &block, name),
            "json" => assert!(answers::has_json(&said, &block.text), "{name}:{}: came {said}", block.line),
            "xml" => assert!(answers::has_xml(&said, &block.text), "{name}:{}: came {said}", block.line),
            other => panic!("{name}:{}: nobody knows what to do with a block of {other:?}", block.line),
        }
    }
    for command in stage.not_run() {
        writeln!(io::stderr(), "NOT RUN: {name}: {command}").unwrap(); // past what captures the output of tests
    }
}

/// What the block has said; nothing, where it goes on serving.
fn run(stage: &mut Stage, block: &Block<'_>, name: &str) -> String {
    match stage.run(&block.text) {
        Outcome::Ended(said) => said,
        Outcome::Serves => String::new(),
        Outcome::Failed(said) => panic!("{name}:{}: failed, and said {said}", block.line),
    }
}
