//! Imports that explain themselves, and imports that are only tried.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{GET, IMPORT, TOKEN, answer, authorised, call, json, post, service};
use rollcall_codec::format::Format;
use rollcall_server::{call::Call, service::Service};
use serde_json::{Value, json as value};

fn import(service: &Service, request: Value) -> Value {
    json(&post(service, IMPORT, &authorised(request)).body)
}

/// The explanation, and the profile that the answer names.
fn explained(service: &Service, mut request: Value) -> (Value, Value) {
    request["explain"] = true.into();
    let answer = import(service, request);
    assert_eq!(answer["error"], 0, "{answer}");
    (answer["explain"].clone(), answer["profile_id"].clone())
}

#[test]
fn says_what_was_looked_up_whom_it_found_and_what_changed() {
    let service = service();
    let sms = value!({ "resource_id": 2, "channel": "sms", "phone": "+79000000001" });
    let (new, id) = explained(&service, value!({ "email": "a@example.com", "data": { "subscriptions": [sms] } }));
    assert_eq!(
        (&new["found"], &new["outcome"], &new["profile_id"]),
        (&value!("nobody"), &value!("created"), &Value::Null)
    );
    let places: Vec<_> = new["lookups"].as_array().unwrap().iter().map(|lookup| &lookup["keys"][0]["place"]).collect();
    assert_eq!(places, ["profile_email", "email_subscription"]);
    let changes: Vec<_> = new["changes"].as_array().unwrap().iter().map(|change| &change["change"]).collect();
    assert_eq!(changes, ["field_given", "subscription_added"]);

    let update = value!({ "matching": "phone", "phone": "+79000000001", "data": { "_fname": "Olly" } });
    let (found, updated) = explained(&service, update.clone());
    assert_eq!(
        (&found["matching"], &found["found"], &found["outcome"]),
        (&value!("phone"), &value!("one"), &value!("updated"))
    );
    assert_eq!((&updated, &found["profile_id"]), (&id, &id));
    let last = found["lookups"].as_array().unwrap().last().unwrap();
    let key = value!({ "place": "sms_subscription", "name": null, "value": "+79000000001", "resource_id": null });
    assert_eq!(*last, value!({ "keys": [key], "found": [id], "more": false }));
    let change = value!({ "change": "field_changed", "field": "_fname", "before": null, "after": "Olly" });
    assert_eq!(found["changes"], value!([change]));
    assert_eq!(explained(&service, update).0["outcome"], "unchanged");
}

#[test]
fn says_that_the_oldest_of_several_was_taken_and_shows_ten_of_them() {
    let service = service();
    let same = |number: usize| value!({ "email": format!("{number}@example.com"), "data": { "custom_field": "same" } });
    let ids: Vec<_> = (0..12).map(|number| import(&service, same(number))["profile_id"].clone()).collect();
    let search = value!({ "matching": "custom", "field_name": "custom_field", "field_value": "same", "data": {} });
    let (explained, taken) = explained(&service, search);
    assert_eq!((&explained["found"], &taken), (&value!("oldest"), &ids[0]));
    assert_eq!(explained["lookups"][0]["found"], Value::from(&ids[..10]));
    assert_eq!(explained["lookups"][0]["more"], true);
}

#[test]
fn a_dry_run_stores_nothing_and_names_nobody_who_is_not_there() {
    let service = service();
    let tried = import(&service, value!({ "email": "a@example.com", "data": { "_fname": "Olly" }, "dry_run": true }));
    assert_eq!((&tried["error"], &tried["dry_run"], &tried["profile_id"]), (&value!(0), &value!(true), &Value::Null));
    assert_eq!(tried["explain"]["outcome"], "created");
    let get = authorised(value!({ "email": "a@example.com" }));
    assert_eq!(json(&post(&service, GET, &get).body)["error"], 404);
    let refused =
        import(&service, value!({ "email": "a@example.com", "data": { "_bdate": "never" }, "dry_run": true }));
    assert_eq!(refused["error"], 400);
}

#[test]
fn the_query_asks_too_and_the_body_goes_before_it() {
    let service = service();
    let ask = |query, request: Value| {
        let request = authorised(request).to_string();
        json(&answer(&service, Call { query, ..call(IMPORT, Format::Json, request.as_bytes()) }).body)
    };
    let plain = value!({ "email": "a@example.com", "data": {} });
    assert_eq!(ask("dry_run=1", plain.clone())["explain"]["outcome"], "created");
    assert_eq!(ask("explain=true", plain.clone())["explain"]["outcome"], "created");
    let no = value!({ "email": "a@example.com", "data": {}, "explain": false });
    assert_eq!(ask("explain=1", no)["explain"], Value::Null);
    assert_eq!(ask("explain=perhaps", plain)["error"], 400);
}

#[test]
fn explains_in_xml_too() {
    let service = service();
    let request = format!(
        "<xml><token>{TOKEN}</token><db_id>1</db_id><email>a@example.com</email><dry_run>true</dry_run><data><_fname>O</_fname></data></xml>"
    );
    let reply = answer(&service, call(IMPORT, Format::Xml, request.as_bytes()));
    let text = String::from_utf8(reply.body).unwrap();
    for part in [
        "<dry_run>true</dry_run><explain><matching>email</matching>",
        "<keys array='true'><place>profile_email</place><value>a@example.com</value></keys>",
        "<outcome>created</outcome>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
