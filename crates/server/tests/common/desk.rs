//! Stores and files of lines in a folder of their own, and the commands on them.

use super::program::{rollcall, run};
use serde_json::Value;
use std::{
    fs,
    ops::Range,
    path::PathBuf,
    process::{Command, Output},
};
use tempfile::TempDir;

/// A folder with files of lines and stores.
pub(crate) struct Desk(pub(crate) TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A command on a store of the desk, or on a database; files are named as seen from the desk.
    pub(crate) fn rollcall(&self, command: &str, store: &str, more: &[&str]) -> Command {
        let kind = if store.starts_with("postgres://") { "--store" } else { "--data" };
        let mut program = rollcall();
        program.current_dir(self.0.path()).args([command, kind, store]).args(more);
        program
    }

    pub(crate) fn load(&self, store: &str, more: &[&str]) -> Output {
        run(&mut self.rollcall("load", store, more))
    }

    /// The store's lines, in its order.
    pub(crate) fn lines(&self, store: &str) -> Vec<Value> {
        let exported = said(&run(&mut self.rollcall("export", store, &[])));
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The values of a field, in the order of the store.
    pub(crate) fn values(&self, store: &str, field: &str) -> Vec<Value> {
        self.lines(store).iter().map(|line| line[field].clone()).collect()
    }
}

/// What the program said; it is to have ended well.
pub(crate) fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Lines without identifiers, numbered in `custom_int`.
pub(crate) fn numbered(numbers: Range<usize>) -> String {
    numbers.map(|number| format!("{{\"db_id\": 1, \"custom_int\": {number}}}\n")).collect()
}
