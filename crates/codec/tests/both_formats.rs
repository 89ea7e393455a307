//! Ruling X8: an import request means the same in JSON and in XML, whatever the order of its parameters; and what is
//! written is read back as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{CUSTOM_FIELDS, world};
use proptest::{collection::vec, option, prelude::*, sample::select};
use rollcall_codec::{batch::Batch, encode, format::Format, import, limits::Limits, request::Parameters, tree::parse};
use rollcall_model::{
    address::Address,
    database::DatabaseId,
    distinct::distinct,
    email::Email,
    field::{FieldKind, FieldName, FieldValue},
    field_change::FieldChange,
    import::{Identifiers, ImportOptions, ImportRequest, ImportScope, SearchedValue},
    phone::Phone,
    profile::ProfileId,
    profile_patch::ProfilePatch,
    resource::ResourceId,
    segment::SegmentId,
    subscription::Registration,
    subscription_patch::SubscriptionPatch,
    subscription_status::SubscriptionStatus,
    system_field::SYSTEM_FIELDS,
    token::ApiToken,
    value::Value,
};
use std::collections::BTreeMap;

/// Text that both formats can say: XML has no control characters.
fn text() -> impl Strategy<Value = Box<str>> {
    let plain = "[a-zA-Z0-9+<>&'\"\\]\\[ ]{1,12}";
    let rare = "[ -~\u{a0}-\u{2ff}я中\u{1f600}\t\n\r]{1,12}";
    prop_oneof![
        plain,
        rare,
        select(vec!["", "007", "true", "null", "+7", " a ", "]]>", "\r\n"]).prop_map(str::to_owned)
    ]
    .prop_map(Into::into)
}

/// Text that names something.
fn word() -> impl Strategy<Value = Box<str>> {
    "[a-zA-Z0-9 <&я:./-]{0,10}[a-z0-9]".prop_map(Into::into)
}

fn email() -> impl Strategy<Value = Email> {
    "[a-zA-Z0-9]{1,8}(\\.[a-z]{1,3})?@[a-zA-Zя]{1,8}\\.(com|рф)".prop_map(|text| Email::parse(&text).unwrap())
}

fn phone() -> impl Strategy<Value = Phone> {
    (10_000_000u64..=999_999_999_999_999).prop_map(|digits| Phone::from_digits(digits).unwrap())
}

fn moment() -> impl Strategy<Value = jiff::Timestamp> {
    (-62_000_000_000i64..250_000_000_000, 0i32..1_000_000_000).prop_map(|(second, nanosecond)| {
        jiff::Timestamp::new(second, nanosecond).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    })
}

/// A free-form value that looks the same in both formats: XML shows no types and has no nameless lists.
fn free() -> impl Strategy<Value = Value> {
    let name = || "[a-z_][a-z0-9_]{0,5}".prop_map(Box::<str>::from);
    let leaf = text().prop_map(Value::Text);
    leaf.prop_recursive(3, 12, 4, move |inner| {
        let object = proptest::collection::btree_map(name(), inner.clone(), 1..4).prop_map(Value::Object);
        let list = vec(inner.prop_filter("nameless lists", |item| !matches!(item, Value::List(_))), 2..4);
        prop_oneof![object, list.prop_map(Value::List)]
    })
    .prop_filter("a list of its own has no name", |value| !matches!(value, Value::List(_)))
}

fn object() -> impl Strategy<Value = BTreeMap<Box<str>, Value>> {
    proptest::collection::btree_map("[a-z_][a-z0-9_]{0,5}".prop_map(Box::<str>::from), free(), 0..4)
}

fn value(kind: FieldKind) -> BoxedStrategy<FieldValue> {
    match kind {
        FieldKind::Int => any::<i64>().prop_map(FieldValue::Int).boxed(),
        FieldKind::Float => {
            any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| FieldValue::Float(n + 0.0)).boxed()
        }
        FieldKind::Text => text().prop_map(FieldValue::Text).boxed(),
        FieldKind::Date => moment().prop_map(FieldValue::Date).boxed(),
        FieldKind::Bool => any::<bool>().prop_map(FieldValue::Bool).boxed(),
        FieldKind::Enum => (0u32..2).prop_map(FieldValue::Choice).boxed(),
        FieldKind::Ip => any::<std::net::IpAddr>().prop_map(FieldValue::Ip).boxed(),
        FieldKind::Tags => vec(word(), 0..4)
            .prop_map(|tags| FieldValue::Tags(distinct(tags.iter().map(|tag| tag.trim().into()).collect())))
            .boxed(),
        FieldKind::Object => object().prop_map(FieldValue::Object).boxed(),
        FieldKind::Objects => {
            vec(object().prop_filter("an empty item", |o| !o.is_empty()).prop_map(Value::Object), 0..3)
                .prop_map(FieldValue::Objects)
                .boxed()
        }
        FieldKind::Email => email().prop_map(FieldValue::Email).boxed(),
        FieldKind::Phones => vec(phone(), 0..4).prop_map(|phones| FieldValue::Phones(distinct(phones))).boxed(),
        FieldKind::Sex => prop_oneof![
            (0i64..3).prop_map(FieldValue::Int),
            select(vec!["male", "female"]).prop_map(|word| FieldValue::Text(word.into()))
        ]
        .boxed(),
        FieldKind::TimeZone => select(vec!["Europe/Moscow", "UTC", "America/New_York"])
            .prop_map(|zone| FieldValue::Text(zone.into()))
            .boxed(),
    }
}

fn fields() -> impl Strategy<Value = Vec<(FieldName, FieldChange)>> {
    let rows: Vec<_> = SYSTEM_FIELDS.iter().chain(CUSTOM_FIELDS).copied().collect();
    let chosen = proptest::sample::subsequence(rows, 0..8).prop_shuffle();
    chosen.prop_flat_map(|rows| {
        let changes = rows.into_iter().map(|(name, kind)| (Just(FieldName::from(name)), change(name, kind)));
        changes.collect::<Vec<_>>()
    })
}

fn change(name: &str, kind: FieldKind) -> BoxedStrategy<FieldChange> {
    let set = value(kind).prop_map(FieldChange::Set);
    let property = || "[a-z]{1,4}(\\.[a-z]{1,3})?".prop_map(Box::<str>::from);
    let upsert = (property(), free()).prop_map(|(property, value)| FieldChange::Upsert { property, value });
    let upsert_each =
        (property(), object()).prop_map(|(property, members)| FieldChange::UpsertEach { property, members });
    match kind {
        _ if name == "email" => set.boxed(),
        FieldKind::Int | FieldKind::Float => {
            prop_oneof![set, Just(FieldChange::Unset), value(kind).prop_map(FieldChange::Increment)].boxed()
        }
        FieldKind::Tags => {
            prop_oneof![set, value(kind).prop_map(FieldChange::Add), value(kind).prop_map(FieldChange::Delete)].boxed()
        }
        FieldKind::Object => prop_oneof![set, upsert].boxed(),
        FieldKind::Objects => prop_oneof![set, upsert_each].boxed(),
        _ => prop_oneof![4 => set, 1 => Just(FieldChange::Unset)].boxed(),
    }
}

fn contact() -> impl Strategy<Value = (&'static str, Address)> {
    let push = (word(), word()).prop_map(|(provider, subscription_id)| Address::Push { provider, subscription_id });
    prop_oneof![
        email().prop_map(|email| ("email", Address::Email(email))),
        phone().prop_map(|phone| ("sms", Address::Phone(phone))),
        push.prop_map(|push| ("push", push)),
        any::<i64>().prop_map(|id| ("telegram_bot", Address::Chat(id))),
        (select(vec!["whatsapp", "viber", "notify"]), phone())
            .prop_map(|(name, phone)| (name, Address::Messenger(phone))),
        word().prop_map(|id| ("max_bot", Address::Custom(id))),
    ]
}

fn registration() -> impl Strategy<Value = Registration> {
    let parts = (option::of(moment()), option::of(any::<std::net::IpAddr>()), option::of(word()));
    parts.prop_map(|(date, ip, url)| Registration { date, ip, url })
}

fn subscription() -> impl Strategy<Value = SubscriptionPatch> {
    let field = prop_oneof![
        text().prop_map(|text| ("custom_field_1", FieldValue::Text(text))),
        any::<bool>().prop_map(|tracked| ("_ad_track", FieldValue::Bool(tracked))),
    ];
    let parts = (
        contact(),
        option::of(select(SubscriptionStatus::ALL)),
        option::of(0..=i32::MAX),
        option::of(field),
        proptest::sample::subsequence(vec!["category_1", "category_2"], 0..=2),
        registration(),
    );
    parts.prop_map(|((channel, address), status, priority, field, categories, registration)| SubscriptionPatch {
        registration,
        status,
        priority,
        custom_fields: field.map(|(name, value)| (name.into(), FieldChange::Set(value))).into_iter().collect(),
        categories: categories.into_iter().map(Into::into).collect(),
        ..SubscriptionPatch::new(0, ResourceId(1), channel.into(), address)
    })
}

fn identifiers() -> impl Strategy<Value = Identifiers> {
    let rows: Vec<_> = CUSTOM_FIELDS.iter().copied().filter(|(_, kind)| !is_free_form(*kind)).collect();
    let field = select(rows).prop_flat_map(|(name, kind)| {
        let lone = value(kind).prop_filter("no comma in a tag, and a tag at least", |value| match value {
            FieldValue::Tags(tags) => !tags.is_empty() && tags.iter().all(|tag| tag.trim() == &**tag),
            _ => true,
        });
        (Just(FieldName::from(name)), lone.prop_map(searched))
    });
    let parts = (
        option::of(email()),
        option::of(phone()),
        option::of(any::<[u8; 12]>().prop_map(ProfileId)),
        option::of((word(), word())),
        option::of(field),
        option::of((0u32..9).prop_map(ResourceId)),
    );
    parts.prop_map(|(email, phone, profile_id, push, field, resource)| {
        let (provider, subscription_id) = push.unzip();
        let (field_name, field_value) = field.unzip();
        Identifiers { email, phone, profile_id, provider, subscription_id, field_name, field_value, resource }
    })
}

/// A value of a database's field, as it is read when it is searched for.
fn searched(value: FieldValue) -> SearchedValue {
    let text = match &value {
        FieldValue::Float(number) => format!("{number:?}"),
        value => value.search_texts().join(", "),
    };
    SearchedValue { text: text.into(), of_database: Some(value), of_subscriptions: Vec::new() }
}

fn is_free_form(kind: FieldKind) -> bool {
    matches!(kind, FieldKind::Object | FieldKind::Objects)
}

fn request() -> impl Strategy<Value = ImportRequest> {
    let options = any::<[bool; 3]>().prop_map(|[skip_triggers, skip_invalid_subscriptions, detect_geo]| {
        ImportOptions { skip_triggers, skip_invalid_subscriptions, detect_geo }
    });
    let segments = select(vec![(vec![], vec![]), (vec![1], vec![]), (vec![1], vec![2]), (vec![], vec![2, 1])]);
    let parts = (option::of(word()), identifiers(), options, fields(), vec(subscription(), 0..4), segments);
    let placed = |subscriptions: Vec<SubscriptionPatch>| {
        let placed = subscriptions.into_iter().enumerate();
        placed.map(|(position, subscription)| SubscriptionPatch { position, ..subscription }).collect()
    };
    parts.prop_map(move |(matching, identifiers, options, fields, subscriptions, (add, remove))| ImportRequest {
        scope: ImportScope::Any,
        database: DatabaseId(1),
        matching,
        identifiers,
        options,
        patch: ProfilePatch {
            fields,
            subscriptions: placed(subscriptions),
            add_to_segments: add.into_iter().map(SegmentId).collect(),
            remove_from_segments: remove.into_iter().map(SegmentId).collect(),
        },
    })
}

fn read(bytes: &[u8], format: Format) -> ImportRequest {
    let world = world();
    let shown = || String::from_utf8_lossy(bytes).into_owned();
    let tree = parse(bytes, format, Limits::default()).unwrap_or_else(|refusal| panic!("{refusal}\n{}", shown()));
    import::read(&Parameters::of(&tree), &world.databases[0], &world, Limits::default())
        .unwrap_or_else(|refusal| panic!("{refusal}\n{}", shown()))
}

fn write(request: &ImportRequest, format: Format) -> Vec<u8> {
    encode::import(request, &ApiToken::from("t<&>"), &world(), format)
}

/// The same JSON object with its members in another order.
fn reordered(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(members) => {
            members.into_iter().rev().map(|(name, value)| (name, reordered(value))).collect()
        }
        serde_json::Value::Array(items) => items.into_iter().map(reordered).collect(),
        scalar => scalar,
    }
}

/// Fields are a set of changes; their order is the request's.
fn in_order(mut request: ImportRequest) -> ImportRequest {
    request.patch.fields.sort_by(|a, b| a.0.cmp(&b.0));
    request
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back_in_both_formats(request in request()) {
        prop_assert_eq!(&read(&write(&request, Format::Json), Format::Json), &request);
        prop_assert_eq!(&read(&write(&request, Format::Xml), Format::Xml), &request);
    }

    #[test]
    fn the_order_of_keys_means_nothing(request in request()) {
        let bytes = write(&request, Format::Json);
        // Sorted by name, and the reverse of it: two orders that are hardly the written one.
        let sorted: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        for value in [sorted.clone(), reordered(sorted)] {
            let read = read(&serde_json::to_vec(&value).unwrap(), Format::Json);
            prop_assert_eq!(in_order(read), in_order(request.clone()));
        }
    }

    #[test]
    fn a_number_means_the_same_however_it_is_spelled(number in "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,3})?(e[0-9])?") {
        let world = world();
        let change = |field: &str, body: &str, format| -> Result<_, String> {
            let tree = parse(body.as_bytes(), format, Limits::default()).map_err(|refusal| refusal.to_string())?;
            let read = import::read(&Parameters::of(&tree), &world.databases[0], &world, Limits::default());
            Ok(read.map_err(|refusal| refusal.to_string())?.patch.change(field).cloned())
        };
        for field in ["custom_int", "custom_float"] {
            let json = |spelled: &str| format!(r#"{{"db_id": 1, "data": {{"{field}": {spelled}}}}}"#);
            let as_number = change(field, &json(&number), Format::Json);
            let as_text = change(field, &json(&format!("\"{number}\"")), Format::Json);
            let in_xml = change(field, &format!("<xml><db_id>1</db_id><data><{field}>{number}</{field}></data></xml>"), Format::Xml);
            prop_assert_eq!(&as_number, &as_text);
            prop_assert_eq!(&as_number, &in_xml);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..64), at in 0usize..2000, request in request()) {
        for &format in Format::ALL {
            let world = world();
            let try_to_read = |bytes: &[u8]| {
                let _ = parse(bytes, format, Limits::default()).map(|tree| import::read(&Parameters::of(&tree), &world.databases[0], &world, Limits::default()));
                let _ = Batch::of(bytes, format, Limits::default()).map(|batch| {
                    for place in 0..batch.count().unwrap_or(1) {
                        let _ = batch.read(place, ImportScope::Any, &batch.parameters(), &world.databases[0], &world);
                    }
                });
            };
            try_to_read(&bytes);
            let mut damaged = write(&request, format);
            let at = at % damaged.len();
            damaged.splice(at..at, bytes.iter().copied());
            try_to_read(&damaged);
            damaged.truncate(at);
            try_to_read(&damaged);
        }
    }
}
