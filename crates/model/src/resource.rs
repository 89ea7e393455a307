//! Resources: what a profile subscribes to, on which channels, with which categories and fields.

use crate::{channel::ChannelName, database::DatabaseId, field::FieldDefinitions};
use std::sync::Arc;

/// The number of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u32);

/// The name of a topic within a resource. Cheap to clone.
pub type Category = Arc<str>;

/// Something to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its number.
    pub id: ResourceId,
    /// What people call it.
    pub name: Box<str>,
    /// The databases whose profiles may subscribe.
    pub databases: Vec<DatabaseId>,
    /// The channels one can subscribe on.
    pub channels: Vec<ChannelName>,
    /// The topics one can choose.
    pub categories: Vec<Category>,
    /// What a subscription may carry in `custom_fields`, the system's fields included.
    pub fields: FieldDefinitions,
    /// Whether a new subscription goes before the profile's others on this resource, unless the request gives a
    /// priority (S3).
    pub raise_priority: bool,
}

impl Resource {
    /// The category called `name`, if the resource has it.
    pub fn category(&self, name: &str) -> Option<&Category> {
        self.categories.iter().find(|category| &***category == name)
    }
}
