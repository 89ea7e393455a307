//! Spells a request tree as XML, and escapes text for the places where the suite inserts it.
//!
//! Lists become repeated elements; how they are marked is [`Arrays`]. What has no XML spelling is an error here and
//! makes a case JSON-only where the case is loaded.

use serde::Deserialize;

use crate::value::Value;
use crate::xml;

/// How the rendering marks lists (`xml_arrays` of a step). An empty list is always marked: nothing else tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrays {
    /// The attribute on lists of one, as the documentation shows it.
    #[default]
    Single,
    /// The attribute on every item.
    All,
    /// The attribute on the first item.
    First,
    /// No attribute.
    None,
    /// As `Single`, in double quotes.
    Double,
}

impl Arrays {
    fn mark(self, position: usize, length: usize) -> &'static str {
        let marked = match self {
            Self::Single | Self::Double => length <= 1,
            Self::All => true,
            Self::First => position == 0,
            Self::None => length == 0,
        };
        match (marked, self) {
            (false, _) => "",
            (true, Self::Double) => " array=\"true\"",
            (true, _) => " array='true'",
        }
    }
}

/// Spells `tree`, an object, as an `<xml>` document with a line break between elements.
///
/// # Errors
/// Says what in the tree has no XML spelling.
pub fn to_xml(tree: &Value, arrays: Arrays) -> Result<String, String> {
    let mut writer = Writer { out: String::new(), arrays };
    let Value::Object(members) = tree else {
        return Err(format!("a request is an object, this is {}", tree.kind()));
    };
    writer.out.push_str("<xml>\n");
    writer.members(members)?;
    writer.out.push_str("</xml>\n");
    prove_well_formed(writer.out)
}

/// Our own messages are read back, so that a fault of the suite is never blamed on a target.
fn prove_well_formed(document: String) -> Result<String, String> {
    match xml::read(&document) {
        Ok(_) => Ok(document),
        Err(error) => Err(format!("the suite wrote XML which is not well-formed ({error})")),
    }
}

struct Writer {
    out: String,
    arrays: Arrays,
}

impl Writer {
    fn members(&mut self, members: &[(String, Value)]) -> Result<(), String> {
        for (name, value) in members {
            if !xml::is_name(name) {
                return Err(format!("`{name}` cannot be the name of an XML element"));
            }
            match value {
                Value::List(items) => self.list(name, items)?,
                single => self.element(name, "", single)?,
            }
        }
        Ok(())
    }

    fn list(&mut self, name: &str, items: &[Value]) -> Result<(), String> {
        if items.is_empty() {
            return self.element(name, self.arrays.mark(0, 0), &Value::Text(String::new()));
        }
        for (position, item) in items.iter().enumerate() {
            if matches!(item, Value::List(_)) {
                return Err(format!("`{name}` holds a list in a list, which has no XML form"));
            }
            self.element(name, self.arrays.mark(position, items.len()), item)?;
        }
        Ok(())
    }

    fn element(&mut self, name: &str, mark: &str, value: &Value) -> Result<(), String> {
        self.out.push_str(&format!("<{name}{mark}>"));
        match value {
            Value::Null => return Err(format!("`{name}` is null, which has no XML form")),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => self.out.push_str(&number.to_string()),
            Value::Text(text) => self.out.push_str(&escape_xml(text)),
            Value::Object(members) => {
                self.out.push('\n');
                self.members(members)?;
            }
            Value::List(_) => return Err(format!("`{name}` holds a list in a list, which has no XML form")),
        }
        self.out.push_str(&format!("</{name}>\n"));
        Ok(())
    }
}

/// Escapes text for an XML element or attribute. A carriage return is written as a reference, since readers drop it.
pub fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
    out
}

/// Escapes text for the inside of a JSON string.
pub fn escape_json(text: &str) -> String {
    let quoted = Value::Text(text.to_owned()).to_json();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Escapes text for a path or a query of a URL.
pub fn escape_url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arrays: Arrays, json: &str, xml: &str) {
        let rendered = to_xml(&Value::parse(json).unwrap(), arrays).unwrap();
        assert_eq!(rendered.replace('\n', ""), format!("<xml>{xml}</xml>"));
    }

    #[test]
    fn writes_scalars_objects_and_lists_in_order() {
        let json = r#"{"z":"a<b","n":1.5,"t":true,"o":{"k":"v"},"l":[1,2]}"#;
        check(Arrays::Single, json, "<z>a&lt;b</z><n>1.5</n><t>true</t><o><k>v</k></o><l>1</l><l>2</l>");
    }

    #[test]
    fn marks_lists_as_the_step_asks() {
        let both = r#"{"a":[1],"b":[1,2]}"#;
        check(Arrays::Single, both, "<a array='true'>1</a><b>1</b><b>2</b>");
        check(Arrays::All, both, "<a array='true'>1</a><b array='true'>1</b><b array='true'>2</b>");
        check(Arrays::First, both, "<a array='true'>1</a><b array='true'>1</b><b>2</b>");
        check(Arrays::None, both, "<a>1</a><b>1</b><b>2</b>");
        check(Arrays::Double, both, "<a array=\"true\">1</a><b>1</b><b>2</b>");
    }

    #[test]
    fn always_marks_an_empty_list() {
        check(Arrays::Single, r#"{"a":[]}"#, "<a array='true'></a>");
        check(Arrays::None, r#"{"a":[]}"#, "<a array='true'></a>");
    }

    #[test]
    fn puts_line_breaks_between_elements_only() {
        let xml = to_xml(&Value::parse(r#"{"a":"x","o":{"b":"y"}}"#).unwrap(), Arrays::Single).unwrap();
        assert_eq!(xml, "<xml>\n<a>x</a>\n<o>\n<b>y</b>\n</o>\n</xml>\n");
    }

    #[test]
    fn what_it_writes_reads_back_as_the_same_text() {
        let tree = Value::parse(r#"{"a":"\r\n\t<&>'\" ]]> ж 😀"}"#).unwrap();
        assert_eq!(xml::read(&to_xml(&tree, Arrays::Single).unwrap()).unwrap().content, tree);
    }

    #[test]
    fn refuses_what_xml_cannot_say() {
        for (json, reason) in [
            (r#"{"a":null}"#, "null"),
            (r#"{"a":[[1]]}"#, "list in a list"),
            (r#"{"1a":1}"#, "cannot be the name"),
            (r#"{"a":"\u0001"}"#, "U+0001"),
            ("[]", "an object"),
        ] {
            let error = to_xml(&Value::parse(json).unwrap(), Arrays::Single).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn escapes_for_json_and_for_urls() {
        assert_eq!(escape_json("a\"b\\\n"), r#"a\"b\\\n"#);
        assert_eq!(escape_url("+7 a@b/ж"), "%2B7%20a%40b%2F%D0%B6");
    }
}
