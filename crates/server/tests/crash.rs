//! The program is killed at any moment, with its store on disk or with one of two servers on a database: nothing it has
//! answered is forgotten, nothing is half there, and nobody twice.
//!
//! `ROLLCALL_CRASH_ROUNDS` says how many kills with the store on disk; `cargo xtask ci` asks for 200.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection,
    people::{Importer, Outcome, check_all, importers},
    program::{Place, rollcall, run},
};
use rollcall_testbed::{
    chance, postgres,
    server::{Server, Starting},
};
use std::{
    net::SocketAddr,
    sync::mpsc::{self, Sender},
    thread,
    time::Duration,
};

const CONNECTIONS: usize = 8;

/// How often one of two servers on a database is killed.
const DATABASE_ROUNDS: usize = 3;

/// Kills in mid-load come after as many answers at most.
const MOST_ANSWERS: usize = 60;

/// `rollcall check` looks at the folder in every so many rounds.
const ROUNDS_PER_CHECK: usize = 10;

#[test]
fn keeps_every_answered_import_when_it_is_killed() {
    let rounds = chance::amount("ROLLCALL_CRASH_ROUNDS", 20).unwrap();
    let seed = chance::seed().unwrap();
    let place = Place::new();
    let mut importers = importers(CONNECTIONS);
    for round in 0..rounds {
        let mut random = chance::part(seed, round);
        if random.u8(..4) == 0 {
            kill_while_it_starts(&place, round, &mut random); // the first time, while it makes the folder
        }
        if round % ROUNDS_PER_CHECK == ROUNDS_PER_CHECK - 1 {
            check_sound(&place);
        }
        let server = place.start();
        check_touched(server.address, &mut importers);
        kill_while_it_imports(server, &mut importers, round, &mut random);
    }
    check_all(place.start().address, &mut importers);
}

#[test]
fn keeps_in_the_database_what_a_killed_server_answered_for_the_others() {
    let seed = chance::seed().unwrap();
    let Some(cluster) = postgres::shared() else { return };
    let (place, url) = (Place::new(), cluster.new_database().unwrap());
    let mut importers = importers(CONNECTIONS);
    for round in 0..DATABASE_ROUNDS {
        let mut servers = place.start_two_on(&url);
        let (killed, other) = (servers.remove(0), servers.remove(0));
        kill_while_it_imports(killed, &mut importers, round, &mut chance::part(seed, round));
        // As clients do. What the killed server has sent may still be on its way, and must not come in twice.
        let mut client = Connection::open(other.address).unwrap();
        importers.iter_mut().for_each(|importer| importer.repeat_unanswered(&mut client));
        check_all(other.address, &mut importers);
    }
}

/// That the folder that a kill has left is sound.
fn check_sound(place: &Place) {
    let output = run(rollcall().args(["check", "--data"]).arg(place.data()));
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && found.starts_with("sound"),
        "{found}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn check_touched(address: SocketAddr, importers: &mut [Importer]) {
    let mut client = Connection::open(address).unwrap();
    importers.iter_mut().for_each(|importer| importer.check_touched(&mut client));
}

fn kill_while_it_starts(place: &Place, round: usize, random: &mut fastrand::Rng) {
    let moment = Duration::from_micros(random.u64(..50_000));
    println!("round {round}: killed {moment:?} after its start");
    let starting = Starting::new(&mut place.rollcall_on(&place.data())).unwrap();
    thread::sleep(moment); // nothing is waited for: the moment is any
    starting.kill();
}

/// Each connection imports people of its own, new ones and those of earlier rounds, until the server is gone.
fn kill_while_it_imports(server: Server, importers: &mut [Importer], round: usize, random: &mut fastrand::Rng) {
    let answers_until_the_kill = random.usize(1..=MOST_ANSWERS);
    let and_then = Duration::from_micros(random.u64(..3_000));
    println!("round {round}: killed {and_then:?} after answer {answers_until_the_kill}");
    let (answered, answers) = mpsc::channel();
    thread::scope(|scope| {
        for importer in importers {
            let (client, answered) = (Connection::open(server.address).unwrap(), answered.clone());
            let random = random.fork();
            scope.spawn(move || import_until_cut(importer, client, random, &answered));
        }
        drop(answered);
        for _ in 0..answers_until_the_kill {
            answers.recv().unwrap_or_else(|_| panic!("the server went down before it was killed: {}", server.log()));
        }
        thread::sleep(and_then); // nothing is waited for: the moment is any
        server.kill();
    });
}

fn import_until_cut(importer: &mut Importer, mut client: Connection, mut random: fastrand::Rng, answered: &Sender<()>) {
    loop {
        match importer.import(&mut client, &mut random) {
            Outcome::Answered => {
                let _the_kill_may_be_on_its_way = answered.send(());
            }
            Outcome::Unavailable => panic!("a healthy store does not refuse imports"),
            Outcome::Cut => return,
        }
    }
}
