//! Strategies for property tests: whatever the model can hold, likely or not. Only with the feature `strategies`.

use crate::{
    address::Address,
    channel::ChannelName,
    database::DatabaseId,
    email::Email,
    event::{DeadLetter, Event, EventId},
    field::{FieldName, FieldValue, Fields},
    phone::Phone,
    profile::{Profile, ProfileId},
    resource::ResourceId,
    segment::SegmentId,
    subscription::{Registration, Subscription},
    subscription_status::SubscriptionStatus,
    value::Value,
};
use jiff::Timestamp;
use proptest::{collection, option, prelude::*};
use std::net::IpAddr;

fn text() -> impl Strategy<Value = Box<str>> {
    ".{0,12}".prop_map(String::into_boxed_str)
}

fn email() -> impl Strategy<Value = Email> {
    "[a-zA-Z0-9.]{1,8}@[a-zA-Zа-я]{1,6}\\.(com|рф)".prop_filter_map("not an address", |text| Email::parse(&text))
}

fn phone() -> impl Strategy<Value = Phone> {
    (10_000_000..=999_999_999_999_999u64).prop_filter_map("not a number", Phone::from_digits)
}

fn number() -> impl Strategy<Value = f64> {
    proptest::num::f64::NORMAL | proptest::num::f64::ZERO
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        number().prop_map(Value::Float),
        text().prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            collection::btree_map(text(), inner, 0..4).prop_map(Value::Object),
        ]
    })
}

fn date() -> impl Strategy<Value = Timestamp> {
    let seconds = Timestamp::MIN.as_second() + 1..Timestamp::MAX.as_second();
    (seconds, 0..1_000_000_000)
        .prop_filter_map("out of range", |(second, nanosecond)| Timestamp::new(second, nanosecond).ok())
}

/// A value of any type.
pub fn field_value() -> impl Strategy<Value = FieldValue> {
    prop_oneof![
        any::<i64>().prop_map(FieldValue::Int),
        number().prop_map(FieldValue::Float),
        text().prop_map(FieldValue::Text),
        date().prop_map(FieldValue::Date),
        any::<bool>().prop_map(FieldValue::Bool),
        any::<u32>().prop_map(FieldValue::Choice),
        any::<IpAddr>().prop_map(FieldValue::Ip),
        collection::vec(text(), 0..4).prop_map(FieldValue::Tags),
        collection::btree_map(text(), value(), 0..4).prop_map(FieldValue::Object),
        collection::vec(value(), 0..4).prop_map(FieldValue::Objects),
        email().prop_map(FieldValue::Email),
        collection::vec(phone(), 0..4).prop_map(FieldValue::Phones),
    ]
}

fn fields() -> impl Strategy<Value = Fields> {
    let name = text().prop_map(|name| FieldName::from(&*name));
    collection::vec((name, field_value()), 0..6).prop_map(Fields::from_iter)
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        email().prop_map(Address::Email),
        phone().prop_map(Address::Phone),
        (text(), text()).prop_map(|(provider, subscription_id)| Address::Push { provider, subscription_id }),
        any::<i64>().prop_map(Address::Chat),
        phone().prop_map(Address::Messenger),
        text().prop_map(Address::Custom),
    ]
}

/// How a subscription came about: nothing of it, half of the time, as in most that are kept.
fn registration() -> impl Strategy<Value = Registration> {
    let parts = (option::of(date()), option::of(any::<IpAddr>()), option::of(text()));
    let told = parts.prop_map(|(date, ip, url)| Registration { date, ip, url });
    prop_oneof![Just(Registration::default()), told]
}

fn subscription() -> impl Strategy<Value = Subscription> {
    let status = proptest::sample::select(SubscriptionStatus::ALL);
    let categories = collection::vec(text().prop_map(|name| (&*name).into()), 0..3);
    let parts = (any::<u32>(), text(), address(), status, any::<i32>(), fields(), categories, registration());
    parts.prop_map(|(resource, channel, address, status, priority, custom_fields, categories, registration)| {
        Subscription {
            status,
            priority,
            custom_fields,
            categories,
            registration,
            ..Subscription::new(ResourceId(resource), ChannelName::from(&*channel), address)
        }
    })
}

/// An event of any content.
pub fn event() -> impl Strategy<Value = Event> {
    let dead = option::of((any::<u32>(), text()).prop_map(|(attempts, reason)| DeadLetter { attempts, reason }));
    let parts = (any::<[u8; 12]>(), text(), any::<u32>(), any::<[u8; 12]>(), text(), dead);
    parts.prop_map(|(id, trigger, database, profile, body, dead)| {
        let (id, database, profile) = (EventId(id), DatabaseId(database), ProfileId(profile));
        Event { id, trigger, database, profile, body, dead }
    })
}

/// A profile of any fields, subscriptions and segments.
pub fn profile(id: ProfileId, database: DatabaseId) -> impl Strategy<Value = Profile> {
    let segments = collection::btree_set(any::<u32>().prop_map(SegmentId), 0..4);
    let parts = (fields(), collection::vec(subscription(), 0..4), segments);
    parts.prop_map(move |(fields, subscriptions, segments)| Profile { id, database, fields, subscriptions, segments })
}
