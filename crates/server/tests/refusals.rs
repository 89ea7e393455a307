//! Bad requests: each is the good one with one thing wrong. It is answered with a clear error, and nothing of it is
//! stored. All answers stand in snapshots, one a group, so that a changed text is reviewed.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{GET, IMPORT, answer, authorised, documented_world, json, post, world_that_refuses_several};
use insta::assert_snapshot;
use rollcall_codec::{format::Format, limits::Limits};
use rollcall_model::world::World;
use rollcall_server::{
    call::{Call, Reply},
    service::Service,
};
use rollcall_store::memory::MemoryStore;
use serde_json::{Value, json};
use std::{collections::HashSet, fmt::Write as _, sync::Arc};

/// Updates a profile that is there: gives it a new value of a custom field and a new subscription.
const GOOD_JSON: &str = r#"{
  "token": "abcdefghijklmnqrstuvwxyz",
  "db_id": 1,
  "matching": "email",
  "email": "seeded@example.com",
  "data": {
    "email": "seeded@example.com",
    "custom_field": "fresh value",
    "subscriptions": [{ "resource_id": 1, "channel": "email", "email": "fresh@example.com" }]
  }
}"#;

/// The same in XML.
const GOOD_XML: &str = "<xml>
<token>abcdefghijklmnqrstuvwxyz</token>
<db_id>1</db_id>
<matching>email</matching>
<email>seeded@example.com</email>
<data>
<email>seeded@example.com</email>
<custom_field>fresh value</custom_field>
<subscriptions array='true'>
<resource_id>1</resource_id><channel>email</channel><email>fresh@example.com</email>
</subscriptions>
</data>
</xml>";

/// What a bad request tries to leave: nobody has these, before and after.
const FRESH: &[fn() -> Value] = &[
    || json!({ "matching": "custom", "field_name": "custom_field", "field_value": "fresh value" }),
    || json!({ "matching": "email", "email": "fresh@example.com" }),
    || json!({ "matching": "phone", "phone": "+79000000099" }),
];

#[test]
fn transport() {
    with_redactions(|| assert_snapshot!("transport", answers_to(&transport_rows())));
}

#[test]
fn parameters() {
    with_redactions(|| assert_snapshot!("parameters", answers_to(&parameter_rows())));
}

#[test]
fn data() {
    with_redactions(|| assert_snapshot!("data", answers_to(&data_rows())));
}

#[test]
fn subscriptions() {
    with_redactions(|| assert_snapshot!("subscriptions", answers_to(&subscription_rows())));
}

#[test]
fn xml() {
    with_redactions(|| assert_snapshot!("xml", answers_to(&xml_rows())));
}

/// The twin of every row: without it, refusing everything would pass.
#[test]
fn the_request_with_nothing_wrong_is_carried_out() {
    let small = Limits { depth: 4, name_bytes: 64, text_bytes: 40, values: 16, subscriptions: 1 };
    for format in [Format::Json, Format::Xml] {
        let bench = Bench::new(documented_world(), small);
        let reply = bench.send(&good(format));
        assert_eq!(reply.code.number(), 0, "{}", text(&reply));
        let found = [FRESH[0](), FRESH[1]()].map(|search| bench.get(search)["data"]["id"].clone());
        assert_eq!(found, [Value::from(&*bench.seeded[0]), Value::from(&*bench.seeded[0])]);
    }
}

/// One thing wrong: what it is, the request, the `error` it is answered with, and what the text must say: the place in
/// the request or in its bytes.
struct Row {
    name: &'static str,
    attempt: Attempt,
    error: u16,
    says: &'static str,
}

fn row(name: &'static str, attempt: Attempt, error: u16, says: &'static str) -> Row {
    Row { name, attempt, error, says }
}

/// A request, and the server that it is sent to.
struct Attempt {
    method: &'static str,
    path: &'static str,
    query: &'static str,
    content_type: Option<&'static str>,
    authorization: Option<&'static str>,
    body: Vec<u8>,
    limits: Limits,
    world: fn() -> World,
}

fn good(format: Format) -> Attempt {
    Attempt {
        method: "POST",
        path: IMPORT,
        query: "",
        content_type: Some(format.media_types()[0]),
        authorization: None,
        body: if format == Format::Json { GOOD_JSON.into() } else { GOOD_XML.into() },
        limits: Limits::default(),
        world: documented_world,
    }
}

/// The good request with one piece in place of another.
fn instead(format: Format, piece: &str, other: &str) -> Attempt {
    let good = good(format);
    let body = String::from_utf8(good.body).unwrap();
    assert_eq!(body.matches(piece).count(), 1, "{piece:?} does not stand in the good request once");
    Attempt { body: body.replace(piece, other).into(), ..good }
}

fn json_instead(piece: &str, other: &str) -> Attempt {
    instead(Format::Json, piece, other)
}

fn xml_instead(piece: &str, other: &str) -> Attempt {
    instead(Format::Xml, piece, other)
}

/// The good request with one more parameter.
fn parameter(more: &str) -> Attempt {
    json_instead("\"data\": {", &format!("{more},\n  \"data\": {{"))
}

/// The good request with another way to find its profile.
fn matching(other: &str) -> Attempt {
    json_instead("\"matching\": \"email\",\n  \"email\": \"seeded@example.com\"", other)
}

/// The good request with one more field.
fn field(more: &str) -> Attempt {
    json_instead("\"fresh value\"", &format!("\"fresh value\", {more}"))
}

/// The good request with one more subscription, behind the good one.
fn subscription(more: &str) -> Attempt {
    json_instead("\"fresh@example.com\" }", &format!("\"fresh@example.com\" }}, {more}"))
}

/// The good request with one more part of a good subscription.
fn part(more: &str) -> Attempt {
    subscription(&format!("{{ \"resource_id\": 1, \"channel\": \"sms\", \"phone\": \"+79000000099\", {more} }}"))
}

/// The good request with one more subscription to a resource that has every channel.
fn on_channel(rest: &str) -> Attempt {
    subscription(&format!("{{ \"resource_id\": 1, {rest} }}"))
}

/// The good request with something else where its data stands.
fn in_place_of_data(other: &str) -> Attempt {
    let begin = GOOD_JSON.find("\"data\"").unwrap();
    json_instead(&GOOD_JSON[begin..], &format!("{other} }}"))
}

/// Any body at all.
fn body(format: Format, body: impl Into<Vec<u8>>) -> Attempt {
    Attempt { body: body.into(), ..good(format) }
}

fn transport_rows() -> Vec<Row> {
    use Format::Json;
    let json_type = |content_type| Attempt { content_type, ..good(Json) };
    let path = |path| Attempt { path, ..good(Json) };
    let method = |method| Attempt { method, ..good(Json) };
    let no_token = || json_instead("\"token\": \"abcdefghijklmnqrstuvwxyz\",\n", "");
    let token = |other: &str| json_instead("\"abcdefghijklmnqrstuvwxyz\"", other);
    let db_id = |other: &str| json_instead("\"db_id\": 1", &format!("\"db_id\": {other}"));
    let unlimited = Limits::default();
    vec![
        row("T2 GET", method("GET"), 405, "use POST"),
        row("T2 PUT", method("PUT"), 405, "use POST"),
        row("T2 DELETE", method("DELETE"), 405, "use POST"),
        row("T3 unknown path", path("/api/v1.1/profiles/imports"), 404, "Unknown call"),
        row("T3 path in capitals", path("/API/V1.1/PROFILES/IMPORT"), 404, "Unknown call"),
        row("T3 two trailing slashes", path("/api/v1.1/profiles/import//"), 404, "Unknown call"),
        row("T4 another charset", json_type(Some("application/json; charset=windows-1251")), 415, "UTF-8"),
        row("T5 no content type", json_type(None), 415, "application/json or application/xml"),
        row("T5 foreign content type", json_type(Some("text/plain")), 415, "application/json or application/xml"),
        row("T5 form", json_type(Some("application/x-www-form-urlencoded")), 415, "application/json"),
        row("T5 JSON called XML", json_type(Some("application/xml")), 400, "line 1, column 1"),
        row(
            "T5 XML called JSON",
            Attempt { content_type: good(Json).content_type, ..good(Format::Xml) },
            400,
            "line 1",
        ),
        row("T6 unknown answer format", parameter(r#""format": "yaml""#), 400, "format"),
        row("T6 answer format of a wrong type", parameter(r#""format": ["json"]"#), 400, "format"),
        row("T6a no token", no_token(), 401, "token"),
        row("T6a null token", token("null"), 401, "token"),
        row("T6a empty token", token("\"\""), 403, "token"),
        row("T6a unknown token", token("\"abcdefghijklmnqrstuvwxy\""), 403, "token"),
        row("T6a token with a space", token("\"abcdefghijklmnqrstuvwxyz \""), 403, "token"),
        row("T6a number as token", token("7"), 403, "token"),
        row("T6a token of a wrong type", token("true"), 400, "token"),
        row("T6a list as token", token("[\"abcdefghijklmnqrstuvwxyz\"]"), 400, "token"),
        row("T6a object as token", token("{}"), 400, "token"),
        row("T6a token without right to the database", token("\"00000000000000000000000000000002\""), 403, "db_id"),
        row("T6a no database", json_instead("\"db_id\": 1,\n", ""), 400, "db_id"),
        row("T6a null database", db_id("null"), 400, "db_id"),
        row("T6a unknown database", db_id("404"), 404, "db_id"),
        row("T6a word as database", db_id("\"one\""), 400, "db_id"),
        row("T6a fraction as database", db_id("1.5"), 400, "db_id"),
        row("T6a negative database", db_id("-1"), 400, "db_id"),
        row("T6a database out of range", db_id("4294967297"), 400, "db_id"),
        row("T6a boolean as database", db_id("true"), 400, "db_id"),
        row("T6a list as database", db_id("[1]"), 400, "db_id"),
        row("T6a object as database", db_id("{\"id\": 1}"), 400, "db_id"),
        row("T7 unknown token in the header", Attempt { authorization: Some("Bearer no"), ..no_token() }, 403, "token"),
        row("T7 other scheme in the header", Attempt { authorization: Some("Basic no"), ..no_token() }, 401, "token"),
        row("T7 unknown token in the query", Attempt { query: "token=no", ..no_token() }, 403, "token"),
        row(
            "T7 the body's token decides",
            Attempt { authorization: Some("Bearer abcdefghijklmnqrstuvwxyz"), ..token("\"no\"") },
            403,
            "token",
        ),
        row("T12 empty body", body(Json, ""), 400, "line 1, column 1"),
        row("T12 list as root", body(Json, format!("[{GOOD_JSON}]")), 400, "line 1"),
        row("T12 null as root", body(Json, "null"), 400, "line 1"),
        row("T12 trailing comma", json_instead("\"fresh value\",", "\"fresh value\",,"), 400, "line 8, column 35: "),
        row("T12 cut off", body(Json, &GOOD_JSON[..GOOD_JSON.len() - 2]), 400, "line 10, column 3"),
        row("T12 trailing bytes", body(Json, format!("{GOOD_JSON}\n{{}}")), 400, "line 12, column 1"),
        row(
            "T12 not UTF-8",
            body(Json, [GOOD_JSON.as_bytes(), b"\n\xff"].concat()),
            400,
            "line 12, column 1: not UTF-8",
        ),
        row("T12 UTF-16", body(Json, b"{\0}\0"), 400, "line 1"),
        row("T12 NaN", json_instead("\"db_id\": 1", "\"db_id\": NaN"), 400, "line 3"),
        row("T12 number out of range", field("\"custom_float\": 1e999"), 400, "line 8"),
        row("T12 single quotes", json_instead("\"db_id\": 1", "'db_id': 1"), 400, "line 3"),
        row("T12 half a surrogate pair", field(r#""_fname": "\ud800""#), 400, "line 8"),
        row(
            "T13 nested too deep",
            Attempt { limits: Limits { depth: 4, ..unlimited }, ..field(r#""custom_object": {"a": {"b": {}}}"#) },
            400,
            "nested deeper than 4 levels",
        ),
        row(
            "T13 text too long",
            Attempt { limits: Limits { text_bytes: 40, ..unlimited }, ..field(&format!("\"_os\": \"{:41}\"", "")) },
            400,
            "a text of more than 40 bytes",
        ),
        row(
            "T13 too many values",
            Attempt {
                limits: Limits { values: 16, ..unlimited },
                ..field(r#""custom_tags": ["1", "2", "3", "4", "5"]"#)
            },
            400,
            "more than 16 values",
        ),
        row(
            "T13 too many subscriptions",
            Attempt { limits: Limits { subscriptions: 1, ..unlimited }, ..part("\"priority\": 1") },
            400,
            "data.subscriptions: more than 1 subscriptions",
        ),
        row("T15 parameter given twice", parameter("\"db_id\": 1"), 400, "duplicate key \"db_id\""),
        row("T15 unknown parameter given twice", parameter("\"x\": 1, \"x\": 1"), 400, "duplicate key \"x\""),
        row("T15 field given twice", field("\"custom_field\": \"b\""), 400, "duplicate key \"custom_field\""),
        row("T15 key spelled in two ways", field(r#""custom\u005ffield": "b""#), 400, "duplicate key \"custom_field\""),
        row("T15 part given twice", part("\"phone\": \"+79000000099\""), 400, "duplicate key \"phone\""),
    ]
}

fn parameter_rows() -> Vec<Row> {
    let refuses_several = |attempt| Attempt { world: world_that_refuses_several, ..attempt };
    let mode = |other: &str| json_instead("\"matching\": \"email\"", &format!("\"matching\": {other}"));
    let email = |other: &str| {
        json_instead("email\",\n  \"email\": \"seeded@example.com\"", &format!("email\",\n  \"email\": {other}"))
    };
    vec![
        row("M1 unknown mode", mode("\"e-mail\""), 400, "matching"),
        row("M1 mode in capitals", mode("\"EMAIL\""), 400, "matching"),
        row("M1 empty mode", mode("\"\""), 400, "matching"),
        row("M1 number as mode", mode("7"), 400, "matching"),
        row("M1 list as mode", mode("[\"email\"]"), 400, "matching"),
        row("M1 object as mode", mode("{}"), 400, "matching"),
        row(
            "M5 custom without a field name",
            matching(r#""matching": "custom", "field_value": "seeded""#),
            400,
            "field_name",
        ),
        row(
            "M5 custom by an unknown field",
            matching(r#""matching": "custom", "field_name": "nothing", "field_value": "a""#),
            400,
            "field_name",
        ),
        row(
            "M5 custom by a system field",
            matching(r#""matching": "custom", "field_name": "_fname", "field_value": "Olly""#),
            400,
            "field_name",
        ),
        row(
            "M5 value of another type than the field",
            matching(r#""matching": "custom", "field_name": "custom_int", "field_value": "seven""#),
            400,
            "field_value",
        ),
        row(
            "M5 list as value of a text field",
            matching(r#""matching": "custom", "field_name": "custom_field", "field_value": ["seeded"]"#),
            400,
            "field_value",
        ),
        row(
            "M5 no tags in the value",
            matching(r#""matching": "custom", "field_name": "custom_tags", "field_value": " , ""#),
            400,
            "field_value",
        ),
        row(
            "M5 field name of a wrong type",
            matching(r#""matching": "custom", "field_name": true"#),
            400,
            "field_name",
        ),
        row("M5 empty field name", matching(r#""matching": "custom", "field_name": " ""#), 400, "field_name"),
        row(
            "M6 custom_sub without a field name",
            matching(r#""matching": "custom_sub", "field_value": "a""#),
            400,
            "field_name",
        ),
        row(
            "M6 custom_sub by an unknown channel",
            matching(r#""matching": "custom_sub", "field_name": "fax", "field_value": "a""#),
            400,
            "field_name",
        ),
        row(
            "M6 custom_sub by a documented channel",
            matching(r#""matching": "custom_sub", "field_name": "email", "field_value": "fresh@example.com""#),
            400,
            "field_name",
        ),
        row(
            "M6 custom_sub without a value",
            matching(r#""matching": "custom_sub", "field_name": "max_bot""#),
            400,
            "field_value",
        ),
        row(
            "M8 unknown profile",
            matching(r#""matching": "profile_id", "profile_id": "54759eb3c090d83494e2d804""#),
            404,
            "Profile not found",
        ),
        row(
            "M8 no identifier of a profile",
            matching(r#""matching": "profile_id", "profile_id": "me""#),
            404,
            "profile_id",
        ),
        row("M8 no profile named", matching(r#""matching": "profile_id""#), 400, "profile_id"),
        row("M8 profile of a wrong type", matching(r#""matching": "profile_id", "profile_id": []"#), 400, "profile_id"),
        row("M8 object as profile", matching(r#""profile_id": {}"#), 400, "profile_id"),
        row(
            "M10 several have the phone",
            refuses_several(matching(r#""matching": "phone", "phone": "+79000000001""#)),
            409,
            "several profiles match",
        ),
        row(
            "M10 several have the custom value",
            refuses_several(matching(r#""matching": "custom", "field_name": "custom_int", "field_value": 7"#)),
            409,
            "several profiles match",
        ),
        row("M11 no phone anywhere", matching(r#""matching": "phone""#), 400, "phone"),
        row("M11 no phone of a subscription anywhere", matching(r#""matching": "phone_sub""#), 400, "phone"),
        row(
            "M11 no e-mail anywhere",
            body(
                Format::Json,
                format!(r#"{{"token": "{}", "db_id": 1, "data": {{"custom_field": "fresh value"}}}}"#, common::TOKEN),
            ),
            400,
            "email",
        ),
        row("M11 no push token anywhere", matching(r#""matching": "push_sub""#), 400, "subscription_id"),
        row(
            "M11 push token without a provider",
            matching(r#""matching": "push_sub", "subscription_id": "a""#),
            400,
            "provider",
        ),
        row(
            "M11 provider without a push token",
            matching(r#""matching": "push_sub", "provider": "Firefox""#),
            400,
            "subscription_id",
        ),
        row(
            "M11 no custom value anywhere",
            matching(r#""matching": "custom", "field_name": "custom_ip""#),
            400,
            "field_value",
        ),
        row("M11 null phone and none in data", matching(r#""matching": "phone_sub", "phone": null"#), 400, "phone"),
        row("e-mail that is none", email("\"seeded\""), 400, "email"),
        row("e-mail without a domain's dot", email("\"seeded@example\""), 400, "email"),
        row("empty e-mail", email("\"\""), 400, "email"),
        row("number as e-mail", email("1.5"), 400, "email"),
        row("boolean as e-mail", email("true"), 400, "email"),
        row("list as e-mail", email("[\"seeded@example.com\"]"), 400, "email"),
        row("object as e-mail", email("{}"), 400, "email"),
        row("phone that is none", parameter("\"phone\": \"call me\""), 400, "phone"),
        row("phone of too many digits", parameter("\"phone\": \"+7900000000000000\""), 400, "phone"),
        row("list as phone", parameter("\"phone\": [\"+79000000001\"]"), 400, "phone"),
        row("boolean as phone", parameter("\"phone\": false"), 400, "phone"),
        row("number as provider is a text, list is not", parameter("\"provider\": [7]"), 400, "provider"),
        row("empty provider", parameter("\"provider\": \"\""), 400, "provider"),
        row("object as push token", parameter("\"subscription_id\": {}"), 400, "subscription_id"),
        row("boolean as push token", parameter("\"subscription_id\": true"), 400, "subscription_id"),
        row("object as field value", parameter("\"field_value\": {}"), 400, "field_value"),
        row("word as resource", parameter("\"resource_id\": \"shop\""), 400, "resource_id"),
        row("list as resource", parameter("\"resource_id\": [1]"), 400, "resource_id"),
        row("negative resource", parameter("\"resource_id\": -1"), 400, "resource_id"),
        row("word as skip_triggers", parameter("\"skip_triggers\": \"yes\""), 400, "skip_triggers"),
        row("list as skip_triggers", parameter("\"skip_triggers\": [true]"), 400, "skip_triggers"),
        row(
            "number as skip_invalid_subscriptions",
            parameter("\"skip_invalid_subscriptions\": 2"),
            400,
            "skip_invalid_subscriptions",
        ),
        row(
            "object as skip_invalid_subscriptions",
            parameter("\"skip_invalid_subscriptions\": {}"),
            400,
            "skip_invalid_subscriptions",
        ),
        row("fraction as detect_geo", parameter("\"detect_geo\": 0.5"), 400, "detect_geo"),
        row("empty text as detect_geo", parameter("\"detect_geo\": \"\""), 400, "detect_geo"),
        row("D12 unknown segment to enter", parameter("\"add_to_segments\": [1, 404]"), 400, "add_to_segments[1]"),
        row(
            "D12 unknown segment to leave",
            parameter("\"remove_from_segments\": [404]"),
            400,
            "remove_from_segments[0]",
        ),
        row(
            "D12 the same segment to enter and to leave",
            parameter("\"add_to_segments\": [1, 2], \"remove_from_segments\": [2]"),
            400,
            "remove_from_segments",
        ),
        row("word as segment to enter", parameter("\"add_to_segments\": [\"readers\"]"), 400, "add_to_segments[0]"),
        row("object as segments to enter", parameter("\"add_to_segments\": {\"id\": 1}"), 400, "add_to_segments[0]"),
        row("null as segment to leave", parameter("\"remove_from_segments\": [null]"), 400, "remove_from_segments[0]"),
        row("list as segment to leave", parameter("\"remove_from_segments\": [[1]]"), 400, "remove_from_segments[0]"),
        row("D15 no data", in_place_of_data("\"other\": {}"), 400, "data"),
        row("D15 null data", in_place_of_data("\"data\": null"), 400, "data"),
        row("D15 list as data", in_place_of_data("\"data\": []"), 400, "data"),
        row("D15 text as data", in_place_of_data("\"data\": \"email\""), 400, "data"),
        row("D15 empty text as data", in_place_of_data("\"data\": \"\""), 400, "data"),
        row("D15 number as data", in_place_of_data("\"data\": 0"), 400, "data"),
    ]
}

fn data_rows() -> Vec<Row> {
    let email =
        |other: &str| json_instead("{\n    \"email\": \"seeded@example.com\"", &format!("{{ \"email\": {other}"));
    vec![
        row("D2 e-mail cleared", email("null"), 400, "data.email"),
        row("D3 unknown field", field("\"_shoe_size\": 43"), 400, "data._shoe_size"),
        row("D3 unknown null field", field("\"_shoe_size\": null"), 400, "data._shoe_size"),
        row("D3 field in capitals", field("\"Custom_Field\": \"a\""), 400, "data.Custom_Field"),
        row("D3 parameter within data", field("\"skip_triggers\": true"), 400, "data.skip_triggers"),
        row("D3 singular subscription", field("\"subscription\": []"), 400, "data.subscription"),
        row(
            "D4 a bad field behind good ones",
            field("\"_lname\": \"New\", \"_sex\": 1, \"_bdate\": \"soon\""),
            400,
            "data._bdate",
        ),
        row(
            "D10 property within too many objects",
            field(&format!(
                "\"custom_object\": {{\"action\": \"upsert\", \"submatch\": \"{}\", \"value\": 1}}",
                vec!["a"; 2_000].join(".")
            )),
            400,
            "data.custom_object.submatch",
        ),
        row("D5 boolean as text", field("\"_fname\": true"), 400, "data._fname"),
        row("D5 fraction as text", field("\"_fname\": 1.5"), 400, "data._fname"),
        row("D5 list as text", field("\"_fname\": [\"a\"]"), 400, "data._fname"),
        row("D5 object as text", field("\"_fname\": {}"), 400, "data._fname"),
        row("D5 word as whole number", field("\"custom_int\": \"seven\""), 400, "data.custom_int"),
        row("D5 fraction as whole number", field("\"custom_int\": 7.5"), 400, "data.custom_int"),
        row("D5 whole number out of range", field("\"custom_int\": 9223372036854775808"), 400, "data.custom_int"),
        row("D5 boolean as whole number", field("\"custom_int\": true"), 400, "data.custom_int"),
        row("D5 empty text as whole number", field("\"custom_int\": \"\""), 400, "data.custom_int"),
        row("D5 word as number", field("\"custom_float\": \"pi\""), 400, "data.custom_float"),
        row("D5 infinite number", field("\"custom_float\": \"inf\""), 400, "data.custom_float"),
        row("D5 number that would be rounded", field("\"custom_float\": 9007199254740993"), 400, "data.custom_float"),
        row("D5 latitude as word", field("\"_lat\": \"north\""), 400, "data._lat"),
        row("D5 word as boolean", field("\"custom_bool\": \"yes\""), 400, "data.custom_bool"),
        row("D5 2 as boolean", field("\"custom_bool\": 2"), 400, "data.custom_bool"),
        row("D5 unknown option", field("\"custom_enum\": \"platinum\""), 400, "data.custom_enum"),
        row("D5 option out of range", field("\"custom_enum\": 3"), 400, "data.custom_enum"),
        row("D5 list as option", field("\"custom_enum\": [\"gold\"]"), 400, "data.custom_enum"),
        row("D5 no IP address", field("\"custom_ip\": \"127.0.0.256\""), 400, "data.custom_ip"),
        row("D5 host name as IP address", field("\"_regip\": \"localhost\""), 400, "data._regip"),
        row("D5 no time zone", field("\"_tz\": \"Europe/Nowhere\""), 400, "data._tz"),
        row("D5 object among tags", field("\"custom_tags\": [\"a\", {}]"), 400, "data.custom_tags[1]"),
        row("D5 null among tags", field("\"custom_tags\": [null]"), 400, "data.custom_tags[0]"),
        row("D5 text as object", field("\"custom_object\": \"a\""), 400, "data.custom_object"),
        row("D5 list as object", field("\"custom_object\": [{}]"), 400, "data.custom_object"),
        row("D5 text among objects", field("\"custom_objects\": [{}, \"a\"]"), 400, "data.custom_objects[1]"),
        row("D6 date that is none", field("\"_bdate\": \"yesterday\""), 400, "data._bdate"),
        row("D6 day before month", field("\"_bdate\": \"22.02.1990\""), 400, "data._bdate"),
        row("D6 day that is not", field("\"_bdate\": \"1990-02-30\""), 400, "data._bdate"),
        row("D6 moment without an offset", field("\"_regdate\": \"2019-03-14T22:00:00\""), 400, "data._regdate"),
        row("D6 seconds since 1970", field("\"_regdate\": 1552600800"), 400, "data._regdate"),
        row("D6 boolean as date", field("\"custom_date\": true"), 400, "data.custom_date"),
        row("D7 unknown sex", field("\"_sex\": 3"), 400, "data._sex"),
        row("D7 sex by its letter", field("\"_sex\": \"m\""), 400, "data._sex"),
        row("D7 boolean as sex", field("\"_sex\": true"), 400, "data._sex"),
        row("D8 no phone among phones", field("\"phones\": [\"+79000000099\", \"none\"]"), 400, "data.phones[1]"),
        row("D8 no phone as scalar", field("\"phones\": \"none\""), 400, "data.phones"),
        row("D8 object as phones", field("\"phones\": {\"phone\": \"+79000000099\"}"), 400, "data.phones"),
        row("D8 null among phones", field("\"phones\": [null]"), 400, "data.phones[0]"),
        row("D9 e-mail of another profile", email("\"other@example.com\""), 409, "data.email"),
        row("D9 e-mail of another profile in capitals", email("\"OTHER@EXAMPLE.COM\""), 409, "data.email"),
        row("e-mail that is none", email("\"seeded@\""), 400, "data.email"),
        row("list as e-mail", email("[\"seeded@example.com\"]"), 400, "data.email"),
        row(
            "D10 unknown action",
            field(r#""custom_int": {"action": "double", "value": 1}"#),
            400,
            "data.custom_int.action",
        ),
        row("D10 no value", field(r#""custom_int": {"action": "incr"}"#), 400, "data.custom_int.value"),
        row(
            "D10 value of a wrong type",
            field(r#""custom_int": {"action": "incr", "value": "one"}"#),
            400,
            "data.custom_int.value",
        ),
        row(
            "D10 action of another type",
            field(r#""_fname": {"action": "incr", "value": 1}"#),
            400,
            "data._fname.action",
        ),
        row(
            "D10 sum out of range",
            field(r#""custom_int": {"action": "incr", "value": 9223372036854775807}"#),
            400,
            "data.custom_int",
        ),
        row("D10 e-mail cleared", email(r#"{"action": "unset"}"#), 400, "data.email"),
        row(
            "D10 no property",
            field(r#""custom_object": {"action": "upsert", "value": 1}"#),
            400,
            "data.custom_object.submatch",
        ),
    ]
}

fn subscription_rows() -> Vec<Row> {
    const PUSH: &str = r#""channel": "push", "provider": "Firefox", "subscription_id": "#;
    let all = |other: &str| {
        let (begin, end) = (GOOD_JSON.find("\"subscriptions\"").unwrap(), GOOD_JSON.find("\n  }\n").unwrap());
        json_instead(&GOOD_JSON[begin..end], &format!("\"subscriptions\": {other}"))
    };
    let resource = |id: &str| {
        subscription(&format!("{{ \"resource_id\": {id}, \"channel\": \"sms\", \"phone\": \"+79000000099\" }}"))
    };
    let place = "data.subscriptions[1]";
    vec![
        row("text as subscriptions", all("\"all\""), 400, "data.subscriptions"),
        row("number as subscriptions", all("1"), 400, "data.subscriptions"),
        row("empty object as subscriptions", all("{}"), 400, "data.subscriptions[0].resource_id"),
        row("text as subscription", subscription("\"sms\""), 400, place),
        row("null as subscription", subscription("null"), 400, place),
        row("list as subscription", subscription("[]"), 400, place),
        row("empty subscription", subscription("{}"), 400, "data.subscriptions[1].resource_id"),
        row("S5 unknown resource", resource("404"), 400, "data.subscriptions[1].resource_id"),
        row("S5 resource closed to the database", resource("3"), 400, "data.subscriptions[1].resource_id"),
        row("S5 word as resource", resource("\"shop\""), 400, "data.subscriptions[1].resource_id"),
        row("S5 null as resource", resource("null"), 400, "data.subscriptions[1].resource_id"),
        row("S5 list as resource", resource("[1]"), 400, "data.subscriptions[1].resource_id"),
        row("S5 no channel", on_channel("\"phone\": \"+79000000099\""), 400, "data.subscriptions[1].channel"),
        row(
            "S5 unknown channel",
            on_channel("\"channel\": \"fax\", \"phone\": \"+79000000099\""),
            400,
            "data.subscriptions[1].channel",
        ),
        row(
            "S5 channel in capitals",
            on_channel("\"channel\": \"SMS\", \"phone\": \"+79000000099\""),
            400,
            "data.subscriptions[1].channel",
        ),
        row("S5 boolean as channel", on_channel("\"channel\": true"), 400, "data.subscriptions[1].channel"),
        row(
            "S5 channel that the resource lacks",
            subscription(r#"{ "resource_id": 2, "channel": "viber", "cc_data": {"phone": "+79000000099"} }"#),
            400,
            "data.subscriptions[1].channel",
        ),
        row(
            "S5 e-mail channel without an address",
            on_channel("\"channel\": \"email\""),
            400,
            "data.subscriptions[1].email",
        ),
        row(
            "S5 malformed address",
            on_channel("\"channel\": \"email\", \"email\": \"none\""),
            400,
            "data.subscriptions[1].email",
        ),
        row(
            "S5 list as address",
            on_channel("\"channel\": \"email\", \"email\": []"),
            400,
            "data.subscriptions[1].email",
        ),
        row(
            "S5 address of another channel",
            on_channel("\"channel\": \"sms\", \"email\": \"a@example.com\""),
            400,
            "data.subscriptions[1].phone",
        ),
        row(
            "S5 malformed number",
            on_channel("\"channel\": \"sms\", \"phone\": \"12\""),
            400,
            "data.subscriptions[1].phone",
        ),
        row(
            "S5 boolean as number",
            on_channel("\"channel\": \"sms\", \"phone\": true"),
            400,
            "data.subscriptions[1].phone",
        ),
        row(
            "S5 null as number",
            on_channel("\"channel\": \"sms\", \"phone\": null"),
            400,
            "data.subscriptions[1].phone",
        ),
        row(
            "S5 push without a provider",
            on_channel(r#""channel": "push", "subscription_id": "a""#),
            400,
            "data.subscriptions[1].provider",
        ),
        row(
            "S5 push without a token",
            on_channel(r#""channel": "push", "provider": "Firefox""#),
            400,
            "data.subscriptions[1].subscription_id",
        ),
        row(
            "S5 push with an empty token",
            on_channel(&format!("{PUSH}\" \"")),
            400,
            "data.subscriptions[1].subscription_id",
        ),
        row(
            "S5 object as push token",
            on_channel(&format!("{PUSH}{{}}")),
            400,
            "data.subscriptions[1].subscription_id",
        ),
        row("S5 chat without data", on_channel("\"channel\": \"telegram_bot\""), 400, "data.subscriptions[1].cc_data"),
        row(
            "S5 text as chat data",
            on_channel(r#""channel": "telegram_bot", "cc_data": "1""#),
            400,
            "data.subscriptions[1].cc_data",
        ),
        row(
            "S5 chat without an id",
            on_channel(r#""channel": "telegram_bot", "cc_data": {}"#),
            400,
            "data.subscriptions[1].cc_data.id",
        ),
        row(
            "S5 word as chat id",
            on_channel(r#""channel": "telegram_bot", "cc_data": {"id": "me"}"#),
            400,
            "data.subscriptions[1].cc_data.id",
        ),
        row(
            "S5 more chat data than there is",
            on_channel(r#""channel": "telegram_bot", "cc_data": {"id": 1, "name": "me"}"#),
            400,
            "data.subscriptions[1].cc_data.name",
        ),
        row(
            "S5 messenger without a phone",
            on_channel(r#""channel": "viber", "cc_data": {"id": 1}"#),
            400,
            "data.subscriptions[1].cc_data.phone",
        ),
        row(
            "S5 messenger with no phone",
            on_channel(r#""channel": "notify", "cc_data": {"phone": "none"}"#),
            400,
            "data.subscriptions[1].cc_data.phone",
        ),
        row(
            "S5 custom channel without its id",
            on_channel(r#""channel": "max_bot", "cc_data": {}"#),
            400,
            "data.subscriptions[1].cc_data.chat_id",
        ),
        row(
            "S8 stored spelling without an address",
            on_channel(r#""channel": "email", "email_data": {}"#),
            400,
            "data.subscriptions[1].email_data.email",
        ),
        row(
            "S8 stored spelling with a malformed address",
            on_channel(r#""channel": "sms", "phone_data": {"phone": "x"}"#),
            400,
            "data.subscriptions[1].phone_data.phone",
        ),
        row("S4 unknown status", part("\"status\": \"asleep\""), 400, "data.subscriptions[1].status"),
        row("S4 status number out of range", part("\"status\": 7"), 400, "data.subscriptions[1].status"),
        row("S4 status -2", part("\"status\": -2"), 400, "data.subscriptions[1].status"),
        row("S4 boolean as status", part("\"status\": true"), 400, "data.subscriptions[1].status"),
        row("S4 list as status", part("\"status\": [\"subscribed\"]"), 400, "data.subscriptions[1].status"),
        row("S5 word as priority", part("\"priority\": \"high\""), 400, "data.subscriptions[1].priority"),
        row("S5 negative priority", part("\"priority\": -2"), 400, "data.subscriptions[1].priority"),
        row("S5 priority out of range", part("\"priority\": 4294967296"), 400, "data.subscriptions[1].priority"),
        row("S5 fraction as priority", part("\"priority\": 0.5"), 400, "data.subscriptions[1].priority"),
        row(
            "S5 unknown category",
            part("\"cats\": [\"category_1\", \"category_9\"]"),
            400,
            "data.subscriptions[1].cats[1]",
        ),
        row("S5 category of another resource", part("\"cats\": [\"news\"]"), 400, "data.subscriptions[1].cats[0]"),
        row("S5 object as categories", part("\"cats\": {}"), 400, "data.subscriptions[1].cats"),
        row("S5 null as category", part("\"cats\": [null]"), 400, "data.subscriptions[1].cats[0]"),
        row(
            "S5 unknown custom field",
            part("\"custom_fields\": {\"color\": 1}"),
            400,
            "data.subscriptions[1].custom_fields.color",
        ),
        row(
            "S5 ill-typed custom field",
            part("\"custom_fields\": {\"custom_number\": \"many\"}"),
            400,
            "data.subscriptions[1].custom_fields.custom_number",
        ),
        row(
            "S5 ill-typed system field",
            part("\"custom_fields\": {\"_ad_track\": \"maybe\"}"),
            400,
            "data.subscriptions[1].custom_fields._ad_track",
        ),
        row("S5 list as custom fields", part("\"custom_fields\": []"), 400, "data.subscriptions[1].custom_fields"),
        row("S5 text as custom fields", part("\"custom_fields\": \"a\""), 400, "data.subscriptions[1].custom_fields"),
        row("S5 unknown part", part("\"colour\": \"red\""), 400, "data.subscriptions[1].colour"),
        row(
            "S6 the bad one is named among good ones",
            json_instead(
                "[{",
                r#"[{ "resource_id": 1, "channel": "sms", "phone": "+79000000099" }, { "resource_id": 404 }, {"#,
            ),
            400,
            "data.subscriptions[1]",
        ),
        row(
            "S6 skip_invalid_subscriptions false, spelled out",
            in_place_of_data(
                r#""skip_invalid_subscriptions": false, "data": { "custom_int": 1, "subscriptions": [{}] }"#,
            ),
            400,
            "data.subscriptions[0].resource_id",
        ),
    ]
}

fn xml_rows() -> Vec<Row> {
    use Format::Xml;
    let field = |more: &str| xml_instead("<custom_field>", &format!("{more}<custom_field>"));
    let subscription = |more: &str| xml_instead("\n</data>", &format!("<subscriptions>{more}</subscriptions></data>"));
    let root = |other: &str| {
        body(Xml, GOOD_XML.replace("<xml>", &format!("<{other}>")).replace("</xml>", &format!("</{other}>")))
    };
    let before = |prolog: &str| body(Xml, format!("{prolog}{GOOD_XML}"));
    vec![
        row("T12 empty body", body(Xml, ""), 400, "line 1, column 1"),
        row("T12 wrong end tag", xml_instead("</custom_field>", "</custom>"), 400, "line 8, column 26"),
        row("T12 stray end tag", xml_instead("</data>", "</data></data>"), 400, "line 12, column 8"),
        row("T12 cut off", body(Xml, &GOOD_XML[..GOOD_XML.len() - 7]), 400, "line 12"),
        row("T12 cut off within a tag", body(Xml, &GOOD_XML[..GOOD_XML.len() - 1]), 400, "line 13"),
        row("T12 two roots", body(Xml, format!("{GOOD_XML}{GOOD_XML}")), 400, "line 13, column 7"),
        row("T12 trailing text", body(Xml, format!("{GOOD_XML}\nthe end")), 400, "line 13, column 7"),
        row("T12 not UTF-8", body(Xml, [GOOD_XML.as_bytes(), b"\n\xff"].concat()), 400, "line 14, column 1: not UTF-8"),
        row("T12 bare ampersand", field("<_fname>Olly & Co</_fname>"), 400, "line 8"),
        row("T12 control character", field("<_fname>\u{1}</_fname>"), 400, "line 8, column 9"),
        row("T12 forbidden character reference", field("<_fname>&#1;</_fname>"), 400, "line 8, column 9"),
        row(
            "T13 nested too deep",
            Attempt {
                limits: Limits { depth: 4, ..Limits::default() },
                ..field("<custom_object><a><b><c/></b></a></custom_object>")
            },
            400,
            "nested deeper than 4 levels",
        ),
        row("T14 document type", before("<!DOCTYPE xml>\n"), 400, "line 1, column 1"),
        row(
            "T14 declared entity",
            body(Xml, format!("<!DOCTYPE xml [<!ENTITY a \"fresh\">]>{}", GOOD_XML.replace("fresh value", "&a;"))),
            400,
            "line 1, column 1",
        ),
        row(
            "T14 external entity",
            before("<!DOCTYPE xml [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"),
            400,
            "line 1, column 1",
        ),
        row("T14 undeclared entity", field("<_fname>&nbsp;</_fname>"), 400, "&nbsp;"),
        row("T14 processing instruction", before("<?xml-stylesheet href='a.xsl'?>\n"), 400, "line 1, column 1"),
        row("X1 another root", root("request"), 400, "<request>"),
        row("X1 root in capitals", root("XML"), 400, "<XML>"),
        row("X1 another encoding", before("<?xml version='1.0' encoding='windows-1251'?>\n"), 400, "windows-1251"),
        row("X1 late declaration", before("\n<?xml version='1.0'?>\n"), 400, "line 2, column 1"),
        row("X2 text and elements mixed", xml_instead("<data>\n", "<data>\nemail: "), 400, "line 7"),
        row("X2 elements within a scalar", xml_instead("<db_id>1<", "<db_id><a>1</a><"), 400, "db_id"),
        row("X2 text as data", field("<custom_object>text</custom_object>"), 400, "data.custom_object"),
        row("X3 unknown attribute", xml_instead("<db_id>", "<db_id type='int'>"), 400, "line 3, column 1"),
        row("X3 array neither true nor false", xml_instead("array='true'", "array='yes'"), 400, "array=\"yes\""),
        row("X3 attribute given twice", xml_instead("array='true'", "array='true' array='true'"), 400, "line 9"),
        row("X3 attribute without quotes", xml_instead("array='true'", "array=true"), 400, "line 9"),
        row(
            "X4 parameter given twice",
            xml_instead("<db_id>1</db_id>", "<db_id>1</db_id><db_id>1</db_id>"),
            400,
            "db_id",
        ),
        row("X4 field given twice", field("<_fname>a</_fname><_fname>b</_fname>"), 400, "data._fname"),
        row("X4 list of one where one value is wanted", field("<_fname array='true'>a</_fname>"), 400, "data._fname"),
        row("X4 data given twice", xml_instead("</xml>", "<data></data></xml>"), 400, "data"),
        row(
            "X4 part given twice",
            subscription("<resource_id>1</resource_id><channel>sms</channel><phone>+79000000099</phone><phone/>"),
            400,
            "data.subscriptions[1].phone",
        ),
        row("X5 empty number", field("<custom_int></custom_int>"), 400, "data.custom_int"),
        row("X5 empty date", field("<_bdate/>"), 400, "data._bdate"),
        row("X5 empty database", xml_instead("<db_id>1</db_id>", "<db_id/>"), 400, "db_id"),
        row(
            "X5 empty e-mail",
            xml_instead("<matching>email</matching>\n<email>seeded@example.com</email>", "<email/>"),
            400,
            "email",
        ),
        row("X5 empty subscription", subscription(""), 400, "data.subscriptions[1].resource_id"),
        row("T6a no token", xml_instead("<token>abcdefghijklmnqrstuvwxyz</token>", ""), 401, "token"),
        row("T6a unknown token", xml_instead("<token>abc", "<token>no"), 403, "token"),
        row("M1 unknown mode", xml_instead("<matching>email<", "<matching>mail<"), 400, "matching"),
        row(
            "M8 unknown profile",
            xml_instead("<matching>email<", "<profile_id>54759eb3c090d83494e2d804</profile_id><matching>profile_id<"),
            404,
            "Profile not found",
        ),
        row("D3 unknown field", field("<_shoe_size>43</_shoe_size>"), 400, "data._shoe_size"),
        row("D6 date that is none", field("<_bdate>soon</_bdate>"), 400, "data._bdate"),
        row(
            "D8 no phone among phones",
            field("<phones>+79000000099</phones><phones>none</phones>"),
            400,
            "data.phones[1]",
        ),
        row(
            "D12 unknown segment",
            xml_instead("<data>", "<add_to_segments>1</add_to_segments><add_to_segments>404</add_to_segments><data>"),
            400,
            "add_to_segments[1]",
        ),
        row("D15 no data", xml_instead(&GOOD_XML[GOOD_XML.find("<data>").unwrap()..], "</xml>"), 400, "data"),
        row(
            "S5 unknown resource",
            subscription("<resource_id>404</resource_id><channel>sms</channel><phone>+79000000099</phone>"),
            400,
            "data.subscriptions[1].resource_id",
        ),
        row(
            "S5 no address",
            subscription("<resource_id>1</resource_id><channel>sms</channel>"),
            400,
            "data.subscriptions[1].phone",
        ),
        row("word as flag", xml_instead("<data>", "<detect_geo>on</detect_geo><data>"), 400, "detect_geo"),
    ]
}

/// Sends every row, checks it, and gathers the answers for a snapshot.
fn answers_to(rows: &[Row]) -> String {
    let mut names = HashSet::new();
    let mut answers = String::new();
    let mut problems = String::new();
    for row in rows {
        assert!(names.insert(row.name), "{} stands twice", row.name);
        match check(row) {
            Ok(reply) => writeln!(answers, "{}\n  {} {}\n", row.name, reply.code.number(), text(&reply)).unwrap(),
            Err(problem) => writeln!(problems, "{}: {problem}", row.name).unwrap(),
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
    answers
}

fn check(row: &Row) -> Result<Reply, String> {
    let bench = Bench::new((row.attempt.world)(), row.attempt.limits);
    let before = bench.visible();
    let reply = bench.send(&row.attempt);
    let answer = text(&reply);
    let (error, error_text) = envelope(&reply).ok_or_else(|| format!("no plain refusal: {answer}"))?;
    if (reply.code.number(), error) != (row.error, row.error) {
        return Err(format!("{} instead of {}: {answer}", reply.code.number(), row.error));
    }
    if !error_text.contains(row.says) {
        return Err(format!("{:?} is not said: {answer}", row.says));
    }
    if bench.visible() != before {
        return Err(format!("something was stored: {answer}"));
    }
    Ok(reply)
}

/// `error` and `error_text`, where there is nothing else in the answer, above all no `profile_id`.
fn envelope(reply: &Reply) -> Option<(u16, String)> {
    match reply.format {
        Format::Json => {
            let answer = json(&reply.body);
            let members: Vec<_> = answer.as_object()?.keys().collect();
            let error = answer["error"].as_u64()?.try_into().ok()?;
            (members == ["error", "error_text"]).then_some((error, answer["error_text"].as_str()?.to_owned()))
        }
        Format::Xml => {
            let answer = text(reply);
            let inner = answer.strip_prefix("<xml><error>")?.strip_suffix("</error_text></xml>")?;
            let (error, error_text) = inner.split_once("</error><error_text>")?;
            let plain = error_text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&");
            (!error_text.contains('<')).then_some((error.parse().ok()?, plain))
        }
    }
}

/// A server with two profiles, which share a phone and a custom value.
struct Bench {
    service: Service,
    seeded: Vec<String>,
}

impl Bench {
    fn new(world: World, limits: Limits) -> Self {
        let mut service = Service::new(world, Arc::new(MemoryStore::new()));
        let seeded = ["seeded@example.com", "other@example.com"].map(|email| {
            let data = json!({
                "email": email,
                "phones": ["+79000000001"],
                "custom_int": 7,
                "_bdate": "1990-02-22",
                "subscriptions": [{ "resource_id": 1, "channel": "email", "email": email, "priority": 3 }],
            });
            let answer = json(&post(&service, IMPORT, &authorised(json!({ "email": email, "data": data }))).body);
            answer["profile_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
        });
        service.limits = limits;
        Self { service, seeded: seeded.into() }
    }

    fn send(&self, attempt: &Attempt) -> Reply {
        let Attempt { method, path, query, content_type, authorization, body, .. } = attempt;
        let (content_type, authorization) = (*content_type, *authorization);
        let (accept, request_id) = (None, "");
        answer(&self.service, Call { method, path, query, content_type, accept, authorization, request_id, body })
    }

    fn get(&self, search: Value) -> Value {
        json(&post(&self.service, GET, &authorised(search)).body)
    }

    /// All that could show a trace: both profiles, byte for byte, and the searches for what only bad requests bring.
    fn visible(&self) -> Vec<Vec<u8>> {
        let by_id = |id: &String| post(&self.service, GET, &authorised(json!({ "profile_id": id })));
        let profiles: Vec<_> = self.seeded.iter().map(by_id).collect();
        assert!(profiles.iter().all(|reply| reply.code.number() == 0));
        let searches: Vec<_> = FRESH.iter().map(|search| post(&self.service, GET, &authorised(search()))).collect();
        assert!(searches.iter().all(|reply| reply.code.number() == 404), "a fresh value is found");
        profiles.into_iter().chain(searches).map(|reply| reply.body).collect()
    }
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.clone()).unwrap()
}

fn with_redactions(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.bind(check);
}
