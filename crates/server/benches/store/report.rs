//! Tables in Markdown, goals that are met or missed, units, and what the machine is.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rollcall_testbed::load::Times;

/// Prints a table; the first column is text, the others are figures.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) {
    println!("\n| {} |", head.join(" | "));
    println!("| ---{} |", " | ---:".repeat(head.len() - 1));
    rows.iter().for_each(|row| println!("| {} |", row.join(" | ")));
}

/// Something aimed at.
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) bound: Bound,
    /// `None` where it was not measured.
    pub(crate) measured: Option<f64>,
}

/// Where a goal begins.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("at least {bound}"),
            Self::AtMost(bound) => format!("at most {bound}"),
        }
    }
}

/// Prints what came of the goals.
pub(crate) fn goals(goals: &[Goal]) {
    let rows: Vec<_> = goals.iter().map(Goal::row).collect();
    table(&["goal", "aim", "measured", ""], &rows);
}

impl Goal {
    fn row(&self) -> Vec<String> {
        let (measured, verdict) = match self.measured {
            Some(figure) if self.bound.holds(figure) => (format!("{figure:.2}"), "met"),
            Some(figure) => (format!("{figure:.2}"), "**missed**"),
            None => (String::new(), "**NOT RUN**"),
        };
        vec![self.what.clone(), self.bound.text(), measured, verdict.to_owned()]
    }
}

/// p50, p99 and p99.9.
pub(crate) const QUANTILES: [f64; 3] = [0.5, 0.99, 0.999];

/// The times that these shares of the calls took at most, as cells.
pub(crate) fn quantiles(times: &Times) -> impl Iterator<Item = String> {
    QUANTILES.into_iter().map(|share| milliseconds(times.quantile(share)))
}

/// To the digit that matters.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    let digits = if milliseconds < 10.0 { 2 } else { 0 };
    format!("{milliseconds:.digits$} ms")
}

/// Thousands are set apart.
pub(crate) fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

const MIB: f64 = 1024.0 * 1024.0;

/// Bytes in MiB.
#[expect(clippy::cast_precision_loss, reason = "shown with far fewer digits")]
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

/// The machine, in a line.
pub(crate) fn machine() -> String {
    let first = |file: &str, label: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(label)).unwrap_or_default();
        line.split_once(':').map_or("unknown", |(_, value)| value.trim()).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores ({}), {} memory, kernel {}; client and servers share them.",
        first("/proc/cpuinfo", "model name"),
        first("/proc/meminfo", "MemTotal"),
        kernel.trim()
    )
}

/// The kind of file system that this folder is on, as Linux tells it; nothing elsewhere.
pub(crate) fn file_system(folder: &Path) -> anyhow::Result<String> {
    let folder = folder.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((Path::new(words.next()?), words.next()?))
    });
    let of_folder = mounts.filter(|(mounted, _)| folder.starts_with(mounted));
    // Of two at the same place, the later one covers the other.
    let deepest = of_folder.max_by_key(|(mounted, _)| mounted.components().count());
    Ok(deepest.map_or(String::new(), |(_, kind)| kind.to_owned()))
}

/// A bar on standard error that goes to `length`.
pub(crate) fn progress(what: &str, length: u64) -> ProgressBar {
    #[expect(clippy::expect_used, reason = "a constant that is well formed")]
    let style = ProgressStyle::with_template("{msg:<44} {wide_bar} {human_pos}/{human_len} {eta:>4}").expect("a style");
    ProgressBar::new(length).with_style(style).with_message(what.to_owned())
}
