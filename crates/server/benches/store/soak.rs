//! A steady rate for a long time: no errors, and memory that grows no more than the profiles that come in explain.
//! Times are printed, and judged by nobody.

use std::time::Duration;

use anyhow::bail;
use rollcall_testbed::load::{Pace, Slice, Until, closed_loop, open_loop};
use rollcall_testbed::people::varied;
use rollcall_testbed::server::Server;
use rollcall_testbed::usage::usage;

use crate::Subject;
use crate::report;
use crate::visitors::{CONNECTIONS, NEW_ONE_IN, Sender, glance, visit};

/// A steady rate for a long time: errors and memory are judged, times are printed
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long
    #[arg(long, default_value_t = 600)]
    seconds: u32,
    /// Imports a second; for every ten of them there is a look at a profile
    #[arg(long, default_value_t = 2000)]
    rate: u32,
    /// Profiles that are there before it begins
    #[arg(long, default_value_t = 100_000)]
    people: u64,
    #[command(flatten)]
    subject: Subject,
}

/// Rows of the table. The first is the warm-up; the three after it are compared with the last three.
const SLICES: u32 = 10;
const EARLY: std::ops::Range<usize> = 1..4;
const LATE: std::ops::Range<usize> = 7..10;

/// One call of so many is a look.
const LOOK_ONE_IN: u64 = 11;

/// Memory that a new profile may take: some hundred bytes for each of its keys, of which it has eight.
const PROFILE_BYTES: u64 = 2048;
/// Memory that comes and goes with requests under way, and what the allocator keeps.
const SLACK_BYTES: u64 = 64 << 20;

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = options.subject.start(&folder.path().join("data"))?;
    populate(&server, options.people)?;
    let pace = Pace {
        per_second: options.rate + options.rate / (u32::try_from(LOOK_ONE_IN)? - 1),
        time: Duration::from_secs(options.seconds.into()),
        slices: SLICES,
    };
    let (slices, memory) = keep_on(&server, options.people, pace)?;
    server.stop()?;
    print(&slices, &memory, pace);
    judge(&slices, &memory, options)
}

fn populate(server: &Server, people: u64) -> anyhow::Result<()> {
    let open = async || Sender::open(server.address, |number| varied(number, 0)).await;
    closed_loop(open, CONNECTIONS, &mut 0, Until::Number(people), || ())?;
    Ok(())
}

/// The slices, and the server's memory at the end of each.
fn keep_on(server: &Server, people: u64, pace: Pace) -> anyhow::Result<(Vec<Slice>, Vec<u64>)> {
    let bar = report::progress("steady load", SLICES.into());
    bar.enable_steady_tick(Duration::from_secs(1));
    let mut memory = Vec::new();
    let open = async || Sender::open(server.address, move |number| request(people, number)).await;
    let slices = open_loop(open, CONNECTIONS, &mut 0, pace, |_| {
        bar.inc(1);
        memory.push(usage(server.pid())?.resident);
        Ok(())
    })?;
    bar.finish_and_clear();
    Ok((slices, memory))
}

fn request(people: u64, number: u64) -> String {
    match number % LOOK_ONE_IN {
        0 => glance(people, number),
        _ => visit(people, number - number / LOOK_ONE_IN - 1),
    }
}

fn print(slices: &[Slice], memory: &[u64], pace: Pace) {
    let row = |(number, (slice, &memory)): (usize, (&Slice, &u64))| {
        let seconds = pace.time.as_secs_f64() / f64::from(SLICES);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let (from, rate) = (number as f64 * seconds, slice.times.count() as f64 / seconds);
        let mut cells = vec![format!("{from:.0} s"), report::count(rate), slice.errors.len().to_string()];
        cells.extend(report::quantiles(&slice.times));
        cells.push(format!("{:.0}", report::mib(memory)));
        cells
    };
    let rows: Vec<_> = slices.iter().zip(memory).enumerate().map(row).collect();
    report::table(&["from", "answers/s", "errors", "p50", "p99", "p99.9", "memory MiB"], &rows);
    println!("\n{}", report::machine());
}

fn judge(slices: &[Slice], memory: &[u64], options: &Options) -> anyhow::Result<()> {
    let errors: Vec<_> = slices.iter().flat_map(|slice| &slice.errors).collect();
    if let Some(first) = errors.first() {
        bail!("{} calls failed; the first: {first}", errors.len());
    }
    let mean = |memory: &[u64]| memory.iter().sum::<u64>() / memory.len() as u64;
    let (early, late) = (mean(&memory[EARLY]), mean(&memory[LATE]));
    // From the middle of the early slices to the middle of the late ones.
    let apart = u64::from(options.seconds) * (LATE.start - EARLY.start) as u64 / u64::from(SLICES);
    let explained = apart * u64::from(options.rate) / NEW_ONE_IN * PROFILE_BYTES + SLACK_BYTES;
    let [early, late, explained] = [early, late, early + explained].map(report::mib);
    if late > explained {
        bail!("memory grew from {early:.0} to {late:.0} MiB, and the new profiles explain {explained:.0}");
    }
    println!("No errors. Memory: {early:.0} MiB early on, {late:.0} late, up to {explained:.0} explained.");
    Ok(())
}
