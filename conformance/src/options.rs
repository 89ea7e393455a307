//! The options of the program: their names, their help, which of them go together.

use std::path::PathBuf;

use anstream::{AutoStream, ColorChoice};
use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  rollcall-conformance --target http://127.0.0.1:8080
      judge a server that is set up with the built-in documented world
  rollcall-conformance --target https://api.example.com --world mine.toml --json results.json
      judge a server with a set-up of its own
  rollcall-conformance --target http://127.0.0.1:8080 --filter 'matching/*'
      judge one group of cases
  rollcall-conformance --target http://127.0.0.1:8080 --known-failing known.toml --expect-fingerprint mine.json
      fail only on what is new; --write-known-failing and --fingerprint write such files
  rollcall-conformance --target https://api.example.com --world mine.toml --read-only
      ask only what the server must refuse
  rollcall-conformance --target http://127.0.0.1:8080 --against http://127.0.0.1:8081
      show where two servers disagree
  rollcall-conformance --target http://127.0.0.1:8080 --claim claim.json
      write down what was shown; anybody checks it with --verify claim.json
  rollcall-conformance --target http://127.0.0.1:8080 --generated 5000 --save finds
      look longer for what no written case tries; keep what is found as case files and scripts
  rollcall-conformance matrix ours.json theirs.json --html matrix.html
      show several results of --json side by side
  rollcall-conformance --list --filter MATCH-
      show which cases test which requirement

Exit code: 0 every MUST holds, or fails as announced; 1 a MUST failed, or a file handed in is not true any more;
2 it could not be judged.";

const DIFF_EXAMPLES: &str = "\
Example:
  rollcall-conformance diff before.json after.json

Exit code: 0 they are equal; 1 they differ; 2 one of them cannot be read.";

const MATRIX_EXAMPLES: &str = "\
Example:
  rollcall-conformance matrix ours.json theirs.json --html matrix.html

Exit code: 0 the file is written; 2 a result cannot be read.";

/// Tells whether a server answers POST /api/v1.1/profiles/import as documented.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) judging: Judging,
}

/// What works on files alone.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the difference between two fingerprints
    #[command(after_help = DIFF_EXAMPLES)]
    Diff {
        /// What --fingerprint or --json wrote
        before: PathBuf,
        /// What --fingerprint or --json wrote
        after: PathBuf,
    },

    /// Show the results of several runs side by side, as one HTML file
    #[command(after_help = MATRIX_EXAMPLES)]
    Matrix {
        /// What --json wrote, a file for each implementation
        #[arg(required = true)]
        results: Vec<PathBuf>,

        /// The file to write
        #[arg(long, value_name = "PATH")]
        html: PathBuf,
    },
}

/// The options of a run.
#[derive(Debug, Args)]
pub(crate) struct Judging {
    /// Base URL of the server: what stands in front of /api/v1.1
    #[arg(long, value_name = "URL", required_unless_present_any = ["list", "verify"])]
    pub(crate) target: Option<String>,

    /// What the server is set up with [default: the built-in documented world]
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,

    /// Only cases whose id or requirement fits: a glob with * or ?, else a piece of the id
    #[arg(long, value_name = "PATTERN", overrides_with = "filter")]
    pub(crate) filter: Option<String>,

    /// Show the requirement rows and the cases that test them; needs no server
    #[arg(long)]
    pub(crate) list: bool,

    /// Send nothing that could be stored; what could is unsupported
    #[arg(long)]
    pub(crate) read_only: bool,

    /// How many cases run at once [default: the number of cores]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// Cases to draw beside those written by hand, and some 200 that need no drawing; with 0 none of both
    #[arg(long, value_name = "N", default_value_t = GENERATED)]
    pub(crate) generated: usize,

    /// Draws the generated cases; printed, so that they can be drawn again [default: the time]
    #[arg(long, value_name = "S", overrides_with = "seed")]
    pub(crate) seed: Option<u64>,

    /// Keep what generated cases find: case files, scripts, bodies
    #[arg(long, value_name = "DIR", conflicts_with_all = ["list", "against", "self_check", "read_only"])]
    pub(crate) save: Option<PathBuf>,

    /// Say only what failed, and the verdict
    #[arg(long)]
    pub(crate) quiet: bool,

    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,

    #[command(flatten)]
    pub(crate) reports: Reports,

    #[command(flatten)]
    pub(crate) announced: Announced,

    /// Ask a second server the same, and show where the two disagree
    #[arg(long, value_name = "URL", help_heading = "Other questions", conflicts_with_all = ["list", "verify", "read_only"])]
    pub(crate) against: Option<String>,

    /// Write what the run showed, with all it was made with
    #[arg(long, value_name = "FILE", help_heading = "Other questions", conflicts_with_all = ["filter", "list", "against", "expect_fingerprint"])]
    pub(crate) claim: Option<PathBuf>,

    /// Ask of the suite, not of the server: can every expectation fail, does the order of cases matter?
    #[arg(long, help_heading = "Other questions", conflicts_with_all = ["list", "against", "verify", "read_only", "claim", "known_failing", "known_flaky", "json"])]
    pub(crate) self_check: bool,

    /// Run again as a claim says, and tell whether it holds [default target: the one it names]
    #[arg(
        long,
        value_name = "CLAIM",
        help_heading = "Other questions",
        conflicts_with_all =
            ["filter", "list", "claim", "read_only", "known_failing", "known_flaky", "seed", "generated"]
    )]
    pub(crate) verify: Option<PathBuf>,
}

/// So many that a run against a fast server stays well below five seconds on two cores.
const GENERATED: usize = 400;

/// Where results are written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct Reports {
    /// Write the results as JSON
    #[arg(long, value_name = "PATH")]
    pub(crate) json: Option<PathBuf>,

    /// Write the results as JUnit XML
    #[arg(long, value_name = "PATH", conflicts_with = "against")]
    pub(crate) junit: Option<PathBuf>,

    /// Write the results as TAP 14
    #[arg(long, value_name = "PATH", conflicts_with = "against")]
    pub(crate) tap: Option<PathBuf>,

    /// Write a summary in Markdown
    #[arg(long, value_name = "PATH", conflicts_with = "against")]
    pub(crate) markdown: Option<PathBuf>,

    /// Write everything as one HTML file
    #[arg(long, value_name = "PATH", conflicts_with = "against")]
    pub(crate) html: Option<PathBuf>,

    /// Write a badge with the verdict, as SVG
    #[arg(long, value_name = "PATH", conflicts_with = "against")]
    pub(crate) badge: Option<PathBuf>,
}

/// What is announced of the target, and where to write such announcements.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is known of the server")]
pub(crate) struct Announced {
    /// Failures that are known; one that does not come true fails the run
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub(crate) known_failing: Option<PathBuf>,

    /// Failures that come and go
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub(crate) known_flaky: Option<PathBuf>,

    /// Write a list of all failures of this run, to be edited and given to --known-failing
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub(crate) write_known_failing: Option<PathBuf>,

    /// Write how the server answers what is left to it
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub(crate) fingerprint: Option<PathBuf>,

    /// Fail if it answers otherwise than this file of --fingerprint or --json says
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub(crate) expect_fingerprint: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    pub(crate) fn choice(self) -> ColorChoice {
        match self {
            Self::Auto => AutoStream::choice(&std::io::stdout()),
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_contradict_each_other_only_where_it_is_said() {
        Options::command().debug_assert();
        let fits = |line: &str| Options::try_parse_from(line.split_whitespace()).is_ok();
        assert!(
            fits("x --target http://a --known-failing k --claim c")
                && fits("x --target http://a --expect-fingerprint f")
        );
        assert!(fits("x --list") && fits("x --verify c") && fits("x diff a b"));
        assert!(!fits("x") && !fits("x diff a") && !fits("x --target http://a diff a b"));
        assert!(!fits("x --target http://a --claim c --filter matching"), "a claim is about the whole suite");
        assert!(!fits("x --target http://a --against http://b --known-failing k"));
    }
}
