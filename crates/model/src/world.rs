//! The configuration as one plain value: what a server knows before its first request.

use crate::{
    channel::Channel,
    database::{Database, DatabaseId},
    rejection::Rejection,
    resource::{Resource, ResourceId},
    response_code::ResponseCode,
    token::Grant,
};

/// Databases, resources, channels and tokens. A world that is made from a file has been checked: numbers and names are
/// unique, and what refers to something refers to something that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The profile databases.
    pub databases: Vec<Database>,
    /// What can be subscribed to.
    pub resources: Vec<Resource>,
    /// The documented channels and those of the configuration.
    pub channels: Vec<Channel>,
    /// Who may call.
    pub grants: Vec<Grant>,
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

    /// What the bearer of `secret` may touch. All grants are compared, each in time that does not depend on where
    /// the texts differ.
    pub fn grant(&self, secret: &str) -> Result<&Grant, Rejection> {
        let mut found = None;
        for grant in &self.grants {
            if is_same_secret(grant.token.secret(), secret) {
                found = Some(grant);
            }
        }
        found.ok_or_else(|| ResponseCode::NoAccess.at("token"))
    }
}

fn is_same_secret(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
