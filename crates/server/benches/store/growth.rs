//! The same load on ever more profiles: imports a second, times, memory, disk, and how long a restart takes.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rollcall_testbed::load::{Round, Until, closed_loop};
use rollcall_testbed::people::line;
use rollcall_testbed::usage::{Usage, disk_bytes, usage};

use crate::Subject;
use crate::floor;
use crate::report::{self, Bound, Goal};
use crate::visitors::{CONNECTIONS, NEW_ONE_IN, Sender, visit};

/// Imports a second, memory, disk and restarts at several numbers of profiles
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many profiles to load, one measurement for each
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000, 5_000_000])]
    sizes: Vec<u64>,
    /// How long to measure at each size
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    #[command(flatten)]
    subject: Subject,
}

const WARM_UP: Duration = Duration::from_secs(5);
const FLOOR: Duration = Duration::from_secs(2);

/// What was measured at one size.
struct Row {
    loaded: u64,
    load_per_second: f64,
    round: Round,
    /// What the server used in the round; memory at its end.
    used: Usage,
    disk: u64,
    floor: f64,
    restart: Duration,
    recovery: Duration,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for &size in &options.sizes {
        rows.push(measure(options, size)?);
        print_rows(&rows); // what has been measured is not lost when a later size fails
    }
    println!("\n{}", report::machine());
    println!(
        "{CONNECTIONS} connections for {} s; one visitor in {NEW_ONE_IN} is new, the others are any of the profiles.",
        options.seconds
    );
    report::goals(&goals(&rows));
    Ok(())
}

fn measure(options: &Options, size: u64) -> anyhow::Result<Row> {
    let folder = crate::folder_on_a_disk()?;
    let data = folder.path().join("data");
    let load_per_second = load(&options.subject.program, &data, size)?;

    let server = options.subject.start(&data)?;
    let restart = server.started_in;
    let floor = floor::measure(folder.path(), Until::Over(FLOOR))?.per_second();
    let mut number = 0;
    let mut visits = |time| {
        let open = async || Sender::open(server.address, move |number| visit(size, number)).await;
        closed_loop(open, CONNECTIONS, &mut number, Until::Over(time), || ())
    };
    visits(WARM_UP)?;
    let before = usage(server.pid())?;
    let round = visits(Duration::from_secs(options.seconds))?;
    let used = usage(server.pid())?.since(before);
    let disk = disk_bytes(&data)?;

    server.kill();
    let recovery = recovery(options, &data)?;
    Ok(Row { loaded: size, load_per_second, round, used, disk, floor, restart, recovery })
}

/// Loads so many people, and says how many a second.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 people")]
fn load(program: &Path, data: &Path, size: u64) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut command = Command::new(program);
    command.args(["load", "--data"]).arg(data).arg("-").stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
    let mut lines = BufWriter::new(child.stdin.take().context("rollcall has no input")?);
    let written = (0..size).try_for_each(|person| lines.write_all(line(person).as_bytes()));
    let written = written.and_then(|()| lines.flush());
    drop(lines); // which is the end of its input
    let status = child.wait()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    written.context("rollcall did not read all lines")?;
    Ok(size as f64 / begin.elapsed().as_secs_f64())
}

/// How long a start takes after the server was killed.
fn recovery(options: &Options, data: &Path) -> anyhow::Result<Duration> {
    let server = options.subject.start(data)?;
    let started_in = server.started_in;
    server.stop()?;
    Ok(started_in)
}

fn print_rows(rows: &[Row]) {
    let head = [
        "profiles",
        "loaded/s",
        "imports/s",
        "ratio",
        "p50",
        "p99",
        "p99.9",
        "memory MiB",
        "disk MiB",
        "restart",
        "after SIGKILL",
        "CPU µs/import",
        "bytes written/import",
        "floor/s",
    ];
    report::table(&head, &rows.iter().map(|row| row.cells(&rows[0])).collect::<Vec<_>>());
}

impl Row {
    fn cells(&self, first: &Self) -> Vec<String> {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let (calls, profiles) = (self.round.times.count() as f64, self.loaded as f64);
        let per_second = self.round.per_second();
        let mut cells = vec![report::count(profiles), report::count(self.load_per_second), report::count(per_second)];
        cells.push(format!("{:.2}", per_second / first.round.per_second()));
        cells.extend(report::quantiles(&self.round.times));
        cells.extend([self.used.resident, self.disk].map(|bytes| report::count(report::mib(bytes))));
        cells.extend([self.restart, self.recovery].map(|time| format!("{:.2} s", time.as_secs_f64())));
        cells.push(format!("{:.0}", self.used.cpu.as_secs_f64() * 1e6 / calls));
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        cells.push(report::count(self.used.written as f64 / calls));
        cells.push(report::count(self.floor));
        cells
    }
}

/// What is aimed at for the largest size.
fn goals(rows: &[Row]) -> Vec<Goal> {
    let [first, .., last] = rows else { return Vec::new() };
    let seconds = |time: Duration| Some(time.as_secs_f64());
    let goal =
        |what: &str, bound, measured| Goal { what: format!("{what} with {} profiles", last.loaded), bound, measured };
    let ratio = last.round.per_second() / first.round.per_second();
    vec![
        goal(&format!("imports/s / that with {},", first.loaded), Bound::AtLeast(0.7), Some(ratio)),
        goal("memory in GiB", Bound::AtMost(2.0), Some(report::mib(last.used.resident) / 1024.0)),
        goal("restart in s", Bound::AtMost(5.0), seconds(last.restart)),
        goal("restart after SIGKILL in s", Bound::AtMost(5.0), seconds(last.recovery)),
    ]
}
