//! The parameters that calls share: token, database, format, matching values. Page lines 85-118; rulings T6, T7, M11.

use crate::{element::Element, format::Format, scalar, tree::Tree};
use rollcall_model::{
    database::{Database, DatabaseId},
    field::{FieldKind, FieldValue},
    import::Identifiers,
    rejection::Rejection,
    resource::ResourceId,
    response_code::ResponseCode,
    token::ApiToken,
};

/// The token in the body, if there is one (T7).
pub fn token(tree: &Tree<'_>) -> Result<Option<ApiToken>, Rejection> {
    let element = tree.root().given("token");
    element.map(|token| token.text().map(|secret| ApiToken::from(&*secret))).transpose()
}

/// The database that is meant.
pub fn database_id(tree: &Tree<'_>) -> Result<DatabaseId, Rejection> {
    let element = tree.root().given("db_id").ok_or_else(|| ResponseCode::MissingParameter.at("db_id"))?;
    element.id().map(DatabaseId)
}

/// The format that the body asks its answer to be in (T6).
pub fn answer_format(tree: &Tree<'_>) -> Result<Option<Format>, Rejection> {
    let Some(element) = tree.root().given("format") else { return Ok(None) };
    let format = Format::named(&element.text()?);
    format.map(Some).ok_or_else(|| element.refuse("neither json nor xml"))
}

/// The name of the matching mode, if one is given.
pub fn matching(tree: &Tree<'_>) -> Result<Option<Box<str>>, Rejection> {
    tree.root().given("matching").map(|name| name.text().map(Into::into)).transpose()
}

/// The matching values, beside `data`.
pub fn identifiers(tree: &Tree<'_>, database: &Database) -> Result<Identifiers, Rejection> {
    let mut identifiers = Identifiers::default();
    let mut field_value = None;
    for given in tree.root().members().filter(|member| !member.is_null()) {
        match given.name() {
            "email" => identifiers.email = Some(given.email()?),
            "phone" => identifiers.phone = Some(given.phone(database.default_region)?),
            "profile_id" => identifiers.profile_id = Some(profile_id(given)?),
            "provider" => identifiers.provider = Some(given.word()?.into()),
            "subscription_id" => identifiers.subscription_id = Some(given.word()?.into()),
            "resource_id" => identifiers.resource = Some(ResourceId(given.id()?)),
            "field_name" => identifiers.field_name = Some((&*given.word()?).into()),
            "field_value" => field_value = Some(given),
            _ => {}
        }
    }
    let name = identifiers.field_name.as_ref().map_or("", |name| name.as_str());
    identifiers.field_value = field_value.map(|given| searched_value(given, name, database)).transpose()?;
    Ok(identifiers)
}

/// A text that cannot be an identifier is one that no profile has (M8).
fn profile_id(given: Element<'_, '_>) -> Result<rollcall_model::profile::ProfileId, Rejection> {
    given.text()?.trim_ascii().parse().map_err(|_| ResponseCode::ProfileNotFound.at(given.name()))
}

/// The value to look for, by the type of the field it is looked for in; tags are separated by commas (M5).
fn searched_value(given: Element<'_, '_>, name: &str, database: &Database) -> Result<FieldValue, Rejection> {
    match database.fields.get(name) {
        Some(field) if field.kind == FieldKind::Tags => {
            let text = given.word()?;
            let tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(|tag| Ok(tag.into()));
            scalar::distinct(tags).map(FieldValue::Tags)
        }
        Some(field) => given.field_value(field, database.default_region),
        None => given.text().map(|text| FieldValue::Text(text.into())),
    }
}
