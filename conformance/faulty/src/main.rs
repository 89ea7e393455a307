//! Serves one fault or personality on a free port, or lists them all, so that the judge can be tried on a server known
//! to be wrong, or known to be right in its own way.

use rollcall_faulty::personality::{self, PERSONALITIES};
use std::{io::Write, process::ExitCode};

const USAGE: &str =
    "say which fault or personality to serve until it is stopped, or --list: name, requirement or rulings, and story";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--help" | "-h"] => writeln!(std::io::stdout(), "{USAGE}").map_err(Into::into),
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
    for personality in PERSONALITIES {
        writeln!(out, "{:<41}  {:<28}  {}", personality.name, personality.rulings.join(", "), personality.story)?;
    }
    Ok(())
}

fn serve(name: &str) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        match personality::named(name) {
            Ok(personality) => until_stopped(personality.listen().await?).await,
            Err(_) => until_stopped(rollcall_faulty::listen(rollcall_faulty::named(name)?.server()?).await?).await,
        }
    })
}

async fn until_stopped((url, serving): (String, impl Future<Output = ()>)) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "listening on {url}")?;
    serving.await;
    Ok(())
}
