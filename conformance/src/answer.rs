//! What a target answered, read strictly: the envelope of `error`, `error_text` and `profile_id`, in either format.
//!
//! Bytes that are not UTF-8, not well-formed, or without a numeric `error` are unreadable, with the reason. What an
//! answer should have said is for `expectation` to judge.

use crate::Format;
use crate::value::Value;
use crate::xml;

/// An answer as it came over the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// What the body says, or why it cannot be read.
    pub envelope: Result<Envelope, String>,
}

/// What every answer of the call holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The format of the body, told by the body itself.
    pub format: Format,
    /// The response code; 0 is success.
    pub error: i64,
    /// `error_text`, of whatever type.
    pub error_text: Option<Value>,
    /// `profile_id`, of whatever type. Other calls carry an id elsewhere: `id` or `profile_id` of `data`, or, with a list
    /// of which more is to be had, `from_id`.
    pub profile_id: Option<Value>,
    /// `data` of an answer to another call.
    pub data: Option<Value>,
    /// What became of each item of a batch, in order; nothing where it is no answer to one.
    pub results: Option<Vec<Result<Envelope, String>>>,
}

impl Answer {
    /// Reads an answer.
    pub fn read(status: u16, content_type: Option<&str>, body: &[u8]) -> Self {
        Self { status, content_type: content_type.map(str::to_owned), envelope: Envelope::read(body) }
    }

    /// The answered profile id: a non-empty string in an answer without error.
    pub fn accepted_id(&self) -> Option<&str> {
        self.envelope.as_ref().ok().and_then(Envelope::accepted_id)
    }

    /// The answer by meaning, for people.
    pub fn describe(&self) -> String {
        let status = self.status;
        let envelope = match &self.envelope {
            Ok(envelope) => envelope,
            Err(reason) => return format!("unreadable (HTTP {status}): {reason}"),
        };
        let text = envelope.error_text.as_ref().map_or("no error_text".to_owned(), Value::to_json);
        match (envelope.error, &envelope.profile_id) {
            (0, Some(id)) => format!("accepted (HTTP {status}): profile_id {id}"),
            (0, None) => format!("error 0 without profile_id (HTTP {status}): {text}"),
            (error, _) => format!("refused (HTTP {status}): error {error}, {text}"),
        }
    }
}

impl Envelope {
    /// The answered id: a non-empty string beside `error` 0.
    pub fn accepted_id(&self) -> Option<&str> {
        let id = self.profile_id.as_ref().filter(|_| self.error == 0);
        id.and_then(Value::as_text).filter(|id| !id.is_empty())
    }

    fn read(body: &[u8]) -> Result<Self, String> {
        let text =
            std::str::from_utf8(body).map_err(|error| format!("not UTF-8 from byte {} on", error.valid_up_to()))?;
        match text.trim_start_matches('\u{feff}').trim_start().chars().next() {
            None => Err("the body is empty".to_owned()),
            Some('<') => Self::read_xml(text),
            Some(_) => Self::read_json(text),
        }
    }

    fn read_json(text: &str) -> Result<Self, String> {
        let tree = Value::parse(text).map_err(|error| format!("not well-formed JSON: {error}"))?;
        Self::of(&tree, Format::Json)
    }

    fn read_xml(text: &str) -> Result<Self, String> {
        let document = xml::read(text).map_err(|error| format!("not well-formed XML: {error}"))?;
        if document.root != "xml" {
            return Err(format!("the root element is `{}`, not `xml`", document.root));
        }
        Self::of(&document.content, Format::Xml)
    }

    fn of(tree: &Value, format: Format) -> Result<Self, String> {
        if !matches!(tree, Value::Object(_)) {
            return Err(match format {
                Format::Json => format!("the answer is {}, not an object", tree.kind()),
                Format::Xml => "`error` is missing".to_owned(),
            });
        }
        let error = match format {
            Format::Json => error_in_json(tree),
            Format::Xml => error_in_xml(tree),
        }?;
        let data = tree.get("data").cloned();
        let of_data = |name: &str| data.as_ref().and_then(|data| data.get(name));
        let places = [tree.get("profile_id"), of_data("id"), of_data("profile_id"), tree.get("from_id")];
        let profile_id = places.into_iter().flatten().next().cloned();
        let error_text = tree.get("error_text").cloned();
        let results = results_in(tree, format).map(|items| items.iter().map(|item| Self::of(item, format)).collect());
        Ok(Self { format, error, error_text, profile_id, data, results })
    }
}

fn error_in_json(tree: &Value) -> Result<i64, String> {
    match tree.get("error") {
        Some(Value::Number(number)) => whole(number).ok_or(format!("`error` is {number}, not a whole number")),
        Some(other) => Err(format!("`error` is {} ({other}), not a number", other.kind())),
        None => Err("`error` is missing".to_owned()),
    }
}

fn error_in_xml(tree: &Value) -> Result<i64, String> {
    match tree.get("error") {
        Some(Value::Text(text)) => text.trim().parse().map_err(|_| format!("`error` is `{text}`, not a whole number")),
        Some(Value::List(_)) => Err("`error` is given more than once".to_owned()),
        Some(other) => Err(format!("`error` is {}, not a number", other.kind())),
        None => Err("`error` is missing".to_owned()),
    }
}

/// The results of a batch: in JSON a list; in XML elements of the same name, or, as printed once, called `xml`.
fn results_in(tree: &Value, format: Format) -> Option<&[Value]> {
    let found = tree.get("result").or_else(|| tree.get("xml").filter(|_| format == Format::Xml))?;
    match found {
        Value::List(items) => Some(items),
        single if format == Format::Xml => Some(std::slice::from_ref(single)),
        _ => None,
    }
}

/// JSON knows one kind of number: `0.0` is the number 0 too.
fn whole(number: &serde_json::Number) -> Option<i64> {
    let text = number.to_string();
    let text = text.strip_suffix(".0").unwrap_or(&text);
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: impl AsRef<[u8]>) -> Answer {
        Answer::read(200, None, body.as_ref())
    }

    #[test]
    fn reads_both_formats_to_the_same_envelope() {
        let json = read(r#"{"error":0,"error_text":"ok","profile_id":"5f"}"#);
        let xml = read("<xml><error>0</error><error_text>ok</error_text><profile_id>5f</profile_id></xml>");
        assert_eq!(json.accepted_id(), Some("5f"));
        assert_eq!(xml.accepted_id(), Some("5f"));
        assert_eq!(xml.envelope.unwrap().format, Format::Xml);
    }

    #[test]
    fn finds_the_id_of_a_profile_that_was_got() {
        let answer = read(r#"{"data":{"id":"5f","email":"a@b.c"},"error":0,"error_text":""}"#);
        assert_eq!(answer.accepted_id(), Some("5f"));
    }

    #[test]
    fn finds_ids_and_pointers_where_other_calls_have_them() {
        let deleted = read(r#"{"data":{"profile_id":"5f"},"error":0}"#);
        assert_eq!(deleted.accepted_id(), Some("5f"));
        assert_eq!(read(r#"{"data":[{"id":"1"}],"error":0,"from_id":"7"}"#).accepted_id(), Some("7"));
    }

    #[test]
    fn reads_the_results_of_a_batch_in_each_spelling() {
        let item = "<error>0</error><profile_id>5f</profile_id>";
        let xml =
            |name: &str| format!("<xml><error>0</error><{name}>{item}</{name}><{name}><error>4</error></{name}></xml>");
        let json = r#"{"error":0,"result":[{"error":0,"profile_id":"5f"},{"error":4}]}"#.to_owned();
        for body in [json, xml("xml"), xml("result")] {
            let results = read(&body).envelope.unwrap().results.unwrap();
            let errors: Vec<_> = results.into_iter().map(|result| result.unwrap().error).collect();
            assert_eq!(errors, [0, 4], "{body}");
        }
        let single = read(format!("<xml><error>0</error><xml>{item}</xml></xml>")).envelope.unwrap();
        assert_eq!(single.results.map(|results| results.len()), Some(1));
        assert_eq!(read(r#"{"error":0,"result":"done"}"#).envelope.unwrap().results, None);
    }

    #[track_caller]
    fn unreadable(body: impl AsRef<[u8]>, reason: &str) {
        let error = read(body).envelope.unwrap_err();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn is_strict_about_bytes_and_form() {
        unreadable(b"{\"error\":0,\"error_text\":\"\xff\"}", "not UTF-8 from byte 25");
        unreadable("", "empty");
        unreadable("OK", "not well-formed JSON");
        unreadable(r#"{"error":0} {"error":0}"#, "not well-formed JSON");
        unreadable(r#"{"error":0,"error":1}"#, "given twice");
        unreadable("\u{feff}{\"error\":0}", "not well-formed JSON");
        unreadable("[0]", "not an object");
        unreadable("<xml><error>0</error></xml><xml/>", "second root");
        unreadable("<answer><error>0</error></answer>", "not `xml`");
        unreadable("<xml><error>0</error><profile_id>1<profile_id></xml>", "not well-formed XML");
    }

    #[test]
    fn wants_a_number_for_error() {
        unreadable(r#"{"error":"0"}"#, "a string (\"0\"), not a number");
        unreadable(r#"{"error":0.5}"#, "0.5, not a whole number");
        unreadable(r#"{"error_text":"ok"}"#, "missing");
        unreadable("<xml><error>none</error></xml>", "`none`");
        unreadable("<xml><error>0</error><error>0</error></xml>", "more than once");
        assert_eq!(read(r#"{"error":4.0}"#).envelope.unwrap().error, 4);
    }

    #[test]
    fn a_profile_id_that_is_no_string_is_none() {
        assert_eq!(read(r#"{"error":0,"profile_id":5}"#).accepted_id(), None);
        assert_eq!(read(r#"{"error":0,"profile_id":""}"#).accepted_id(), None);
        assert_eq!(read(r#"{"error":4,"profile_id":"5"}"#).accepted_id(), None);
    }
}
