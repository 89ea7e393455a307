//! Speaks HTTP with the target: one request, one answer, whatever its status.
//!
//! Nothing is interpreted here. Redirects are not followed, answers are bounded in size and time, and a run of
//! connection failures marks the target as lost, so that a run against a dead server ends soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ureq::config::AutoHeaderValue;
use ureq::http::{Request, Uri, header};

/// A larger answer is not read.
const ANSWER_LIMIT: u64 = 16 << 20;
/// How long each part of an exchange may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long the first sign of life may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(4);
/// So many requests in a row without an answer, and the target is asked for a sign of life.
const LOST_AFTER: usize = 6;

/// Where the target is, and whether it still answers. Clones share what is known of that.
#[derive(Debug, Clone)]
pub struct Target {
    base: String,
    health: Arc<Health>,
}

#[derive(Debug, Default)]
struct Health {
    /// Requests in a row without an answer.
    failures: AtomicUsize,
    lost: AtomicBool,
}

/// A request as it goes over the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// HTTP method.
    pub method: String,
    /// Full URL.
    pub url: String,
    /// The headers the suite sets, in order.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Sent {
    /// True if the text stands in the body or the URL.
    pub fn holds(&self, text: &str) -> bool {
        self.url.contains(text) || self.body.windows(text.len().max(1)).any(|part| part == text.as_bytes())
    }
}

/// An answer as it came over the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// HTTP status.
    pub status: u16,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What answers requests: a target over HTTP, or a recording of one.
pub trait Wire: Sync {
    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// Says why there is no answer.
    fn send(&self, sent: &Sent) -> Result<Received, String>;

    /// The URL of a path below `/api/v1.1/`.
    fn url(&self, path: &str, query: Option<&str>) -> String;
}

impl Received {
    /// The `Content-Type`, if there is one.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str())
    }
}

impl Target {
    /// A target by the URL in front of `/api/v1.1`.
    ///
    /// # Errors
    /// Says how such a URL looks.
    pub fn new(url: &str) -> Result<Self, String> {
        let base = url.trim_end_matches('/');
        let base = base.strip_suffix("/api/v1.1").unwrap_or(base);
        let is_url = base.parse::<Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
        });
        if !is_url || base.contains(['?', '#', '@']) {
            return Err(format!("`{url}` is no target; write its base URL, such as http://127.0.0.1:8080"));
        }
        Ok(Self { base: base.to_owned(), health: Arc::default() })
    }

    /// The URL in front of `/api/v1.1`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The URL of a path below `/api/v1.1/`.
    pub fn url(&self, path: &str, query: Option<&str>) -> String {
        let query = query.map(|query| format!("?{}", query.trim_start_matches('?'))).unwrap_or_default();
        format!("{}/api/v1.1/{path}{query}", self.base)
    }

    /// True if the target stopped answering.
    pub fn is_lost(&self) -> bool {
        self.health.lost.load(Ordering::Relaxed)
    }

    /// Asks for any sign of life: every HTTP answer will do.
    ///
    /// # Errors
    /// Says why there was none.
    pub fn probe(&self) -> Result<(), String> {
        let client = Client { agent: agent(&self.base, PROBE_TIMEOUT), target: self.clone() };
        let sent = Sent {
            method: "POST".to_owned(),
            url: self.url("profiles/import", None),
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: b"{}".to_vec(),
        };
        client.exchange(&sent).map(|_| ())
    }

    /// A client with connections of its own; each worker has one.
    pub fn client(&self) -> Client {
        Client { agent: agent(&self.base, TIMEOUT), target: self.clone() }
    }
}

/// Sends requests to one target over kept-alive connections.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    target: Target,
}

impl Wire for Client {
    fn send(&self, sent: &Sent) -> Result<Received, String> {
        let result = self.exchange(sent);
        let health = &self.target.health;
        if result.is_ok() {
            health.failures.store(0, Ordering::Relaxed);
        } else if health.failures.fetch_add(1, Ordering::Relaxed) + 1 >= LOST_AFTER {
            self.look_for_life();
        }
        result
    }

    fn url(&self, path: &str, query: Option<&str>) -> String {
        self.target.url(path, query)
    }
}

impl Client {
    /// A target that refuses one kind of request is not lost: it must not answer anything at all.
    fn look_for_life(&self) {
        match self.target.probe() {
            Ok(()) => self.target.health.failures.store(0, Ordering::Relaxed),
            Err(_) => self.target.health.lost.store(true, Ordering::Relaxed),
        }
    }

    fn exchange(&self, sent: &Sent) -> Result<Received, String> {
        let mut request = Request::builder().method(sent.method.as_str()).uri(sent.url.as_str());
        for (name, value) in &sent.headers {
            request = request.header(*name, value);
        }
        let request = request.body(sent.body.as_slice()).map_err(|error| format!("cannot be sent: {error}"))?;
        let mut answer = self.agent.run(request).map_err(|error| error.to_string())?;
        let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec();
        Ok(Received { status, headers, body: body.map_err(|error| format!("the answer breaks off: {error}"))? })
    }
}

fn agent(base: &str, timeout: Duration) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .user_agent(concat!("rollcall-conformance/", env!("CARGO_PKG_VERSION")))
        .accept(AutoHeaderValue::None) // a request that asks for nothing must be answered in its own format
        .accept_encoding(AutoHeaderValue::None)
        .max_idle_connections(64)
        .max_idle_connections_per_host(64)
        .timeout_connect(Some(PROBE_TIMEOUT))
        // One timeout over all of it would cost a thread for each request, to bound the look-up of the name.
        .timeout_send_request(Some(timeout))
        .timeout_send_body(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_recv_body(Some(timeout));
    // A proxy of the environment is for the outside world.
    let config = if is_loopback(base) { config.proxy(None) } else { config };
    config.build().new_agent()
}

fn is_loopback(base: &str) -> bool {
    let host = base.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn joins_base_path_and_query() {
        let url = |base: &str| Target::new(base).unwrap().url("profiles/import", Some("format=xml"));
        assert_eq!(url("http://a:1"), "http://a:1/api/v1.1/profiles/import?format=xml");
        assert_eq!(url("http://a:1/"), "http://a:1/api/v1.1/profiles/import?format=xml");
        assert_eq!(url("https://a/x/api/v1.1/"), "https://a/x/api/v1.1/profiles/import?format=xml");
    }

    #[test]
    fn refuses_what_is_no_base_url() {
        for url in ["", "127.0.0.1:8080", "ftp://a", "http://", "http://a/?x", "http://me:secret@a"] {
            assert!(Target::new(url).is_err(), "{url}");
        }
    }

    fn send(client: &Client) -> Result<Received, String> {
        let url = client.url("x", None);
        client.send(&Sent { method: "POST".into(), url, headers: vec![], body: b"no".to_vec() })
    }

    #[test]
    fn is_lost_after_a_run_of_failures() {
        let freed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = Target::new(&format!("http://{freed}")).unwrap().client();
        for _ in 0..LOST_AFTER {
            assert!(!client.target.is_lost());
            assert!(send(&client).is_err());
        }
        assert!(client.target.is_lost());
    }

    #[test]
    fn is_not_lost_while_it_shows_a_sign_of_life() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Target::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap().client();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut request) = (stream.unwrap(), Vec::new());
                while !request.ends_with(b"{}") && !request.ends_with(b"no") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.extend(byte);
                }
                if request.ends_with(b"{}") {
                    let answer = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                    stream.write_all(answer).unwrap();
                }
            }
        });
        for _ in 0..2 * LOST_AFTER {
            assert!(send(&client).is_err());
        }
        assert!(!client.target.is_lost());
    }
}
