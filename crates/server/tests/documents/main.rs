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
use common::program::{announce, are_installed, rollcall};
use stage::{Outcome, Stage, repository};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

#[test]
fn the_readme_does_what_it_says() {
    if are_installed(&["bash", "curl"], "the README was not tried") && others_are_built() {
        play("README.md");
    }
}

#[test]
fn the_quick_start_does_what_it_says() {
    if are_installed(&["bash", "curl", "python3"], "the quick start was not tried") {
        play("docs/quick-start.md");
    }
}

/// Programs of other packages that the README runs, and the folder of their source.
const OTHERS: [(&str, &str); 2] =
    [("rollcall-conformance", "conformance/src"), ("rollcall-faulty", "conformance/faulty/src")];

/// Whether those programs are there as their source says: `cargo test --workspace` builds them, and a test of this
/// package alone takes what it finds.
fn others_are_built() -> bool {
    let programs = Path::new(rollcall().get_program()).parent().unwrap().to_owned();
    let changed = |path: &Path| path.metadata().and_then(|about| about.modified());
    let is_built = |(program, source): &(&str, &str)| {
        let built = changed(&programs.join(program));
        built.is_ok_and(|built| files(&repository().join(source)).iter().all(|file| changed(file).unwrap() <= built))
    };
    let is_ready = OTHERS.iter().all(is_built);
    let command = "cargo build -p rollcall-conformance -p rollcall-faulty";
    let line = format!("NOT RUN: the README was not tried, since programs that it runs are not built: {command}");
    assert!(is_ready || env::var_os("CI").is_none(), "{line}");
    if !is_ready {
        announce(&line);
    }
    is_ready
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
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
        announce(&format!("NOT RUN: {name}: {command}"));
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
