//! The people who come to a store that holds many: nine in ten are known, and anyone of them as likely as any other;
//! one in ten is new.
//!
//! Customers of a shop sign up once and come back often, hence the nine. That all are as likely is the worst a cache can
//! meet: a hot set would hide that the store has grown.

use std::net::SocketAddr;

use rollcall_testbed::http::Connection;
use rollcall_testbed::load::Caller;
use rollcall_testbed::people::{look, varied};

/// One of so many visitors is new.
pub(crate) const NEW_ONE_IN: u64 = 10;

/// Connections that load and visit.
pub(crate) const CONNECTIONS: usize = 64;

/// Sends requests that a function makes of a number.
pub(crate) struct Sender<R> {
    connection: Connection,
    request: R,
}

impl<R: Fn(u64) -> String> Sender<R> {
    pub(crate) async fn open(address: SocketAddr, request: R) -> anyhow::Result<Self> {
        Ok(Self { connection: Connection::open(address).await?, request })
    }
}

impl<R: Fn(u64) -> String + 'static> Caller for Sender<R> {
    async fn call(&mut self, number: u64) -> anyhow::Result<()> {
        self.connection.succeed((self.request)(number).as_bytes()).await
    }
}

/// Who comes with this number, to a store that holds the people with numbers below `known`.
pub(crate) fn person(known: u64, number: u64) -> u64 {
    match number % NEW_ONE_IN {
        0 => known + number / NEW_ONE_IN,
        _ => fastrand::Rng::with_seed(number).u64(..known),
    }
}

/// The import of who comes with this number.
pub(crate) fn visit(known: u64, number: u64) -> String {
    varied(person(known, number), number)
}

/// The look at a profile with this number.
pub(crate) fn glance(known: u64, number: u64) -> String {
    look(fastrand::Rng::with_seed(number).u64(..known))
}
