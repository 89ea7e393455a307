//! The `[suite]` table of a world file: what a target is set up with and what the suite may use of it.
//!
//! The rest of the file tells a server how to set itself up and is not the suite's business.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::value::Value;

/// A target set up so that the documentation's examples work as printed: token, ids and names are theirs.
pub const DOCUMENTED_WORLD: &str = "documented-world";

/// The call that every target has.
pub const IMPORT: &str = "profiles/import";

/// What a world may declare beyond the import call, and a case may need: calls by their path, and the documented world.
pub const CAPABILITIES: [&str; 18] = [
    "profiles/get",
    "profiles/update",
    "profiles/add",
    "profiles/delete",
    "profiles/list",
    "profiles/import_batch",
    "profiles/add_batch",
    "profiles/update_batch",
    "profiles/segstatic/add",
    "profiles/segstatic/remove",
    "subscriptions/set",
    "subscriptions/get",
    "subscriptions/list",
    "resources/get",
    "resources/fields_get",
    "databases/list",
    "databases/fields_get",
    DOCUMENTED_WORLD,
];

/// The calls that store nothing.
pub const READING_CALLS: [&str; 8] = [
    "profiles/get",
    "profiles/list",
    "subscriptions/get",
    "subscriptions/list",
    "resources/get",
    "resources/fields_get",
    "databases/list",
    "databases/fields_get",
];

/// Whether a target may have a call at this path.
pub fn is_call(path: &str) -> bool {
    path == IMPORT || (path != DOCUMENTED_WORLD && CAPABILITIES.contains(&path))
}

/// The types of custom field for which a world may name a field.
pub const FIELD_TYPES: [&str; 10] =
    ["string", "int", "float", "bool", "date", "enum", "ip", "tags", "object", "objects"];

/// What the suite may use of a target. A role that is not named makes the cases which need it unsupported.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// A token with right to `database` and `other_database`.
    pub token: String,
    /// The database the cases write to.
    pub database: i64,
    /// A token the target knows, without right to `database`.
    pub foreign_token: Option<String>,
    /// A second database that `token` may use.
    pub other_database: Option<i64>,
    /// A resource open to both databases, with every documented channel.
    pub resource: Option<i64>,
    /// A resource open to `database`, with e-mail and SMS only.
    pub other_resource: Option<i64>,
    /// A resource that exists and is not open to `database`.
    pub closed_resource: Option<i64>,
    /// A resource open to `database`, with e-mail and the option to raise the priority of new subscriptions.
    pub raising_resource: Option<i64>,
    /// Categories of `resource`.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Static segments of `database`.
    #[serde(default)]
    pub segments: Vec<i64>,
    /// A custom channel of `resource`.
    pub custom_channel: Option<CustomChannel>,
    /// A text field of the subscriptions of `resource`.
    pub subscription_field: Option<String>,
    /// An address that the target's geo data know, and where it is.
    pub geo: Option<Geo>,
    /// What the target offers beyond the import call.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// True if nothing may be stored on the target.
    #[serde(default)]
    pub read_only: bool,
    /// Custom fields of `database`, by type.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// A custom channel and the field of `cc_data` that is its address.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomChannel {
    /// Name of the channel.
    pub name: String,
    /// Field of `cc_data` that holds the address.
    pub id_field: String,
}

/// An IP address and where the target's geo data say that it is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geo {
    /// The address.
    pub address: String,
    /// What `_country` and `_regcountry` become.
    pub country: String,
    /// What `_city` and `_regcity` become.
    pub city: String,
}

#[derive(Deserialize)]
struct WorldFile {
    suite: Option<toml::Value>,
}

impl World {
    /// Reads the `[suite]` table of a world file.
    ///
    /// # Errors
    /// Says which key is wrong and what it may be.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: WorldFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let Some(suite) = file.suite else {
            return Err("no [suite] table; it names the token, the database and what else a run may use".to_owned());
        };
        let world: Self = suite.try_into().map_err(|error: toml::de::Error| format!("[suite]: {}", error.message()))?;
        world.check()?;
        Ok(world)
    }

    /// A world that names every role, for looking at cases without a target.
    pub(crate) fn sample() -> Self {
        let words = |count: usize| (1..=count).map(|n| format!("sample_{n}"));
        Self {
            token: "sample".to_owned(),
            database: 1,
            foreign_token: Some("foreign".to_owned()),
            other_database: Some(2),
            resource: Some(1),
            other_resource: Some(2),
            closed_resource: Some(3),
            raising_resource: Some(4),
            categories: words(9).collect(),
            segments: (1..=9).collect(),
            custom_channel: Some(CustomChannel { name: "channel".to_owned(), id_field: "id".to_owned() }),
            subscription_field: Some("sample".to_owned()),
            geo: Some(Geo { address: "192.0.2.1".to_owned(), country: "country".to_owned(), city: "city".to_owned() }),
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
            read_only: false,
            fields: FIELD_TYPES.map(|kind| (kind.to_owned(), format!("sample_{kind}"))).into(),
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.token.is_empty() {
            return Err("[suite]: `token` is empty".to_owned());
        }
        one_of("capabilities", &CAPABILITIES, self.capabilities.iter())?;
        one_of("fields", &FIELD_TYPES, self.fields.keys())
    }

    /// The keys of the roles that the world names, for a claim; never what stands for them.
    pub fn named_roles(&self) -> Vec<String> {
        let listed = (0..self.categories.len()).map(Role::Category).chain((0..self.segments.len()).map(Role::Segment));
        let fields = self.fields.keys().map(|kind| Role::Field(kind.clone()));
        let roles = Role::SINGLE.into_iter().chain(listed).chain(fields);
        roles.filter(|role| self.role(role).is_some()).map(|role| role.key()).collect()
    }

    /// What stands for a role, or nothing where the world does not name it.
    pub fn role(&self, role: &Role) -> Option<Value> {
        let number = |value: Option<i64>| value.map(|value| Value::Number(value.into()));
        let text = |value: Option<&String>| value.map(|value| Value::Text(value.clone()));
        let channel = self.custom_channel.as_ref();
        let geo = self.geo.as_ref();
        match role {
            Role::Token => text(Some(&self.token)),
            Role::ForeignToken => text(self.foreign_token.as_ref()),
            Role::Database => number(Some(self.database)),
            Role::OtherDatabase => number(self.other_database),
            Role::Resource => number(self.resource),
            Role::OtherResource => number(self.other_resource),
            Role::ClosedResource => number(self.closed_resource),
            Role::RaisingResource => number(self.raising_resource),
            Role::Category(position) => text(self.categories.get(*position)),
            Role::Segment(position) => number(self.segments.get(*position).copied()),
            Role::Field(kind) => text(self.fields.get(kind)),
            Role::SubscriptionField => text(self.subscription_field.as_ref()),
            Role::CustomChannel => text(channel.map(|channel| &channel.name)),
            Role::CustomChannelField => text(channel.map(|channel| &channel.id_field)),
            Role::GeoAddress => text(geo.map(|geo| &geo.address)),
            Role::GeoCountry => text(geo.map(|geo| &geo.country)),
            Role::GeoCity => text(geo.map(|geo| &geo.city)),
        }
    }
}

fn one_of<'a>(key: &str, known: &[&str], given: impl Iterator<Item = &'a String>) -> Result<(), String> {
    for word in given {
        if !known.contains(&word.as_str()) {
            return Err(format!("[suite]: `{key}` has the unknown name `{word}`; known: {}", known.join(", ")));
        }
    }
    Ok(())
}

/// A part that something of the target plays in the cases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `${token}`.
    Token,
    /// `${foreign_token}`.
    ForeignToken,
    /// `${db}`.
    Database,
    /// `${other_db}`.
    OtherDatabase,
    /// `${resource}`.
    Resource,
    /// `${other_resource}`.
    OtherResource,
    /// `${closed_resource}`.
    ClosedResource,
    /// `${raising_resource}`.
    RaisingResource,
    /// `${category:N}`, counted from 0 here.
    Category(usize),
    /// `${segment:N}`, counted from 0 here.
    Segment(usize),
    /// `${field:TYPE}`.
    Field(String),
    /// `${subscription_field}`.
    SubscriptionField,
    /// `${custom_channel}`.
    CustomChannel,
    /// `${custom_channel_field}`.
    CustomChannelField,
    /// `${geo_address}`.
    GeoAddress,
    /// `${geo_country}`.
    GeoCountry,
    /// `${geo_city}`.
    GeoCity,
}

impl Role {
    /// Those that a world names at most once, each under a key of its own.
    const SINGLE: [Self; 11] = [
        Self::Token,
        Self::ForeignToken,
        Self::Database,
        Self::OtherDatabase,
        Self::Resource,
        Self::OtherResource,
        Self::ClosedResource,
        Self::RaisingResource,
        Self::SubscriptionField,
        Self::CustomChannel,
        Self::GeoAddress,
    ];

    /// The role that a placeholder names, if it names one.
    pub fn parse(name: &str, argument: Option<&str>) -> Option<Self> {
        let plain = match name {
            "token" => Self::Token,
            "foreign_token" => Self::ForeignToken,
            "db" => Self::Database,
            "other_db" => Self::OtherDatabase,
            "resource" => Self::Resource,
            "other_resource" => Self::OtherResource,
            "closed_resource" => Self::ClosedResource,
            "raising_resource" => Self::RaisingResource,
            "subscription_field" => Self::SubscriptionField,
            "custom_channel" => Self::CustomChannel,
            "custom_channel_field" => Self::CustomChannelField,
            "geo_address" => Self::GeoAddress,
            "geo_country" => Self::GeoCountry,
            "geo_city" => Self::GeoCity,
            _ => return Self::parse_listed(name, argument?),
        };
        argument.is_none().then_some(plain)
    }

    fn parse_listed(name: &str, argument: &str) -> Option<Self> {
        let position = || argument.parse::<usize>().ok()?.checked_sub(1);
        match name {
            "category" => position().map(Self::Category),
            "segment" => position().map(Self::Segment),
            "field" if FIELD_TYPES.contains(&argument) => Some(Self::Field(argument.to_owned())),
            _ => None,
        }
    }

    /// How the world file names the role, for messages.
    pub fn key(&self) -> String {
        match self {
            Self::Token => "token".to_owned(),
            Self::ForeignToken => "foreign_token".to_owned(),
            Self::Database => "database".to_owned(),
            Self::OtherDatabase => "other_database".to_owned(),
            Self::Resource => "resource".to_owned(),
            Self::OtherResource => "other_resource".to_owned(),
            Self::ClosedResource => "closed_resource".to_owned(),
            Self::RaisingResource => "raising_resource".to_owned(),
            Self::Category(position) => format!("categories[{position}]"),
            Self::Segment(position) => format!("segments[{position}]"),
            Self::Field(kind) => format!("fields.{kind}"),
            Self::SubscriptionField => "subscription_field".to_owned(),
            Self::CustomChannel | Self::CustomChannelField => "custom_channel".to_owned(),
            Self::GeoAddress | Self::GeoCountry | Self::GeoCity => "geo".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "[suite]\ntoken = 't'\ndatabase = 1\n";

    #[test]
    fn ignores_what_is_written_for_the_server() {
        let world = World::read(&format!("surprise = 1\n[[databases]]\nid = 1\n{SMALL}")).unwrap();
        assert_eq!((world.token.as_str(), world.database), ("t", 1));
    }

    #[track_caller]
    fn refuses(text: &str, reason: &str) {
        let error = World::read(text).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn refuses_a_suite_table_it_does_not_understand() {
        refuses("", "no [suite] table");
        refuses("[suite]\ntoken = 't'", "database");
        refuses(&format!("{SMALL}resourse = 1"), "resourse");
        refuses(&format!("{SMALL}capabilities = ['profiles/got']"), "profiles/got");
        refuses(&format!("{SMALL}fields = {{ strin = 'x' }}"), "strin");
        refuses(&SMALL.replace("'t'", "''"), "`token` is empty");
    }

    #[test]
    fn plays_a_role_or_says_that_nobody_does() {
        let world = World::read(&format!("{SMALL}categories = ['news']\nfields = {{ int = 'age' }}")).unwrap();
        let role = |name: &str, argument| world.role(&Role::parse(name, argument).unwrap());
        assert_eq!(role("db", None), Some(Value::Number(1.into())));
        assert_eq!(role("category", Some("1")), Some(Value::Text("news".to_owned())));
        assert_eq!(role("category", Some("2")), None);
        assert_eq!(role("field", Some("int")), Some(Value::Text("age".to_owned())));
        assert_eq!(role("resource", None), None);
    }

    #[test]
    fn tells_which_roles_it_names() {
        let world = World::read(&format!("{SMALL}segments = [7, 8]\nfields = {{ int = 'age' }}")).unwrap();
        assert_eq!(world.named_roles(), ["token", "database", "segments[0]", "segments[1]", "fields.int"]);
    }

    #[test]
    fn every_reading_call_is_one_that_a_target_may_have() {
        for call in READING_CALLS {
            assert!(is_call(call), "{call}");
        }
        assert!(is_call(IMPORT) && !is_call(DOCUMENTED_WORLD) && !is_call("profiles/got"));
    }

    #[test]
    fn knows_no_role_with_a_wrong_argument() {
        for (name, argument) in
            [("db", Some("1")), ("category", None), ("category", Some("0")), ("field", Some("text"))]
        {
            assert_eq!(Role::parse(name, argument), None, "{name}:{argument:?}");
        }
    }
}
