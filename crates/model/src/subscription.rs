//! A profile's subscription to a resource, under one address on one channel.

use crate::{
    address::Address,
    channel::ChannelName,
    field::Fields,
    resource::{Category, ResourceId},
    subscription_status::SubscriptionStatus,
};

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
}

impl Subscription {
    /// Whether this is the subscription with that resource, channel and address (S1).
    pub fn is(&self, resource: ResourceId, channel: &ChannelName, address: &Address) -> bool {
        self.resource == resource && self.channel == *channel && self.address.is_same(address)
    }
}
