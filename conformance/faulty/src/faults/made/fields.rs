//! Each documented field of a profile and each type of custom field: unknown, forgotten, mixed up, misread; and each
//! action on a field.

use super::{kebab, made, requirement};
use crate::{
    Fault,
    faults::{
        fields::{drop_field, values},
        worlds::lacks_field,
    },
    message::Message,
    seam::Seam,
};
use rollcall_model::{
    field::{FieldKind, FieldValue},
    field_action::FieldAction,
    field_change::FieldChange,
    import::ImportRequest,
    system_field::SYSTEM_FIELDS,
};
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn faults() -> Vec<Fault> {
    let system = SYSTEM_FIELDS.iter().map(|(name, _)| *name).filter(|name| is_documented(name));
    let system = system.flat_map(|name| {
        let row = requirement("DATA-FIELD", name);
        [unknown(name, row.clone()), told_if_sex(name, forgotten(name, row))]
    });
    let custom = FieldKind::ALL.iter().filter_map(|kind| custom_field(*kind));
    let custom = custom.flat_map(|(name, row)| {
        // How an enum is shown is left to the server, so that nobody can tell what became of it.
        let seen = [forgotten(name, row.into()), misread(name, row)].into_iter().filter(move |_| name != "custom_enum");
        std::iter::once(unknown(name, row.into())).chain(seen)
    });
    let actions = FieldAction::ALL.iter().flat_map(|action| [Some(refused(*action)), ignored(*action)]).flatten();
    system.chain(mixed_up()).chain(custom).chain(actions).collect()
}

fn told_if_sex(field: &str, fault: Fault) -> Fault {
    match field {
        "_sex" => fault.only_told("an answer may show the sex as a number or as a word."),
        _ => fault,
    }
}

/// The examples of the documentation have them; the table has some more.
fn is_documented(field: &str) -> bool {
    const UNDOCUMENTED: [&str; 9] =
        ["_regcity", "_regcountry", "_regurl", "_city", "_country", "_region", "_lat", "_lon", "_status"];
    !UNDOCUMENTED.contains(&field)
}

/// The documented world's custom field of this type, and the requirement that it can be imported.
fn custom_field(kind: FieldKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        FieldKind::Text => ("custom_field", "DATA-FIELD-CUSTOM"),
        FieldKind::Int => ("custom_int", "DATA-CUSTOM-NUMBERS"),
        FieldKind::Float => ("custom_float", "DATA-CUSTOM-NUMBERS"),
        FieldKind::Bool => ("custom_bool", "DATA-CUSTOM-SCALARS"),
        FieldKind::Date => ("custom_date", "DATA-CUSTOM-SCALARS"),
        FieldKind::Enum => ("custom_enum", "DATA-CUSTOM-SCALARS"),
        FieldKind::Ip => ("custom_ip", "DATA-CUSTOM-SCALARS"),
        FieldKind::Tags => ("custom_tags", "DATA-CUSTOM-TAGS"),
        FieldKind::Object => ("custom_object", "DATA-CUSTOM-OBJECTS"),
        FieldKind::Objects => ("custom_objects", "DATA-CUSTOM-OBJECTS"),
        FieldKind::Email | FieldKind::Phones | FieldKind::Sex | FieldKind::TimeZone => return None, // no custom field
    })
}

fn unknown(field: &'static str, row: String) -> Fault {
    let story = format!("There is no profile field {field}.");
    made(format!("field-{}-unknown", kebab(field)), row, story, Seam::world(move |world| lacks_field(world, field)))
}

fn forgotten(field: &'static str, row: String) -> Fault {
    let story = format!("The field {field} is taken and forgotten.");
    made(
        format!("field-{}-forgotten", kebab(field)),
        row,
        story,
        Seam::import(move |request| drop_field(request, field)),
    )
}

/// Documented fields of one type that follow each other in the table, each kept in the other's place.
fn mixed_up() -> impl Iterator<Item = Fault> {
    let documented: Vec<_> = SYSTEM_FIELDS.iter().filter(|(name, _)| is_documented(name)).collect();
    let follower = move |place: usize| {
        let (one, kind) = documented[place];
        let (other, _) = documented[place + 1..].iter().find(|(_, other)| other == kind)?;
        Some((*one, *other))
    };
    (0..SYSTEM_FIELDS.iter().filter(|(name, _)| is_documented(name)).count()).filter_map(follower).map(
        |(one, other)| {
            let exchange = move |request: &mut ImportRequest| {
                for (name, _) in &mut request.patch.fields {
                    *name = match name.as_str() {
                        name if name == one => other.into(),
                        name if name == other => one.into(),
                        _ => continue,
                    };
                }
            };
            let name = format!("fields-{}-and-{}-swapped", kebab(one), kebab(other));
            let story = format!("The fields {one} and {other} are kept in each other's place.");
            made(name, requirement("DATA-FIELD", other), story, Seam::import(exchange))
        },
    )
}

fn misread(field: &'static str, row: &'static str) -> Fault {
    let another = Seam::import(move |request| {
        values(request, |name, value| {
            if name == field {
                *value = another_value(value);
            }
        });
    });
    let story = format!("What is given for {field} is kept as another value.");
    made(format!("field-{}-misread", kebab(field)), row, story, another)
}

/// A value of the same type, and never the same.
fn another_value(value: &FieldValue) -> FieldValue {
    match value {
        FieldValue::Int(number) => FieldValue::Int(number.wrapping_add(1)),
        FieldValue::Float(number) => FieldValue::Float(number + 0.5),
        FieldValue::Text(text) => FieldValue::Text(format!("{text}.").into()),
        FieldValue::Date(moment) => FieldValue::Date(*moment + std::time::Duration::from_secs(24 * 60 * 60)),
        FieldValue::Bool(is_so) => FieldValue::Bool(!is_so),
        FieldValue::Choice(ordinal) => FieldValue::Choice((ordinal + 1) % 3),
        FieldValue::Ip(_) => FieldValue::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        FieldValue::Tags(tags) => FieldValue::Tags(tags.iter().skip(1).cloned().collect()),
        FieldValue::Object(_) => FieldValue::Object(Default::default()),
        FieldValue::Objects(items) => FieldValue::Objects(items.iter().skip(1).cloned().collect()),
        FieldValue::Email(_) | FieldValue::Phones(_) => value.clone(), // of no custom field
    }
}

fn refused(action: FieldAction) -> Fault {
    let is_asked_for = move |message: &Message| message.value("action") == Some(action.name());
    let name = format!("action-{}-refused", action.name());
    let story = format!("The action {} is refused.", action.name());
    made(name, requirement("DATA-FUNCTION", action.name()), story, Seam::refuses(is_asked_for))
}

/// Setting a field looks like a bare value once it is read, so that it cannot be ignored on its own.
fn ignored(action: FieldAction) -> Option<Fault> {
    let is_it: fn(&FieldChange) -> bool = match action {
        FieldAction::Set => return None,
        FieldAction::Unset => |change| matches!(change, FieldChange::Unset),
        FieldAction::Increment => |change| matches!(change, FieldChange::Increment(_)),
        FieldAction::Add => |change| matches!(change, FieldChange::Add(_)),
        FieldAction::Delete => |change| matches!(change, FieldChange::Delete(_)),
        FieldAction::Upsert => |change| matches!(change, FieldChange::Upsert { .. } | FieldChange::UpsertEach { .. }),
    };
    let ignore = move |request: &mut ImportRequest| request.patch.fields.retain(|(_, change)| !is_it(change));
    let name = format!("action-{}-ignored", action.name());
    let story = format!("The action {} is taken and does nothing.", action.name());
    Some(made(name, requirement("DATA-FUNCTION", action.name()), story, Seam::import(ignore)))
}
