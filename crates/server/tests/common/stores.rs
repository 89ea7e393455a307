//! The stores that servers are started on, as processes: what is proved of one is proved of each.

use super::program::Place;
use rollcall_testbed::server::Server;

/// A store, and how many servers share it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StoreKind {
    Memory,
    Disk,
}

/// Servers on one store, which is empty when they start.
pub(crate) struct Fleet {
    pub(crate) servers: Vec<Server>,
    _place: Place,
}

impl Fleet {
    /// Starts the servers; none where what they need is not installed, which has then been said.
    pub(crate) fn start(kind: StoreKind) -> Option<Self> {
        let place = Place::new();
        let servers = match kind {
            StoreKind::Memory => vec![Server::start(place.rollcall().arg("--memory")).unwrap()],
            StoreKind::Disk => vec![place.start()],
        };
        Some(Self { servers, _place: place })
    }

    /// One of the servers: as many clients go to each.
    pub(crate) fn server(&self, client: usize) -> &Server {
        &self.servers[client % self.servers.len()]
    }
}
