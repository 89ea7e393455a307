//! API tokens and what they may do. Rulings T7, T11.

use crate::{action::Action, database::DatabaseId};
use sha2::{Digest, Sha256};
use std::{fmt, num::NonZeroU32, time::Duration};

/// The secret a caller proves itself with. Its text never appears in a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiToken(Box<str>);

impl ApiToken {
    /// The secret itself, to compare it or to send it.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ApiToken {
    fn from(secret: &str) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(***)")
    }
}

/// A token of the configuration, and what its bearer may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it is called in logs and metrics; unique in the configuration.
    pub name: Box<str>,
    /// The SHA-256 of the secret; the configuration need not know more.
    pub hash: TokenHash,
    /// What it may do, database by database.
    pub rights: Vec<Right>,
    /// Requests at most, if they are counted; one more is refused with 429.
    pub rate_limit: Option<Allowance>,
    /// Profiles that may be imported at most, if they are counted; one more is refused with 402.
    pub tariff_limit: Option<Allowance>,
}

/// The SHA-256 of a token's secret. Tokens are long and random, so that nothing slower is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of this secret.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

/// What may be done in one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// Where.
    pub database: DatabaseId,
    /// What.
    pub actions: Vec<Action>,
}

/// So many in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many.
    pub count: NonZeroU32,
    /// In which time.
    pub period: Duration,
}

impl Grant {
    /// Whether it knows of the database at all.
    pub fn knows(&self, database: DatabaseId) -> bool {
        self.rights.iter().any(|right| right.database == database)
    }

    /// Whether this may be done there.
    pub fn allows(&self, action: Action, database: DatabaseId) -> bool {
        self.rights.iter().any(|right| right.database == database && right.actions.contains(&action))
    }
}
