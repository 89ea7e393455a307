//! Nodes to bytes. Rulings X3, X5, X7: lists become repeated elements; a list of one is marked, so is an empty one.

use crate::{format::Format, node::Node};
use std::fmt::Write;

/// Writes a document whose root is this object.
pub(crate) fn document(root: &Node, format: Format) -> Vec<u8> {
    match format {
        Format::Json => json_document(root),
        Format::Xml => {
            let mut text = String::with_capacity(256);
            element("xml", root, false, &mut text);
            text
        }
    }
    .into_bytes()
}

/// Writes this value in JSON.
pub(crate) fn json_document(root: &Node) -> String {
    let mut text = String::with_capacity(256);
    json(root, &mut text);
    text
}

fn json(node: &Node, out: &mut String) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Node::Int(number) => push(out, number),
        // Shortest digits that are read back as the same number, and visibly no whole number.
        Node::Float(number) => push(out, format_args!("{number:?}")),
        Node::Text(text) => json_text(text, out),
        Node::List(items) => {
            out.push('[');
            separated(items, out, json);
            out.push(']');
        }
        Node::Object(members) => {
            out.push('{');
            separated(members, out, |(name, node), out| {
                json_text(name, out);
                out.push(':');
                json(node, out);
            });
            out.push('}');
        }
    }
}

fn separated<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
}

fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => push(out, format_args!("\\u{:04x}", u32::from(control))),
            plain => out.push(plain),
        }
    }
    out.push('"');
}

/// One element. `is_item` marks it, so that it is read as a list though it stands alone.
fn element(name: &str, node: &Node, is_item: bool, out: &mut String) {
    match node {
        Node::Null => return,
        Node::List(items) if items.is_empty() => return element(name, &Node::Text(String::new()), true, out),
        Node::List(items) => {
            let is_alone = items.len() == 1;
            return items.iter().for_each(|item| element(name, item, is_alone, out));
        }
        _ => {}
    }
    let name = element_name(name);
    push(out, format_args!("<{name}{}>", if is_item { " array='true'" } else { "" }));
    match node {
        Node::Text(text) => xml_text(text, out),
        Node::Object(members) => members.iter().for_each(|(name, node)| element(name, node, false, out)),
        scalar => json(scalar, out),
    }
    push(out, format_args!("</{name}>"));
}

/// Names of the system and of configurations are element names already; in others, what cannot stand in one is written
/// as `_xHHHH_`.
fn element_name(name: &str) -> std::borrow::Cow<'_, str> {
    let fits = |(index, character): (usize, char)| {
        character.is_alphabetic()
            || character == '_'
            || index > 0 && (character.is_alphanumeric() || "-.".contains(character))
    };
    if !name.is_empty() && name.chars().enumerate().all(fits) {
        return name.into();
    }
    let escaped = name.chars().enumerate().map(|(index, character)| match fits((index, character)) {
        true => character.to_string(),
        false => format!("_x{:04X}_", u32::from(character)),
    });
    let escaped: String = escaped.collect();
    if escaped.is_empty() { "_".into() } else { escaped.into() }
}

/// Characters that XML cannot say become the replacement character.
fn xml_text(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(character),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            control if control < ' ' => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(node: &Node, json: &str, xml: &str) {
        assert_eq!(String::from_utf8(document(node, Format::Json)).unwrap(), json);
        assert_eq!(String::from_utf8(document(node, Format::Xml)).unwrap(), format!("<xml>{xml}</xml>"));
    }

    #[test]
    fn writes_the_same_in_both_formats() {
        check(
            &Node::object([("error", Node::Int(0)), ("error_text", Node::text("ok"))]),
            r#"{"error":0,"error_text":"ok"}"#,
            "<error>0</error><error_text>ok</error_text>",
        );
        check(
            &Node::object([("a", Node::Bool(true)), ("b", Node::Null), ("c", Node::Float(0.5))]),
            r#"{"a":true,"b":null,"c":0.5}"#,
            "<a>true</a><c>0.5</c>",
        );
    }

    #[test]
    fn marks_lists_that_would_not_look_like_one() {
        let list = |items: &[i64]| Node::object([("a", Node::List(items.iter().copied().map(Node::Int).collect()))]);
        check(&list(&[]), r#"{"a":[]}"#, "<a array='true'></a>");
        check(&list(&[1]), r#"{"a":[1]}"#, "<a array='true'>1</a>");
        check(&list(&[1, 2]), r#"{"a":[1,2]}"#, "<a>1</a><a>2</a>");
    }

    #[test]
    fn escapes_what_means_something() {
        check(
            &Node::object([("a", Node::text("<\"&\\\r\n\u{1}я>"))]),
            "{\"a\":\"<\\\"&\\\\\\r\\n\\u0001я>\"}",
            "<a>&lt;\"&amp;\\&#13;\n\u{fffd}я&gt;</a>",
        );
        check(&Node::object([("1 b", Node::Int(1))]), r#"{"1 b":1}"#, "<_x0031__x0020_b>1</_x0031__x0020_b>");
        check(&Node::object([("", Node::Int(1))]), r#"{"":1}"#, "<_>1</_>");
    }
}
