//! Free-form values: what the fields of type object and array of objects hold.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    mem::discriminant,
};

/// A value whose shape no schema prescribes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, where a value was spelled out as nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; never NaN.
    Float(f64),
    /// A text.
    Text(Box<str>),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name; the order of names means nothing.
    Object(Object),
}

/// Values by name.
pub type Object = BTreeMap<Box<str>, Value>;

/// Numbers are never NaN, so that equality is one.
impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        discriminant(self).hash(state);
        match self {
            Self::Null => {}
            Self::Bool(value) => value.hash(state),
            Self::Int(number) => number.hash(state),
            Self::Float(number) => (number + 0.0).to_bits().hash(state), // the two zeros are equal
            Self::Text(text) => text.hash(state),
            Self::List(items) => items.hash(state),
            Self::Object(object) => object.hash(state),
        }
    }
}
