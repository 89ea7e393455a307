//! The OpenAPI document: it is one, has every call, and says of requests and answers what is so.
//!
//! `oas-3.1.json` is the schema that the OpenAPI Initiative publishes for such documents, byte for byte (Apache-2.0).

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

#[path = "../common/mod.rs"]
mod common;

use common::{answer, authorised, call, documented_world, json, post};
use jsonschema::Validator;
use rollcall_codec::format::Format;
use rollcall_model::response_code::ResponseCode;
use rollcall_server::{openapi, probes::PROBES, routes::ROUTES, service::Service};
use rollcall_store::memory::MemoryStore;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

#[test]
fn is_an_openapi_document() {
    let published = serde_json::from_str(include_str!("oas-3.1.json")).unwrap();
    check(&jsonschema::validator_for(&published).unwrap(), &openapi::document(), "the document");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = openapi::document();
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > ROUTES.len(), "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn has_every_call_and_every_question() {
    let document = openapi::document();
    let paths: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let known = ROUTES.iter().map(|route| route.path).chain(PROBES.iter().map(|probe| probe.path));
    assert_eq!(paths, known.collect());
}

#[test]
fn a_call_can_be_answered_with_every_number_and_no_other() {
    let document = openapi::document();
    let mut known: BTreeSet<_> = ResponseCode::ALL.iter().map(|code| code.number().to_string()).collect();
    known.remove("0");
    known.insert("200".to_owned());
    for route in ROUTES {
        let responses = document["paths"][route.path]["post"]["responses"].as_object().unwrap();
        assert_eq!(responses.keys().cloned().collect::<BTreeSet<_>>(), known, "{}", route.path);
    }
}

#[test]
fn the_documented_examples_fit_and_are_taken() {
    let document = openapi::document();
    for &format in Format::ALL {
        let content = &document["paths"][ROUTES[0].path]["post"]["requestBody"]["content"][format.media_types()[0]];
        let examples = content["examples"].as_object().unwrap();
        assert_eq!(examples.len(), 3, "{format:?}");
        for (name, example) in examples {
            let text = example["value"].as_str().map_or_else(|| example["value"].to_string(), str::to_owned);
            if format == Format::Json {
                check(&validator(&document, &content["schema"]), &example["value"], name);
            }
            let reply = answer(&service(), call(ROUTES[0].path, format, text.as_bytes()));
            assert_eq!(reply.code, ResponseCode::Success, "{name} in {format:?}");
        }
    }
}

/// One request to each call that takes effect, in an order in which each finds what it needs; `ID` is the profile's.
fn requests() -> Vec<(&'static str, Value)> {
    let ann = "ann@example.com";
    let subscription = json!({ "resource_id": 1, "channel": "email", "email": ann });
    let data = json!({
        "email": ann, "phones": ["+79000000001"], "_bdate": "1990-02-22", "_sex": "female", "_tz": "Europe/Moscow",
        "_regip": "2001:db8::1", "_lat": 54.6, "_status": 0, "custom_enum": "gold", "custom_tags": ["a"],
        "custom_object": { "a": [1] }, "custom_objects": [{ "a": 1 }], "subscriptions": [
            subscription,
            { "resource_id": 1, "channel": "sms", "phone": "+79000000001", "cats": ["category_1"] },
            { "resource_id": 1, "channel": "push", "provider": "p", "subscription_id": "s" },
            { "resource_id": 1, "channel": "telegram_bot", "cc_data": { "id": 1 }, "status": 5 },
            { "resource_id": 1, "channel": "max_bot", "cc_data": { "chat_id": "1" } },
        ],
    });
    let one = |email: &str| json!({ "email": email });
    let of_ann = |mut more: Value| {
        more["profile_id"] = "ID".into();
        more
    };
    vec![
        ("profiles/import", json!({ "email": ann, "add_to_segments": [1], "data": data })),
        ("profiles/import", json!({ "email": ann, "explain": true, "data": { "_fname": "Ann" } })),
        ("profiles/import", json!({ "email": "new@example.com", "dry_run": true, "data": {} })),
        ("profiles/update", json!({ "email": ann, "data": { "custom_int": { "action": "incr", "value": 1 } } })),
        ("profiles/add", json!({ "data": one("bob@example.com") })),
        ("profiles/import_batch", json!({ "data": [one(ann), { "email": "no address" }, one("c@example.com")] })),
        ("profiles/update_batch", json!({ "data": [one(ann), one("nobody@example.com")] })),
        ("profiles/add_batch", json!({ "data": [one("d@example.com"), one(ann)] })),
        ("profiles/get", json!({ "email": ann })),
        ("profiles/list", json!({ "limit": 2 })),
        ("profiles/segstatic/add", of_ann(json!({ "segment_id": 2 }))),
        ("profiles/segstatic/remove", of_ann(json!({ "segment_id": 2 }))),
        ("subscriptions/set", of_ann(subscription.clone())),
        ("subscriptions/get", of_ann(subscription)),
        ("subscriptions/list", of_ann(json!({}))),
        ("resources/get", json!({ "id": 1 })),
        ("resources/fields_get", json!({ "id": 1 })),
        ("databases/list", json!({})),
        ("databases/fields_get", json!({})),
        ("profiles/delete", json!({ "email": ann })),
        ("outbox/list", json!({})),
        ("outbox/retry", json!({ "events": [1] })),
        ("outbox/drop", json!({ "events": [1] })),
    ]
}

#[test]
fn requests_and_answers_of_every_call_are_as_it_says() {
    let (document, service) = (openapi::document(), service());
    let mut id = String::new();
    let mut called = BTreeSet::new();
    for (name, request) in requests() {
        let path = ROUTES.iter().map(|route| route.path).find(|path| path.ends_with(&format!("/{name}"))).unwrap();
        let request: Value = serde_json::from_str(&authorised(request).to_string().replace("ID", &id)).unwrap();
        let described = &document["paths"][path]["post"];
        let content = |body: &Value| body["content"]["application/json"]["schema"].clone();
        check(&validator(&document, &content(&described["requestBody"])), &request, name);
        let reply = post(&service, path, &request);
        let answered = json(&reply.body);
        assert_eq!(reply.code, ResponseCode::Success, "{name}: {answered}");
        check(&validator(&document, &content(&described["responses"]["200"])), &answered, name);
        if id.is_empty() {
            answered["profile_id"].as_str().unwrap().clone_into(&mut id);
        }
        called.insert(path);
    }
    assert_eq!(called, ROUTES.iter().map(|route| route.path).collect());
}

#[test]
fn refusals_are_as_it_says() {
    let (document, service) = (openapi::document(), service());
    for (request, number) in [
        (json!({}), "401"),
        (json!({ "token": "a guess", "db_id": 1 }), "403"),
        (authorised(json!({ "email": "a@example.com" })), "400"),
        (authorised(json!({ "matching": "profile_id", "profile_id": "0".repeat(24), "data": {} })), "404"),
    ] {
        let described = &document["paths"][ROUTES[0].path]["post"]["responses"][number];
        let target = document.pointer(described["$ref"].as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
        let answered = json(&post(&service, ROUTES[0].path, &request).body);
        assert_eq!(answered["error"].to_string(), number, "{answered}");
        check(&validator(&document, &target["content"]["application/json"]["schema"]), &answered, number);
    }
}

#[test]
fn the_server_shows_it() {
    let call =
        rollcall_server::call::Call { method: "GET", content_type: None, ..call(openapi::PATH, Format::Json, b"") };
    let reply = answer(&service(), call);
    assert_eq!((reply.code, json(&reply.body)), (ResponseCode::Success, openapi::document()));
}

fn service() -> Service {
    Service::new(documented_world(), Arc::new(MemoryStore::new()))
}

/// What says whether something fits this schema of the document.
fn validator(document: &Value, schema: &Value) -> Validator {
    let with_targets = json!({ "allOf": [schema], "components": document["components"] });
    jsonschema::validator_for(&with_targets).unwrap()
}

fn check(validator: &Validator, value: &Value, what: &str) {
    let problems: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{what}: {problems:#?}");
}

fn collect_references<'d>(value: &'d Value, references: &mut Vec<&'d str>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| collect_references(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, references)),
        _ => {}
    }
}
