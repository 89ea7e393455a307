//! What imports do together: searches by every type of field, functional updates that cannot be applied, and e-mail
//! addresses that change hands.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{GET, IMPORT, authorised, json, post};
use rollcall_server::{service::Service, world_file};
use rollcall_store::memory::MemoryStore;
use serde_json::{Value, json as value};
use std::sync::Arc;

/// A database and a resource, each with a field of every type that can be searched for, under the same name.
const WORLD: &str = r#"
[[tokens]]
token = "abcdefghijklmnqrstuvwxyz"
databases = [1]

[[databases]]
id = 1
name = "Customers"
fields = FIELDS

[[resources]]
id = 1
name = "Shop"
databases = [1]
channels = ["sms"]
fields = FIELDS
"#;

const FIELDS: &str = r#"[
  { name = "a_string", type = "string" }, { name = "an_int", type = "int" }, { name = "a_float", type = "float" },
  { name = "a_date", type = "date" }, { name = "a_bool", type = "bool" }, { name = "an_ip", type = "ip" },
  { name = "an_enum", type = "enum", options = ["bronze", "silver"] }, { name = "tags", type = "tags" },
]"#;

fn service() -> Service {
    let world =
        world_file::read(&WORLD.replace("FIELDS", FIELDS), "world.toml").unwrap_or_else(|error| panic!("{error}"));
    Service::new(world, Arc::new(MemoryStore::new()))
}

/// The answer to an import: the profile's identifier, or the refusal's text.
fn import(service: &Service, request: Value) -> Result<String, String> {
    let answer = json(&post(service, IMPORT, &authorised(request)).body);
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    if answer["error"] == 0 { Ok(text("profile_id")) } else { Err(text("error_text")) }
}

fn stored(service: &Service, id: &str) -> Value {
    json(&post(service, GET, &authorised(value!({"profile_id": id}))).body)["data"].clone()
}

fn sms(phone: &str, fields: Value) -> Value {
    value!({"resource_id": 1, "channel": "sms", "phone": phone, "custom_fields": fields})
}

/// A value of each type as it is stored, and another spelling that searches for the same.
fn spellings() -> [(&'static str, Value, Value); 8] {
    [
        ("a_string", value!("x"), value!("x")),
        ("an_int", value!(5), value!("05")),
        ("a_float", value!(0.5), value!("0.50")),
        ("a_date", value!("2024-05-27"), value!("2024-05-27T03:00:00+03:00")),
        ("a_bool", value!(true), value!("true")),
        ("an_ip", value!("::1"), value!("0:0:0:0:0:0:0:1")),
        ("an_enum", value!("silver"), value!(1)),
        ("tags", value!(["a", "b", "c"]), value!("c, a")),
    ]
}

#[test]
fn a_custom_field_of_any_type_is_found_however_the_value_is_spelled() {
    for (field, stored, sought) in spellings() {
        let service = service();
        let created = import(&service, value!({"email": "a@example.com", "data": {field: stored}}));
        let found =
            import(&service, value!({"matching": "custom", "field_name": field, "field_value": sought, "data": {}}));
        assert_eq!(created, found, "{field}");
    }
}

#[test]
fn a_subscription_field_of_any_type_is_found_however_the_value_is_spelled() {
    for (field, stored, sought) in spellings() {
        let service = service();
        let subscriptions = value!([sms("+79000000000", value!({field: stored}))]);
        let created = import(&service, value!({"email": "a@example.com", "data": {"subscriptions": subscriptions}}));
        let by_field = value!({"matching": "custom_sub", "field_name": field, "field_value": sought, "data": {}});
        assert_eq!(created, import(&service, by_field), "{field}");
    }
}

#[test]
fn a_subscription_whose_update_cannot_be_applied_is_refused_by_its_place_or_left_out() {
    let service = service();
    let subscriptions = |by: i64| {
        value!([
            {"resource_id": 9},
            sms("+79000000000", value!({"an_int": {"action": "incr", "value": by}, "a_string": "changed"})),
            sms("+79000000001", value!({})),
        ])
    };
    let request = |by, skip: bool| value!({"email": "a@example.com", "skip_invalid_subscriptions": skip, "data": {"subscriptions": subscriptions(by)}});
    let id = import(&service, request(i64::MAX, true)).unwrap();
    assert_eq!(import(&service, request(1, true)), Ok(id.clone()));
    let subscriptions = stored(&service, &id)["subscriptions"].clone();
    assert_eq!(subscriptions[0]["custom_fields"], value!({"an_int": i64::MAX, "a_string": "changed"}));
    assert_eq!(subscriptions.as_array().unwrap().len(), 2);

    let only_the_second = value!({"email": "a@example.com", "data": {"subscriptions": [
        sms("+79000000001", value!({})),
        sms("+79000000000", value!({"an_int": {"action": "incr", "value": 1}})),
    ]}});
    assert_eq!(
        import(&service, only_the_second),
        Err("Incorrect request: invalid subscription: data.subscriptions[1].custom_fields.an_int: the sum is out of range".into())
    );
}

#[test]
fn an_email_belongs_to_one_profile_until_it_is_given_up() {
    let service = service();
    let by_code = |code: &str, email: &str| value!({"matching": "custom", "field_name": "a_string", "field_value": code, "data": {"a_string": code, "email": email}});
    let ann = import(&service, by_code("ann", "ann@example.com")).unwrap();
    let ben = import(&service, by_code("ben", "ben@example.com")).unwrap();
    let taken = import(&service, by_code("ben", "ANN@example.com")).unwrap_err();
    assert!(taken.starts_with("Conflict: e-mail belongs to another profile: data.email"), "{taken}");
    assert_eq!(stored(&service, &ben)["email"], "ben@example.com");
    assert_eq!(import(&service, by_code("ann", "Ann@Example.com")), Ok(ann.clone()), "its own, in another spelling");
    assert_eq!(import(&service, by_code("ann", "new@example.com")), Ok(ann));
    assert_eq!(import(&service, by_code("ben", "ann@example.com")), Ok(ben));
}

#[test]
fn invalid_subscriptions_are_left_out_or_fail_the_request_whatever_is_beside_them() {
    let good = || sms("+79000000000", value!({}));
    let bad: [fn() -> Value; 6] = [
        || value!({"resource_id": 9, "channel": "sms", "phone": "+79000000001"}),
        || value!({"resource_id": 1, "channel": "email", "email": "a@example.com"}),
        || value!({"resource_id": 1, "channel": "sms"}),
        || value!({"resource_id": 1, "channel": "sms", "phone": "+79000000001", "cats": ["unknown"]}),
        || value!({"resource_id": 1, "channel": "sms", "phone": "+79000000001", "date": "soon"}),
        || sms("+79000000001", value!({"an_int": "x"})),
    ];
    for bad in bad {
        for subscriptions in [vec![bad()], vec![bad(), good()], vec![good(), bad()], vec![bad(), good(), bad()]] {
            let service = service();
            let first_bad = usize::from(subscriptions[0] == good());
            let kept = subscriptions.iter().filter(|subscription| **subscription == good()).count();
            let request = |skip: Value| {
                value!({"email": "a@example.com", "skip_invalid_subscriptions": skip,
                "data": {"a_string": "x", "subscriptions": subscriptions}})
            };
            for refusing in [value!(false), value!(null)] {
                let refused = import(&service, request(refusing)).unwrap_err();
                let place = format!("invalid subscription: data.subscriptions[{first_bad}]");
                assert!(refused.contains(&place), "{place}: {refused}");
                let nobody = json(&post(&service, GET, &authorised(value!({"email": "a@example.com"}))).body);
                assert_eq!(nobody["error"], 404, "nothing is stored: {nobody}");
            }
            let profile = stored(&service, &import(&service, request(value!(true))).unwrap());
            assert_eq!(profile["a_string"], "x");
            assert_eq!(profile["subscriptions"].as_array().unwrap().len(), kept, "{profile}");
        }
    }
}

#[test]
fn what_is_no_list_of_subscriptions_is_one_invalid_subscription() {
    let service = service();
    let request = |skip: bool| value!({"email": "a@example.com", "skip_invalid_subscriptions": skip, "data": {"subscriptions": "all"}});
    assert!(import(&service, request(false)).unwrap_err().contains("data.subscriptions"));
    let id = import(&service, request(true)).unwrap();
    assert_eq!(stored(&service, &id)["subscriptions"], value!([]));
}

#[test]
fn a_subscription_is_shown_with_its_short_name_and_how_it_came_about() {
    let service = service();
    let made = value!({"date": "2024-05-27T12:00:00+03:00", "ip": "203.0.113.7", "url": "www.example.com"});
    let import_with = |phone: &str, parts: &Value| {
        let mut subscription = sms(phone, value!({}));
        parts.as_object().unwrap().iter().for_each(|(name, value)| subscription[name] = value.clone());
        let id =
            import(&service, value!({"email": "a@example.com", "data": {"subscriptions": [subscription]}})).unwrap();
        stored(&service, &id)["subscriptions"].clone()
    };
    let first = import_with("+79000000000", &made);
    let parts = |shown: &Value| ["date", "ip", "url", "is_delete"].map(|part| shown[part].clone());
    let expected = [value!("2024-05-27T09:00:00Z"), value!("203.0.113.7"), value!("www.example.com"), value!(false)];
    assert_eq!(parts(&first[0]), expected);
    let hash = first[0]["hash_id"].as_str().unwrap();
    assert!(
        hash.len() == 8 && hash.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit)),
        "{hash}"
    );

    let changed = value!({"status": "unsubscribed", "url": "www.example.com/again", "hash_id": "00000000"});
    let second = import_with("+7 900 000-00-00", &changed);
    assert_eq!(second.as_array().unwrap().len(), 1, "{second}");
    assert_eq!((&second[0]["hash_id"], &second[0]["ip"]), (&first[0]["hash_id"], &first[0]["ip"]));
    assert_eq!(second[0]["url"], "www.example.com/again");

    let third = import_with("+79000000001", &value!({}));
    assert!(third[1]["hash_id"] != third[0]["hash_id"] && third[1].get("date").is_none(), "{third}");
}

#[test]
fn a_profile_is_in_the_segments_it_was_added_to_until_it_is_removed() {
    let world = WORLD.replace("FIELDS", FIELDS).replacen(
        "name = \"Customers\"",
        "name = \"Customers\"\nsegments = [{ id = 1, name = \"A\" }, { id = 2, name = \"B\" }]",
        1,
    );
    let world = world_file::read(&world, "world.toml").unwrap_or_else(|error| panic!("{error}"));
    let service = Service::new(world, Arc::new(MemoryStore::new()));
    let segments_after = |change: Value| {
        let mut request = change;
        request["email"] = "a@example.com".into();
        request["data"] = value!({"email": "a@example.com"});
        stored(&service, &import(&service, request).unwrap())["segments"].clone()
    };
    assert_eq!(segments_after(value!({"add_to_segments": [2, 1, 2]})), value!([1, 2]));
    assert_eq!(segments_after(value!({})), value!([1, 2]));
    assert_eq!(segments_after(value!({"add_to_segments": [1], "remove_from_segments": [2]})), value!([1]));
    assert_eq!(segments_after(value!({"remove_from_segments": [2]})), value!([1]), "already out");
}
