//! `cargo xtask ci`: everything that must hold before a merge, in the order in which it is cheapest to fail.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::{bench, conformance, mutants, schemathesis, tidy, workspace};

/// A step: its title, what does it, and what to do when it fails.
type Step = (&'static str, fn() -> anyhow::Result<()>, &'static str);

const STEPS: [Step; 12] = [
    ("format", format, "Run `cargo fmt --all`."),
    ("lints", lints, "Mend the warnings above; a lint that is wrong is switched off where it is, with the reason."),
    ("tidy", tidy::run, "Mend the lines above."),
    ("docs", docs, "Mend the comments above; a link must lead to an item that its reader can see."),
    ("tests", tests, "Run the failed test alone: `cargo test -p CRATE NAME`."),
    ("proof", prove, "Look at the round or history above; ROLLCALL_SEED=SEED repeats what its clients ask for."),
    ("conformance", judge, "Run `cargo xtask conformance --filter CASE` for the first failed case above."),
    (
        "self-check",
        self_check,
        "Mend the cases named above: an expectation cannot fail, or the order of cases matters.",
    ),
    (
        "openapi",
        schemathesis::run,
        "Mend the answer or crates/server/src/openapi; each failure above has a curl line that repeats it.",
    ),
    ("mutants", detect, "Write what the lines above ask for, then run `cargo xtask mutants` and commit the matrix."),
    ("soak", soak, "Run `cargo xtask bench soak` for the long one; its table shows when it began."),
    ("licences", licences, "Look at deny.toml and the package named above."),
];

/// What the command does, for its help: the titles in their order.
pub(crate) fn summary() -> String {
    format!("All that must hold before a merge: {}", STEPS.map(|(title, ..)| title).join(", "))
}

/// Runs every step until one fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let begin = Instant::now();
    for (position, (title, step, advice)) in STEPS.iter().enumerate() {
        println!("== {} of {}: {title}", position + 1, STEPS.len());
        let begin = Instant::now();
        let result = step();
        let seconds = begin.elapsed().as_secs_f64();
        result.with_context(|| format!("{title} failed after {seconds:.1} s. {advice}"))?;
        println!("== {title} holds ({seconds:.1} s)\n");
    }
    println!("Everything holds ({:.1} s).", begin.elapsed().as_secs_f64());
    Ok(())
}

fn format() -> anyhow::Result<()> {
    succeed(&mut workspace::cargo(["fmt", "--all", "--check"]))
}

fn lints() -> anyhow::Result<()> {
    succeed(&mut workspace::cargo(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
}

fn docs() -> anyhow::Result<()> {
    let mut command = workspace::cargo(["doc", "--workspace", "--no-deps", "--quiet"]);
    succeed(command.env("RUSTDOCFLAGS", "-Dwarnings"))
}

fn tests() -> anyhow::Result<()> {
    succeed(&mut workspace::cargo(["test", "--workspace", "--quiet"]))
}

/// What `cargo test` does a little of: power cuts, crashes, events across crashes, and histories of many clients.
fn prove() -> anyhow::Result<()> {
    let mut command = workspace::cargo(["test", "--quiet", "-p", "rollcall-store", "--lib", "power_loss"]);
    succeed(command.env("ROLLCALL_POWER_CUTS", "1000"))?;
    let mut command = workspace::cargo(["test", "--quiet", "-p", "rollcall-server"]);
    command.args(["--test", "crash", "--test", "triggers_crash", "--test", "linearizable"]);
    succeed(command.env("ROLLCALL_CRASH_ROUNDS", "200").env("ROLLCALL_HISTORIES", "1000"))
}

fn judge() -> anyhow::Result<()> {
    judge_with(&[])
}

fn self_check() -> anyhow::Result<()> {
    judge_with(&["--self-check".to_owned()])
}

fn judge_with(options: &[String]) -> anyhow::Result<()> {
    match conformance::run(options)? {
        0 => Ok(()),
        code => bail!("the judge ended with exit code {code}"),
    }
}

fn detect() -> anyhow::Result<()> {
    mutants::run(true)
}

/// A short one; ten minutes are for whoever changes the store.
fn soak() -> anyhow::Result<()> {
    bench::store("soak", &["--seconds", "20", "--people", "10000"].map(str::to_owned))
}

fn licences() -> anyhow::Result<()> {
    let installed = workspace::cargo(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        bail!("cargo-deny is not installed; run `cargo install --locked cargo-deny`");
    }
    succeed(&mut workspace::cargo(["deny", "check", "bans", "licenses", "sources"]))
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().context("the command does not start")?;
    if !status.success() {
        bail!("the command ended with {status}");
    }
    Ok(())
}
