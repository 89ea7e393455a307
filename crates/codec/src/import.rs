//! The import request: every parameter of the call, and `data`. Page lines 85-137; rulings D1-D15.

use crate::{
    element::{Element, Object},
    format::Format,
    limits::Limits,
    request::Parameters,
    subscription,
    tree::parse,
};
use rollcall_model::{
    database::{Database, UnknownFields},
    distinct::distinct,
    field::{FieldName, FieldValue},
    field_change::FieldChange,
    import::{ImportOptions, ImportRequest, ImportScope},
    profile_patch::ProfilePatch,
    rejection::Rejection,
    response_code::ResponseCode,
    segment::SegmentId,
    subscription_patch::SubscriptionPatch,
    system_field::EMAIL,
    world::World,
};

/// Reads an import into this database.
pub fn read(
    parameters: &Parameters<'_, '_>,
    database: &Database,
    world: &World,
    limits: Limits,
) -> Result<ImportRequest, Rejection> {
    let options = options(parameters)?;
    let (add_to_segments, remove_from_segments) = segments(parameters, database)?;
    let element = parameters.data.ok_or_else(|| ResponseCode::MissingParameter.at("data"))?;
    let (fields, subscriptions) =
        data(element.object()?, options, database, world, limits).map_err(|refusal| element.at(refusal))?;
    Ok(ImportRequest {
        scope: ImportScope::Any,
        database: database.id,
        matching: parameters.matching()?,
        identifiers: parameters.identifiers(database, world)?,
        options,
        patch: ProfilePatch { fields, subscriptions, add_to_segments, remove_from_segments },
    })
}

fn options(parameters: &Parameters<'_, '_>) -> Result<ImportOptions, Rejection> {
    let flag = |given: Option<Element<'_, '_>>| given.map_or(Ok(false), Element::bool);
    Ok(ImportOptions {
        skip_triggers: flag(parameters.skip_triggers)?,
        skip_invalid_subscriptions: flag(parameters.skip_invalid_subscriptions)?,
        detect_geo: flag(parameters.detect_geo)?,
    })
}

/// The segments to enter and those to leave: known ones, and none in both (D12).
fn segments(
    parameters: &Parameters<'_, '_>,
    database: &Database,
) -> Result<(Vec<SegmentId>, Vec<SegmentId>), Rejection> {
    let known = |element: Element<'_, '_>| {
        let id = SegmentId(element.id()?);
        match database.segments.iter().any(|segment| segment.id == id) {
            true => Ok(id),
            false => Err(element.at(ResponseCode::IncorrectSegment.because("the database has no such segment"))),
        }
    };
    let list = |given: Option<Element<'_, '_>>| {
        given.map_or(Ok(Vec::new()), |list| list.items().map(known).collect::<Result<_, _>>().map(distinct))
    };
    let (add, remove) = (list(parameters.add_to_segments)?, list(parameters.remove_from_segments)?);
    match remove.iter().any(|segment| add.contains(segment)) {
        true => Err(ResponseCode::IncorrectSegment.because("to be entered as well").under("remove_from_segments")),
        false => Ok((add, remove)),
    }
}

type Changes = Vec<(FieldName, FieldChange)>;
type Subscriptions = Vec<SubscriptionPatch>;

fn data(
    data: Object<'_, '_>,
    options: ImportOptions,
    database: &Database,
    world: &World,
    limits: Limits,
) -> Result<(Changes, Subscriptions), Rejection> {
    let mut fields = Vec::with_capacity(data.members().count());
    let mut subscriptions = Vec::new();
    for member in data.members() {
        if member.name() == "subscriptions" {
            if !member.is_null() {
                let skip_invalid = options.skip_invalid_subscriptions;
                subscriptions = subscription::read_all(member, skip_invalid, database, world, limits)?;
            }
        } else if let Some(change) = field(member, database)? {
            fields.push(change);
        }
    }
    Ok((fields, subscriptions))
}

/// The values that an import with this `data` would give to fields, where it gives values to fields and does nothing
/// else. In JSON; for configurations.
pub fn field_values(data: &[u8], database: &Database) -> Result<Vec<(FieldName, FieldValue)>, Rejection> {
    let tree = parse(data, Format::Json, Limits::default())?;
    let value = |member: Element<'_, '_>| match field(member, database)? {
        Some((name, FieldChange::Set(value))) => Ok((name, value)),
        _ => Err(member.refuse("not a value of a field")),
    };
    tree.root().members().map(value).collect()
}

/// What a member of `data` does to its field; nothing where the database ignores fields it does not have (D3).
fn field(member: Element<'_, '_>, database: &Database) -> Result<Option<(FieldName, FieldChange)>, Rejection> {
    let Some(field) = database.fields.get(member.name()) else {
        return match database.unknown_fields {
            UnknownFields::Ignore => Ok(None),
            UnknownFields::Reject => {
                let problem = format!("with field {:?}: Incorrect field", member.name());
                Err(member.at(ResponseCode::UnknownField.because(problem)))
            }
        };
    };
    let change = member.field_change(field, database.default_region)?;
    if change == FieldChange::Unset && field.name.as_str() == EMAIL {
        return Err(member.refuse("the e-mail cannot be cleared"));
    }
    Ok(Some((field.name.clone(), change)))
}
