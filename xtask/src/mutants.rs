//! `cargo xtask mutants`: builds the server with all its faults and measures which of them the suite notices. What that
//! means, and the matrix that is written, are matters of `conformance/faulty`.

use std::process::Command;

use anyhow::{Context, bail};

use crate::conformance;

/// Writes the kill matrix, or with `check` compares it with the one in the repository.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    conformance::build(&["rollcall-faulty"])?;
    let mut command = Command::new(conformance::program("rollcall-mutants")?);
    command.args(check.then_some("--check"));
    let status = command.status().context("rollcall-mutants does not start")?;
    if !status.success() {
        bail!("the suite is not as sharp as it must be, or the matrix is out of date; see above");
    }
    Ok(())
}
