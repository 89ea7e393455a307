//! The program: reads its options, runs the suite, writes files, prints, exits. What is run and what is printed is the
//! library's.

mod options;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anstream::AutoStream;
use anyhow::{Context, anyhow, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use rollcall_conformance::claim::Claim;
use rollcall_conformance::filter::Filter;
use rollcall_conformance::finds::{Examiner, Find};
use rollcall_conformance::fingerprint::{self, Expected};
use rollcall_conformance::generated::Generator;
use rollcall_conformance::judge::{Judge, KnownList, Verdict};
use rollcall_conformance::known::{self, Known};
use rollcall_conformance::report::disagreements::{self, Compared};
use rollcall_conformance::report::{Asked, Conclusion, Report, badge, html, json, junit, list, markdown, screen, tap};
use rollcall_conformance::run::{self, Planned, Run};
use rollcall_conformance::suite::{Files, Suite, built_in_files};
use rollcall_conformance::target::Target;
use rollcall_conformance::world::World;
use rollcall_conformance::{against, read_only, self_check};

use crate::options::{Command, Judging, Options};

/// Requests and answers are many small values.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How the built-in world is named.
const DOCUMENTED: &str = "documented (built in)";
/// Sets the values of the second run of `--against` apart from those of the first.
const ANOTHER_SEED: u64 = 0x5eed;

fn main() -> ExitCode {
    let options = Options::parse();
    let mut out = AutoStream::new(std::io::stdout(), options.judging.color.choice());
    let code = execute(&options, &mut out).unwrap_or_else(|error| {
        // Unless the reader of our output went away, as `head` does.
        if !is_broken_pipe(&error) {
            eprintln!("rollcall-conformance: {error:#}");
        }
        Conclusion::Inconclusive.exit_code()
    });
    ExitCode::from(code)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn execute(options: &Options, out: &mut impl Write) -> anyhow::Result<u8> {
    match &options.command {
        Some(Command::Diff { before, after }) => return diff(before, after, out),
        Some(Command::Matrix { results, html }) => return matrix(results, html),
        None => {}
    }
    let options = &options.judging;
    let files = built_in_files();
    let mut suite = load_suite(options, &files, out)?;
    let code = match (options.list, &options.verify) {
        (true, _) => 0,
        (false, Some(claim)) => verify(options, &mut suite, &files, claim, out)?,
        (false, None) => {
            let setting = Setting::of_options(options, &suite)?;
            setting.generate(&mut suite)?;
            if setting.read_only && (options.against.is_some() || options.self_check) {
                bail!("the world file says `read_only`; --against and --self-check send what could be stored");
            }
            match &options.against {
                Some(other) => compare(options, &suite, &setting, other, out)?,
                None if options.self_check => check_suite(options, &suite, &setting, out)?,
                None => {
                    let report = judge(options, &suite, &setting, out)?;
                    write_files(options, &setting, &files, &report)?;
                    report.conclusion.exit_code()
                }
            }
        }
    };
    out.flush()?;
    Ok(code)
}

/// With `--list` the suite is shown before it is found wanting, for those who are writing it.
fn load_suite(options: &Judging, files: &Files, out: &mut impl Write) -> anyhow::Result<Suite> {
    let (suite, problems) = Suite::read(files);
    if options.list {
        out.write_all(list::render(&suite, &Filter::new(options.filter.clone())).as_bytes())?;
    }
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        bail!("the suite's data is broken:{}", lines.concat());
    }
    Ok(suite)
}

/// What a run is made with, from the options or from a claim.
struct Setting {
    target: Target,
    world: World,
    world_name: String,
    filter: Filter,
    known: Known,
    read_only: bool,
    seed: u64,
    generated: usize,
    /// Whether the target gave a sign of life, asked for before anything else takes time.
    life: Result<(), String>,
}

impl Setting {
    fn of_options(options: &Judging, suite: &Suite) -> anyhow::Result<Self> {
        let (world, world_name) = load_world(options.world.as_deref(), suite)?;
        let target = options.target.as_deref().context("--target is missing; write the base URL of the server")?;
        let mut known = Known::new(today());
        let lists = [
            ("--known-failing", KnownList::KnownFailing, &options.announced.known_failing),
            ("--known-flaky", KnownList::KnownFlaky, &options.announced.known_flaky),
        ];
        for (option, list, path) in lists {
            if let Some(path) = path {
                let text = read(option, path)?;
                known.read(list, &path.display().to_string(), &text).map_err(|error| anyhow!("{option}: {error}"))?;
            }
        }
        let target = target_of("--target", target)?;
        Ok(Self {
            life: target.probe(),
            target,
            filter: Filter::new(options.filter.clone()),
            known,
            read_only: options.read_only || world.read_only,
            seed: options.seed.unwrap_or_else(seed_from_time),
            generated: options.generated,
            world,
            world_name,
        })
    }

    /// As the claim says; only target and world may be named anew, since both may lie elsewhere today.
    fn of_claim(options: &Judging, suite: &Suite, claim: &Claim, file: &Path) -> anyhow::Result<Self> {
        if options.world.is_none() && claim.world != DOCUMENTED {
            bail!("the claim was made with the world file {}; name it with --world", claim.world);
        }
        let (world, world_name) = load_world(options.world.as_deref(), suite)?;
        if world.read_only && !claim.read_only {
            bail!("--verify: the world file says `read_only`, and the claim was made by writing; verify it elsewhere");
        }
        let mut known = Known::new(claim.date); // what was known then
        known
            .extend(&file.display().to_string(), &claim.known_failures)
            .map_err(|error| anyhow!("--verify: {error}"))?;
        let target = target_of("--target", options.target.as_deref().unwrap_or(&claim.target))?;
        Ok(Self {
            life: target.probe(),
            target,
            world,
            world_name,
            filter: Filter::default(),
            known,
            read_only: claim.read_only,
            seed: claim.seed, // so that the same cases are generated
            generated: claim.generated,
        })
    }

    fn generator(&self) -> Generator {
        Generator::new(self.seed, &self.world)
    }

    fn generate(&self, suite: &mut Suite) -> anyhow::Result<()> {
        suite.generated = self.generator().cases(self.generated).map_err(anyhow::Error::msg)?;
        Ok(())
    }

    /// The seed draws the cases; the people in them are new each time, so that a store that knows those of an earlier run
    /// can be asked again.
    fn judge(&self) -> Judge<'_> {
        Judge::new(&self.world, self.seed.rotate_left(32) ^ nanoseconds())
    }
}

fn load_world(path: Option<&Path>, suite: &Suite) -> anyhow::Result<(World, String)> {
    let Some(path) = path else {
        let world = suite.documented_world.clone().context("the built-in world is missing")?;
        return Ok((world, DOCUMENTED.to_owned()));
    };
    let name = path.display().to_string();
    let world = World::read(&read("--world", path)?).map_err(|error| anyhow!("--world: {name}: {error}"))?;
    Ok((world, name))
}

fn target_of(option: &str, url: &str) -> anyhow::Result<Target> {
    Target::new(url).map_err(|error| anyhow!("{option}: {error}"))
}

/// In UTC, so that a list expires at one moment everywhere.
fn today() -> Date {
    jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date()
}

/// Milliseconds are enough to tell two runs apart, and short enough to be typed again.
fn seed_from_time() -> u64 {
    nanoseconds() / 1_000_000
}

fn nanoseconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or_default()
}

fn read(option: &str, path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{option}: {} cannot be read", path.display()))
}

fn write(option: &str, path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{option}: {} cannot be written", path.display()))
}

/// Runs everything that is selected, and says what came of it.
fn judge<'a>(
    options: &Judging,
    suite: &'a Suite,
    setting: &Setting,
    out: &mut impl Write,
) -> anyhow::Result<Report<'a>> {
    let Setting { target, world_name, filter, seed, .. } = setting;
    let expected = match &options.announced.expect_fingerprint {
        Some(path) => {
            let read = Expected::read(&path.display().to_string(), &read("--expect-fingerprint", path)?);
            Some(read.map_err(|error| anyhow!("--expect-fingerprint: {error}"))?)
        }
        None => None,
    };
    let plan = run::plan(suite, filter);
    let asked = Asked { target: target.base(), world: world_name, seed: *seed, filter };
    if !options.quiet {
        out.write_all(screen::opening(target.base(), world_name, *seed, plan.len()).as_bytes())?;
    }
    let mut report = match &setting.life {
        Ok(()) => Report::new(suite, &asked, &plan, judge_all(options, suite, setting, &plan, out)?),
        Err(reason) => Report::unreachable(suite, &asked, &plan, reason),
    };
    report.read_only = setting.read_only;
    report.hold_against(&setting.known, expected.as_ref(), &plan);
    if !setting.read_only && !target.is_lost() {
        let finds = examine(options, suite, setting, &report)?;
        report.add_finds(finds);
    }
    out.write_all(screen::closing(&report, options.quiet).as_bytes())?;
    Ok(report)
}

/// Makes the failures of generated cases small, and keeps them where that is asked for.
fn examine(options: &Judging, suite: &Suite, setting: &Setting, report: &Report<'_>) -> anyhow::Result<Vec<Find>> {
    let (generator, judge, wire) = (setting.generator(), setting.judge(), setting.target.client());
    let examiner = Examiner { suite, generator: &generator, judge: &judge, wire: &wire };
    let finds = examiner.examine(&report.verdicts);
    if let Some(folder) = &options.save {
        finds.iter().try_for_each(|find| find.save(folder)).context("--save")?;
    }
    Ok(finds)
}

fn judge_all(
    options: &Judging,
    suite: &Suite,
    setting: &Setting,
    plan: &[Planned<'_>],
    out: &mut impl Write,
) -> anyhow::Result<Run> {
    let judge = setting.judge();
    let bar = progress_bar(plan.len(), options.quiet);
    let mut groups = screen::Groups::new(plan);
    let mut failed = 0_usize;
    let mut written = Ok(());
    let mut heard = |verdict: &Verdict| {
        let is_known = setting.known.excuse(suite, verdict).is_some();
        failed += usize::from(verdict.failure.is_some() && !is_known);
        bar.set_message(format!("{failed} failed"));
        bar.inc(1);
        if let Some(line) = groups.count(verdict, is_known)
            && !options.quiet
            && written.is_ok()
        {
            written = bar.suspend(|| out.write_all(line.as_bytes()));
        }
    };
    let run = if setting.read_only {
        read_only::run(plan, &judge, &setting.target, jobs(options), &mut heard)
    } else {
        run::run(plan, &judge, &setting.target, jobs(options), &mut heard)
    };
    bar.finish_and_clear();
    written?;
    if !options.quiet {
        groups.unfinished().iter().try_for_each(|line| out.write_all(line.as_bytes()))?;
    }
    Ok(run)
}

fn jobs(options: &Judging) -> usize {
    options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
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

fn write_files(options: &Judging, setting: &Setting, files: &Files, report: &Report<'_>) -> anyhow::Result<()> {
    if let Some(path) = &options.reports.json {
        write("--json", path, &json::render(report)?)?;
    }
    if let Some(path) = &options.reports.junit {
        write("--junit", path, &junit::render(report))?;
    }
    if let Some(path) = &options.reports.tap {
        write("--tap", path, &tap::render(report))?;
    }
    if let Some(path) = &options.reports.markdown {
        write("--markdown", path, &markdown::render(report))?;
    }
    if let Some(path) = &options.reports.html {
        let results = serde_json::from_str(&json::render(report)?)?;
        write("--html", path, &html::render(&[results]).context("--html")?)?;
    }
    if let Some(path) = &options.announced.fingerprint {
        write("--fingerprint", path, &fingerprint::render(&report.fingerprint)?)?;
    }
    if let Some(path) = &options.announced.write_known_failing {
        write("--write-known-failing", path, &known::render(report, &setting.known))?;
    }
    let claim = match (&options.claim, &options.reports.badge, report.conclusion) {
        (None, None, _) => return Ok(()),
        (Some(_), _, Conclusion::Inconclusive) => {
            bail!("--claim: nothing is written, since nothing can be claimed of a run that is inconclusive")
        }
        _ => Claim::new(report, &setting.world, &setting.known, files, today()),
    };
    if let Some(path) = &options.claim {
        write("--claim", path, &claim.render()?)?;
    }
    if let Some(path) = &options.reports.badge {
        // Without a claim that somebody could check the badge shows none.
        let hash = options.claim.as_ref().map(|_| claim.hash()).transpose()?;
        write("--badge", path, &badge::render(report.conclusion, env!("CARGO_PKG_VERSION"), hash.as_deref()))?;
    }
    Ok(())
}

/// Runs as a claim says, and tells in what it does not hold.
fn verify(
    options: &Judging,
    suite: &mut Suite,
    files: &Files,
    path: &Path,
    out: &mut impl Write,
) -> anyhow::Result<u8> {
    let name = path.display();
    let claim = Claim::read(&read("--verify", path)?).map_err(|error| anyhow!("--verify: {name}: {error}"))?;
    let setting = Setting::of_claim(options, suite, &claim, path)?;
    setting.generate(suite)?;
    let report = judge(options, suite, &setting, out)?;
    write_files(options, &setting, files, &report)?;
    if report.conclusion == Conclusion::Inconclusive {
        return Ok(Conclusion::Inconclusive.exit_code());
    }
    let found = Claim::new(&report, &setting.world, &setting.known, files, today());
    let differences = claim.differences(&found);
    out.write_all(screen::verified(&name.to_string(), &claim, &differences).as_bytes())?;
    Ok(u8::from(!differences.is_empty()))
}

/// Asks the first target twice and the second one once, and shows where they disagree.
fn compare(options: &Judging, suite: &Suite, first: &Setting, other: &str, out: &mut impl Write) -> anyhow::Result<u8> {
    let other = target_of("--against", other)?;
    if other.base() == first.target.base() {
        bail!("--against: {} is the target itself; give another server", other.base());
    }
    let plan = run::plan(suite, &first.filter);
    let seed = first.judge().seed;
    let seeds = [seed, seed ^ ANOTHER_SEED, seed];
    let targets = [&first.target, &first.target, &other];
    let mut runs = Vec::new();
    for ((target, seed), who) in targets.into_iter().zip(seeds).zip(["A", "A again", "B"]) {
        if !options.quiet {
            writeln!(out, "{who}: {} verdicts to deliver on {}", plan.len(), target.base())?;
        }
        runs.push(ask_all(options, &Judge::new(&first.world, seed), &plan, target));
    }
    let comparison = against::compare(suite, &runs[0], &runs[1], &runs[2]);
    let compared = Compared { a: first.target.base(), b: other.base(), world: &first.world_name, seed: first.seed };
    if let Some(path) = &options.reports.json {
        write("--json", path, &disagreements::json(&compared, &comparison)?)?;
    }
    out.write_all(disagreements::screen(&compared, &comparison).as_bytes())?;
    Ok(comparison.exit_code())
}

fn ask_all(options: &Judging, judge: &Judge<'_>, plan: &[Planned<'_>], target: &Target) -> Run {
    if let Err(reason) = target.probe() {
        let trouble = vec![format!("{} does not answer: {reason}", target.base())];
        return Run { trouble, ..Run::default() };
    }
    let bar = progress_bar(plan.len(), options.quiet);
    let run = run::run(plan, judge, target, jobs(options), |_| bar.inc(1));
    bar.finish_and_clear();
    run
}

/// Looks at the suite by what this target answers: can every expectation fail, does the order matter?
fn check_suite(options: &Judging, suite: &Suite, setting: &Setting, out: &mut impl Write) -> anyhow::Result<u8> {
    let plan = run::plan(suite, &setting.filter);
    let (judge, target) = (setting.judge(), &setting.target);
    let run = ask_all(options, &judge, &plan, target);
    if !run.trouble.is_empty() || run.verdicts.len() < plan.len() {
        bail!("the suite cannot be looked at with this target: {}", run.trouble.join("; "));
    }
    let (vacuous, tried) = self_check::vacuous(&plan, &run.verdicts, &judge);
    let moved = self_check::depends_on_order(&plan, &judge, target, jobs(options));
    out.write_all(screen::self_check(tried, &vacuous, plan.len(), &moved).as_bytes())?;
    Ok(u8::from(!vacuous.is_empty() || !moved.is_empty()))
}

fn matrix(results: &[PathBuf], html: &Path) -> anyhow::Result<u8> {
    let parse = |path: &PathBuf| {
        let text = read("matrix", path)?;
        serde_json::from_str(&text).with_context(|| format!("matrix: {} is no result of --json", path.display()))
    };
    let results: Vec<serde_json::Value> = results.iter().map(parse).collect::<anyhow::Result<_>>()?;
    write("--html", html, &html::render(&results).context("matrix")?)?;
    Ok(0)
}

fn diff(before: &Path, after: &Path, out: &mut impl Write) -> anyhow::Result<u8> {
    let read = |path: &Path| {
        let name = path.display();
        fingerprint::read(&read("diff", path)?).map_err(|error| anyhow!("diff: {name}: {error}"))
    };
    let (before, after) = (read(before)?, read(after)?);
    let changes = fingerprint::difference(&before, &after);
    changes.iter().try_for_each(|change| writeln!(out, "{change}"))?;
    Ok(u8::from(!changes.is_empty()))
}
