//! Triggers of the configuration: which events are wanted, and where they are sent. Ruling D13.

use crate::{
    channel::ChannelName,
    database::DatabaseId,
    event_kind::EventKind,
    field::{FieldName, FieldValue},
    profile::Profile,
    profile_change::{ProfileChange, changes},
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

impl Trigger {
    /// Whether it wants to hear of this change, which has made the profile what it is.
    pub fn wants(&self, change: &ProfileChange<'_>, profile: &Profile) -> bool {
        self.database == profile.database
            && change.event_kind() == Some(self.on)
            && self.filter.lets_through(change, profile)
    }
}

impl Filter {
    fn lets_through(&self, change: &ProfileChange<'_>, profile: &Profile) -> bool {
        let subscription = change.subscription();
        is_wanted(&self.field, change.field())
            && is_wanted(&self.resource, subscription.map(|known| &known.resource))
            && is_wanted(&self.channel, subscription.map(|known| &known.channel))
            && is_wanted(&self.status, subscription.map(|known| &known.status))
            && is_wanted(&self.segment, change.segment().as_ref())
            && self.profile.iter().all(|(name, value)| profile.fields.get(name.as_str()) == Some(value))
    }
}

fn is_wanted<T: PartialEq>(wanted: &Option<T>, found: Option<&T>) -> bool {
    wanted.is_none() || wanted.as_ref() == found
}

/// What each trigger wants to hear of a change, in the order in which things are said to have happened.
pub fn wanted<'t, 'p>(
    triggers: &'t [Trigger],
    before: Option<&'p Profile>,
    after: &'p Profile,
) -> Vec<(&'t Trigger, ProfileChange<'p>)> {
    let of_database: Vec<_> = triggers.iter().filter(|trigger| trigger.database == after.database).collect();
    if of_database.is_empty() {
        return Vec::new(); // where nobody listens, nothing is compared
    }
    let mut wanted = Vec::new();
    for change in changes(before, after) {
        let listening = of_database.iter().filter(|trigger| trigger.wants(&change, after));
        wanted.extend(listening.map(|trigger| (*trigger, change.clone())));
    }
    wanted
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
