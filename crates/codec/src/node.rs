//! What is written, whatever the format: a value of names and scalars, in the order in which it is to appear.

/// A value on its way to bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// Nothing; left out where the format cannot say it.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Named values in order.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// A text.
    pub(crate) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// An object of these members, in this order.
    pub(crate) fn object<'n>(members: impl IntoIterator<Item = (&'n str, Node)>) -> Self {
        Self::Object(members.into_iter().map(|(name, node)| (name.to_owned(), node)).collect())
    }
}
