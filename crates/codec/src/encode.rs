//! The way back of reading: profiles and import requests as nodes. Dossier 6.1; ruling X8.
//!
//! A stored profile and the `data` of a request are spelled alike, so that what is read back can be sent again.

use crate::{format::Format, node::Node, write};
use rollcall_model::{
    address::Address,
    channel::AddressKind,
    email::Email,
    field::{FieldName, FieldValue, Fields},
    field_action::FieldAction,
    field_change::FieldChange,
    hash_id::HashId,
    import::{Identifiers, ImportOptions, ImportRequest},
    phone::Phone,
    profile::{Profile, ProfileId},
    resource::{Category, ResourceId},
    segment::SegmentId,
    subscription::{Registration, Subscription},
    subscription_patch::SubscriptionPatch,
    token::ApiToken,
    value::Value,
    world::World,
};

/// An import request as bytes. What it does not say is left out.
pub fn import(request: &ImportRequest, token: &ApiToken, world: &World, format: Format) -> Vec<u8> {
    let mut members = Members::default();
    members.add("token", Node::text(token.secret()));
    members.add("db_id", Node::Int(request.database.0.into()));
    members.add_some("matching", request.matching.as_deref().map(Node::text));
    identifiers(&request.identifiers, &mut members);
    options(request.options, &mut members);
    members.add_list("add_to_segments", request.patch.add_to_segments.iter().map(segment));
    members.add_list("remove_from_segments", request.patch.remove_from_segments.iter().map(segment));
    let mut data = Members::from(changes(&request.patch.fields));
    data.add_list("subscriptions", request.patch.subscriptions.iter().map(|patch| subscription_patch(patch, world)));
    members.add("data", data.into());
    write::document(&members.into(), format)
}

/// A stored profile.
pub(crate) fn profile(profile: &Profile, world: &World) -> Node {
    let mut members = Members::from(fields(&profile.fields));
    members.add("db_id", Node::Int(profile.database.0.into()));
    members.add("id", Node::text(profile.id));
    members.add("segments", Node::List(profile.segments.iter().map(segment).collect()));
    let shown = |known| shown_subscription(known, profile.id, world, Spelling::Stored);
    let subscriptions = profile.subscriptions.iter().map(shown).collect();
    members.add("subscriptions", Node::List(subscriptions));
    members.into()
}

/// Members of an object while they are gathered.
#[derive(Default)]
struct Members(Vec<(String, Node)>);

impl Members {
    fn add(&mut self, name: &str, node: Node) {
        self.0.push((name.to_owned(), node));
    }

    fn add_some(&mut self, name: &str, node: Option<Node>) {
        if let Some(node) = node {
            self.add(name, node);
        }
    }

    fn add_list(&mut self, name: &str, items: impl Iterator<Item = Node>) {
        let items: Vec<_> = items.collect();
        if !items.is_empty() {
            self.add(name, Node::List(items));
        }
    }
}

impl From<Node> for Members {
    fn from(node: Node) -> Self {
        match node {
            Node::Object(members) => Self(members),
            _ => Self::default(),
        }
    }
}

impl From<Members> for Node {
    fn from(members: Members) -> Self {
        Node::Object(members.0)
    }
}

fn identifiers(identifiers: &Identifiers, members: &mut Members) {
    members.add_some("email", identifiers.email.as_ref().map(email));
    members.add_some("phone", identifiers.phone.as_ref().map(phone));
    members.add_some("profile_id", identifiers.profile_id.map(Node::text));
    members.add_some("provider", identifiers.provider.as_deref().map(Node::text));
    members.add_some("subscription_id", identifiers.subscription_id.as_deref().map(Node::text));
    members.add_some("resource_id", identifiers.resource.map(resource));
    members.add_some("field_name", identifiers.field_name.as_ref().map(Node::text));
    members.add_some("field_value", identifiers.field_value.as_ref().map(|value| Node::text(&value.text)));
}

fn options(options: ImportOptions, members: &mut Members) {
    let flags = [
        ("skip_triggers", options.skip_triggers),
        ("skip_invalid_subscriptions", options.skip_invalid_subscriptions),
        ("detect_geo", options.detect_geo),
    ];
    flags.into_iter().filter(|(_, set)| *set).for_each(|(name, _)| members.add(name, Node::Bool(true)));
}

fn subscription_patch(patch: &SubscriptionPatch, world: &World) -> Node {
    let mut members = Members::default();
    members.add("resource_id", resource(patch.resource));
    members.add("channel", Node::text(&patch.channel));
    members.0.extend(address(&patch.address, patch.channel.as_str(), world, Spelling::Documented));
    members.add_some("status", patch.status.map(|status| Node::text(status.word())));
    members.add_some("priority", patch.priority.map(|priority| Node::Int(priority.into())));
    if !patch.custom_fields.is_empty() {
        members.add("custom_fields", changes(&patch.custom_fields));
    }
    members.add_list("cats", patch.categories.iter().map(category));
    members.0.extend(registration(&patch.registration));
    members.into()
}

/// How a subscription came about, as far as that was told.
pub(crate) fn registration(known: &Registration) -> impl Iterator<Item = (String, Node)> {
    let date = known.date.map(|date| ("date", Node::text(date)));
    let ip = known.ip.map(|ip| ("ip", Node::text(ip)));
    let url = known.url.as_ref().map(|url| ("url", Node::text(url)));
    [date, ip, url].into_iter().flatten().map(|(name, node)| (name.to_owned(), node))
}

/// A stored subscription of this profile, as it is shown: with its short name, and that it is not deleted. Within a
/// profile its address is spelled as it is stored; where it stands for itself, as in a request (dossier 6.2).
pub(crate) fn shown_subscription(known: &Subscription, profile: ProfileId, world: &World, spelling: Spelling) -> Node {
    let mut members = Members::from(spelled(known, fields(&known.custom_fields), world, spelling));
    members.add("hash_id", Node::text(HashId::of(profile, known)));
    members.add("is_delete", Node::Bool(false)); // a subscription that is deleted is not kept
    members.into()
}

/// A stored subscription, with its fields as they were written.
pub(crate) fn subscription(known: &Subscription, custom_fields: Node, world: &World) -> Node {
    spelled(known, custom_fields, world, Spelling::Stored)
}

fn spelled(known: &Subscription, custom_fields: Node, world: &World, spelling: Spelling) -> Node {
    let mut members = Members::default();
    members.add("resource_id", resource(known.resource));
    members.add("channel", Node::text(&known.channel));
    members.0.extend(address(&known.address, known.channel.as_str(), world, spelling));
    members.add("status", Node::text(known.status.word()));
    members.add("priority", Node::Int(known.priority.into()));
    members.add("custom_fields", custom_fields);
    members.add("cats", Node::List(known.categories.iter().map(category).collect()));
    members.0.extend(registration(&known.registration));
    members.into()
}

/// Two spellings of the same address: in requests, and in stored subscriptions (S8).
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Spelling {
    Documented,
    Stored,
}

fn address(address: &Address, channel: &str, world: &World, spelling: Spelling) -> Vec<(String, Node)> {
    let plain = |name: &str, stored: &str, node: Node| match spelling {
        Spelling::Documented => vec![(name.to_owned(), node)],
        Spelling::Stored => vec![(stored.to_owned(), Node::object([(name, node)]))],
    };
    let channel_data = |name: &str, node: Node| vec![("cc_data".to_owned(), Node::object([(name, node)]))];
    match address {
        Address::Email(value) => plain("email", "email_data", email(value)),
        Address::Phone(value) => plain("phone", "phone_data", phone(value)),
        Address::Push { provider, subscription_id } => vec![
            ("provider".to_owned(), Node::text(provider)),
            ("subscription_id".to_owned(), Node::text(subscription_id)),
        ],
        Address::Chat(id) => channel_data("id", Node::Int(*id)),
        Address::Messenger(value) => channel_data("phone", phone(value)),
        Address::Custom(id) => match world.channel(channel).map(|channel| &channel.address) {
            Some(AddressKind::Custom { id_field }) => channel_data(id_field, Node::text(id)),
            _ => channel_data("id", Node::text(id)), // the configuration has lost the channel
        },
    }
}

fn changes(changes: &[(FieldName, FieldChange)]) -> Node {
    Node::Object(changes.iter().map(|(name, change)| (name.to_string(), self::change(change))).collect())
}

/// A bare value, or a functional update (D10).
fn change(change: &FieldChange) -> Node {
    let action =
        |action: FieldAction, value: Node| Node::object([("action", Node::text(action.name())), ("value", value)]);
    match change {
        FieldChange::Set(value) => field_value(value),
        FieldChange::Unset => Node::object([("action", Node::text(FieldAction::Unset.name()))]),
        FieldChange::Increment(by) => action(FieldAction::Increment, field_value(by)),
        FieldChange::Add(more) => action(FieldAction::Add, field_value(more)),
        FieldChange::Delete(less) => action(FieldAction::Delete, field_value(less)),
        FieldChange::Upsert { property, value } => upsert(property, free(value)),
        FieldChange::UpsertEach { property, members } => upsert(property, free_object(members)),
    }
}

fn upsert(property: &str, value: Node) -> Node {
    let action = Node::text(FieldAction::Upsert.name());
    Node::object([("action", action), ("submatch", Node::text(property)), ("value", value)])
}

pub(crate) fn fields(fields: &Fields) -> Node {
    Node::Object(fields.iter().map(|(name, value)| (name.to_string(), field_value(value))).collect())
}

/// A stored value, as it is shown.
pub(crate) fn field_value(value: &FieldValue) -> Node {
    match value {
        FieldValue::Int(number) => Node::Int(*number),
        FieldValue::Float(number) => Node::Float(*number),
        FieldValue::Text(text) => Node::text(text),
        FieldValue::Date(moment) => Node::text(moment),
        FieldValue::Bool(value) => Node::Bool(*value),
        FieldValue::Choice(ordinal) => Node::Int((*ordinal).into()),
        FieldValue::Ip(address) => Node::text(address),
        FieldValue::Tags(tags) => Node::List(tags.iter().map(Node::text).collect()),
        FieldValue::Object(members) => free_object(members),
        FieldValue::Objects(items) => Node::List(items.iter().map(free).collect()),
        FieldValue::Email(address) => email(address),
        FieldValue::Phones(phones) => Node::List(phones.iter().map(phone).collect()),
    }
}

fn free(value: &Value) -> Node {
    match value {
        Value::Null => Node::Null,
        Value::Bool(value) => Node::Bool(*value),
        Value::Int(number) => Node::Int(*number),
        Value::Float(number) => Node::Float(*number),
        Value::Text(text) => Node::text(text),
        Value::List(items) => Node::List(items.iter().map(free).collect()),
        Value::Object(members) => free_object(members),
    }
}

fn free_object(members: &rollcall_model::value::Object) -> Node {
    Node::Object(members.iter().map(|(name, value)| (name.to_string(), free(value))).collect())
}

pub(crate) fn email(email: &Email) -> Node {
    Node::text(email.as_str())
}

pub(crate) fn phone(phone: &Phone) -> Node {
    Node::text(phone)
}

pub(crate) fn resource(id: ResourceId) -> Node {
    Node::Int(id.0.into())
}

pub(crate) fn segment(id: &SegmentId) -> Node {
    Node::Int(id.0.into())
}

pub(crate) fn category(category: &Category) -> Node {
    Node::text(category)
}
