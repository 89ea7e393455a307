//! The disk is full: imports are refused for now, reads go on, and imports go on when there is space again, without a
//! restart. Nothing that was answered is lost, after a restart neither.
//!
//! The disk is a small one in memory, which only root may mount; without the right to do so the test says that it is not
//! run, and on CI (the environment has `CI`) it fails.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection,
    people::{Importer, Outcome, check_all, importers},
    program::Place,
};
use rollcall_testbed::{chance, server::Server};
use std::{
    env, fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const CLIENTS: usize = 4;

/// What is left for imports; some hundreds of them fit.
const SPACE: usize = 512 << 10;

/// What can be removed to make space.
const BALLAST: usize = 2 << 20;

/// How long imports may take to go on.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_full_disk_refuses_imports_until_there_is_space() {
    let Some(disk) = Disk::mount() else { return };
    let place = Place::new();
    let data = disk.path().join("data");
    let start = || Server::start(&mut place.rollcall_on(&data)).unwrap();
    let server = start();
    let mut random = chance::part(chance::seed().unwrap(), 0);
    let mut importers = importers(CLIENTS);
    for round in 0..2 {
        println!("round {round}");
        disk.put_ballast();
        each(&mut importers, &mut random, |importer, random| fill(server.address, importer, random));
        check_all(server.address, &mut importers);
        disk.remove_ballast();
        each(&mut importers, &mut random, |importer, random| go_on(server.address, importer, random));
        check_all(server.address, &mut importers);
    }
    server.kill();
    check_all(start().address, &mut importers);
}

fn each(
    importers: &mut [Importer],
    random: &mut fastrand::Rng,
    work: impl Fn(&mut Importer, &mut fastrand::Rng) + Sync,
) {
    thread::scope(|scope| {
        for importer in importers {
            let (mut random, work) = (random.fork(), &work);
            scope.spawn(move || work(importer, &mut random));
        }
    });
}

/// Imports until nothing fits any more.
fn fill(address: SocketAddr, importer: &mut Importer, random: &mut fastrand::Rng) {
    let mut client = Connection::open(address).unwrap();
    let mut refused = 0;
    while refused < 3 {
        match importer.import(&mut client, random) {
            Outcome::Answered => {}
            Outcome::Unavailable => refused += 1,
            Outcome::Cut => panic!("a full disk is no reason to hang up"),
        }
    }
}

/// Imports until it goes well again and again.
fn go_on(address: SocketAddr, importer: &mut Importer, random: &mut fastrand::Rng) {
    let mut client = Connection::open(address).unwrap();
    let begin = Instant::now();
    while importer.import(&mut client, random) != Outcome::Answered {
        assert!(begin.elapsed() < PATIENCE, "there is space, and imports are still refused");
        thread::sleep(Duration::from_millis(10)); // a client that is told to come later does so
    }
    for _ in 0..10 {
        assert_eq!(importer.import(&mut client, random), Outcome::Answered);
    }
}

/// A small disk. It is unmounted with its value.
struct Disk {
    folder: TempDir,
}

impl Disk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={}", SPACE + BALLAST);
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { folder });
        }
        const LINE: &str = "NOT RUN: a small disk cannot be mounted here (root can)";
        assert!(env::var_os("CI").is_none(), "{LINE}");
        // Not by `eprintln`, which the test harness would keep to itself.
        let _nobody_reads_it = io::stderr().write_all(format!("{LINE}\n").as_bytes());
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// As much of it as fits.
    fn put_ballast(&self) {
        let mut file = fs::File::create(self.ballast()).unwrap();
        let piece = vec![1; 64 << 10];
        for _ in 0..BALLAST / piece.len() {
            if file.write_all(&piece).is_err() {
                return;
            }
        }
    }

    fn remove_ballast(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, since a server may still be ending where the test has failed.
        let _nobody_is_left_to_tell = Command::new("umount").arg("--lazy").arg(self.path()).output();
    }
}
