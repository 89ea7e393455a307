//! Many connections import the same new person at once: one profile, and every answer names it. Ruling M19.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{Connection, GET, IMPORT, authorised, serve, world_that_refuses_several};
use rollcall_store::{disk::DiskStore, memory::MemoryStore, transaction::Store};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Barrier},
    thread,
};

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 200;

/// What a person can be found by, and an import that brings it in some round. A search that finds several profiles is
/// refused by the world these tests use, so that a second profile shows as soon as it is there.
struct Key {
    name: &'static str,
    search: fn(usize) -> Value,
    data: fn(usize) -> Value,
}

const KEYS: &[Key] = &[
    Key {
        name: "e-mail",
        search: |round| json!({ "matching": "email", "email": format!("{round}@example.com") }),
        data: |round| json!({ "email": format!("{round}@example.com") }),
    },
    Key {
        name: "phone",
        search: |round| json!({ "matching": "phone", "phone": 79_000_000_000 + round }),
        data: |round| json!({ "phones": [79_000_000_000 + round] }),
    },
    Key {
        name: "custom value",
        search: |round| json!({ "matching": "custom", "field_name": "custom_int", "field_value": round }),
        data: |round| json!({ "custom_int": round }),
    },
    Key {
        name: "push token",
        search: |round| json!({ "matching": "push_sub", "provider": "Firefox", "subscription_id": round }),
        data: |round| {
            let push = json!({
                "resource_id": 1, "channel": "push", "provider": "Firefox", "subscription_id": round,
            });
            json!({ "subscriptions": [push] })
        },
    },
];

#[test]
fn one_new_person_becomes_one_profile_in_memory() {
    check(Arc::new(MemoryStore::new()));
}

#[test]
fn one_new_person_becomes_one_profile_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    check(Arc::new(DiskStore::open(folder.path()).unwrap()));
}

fn check(store: Arc<dyn Store>) {
    let server = serve(world_that_refuses_several(), Arc::clone(&store));
    let together = Arc::new(Barrier::new(CONNECTIONS));
    let importers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (address, together) = (server.address, Arc::clone(&together));
            thread::spawn(move || answers_to_all_rounds(address, &together))
        })
        .collect();
    let answers: Vec<Vec<String>> = importers.into_iter().map(|importer| importer.join().unwrap()).collect();
    let mut client = server.connect();
    for (turn, (round, key)) in turns().enumerate() {
        let found = client.post(GET, &authorised((key.search)(round))).unwrap().json();
        let id = found["data"]["id"].as_str().unwrap_or_else(|| panic!("round {round}, {}: {found}", key.name));
        for answers in &answers {
            assert!(answers[turn].contains(id), "round {round}, {}: {id}, but {}", key.name, answers[turn]);
        }
    }
    server.stop();
    store.close().unwrap();
}

fn turns() -> impl Iterator<Item = (usize, &'static Key)> {
    (0..ROUNDS).flat_map(|round| KEYS.iter().map(move |key| (round, key)))
}

/// Takes every turn, even after one that failed: the others wait for it.
fn answers_to_all_rounds(address: SocketAddr, together: &Barrier) -> Vec<String> {
    let mut client = Connection::open(address).unwrap();
    let import = |(round, key): (usize, &Key)| {
        let mut request = authorised((key.search)(round));
        request["data"] = (key.data)(round);
        together.wait();
        match client.post(IMPORT, &request) {
            Ok(response) => response.json()["profile_id"].to_string(),
            Err(error) => error.to_string(),
        }
    };
    turns().map(import).collect()
}
