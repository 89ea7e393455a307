//! The configuration as one plain value: what a server knows before its first request.

use crate::{
    channel::Channel,
    database::{Database, DatabaseId},
    rejection::Rejection,
    resource::{Resource, ResourceId},
    response_code::ResponseCode,
    token::{Grant, TokenHash},
    trigger::Trigger,
};
use subtle::ConstantTimeEq;

/// Databases, resources, channels, tokens and triggers. A world that is made from a file has been checked: numbers and names are
/// unique, and what refers to something refers to something that is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    /// The profile databases.
    pub databases: Vec<Database>,
    /// What can be subscribed to.
    pub resources: Vec<Resource>,
    /// The documented channels and those of the configuration.
    pub channels: Vec<Channel>,
    /// Who may call.
    pub grants: Vec<Grant>,
    /// Who wants to know what becomes of profiles.
    pub triggers: Vec<Trigger>,
}

impl World {
    /// The database with this number.
    pub fn database(&self, id: DatabaseId) -> Option<&Database> {
        self.databases.iter().find(|database| database.id == id)
    }

    /// The resource with this number.
    pub fn resource(&self, id: ResourceId) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id == id)
    }

    /// The channel called `name`.
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name.as_str() == name)
    }

    /// What the bearer of the secret with this hash may do. All grants are compared, each in time that does not depend on
    /// where the hashes differ.
    pub fn grant(&self, hash: TokenHash) -> Result<&Grant, Rejection> {
        let mut found = None;
        for grant in &self.grants {
            if bool::from(grant.hash.0.ct_eq(&hash.0)) {
                found = Some(grant);
            }
        }
        found.ok_or_else(|| ResponseCode::NoAccess.at("token"))
    }
}
