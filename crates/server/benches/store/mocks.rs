//! The mock servers that a developer would pick instead, from npm, each with a mock of the import call. They keep
//! nothing. They are installed once, beside cargo's output.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rollcall_testbed::http::Connection;
use rollcall_testbed::people::{Documented, IMPORT};
use serde_json::{Value, json};

use crate::serve::ANSWER;

/// A mock server as npm has it.
pub(crate) struct Tool {
    package: &'static str,
    version: &'static str,
    /// The file that tells it what to answer, in its folder, and what is in it.
    file: &'static str,
    mock: fn() -> String,
    /// Starts it: where npm has put packages, the folder with the file, the port.
    command: fn(&Path, &Path, &str) -> Command,
}

pub(crate) const PRISM: Tool = Tool {
    package: "@stoplight/prism-cli",
    version: "5.16.0",
    file: "openapi.yaml",
    mock: || include_str!("openapi.yaml").to_owned(),
    command: |modules, folder, port| {
        let mut command = Command::new(modules.join(".bin/prism"));
        command.args(["mock", "--host", "127.0.0.1", "--port", port, "--verboseLevel", "silent"]);
        command.arg(folder.join("openapi.yaml"));
        command
    },
};

pub(crate) const MOCKOON: Tool = Tool {
    package: "@mockoon/cli",
    version: "9.9.0",
    file: "environment.json",
    mock: || environment().to_string(),
    command: |modules, folder, port| {
        let mut command = Command::new(modules.join(".bin/mockoon-cli"));
        command.args(["start", "--hostname", "127.0.0.1", "--port", port, "--disable-log-to-file"]);
        command.args(["--disable-admin-api", "--repair", "--data"]).arg(folder.join("environment.json"));
        command
    },
};

/// As it comes: it keeps a journal of all requests.
pub(crate) const WIREMOCK: Tool = Tool {
    package: "wiremock",
    version: "3.13.2",
    file: "mappings/import.json",
    mock: || mapping().to_string(),
    command: wiremock,
};

/// As who knows it would start it for load.
pub(crate) const WIREMOCK_WITHOUT_JOURNAL: Tool = Tool {
    command: |modules, folder, port| {
        let mut command = wiremock(modules, folder, port);
        command.arg("--no-request-journal");
        command
    },
    ..WIREMOCK
};

fn wiremock(modules: &Path, folder: &Path, port: &str) -> Command {
    let mut command = Command::new("java");
    command.arg("-jar").arg(modules.join("wiremock/build/wiremock-standalone-3.13.2.jar"));
    command.args(["--bind-address", "127.0.0.1", "--port", port, "--disable-banner", "--root-dir"]).arg(folder);
    command
}

fn environment() -> Value {
    let uuid = |number| format!("00000000-0000-4000-8000-{number:012}");
    let response = json!({
        "uuid": uuid(1), "body": ANSWER, "statusCode": 200, "default": true, "bodyType": "INLINE",
        "headers": [{"key": "Content-Type", "value": "application/json"}],
    });
    let route = json!({
        "uuid": uuid(2), "type": "http", "method": "post", "endpoint": IMPORT.trim_start_matches('/'),
        "responses": [response],
    });
    json!({
        "uuid": uuid(3), "name": "import", "lastMigration": 33, "port": 3000, "hostname": "127.0.0.1",
        "routes": [route], "rootChildren": [{"type": "route", "uuid": uuid(2)}],
    })
}

fn mapping() -> Value {
    let response = json!({"status": 200, "headers": {"Content-Type": "application/json"}, "jsonBody": answer()});
    json!({"request": {"method": "POST", "urlPath": IMPORT}, "response": response})
}

fn answer() -> Value {
    serde_json::from_str(ANSWER).unwrap_or_default()
}

/// How long one of them may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mock server that answers. It is killed with its value.
pub(crate) struct Mock {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Tool {
    /// Installs it if need be, and starts it with its file in this folder.
    pub(crate) fn start(&self, folder: &Path) -> anyhow::Result<Mock> {
        let modules = self.install()?;
        let file = folder.join(self.file);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        fs::write(&file, (self.mock)())?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // free a moment ago; none of them picks one
        let mut command = (self.command)(&modules, folder, &address.port().to_string());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut mock = Mock { child: child.with_context(|| format!("{command:?} does not start"))?, address };
        mock.wait_for_answer().with_context(|| format!("{command:?}"))?;
        Ok(mock)
    }

    /// Where npm has put its packages: beside cargo's output, once for all runs.
    fn install(&self) -> anyhow::Result<PathBuf> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("npm-{}", self.package.replace('/', "-")));
        let package = format!("{}@{}", self.package, self.version);
        let installed = folder.join("installed");
        if !fs::read_to_string(&installed).is_ok_and(|name| name == package) {
            eprintln!("installing {package} from npm");
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error", "--prefix"]);
            let status = npm.arg(&folder).arg(&package).stdout(Stdio::null()).status();
            let status = status.context("npm is not installed (apt-get install npm)")?;
            ensure!(status.success(), "npm cannot install {package}");
            fs::write(&installed, &package)?;
        }
        Ok(folder.join("node_modules"))
    }
}

impl Mock {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_for_answer(&mut self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let begin = Instant::now();
        while let Err(error) = runtime.block_on(answers(self.address)) {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended ({status})");
            }
            if begin.elapsed() > PATIENCE {
                return Err(error.context("it does not answer"));
            }
            std::thread::sleep(Duration::from_millis(50)); // between two looks
        }
        Ok(())
    }
}

/// Whether it answers an import with what it was told.
async fn answers(address: SocketAddr) -> anyhow::Result<()> {
    let mut connection = Connection::open(address).await?;
    connection.succeed(Documented::default().request(0, 0)).await?;
    let text = connection.last_answer();
    let body = text.find('{').zip(text.rfind('}')).and_then(|(from, to)| text.get(from..=to)).unwrap_or_default();
    ensure!(serde_json::from_str::<Value>(body).ok() == Some(answer()), "it answers something else: {text}");
    Ok(())
}

impl Drop for Mock {
    fn drop(&mut self) {
        // Nobody is left to tell if one of these fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
