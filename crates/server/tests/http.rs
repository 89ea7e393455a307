//! The server on real sockets: what HTTP adds to the call. Rulings T1-T3, T7, T8, T13.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use bytes::Bytes;
use common::{Connection, IMPORT, Server, TOKEN, authorised, documented_world, log::Log, request_text, serve, service};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rollcall_codec::format::Format;
use rollcall_model::{
    import::{ImportOutcome, ImportRequest},
    response_code::ResponseCode,
    world::World,
};
use rollcall_server::{
    call::{Answer, Call, Pending, Reply},
    failure::Failure,
    http::Settings,
    import::Import,
    service::Service,
};
use rollcall_store::{
    error::StoreError,
    transaction::{Job, ReadJob, Store},
};
use serde_json::{Value, json};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How long a request may take to arrive, where a test waits for that to pass; long enough for a busy machine to bring
/// what is sent at once.
const SOON: Duration = Duration::from_millis(500);

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn start(settings: Settings) -> Server {
    Server::start(Arc::new(service()), settings)
}

fn import(email: &str) -> Value {
    authorised(json!({ "email": email, "data": { "email": email } }))
}

/// An import as text, with everything but its headers as usual.
fn import_text(target: &str, headers: &[(&str, &str)]) -> String {
    let headers = [&[("Content-Type", "application/json")], headers].concat();
    request_text("POST", target, &headers, Some(&import("a@example.com").to_string()))
}

#[test]
fn takes_the_path_with_a_trailing_slash() {
    let server = start(Settings::default());
    let response = server.connect().post(&format!("{IMPORT}/"), &import("a@example.com")).unwrap();
    assert_eq!((response.status, &response.json()["error"]), (200, &json!(0)));
    server.stop();
}

#[test]
fn answers_many_requests_on_one_connection_in_their_order() {
    let server = start(Settings::default());
    let mut client = server.connect();
    let ids = [1, 2, 1].map(|number| {
        let response = client.post(IMPORT, &import(&format!("{number}@example.com"))).unwrap();
        response.json()["profile_id"].clone()
    });
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[1]);
    // The same without waiting for answers, and a refusal among them.
    let requests = [1, 2, 3].map(|number| {
        let request = if number == 2 { json!({}) } else { import(&format!("{number}@example.com")) };
        request_text("POST", IMPORT, &[("Content-Type", "application/json")], Some(&request.to_string()))
    });
    client.send(requests.concat()).unwrap();
    let answers = requests.map(|_| client.receive().unwrap());
    assert_eq!(answers[0].json()["profile_id"], ids[0]);
    assert_eq!(answers.map(|answer| answer.status), [200, 401, 200]);
    server.stop();
}

#[test]
fn refuses_other_methods_and_names_the_one_it_knows() {
    let server = start(Settings::default());
    let mut client = server.connect();
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        client.send(request_text(method, IMPORT, &[], None)).unwrap();
        let response = client.receive().unwrap();
        assert_eq!((response.status, response.header("allow")), (405, Some("POST")), "{method}");
        assert_eq!(response.json()["error"], 405, "{method}");
    }
    client.send(request_text("HEAD", IMPORT, &[], None)).unwrap();
    assert_eq!(client.receive_head().unwrap().status, 405);
    // The connection is as good as before, so nothing followed the head.
    assert_eq!(client.post(IMPORT, &import("a@example.com")).unwrap().status, 200);
    server.stop();
}

#[test]
fn an_import_by_another_method_stores_nothing() {
    let server = start(Settings::default());
    let mut client = server.connect();
    let body = import("a@example.com").to_string();
    for method in ["GET", "PUT", "OPTIONS"] {
        client.send(request_text(method, IMPORT, &[("Content-Type", "application/json")], Some(&body))).unwrap();
        assert_eq!(client.receive().unwrap().status, 405, "{method}");
    }
    let search = authorised(json!({ "email": "a@example.com" }));
    assert_eq!(client.post(common::GET, &search).unwrap().status, 404);
    server.stop();
}

#[test]
fn refuses_a_body_that_is_too_large() {
    let server = start(Settings { body_bytes: 200, ..Settings::default() });
    let too_large = |answered: io::Result<common::Response>| {
        let response = answered.unwrap();
        assert_eq!((response.status, &response.json()["error"]), (413, &json!(413)));
        assert!(response.json()["error_text"].as_str().unwrap().contains("200 bytes"), "{}", response.json());
    };
    let body = format!("{{\"x\": \"{:200}\"}}", "");
    let mut client = server.connect();
    client.send(request_text("POST", IMPORT, &[("Content-Type", "application/json")], Some(&body))).unwrap();
    too_large(client.receive());
    // Without a Content-Length, in chunks.
    let mut client = server.connect();
    client.send(request_text("POST", IMPORT, &[JSON, ("Transfer-Encoding", "chunked")], None)).unwrap();
    client.send(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())).unwrap();
    too_large(client.receive());
    // A body of the largest size is read.
    let padding = 200 - import("a@example.com").to_string().len();
    let body = format!("{}{:padding$}", import("a@example.com"), "");
    let mut client = server.connect();
    client.send(request_text("POST", IMPORT, &[("Content-Type", "application/json")], Some(&body))).unwrap();
    assert_eq!(client.receive().unwrap().status, 200);
    server.stop();
}

#[test]
fn refuses_by_the_head_alone_what_no_body_could_mend() {
    let server = start(Settings::default());
    let announced = ("Content-Length", "1000000");
    let refused = |method, target, headers: &[(&str, &str)]| {
        let mut client = server.connect();
        client.send(request_text(method, target, headers, None)).unwrap();
        client.receive().unwrap().status
    };
    assert_eq!(refused("POST", "/nowhere", &[JSON, announced]), 404);
    assert_eq!(refused("PUT", IMPORT, &[JSON, announced]), 405);
    assert_eq!(refused("POST", IMPORT, &[("Content-Type", "text/plain"), announced]), 415);
    server.stop();
}

#[test]
fn answers_a_client_that_has_nothing_more_to_say() {
    let server = start(Settings::default());
    let mut client = server.connect();
    let body = import("a@example.com").to_string();
    client.send(request_text("POST", IMPORT, &[JSON], Some(&body))).unwrap();
    client.say_no_more().unwrap();
    assert_eq!(client.receive().unwrap().status, 200);
    server.stop();
}

#[test]
fn a_panic_is_answered_and_the_server_goes_on() {
    struct Panics;
    impl Import for Panics {
        fn import(&self, _: ImportRequest, _: Arc<World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
            Box::pin(async { panic!("on purpose") })
        }
    }
    let service = Service { importer: Arc::new(Panics), ..service() };
    let server = Server::start(Arc::new(service), Settings::default());
    let mut client = server.connect();
    for _ in 0..2 {
        assert_eq!(client.post(IMPORT, &import("a@example.com")).unwrap().status, 500);
    }
    server.stop();
}

#[test]
fn refuses_a_body_that_is_announced_too_large_before_it_arrives() {
    let server = start(Settings::default());
    let mut client = server.connect();
    client.send(request_text("POST", IMPORT, &[JSON, ("Content-Length", "1000000000")], None)).unwrap();
    assert_eq!(client.receive().unwrap().status, 413);
    server.stop();
}

#[test]
fn says_that_a_body_took_too_long() {
    let server = start(Settings { arrival: SOON, ..Settings::default() });
    let mut client = server.connect();
    client.send(request_text("POST", IMPORT, &[JSON, ("Content-Length", "100")], None) + "{").unwrap();
    let response = client.receive().unwrap();
    assert_eq!((response.status, &response.json()["error"]), (400, &json!(400)));
    assert!(response.json()["error_text"].as_str().unwrap().contains("too long to arrive"), "{}", response.json());
    assert!(client.is_closed(), "what comes next could be the rest of the body");
    server.stop();
}

#[test]
fn closes_a_connection_whose_request_does_not_arrive() {
    let server = start(Settings { arrival: SOON, ..Settings::default() });
    // Nothing at all; what could become the preface of HTTP/2; that preface; a head without an end; nothing after a
    // request.
    let begins = ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "POST / HTTP/1.1\r\n", &import_text(IMPORT, &[])];
    let mut clients = begins.map(|_| server.connect());
    for (begin, client) in begins.iter().zip(&mut clients) {
        client.send(begin).unwrap();
    }
    for (begin, client) in begins.iter().zip(&mut clients) {
        assert!(client.is_closed(), "after {begin:?}");
    }
    server.stop();
}

#[test]
fn keeps_status_200_where_it_is_told_to() {
    let server = start(Settings { always_200: true, body_bytes: 200, ..Settings::default() });
    let mut client = server.connect();
    let refused = client.post(IMPORT, &json!({ "token": "no" })).unwrap();
    assert_eq!((refused.status, &refused.json()["error"]), (200, &json!(403)));
    client.send(request_text("GET", IMPORT, &[], None)).unwrap();
    let refused = client.receive().unwrap();
    assert_eq!((refused.status, &refused.json()["error"]), (200, &json!(405)));
    let refused = client.post(IMPORT, &json!({ "x": "x".repeat(200) })).unwrap();
    assert_eq!((refused.status, &refused.json()["error"]), (200, &json!(413)));
    server.stop();
}

#[test]
fn takes_the_token_from_body_header_or_query() {
    let server = start(Settings::default());
    let without_token = json!({ "db_id": 1, "email": "a@example.com", "data": {} }).to_string();
    let bearer = format!("bearer {TOKEN}");
    let query = format!("{IMPORT}?format=xml&token={TOKEN}");
    let ways: [(&str, &[(&str, &str)]); 2] = [(IMPORT, &[("Authorization", &bearer)]), (&query, &[])];
    for (target, headers) in ways {
        let headers = [headers, &[("Content-Type", "application/json")]].concat();
        let mut client = server.connect();
        client.send(request_text("POST", target, &headers, Some(&without_token))).unwrap();
        assert_eq!(client.receive().unwrap().status, 200, "{target}");
    }
    server.stop();
}

#[test]
fn speaks_http_2_to_those_who_begin_with_it() {
    let server = start(Settings::default());
    let (status, answer) = import_over_http_2(server.address, IMPORT);
    assert_eq!((status, &answer["error"]), (200, &json!(0)));
    server.stop();
}

/// Answers when it is told to, and says when it has been asked.
struct Gate {
    asked: mpsc::Sender<()>,
    opens: Arc<Notify>,
}

impl Answer for Gate {
    fn answer<'a>(&'a self, _call: Call<'a>) -> Pending<'a, Reply> {
        Box::pin(async {
            self.asked.send(()).unwrap();
            self.opens.notified().await;
            Reply::new(ResponseCode::Success, Format::Json, b"{}".to_vec())
        })
    }
}

#[test]
fn finishes_what_is_under_way_when_it_stops() {
    let (asked, is_asked) = mpsc::channel();
    let opens = Arc::new(Notify::new());
    let gate = Gate { asked, opens: Arc::clone(&opens) };
    let server = Server::start(Arc::new(gate), Settings::default());
    let address = server.address;
    let mut idle = server.connect();
    let mut busy = server.connect();
    busy.send(import_text(IMPORT, &[])).unwrap();
    is_asked.recv().unwrap();
    let stopping = server.begin_to_stop();
    assert!(idle.is_closed(), "nothing is under way on it");
    wait_until_refused(address);
    opens.notify_one();
    assert_eq!(busy.receive().unwrap().status, 200);
    assert!(busy.is_closed());
    stopping.wait();
}

#[test]
fn stops_without_those_who_never_finish() {
    let (asked, is_asked) = mpsc::channel();
    let gate = Gate { asked, opens: Arc::new(Notify::new()) };
    let server = Server::start(Arc::new(gate), Settings { grace: Duration::from_millis(50), ..Settings::default() });
    let mut client = server.connect();
    client.send(import_text(IMPORT, &[])).unwrap();
    is_asked.recv().unwrap();
    server.stop();
    assert!(client.receive().is_err());
}

/// A connection that was already waiting when the server stopped may be taken and closed again: it counts as neither.
fn wait_until_refused(address: SocketAddr) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Connection::open(address).is_ok() {
        assert!(Instant::now() < deadline, "new connections are still taken");
        std::thread::yield_now();
    }
}

/// A store in which too many writes are waiting.
struct FullStore;

impl Store for FullStore {
    fn enqueue(&self, _job: Job) -> Result<(), StoreError> {
        Err(StoreError::Busy)
    }

    fn enqueue_read(&self, _job: ReadJob) -> Result<(), StoreError> {
        Err(StoreError::Busy)
    }

    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[test]
fn asks_to_try_again_when_the_store_is_full() {
    let server = serve(documented_world(), Arc::new(FullStore));
    let mut client = server.connect();
    for (path, request) in [(IMPORT, import("a@example.com")), (common::GET, import("a@example.com"))] {
        let response = client.post(path, &request).unwrap();
        assert_eq!((response.status, response.header("retry-after")), (503, Some("1")), "{path}");
        assert_eq!(response.json()["error"], 503, "{path}");
    }
    server.stop();
}

#[test]
fn tells_without_a_token_that_the_process_and_its_store_are_there() {
    let server = start(Settings::default());
    for path in ["/healthz", "/readyz", "/readyz/"] {
        let mut client = server.connect();
        client.send(request_text("GET", path, &[], None)).unwrap();
        let response = client.receive().unwrap();
        assert_eq!((response.status, &response.json()["error"]), (200, &json!(0)), "{path}");
        client.send(request_text("HEAD", path, &[], None)).unwrap();
        assert_eq!(client.receive_head().unwrap().status, 200, "{path}");
        client.send(request_text("POST", path, &[], Some("{}"))).unwrap();
        let response = client.receive().unwrap();
        assert_eq!((response.status, response.header("allow")), (405, Some("GET")), "{path}");
    }
    server.stop();
}

#[test]
fn tells_by_the_status_that_the_store_does_not_answer() {
    /// A store that takes what it is given and leaves it there.
    #[derive(Default)]
    struct Silent(Mutex<Vec<ReadJob>>);
    impl Store for Silent {
        fn enqueue(&self, _job: Job) -> Result<(), StoreError> {
            Err(StoreError::Busy)
        }
        fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(job);
            Ok(())
        }
        fn close(&self) -> Result<(), StoreError> {
            Ok(())
        }
    }
    let stores: [Arc<dyn Store>; 2] = [Arc::new(FullStore), Arc::new(Silent::default())];
    for store in stores {
        let settings = Settings { always_200: true, ..Settings::default() };
        let server = Server::start(Arc::new(Service::new(documented_world(), store)), settings);
        let mut client = server.connect();
        for (path, status) in [("/healthz", 200), ("/readyz", 503)] {
            client.send(request_text("GET", path, &[], None)).unwrap();
            assert_eq!(client.receive().unwrap().status, status, "{path}");
        }
        server.stop();
    }
}

#[test]
fn no_token_is_ever_logged() {
    let (log, log_everything) = Log::of_everything();
    let server = Server::start_within(log_everything, Arc::new(service()), Settings::default());
    let mut client = server.connect();
    let wrong = "wrong-secret";
    for secret in [TOKEN, wrong] {
        let target = format!("{IMPORT}?token={secret}");
        let bearer = format!("Bearer {secret}");
        for headers in [&[][..], &[("Authorization", bearer.as_str())]] {
            client.send(import_text(&target, headers)).unwrap();
            assert_eq!(client.receive().unwrap().status, 200, "the body's token decides");
        }
        assert_eq!(
            client.post(&target, &json!({ "token": secret, "db_id": 404 })).unwrap().json()["profile_id"],
            Value::Null
        );
        client.send(request_text("GET", &target, &[("Authorization", &bearer)], None)).unwrap();
        assert_eq!(client.receive().unwrap().status, 405);
        import_over_http_2(server.address, &target);
    }
    server.stop();
    let log = log.text();
    assert!(log.contains("answered") && log.contains(IMPORT), "the log is not caught: {log}");
    for line in log.lines() {
        assert!(!line.contains(TOKEN) && !line.contains(wrong), "{line}");
    }
}

/// The status and the answer to an import over HTTP/2, with the token in the body and in a header.
fn import_over_http_2(address: SocketAddr, target: &str) -> (u16, Value) {
    let body = Full::new(Bytes::from(import("a@example.com").to_string()));
    let request = hyper::Request::post(format!("http://{address}{target}"))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(body)
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
        let (mut client, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        let response = client.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        (status, common::json(&response.into_body().collect().await.unwrap().to_bytes()))
    })
}
