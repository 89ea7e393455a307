//! Table: faults in what a request's bytes are taken for: a credential too lenient, a parser too lenient or too clever.

use super::fault;
use crate::{
    Fault,
    message::{Message, elements, map_texts},
    seam::Seam::Request,
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "token-unchecked",
        "PARAM-TOKEN-KNOWN",
        "Any token will do.",
        Request(&|message| message.set("token", TOKEN)),
    ),
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
    fault(
        "get-imports",
        "TRANSPORT-METHOD-OTHER",
        "GET with a body is taken for POST.",
        Request(&|message| takes_for_post(message, "GET")),
    ),
    fault(
        "put-imports",
        "TRANSPORT-METHOD-OTHER",
        "PUT is taken for POST.",
        Request(&|message| takes_for_post(message, "PUT")),
    ),
    fault(
        "delete-imports",
        "TRANSPORT-METHOD-OTHER",
        "DELETE with a body is taken for POST.",
        Request(&|message| takes_for_post(message, "DELETE")),
    ),
    fault(
        "post-is-no-method",
        "TRANSPORT-METHOD-POST",
        "Only PUT imports.",
        Request(&|message| message.method = if message.method == "PUT" { "POST" } else { "PUT" }.to_owned()),
    ),
    fault(
        "url-needs-a-slash",
        "TRANSPORT-URL",
        "The call is found only with a slash at the end.",
        Request(&|message| {
            if !message.path.ends_with('/') {
                message.path.push_str("-elsewhere");
            }
        }),
    ),
    fault(
        "url-needs-a-query",
        "TRANSPORT-URL",
        "The call is found only where the URL has a query.",
        Request(&|message| {
            if message.query.is_empty() {
                message.path.push_str("-elsewhere");
            }
        }),
    ),
    fault(
        "token-of-the-header-ignored",
        "TRANSPORT-TOKEN-HEADER",
        "A token in the header Authorization is ignored.",
        Request(&|message| message.authorization = None),
    ),
    fault(
        "token-of-the-url-ignored",
        "TRANSPORT-TOKEN-QUERY",
        "A token in the URL is ignored.",
        Request(&|message| message.query = message.query.replace("token=", "other=")),
    ),
    fault(
        "accept-ignored",
        "TRANSPORT-ANSWER-ASKED",
        "The header Accept is ignored.",
        Request(&|message| message.accept = None),
    ),
    fault(
        "format-ignored",
        "TRANSPORT-ANSWER-ASKED",
        "The parameter format is ignored, in the URL and in the body.",
        Request(&|message| {
            message.query = message.query.replace("format=", "other=");
            message.replace("\"format\"", "\"other\"");
            message.replace("<format>", "<other>");
            message.replace("</format>", "</other>");
        }),
    ),
    fault(
        "unknown-resource-is-the-first",
        "SUB-RESOURCE-UNKNOWN",
        "A subscription to an unknown resource is one to the first.",
        Request(&|message| {
            if message.value("resource_id").is_some_and(|id| !["1", "2", "3"].contains(&id)) {
                message.set("resource_id", "1");
            }
        }),
    ),
    fault(
        "data-list-of-one-is-its-item",
        "PARAM-DATA-OBJECT",
        "Where data is a list, its first item is taken.",
        Request(&|message| other_data(message, |data| data.get(0).cloned())),
    ),
    fault(
        "data-of-null-is-empty",
        "PARAM-DATA-OBJECT",
        "Where data is null, it is taken for an empty object.",
        Request(&|message| other_data(message, |data| data.is_null().then(|| serde_json::json!({})))),
    ),
    fault(
        "data-of-a-number-is-empty",
        "PARAM-DATA-OBJECT",
        "Where data is a number, it is taken for an empty object.",
        Request(&|message| other_data(message, |data| data.is_number().then(|| serde_json::json!({})))),
    ),
    fault(
        "data-of-a-text-is-empty",
        "PARAM-DATA-OBJECT",
        "Where data is a text, it is taken for an empty object.",
        Request(&|message| {
            other_data(message, |data| data.is_string().then(|| serde_json::json!({})));
            let is_text = message.value("data").is_some_and(|data| !data.is_empty() && !data.contains('<'));
            if message.is_xml() && is_text {
                message.set("data", "");
            }
        }),
    ),
    fault(
        "json-bare-keys-allowed",
        "TRANSPORT-MALFORMED-JSON",
        "Keys of JSON need no quotes.",
        Request(&|message| {
            in_json(message, |piece, is_string| if is_string { piece.to_owned() } else { quoted(piece) })
        }),
    ),
    fault(
        "json-commas-optional",
        "TRANSPORT-MALFORMED-JSON",
        "Between two members of JSON white space will do for a comma.",
        Request(&|message| {
            in_json(message, |piece, is_string| {
                let is_gap = !is_string && !piece.is_empty() && piece.trim().is_empty();
                if is_gap { ", " } else { piece }.to_owned()
            });
        }),
    ),
    fault(
        "json-line-breaks-in-strings-allowed",
        "TRANSPORT-MALFORMED-JSON",
        "A string of JSON may hold a line break as it is.",
        Request(&|message| {
            in_json(message, |piece, is_string| if is_string { piece.replace('\n', "\\n") } else { piece.to_owned() });
        }),
    ),
    fault(
        "json-unknown-escapes-allowed",
        "TRANSPORT-MALFORMED-JSON",
        "JSON may have the escapes that programming languages have.",
        Request(&|message| {
            in_json(
                message,
                |piece, is_string| if is_string { piece.replace("\\x", "\\u00") } else { piece.to_owned() },
            );
        }),
    ),
    fault(
        "json-words-for-numbers-allowed",
        "TRANSPORT-MALFORMED-JSON",
        "JSON may have NaN, which counts as 0.",
        Request(&|message| {
            in_json(message, |piece, is_string| if is_string { piece.to_owned() } else { piece.replace("NaN", "0") });
        }),
    ),
    fault(
        "any-root-will-do",
        "TRANSPORT-MALFORMED",
        "The root of XML may have any name, and JSON may be a list of one request.",
        Request(&|message| {
            in_xml(message, |text| text.replace("<json>", "<xml>").replace("</json>", "</xml>"));
            let list: Option<Vec<serde_json::Value>> = serde_json::from_slice(&message.body).ok();
            if let Some([request]) = list.as_deref() {
                message.body = request.to_string().into();
            }
        }),
    ),
    fault(
        "xml-attribute-twice-allowed",
        "TRANSPORT-MALFORMED-XML",
        "An attribute may stand twice.",
        Request(&|message| in_xml(message, |text| text.replace("array='true' array='true'", "array='true'"))),
    ),
    fault(
        "xml-bare-less-than-allowed",
        "TRANSPORT-MALFORMED-XML",
        "A less-than sign in XML may stand for itself.",
        Request(&|message| in_xml(message, |text| text.replace("< ", "&lt; "))),
    ),
    fault(
        "xml-end-tags-close-anything",
        "TRANSPORT-MALFORMED-XML",
        "An end tag closes what was opened last, whatever its name.",
        Request(&|message| in_xml(message, |text| mended(text, |tag, open| open.filter(|_| is_end(tag)).map(end_of)))),
    ),
    fault(
        "xml-stray-end-tags-ignored",
        "TRANSPORT-MALFORMED-XML",
        "An end tag that closes nothing is ignored.",
        Request(&|message| {
            in_xml(message, |text| {
                mended(text, |tag, open| (is_end(tag) && open.is_none_or(|open| end_of(open) != tag)).then(String::new))
            });
        }),
    ),
    fault(
        "xml-same-tag-again-closes",
        "TRANSPORT-MALFORMED-XML",
        "A tag within an element of the same name closes it.",
        Request(&|message| {
            in_xml(message, |text| mended(text, |tag, open| open.filter(|open| *open == tag).map(end_of)))
        }),
    ),
    fault(
        "xml-entity-expanded",
        "TRANSPORT-XML-ENTITY",
        "An entity is expanded where the document declares one.",
        Request(&|message| {
            if message.text().matches("<!ENTITY").count() == 1 {
                in_xml(message, expand_entities);
            }
        }),
    ),
    fault(
        "xml-entities-within-entities-expanded",
        "TRANSPORT-XML-ENTITY",
        "Entities that are declared by means of each other are expanded.",
        Request(&|message| {
            if message.text().matches("<!ENTITY").count() > 1 {
                in_xml(message, expand_entities);
            }
        }),
    ),
    fault(
        "first-item-dropped",
        "XML-REPEATED",
        "Of repeated elements the first one is lost.",
        Request(&|message| {
            for name in ["subscriptions", "phones"] {
                let places = elements(message.text(), name);
                if let [first, _, ..] = &places[..] {
                    message.body.drain(first.clone());
                }
            }
        }),
    ),
    fault(
        "xml-inner-objects-flattened",
        "XML-NESTING",
        "In XML what stands in cc_data is taken to stand beside it.",
        Request(&|message| in_xml(message, |text| text.replace("<cc_data>", "").replace("</cc_data>", ""))),
    ),
    fault(
        "double-quoted-array-is-empty",
        "XML-ARRAY-QUOTES",
        "An item whose attribute stands in double quotes is lost.",
        Request(&|message| {
            let places = elements(message.text(), "subscriptions");
            let is_double = |place: &std::ops::Range<usize>| message.text()[place.clone()].contains("array=\"true\"");
            let lost: Vec<_> = places.into_iter().filter(is_double).collect();
            lost.into_iter().rev().for_each(|place| drop(message.body.drain(place)));
        }),
    ),
    fault(
        "bare-phones-lost",
        "XML-ARRAY-BARE-PHONES",
        "A single phones without the attribute is lost.",
        Request(&|message| {
            let places = elements(message.text(), "phones");
            if let ([only], true) = (&places[..], message.has("<phones>")) {
                message.body.drain(only.clone());
            }
        }),
    ),
    fault(
        "xml-decimal-references-kept",
        "XML-CHARACTER-REFERENCES",
        "Decimal character references are kept as they are spelled.",
        Request(&|message| in_xml(message, |text| text.replace("&#", "&amp;#").replace("&amp;#x", "&#x"))),
    ),
    fault(
        "xml-cdata-decoded",
        "XML-CDATA",
        "Entities are decoded within CDATA sections too.",
        Request(&|message| {
            if message.has("<![CDATA[") {
                in_xml(message, |text| text.replace("&amp;", "&").replace("&lt;", "<"));
            }
        }),
    ),
    fault(
        "xml-text-ends-at-cdata",
        "XML-CDATA",
        "Text beside a CDATA section is lost.",
        Request(&|message| in_xml(message, only_cdata)),
    ),
];

/// The token of the documented world.
pub(super) const TOKEN: &str = "abcdefghijklmnqrstuvwxyz";

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

fn takes_for_post(message: &mut Message, method: &str) {
    if message.method == method {
        message.method = "POST".to_owned();
    }
}

/// Replaces `data` of JSON where `change` has something else for it.
fn other_data(message: &mut Message, change: impl Fn(&serde_json::Value) -> Option<serde_json::Value>) {
    if let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&message.body)
        && let Some(data) = body.get("data").and_then(change)
    {
        body["data"] = data;
        message.body = body.to_string().into();
    }
}

/// Shows what stands between the quotes of JSON, and whether it is a string.
fn in_json(message: &mut Message, change: impl Fn(&str, bool) -> String) {
    if message.is_xml() || message.text().is_empty() {
        return;
    }
    let text = message.text();
    let mut changed = String::new();
    let (mut start, mut is_string, mut is_escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        if c == '"' && !is_escaped {
            changed += &change(&text[start..at], is_string);
            changed.push(c);
            (start, is_string) = (at + 1, !is_string);
        }
        is_escaped = c == '\\' && is_string && !is_escaped;
    }
    changed += &change(&text[start..], is_string);
    message.body = changed.into();
}

/// What stands between two strings of JSON, with quotes around a word in front of a colon.
fn quoted(piece: &str) -> String {
    let Some(colon) = piece.find(':') else { return piece.to_owned() };
    let word = piece[..colon].trim_end().rsplit([' ', ',', '{']).next().unwrap_or_default();
    if word.is_empty() { piece.to_owned() } else { piece.replacen(word, &format!("\"{word}\""), 1) }
}

/// The document with other tags where `mend` has one; it is shown each tag and the one that was opened last.
fn mended(text: &str, mend: impl Fn(&str, Option<&str>) -> Option<String>) -> String {
    let mut open: Vec<String> = Vec::new();
    let mut document = String::new();
    for piece in text.split_inclusive('>') {
        let (before, tag) = piece.find('<').map_or((piece, ""), |start| piece.split_at(start));
        let tag = mend(tag, open.last().map(String::as_str)).unwrap_or_else(|| tag.to_owned());
        if is_end(&tag) {
            open.pop();
        } else if tag.ends_with('>') && !tag.ends_with("/>") {
            open.push(tag.clone());
        }
        document += before;
        document += &tag;
    }
    document
}

fn is_end(tag: &str) -> bool {
    tag.starts_with("</")
}

fn end_of(tag: &str) -> String {
    let name = tag.trim_start_matches('<').split([' ', '>']).next().unwrap_or_default();
    format!("</{name}>")
}

fn only_cdata(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<![CDATA[") else { return text.to_owned() };
    let Some((section, after)) = rest.split_once("]]>") else { return text.to_owned() };
    let before = before.rfind('>').map_or(before, |end| &before[..=end]);
    let after = after.find('<').map_or(after, |start| &after[start..]);
    format!("{before}<![CDATA[{section}]]>{}", only_cdata(after))
}
