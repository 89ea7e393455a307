//! The program: reads its options, runs the suite, prints, exits. What is run and what is printed is the library's.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, anyhow};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use rollcall_conformance::filter::Filter;
use rollcall_conformance::generated::Generator;
use rollcall_conformance::judge::Judge;
use rollcall_conformance::report::{Asked, Conclusion, Report, json, junit, list, screen};
use rollcall_conformance::run::{self, Planned};
use rollcall_conformance::suite::{Suite, built_in_files};
use rollcall_conformance::target::Target;
use rollcall_conformance::world::World;

const EXAMPLES: &str = "\
Examples:
  rollcall-conformance --target http://127.0.0.1:8080
      judge a server that is set up with the built-in documented world
  rollcall-conformance --target https://api.example.com --world mine.toml --json results.json
      judge a server with a set-up of its own
  rollcall-conformance --target http://127.0.0.1:8080 --filter 'matching/*'
      judge one group of cases
  rollcall-conformance --list --filter MATCH-
      show which cases test which requirement

Exit code: 0 every MUST holds; 1 a MUST failed; 2 it could not be judged.";

/// Tells whether a server answers POST /api/v1.1/profiles/import as documented.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Options {
    /// Base URL of the server: what stands in front of /api/v1.1
    #[arg(long, value_name = "URL", required_unless_present = "list")]
    target: Option<String>,

    /// What the server is set up with [default: the built-in documented world]
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,

    /// Only cases whose id or requirement fits: a glob with * or ?, else a piece of the id
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,

    /// Show the requirement rows and the cases that test them; needs no server
    #[arg(long)]
    list: bool,

    /// Write the results as JSON
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,

    /// Write the results as JUnit XML
    #[arg(long, value_name = "PATH")]
    junit: Option<PathBuf>,

    /// How many cases run at once [default: the number of cores]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,

    /// Makes the values of the run; printed, so that a run can be repeated [default: the time]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,

    /// Say only what failed, and the verdict
    #[arg(long)]
    quiet: bool,

    /// How many cases to generate besides those written by hand
    #[arg(long, value_name = "N", default_value_t = 400)]
    generated: usize,

    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut out = AutoStream::new(std::io::stdout(), color_choice(options.color));
    let code = execute(&options, &mut out).unwrap_or_else(|error| {
        // Unless the reader of our output went away, as `head` does.
        if !is_broken_pipe(&error) {
            eprintln!("rollcall-conformance: {error:#}");
        }
        Conclusion::Inconclusive.exit_code()
    });
    ExitCode::from(code)
}

fn color_choice(color: Color) -> ColorChoice {
    match color {
        Color::Auto => AutoStream::choice(&std::io::stdout()),
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn execute(options: &Options, out: &mut impl Write) -> anyhow::Result<u8> {
    let (mut suite, problems) = Suite::read(&built_in_files());
    let filter = Filter::new(options.filter.clone());
    if options.list {
        out.write_all(list::render(&suite, &filter).as_bytes())?;
    }
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        return Err(anyhow!("the suite's data is broken:{}", lines.concat()));
    }
    if options.list {
        return Ok(0);
    }
    let (world, world_name) = load_world(options.world.as_deref(), &suite)?;
    let target = options.target.as_deref().context("--target is missing")?;
    let target = Target::new(target).map_err(|error| anyhow!("--target: {error}"))?;
    let seed = options.seed.unwrap_or_else(seed_from_time);
    suite.generated = Generator::new(seed, &world).cases(options.generated).map_err(anyhow::Error::msg)?;
    let plan = run::plan(&suite, &filter);
    let asked = Asked { target: target.base(), world: &world_name, seed, filter: &filter };
    if !options.quiet {
        out.write_all(screen::opening(target.base(), &world_name, seed, plan.len()).as_bytes())?;
    }
    let report = match target.probe() {
        Ok(()) => {
            let judge = Judge { world: &world, seed };
            Report::new(&suite, &asked, &plan, judge_all(options, &plan, &judge, &target, out)?)
        }
        Err(reason) => Report::unreachable(&suite, &asked, &plan, &reason),
    };
    write_files(options, &report)?;
    out.write_all(screen::closing(&report, options.quiet).as_bytes())?;
    out.flush()?;
    Ok(report.conclusion.exit_code())
}

fn load_world(path: Option<&Path>, suite: &Suite) -> anyhow::Result<(World, String)> {
    let Some(path) = path else {
        let world = suite.documented_world.clone().context("the built-in world is missing")?;
        return Ok((world, "documented (built in)".to_owned()));
    };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("--world: {name} cannot be read"))?;
    let world = World::read(&text).map_err(|error| anyhow!("--world: {name}: {error}"))?;
    Ok((world, name))
}

fn seed_from_time() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Milliseconds are enough to tell two runs apart, and short enough to be typed again.
    u64::try_from(now.as_millis()).unwrap_or_default()
}

fn judge_all(
    options: &Options,
    plan: &[Planned<'_>],
    judge: &Judge<'_>,
    target: &Target,
    out: &mut impl Write,
) -> anyhow::Result<run::Run> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let bar = progress_bar(plan.len(), options.quiet);
    let mut groups = screen::Groups::new(plan);
    let mut failed = 0_usize;
    let mut written = Ok(());
    let run = run::run(plan, judge, target, options.jobs.unwrap_or(cores), |verdict| {
        failed += usize::from(verdict.failure.is_some());
        bar.set_message(format!("{failed} failed"));
        bar.inc(1);
        if let Some(line) = groups.count(verdict)
            && !options.quiet
            && written.is_ok()
        {
            written = bar.suspend(|| out.write_all(line.as_bytes()));
        }
    });
    bar.finish_and_clear();
    written?;
    if !options.quiet {
        groups.unfinished().iter().try_for_each(|line| out.write_all(line.as_bytes()))?;
    }
    Ok(run)
}

fn progress_bar(length: usize, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // The template is a constant; were it wrong, the default one would do.
    let style =
        ProgressStyle::with_template("  {bar:40} {pos}/{len}  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style)
}

fn write_files(options: &Options, report: &Report<'_>) -> anyhow::Result<()> {
    if let Some(path) = &options.json {
        std::fs::write(path, json::render(report)?)
            .with_context(|| format!("--json: cannot write {}", path.display()))?;
    }
    if let Some(path) = &options.junit {
        std::fs::write(path, junit::render(report))
            .with_context(|| format!("--junit: cannot write {}", path.display()))?;
    }
    Ok(())
}
