//! Where the blocks of one document are run: a fresh folder with the repository's data, terminals, and free ports.

use crate::common::program::rollcall;
use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, BufRead, BufReader, PipeReader},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// Folders of the repository that blocks may read.
const DATA: &[&str] = &["conformance", "docs", "examples", "fixtures"];

/// How long a block may say nothing. None does, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// A fresh folder, and what was started in it. All of that is killed with the value.
pub(crate) struct Stage {
    serving: Vec<Terminal>, // the first to go, since they use the folder
    folder: TempDir,
    ports: BTreeMap<String, u16>,
}

/// How a block has ended, or gone on.
pub(crate) enum Outcome {
    /// It ended well, and said this.
    Ended(String),
    /// It ended badly, and said this.
    Failed(String),
    /// It serves until the document's end.
    Serves,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for data in DATA {
            symlink(repository().join(data), place(data)).unwrap();
        }
        fs::create_dir(place("bin")).unwrap();
        fs::write(place("bin/cargo"), include_str!("cargo.sh")).unwrap();
        fs::set_permissions(place("bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(place("not-run"), "").unwrap();
        Self { serving: Vec::new(), folder, ports: BTreeMap::new() }
    }

    /// Runs a block in a terminal of its own, until it ends or says that it listens.
    pub(crate) fn run(&mut self, block: &str) -> Outcome {
        let block = self.on_free_ports(block);
        let (mut terminal, output) = Terminal::open(self.shell(&block));
        let lines = lines(output);
        let mut said = String::new();
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with("listening on http://") => {
                    self.serving.push(terminal);
                    return Outcome::Serves;
                }
                Ok(line) => said = said + &line + "\n",
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it says nothing more: {block}{said}"),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        match terminal.child.wait().unwrap().success() {
            true => Outcome::Ended(said),
            false => Outcome::Failed(said),
        }
    }

    /// The commands that were looked at and not run.
    pub(crate) fn not_run(&self) -> Vec<String> {
        let lines = fs::read_to_string(self.folder.path().join("not-run")).unwrap();
        lines.lines().map(str::to_owned).collect()
    }

    /// The block, with free ports in place of those it names: nothing else of it is changed.
    fn on_free_ports(&mut self, block: &str) -> String {
        const HOST: &str = "127.0.0.1:";
        let mut parts = block.split(HOST);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (port, rest) = part.split_at(part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len());
            text = format!("{text}{HOST}{}{rest}", self.port(port));
        }
        text
    }

    /// The free port that stands for this one, here and in every block.
    fn port(&mut self, printed: &str) -> u16 {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        *self.ports.entry(printed.to_owned()).or_insert_with(free)
    }

    fn shell(&mut self, block: &str) -> Command {
        let listen = format!("127.0.0.1:{}", self.port("8080")); // where the program listens unless it is told
        let programs = Path::new(rollcall().get_program()).parent().unwrap().to_owned();
        let path = env::join_paths(
            [self.folder.path().join("bin")].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap())),
        );
        let mut shell = Command::new("bash");
        for (name, value) in rollcall().get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("PATH", path.unwrap()).env("ROLLCALL_LISTEN", listen).env("PROGRAMS", programs);
        shell.env("CARGO", env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()));
        shell.env("MANIFEST", repository().join("Cargo.toml")).env("NOT_RUN", self.folder.path().join("not-run"));
        shell.args(["-e", "-o", "pipefail", "-c", block]).current_dir(self.folder.path());
        shell
    }
}

/// The shell of one block, with all that it starts. Killed with its value.
struct Terminal {
    child: Child,
}

impl Terminal {
    /// Starts the shell. What is written to both of its outputs can be read.
    fn open(mut shell: Command) -> (Self, PipeReader) {
        let (reader, writer) = io::pipe().unwrap();
        shell.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
        (Self { child: shell.process_group(0).spawn().unwrap() }, reader)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The standard library can kill one process only. Nobody is left to tell if this fails.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

/// The lines of an output, which is read to its end though nobody may wait for it.
fn lines(output: PipeReader) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _nobody_may_listen = sender.send(line);
        }
    });
    receiver
}

/// The folder of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
