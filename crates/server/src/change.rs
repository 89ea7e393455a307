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
    rejection::Rejection,
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
    let Request { service, world, grant, parameters, format, .. } = request;
    let import = import::read_as(scope, &parameters, database, world, service.limits)?;
    if let Some(trial) = explain::asked(&request, &import)? {
        let explaining = explain::import(&request, import, trial);
        let (outcome, explanation) = match trial.is_dry_run {
            true => explaining.await?,
            false => service.allowances.import(grant, explaining).await?,
        };
        return Ok(answer::explained(outcome, &explanation, trial, world, format));
    }
    let outcome = service.import(import, world, grant).await?;
    Ok(answer::outcome(outcome, format))
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

/// Makes the change, which does not count as an imported profile.
fn change<'a>(request: Request<'a>, import: Result<ImportRequest, Rejection>) -> Answering<'a> {
    Box::pin(async move {
        let Request { service, world, format, .. } = request;
        Ok(answer::outcome(service.change(import?, world).await?, format))
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
