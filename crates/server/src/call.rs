//! A request and its reply as plain values, whatever carried them.

use rollcall_codec::format::Format;
use rollcall_model::{database::DatabaseId, response_code::ResponseCode};
use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

/// A request, as far as its meaning goes.
#[derive(Clone)]
pub struct Call<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// The query, without the question mark.
    pub query: &'a str,
    /// `Content-Type`, if there is one.
    pub content_type: Option<&'a str>,
    /// `Accept`, if there is one.
    pub accept: Option<&'a str>,
    /// `Authorization`, if there is one.
    pub authorization: Option<&'a str>,
    /// What the log calls it: visible ASCII.
    pub request_id: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// Shows nothing that could be a secret: query, authorization and body may hold a token.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method, self.path, self.body.len())
    }
}

impl<'a> Call<'a> {
    /// The first value that the query gives this parameter.
    pub fn parameter(&self, name: &str) -> Option<std::borrow::Cow<'a, str>> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// What goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The reason, which decides the HTTP status (T8).
    pub code: ResponseCode,
    /// How the body is written.
    pub format: Format,
    /// The media type, where it is not the format's.
    pub media_type: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
    /// The method that the path does know, where another one was used (T2).
    pub allow: Option<&'static str>,
    /// In how many seconds it may be tried again, where that is known.
    pub retry_after: Option<u64>,
    /// Whose call it was. Not sent.
    pub caller: Caller,
}

impl Reply {
    /// A reply with nothing to it but this.
    pub fn new(code: ResponseCode, format: Format, body: Vec<u8>) -> Self {
        Self { code, format, media_type: None, body, allow: None, retry_after: None, caller: Caller::default() }
    }
}

/// Whose call it was and where it went, as far as that came out before it was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token.
    pub token: Option<Arc<str>>,
    /// The database.
    pub database: Option<DatabaseId>,
}

/// A future that can be handed around.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Answers calls. What [`crate::http`] needs of a server, and nothing else.
pub trait Answer: Send + Sync + 'static {
    /// The reply to a call. Never fails: what goes wrong is a reply too.
    fn answer<'a>(&'a self, call: Call<'a>) -> Pending<'a, Reply>;

    /// The reply to a call whose head alone tells that it is refused, so that its body need not be waited for.
    fn refuse_early(&self, _head: &Call<'_>) -> Option<Reply> {
        None
    }

    /// Hears of each call that has its reply, to count it and to log it. `took` is the time since its head was there.
    fn note(&self, _call: &Call<'_>, _reply: &Reply, _took: Duration) {}
}
