//! A profile's subscription to a resource, under one address on one channel.

use crate::{
    address::Address,
    channel::ChannelName,
    field::Fields,
    resource::{Category, ResourceId},
    subscription_status::SubscriptionStatus,
};
use jiff::Timestamp;
use std::net::IpAddr;

/// A subscription. Within a profile it is the one with this resource, channel and address (S1).
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// What is subscribed to.
    pub resource: ResourceId,
    /// By which way.
    pub channel: ChannelName,
    /// Under which address.
    pub address: Address,
    /// Where it stands.
    pub status: SubscriptionStatus,
    /// 0 is the highest.
    pub priority: i32,
    /// What is known of it: system and custom fields.
    pub custom_fields: Fields,
    /// The chosen topics, each once, in the order first given.
    pub categories: Vec<Category>,
    /// When, from where and on which page it was made, as far as that was told.
    pub registration: Registration,
}

/// How a subscription came about. Dossier 4.1: `date`, `ip`, `url`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// When.
    pub date: Option<Timestamp>,
    /// From which address of the network.
    pub ip: Option<IpAddr>,
    /// On which page.
    pub url: Option<Box<str>>,
}

impl Subscription {
    /// A subscription of which nothing else is known yet (S3).
    pub fn new(resource: ResourceId, channel: ChannelName, address: Address) -> Self {
        let (status, priority, custom_fields, categories, registration) = Default::default();
        Self { resource, channel, address, status, priority, custom_fields, categories, registration }
    }

    /// Whether this is the subscription with that resource, channel and address (S1).
    pub fn is(&self, resource: ResourceId, channel: &ChannelName, address: &Address) -> bool {
        self.resource == resource && self.channel == *channel && self.address.is_same(address)
    }
}
