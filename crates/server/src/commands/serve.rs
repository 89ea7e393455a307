//! `rollcall` without a command: opens the store, listens, and stops in good order.

use super::places::{StoreOptions, WorldOptions};
use anyhow::{Context, bail};
use clap::{
    Args, ValueEnum,
    builder::{RangedU64ValueParser, TypedValueParser},
};
use rollcall_codec::limits::Limits;
use rollcall_model::world::World;
use rollcall_server::{
    http::{self, Settings},
    reload::reload,
    service::Service,
    watch::{self, Watch},
};
use rollcall_store::{memory::MemoryStore, transaction::Store};
use std::{io::Write, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

#[derive(Args)]
pub(crate) struct ServeArguments {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, env = "ROLLCALL_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    #[command(flatten)]
    store: StoreOptions,

    /// Keep profiles in memory only, whatever --data says; they are gone when the server stops
    #[arg(long)]
    memory: bool,

    #[command(flatten)]
    world: WorldOptions,

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

    /// Count nothing, and have no /metrics
    #[arg(long)]
    no_metrics: bool,

    /// How the log is written
    #[arg(long, env = "ROLLCALL_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines to read
    Text,
    /// A JSON object a line
    Json,
}

/// The JSON parser has a bound of its own a little above this.
fn depth() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::new().range(1..=100)
}

/// Serves until told to stop.
pub(crate) fn run(arguments: &ServeArguments) -> anyhow::Result<()> {
    let watch = arguments.world.file().map(|file| Watch::new(file.to_owned()));
    let world = arguments.world.read()?;
    if watch.is_none() && !arguments.listen.ip().is_loopback() {
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
    let service = Arc::new(service(arguments, world, Arc::clone(&store)));
    let served = runtime.block_on(serve(arguments, listener, connections, service, watch));
    store.close()?;
    served
}

fn open_store(arguments: &ServeArguments) -> anyhow::Result<Arc<dyn Store>> {
    match arguments.memory {
        true => Ok(Arc::new(MemoryStore::new())),
        false => arguments.store.open(),
    }
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

fn service(arguments: &ServeArguments, world: World, store: Arc<dyn Store>) -> Service {
    let limits = Limits {
        depth: arguments.max_depth,
        text_bytes: arguments.max_text,
        subscriptions: arguments.max_subscriptions,
        ..Limits::default()
    };
    let service = Service::new(world, store);
    let metrics = service.metrics.filter(|_| !arguments.no_metrics);
    Service { limits, metrics, ..service }
}

async fn serve(
    arguments: &ServeArguments,
    listener: TcpListener,
    connections: usize,
    service: Arc<Service>,
    watch: Option<Watch>,
) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    reload_when_told_to(&service, watch)?;
    let address = listener.local_addr()?;
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tracing::info!(%address, "serving");
    let settings = Settings {
        body_bytes: arguments.max_body,
        always_200: arguments.always_200,
        connections,
        ..Settings::default()
    };
    http::serve(listener, service, settings, stop).await;
    tracing::info!("stopped");
    Ok(())
}

/// At SIGHUP, and when the world file is not as it was.
fn reload_when_told_to(service: &Arc<Service>, watch: Option<Watch>) -> anyhow::Result<()> {
    let service = Arc::clone(service);
    if let Some(watch) = watch {
        return Ok(watch.begin(move |file| reload(file, &service))?);
    }
    let mut hangups = watch::hangups()?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            tracing::info!("SIGHUP: the documented world is part of the program, there is no file to read again");
        }
    });
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
