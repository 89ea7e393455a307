//! Table: faults in what a request's bytes are taken for: a credential too lenient, a parser too lenient or too clever.

use super::fault;
use crate::{
    Fault,
    message::{Message, elements, map_texts},
    seam::Seam::Request,
};

pub(super) const FAULTS: &[Fault] = &[
    fault("token-unchecked", "PARAM-TOKEN-KNOWN", "Any token will do.", Request(&|message| message.set("token", TOKEN))),
    fault(
        "token-compared-by-its-beginning",
        "PARAM-TOKEN-KNOWN",
        "A token that begins with a known one will do.",
        Request(&|message| {
            if message.value("token").is_some_and(|token| token.starts_with(TOKEN)) {
                message.set("token", TOKEN);
            }
        }),
    ),
    fault(
        "token-not-required",
        "PARAM-TOKEN-REQUIRED",
        "A request without token is let in.",
        Request(&|message| {
            if message.value("token").is_none() && !message.has_token_elsewhere() {
                message.add("token", &format!("\"{TOKEN}\""));
            }
        }),
    ),
    fault(
        "database-not-required",
        "PARAM-DB-ID-REQUIRED",
        "A request without db_id goes to the first database.",
        Request(&|message| {
            if message.value("db_id").is_none() {
                message.add("db_id", "1");
            }
        }),
    ),
    fault(
        "unknown-database-is-the-first",
        "PARAM-DB-ID-KNOWN",
        "A db_id that names no database goes to the first one.",
        Request(&|message| {
            if message.value("db_id").is_some_and(|id| !["1", "2"].contains(&id)) {
                message.set("db_id", "1");
            }
        }),
    ),
    fault(
        "database-ignored",
        "PARAM-DB-ID-SELECTS",
        "Every request goes to the first database, whatever db_id says.",
        Request(&|message| message.set("db_id", "1")),
    ),
    fault(
        "data-not-required",
        "PARAM-DATA-REQUIRED",
        "A request without data is carried out.",
        Request(&|message| {
            if !message.has("\"data\"") && !message.has("<data") {
                message.add("data", "{}");
            }
        }),
    ),
    fault(
        "data-of-any-kind",
        "PARAM-DATA-OBJECT",
        "Where data is no object, it is taken for an empty one.",
        Request(&|message| {
            if let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&message.body)
                && body.get("data").is_some_and(|data| !data.is_object())
            {
                body["data"] = serde_json::json!({});
                message.body = body.to_string().into();
            }
        }),
    ),
    fault(
        "never-skips-invalid",
        "SUB-INVALID-SKIPPED",
        "skip_invalid_subscriptions is read as false.",
        Request(&|message| message.set("skip_invalid_subscriptions", "false")),
    ),
    fault(
        "always-skips-invalid",
        "SUB-INVALID-REFUSED",
        "skip_invalid_subscriptions is read as true.",
        Request(&|message| message.set("skip_invalid_subscriptions", "true")),
    ),
    fault(
        "skips-invalid-by-default",
        "SUB-INVALID-DEFAULT",
        "Without skip_invalid_subscriptions invalid subscriptions are skipped.",
        Request(&|message| {
            if message.value("skip_invalid_subscriptions").is_none() {
                message.add("skip_invalid_subscriptions", "true");
            }
        }),
    ),
    fault(
        "every-method-imports",
        "TRANSPORT-METHOD-OTHER",
        "The HTTP method does not matter.",
        Request(&|message| message.method = "POST".to_owned()),
    ),
    fault(
        "read-as-latin-1",
        "TRANSPORT-UTF8",
        "Bodies are read as Latin-1.",
        Request(&|message| message.body = message.body.iter().map(|byte| char::from(*byte)).collect::<String>().into()),
    ),
    fault(
        "json-escapes-kept",
        "TRANSPORT-UTF8",
        "Escaped characters of JSON are kept as they are spelled.",
        Request(&|message| message.replace("\\u", "\\\\u")),
    ),
    fault(
        "broken-utf8-repaired",
        "TRANSPORT-MALFORMED",
        "What is not UTF-8 is replaced instead of refused.",
        Request(&|message| message.body = String::from_utf8_lossy(&message.body).into_owned().into()),
    ),
    fault(
        "trailing-bytes-ignored",
        "TRANSPORT-MALFORMED",
        "What follows the first document is ignored.",
        Request(&cut_after_first_document),
    ),
    fault(
        "cut-body-completed",
        "TRANSPORT-MALFORMED",
        "A body that ends too early is closed.",
        Request(&|message| match message.is_xml() {
            true if message.has("<xml>") && !message.has("</xml>") => message.body.extend(b"</xml>"),
            false if message.text().matches('{').count() == message.text().matches('}').count() + 1 => {
                message.body.push(b'}');
            }
            _ => {}
        }),
    ),
    fault(
        "control-characters-dropped",
        "TRANSPORT-MALFORMED",
        "Control characters are left out instead of refused.",
        Request(&|message| message.body.retain(|byte| *byte >= b' ' || byte.is_ascii_whitespace())),
    ),
    fault(
        "json-comments-allowed",
        "TRANSPORT-MALFORMED-JSON",
        "Comments are allowed in JSON.",
        Request(&|message| {
            if let (false, Some((before, rest))) = (message.is_xml(), message.text().split_once("/*"))
                && let Some((_, after)) = rest.split_once("*/")
            {
                message.body = format!("{before}{after}").into();
            }
        }),
    ),
    fault(
        "json-trailing-commas-allowed",
        "TRANSPORT-MALFORMED-JSON",
        "A comma may stand in front of a closing brace.",
        Request(&|message| message.replace(",}", "}")),
    ),
    fault(
        "json-single-quotes-allowed",
        "TRANSPORT-MALFORMED-JSON",
        "Strings of JSON may stand in single quotes.",
        Request(&|message| {
            if !message.is_xml() {
                message.replace(": '", ": \"");
                message.replace("',", "\",");
            }
        }),
    ),
    fault(
        "bare-ampersand-allowed",
        "TRANSPORT-MALFORMED-XML",
        "An ampersand in XML may stand for itself.",
        Request(&|message| in_xml(message, |text| text.replace("& ", "&amp; "))),
    ),
    fault(
        "bare-attributes-allowed",
        "TRANSPORT-MALFORMED-XML",
        "Attributes in XML need no quotes.",
        Request(&|message| in_xml(message, |text| text.replace("array=true", "array='true'"))),
    ),
    fault(
        "declared-entities-expanded",
        "TRANSPORT-XML-ENTITY",
        "Entities that the document declares are expanded.",
        Request(&|message| in_xml(message, expand_entities)),
    ),
    fault(
        "last-item-dropped",
        "XML-REPEATED",
        "Of repeated elements the last one is lost.",
        Request(&|message| {
            for name in ["subscriptions", "phones"] {
                let places = elements(message.text(), name);
                if let [_, .., last] = &places[..] {
                    message.body.drain(last.clone());
                }
            }
        }),
    ),
    fault(
        "xml-numbers-by-look",
        "XML-TYPED-BY-FIELD",
        "A text in XML that looks like a number is read as one.",
        Request(&|message| in_xml(message, |text| map_texts(text, number_by_look))),
    ),
    fault(
        "xml-leading-zeros-lost",
        "XML-TYPED-BY-FIELD",
        "A text of digits in XML loses its leading zeros.",
        Request(&|message| {
            in_xml(message, |text| {
                map_texts(text, |text| is_digits(text).then(|| text.trim_start_matches('0').to_owned()))
            });
        }),
    ),
    fault(
        "xml-entities-kept",
        "XML-ENTITIES",
        "Predefined entities are kept as they are spelled.",
        Request(&|message| {
            in_xml(message, |text| {
                let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"];
                entities
                    .iter()
                    .fold(text.to_owned(), |text, entity| text.replace(entity, &format!("&amp;{}", &entity[1..])))
            });
        }),
    ),
    fault(
        "xml-entities-decoded-twice",
        "XML-ENTITIES",
        "What decoding an entity yields is decoded again.",
        Request(&|message| in_xml(message, |text| text.replace("&amp;lt;", "&lt;").replace("&amp;#", "&#"))),
    ),
    fault(
        "xml-hexadecimal-references-kept",
        "XML-CHARACTER-REFERENCES",
        "Hexadecimal character references are kept as they are spelled.",
        Request(&|message| in_xml(message, |text| text.replace("&#x", "&amp;#x"))),
    ),
    fault(
        "xml-inner-objects-lost",
        "XML-NESTING",
        "In XML an object within an object within an object is not read.",
        Request(&|message| {
            for name in ["custom_fields", "cc_data"] {
                let places = elements(message.text(), name);
                places.into_iter().rev().for_each(|place| drop(message.body.drain(place)));
            }
        }),
    ),
    fault(
        "xml-texts-in-capitals",
        "XML-SAME-MEANING",
        "Texts of the database's own fields are capitalised when they come in XML.",
        Request(&|message| {
            if let (true, Some(text)) = (message.is_xml(), message.value("custom_field").map(str::to_uppercase)) {
                message.set("custom_field", &text);
            }
        }),
    ),
];

/// The token of the documented world.
const TOKEN: &str = "abcdefghijklmnqrstuvwxyz";

pub(super) fn cut_after_first_document(message: &mut Message) {
    let end = if message.is_xml() {
        let close = "</xml>";
        message.text().find(close).map(|start| start + close.len())
    } else {
        let mut documents = serde_json::Deserializer::from_slice(&message.body).into_iter::<serde_json::Value>();
        documents.next().and_then(Result::ok).map(|_| documents.byte_offset())
    };
    message.body.truncate(end.unwrap_or(usize::MAX));
}

fn in_xml(message: &mut Message, change: impl Fn(&str) -> String) {
    if message.is_xml() && !message.text().is_empty() {
        message.body = change(message.text()).into();
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number_by_look(text: &str) -> Option<String> {
    let is_like_a_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+.".contains(&byte));
    text.parse::<f64>().ok().filter(|_| is_like_a_number).map(|number| number.to_string())
}

fn expand_entities(text: &str) -> String {
    let Some((start, end)) = text.find("<!DOCTYPE").zip(text.find("]>")) else { return text.to_owned() };
    let mut expanded = format!("{}{}", &text[..start], &text[end + 2..]);
    // The last one first, since an entity may be spelled with those before it.
    for declaration in text[start..end].split("<!ENTITY ").skip(1).collect::<Vec<_>>().into_iter().rev() {
        let mut parts = declaration.splitn(3, ['"', '\'']);
        if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            expanded = expanded.replace(&format!("&{};", name.trim()), value);
        }
    }
    expanded
}
