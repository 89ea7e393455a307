//! Fields of profiles and of subscriptions: types (table), names, definitions, values.

use crate::{
    email::Email,
    phone::Phone,
    value::{Object, Value},
};
use jiff::Timestamp;
use rustc_hash::FxHashMap;
use std::{
    borrow::{Borrow, Cow},
    fmt,
    net::IpAddr,
    sync::Arc,
};

macro_rules! field_kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal;)*) => {
        /// What a field holds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum FieldKind { $($(#[$doc])* $kind,)* }

        impl FieldKind {
            /// All rows, in the order of the table.
            pub const ALL: &[FieldKind] = &[$(FieldKind::$kind,)*];

            /// The type's name, as a world file spells it.
            pub const fn name(self) -> &'static str {
                match self { $(FieldKind::$kind => $name,)* }
            }
        }
    };
}

field_kinds! {
    /// A whole number.
    Int "int";
    /// Any number.
    Float "float";
    /// A line of text.
    Text "string";
    /// A moment; a date without time is its midnight in UTC (D6).
    Date "date";
    /// True or false.
    Bool "bool";
    /// One of the definition's options, by word or by ordinal (counted from 0).
    Enum "enum";
    /// An IPv4 or IPv6 address.
    Ip "ip";
    /// A set of words.
    Tags "tags";
    /// A free-form object.
    Object "object";
    /// A list of free-form objects.
    Objects "objects";
    /// An e-mail address (M14).
    Email "email";
    /// A list of phone numbers (D8).
    Phones "phones";
    /// 0, 1, 2, `male` or `female`, kept as given (D7).
    Sex "sex";
    /// A name of the IANA time zone database.
    TimeZone "time_zone";
}

impl FieldKind {
    /// The type a world file calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether `custom` matching can search for its values: free-form ones have no text to be found by.
    pub fn can_be_searched(self) -> bool {
        !matches!(self, Self::Object | Self::Objects)
    }

    /// Whether a value can tell one profile from all others: it is one value, and of a type that has many.
    pub fn can_be_unique(self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Text | Self::Date | Self::Ip | Self::Email)
    }
}

/// The name of a profile field or of a subscription field. Case matters. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(Arc<str>);

impl FieldName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hash and equality are those of the text, as the derived ones are too.
impl Borrow<str> for FieldName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for FieldName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A field that a database or a resource knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDefinition {
    /// What it is called.
    pub name: FieldName,
    /// What it holds.
    pub kind: FieldKind,
    /// The words of an enum, in the order of their ordinals; empty for other kinds.
    pub options: Vec<Box<str>>,
    /// Whether each profile must have it.
    pub is_required: bool,
    /// Whether no two profiles of a database may have the same value of it (D9).
    pub is_unique: bool,
    /// Whether `custom` matching can search by it.
    pub is_indexed: bool,
}

impl FieldDefinition {
    /// A field that may be left out, may be the same in many profiles, and can be searched by.
    pub fn new(name: FieldName, kind: FieldKind) -> Self {
        Self { name, kind, options: Vec::new(), is_required: false, is_unique: false, is_indexed: true }
    }
}

/// The fields of one database or resource: found by name, each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldDefinitions {
    /// The hasher is a fast one that could be fooled: names come from the configuration, not from requests.
    by_name: FxHashMap<FieldName, FieldDefinition>,
    /// Those that each profile must have, in the order of the configuration.
    required: Vec<FieldName>,
    /// Those that tell profiles apart, in the order of the configuration.
    unique: Vec<FieldName>,
}

impl FieldDefinitions {
    /// Makes the definitions ready for look-up. `Err` carries a name that is defined twice.
    pub fn new(definitions: Vec<FieldDefinition>) -> Result<Self, FieldName> {
        let mut all = Self::default();
        for definition in definitions {
            let name = &definition.name;
            all.required.extend(definition.is_required.then(|| name.clone()));
            all.unique.extend(definition.is_unique.then(|| name.clone()));
            if let Some(twice) = all.by_name.insert(name.clone(), definition) {
                return Err(twice.name);
            }
        }
        Ok(all)
    }

    /// The definition of the field called `name`.
    pub fn get(&self, name: &str) -> Option<&FieldDefinition> {
        self.by_name.get(name)
    }

    /// All definitions, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &FieldDefinition> {
        self.by_name.values()
    }

    /// The names of those that each profile must have.
    pub fn required(&self) -> &[FieldName] {
        &self.required
    }

    /// The names of those of which no two profiles may have the same value (D9).
    pub fn unique(&self) -> &[FieldName] {
        &self.unique
    }
}

/// What a field of a profile or subscription holds.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Of [`FieldKind::Int`], and of [`FieldKind::Sex`] given as a number.
    Int(i64),
    /// Of [`FieldKind::Float`]; never NaN or infinite.
    Float(f64),
    /// Of [`FieldKind::Text`], [`FieldKind::TimeZone`], and [`FieldKind::Sex`] given as a word.
    Text(Box<str>),
    /// Of [`FieldKind::Date`].
    Date(Timestamp),
    /// Of [`FieldKind::Bool`].
    Bool(bool),
    /// Of [`FieldKind::Enum`]: the option's ordinal, counted from 0.
    Choice(u32),
    /// Of [`FieldKind::Ip`].
    Ip(IpAddr),
    /// Of [`FieldKind::Tags`]: each word once, in the order first given.
    Tags(Vec<Box<str>>),
    /// Of [`FieldKind::Object`].
    Object(Object),
    /// Of [`FieldKind::Objects`].
    Objects(Vec<Value>),
    /// Of [`FieldKind::Email`].
    Email(Email),
    /// Of [`FieldKind::Phones`]: each number once, in the order first given.
    Phones(Vec<Phone>),
}

impl FieldValue {
    /// The texts a field with this value is found by in `custom` matching: one for a scalar, one a tag for tags,
    /// none for objects. Two values of one field are the same exactly when these are (M5).
    pub fn search_texts(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Int(value) => vec![value.to_string().into()],
            Self::Float(value) => vec![value.to_string().into()],
            Self::Text(text) => vec![(&**text).into()],
            Self::Date(moment) => vec![moment.to_string().into()],
            Self::Bool(value) => vec![value.to_string().into()],
            Self::Choice(ordinal) => vec![ordinal.to_string().into()],
            Self::Ip(address) => vec![address.to_string().into()],
            Self::Email(email) => vec![email.key().into()],
            Self::Tags(tags) => tags.iter().map(|tag| (&**tag).into()).collect(),
            Self::Phones(phones) => phones.iter().map(|phone| phone.to_string().into()).collect(),
            Self::Object(_) | Self::Objects(_) => Vec::new(),
        }
    }
}

/// Field values by name, ordered by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Vec<(FieldName, FieldValue)>);

impl Fields {
    /// The value of the field called `name`.
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.place(name).ok().map(|place| &self.0[place].1)
    }

    /// Gives the field a value, in place of the one it had.
    pub fn set(&mut self, name: FieldName, value: FieldValue) {
        match self.place(name.as_str()) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    /// Clears the field.
    pub fn remove(&mut self, name: &str) {
        if let Ok(place) = self.place(name) {
            self.0.remove(place);
        }
    }

    /// All fields that have a value, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&FieldName, &FieldValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
}

impl FromIterator<(FieldName, FieldValue)> for Fields {
    fn from_iter<I: IntoIterator<Item = (FieldName, FieldValue)>>(pairs: I) -> Self {
        let mut fields = Self::default();
        pairs.into_iter().for_each(|(name, value)| fields.set(name, value));
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name_of_its_own() {
        for &kind in FieldKind::ALL {
            assert_eq!(FieldKind::named(kind.name()), Some(kind));
        }
    }

    #[test]
    fn refuses_a_field_defined_twice() {
        let definition = |name: &str| FieldDefinition::new(name.into(), FieldKind::Int);
        assert_eq!(FieldDefinitions::new(vec![definition("b"), definition("a"), definition("b")]), Err("b".into()));
        let fields = FieldDefinitions::new(vec![definition("b"), definition("a")]).unwrap();
        assert!(fields.get("a").is_some() && fields.get("c").is_none());
    }

    #[test]
    fn a_field_has_one_value_at_a_time() {
        let mut fields = Fields::default();
        fields.set("a".into(), FieldValue::Int(1));
        fields.set("a".into(), FieldValue::Int(2));
        assert_eq!(fields.get("a"), Some(&FieldValue::Int(2)));
        fields.remove("a");
        assert_eq!(fields.iter().count(), 0);
    }
}
