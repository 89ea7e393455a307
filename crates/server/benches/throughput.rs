//! Answers a second over HTTP, as a ratio to a bare hyper server in the same run: one that parses the same body to a
//! `serde_json::Value` and answers a constant. `cargo bench -p rollcall-server`.
//!
//! The load: the documentation's third JSON request, with an e-mail address, phone number and push token of its own for
//! each of 100,000 people, who come around again. Client and servers share the machine's cores, so absolute numbers are
//! low and ratios are what counts. Servers take turns, several rounds, and the median of each is compared.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use rollcall_server::{http, service::Service, world_file};
use rollcall_store::{disk::DiskStore, memory::MemoryStore, transaction::Store};
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
};

/// The same allocator as the program's, for all that is compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const PEOPLE: u32 = 100_000;
const CONNECTIONS: [usize; 2] = [64, 1];

/// What is measured, and the ratio to the yardstick that it aims at with 64 connections.
const SERVERS: [(&str, Option<f64>); 3] =
    [("bare hyper + serde_json::Value", None), ("--memory", Some(0.8)), ("--data", Some(0.35))];

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Store> = Arc::new(DiskStore::open(&folder.path().join("data")).unwrap());
    let servers = [bare(), ours(Arc::new(MemoryStore::new())), ours(Arc::clone(&disk))];
    println!(
        "{:<34} {:>11} {:>12} {:>9} {:>9} {:>7} {:>6}",
        "server", "connections", "answers/s", "p50", "p99", "ratio", "goal"
    );
    let people = Arc::new(AtomicU32::new(0));
    for connections in CONNECTIONS {
        let mut rounds = [const { Vec::new() }; SERVERS.len()];
        for _ in 0..ROUNDS {
            for (server, measured) in servers.iter().zip(&mut rounds) {
                measured.push(load(server.address, connections, &people));
            }
        }
        let medians = rounds.map(median);
        for ((name, goal), measured) in SERVERS.iter().zip(&medians) {
            let ratio = measured.per_second / medians[0].per_second;
            let goal = goal.filter(|_| connections > 1).map_or(String::new(), |goal| goal.to_string());
            let Measured { per_second, p50, p99 } = measured;
            println!("{name:<34} {connections:>11} {per_second:>12.0} {p50:>9.0?} {p99:>9.0?} {ratio:>7.2} {goal:>6}");
        }
    }
    drop(servers);
    disk.close().unwrap();
}

/// A server on a runtime of its own, until it is dropped.
struct Running {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
    _runtime: tokio::runtime::Runtime,
}

fn run<F: Future<Output = ()> + Send + 'static>(
    server: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F,
) -> Running {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    runtime.spawn(server(listener, stopped));
    Running { address, _stop: stop, _runtime: runtime }
}

fn ours(store: Arc<dyn Store>) -> Running {
    let world = world_file::read(world_file::DOCUMENTED, "documented").unwrap();
    let service = Arc::new(Service::new(world, store));
    run(|listener, stopped| async move {
        http::serve(listener, service, http::Settings::default(), async { drop(stopped.await) }).await;
    })
}

fn bare() -> Running {
    run(|listener, _| async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let connection = Builder::new(TokioExecutor::new());
            tokio::spawn(async move { connection.serve_connection(TokioIo::new(stream), service_fn(constant)).await });
        }
    })
}

async fn constant(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert!(value.is_object());
    let answer = r#"{"error":0,"error_text":"Successful operation","profile_id":"54759eb3c090d83494e2d804"}"#;
    Ok(Response::builder().header("content-type", "application/json").body(Full::new(answer.into())).unwrap())
}

#[derive(Clone, Copy)]
struct Measured {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

fn median(mut rounds: Vec<Measured>) -> Measured {
    rounds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rounds[rounds.len() / 2]
}

/// Sends requests for one round over so many connections, each waiting for its answer.
fn load(address: SocketAddr, connections: usize, people: &Arc<AtomicU32>) -> Measured {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begin = Instant::now();
    let mut times: Vec<Duration> = runtime.block_on(async {
        let clients: JoinSet<_> =
            (0..connections).map(|_| client(address, Arc::clone(people), begin + ROUND)).collect();
        clients.join_all().await.into_iter().flatten().collect()
    });
    let elapsed = begin.elapsed();
    times.sort_unstable();
    let share = |part: usize| times[(times.len() - 1) * part / 100];
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
    let per_second = times.len() as f64 / elapsed.as_secs_f64();
    Measured { per_second, p50: share(50), p99: share(99) }
}

async fn client(address: SocketAddr, people: Arc<AtomicU32>, until: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut request = PersonalRequest::new();
    let mut answer = vec![0; 4096];
    let mut times = Vec::with_capacity(16_384);
    while Instant::now() < until {
        let bytes = request.of(people.fetch_add(1, Ordering::Relaxed));
        let begin = Instant::now();
        stream.write_all(bytes).await.unwrap();
        read_answer(&mut stream, &mut answer).await;
        times.push(begin.elapsed());
    }
    times
}

/// Answers are small, and each ends with the `}` of its body.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut length = 0;
    loop {
        let read = stream.read(&mut buffer[length..]).await.unwrap();
        assert!(read > 0, "the server closed the connection");
        length += read;
        if buffer[length - 1] == b'}' {
            break;
        }
    }
    assert!(buffer.starts_with(b"HTTP/1.1 200") && buffer[..length].windows(9).any(|part| part == b"\"error\":0"));
}

/// A request whose person is written into it in place.
struct PersonalRequest {
    bytes: Vec<u8>,
    numbers: Vec<usize>,
    visits: usize,
}

const DIGITS: usize = 6;
const NUMBER: &str = "######";
const VISIT: &str = "%%%%%%";

impl PersonalRequest {
    fn new() -> Self {
        let body = include_str!("../../../fixtures/documented/request-3.json")
            .replace("example@example.com", &format!("person-{NUMBER}@example.com"))
            .replace("+79000000000", &format!("+79000{NUMBER}"))
            .replace("a81c264a938b475", &format!("a81c264a9{NUMBER}"))
            .replace("Olly", &format!("Olly {VISIT}"));
        let head = format!(
            "POST /api/v1.1/profiles/import HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let text = head + &body;
        let numbers = text.match_indices(NUMBER).map(|(place, _)| place).collect();
        let visits = text.find(VISIT).unwrap();
        Self { bytes: text.into_bytes(), numbers, visits }
    }

    fn of(&mut self, count: u32) -> &[u8] {
        let (person, visit) = (format!("{:06}", count % PEOPLE), format!("{:06}", count / PEOPLE));
        for &place in &self.numbers {
            self.bytes[place..place + DIGITS].copy_from_slice(person.as_bytes());
        }
        self.bytes[self.visits..self.visits + DIGITS].copy_from_slice(visit.as_bytes());
        &self.bytes
    }
}
