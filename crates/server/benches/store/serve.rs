//! Our server with something else behind it, as a process of its own: this program starts itself again.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use clap::ValueEnum;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rollcall_server::{http, service::Service, world_file};
use rollcall_store::{disk::DiskStore, memory::MemoryStore, postgres::PostgresStore, transaction::Store};
use rollcall_testbed::server::Server;
use tokio::net::TcpListener;

use crate::stores::{BareLog, OneAtATime};

/// What is behind the server.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keeps {
    /// The store on disk
    Disk,
    /// The same, with one job at a time handed to it
    Single,
    /// A log that is written and never read
    Log,
    /// The store on PostgreSQL
    Postgres,
    /// The store in memory
    Memory,
    /// No store and no import: a constant answer to whatever is JSON
    Nothing,
}

/// Serve until killed
#[derive(clap::Args)]
pub(crate) struct Options {
    keeps: Keeps,
    /// A folder, or the URL of a database
    place: OsString,
}

/// Starts this program again, to serve.
pub(crate) fn start(keeps: Keeps, place: &OsStr) -> anyhow::Result<Server> {
    let keeps = keeps.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned());
    Server::start(Command::new(std::env::current_exe()?).args(["serve", &keeps]).arg(place))
}

/// What the started program does.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let folder = Path::new(&options.place);
    let store: Arc<dyn Store> = match options.keeps {
        Keeps::Disk => Arc::new(DiskStore::open(folder)?),
        Keeps::Single => Arc::new(OneAtATime::before(DiskStore::open(folder)?)),
        Keeps::Log => Arc::new(BareLog::create(&folder.join("log"))?),
        Keeps::Postgres => Arc::new(PostgresStore::open(&options.place.to_string_lossy())?),
        Keeps::Memory => Arc::new(MemoryStore::new()),
        Keeps::Nothing => return runtime.block_on(serve_constant(listener, address)),
    };
    let world = world_file::read(world_file::DOCUMENTED, "the documented world")?;
    let service = Arc::new(Service::new(world, store));
    say(address);
    runtime.block_on(http::serve(listener, service, http::Settings::default(), std::future::pending()));
    Ok(())
}

fn say(address: SocketAddr) {
    println!("listening on http://{address}");
}

/// What hyper can do with the same bodies: each is parsed, and that is all.
async fn serve_constant(listener: TcpListener, address: SocketAddr) -> anyhow::Result<()> {
    say(address);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = Builder::new(TokioExecutor::new());
        tokio::spawn(async move { connection.serve_connection(TokioIo::new(stream), service_fn(constant)).await });
    }
}

async fn constant(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let status = if serde_json::from_slice::<serde_json::Value>(&body).is_ok() { 200 } else { 400 };
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes())));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The answer to an import, by those who make none.
pub(crate) const ANSWER: &str =
    r#"{"error":0,"error_text":"Successful operation","profile_id":"54759eb3c090d83494e2d804"}"#;
