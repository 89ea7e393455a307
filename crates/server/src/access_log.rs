//! One event of the log for each call that was answered. Nothing of it is a secret or about a person: no query, no body,
//! no detail of a refusal, and a path only where it is one of ours.

use crate::{
    call::{Call, Reply},
    probes, routes,
};
use rollcall_model::response_code::ResponseCode;
use std::time::Duration;

/// What a call is called that is none of ours.
pub(crate) const UNKNOWN: &str = "unknown";

/// The call or question that is meant, as logs and metrics call it.
pub(crate) fn call_name(path: &str) -> &'static str {
    let route = routes::route(path).map(|route| route.path);
    route.or_else(|| probes::probe(path).map(|probe| probe.path)).unwrap_or(UNKNOWN)
}

/// Writes the event: what is our fault as an error, what is to be tried again as a warning, and everything else, refusals
/// too, only for those who want to see each call.
pub(crate) fn write(name: &str, call: &Call<'_>, reply: &Reply, took: Duration) {
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                call = name,
                format = reply.format.name(),
                code = reply.code.number(),
                reason = reply.code.name(),
                token = reply.caller.token.as_deref(),
                database = reply.caller.database.map(|id| id.0),
                duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                bytes_in = call.body.len(),
                bytes_out = reply.body.len(),
                request_id = call.request_id,
                "answered"
            )
        };
    }
    match reply.code {
        ResponseCode::InternalError => event!(error),
        ResponseCode::Unavailable => event!(warn),
        _ => event!(debug),
    }
}
