//! Texts with `${...}` in them, and the values that are put there.
//!
//! Values are unique per run, case and format, so that no case sees what another one stored; the same seed gives the
//! same values. E-mails, words and push tokens are hashes. Phones and whole numbers come from too small a space for
//! that: each case and format owns a block of them, and each name within the case one number of the block.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::value::Value;
use crate::world::{Role, World};
use crate::{Format, render};

/// How many different phones, and how many different whole numbers, one case may use.
pub const BLOCK: usize = 64;

/// Mobile numbers behind `+79`.
const PHONES: u64 = 1_000_000_000;
/// Whole numbers from 1 on that stay below 2^31.
const INTS: u64 = 2_147_483_647;

/// What stands between `${` and `}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placeholder {
    /// `${email:NAME}`.
    Email(String),
    /// `${phone:NAME}`.
    Phone(String),
    /// `${text:NAME}`.
    Word(String),
    /// `${push:NAME}`.
    Push(String),
    /// `${int:NAME}`.
    Int(String),
    /// `${id:NAME}`: a saved profile id.
    Id(String),
    /// `${hex:ff}`: raw bytes.
    Hex(Vec<u8>),
    /// Anything that the world file names.
    Role(Role),
}

impl Placeholder {
    fn parse(inner: &str) -> Result<Self, String> {
        let (name, argument) = match inner.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (inner, None),
        };
        let named = argument.filter(|argument| !argument.is_empty()).map(str::to_owned);
        let found = match (name, named) {
            ("email", Some(name)) => Some(Self::Email(name)),
            ("phone", Some(name)) => Some(Self::Phone(name)),
            ("text", Some(name)) => Some(Self::Word(name)),
            ("push", Some(name)) => Some(Self::Push(name)),
            ("int", Some(name)) => Some(Self::Int(name)),
            ("id", Some(name)) => Some(Self::Id(name)),
            ("hex", Some(digits)) => bytes_of_hex(&digits).map(Self::Hex),
            _ => Role::parse(name, argument).map(Self::Role),
        };
        found.ok_or_else(|| format!("unknown placeholder `${{{inner}}}`"))
    }
}

fn bytes_of_hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

/// How a value must be escaped where it is inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Inside a JSON string.
    Json,
    /// In an XML text.
    Xml,
    /// In a URL.
    Url,
    /// As it is, in a header.
    Plain,
}

impl From<Format> for Escape {
    fn from(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Xml => Self::Xml,
        }
    }
}

impl Escape {
    fn apply(self, text: &str) -> String {
        match self {
            Self::Json => render::escape_json(text),
            Self::Xml => render::escape_xml(text),
            Self::Url => render::escape_url(text),
            Self::Plain => text.to_owned(),
        }
    }
}

/// A text with placeholders, taken apart once.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Hole(Placeholder),
}

impl Template {
    /// Takes a text apart.
    ///
    /// # Errors
    /// Names the placeholder that is unknown or not closed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((inner, after)) = behind.split_once('}') else {
                return Err("`${` without `}`".to_owned());
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Hole(Placeholder::parse(inner)?));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The text before its first placeholder.
    pub fn literal_start(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// The placeholders, in the order in which they stand.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(hole) => Some(hole),
            Part::Text(_) => None,
        })
    }

    /// The text with its values put in.
    ///
    /// # Errors
    /// Says which role or saved id is missing.
    pub fn fill(&self, values: &mut Values<'_>, escape: Escape) -> Result<Vec<u8>, Missing> {
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Hole(Placeholder::Hex(bytes)) => out.extend_from_slice(bytes),
                Part::Hole(hole) => out.extend_from_slice(escape.apply(&values.get(hole)?).as_bytes()),
            }
        }
        Ok(out)
    }

    /// As [`fill`](Self::fill), for places that take text only: raw bytes are replaced.
    ///
    /// # Errors
    /// Says which role or saved id is missing.
    pub fn fill_text(&self, values: &mut Values<'_>, escape: Escape) -> Result<String, Missing> {
        self.fill(values, escape).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Why a template cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The world names nothing for this role.
    Role(Role),
    /// No answer so far gave the id to be remembered under this name.
    Saved(String),
}

/// Whose values a text is filled with. Ids that were saved and what the world names are the same in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Those of the case.
    #[default]
    Shared,
    /// Those of twins, so that one may say the same as the refused request and mean somebody else.
    Own,
}

impl Scope {
    /// `name` as it is known in this scope; no name that a file can spell holds a brace.
    fn name(self, name: &str) -> String {
        match self {
            Self::Shared => name.to_owned(),
            Self::Own => format!("{name}}}own"),
        }
    }
}

/// The values of one case in one format of one run.
#[derive(Debug)]
pub struct Values<'a> {
    world: &'a World,
    stream: u64,
    block: u64,
    seed: u64,
    saved: BTreeMap<String, String>,
    phones: Vec<String>,
    ints: Vec<String>,
    scope: Scope,
    is_sample: bool,
    made: Vec<String>,
}

impl<'a> Values<'a> {
    /// `ordinal` is the place of the case and format in the suite; it decides which block of phones is theirs.
    pub fn new(world: &'a World, seed: u64, ordinal: usize, case: &str, format: Format) -> Self {
        let stream = hash(seed, &[case, format.word(), &ordinal.to_string()]);
        let block = (ordinal as u64).wrapping_mul(BLOCK as u64);
        Self {
            world,
            stream,
            block,
            seed,
            saved: BTreeMap::new(),
            phones: Vec::new(),
            ints: Vec::new(),
            scope: Scope::Shared,
            is_sample: false,
            made: Vec::new(),
        }
    }

    /// Values for looking at a template without a target: every saved id is there.
    pub(crate) fn sample(world: &'a World) -> Self {
        Self { is_sample: true, ..Self::new(world, 0, 0, "", Format::Json) }
    }

    /// What the world names for a role.
    ///
    /// # Errors
    /// When it names nothing.
    pub fn role(&self, role: &Role) -> Result<Value, Missing> {
        self.world.role(role).ok_or_else(|| Missing::Role(role.clone()))
    }

    /// Fills from now on with the values of this scope.
    pub fn enter(&mut self, scope: Scope) {
        self.scope = scope;
    }

    /// Remembers an answered id.
    pub fn save(&mut self, name: &str, id: &str) {
        self.saved.insert(name.to_owned(), id.to_owned());
    }

    /// The id remembered under `name`.
    pub fn saved(&self, name: &str) -> Option<&str> {
        self.saved.get(name).map(String::as_str)
    }

    /// The name under which `id` was remembered.
    pub fn name_of(&self, id: &str) -> Option<&str> {
        self.saved.iter().find(|(_, saved)| *saved == id).map(|(name, _)| name.as_str())
    }

    /// The values made for this case, each once, in the order in which they were first used.
    pub fn into_made(self) -> Vec<String> {
        self.made
    }

    fn get(&mut self, placeholder: &Placeholder) -> Result<String, Missing> {
        let value = self.value(placeholder)?;
        let is_made = !matches!(placeholder, Placeholder::Id(_) | Placeholder::Role(_) | Placeholder::Hex(_));
        if is_made && !self.made.contains(&value) {
            self.made.push(value.clone());
        }
        Ok(value)
    }

    fn value(&mut self, placeholder: &Placeholder) -> Result<String, Missing> {
        Ok(match placeholder {
            Placeholder::Email(name) => format!("{}@example.com", self.word("email", name)),
            Placeholder::Word(name) => self.word("text", name),
            Placeholder::Push(name) => format!("{}{}", self.word("push", name), self.word("push-tail", name)),
            Placeholder::Phone(name) => {
                let number = numbered(
                    hash(self.seed, &["phones"]),
                    self.block,
                    &mut self.phones,
                    &self.scope.name(name),
                    PHONES,
                );
                format!("+79{number:09}")
            }
            Placeholder::Int(name) => {
                let number =
                    numbered(hash(self.seed, &["ints"]), self.block, &mut self.ints, &self.scope.name(name), INTS - 1);
                (number + 1).to_string()
            }
            Placeholder::Id(name) if self.is_sample => format!("sample-{name}"),
            Placeholder::Id(name) => self.saved.get(name).cloned().ok_or_else(|| Missing::Saved(name.clone()))?,
            Placeholder::Role(role) => match self.role(role)? {
                Value::Text(text) => text,
                value => value.to_json(),
            },
            Placeholder::Hex(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        })
    }

    fn word(&self, kind: &str, name: &str) -> String {
        base36(hash(self.stream, &[kind, &self.scope.name(name)]))
    }
}

/// A letter and thirteen letters or digits.
fn base36(mut number: u64) -> String {
    let mut word = String::from("r");
    for _ in 0..13 {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        word.extend(char::from_digit(digit, 36));
        number /= 36;
    }
    word
}

/// The number that `name` owns: its place in the block, the block behind where this run starts.
fn numbered(start: u64, block: u64, names: &mut Vec<String>, name: &str, space: u64) -> u64 {
    let position = names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    (start % space + block + position as u64) % space
}

/// FNV-1a over the parts, then mixed so that near inputs differ in every digit.
fn hash(seed: u64, parts: &[&str]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ mix(seed);
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    mix(state)
}

fn mix(mut state: u64) -> u64 {
    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn world() -> World {
        World::read("[suite]\ntoken = 'a\"<b'\ndatabase = 7").unwrap()
    }

    fn fill(text: &str, values: &mut Values<'_>) -> String {
        Template::parse(text).unwrap().fill_text(values, Escape::Plain).unwrap()
    }

    #[test]
    fn same_seed_same_values() {
        let (world, text) = (world(), "${email:a} ${phone:a} ${text:a} ${push:a} ${int:a}");
        let first = fill(text, &mut Values::new(&world, 1, 0, "a/b", Format::Json));
        assert_eq!(first, fill(text, &mut Values::new(&world, 1, 0, "a/b", Format::Json)));
        assert_ne!(first, fill(text, &mut Values::new(&world, 2, 0, "a/b", Format::Json)));
    }

    #[test]
    fn values_are_unique_per_case_format_and_name() {
        let world = world();
        let mut seen = BTreeSet::new();
        for ordinal in 0..200_usize {
            let case = format!("a/{}", ordinal / 2);
            let mut values = Values::new(&world, 42, ordinal, &case, Format::ALL[ordinal % 2]);
            for text in ["email", "phone", "text", "push", "int"] {
                for name in ["a", "b", "c"] {
                    assert!(seen.insert(fill(&format!("${{{text}:{name}}}"), &mut values)), "{text}:{name} repeats");
                }
            }
        }
    }

    #[test]
    fn the_same_name_gives_the_same_value_within_a_case() {
        let world = world();
        let mut values = Values::new(&world, 1, 0, "a/b", Format::Json);
        let filled = fill("${phone:x} ${phone:y} ${phone:x}", &mut values);
        let parts: Vec<&str> = filled.split(' ').collect();
        assert!(parts[0] == parts[2] && parts[0] != parts[1], "{filled}");
    }

    #[test]
    fn a_scope_of_its_own_has_values_of_its_own_and_the_same_ids() {
        let world = world();
        let mut values = Values::new(&world, 1, 0, "a/b", Format::Json);
        values.save("ann", "1");
        for text in ["${email:a}", "${phone:a}", "${text:a}", "${push:a}", "${int:a}"] {
            let shared = fill(text, &mut values);
            values.enter(Scope::Own);
            assert_ne!(fill(text, &mut values), shared, "{text}");
            values.enter(Scope::Shared);
            assert_eq!(fill(text, &mut values), shared);
        }
        values.enter(Scope::Own);
        assert_eq!(fill("${id:ann} ${db}", &mut values), "1 7");
    }

    #[test]
    fn values_have_the_form_that_is_promised() {
        let world = world();
        let mut values = Values::new(&world, u64::MAX, 3, "a/b", Format::Xml);
        let phone = fill("${phone:a}", &mut values);
        assert!(phone.starts_with("+7") && phone.len() == 12 && phone[1..].bytes().all(|b| b.is_ascii_digit()));
        let email = fill("${email:a}", &mut values);
        assert!(email.ends_with("@example.com") && email == email.to_lowercase());
        assert!(fill("${int:a}", &mut values).parse::<i32>().unwrap() > 0);
        assert!(fill("${text:a}", &mut values).bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn inserts_roles_escaped_for_their_place() {
        let world = world();
        let mut values = Values::new(&world, 1, 0, "a/b", Format::Json);
        let template = Template::parse("${token} ${db}").unwrap();
        assert_eq!(template.fill_text(&mut values, Escape::Json).unwrap(), "a\\\"<b 7");
        assert_eq!(template.fill_text(&mut values, Escape::Xml).unwrap(), "a&quot;&lt;b 7");
        assert_eq!(template.fill_text(&mut values, Escape::Url).unwrap(), "a%22%3Cb 7");
    }

    #[test]
    fn inserts_raw_bytes() {
        let world = world();
        let mut values = Values::new(&world, 1, 0, "a/b", Format::Json);
        let bytes = Template::parse("a${hex:fffe00}b").unwrap().fill(&mut values, Escape::Json).unwrap();
        assert_eq!(bytes, b"a\xff\xfe\x00b");
    }

    #[test]
    fn tells_what_is_missing() {
        let world = world();
        let mut values = Values::new(&world, 1, 0, "a/b", Format::Json);
        let mut missing = |text: &str| Template::parse(text).unwrap().fill(&mut values, Escape::Plain).unwrap_err();
        assert_eq!(missing("${resource}"), Missing::Role(Role::Resource));
        assert_eq!(missing("${id:ann}"), Missing::Saved("ann".to_owned()));
    }

    #[test]
    fn refuses_placeholders_it_does_not_know() {
        for text in ["${mail:a}", "${email}", "${email:}", "${db:1}", "${hex:f}", "${hex:zz}", "${email:a"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
