//! XML bytes to a tree: the dialect of rulings X1-X4, X9, T14. Knows no parameter's name.
//!
//! `quick-xml` finds the tags; what the dialect allows is decided here. An element is added as an empty text, gets its
//! text while it stays a scalar, and becomes an object with its first child.

use crate::tree::{Builder, Content, Problem, Value, malformed};
use quick_xml::{
    Reader,
    events::{BytesDecl, BytesRef, BytesStart, Event},
};
use rollcall_model::rejection::Rejection;
use std::borrow::Cow;

const ROOT: &str = "xml";

pub(crate) fn parse<'a>(text: &'a str, builder: Builder<'a>) -> Result<Vec<Value<'a>>, Rejection> {
    let mut parser = Parser { text, reader: Reader::from_str(text), builder, has_root: false };
    parser.reader.config_mut().check_comments = true;
    if let Some(offset) = forbidden_character(text) {
        return Err(malformed(text.as_bytes(), offset, "a character that XML does not allow"));
    }
    match parser.run() {
        Ok(()) => Ok(parser.builder.finish()),
        Err((offset, problem)) => Err(malformed(text.as_bytes(), offset, problem)),
    }
}

/// XML has no control characters but tab and line ends, not even escaped.
fn forbidden_character(text: &str) -> Option<usize> {
    let is_forbidden = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Looking at every byte without stopping is many at a time; only then is the place worth finding.
    let is_any = text.as_bytes().iter().fold(false, |any, byte| any | is_forbidden(byte));
    if is_any { text.bytes().position(|byte| is_forbidden(&byte)) } else { None }
}

struct Parser<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    builder: Builder<'a>,
    has_root: bool,
}

/// What is wrong, and at which byte.
type Fault = (usize, Problem);

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            let begin = self.position();
            let event =
                self.reader.read_event().map_err(|error| (self.error_position(), Problem::from(error.to_string())))?;
            let taken = match event {
                Event::Start(tag) => self.start(&tag, 1),
                Event::End(_) => self.end(),
                Event::Empty(tag) => self.start(&tag, 2).and_then(|()| self.end()),
                Event::Text(text) => self.text(text.into_inner()),
                Event::CData(text) => self.text(text.into_inner()),
                Event::GeneralRef(reference) => self.reference(&reference),
                Event::Comment(_) => Ok(()),
                Event::Decl(declaration) => declaration_is_lawful(&declaration, begin),
                Event::PI(_) => Err("processing instructions are not allowed".into()),
                Event::DocType(_) => Err("document type declarations are not allowed".into()),
                Event::Eof => return self.finish(),
            };
            taken.map_err(|problem| (begin, problem))?;
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn error_position(&self) -> usize {
        usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX)
    }

    /// An element begins. `closing` is the length of what stands behind the tag's content: `>` or `/>`.
    fn start(&mut self, tag: &BytesStart<'_>, closing: usize) -> Result<(), Problem> {
        // The tag borrows from the event; the same bytes stand in the text, which outlives it.
        let begin = self.position() - closing - tag.len();
        let name = &self.text[begin..begin + tag.name().as_ref().len()];
        check_name(name)?;
        let is_item = !tag.attributes_raw().is_empty() && is_marked_as_item(tag)?;
        if self.builder.depth() == 0 {
            self.root(name, is_item)?;
        }
        self.becomes_object()?;
        self.builder.add(Cow::Borrowed(name), Content::Text(Cow::Borrowed("")))?;
        self.builder.open_last(is_item)
    }

    fn root(&mut self, name: &str, is_item: bool) -> Result<(), Problem> {
        match std::mem::replace(&mut self.has_root, true) {
            true => Err("a second root element".into()),
            false if name != ROOT => Err(format!("the root element is <{name}>, not <{ROOT}>").into()),
            false if is_item => Err("the root element cannot be an item of a list".into()),
            false => Ok(()),
        }
    }

    /// The innermost element gets a child, so it is an object and what text it had may only be white space (X2).
    fn becomes_object(&mut self) -> Result<(), Problem> {
        if let Some(Value { content: content @ Content::Text(_), .. }) = self.builder.innermost() {
            let Content::Text(text) = &*content else { return Ok(()) };
            if !is_space(text) {
                return Err(mixed());
            }
            *content = Content::Object;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let root_ends = self.builder.depth() == 1;
        if let (true, Some(root)) = (root_ends, self.builder.innermost())
            && let Content::Text(text) = &root.content
        {
            if !is_space(text) {
                return Err("the root element holds text instead of elements".into());
            }
            root.content = Content::Object;
        }
        self.builder.close();
        Ok(())
    }

    fn text(&mut self, more: Cow<'a, str>) -> Result<(), Problem> {
        if more.contains(']') && more.contains("]]>") {
            return Err("]]> outside of a CDATA section".into());
        }
        let more = with_plain_line_ends(more);
        let is_blank = is_space(&more);
        match self.builder.innermost() {
            None if is_blank => Ok(()),
            None => Err("text outside of the root element".into()),
            Some(Value { content: Content::Text(text), .. }) => {
                append(text, more);
                let length = text.len();
                self.builder.check_text_length(length)
            }
            Some(_) if is_blank => Ok(()),
            Some(_) => Err(mixed()),
        }
    }

    /// The five predefined entities and character references are text (X9); nothing else is expanded (T14).
    fn reference(&mut self, reference: &BytesRef<'a>) -> Result<(), Problem> {
        if self.builder.depth() == 0 {
            return Err("text outside of the root element".into());
        }
        let text = match reference.resolve_char_ref() {
            Ok(Some(character)) if is_xml_character(character) => Cow::Owned(character.to_string()),
            Ok(None) => {
                Cow::Borrowed(predefined(reference).ok_or_else(|| format!("unknown entity &{};", &**reference))?)
            }
            _ => return Err(format!("&{}; is no character that XML allows", &**reference).into()),
        };
        self.literal(text)
    }

    /// Text that came from a reference: taken as it is, even where it is a line end or a space.
    fn literal(&mut self, more: Cow<'a, str>) -> Result<(), Problem> {
        match self.builder.innermost() {
            Some(Value { content: Content::Text(text), .. }) => {
                append(text, more);
                let length = text.len();
                self.builder.check_text_length(length)
            }
            _ => Err(mixed()),
        }
    }

    /// `quick-xml` takes a cut-off document for a complete one.
    fn finish(&mut self) -> Result<(), Fault> {
        let problem = match (self.builder.innermost(), self.has_root) {
            (Some(open), _) => format!("the document ends within <{}>", open.name).into(),
            (None, false) => "the document has no root element".into(),
            (None, true) => return Ok(()),
        };
        Err((self.text.len(), problem))
    }
}

fn mixed() -> Problem {
    "text and elements are mixed".into()
}

fn is_space(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

fn append<'a>(text: &mut Cow<'a, str>, more: Cow<'a, str>) {
    if text.is_empty() { *text = more } else { text.to_mut().push_str(&more) }
}

/// XML reads every line end as a line feed.
fn with_plain_line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text }
}

fn predefined(entity: &str) -> Option<&'static str> {
    match entity {
        "lt" => Some("<"),
        "gt" => Some(">"),
        "amp" => Some("&"),
        "apos" => Some("'"),
        "quot" => Some("\""),
        _ => None,
    }
}

fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..) && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

fn check_name(name: &str) -> Result<(), Problem> {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || !byte.is_ascii();
    let is_inner = |byte: u8| is_start(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    match name.as_bytes() {
        [first, rest @ ..] if is_start(*first) && rest.iter().all(|byte| is_inner(*byte)) => Ok(()),
        _ => Err(format!("{name:?} is no element name").into()),
    }
}

/// The one attribute there is: `array='true'` marks an item of a list, `array='false'` says nothing (X3).
fn is_marked_as_item(tag: &BytesStart<'_>) -> Result<bool, Problem> {
    let mut is_item = false;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        is_item = match (attribute.key.as_ref(), &*attribute.value) {
            ("array", "true") => true,
            ("array", "false") => false,
            ("array", other) => return Err(format!("array={other:?} is neither true nor false").into()),
            (other, _) => return Err(format!("unknown attribute {other:?}").into()),
        };
    }
    Ok(is_item)
}

/// A declaration may say that the document is XML 1.0 in UTF-8, at its very beginning (X1).
fn declaration_is_lawful(declaration: &BytesDecl<'_>, begin: usize) -> Result<(), Problem> {
    if begin != 0 {
        return Err("an XML declaration that is not at the beginning".into());
    }
    declaration.version().map_err(|error| error.to_string())?;
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("utf-8") || encoding.eq_ignore_ascii_case("us-ascii") => {
            Ok(())
        }
        Some(Ok(encoding)) => Err(format!("encoding {encoding:?} is not supported, only UTF-8 is").into()),
        Some(Err(error)) => Err(error.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        format::Format,
        limits::Limits,
        tree::{self, Content},
    };

    fn refusal(text: &str) -> String {
        let refusal = tree::parse(text.as_bytes(), Format::Xml, Limits::default()).expect_err(text).to_string();
        refusal.strip_prefix("Incorrect request: malformed body: ").unwrap_or(&refusal).to_owned()
    }

    /// The text of the first element under the root.
    fn text(body: &str) -> String {
        let tree =
            tree::parse(body.as_bytes(), Format::Xml, Limits::default()).unwrap_or_else(|refusal| panic!("{refusal}"));
        match &tree.values[1].content {
            Content::Text(text) => text.clone().into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_text_with_references_sections_and_comments() {
        assert_eq!(
            text("<xml><a>&lt;b&gt; &amp; &#1071;&#x42f;<![CDATA[<c>&amp;]]><!-- no -->!</a></xml>"),
            "<b> & ЯЯ<c>&amp;!"
        );
        assert_eq!(text("\u{feff}<?xml version='1.0' encoding='utf-8'?>\n<xml>\n<a> b </a>\n</xml>\n"), " b ");
        assert_eq!(text("<xml><a>1\r\n2\r3&#13;</a></xml>"), "1\n2\n3\r");
    }

    #[test]
    fn refuses_what_is_not_well_formed_and_says_where() {
        assert_eq!(
            refusal("<xml>\n<a>1</b></xml>"),
            "line 2, column 5: ill-formed document: expected `</a>`, but `</b>` was found"
        );
        assert_eq!(refusal("<xml><a>1"), "line 1, column 10: the document ends within <a>");
        assert_eq!(refusal(""), "line 1, column 1: the document has no root element");
        let broken = [
            "<xml><a>1</a></xml><xml/>",
            "<xml/>x",
            "x<xml/>",
            "<xml/>&amp;",
            "<xml><a",
            "<xml><1a/></xml>",
            "<xml></xml></xml>",
            "<xml><a>\u{1}</a></xml>",
            "<xml><a>&#0;</a></xml>",
            "<xml><a>&#xffff;</a></xml>",
            "<xml>text</xml>",
            "<xml><!-- a -- b --></xml>",
            "<xml><a>&</a></xml>",
            "<xml><a b></a></xml>",
            "<a/>",
            "<XML/>",
            "<xml array='true'></xml>",
            "<xml><a array=true>1</a></xml>",
        ];
        for body in broken {
            refusal(body);
        }
    }

    #[test]
    fn refuses_what_the_dialect_leaves_out() {
        let check = |body: &str, problem: &str| assert!(refusal(body).contains(problem), "{}", refusal(body));
        check("<!DOCTYPE xml [<!ENTITY e 'x'>]><xml><a>&e;</a></xml>", "document type");
        check("<xml><a>&e;</a></xml>", "unknown entity &e;");
        check("<xml><?php 1 ?></xml>", "processing instructions");
        check("<?xml version='1.0' encoding='windows-1251'?><xml/>", "windows-1251");
        check("<xml><a>x<b/></a></xml>", "mixed");
        check("<xml><a><b/>x</a></xml>", "mixed");
        check("<xml><a type='int'>1</a></xml>", "unknown attribute \"type\"");
        check("<xml><a array='yes'>1</a></xml>", "neither true nor false");
    }
}
