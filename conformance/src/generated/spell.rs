//! Writes a sequence down as a case file: the same text that an author would write, read by the same reader.
//!
//! So a generated case that fails can be kept as it is. What it sends is decided in `settle`.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::import::{
    Address, Arrays, Bad, Call, Custom, Data, Database, Defect, Import, Messenger, Pick, Push, Resource, Status,
    Subscription,
};
use super::oracle::Prediction;
use super::settle::{Settled, Step};
use crate::render;
use crate::value::Value;

/// First names; nobody is searched by them, and each is hard on somebody's reader.
const NAMES: [&str; 6] = ["Ann", "Жанна", "李小龍", "O'Neil & <Sons> \"Ltd\"", "Zoë 🎉 ﷺ", "null"];
/// Custom values: what stands around a word of this run.
const WORDS: [(&str, &str); 3] = [("", ""), ("Жук ", " 漢字"), ("O'Neil & <", "> \"q\"")];
/// Providers of push subscriptions.
const PROVIDERS: [&str; 2] = ["android-firebase", "Firefox"];
/// An address for which something may be detected.
const PUBLIC_ADDRESS: &str = "93.184.216.34";
/// Numbers that no world uses (the loader's worlds end far below).
const NO_SUCH_RESOURCE: &str = "2147483647";
const NO_SUCH_DATABASE: &str = "2147483646";

/// The text of the case file. `title` says where it comes from.
pub(super) fn case_file(title: &str, sequence: &Settled) -> String {
    let mut out = String::new();
    let rows: Vec<String> = requirements(sequence).iter().map(|row| format!("\"{row}\"")).collect();
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(out, "title = {}\nrequirements = [{}]", quoted(title), rows.join(", "));
    if sequence.is_lowered {
        let _ = writeln!(out, "level = \"should\"");
    }
    for (position, step) in sequence.steps.iter().enumerate() {
        out.push_str(&step_text(position, step));
    }
    out
}

fn quoted(text: &str) -> String {
    Value::Text(text.to_owned()).to_json()
}

/// The row of the last step is blamed: what fails is cut off behind the step that fails.
fn requirements(sequence: &Settled) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    sequence.steps.iter().rev().filter_map(requirement).filter(|row| seen.insert(*row)).collect()
}

/// The requirement that a step's expectation rests on; none where everything is allowed.
fn requirement(step: &Step) -> Option<&'static str> {
    let import = &step.import;
    match (&step.prediction, import.defect, import.data.bad) {
        (Prediction::Free, ..) => None,
        (Prediction::OneOf(_), ..) => Some("MATCH-SEVERAL"),
        (Prediction::Refused, Some(defect), _) => Some(defect.requirement()),
        (Prediction::Refused, None, Some(bad)) => Some(bad.requirement()),
        (Prediction::Refused, None, None) => Some("MATCH-PROFILE-ID-UPDATES-ONLY"),
        (Prediction::New | Prediction::Same(_), _, Some(_)) => Some("SUB-INVALID-SKIPPED"),
        (Prediction::New | Prediction::Same(_), ..) => Some(import.call.row().1.unwrap_or(import.mode.row().1)),
    }
}

fn step_text(position: usize, step: &Step) -> String {
    let mut out = String::from("\n[[steps]]\n");
    let body = body(&step.import);
    match step.import.defect {
        Some(defect @ (Defect::Cut(_) | Defect::Trailing | Defect::NotUtf8)) => {
            out.push_str(&damaged(defect, &body, step))
        }
        _ => {
            let _ = match step.import.call {
                Call::Import => writeln!(out, "import = '''{}'''", body.json()),
                call => writeln!(out, "call = \"{}\"\nbody = '''{}'''", call.row().0, body.json()),
            };
            if matches!(step.import.defect, Some(Defect::NoToken | Defect::NoDatabase)) {
                out.push_str("bare = true\n");
            }
            let _ = writeln!(out, "xml_arrays = \"{}\"", word_of(step.import.spelling.arrays));
            if let Some(twin) = &step.twin {
                let _ = writeln!(out, "twin = '''{}'''\ntwin_scope = \"own\"", self::body(twin).json());
            }
        }
    }
    let expect = match &step.prediction {
        Prediction::New => "\"new\"".to_owned(),
        Prediction::Same(step) => format!("\"same:{}\"", name(*step)),
        Prediction::OneOf(steps) => {
            format!("[\"one-of:{}\", \"refused\"]", steps.iter().map(|step| name(*step)).collect::<Vec<_>>().join(","))
        }
        Prediction::Refused => "\"refused\"".to_owned(),
        Prediction::Free => "\"readable\"".to_owned(),
    };
    let _ = writeln!(out, "expect = {expect}\ncheck = true");
    if step.prediction == Prediction::New {
        let _ = writeln!(out, "save = \"{}\"", name(position));
    }
    out
}

/// The name under which the id of a step is saved.
fn name(step: usize) -> String {
    format!("p{}", step + 1)
}

/// Bytes that are no document, in both formats; the twin is the same document whole.
fn damaged(defect: Defect, body: &Node, step: &Step) -> String {
    let whole = [("json", body.json()), ("xml", body.xml())];
    let mut out = String::new();
    for (format, text) in &whole {
        let text = match defect {
            Defect::Cut(hundredths) => cut(text, hundredths),
            Defect::NotUtf8 => text.replacen("${text:", "${hex:ff}${text:", 1),
            _ => format!("{text}{}", if *format == "json" { "}" } else { "</xml>" }),
        };
        let _ = writeln!(out, "literal.{format} = '''{text}'''");
    }
    if step.twin.is_some() {
        for (format, text) in &whole {
            let _ = writeln!(out, "twin_literal.{format} = '''{text}'''");
        }
        out.push_str("twin_scope = \"own\"\n");
    }
    out
}

/// A beginning of the text that ends in no placeholder; one character is missing at least.
fn cut(text: &str, hundredths: u8) -> String {
    let characters = text.chars().count();
    let length = (characters * usize::from(hundredths.min(99)) / 100).clamp(1, characters.saturating_sub(1));
    let start: String = text.chars().take(length).collect();
    match start.rfind("${") {
        Some(open) if !start[open..].contains('}') => start[..open].to_owned(),
        _ => start,
    }
}

fn word_of(arrays: Arrays) -> &'static str {
    match arrays {
        Arrays::Single => "single",
        Arrays::Double => "double",
        Arrays::None => "none",
        Arrays::All => "all",
        Arrays::First => "first",
    }
}

/// A body with placeholders: a number's placeholder stands without quotes, so that it is no JSON value yet.
#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Raw(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn raw(text: impl ToString) -> Self {
        Self::Raw(text.to_string())
    }

    fn json(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Raw(text) => text.clone(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::json).collect::<Vec<_>>().join(", ")),
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| format!("{}: {}", quoted(name), value.json());
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn xml(&self) -> String {
        format!("<xml>{}</xml>", self.content())
    }

    fn content(&self) -> String {
        match self {
            Self::Text(text) => render::escape_xml(text),
            Self::Raw(text) => text.clone(),
            Self::List(items) => items.iter().map(Self::content).collect(),
            Self::Object(members) => members.iter().map(|(name, value)| value.element(name)).collect(),
        }
    }

    fn element(&self, name: &str) -> String {
        match self {
            Self::List(items) => {
                let mark = if items.len() < 2 { " array='true'" } else { "" };
                items.iter().map(|item| format!("<{name}{mark}>{}</{name}>", item.content())).collect()
            }
            single => format!("<{name}>{}</{name}>", single.content()),
        }
    }

    /// One of the orders of an object's members, here and below.
    fn shuffled(self, order: u32) -> Self {
        match self {
            Self::Object(mut members) if order > 0 => {
                let length = members.len().max(1);
                members.rotate_left(order as usize % length);
                if order.is_multiple_of(3) {
                    members.reverse();
                }
                Self::Object(members.into_iter().map(|(name, value)| (name, value.shuffled(order / 2))).collect())
            }
            other => other,
        }
    }
}

fn body(import: &Import) -> Node {
    let mut members = Vec::new();
    let mut put = |name: &str, value: Node| members.push((name.to_owned(), value));
    match import.defect {
        Some(Defect::NoToken) => {}
        Some(Defect::WrongToken) => put("token", Node::text("${text:token}")),
        _ => put("token", Node::text("${token}")),
    }
    match (import.defect, import.database) {
        (Some(Defect::NoDatabase), _) => {}
        (Some(Defect::WrongDatabase), _) => put("db_id", Node::raw(NO_SUCH_DATABASE)),
        (_, Database::Main) => put("db_id", Node::raw("${db}")),
        (_, Database::Other) => put("db_id", Node::raw("${other_db}")),
    }
    if let Some(mode) = import.mode.row().0 {
        put("matching", Node::text(mode));
    }
    key(import).into_iter().for_each(|(name, value)| put(name, value));
    if import.call == Call::Delete {
        return Node::Object(members).shuffled(import.spelling.order);
    }
    flags(import).into_iter().for_each(|(name, value)| put(name, value));
    match import.defect {
        Some(Defect::NoData) => {}
        Some(Defect::ListForData) => put("data", Node::List(vec![word(0)])),
        Some(Defect::TextForData) => put("data", word(0)),
        _ => put("data", data(import)),
    }
    Node::Object(members).shuffled(import.spelling.order)
}

fn key(import: &Import) -> Vec<(&'static str, Node)> {
    let mut members = Vec::new();
    members.extend(import.key.email.map(|email| ("email", self::email(email))));
    members.extend(import.key.phone.map(|phone| ("phone", self::phone(phone))));
    if let Some(custom) = import.key.custom {
        let (field, value) = match custom {
            Custom::Word(pick) => ("${field:string}", word(pick)),
            Custom::Number(pick) => ("${field:int}", number(pick)),
        };
        members.extend([("field_name", Node::text(field)), ("field_value", value)]);
    }
    members.extend(import.key.push.into_iter().flat_map(push));
    members.extend(import.key.profile.map(|step| ("profile_id", Node::text(format!("${{id:{}}}", name(step))))));
    if import.defect == Some(Defect::UnknownProfile) {
        members.retain(|(name, _)| *name != "profile_id");
        members.push(("profile_id", Node::text("${text:nobody}")));
    }
    members
}

fn flags(import: &Import) -> Vec<(&'static str, Node)> {
    let flags = &import.flags;
    let mut members = Vec::new();
    members.extend(flags.skip_invalid.map(|value| ("skip_invalid_subscriptions", Node::raw(value))));
    members.extend(flags.skip_triggers.map(|value| ("skip_triggers", Node::raw(value))));
    members.extend(flags.detect_geo.map(|value| ("detect_geo", Node::raw(value))));
    if flags.segment {
        members.push(("add_to_segments", Node::List(vec![Node::raw("${segment:1}")])));
    }
    members
}

fn data(import: &Import) -> Node {
    let Data { email, phones, word, number, name, subscriptions, bad } = &import.data;
    let mut members = Vec::new();
    let mut put = |name: &str, value: Node| members.push((name.to_owned(), value));
    match (name, import.defect) {
        (_, Some(Defect::NotUtf8)) => put("_fname", Node::text("${text:name}")), // where the byte goes
        (Some(name), _) => put("_fname", Node::text(NAMES[usize::from(*name) % NAMES.len()])),
        (None, _) => {}
    }
    if let Some(pick) = email {
        put("email", self::email(*pick));
    }
    if let Some(picks) = phones {
        put("phones", Node::List(picks.iter().map(|pick| phone(*pick)).collect()));
    }
    if let Some(pick) = word {
        put("${field:string}", self::word(*pick));
    }
    if let Some(pick) = number {
        put("${field:int}", self::number(*pick));
    }
    if import.flags.detect_geo.is_some() {
        put("_ip", Node::text(PUBLIC_ADDRESS));
    }
    let list: Vec<Node> = subscriptions.iter().map(subscription).chain(bad.map(bad_subscription)).collect();
    if !list.is_empty() {
        put("subscriptions", Node::List(list));
    }
    Node::Object(members)
}

fn subscription(one: &Subscription) -> Node {
    let resource = match one.resource {
        Resource::Main => "${resource}",
        Resource::Other => "${other_resource}",
    };
    let mut members = vec![("resource_id", Node::raw(resource))];
    members.extend(address(one.address));
    members.extend(one.status.map(|status| ("status", Node::text(status_word(status)))));
    members.extend(one.priority.map(|priority| ("priority", Node::raw(priority))));
    if let Some(count) = one.categories {
        let category = |place| Node::text(format!("${{category:{place}}}"));
        members.push(("cats", Node::List((1..=count).map(category).collect())));
    }
    if let Some(pick) = one.field {
        let field = ("${subscription_field}".to_owned(), Node::text(NAMES[usize::from(pick) % NAMES.len()]));
        members.push(("custom_fields", Node::Object(vec![field])));
    }
    object(members)
}

fn address(address: Address) -> Vec<(&'static str, Node)> {
    let channel = |name: &str| ("channel", Node::text(name));
    let data = |member: (&'static str, Node)| ("cc_data", object(vec![member]));
    match address {
        Address::Email(pick) => vec![channel("email"), ("email", email(pick))],
        Address::Sms(pick) => vec![channel("sms"), ("phone", phone(pick))],
        Address::Push(address) => [channel("push")].into_iter().chain(push(address)).collect(),
        Address::Telegram(pick) => vec![channel("telegram_bot"), data(("id", Node::raw(format!("${{int:c{pick}}}"))))],
        Address::Messenger(messenger, pick) => {
            let name = match messenger {
                Messenger::Whatsapp => "whatsapp",
                Messenger::Viber => "viber",
                Messenger::Notify => "notify",
            };
            vec![channel(name), data(("phone", phone(pick)))]
        }
    }
}

fn bad_subscription(bad: Bad) -> Node {
    let subscribed = ("status", Node::text("subscribed"));
    let address = ("email", Node::text("${email:bad}"));
    object(match bad {
        Bad::Resource => {
            vec![("resource_id", Node::raw(NO_SUCH_RESOURCE)), ("channel", Node::text("email")), address, subscribed]
        }
        Bad::Channel => vec![
            ("resource_id", Node::raw("${resource}")),
            ("channel", Node::text("carrier_pigeon")),
            address,
            subscribed,
        ],
        Bad::Address => {
            vec![("resource_id", Node::raw("${resource}")), ("channel", Node::text("email")), subscribed]
        }
    })
}

fn object(members: Vec<(&'static str, Node)>) -> Node {
    Node::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Subscribed => "subscribed",
        Status::Unsubscribed => "unsubscribed",
        Status::Suspended => "suspended",
    }
}

fn email(pick: Pick) -> Node {
    Node::text(format!("${{email:e{pick}}}"))
}

fn phone(pick: Pick) -> Node {
    Node::text(format!("${{phone:n{pick}}}"))
}

fn number(pick: Pick) -> Node {
    Node::raw(format!("${{int:i{pick}}}"))
}

fn word(pick: Pick) -> Node {
    let (before, behind) = WORDS[usize::from(pick) % WORDS.len()];
    Node::text(format!("{before}${{text:w{pick}}}{behind}"))
}

fn push(push: Push) -> [(&'static str, Node); 2] {
    let provider = PROVIDERS[usize::from(push.provider) % PROVIDERS.len()];
    [("provider", Node::text(provider)), ("subscription_id", Node::text(format!("${{push:t{}}}", push.token)))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml;

    const BODY: &str = r#"{"token": "${token}", "email": "${email:e0}", "data": {"_fname": "Жанна"}}"#;

    #[test]
    fn what_is_cut_is_shorter_and_ends_in_no_placeholder() {
        for hundredths in 0..=u8::MAX {
            let text = cut(BODY, hundredths);
            assert!(BODY.starts_with(&text) && text.len() < BODY.len(), "{text}");
            assert!(text.rfind("${").is_none_or(|open| text[open..].contains('}')), "{text}");
            assert!(Value::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn xml_is_well_formed_with_values_in_place() {
        let list = Node::List(vec![Node::text("a & b"), Node::raw(1)]);
        let body = Node::Object(vec![("phones".to_owned(), list), ("data".to_owned(), Node::Object(Vec::new()))]);
        assert_eq!(body.xml(), "<xml><phones>a &amp; b</phones><phones>1</phones><data></data></xml>");
        xml::read(&body.xml()).unwrap();
    }

    #[test]
    fn orders_of_keys_keep_every_key() {
        let names = |node: &Node| match node {
            Node::Object(members) => members.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        let body = || Node::Object(["a", "b", "c", "d"].map(|name| (name.to_owned(), Node::raw(1))).to_vec());
        let orders: BTreeSet<Vec<String>> = (0..12).map(|order| names(&body().shuffled(order))).collect();
        assert!(orders.len() > 4, "{orders:?}");
        for order in orders {
            assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 4);
        }
    }
}
