//! Table: what is compared, how each is started, and a round of calls on it. Every one that keeps anything has a folder
//! of its own on the same disk.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail};
use rollcall_testbed::http::Connection;
use rollcall_testbed::load::{Caller, Round, Until, closed_loop};
use rollcall_testbed::people::Documented;
use rollcall_testbed::postgres::Cluster;
use rollcall_testbed::server::Server;
use rollcall_testbed::usage::usage;

use crate::mocks::{self, Mock};
use crate::upsert::{Function, Upsert};
use crate::visitors::person;
use crate::{floor, report};

/// Something that is measured.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// With how many connections; all if none are said.
    only_with: Option<usize>,
    /// Or why it does not run.
    running: Result<Running, String>,
    /// Whether it holds people.
    fills: bool,
    people: u64,
    next: u64,
}

enum Running {
    Floor(std::path::PathBuf),
    Ours(Server),
    Mock(Mock),
    Function(Function),
}

/// A row of the table: name, title, whether it holds people, and how it is started.
type Row = (&'static str, &'static str, bool, fn(&Place<'_>) -> anyhow::Result<Running>);

const TABLE: [Row; 11] = [
    ("floor", "append 1 KB + fdatasync, one thread", false, |place| Ok(Running::Floor(place.folder("floor")?))),
    ("disk", "`rollcall --data`", true, |place| ours("disk", &place.folder("disk")?.display().to_string())),
    ("single", "the same, one sync per request", true, |place| {
        ours("single", &place.folder("single")?.display().to_string())
    }),
    ("log", "the same, bare log with group commit", false, |place| {
        ours("log", &place.folder("log")?.display().to_string())
    }),
    ("memory", "the same, `--memory`", true, |_| ours("memory", "")),
    ("bare", "bare hyper + `serde_json::Value`", false, |_| ours("bare", "")),
    ("postgres", "the same, `--store postgres://`", true, |place| {
        ours("postgres", &place.cluster()?.new_database()?)
    }),
    ("function", "PL/pgSQL upsert, called directly", true, |place| {
        Ok(Running::Function(Function::create(&place.cluster()?.new_database()?)?))
    }),
    ("prism", "Prism", false, |place| mock(&mocks::PRISM, place)),
    ("mockoon", "Mockoon", false, |place| mock(&mocks::MOCKOON, place)),
    ("wiremock", "WireMock, journal off", false, |place| mock(&mocks::WIREMOCK, place)),
];
