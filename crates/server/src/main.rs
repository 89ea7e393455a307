//! The program `rollcall`: reads arguments, opens the store, listens, and stops in good order. The only reader of
//! arguments and environment.

use anyhow::{Context, bail};
use clap::{
    Parser,
    builder::{RangedU64ValueParser, TypedValueParser},
};
use rollcall_codec::limits::Limits;
use rollcall_model::world::World;
use rollcall_server::{
    http::{self, Settings},
    service::Service,
    world_file,
};
use rollcall_store::{disk::DiskStore, memory::MemoryStore, transaction::Store};
use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Requests make many small values on one thread that often die on another, which the system's allocator is slow at;
/// `docs/performance.md` has the figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An open server for the customer-profile import call `POST /api/v1.1/profiles/import`.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, env = "ROLLCALL_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Folder to keep profiles in
    #[arg(long, env = "ROLLCALL_DATA", default_value = "rollcall-data")]
    data: PathBuf,

    /// Keep profiles in memory only, whatever --data says; they are gone when the server stops
    #[arg(long)]
    memory: bool,

    /// Database to keep profiles in instead, for several servers: postgres://USER:PASSWORD@HOST/DATABASE
    #[cfg(feature = "postgres")]
    #[arg(
        long,
        env = "ROLLCALL_STORE",
        value_name = "URL",
        hide_env_values = true, // it may hold a password
        conflicts_with_all = ["data", "memory"]
    )]
    store: Option<String>,

    /// World file: databases, fields, resources, segments, tokens [default: the documented world]
    #[arg(long, env = "ROLLCALL_WORLD", value_name = "FILE")]
    world: Option<PathBuf>,

    /// Check the world file, and exit
    #[arg(long)]
    check: bool,

    /// Answer failures with HTTP status 200 too; the answer's `error` tells them apart
    #[arg(long)]
    always_200: bool,

    /// Largest body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Settings::default().body_bytes)]
    max_body: usize,

    /// Deepest nesting of a body
    #[arg(long, value_name = "LEVELS", default_value_t = Limits::default().depth, value_parser = depth())]
    max_depth: usize,

    /// Longest text in a body, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().text_bytes)]
    max_text: usize,

    /// Most subscriptions in one import
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().subscriptions)]
    max_subscriptions: usize,
}

/// The JSON parser has a bound of its own a little above this.
fn depth() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::new().range(1..=100)
}

const EXAMPLES: &str = "Examples:
  rollcall                                         the documented world, profiles in ./rollcall-data
  rollcall --memory --listen 127.0.0.1:0           for a test: nothing kept, any free port
  rollcall --world shop.toml --data /var/lib/rollcall --listen 0.0.0.0:8080
  rollcall --check --world shop.toml               is the world file sound?

The first line on standard output is `listening on http://IP:PORT`. The log goes to standard error;
RUST_LOG=rollcall_server=debug shows every call. SIGTERM and SIGINT let requests under way finish.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let world = world(arguments.world.as_deref())?;
    if arguments.check {
        let (databases, resources) = (world.databases.len(), world.resources.len());
        println!("sound: {databases} databases, {resources} resources, {} tokens", world.grants.len());
        return Ok(());
    }
    if arguments.world.is_none() && !arguments.listen.ip().is_loopback() {
        bail!(
            "the documented world's token is public, so it is served on loopback addresses only, not on {}; \
             give a world file of your own with --world FILE",
            arguments.listen.ip()
        );
    }
    let connections = open_files_for_connections()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    // Before the store, so that a mistaken address does not leave a folder behind.
    let listener = runtime.block_on(TcpListener::bind(arguments.listen));
    let listener = listener.with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let store = open_store(arguments)?;
    let served = runtime.block_on(serve(arguments, listener, connections, world, Arc::clone(&store)));
    store.close()?;
    served
}

fn world(file: Option<&Path>) -> anyhow::Result<World> {
    let Some(file) = file else { return Ok(world_file::read(world_file::DOCUMENTED, "the documented world")?) };
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read world file {}", file.display()))?;
    Ok(world_file::read(&text, &file.display().to_string())?)
}

fn open_store(arguments: &Arguments) -> anyhow::Result<Arc<dyn Store>> {
    if arguments.memory {
        return Ok(Arc::new(MemoryStore::new()));
    }
    #[cfg(feature = "postgres")]
    if let Some(url) = &arguments.store {
        return Ok(Arc::new(rollcall_store::postgres::PostgresStore::open(url)?));
    }
    Ok(Arc::new(DiskStore::open(&arguments.data)?))
}

/// Files that the store and the log may need open, and that connections must therefore leave to them.
const RESERVED_FILES: u64 = 512;

/// Takes as many open files as the system lets a process have, and says how many connections that leaves room for.
fn open_files_for_connections() -> anyhow::Result<usize> {
    let wanted = Settings::default().connections;
    let files = rlimit::increase_nofile_limit(u64::MAX).context("cannot learn how many files may be open")?;
    let left = usize::try_from(files.saturating_sub(RESERVED_FILES)).unwrap_or(usize::MAX);
    if left == 0 {
        bail!("only {files} files may be open, and the store needs {RESERVED_FILES}; raise the limit (ulimit -n)");
    }
    Ok(left.min(wanted))
}

async fn serve(
    arguments: &Arguments,
    listener: TcpListener,
    connections: usize,
    world: World,
    store: Arc<dyn Store>,
) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let address = listener.local_addr()?;
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tracing::info!(%address, "serving");
    let limits = Limits {
        depth: arguments.max_depth,
        text_bytes: arguments.max_text,
        subscriptions: arguments.max_subscriptions,
        ..Limits::default()
    };
    let service = Service { limits, ..Service::new(world, store) };
    let settings = Settings {
        body_bytes: arguments.max_body,
        always_200: arguments.always_200,
        connections,
        ..Settings::default()
    };
    http::serve(listener, Arc::new(service), settings, stop).await;
    tracing::info!("stopped");
    Ok(())
}

/// Resolves at the first SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
