//! JSON bytes to a tree. Rulings T12, T13, T15. Knows no parameter's name.

use crate::tree::{Aside, Builder, Content, Fault, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// Parses a document; where a list in its root is set aside, all around its items.
pub(crate) fn parse<'a>(
    text: &'a str,
    mut builder: Builder<'a>,
    list: Option<&mut Aside<'a>>,
) -> Result<Vec<Value<'a>>, Fault> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(fault(text, &serde_json::from_str::<AnyObject>(text).err().unwrap_or_else(not_an_object)));
    }
    match list {
        None => complete(text, Named { builder: &mut builder, name: Cow::Borrowed(""), is_member: false })?,
        Some(list) => complete(text, Around { builder: &mut builder, list })?,
    }
    Ok(builder.finish())
}

/// Parses a value as one more member of the open object.
pub(crate) fn parse_member<'a>(
    text: &'a str,
    name: &'static str,
    mut builder: Builder<'a>,
) -> Result<Vec<Value<'a>>, Fault> {
    complete(text, Named { builder: &mut builder, name: Cow::Borrowed(name), is_member: true })?;
    Ok(builder.finish())
}

/// Reads all of the text.
fn complete<'a>(text: &'a str, seed: impl DeserializeSeed<'a, Value = ()>) -> Result<(), Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    seed.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| fault(text, &error))
}

/// Only ever used to learn why a text is not an object.
type AnyObject = std::collections::BTreeMap<String, serde::de::IgnoredAny>;

fn not_an_object() -> serde_json::Error {
    serde_json::Error::custom("not an object")
}

fn fault(text: &str, error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let problem = error.to_string();
    let problem = problem.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&problem);
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1), problem.to_owned().into())
}

/// Reads an object into the builder, but for a list whose items are set aside.
struct Around<'b, 'a> {
    builder: &'b mut Builder<'a>,
    list: &'b mut Aside<'a>,
}

impl<'a> DeserializeSeed<'a> for Around<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Around<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { builder, list } = self;
        builder.add(Cow::Borrowed(""), Content::Object).map_err(A::Error::custom)?;
        while let Some(name) = members.next_key_seed(Name)? {
            let is_list = name == list.name;
            let named = Named { builder: &mut *builder, name, is_member: true };
            if is_list {
                named.add(Content::Null)?; // so that a second one is noticed
                members.next_value_seed(Items(&mut *list))?;
            } else {
                members.next_value_seed(named)?;
            }
        }
        builder.close();
        Ok(())
    }
}

/// Sets the items of a list aside.
struct Items<'b, 'a>(&'b mut Aside<'a>);

impl<'a> DeserializeSeed<'a> for Items<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Items<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list in {:?}", self.0.name)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.begin();
        while let Some(item) = items.next_element::<&'a RawValue>()? {
            self.0.take(item.get()).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Reads one value into the builder, under a name.
struct Named<'b, 'a> {
    builder: &'b mut Builder<'a>,
    name: Cow<'a, str>,
    /// Whether it is a member of an object, where a name stands once (T15).
    is_member: bool,
}

impl<'a> Named<'_, 'a> {
    fn add<E: Error>(self, content: Content<'a>) -> Result<(), E> {
        self.builder.add(self.name, content).map_err(E::custom)?;
        match self.builder.last() {
            Some(value) if self.is_member && value.is_repeat => {
                Err(E::custom(format!("duplicate key {:?}", value.name)))
            }
            _ => Ok(()),
        }
    }
}

impl<'a> DeserializeSeed<'a> for Named<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Named<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.add(Content::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.add(Content::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.add(Content::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.add(i64::try_from(value).map_or(Content::Big(value), Content::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.add(Content::Float(value))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<(), E> {
        self.add(Content::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.add(Content::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<(), A::Error> {
        let Named { builder, name, is_member } = self;
        Named { builder: &mut *builder, name, is_member }.add(Content::List)?;
        while items
            .next_element_seed(Named { builder: &mut *builder, name: Cow::Borrowed(""), is_member: false })?
            .is_some()
        {}
        builder.close();
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        let Named { builder, name, is_member } = self;
        Named { builder: &mut *builder, name, is_member }.add(Content::Object)?;
        while let Some(name) = members.next_key_seed(Name)? {
            members.next_value_seed(Named { builder: &mut *builder, name, is_member: true })?;
        }
        builder.close();
        Ok(())
    }
}

/// Reads the name of a member, borrowed unless it has escapes.
struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Cow<'a, str>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Name {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, name: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{format::Format, limits::Limits, tree};

    fn refusal(text: &str) -> String {
        tree::parse(text.as_bytes(), Format::Json, Limits::default()).expect_err(text).to_string()
    }

    #[test]
    fn says_where_a_text_is_broken() {
        assert_eq!(refusal("{\n \"a\": 1,\n}"), "Incorrect request: malformed body: line 3, column 1: trailing comma");
        assert_eq!(refusal("{} {}"), "Incorrect request: malformed body: line 1, column 4: trailing characters");
        assert_eq!(refusal(""), "Incorrect request: malformed body: line 1, column 1: EOF while parsing a value");
    }

    #[test]
    fn refuses_a_root_that_is_no_object() {
        for text in ["[]", "1", "\"a\"", "null"] {
            assert!(
                refusal(text).contains("not an object") || refusal(text).contains("expected a map"),
                "{}",
                refusal(text)
            );
        }
    }

    #[test]
    fn refuses_a_key_given_twice_and_names_it() {
        assert!(refusal(r#"{"data": {"a": 1, "b": 2, "a": 3}}"#).contains(r#"duplicate key "a""#));
        let many: String = (0..100).map(|n| format!("\"k{n}\": {n}, ")).collect();
        assert!(refusal(&format!("{{{many} \"k7\": 0}}")).contains(r#"duplicate key "k7""#));
        assert!(tree::parse(br#"{"a": [1, 1], "b": {"a": 1}}"#, Format::Json, Limits::default()).is_ok());
    }

    #[test]
    fn takes_a_key_that_only_the_object_around_it_has_however_many_there_are() {
        // Each inner key is like an earlier one at a glance, so that it is looked for.
        let many: String = (0..555).map(|n| format!("\"k{n}\": {n}, ")).collect();
        for (name, others) in [("abcc", r#""abbc": 1, "x": 2, "#), ("k555", &many)] {
            let text = format!(r#"{{"{name}": {{{others} "{name}": 0}}}}"#);
            assert!(tree::parse(text.as_bytes(), Format::Json, Limits::default()).is_ok(), "{name}");
        }
    }

    #[test]
    fn refuses_what_passes_a_limit_and_takes_what_just_fits() {
        let limits = Limits { depth: 3, name_bytes: 5, text_bytes: 4, values: 6, subscriptions: 1 };
        assert!(tree::parse(br#"{"12345": [["1234", 1, 2]]}"#, Format::Json, limits).is_ok());
        let check = |text: &str, problem: &str| {
            let refusal = tree::parse(text.as_bytes(), Format::Json, limits).expect_err(text).to_string();
            assert!(refusal.contains(problem), "{refusal}");
        };
        check(r#"{"a": [[[]]]}"#, "nested deeper than 3 levels");
        check(r#"{"a": "12345"}"#, "a text of more than 4 bytes");
        check(r#"{"123456": 1}"#, "a name of more than 5 bytes");
        check(r#"{"a": [1, 2, 3, 4, 5]}"#, "more than 6 values");
    }
}
