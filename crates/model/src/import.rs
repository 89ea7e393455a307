//! One import: what is asked for, and what came of it.

use crate::{
    database::DatabaseId,
    email::Email,
    field::{FieldName, FieldValue},
    phone::Phone,
    profile::ProfileId,
    profile_patch::ProfilePatch,
    resource::ResourceId,
};

/// An import as its sender means it, checked against the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportRequest {
    /// Which profiles it may be about.
    pub scope: ImportScope,
    /// The database to import into.
    pub database: DatabaseId,
    /// The name of the matching mode, as given; which names there are is the matter of `rollcall-matching`.
    pub matching: Option<Box<str>>,
    /// What to find the profile by.
    pub identifiers: Identifiers,
    /// How to go about it.
    pub options: ImportOptions,
    /// What to change in the profile.
    pub patch: ProfilePatch,
}

/// Which profiles an import may be about: what tells `profiles/import`, `update` and `add` apart. Dossier 6.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImportScope {
    /// One that is found, or else a new one.
    #[default]
    Any,
    /// One that is found.
    Existing,
    /// A new one; none is searched for.
    New,
}

/// The matching values, beside `data` in the request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identifiers {
    /// An e-mail address.
    pub email: Option<Email>,
    /// A phone number.
    pub phone: Option<Phone>,
    /// A profile's identifier.
    pub profile_id: Option<ProfileId>,
    /// The provider of a push token.
    pub provider: Option<Box<str>>,
    /// A push token.
    pub subscription_id: Option<Box<str>>,
    /// The name of a custom field or of a custom channel.
    pub field_name: Option<FieldName>,
    /// The value to look for there.
    pub field_value: Option<SearchedValue>,
    /// Narrows look-ups among e-mail and SMS subscriptions to one resource (M17).
    pub resource: Option<ResourceId>,
}

/// A value to look for under a name, read in every way that the name can be meant (M5, M6). At least one of them holds.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchedValue {
    /// As it was given.
    pub text: Box<str>,
    /// As a value of the database's field of that name, if it has one and the value fits it.
    pub of_database: Option<FieldValue>,
    /// As values of the subscription fields of that name, of resources open to the database, as far as it fits them.
    pub of_subscriptions: Vec<FieldValue>,
}

/// The flags of an import; all false when not given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// No trigger hears of this change (D13).
    pub skip_triggers: bool,
    /// Subscriptions that cannot be stored are left out instead of failing the request (S6, S7).
    pub skip_invalid_subscriptions: bool,
    /// Fills places from IP addresses (D11).
    pub detect_geo: bool,
}

/// What an accepted import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// Nobody was found; this profile was created.
    Created(ProfileId),
    /// This profile was found, and is now as asked for.
    Updated(ProfileId),
}

impl ImportOutcome {
    /// The profile that was created or updated.
    pub fn profile_id(self) -> ProfileId {
        match self {
            Self::Created(id) | Self::Updated(id) => id,
        }
    }
}
