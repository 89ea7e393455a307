//! Holds `docs/implementers.md` to its word: its server reaches a verdict, fails what the guide says it fails, and passes
//! that when it is mended as the guide says.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that unwraps fails where it should; helpers too")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rollcall_conformance::filter::Filter;
use rollcall_conformance::judge::{Judge, Outcome};
use rollcall_conformance::report::{Asked, Conclusion, Report};
use rollcall_conformance::run;
use rollcall_conformance::suite::{Suite, built_in_files};
use rollcall_conformance::target::Target;

/// The case with which the guide shows how to read a failure.
const SHOWN: &str = "matching/email-finds-subscription-email";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(docs().join(name)).expect(name)
}

/// The guide's change: the lines of its one `diff` block that go and that come.
fn change() -> (String, String) {
    let guide = read("implementers.md");
    let (_, rest) = guide.split_once("```diff\n").expect("the guide has a diff");
    let (diff, _) = rest.split_once("```").expect("the diff ends");
    let line = |sign: char| diff.lines().find_map(|line| line.strip_prefix(sign)).expect("a line goes, a line comes");
    (line('-').to_owned(), line('+').to_owned())
}

struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// None where there is no Python, which is said.
    fn start(program: &str) -> Option<Self> {
        let Ok(mut child) = Command::new("python3").args(["-c", program]).stdout(Stdio::piped()).spawn() else {
            eprintln!("NOT RUN: there is no python3 here, so nobody knows whether the guide's server still works");
            return None;
        };
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").map(str::to_owned);
        Some(Self { child, url: url.unwrap_or_else(|| panic!("the server says {line:?} first")) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to tell if one of these fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn judged<'a>(suite: &'a Suite, server: &Server, pattern: Option<&str>) -> Report<'a> {
    let filter = Filter::new(pattern.map(str::to_owned));
    let target = Target::new(&server.url).unwrap();
    let world = suite.documented_world.as_ref().unwrap();
    let plan = run::plan(suite, &filter);
    let run = run::run(&plan, &Judge::new(world, 1), &target, 2, |_| {});
    Report::new(suite, &Asked { target: &server.url, world: "documented", seed: 1, filter: &filter }, &plan, run)
}

#[test]
fn the_guides_server_reaches_an_honest_verdict_and_can_be_mended() {
    let suite = Suite::load(&built_in_files()).expect("the suite's data is sound");
    let program = read("minimal_server.py");
    let Some(server) = Server::start(&program) else { return };
    let all = judged(&suite, &server, None);
    assert_eq!(all.conclusion, Conclusion::Nonconformant, "{:?}", all.reasons);
    assert!(all.total(Outcome::Pass) > 50, "only {} passed", all.total(Outcome::Pass));
    assert_eq!(judged(&suite, &server, Some(SHOWN)).total(Outcome::Fail), 2, "the failure that the guide shows");

    let (old, new) = change();
    assert_eq!(program.matches(&old).count(), 1, "the guide changes the line {old:?}");
    let mended = Server::start(&program.replace(&old, &new)).unwrap();
    assert_eq!(judged(&suite, &mended, Some(SHOWN)).conclusion, Conclusion::Conformant, "the guide's change");
}

#[test]
fn the_guide_shows_a_case_that_exists() {
    assert!(read("implementers.md").contains(&format!("--filter {SHOWN}")));
    assert!(Suite::load(&built_in_files()).unwrap().case(SHOWN).is_some());
}
