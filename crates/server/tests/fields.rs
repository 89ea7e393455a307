//! What a database says of its fields: that they are required, that no two profiles may have the same value, and that they
//! can be searched by.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{Connection, GET, IMPORT, authorised, desk::Desk, json, post, serve};
use rollcall_model::world::World;
use rollcall_server::{service::Service, world_file};
use rollcall_store::{disk::DiskStore, memory::MemoryStore, transaction::Store};
use serde_json::{Value, json as value};
use std::{
    sync::{Arc, Barrier},
    thread,
};

const WORLD: &str = r#"
[[tokens]]
token = "abcdefghijklmnqrstuvwxyz"
databases = [1, 2]

[[databases]]
id = 1
name = "Customers"
fields = [
  { name = "card", type = "string", unique = true },
  { name = "number", type = "int", unique = true },
  { name = "backup", type = "email", unique = true },
  { name = "tier", type = "string", required = true },
  { name = "note", type = "string", indexed = false },
]

[[databases]]
id = 2
name = "Partners"
fields = [{ name = "card", type = "string" }]

[[resources]]
id = 1
name = "Shop"
databases = [1]
channels = ["sms"]
"#;

fn world(text: &str) -> World {
    world_file::read(text, "world.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn service() -> Service {
    Service::new(world(WORLD), Arc::new(MemoryStore::new()))
}

/// The answer to an import: the profile's identifier, or number and text of the refusal.
fn import(service: &Service, request: Value) -> Result<String, (u64, String)> {
    let answer = json(&post(service, IMPORT, &authorised(request)).body);
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    match answer["error"].as_u64().unwrap() {
        0 => Ok(text("profile_id")),
        error => Err((error, text("error_text"))),
    }
}

/// An import of the person with this e-mail address, who has what is required.
fn person(service: &Service, name: &str, mut data: Value) -> Result<String, (u64, String)> {
    let email = format!("{name}@example.com");
    data["email"] = email.clone().into();
    data["tier"] = "gold".into();
    import(service, value!({ "email": email, "data": data }))
}

fn stored(service: &Service, id: &str) -> Value {
    json(&post(service, GET, &authorised(value!({ "profile_id": id }))).body)["data"].clone()
}

fn lacks_tier() -> Result<String, (u64, String)> {
    Err((400, "Incorrect request: parameter is missing: data.tier: the database requires it".into()))
}

#[test]
fn nobody_is_created_without_what_is_required() {
    let service = service();
    assert_eq!(import(&service, value!({ "email": "a@example.com", "data": { "card": "1" } })), lacks_tier());
    assert_eq!(import(&service, value!({ "email": "a@example.com", "data": {} })), lacks_tier());
    let not_found = json(&post(&service, GET, &authorised(value!({ "email": "a@example.com" }))).body);
    assert_eq!(not_found["error"], 404);
    assert!(person(&service, "a", value!({})).is_ok());
}

#[test]
fn the_matching_value_counts_as_given() {
    let by_tier = value!({ "matching": "custom", "field_name": "tier", "field_value": "gold", "data": {} });
    assert!(import(&service(), by_tier).is_ok());
}

#[test]
fn what_is_required_cannot_be_cleared() {
    let service = service();
    let id = person(&service, "a", value!({})).unwrap();
    for cleared in [value!(null), value!({ "action": "unset" })] {
        let request = value!({ "profile_id": id, "data": { "tier": cleared, "card": "7" } });
        assert_eq!(import(&service, request), lacks_tier());
    }
    let profile = stored(&service, &id);
    assert_eq!((&profile["tier"], profile.get("card")), (&value!("gold"), None));
    assert_eq!(import(&service, value!({ "profile_id": id, "data": { "card": "7" } })), Ok(id), "it has it already");
}

#[test]
fn a_profile_from_before_it_was_required_is_completed_by_the_next_import_that_gives_fields() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let before = Service::new(world(&WORLD.replace(", required = true", "")), Arc::clone(&store));
    let id = import(&before, value!({ "email": "a@example.com", "data": {} })).unwrap();
    let service = Service::new(world(WORLD), store);
    let update = |data: Value| import(&service, value!({ "profile_id": id, "data": data }));
    assert_eq!(update(value!({ "card": "7" })), lacks_tier());
    let sms = value!([{ "resource_id": 1, "channel": "sms", "phone": "+79000000000" }]);
    assert_eq!(update(value!({ "subscriptions": sms })), Ok(id.clone()), "subscriptions alone go on working");
    assert_eq!(update(value!({ "card": "7", "tier": "gold" })), Ok(id.clone()));
}

#[test]
fn a_unique_value_belongs_to_one_profile_of_its_database_until_it_is_given_up() {
    let unique = [
        ("card", value!("A1"), value!("A2")),
        ("number", value!(7), value!(8)),
        ("backup", value!("X@example.com"), value!("y@example.com")),
    ];
    for (field, mine, another) in unique {
        let service = service();
        let ann = person(&service, "ann", value!({ field: mine })).unwrap();
        let ben = person(&service, "ben", value!({ field: another })).unwrap();
        let taken = Err((409, format!("Conflict: value belongs to another profile: data.{field}")));
        assert_eq!(person(&service, "ben", value!({ field: mine, "note": "new" })), taken);
        assert_eq!(person(&service, "cat", value!({ field: mine })), taken, "not for a new one either");
        let kept = stored(&service, &ben);
        assert_eq!((&kept[field], kept.get("note")), (&another, None), "nothing of it is stored");
        assert_eq!(person(&service, "ann", value!({ field: mine, "note": "new" })), Ok(ann.clone()), "its own");
        assert_eq!(person(&service, "ann", value!({ field: null })), Ok(ann));
        assert_eq!(person(&service, "ben", value!({ field: mine })), Ok(ben));
    }
}

#[test]
fn a_unique_value_is_compared_as_it_is_searched_for() {
    let service = service();
    person(&service, "ann", value!({ "backup": "Box@Example.com", "number": "7" })).unwrap();
    assert_eq!(person(&service, "ben", value!({ "backup": "box@example.com" })).unwrap_err().0, 409);
    assert_eq!(person(&service, "ben", value!({ "number": { "action": "incr", "value": 7 } })).unwrap_err().0, 409);
    assert!(person(&service, "ben", value!({ "number": "07.5" })).is_err());
    assert!(person(&service, "ben", value!({ "number": 8 })).is_ok());
}

#[test]
fn the_systems_email_is_refused_under_its_own_reason() {
    let service = service();
    person(&service, "ann", value!({})).unwrap();
    let ben = person(&service, "ben", value!({})).unwrap();
    let taken = import(&service, value!({ "profile_id": ben, "data": { "email": "ANN@example.com" } }));
    assert_eq!(taken, Err((409, "Conflict: e-mail belongs to another profile: data.email".into())));
}

#[test]
fn another_database_may_have_the_same_value() {
    let service = service();
    person(&service, "ann", value!({ "card": "A1" })).unwrap();
    for name in ["ann", "ben"] {
        let mut request = authorised(value!({ "email": format!("{name}@example.com"), "data": { "card": "A1" } }));
        request["db_id"] = 2.into();
        assert_eq!(json(&post(&service, IMPORT, &request).body)["error"], 0);
    }
}

#[test]
fn a_field_that_is_not_indexed_is_stored_but_not_searched_by() {
    let service = service();
    let id = person(&service, "ann", value!({ "note": "x" })).unwrap();
    assert_eq!(stored(&service, &id)["note"], "x");
    let search = value!({ "matching": "custom", "field_name": "note", "field_value": "x" });
    let mut request = search.clone();
    request["data"] = value!({});
    let refused =
        "Incorrect request: incorrect value: field_name: field \"note\" is not indexed, so that nothing is found by it";
    assert_eq!(import(&service, request), Err((400, refused.into())));
    let shown = json(&post(&service, GET, &authorised(search)).body);
    assert_eq!((&shown["error"], &shown["error_text"]), (&value!(400), &value!(refused)));
}

#[test]
fn a_load_refuses_a_value_that_belongs_to_another_profile() {
    let desk = Desk::new();
    desk.write("world.toml", WORLD);
    desk.write("people.jsonl", "{\"db_id\": 1, \"card\": \"A1\"}\n{\"db_id\": 1, \"card\": \"A1\"}\n");
    let loaded = desk.load("store", &["--world", "world.toml", "people.jsonl"]);
    let errors = String::from_utf8_lossy(&loaded.stderr);
    assert!(!loaded.status.success() && errors.contains("people.jsonl:2: card: belongs to profile"), "{errors}");
}

const RIVALS: usize = 16;
const ROUNDS: usize = 50;

#[test]
fn of_many_who_want_a_value_at_once_one_gets_it_in_memory() {
    check_race(Arc::new(MemoryStore::new()));
}

#[test]
fn of_many_who_want_a_value_at_once_one_gets_it_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    check_race(Arc::new(DiskStore::open(folder.path()).unwrap()));
}

/// Everybody has an e-mail address of their own, and all want one card in each round.
fn check_race(store: Arc<dyn Store>) {
    let server = serve(world(WORLD), Arc::clone(&store));
    let together = Barrier::new(RIVALS);
    let rival = &|number: usize| {
        let mut client = Connection::open(server.address).unwrap();
        let email = format!("{number}@example.com");
        let import = |round: usize| {
            let data = value!({ "email": email, "tier": "gold", "card": format!("card {round}") });
            together.wait();
            let answer = client.post(IMPORT, &authorised(value!({ "email": email, "data": data })));
            answer.map_or(Value::Null, |answer| answer.json()["error"].clone())
        };
        (0..ROUNDS).map(import).collect::<Vec<_>>()
    };
    let answers: Vec<Vec<Value>> = thread::scope(|scope| {
        let rivals: Vec<_> = (0..RIVALS).map(|number| scope.spawn(move || rival(number))).collect();
        rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
    });
    for round in 0..ROUNDS {
        let of_round: Vec<_> = answers.iter().map(|answers| &answers[round]).collect();
        assert_eq!(of_round.iter().filter(|error| ***error == 0).count(), 1, "round {round}: {of_round:?}");
        assert_eq!(of_round.iter().filter(|error| ***error == 409).count(), RIVALS - 1, "round {round}: {of_round:?}");
    }
    server.stop();
    store.close().unwrap();
}
