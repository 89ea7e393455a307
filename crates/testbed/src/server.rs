//! The program `rollcall`, or one that speaks like it, as a child process: started on a free port, stopped in good order
//! or killed.

use anyhow::{Context, anyhow, bail};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::fs::FileExt,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// How long a server may take to listen, and to stop.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A server that listens. It is killed with its value.
#[derive(Debug)]
pub struct Server {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start until it said so.
    pub started_in: Duration,
}

/// A server that need not listen yet. It is killed with its value.
#[derive(Debug)]
pub struct Starting {
    process: Process,
    output: ChildStdout,
    begin: Instant,
}

impl Starting {
    /// Starts the program, and does not wait for it.
    pub fn new(command: &mut Command) -> anyhow::Result<Self> {
        let log = tempfile::tempfile().context("no place for the program's log")?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.try_clone()?);
        let begin = Instant::now();
        let child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        let mut process = Process { child, log };
        let output = process.child.stdout.take().context("it has no output")?;
        Ok(Self { process, output, begin })
    }

    /// Waits for its line `listening on http://ADDRESS`. The error of a program that ends instead says what it logged.
    pub fn listening(self) -> anyhow::Result<Server> {
        let Self { process, output, begin } = self;
        match first_line(output).and_then(|line| address(&line)) {
            Ok(address) => Ok(Server { process, address, started_in: begin.elapsed() }),
            Err(error) => Err(error.context(process.log())),
        }
    }

    /// Ends it as [`Server::kill`] does.
    pub fn kill(self) {
        drop(self.process);
    }
}

impl Server {
    /// Starts the program and waits until it listens.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        Starting::new(command)?.listening()
    }

    /// The identifier of its process.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// What it has written to its standard error.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Tells it to read its configuration again, as an operator would (SIGHUP), and does not wait.
    pub fn hang_up(&self) -> anyhow::Result<()> {
        self.process.signal("HUP")
    }

    /// Asks it to stop, as an operator would (SIGTERM), and waits.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.process.signal("TERM")?;
        match self.process.ended()? {
            status if status.success() => Ok(()),
            status => bail!("the server did not stop cleanly ({status}): {}", self.log()),
        }
    }

    /// Ends it as the system would for want of memory (SIGKILL), and waits until it has gone.
    pub fn kill(self) {
        drop(self.process);
    }
}

/// A child whose standard error is kept. It is killed with its value.
#[derive(Debug)]
struct Process {
    child: Child,
    log: File,
}

impl Process {
    fn log(&self) -> String {
        let mut text = Vec::new();
        let mut piece = [0; 4096];
        // At offsets of our own, since the program writes at the one that belongs to the file.
        while let Ok(length @ 1..) = self.log.read_at(&mut piece, text.len() as u64) {
            text.extend_from_slice(&piece[..length]);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The standard library can only kill; asking politely is the job of `kill`.
    fn signal(&self, name: &str) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().context("no `kill` here")?;
        if !status.success() {
            bail!("the server cannot be signalled");
        }
        Ok(())
    }

    fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(5)); // between two looks; nobody is timed by it
        }
        bail!("the server did not stop within {} s", PATIENCE.as_secs())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _it_may_be_gone_already = self.child.kill();
        let _so_that_it_leaves_nothing_behind = self.child.wait();
    }
}

/// The first line of the output; the rest is read and dropped, so that the program never waits for a reader.
fn first_line(output: ChildStdout) -> anyhow::Result<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _only_the_first_is_waited_for = sender.send(line);
        }
    });
    receiver.recv_timeout(PATIENCE).map_err(|error| match error {
        RecvTimeoutError::Timeout => anyhow!("it said nothing for {} s", PATIENCE.as_secs()),
        RecvTimeoutError::Disconnected => anyhow!("it ended before it listened"),
    })
}

fn address(line: &str) -> anyhow::Result<SocketAddr> {
    let address = line.strip_prefix("listening on http://").and_then(|address| address.parse().ok());
    address.with_context(|| format!("its first line is `{line}`, not `listening on http://ADDRESS`"))
}
