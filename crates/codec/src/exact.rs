//! A stored value in a line: as an import spells it wherever that is read back as the same value, else in its exact form
//! `{"$int": 5}`, which says its type and is not checked against the configuration.
//!
//! The exact form is for values that the configuration no longer describes: a field that it has lost or whose type it has
//! changed, say. Names of types are those of a world file.

use crate::{element::Element, encode::field_value, node::Node, scalar::is_shown_as_date};
use rollcall_model::{
    distinct::distinct,
    field::{FieldDefinition, FieldKind, FieldName, FieldValue},
    phone::Region,
    rejection::Rejection,
    time_zone::is_time_zone,
    value::Value,
};
use std::hash::Hash;

/// What the names of exact forms begin with.
const MARK: char = '$';

/// What is wrong with a field that has no definition.
pub(crate) const NO_SUCH_FIELD: &str = "there is no such field";

/// An exact value of any type: its type's name after the mark, and how it is read.
type Reader = fn(Element<'_, '_>) -> Result<FieldValue, Rejection>;

const READERS: &[(FieldKind, Reader)] = &[
    (FieldKind::Int, |given| given.int().map(FieldValue::Int)),
    (FieldKind::Float, |given| given.float().map(FieldValue::Float)),
    (FieldKind::Text, |given| given.text().map(|text| FieldValue::Text(text.into()))),
    (FieldKind::Date, |given| given.any_date().map(FieldValue::Date)),
    (FieldKind::Bool, |given| given.bool().map(FieldValue::Bool)),
    (FieldKind::Enum, |given| given.id().map(FieldValue::Choice)),
    (FieldKind::Ip, |given| given.ip().map(FieldValue::Ip)),
    (FieldKind::Tags, |given| each(given, |tag| tag.text().map(Into::into)).map(FieldValue::Tags)),
    (FieldKind::Object, |given| given.free_object().map(FieldValue::Object)),
    (FieldKind::Objects, |given| each(given, |item| item.free()).map(FieldValue::Objects)),
    (FieldKind::Email, |given| given.email().map(FieldValue::Email)),
    (FieldKind::Phones, |given| each(given, |phone| phone.phone(None)).map(FieldValue::Phones)),
];

fn each<T>(list: Element<'_, '_>, read: impl Fn(Element<'_, '_>) -> Result<T, Rejection>) -> Result<Vec<T>, Rejection> {
    list.items().map(read).collect()
}

/// What an exact form holds, with the name behind its mark; none where the element is none.
pub(crate) fn marked<'t, 'a>(element: Element<'t, 'a>) -> Option<(&'t str, Element<'t, 'a>)> {
    let mut members = element.as_object()?.members();
    let only = members.next().filter(|_| members.next().is_none())?;
    Some((only.name().strip_prefix(MARK)?, only))
}

/// A value under its mark.
pub(crate) fn mark(name: &str, node: Node) -> Node {
    Node::object([(&*format!("{MARK}{name}"), node)])
}

/// Reads the member as a field with this definition, or as an exact value, which needs none.
pub(crate) fn read(
    member: Element<'_, '_>,
    definition: Option<&FieldDefinition>,
    region: Option<Region>,
) -> Result<(FieldName, FieldValue), Rejection> {
    let name = || definition.map_or_else(|| member.name().into(), |definition| definition.name.clone());
    let value = match (marked(member), definition) {
        (Some((kind, given)), _) => read_exact(kind, given).map_err(|refusal| member.at(refusal))?,
        (None, Some(definition)) => member.field_value(definition, region)?,
        (None, None) => return Err(member.refuse(NO_SUCH_FIELD)),
    };
    Ok((name(), value))
}

fn read_exact(kind: &str, given: Element<'_, '_>) -> Result<FieldValue, Rejection> {
    match READERS.iter().find(|(known, _)| known.name() == kind) {
        Some((_, read)) => read(given),
        None => {
            let known: Vec<_> = READERS.iter().map(|(kind, _)| format!("{MARK}{}", kind.name())).collect();
            Err(given.refuse(format!("not the type of an exact value; there are {}", known.join(", "))))
        }
    }
}

/// Writes the value of a field with this definition.
pub(crate) fn write(value: &FieldValue, definition: Option<&FieldDefinition>) -> Node {
    match definition.is_some_and(|definition| is_read_back(value, definition)) {
        true => field_value(value),
        false => mark(kind(value).name(), field_value(value)),
    }
}

/// The type that an exact value says it has.
fn kind(value: &FieldValue) -> FieldKind {
    match value {
        FieldValue::Int(_) => FieldKind::Int,
        FieldValue::Float(_) => FieldKind::Float,
        FieldValue::Text(_) => FieldKind::Text,
        FieldValue::Date(_) => FieldKind::Date,
        FieldValue::Bool(_) => FieldKind::Bool,
        FieldValue::Choice(_) => FieldKind::Enum,
        FieldValue::Ip(_) => FieldKind::Ip,
        FieldValue::Tags(_) => FieldKind::Tags,
        FieldValue::Object(_) => FieldKind::Object,
        FieldValue::Objects(_) => FieldKind::Objects,
        FieldValue::Email(_) => FieldKind::Email,
        FieldValue::Phones(_) => FieldKind::Phones,
    }
}

/// Whether the value, as it is shown, is read as itself where this is wanted. What is read is said by
/// [`Element::field_value`]; a property test holds the two together.
fn is_read_back(value: &FieldValue, definition: &FieldDefinition) -> bool {
    match (definition.kind, value) {
        (FieldKind::Int, FieldValue::Int(_))
        | (FieldKind::Float, FieldValue::Float(_))
        | (FieldKind::Text, FieldValue::Text(_))
        | (FieldKind::Bool, FieldValue::Bool(_))
        | (FieldKind::Ip, FieldValue::Ip(_))
        | (FieldKind::Email, FieldValue::Email(_)) => true,
        (FieldKind::Date, FieldValue::Date(moment)) => is_shown_as_date(*moment),
        (FieldKind::Enum, FieldValue::Choice(ordinal)) => (*ordinal as usize) < definition.options.len(),
        (FieldKind::Tags, FieldValue::Tags(tags)) => is_distinct(tags) && tags.iter().all(|tag| tag.trim() == &**tag),
        (FieldKind::Phones, FieldValue::Phones(phones)) => is_distinct(phones),
        (FieldKind::Object, FieldValue::Object(members)) => {
            members.len() != 1 || !members.keys().any(|name| name.starts_with(MARK))
        }
        (FieldKind::Objects, FieldValue::Objects(items)) => items.iter().all(|item| matches!(item, Value::Object(_))),
        (FieldKind::Sex, FieldValue::Int(number)) => (0..=2).contains(number),
        (FieldKind::Sex, FieldValue::Text(word)) => matches!(&**word, "male" | "female"),
        (FieldKind::TimeZone, FieldValue::Text(name)) => is_time_zone(name),
        _ => false,
    }
}

fn is_distinct<T: Eq + Hash + Clone>(values: &[T]) -> bool {
    distinct(values.to_vec()).len() == values.len()
}
