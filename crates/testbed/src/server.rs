//! The program `rollcall`, or one that speaks like it, as a child process: started on a free port, stopped in good order
//! or killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};

/// How long a server may take to listen, and to stop.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A server that listens. It is killed with its value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start until it said so.
    pub started_in: Duration,
}

impl Server {
    /// Starts the program and waits for its line `listening on http://ADDRESS`. Its log goes where ours does.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let begin = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("it does not start")?;
        match first_line(&mut child).and_then(|line| address(&line)) {
            Ok(address) => Ok(Self { child, address, started_in: begin.elapsed() }),
            Err(error) => {
                let _ = child.kill(); // it may have ended already
                child.wait()?;
                Err(error.context(format!("{command:?}")))
            }
        }
    }

    /// The identifier of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, as an operator would, and waits.
    pub fn stop(mut self) -> anyhow::Result<()> {
        signal(&self.child, "TERM")?;
        match self.ended()? {
            status if status.success() => Ok(()),
            status => bail!("the server did not stop cleanly ({status})"),
        }
    }

    /// Ends it as the system would for want of memory, and waits until it has gone.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5)); // between two looks; nobody is timed by it
        }
        bail!("the server did not stop within {} s", PATIENCE.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to tell if one of these fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of the output; the rest is read and dropped, so that the program never waits for a reader.
fn first_line(child: &mut Child) -> anyhow::Result<String> {
    let output = child.stdout.take().context("it has no output")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line); // only the first is waited for
        }
    });
    receiver.recv_timeout(PATIENCE).map_err(|error| match error {
        mpsc::RecvTimeoutError::Timeout => anyhow!("it said nothing for {} s", PATIENCE.as_secs()),
        mpsc::RecvTimeoutError::Disconnected => anyhow!("it ended before it listened"),
    })
}

fn address(line: &str) -> anyhow::Result<SocketAddr> {
    let address = line.strip_prefix("listening on http://").and_then(|address| address.parse().ok());
    address.with_context(|| format!("its first line is `{line}`, not `listening on http://ADDRESS`"))
}

/// The standard library can only kill; asking politely is the job of `kill`.
fn signal(child: &Child, name: &str) -> anyhow::Result<()> {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().context("no `kill` here")?;
    if !status.success() {
        bail!("the server cannot be told to stop");
    }
    Ok(())
}
