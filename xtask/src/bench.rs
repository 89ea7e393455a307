//! `cargo xtask bench`: figures that `docs/performance.md` quotes. They are printed and judged by nobody: absolute ones
//! move with the machine, and ratios are taken in one run. The judge is measured here; the store by a bench program.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde_json::Value;
use tempfile::TempDir;

use crate::conformance::{Server, build, program};
use crate::workspace;

/// What can be measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum What {
    /// The judge: cases a second, beside hurl, and how soon it asks its first question
    Suite,
    /// Imports a second, beside other stores, other servers and what the disk allows
    Store,
    /// Profiles a second in batches, beside one by one, and what memory a batch takes
    Batch,
    /// Imports a second, memory, disk and restarts at several numbers of profiles
    Growth,
    /// A steady rate for a long time: errors and memory are judged, times are printed
    Soak,
}

/// Of so many rounds the median counts.
const ROUNDS: usize = 7;
/// So often hurl sends each of the documented requests in a round.
const REPEATS: usize = 200;
/// The documented requests.
const DOCUMENTED: [&str; 6] =
    ["request-1.json", "request-1.xml", "request-2.json", "request-2.xml", "request-3.json", "request-3.xml"];

/// Measures, and prints what came of it. The options are those of the program that measures.
pub(crate) fn run(what: What, options: &[String]) -> anyhow::Result<()> {
    match what {
        What::Suite if options.is_empty() => suite(),
        What::Suite => bail!("`bench suite` takes no options"),
        What::Store => store("compare", options),
        What::Batch => store("batch", options),
        What::Growth => store("growth", options),
        What::Soak => store("soak", options),
    }
}

/// Runs `crates/server/benches/store`, built as our programs are released.
pub(crate) fn store(what: &str, options: &[String]) -> anyhow::Result<()> {
    let mut command = workspace::cargo(["bench", "--quiet", "--profile", "release", "--package", "rollcall-server"]);
    let status =
        command.args(["--bench", "store", "--", what]).args(options).status().context("cargo does not start")?;
    if !status.success() {
        bail!("the bench ended with {status}");
    }
    Ok(())
}

fn suite() -> anyhow::Result<()> {
    build(&["rollcall-server", "rollcall-conformance"])?;
    let judge = program("rollcall-conformance")?;
    let folder = TempDir::with_prefix("rollcall-bench-").context("cannot make a folder for the results")?;
    let mut server = Server::start(&["--memory"])?;
    let ours = median(|| judged(&judge, &server.url, folder.path()))?;
    print_ours(&ours);
    print_hurl(&ours, &server.url, folder.path())?;
    server.stop()?;
    let start = median(|| first_question(&judge))?;
    println!("start  {:.1} ms from the start of the program to its first request (goal: under 50)", ms(start));
    Ok(())
}

/// A run of the judge, by how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    elapsed: Duration,
    cases: usize,
    verdicts: usize,
    requests: usize,
}

fn judged(judge: &Path, url: &str, folder: &Path) -> anyhow::Result<Run> {
    let results = folder.join("results.json");
    let mut command = Command::new(judge);
    command
        .args(["--generated", "0", "--jobs", "1", "--quiet", "--target", url, "--json"])
        .arg(&results)
        .stdout(Stdio::null());
    let status = command.status().context("the judge does not start")?;
    if !status.success() {
        bail!("our server is not conformant ({status}); `cargo xtask conformance` says why");
    }
    let text = fs::read_to_string(&results).with_context(|| format!("cannot read {}", results.display()))?;
    read_run(&serde_json::from_str(&text)?).context("the results have another form than their schema says")
}

fn read_run(results: &Value) -> Option<Run> {
    let verdicts = results["cases"].as_array()?;
    let ids: BTreeSet<_> = verdicts.iter().map(|verdict| verdict["id"].as_str()).collect();
    Some(Run {
        elapsed: Duration::from_millis(results["elapsed_ms"].as_u64()?),
        cases: ids.len(),
        verdicts: verdicts.len(),
        requests: verdicts.iter().filter_map(|verdict| verdict["exchanges"].as_array()).map(Vec::len).sum(),
    })
}

fn print_ours(run: &Run) {
    let seconds = run.elapsed.as_secs_f64();
    let rate = |count: usize| count as f64 / seconds;
    println!(
        "suite  {} cases in {:.0} ms, one after the other: {:.0} cases, {:.0} verdicts, {:.0} requests a second \
         (goal: 3,000 cases)",
        run.cases,
        ms(run.elapsed),
        rate(run.cases),
        rate(run.verdicts),
        rate(run.requests),
    );
}

fn print_hurl(ours: &Run, url: &str, folder: &Path) -> anyhow::Result<()> {
    let Some(version) = hurl_version() else {
        println!("hurl   not measured: it is not installed (cargo install --locked hurl --version 8.0.1)");
        return Ok(());
    };
    let file = folder.join("documented.hurl");
    fs::write(&file, entries(url))?;
    let elapsed = median(|| replayed(&file))?;
    let each = |elapsed: Duration, requests: usize| elapsed.as_secs_f64() * 1e6 / requests as f64;
    let (its, our) = (each(elapsed, REPEATS * DOCUMENTED.len()), each(ours.elapsed, ours.requests));
    println!("{version}  {its:.0} µs a request, ours {our:.0} µs: {:.2} of it", our / its);
    Ok(())
}

fn hurl_version() -> Option<String> {
    let output = Command::new("hurl").arg("--version").output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

/// One file for hurl with every request many times. Whatever the status: one of the printed requests is not well-formed.
fn entries(url: &str) -> String {
    let mut text = String::new();
    for name in DOCUMENTED.iter().cycle().take(REPEATS * DOCUMENTED.len()) {
        let format = name.rsplit('.').next().unwrap_or_default();
        // Writing into a text does not fail.
        let _ = write!(
            text,
            "POST {url}/api/v1.1/profiles/import\nContent-Type: application/{format}\nfile,{name};\nHTTP *\n\n"
        );
    }
    text
}

fn replayed(file: &Path) -> anyhow::Result<Duration> {
    let mut command = Command::new("hurl");
    command.args(["--no-output", "--jobs", "1", "--file-root"]).arg(workspace::root().join("fixtures/documented"));
    let begin = Instant::now();
    let status = command.arg(file).stdout(Stdio::null()).status().context("hurl does not start")?;
    let elapsed = begin.elapsed();
    if !status.success() {
        bail!("hurl could not send the documented requests ({status})");
    }
    Ok(elapsed)
}

/// How long after its start the judge is heard by its target.
fn first_question(judge: &Path) -> anyhow::Result<Duration> {
    let target = TcpListener::bind("127.0.0.1:0").context("cannot listen on 127.0.0.1")?;
    let url = format!("http://{}", target.local_addr()?);
    let begin = Instant::now();
    let mut child = Command::new(judge).args(["--quiet", "--target", &url]).stdout(Stdio::null()).spawn()?;
    let heard = target.accept().and_then(|(mut caller, _)| caller.read_exact(&mut [0; 4]));
    let elapsed = begin.elapsed();
    child.kill()?; // it has nothing more to ask
    child.wait()?;
    heard.context("the judge did not ask")?;
    Ok(elapsed)
}

/// The median of several rounds, after one that warms up.
fn median<T: Ord + Copy>(mut round: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    round()?;
    let mut rounds = (0..ROUNDS).map(|_| round()).collect::<anyhow::Result<Vec<T>>>()?;
    rounds.sort();
    Ok(rounds[ROUNDS / 2])
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_cases_once_and_every_request() {
        let results = serde_json::json!({"elapsed_ms": 5, "cases": [
            {"id": "a", "format": "json", "exchanges": [1, 2]},
            {"id": "a", "format": "xml", "exchanges": [1]},
            {"id": "b", "format": "json", "exchanges": []},
        ]});
        let run = Run { elapsed: Duration::from_millis(5), cases: 2, verdicts: 3, requests: 3 };
        assert_eq!(read_run(&results), Some(run));
        assert_eq!(read_run(&serde_json::json!({"cases": []})), None);
    }

    #[test]
    fn hurl_gets_every_documented_request_as_often_as_the_others() {
        let text = entries("http://a");
        for name in DOCUMENTED {
            assert_eq!(text.matches(&format!("\nfile,{name};\n")).count(), REPEATS);
            assert!(workspace::root().join("fixtures/documented").join(name).exists(), "{name}");
        }
        assert_eq!(text.matches("POST http://a/api/v1.1/profiles/import\n").count(), REPEATS * DOCUMENTED.len());
    }

    #[test]
    fn takes_the_one_in_the_middle_and_not_the_first() {
        let mut rounds = [100, 9, 1, 8, 2, 7, 3, 4].into_iter();
        assert_eq!(median(|| rounds.next().context("too many rounds")).unwrap(), 4);
    }
}
