//! API tokens and what they may touch. Rulings T7, T11.

use crate::database::DatabaseId;
use std::fmt;

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

/// A token of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The secret.
    pub token: ApiToken,
    /// The databases it may use.
    pub databases: Vec<DatabaseId>,
}
