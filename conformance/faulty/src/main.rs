//! Serves one fault on a free port, or lists them all, so that the judge can be tried on a server known to be wrong.

use std::{io::Write, process::ExitCode};

const USAGE: &str =
    "say which fault to serve until it is stopped, or --list: name, requirement and story of every fault";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => list(),
        [name] => serve(name),
        _ => Err(anyhow::anyhow!(USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall-faulty: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for fault in rollcall_faulty::all() {
        writeln!(out, "{:<41}  {:<28}  {}", fault.name, fault.breaks, fault.story)?;
    }
    Ok(())
}

fn serve(name: &str) -> anyhow::Result<()> {
    let server = rollcall_faulty::named(name)?.server()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let (url, serving) = rollcall_faulty::listen(server).await?;
        writeln!(std::io::stdout(), "listening on {url}")?;
        serving.await;
        Ok(())
    })
}
