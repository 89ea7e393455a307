//! A configuration as it takes effect, to read: as TOML, or as JSON for programs. In the order of the file; fields in the
//! order of their names, the system's first.

use rollcall_model::{
    channel::{AddressKind, Channel},
    database::{Database, SeveralFound, UnknownFields},
    field::{FieldDefinition, FieldDefinitions, FieldName, FieldValue},
    resource::Resource,
    segment::Segment,
    system_field,
    token::{Allowance, Grant, Right},
    trigger::{Filter, Trigger},
    world::World,
};
use serde::Serialize;
use std::fmt::Write;
use toml::{Table, Value};

/// As JSON.
pub(super) fn json(world: &World) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&WorldShown::of(world))? + "\n")
}

/// As TOML, a line for each thing.
pub(super) fn text(world: &World) -> anyhow::Result<String> {
    let mut text = String::new();
    for (section, rows) in &Table::try_from(WorldShown::of(world))? {
        for row in rows.as_array().into_iter().flatten().filter_map(Value::as_table) {
            writeln!(text, "[[{section}]]")?;
            for (key, value) in row {
                write_value(&mut text, key, value)?;
            }
            writeln!(text)?;
        }
    }
    Ok(text)
}

fn write_value(text: &mut String, key: &str, value: &Value) -> std::fmt::Result {
    match value.as_array() {
        Some(rows) if rows.iter().any(Value::is_table) => {
            writeln!(text, "{key} = [")?;
            for row in rows {
                writeln!(text, "  {row},")?;
            }
            writeln!(text, "]")
        }
        _ => writeln!(text, "{key} = {value}"),
    }
}

#[derive(Serialize)]
struct WorldShown<'w> {
    databases: Vec<DatabaseShown<'w>>,
    channels: Vec<ChannelShown<'w>>,
    resources: Vec<ResourceShown<'w>>,
    tokens: Vec<TokenShown<'w>>,
    triggers: Vec<TriggerShown<'w>>,
}

impl<'w> WorldShown<'w> {
    fn of(world: &'w World) -> Self {
        Self {
            databases: world.databases.iter().map(DatabaseShown::of).collect(),
            channels: world.channels.iter().map(ChannelShown::of).collect(),
            resources: world.resources.iter().map(ResourceShown::of).collect(),
            tokens: world.grants.iter().map(TokenShown::of).collect(),
            triggers: world.triggers.iter().map(TriggerShown::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct DatabaseShown<'w> {
    id: u32,
    name: &'w str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_region: Option<String>,
    unknown_fields: &'static str,
    several_found: &'static str,
    fields: Vec<FieldShown<'w>>,
    segments: Vec<SegmentShown<'w>>,
}

impl<'w> DatabaseShown<'w> {
    fn of(database: &'w Database) -> Self {
        Self {
            id: database.id.0,
            name: &database.name,
            default_region: database.default_region.map(|region| region.to_string()),
            unknown_fields: match database.unknown_fields {
                UnknownFields::Reject => "reject",
                UnknownFields::Ignore => "ignore",
            },
            several_found: match database.several_found {
                SeveralFound::Oldest => "oldest",
                SeveralFound::Refuse => "refuse",
            },
            fields: fields(&database.fields),
            segments: database.segments.iter().map(SegmentShown::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct FieldShown<'w> {
    name: &'w str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    options: &'w [Box<str>],
    required: bool,
    unique: bool,
    indexed: bool,
    system: bool,
}

fn fields(definitions: &FieldDefinitions) -> Vec<FieldShown<'_>> {
    let mut fields: Vec<_> = definitions.iter().map(FieldShown::of).collect();
    fields.sort_by_key(|field| (!field.system, field.name));
    fields
}

impl<'w> FieldShown<'w> {
    fn of(field: &'w FieldDefinition) -> Self {
        Self {
            name: field.name.as_str(),
            kind: field.kind.name(),
            options: &field.options,
            required: field.is_required,
            unique: field.is_unique,
            indexed: field.is_indexed,
            system: !system_field::is_custom(&field.name),
        }
    }
}

#[derive(Serialize)]
struct SegmentShown<'w> {
    id: u32,
    name: &'w str,
}

impl<'w> SegmentShown<'w> {
    fn of(segment: &'w Segment) -> Self {
        Self { id: segment.id.0, name: &segment.name }
    }
}

#[derive(Serialize)]
struct ChannelShown<'w> {
    name: &'w str,
    address: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_field: Option<&'w str>,
}

impl<'w> ChannelShown<'w> {
    fn of(channel: &'w Channel) -> Self {
        let (address, id_field) = match &channel.address {
            AddressKind::Email => ("email", None),
            AddressKind::Phone => ("phone", None),
            AddressKind::Push => ("push", None),
            AddressKind::Chat => ("chat", None),
            AddressKind::Messenger => ("messenger", None),
            AddressKind::Custom { id_field } => ("custom", Some(&**id_field)),
        };
        Self { name: channel.name.as_str(), address, id_field }
    }
}

#[derive(Serialize)]
struct ResourceShown<'w> {
    id: u32,
    name: &'w str,
    databases: Vec<u32>,
    channels: Vec<&'w str>,
    categories: Vec<&'w str>,
    raise_priority: bool,
    fields: Vec<FieldShown<'w>>,
}

impl<'w> ResourceShown<'w> {
    fn of(resource: &'w Resource) -> Self {
        Self {
            id: resource.id.0,
            name: &resource.name,
            databases: resource.databases.iter().map(|database| database.0).collect(),
            channels: resource.channels.iter().map(|channel| channel.as_str()).collect(),
            categories: resource.categories.iter().map(|category| &**category).collect(),
            raise_priority: resource.raise_priority,
            fields: fields(&resource.fields),
        }
    }
}

#[derive(Serialize)]
struct TokenShown<'w> {
    name: &'w str,
    rights: Vec<RightShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<RateLimitShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tariff_limit: Option<TariffLimitShown>,
}

impl<'w> TokenShown<'w> {
    fn of(grant: &'w Grant) -> Self {
        Self {
            name: &grant.name,
            rights: grant.rights.iter().map(RightShown::of).collect(),
            rate_limit: grant.rate_limit.map(|limit| RateLimitShown { requests: limit.count.get(), per: per(limit) }),
            tariff_limit: grant
                .tariff_limit
                .map(|limit| TariffLimitShown { profiles: limit.count.get(), per: per(limit) }),
        }
    }
}

#[derive(Serialize)]
struct RightShown {
    database: u32,
    actions: Vec<&'static str>,
}

impl RightShown {
    fn of(right: &Right) -> Self {
        let actions = right.actions.iter().map(|action| action.name()).collect();
        Self { database: right.database.0, actions }
    }
}

#[derive(Serialize)]
struct RateLimitShown {
    requests: u32,
    per: String,
}

#[derive(Serialize)]
struct TariffLimitShown {
    profiles: u32,
    per: String,
}

fn per(allowance: Allowance) -> String {
    format!("{:?}", allowance.period)
}

#[derive(Serialize)]
struct TriggerShown<'w> {
    name: &'w str,
    database: u32,
    on: &'static str,
    filter: FilterShown<'w>,
    url: &'w str,
}

impl<'w> TriggerShown<'w> {
    fn of(trigger: &'w Trigger) -> Self {
        Self {
            name: &trigger.name,
            database: trigger.database.0,
            on: trigger.on.name(),
            filter: FilterShown::of(&trigger.filter),
            url: &trigger.webhook.url,
        }
    }
}

#[derive(Serialize)]
struct FilterShown<'w> {
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'w str>,
    /// Names with a text that the value is found by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profile: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<u32>,
}

impl<'w> FilterShown<'w> {
    fn of(filter: &'w Filter) -> Self {
        let condition = |(name, value): &(FieldName, FieldValue)| {
            let value = value.search_texts().join(", ");
            format!("{name} = {value}")
        };
        Self {
            field: filter.field.as_ref().map(|field| field.as_str()),
            profile: filter.profile.iter().map(condition).collect(),
            resource: filter.resource.map(|resource| resource.0),
            channel: filter.channel.as_ref().map(|channel| channel.as_str()),
            status: filter.status.map(|status| status.word()),
            segment: filter.segment.map(|segment| segment.0),
        }
    }
}
