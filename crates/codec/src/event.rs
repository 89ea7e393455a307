//! What webhooks get: an event as JSON. Ruling D13.

use crate::{
    encode::{field_value, fields, segment, subscription},
    node::Node,
    write,
};
use jiff::Timestamp;
use rollcall_model::{
    event::{Event, EventId, EventNumber},
    event_kind::EventKind,
    profile::Profile,
    profile_change::ProfileChange,
    trigger::Trigger,
    world::World,
};
use serde::Deserialize;

/// The body that tells of a change of this profile, and what it was made of at that moment.
pub fn body(
    id: EventId,
    trigger: &Trigger,
    change: &ProfileChange<'_>,
    profile: &Profile,
    time: Timestamp,
    world: &World,
) -> Box<str> {
    let mut members = named([
        ("id", Node::text(id)),
        ("event", Node::text(trigger.on.name())),
        ("trigger", Node::text(&trigger.name)),
        ("db_id", Node::Int(profile.database.0.into())),
        ("profile_id", Node::text(profile.id)),
        ("time", Node::text(time)),
    ]);
    members.extend(particulars(change, world));
    write::json_document(&Node::Object(members)).into()
}

/// What the event of this body is.
pub fn kind(body: &str) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        event: &'a str,
    }
    let kind: Kind<'_> = serde_json::from_str(body).ok()?;
    EventKind::named(kind.event).map(EventKind::name)
}

/// An event of the outbox as a line of JSON, for people.
pub fn line(number: EventNumber, event: &Event) -> String {
    write::json_document(&node(number, event))
}

/// An event of the outbox. Its body is shown as the text that is sent.
pub(crate) fn node(number: EventNumber, event: &Event) -> Node {
    let dead = event.dead.as_ref().map_or(Node::Null, |dead| {
        Node::object([("attempts", Node::Int(dead.attempts.into())), ("reason", Node::text(&dead.reason))])
    });
    Node::object([
        ("number", self::number(number)),
        ("id", Node::text(event.id)),
        ("trigger", Node::text(&event.trigger)),
        ("db_id", Node::Int(event.database.0.into())),
        ("profile_id", Node::text(event.profile)),
        ("body", Node::text(&event.body)),
        ("dead", dead),
    ])
}

pub(crate) fn number(number: EventNumber) -> Node {
    Node::Int(i64::try_from(number.0).unwrap_or(i64::MAX))
}

/// What there is to say of a change beside its kind.
pub(crate) fn particulars(change: &ProfileChange<'_>, world: &World) -> Vec<(String, Node)> {
    let value = |value: Option<_>| value.map_or(Node::Null, field_value);
    let shown = |known| ("subscription", subscription(known, fields(&known.custom_fields), world));
    match change {
        ProfileChange::Created | ProfileChange::Updated => Vec::new(),
        ProfileChange::FieldGiven(name, given) => {
            named([("field", Node::text(name)), ("before", Node::Null), ("after", field_value(given))])
        }
        ProfileChange::FieldChanged { name, before, after } => {
            named([("field", Node::text(name)), ("before", value(*before)), ("after", value(*after))])
        }
        ProfileChange::SubscriptionAdded(known) | ProfileChange::SubscriptionChanged(known) => named([shown(known)]),
        ProfileChange::StatusChanged { subscription, before } => named([
            ("before", Node::text(before.word())),
            ("after", Node::text(subscription.status.word())),
            shown(subscription),
        ]),
        ProfileChange::SegmentEntered(id) | ProfileChange::SegmentLeft(id) => named([("segment_id", segment(id))]),
    }
}

fn named<const N: usize>(members: [(&str, Node); N]) -> Vec<(String, Node)> {
    members.into_iter().map(|(name, node)| (name.to_owned(), node)).collect()
}
