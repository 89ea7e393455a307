//! Runs the whole suite against every fault, writes the kill matrix, and fails where the suite is not sharp enough.

use anyhow::{Context, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use rollcall_conformance::{filter::Filter, suite::Suite};
use rollcall_faulty::{
    Fault,
    matrix::{Fate, Matrix, page, trial},
};
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Instant,
};

/// Where the matrix is kept.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/MATRIX.md");

/// Servers that are tried at once, for each core: while one waits for an answer another has work.
const LANES_A_CORE: usize = 2;

/// Generated cases beside those written by hand: enough to show their power, few enough for a short run.
const GENERATED: usize = 80;

/// Measures which faults the suite notices, and which case notices which
#[derive(Parser)]
struct Options {
    /// Compare the matrix with the file in the repository instead of writing it
    #[arg(long)]
    check: bool,

    /// Only these faults (a glob, or a piece of the name): shows who notices them, and writes nothing
    #[arg(long, value_name = "PATTERN")]
    fault: Option<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall-mutants: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let begin = Instant::now();
    let suite = trial::suite(GENERATED)?;
    let wanted = Filter::new(options.fault.clone());
    let faults: Vec<&Fault> = rollcall_faulty::all().iter().filter(|fault| wanted.fits(fault.name)).collect();
    let matrix = try_all(&suite, &faults)?;
    let mut out = std::io::stdout().lock();
    if options.fault.is_some() {
        return show(&mut out, &matrix);
    }
    let problems = matrix.problems();
    problems.iter().try_for_each(|problem| writeln!(out, "{problem}"))?;
    let [killed, told] = [Fate::Killed, Fate::Told].map(|fate| matrix.count(fate));
    let seconds = begin.elapsed().as_secs_f64();
    writeln!(out, "{killed} killed and {told} told of {} faults in {seconds:.1} s", faults.len())?;
    keep(&page::render(&matrix), options.check)?;
    match problems.len() {
        0 => Ok(()),
        count => bail!("{count} lines above say what the suite or the faults lack"),
    }
}

fn try_all<'a>(suite: &'a Suite, faults: &[&'a Fault]) -> anyhow::Result<Matrix<'a>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let bar = progress_bar(faults.len());
    let matrix = trial::try_all(suite, faults, cores * LANES_A_CORE, |tried| {
        bar.set_message(tried.fault.name);
        bar.inc(1);
    });
    bar.finish_and_clear();
    matrix
}

fn progress_bar(length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // The template is a constant; were it wrong, the default one would do.
    let style =
        ProgressStyle::with_template("  {bar:40} {pos}/{len}  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style)
}

/// Each fault with every case that notices it.
fn show(out: &mut impl Write, matrix: &Matrix<'_>) -> anyhow::Result<()> {
    for tried in &matrix.tried {
        let fate = matrix.fate(tried).word();
        writeln!(out, "{}: {fate}; breaks {}", tried.fault.name, tried.fault.breaks)?;
        tried.heard.cases.iter().try_for_each(|case| writeln!(out, "  {case}"))?;
    }
    Ok(())
}

fn keep(page: &str, only_compare: bool) -> anyhow::Result<()> {
    if !only_compare {
        return std::fs::write(PAGE, page).with_context(|| format!("cannot write {PAGE}"));
    }
    let kept = std::fs::read_to_string(PAGE).with_context(|| format!("cannot read {PAGE}"))?;
    match page.lines().zip(kept.lines()).find(|(fresh, kept)| fresh != kept) {
        _ if page == kept => Ok(()),
        Some((fresh, kept)) => bail!("{PAGE} is out of date\n  kept:  {kept}\n  fresh: {fresh}"),
        None => bail!("{PAGE} is out of date: one of the two has lines at the end that the other lacks"),
    }
}
