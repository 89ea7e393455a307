//! Profiles as lines: written and read back they are the same, people can write them by hand, and what is wrong with one
//! is said with its place.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::world;
use proptest::{collection::vec, option, prelude::*, sample::select};
use rollcall_codec::{answer, format::Format, line};
use rollcall_model::{
    address::Address,
    channel::ChannelName,
    database::DatabaseId,
    field::{FieldName, FieldValue, Fields},
    phone::Phone,
    profile::{Profile, ProfileId},
    resource::ResourceId,
    segment::SegmentId,
    strategies,
    subscription::{Registration, Subscription},
    subscription_status::SubscriptionStatus,
    value::{Object, Value},
};

const DATABASE: DatabaseId = DatabaseId(1);
const ID: ProfileId = ProfileId([7; 12]);
const NEW_ID: ProfileId = ProfileId([8; 12]);

fn decode(line: &str) -> Result<Profile, String> {
    line::decode(line.as_bytes(), &world(), || NEW_ID).map_err(|error| error.to_string())
}

fn encode(profile: &Profile) -> String {
    String::from_utf8(line::encode(profile, &world())).unwrap()
}

/// Fields with names that the world knows, and any value: that of the right type, now and then.
fn known_fields(names: Vec<FieldName>) -> impl Strategy<Value = Fields> {
    vec((select(names), strategies::field_value()), 0..12).prop_map(Fields::from_iter)
}

fn profile_field_names() -> Vec<FieldName> {
    world().databases[0].fields.iter().map(|field| field.name.clone()).collect()
}

fn subscription_field_names() -> Vec<FieldName> {
    world().resources[0].fields.iter().map(|field| field.name.clone()).collect()
}

/// How a subscription came about; now and then on a day or page that an import would not take.
fn registration() -> impl Strategy<Value = Registration> {
    let date = select(vec!["2024-05-01T10:00:00.5Z", "-000044-03-15T12:00:00Z"]).prop_map(|date| date.parse().unwrap());
    let url = select(vec!["www.example.com", " "]).prop_map(Box::<str>::from);
    let parts = (option::of(date), option::of(any::<std::net::IpAddr>()), option::of(url));
    parts.prop_map(|(date, ip, url)| Registration { date, ip, url })
}

/// What makes a subscription one that the world has, as far as its address is one of the channel.
fn known_places() -> impl Strategy<Value = (u32, ChannelName, Fields, Option<&'static str>, Registration)> {
    let channels: Vec<_> = world().channels.into_iter().map(|channel| channel.name).collect();
    let fields = known_fields(subscription_field_names());
    (1..=2u32, select(channels), fields, option::of(Just("category_1")), registration())
}

/// Any profile, or one that is nearer to what the world knows.
fn profile() -> impl Strategy<Value = Profile> {
    let any_profile = || strategies::profile(ID, DATABASE);
    let known = (any_profile(), known_fields(profile_field_names()), vec(known_places(), 4));
    let known = known.prop_map(|(profile, fields, places)| {
        let subscriptions = profile.subscriptions.into_iter().zip(places);
        let subscriptions =
            subscriptions.map(|(subscription, (resource, channel, custom_fields, category, registration))| {
                let priority = subscription.priority.saturating_abs();
                let categories = category.into_iter().map(Into::into).collect();
                Subscription {
                    resource: ResourceId(resource),
                    channel,
                    custom_fields,
                    priority,
                    categories,
                    registration,
                    ..subscription
                }
            });
        let segments = profile.segments.into_iter().map(|segment| SegmentId(segment.0 % 4)).collect();
        Profile { fields, subscriptions: subscriptions.collect(), segments, ..profile }
    });
    prop_oneof![any_profile(), known]
}

proptest! {
    #[test]
    fn a_profile_comes_back_from_its_line(profile in profile()) {
        let line = encode(&profile);
        prop_assert!(!line.contains('\n'), "{line}");
        prop_assert_eq!(decode(&line), Ok(profile), "{}", line);
    }

    #[test]
    fn a_line_that_is_cut_off_is_refused(profile in profile(), cut in any::<proptest::sample::Index>()) {
        let line = line::encode(&profile, &world());
        let cut = &line[..cut.index(line.len())];
        prop_assert!(line::decode(cut, &world(), || NEW_ID).is_err());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        profile in profile(), at in any::<proptest::sample::Index>(), bytes in vec(any::<u8>(), 0..8)
    ) {
        let mut line = line::encode(&profile, &world());
        let at = at.index(line.len());
        line.splice(at..at, bytes);
        let _either_is_fine = line::decode(&line, &world(), || NEW_ID);
    }
}

fn olga() -> Profile {
    let mut profile = Profile::new(ID, DATABASE);
    profile.fields = Fields::from_iter([
        ("custom_date".into(), FieldValue::Date("2024-05-01T10:00:00.000000001Z".parse().unwrap())),
        ("custom_enum".into(), FieldValue::Choice(1)),
        ("custom_float".into(), FieldValue::Float(2.0)),
    ]);
    profile.segments.insert(SegmentId(2));
    profile.subscriptions.push(Subscription {
        status: SubscriptionStatus::Unsubscribed,
        priority: 3,
        categories: vec!["category_2".into()],
        ..Subscription::new(ResourceId(1), "max_bot".into(), Address::Custom("17".into()))
    });
    profile
}

#[test]
fn spells_what_the_world_knows_as_an_import_does() {
    let line = concat!(
        r#"{"db_id":1,"id":"070707070707070707070707","custom_date":"2024-05-01T10:00:00.000000001Z","custom_enum":1,"#,
        r#""custom_float":2.0,"segments":[2],"subscriptions":[{"resource_id":1,"channel":"max_bot","cc_data":"#,
        r#"{"chat_id":"17"},"status":"unsubscribed","priority":3,"custom_fields":{},"cats":["category_2"]}]}"#
    );
    assert_eq!(encode(&olga()), line);
    assert_eq!(decode(line), Ok(olga()));
}

#[test]
fn spells_what_the_world_does_not_know_exactly() {
    let mut lost = Profile::new(ID, DATABASE);
    lost.fields.set("lost".into(), FieldValue::Int(5));
    lost.fields.set("custom_enum".into(), FieldValue::Choice(7));
    lost.segments.insert(SegmentId(9));
    lost.subscriptions.push(Subscription { resource: ResourceId(9), ..olga().subscriptions[0].clone() });
    let line = concat!(
        r#"{"db_id":1,"id":"070707070707070707070707","custom_enum":{"$enum":7},"lost":{"$int":5},"#,
        r#""segments":[{"$segment":9}],"subscriptions":[{"$subscription":{"resource_id":9,"channel":"max_bot","#,
        r#""address":{"$custom":"17"},"status":"unsubscribed","priority":3,"custom_fields":{},"cats":["category_2"]}}]}"#
    );
    assert_eq!(encode(&lost), line);
    assert_eq!(decode(line), Ok(lost));
}

#[test]
fn writes_exactly_what_an_import_would_read_as_something_else() {
    let text = |text: &str| -> Box<str> { text.into() };
    let tags = |tags: &[&str]| FieldValue::Tags(tags.iter().map(|tag| text(tag)).collect());
    let phones =
        |digits: &[u64]| FieldValue::Phones(digits.iter().map(|digits| Phone::from_digits(*digits).unwrap()).collect());
    let object = |name: &str| Object::from([(text(name), Value::Int(5))]);
    let date = |moment: &str| FieldValue::Date(moment.parse().unwrap());
    let (plain, exact) = (false, true);
    let cases = [
        ("custom_tags", tags(&["a", "b"]), plain),
        ("custom_tags", tags(&["a", "a"]), exact),
        ("custom_tags", tags(&["a "]), exact),
        ("phones", phones(&[79_000_000_000, 79_000_000_001]), plain),
        ("phones", phones(&[79_000_000_000, 79_000_000_000]), exact),
        ("custom_object", FieldValue::Object(object("int")), plain),
        ("custom_object", FieldValue::Object(object("$int")), exact),
        ("custom_objects", FieldValue::Objects(vec![Value::Object(object("$int"))]), plain),
        ("custom_objects", FieldValue::Objects(vec![Value::Int(5)]), exact),
        ("custom_date", date("2024-05-01T10:00:00.5Z"), plain),
        ("custom_date", date("-000044-03-15T12:00:00Z"), exact),
        ("custom_enum", FieldValue::Choice(1), plain),
        ("custom_enum", FieldValue::Choice(2), exact),
        ("_sex", FieldValue::Int(2), plain),
        ("_sex", FieldValue::Int(3), exact),
        ("_sex", FieldValue::Text(text("female")), plain),
        ("_sex", FieldValue::Text(text("Female")), exact),
        ("_tz", FieldValue::Text(text("Europe/Moscow")), plain),
        ("_tz", FieldValue::Text(text(" Europe/Moscow")), exact),
        ("_tz", FieldValue::Text(text("Atlantis")), exact),
        ("custom_int", FieldValue::Float(5.0), exact),
    ];
    for (name, value, is_exact) in cases {
        let mut profile = Profile::new(ID, DATABASE);
        profile.fields.set(name.into(), value);
        let line = encode(&profile);
        assert_eq!(line.contains(&format!("\"{name}\":{{\"$")), is_exact, "{line}");
        assert_eq!(decode(&line), Ok(profile), "{line}");
    }
}

#[test]
fn a_subscription_that_an_import_would_not_make_is_written_exactly() {
    let subscription = olga().subscriptions.remove(0);
    let repeated = vec![subscription.categories[0].clone(); 2];
    let push = Address::Push { provider: "a".into(), subscription_id: " ".into() };
    let on =
        |date: &str, url: &str| Registration { date: Some(date.parse().unwrap()), ip: None, url: Some(url.into()) };
    let cases = [
        Subscription { priority: -1, ..subscription.clone() },
        Subscription { categories: vec!["elsewhere".into()], ..subscription.clone() },
        Subscription { categories: repeated, ..subscription.clone() },
        Subscription { channel: "push".into(), ..subscription.clone() },
        Subscription { channel: "push".into(), address: push, ..subscription.clone() },
        Subscription { address: Address::Custom("".into()), ..subscription.clone() },
        Subscription { resource: ResourceId(2), ..subscription.clone() },
        Subscription { registration: on("-000044-03-15T12:00:00Z", "x"), ..subscription.clone() },
        Subscription { registration: on("2024-05-01T10:00:00Z", ""), ..subscription.clone() },
    ];
    let alone = cases.map(|odd| vec![odd]);
    let twice = vec![subscription.clone(), subscription];
    for subscriptions in alone.into_iter().chain([twice]) {
        let profile = Profile { subscriptions, ..olga() };
        let line = encode(&profile);
        assert_eq!(line.matches("$subscription").count(), 1, "{line}");
        assert_eq!(decode(&line), Ok(profile), "{line}");
    }
}

#[test]
fn keeps_how_a_subscription_came_about() {
    let mut profile = olga();
    profile.subscriptions[0].registration = Registration {
        date: Some("2024-05-01T10:00:00.000000001Z".parse().unwrap()),
        ip: Some("2001:db8::1".parse().unwrap()),
        url: Some("https://example.com/?a=1".into()),
    };
    let line = encode(&profile);
    let told = r#""date":"2024-05-01T10:00:00.000000001Z","ip":"2001:db8::1","url":"https://example.com/?a=1"}}]}"#;
    assert!(line.contains("$subscription") && line.ends_with(told), "{line}");
    assert_eq!(decode(&line), Ok(profile));
}

#[test]
fn takes_what_a_person_writes_by_hand() {
    let line = r#"{"db_id": 1, "email": "a@b.co", "phones": "8 900 000 00 00", "custom_enum": "silver", "_lname": null,
        "subscriptions": [{"resource_id": 1, "channel": "email", "email": "a@b.co"}]}"#;
    let profile = decode(&line.replace('\n', "")).unwrap();
    assert_eq!(profile.id, NEW_ID);
    assert_eq!(profile.phones()[0].to_string(), "+79000000000");
    assert_eq!(profile.fields.get("custom_enum"), Some(&FieldValue::Choice(1)));
    assert_eq!(profile.fields.get("_lname"), None);
    assert_eq!(profile.subscriptions[0].status, SubscriptionStatus::Subscribed);
}

#[test]
fn what_profiles_get_shows_is_a_line() {
    let shown = answer::profile(&olga(), &world(), Format::Json);
    let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(decode(&shown["data"].to_string()), Ok(olga()));
}

#[test]
fn says_what_is_wrong_with_a_line_and_where() {
    let in_database = |members: &str| format!(r#"{{"db_id":1,{members}}}"#);
    let subscribed = |members: &str| {
        let to = r#""resource_id":1,"channel":"email","email":"a@b.co""#;
        in_database(&format!(r#""subscriptions":[{{{to}{members}}}]"#))
    };
    let stored = |members: &str| in_database(&format!(r#""subscriptions":[{{"$subscription":{{{members}}}}}]"#));
    let cases = [
        ("{".to_owned(), "column 1: EOF while parsing an object"),
        ("[]".to_owned(), "column 1: invalid type: sequence, expected a map"),
        (r#"{"email":"a@b.co"}"#.to_owned(), "db_id: parameter is missing"),
        (r#"{"db_id":7}"#.to_owned(), "db_id: there is no such database"),
        (in_database(r#""id":"7""#), "id: not an identifier, which has 24 hexadecimal digits"),
        (in_database(r#""colour":"red""#), "colour: there is no such field"),
        (in_database(r#""colour":null"#), "colour: there is no such field"),
        (in_database(r#""custom_int":"x""#), "custom_int: not a whole number"),
        (in_database(r#""custom_int":{"action":"incr","value":1}"#), "custom_int: not a whole number"),
        (in_database(r#""custom_int":{"$int":"x"}"#), "custom_int.$int: not a whole number"),
        (in_database(r#""lost":{"$date":"1.1.2024"}"#), "lost.$date: not a moment in RFC 3339"),
        (
            in_database(r#""lost":{"$text":"x"}"#),
            "lost.$text: not the type of an exact value; there are $int, $float, $string, $date, $bool, $enum, $ip, \
             $tags, $object, $objects, $email, $phones",
        ),
        (in_database(r#""segments":[1,9]"#), "segments[1]: the database has no such segment"),
        (in_database(r#""segments":[{"$segment":"x"}]"#), "segments[0].$segment: not a whole number"),
        (subscribed(r#","colour":"red""#), "subscriptions[0].colour: unknown field of a subscription"),
        (subscribed(r#","custom_fields":{"x":1}"#), "subscriptions[0].custom_fields.x: there is no such field"),
        (
            subscribed(r#","custom_fields":{"x":{"$int":""}}"#),
            "subscriptions[0].custom_fields.x.$int: not a whole number",
        ),
        (
            subscribed(r#"},{"resource_id":1,"channel":"email","email":"A@b.co""#),
            "subscriptions[1]: the profile has this subscription already",
        ),
        (stored(r#""colour":1"#), "subscriptions[0].$subscription.colour: unknown part of a stored subscription"),
        (
            stored(
                r#""status":"subscribed","priority":0,"resource_id":1,"channel":"x","address":{"$chat":1},"custom_fields":{},"cats":[],"ip":"x""#,
            ),
            "subscriptions[0].$subscription.ip: not an IP address",
        ),
        (stored(r#""resource_id":1"#), "subscriptions[0].$subscription.status: parameter is missing"),
        (
            stored(r#""resource_id":1,"channel":"x","status":"subscribed","priority":0,"address":{"$fax":"1"}"#),
            "subscriptions[0].$subscription.address: not the exact form of an address",
        ),
        (
            stored(
                r#""resource_id":1,"channel":"x","status":"subscribed","priority":0,"address":{"$push":{"provider":"x"}}"#,
            ),
            "subscriptions[0].$subscription.address.$push.subscription_id: parameter is missing",
        ),
        (
            stored(
                r#""status":-1,"priority":0,"resource_id":1,"channel":"x","address":{"$chat":1},"custom_fields":{},"cats":[]"#,
            ),
            "subscriptions[0].$subscription.status: not a status",
        ),
        (
            stored(
                r#""status":0,"priority":0,"resource_id":1,"channel":"x","address":{"$chat":1},"custom_fields":{},"cats":[],"ip":"x""#,
            ),
            "subscriptions[0].$subscription.ip: not an IP address",
        ),
    ];
    for (line, problem) in cases {
        assert_eq!(decode(&line).unwrap_err(), problem, "{line}");
    }
}
