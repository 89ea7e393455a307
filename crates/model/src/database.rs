//! Profile databases: the fields their profiles have, their segments, and their policies.

use crate::{field::FieldDefinitions, phone::Region, segment::Segment};

/// The number of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseId(pub u32);

/// A profile database. Its profiles are never found through another one (M18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its number.
    pub id: DatabaseId,
    /// What people call it.
    pub name: Box<str>,
    /// The fields of its profiles: the system's and its own.
    pub fields: FieldDefinitions,
    /// Its static segments.
    pub segments: Vec<Segment>,
    /// The region whose number plan reads national phone numbers (M15).
    pub default_region: Option<Region>,
    /// What happens to a field it does not have (D3).
    pub unknown_fields: UnknownFields,
    /// What happens when several profiles match (M10).
    pub several_found: SeveralFound,
}

/// What a database does with a field it does not have. Ruling D3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownFields {
    /// Refuses the request.
    #[default]
    Reject,
    /// Leaves the field out.
    Ignore,
}

/// What a database does when several profiles match. Ruling M10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeveralFound {
    /// Takes the oldest of them.
    #[default]
    Oldest,
    /// Refuses the request.
    Refuse,
}
