//! What the parameters of a body say, and what an import is refused for: the reason, and the place as the sender knows
//! it. Bodies are JSON here; that XML means the same is held by `both_formats.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

mod common;

use rollcall_codec::{format::Format, import, limits::Limits, request::Parameters, tree::parse};
use rollcall_model::{
    address::Address,
    database::DatabaseId,
    field::{FieldKind, FieldValue},
    field_change::FieldChange,
    import::ImportRequest,
    rejection::Rejection,
    response_code::ResponseCode,
    subscription::Registration,
    subscription_status::SubscriptionStatus,
    system_field::SYSTEM_FIELDS,
    value::Value,
};

fn read(body: &str) -> Result<ImportRequest, Rejection> {
    read_as(Format::Json, body)
}

fn read_xml(members: &str) -> Result<ImportRequest, Rejection> {
    read_as(Format::Xml, &format!("<xml>{members}</xml>"))
}

fn read_as(format: Format, body: &str) -> Result<ImportRequest, Rejection> {
    let world = common::world();
    let tree = parse(body.as_bytes(), format, Limits::default())?;
    import::read(&Parameters::of(&tree), &world.databases[0], &world, Limits::default())
}

/// What the field is set to by a value that is spelled in JSON.
fn setting(field: &str, value: &str) -> Result<FieldValue, Rejection> {
    read(&format!(r#"{{"data": {{"{field}": {value}}}}}"#)).map(|request| request.patch.value(field).unwrap().clone())
}

fn subscribing(subscription: &str) -> Result<ImportRequest, Rejection> {
    read(&format!(r#"{{"data": {{"subscriptions": [{subscription}]}}}}"#))
}

fn assert_refused<T: std::fmt::Debug>(read: Result<T, Rejection>, reason: ResponseCode, place_and_detail: &str) {
    let refusal = read.expect_err(place_and_detail);
    assert_eq!((refusal.code, refusal.to_string()), (reason, format!("{}: {place_and_detail}", reason.text())));
}

#[test]
fn a_body_says_who_asks_for_what() {
    let body = br#"{"token": "secret", "db_id": "7", "format": "xml", "matching": "phone"}"#;
    let tree = parse(body, Format::Json, Limits::default()).unwrap();
    let parameters = Parameters::of(&tree);
    assert_eq!(parameters.token().unwrap().unwrap().secret(), "secret");
    assert_eq!(parameters.database_id().unwrap(), DatabaseId(7));
    assert_eq!(parameters.answer_format().unwrap(), Some(Format::Xml));
    assert_eq!(parameters.matching().unwrap().as_deref(), Some("phone"));
}

#[test]
fn a_body_that_says_nothing_asks_for_no_database() {
    let tree = parse(br#"{"token": null}"#, Format::Json, Limits::default()).unwrap();
    let parameters = Parameters::of(&tree);
    assert!(parameters.token().unwrap().is_none() && parameters.answer_format().unwrap().is_none());
    assert!(parameters.matching().unwrap().is_none());
    assert_eq!(parameters.database_id().unwrap_err().code, ResponseCode::MissingParameter);
}

#[test]
fn an_invalid_subscription_is_refused_as_such_with_its_place() {
    let refused = |subscription, place_and_detail: &str| {
        let place_and_detail = format!("data.subscriptions[0].{place_and_detail}");
        assert_refused(subscribing(subscription), ResponseCode::InvalidSubscription, &place_and_detail);
    };
    refused(r#"{"channel": "email", "email": "a@b.co"}"#, "resource_id: is missing");
    refused(r#"{"resource_id": 1, "email": "a@b.co"}"#, "channel: is missing");
    refused(r#"{"resource_id": 1, "channel": "email"}"#, "email: is missing");
    refused(r#"{"resource_id": 1, "channel": "sms"}"#, "phone: is missing");
    refused(
        r#"{"resource_id": 1, "channel": "email", "email": "a@b.co", "colour": 1}"#,
        "colour: unknown field of a subscription",
    );
}

#[test]
fn parts_of_a_stored_subscription_say_nothing() {
    let stored = r#"{"resource_id": 1, "channel": "email", "email": "a@b.co",
        "hash_id": "x", "is_delete": false, "db_id": 1, "profile_id": "y"}"#;
    assert_eq!(subscribing(stored).unwrap().patch.subscriptions.len(), 1);
}

#[test]
fn an_address_has_two_spellings() {
    for (channel, name) in [("email", "a@b.co"), ("sms", "+79000000000")] {
        let parameter = if channel == "email" { "email" } else { "phone" };
        let address = |address: String| -> Address {
            let body = format!(r#"{{"resource_id": 1, "channel": "{channel}", {address}}}"#);
            subscribing(&body).unwrap().patch.subscriptions[0].address.clone()
        };
        let plain = address(format!(r#""{parameter}": "{name}""#));
        assert_eq!(address(format!(r#""{parameter}_data": {{"{parameter}": "{name}"}}"#)), plain);
    }
}

#[test]
fn a_value_is_searched_for_in_every_way_its_name_can_be_meant() {
    let searched = |name: &str, value: &str| {
        let body = format!(r#"{{"field_name": "{name}", "field_value": "{value}", "data": {{}}}}"#);
        read(&body).map(|request| request.identifiers.field_value.unwrap())
    };
    assert!(searched("custom_int", "12").unwrap().of_database.is_some());
    assert_eq!(searched("custom_int", "x").unwrap_err().code, ResponseCode::IncorrectValue);
    let of_subscriptions = searched("custom_field_1", "x").unwrap();
    assert_eq!((of_subscriptions.of_database, of_subscriptions.of_subscriptions.len()), (None, 1));
    let on_channel = searched("max_bot", "x").unwrap();
    assert_eq!((&*on_channel.text, on_channel.of_database, on_channel.of_subscriptions.len()), ("x", None, 0));
}

#[test]
fn a_value_that_fits_only_one_of_the_meanings_of_its_name_is_searched_for_there() {
    let mut world = common::world();
    world.channels.last_mut().unwrap().name = "custom_int".into();
    let tree =
        parse(br#"{"field_name": "custom_int", "field_value": "x", "data": {}}"#, Format::Json, Limits::default());
    let tree = tree.unwrap();
    let request = import::read(&Parameters::of(&tree), &world.databases[0], &world, Limits::default()).unwrap();
    assert_eq!(request.identifiers.field_value.unwrap().of_database, None, "as an address on the channel");
}

#[test]
fn unknown_fields_segments_and_missing_data_are_refused() {
    assert_refused(read("{}"), ResponseCode::MissingParameter, "data");
    let unknown = "data.colour: with field \"colour\": Incorrect field";
    assert_refused(read(r#"{"data": {"colour": 1}}"#), ResponseCode::UnknownField, unknown);
    let twice = r#"{"data": {}, "add_to_segments": [1, 2], "remove_from_segments": [2]}"#;
    assert_refused(read(twice), ResponseCode::IncorrectSegment, "remove_from_segments: to be entered as well");
    let unknown = "add_to_segments[1]: the database has no such segment";
    assert_refused(read(r#"{"data": {}, "add_to_segments": [1, 9]}"#), ResponseCode::IncorrectSegment, unknown);
    let no_email = r#"{"data": {"email": null}}"#;
    assert_refused(read(no_email), ResponseCode::IncorrectValue, "data.email: the e-mail cannot be cleared");
    let request =
        read(r#"{"data": {"subscriptions": null}, "add_to_segments": [1, 1], "skip_triggers": true}"#).unwrap();
    assert_eq!(request.patch.add_to_segments.len(), 1);
    assert!(request.options.skip_triggers && !request.options.detect_geo);
    assert!(request.patch.fields.is_empty() && request.patch.subscriptions.is_empty());
}

#[test]
fn a_truth_is_a_word_or_one_or_zero_and_nothing_else() {
    let of = |value: &str| read(&format!(r#"{{"data": {{}}, "detect_geo": {value}}}"#)).map(|it| it.options.detect_geo);
    for (value, truth) in [("true", true), ("1", true), ("\"true\"", true), ("false", false), ("0", false)] {
        assert_eq!(of(value), Ok(truth), "{value}");
    }
    for value in ["2", "-1", "\"yes\"", "[]", "{}", "1.5"] {
        assert_eq!(of(value).unwrap_err().code, ResponseCode::IncorrectValue, "{value}");
    }
}

#[test]
fn a_whole_number_of_any_size_is_a_number_for_a_field_of_fractions() {
    for number in ["9223372036854775808", "-9223372036854775808", "1.5", "7"] {
        let request = read(&format!(r#"{{"data": {{"custom_float": {number}}}}}"#)).unwrap_or_else(|no| panic!("{no}"));
        let value = request.patch.value("custom_float").unwrap();
        assert_eq!(value, &FieldValue::Float(number.parse().unwrap()), "{number}");
    }
}

#[test]
fn a_date_has_all_its_digits_and_signs() {
    let read = |date: &str| read(&format!(r#"{{"data": {{"custom_date": "{date}"}}}}"#));
    for date in ["1990-02-22", "1990-02-22T21:00Z", "1990-02-22T21:00:00.5Z", "1990-02-22T21:00:00+03:00"] {
        assert!(read(date).is_ok(), "{date}");
    }
    for date in
        ["19900222", "1990-W08-4", "1990-02-22T21:00:00+03", "1990-02-22T2100Z", "1990-2-22", "1990-02-22T21:00:00"]
    {
        assert_eq!(read(date).unwrap_err().code, ResponseCode::IncorrectValue, "{date}");
    }
}

#[test]
fn a_null_is_said_and_a_name_may_have_escapes() {
    let request = read(r#"{"\u0064ata": {"_fn\u0061me": null}}"#).unwrap();
    assert_eq!(request.patch.fields, [("_fname".into(), FieldChange::Unset)]);
}

#[test]
fn a_status_is_a_word_or_a_number_and_less_one_leaves_it() {
    let of = |status: &str| {
        let sms = r#""resource_id": 1, "channel": "sms", "phone": "+79000000000""#;
        subscribing(&format!(r#"{{{sms}, "status": {status}}}"#)).map(|it| it.patch.subscriptions[0].status)
    };
    let unsubscribed = Ok(Some(SubscriptionStatus::Unsubscribed));
    assert_eq!(
        [of("\"unsubscribed\""), of("1"), of("\"1\"")],
        [unsubscribed.clone(), unsubscribed.clone(), unsubscribed]
    );
    assert_eq!([of("-1"), of("\"-1\"")], [Ok(None), Ok(None)]);
    for status in ["7", "-2", "\"left\"", "true", "[]"] {
        assert_eq!(of(status).unwrap_err().code, ResponseCode::InvalidSubscription, "{status}");
    }
}

#[test]
fn a_value_to_search_for_is_known_as_it_was_written() {
    for (value, text) in [("true", "true"), ("1.0", "1.0"), ("12", "12"), ("\" a \"", " a ")] {
        let request = read(&format!(r#"{{"field_name": "max_bot", "field_value": {value}, "data": {{}}}}"#)).unwrap();
        assert_eq!(&*request.identifiers.field_value.unwrap().text, text);
    }
}

#[test]
fn a_text_or_a_number_is_no_object_but_an_empty_element_may_be_one() {
    for data in ["\"x\"", "\"\"", "1", "true"] {
        let refused = read(&format!(r#"{{"data": {data}}}"#));
        assert_refused(refused, ResponseCode::IncorrectValue, "data: not an object");
    }
    assert_refused(read_xml("<data>x</data>"), ResponseCode::IncorrectValue, "data: not an object");
    for data in ["<data/>", "<data> \n</data>"] {
        assert!(read_xml(data).unwrap().patch.fields.is_empty(), "{data}");
    }
}

#[test]
fn a_whole_number_of_any_size_is_a_text_and_a_fraction_is_none() {
    for number in ["18446744073709551615", "-9223372036854775808", "7"] {
        assert_eq!(setting("custom_field", number), Ok(FieldValue::Text(number.into())));
    }
    assert_eq!(setting("custom_field", "1.5").unwrap_err().code, ResponseCode::IncorrectValue);
}

#[test]
fn a_whole_number_may_have_a_fraction_of_zero_where_it_still_tells_numbers_apart() {
    for (number, whole) in [("12.0", 12), ("-3e2", -300), ("9007199254740992.0", 9_007_199_254_740_992)] {
        assert_eq!(setting("custom_int", number), Ok(FieldValue::Int(whole)), "{number}");
        assert_eq!(setting("custom_int", &format!("\" {number}\"")), Ok(FieldValue::Int(whole)), "{number}");
    }
    for number in ["12.5", "9007199254740994.0", "1e300", "9223372036854775808"] {
        assert_eq!(setting("custom_int", number).unwrap_err().code, ResponseCode::IncorrectValue, "{number}");
    }
}

#[test]
fn a_choice_is_a_word_or_an_ordinal_that_counts_from_zero() {
    for (choice, ordinal) in [("\"bronze\"", 0), ("\"silver\"", 1), ("0", 0), ("\" 1 \"", 1)] {
        assert_eq!(setting("custom_enum", choice), Ok(FieldValue::Choice(ordinal)), "{choice}");
    }
    for choice in ["2", "-1", "\"gold\"", "\"\""] {
        let refused = setting("custom_enum", choice).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Incorrect request: incorrect value: data.custom_enum: none of the options: bronze, silver"
        );
    }
}

#[test]
fn a_property_leads_through_sixteen_objects_and_no_more() {
    let upsert = |objects: usize| {
        let property = vec!["a"; objects].join(".");
        let update = format!(r#"{{"action": "upsert", "submatch": "{property}", "value": 1}}"#);
        read(&format!(r#"{{"data": {{"custom_object": {update}}}}}"#))
    };
    assert!(upsert(16).is_ok());
    for objects in [17, 18] {
        let refusal = "data.custom_object.submatch: leads through more than 16 objects";
        assert_refused(upsert(objects), ResponseCode::IncorrectValue, refusal);
    }
}

#[test]
fn an_object_with_an_action_of_its_own_is_a_value_unless_it_is_plainly_an_update() {
    let of = |object: &str| match setting("custom_object", object) {
        Ok(FieldValue::Object(members)) => members.into_keys().collect::<Vec<_>>().join(" "),
        other => panic!("{object}: {other:?}"),
    };
    assert_eq!(of(r#"{"action": "jump"}"#), "action");
    assert_eq!(of(r#"{"action": "set", "value": {"a": 1}, "colour": 1}"#), "action colour value");
    assert_eq!(of(r#"{"action": "set", "value": {"a": 1}}"#), "a");
    let jump = setting("custom_field", r#"{"action": "jump"}"#).unwrap_err();
    assert_eq!(
        jump.to_string(),
        "Incorrect request: incorrect value: data.custom_field.action: there is no such action"
    );
}

#[test]
fn invalid_subscriptions_are_left_out_where_the_request_says_so() {
    let subscriptions = r#"[{"channel": "email"}, {"resource_id": 1, "channel": "email", "email": "a@b.co"}]"#;
    let skipping = |skips: bool| {
        let data = format!(r#"{{"subscriptions": {subscriptions}}}"#);
        read(&format!(r#"{{"skip_invalid_subscriptions": {skips}, "data": {data}}}"#))
    };
    let kept = skipping(true).unwrap().patch.subscriptions;
    assert_eq!(kept.iter().map(|subscription| subscription.position).collect::<Vec<_>>(), [1]);
    assert_eq!(skipping(false).unwrap_err().code, ResponseCode::InvalidSubscription);
}

#[test]
fn a_priority_is_zero_or_more_and_less_one_leaves_it() {
    let of = |priority: &str| {
        let email = r#""resource_id": 1, "channel": "email", "email": "a@b.co""#;
        subscribing(&format!(r#"{{{email}, "priority": {priority}}}"#)).map(|it| it.patch.subscriptions[0].priority)
    };
    assert_eq!([of("0"), of("\"7\""), of("2147483647")], [Ok(Some(0)), Ok(Some(7)), Ok(Some(i32::MAX))]);
    assert_eq!([of("-1"), of("\"-1\"")], [Ok(None), Ok(None)]);
    for priority in ["-2", "2147483648", "\"high\""] {
        assert_eq!(of(priority).unwrap_err().code, ResponseCode::InvalidSubscription, "{priority}");
    }
}

#[test]
fn a_zero_has_no_sign() {
    for zero in ["-0.0", "-0", "\"-0.0\"", "0"] {
        let Ok(FieldValue::Float(number)) = setting("custom_float", zero) else { panic!("{zero}") };
        assert!(number == 0.0 && number.is_sign_positive(), "{zero}");
    }
}

/// A value of each type of the system's fields that is read, and one that is refused, with the reason.
fn good_and_bad(kind: FieldKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        FieldKind::Email => ("\"почта@пример.рф\"", "\"a@b\"", "not an e-mail address"),
        FieldKind::Phones => ("[\"+79000000000\"]", "\"12345\"", "not a phone number"),
        FieldKind::Text => ("390000", "true", "not a text"),
        FieldKind::Date => {
            ("\"2001-12-31T00:00+03:00\"", "\"31.12.2001\"", "not a date: YYYY-MM-DD or RFC 3339 is wanted")
        }
        FieldKind::Sex => ("\"female\"", "3", "none of 0, 1, 2, male, female"),
        FieldKind::Ip => ("\"2001:db8::1\"", "\"999.999.999.999\"", "not an IP address"),
        FieldKind::TimeZone => ("\"Europe/Moscow\"", "\"+0300\"", "not the name of a time zone, such as Europe/Moscow"),
        FieldKind::Float => ("\"55.75\"", "\"north\"", "not a number"),
        FieldKind::Int => ("0", "\"subscribed\"", "not a whole number"),
        other => panic!("the system has a field of a type that this test does not know: {other:?}"),
    }
}

#[test]
fn every_field_of_the_system_is_checked_by_its_type() {
    for &(field, kind) in SYSTEM_FIELDS {
        let (good, bad, problem) = good_and_bad(kind);
        assert!(setting(field, good).is_ok(), "{field}: {good}");
        let place = if kind == FieldKind::Phones { "data.phones[0]".to_owned() } else { format!("data.{field}") };
        let refused = setting(field, bad);
        assert_refused(refused, ResponseCode::IncorrectValue, &format!("{place}: {problem}"));
    }
}

#[test]
fn fields_that_the_platform_computes_are_not_known() {
    for computed in ["_md5", "_emaildomain", "_createtime", "_acid", "_is_test"] {
        assert_eq!(setting(computed, "\"x\"").unwrap_err().code, ResponseCode::UnknownField, "{computed}");
    }
}

/// Functional updates that are refused, in JSON and in XML: of a profile's field, of the subscription's field of the same
/// type, the place within the field, and the reason.
const BAD_UPDATES: &[(&str, &str, &str, &str, &str)] = &[
    (
        "custom_int",
        "custom_number",
        r#"{"action": "double"}"#,
        "<action>double</action>",
        ".action: there is no such action",
    ),
    ("custom_int", "custom_number", r#"{"action": "incr"}"#, "<action>incr</action>", ".value"),
    (
        "custom_int",
        "custom_number",
        r#"{"action": "incr", "value": "one"}"#,
        "<action>incr</action><value>one</value>",
        ".value: not a whole number",
    ),
    (
        "custom_int",
        "custom_number",
        r#"{"action": "set", "value": "99999999999999999999"}"#,
        "<action>set</action><value>99999999999999999999</value>",
        ".value: not a whole number",
    ),
    (
        "custom_field",
        "custom_field_1",
        r#"{"action": "incr", "value": 1}"#,
        "<action>incr</action><value>1</value>",
        ".action: does not work on a field of type string",
    ),
    (
        "custom_tags",
        "custom_topics",
        r#"{"action": "upsert", "submatch": "a", "value": 1}"#,
        "<action>upsert</action><submatch>a</submatch><value>1</value>",
        ".action: does not work on a field of type tags",
    ),
    (
        "custom_tags",
        "custom_topics",
        r#"{"action": "add", "value": {"a": "b"}}"#,
        "<action>add</action><value><a>b</a></value>",
        ".value[0]: not a text",
    ),
    (
        "custom_object",
        "custom_device",
        r#"{"action": "upsert", "value": 1}"#,
        "<action>upsert</action><value>1</value>",
        ".submatch",
    ),
    (
        "custom_object",
        "custom_device",
        r#"{"action": "upsert", "submatch": "a..b", "value": 1}"#,
        "<action>upsert</action><submatch>a..b</submatch><value>1</value>",
        ".submatch: has a name that is empty",
    ),
    (
        "custom_objects",
        "custom_devices",
        r#"{"action": "upsert", "submatch": "a", "value": "b"}"#,
        "<action>upsert</action><submatch>a</submatch><value>b</value>",
        ".value: not an object",
    ),
];

#[test]
fn a_functional_update_that_makes_no_sense_is_refused_by_its_place_wherever_it_stands() {
    let subscribed = r#""resource_id": 1, "channel": "email", "email": "a@b.co""#;
    let subscribed_xml = "<resource_id>1</resource_id><channel>email</channel><email>a@b.co</email>";
    for (field, subscription_field, json, xml, place_and_problem) in BAD_UPDATES {
        let of_profile = [
            read(&format!(r#"{{"data": {{"{field}": {json}}}}}"#)),
            read_xml(&format!("<data><{field}>{xml}</{field}></data>")),
        ];
        for refused in of_profile {
            let refused = refused.expect_err(json).to_string();
            assert!(refused.ends_with(&format!(": data.{field}{place_and_problem}")), "{json}: {refused}");
        }
        let fields_xml = format!("<custom_fields><{subscription_field}>{xml}</{subscription_field}></custom_fields>");
        let of_subscription = [
            subscribing(&format!(r#"{{{subscribed}, "custom_fields": {{"{subscription_field}": {json}}}}}"#)),
            read_xml(&format!("<data><subscriptions>{subscribed_xml}{fields_xml}</subscriptions></data>")),
        ];
        for refused in of_subscription {
            let refused = refused.expect_err(json);
            assert_eq!(refused.code, ResponseCode::InvalidSubscription);
            let place = format!(": data.subscriptions[0].custom_fields.{subscription_field}{place_and_problem}");
            assert!(refused.to_string().contains(&place), "{json}: {refused}");
        }
    }
}

#[test]
fn a_functional_update_means_the_same_in_both_formats_and_in_subscriptions() {
    let json = r#"{"action": "upsert", "submatch": "os.name", "value": "ios"}"#;
    let xml = "<action>upsert</action><submatch>os.name</submatch><value>ios</value>";
    let subscribed = r#""resource_id": 1, "channel": "email", "email": "a@b.co""#;
    let of_profile = read_xml(&format!("<data><custom_object>{xml}</custom_object></data>")).unwrap();
    let of_subscription =
        subscribing(&format!(r#"{{{subscribed}, "custom_fields": {{"custom_device": {json}}}}}"#)).unwrap();
    let change = FieldChange::Upsert { property: "os.name".into(), value: Value::Text("ios".into()) };
    assert_eq!(of_profile.patch.fields, [("custom_object".into(), change.clone())]);
    assert_eq!(of_subscription.patch.subscriptions[0].custom_fields, [("custom_device".into(), change)]);
}

#[test]
fn a_subscription_says_when_from_where_and_on_which_page_it_was_made() {
    let with = |members: &str| {
        let email = r#""resource_id": 1, "channel": "email", "email": "a@b.co""#;
        subscribing(&format!("{{{email}{members}}}")).map(|it| it.patch.subscriptions[0].registration.clone())
    };
    assert_eq!(with(""), Ok(Registration::default()));
    let told = with(r#", "date": "2024-05-27T12:00:00+03:00", "ip": "2001:db8::1", "url": "www.example.com""#);
    let date = Some("2024-05-27T09:00:00Z".parse().unwrap());
    let ip = Some("2001:db8::1".parse().unwrap());
    assert_eq!(told, Ok(Registration { date, ip, url: Some("www.example.com".into()) }));
    for (member, problem) in [
        (r#""date": "27.05.2024""#, "date: not a date: YYYY-MM-DD or RFC 3339 is wanted"),
        (r#""ip": "127.0.0.1.1""#, "ip: not an IP address"),
        (r#""url": """#, "url: an empty text"),
        (r#""url": {}"#, "url: not a text"),
    ] {
        let refused = subscribing(&format!(r#"{{"resource_id": 1, "channel": "email", "email": "a@b.co", {member}}}"#));
        let place = format!("data.subscriptions[0].{problem}");
        assert_refused(refused, ResponseCode::InvalidSubscription, &place);
    }
}
