//! A refusal as a value: the reason, the place in the request, and what was wrong there. Ruling T10.
//!
//! A rejection is the sender's fault. Faults of ours are errors of the store or the server, never a `Rejection`.

use crate::response_code::ResponseCode;
use std::{borrow::Cow, fmt};

/// Why a request, or a part of it, is refused. Nothing of a refused request is stored (D4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The reason; its number becomes the answer's `error`.
    pub code: ResponseCode,
    /// Where in the request; empty when the request as a whole is meant.
    pub path: Path,
    /// What was wrong, in words; may be empty.
    pub detail: Cow<'static, str>,
}

/// A place in a request: `data.subscriptions[2].phone`.
///
/// Segments are kept in reverse, since they are added while the refusal travels outwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Name(Box<str>),
    Index(usize),
}

impl ResponseCode {
    /// A refusal for this reason at the named place.
    pub fn at(self, name: &str) -> Rejection {
        Rejection::from(self).under(name)
    }

    /// A refusal for this reason, with what was wrong in words.
    pub fn because(self, detail: impl Into<Cow<'static, str>>) -> Rejection {
        Rejection { code: self, path: Path::default(), detail: detail.into() }
    }
}

impl From<ResponseCode> for Rejection {
    fn from(code: ResponseCode) -> Self {
        code.because("")
    }
}

impl Rejection {
    /// The same refusal, seen from the object that holds the refused thing under `name`.
    #[must_use]
    pub fn under(mut self, name: &str) -> Self {
        self.path.0.push(Segment::Name(name.into()));
        self
    }

    /// The same refusal, seen from the list that holds the refused thing at `index`.
    #[must_use]
    pub fn under_index(mut self, index: usize) -> Self {
        self.path.0.push(Segment::Index(index));
        self
    }
}

impl Rejection {
    /// The same refusal, seen from `steps` further in: for a request that says at its top what others say further down.
    #[must_use]
    pub fn seen_from_within(mut self, steps: usize) -> Self {
        let Path(segments) = &mut self.path;
        segments.truncate(segments.len().saturating_sub(steps));
        self
    }
}

impl fmt::Display for Rejection {
    /// The answer's `error_text`: reason, place, detail, as far as they are known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.text())?;
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

impl Path {
    /// Whether the request as a whole is meant.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().rev().enumerate() {
            match segment {
                Segment::Name(name) if depth == 0 => f.write_str(name)?,
                Segment::Name(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_place_from_the_outside_in() {
        let rejection = ResponseCode::IncorrectValue
            .because("not a phone number")
            .under("phone")
            .under_index(2)
            .under("subscriptions")
            .under("data");
        assert_eq!(
            rejection.to_string(),
            "Incorrect request: incorrect value: data.subscriptions[2].phone: not a phone number"
        );
    }

    #[test]
    fn leaves_out_the_way_that_the_request_is_spared() {
        let refusal = ResponseCode::IncorrectValue.at("a").under_index(0).under("subscriptions").under("data");
        assert_eq!(refusal.clone().seen_from_within(3), ResponseCode::IncorrectValue.at("a"));
        assert!(refusal.seen_from_within(5).path.is_empty());
    }

    #[test]
    fn leaves_out_what_is_not_known() {
        assert_eq!(Rejection::from(ResponseCode::TokenMissing).to_string(), "API token required");
        assert_eq!(
            ResponseCode::MissingParameter.at("db_id").to_string(),
            "Incorrect request: parameter is missing: db_id"
        );
    }
}
