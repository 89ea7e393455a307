//! The calls that change one profile. Each is an import, with more or less to say. Dossier 6.2.

use crate::{
    failure::Failure,
    routes::{Answering, Request},
};
use rollcall_codec::{answer, import};
use rollcall_model::{
    database::Database,
    import::{ImportRequest, ImportScope},
    rejection::Rejection,
    response_code::ResponseCode,
};
use std::sync::Arc;

/// `profiles/import`.
pub(crate) fn import<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    change(request, read(request, database, ImportScope::Any))
}

/// `profiles/update`.
pub(crate) fn update<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    change(request, read(request, database, ImportScope::Existing))
}

/// `profiles/add`.
pub(crate) fn add<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    change(request, read(request, database, ImportScope::New))
}

/// `profiles/segstatic/add`.
pub(crate) fn enter_segment<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    change(request, import::read_entry(&request.parameters, database))
}

/// `profiles/segstatic/remove`.
pub(crate) fn leave_segment<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    change(request, import::read_exit(&request.parameters, database))
}

/// `subscriptions/set`.
pub(crate) fn set_subscription<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let import = import::read_subscription(&request.parameters, database, request.world)?;
        change(request, Ok(import)).await.map_err(at_the_top)
    })
}

fn read(request: Request<'_>, database: &Database, scope: ImportScope) -> Result<ImportRequest, Rejection> {
    import::read_as(scope, &request.parameters, database, request.world, request.service.limits)
}

fn change<'a>(request: Request<'a>, import: Result<ImportRequest, Rejection>) -> Answering<'a> {
    Box::pin(async move {
        let Request { service, world, format, .. } = request;
        let outcome = service.importer.import(import?, Arc::clone(world)).await?;
        Ok(answer::outcome(outcome, format))
    })
}

/// An import names the place of a subscription in `data.subscriptions`; here it stands at the top.
fn at_the_top(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(refusal) if refusal.code == ResponseCode::InvalidSubscription => {
            Failure::Refused(refusal.seen_from_within(IN_DATA))
        }
        failure => failure,
    }
}

/// Steps from the top of an import to what a subscription says: `data`, `subscriptions`, its place there.
const IN_DATA: usize = 3;
