//! Whether a printed answer is among those that came. What differs each time, identifiers and moments, is masked in both.

use serde_json::{Deserializer, Value};

/// The short name of a subscription, which is made of the profile's identifier.
const HASH: &str = "hash_id";

/// Whether the output has this JSON document, whatever its white space and the order of its members.
pub(crate) fn has_json(output: &str, printed: &str) -> bool {
    let printed = masked(serde_json::from_str(printed).unwrap_or_else(|error| panic!("{error}: {printed}")));
    documents(output).any(|document| masked(document) == printed)
}

/// Whether the output has this XML document, whatever the white space between its elements.
pub(crate) fn has_xml(output: &str, printed: &str) -> bool {
    let plain = |text: &str| {
        let lines: String = text.lines().map(str::trim).collect();
        let mut words = lines.split_inclusive(['<', '>']);
        let mut plain = String::new();
        while let Some(word) = words.next() {
            plain += &masked_text(word);
            if word.strip_suffix('>') == Some(HASH) {
                words.next(); // what it is this time
            }
        }
        plain
    };
    plain(output).contains(&plain(printed))
}

/// The JSON objects of a text that holds other things too.
fn documents(text: &str) -> impl Iterator<Item = Value> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('{')?..];
            let mut values = Deserializer::from_str(rest).into_iter();
            match values.next() {
                Some(Ok(value)) => {
                    rest = &rest[values.byte_offset()..];
                    return Some(value);
                }
                _ => rest = &rest[1..],
            }
        }
    })
}

/// The identifiers in a text, in its order.
pub(crate) fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| is_identifier(word))
}

fn is_identifier(word: &str) -> bool {
    word.len() == 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => masked_text(&text).into(),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(members) => {
            let member = |(name, value)| if name == HASH { (name, Value::Null) } else { (name, masked(value)) };
            members.into_iter().map(member).collect()
        }
        other => other,
    }
}

/// An identifier and a moment as what they are, any other text as it stands. A delimiter behind it is kept.
fn masked_text(text: &str) -> String {
    let (word, behind) = text.split_at(text.trim_end_matches('<').len());
    let is_moment = word.len() > 10 && word.ends_with('Z') && word.as_bytes()[4] == b'-' && word.as_bytes()[10] == b'T';
    match (is_identifier(word), is_moment) {
        (true, _) => format!("[id]{behind}"),
        (_, true) => format!("[moment]{behind}"),
        _ => text.to_owned(),
    }
}

#[test]
fn identifiers_and_moments_may_differ_and_nothing_else() {
    let output = "a {1 {\"id\": \"6b05642f3a1c9e0000000001\", \"at\": \"2026-11-24T19:45:36.1Z\", \"n\": 1}<xml>";
    let printed = |id: &str, n: u8| format!("{{\"n\":{n},\"id\":\"{id}\",\"at\":\"2020-01-01T00:00:00Z\"}}");
    assert!(has_json(output, &printed("000000000000000000000000", 1)));
    assert!(!has_json(output, &printed("000000000000000000000000", 2)));
    assert!(!has_json(output, &printed("another", 1)));
    let answer = |id: &str| format!("<xml>\n  <error>0</error>\n  <profile_id>{id}</profile_id>\n</xml>\n");
    let output = "{}<xml><error>0</error><profile_id>6b05642f3a1c9e0000000001</profile_id></xml>{}";
    assert!(has_xml(output, &answer("000000000000000000000000")));
    assert!(!has_xml(output, &answer("another")));
}
