//! What a body may hold at most. Ruling T13.

/// Bounds on a body. Passing one is refused, naming the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Objects, lists and elements within one another.
    pub depth: usize,
    /// Bytes of one name.
    pub name_bytes: usize,
    /// Bytes of one text.
    pub text_bytes: usize,
    /// Values in the whole body, so that memory stays in proportion.
    pub values: usize,
    /// Items of `data.subscriptions`.
    pub subscriptions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, name_bytes: 1024, text_bytes: 64 * 1024, values: 200_000, subscriptions: 1_000 }
    }
}
