//! The store under load, measured: beside other things (`compare`), as it grows (`growth`), over time (`soak`).
//!
//! `cargo xtask bench store`, `growth` and `soak` start it; what they print is Markdown for `docs/performance.md`.
//! Progress goes to standard error. Client and servers share the machine, so ratios of one run are what counts.

mod floor; // what the disk allows: append and sync
mod growth; // the same load on ever more profiles
mod report; // tables, goals, units
mod soak; // a steady rate for a long time
mod visitors; // the people who come to growth and soak

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

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
    Growth(growth::Options),
    Soak(soak::Options),
}

fn main() -> anyhow::Result<()> {
    match Options::parse().what {
        What::Growth(options) => growth::run(&options),
        What::Soak(options) => soak::run(&options),
    }
}

/// What is measured, and where.
#[derive(clap::Args)]
struct Subject {
    /// Folder on the disk to measure [default: one in cargo's target folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Another build of rollcall, to compare with
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_rollcall"))]
    program: PathBuf,
}

impl Subject {
    /// A fresh folder, which is removed with its value.
    fn folder(&self) -> anyhow::Result<tempfile::TempDir> {
        fresh_folder(self.folder.as_deref())
    }

    /// The program, keeping profiles in `data`.
    fn start(&self, data: &Path) -> anyhow::Result<rollcall_testbed::server::Server> {
        let mut command = std::process::Command::new(&self.program);
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data).env("RUST_LOG", "warn");
        rollcall_testbed::server::Server::start(&mut command)
    }
}

/// Not in the system's folder for such things, which may be memory.
fn fresh_folder(parent: Option<&Path>) -> anyhow::Result<tempfile::TempDir> {
    let parent = parent.unwrap_or(Path::new(env!("CARGO_TARGET_TMPDIR")));
    std::fs::create_dir_all(parent)?;
    Ok(tempfile::Builder::new().prefix("rollcall-bench-").tempdir_in(parent)?)
}
