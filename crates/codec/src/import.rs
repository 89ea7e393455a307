//! The import request: every parameter of the call, and `data`. Page lines 85-137; rulings D1-D15. And the requests of
//! calls that are imports with less to say: of one subscription, of one segment. Dossier 6.2.

use crate::{
    element::{Element, Object},
    format::Format,
    limits::Limits,
    parameter::Parameter,
    request::Parameters,
    subscription,
    tree::parse,
};
use rollcall_model::{
    database::{Database, UnknownFields},
    distinct::distinct,
    field::{FieldName, FieldValue},
    field_change::FieldChange,
    import::{Identifiers, ImportOptions, ImportRequest, ImportScope},
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
    read_as(ImportScope::Any, parameters, database, world, limits)
}

/// Reads an import that is about such profiles only. One that only adds looks for nobody, and may do without `data`.
pub fn read_as(
    scope: ImportScope,
    parameters: &Parameters<'_, '_>,
    database: &Database,
    world: &World,
    limits: Limits,
) -> Result<ImportRequest, Rejection> {
    let options = options(parameters)?;
    let (add_to_segments, remove_from_segments) = segments(parameters, database)?;
    let (fields, subscriptions) = match parameters.get(Parameter::Data) {
        None if scope == ImportScope::New => Default::default(),
        None => return Err(ResponseCode::MissingParameter.at(Parameter::Data.name())),
        Some(element) => {
            data(element.object()?, options, database, world, limits).map_err(|refusal| element.at(refusal))?
        }
    };
    let (matching, identifiers) = match scope {
        ImportScope::New => Default::default(),
        ImportScope::Any | ImportScope::Existing => (parameters.matching()?, parameters.identifiers(database, world)?),
    };
    let patch = ProfilePatch { fields, subscriptions, add_to_segments, remove_from_segments };
    Ok(ImportRequest { scope, database: database.id, matching, identifiers, options, patch })
}

/// Reads a request that sets one subscription of a profile.
pub fn read_subscription(
    parameters: &Parameters<'_, '_>,
    database: &Database,
    world: &World,
) -> Result<ImportRequest, Rejection> {
    let subscription = subscription::read_alone(parameters, database, world)?;
    let patch = ProfilePatch { subscriptions: vec![subscription], ..ProfilePatch::default() };
    change_of_one(parameters, database, patch)
}

/// Reads a request that puts a profile into a segment.
pub fn read_entry(parameters: &Parameters<'_, '_>, database: &Database) -> Result<ImportRequest, Rejection> {
    let segment = segment(parameters.required(Parameter::SegmentId)?, database)?;
    change_of_one(parameters, database, ProfilePatch { add_to_segments: vec![segment], ..ProfilePatch::default() })
}

/// Reads a request that takes a profile out of a segment.
pub fn read_exit(parameters: &Parameters<'_, '_>, database: &Database) -> Result<ImportRequest, Rejection> {
    let segment = segment(parameters.required(Parameter::SegmentId)?, database)?;
    change_of_one(parameters, database, ProfilePatch { remove_from_segments: vec![segment], ..ProfilePatch::default() })
}

/// A change of the profile that the request names by its identifier.
fn change_of_one(
    parameters: &Parameters<'_, '_>,
    database: &Database,
    patch: ProfilePatch,
) -> Result<ImportRequest, Rejection> {
    let identifiers = Identifiers { profile_id: Some(parameters.profile_id()?), ..Identifiers::default() };
    let options =
        ImportOptions { skip_triggers: flag(parameters, Parameter::SkipTriggers)?, ..ImportOptions::default() };
    let (scope, matching) = (ImportScope::Existing, None);
    Ok(ImportRequest { scope, database: database.id, matching, identifiers, options, patch })
}

fn options(parameters: &Parameters<'_, '_>) -> Result<ImportOptions, Rejection> {
    Ok(ImportOptions {
        skip_triggers: flag(parameters, Parameter::SkipTriggers)?,
        skip_invalid_subscriptions: flag(parameters, Parameter::SkipInvalidSubscriptions)?,
        detect_geo: flag(parameters, Parameter::DetectGeo)?,
    })
}

fn flag(parameters: &Parameters<'_, '_>, parameter: Parameter) -> Result<bool, Rejection> {
    parameters.get(parameter).map_or(Ok(false), Element::bool)
}

/// The segments to enter and those to leave: known ones, and none in both (D12).
fn segments(
    parameters: &Parameters<'_, '_>,
    database: &Database,
) -> Result<(Vec<SegmentId>, Vec<SegmentId>), Rejection> {
    let list = |parameter| {
        let known = |item| segment(item, database);
        let given = parameters.get(parameter);
        given.map_or(Ok(Vec::new()), |list| list.items().map(known).collect::<Result<_, _>>().map(distinct))
    };
    let (add, remove) = (list(Parameter::AddToSegments)?, list(Parameter::RemoveFromSegments)?);
    match remove.iter().any(|segment| add.contains(segment)) {
        true => Err(ResponseCode::IncorrectSegment
            .because("to be entered as well")
            .under(Parameter::RemoveFromSegments.name())),
        false => Ok((add, remove)),
    }
}

/// A segment that the database has.
fn segment(element: Element<'_, '_>, database: &Database) -> Result<SegmentId, Rejection> {
    let id = SegmentId(element.id()?);
    match database.segments.iter().any(|segment| segment.id == id) {
        true => Ok(id),
        false => Err(element.at(ResponseCode::IncorrectSegment.because("the database has no such segment"))),
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
