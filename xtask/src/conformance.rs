//! `cargo xtask conformance`: builds our server, starts it on a free port with a fresh store, runs the judge against
//! it and stops it. With `--target` only the judge runs.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use tempfile::TempDir;

use crate::workspace;

/// Exit code of the judge when it could not judge.
const COULD_NOT_JUDGE: u8 = 2;
/// How long the server may take to listen, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the judge with `options` and gives its exit code.
pub(crate) fn run(options: &[String]) -> anyhow::Result<u8> {
    if needs_no_server(options) {
        build(&["rollcall-conformance"])?;
        return judge(options, None);
    }
    build(&["rollcall-server", "rollcall-conformance"])?;
    let world = value_of(options, "--world").map_or(Vec::new(), |world| vec!["--world", world]);
    let mut server = Server::start(&world)?;
    let code = judge(options, Some(&server.url))?;
    match server.stop() {
        Ok(()) => Ok(code),
        Err(error) => {
            eprintln!("xtask: {error:#}\nIts last words:\n{}", server.last_words());
            Ok(COULD_NOT_JUDGE)
        }
    }
}

/// Commands of the judge that work on files alone.
const FILE_COMMANDS: [&str; 2] = ["diff", "matrix"];

fn needs_no_server(options: &[String]) -> bool {
    options.first().is_some_and(|first| FILE_COMMANDS.contains(&first.as_str()))
        || value_of(options, "--target").is_some()
        || options.iter().any(|option| ["--list", "--help", "-h", "--version", "-V"].contains(&option.as_str()))
}

/// The value of an option, written as one word or as two.
fn value_of<'a>(options: &'a [String], name: &str) -> Option<&'a str> {
    let position = options.iter().position(|option| option == name || option.starts_with(&format!("{name}=")))?;
    match options[position].split_once('=') {
        Some((_, value)) => Some(value),
        None => options.get(position + 1).map(String::as_str),
    }
}

/// The folder of programs that are built already, if they are to be taken as they are: so the commands of documents are
/// tried without a release build.
fn given_programs() -> Option<PathBuf> {
    std::env::var_os("ROLLCALL_PROGRAMS").map(PathBuf::from)
}

/// Builds packages as they are released.
pub(crate) fn build(packages: &[&str]) -> anyhow::Result<()> {
    if given_programs().is_some() {
        return Ok(());
    }
    let mut command = workspace::cargo(["build", "--release", "--quiet"]);
    packages.iter().for_each(|package| {
        command.args(["--package", package]);
    });
    if !command.status().context("cargo does not start")?.success() {
        bail!("{} cannot be built", packages.join(" and "));
    }
    Ok(())
}

/// Where a built program is.
pub(crate) fn program(name: &str) -> anyhow::Result<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    if let Some(folder) = given_programs() {
        return Ok(folder.join(file));
    }
    let metadata = workspace::metadata()?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(Path::new(target).join("release").join(file))
}

fn judge(options: &[String], target: Option<&str>) -> anyhow::Result<u8> {
    let mut command = Command::new(program("rollcall-conformance")?);
    command.args(options);
    if let Some(target) = target {
        command.args(["--target", target]);
    }
    let status = command.status().context("the judge does not start")?;
    // Ended by a signal: there is no verdict.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(COULD_NOT_JUDGE))
}

/// Our server, running on a store of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    folder: TempDir, // fresh, and removed when the server has gone
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("rollcall-conformance-").context("cannot make a folder for the store")?;
        let mut command = Command::new(program("rollcall")?);
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data"));
        command.args(options).stdout(Stdio::piped()).stderr(File::create(folder.path().join("stderr"))?);
        let child = command.spawn().context("the server does not start")?;
        let mut server = Self { child, url: String::new(), folder };
        match server.first_line() {
            Ok(url) => server.url = url,
            Err(error) => bail!("{error}\nIts last words:\n{}", server.last_words()),
        }
        Ok(server)
    }

    /// Waits for `listening on URL`, and goes on reading so that the server never waits for us.
    fn first_line(&mut self) -> anyhow::Result<String> {
        let output = self.child.stdout.take().context("the server has no output")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line); // only the first line is waited for
            }
        });
        let line = receiver.recv_timeout(PATIENCE).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => anyhow!("the server said nothing for {} s", PATIENCE.as_secs()),
            mpsc::RecvTimeoutError::Disconnected => anyhow!("the server ended before it listened"),
        })?;
        let url = line.strip_prefix("listening on ");
        url.map(str::to_owned).with_context(|| format!("the server's first line is `{line}`, not `listening on URL`"))
    }

    /// A folder that is gone with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks the server to stop, as an operator would, and waits.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the server ended during the run ({status})");
        }
        terminate(&mut self.child)?;
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the server did not stop cleanly ({status})"),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        bail!("the server did not stop within {} s", PATIENCE.as_secs())
    }

    fn last_words(&self) -> String {
        let words = std::fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default();
        let lines: Vec<&str> = words.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to tell if one of these fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The standard library can only kill; asking politely is the job of `kill`.
fn terminate(child: &mut Child) -> anyhow::Result<()> {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().context("no `kill` here")?;
    if !status.success() {
        bail!("the server cannot be told to stop");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn finds_an_option_in_both_spellings() {
        assert_eq!(value_of(&options("--quiet --world a.toml"), "--world"), Some("a.toml"));
        assert_eq!(value_of(&options("--world=a.toml --quiet"), "--world"), Some("a.toml"));
        assert_eq!(value_of(&options("--worlds x"), "--world"), None);
    }

    #[test]
    fn starts_a_server_only_where_one_is_judged() {
        assert!(needs_no_server(&options("--target http://a")));
        assert!(needs_no_server(&options("--list --filter x")));
        assert!(needs_no_server(&options("diff before.json after.json")));
        assert!(needs_no_server(&options("matrix ours.json theirs.json --html matrix.html")));
        assert!(!needs_no_server(&options("--filter x --json y")));
        assert!(!needs_no_server(&options("--verify claim.json")));
        assert!(!needs_no_server(&options("--filter diff")));
    }
}
