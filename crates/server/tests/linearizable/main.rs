//! Many clients import, match and read the same few persons at random, over HTTP: whatever they are told, the server might
//! have done one call after the other, each between its sending and its answer. So it is with every store; with PostgreSQL,
//! with two servers on one database.
//!
//! `ROLLCALL_HISTORIES` says how many histories of each store; `cargo xtask ci` asks for 1,000. `ROLLCALL_SEED` repeats what
//! the clients ask, though not how they race.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

mod checker; // is there an order that explains the answers?
mod client; // calls as requests, answers as the model's
mod model; // what one call after the other means
mod racing; // a store that must be caught
#[path = "../common/mod.rs"]
mod common;

use checker::{Entry, is_linearizable};
use client::{Cast, Client, PERSONS};
use common::{
    serve,
    stores::{Fleet, StoreKind},
    world_that_refuses_several,
};
use model::{Answer, Call, Change, Number, Search};
use rollcall_model::profile::ProfileId;
use rollcall_testbed::chance;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// How many clients each history has, and how many calls each of them makes.
const CLIENTS: usize = 5;
const CALLS: usize = 5;

/// How many histories are made at a time, so that a store's commits are of several.
const TEAMS: usize = 3;

/// One call in so many is given up by its client.
const HANGS_UP: u8 = 20;

#[test]
fn histories_of_the_store_in_memory_have_a_serial_order() {
    check(StoreKind::Memory);
}

#[test]
fn histories_of_the_store_on_disk_have_a_serial_order() {
    check(StoreKind::Disk);
}

fn check(kind: StoreKind) {
    let Some(fleet) = Fleet::start(kind) else { return };
    let count = chance::amount("ROLLCALL_HISTORIES", 200).unwrap();
    let seed = chance::seed().unwrap();
    let addresses: Vec<_> = (0..CLIENTS).map(|client| fleet.server(client).address).collect();
    let addresses = &addresses;
    let told: Vec<Told> = thread::scope(|scope| {
        let teams = (0..TEAMS).map(|team| scope.spawn(move || check_every(TEAMS, team, count, seed, addresses)));
        teams.collect::<Vec<_>>().into_iter().map(|team| team.join().unwrap()).collect()
    });
    check_variety(told);
}

/// How often which kind of answer came.
type Told = BTreeMap<&'static str, usize>;

/// Makes and judges one history in so many.
fn check_every(step: usize, first: usize, count: usize, seed: u64, addresses: &[SocketAddr]) -> Told {
    let mut clients: Vec<_> = addresses.iter().map(|address| Client::new(*address)).collect();
    let mut told = Told::new();
    for number in (first..count).step_by(step) {
        let history = record(&mut clients, number, seed);
        assert!(is_linearizable(&history), "ROLLCALL_SEED={seed}, history {number}:\n{}", shown(&history));
        history.iter().for_each(|entry| *told.entry(kind_of_answer(entry)).or_default() += 1);
    }
    told
}

/// That the histories were about something.
fn check_variety(told: Vec<Told>) {
    let mut sum = Told::new();
    told.into_iter().flatten().for_each(|(kind, times)| *sum.entry(kind).or_default() += times);
    println!("{sum:?}");
    for kind in ["imported", "found", "unanswered", "ProfileNotFound", "SeveralFound", "EmailTaken"] {
        assert!(sum.contains_key(kind), "nobody was told {kind}: {sum:?}");
    }
}

fn kind_of_answer(entry: &Entry) -> &'static str {
    match &entry.answered {
        None => "unanswered",
        Some((_, Answer::Imported(_))) => "imported",
        Some((_, Answer::Found(..))) => "found",
        Some((_, Answer::Refused(code))) => code.name(),
    }
}

/// What the clients of one history call at once and are told; and what is there in the end.
fn record(clients: &mut [Client], number: usize, seed: u64) -> Vec<Entry> {
    let cast = Cast { history: number };
    let mut random = chance::part(seed, number);
    let (clock, together) = (&AtomicUsize::new(0), &Barrier::new(clients.len()));
    let mut history: Vec<Entry> = thread::scope(|scope| {
        let calling = clients.iter_mut().map(|client| {
            let random = random.fork();
            scope.spawn(move || {
                together.wait();
                make_calls(client, cast, random, clock)
            })
        });
        calling.collect::<Vec<_>>().into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    for search in (0..PERSONS).flat_map(|person| [Search::Email(person), Search::Phone(person), Search::Field(person)])
    {
        history.push(observe(&mut clients[0], Call::Get(search), cast, clock));
    }
    history
}

fn make_calls(client: &mut Client, cast: Cast, mut random: fastrand::Rng, clock: &AtomicUsize) -> Vec<Entry> {
    let mut known = None;
    let mut entries = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let call = random_call(&mut random, known);
        if random.u8(..HANGS_UP) == 0 {
            let called = clock.fetch_add(1, Ordering::SeqCst);
            client.call_and_hang_up(&call, cast);
            entries.push(Entry { call, called, answered: None });
            continue;
        }
        let entry = observe(client, call, cast, clock);
        if let Some((_, Answer::Imported(id) | Answer::Found(id, _))) = entry.answered {
            known = Some(id);
        }
        entries.push(entry);
    }
    entries
}

fn observe(client: &mut Client, call: Call, cast: Cast, clock: &AtomicUsize) -> Entry {
    let called = clock.fetch_add(1, Ordering::SeqCst);
    let answer = client.call(&call, cast);
    let end = clock.fetch_add(1, Ordering::SeqCst);
    Entry { call, called, answered: answer.map(|answer| (end, answer)) }
}

/// A call about one of the persons, or about the profile that its client knows by name.
fn random_call(random: &mut fastrand::Rng, known: Option<ProfileId>) -> Call {
    let mut person = || random.u8(..PERSONS);
    let (one, other, third, fourth) = (person(), person(), person(), person());
    let search = match random.u8(..8) {
        0..3 => Search::Email(one),
        3..5 => Search::Phone(one),
        5 => Search::Field(one),
        6 => Search::EmailOrPhone(one, other),
        _ => Search::Id(known.unwrap_or(ProfileId([0; 12]))),
    };
    if random.u8(..4) == 0 {
        return Call::Get(search);
    }
    let number = match random.u8(..4) {
        0 => None,
        1 => Some(Number::Set(random.i64(0..100))),
        _ => Some(Number::Increment(random.i64(1..10))),
    };
    let mut seldom = |person| (random.u8(..4) == 0).then_some(person);
    Call::Import(search, Change { email: seldom(third), phone: seldom(fourth), number })
}

fn shown(history: &[Entry]) -> String {
    let mut lines: Vec<_> = history.iter().map(|entry| (entry.called, line(entry))).collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

fn line(Entry { call, called, answered }: &Entry) -> String {
    match answered {
        Some((end, answer)) => format!("{called:>4}-{end:<4} {call:?} -> {answer:?}\n"),
        None => format!("{called:>4}-     {call:?} -> no answer\n"),
    }
}

#[test]
fn a_store_that_matches_outside_of_the_write_is_caught() {
    let seed = chance::seed().unwrap();
    let caught = (0..300).find(|number| !is_linearizable(&record_of_the_racing_store(CLIENTS, *number, seed)));
    println!("caught by history {}", caught.expect("no history told"));
}

#[test]
fn a_store_that_matches_outside_of_the_write_is_right_without_company() {
    let seed = chance::seed().unwrap();
    let histories = (0..30).map(|number| record_of_the_racing_store(1, number, seed));
    // A call that was given up may be company to the next.
    let lonely = |history: &Vec<Entry>| history.iter().all(|entry| entry.answered.is_some());
    let lonely: Vec<_> = histories.filter(lonely).collect();
    assert!(lonely.len() > 5 && lonely.iter().all(|history| is_linearizable(history)));
}

fn record_of_the_racing_store(clients: usize, number: usize, seed: u64) -> Vec<Entry> {
    let server = serve(world_that_refuses_several(), Arc::new(racing::RacingStore::new()));
    let mut clients: Vec<_> = (0..clients).map(|_| Client::new(server.address)).collect();
    let history = record(&mut clients, number, seed);
    drop(clients);
    server.stop();
    history
}
