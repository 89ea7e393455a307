//! The items of `data.subscriptions`. Page lines 138-203; rulings S2, S4-S8.

use crate::{
    contact,
    element::{Element, Object},
    limits::Limits,
    parameter::{ADDRESS, Parameter, SUBSCRIPTION},
    request::Parameters,
    scalar::{is_shown_as_date, is_word},
    tree::Content,
};
use rollcall_model::{
    channel::Channel,
    database::{Database, DatabaseId},
    distinct::distinct,
    field::{FieldDefinition, FieldName},
    field_change::FieldChange,
    phone::Region,
    rejection::Rejection,
    resource::{Category, Resource, ResourceId},
    response_code::ResponseCode,
    subscription::{Registration, Subscription},
    subscription_patch::SubscriptionPatch,
    subscription_status::SubscriptionStatus,
    world::World,
};

/// Parts of a stored subscription: where an import carries them along they say nothing.
const STORED_PARTS: &[&str] = &["hash_id", "is_delete", "db_id", "profile_id"];

/// Leaves a status or priority as it is (S4).
const UNCHANGED: i64 = -1;

/// Reads all items. Those that cannot be stored are refused, or left out where the request says so (S6, S7).
pub(crate) fn read_all(
    list: Element<'_, '_>,
    skip_invalid: bool,
    database: &Database,
    world: &World,
    limits: Limits,
) -> Result<Vec<SubscriptionPatch>, Rejection> {
    let mut subscriptions = Vec::with_capacity(4);
    for (position, item) in list.items().enumerate() {
        if position >= limits.subscriptions {
            let problem = format!("more than {} subscriptions", limits.subscriptions);
            return Err(ResponseCode::LimitExceeded.because(problem).under(list.name()));
        }
        match read(item, position, database, world, read_change) {
            Ok(subscription) => subscriptions.push(subscription),
            Err(_) if skip_invalid => {}
            Err(refusal) => return Err(invalid(refusal)),
        }
    }
    Ok(subscriptions)
}

/// The same refusal under the reason that a subscription is refused for.
fn invalid(refusal: Rejection) -> Rejection {
    let detail = match refusal.code {
        ResponseCode::MissingParameter => "is missing".into(),
        _ => refusal.detail,
    };
    Rejection { code: ResponseCode::InvalidSubscription, detail, ..refusal }
}

/// What a member of `custom_fields` says, given the definition that the resource has for it.
type ReadField = fn(Element<'_, '_>, Option<&FieldDefinition>, Option<Region>) -> Result<Change, Rejection>;

type Change = (FieldName, FieldChange);

/// Reads one item.
pub(crate) fn read(
    item: Element<'_, '_>,
    position: usize,
    database: &Database,
    world: &World,
    read_field: ReadField,
) -> Result<SubscriptionPatch, Rejection> {
    let object = item.object()?;
    read_object(object, position, database, world, read_field).map_err(|refusal| item.at(refusal))
}

fn read_object(
    object: Object<'_, '_>,
    position: usize,
    database: &Database,
    world: &World,
    read_field: ReadField,
) -> Result<SubscriptionPatch, Rejection> {
    patch(&parts(object)?, position, database, world, read_field)
}

/// What these parts say of a subscription.
fn patch(
    parts: &Parameters<'_, '_>,
    position: usize,
    database: &Database,
    world: &World,
    read_field: ReadField,
) -> Result<SubscriptionPatch, Rejection> {
    let (resource, mut patch) = identity(parts, position, database, world)?;
    let given = |parameter| parts.get(parameter);
    patch.status = given(Parameter::Status).map_or(Ok(None), status)?;
    patch.priority = given(Parameter::Priority).map_or(Ok(None), priority)?;
    if let Some(fields) = given(Parameter::CustomFields) {
        patch.custom_fields = custom_fields(fields, resource, database, read_field)?;
    }
    if let Some(names) = given(Parameter::Categories) {
        patch.categories = categories(names, resource)?;
    }
    patch.registration = Registration {
        date: given(Parameter::Date).map(Element::date).transpose()?,
        ip: given(Parameter::Ip).map(Element::ip).transpose()?,
        url: given(Parameter::Url).map(|url| url.word().map(Into::into)).transpose()?,
    };
    Ok(patch)
}

/// The subscription that is meant, as a patch that changes nothing of it, and its resource.
fn identity<'w>(
    parts: &Parameters<'_, '_>,
    position: usize,
    database: &Database,
    world: &'w World,
) -> Result<(&'w Resource, SubscriptionPatch), Rejection> {
    let resource = open_resource(parts.required(Parameter::ResourceId)?, database, world)?;
    let channel = offered_channel(parts.required(Parameter::Channel)?, resource, world)?;
    let address = parts.address(&channel.address, database.default_region)?;
    Ok((resource, SubscriptionPatch::new(position, resource.id, channel.name.clone(), address)))
}

/// Reads the one subscription that a whole request is about.
pub(crate) fn read_alone(
    parameters: &Parameters<'_, '_>,
    database: &Database,
    world: &World,
) -> Result<SubscriptionPatch, Rejection> {
    patch(parameters, 0, database, world, read_change).map_err(invalid)
}

/// Reads which subscription a whole request is about, and nothing else of it.
pub fn meant(
    parameters: &Parameters<'_, '_>,
    database: &Database,
    world: &World,
) -> Result<SubscriptionPatch, Rejection> {
    identity(parameters, 0, database, world).map(|(_, patch)| patch).map_err(invalid)
}

/// The parts of a subscription. What is none of them is more likely a misspelling than a message.
fn parts<'t, 'a>(object: Object<'t, 'a>) -> Result<Parameters<'t, 'a>, Rejection> {
    let mut found = Parameters::none();
    for member in object.members().filter(|member| !member.is_null()) {
        match Parameter::named(member.name()) {
            Some(part) if ADDRESS.contains(&part) || SUBSCRIPTION.contains(&part) => found.enter(part, member),
            _ if STORED_PARTS.contains(&member.name()) => {}
            _ => return Err(member.refuse("unknown field of a subscription")),
        }
    }
    Ok(found)
}

fn open_resource<'w>(id: Element<'_, '_>, database: &Database, world: &'w World) -> Result<&'w Resource, Rejection> {
    let resource = world.resource(ResourceId(id.id()?)).ok_or_else(|| id.refuse("there is no such resource"))?;
    match resource.databases.contains(&database.id) {
        true => Ok(resource),
        false => Err(id.refuse("the resource is not open to this database")),
    }
}

fn offered_channel<'w>(name: Element<'_, '_>, resource: &Resource, world: &'w World) -> Result<&'w Channel, Rejection> {
    let channel = world.channel(&name.text()?).ok_or_else(|| name.refuse("there is no such channel"))?;
    match resource.channels.contains(&channel.name) {
        true => Ok(channel),
        false => Err(name.refuse("the resource has no such channel")),
    }
}

/// A word or a number of the table, or -1 for unchanged.
pub(crate) fn status(element: Element<'_, '_>) -> Result<Option<SubscriptionStatus>, Rejection> {
    let by_word = match element.single()? {
        Content::Text(word) => SubscriptionStatus::from_word(word.trim_ascii()),
        _ => None,
    };
    let by_number = || element.int().ok().filter(|number| *number != UNCHANGED).map(SubscriptionStatus::from_number);
    match by_word.map(Some).or_else(by_number) {
        Some(Some(status)) => Ok(Some(status)),
        None if element.int() == Ok(UNCHANGED) => Ok(None),
        _ => Err(element.refuse("not a status")),
    }
}

/// 0 or more, or -1 for unchanged.
fn priority(element: Element<'_, '_>) -> Result<Option<i32>, Rejection> {
    match element.int()? {
        UNCHANGED => Ok(None),
        given @ 0.. => i32::try_from(given).map(Some).map_err(|_| element.refuse("out of range")),
        _ => Err(element.refuse("a priority is 0 or more")),
    }
}

fn custom_fields(
    element: Element<'_, '_>,
    resource: &Resource,
    database: &Database,
    read_field: ReadField,
) -> Result<Vec<Change>, Rejection> {
    let read =
        |member: Element<'_, '_>| read_field(member, resource.fields.get(member.name()), database.default_region);
    element.object()?.members().map(read).collect::<Result<_, _>>().map_err(|refusal| element.at(refusal))
}

fn read_change(
    member: Element<'_, '_>,
    definition: Option<&FieldDefinition>,
    region: Option<Region>,
) -> Result<Change, Rejection> {
    let field = definition.ok_or_else(|| member.refuse("the resource has no such field"))?;
    Ok((field.name.clone(), member.field_change(field, region)?))
}

fn categories(element: Element<'_, '_>, resource: &Resource) -> Result<Vec<Category>, Rejection> {
    let category = |name: Element<'_, '_>| {
        resource.category(&name.text()?).cloned().ok_or_else(|| name.refuse("the resource has no such category"))
    };
    element.items().map(category).collect()
}

/// The resource of a stored subscription, if all of it, as it is shown, is read as itself again but perhaps its fields.
pub(crate) fn resource_of<'w>(stored: &Subscription, database: DatabaseId, world: &'w World) -> Option<&'w Resource> {
    let resource = world.resource(stored.resource).filter(|resource| resource.databases.contains(&database))?;
    let channel = world.channel(stored.channel.as_str()).filter(|channel| resource.channels.contains(&channel.name))?;
    let Registration { date, url, .. } = &stored.registration;
    let has_categories = stored.categories.iter().all(|name| resource.category(name).is_some());
    let is_read_back = stored.priority >= 0
        && has_categories
        && distinct(stored.categories.clone()).len() == stored.categories.len()
        && date.is_none_or(is_shown_as_date)
        && url.as_deref().is_none_or(is_word)
        && contact::is_read_back(&stored.address, &channel.address);
    is_read_back.then_some(resource)
}
