//! The configuration that is in force. It is exchanged as a whole, while requests are served; each request goes by the one
//! that it began with.

use arc_swap::ArcSwap;
use rollcall_model::world::World;
use std::sync::Arc;

/// Where everybody looks for the configuration.
#[derive(Debug)]
pub struct Worlds(ArcSwap<World>);

impl Worlds {
    /// Begins with this one.
    pub fn new(world: World) -> Self {
        Self(ArcSwap::from_pointee(world))
    }

    /// The one that is in force now.
    pub fn now(&self) -> Arc<World> {
        self.0.load_full()
    }

    /// From now on it is this one.
    pub fn exchange(&self, world: World) {
        self.0.store(Arc::new(world));
    }
}
