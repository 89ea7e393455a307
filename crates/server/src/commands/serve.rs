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
    geo::Geo,
    http::{self, Settings},
    outbox::{
        Backlog,
        deliverer::{Deliverer, DeliverySettings},
    },
    reload::reload,
    service::Service,
    watch::{self, Watch},
};
use rollcall_store::{memory::MemoryStore, transaction::Store};
use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    task::JoinHandle,
};

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

    /// Geo file for `detect_geo`, in the MaxMind DB format; read again on SIGHUP and when it has changed
    #[arg(long, env = "ROLLCALL_GEO", value_name = "FILE")]
    geo: Option<PathBuf>,

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

    #[command(flatten)]
    webhooks: WebhookOptions,

    /// Count nothing, and have no /metrics
    #[arg(long)]
    no_metrics: bool,

    /// How the log is written
    #[arg(long, env = "ROLLCALL_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// How events are sent to the webhooks of triggers.
#[derive(Args)]
struct WebhookOptions {
    /// Longest pause in seconds before an event is sent to a webhook for the second time; it doubles from then on
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    webhook_retry_first: Duration,

    /// Longest pause in seconds between two attempts, however many there were
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    webhook_retry_longest: Duration,

    /// Attempts before an event is given up
    #[arg(long, value_name = "COUNT", default_value_t = DeliverySettings::default().attempts)]
    webhook_attempts: u32,

    /// Most events that may wait; while there are so many, imports that post another one are answered 503
    #[arg(long, value_name = "COUNT", default_value_t = Backlog::USUAL)]
    max_waiting_events: usize,
}

impl WebhookOptions {
    fn settings(&self) -> DeliverySettings {
        DeliverySettings {
            first_pause: self.webhook_retry_first,
            longest_pause: self.webhook_retry_longest,
            attempts: self.webhook_attempts,
            ..DeliverySettings::default()
        }
    }
}

fn seconds(text: &str) -> anyhow::Result<Duration> {
    Ok(Duration::try_from_secs_f64(text.parse()?)?)
}

/// How the log is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Text, // lines to read
    Json, // an object a line
}

/// The JSON parser has a bound of its own a little above this.
fn depth() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::new().range(1..=100)
}

/// Serves until told to stop.
pub(crate) fn run(arguments: &ServeArguments) -> anyhow::Result<()> {
    let watches = Watches::of(arguments);
    let world = arguments.world.read()?;
    if arguments.world.file().is_none() && !arguments.listen.ip().is_loopback() {
        bail!(
            "the documented world's token is public, so it is served on loopback addresses only, not on {}; \
             give a world file of your own with --world FILE",
            arguments.listen.ip()
        );
    }
    let geo = arguments.geo.as_deref().map_or_else(|| Ok(Geo::none()), Geo::open)?;
    let connections = open_files_for_connections()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    // Before the store, so that a mistaken address does not leave a folder behind.
    let listener = runtime.block_on(TcpListener::bind(arguments.listen));
    let listener = listener.with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let store = open_store(arguments)?;
    let service = Arc::new(service(arguments, world, geo, Arc::clone(&store)));
    let served = runtime.block_on(serve(arguments, listener, connections, service, watches));
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

fn service(arguments: &ServeArguments, world: World, geo: Geo, store: Arc<dyn Store>) -> Service {
    let limits = Limits {
        depth: arguments.max_depth,
        text_bytes: arguments.max_text,
        subscriptions: arguments.max_subscriptions,
        ..Limits::default()
    };
    let backlog = Arc::new(Backlog::of_at_most(arguments.webhooks.max_waiting_events));
    let service = Service::with_backlog(world, store, backlog);
    let metrics = service.metrics.filter(|_| !arguments.no_metrics);
    Service { limits, metrics, geo: Arc::new(geo), ..service }
}

async fn serve(
    arguments: &ServeArguments,
    listener: TcpListener,
    connections: usize,
    service: Arc<Service>,
    watches: Watches,
) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    watches.begin(&service)?;
    let address = listener.local_addr()?;
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tracing::info!(%address, "serving");
    let (stop, delivered) = deliver_until(stop, &service, arguments.webhooks.settings());
    let settings = Settings {
        body_bytes: arguments.max_body,
        always_200: arguments.always_200,
        connections,
        ..Settings::default()
    };
    http::serve(listener, service, settings, stop).await;
    delivered.await?;
    tracing::info!("stopped");
    Ok(())
}

/// Delivers events until `stop` resolves, and gives who else waits for it something to wait for.
fn deliver_until<S: Future<Output = ()>>(
    stop: S,
    service: &Service,
    settings: DeliverySettings,
) -> (impl Future<Output = ()> + use<S>, JoinHandle<()>) {
    let (tell, told) = oneshot::channel::<()>();
    let (store, worlds, backlog) =
        (Arc::clone(&service.store), Arc::clone(&service.worlds), Arc::clone(&service.backlog));
    let deliverer = Deliverer { store, worlds, backlog, settings };
    let delivered = tokio::spawn(deliverer.run(async move {
        let _told_or_nobody_is_there_to_tell = told.await;
    }));
    let stop = async move {
        stop.await;
        drop(tell);
    };
    (stop, delivered)
}

/// The files that are read again at SIGHUP, and when they are not as they were.
struct Watches {
    world: Option<Watch>,
    geo: Option<Watch>,
}

impl Watches {
    /// To be made before the files are read.
    fn of(arguments: &ServeArguments) -> Self {
        let watch = |file: Option<&Path>| file.map(|file| Watch::new(file.to_owned()));
        Self { world: watch(arguments.world.file()), geo: watch(arguments.geo.as_deref()) }
    }

    fn begin(self, service: &Arc<Service>) -> anyhow::Result<()> {
        if let Some(geo) = self.geo {
            let service = Arc::clone(service);
            geo.begin(move |file| service.geo.reload(file))?;
        }
        match self.world {
            Some(world) => {
                let service = Arc::clone(service);
                world.begin(move |file| reload(file, &service))?;
            }
            None => say_that_nothing_is_read_again()?,
        }
        Ok(())
    }
}

fn say_that_nothing_is_read_again() -> anyhow::Result<()> {
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
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
