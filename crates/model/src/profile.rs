//! Profiles: one person in one database.

use crate::{
    database::DatabaseId,
    email::Email,
    field::{FieldValue, Fields},
    hex,
    phone::Phone,
    segment::SegmentId,
    subscription::Subscription,
    system_field::{EMAIL, PHONES},
};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// The identifier of a profile: 12 bytes, written as 24 lower-case hexadecimal digits (T9). Older profiles order first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(pub [u8; 12]);

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(self.0, f)
    }
}

/// The text is not 24 hexadecimal digits, so no profile has it as its identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAProfileId;

impl FromStr for ProfileId {
    type Err = NotAProfileId;

    fn from_str(text: &str) -> Result<Self, NotAProfileId> {
        hex::read(text).map(Self).ok_or(NotAProfileId)
    }
}

/// A person in a database: fields, subscriptions, segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its identifier.
    pub id: ProfileId,
    /// The database it belongs to.
    pub database: DatabaseId,
    /// System and custom fields that have a value.
    pub fields: Fields,
    /// In the order they were added.
    pub subscriptions: Vec<Subscription>,
    /// The static segments it is in.
    pub segments: BTreeSet<SegmentId>,
}

impl Profile {
    /// A profile that has nothing yet.
    pub fn new(id: ProfileId, database: DatabaseId) -> Self {
        let (fields, subscriptions, segments) = Default::default();
        Self { id, database, fields, subscriptions, segments }
    }

    /// The e-mail address among its fields.
    pub fn email(&self) -> Option<&Email> {
        match self.fields.get(EMAIL) {
            Some(FieldValue::Email(email)) => Some(email),
            _ => None,
        }
    }

    /// The phone numbers among its fields.
    pub fn phones(&self) -> &[Phone] {
        match self.fields.get(PHONES) {
            Some(FieldValue::Phones(phones)) => phones,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_24_hexadecimal_digits() {
        let id: ProfileId = "54759eb3c090d83494e2d804".parse().unwrap();
        assert_eq!(id.to_string(), "54759eb3c090d83494e2d804");
        for wrong in ["", "54759eb3c090d83494e2d80", "54759eb3c090d83494e2d80g", "c1are24fu213lwith21that2axe9"] {
            assert_eq!(wrong.parse::<ProfileId>(), Err(NotAProfileId), "{wrong}");
        }
    }
}
