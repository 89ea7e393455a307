//! The parameters of an object, and those of them that are read alike wherever they stand: token, database, format,
//! matching values, pages. Page lines 85-118; rulings T6, T7, M11.

use crate::{
    contact::required,
    element::{Element, Object},
    format::Format,
    parameter::Parameter,
    tree::Tree,
};
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

/// The parameters of an object, found in one pass and not yet read. Those that are spelled out as nothing are absent.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'t, 'a>([Option<Element<'t, 'a>>; Parameter::ALL.len()]);

impl<'t, 'a> Parameters<'t, 'a> {
    /// Finds the parameters of a body. Unknown ones are ignored (T16).
    pub fn of(tree: &'t Tree<'a>) -> Self {
        Self::among(tree.root())
    }

    /// Finds the parameters of an object, and ignores what else it holds.
    pub(crate) fn among(object: Object<'t, 'a>) -> Self {
        let mut found = Self::none();
        for member in object.members() {
            if let Some(parameter) = Parameter::named(member.name()) {
                found.enter(parameter, member);
            }
        }
        found
    }

    /// No parameters.
    pub(crate) fn none() -> Self {
        Self([None; Parameter::ALL.len()])
    }

    /// Enters what an object says of the parameter.
    pub(crate) fn enter(&mut self, parameter: Parameter, given: Element<'t, 'a>) {
        self.0[parameter as usize] = Some(given).filter(|given| !given.is_null());
    }

    /// What is said of the parameter, if anything.
    pub(crate) fn get(&self, parameter: Parameter) -> Option<Element<'t, 'a>> {
        self.0[parameter as usize]
    }

    /// What is said of a parameter that must be there.
    pub(crate) fn required(&self, parameter: Parameter) -> Result<Element<'t, 'a>, Rejection> {
        required(self.get(parameter), parameter.name())
    }

    /// These, and those of the `others` that are not among them.
    pub(crate) fn or(mut self, others: &[Parameter], from: &Self) -> Self {
        for &parameter in others {
            let place = &mut self.0[parameter as usize];
            *place = place.or(from.get(parameter));
        }
        self
    }

    /// The token in the body, if there is one (T7).
    pub fn token(&self) -> Result<Option<ApiToken>, Rejection> {
        self.get(Parameter::Token).map(|token| token.text().map(|secret| ApiToken::from(&*secret))).transpose()
    }

    /// The database that is meant.
    pub fn database_id(&self) -> Result<DatabaseId, Rejection> {
        self.required(Parameter::DatabaseId)?.id().map(DatabaseId)
    }

    /// The format that the body asks its answer to be in (T6).
    pub fn answer_format(&self) -> Result<Option<Format>, Rejection> {
        let Some(element) = self.get(Parameter::Format) else { return Ok(None) };
        let format = Format::named(&element.text()?);
        format.map(Some).ok_or_else(|| element.refuse("neither json nor xml"))
    }

    /// Whether the answer is to say how it came about, and whether nothing is to be stored; as far as that is said.
    pub fn explain(&self) -> Result<[Option<bool>; 2], Rejection> {
        let flag = |given: Option<Element<'_, '_>>| given.map(Element::bool).transpose();
        Ok([flag(self.get(Parameter::Explain))?, flag(self.get(Parameter::DryRun))?])
    }

    /// The events that are meant.
    pub fn events(&self) -> Result<Vec<EventNumber>, Rejection> {
        self.required(Parameter::Events)?.items().map(event_number).collect()
    }

    /// The event after which a list of events goes on.
    pub fn after_event(&self) -> Result<Option<EventNumber>, Rejection> {
        self.get(Parameter::FromId).map(event_number).transpose()
    }

    /// The name of the matching mode, if one is given.
    pub fn matching(&self) -> Result<Option<Box<str>>, Rejection> {
        self.get(Parameter::Matching).map(|name| name.text().map(Into::into)).transpose()
    }

    /// The matching values, beside `data`.
    pub fn identifiers(&self, database: &Database, world: &World) -> Result<Identifiers, Rejection> {
        let given = |parameter| self.get(parameter);
        let word = |parameter| given(parameter).map(|word| word.word().map(Into::into)).transpose();
        let field_name: Option<Box<str>> = word(Parameter::FieldName)?;
        let name = field_name.as_deref().unwrap_or("");
        let searched = |value| searched_value(value, name, database, world);
        Ok(Identifiers {
            email: given(Parameter::Email).map(Element::email).transpose()?,
            phone: given(Parameter::Phone).map(|phone| phone.phone(database.default_region)).transpose()?,
            profile_id: given(Parameter::ProfileId).map(profile_id).transpose()?,
            provider: word(Parameter::Provider)?,
            subscription_id: word(Parameter::SubscriptionId)?,
            resource: given(Parameter::ResourceId).map(|id| id.id().map(ResourceId)).transpose()?,
            field_value: given(Parameter::FieldValue).map(searched).transpose()?,
            field_name: field_name.as_deref().map(Into::into),
        })
    }

    /// The profile that is meant, where a call finds it by nothing else.
    pub fn profile_id(&self) -> Result<ProfileId, Rejection> {
        profile_id(self.required(Parameter::ProfileId)?)
    }

    /// The resource that is asked about.
    pub fn resource_id(&self) -> Result<ResourceId, Rejection> {
        self.required(Parameter::Id)?.id().map(ResourceId)
    }

    /// The name of a channel, if one is given.
    pub fn channel(&self) -> Result<Option<Box<str>>, Rejection> {
        self.get(Parameter::Channel).map(|name| name.text().map(Into::into)).transpose()
    }

    /// How much of a list is wanted.
    pub fn limit(&self) -> Result<usize, Rejection> {
        let Some(given) = self.get(Parameter::Limit) else { return Ok(USUAL_PAGE) };
        let limit = usize::try_from(given.int()?).ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
        limit.ok_or_else(|| given.refuse(format!("not from 1 to {LARGEST_PAGE}")))
    }

    /// The profile after which a list of profiles goes on.
    pub fn after_profile(&self) -> Result<Option<ProfileId>, Rejection> {
        let id = |given: Element<'_, '_>| {
            given.text()?.parse().map_err(|_| given.refuse("not a place that an answer has given"))
        };
        self.get(Parameter::FromId).map(id).transpose()
    }

    /// The database after which a list of databases goes on.
    pub fn after_database(&self) -> Result<Option<DatabaseId>, Rejection> {
        self.get(Parameter::FromId).map(|given| given.id().map(DatabaseId)).transpose()
    }
}

/// How much of a list is shown, unless a request says otherwise, and at most.
const USUAL_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1_000;

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
