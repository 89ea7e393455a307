//! Table: faults in what goes back.

use super::fault;
use crate::{Fault, message::elements, seam::Seam::Reply};
use rollcall_codec::format::Format;
use rollcall_model::response_code::ResponseCode;
use rollcall_server::call;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "error-is-a-text",
        "TRANSPORT-SUCCESS-ERROR",
        "In JSON the error of a success is the text \"0\".",
        Reply(&|_, reply| replace(reply, "\"error\":0", "\"error\":\"0\"")),
    ),
    fault(
        "error-is-a-boolean",
        "TRANSPORT-SUCCESS-ERROR",
        "In JSON the error of a success is false.",
        Reply(&|_, reply| replace(reply, "\"error\":0", "\"error\":false")),
    ),
    fault(
        "success-text-is-null",
        "TRANSPORT-SUCCESS-TEXT",
        "In JSON the error_text of a success is null.",
        Reply(&|_, reply| replace(reply, "\"error_text\":\"Successful operation\"", "\"error_text\":null")),
    ),
    fault(
        "profile-id-is-a-number",
        "TRANSPORT-SUCCESS-PROFILE-ID",
        "In JSON the profile id is a number.",
        Reply(&|_, reply| {
            let text = String::from_utf8_lossy(&reply.body);
            if let Some((before, id)) = text.split_once("\"profile_id\":\"") {
                let number = u64::from_str_radix(&id[14..24], 16).unwrap_or_default();
                reply.body = format!("{before}\"profile_id\":{number}}}").into();
            }
        }),
    ),
    fault(
        "refusal-says-success",
        "TRANSPORT-FAILURE-ERROR",
        "The error of a refusal is 0.",
        Reply(&|_, reply| {
            let number = reply.code.number().to_string();
            when_refused(reply, |reply| {
                replace(reply, &format!("\"error\":{number}"), "\"error\":0");
                replace(reply, &format!("<error>{number}"), "<error>0");
            });
        }),
    ),
    fault(
        "refusal-is-a-page",
        "TRANSPORT-FAILURE-ERROR",
        "A refusal is a page for people.",
        Reply(&|_, reply| when_refused(reply, |reply| reply.body = b"<html><body>Bad Request</body></html>".to_vec())),
    ),
    fault(
        "refusal-has-an-error-word",
        "TRANSPORT-FAILURE-ERROR",
        "The error of a refusal is a word.",
        Reply(&|_, reply| {
            let (number, name) = (reply.code.number().to_string(), reply.code.name());
            when_refused(reply, |reply| {
                replace(reply, &format!("\"error\":{number}"), &format!("\"error\":\"{name}\""));
                replace(reply, &format!("<error>{number}"), &format!("<error>{name}"));
            });
        }),
    ),
    fault(
        "malformed-answered-as-done",
        "TRANSPORT-MALFORMED",
        "A body that cannot be read is answered as carried out.",
        Reply(&|message, reply| {
            if reply.code == ResponseCode::MalformedBody {
                *reply = message.success();
            }
        }),
    ),
    fault(
        "empty-body-answered-as-done",
        "TRANSPORT-EMPTY-BODY",
        "A request without a body is answered as carried out.",
        Reply(&|message, reply| {
            if message.body.is_empty() {
                *reply = message.success();
            }
        }),
    ),
    fault(
        "unknown-profile-answered-as-done",
        "MATCH-PROFILE-ID-UPDATES-ONLY",
        "An update of a profile that is not there is answered as carried out.",
        Reply(&|message, reply| {
            if reply.code == ResponseCode::ProfileNotFound && message.has("profile_id") {
                *reply = message.success();
            }
        }),
    ),
    fault(
        "answer-twice",
        "EXAMPLE-ANSWER-JSON",
        "In JSON the answer is followed by itself.",
        Reply(&|message, reply| {
            if !message.is_xml() {
                reply.body.extend_from_within(..);
            }
        }),
    ),
    fault(
        "answer-without-quotes",
        "EXAMPLE-ANSWER-JSON",
        "In JSON the names of the answer stand without quotes.",
        Reply(&|_, reply| replace(reply, "\"error\":", "error:")),
    ),
    fault(
        "json-answered-in-xml",
        "TRANSPORT-ANSWER-JSON",
        "A success is answered in XML, whatever was asked.",
        Reply(&|_, reply| {
            if let (Format::Json, ResponseCode::Success) = (reply.format, reply.code) {
                in_xml(reply);
            }
        }),
    ),
    fault(
        "xml-answer-has-another-root",
        "TRANSPORT-ANSWER-XML-SHAPE",
        "The root of answers in XML is response.",
        Reply(&|_, reply| rename(reply, "xml", "response")),
    ),
    fault(
        "xml-answer-as-printed",
        "EXAMPLE-ANSWER-XML",
        "In XML the last element of the answer is not closed, as in the documentation.",
        Reply(&|_, reply| replace(reply, "</profile_id>", "<profile_id>")),
    ),
    fault(
        "xml-answer-unescaped",
        "TRANSPORT-ANSWER-XML-SHAPE",
        "In XML the text of an answer is written without escapes.",
        Reply(&|_, reply| replace(reply, "<error_text>", "<error_text>OK & ")),
    ),
    fault(
        "xml-answer-in-attributes",
        "TRANSPORT-ANSWER-XML-SHAPE",
        "In XML the error of an answer is an attribute of its root.",
        Reply(&|_, reply| replace(reply, "<xml><error>0</error>", "<xml error='0'>")),
    ),
    fault(
        "xml-answer-has-other-ids",
        "XML-SAME-MEANING",
        "In XML the profile id is written in another way than in JSON.",
        Reply(&|_, reply| replace(reply, "<profile_id>", "<profile_id>x")),
    ),
    fault(
        "answers-in-latin-1",
        "TRANSPORT-UTF8",
        "The answer to a request beyond ASCII is not in UTF-8.",
        Reply(&|message, reply| {
            if let (false, Some(at)) = (message.body.is_ascii(), place_of(&reply.body, b"Successful")) {
                reply.body.insert(at, 0xe9);
            }
        }),
    ),
    fault(
        "success-under-another-status",
        "TRANSPORT-SUCCESS-STATUS",
        "A success has the HTTP status of a refusal.",
        Reply(&|_, reply| when_successful(reply, |reply| reply.code = ResponseCode::IncorrectValue)),
    ),
    fault(
        "refusal-under-another-status",
        "TRANSPORT-FAILURE-STATUS",
        "A refusal has an HTTP status that is neither 200 nor its error.",
        Reply(&|_, reply| {
            when_refused(reply, |reply| {
                reply.code = match reply.code {
                    ResponseCode::EmailTaken => ResponseCode::IncorrectValue,
                    _ => ResponseCode::EmailTaken,
                };
            });
        }),
    ),
    fault(
        "refusal-with-empty-text",
        "TRANSPORT-FAILURE-TEXT",
        "The text of a refusal is empty.",
        Reply(&|_, reply| {
            when_refused(reply, |reply| {
                without(reply, "error_text");
                insert(reply, "error_text", "");
            })
        }),
    ),
    fault(
        "refusal-names-a-profile",
        "TRANSPORT-FAILURE-NO-PROFILE-ID",
        "A refusal names a profile.",
        Reply(&|_, reply| when_refused(reply, |reply| insert(reply, "profile_id", "54759eb3c090d83494e2d804"))),
    ),
    fault(
        "json-refused-in-xml",
        "TRANSPORT-ANSWER-JSON",
        "A refusal is answered in XML, whatever was asked.",
        Reply(&|_, reply| {
            if reply.format == Format::Json {
                when_refused(reply, |reply| {
                    let number = reply.code.number();
                    reply.body = format!("<xml><error>{number}</error><error_text>No</error_text></xml>").into();
                    reply.format = Format::Xml;
                });
            }
        }),
    ),
    fault(
        "xml-answered-in-json",
        "TRANSPORT-ANSWER-XML-MIRRORS",
        "A success is answered in JSON, whatever was asked.",
        Reply(&|_, reply| {
            if let (Format::Xml, Some(id)) = (reply.format, id_in_xml(reply)) {
                reply.body = format!(r#"{{"error":0,"error_text":"Successful operation","profile_id":"{id}"}}"#).into();
                reply.format = Format::Json;
            }
        }),
    ),
    fault(
        "xml-answer-cut-short",
        "EXAMPLE-ANSWER-XML",
        "In XML the root of an answer is not closed.",
        Reply(&|_, reply| replace(reply, "</xml>", "")),
    ),
    fault(
        "empty-body-answered-with-nothing",
        "TRANSPORT-EMPTY-BODY",
        "A request without a body is answered without one.",
        Reply(&|message, reply| {
            if message.body.is_empty() {
                reply.body.clear();
            }
        }),
    ),
    fault(
        "invalid-subscription-answered-as-done",
        "SUB-INVALID-REFUSED",
        "With skip_invalid_subscriptions false an import that an invalid subscription fails is answered as carried out.",
        Reply(&|message, reply| {
            if reply.code == ResponseCode::InvalidSubscription && message.has("skip_invalid_subscriptions") {
                *reply = message.success();
            }
        }),
    ),
    fault(
        "invalid-subscription-answered-as-done-by-default",
        "SUB-INVALID-DEFAULT",
        "Without skip_invalid_subscriptions an import that an invalid subscription fails is answered as carried out.",
        Reply(&|message, reply| {
            if reply.code == ResponseCode::InvalidSubscription && !message.has("skip_invalid_subscriptions") {
                *reply = message.success();
            }
        }),
    ),
    fault(
        "unknown-channel-answered-as-done",
        "SUB-CHANNEL-UNKNOWN",
        "An import with a subscription on an unknown channel is answered as carried out.",
        Reply(&|message, reply| {
            if String::from_utf8_lossy(&reply.body).contains("].channel") {
                *reply = message.success();
            }
        }),
    ),
    fault(
        "missing-data-answered-as-done",
        "PARAM-DATA-REQUIRED",
        "A request without data is answered as carried out.",
        Reply(&|message, reply| {
            if reply.code == ResponseCode::MissingParameter && !message.has_parameter("data") {
                *reply = message.success();
            }
        }),
    ),
];

pub(super) fn replace(reply: &mut call::Reply, from: &str, to: &str) {
    reply.body = String::from_utf8_lossy(&reply.body).replace(from, to).into();
}

/// Puts a text in front of the other members or elements.
fn insert(reply: &mut call::Reply, name: &str, text: &str) {
    match reply.format {
        Format::Json => replace(reply, "{", &format!("{{\"{name}\":\"{text}\",")),
        Format::Xml => replace(reply, "<xml>", &format!("<xml><{name}>{text}</{name}>")),
    }
}

fn id_in_xml(reply: &call::Reply) -> Option<String> {
    let text = String::from_utf8_lossy(&reply.body);
    let (_, rest) = text.split_once("<profile_id>")?;
    rest.split_once("</profile_id>").map(|(id, _)| id.to_owned())
}

/// Takes a member or an element away.
pub(super) fn without(reply: &mut call::Reply, part: &str) {
    match reply.format {
        Format::Json => {
            if let Ok(serde_json::Value::Object(mut body)) = serde_json::from_slice(&reply.body) {
                body.remove(part);
                reply.body = serde_json::Value::Object(body).to_string().into();
            }
        }
        Format::Xml => {
            let places = elements(&String::from_utf8_lossy(&reply.body), part);
            places.into_iter().rev().for_each(|place| drop(reply.body.drain(place)));
        }
    }
}

/// Gives a member or an element another name.
pub(super) fn rename(reply: &mut call::Reply, from: &str, to: &str) {
    replace(reply, &format!("\"{from}\":"), &format!("\"{to}\":"));
    replace(reply, &format!("<{from}>"), &format!("<{to}>"));
    replace(reply, &format!("</{from}>"), &format!("</{to}>"));
}

fn when_successful(reply: &mut call::Reply, change: impl Fn(&mut call::Reply)) {
    if reply.code == ResponseCode::Success {
        change(reply);
    }
}

fn when_refused(reply: &mut call::Reply, change: impl Fn(&mut call::Reply)) {
    if reply.code != ResponseCode::Success {
        change(reply);
    }
}

/// The answer to an import, from JSON to XML.
fn in_xml(reply: &mut call::Reply) {
    let text = String::from_utf8_lossy(&reply.body);
    let Some((_, id)) = text.split_once("\"profile_id\":\"") else { return };
    let id = id.trim_end_matches("\"}");
    let head = "<xml><error>0</error><error_text>Successful operation</error_text>";
    reply.body = format!("{head}<profile_id>{id}</profile_id></xml>").into();
    reply.format = Format::Xml;
}

fn place_of(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
