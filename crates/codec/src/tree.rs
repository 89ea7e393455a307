//! A parsed body: one flat list of values in document order, borrowed from the bytes. Rulings T12-T15, X2, X3.
//!
//! A tree knows no parameter. Scalars stay as they were written; which type they have is for a reader to say.

use crate::{format::Format, json, limits::Limits, names::Names, xml};
use rollcall_model::{rejection::Rejection, response_code::ResponseCode};
use std::borrow::Cow;

/// A parsed body. Its first value is the root, which is an object.
#[derive(Debug)]
pub struct Tree<'a> {
    pub(crate) values: Vec<Value<'a>>,
    pub(crate) format: Format,
}

/// A value and the name it has in its object.
#[derive(Debug)]
pub(crate) struct Value<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) content: Content<'a>,
    /// The place after the last value inside this one.
    pub(crate) end: Place,
    /// The place of the next sibling with the same name, 0 without one. Only XML repeats names.
    pub(crate) next_same: Place,
    /// Whether a sibling before has the same name.
    pub(crate) is_repeat: bool,
    /// Whether it is marked as an item of a list, even if it is the only one.
    pub(crate) is_item: bool,
}

/// Where a value stands in its tree. 32 bits, so that values are small: there are fewer of them than a body has bytes.
pub(crate) type Place = u32;

/// What a value is.
#[derive(Debug, PartialEq)]
pub(crate) enum Content<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number above the range of `Int`.
    Big(u64),
    Float(f64),
    Text(Cow<'a, str>),
    List,
    Object,
}

/// Parses a body. Refused when the bytes are not well-formed (with line and column) or pass a limit.
pub fn parse(bytes: &[u8], format: Format, limits: Limits) -> Result<Tree<'_>, Rejection> {
    let text = text(bytes)?;
    build(text, format, limits, None)
}

/// Parses all of a body but the items of one list in its root, which are set aside as they are written: that they are
/// well-formed is for [`parse_item`] to find out.
pub(crate) fn parse_around<'a>(
    text: &'a str,
    format: Format,
    limits: Limits,
    list: &mut Aside<'a>,
) -> Result<Tree<'a>, Rejection> {
    build(text, format, limits, Some(list))
}

fn build<'a>(
    text: &'a str,
    format: Format,
    limits: Limits,
    list: Option<&mut Aside<'a>>,
) -> Result<Tree<'a>, Rejection> {
    let builder = Builder::new(text, limits);
    let values = match format {
        Format::Json => json::parse(text, builder, list),
        Format::Xml => xml::parse(text, builder, list),
    };
    let values = values.map_err(|(offset, problem)| malformed(text.as_bytes(), offset, problem))?;
    Ok(Tree { values, format })
}

/// Parses what was set aside of this text, as the one member of a root.
pub(crate) fn parse_item<'a>(
    text: &str,
    item: &'a str,
    name: &'static str,
    format: Format,
    limits: Limits,
) -> Result<Tree<'a>, Rejection> {
    let mut builder = Builder::new(item, limits);
    let values = match builder.add("".into(), Content::Object) {
        Ok(()) if format == Format::Json => json::parse_member(item, name, builder),
        Ok(()) => xml::parse_member(item, builder),
        Err(problem) => Err((0, problem)),
    };
    let begin = (item.as_ptr() as usize).saturating_sub(text.as_ptr() as usize); // it is a part of the text
    let values = values.map_err(|(offset, problem)| malformed(text.as_bytes(), begin + offset, problem))?;
    Ok(Tree { values, format })
}

/// The body as text, without a byte order mark.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Rejection> {
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(bytes, error.valid_up_to(), "not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The items of a list while a body is parsed around them.
pub(crate) struct Aside<'a> {
    /// What the root calls the list.
    pub(crate) name: &'static str,
    /// How many there may be.
    pub(crate) most: usize,
    /// What was found, once there is a list.
    pub(crate) items: Option<Vec<&'a str>>,
}

impl<'a> Aside<'a> {
    /// There is a list, though perhaps an empty one.
    pub(crate) fn begin(&mut self) -> &mut Vec<&'a str> {
        self.items.get_or_insert_default()
    }

    /// Sets one more item aside.
    pub(crate) fn take(&mut self, item: &'a str) -> Result<(), Problem> {
        let (name, most) = (self.name, self.most);
        let items = self.begin();
        if items.len() == most {
            return Err(format!("more than {most} items in {name:?}").into());
        }
        items.push(item);
        Ok(())
    }
}

/// What is wrong, and at which byte.
pub(crate) type Fault = (usize, Problem);

/// Builds a tree from the values of a document in their order.
pub(crate) struct Builder<'a> {
    values: Vec<Value<'a>>,
    open: Vec<Open>,
    limits: Limits,
}

struct Open {
    place: Place,
    /// Items of a list have no names.
    is_list: bool,
    names: Names,
}

/// What is wrong with a value; where, only the parser knows.
pub(crate) type Problem = Cow<'static, str>;

impl<'a> Builder<'a> {
    fn new(text: &str, limits: Limits) -> Self {
        let likely_values = (text.len() / 16).clamp(8, 4096);
        Self { values: Vec::with_capacity(likely_values), open: Vec::with_capacity(8), limits }
    }

    /// Adds a value to the innermost open one. An object or list is open from now on.
    pub(crate) fn add(&mut self, name: Cow<'a, str>, content: Content<'a>) -> Result<(), Problem> {
        let place = self.next_place()?;
        if name.len() > self.limits.name_bytes {
            return Err(format!("a name of more than {} bytes", self.limits.name_bytes).into());
        }
        if let Content::Text(text) = &content {
            self.check_text_length(text.len())?;
        }
        let before = match self.open.last_mut() {
            Some(parent) if !parent.is_list => parent.names.enter(&self.values, parent.place, place, &name),
            _ => None,
        };
        if let Some(before) = before {
            self.values[before as usize].next_same = place;
        }
        let is_list = content == Content::List;
        let opens = is_list || content == Content::Object;
        let (is_repeat, is_item) = (before.is_some(), false);
        self.values.push(Value { name, content, end: place + 1, next_same: 0, is_repeat, is_item });
        if opens { self.open(place, is_list) } else { Ok(()) }
    }

    /// The value added last becomes an object, open from now on.
    pub(crate) fn last_becomes_object(&mut self) -> Result<(), Problem> {
        if let Some(last) = self.values.last_mut() {
            last.content = Content::Object;
        }
        self.open(self.next_place()?.saturating_sub(1), false)
    }

    /// The value added last that is still open becomes complete.
    pub(crate) fn close(&mut self) {
        if let Some(closed) = self.open.pop() {
            // No more than the values that were added, each of which has a place.
            self.values[closed.place as usize].end = Place::try_from(self.values.len()).unwrap_or(Place::MAX);
        }
    }

    /// The innermost open value.
    pub(crate) fn innermost(&self) -> Option<&Value<'a>> {
        let open = self.open.last()?;
        self.values.get(open.place as usize)
    }

    /// The value added last.
    pub(crate) fn last(&self) -> Option<&Value<'a>> {
        self.values.last()
    }

    /// The value added last, to change it.
    pub(crate) fn last_mut(&mut self) -> Option<&mut Value<'a>> {
        self.values.last_mut()
    }

    /// How many values are open.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn check_text_length(&self, length: usize) -> Result<(), Problem> {
        match length > self.limits.text_bytes {
            true => Err(format!("a text of more than {} bytes", self.limits.text_bytes).into()),
            false => Ok(()),
        }
    }

    /// All values, in document order; what is still open ends here.
    pub(crate) fn finish(mut self) -> Vec<Value<'a>> {
        while !self.open.is_empty() {
            self.close();
        }
        self.values
    }

    fn next_place(&self) -> Result<Place, Problem> {
        let place = self.values.len();
        let is_free = place < self.limits.values;
        let place = Place::try_from(place).ok().filter(|_| is_free);
        place.ok_or_else(|| format!("more than {} values in one body", self.limits.values).into())
    }

    fn open(&mut self, place: Place, is_list: bool) -> Result<(), Problem> {
        if self.open.len() >= self.limits.depth {
            return Err(format!("nested deeper than {} levels", self.limits.depth).into());
        }
        self.open.push(Open { place, is_list, names: Names::default() });
        Ok(())
    }
}

/// A refusal of bytes that are not a document, with the place by line and column.
pub(crate) fn malformed(bytes: &[u8], offset: usize, problem: impl std::fmt::Display) -> Rejection {
    let before = &bytes[..offset.min(bytes.len())];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count();
    ResponseCode::MalformedBody.because(format!("line {line}, column {column}: {problem}"))
}
