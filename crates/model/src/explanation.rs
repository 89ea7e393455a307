//! How an import came to its outcome: what was looked up, whom that found, and what became of the profile.

use crate::{
    profile::{Profile, ProfileId},
    resource::ResourceId,
};
use std::sync::Arc;

/// What an import tells of itself on its way, if somebody asks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explanation {
    /// The name of the matching mode.
    pub mode: Box<str>,
    /// What was looked up, in this order. The last one decided, if it found anybody.
    pub lookups: Vec<Looked>,
    /// The profile as it was, if it was there.
    pub before: Option<Arc<Profile>>,
    /// The profile as it has become.
    pub after: Option<Profile>,
}

/// A look-up, and whom it found.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// What a profile must have all of.
    pub keys: Vec<LookedKey>,
    /// Who has, oldest first; not more than [`Looked::SHOWN`].
    pub found: Vec<ProfileId>,
    /// Whether there are more than are shown.
    pub are_more: bool,
}

impl Looked {
    /// How many of those that were found are shown.
    pub const SHOWN: usize = 10;

    /// A look-up for these keys that found these profiles.
    pub fn new(keys: Vec<LookedKey>, found: &[ProfileId]) -> Self {
        let shown = found.len().min(Self::SHOWN);
        Self { keys, found: found[..shown].to_vec(), are_more: found.len() > shown }
    }
}

/// A value at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedKey {
    /// The place.
    pub place: &'static str,
    /// Which one of several there: a field, a channel, the provider of a push token; else empty.
    pub name: Box<str>,
    /// The value, in the form it is compared by.
    pub value: Box<str>,
    /// The resource of the subscriptions that count, if only those of one do (M17).
    pub resource: Option<ResourceId>,
}

/// What came of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing was searched for: the call only adds.
    NotSearched,
    /// Nobody, so that a profile is created.
    Nobody,
    /// One profile.
    One,
    /// Several, of which the oldest is taken.
    Oldest,
}

impl Found {
    /// What answers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSearched => "not_searched",
            Self::Nobody => "nobody",
            Self::One => "one",
            Self::Oldest => "oldest",
        }
    }
}

impl Explanation {
    /// What came of the search.
    pub fn found(&self) -> Found {
        match self.lookups.last().map(|last| last.found.len()) {
            None => Found::NotSearched,
            Some(0) => Found::Nobody,
            Some(1) => Found::One,
            Some(_) => Found::Oldest,
        }
    }
}
