//! Table: what those ask who look after the process. They need no token, and learn nothing but yes or no.

use crate::{
    call::{Call, Pending, Reply},
    failure::Failure,
    service::{Service, reply},
};
use rollcall_codec::format::Format;
use rollcall_model::{rejection::Rejection, response_code::ResponseCode};
use rollcall_store::{error::StoreError, transaction};
use std::time::Duration;
use tokio::time::timeout;

/// A question: where it is asked, and what makes the answer yes.
pub struct Probe {
    /// The path, without a trailing slash.
    pub path: &'static str,
    ask: for<'a> fn(&'a Service) -> Pending<'a, Result<(), Failure>>,
}

/// The questions.
pub const PROBES: &[Probe] = &[
    Probe { path: "/healthz", ask: process }, // to be started again, if not
    Probe { path: "/readyz", ask: store },    // to be sent no requests, if not
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
    pub(crate) async fn answer(&self, service: &Service) -> Reply {
        let yes = |()| br#"{"error":0,"error_text":"Successful operation"}"#.to_vec();
        reply((self.ask)(service).await.map(yes), Format::Json)
    }

    /// Says no to other methods.
    pub(crate) fn refuse(call: &Call<'_>) -> Option<Reply> {
        if [METHOD, "HEAD"].contains(&call.method) {
            return None;
        }
        let refusal: Rejection = ResponseCode::MethodNotAllowed.because(format!("use {METHOD}"));
        Some(Reply { allow: Some(METHOD), ..reply(Err(refusal.into()), Format::Json) })
    }
}

fn process(_: &Service) -> Pending<'_, Result<(), Failure>> {
    Box::pin(async { Ok(()) })
}

fn store(service: &Service) -> Pending<'_, Result<(), Failure>> {
    Box::pin(async {
        let ask = async {
            transaction::read(&*service.store, |_| Ok(())).await?;
            transaction::write(&*service.store, |_| Ok(())).await // which changes nothing, and shows that writes are run
        };
        Ok(timeout(BOUND, ask).await.unwrap_or(Err(StoreError::Busy))?)
    })
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
