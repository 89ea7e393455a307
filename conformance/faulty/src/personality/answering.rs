//! Freedoms in what goes back: numbers, texts, ids, and how they are written.

use rollcall_codec::format::Format;
use rollcall_model::response_code::ResponseCode;
use rollcall_server::call::Reply;
use serde_json::{Map, Value, json};

/// The number in front of the first reason's own.
const FIRST_NUMBER: usize = 10_000;

pub(super) fn number_of_its_own(reply: &mut Reply) {
    if let Some(place) = ResponseCode::ALL.iter().position(|code| *code == reply.code) {
        renumber(reply, &(FIRST_NUMBER + place).to_string());
    }
}

pub(super) fn minus_one(reply: &mut Reply) {
    renumber(reply, "-1");
    if reply.code != ResponseCode::Success {
        reply.code = ResponseCode::InternalError;
    }
}

fn renumber(reply: &mut Reply, number: &str) {
    let ours = reply.code.number();
    if reply.code != ResponseCode::Success {
        replace(reply, &format!("\"error\":{ours}"), &format!("\"error\":{number}"));
        replace(reply, &format!("<error>{ours}<"), &format!("<error>{number}<"));
    }
}

pub(super) fn silent_success(reply: &mut Reply) {
    let text = ResponseCode::Success.text();
    replace(reply, &format!("\"error_text\":\"{text}\""), "\"error_text\":\"\"");
    replace(reply, &format!("<error_text>{text}</error_text>"), "<error_text/>");
}

pub(super) fn more_keys(reply: &mut Reply) {
    in_json(reply, |answer| {
        answer.insert("api".to_owned(), json!({"version": "1.1", "errors": [], "error": null}));
        answer.insert("warnings".to_owned(), json!([]));
    });
    replace(reply, "<xml>", "<xml><api><version>1.1</version></api><warnings/>");
}

pub(super) fn results_by_name(reply: &mut Reply) {
    let within = text(reply).strip_prefix("<xml>").and_then(|body| body.strip_suffix("</xml>"));
    if let Some(within) = within {
        let named = within.replace("<xml>", "<result>").replace("</xml>", "</result>");
        reply.body = format!("<xml>{named}</xml>").into();
    }
}

/// All three keys, whatever happened.
pub(super) fn one_shape(reply: &mut Reply) {
    if reply.code == ResponseCode::Success {
        return;
    }
    let number = reply.code.number();
    reply.body = match reply.format {
        Format::Json => format!("{{\"profile_id\":\"\",\"error\":{number},\"error_text\":\"\"}}"),
        Format::Xml => {
            format!("<xml><profile_id></profile_id><error>{number}</error><error_text></error_text></xml>")
        }
    }
    .into();
}

pub(super) fn indented(reply: &mut Reply) {
    match reply.format {
        Format::Json => {
            if let Ok(answer) = serde_json::from_slice::<Value>(&reply.body) {
                reply.body = format!("{answer:#}\n").into();
            }
        }
        Format::Xml => {
            let tags = text(reply).replace("><", ">\n  <").replace(">\n  </", "></");
            reply.body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{tags}\n").into();
        }
    }
}

/// The same answer, as nobody would write it by hand.
pub(super) fn escaped(reply: &mut Reply) {
    replace(reply, "\"error_text\":\"", " \"\\u0065rror_text\" :\t\"\\/ \\ud83d\\ude00 ");
    replace(reply, "<error_text>", "<!-- <error>0</error> --><error_text><![CDATA[<&>]]> &#x1F600; ");
    replace(reply, "<error>0<", "<error>&#48;<");
    if reply.format == Format::Xml {
        reply.body.splice(0..0, *b"<?xml version='1.0'?><!-- an answer -->\n");
        reply.body.extend(b"<!-- no more -->");
    }
}

/// What stands in front of an id on the wire.
const OWN_PREFIX: &str = "ID.";

/// Hexadecimal digits of an identifier.
const DIGITS: usize = 24;

/// Identifiers as they stand on the wire: a letter for each hexadecimal digit.
pub(super) fn in_own_ids(reply: &mut Reply) {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let letter = |c: char| char::from(b'A' + u8::try_from(c.to_digit(16).unwrap_or_default()).unwrap_or_default());
    let own = |id: &str| format!("{OWN_PREFIX}{}", id.chars().map(letter).collect::<String>());
    reply.body = map_words(text(reply), is_digit, own).into();
}

/// The body with our identifiers in place of those.
pub(super) fn from_own_ids(body: &str) -> String {
    let is_letter = |c: char| ('A'..='P').contains(&c);
    let digit = |c: char| char::from_digit(u32::from(c) - u32::from('A'), 16).unwrap_or('0');
    let ours = |id: &str| id.chars().map(digit).collect();
    map_words(body, is_letter, ours).replace(OWN_PREFIX, "")
}

/// Changes the words of as many characters as an identifier has, if they consist of such characters only.
fn map_words(text: &str, is_inside: impl Fn(char) -> bool, change: impl Fn(&str) -> String) -> String {
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let changed = words.map(|word| {
        let (start, end) = word.split_at(word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len());
        match start.len() == DIGITS && start.chars().all(&is_inside) {
            true => format!("{}{end}", change(start)),
            false => word.to_owned(),
        }
    });
    changed.collect()
}

fn in_json(reply: &mut Reply, change: impl FnOnce(&mut Map<String, Value>)) {
    if let (Format::Json, Ok(mut answer)) = (reply.format, serde_json::from_slice::<Map<_, _>>(&reply.body)) {
        change(&mut answer);
        reply.body = Value::Object(answer).to_string().into();
    }
}

fn text(reply: &Reply) -> &str {
    std::str::from_utf8(&reply.body).unwrap_or_default()
}

fn replace(reply: &mut Reply, from: &str, to: &str) {
    if text(reply).contains(from) {
        reply.body = text(reply).replacen(from, to, 1).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_its_own_become_ours_again() {
        let ours = r#"{"error":0,"profile_id":"54759eb3c090d83494e2d804"}"#;
        let mut reply = Reply::new(ResponseCode::Success, Format::Json, ours.into());
        in_own_ids(&mut reply);
        assert_eq!(text(&reply), r#"{"error":0,"profile_id":"ID.FEHFJOLDMAJANIDEJEOCNIAE"}"#);
        assert_eq!(from_own_ids(text(&reply)), ours);
    }
}
