//! A throw-away PostgreSQL cluster: made from the installed programs, gone with its value.
//!
//! Each cluster is kept by a small shell, which stops it and removes its folder as soon as the pipe to it is closed: by
//! dropping the value, or by the death of this process, however it dies.

use anyhow::{Context, bail, ensure};
use std::{
    collections::HashMap,
    env, fs,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// Starts the cluster, says so, and stops it when told how, or when the pipe is closed: then it removes the folder too.
const KEEPER: &str = r#"
"$1/pg_ctl" start --wait --silent -D "$2/data" -l "$2/log" </dev/null || exit 1
echo started
read -r how
"$1/pg_ctl" stop --wait --silent -D "$2/data" -m "${how:-immediate}"
[ -n "$how" ] || rm -rf "$2"
"#;

/// What is run of an installation. Some put a part of it elsewhere, too.
const PROGRAMS: &[&str] = &["initdb", "pg_ctl", "createdb"];

/// How often a free port may turn out to be taken after all.
const PORTS_TRIED: usize = 5;

/// The user that tests connect as; nobody is asked for a password.
const USER: &str = "postgres";

/// A running cluster. Connections are trusted; what is committed is synced, unless a setting says otherwise.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    owner: Option<Owner>,
    port: u16,
    keeper: Mutex<Option<Child>>,
    databases: AtomicU32,
}

/// How a cluster is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Connections are cut, what they were at is rolled back, and everything is written down.
    Fast,
    /// At once, as by a crash: the next start recovers from the log.
    Immediate,
}

/// The user who has to run the programs, where this process is root's, since they refuse to be run by root.
#[derive(Debug, Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

/// The folder of the newest installed PostgreSQL's programs: that of the search path, else Debian's.
pub fn installed() -> Option<PathBuf> {
    let search_path = env::var_os("PATH").unwrap_or_default();
    let has_programs = |folder: &PathBuf| PROGRAMS.iter().all(|program| folder.join(program).is_file());
    env::split_paths(&search_path).find(has_programs).or_else(|| {
        let version = |folder: &fs::DirEntry| folder.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let folders = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
        let found = folders.map(|folder| (version(&folder), folder.path().join("bin")));
        found.filter(|(_, programs)| has_programs(programs)).max().map(|(_, programs)| programs)
    })
}

/// A cluster for all tests of this process, or none where PostgreSQL is not installed: then a line on standard error says
/// that the test is not run, and on CI (the environment has `CI`) it fails.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(start_for_a_test).as_ref()
}

/// A cluster of its own for a test that stops or restarts it; else as [`shared`].
pub fn start_for_a_test() -> Option<Cluster> {
    if installed().is_none() {
        not_run();
        return None;
    }
    match Cluster::start() {
        Ok(cluster) => Some(cluster),
        Err(error) => panic!("PostgreSQL is installed, but does not start: {error:#}"),
    }
}

fn not_run() {
    const LINE: &str = "NOT RUN: no PostgreSQL is installed (apt-get install postgresql)";
    assert!(env::var_os("CI").is_none(), "{LINE}");
    // Not by `eprintln`, which the test harness would keep to itself.
    let _nobody_reads_it = io::stderr().write_all(format!("{LINE}\n").as_bytes());
}

impl Cluster {
    /// Makes and starts a cluster.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// Makes and starts a cluster with these settings of `postgresql.conf`.
    pub fn start_with(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let programs = installed().context("no PostgreSQL is installed: apt-get install postgresql")?;
        let folder = tempfile::Builder::new().prefix("rollcall-postgres-").tempdir()?;
        let owner = owner(folder.path())?;
        let mut cluster = Self {
            programs,
            folder: folder.keep(), // the keeper removes it
            owner,
            port: 0,
            keeper: Mutex::new(None),
            databases: AtomicU32::new(0),
        };
        cluster.make(settings)?;
        cluster.start_on_a_free_port()?;
        Ok(cluster)
    }

    /// Where clients find this database of the cluster.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@{}:{}/{database}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// The port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database, and says where clients find it.
    pub fn new_database(&self) -> anyhow::Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        let mut command = self.command("createdb");
        run(command.args(["--host", "127.0.0.1", "--port", &port, "--username", USER, &name]))?;
        Ok(self.url(&name))
    }

    /// Stops the cluster and starts it again, on the same port with the same data.
    pub fn restart(&self, how: Stop) -> anyhow::Result<()> {
        self.stop(how)?;
        self.start_again()
    }

    /// Stops the cluster, and comes back when it is stopped. Its data stay as long as this value.
    pub fn stop(&self, how: Stop) -> anyhow::Result<()> {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut keeper = keeper.context("the cluster is stopped already")?;
        let how = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
        };
        let mut pipe = keeper.stdin.take().context("the cluster's keeper has no pipe")?;
        writeln!(pipe, "{how}")?;
        ensure!(keeper.wait()?.success(), "the cluster did not stop: {}", self.log());
        Ok(())
    }

    /// Starts a cluster that has been stopped.
    pub fn start_again(&self) -> anyhow::Result<()> {
        let mut command = self.command("");
        let keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Of a group of its own, so that what is meant for the tests, such as Ctrl-C, does not hit the keeper.
        let mut keeper = keeper.process_group(0).spawn().context("cannot start a shell")?;
        let mut said = String::new();
        let output = keeper.stdout.take().context("the cluster's keeper has no output")?;
        BufReader::new(output).read_line(&mut said)?;
        if said.trim_end() != "started" {
            keeper.wait()?;
            bail!("the cluster did not start: {}", self.log());
        }
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
        Ok(())
    }

    fn make(&self, settings: &[(&str, &str)]) -> anyhow::Result<()> {
        let data = self.folder.join("data");
        let mut command = self.command("initdb");
        let command = command.args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"]);
        run(command.arg("--no-sync").arg("-D").arg(&data))?;
        let folder = self.folder.to_str().context("the folder for temporary files has no plain name")?;
        let ours = [("listen_addresses", "127.0.0.1"), ("unix_socket_directories", folder)];
        self.set(ours.iter().chain(settings))
    }

    fn start_on_a_free_port(&mut self) -> anyhow::Result<()> {
        let mut started = Ok(());
        for _ in 0..PORTS_TRIED {
            self.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            self.set([&("port", self.port.to_string().as_str())])?;
            started = self.start_again();
            if started.is_ok() {
                break;
            }
        }
        started
    }

    /// Adds settings; the last one of a name counts.
    fn set<'a>(&self, settings: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> anyhow::Result<()> {
        let mut file = fs::OpenOptions::new().append(true).open(self.folder.join("data/postgresql.conf"))?;
        for (name, value) in settings {
            writeln!(file, "{name} = '{value}'")?;
        }
        Ok(())
    }

    /// A program of the installation, or the keeper where none is named; run by the cluster's owner in its folder.
    fn command(&self, program: &str) -> Command {
        let mut command = match program {
            "" => Command::new("/bin/sh"),
            program => Command::new(self.programs.join(program)),
        };
        if program.is_empty() {
            command.args(["-c", KEEPER, "keeper"]).arg(&self.programs).arg(&self.folder);
        }
        if let Some(Owner { user, group }) = self.owner {
            command.uid(user).gid(group);
        }
        command.current_dir(&self.folder);
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_else(|error| format!("it has no log: {error}"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let stopped = keeper.map(|mut keeper| {
            drop(keeper.stdin.take()); // which tells it to stop the cluster and to remove the folder
            keeper.wait()
        });
        if stopped.is_none_or(|stopped| stopped.is_err()) {
            let _nothing_is_left_to_remove = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Gives the folder to the user who runs the programs.
fn owner(folder: &Path) -> anyhow::Result<Option<Owner>> {
    const ROOT: u32 = 0;
    if fs::metadata(folder)?.uid() != ROOT {
        return Ok(None);
    }
    let owner = user(USER).with_context(|| format!("root cannot run PostgreSQL, and there is no user {USER:?}"))?;
    chown(folder, Some(owner.user), Some(owner.group))?;
    Ok(Some(owner))
}

fn user(name: &str) -> Option<Owner> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let by_name: HashMap<_, _> = users.lines().filter_map(|line| line.split_once(':')).collect();
    let mut numbers = by_name.get(name)?.split(':').skip(1).map(str::parse);
    Some(Owner { user: numbers.next()?.ok()?, group: numbers.next()?.ok()? })
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let Output { status, stderr, .. } = command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&stderr));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    fn answers(cluster: &Cluster) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, cluster.port())).is_ok()
    }

    #[test]
    fn a_cluster_is_there_until_its_value_is_dropped() {
        let Some(cluster) = start_for_a_test() else { return };
        let folder = cluster.folder.clone();
        assert!(answers(&cluster) && folder.exists());
        drop(cluster);
        assert!(!folder.exists());
    }

    #[test]
    fn a_stopped_cluster_starts_again_with_its_data() {
        let Some(cluster) = start_for_a_test() else { return };
        cluster.new_database().unwrap();
        for how in [Stop::Fast, Stop::Immediate] {
            cluster.stop(how).unwrap();
            assert!(!answers(&cluster), "{how:?}");
            cluster.start_again().unwrap();
            assert!(answers(&cluster), "{how:?}");
        }
        cluster.databases.store(0, Ordering::Relaxed);
        assert!(cluster.new_database().unwrap_err().to_string().contains("already exists"));
    }

    #[test]
    fn databases_have_names_of_their_own() {
        let Some(cluster) = shared() else { return };
        assert_ne!(cluster.new_database().unwrap(), cluster.new_database().unwrap());
    }
}
