//! The calls that change one profile. Each is an import, with more or less to say. Dossier 6.2.

use crate::{
    explain,
    failure::Failure,
    routes::{Answering, Request},
};
use rollcall_codec::{answer, import};
use rollcall_model::{
    database::Database,
    import::{ImportRequest, ImportScope},
    response_code::ResponseCode,
};

/// `profiles/import`.
pub(crate) fn import<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(imported(request, database, ImportScope::Any))
}

/// `profiles/update`.
pub(crate) fn update<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(imported(request, database, ImportScope::Existing))
}

/// `profiles/add`.
pub(crate) fn add<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(imported(request, database, ImportScope::New))
}

async fn imported(request: Request<'_>, database: &Database, scope: ImportScope) -> Result<Vec<u8>, Failure> {
    let import = import::read_as(scope, &request.parameters, database, request.world, request.service.limits)?;
    carried_out(request, import, 1).await
}

/// `profiles/segstatic/add`.
pub(crate) fn enter_segment<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move { carried_out(request, import::read_entry(&request.parameters, database)?, 0).await })
}

/// `profiles/segstatic/remove`.
pub(crate) fn leave_segment<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move { carried_out(request, import::read_exit(&request.parameters, database)?, 0).await })
}

/// `subscriptions/set`.
pub(crate) fn set_subscription<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let import = import::read_subscription(&request.parameters, database, request.world)?;
        carried_out(request, import, 0).await.map_err(at_the_top)
    })
}

/// Makes a change, which counts as so many imported profiles; or only tries it, and says what would come of it.
async fn carried_out(request: Request<'_>, import: ImportRequest, profiles: u32) -> Result<Vec<u8>, Failure> {
    let Request { service, world, grant, format, .. } = request;
    let Some(trial) = explain::asked(&request, &import)? else {
        return Ok(answer::outcome(service.import(import, world, grant, profiles).await?, format));
    };
    let profiles = if trial.is_dry_run { 0 } else { profiles }; // what is only tried is no imported profile
    let explained = service.counted(grant, profiles, explain::import(&request, import, trial)).await;
    explained.map(|(outcome, explanation)| answer::explained(outcome, &explanation, trial, world, format))
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
