//! The configuration, from a TOML file to a checked [`World`]. Errors name the file, the line and the key.
//!
//! The file's `[suite]` table is for the conformance suite and is not looked at here.

mod keys; // which key stands where
pub mod tokens; // `[[tokens]]`
mod triggers; // `[[triggers]]`

use anyhow::Context;
use rollcall_model::{
    channel::{self, AddressKind, Channel},
    database::{Database, DatabaseId, SeveralFound, UnknownFields},
    field::{FieldDefinition, FieldDefinitions, FieldKind},
    phone::Region,
    resource::{Resource, ResourceId},
    segment::{Segment, SegmentId},
    system_field::{self, SUBSCRIPTION_FIELDS, SYSTEM_FIELDS},
    world::World,
};
use serde::{Deserialize, de::IgnoredAny};
use std::{collections::HashSet, fmt, fs, hash::Hash, path::Path};
use tokens::TokenRow;
use toml::Spanned;
use triggers::TriggerRow;

/// The documented world, in which every example of the documentation works as printed. Its token is public.
pub const DOCUMENTED: &str = include_str!("../../../fixtures/worlds/documented.toml");

/// What is wrong with a world file, and where.
#[derive(Debug)]
pub struct WorldError {
    file: String,
    line: usize,
    /// Where no key stands there, the whole file is meant, or what is there is no TOML.
    key: Option<String>,
    problem: String,
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for WorldError {}

/// Reads a world file.
pub fn read_file(file: &Path) -> anyhow::Result<World> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read world file {}", file.display()))?;
    Ok(read(&text, &file.display().to_string())?)
}

/// Reads a world file's text. `name` is what errors call the file.
pub fn read(text: &str, name: &str) -> Result<World, WorldError> {
    let at = |(offset, problem): Fault| WorldError {
        file: name.to_owned(),
        line: 1 + text[..offset.min(text.len())].matches('\n').count(),
        key: keys::key_at(text, offset),
        problem,
    };
    let file: File = toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        without_secret(at((offset, error.message().to_owned())))
    })?;
    file.check().map_err(at)
}

/// Keys whose values nobody is shown, whatever is wrong with them.
const SECRETS: &[&str] = &["token", "hash", "secret"];

/// The parser's own words quote what it has read.
fn without_secret(error: WorldError) -> WorldError {
    let is_secret = error.key.as_ref().is_some_and(|key| SECRETS.iter().any(|secret| key.ends_with(secret)));
    match is_secret {
        true => WorldError { problem: "this is to be one text in quotes, and stands once".to_owned(), ..error },
        false => error,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    tokens: Vec<Spanned<TokenRow>>,
    databases: Vec<DatabaseRow>,
    #[serde(default)]
    channels: Vec<ChannelRow>,
    #[serde(default)]
    resources: Vec<ResourceRow>,
    #[serde(default)]
    triggers: Vec<TriggerRow>,
    #[serde(default, rename = "suite")]
    _suite: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatabaseRow {
    id: Spanned<u32>,
    name: String,
    #[serde(default)]
    default_region: Option<Spanned<String>>,
    #[serde(default)]
    unknown_fields: UnknownFieldsWord,
    #[serde(default)]
    several_found: SeveralFoundWord,
    #[serde(default)]
    fields: Vec<FieldRow>,
    #[serde(default)]
    segments: Vec<SegmentRow>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum UnknownFieldsWord {
    #[default]
    Reject,
    Ignore,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum SeveralFoundWord {
    #[default]
    Oldest,
    Refuse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldRow {
    name: Spanned<String>,
    #[serde(rename = "type")]
    kind: Spanned<String>,
    #[serde(default)]
    options: Vec<Spanned<String>>,
    required: Option<Spanned<bool>>,
    unique: Option<Spanned<bool>>,
    indexed: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentRow {
    id: Spanned<u32>,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelRow {
    name: Spanned<String>,
    id_field: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceRow {
    id: Spanned<u32>,
    name: String,
    databases: Vec<Spanned<u32>>,
    channels: Vec<Spanned<String>>,
    #[serde(default)]
    categories: Vec<Spanned<String>>,
    #[serde(default)]
    fields: Vec<FieldRow>,
    #[serde(default)]
    raise_priority: bool,
}

/// What is wrong, and at which byte.
type Fault = (usize, String);

impl File {
    fn check(&self) -> Result<World, Fault> {
        distinct(self.databases.iter().map(|row| &row.id), "database id")?;
        distinct(self.resources.iter().map(|row| &row.id), "resource id")?;
        let channels = self.channels()?;
        let world = World {
            databases: self.databases.iter().map(DatabaseRow::check).collect::<Result<_, _>>()?,
            resources: self.resources.iter().map(|row| self.resource(row, &channels)).collect::<Result<_, _>>()?,
            grants: tokens::grants(&self.tokens, &|id| self.database(id))?,
            channels,
            triggers: Vec::new(),
        };
        Ok(World { triggers: triggers::triggers(&self.triggers, &world)?, ..world })
    }

    fn channels(&self) -> Result<Vec<Channel>, Fault> {
        let mut channels: Vec<_> = channel::documented().collect();
        for row in &self.channels {
            let name = element_name(&row.name, "channel")?;
            if channels.iter().any(|known| known.name.as_str() == name) {
                return Err(fault(&row.name, format!("channel {name:?} is defined already")));
            }
            let id_field = element_name(&row.id_field, "field")?.into();
            channels.push(Channel { name: name.into(), address: AddressKind::Custom { id_field } });
        }
        Ok(channels)
    }

    fn database(&self, id: &Spanned<u32>) -> Result<DatabaseId, Fault> {
        match self.databases.iter().any(|database| database.id.get_ref() == id.get_ref()) {
            true => Ok(DatabaseId(*id.get_ref())),
            false => Err(fault(id, format!("there is no database {}", id.get_ref()))),
        }
    }

    fn resource(&self, row: &ResourceRow, channels: &[Channel]) -> Result<Resource, Fault> {
        let channel = |name: &Spanned<String>| {
            let known = channels.iter().find(|channel| channel.name.as_str() == name.get_ref());
            known.map(|channel| channel.name.clone()).ok_or_else(|| {
                fault(name, format!("there is no channel {:?}; custom ones stand under [[channels]]", name.get_ref()))
            })
        };
        distinct(row.categories.iter(), "category")?;
        Ok(Resource {
            id: ResourceId(*row.id.get_ref()),
            name: row.name.as_str().into(),
            databases: row.databases.iter().map(|id| self.database(id)).collect::<Result<_, _>>()?,
            channels: row.channels.iter().map(channel).collect::<Result<_, _>>()?,
            categories: row.categories.iter().map(|name| name.get_ref().as_str().into()).collect(),
            fields: definitions(&row.fields, SUBSCRIPTION_FIELDS, FieldRow::of_resource)?,
            raise_priority: row.raise_priority,
        })
    }
}

impl DatabaseRow {
    fn check(&self) -> Result<Database, Fault> {
        distinct(self.segments.iter().map(|row| &row.id), "segment id")?;
        let region = |code: &Spanned<String>| {
            let region = Region::named(code.get_ref());
            region.ok_or_else(|| fault(code, format!("{:?} is no region; use an ISO code such as RU", code.get_ref())))
        };
        Ok(Database {
            id: DatabaseId(*self.id.get_ref()),
            name: self.name.as_str().into(),
            fields: definitions(&self.fields, SYSTEM_FIELDS, FieldRow::of_database)?,
            segments: self.segments.iter().map(SegmentRow::segment).collect(),
            default_region: self.default_region.as_ref().map(region).transpose()?,
            unknown_fields: match self.unknown_fields {
                UnknownFieldsWord::Reject => UnknownFields::Reject,
                UnknownFieldsWord::Ignore => UnknownFields::Ignore,
            },
            several_found: match self.several_found {
                SeveralFoundWord::Oldest => SeveralFound::Oldest,
                SeveralFoundWord::Refuse => SeveralFound::Refuse,
            },
        })
    }
}

impl SegmentRow {
    fn segment(&self) -> Segment {
        Segment { id: SegmentId(*self.id.get_ref()), name: self.name.as_str().into() }
    }
}

/// The system's fields and those of the file.
fn definitions(
    rows: &[FieldRow],
    system: &[(&str, FieldKind)],
    check: fn(&FieldRow) -> Result<FieldDefinition, Fault>,
) -> Result<FieldDefinitions, Fault> {
    distinct(rows.iter().map(|row| &row.name), "field")?;
    let own: Vec<_> = rows.iter().map(check).collect::<Result<_, _>>()?;
    let all = system_field::definitions(system).chain(own).collect();
    FieldDefinitions::new(all).map_err(|name| (0, format!("field {name} is defined twice")))
}

impl FieldRow {
    /// What a profile may have. That it must have it, that no two may have the same, and that it is searched by, is said
    /// of fields for which it means something.
    fn of_database(&self) -> Result<FieldDefinition, Fault> {
        let field = self.check()?;
        let (name, kind) = (&field.name, field.kind);
        let is_unique = is_set(&self.unique, false);
        if let Some(unique) = self.unique.as_ref().filter(|_| is_unique && !kind.can_be_unique()) {
            let known = FieldKind::ALL.iter().filter(|kind| kind.can_be_unique()).map(|kind| kind.name());
            let known = known.collect::<Vec<_>>().join(", ");
            let problem = format!("field {name}: a field of type {} cannot be unique; {known} can", kind.name());
            return Err(fault(unique, problem));
        }
        let is_indexed = is_set(&self.indexed, kind.can_be_searched());
        match &self.indexed {
            Some(indexed) if is_indexed && !kind.can_be_searched() => {
                let problem = format!("field {name}: a field of type {} cannot be searched by", kind.name());
                Err(fault(indexed, problem))
            }
            Some(indexed) if !is_indexed && is_unique => {
                let problem = format!("field {name}: a unique field is indexed; leave `indexed` out");
                Err(fault(indexed, problem))
            }
            _ => {
                let is_required = is_set(&self.required, false);
                Ok(FieldDefinition { is_required, is_unique, is_indexed, ..field })
            }
        }
    }

    /// What a subscription may carry.
    fn of_resource(&self) -> Result<FieldDefinition, Fault> {
        let of_databases = [("required", &self.required), ("unique", &self.unique), ("indexed", &self.indexed)];
        for (key, given) in of_databases {
            if let Some(given) = given {
                let problem = format!("field {}: `{key}` is said of fields of databases only", self.name.get_ref());
                return Err(fault(given, problem));
            }
        }
        self.check()
    }

    fn check(&self) -> Result<FieldDefinition, Fault> {
        let name = element_name(&self.name, "field")?.into();
        if !system_field::is_custom(&name) {
            return Err(fault(&self.name, format!("field {name}: names of the system begin with _, choose another")));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(fault(&self.name, format!("field {name}: a profile shows something else by that name")));
        }
        let kind = FieldKind::named(self.kind.get_ref()).ok_or_else(|| {
            let known: Vec<_> = FieldKind::ALL.iter().map(|kind| kind.name()).collect();
            fault(&self.kind, format!("{:?} is no field type; there are {}", self.kind.get_ref(), known.join(", ")))
        })?;
        if (kind == FieldKind::Enum) == self.options.is_empty() {
            return Err(fault(&self.name, format!("field {name}: an enum, and only an enum, needs options")));
        }
        distinct(self.options.iter(), "option")?;
        if let Some(option) = self.options.iter().find(|option| is_no_option(option.get_ref())) {
            return Err(fault(option, "an option is a word, and no number: options have ordinals".to_owned()));
        }
        let options = self.options.iter().map(|word| word.get_ref().as_str().into()).collect();
        Ok(FieldDefinition { options, ..FieldDefinition::new(name, kind) })
    }
}

fn is_set(flag: &Option<Spanned<bool>>, otherwise: bool) -> bool {
    flag.as_ref().map_or(otherwise, |flag| *flag.get_ref())
}

/// What a profile shows beside its fields.
const RESERVED: &[&str] = &["subscriptions", "segments", "id", "db_id"];

/// An option that looks like an ordinal would be read as another one.
fn is_no_option(option: &str) -> bool {
    option.trim().is_empty() || option.trim().parse::<u64>().is_ok()
}

/// A name that can stand in XML too, where names of fields and channels become elements.
fn element_name<'a>(name: &'a Spanned<String>, what: &str) -> Result<&'a str, Fault> {
    let text = name.get_ref().as_str();
    let fits = |(index, character): (usize, char)| {
        character.is_alphabetic()
            || character == '_'
            || index > 0 && (character.is_alphanumeric() || "-.".contains(character))
    };
    match !text.is_empty() && text.chars().enumerate().all(fits) {
        true => Ok(text),
        false => Err(fault(name, format!("{what} {text:?}: a name is a letter, then letters, digits, _, - or ."))),
    }
}

fn distinct<'a, T: Hash + Eq + fmt::Display + 'a>(
    values: impl Iterator<Item = &'a Spanned<T>>,
    what: &str,
) -> Result<(), Fault> {
    let mut seen = HashSet::new();
    for value in values {
        if !seen.insert(value.get_ref()) {
            return Err(fault(value, format!("{what} {} stands twice", value.get_ref())));
        }
    }
    Ok(())
}

fn fault<T>(place: &Spanned<T>, problem: String) -> Fault {
    (place.span().start, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_model::token::TokenHash;

    #[test]
    fn the_documented_world_is_sound() {
        let world = read(DOCUMENTED, "documented.toml").unwrap_or_else(|error| panic!("{error}"));
        assert!(world.grant(TokenHash::of("abcdefghijklmnqrstuvwxyz")).is_ok());
    }

    #[test]
    fn a_field_can_be_searched_by_unless_the_file_says_otherwise() {
        let text = "
            [[databases]]
            id = 1
            name = 'A'
            fields = [
              { name = 'a', type = 'int', required = true, unique = true },
              { name = 'b', type = 'int' },
              { name = 'c', type = 'tags', indexed = false, unique = false },
              { name = 'd', type = 'object' },
            ]";
        let world = read(text, "w.toml").unwrap_or_else(|error| panic!("{error}"));
        let fields = &world.databases[0].fields;
        let flags = |name: &str| fields.get(name).map(|field| (field.is_required, field.is_unique, field.is_indexed));
        assert_eq!(flags("a"), Some((true, true, true)));
        assert_eq!(flags("b"), Some((false, false, true)));
        assert_eq!(flags("c"), Some((false, false, false)));
        assert_eq!(flags("d"), Some((false, false, false)));
        assert_eq!((fields.required(), fields.unique()), (&["a".into()][..], &["email".into(), "a".into()][..]));
    }

    #[test]
    fn names_line_key_and_what_is_wrong_there() {
        let check = |text: &str, expected: &str| {
            let error = read(text, "w.toml").expect_err(text).to_string();
            assert!(error.starts_with(&format!("w.toml:{expected}")), "{error}");
        };
        let database = "[[databases]]\nid = 1\nname = 'A'\n";
        check("", "1: missing field `databases`");
        check("databases = [", "1: unclosed array"); // where no key stands any more
        check(&format!("{database}colour = 1"), "4: databases[0].colour: unknown field `colour`");
        check("[[databases]]\nid = 1", "1: databases[0]: missing field `name`");
        check("[[databases]]\nid = 'one'", "2: databases[0].id: invalid type");
        check(&format!("{database}{database}"), "5: databases[1].id: database id 1 stands twice");
        check(
            &format!("{database}default_region = 'Russia'"),
            "4: databases[0].default_region: \"Russia\" is no region",
        );
        let fields = |rows: &str| format!("{database}fields = [\n{rows}]");
        check(&fields("{ name = 'a', type = 'text' }"), "5: databases[0].fields[0].type: \"text\" is no field type");
        check(
            &fields("{ name = '_a', type = 'int' }"),
            "5: databases[0].fields[0].name: field _a: names of the system",
        );
        check(
            &fields("{ name = 'a b', type = 'int' }"),
            "5: databases[0].fields[0].name: field \"a b\": a name is a letter",
        );
        check(
            &fields("{ name = 'a', type = 'enum' }"),
            "5: databases[0].fields[0].name: field a: an enum, and only an enum",
        );
        check(
            &fields("{ name = 'id', type = 'int' }"),
            "5: databases[0].fields[0].name: field id: a profile shows something",
        );
        let options = |words: &str| fields(&format!("{{ name = 'a', type = 'enum', options = [{words}] }}"));
        check(&options("'b', '0'"), "5: databases[0].fields[0].options[1]: an option is a word");
        check(&options("'a', 'a'"), "5: databases[0].fields[0].options[1]: option a stands twice");
        let flagged = |flags: &str| fields(&format!("{{ name = 'a', {flags} }}"));
        let of_a = |key: &str, problem: &str| format!("5: databases[0].fields[0].{key}: {problem}");
        let not_unique = "field a: a field of type bool cannot be unique";
        check(&flagged("type = 'bool', unique = true"), &of_a("unique", not_unique));
        check(
            &flagged("type = 'object', indexed = true"),
            &of_a("indexed", "field a: a field of type object cannot be searched"),
        );
        let unsearchable = "field a: a unique field is indexed";
        check(&flagged("type = 'int', unique = true, indexed = false"), &of_a("indexed", unsearchable));
        check(&flagged("type = 'int', required = 'yes'"), &of_a("required", "invalid type"));
        let resource = "[[resources]]\nid = 1\nname = 'R'\ndatabases = [1]\n";
        for flag in ["required = true", "unique = false", "indexed = true"] {
            let own = format!("channels = []\nfields = [\n{{ name = 'a', type = 'int', {flag} }}]");
            check(&format!("{database}{resource}{own}"), "10: resources[0].fields[0].");
        }
        check(
            &format!("{database}{resource}channels = ['fax']"),
            "8: resources[0].channels[0]: there is no channel \"fax\"",
        );
        let channel = "[[channels]]\nname = 'sms'\nid_field = 'id'";
        check(&format!("{database}{channel}"), "5: channels[0].name: channel \"sms\" is defined already");
    }

    #[test]
    fn shows_no_secret_whatever_is_wrong_with_it() {
        for token in ["token = 123456789", "token = { a = 'SECRET' }", "hash = [1, 'SECRET']", "token = 'SECRET"] {
            let text = format!("[[databases]]\nid = 1\nname = 'A'\n[[tokens]]\n{token}\ndatabases = [1]\n");
            let error = read(&text, "w.toml").expect_err(token).to_string();
            assert!(error.starts_with("w.toml:5: "), "{error}");
            assert!(!error.contains("SECRET") && !error.contains("123456789"), "{error}");
        }
    }
}
