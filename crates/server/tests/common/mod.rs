//! What the tests of the server share: the documented world, calls without a socket, a server on a free port, and a
//! plain HTTP/1.1 client.

#![allow(dead_code, reason = "each test program uses its own part of it")]

pub(crate) mod desk; // stores and files of lines, and commands on them
pub(crate) mod log; // what the server logs, in memory
pub(crate) mod modes; // every way to say whom a request means
pub(crate) mod people; // imports that carry everything, and whether a server still has them
pub(crate) mod program; // the program as a process
pub(crate) mod stores; // the stores that servers are started on

use rollcall_codec::format::Format;
use rollcall_model::world::World;
use rollcall_server::{
    call::{Answer, Call, Reply},
    http::{self, Settings},
    service::Service,
    world_file,
};
use rollcall_store::{memory::MemoryStore, transaction::Store};
use serde_json::Value;
use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::oneshot;

pub(crate) const IMPORT: &str = "/api/v1.1/profiles/import";
pub(crate) const GET: &str = "/api/v1.1/profiles/get";

/// The token that the documentation prints.
pub(crate) const TOKEN: &str = "abcdefghijklmnqrstuvwxyz";

/// How long a client waits for an answer. No test gets there, unless the server hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn documented_world() -> World {
    world_file::read(world_file::DOCUMENTED, "documented.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// The documented world, in which a search that finds several profiles is refused: so an answer that is none proves
/// that there is one profile at most.
pub(crate) fn world_that_refuses_several() -> World {
    world_file::read(&world_file_that_refuses_several(), "refuse.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// That world's file.
pub(crate) fn world_file_that_refuses_several() -> String {
    let database = "name = \"Customers\"\n";
    assert_eq!(world_file::DOCUMENTED.matches(database).count(), 1);
    world_file::DOCUMENTED.replace(database, &format!("{database}several_found = \"refuse\"\n"))
}

/// A server of the documented world that forgets, without sockets.
pub(crate) fn service() -> Service {
    Service::new(documented_world(), Arc::new(MemoryStore::new()))
}

/// A call as most clients make it.
pub(crate) fn call<'a>(path: &'a str, format: Format, body: &'a [u8]) -> Call<'a> {
    let content_type = Some(format.media_types()[0]);
    Call { method: "POST", path, query: "", content_type, accept: None, authorization: None, request_id: "", body }
}

/// The reply to a call.
pub(crate) fn answer(service: &Service, call: Call<'_>) -> Reply {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(service.answer(call))
}

/// The reply to a JSON request.
pub(crate) fn post(service: &Service, path: &str, request: &Value) -> Reply {
    answer(service, call(path, Format::Json, request.to_string().as_bytes()))
}

/// The body of a JSON answer.
pub(crate) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)))
}

/// The profile without what its subscriptions are called for short, which depends on its identifier, and that they are not
/// deleted.
pub(crate) fn without_short_names(mut profile: Value) -> Value {
    for subscription in profile["subscriptions"].as_array_mut().into_iter().flatten() {
        let members = subscription.as_object_mut().unwrap();
        assert_eq!(members.remove("is_delete"), Some(false.into()));
        assert!(members.remove("hash_id").is_some_and(|hash| hash.is_string()));
    }
    profile
}

/// The request with token and database, which every call wants.
pub(crate) fn authorised(mut request: Value) -> Value {
    request["token"] = TOKEN.into();
    request["db_id"] = 1.into();
    request
}

/// A server on a free port of this machine, in a thread of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(answers: Arc<dyn Answer>, settings: Settings) -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(2);
        Self::start_on(runtime, answers, settings, || ())
    }

    /// Starts a server that does everything on the thread that holds what `guard` makes there.
    pub(crate) fn start_within<G>(
        guard: impl FnOnce() -> G + Send + 'static,
        answers: Arc<dyn Answer>,
        settings: Settings,
    ) -> Self {
        Self::start_on(tokio::runtime::Builder::new_current_thread(), answers, settings, guard)
    }

    fn start_on<G>(
        mut runtime: tokio::runtime::Builder,
        answers: Arc<dyn Answer>,
        settings: Settings,
        guard: impl FnOnce() -> G + Send + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = thread::spawn(move || {
            let _guard = guard();
            runtime.enable_all().build().unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stop = async { stopped.await.unwrap_or(()) };
                http::serve(listener, answers, settings, stop).await;
            });
        });
        Self { address, stop, served }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address).unwrap()
    }

    /// Tells the server to stop, and leaves the rest to [`Stopping::wait`].
    pub(crate) fn begin_to_stop(self) -> Stopping {
        self.stop.send(()).unwrap();
        Stopping(self.served)
    }

    pub(crate) fn stop(self) {
        self.begin_to_stop().wait();
    }
}

/// A server that has been told to stop.
pub(crate) struct Stopping(JoinHandle<()>);

impl Stopping {
    /// Comes back when `http::serve` has.
    pub(crate) fn wait(self) {
        self.0.join().unwrap();
    }
}

/// A server of the documented world over this store.
pub(crate) fn serve(world: World, store: Arc<dyn Store>) -> Server {
    Server::start(Arc::new(Service::new(world, store)), Settings::default())
}

/// A connection that is kept for many requests.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

/// What came back on a connection.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a JSON request and waits for its answer.
    pub(crate) fn post(&mut self, path: &str, request: &Value) -> io::Result<Response> {
        let body = request.to_string();
        self.send(request_text("POST", path, &[("Content-Type", "application/json")], Some(&body)))?;
        self.receive()
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// Waits for the next answer.
    pub(crate) fn receive(&mut self) -> io::Result<Response> {
        let mut response = self.receive_head()?;
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        response.body = vec![0; length];
        self.stream.read_exact(&mut response.body)?;
        Ok(response)
    }

    /// Waits for the next answer, where it is one to `HEAD`, which has no body whatever its headers say.
    pub(crate) fn receive_head(&mut self) -> io::Result<Response> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|number| number.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status line: {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            match self.line()?.split_once(':') {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
                None => return Ok(Response { status, headers, body: Vec::new() }),
            }
        }
    }

    /// Closes this side of the connection.
    pub(crate) fn say_no_more(&mut self) -> io::Result<()> {
        self.stream.get_ref().shutdown(Shutdown::Write)
    }

    /// Whether the server has closed the connection, once it has; what it sent before is dropped.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.stream.read_to_end(&mut Vec::new()) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        json(&self.body)
    }
}

/// An HTTP/1.1 request; with a `Content-Length` where there is a body.
pub(crate) fn request_text(method: &str, target: &str, headers: &[(&str, &str)], body: Option<&str>) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    if let Some(body) = body {
        write!(text, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    text + "\r\n" + body.unwrap_or("")
}
