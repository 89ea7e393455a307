//! Free-form values: what the fields of type object and array of objects hold.

use std::collections::BTreeMap;

/// A value whose shape no schema prescribes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, where a value was spelled out as nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
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
