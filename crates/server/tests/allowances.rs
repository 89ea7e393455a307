//! What tokens may do where, and how much of it. Rulings T7, T11.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{GET, IMPORT, answer, call, json, post};
use rollcall_codec::format::Format;
use rollcall_server::{call::Reply, service::Service, world_file};
use rollcall_store::memory::MemoryStore;
use serde_json::{Value, json};
use std::sync::Arc;

const DATABASES: &str = "[[databases]]\nid = 1\nname = 'A'\n[[databases]]\nid = 2\nname = 'B'\n";
const OTHER: &str = "[[tokens]]\ntoken = 'other'\ndatabases = [1]\n";

/// A server that knows the token `secret`, which may do as these lines say, and another one.
fn service(token: &str) -> Service {
    let text = format!("{DATABASES}{OTHER}[[tokens]]\ntoken = 'secret'\n{token}");
    let world = world_file::read(&text, "w.toml").unwrap_or_else(|error| panic!("{error}"));
    Service::new(world, Arc::new(MemoryStore::new()))
}

fn import(token: &str, email: &str) -> Value {
    json!({ "token": token, "db_id": 1, "email": email, "data": { "email": email } })
}

fn numbers<const N: usize>(replies: [Reply; N]) -> [u16; N] {
    replies.map(|reply| reply.code.number())
}

#[test]
fn a_token_that_may_read_does_not_import() {
    let service = service("databases = [1]\nactions = ['read']");
    let refused = post(&service, IMPORT, &import("secret", "a@example.com"));
    assert_eq!(json(&refused.body)["error_text"], "No access: db_id: the token has no right to import here");
    assert_eq!(post(&service, IMPORT, &import("other", "a@example.com")).code.number(), 0);
    assert_eq!(post(&service, GET, &import("secret", "a@example.com")).code.number(), 0);
}

#[test]
fn rights_are_those_of_each_database() {
    let service = service(
        "[[tokens.rights]]\ndatabase = 1\nactions = ['import']\n[[tokens.rights]]\ndatabase = 2\nactions = ['read']",
    );
    let in_database = |path: &str, id: u32| {
        let mut request = import("secret", "a@example.com");
        request["db_id"] = id.into();
        post(&service, path, &request).code.number()
    };
    assert_eq!([in_database(IMPORT, 1), in_database(IMPORT, 2)], [0, 403]);
    assert_eq!([in_database(GET, 1), in_database(GET, 2)], [403, 404]);
}

#[test]
fn too_many_requests_are_refused_in_both_formats_and_say_when_there_may_be_more() {
    let service = service("databases = [1]\nrate_limit = { requests = 3, per = '1h' }");
    let stranger = || post(&service, IMPORT, &import("stranger", "a@example.com"));
    assert_eq!(numbers([(); 9].map(|()| stranger())), [403; 9], "these have no token that could be counted");
    let replies = [(); 4].map(|()| post(&service, IMPORT, &import("secret", "a@example.com")));
    let wait = replies[3].retry_after.unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    assert_eq!(json(&replies[3].body)["error_text"], "Too many requests: the token may send 3 requests in 3600s");
    assert_eq!(numbers(replies), [0, 0, 0, 429]);
    let refused = answer(&service, call(GET, Format::Xml, b"<xml><token>secret</token><db_id>1</db_id></xml>"));
    assert!(refused.retry_after.is_some());
    let text = String::from_utf8(refused.body).unwrap();
    assert!(text.contains("<error>429</error>"), "{text}");
    assert_eq!(post(&service, IMPORT, &import("other", "a@example.com")).code.number(), 0);
}

#[test]
fn what_is_refused_counts_as_a_request_and_not_as_an_import() {
    let service = service(
        "databases = [1]\nrate_limit = { requests = 4, per = '1h' }\ntariff_limit = { profiles = 1, per = '30d' }",
    );
    let mut nobody = import("secret", "nobody@example.com");
    nobody["matching"] = "profile_id".into();
    nobody["profile_id"] = "54759eb3c090d83494e2d804".into();
    let replies = [nobody, json!({ "token": "secret", "db_id": 1 }), import("secret", "a@example.com")];
    let replies = replies.map(|request| post(&service, IMPORT, &request));
    assert_eq!(numbers(replies), [404, 400, 0]);
    let refused = [(); 2].map(|()| post(&service, IMPORT, &import("secret", "a@example.com")));
    assert_eq!(numbers(refused), [402, 429]);
}

#[test]
fn the_tariff_counts_updates_and_creations_and_no_reads() {
    let service = service("databases = [1]\ntariff_limit = { profiles = 2, per = '30d' }");
    let imports = ["a@example.com", "a@example.com", "b@example.com"];
    let replies = imports.map(|email| post(&service, IMPORT, &import("secret", email)));
    assert_eq!(replies[2].retry_after, None, "402 is not about waiting");
    let text = json(&replies[2].body)["error_text"].to_string();
    assert!(text.contains("Tariff limit reached: the token may import 2 profiles in 2592000s"), "{text}");
    assert_eq!(numbers(replies), [0, 0, 402]);
    let read = |email| post(&service, GET, &import("secret", email));
    assert_eq!(numbers(["a@example.com", "b@example.com"].map(read)), [0, 404]);
    let xml = "<xml><token>secret</token><db_id>1</db_id><email>a@example.com</email><data></data></xml>";
    let refused = answer(&service, call(IMPORT, Format::Xml, xml.as_bytes()));
    assert!(String::from_utf8(refused.body).unwrap().contains("<error>402</error>"));
}

#[test]
fn counts_outlive_an_exchange_of_the_configuration_that_leaves_the_limit_as_it_was() {
    let limited = |requests: u32| {
        let limit = format!("rate_limit = {{ requests = {requests}, per = '1h' }}");
        let text = format!("{DATABASES}[[tokens]]\ntoken = 'secret'\ndatabases = [1]\n{limit}");
        world_file::read(&text, "w.toml").unwrap()
    };
    let service = Service::new(limited(1), Arc::new(MemoryStore::new()));
    let send = || post(&service, IMPORT, &import("secret", "a@example.com")).code.number();
    assert_eq!([send(), send()], [0, 429]);
    service.worlds.exchange(limited(1));
    assert_eq!(send(), 429);
    service.worlds.exchange(limited(2));
    assert_eq!([send(), send(), send()], [0, 0, 429]);
}

#[test]
fn an_explained_import_counts_and_a_dry_run_does_not() {
    let service = service("databases = [1]\ntariff_limit = { profiles = 1, per = '30d' }");
    let send = |extra: &str| {
        let mut request = import("secret", "a@example.com");
        request[extra] = true.into();
        post(&service, IMPORT, &request).code.number()
    };
    assert_eq!(["dry_run", "dry_run", "explain", "explain", "dry_run"].map(send), [0, 0, 0, 402, 0]);
}

#[test]
fn the_items_of_a_batch_count_one_by_one() {
    let service = service("databases = [1]\ntariff_limit = { profiles = 2, per = '30d' }");
    let items = ["a", "b", "c"].map(|name| json!({ "email": format!("{name}@example.com"), "data": {} }));
    let batch = json!({ "token": "secret", "db_id": 1, "data": items });
    let answer = json(&post(&service, "/api/v1.1/profiles/import_batch", &batch).body);
    let text = answer.to_string();
    assert_eq!(text.matches("Tariff limit reached").count(), 1, "{text}");
}
