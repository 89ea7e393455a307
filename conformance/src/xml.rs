//! A strict reader of XML documents into a `Value`, for answers and for checking what the suite itself sends.
//!
//! Element names become keys, repeated elements and `array='true'` become lists, text stays text: what it means is
//! for the reader of the answer to say. A document that is not well-formed is an error with its position. The XML
//! library is lenient in places (names, characters, several roots); those are checked here.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

use crate::value::Value;

/// Deeper documents are refused, so that a hostile answer cannot make us recurse without end.
const DEPTH_LIMIT: usize = 200;

/// A document: the name of its root and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Name of the root element.
    pub root: String,
    /// Content of the root element.
    pub content: Value,
}

/// Reads one well-formed UTF-8 document.
///
/// # Errors
/// Says what is wrong, with line and column where that is known.
pub fn read(text: &str) -> Result<Document, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(bad) = text.chars().find(|&c| !is_xml_char(c)) {
        return Err(format!("holds the character U+{:04X}, which XML does not allow", u32::from(bad)));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut builder = Builder::default();
    loop {
        let before = reader.buffer_position();
        let event = reader.read_event().map_err(|error| at(text, reader.error_position(), &error.to_string()))?;
        if matches!(event, Event::Eof) {
            break;
        }
        builder.take(event, before == 0).map_err(|error| at(text, before, &error))?;
    }
    builder.finish()
}

fn at(text: &str, offset: u64, what: &str) -> String {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
    let read = String::from_utf8_lossy(&text.as_bytes()[..offset]);
    let line = read.matches('\n').count() + 1;
    let column = read.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: {what}")
}

fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// True if `name` may be the name of an element.
pub fn is_name(name: &str) -> bool {
    let start = |c: char| c.is_alphabetic() || c == '_';
    let rest = |c: char| start(c) || c.is_numeric() || matches!(c, '-' | '.' | ':');
    name.chars().next().is_some_and(start) && name.chars().all(rest)
}

#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Document>,
}

/// An element whose end has not been read yet.
struct Element {
    name: String,
    is_list_item: bool,
    text: String,
    children: Vec<Child>,
}

/// All elements of one name within one parent.
struct Child {
    name: String,
    is_list: bool,
    items: Vec<Value>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, first: bool) -> Result<(), String> {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::Empty(tag) => self.start(&tag).and_then(|()| self.end()),
            Event::End(_) => self.end(),
            Event::Text(text) if text.contains("]]>") => Err("`]]>` in text".to_owned()),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(data) if self.open.is_empty() => Err(format!("`{}` outside the root element", &*data)),
            Event::CData(data) => self.text(&data.xml10_content()),
            Event::GeneralRef(reference) => self.text(&resolve(&reference)?),
            Event::Decl(declaration) if first => check_declaration(&declaration),
            Event::Decl(_) => Err("an XML declaration that is not at the beginning".to_owned()),
            Event::DocType(_) => Err("a DTD".to_owned()),
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        let name = tag.name().as_ref().to_owned();
        if !is_name(&name) {
            return Err(format!("`{name}` is no element name"));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(format!("a second root element `{name}`"));
        }
        if self.open.len() == DEPTH_LIMIT {
            return Err(format!("elements nested deeper than {DEPTH_LIMIT}"));
        }
        let is_list_item = has_array_mark(tag)?;
        self.open.push(Element { name, is_list_item, text: String::new(), children: Vec::new() });
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(format!("text `{}` outside the root element", text.trim())),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(element) = self.open.pop() else {
            return Err("an end tag without a beginning".to_owned());
        };
        let (name, is_list_item) = (element.name.clone(), element.is_list_item);
        let value = element.close()?;
        match self.open.last_mut() {
            Some(parent) => parent.adopt(name, value, is_list_item),
            None => self.root = Some(Document { root: name, content: value.unwrap_or(Value::Text(String::new())) }),
        }
        Ok(())
    }

    fn finish(self) -> Result<Document, String> {
        match self.open.last() {
            Some(element) => Err(format!("the element `{}` is not closed", element.name)),
            None => self.root.ok_or_else(|| "no root element".to_owned()),
        }
    }
}

impl Element {
    /// What the element holds; nothing for an empty one that is marked as a list.
    fn close(self) -> Result<Option<Value>, String> {
        if self.children.is_empty() {
            let is_empty_list = self.is_list_item && self.text.is_empty();
            return Ok((!is_empty_list).then_some(Value::Text(self.text)));
        }
        if !self.text.trim().is_empty() {
            return Err(format!("`{}` holds text beside elements", self.name));
        }
        Ok(Some(Value::Object(self.children.into_iter().map(Child::close).collect())))
    }

    fn adopt(&mut self, name: String, value: Option<Value>, is_list: bool) {
        let child = match self.children.iter_mut().find(|child| child.name == name) {
            Some(child) => child,
            None => {
                self.children.push(Child { name, is_list: false, items: Vec::new() });
                let last = self.children.len() - 1;
                &mut self.children[last]
            }
        };
        child.is_list |= is_list;
        child.items.extend(value);
    }
}

impl Child {
    fn close(mut self) -> (String, Value) {
        let single = !self.is_list && self.items.len() == 1;
        let value = if single { self.items.remove(0) } else { Value::List(self.items) };
        (self.name, value)
    }
}

fn has_array_mark(tag: &BytesStart<'_>) -> Result<bool, String> {
    let mut marked = false;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.value.contains('<') {
            return Err("`<` in an attribute".to_owned());
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| error.to_string())?;
        marked |= attribute.key.as_ref() == "array" && value == "true";
    }
    Ok(marked)
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(c) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return if is_xml_char(c) { Ok(c.to_string()) } else { Err("a reference to a forbidden character".to_owned()) };
    }
    let name: &str = reference;
    let known = quick_xml::escape::resolve_xml_entity(name).map(str::to_owned);
    known.ok_or_else(|| format!("the entity `&{name};` is not defined"))
}

fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), String> {
    declaration.version().map_err(|error| error.to_string())?;
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(Ok(name)) => Err(format!("declares the encoding `{name}`; it must be UTF-8")),
        Some(Err(error)) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(xml: &str, json: &str) {
        assert_eq!(read(xml).unwrap().content, Value::parse(json).unwrap(), "{xml}");
    }

    #[track_caller]
    fn refuses(xml: &str, reason: &str) {
        let error = read(xml).unwrap_err();
        assert!(error.contains(reason), "`{xml}` is refused with `{error}`, not for `{reason}`");
    }

    #[test]
    fn reads_elements_lists_and_text() {
        check("<xml><a>1</a><b><c>x</c></b></xml>", r#"{"a":"1","b":{"c":"x"}}"#);
        check("<xml>\n<a>1</a>\n<b/><a>2</a></xml>", r#"{"a":["1","2"],"b":""}"#);
        check("<xml><a array='true'>1</a></xml>", r#"{"a":["1"]}"#);
        check("<xml><a array=\"true\"/></xml>", r#"{"a":[]}"#);
    }

    #[test]
    fn resolves_the_predefined_entities_and_character_references() {
        check("<xml><a>&lt;&amp;&gt;&apos;&quot;&#65;&#x42;<![CDATA[<c>]]></a></xml>", r#"{"a":"<&>'\"AB<c>"}"#);
    }

    #[test]
    fn accepts_declaration_comments_and_byte_order_mark() {
        check("\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- hi --><xml><a>1</a></xml>\n", r#"{"a":"1"}"#);
    }

    #[test]
    fn names_the_root() {
        assert_eq!(read("<answer/>").unwrap().root, "answer");
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        refuses("<xml><a>1</xml>", "expected `</a>`");
        refuses("<xml><a>1</a>", "not closed");
        refuses("<xml></xml><xml></xml>", "second root");
        refuses("<xml></xml>text", "outside the root");
        refuses("", "no root");
        refuses("<xml>&nbsp;</xml>", "not defined");
        refuses("<xml>a & b</xml>", "reference not closed");
        refuses("<xml><1a/></xml>", "no element name");
        refuses("<xml a='1' a='2'/>", "duplicated attribute");
        refuses("<xml>\u{1}</xml>", "U+0001");
        refuses("<xml>&#1;</xml>", "forbidden character");
        refuses("<xml>text<a/></xml>", "beside elements");
        refuses("<!DOCTYPE xml []><xml/>", "DTD");
        refuses("<?xml version='1.0' encoding='windows-1251'?><xml/>", "windows-1251");
        refuses("<xml>]]></xml>", "]]>");
    }

    #[test]
    fn tells_line_and_column() {
        refuses("<xml>\n<a>1</a>\n  &nbsp;</xml>", "line 3, column 3");
    }
}
