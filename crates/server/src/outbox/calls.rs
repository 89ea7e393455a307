//! The outbox over HTTP, for who cannot open the store while a server has it: `list`, `retry`, `drop`.

use super::letters::{self, Verdict};
use crate::{
    failure::Failure,
    routes::{Answering, Request},
};
use rollcall_codec::answer;
use rollcall_model::database::Database;

/// Events of the database, a page of the outbox at a time.
pub(crate) fn list<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let (after, limit) = (request.parameters.after_event()?, request.parameters.limit()?);
        let (mut events, next) = letters::page(&*request.service.store, after, limit).await?;
        events.retain(|(_, event)| event.database == database.id);
        Ok(answer::events(&events, next, request.format))
    })
}

/// Sends events again that were given up.
pub(crate) fn retry<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(settle(request, database, Verdict::Retry))
}

/// Throws events away that were given up.
pub(crate) fn drop<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(settle(request, database, Verdict::Drop))
}

async fn settle(request: Request<'_>, database: &Database, verdict: Verdict) -> Result<Vec<u8>, Failure> {
    let numbers = request.parameters.events()?;
    let count = letters::settle(&*request.service.store, numbers, Some(database.id), verdict).await?;
    request.service.backlog.ring();
    Ok(answer::count(count, request.format))
}
