//! The program `rollcall` as the tests start it: with nothing of what this machine may have set for it, on a free port,
//! in a folder that is gone with its value.

use rollcall_testbed::server::Server;
use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// The program.
pub(crate) fn rollcall() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.env("RUST_LOG", "warn");
    let of_this_machine =
        ["ROLLCALL_LISTEN", "ROLLCALL_DATA", "ROLLCALL_WORLD", "ROLLCALL_STORE", "ROLLCALL_LOG_FORMAT", "ROLLCALL_GEO"];
    of_this_machine.iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// What it says and how it ends, where it ends by itself.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// That the program has refused to start or to go on, said nothing on standard output, and each of these in its message.
pub(crate) fn check_refusal(output: &Output, says: &[&str]) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{errors}");
    for part in says {
        assert!(errors.contains(part), "{part:?} is not said: {errors}");
    }
}

/// Whether these programs are installed. Where they are not, that is said, and is a failure where CI is set.
pub(crate) fn are_installed(programs: &[&str], so_that: &str) -> bool {
    let is_missing = |program: &&&str| Command::new(program).arg("--version").output().is_err();
    let missing: Vec<_> = programs.iter().filter(is_missing).copied().collect();
    if missing.is_empty() {
        return true;
    }
    let line = format!("NOT RUN: {} not installed, so that {so_that}", missing.join(", "));
    assert!(env::var_os("CI").is_none(), "{line}");
    announce(&line);
    false
}

/// Says a line past what captures the output of tests.
pub(crate) fn announce(line: &str) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// A folder for servers of the world that refuses several: the world's file, and their data.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::of_world(&super::world_file_that_refuses_several())
    }

    /// For servers of another world.
    pub(crate) fn of_world(text: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(place.world(), text).unwrap();
        place
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A server of the place's world on a free port; where it keeps profiles is still to be said.
    pub(crate) fn rollcall(&self) -> Command {
        let mut command = rollcall();
        command.args(["--listen", "127.0.0.1:0", "--world"]).arg(self.world());
        command
    }

    /// A server on a folder.
    pub(crate) fn rollcall_on(&self, data: &Path) -> Command {
        let mut command = self.rollcall();
        command.arg("--data").arg(data);
        command
    }

    /// Starts a server on the place's data.
    pub(crate) fn start(&self) -> Server {
        Server::start(&mut self.rollcall_on(&self.data())).unwrap()
    }

    /// Starts two servers on a database.
    pub(crate) fn start_two_on(&self, url: &str) -> Vec<Server> {
        let start = || Server::start(self.rollcall().args(["--store", url])).unwrap();
        vec![start(), start()]
    }

    /// Writes another world file in place of the one that is there, at once.
    pub(crate) fn exchange_world(&self, text: &str) {
        let new = self.folder.path().join("world.new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, self.world()).unwrap();
    }

    fn world(&self) -> PathBuf {
        self.folder.path().join("world.toml")
    }
}
