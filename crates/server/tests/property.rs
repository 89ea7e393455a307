//! Properties of any import: the same one twice is the same as once, and the order of its keys means nothing.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    GET, IMPORT, answer, authorised, call, json,
    modes::{Contact, MODES, email, merged, phone},
    post, service, without_short_names,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use rollcall_codec::format::Format;
use rollcall_server::service::Service;
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

proptest! {
    #[test]
    fn the_same_import_twice_is_the_same_as_once(history in vec(request(), 0..4), request in request()) {
        let service = service();
        for earlier in &history {
            post(&service, IMPORT, earlier);
        }
        let request = with_a_known_profile(&service, request);
        let first = json(&post(&service, IMPORT, &request).body);
        let after_the_first = everything(&service);
        let second = json(&post(&service, IMPORT, &request).body);
        prop_assert_eq!(first, second);
        prop_assert_eq!(after_the_first, everything(&service));
    }

    #[test]
    fn the_order_of_keys_means_nothing(request in request(), seed in any::<u64>()) {
        let outcome_of = |body: String| {
            let service = service();
            let answer = json(&answer(&service, call(IMPORT, Format::Json, body.as_bytes())).body);
            (answer["error_text"].clone(), everything(&service).into_iter().map(without_id).collect::<Vec<_>>())
        };
        let reordered = in_another_order(&request, seed);
        prop_assert_eq!(&serde_json::from_str::<Value>(&reordered).unwrap(), &request);
        prop_assert_eq!(outcome_of(request.to_string()), outcome_of(reordered));
    }
}

/// So few people that requests meet the profiles of earlier ones.
const PEOPLE: std::ops::Range<usize> = 0..3;

/// An import in any mode. What its data says of contacts is about the person it means; its subscriptions may be of
/// others.
fn request() -> impl Strategy<Value = Value> {
    (select(MODES), PEOPLE, fields(), vec(subscription(), 0..4), option::weighted(0.3, any::<bool>()), segments())
        .prop_map(|(mode, who, (own, more), mut subscriptions, skip_invalid, segments)| {
            subscriptions.extend(mode.needs.map(|contact| contact.subscription(who)));
            let mut data = merged(own(who), more);
            data["subscriptions"] = subscriptions.into();
            let mut request = merged((mode.identifiers)(who), segments);
            request["data"] = data;
            if let Some(skip) = skip_invalid {
                request["skip_invalid_subscriptions"] = skip.into();
            }
            authorised(request)
        })
}

/// What of the person itself is given, and other fields: values, clearings, and functional updates that may be
/// repeated.
fn fields() -> impl Strategy<Value = (fn(usize) -> Value, Value)> {
    let own: &[fn(usize) -> Value] = &[
        |_| json!({}),
        |who| json!({ "email": email(who) }),
        |who| json!({ "phones": [phone(who)] }),
        |who| json!({ "email": email(who), "phones": phone(who), "custom_field": who }),
    ];
    let more = [
        json!({ "_fname": "Olly", "_sex": 1, "custom_float": 0.5 }),
        json!({ "_fname": null, "custom_tags": null, "_lname": "Lambert" }),
        json!({ "custom_tags": ["a", "b", "a"], "custom_object": { "a": [1, { "b": null }], "c": "d" } }),
        json!({ "custom_tags": { "action": "add", "value": ["c"] }, "custom_int": { "action": "set", "value": "7" } }),
        json!({ "custom_tags": { "action": "delete", "value": "a" }, "_bdate": "1990-02-22", "custom_enum": "gold" }),
        json!({ "custom_object": { "action": "upsert", "submatch": "a.b", "value": 1 } }),
        json!({}),
    ];
    (select(own), select(more.to_vec()))
}

fn subscription() -> impl Strategy<Value = Value> {
    let contact = prop_oneof![
        4 => select(&[Contact::Email, Contact::Phone, Contact::Push, Contact::Bot][..]),
        1 => Just(Contact::Broken),
    ];
    let parts = [
        json!({}),
        json!({ "status": "unsubscribed", "priority": 2 }),
        json!({ "status": -1, "priority": -1, "cats": null }),
        json!({ "custom_fields": { "_os": "Linux" } }),
    ];
    (contact, PEOPLE, select(parts.to_vec())).prop_map(|(contact, who, parts)| merged(contact.subscription(who), parts))
}

fn segments() -> impl Strategy<Value = Value> {
    select(vec![
        json!({}),
        json!({ "add_to_segments": [1, 2, 1] }),
        json!({ "remove_from_segments": 1, "add_to_segments": [2] }),
    ])
}

/// A request that means a profile by its identifier, for one that is there, if there is one.
fn with_a_known_profile(service: &Service, mut request: Value) -> Value {
    if request["matching"] == "profile_id"
        && let Some(profile) = everything(service).into_iter().find(|profile| !profile.is_null())
    {
        request["profile_id"] = profile["id"].clone();
    }
    request
}

/// The profile that each search finds; null where there is none.
fn everything(service: &Service) -> Vec<Value> {
    let searches = PEOPLE.flat_map(|who| MODES.iter().map(move |mode| authorised((mode.identifiers)(who))));
    searches.map(|search| json(&post(service, GET, &search).body)["data"].take()).collect()
}

fn without_id(mut profile: Value) -> Value {
    if let Some(members) = profile.as_object_mut() {
        members.remove("id");
    }
    if profile.is_null() { profile } else { without_short_names(profile) }
}

/// The same value as text, with the members of each object in an order that depends on the seed.
fn in_another_order(value: &Value, seed: u64) -> String {
    let rank = |name: &str| {
        let mut hasher = DefaultHasher::new();
        (seed, name).hash(&mut hasher);
        hasher.finish()
    };
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| rank(name));
            let member = |(name, value): (&String, &Value)| format!("{name:?}:{}", in_another_order(value, seed));
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| in_another_order(item, seed)).collect();
            format!("[{}]", items.join(","))
        }
        scalar => scalar.to_string(),
    }
}
