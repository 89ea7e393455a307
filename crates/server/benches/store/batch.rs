//! Imports in batches beside imports one by one, over one connection: profiles a second, and what memory a batch takes.

use std::time::Duration;

use anyhow::ensure;
use rollcall_testbed::http::{Connection, post};
use rollcall_testbed::load::{Caller, Until, closed_loop};
use rollcall_testbed::people::Documented;
use rollcall_testbed::server::Server;
use rollcall_testbed::usage::usage;

use crate::Subject;
use crate::report::{self, Bound, Goal};

/// Profiles a second in batches and one by one, and memory
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// How many profiles to import one by one in a round
    #[arg(long, default_value_t = 2_000)]
    singles: u64,
    #[command(flatten)]
    subject: Subject,
}

const IMPORT_BATCH: &str = "/api/v1.1/profiles/import_batch";

/// Bytes of a batch at most, and items: what a server takes without being told.
const LARGEST_BODY: usize = 10 << 20;
const MOST_ITEMS: u64 = 10_000;

/// What one round measured.
struct Row {
    singles: f64,
    batch: f64,
    took: Duration,
    items: u64,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = crate::folder_on_a_disk()?;
    let server = options.subject.start(&folder.path().join("data"))?;
    let mut next = 0;
    import_one_by_one(&server, &mut next, 100)?; // so that it has done everything once
    let idle = usage(server.pid())?.resident;
    let mut rows = Vec::new();
    for _ in 0..options.rounds {
        let singles = import_one_by_one(&server, &mut next, options.singles)?;
        rows.push(import_batch(&server, &mut next, singles)?);
    }
    let used = usage(server.pid())?;
    report::table(&["profiles/s, one by one", "in a batch", "items", "a batch took", "ratio"], &cells(&rows));
    println!("\n{}", report::machine());
    report::goals(&goals(&mut rows, used.peak.saturating_sub(idle)));
    server.stop()
}

fn import_one_by_one(server: &Server, next: &mut u64, count: u64) -> anyhow::Result<f64> {
    let open = async || Ok(Singles(Connection::open(server.address).await?, Documented::default()));
    let until = Until::Number(*next + count);
    Ok(closed_loop(open, 1, next, until, || ())?.per_second())
}

/// Imports one batch of people who were not there before.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 people")]
fn import_batch(server: &Server, next: &mut u64, singles: f64) -> anyhow::Result<Row> {
    let (request, items) = batch(*next);
    *next += items;
    let open = async || Ok(Batch(Connection::open(server.address).await?, request.clone(), items));
    let round = closed_loop(open, 1, &mut 0, Until::Number(1), || ())?;
    Ok(Row { singles, batch: items as f64 * round.per_second(), took: round.elapsed, items })
}

/// The largest batch that is taken, of people from this number on, and how many there are.
fn batch(first: u64) -> (String, u64) {
    let mut people = Documented::default();
    let mut body = r#"{"token":"abcdefghijklmnqrstuvwxyz","db_id":1,"data":["#.to_owned();
    let mut items = 0;
    while items < MOST_ITEMS {
        let item = people.data(first + items, 0);
        if body.len() + item.len() + 3 > LARGEST_BODY {
            break;
        }
        body.push_str(if items > 0 { "," } else { "" });
        body.push_str(&item);
        items += 1;
    }
    body.push_str("]}");
    (post(IMPORT_BATCH, &body), items)
}

struct Singles(Connection, Documented);

impl Caller for Singles {
    async fn call(&mut self, number: u64) -> anyhow::Result<()> {
        let Self(connection, people) = self;
        connection.succeed(people.request(number, 0)).await
    }
}

/// A request, and how many items it holds.
struct Batch(Connection, String, u64);

impl Caller for Batch {
    async fn call(&mut self, _: u64) -> anyhow::Result<()> {
        let Self(connection, request, items) = self;
        connection.succeed(request.as_bytes()).await?;
        let imported = connection.last_answer().matches("profile_id").count() as u64;
        ensure!(imported == *items, "{imported} of {items} items were imported");
        Ok(())
    }
}

fn cells(rows: &[Row]) -> Vec<Vec<String>> {
    let cells = |row: &Row| {
        let Row { singles, batch, took, items } = row;
        let ratio = format!("{:.1}", batch / singles);
        vec![report::count(*singles), report::count(*batch), items.to_string(), report::milliseconds(*took), ratio]
    };
    rows.iter().map(cells).collect()
}

/// What is aimed at; of the rounds the median counts.
fn goals(rows: &mut [Row], memory: u64) -> Vec<Goal> {
    let ratio = |row: &Row| row.batch / row.singles;
    rows.sort_by(|one, other| ratio(one).total_cmp(&ratio(other)));
    let goal = |what: &str, bound, measured| Goal { what: what.to_owned(), bound, measured };
    vec![
        goal("profiles/s in a batch / one by one", Bound::AtLeast(3.0), rows.get(rows.len() / 2).map(ratio)),
        goal("MiB above idle, at the peak", Bound::AtMost(100.0), Some(report::mib(memory))),
    ]
}
