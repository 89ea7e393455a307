//! Families without chance, from the tables of the page: each parameter, field and part of a subscription in each wrong
//! type, each channel without each part of its address, and values at the edges of what a type can hold.
//!
//! A wrong type is nobody's duty to refuse (D5), so that these cases record what the target does. A subscription without
//! its address is certainly bad (S5) and must be refused.

use std::fmt::Write;

/// Name, one right value, and the types that are wrong.
type Row = (&'static str, &'static str, &'static [Kind]);

/// A type that is the wrong one, with a value of it.
type Kind = (&'static str, &'static str);

const NUMBER: Kind = ("number", "17");
const TEXT: Kind = ("text", "\"${text:odd}\"");
const FLAG: Kind = ("boolean", "true");
const LIST: Kind = ("list", "[\"${text:odd}\"]");
const OBJECT: Kind = ("object", "{\"odd\": \"${text:odd}\"}");

/// For a text, a whole number, a flag, a list, an object.
const NOT_TEXT: &[Kind] = &[NUMBER, FLAG, LIST, OBJECT];
const NOT_NUMBER: &[Kind] = &[TEXT, FLAG, LIST, OBJECT];
const NOT_FLAG: &[Kind] = &[NUMBER, TEXT, LIST, OBJECT];
const NOT_LIST: &[Kind] = &[NUMBER, TEXT, FLAG, OBJECT];
const NOT_OBJECT: &[Kind] = &[NUMBER, TEXT, FLAG, LIST];

/// The parameters of the page beside `token`, `db_id` and `data`, which must be right.
const PARAMETERS: [Row; 13] = [
    ("matching", "\"email\"", NOT_TEXT),
    ("email", "\"${email:a}\"", NOT_TEXT),
    ("phone", "\"${phone:a}\"", NOT_TEXT),
    ("field_name", "\"${field:string}\"", NOT_TEXT),
    ("field_value", "\"${text:a}\"", &[FLAG, LIST, OBJECT]),
    ("provider", "\"android-firebase\"", NOT_TEXT),
    ("subscription_id", "\"${push:a}\"", NOT_TEXT),
    ("profile_id", "\"${text:a}\"", NOT_TEXT),
    ("skip_triggers", "true", NOT_FLAG),
    ("skip_invalid_subscriptions", "true", NOT_FLAG),
    ("detect_geo", "true", NOT_FLAG),
    ("add_to_segments", "[${segment:1}]", NOT_LIST),
    ("remove_from_segments", "[${segment:1}]", NOT_LIST),
];

/// The modes by which a parameter that is a matching value is searched.
const SEARCHED: [(&str, &str); 6] = [
    ("phone", r#""matching": "phone""#),
    ("field_name", r#""matching": "custom", "field_value": "${text:a}""#),
    ("field_value", r#""matching": "custom", "field_name": "${field:string}""#),
    ("provider", r#""matching": "push_sub", "subscription_id": "${push:a}""#),
    ("subscription_id", r#""matching": "push_sub", "provider": "android-firebase""#),
    ("profile_id", r#""matching": "profile_id""#),
];

/// The fields of `data` that the page shows.
const FIELDS: [Row; 16] = [
    ("_fname", "\"Ann\"", NOT_TEXT),
    ("_lname", "\"Lee\"", NOT_TEXT),
    ("email", "\"${email:a}\"", NOT_TEXT),
    ("phones", "[\"${phone:a}\"]", &[NUMBER, FLAG, OBJECT]),
    ("_bdate", "\"1990-02-22\"", NOT_TEXT),
    ("_sex", "1", &[TEXT, FLAG, LIST, OBJECT]),
    ("_regdate", "\"2020-02-22\"", NOT_TEXT),
    ("_regip", "\"93.184.216.34\"", NOT_TEXT),
    ("_ip", "\"93.184.216.34\"", NOT_TEXT),
    ("_tz", "\"Europe/Moscow\"", NOT_TEXT),
    ("_postal_code", "\"101000\"", &[FLAG, LIST, OBJECT]),
    ("_os", "\"Linux\"", NOT_TEXT),
    ("_browser", "\"Firefox\"", NOT_TEXT),
    ("_vendor", "\"Shop\"", NOT_TEXT),
    ("subscriptions", "[]", &[NUMBER, TEXT, FLAG]),
    ("${field:string}", "\"${text:a}\"", &[FLAG, LIST, OBJECT]),
];

/// The parts of a subscription that every channel has.
const PARTS: [Row; 6] = [
    ("resource_id", "${resource}", &[TEXT, FLAG, LIST, OBJECT]),
    ("channel", "\"email\"", NOT_TEXT),
    ("status", "\"subscribed\"", &[FLAG, LIST, OBJECT]),
    ("priority", "1", NOT_NUMBER),
    ("custom_fields", "{}", NOT_OBJECT),
    ("cats", "[\"${category:1}\"]", NOT_LIST),
];

/// A channel: its name, the parts of its address with a right value each, true if they stand in `cc_data`.
type Channel = (&'static str, &'static [(&'static str, &'static str)], bool);

const CHANNELS: [Channel; 7] = [
    ("email", &[("email", "\"${email:s}\"")], false),
    ("sms", &[("phone", "\"${phone:s}\"")], false),
    ("push", &[("provider", "\"android-firebase\""), ("subscription_id", "\"${push:s}\"")], false),
    ("telegram_bot", &[("id", "${int:s}")], true),
    ("whatsapp", &[("phone", "\"${phone:s}\"")], true),
    ("viber", &[("phone", "\"${phone:s}\"")], true),
    ("notify", &[("phone", "\"${phone:s}\"")], true),
];

/// Values at the edge of a type: a name for it, the field, the value, the row it belongs to.
const EDGES: [(&str, &str, &str, &str); 22] = [
    ("whole number zero", "${field:int}", "0", "DATA-CUSTOM-NUMBERS"),
    ("whole number below zero", "${field:int}", "-1", "DATA-CUSTOM-NUMBERS"),
    ("largest of 32 bits", "${field:int}", "2147483647", "DATA-CUSTOM-NUMBERS"),
    ("smallest of 32 bits", "${field:int}", "-2147483648", "DATA-CUSTOM-NUMBERS"),
    ("beyond 32 bits", "${field:int}", "2147483648", "DATA-CUSTOM-NUMBERS"),
    ("beyond 53 bits", "${field:int}", "9007199254740993", "DATA-CUSTOM-NUMBERS"),
    ("largest of 64 bits", "${field:int}", "9223372036854775807", "DATA-CUSTOM-NUMBERS"),
    ("beyond 64 bits", "${field:int}", "9223372036854775808", "DATA-CUSTOM-NUMBERS"),
    ("fraction below one", "${field:float}", "0.1", "DATA-CUSTOM-NUMBERS"),
    ("fraction below zero", "${field:float}", "-0.5", "DATA-CUSTOM-NUMBERS"),
    ("exponent", "${field:float}", "1e3", "DATA-CUSTOM-NUMBERS"),
    ("largest fraction", "${field:float}", "1.7976931348623157e308", "DATA-CUSTOM-NUMBERS"),
    ("smallest fraction", "${field:float}", "5e-324", "DATA-CUSTOM-NUMBERS"),
    ("text of one character", "_fname", "\"A\"", "DATA-TEXT-EDGES"),
    ("first day of the calendar", "_bdate", "\"0001-01-01\"", "DATA-DATE-ODD"),
    ("before 1970", "_bdate", "\"1969-12-31\"", "DATA-DATE-ODD"),
    ("last day of the calendar", "_bdate", "\"9999-12-31\"", "DATA-DATE-ODD"),
    ("leap day of 2000", "_bdate", "\"2000-02-29\"", "DATA-DATE-ODD"),
    ("leap day that 1900 had not", "_bdate", "\"1900-02-29\"", "DATA-DATE-ODD"),
    ("leap second", "_bdate", "\"2016-12-31T23:59:60Z\"", "DATA-DATE-ODD"),
    ("day with another hour of the world", "_bdate", "\"2020-01-01T00:00:00+14:00\"", "DATA-DATE-ODD"),
    ("time with a fraction", "_bdate", "\"2020-01-01T00:00:00.123456Z\"", "DATA-DATE-ODD"),
];

/// Id and text of each case file.
pub(super) fn cases() -> Vec<(String, String)> {
    let families = [parameters(), fields(), parts(), addresses_of_another_type(), missing_addresses(), edges()];
    families.into_iter().flatten().collect()
}

fn parameters() -> Vec<(String, String)> {
    let is_searched = |name: &str| SEARCHED.iter().find(|(searched, _)| *searched == name).map(|(_, mode)| *mode);
    wrong_types("parameter", "PARAM-WRONG-TYPE", &PARAMETERS, |name, value| match is_searched(name) {
        Some(mode) => format!(r#"{{{mode}, "{name}": {value}, "data": {{"email": "${{email:a}}"}}}}"#),
        None if ["matching", "email"].contains(&name) => {
            format!(r#"{{"{name}": {value}, "phone": "${{phone:a}}", "data": {{"email": "${{email:a}}"}}}}"#)
        }
        None => format!(r#"{{"email": "${{email:a}}", "{name}": {value}, "data": {{"email": "${{email:a}}"}}}}"#),
    })
}

fn fields() -> Vec<(String, String)> {
    wrong_types("field", "DATA-COERCION", &FIELDS, |name, value| {
        format!(r#"{{"matching": "phone", "phone": "${{phone:p}}", "data": {{"{name}": {value}}}}}"#)
    })
}

fn parts() -> Vec<(String, String)> {
    wrong_types("subscription", "SUB-INVALID-OTHER-REASONS", &PARTS, |name, value| {
        let given = [("resource_id", "${resource}"), ("channel", "\"email\""), ("email", "\"${email:s}\"")];
        let others =
            given.iter().filter(|(part, _)| *part != name).map(|(part, value)| format!(r#""{part}": {value}"#));
        subscribing(&others.chain([format!(r#""{name}": {value}"#)]).collect::<Vec<_>>().join(", "))
    })
}

/// One case for each row and each of its wrong types.
fn wrong_types(
    family: &str,
    requirement: &str,
    rows: &[Row],
    body: impl Fn(&str, &str) -> String,
) -> Vec<(String, String)> {
    let mut cases = Vec::new();
    for (name, right, kinds) in rows {
        for (kind, value) in *kinds {
            let id = format!("{family}-{}-as-{kind}", plain(name));
            let title = format!("Generated {family} {} as a {kind}", plain(name));
            // What has a scalar's type in JSON only is the same text in XML.
            let is_shape = [LIST, OBJECT].iter().any(|(shape, _)| shape == kind) || right.starts_with(['[', '{']);
            cases.push(observed(&id, &title, requirement, is_shape, &body(name, value)));
        }
    }
    cases
}

fn addresses_of_another_type() -> Vec<(String, String)> {
    let mut cases = Vec::new();
    for (channel, parts, is_nested) in CHANNELS {
        for (name, _) in parts {
            for (kind, value) in [FLAG, LIST, OBJECT, ("empty-text", "\"\"")] {
                let id = format!("address-{channel}-{name}-as-{kind}");
                let title = format!("Generated address part {name} of channel {channel} as a {kind}");
                let body = subscribing(&contact(channel, parts, is_nested, name, Some(value)));
                cases.push(observed(&id, &title, "SUB-INVALID-OTHER-REASONS", kind != FLAG.0, &body));
            }
        }
    }
    cases
}

/// S5, S6: refused, and accepted with the part. Whether a push subscription needs its provider is left open.
fn missing_addresses() -> Vec<(String, String)> {
    let mut cases = Vec::new();
    for (channel, parts, is_nested) in CHANNELS {
        for (name, value) in parts.iter().filter(|(name, _)| *name != "provider") {
            let id = format!("generated/address-{channel}-{name}-missing");
            let title = format!("Generated address of channel {channel} without {name}");
            let [without, with] = [None, Some(*value)].map(|value| contact(channel, parts, is_nested, name, value));
            let text = format!(
                "title = \"{title}\"\nrequirements = [\"SUB-ADDRESS-MISSING\"]\n\n[[steps]]\nimport = '''{}'''\n\
                 twin = '''{}'''\nexpect = \"refused\"\n",
                subscribing(&without),
                subscribing(&with)
            );
            cases.push((id, text));
        }
    }
    cases
}

/// The members of a subscription in which the part `name` has `value`, or is left out.
fn contact(channel: &str, parts: &[(&str, &str)], is_nested: bool, name: &str, value: Option<&str>) -> String {
    let mut members = Vec::new();
    for (part, right) in parts {
        let given = if part == &name { value } else { Some(*right) };
        members.extend(given.map(|given| format!(r#""{part}": {given}"#)));
    }
    let address = match is_nested {
        true => format!(r#""cc_data": {{{}}}"#, members.join(", ")),
        false => members.join(", "),
    };
    let separator = if address.is_empty() { "" } else { ", " };
    format!(r#""resource_id": ${{resource}}, "channel": "{channel}"{separator}{address}, "status": "subscribed""#)
}

fn subscribing(members: &str) -> String {
    format!(r#"{{"email": "${{email:a}}", "data": {{"email": "${{email:a}}", "subscriptions": [{{{members}}}]}}}}"#)
}

fn edges() -> Vec<(String, String)> {
    let case = |(name, field, value, requirement): (&str, &str, &str, &str)| {
        let id = format!("edge-{}", name.replace(' ', "-"));
        let body = format!(r#"{{"email": "${{email:a}}", "data": {{"email": "${{email:a}}", "{field}": {value}}}}}"#);
        observed(&id, &format!("Generated edge: {name}"), requirement, true, &body)
    };
    EDGES.into_iter().map(case).collect()
}

/// A case that records what one body is answered, under the case's own name.
fn observed(name: &str, title: &str, requirement: &str, in_both_formats: bool, body: &str) -> (String, String) {
    let mut text = format!("title = \"{title}\"\nrequirements = [\"{requirement}\"]\nlevel = \"observe\"\n");
    if !in_both_formats {
        text.push_str("formats = [\"json\"]\nformats_why = \"an XML text has no other type\"\n");
    }
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "\n[[steps]]\nimport = '''{body}'''\nobserve = \"generated/{name}\"\n\
         answers = {{ accepted = \"accepted\", refused = \"refused ({{error}})\" }}\n"
    );
    (format!("generated/{name}"), text)
}

/// A name without the marks of a placeholder.
fn plain(name: &str) -> String {
    name.replace(['$', '{', '}'], "").replace(':', "-")
}
