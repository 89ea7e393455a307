//! The judge: tells whether a server answers the profile import call as documented.
//!
//! Requirements, cases, worlds and the documentation's examples are data ([`suite`] loads and checks them). [`run`]
//! plans each case in each format, [`judge`] sends its steps to a [`target`] and compares the answers by meaning,
//! [`report`] says what came of it. No crate of Rollcall is used: the suite writes and reads JSON and XML itself.
//! Nothing here prints or exits; the binary does.

pub mod against;
pub mod answer;
pub mod case;
pub mod claim;
pub mod compare;
pub mod expectation;
pub mod filter;
pub mod finds;
pub mod generated;
pub mod fingerprint;
pub mod judge;
pub mod known;
mod mask;
pub mod placeholder;
pub mod read_only;
pub mod render;
pub mod replay;
pub mod report;
pub mod reproduction;
pub mod requirement;
pub mod run;
pub mod self_check;
pub mod shrink;
pub mod suite;
pub mod target;
pub mod value;
pub mod world;
pub mod xml;

use std::fmt;

use serde::{Deserialize, Serialize};

/// The two body formats of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `application/json`.
    Json,
    /// `application/xml`.
    Xml,
}

impl Format {
    /// Both, in the order in which they are run.
    pub const ALL: [Self; 2] = [Self::Json, Self::Xml];

    /// The media type that declares this format.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }

    /// The word used in case files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
