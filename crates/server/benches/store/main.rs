//! The store under load, measured: beside other things (`compare`), as it grows (`growth`), over time (`soak`),
//! and many profiles at once (`batch`).
//!
//! `cargo xtask bench store`, `growth`, `soak` and `batch` start it; what they print is Markdown for `docs/performance.md`.
//! Progress goes to standard error. Client and servers share the machine, so ratios of one run are what counts.

mod batch; // many profiles in one request
mod compare; // contenders take turns
mod contenders; // table: what is compared
mod floor; // what the disk allows: append and sync
mod growth; // the same load on ever more profiles
mod mocks; // servers of others, from npm
mod report; // tables, goals, units
mod serve; // our server with something else behind it
mod soak; // a steady rate for a long time
mod stores; // two stores that only a comparison wants
mod upsert; // a function of PostgreSQL
mod visitors; // the people who come to growth and soak

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;
use clap::{Parser, Subcommand};
use rollcall_testbed::server::Server;
use tempfile::TempDir;

/// The same allocator as the program's, for all that is compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(bin_name = "cargo bench -p rollcall-server --bench store --")]
struct Options {
    #[command(subcommand)]
    what: What,
    /// Said by cargo
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum What {
    Batch(batch::Options),
    Compare(compare::Options),
    Growth(growth::Options),
    Soak(soak::Options),
    #[command(hide = true)]
    Serve(serve::Options),
}

fn main() -> anyhow::Result<()> {
    match Options::parse().what {
        What::Batch(options) => batch::run(&options),
        What::Compare(options) => compare::run(&options),
        What::Growth(options) => growth::run(&options),
        What::Soak(options) => soak::run(&options),
        What::Serve(options) => serve::run(&options),
    }
}

/// The program that is measured.
#[derive(clap::Args)]
struct Subject {
    /// Another build of rollcall, to compare with
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_rollcall"))]
    program: PathBuf,
}

impl Subject {
    /// Starts it, keeping profiles in `data`.
    fn start(&self, data: &Path) -> anyhow::Result<Server> {
        let mut command = Command::new(&self.program);
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data).env("RUST_LOG", "warn");
        Server::start(&mut command)
    }
}

/// A fresh folder that is removed with its value, where figures of a disk mean something.
fn folder_on_a_disk() -> anyhow::Result<TempDir> {
    let folder = TempDir::with_prefix("rollcall-bench-")?;
    let system = report::file_system(folder.path())?;
    ensure!(system != "tmpfs", "{} is memory; name a folder on a disk in TMPDIR", folder.path().display());
    Ok(folder)
}
