//! XML bytes to a tree: the dialect of rulings X1-X4, X9, T14. Knows no parameter's name.
//!
//! `quick-xml` finds the tags; what the dialect allows is decided here. An element is a leaf with an empty text at first,
//! gets its text while it stays one, and becomes an object with its first child.

use crate::tree::{Aside, Builder, Content, Fault, Problem, Value};
use quick_xml::{
    Reader,
    events::{BytesDecl, BytesRef, BytesStart, Event, attributes::Attributes},
    name::QName,
};
use std::borrow::Cow;

const ROOT: &str = "xml";

/// Parses a document; where a list in its root is set aside, all around its items.
pub(crate) fn parse<'a>(
    text: &'a str,
    builder: Builder<'a>,
    list: Option<&mut Aside<'a>>,
) -> Result<Vec<Value<'a>>, Fault> {
    read(text, builder, list)
}

/// Parses an element as one more member of the open object, whether or not it is marked as an item.
pub(crate) fn parse_member<'a>(text: &'a str, builder: Builder<'a>) -> Result<Vec<Value<'a>>, Fault> {
    let mut values = read(text, builder, None)?;
    if let Some(member) = values.get_mut(1) {
        member.is_item = false;
    }
    Ok(values)
}

/// Parses what stands within the values that are open already.
fn read<'a>(text: &'a str, builder: Builder<'a>, list: Option<&mut Aside<'a>>) -> Result<Vec<Value<'a>>, Fault> {
    let rare = Rare::of(text);
    if let Some(offset) = rare.forbidden_character(text) {
        return Err((offset, "a character that XML does not allow".into()));
    }
    let (reader, floor) = (Reader::from_str(text), builder.depth());
    let mut parser = Parser {
        text,
        reader,
        builder,
        floor,
        has_root: floor > 0,
        in_leaf: false,
        has_rare_text: rare.is_text_rare,
        list,
        is_list_blank: false,
        problem_within: None,
    };
    parser.reader.config_mut().check_comments = true;
    parser.run()?;
    Ok(parser.builder.finish())
}

/// What is nowhere in most documents, looked for in one pass over all bytes: without stopping early, it takes many at a
/// time.
struct Rare {
    /// Whether there may be a character that is nowhere allowed.
    may_be_forbidden: bool,
    /// Whether a text may hold a carriage return or `]]>`.
    is_text_rare: bool,
}

impl Rare {
    fn of(text: &str) -> Self {
        Self {
            may_be_forbidden: is_there(text, |byte| is_forbidden(byte) | (byte == FIRST_BYTE_OF_SOME)),
            is_text_rare: is_there(text, |byte| (byte == b'\r') | (byte == b']')),
        }
    }
}

impl Rare {
    /// Where the first forbidden character stands. A byte order mark is one too, here: it may stand at the beginning of
    /// a document, and is gone from there by now.
    fn forbidden_character(&self, text: &str) -> Option<usize> {
        let is_forbidden_character = |character: char| match u8::try_from(character) {
            Ok(byte) => is_forbidden(byte),
            Err(_) => matches!(character, '\u{fffe}' | '\u{ffff}'),
        };
        if self.may_be_forbidden {
            text.find(is_forbidden_character).or_else(|| text.starts_with('\u{feff}').then_some(0))
        } else {
            None
        }
    }
}

/// What U+FEFF, U+FFFE and U+FFFF begin with in UTF-8.
const FIRST_BYTE_OF_SOME: u8 = 0xef;

fn is_there(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(0, |there, byte| there | u8::from(is(byte))) != 0
}

/// XML has no control characters but tab and line ends, not even escaped.
fn is_forbidden(byte: u8) -> bool {
    (byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r')
}

struct Parser<'p, 'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    builder: Builder<'a>,
    /// How many values are open around what is parsed.
    floor: usize,
    has_root: bool,
    /// Whether the value added last is an element that is open and has no child yet.
    in_leaf: bool,
    has_rare_text: bool,
    /// The list in the root that is set aside.
    list: Option<&'p mut Aside<'a>>,
    /// Whether the latest item of it is marked as one and has nothing in it.
    is_list_blank: bool,
    /// Where the problem is, if it is within an element that is set aside.
    problem_within: Option<usize>,
}

impl<'a> Parser<'_, 'a> {
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            let begin = self.position();
            let taken = match self.reader.read_event() {
                Ok(Event::Start(tag)) => self.start(&tag, begin, 1),
                Ok(Event::End(_)) => self.end(),
                Ok(Event::Empty(tag)) => self.start(&tag, begin, 2),
                Ok(Event::Text(text)) => self.text(text.into_inner()),
                Ok(Event::CData(_)) if !self.in_leaf && self.builder.depth() == 0 => Err(outside()),
                Ok(Event::CData(text)) => self.section(text.into_inner()),
                Ok(Event::GeneralRef(reference)) => self.reference(&reference),
                Ok(Event::Comment(_)) => Ok(()),
                Ok(Event::Decl(declaration)) => declaration_is_lawful(&declaration, begin),
                Ok(Event::PI(_)) => Err("processing instructions are not allowed".into()),
                Ok(Event::DocType(_)) => Err("document type declarations are not allowed".into()),
                Ok(Event::Eof) => {
                    self.end_list();
                    return self.finish();
                }
                Err(error) => return Err((self.error_position(), error.to_string().into())),
            };
            if let Err(problem) = taken {
                return Err((self.problem_within.unwrap_or(begin), problem));
            }
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn error_position(&self) -> usize {
        usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX)
    }

    /// An element begins. `closing` is the length of what stands behind the tag's content: `>` or `/>`, which is its
    /// end, too.
    fn start(&mut self, tag: &BytesStart<'_>, element_begin: usize, closing: usize) -> Result<(), Problem> {
        // The tag borrows from the event; the same bytes stand in the text, which outlives it.
        let begin = self.position() - closing - tag.len();
        let name = self.text.get(begin..begin + tag.name().as_ref().len()).ok_or("a tag that is out of place")?;
        check_name(name)?;
        let is_item = !tag.attributes_raw().is_empty() && is_marked_as_item(tag)?;
        if self.in_leaf {
            self.leaf_becomes_object()?;
        } else if self.builder.depth() == 0 {
            self.root(name, is_item)?;
        }
        let is_in_root = self.builder.depth() == 1;
        let is_empty = closing == 2;
        if is_in_root && self.list.as_ref().is_some_and(|list| list.name == name) {
            self.in_leaf = false;
            return self.set_aside(name, element_begin, is_item, is_empty);
        }
        self.builder.add(Cow::Borrowed(name), Content::Text(Cow::Borrowed("")))?;
        if let Some(value) = self.builder.last_mut() {
            value.is_item = is_item;
        }
        self.in_leaf = true;
        if is_empty { self.end() } else { Ok(()) }
    }

    /// Sets the whole element aside, up to its end.
    fn set_aside(&mut self, name: &str, begin: usize, is_item: bool, is_empty: bool) -> Result<(), Problem> {
        let content = match is_empty {
            true => 0..0,
            false => self.reader.read_to_end(QName(name)).map_err(|error| {
                // Where the end is missing the reader names no place; then it is the element's.
                self.problem_within = Some(begin.max(usize::try_from(self.reader.error_position()).unwrap_or(begin)));
                error.to_string()
            })?,
        };
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let content = self.text.get(place(content.start)..place(content.end)).unwrap_or("");
        let element = self.text.get(begin..self.position()).ok_or("an element that is out of place")?;
        self.is_list_blank = is_item && is_space(content);
        self.list.as_mut().map_or(Ok(()), |list| list.take(element))
    }

    /// A marked element with nothing in it that stands alone is a list without items (X5).
    fn end_list(&mut self) {
        if let Some(items) = self.list.as_mut().and_then(|list| list.items.as_mut())
            && items.len() == 1
            && self.is_list_blank
        {
            items.clear();
        }
    }

    fn root(&mut self, name: &str, is_item: bool) -> Result<(), Problem> {
        match std::mem::replace(&mut self.has_root, true) {
            true => Err("a second root element".into()),
            false if name != ROOT => Err(format!("the root element is <{name}>, not <{ROOT}>").into()),
            false if is_item => Err("the root element cannot be an item of a list".into()),
            false => Ok(()),
        }
    }

    /// The open element gets a child, so what text it had may only be white space (X2).
    fn leaf_becomes_object(&mut self) -> Result<(), Problem> {
        match self.builder.last() {
            Some(Value { content: Content::Text(text), .. }) if !is_space(text) => Err(mixed()),
            _ => self.builder.last_becomes_object(),
        }
    }

    fn end(&mut self) -> Result<(), Problem> {
        let is_leaf = std::mem::replace(&mut self.in_leaf, false);
        let is_root = is_leaf && self.builder.depth() == 0;
        if is_root {
            self.leaf_becomes_object()?; // even without children
        }
        if is_root || !is_leaf {
            self.builder.close();
        }
        Ok(())
    }

    fn text(&mut self, more: Cow<'a, str>) -> Result<(), Problem> {
        if self.has_rare_text && more.contains("]]>") {
            return Err("]]> outside of a CDATA section".into());
        }
        self.section(more)
    }

    fn section(&mut self, more: Cow<'a, str>) -> Result<(), Problem> {
        let more = if self.has_rare_text { with_plain_line_ends(more) } else { more };
        match self.in_leaf {
            true => self.append(more),
            false if is_space(&more) => Ok(()),
            false if self.builder.depth() == 0 => Err(outside()),
            false => Err(mixed()),
        }
    }

    /// The five predefined entities and character references are text (X9); nothing else is expanded (T14).
    fn reference(&mut self, reference: &BytesRef<'a>) -> Result<(), Problem> {
        let text = match reference.resolve_char_ref() {
            Ok(Some(character)) if is_xml_character(character) => Cow::Owned(character.to_string()),
            Ok(None) => {
                Cow::Borrowed(predefined(reference).ok_or_else(|| format!("unknown entity &{};", &**reference))?)
            }
            _ => return Err(format!("&{}; is no character that XML allows", &**reference).into()),
        };
        match self.in_leaf {
            true => self.append(text),
            false if self.builder.depth() == 0 => Err(outside()),
            false => Err(mixed()),
        }
    }

    fn append(&mut self, more: Cow<'a, str>) -> Result<(), Problem> {
        let Some(Value { content: Content::Text(text), .. }) = self.builder.last_mut() else { return Err(mixed()) };
        if text.is_empty() {
            *text = more;
        } else {
            text.to_mut().push_str(&more);
        }
        let length = text.len();
        self.builder.check_text_length(length)
    }

    /// `quick-xml` takes a cut-off document for a complete one.
    fn finish(&self) -> Result<(), Fault> {
        let innermost = || self.builder.innermost().filter(|_| self.builder.depth() > self.floor);
        let open = if self.in_leaf { self.builder.last() } else { innermost() };
        let problem = match (open, self.has_root) {
            (Some(open), _) => format!("the document ends within <{}>", open.name).into(),
            (None, false) => "the document has no root element".into(),
            (None, true) => return Ok(()),
        };
        Err((self.text.len(), problem))
    }
}

fn outside() -> Problem {
    "text outside of the root element".into()
}

fn mixed() -> Problem {
    "text and elements are mixed".into()
}

fn is_space(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
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
    let starts_like_a_number = matches!(name.as_bytes().first(), None | Some(b'0'..=b'9' | b'-' | b'.'));
    let is_plain = !starts_like_a_number && name.bytes().all(|byte| IS_NAME_BYTE[usize::from(byte)]);
    match is_plain
        && (name.is_ascii() || name.chars().all(|character| character.is_ascii() || character.is_alphanumeric()))
    {
        true => Ok(()),
        false => Err(format!("{name:?} is no element name").into()),
    }
}

/// What names are made of: letters, digits, a few signs, and, as far as a byte tells, all that is not ASCII.
const IS_NAME_BYTE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(clippy::cast_possible_truncation, reason = "the table has 256 entries")]
        let character = byte as u8;
        let is_sign = matches!(character, b'_' | b':' | b'-' | b'.');
        table[byte] = character.is_ascii_alphanumeric() || is_sign || !character.is_ascii();
        byte += 1;
    }
    table
};

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

/// A declaration may say that the document is XML 1.0 in UTF-8 and needs no other one, at its very beginning (X1).
fn declaration_is_lawful(declaration: &BytesDecl<'_>, begin: usize) -> Result<(), Problem> {
    if begin != 0 {
        return Err("an XML declaration that is not at the beginning".into());
    }
    declaration.version().map_err(|error| error.to_string())?;
    for attribute in Attributes::new(declaration, "xml".len()) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        match (attribute.key.as_ref(), &*attribute.value) {
            ("version", "1.0") | ("standalone", "yes" | "no") => {}
            ("encoding", encoding) if encoding.eq_ignore_ascii_case("utf-8") => {}
            ("encoding", other) => return Err(format!("encoding {other:?} is not supported, only UTF-8 is").into()),
            (name, other) => return Err(format!("{name}={other:?} is not supported in a declaration").into()),
        }
    }
    Ok(())
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
        assert_eq!(text("<xml><a>&lt;&gt;&amp;&apos;&quot;</a></xml>"), "<>&'\"");
    }

    #[test]
    fn names_are_of_letters_and_digits_of_any_script_and_a_few_signs() {
        for name in ["имя", "поле_1", "a-b.c:d", "_é9"] {
            assert_eq!(text(&format!("<xml><{name}>x</{name}></xml>")), "x");
        }
        for name in ["a+b", "a$", "9a", "-a", "имя×", "a\u{a0}b"] {
            let refusal = refusal(&format!("<xml><{name}>x</{name}></xml>"));
            assert!(refusal.contains("is no element name"), "{name}: {refusal}");
        }
    }

    #[test]
    fn refuses_what_is_not_well_formed_and_says_where() {
        assert_eq!(
            refusal("<xml>\n<a>1</b></xml>"),
            "line 2, column 5: ill-formed document: expected `</a>`, but `</b>` was found"
        );
        assert_eq!(refusal("<xml><a>1"), "line 1, column 10: the document ends within <a>");
        assert_eq!(refusal("<xml>\n<a>1</a>"), "line 2, column 9: the document ends within <xml>");
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
            "<![CDATA[ ]]><xml/>",
            "<xml/><![CDATA[]]>",
            "\u{feff}\u{feff}<xml/>",
            "<xml><a>\u{ffff}</a></xml>",
            "<xml><a×b/></xml>",
            "<?xml version='1.0' foo='bar'?><xml/>",
            "<?xml version='1.1'?><xml/>",
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
        for text in ["x", "&amp;", "<![CDATA[x]]>"] {
            check(&format!("<xml><a><b/>{text}</a></xml>"), "mixed");
            check(&format!("<xml/>{text}"), "outside of the root element");
        }
        check("<xml><a type='int'>1</a></xml>", "unknown attribute \"type\"");
        check("<xml><a array='yes'>1</a></xml>", "neither true nor false");
    }
}
