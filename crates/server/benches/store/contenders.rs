//! Table: what is compared, how each is started, and a round of calls on it. Every one that keeps anything has a folder
//! of its own on the same disk.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use rollcall_testbed::http::Connection;
use rollcall_testbed::load::{Caller, Round, Until, closed_loop};
use rollcall_testbed::people::Documented;
use rollcall_testbed::postgres::{self, Cluster};
use rollcall_testbed::server::Server;
use rollcall_testbed::usage::usage;

use crate::mocks::{self, Mock, Tool};
use crate::serve::{self, Keeps};
use crate::upsert::Function;
use crate::visitors::{CONNECTIONS, person};
use crate::{floor, report};

/// What a contender is.
#[derive(Clone, Copy)]
enum Kind {
    /// The disk alone.
    Floor,
    /// Our HTTP server, with something behind it.
    Ours(Keeps),
    /// A function of PostgreSQL, called without a server of ours.
    Function,
    /// A mock server of others.
    Mock(&'static Tool),
}

/// Table: name, title, what it is. In the order of their turns.
const TABLE: [(&str, &str, Kind); 12] = [
    ("floor", "append 1 KB + fdatasync, one thread", Kind::Floor),
    ("disk", "**our server, `DiskStore`**", Kind::Ours(Keeps::Disk)),
    ("single", "the same, one sync per request", Kind::Ours(Keeps::Single)),
    ("log", "our server, bare log with group commit", Kind::Ours(Keeps::Log)),
    ("memory", "our server, `MemoryStore`", Kind::Ours(Keeps::Memory)),
    ("bare", "bare hyper + `serde_json::Value`", Kind::Ours(Keeps::Nothing)),
    ("postgres", "our server, `PostgresStore`", Kind::Ours(Keeps::Postgres)),
    ("function", "PL/pgSQL upsert, called directly", Kind::Function),
    ("prism", "Prism", Kind::Mock(&mocks::PRISM)),
    ("mockoon", "Mockoon", Kind::Mock(&mocks::MOCKOON)),
    ("wiremock", "WireMock", Kind::Mock(&mocks::WIREMOCK)),
    ("unjournaled", "WireMock, journal off", Kind::Mock(&mocks::WIREMOCK_WITHOUT_JOURNAL)),
];

/// The names in the table.
pub(crate) fn names() -> [&'static str; TABLE.len()] {
    TABLE.map(|(name, ..)| name)
}

/// Something that is measured.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    kind: Kind,
    /// Or why it does not run.
    running: Result<Running, String>,
    /// How many people it holds from the beginning.
    people: u64,
    /// The number of its next call.
    next: u64,
}

enum Running {
    Floor(PathBuf),
    Ours(Server),
    Function(Function),
    Mock(Mock),
}

/// Where contenders run.
pub(crate) struct Place<'a> {
    folder: &'a Path,
    /// Or why there is none.
    cluster: Result<Cluster, String>,
}

/// As on a server of its own; the rest is as PostgreSQL comes: every commit is synced.
const POSTGRES: [(&str, &str); 2] = [("shared_buffers", "1GB"), ("max_connections", "200")];

impl<'a> Place<'a> {
    pub(crate) fn new(folder: &'a Path) -> Self {
        let cluster = match postgres::installed() {
            Some(_) => Cluster::start_with(&POSTGRES).map_err(|error| format!("{error:#}")),
            None => Err("no PostgreSQL is installed (apt-get install postgresql)".to_owned()),
        };
        Self { folder, cluster }
    }

    fn new_database(&self) -> anyhow::Result<String> {
        self.cluster.as_ref().map_err(|reason| anyhow::anyhow!("{reason}"))?.new_database()
    }
}

/// Starts the wanted contenders, with so many people in those that hold any.
pub(crate) fn start(place: &Place<'_>, people: u64, is_wanted: impl Fn(&str) -> bool) -> Vec<Contender> {
    let wanted = TABLE.into_iter().filter(|(name, ..)| is_wanted(name));
    let started = wanted.map(|(name, title, kind)| {
        let running = started(kind, name, place, people).map_err(|error| format!("{error:#}"));
        if let Err(reason) = &running {
            eprintln!("NOT RUN: {title}: {reason}");
        }
        Contender { name, title, kind, running, people, next: 0 }
    });
    started.collect()
}

fn started(kind: Kind, name: &str, place: &Place<'_>, people: u64) -> anyhow::Result<Running> {
    let folder = place.folder.join(name);
    std::fs::create_dir(&folder)?;
    let running = match kind {
        Kind::Floor => return Ok(Running::Floor(folder)),
        Kind::Mock(tool) => return Ok(Running::Mock(tool.start(&folder)?)),
        Kind::Function => Running::Function(Function::create(&place.new_database()?)?),
        // Filled without the brake, which only slows the filling down.
        Kind::Ours(Keeps::Single) => {
            fill(&Running::Ours(serve::start(Keeps::Disk, folder.as_os_str())?), name, people)?;
            return Ok(Running::Ours(serve::start(Keeps::Single, folder.as_os_str())?));
        }
        Kind::Ours(Keeps::Postgres) => Running::Ours(serve::start(Keeps::Postgres, place.new_database()?.as_ref())?),
        Kind::Ours(keeps) => Running::Ours(serve::start(keeps, folder.as_os_str())?),
    };
    fill(&running, name, people)?;
    Ok(running)
}

/// Imports everybody once.
fn fill(running: &Running, name: &str, people: u64) -> anyhow::Result<()> {
    let bar = report::progress(&format!("{people} people for {name}"), people);
    let counting = bar.clone();
    running.calls(CONNECTIONS, &mut 0, Until::Number(people), |number| (number, 0), move || counting.inc(1))?;
    bar.finish_and_clear();
    Ok(())
}

impl Contender {
    /// Whether it is measured with so many connections, if it runs.
    pub(crate) fn is_meant_for(&self, connections: usize) -> bool {
        connections == 1 || !matches!(self.kind, Kind::Floor)
    }

    /// Why it does not run.
    pub(crate) fn not_run(&self) -> Option<&str> {
        self.running.as_ref().err().map(String::as_str)
    }

    /// Calls for so long, and the time of processors that its server took, where that is one process.
    pub(crate) fn round(&mut self, connections: usize, time: Duration) -> anyhow::Result<(Round, Option<Duration>)> {
        let Ok(running) = &self.running else { bail!("{} does not run", self.title) };
        let people = self.people;
        let cpu = || running.process().map(|process| usage(process).map(|usage| usage.cpu)).transpose();
        let before = cpu()?;
        let visits = move |number| (person(people, number), number);
        let round = running.calls(connections, &mut self.next, Until::Over(time), visits, || ());
        let round = round.with_context(|| self.title.to_owned())?;
        let used = cpu()?.zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok((round, used))
    }
}

impl Running {
    /// The server, where it is one process.
    fn process(&self) -> Option<u32> {
        match self {
            Self::Floor(_) | Self::Function(_) => None,
            Self::Ours(server) => Some(server.pid()),
            Self::Mock(mock) => Some(mock.pid()),
        }
    }

    /// Calls with the person and visit that belong to a number.
    fn calls(
        &self,
        connections: usize,
        next: &mut u64,
        until: Until,
        who: impl Fn(u64) -> (u64, u64) + Clone + 'static,
        done: impl Fn() + 'static,
    ) -> anyhow::Result<Round> {
        match self {
            Self::Floor(folder) => floor::measure(folder, until),
            Self::Function(function) => {
                closed_loop(async || function.caller(who.clone()).await, connections, next, until, done)
            }
            Self::Ours(Server { address, .. }) | Self::Mock(Mock { address, .. }) => {
                closed_loop(async || Importing::open(*address, who.clone()).await, connections, next, until, done)
            }
        }
    }
}

/// Sends the documented import of whom a number belongs to.
struct Importing<W> {
    connection: Connection,
    import: Documented,
    who: W,
}

impl<W> Importing<W> {
    async fn open(address: SocketAddr, who: W) -> anyhow::Result<Self> {
        Ok(Self { connection: Connection::open(address).await?, import: Documented::default(), who })
    }
}

impl<W: Fn(u64) -> (u64, u64) + 'static> Caller for Importing<W> {
    async fn call(&mut self, number: u64) -> anyhow::Result<()> {
        let (person, visit) = (self.who)(number);
        self.connection.succeed(self.import.request(person, visit)).await
    }
}
