//! One event over HTTP: signed, sent, and what the answer comes to. Beside [`crate::http`] the only file with HTTP types.
//! Nothing is sent again here, and no redirect is followed.

use super::deliverer::DeliverySettings;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, Uri, body::Incoming, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use jiff::Timestamp;
use rollcall_codec::event;
use rollcall_model::{event::Event, trigger::Webhook};
use sha2::Sha256;
use std::{error::Error, fmt::Write};
use tokio::time::timeout;

/// Sends events. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sender {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    settings: DeliverySettings,
}

/// What came of sending an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// The receiver has it.
    Delivered,
    /// It may go better later.
    Failed(String),
    /// The receiver wants no such events any more.
    Unwanted(String),
}

/// Whether events can be sent there.
pub(crate) fn is_address(url: &str) -> bool {
    let is_web = |uri: Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    url.parse().is_ok_and(is_web)
}

/// What is read of an answer to a delivered event, so that its connection can be used again; it means nothing.
const ANSWER_BYTES: usize = 64 * 1024;

impl Sender {
    /// A sender that trusts the certificates that this machine trusts; where it knows of none, those of the web.
    pub(super) fn new(settings: DeliverySettings) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(settings.connect));
        let trusting = HttpsConnectorBuilder::new().with_native_roots();
        let trusting = trusting.unwrap_or_else(|error| {
            tracing::info!(%error, "this machine has no certificates; webhooks are trusted as browsers do");
            HttpsConnectorBuilder::new().with_webpki_roots()
        });
        let connector = trusting.https_or_http().enable_http1().wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Self { client, settings }
    }

    /// Sends the event to its webhook.
    pub(super) async fn send(&self, event: &Event, webhook: &Webhook) -> Sent {
        let request = match request(event, webhook, Timestamp::now()) {
            Ok(request) => request,
            Err(error) => return Sent::Failed(error.to_string()),
        };
        match timeout(self.settings.whole, self.exchange(request)).await {
            Ok(Ok(status)) => judged(status),
            Ok(Err(error)) => Sent::Failed(innermost(&error)),
            Err(_) => Sent::Failed(format!("no answer within {:?}", self.settings.whole)),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<StatusCode, hyper_util::client::legacy::Error> {
        let answer = self.client.request(request).await?;
        let status = answer.status();
        if status.is_success() {
            skim(answer.into_body()).await;
        }
        Ok(status)
    }
}

fn judged(status: StatusCode) -> Sent {
    match status {
        status if status.is_success() => Sent::Delivered,
        StatusCode::GONE => Sent::Unwanted(format!("answered {status}")),
        status => Sent::Failed(format!("answered {status}")),
    }
}

/// The event is delivered, whatever becomes of the rest of the answer.
async fn skim(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > ANSWER_BYTES {
            return;
        }
    }
}

/// The outer errors only say that there was one.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn request(event: &Event, webhook: &Webhook, now: Timestamp) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    Request::post(&*webhook.url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("rollcall/", env!("CARGO_PKG_VERSION")))
        .header("X-Rollcall-Event-Id", event.id.to_string())
        .header("X-Rollcall-Event", event::kind(&event.body).unwrap_or_default())
        .header("X-Rollcall-Signature", signature(&webhook.secret, now.as_second(), &event.body))
        .body(Full::from(event.body.as_bytes().to_vec()))
}

/// By which a receiver can know that the body is ours, and that it was sent just now.
fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let mut text = format!("t={seconds},v1=");
    // A key may have any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body.as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _a_text_takes_everything = write!(text, "{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_others_do() {
        // printf '1700000000.{"id":"1"}' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            signature("secret", 1_700_000_000, r#"{"id":"1"}"#),
            "t=1700000000,v1=086f6aff7bd084c98679825129c5a64dbad88c760016d6d2c0fb123f27951d54"
        );
    }

    #[test]
    fn knows_addresses() {
        for good in ["http://a/", "https://a.example:8443/hook?x=1", "http://[::1]:80/"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "a", "/hook", "ftp://a/", "http://", "http:///hook", "https://a b/"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
