//! Holds our server to its own OpenAPI document, with requests that schemathesis draws from it. Where that is not
//! installed, this is said and is no failure: it comes from a registry of its own, which not every machine can reach.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::{
    conformance::{Server, build},
    workspace,
};

/// What is looked at in each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// The same requests each time, and few enough for a minute.
const OPTIONS: [&str; 9] =
    ["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1", "--no-color"];

/// Runs it on our own server, freshly started.
pub(crate) fn run() -> anyhow::Result<()> {
    let version = Command::new("schemathesis").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        println!("NOT RUN: schemathesis is not installed (pip install schemathesis)");
        return Ok(());
    }
    build(&["rollcall-server"])?;
    let mut server = Server::start(&[])?;
    let mut command = Command::new("schemathesis");
    command.args(["run", &format!("{}/openapi.json", server.url)]).args(OPTIONS).current_dir(server.folder());
    command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", workspace::root().join("examples/schemathesis"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let status = command.status().context("schemathesis does not start")?;
    server.stop()?;
    if !status.success() {
        bail!("schemathesis ended with {status}");
    }
    Ok(())
}
