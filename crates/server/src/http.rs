//! Sockets: accepts connections, makes calls of requests and responses of replies. The only file with HTTP types.

use crate::{
    call::{Answer, Call, Reply},
    probes, request_id, service,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Incoming},
    header::{self, HeaderMap, HeaderName, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use rollcall_model::{rejection::Rejection, response_code::ResponseCode};
use std::{
    convert::Infallible,
    error::Error,
    future::Future,
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
    time::timeout,
};

/// How connections are treated.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of a body at most (T13).
    pub body_bytes: usize,
    /// Whether failures too are sent with HTTP status 200 (T8).
    pub always_200: bool,
    /// Connections at most; more wait to be accepted.
    pub connections: usize,
    /// Bytes of all bodies that are being read at once, at most; more wait their turn.
    pub bytes_under_way: usize,
    /// How long a request's head, and then its body, may take to arrive.
    pub arrival: Duration,
    /// How long requests under way may take to finish when the server stops.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes: 10 * 1024 * 1024,
            always_200: false,
            connections: 10_000,
            bytes_under_way: 256 * 1024 * 1024,
            arrival: Duration::from_secs(30),
            grace: Duration::from_secs(30),
        }
    }
}

/// How long to wait before accepting again when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Streams of one HTTP/2 connection at most.
const STREAMS: u32 = 64;

/// What is counted of [`Settings::bytes_under_way`], in bytes.
const UNIT: usize = 1024;

/// Serves connections until `stop` resolves, then lets requests under way finish.
pub async fn serve(
    listener: TcpListener,
    answers: Arc<dyn Answer>,
    settings: Settings,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(settings.connections));
    let bodies = Arc::new(Semaphore::new(settings.bytes_under_way / UNIT));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            () = &mut stop => break,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (answers, bodies) = (Arc::clone(&answers), Arc::clone(&bodies));
        let arrived = Arc::new(Notify::new());
        let first_request = Arc::clone(&arrived);
        let service = service_fn(move |request| {
            arrived.notify_one();
            respond(Arc::clone(&answers), Arc::clone(&bodies), request, settings)
        });
        let connection = builder(settings).serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            attend(connection, &first_request, settings.arrival).await;
            drop(permit);
        });
    }
    drop(listener);
    if timeout(settings.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the time to finish them was over");
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, permit))
}

/// Sees a connection to its end, which comes early where its first request does not arrive in time. The time that HTTP/1
/// gives a head only counts from where it is clear that it is HTTP/1, and HTTP/2 gives none: without this, a silent
/// connection would be kept for ever.
async fn attend(
    connection: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>>,
    first_request: &Notify,
    arrival: Duration,
) {
    let silence = async {
        if timeout(arrival, first_request.notified()).await.is_ok() {
            std::future::pending().await
        }
    };
    tokio::select! {
        ended = connection => if let Err(error) = ended {
            tracing::debug!(error, "a connection ended early");
        },
        () = silence => tracing::debug!("a connection brought no request"),
    }
}

fn builder(settings: Settings) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // A client that has sent all it has to say still gets its answer.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(settings.arrival).half_close(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(settings.arrival)
        .keep_alive_timeout(settings.arrival)
        .max_concurrent_streams(STREAMS);
    builder
}

async fn respond(
    answers: Arc<dyn Answer>,
    bodies: Arc<Semaphore>,
    request: Request<Incoming>,
    settings: Settings,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    // Who looks after the process goes by the status alone.
    let always_200 = settings.always_200 && probes::probe(head.uri.path()).is_none();
    let settings = Settings { always_200, ..settings };
    let text = |name: HeaderName| header_text(&head.headers, &name);
    let (content_type, accept, authorization) =
        (text(header::CONTENT_TYPE), text(header::ACCEPT), text(header::AUTHORIZATION));
    let request_id = request_id(&head.headers);
    let call = Call {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or(""),
        content_type,
        accept,
        authorization,
        request_id: request_id.to_str().unwrap_or_default(),
        body: &[],
    };
    let (body, reply) = match answers.refuse_early(&call) {
        Some(refused) => (Bytes::new(), refused),
        None => match read(body, &bodies, settings).await {
            Ok(body) => {
                let reply = answers.answer(Call { body: &body, ..call.clone() }).await;
                (body, reply)
            }
            Err(refusal) => (Bytes::new(), service::refused(&call, refusal)),
        },
    };
    answers.note(&Call { body: &body, ..call }, &reply, began.elapsed());
    Ok(response(reply, request_id.clone(), settings))
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The sender's own, if it is sound, else a fresh one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|given| request_id::is_sound(given.as_bytes()));
    #[expect(clippy::expect_used, reason = "hexadecimal digits can stand in a header")]
    let fresh = || HeaderValue::try_from(request_id::fresh()).expect("digits");
    given.cloned().unwrap_or_else(fresh)
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Reads the body, when there is room for as much as it may be.
async fn read(body: Incoming, bodies: &Semaphore, settings: Settings) -> Result<Bytes, Rejection> {
    let too_large = || ResponseCode::BodyTooLarge.because(format!("more than {} bytes", settings.body_bytes));
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > settings.body_bytes {
        return Err(too_large());
    }
    let at_most = if body.size_hint().exact().is_some() { announced } else { settings.body_bytes };
    let units = (at_most.min(settings.bytes_under_way) / UNIT).try_into().unwrap_or(u32::MAX);
    let reading = async {
        let room = bodies.acquire_many(units).await;
        let collected = Limited::new(body, settings.body_bytes).collect().await;
        drop(room);
        collected
    };
    match timeout(settings.arrival, reading).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ResponseCode::MalformedBody.because("the body was cut off")),
        Err(_) => Err(ResponseCode::MalformedBody.because("the body took too long to arrive")),
    }
}

fn response(reply: Reply, request_id: HeaderValue, settings: Settings) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = match reply.code {
        ResponseCode::Success => StatusCode::OK,
        _ if settings.always_200 => StatusCode::OK,
        code => StatusCode::from_u16(code.number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let headers = response.headers_mut();
    let media_type = reply.media_type.unwrap_or(reply.format.content_type());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(REQUEST_ID, request_id);
    if let Some(method) = reply.allow {
        headers.insert(header::ALLOW, HeaderValue::from_static(method));
    }
    if let Some(seconds) = reply.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
