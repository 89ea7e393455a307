//! Reading a tree: elements, objects and lists, whatever the format, each knowing its place for a refusal. X3-X5, D8.

use crate::{
    format::Format,
    tree::{Content, Place, Tree, Value},
};
use rollcall_model::{rejection::Rejection, response_code::ResponseCode};
use std::borrow::Cow;

/// A value of the tree as a reader meets it: a member of an object with all its repetitions, or one item of a list.
#[derive(Debug, Clone, Copy)]
pub struct Element<'t, 'a> {
    tree: &'t Tree<'a>,
    place: Place,
    /// Whose name it goes by: its own, or the list's.
    named_by: Place,
    /// Set for an item of a list, which is alone whatever its siblings.
    index: Option<u32>,
}

/// An object of the tree.
#[derive(Debug, Clone, Copy)]
pub struct Object<'t, 'a> {
    tree: &'t Tree<'a>,
    place: Place,
}

impl<'a> Tree<'a> {
    /// The root.
    pub fn root(&self) -> Object<'_, 'a> {
        Object { tree: self, place: 0 }
    }
}

impl<'t, 'a> Object<'t, 'a> {
    /// The member called `name`.
    pub fn get(self, name: &str) -> Option<Element<'t, 'a>> {
        self.members().find(|member| member.name() == name)
    }

    /// The member called `name`, unless it is absent or `null`.
    pub fn given(self, name: &str) -> Option<Element<'t, 'a>> {
        self.get(name).filter(|member| !member.is_null())
    }

    /// The members in document order, each name once.
    pub fn members(self) -> impl Iterator<Item = Element<'t, 'a>> {
        let tree = self.tree;
        let members = tree.children(self.place).filter(|&place| !tree.values[place as usize].is_repeat);
        members.map(move |place| Element { tree, place, named_by: place, index: None })
    }
}

impl<'a> Tree<'a> {
    fn children(&self, place: Place) -> impl Iterator<Item = Place> + use<'_, 'a> {
        let end = self.values[place as usize].end;
        let first = Some(place + 1).filter(|&first| first < end);
        std::iter::successors(first, move |&at| Some(self.values[at as usize].end).filter(|&next| next < end))
    }
}

impl<'t, 'a> Element<'t, 'a> {
    /// The member's name, or the list's for an item.
    pub fn name(self) -> &'t str {
        &self.tree.values[self.named_by as usize].name
    }

    /// Whether it is spelled out as nothing; only JSON can.
    pub fn is_null(self) -> bool {
        self.value().content == Content::Null
    }

    /// Refuses this element as a value of the wrong type or form.
    pub fn refuse(self, problem: impl Into<Cow<'static, str>>) -> Rejection {
        self.at(ResponseCode::IncorrectValue.because(problem))
    }

    /// A refusal of something within this element, or of itself.
    pub fn at(self, rejection: Rejection) -> Rejection {
        match self.index {
            Some(index) => rejection.under_index(index as usize).under(self.name()),
            None => rejection.under(self.name()),
        }
    }

    /// The element as an object.
    pub fn object(self) -> Result<Object<'t, 'a>, Rejection> {
        match self.single()? {
            Content::Object => Ok(Object { tree: self.tree, place: self.place }),
            // An empty XML element does not tell whether it is an empty text or an object without members (X5).
            Content::Text(text) if self.tree.format == Format::Xml && text.trim_ascii().is_empty() => {
                Ok(Object { tree: self.tree, place: self.place })
            }
            _ => Err(self.refuse("not an object")),
        }
    }

    /// The element as an object, if it is written as one.
    pub(crate) fn as_object(self) -> Option<Object<'t, 'a>> {
        let is_object = matches!(self.single(), Ok(Content::Object));
        is_object.then_some(Object { tree: self.tree, place: self.place })
    }

    /// The element as a list. What is no list is a list of one (D8, X4).
    pub fn items(self) -> impl Iterator<Item = Element<'t, 'a>> {
        let Self { tree, place, named_by, .. } = self;
        let is_json_list = self.value().content == Content::List;
        let in_list = is_json_list.then(|| tree.children(place)).into_iter().flatten();
        let is_empty = is_json_list || self.is_empty_list();
        let repeated = (!is_empty).then(|| tree.repetitions(place)).into_iter().flatten();
        let places = (0..).zip(in_list.chain(repeated));
        places.map(move |(index, place)| Element { tree, place, named_by, index: Some(index) })
    }

    /// An empty XML element that is marked as an item stands for a list without items (X5).
    fn is_empty_list(self) -> bool {
        let value = self.value();
        let is_blank = matches!(&value.content, Content::Text(text) if text.trim_ascii().is_empty());
        self.tree.format == Format::Xml && value.is_item && value.next_same == 0 && is_blank
    }

    /// The element's content, where one value is wanted (X4).
    pub(crate) fn single(self) -> Result<&'t Content<'a>, Rejection> {
        let value = self.value();
        let is_list = value.content == Content::List || self.index.is_none() && (value.next_same != 0 || value.is_item);
        if is_list { Err(self.refuse("a list where one value is wanted")) } else { Ok(&value.content) }
    }

    /// Whether the element is written as a list.
    pub(crate) fn is_list(self) -> bool {
        self.single().is_err()
    }

    fn value(self) -> &'t Value<'a> {
        &self.tree.values[self.place as usize]
    }
}

impl<'a> Tree<'a> {
    /// An XML element and the siblings that repeat its name.
    fn repetitions(&self, place: Place) -> impl Iterator<Item = Place> + use<'_, 'a> {
        std::iter::successors(Some(place), |&at| Some(self.values[at as usize].next_same).filter(|&next| next != 0))
    }
}
