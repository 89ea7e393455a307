//! Triggers of the configuration: which events are wanted, and where they are sent. Ruling D13.

use crate::{
    channel::ChannelName,
    database::DatabaseId,
    event_kind::EventKind,
    field::{FieldName, FieldValue},
    resource::ResourceId,
    segment::SegmentId,
    subscription_status::SubscriptionStatus,
};
use std::fmt;

/// A trigger: what it listens for, and whom it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// What it is called; unique in the configuration.
    pub name: Box<str>,
    /// The database whose profiles it listens to.
    pub database: DatabaseId,
    /// What it listens for.
    pub on: EventKind,
    /// Which of these events it wants.
    pub filter: Filter,
    /// Where they are sent.
    pub webhook: Webhook,
}

/// Which events of a kind are wanted: those for which everything holds that is said here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// The field that changed is this one.
    pub field: Option<FieldName>,
    /// Fields of the profile, as it is afterwards, have these values.
    pub profile: Vec<(FieldName, FieldValue)>,
    /// The subscription is one to this resource.
    pub resource: Option<ResourceId>,
    /// The subscription is one on this channel.
    pub channel: Option<ChannelName>,
    /// The subscription has this status afterwards.
    pub status: Option<SubscriptionStatus>,
    /// The segment is this one.
    pub segment: Option<SegmentId>,
}

/// Where events are sent, and the secret they are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// An address that takes `POST`, over `http` or `https`.
    pub url: Box<str>,
    /// The key of the signature. Its text never appears in a log.
    pub secret: Box<str>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.url)
    }
}
