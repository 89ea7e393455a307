//! The calls around the import, in both formats: what they do, what they answer, and what they are refused for. Answers
//! stand in a snapshot, so that a changed shape is reviewed.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{TOKEN, answer, authorised, call, json, post, service};
use insta::assert_snapshot;
use rollcall_codec::format::Format;
use rollcall_model::token::TokenHash;
use rollcall_server::{routes::ROUTES, service::Service, world_file};
use rollcall_store::memory::MemoryStore;
use serde_json::{Value, json as value};
use std::{cell::RefCell, fmt::Write as _, sync::Arc};

const UNKNOWN_ID: &str = "000000000000000000000000";

fn path(call: &str) -> String {
    format!("/api/v1.1/{call}")
}

/// The answer to a call with token and database.
fn ask(service: &Service, call: &str, request: Value) -> Value {
    json(&post(service, &path(call), &authorised(request)).body)
}

/// The answer to a call that is carried out.
fn done(service: &Service, call: &str, request: Value) -> Value {
    let answer = ask(service, call, request);
    assert_eq!(answer["error"], 0, "{call}: {answer}");
    answer
}

/// The profile that a call has created or changed.
fn id(answer: &Value) -> String {
    answer["profile_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn refused(service: &Service, call: &str, request: Value, error: u16, says: &str) {
    let answer = ask(service, call, request);
    let text = answer["error_text"].as_str().unwrap();
    assert!(answer["error"] == error && text.contains(says), "{call}: {answer}, where {error} {says:?} is due");
}

fn profile(service: &Service, id: &str) -> Value {
    done(service, "profiles/get", value!({"profile_id": id}))["data"].clone()
}

fn add(service: &Service, data: Value) -> String {
    id(&done(service, "profiles/add", value!({"data": data})))
}

fn sms(phone: &str) -> Value {
    value!({"resource_id": 1, "channel": "sms", "phone": phone})
}

#[test]
fn update_changes_whom_it_finds_and_creates_nobody() {
    let service = service();
    let ann = add(&service, value!({"email": "ann@example.com"}));
    let by_email = value!({"email": "ann@example.com", "data": {"_fname": "Ann"}});
    assert_eq!(id(&done(&service, "profiles/update", by_email)), ann);
    let by_id = value!({"profile_id": ann, "data": {"custom_int": {"action": "incr", "value": 2}}});
    assert_eq!(id(&done(&service, "profiles/update", by_id)), ann, "without `matching`, by what is given");
    let known = profile(&service, &ann);
    assert_eq!((&known["_fname"], &known["custom_int"]), (&value!("Ann"), &value!(2)));
    refused(&service, "profiles/update", value!({"email": "ben@example.com", "data": {}}), 404, "Profile not found");
    refused(&service, "profiles/update", value!({"email": "ann@example.com"}), 400, "parameter is missing: data");
}

#[test]
fn add_creates_a_profile_and_looks_for_none() {
    let service = service();
    let phone = value!({"phones": ["+79000000001"], "_fname": "Ann"});
    let (first, second) = (add(&service, phone.clone()), add(&service, phone));
    assert_ne!(first, second);
    let empty = id(&done(&service, "profiles/add", value!({"matching": "profile_id", "profile_id": first})));
    assert!(profile(&service, &empty).get("phones").is_none(), "what would be searched by says nothing");
    add(&service, value!({"email": "ann@example.com"}));
    let again = value!({"data": {"email": "Ann@example.com"}});
    refused(&service, "profiles/add", again, 409, "e-mail belongs to another profile: data.email");
}

#[test]
fn delete_removes_whom_get_shows() {
    let service = service();
    let data = value!({"email": "ann@example.com", "subscriptions": [sms("+79000000001")]});
    let ann = add(&service, data.clone());
    let search = value!({"matching": "phone", "phone": "+79000000001"});
    assert_eq!(done(&service, "profiles/get", search.clone())["data"]["id"], *ann);
    let removed = done(&service, "profiles/delete", search.clone());
    assert_eq!(removed, value!({"data": {"profile_id": ann}, "error": 0, "error_text": "Successful operation"}));
    for by in [search.clone(), value!({"profile_id": ann}), value!({"email": "ann@example.com"})] {
        refused(&service, "profiles/get", by, 404, "Profile not found");
    }
    refused(&service, "profiles/delete", search, 404, "Profile not found");
    assert_ne!(add(&service, data), ann, "the address is free again");
}

#[test]
fn delete_goes_by_the_database_where_several_are_found() {
    let refusing = Service::new(common::world_that_refuses_several(), Arc::new(MemoryStore::new()));
    for (service, is_refused) in [(service(), false), (refusing, true)] {
        let ids = [(); 2].map(|()| add(&service, value!({"phones": ["+79000000001"]})));
        let search = value!({"matching": "phone", "phone": "+79000000001"});
        if is_refused {
            refused(&service, "profiles/delete", search, 409, "several profiles match");
            ids.iter().for_each(|id| assert_eq!(profile(&service, id)["id"], **id));
        } else {
            assert_eq!(done(&service, "profiles/delete", search)["data"]["profile_id"], *ids[0], "the oldest");
        }
    }
}

#[test]
fn a_subscription_is_added_changed_and_shown() {
    let service = service();
    let ann = add(&service, value!({"email": "ann@example.com"}));
    let with = |more: Value| {
        let mut request = value!({"profile_id": ann, "resource_id": 1, "channel": "email", "email": "a@example.com"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let set = with(value!({
        "status": "unconfirmed", "priority": 3, "cats": ["category_1"], "custom_fields": {"custom_number": 1},
        "date": "2024-05-27T12:00:00Z", "ip": "127.0.0.1", "url": "example.com", "unheard_of": true,
    }));
    assert_eq!(id(&done(&service, "subscriptions/set", set)), ann);
    let change = with(value!({"status": 0, "priority": -1, "custom_fields": {"custom_field_1": "x"}}));
    done(&service, "subscriptions/set", change);
    let mut shown = done(&service, "subscriptions/get", with(value!({})))["data"].clone();
    assert!(shown["hash_id"].take().is_string());
    let expected = value!({
        "resource_id": 1, "channel": "email", "email": "a@example.com", "status": "subscribed", "priority": 3,
        "cats": ["category_1"], "custom_fields": {"custom_field_1": "x", "custom_number": 1},
        "date": "2024-05-27T12:00:00Z", "ip": "127.0.0.1", "url": "example.com", "hash_id": null, "is_delete": false,
    });
    assert_eq!(shown, expected);

    let push = value!({"profile_id": ann, "resource_id": 1, "channel": "push", "provider": "ios-apns", "subscription_id": "t"});
    done(&service, "subscriptions/set", push);
    let list = done(&service, "subscriptions/list", value!({"profile_id": ann}))["data"].clone();
    let channels: Vec<_> = list.as_array().unwrap().iter().map(|one| one["channel"].clone()).collect();
    assert_eq!(channels, ["email", "push"]);
}

#[test]
fn subscriptions_are_refused_by_the_name_that_the_request_gives() {
    let service = service();
    let ann = add(&service, value!({"email": "ann@example.com", "subscriptions": [sms("+79000000001")]}));
    let full = value!({"profile_id": ann, "resource_id": 1, "channel": "sms", "phone": "+79000000001",
        "custom_fields": {"custom_number": i64::MAX}});
    done(&service, "subscriptions/set", full.clone());
    let with = |name: &str, other: Value| {
        let mut request = full.clone();
        request[name] = other;
        request
    };
    let set = |name, other, says: &str| refused(&service, "subscriptions/set", with(name, other), 400, says);
    set("resource_id", value!(3), "invalid subscription: resource_id: the resource is not open to this database");
    set("channel", value!("fax"), "invalid subscription: channel: there is no such channel");
    set("phone", value!(null), "invalid subscription: phone: is missing");
    set("status", value!("gone"), "invalid subscription: status: not a status");
    set("cats", value!(["news"]), "invalid subscription: cats[0]: the resource has no such category");
    set(
        "custom_fields",
        value!({"custom_number": {"action": "incr", "value": 1}}),
        "invalid subscription: custom_fields.custom_number: the sum is out of range",
    );
    set("profile_id", value!(null), "parameter is missing: profile_id");
    for call in ["subscriptions/set", "subscriptions/get", "subscriptions/list"] {
        refused(&service, call, with("profile_id", value!(UNKNOWN_ID)), 404, "Profile not found: profile_id");
        refused(&service, call, with("profile_id", value!("nobody")), 404, "Profile not found: profile_id");
    }
    let other = with("phone", value!("+79000000009"));
    refused(&service, "subscriptions/get", other, 404, "Subscription not found");
    refused(&service, "subscriptions/get", with("resource_id", value!(99)), 400, "resource_id");
}

#[test]
fn a_profile_enters_and_leaves_a_segment() {
    let service = service();
    let ann = add(&service, value!({"email": "ann@example.com"}));
    let request = value!({"profile_id": ann, "segment_id": 2, "skip_triggers": true});
    let segments = || profile(&service, &ann)["segments"].clone();
    for _ in 0..2 {
        assert_eq!(id(&done(&service, "profiles/segstatic/add", request.clone())), ann);
        assert_eq!(segments(), value!([2]));
    }
    for _ in 0..2 {
        assert_eq!(id(&done(&service, "profiles/segstatic/remove", request.clone())), ann);
        assert_eq!(segments(), value!([]));
    }
    for call in ["profiles/segstatic/add", "profiles/segstatic/remove"] {
        refused(&service, call, value!({"profile_id": ann, "segment_id": 9}), 400, "incorrect segment: segment_id");
        refused(&service, call, value!({"profile_id": UNKNOWN_ID, "segment_id": 1}), 404, "Profile not found");
        refused(&service, call, value!({"segment_id": 1}), 400, "parameter is missing: profile_id");
        refused(&service, call, value!({"profile_id": ann}), 400, "parameter is missing: segment_id");
    }
}

#[test]
fn profiles_are_listed_page_by_page_until_there_are_no_more() {
    let service = service();
    let all: Vec<_> = (0..5).map(|number| add(&service, value!({"custom_int": number}))).collect();
    let mut request = value!({"limit": 2});
    let mut pages = Vec::new();
    loop {
        let page = done(&service, "profiles/list", request.clone());
        pages.push(page["data"].as_array().unwrap().clone());
        match page.get("from_id") {
            Some(next) => request["from_id"] = next.clone(),
            None => break,
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let shown: Vec<_> = pages.concat();
    all.iter().zip(&shown).for_each(|(id, shown)| assert_eq!(*shown, profile(&service, id)));
    let whole = done(&service, "profiles/list", value!({"limit": 5}));
    assert_eq!((whole["data"].as_array().unwrap().len(), whole.get("from_id")), (5, None));
    for limit in [0, 1001] {
        refused(&service, "profiles/list", value!({"limit": limit}), 400, "limit: not from 1 to 1000");
    }
    refused(&service, "profiles/list", value!({"from_id": "x"}), 400, "from_id");
}

/// A token that may read one database, one that may only import there, and resources of either.
const WORLD: &str = r#"
tokens = [
  { token = "reads one", rights = [{ database = 1, actions = ["read"] }] },
  { token = "imports into one", rights = [{ database = 1, actions = ["import"] }] },
  { token = "reads both", rights = [{ database = 1, actions = ["read"] }, { database = 2, actions = ["read"] }] },
]

[[databases]]
id = 2
name = "Two"

[[databases]]
id = 1
name = "One"
fields = [{ name = "tier", type = "enum", options = ["a", "b"], required = true }]

[[resources]]
id = 1
name = "Both"
databases = [2, 1]
channels = ["email", "push"]
fields = [{ name = "a_number", type = "int" }]

[[resources]]
id = 2
name = "Only two"
databases = [2]
channels = ["sms"]
"#;

fn by_rights() -> Service {
    let world = world_file::read(WORLD, "world.toml").unwrap_or_else(|error| panic!("{error}"));
    assert!(world.grant(TokenHash::of("reads one")).is_ok());
    Service::new(world, Arc::new(MemoryStore::new()))
}

fn asked_by(service: &Service, token: &str, call: &str, mut request: Value) -> Value {
    request["token"] = token.into();
    json(&post(service, &path(call), &request).body)
}

#[test]
fn the_configuration_is_shown_as_far_as_the_token_may_read() {
    let service = by_rights();
    let ask = |token, call, request| asked_by(&service, token, call, request);
    let databases = |token, request: Value| {
        let answer = ask(token, "databases/list", request);
        let list = answer["data"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        (list.iter().map(|one| one["id"].as_u64().unwrap()).collect::<Vec<_>>(), answer.get("from_id").cloned())
    };
    assert_eq!(databases("reads both", value!({})), (vec![1, 2], None));
    assert_eq!(databases("reads both", value!({"limit": 1})), (vec![1], Some(value!(1))));
    assert_eq!(databases("reads both", value!({"limit": 1, "from_id": 1})), (vec![2], None));
    assert_eq!(databases("reads one", value!({})), (vec![1], None));
    assert_eq!(databases("imports into one", value!({})), (vec![], None));

    let resource = |token, id: u32| ask(token, "resources/get", value!({"id": id}));
    assert_eq!(resource("reads both", 1)["data"]["dbs_ids"], value!([2, 1]));
    assert_eq!(resource("reads one", 1)["data"]["dbs_ids"], value!([1]));
    for (token, id) in [("reads one", 2), ("imports into one", 1), ("reads both", 9)] {
        for call in ["resources/get", "resources/fields_get"] {
            let answer = ask(token, call, value!({"id": id}));
            assert_eq!((&answer["error"], &answer["error_text"]), (&value!(404), &value!("Resource not found: id")));
        }
    }
    assert_eq!(
        ask("reads one", "resources/get", value!({}))["error_text"],
        "Incorrect request: parameter is missing: id"
    );
    let of_channel = |channel: &str| ask("reads one", "resources/fields_get", value!({"id": 1, "channel": channel}));
    assert_eq!(of_channel("push")["error"], 0);
    assert_eq!(of_channel("sms")["error"], 400);
}

#[test]
fn fields_are_listed_with_their_documented_types() {
    let service = by_rights();
    let fields = asked_by(&service, "reads one", "databases/fields_get", value!({"db_id": 1}))["data"].clone();
    let field = |name: &str| fields.as_array().unwrap().iter().find(|field| field["name"] == name).unwrap().clone();
    let tier = value!({"category": "custom", "name": "tier", "title": "tier", "required": true, "type": "enum", "options": ["a", "b"]});
    assert_eq!(field("tier"), tier);
    let first_name =
        value!({"category": "system", "name": "_fname", "title": "_fname", "required": false, "type": "unicode"});
    assert_eq!(field("_fname"), first_name);
    let names: Vec<_> = fields.as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted());
    let of_resource = asked_by(&service, "reads one", "resources/fields_get", value!({"id": 1}))["data"].clone();
    let number = of_resource.as_array().unwrap().iter().find(|field| field["name"] == "a_number").unwrap();
    assert_eq!(
        *number,
        value!({"category": "custom", "name": "a_number", "title": "a_number", "required": false, "type": "int"})
    );
}

/// Every call in a database, asked by a token that may do everything but what the call does.
#[test]
fn a_token_without_the_right_is_refused_whatever_the_call() {
    use rollcall_model::action::Action;
    use rollcall_server::routes::Serve;
    for route in ROUTES.iter().filter(|route| !matches!(route.serve, Serve::OfConfiguration(_))) {
        let others: Vec<_> = Action::ALL.iter().filter(|action| **action != route.action).map(|it| it.name()).collect();
        let world = format!(
            "[[databases]]\nid = 1\nname = 'A'\n[[tokens]]\ntoken = 't'\nrights = [{{ database = 1, actions = {others:?} }}]"
        );
        let world = world_file::read(&world, "world.toml").unwrap_or_else(|error| panic!("{error}"));
        let service = Service::new(world, Arc::new(MemoryStore::new()));
        let answer = json(&post(&service, route.path, &value!({"token": "t", "db_id": 1})).body);
        let expected = format!("No access: db_id: the token has no right to {} here", route.action.name());
        assert_eq!((&answer["error"], &answer["error_text"]), (&value!(403), &value!(expected)), "{}", route.path);
    }
}

#[test]
fn a_change_that_is_only_tried_is_explained_and_leaves_nothing() {
    let service = service();
    let ann = add(&service, value!({"email": "ann@example.com"}));
    let before = profile(&service, &ann);
    let subscription = value!({"profile_id": ann, "resource_id": 1, "channel": "email", "email": "a@example.com"});
    let segment = value!({"profile_id": ann, "segment_id": 1});
    for (call, mut request) in [("subscriptions/set", subscription), ("profiles/segstatic/add", segment)] {
        request["dry_run"] = true.into();
        let tried = done(&service, call, request);
        assert!(tried["dry_run"] == true && tried["explain"].is_object(), "{tried}");
    }
    let delete = value!({"profile_id": ann, "dry_run": true});
    refused(&service, "profiles/delete", delete, 400, "dry_run: this call cannot be tried");
    let batch = value!({"data": [{"email": "ann@example.com", "_fname": "Ann"}], "dry_run": true});
    refused(&service, "profiles/import_batch", batch, 400, "dry_run: this call cannot be tried");
    assert_eq!(profile(&service, &ann), before);
}

/// The same requests in XML, as a sender of XML writes them: each with what it is to be answered by.
#[test]
fn every_call_is_answered_in_xml_as_documented() {
    let service = service();
    let answers = RefCell::new(String::new());
    let ask = |call: &str, members: &str| {
        let body = format!("<xml><token>{TOKEN}</token>{members}</xml>");
        let reply = answer(&service, common::call(&path(call), Format::Xml, body.as_bytes()));
        let text = String::from_utf8(reply.body).unwrap();
        writeln!(answers.borrow_mut(), "{call}\n  {members}\n  {text}\n").unwrap();
        text
    };
    let created = ask("profiles/add", "<db_id>1</db_id><data><email>ann@example.com</email></data>");
    let id = created.split("<profile_id>").nth(1).unwrap()[..24].to_owned();
    let of = |id: &str| format!("<db_id>1</db_id><profile_id>{id}</profile_id>");
    ask("profiles/update", &format!("{}<data><_fname>Ann</_fname></data>", of(&id)));
    let email = "<resource_id>1</resource_id><channel>email</channel><email>a@example.com</email>";
    let phone = "<resource_id>2</resource_id><channel>sms</channel><phone>+79000000001</phone>";
    ask("subscriptions/set", &format!("{}{email}<cats array='true'>category_1</cats>", of(&id)));
    ask("subscriptions/set", &format!("{}{phone}<custom_fields><_os>iOS</_os></custom_fields>", of(&id)));
    ask("subscriptions/get", &format!("{}{email}", of(&id)));
    ask("subscriptions/list", &of(&id));
    ask("profiles/segstatic/add", &format!("{}<segment_id>1</segment_id>", of(&id)));
    ask("profiles/get", &of(&id));
    ask("profiles/list", "<db_id>1</db_id><limit>1</limit>");
    ask("profiles/segstatic/remove", &format!("{}<segment_id>1</segment_id>", of(&id)));
    let items = "<data><email>ben@example.com</email></data><db_id>1</db_id><data><email>no address</email></data>";
    ask("profiles/import_batch", items);
    ask("profiles/update_batch", "<db_id>1</db_id><data array='true'><email>eve@example.com</email></data>");
    ask("profiles/add_batch", "<db_id>1</db_id><data array='true'/>");
    ask("resources/get", "<id>2</id>");
    ask("databases/list", "<limit>1</limit>");
    ask("profiles/delete", &of(&id));
    ask("profiles/delete", &of(&id));
    insta::with_settings!({filters => vec![("[0-9a-f]{24}", "PROFILE"), ("<hash_id>[0-9a-f]{8}", "<hash_id>HASH")]}, {
        assert_snapshot!("xml", answers.borrow());
    });
    for call in ["resources/fields_get", "databases/fields_get"] {
        let listed = ask(call, "<db_id>1</db_id><id>1</id><channel>push</channel>");
        let os = "<data><category>system</category><name>_os</name><required>false</required><title>_os</title><type>unicode</type></data>";
        assert!(listed.contains(os), "{call}: {listed}");
    }
}

#[test]
fn a_call_that_asks_for_the_other_format_gets_it() {
    let service = service();
    let body = authorised(value!({"format": "xml"})).to_string();
    let reply = answer(&service, call(&path("databases/list"), Format::Json, body.as_bytes()));
    assert_eq!(reply.format, Format::Xml);
    assert!(reply.body.starts_with(b"<xml><data><id>1</id>"), "{}", String::from_utf8_lossy(&reply.body));
}
