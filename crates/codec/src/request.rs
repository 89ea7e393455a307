//! The parameters that calls share: token, database, format, matching values. Page lines 85-118; rulings T6, T7, M11.

use crate::{element::Element, format::Format, tree::Tree};
use rollcall_model::{
    database::{Database, DatabaseId},
    distinct::distinct,
    event::EventNumber,
    field::{FieldDefinition, FieldKind, FieldValue},
    import::{Identifiers, SearchedValue},
    profile::ProfileId,
    rejection::Rejection,
    resource::ResourceId,
    response_code::ResponseCode,
    token::ApiToken,
    world::World,
};

/// The parameters of a body, found in one pass and not yet read. Unknown ones are ignored (T16), and so are those that
/// are spelled out as nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parameters<'t, 'a> {
    token: Option<Element<'t, 'a>>,
    db_id: Option<Element<'t, 'a>>,
    format: Option<Element<'t, 'a>>,
    matching: Option<Element<'t, 'a>>,
    email: Option<Element<'t, 'a>>,
    phone: Option<Element<'t, 'a>>,
    profile_id: Option<Element<'t, 'a>>,
    provider: Option<Element<'t, 'a>>,
    subscription_id: Option<Element<'t, 'a>>,
    field_name: Option<Element<'t, 'a>>,
    field_value: Option<Element<'t, 'a>>,
    resource_id: Option<Element<'t, 'a>>,
    pub(crate) skip_triggers: Option<Element<'t, 'a>>,
    pub(crate) skip_invalid_subscriptions: Option<Element<'t, 'a>>,
    pub(crate) detect_geo: Option<Element<'t, 'a>>,
    pub(crate) add_to_segments: Option<Element<'t, 'a>>,
    pub(crate) remove_from_segments: Option<Element<'t, 'a>>,
    explain: Option<Element<'t, 'a>>,
    dry_run: Option<Element<'t, 'a>>,
    events: Option<Element<'t, 'a>>,
    after: Option<Element<'t, 'a>>,
    limit: Option<Element<'t, 'a>>,
    pub(crate) data: Option<Element<'t, 'a>>,
}

impl<'t, 'a> Parameters<'t, 'a> {
    /// Finds the parameters of a body.
    pub fn of(tree: &'t Tree<'a>) -> Self {
        let mut found = Self::default();
        for member in tree.root().members().filter(|member| !member.is_null()) {
            let parameter = match member.name() {
                "token" => &mut found.token,
                "db_id" => &mut found.db_id,
                "format" => &mut found.format,
                "matching" => &mut found.matching,
                "email" => &mut found.email,
                "phone" => &mut found.phone,
                "profile_id" => &mut found.profile_id,
                "provider" => &mut found.provider,
                "subscription_id" => &mut found.subscription_id,
                "field_name" => &mut found.field_name,
                "field_value" => &mut found.field_value,
                "resource_id" => &mut found.resource_id,
                "skip_triggers" => &mut found.skip_triggers,
                "skip_invalid_subscriptions" => &mut found.skip_invalid_subscriptions,
                "detect_geo" => &mut found.detect_geo,
                "add_to_segments" => &mut found.add_to_segments,
                "remove_from_segments" => &mut found.remove_from_segments,
                "explain" => &mut found.explain,
                "dry_run" => &mut found.dry_run,
                "events" => &mut found.events,
                "after" => &mut found.after,
                "limit" => &mut found.limit,
                "data" => &mut found.data,
                _ => continue,
            };
            *parameter = Some(member);
        }
        found
    }

    /// The token in the body, if there is one (T7).
    pub fn token(&self) -> Result<Option<ApiToken>, Rejection> {
        self.token.map(|token| token.text().map(|secret| ApiToken::from(&*secret))).transpose()
    }

    /// The database that is meant.
    pub fn database_id(&self) -> Result<DatabaseId, Rejection> {
        let element = self.db_id.ok_or_else(|| ResponseCode::MissingParameter.at("db_id"))?;
        element.id().map(DatabaseId)
    }

    /// The format that the body asks its answer to be in (T6).
    pub fn answer_format(&self) -> Result<Option<Format>, Rejection> {
        let Some(element) = self.format else { return Ok(None) };
        let format = Format::named(&element.text()?);
        format.map(Some).ok_or_else(|| element.refuse("neither json nor xml"))
    }

    /// Whether the answer is to say how it came about, and whether nothing is to be stored; as far as that is said.
    pub fn explain(&self) -> Result<[Option<bool>; 2], Rejection> {
        let flag = |given: Option<Element<'_, '_>>| given.map(Element::bool).transpose();
        Ok([flag(self.explain)?, flag(self.dry_run)?])
    }

    /// The events that are meant.
    pub fn events(&self) -> Result<Vec<EventNumber>, Rejection> {
        let events = self.events.ok_or_else(|| ResponseCode::MissingParameter.at("events"))?;
        events.items().map(event_number).collect()
    }

    /// After which event a list of events goes on, and how many are looked at.
    pub fn page_of_events(&self) -> Result<(Option<EventNumber>, usize), Rejection> {
        let limit = self.limit.map_or(Ok(USUAL_EVENTS), |limit| {
            let count = usize::try_from(limit.int()?).ok().filter(|count| (1..=MOST_EVENTS).contains(count));
            count.ok_or_else(|| limit.refuse(format!("not from 1 to {MOST_EVENTS}")))
        });
        Ok((self.after.map(event_number).transpose()?, limit?))
    }

    /// The name of the matching mode, if one is given.
    pub fn matching(&self) -> Result<Option<Box<str>>, Rejection> {
        self.matching.map(|name| name.text().map(Into::into)).transpose()
    }

    /// The matching values, beside `data`.
    pub fn identifiers(&self, database: &Database, world: &World) -> Result<Identifiers, Rejection> {
        let word = |given: Option<Element<'_, '_>>| given.map(|word| word.word().map(Into::into)).transpose();
        let field_name: Option<Box<str>> = word(self.field_name)?;
        let name = field_name.as_deref().unwrap_or("");
        Ok(Identifiers {
            email: self.email.map(Element::email).transpose()?,
            phone: self.phone.map(|phone| phone.phone(database.default_region)).transpose()?,
            profile_id: self.profile_id.map(profile_id).transpose()?,
            provider: word(self.provider)?,
            subscription_id: word(self.subscription_id)?,
            resource: self.resource_id.map(|id| id.id().map(ResourceId)).transpose()?,
            field_value: self.field_value.map(|given| searched_value(given, name, database, world)).transpose()?,
            field_name: field_name.as_deref().map(Into::into),
        })
    }
}

/// How many events are looked at for a list, unless it is said; and at most.
const USUAL_EVENTS: usize = 100;
const MOST_EVENTS: usize = 1_000;

fn event_number(given: Element<'_, '_>) -> Result<EventNumber, Rejection> {
    u64::try_from(given.int()?).map(EventNumber).map_err(|_| given.refuse("not the number of an event"))
}

/// A text that cannot be an identifier is one that no profile has (M8).
fn profile_id(given: Element<'_, '_>) -> Result<ProfileId, Rejection> {
    given.text()?.trim_ascii().parse().map_err(|_| ResponseCode::ProfileNotFound.at(given.name()))
}

/// The value to look for, in every way its name can be meant. Refused when it fits none of them.
fn searched_value(
    given: Element<'_, '_>,
    name: &str,
    database: &Database,
    world: &World,
) -> Result<SearchedValue, Rejection> {
    let text: Box<str> = given.as_written()?.into();
    let read = |field: &FieldDefinition| searched_field_value(given, field, database);
    let of_database = database.fields.get(name).map(read).transpose();
    let open = world.resources.iter().filter(|resource| resource.databases.contains(&database.id));
    let mut of_subscriptions = Vec::new();
    for value in open.filter_map(|resource| resource.fields.get(name)).filter_map(|field| read(field).ok()) {
        if !of_subscriptions.contains(&value) {
            of_subscriptions.push(value);
        }
    }
    let is_a_channel = world.channel(name).is_some();
    match of_database {
        Err(refusal) if of_subscriptions.is_empty() && !is_a_channel => Err(refusal),
        of_database => Ok(SearchedValue { text, of_database: of_database.unwrap_or(None), of_subscriptions }),
    }
}

/// Tags to search for are one text, separated by commas (M5).
fn searched_field_value(
    given: Element<'_, '_>,
    field: &FieldDefinition,
    database: &Database,
) -> Result<FieldValue, Rejection> {
    if field.kind != FieldKind::Tags {
        return given.field_value(field, database.default_region);
    }
    let text = given.word()?;
    let tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Into::into).collect();
    Ok(FieldValue::Tags(distinct(tags)))
}
