//! The database of two servers is stopped and started again while many clients import: the servers say so meanwhile, go on
//! by themselves, and have lost and doubled nothing.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection,
    people::{Importer, Outcome, check_all, importers},
    program::Place,
    request_text,
};
use rollcall_testbed::{
    chance,
    postgres::{self, Stop},
    server::Server,
};
use std::{
    net::SocketAddr,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

const CLIENTS: usize = 6;

/// How many answers there are at least between one stop and the next.
const ANSWERS: usize = 100;

/// How long the servers may take to come back, and for how long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn servers_outlive_their_database_and_keep_what_they_answered() {
    let Some(cluster) = postgres::start_for_a_test() else { return };
    let place = Place::new();
    let servers = place.start_two_on(&cluster.new_database().unwrap());
    let mut random = chance::part(chance::seed().unwrap(), 0);
    let mut importers = importers(CLIENTS);
    let goes_on = &AtomicBool::new(true);
    let (told, tells) = mpsc::channel();
    thread::scope(|scope| {
        let _ends_the_clients_even_by_a_panic = Until(goes_on);
        for (number, importer) in importers.iter_mut().enumerate() {
            let (address, random, told) = (servers[number % 2].address, random.fork(), told.clone());
            scope.spawn(move || import_while(goes_on, address, importer, random, &told));
        }
        for how in [Stop::Fast, Stop::Immediate, Stop::Immediate] {
            wait_for(&tells, Outcome::Answered, random.usize(ANSWERS..2 * ANSWERS));
            cluster.stop(how).unwrap();
            wait_for(&tells, Outcome::Unavailable, CLIENTS);
            check_probes(&servers, 503);
            cluster.start_again().unwrap();
            wait_for(&tells, Outcome::Answered, ANSWERS);
            check_probes(&servers, 200);
        }
    });
    servers.iter().for_each(|server| check_all(server.address, &mut importers));
}

/// Clears the flag with its value.
struct Until<'a>(&'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn import_while(
    goes_on: &AtomicBool,
    address: SocketAddr,
    importer: &mut Importer,
    mut random: fastrand::Rng,
    told: &Sender<Outcome>,
) {
    let mut client = Connection::open(address).unwrap();
    while goes_on.load(Ordering::Relaxed) {
        let outcome = importer.import(&mut client, &mut random);
        assert_ne!(outcome, Outcome::Cut, "the server itself is well");
        let _nobody_listens_in_the_end = told.send(outcome);
        if outcome == Outcome::Unavailable {
            thread::sleep(Duration::from_millis(5)); // a client that is told to come later does so
        }
    }
}

fn wait_for(tells: &Receiver<Outcome>, wanted: Outcome, mut times: usize) {
    while times > 0 {
        let outcome = tells.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no import is {wanted:?} any more"));
        times -= usize::from(outcome == wanted);
    }
}

/// That the processes are well, and that their stores are said to be so, or not.
fn check_probes(servers: &[Server], of_the_store: u16) {
    for server in servers {
        let mut client = Connection::open(server.address).unwrap();
        let mut status = |path| {
            client.send(request_text("GET", path, &[], None)).unwrap();
            client.receive().unwrap().status
        };
        assert_eq!((status("/healthz"), status("/readyz")), (200, of_the_store), "{}", server.log());
    }
}
