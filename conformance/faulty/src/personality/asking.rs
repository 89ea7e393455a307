//! Freedoms in what requests are taken for, and in which are not taken.

use super::answering;
use rollcall_matching::{key::KeySource, mode::MODES};
use rollcall_model::{import::ImportRequest, response_code::ResponseCode, subscription_patch::SubscriptionPatch};
use rollcall_server::call::Call;
use serde_json::Value;

// The head.

pub(super) fn to_be_answered_in_json(call: &mut Call<'_>) {
    (call.accept, call.query) = (Some("application/json"), "");
}

pub(super) fn no_token_but_in_the_body(call: &mut Call<'_>) {
    (call.authorization, call.query) = (None, "");
}

pub(super) fn as_it_looks(call: &mut Call<'_>) {
    let is_known = |name: &str| name.contains("json") || name.contains("xml");
    if !call.content_type.is_some_and(is_known) {
        let is_xml = call.body.trim_ascii_start().starts_with(b"<");
        call.content_type = Some(if is_xml { "application/xml" } else { "application/json" });
    }
}

pub(super) fn has_trailing_slash(call: &Call<'_>) -> bool {
    call.path.ends_with('/')
}

pub(super) fn is_another_call(call: &Call<'_>) -> bool {
    !["/profiles/import", "/profiles/get"].iter().any(|known| call.path.trim_end_matches('/').ends_with(known))
}

// The body.

pub(super) fn from_own_ids(call: &Call<'_>) -> Option<Vec<u8>> {
    text(call).map(|body| answering::from_own_ids(body).into())
}

/// Keys as a map keeps them.
pub(super) fn last_key_wins(call: &Call<'_>) -> Option<Vec<u8>> {
    json(call).map(|body| body.to_string().into())
}

pub(super) fn has_null(call: &Call<'_>) -> bool {
    fn is_within(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().any(is_within),
            Value::Object(members) => members.values().any(is_within),
            _ => false,
        }
    }
    json(call).is_some_and(|body| is_within(&body))
}

pub(super) fn without_nulls(call: &Call<'_>) -> Option<Vec<u8>> {
    fn clear(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(clear),
            Value::Object(members) => {
                members.retain(|_, member| !member.is_null());
                members.values_mut().for_each(clear);
            }
            _ => {}
        }
    }
    let mut body = json(call).filter(|_| has_null(call))?;
    clear(&mut body);
    Some(body.to_string().into())
}

/// The parameters of the documentation.
const PARAMETERS: [&str; 18] = [
    "token",
    "db_id",
    "format",
    "matching",
    "email",
    "phone",
    "profile_id",
    "provider",
    "subscription_id",
    "field_name",
    "field_value",
    "resource_id",
    "skip_triggers",
    "skip_invalid_subscriptions",
    "detect_geo",
    "add_to_segments",
    "remove_from_segments",
    "data",
];

pub(super) fn has_unknown_parameter(call: &Call<'_>) -> bool {
    let is_unknown = |name: &String| !PARAMETERS.contains(&name.as_str());
    json(call).is_some_and(|body| body.as_object().is_some_and(|members| members.keys().any(is_unknown)))
}

/// A time of day that goes on with hours of a time zone.
pub(super) fn has_zoned_date(call: &Call<'_>) -> bool {
    let is_digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    let mut times = call.body.windows("21:00+03:00".len());
    times.any(|time| {
        let [h, i, b':', m, n, b'+' | b'-', zone @ ..] = time else { return false };
        is_digits(&[*h, *i, *m, *n]) && is_digits(&zone[..2]) && zone[2] == b':'
    })
}

pub(super) fn has_second_spelling(call: &Call<'_>) -> bool {
    ["email_data", "phone_data"].iter().any(|name| has(call, name))
}

pub(super) fn has_functional_update(call: &Call<'_>) -> bool {
    has(call, "\"action\"") || has(call, "<action>")
}

pub(super) fn has_empty_data(call: &Call<'_>) -> bool {
    let is_empty = |data: &Value| data.as_object().is_some_and(|members| members.is_empty());
    match json(call) {
        Some(body) => body.get("data").is_some_and(is_empty),
        None => has(call, "<data></data>") || has(call, "<data/>"),
    }
}

/// Whatever XML may have and the documentation's examples have not.
pub(super) fn has_ornaments(call: &Call<'_>) -> bool {
    ["<?", "<!", "\u{feff}"].iter().any(|ornament| has(call, ornament))
}

/// References to entities are nothing where a document type declares some.
pub(super) fn without_entities(call: &Call<'_>) -> Option<Vec<u8>> {
    let body = text(call)?;
    let (before, rest) = body.split_once("<!DOCTYPE")?;
    let (_, after) = rest.split_once("]>").or_else(|| rest.split_once('>'))?;
    let mut pieces = after.split('&');
    let first = pieces.next().unwrap_or_default().to_owned();
    let kept = pieces.map(|piece| match piece.split_once(';') {
        Some((name, text)) if !is_predefined(name) => text.to_owned(),
        _ => format!("&{piece}"),
    });
    Some(format!("{before}{}", std::iter::once(first).chain(kept).collect::<String>()).into())
}

fn is_predefined(entity: &str) -> bool {
    entity.starts_with('#') || ["lt", "gt", "amp", "apos", "quot"].contains(&entity)
}

fn json(call: &Call<'_>) -> Option<Value> {
    serde_json::from_slice(call.body).ok()
}

fn text<'a>(call: &Call<'a>) -> Option<&'a str> {
    std::str::from_utf8(call.body).ok()
}

fn has(call: &Call<'_>, piece: &str) -> bool {
    text(call).is_some_and(|body| body.contains(piece))
}

// The import.

type Taken = Result<(), ResponseCode>;

pub(super) fn email_unless_said(request: &mut ImportRequest) -> Taken {
    request.matching.get_or_insert_with(|| MODES[0].name.into());
    Ok(())
}

pub(super) fn unknown_mode_is_email(request: &mut ImportRequest) -> Taken {
    if request.matching.as_deref().is_some_and(|name| MODES.iter().all(|mode| mode.name != name)) {
        request.matching = Some(MODES[0].name.into());
    }
    Ok(())
}

pub(super) fn on_every_resource(request: &mut ImportRequest) -> Taken {
    request.identifiers.resource = None;
    Ok(())
}

pub(super) fn value_beside_data(request: &mut ImportRequest) -> Taken {
    let given = &request.identifiers;
    let is_given = |source: &KeySource| match source.parameter() {
        "email" => given.email.is_some(),
        "phone" => given.phone.is_some(),
        "profile_id" => given.profile_id.is_some(),
        "subscription_id" => given.subscription_id.is_some(),
        _ => given.field_value.is_some(),
    };
    let mode = MODES.iter().find(|mode| Some(mode.name) == request.matching.as_deref());
    match mode.is_none_or(|mode| mode.keys.iter().any(is_given)) {
        true => Ok(()),
        false => Err(ResponseCode::MissingParameter),
    }
}

pub(super) fn first_of_equal_subscriptions(request: &mut ImportRequest) -> Taken {
    let mut kept: Vec<SubscriptionPatch> = Vec::new();
    for patch in request.patch.subscriptions.drain(..) {
        let is_equal = |other: &SubscriptionPatch| {
            (other.resource, &other.channel) == (patch.resource, &patch.channel)
                && other.address.is_same(&patch.address)
        };
        if !kept.iter().any(is_equal) {
            kept.push(patch);
        }
    }
    request.patch.subscriptions = kept;
    Ok(())
}
