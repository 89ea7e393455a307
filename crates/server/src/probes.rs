//! Table: what those ask who look after the process. They need no token; what they learn is nobody else's business, so
//! that these paths are not to be reached from outside.

use crate::{
    call::{Call, Pending, Reply},
    failure::Failure,
    metrics, openapi,
    service::{Known, Service, reply},
};
use rollcall_codec::format::Format;
use rollcall_model::{rejection::Rejection, response_code::ResponseCode};
use rollcall_store::{error::StoreError, transaction};
use std::time::Duration;
use tokio::time::timeout;

/// A question: where it is asked, and what answers it.
pub struct Probe {
    /// The path, without a trailing slash.
    pub path: &'static str,
    /// What is asked, in a sentence.
    pub summary: &'static str,
    ask: for<'a> fn(&'a Service) -> Pending<'a, Result<Page, Failure>>,
}

/// What is answered where nothing stands in the way.
struct Page {
    /// The media type, where it is not that of JSON.
    media_type: Option<&'static str>,
    body: Vec<u8>,
}

/// The questions.
pub const PROBES: &[Probe] = &[
    Probe { path: "/healthz", summary: "Whether the process runs; where not, start it again.", ask: process },
    Probe { path: "/readyz", summary: "Whether the store reads and writes; where not, send no requests.", ask: store },
    Probe { path: "/metrics", summary: "Figures, in the text format of Prometheus.", ask: figures },
    Probe { path: openapi::PATH, summary: "The calls, as an OpenAPI document.", ask: description },
];

/// How they are asked; `HEAD` is the same without the body.
const METHOD: &str = "GET";

/// How long the store may take to answer.
const BOUND: Duration = Duration::from_secs(1);

/// The question at this path, with or without one trailing slash.
pub fn probe(path: &str) -> Option<&'static Probe> {
    let path = path.strip_suffix('/').unwrap_or(path);
    PROBES.iter().find(|probe| probe.path == path)
}

impl Probe {
    /// The answer: 200, or the failure that stands in the way.
    pub(crate) async fn answer(&self, service: &Service, call: &Call<'_>) -> Reply {
        let (media_type, served) = match (self.ask)(service).await {
            Ok(page) => (page.media_type, Ok(page.body)),
            Err(failure) => (None, Err(failure)),
        };
        Reply { media_type, ..reply(served, Known::of(Format::Json), call.request_id) }
    }

    /// Says no to other methods.
    pub(crate) fn refuse(call: &Call<'_>) -> Option<Reply> {
        if [METHOD, "HEAD"].contains(&call.method) {
            return None;
        }
        let refusal: Rejection = ResponseCode::MethodNotAllowed.because(format!("use {METHOD}"));
        Some(Reply { allow: Some(METHOD), ..reply(Err(refusal.into()), Known::of(Format::Json), call.request_id) })
    }
}

fn yes() -> Page {
    Page { media_type: None, body: br#"{"error":0,"error_text":"Successful operation"}"#.to_vec() }
}

fn process(_: &Service) -> Pending<'_, Result<Page, Failure>> {
    Box::pin(async { Ok(yes()) })
}

fn store(service: &Service) -> Pending<'_, Result<Page, Failure>> {
    Box::pin(async {
        let ask = async {
            transaction::read(&*service.store, |_| Ok(())).await?;
            transaction::write(&*service.store, |_| Ok(())).await // which changes nothing, and shows that writes are run
        };
        timeout(BOUND, ask).await.unwrap_or(Err(StoreError::Busy))?;
        Ok(yes())
    })
}

fn figures(service: &Service) -> Pending<'_, Result<Page, Failure>> {
    Box::pin(async {
        // Switched off, it is a call that there is not.
        let page = service.metrics.as_ref().and_then(|metrics| metrics.page().ok());
        let page = page.ok_or(Rejection::from(ResponseCode::UnknownCall))?;
        Ok(Page { media_type: Some(metrics::MEDIA_TYPE), body: page.into_bytes() })
    })
}

fn description(_: &Service) -> Pending<'_, Result<Page, Failure>> {
    Box::pin(async { Ok(Page { media_type: None, body: openapi::document().to_string().into_bytes() }) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes;

    #[test]
    fn no_question_is_asked_where_a_call_is() {
        for probe in PROBES {
            assert!(routes::route(probe.path).is_none(), "{}", probe.path);
        }
    }
}
