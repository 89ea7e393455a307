//! A call that can be changed: its body is looked at as text, and parameters are found by their spelling.
//!
//! No parser on purpose: a fault must not need what it breaks. A parameter whose name also stands elsewhere in the body
//! is found where it stands first.

use rollcall_codec::{answer, format::Format};
use rollcall_model::{import::ImportOutcome, profile::ProfileId, response_code::ResponseCode};
use rollcall_server::call::{Call, Reply};
use std::ops::Range;

/// What the paths of calls begin with.
const BASE: &str = "/api/v1.1/";

/// A call with texts of its own.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) content_type: Option<String>,
    pub(crate) accept: Option<String>,
    pub(crate) authorization: Option<String>,
    request_id: String,
    pub(crate) body: Vec<u8>,
}

impl From<&Call<'_>> for Message {
    fn from(call: &Call<'_>) -> Self {
        Self {
            method: call.method.to_owned(),
            path: call.path.to_owned(),
            query: call.query.to_owned(),
            content_type: call.content_type.map(str::to_owned),
            accept: call.accept.map(str::to_owned),
            authorization: call.authorization.map(str::to_owned),
            request_id: call.request_id.to_owned(),
            body: call.body.to_vec(),
        }
    }
}

impl Message {
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            content_type: self.content_type.as_deref(),
            accept: self.accept.as_deref(),
            authorization: self.authorization.as_deref(),
            request_id: &self.request_id,
            body: &self.body,
        }
    }

    /// Whether it goes to this call, such as `profiles/get`.
    pub(crate) fn is_call(&self, call: &str) -> bool {
        self.path.trim_end_matches('/').strip_prefix(BASE) == Some(call)
    }

    /// Whether it goes to a call about many profiles.
    pub(crate) fn is_batch(&self) -> bool {
        self.path.trim_end_matches('/').ends_with("_batch")
    }

    /// Takes it to another call.
    pub(crate) fn go_to(&mut self, call: &str) {
        self.path = format!("{BASE}{call}");
    }

    /// The format that the content type declares.
    pub(crate) fn format(&self) -> Format {
        self.content_type.as_deref().and_then(Format::of_content_type).unwrap_or(Format::Json)
    }

    pub(crate) fn is_xml(&self) -> bool {
        self.format() == Format::Xml
    }

    pub(crate) fn has_token_elsewhere(&self) -> bool {
        self.authorization.is_some() || self.query.contains("token=")
    }

    /// The body as text; nothing where it is none.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// Whether a parameter somewhere has this value.
    pub(crate) fn has_value(&self, value: &str) -> bool {
        self.has(&if self.is_xml() { format!(">{value}<") } else { format!("\"{value}\"") })
    }

    /// Whether the parameter stands beside `data`, and not only within it.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        if self.is_xml() {
            let data = elements(self.text(), "data").first().cloned().unwrap_or_default();
            elements(self.text(), name).iter().any(|place| *place == data || !data.contains(&place.start))
        } else {
            let body: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
            body.is_some_and(|body| body.get(name).is_some())
        }
    }

    pub(crate) fn replace(&mut self, from: &str, to: &str) {
        if self.has(from) {
            self.body = self.text().replace(from, to).into();
        }
    }

    /// Where a parameter has its value, without the quotes of JSON.
    fn place(&self, name: &str) -> Option<Range<usize>> {
        if self.is_xml() { place_in_xml(self.text(), name) } else { place_in_json(self.text(), name) }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.place(name).map(|place| &self.text()[place])
    }

    /// Gives a parameter that is there another value of the same type.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        if let Some(place) = self.place(name) {
            self.body.splice(place, value.bytes());
        }
    }

    /// Puts a parameter in front of the others. The value is spelled as in JSON.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        let (root, parameter) = match self.format() {
            Format::Json => ("{", format!("\"{name}\": {value},")),
            Format::Xml => ("<xml>", format!("<{name}>{}</{name}>", value.trim_matches(['"', '{', '}']))),
        };
        if let Some(at) = self.text().find(root) {
            self.body.splice(at + root.len()..at + root.len(), parameter.bytes());
        }
    }

    /// A refusal in the format of the call.
    pub(crate) fn refusal(&self, code: ResponseCode) -> Reply {
        let format = self.format();
        Reply::new(code, format, answer::refusal(&code.into(), format))
    }

    /// A success in the format of the call that names a profile nobody has made.
    pub(crate) fn success(&self) -> Reply {
        let (code, format) = (ResponseCode::Success, self.format());
        Reply::new(code, format, answer::outcome(ImportOutcome::Created(ProfileId([1; 12])), format))
    }
}

fn place_in_xml(text: &str, name: &str) -> Option<Range<usize>> {
    let tag = format!("<{name}>");
    let start = text.find(&tag)? + tag.len();
    let length = text[start..].find(&format!("</{name}>"))?;
    Some(start..start + length)
}

fn place_in_json(text: &str, name: &str) -> Option<Range<usize>> {
    let key = format!("\"{name}\"");
    let value = |(at, _): (usize, &str)| {
        let after = text[at + key.len()..].trim_start().strip_prefix(':')?.trim_start();
        let start = text.len() - after.len();
        let (start, ends): (usize, &[char]) = match after.strip_prefix('"') {
            Some(_) => (start + 1, &['"']),
            None => (start, &[',', '}', ']', '\n', ' ']),
        };
        Some(start..start + text[start..].find(ends)?)
    };
    text.match_indices(&key).find_map(value)
}

/// Where the elements called `name` stand, each from its first bracket to its last.
pub(crate) fn elements(text: &str, name: &str) -> Vec<Range<usize>> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let starts = text.match_indices(&open).map(|(start, _)| start);
    let ends = |start: usize| text[start..].find(&close).map(|length| start..start + length + close.len());
    starts.filter(|start| text[start + open.len()..].starts_with(['>', ' '])).filter_map(ends).collect()
}

/// The document with other texts between its tags.
pub(crate) fn map_texts(text: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let changed = |piece: &str| match piece.split_once('>') {
        Some((tag, content)) => format!("{tag}>{}", change(content).unwrap_or_else(|| content.to_owned())),
        None => piece.to_owned(),
    };
    text.split('<').map(changed).collect::<Vec<_>>().join("<")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Message {
        let content_type = Some(if body.starts_with('<') { "application/xml" } else { "application/json" });
        let (method, path, query, accept, authorization, request_id) = ("POST", "/", "", None, None, "");
        let body = body.as_bytes();
        Message::from(&Call { method, path, query, content_type, accept, authorization, request_id, body })
    }

    #[test]
    fn finds_sets_and_adds_a_parameter_in_both_formats() {
        for body in [r#"{"a": "token", "token" : "x", "db_id": 1}"#, "<xml><token>x</token><db_id>1</db_id></xml>"] {
            let mut message = message(body);
            assert_eq!((message.value("token"), message.value("db_id")), (Some("x"), Some("1")), "{body}");
            assert_eq!(message.value("data"), None);
            message.set("token", "longer");
            message.set("db_id", "22");
            message.add("email", "\"a@b.c\"");
            let values = ["token", "db_id", "email"].map(|name| message.value(name));
            assert_eq!(values, [Some("longer"), Some("22"), Some("a@b.c")], "{body}");
        }
    }

    #[test]
    fn finds_elements_with_and_without_attributes() {
        let text = "<a array='true'>1</a><ab>2</ab><a>3</a>";
        let found: Vec<_> = elements(text, "a").into_iter().map(|place| &text[place]).collect();
        assert_eq!(found, ["<a array='true'>1</a>", "<a>3</a>"]);
    }

    #[test]
    fn changes_texts_and_no_tags() {
        let grown = map_texts("<a1>1</a1><b/>", |text| (text == "1").then(|| "<2".to_owned()));
        assert_eq!(grown, "<a1><2</a1><b/>");
    }
}
