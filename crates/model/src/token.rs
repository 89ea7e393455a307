//! API tokens and what they may do. Rulings T7, T11.

use crate::{action::Action, database::DatabaseId, hex};
use sha2::{Digest, Sha256};
use std::{fmt, num::NonZeroU32, str::FromStr, sync::Arc, time::Duration};

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
    /// What it is called in the log; unique in the configuration. Cheap to clone.
    pub name: Arc<str>,
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

/// What a written hash begins with.
const ALGORITHM: &str = "sha256:";

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ALGORITHM)?;
        hex::write(self.0, f)
    }
}

/// The text is not `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotATokenHash;

impl FromStr for TokenHash {
    type Err = NotATokenHash;

    fn from_str(text: &str) -> Result<Self, NotATokenHash> {
        text.strip_prefix(ALGORITHM).and_then(hex::read).map(Self).ok_or(NotATokenHash)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_written_as_it_is_read() {
        let hash = TokenHash::of("abc");
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((hash.to_string().as_str(), text.parse()), (text, Ok(hash)));
        for wrong in [&text[7..], &text[..70], &text.replace('b', "g"), &format!("{text}00"), "sha256:", "md5:00"] {
            assert_eq!(wrong.parse::<TokenHash>(), Err(NotATokenHash), "{wrong}");
        }
    }
}
