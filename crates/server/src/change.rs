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
    carried_out(request, import, Counts::AsProfile).await
}

/// `profiles/segstatic/add`.
pub(crate) fn enter_segment<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move { carried_out(request, import::read_entry(&request.parameters, database)?, Counts::No).await })
}

/// `profiles/segstatic/remove`.
pub(crate) fn leave_segment<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move { carried_out(request, import::read_exit(&request.parameters, database)?, Counts::No).await })
}

/// `subscriptions/set`.
pub(crate) fn set_subscription<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let import = import::read_subscription(&request.parameters, database, request.world)?;
        carried_out(request, import, Counts::No).await.map_err(at_the_top)
    })
}

/// What a change is to the token's allowance.
#[derive(PartialEq)]
enum Counts {
    /// An imported profile.
    AsProfile,
    /// Nothing.
    No,
}

/// Makes a change; or only tries it, and says what would come of it.
async fn carried_out(request: Request<'_>, import: ImportRequest, counts: Counts) -> Result<Vec<u8>, Failure> {
    let Request { service, world, grant, format, .. } = request;
    let trial = explain::asked(&request, &import)?;
    let change = async {
        let Some(trial) = trial else { return Ok(answer::outcome(service.change(import, world).await?, format)) };
        let (outcome, explanation) = explain::import(&request, import, trial).await?;
        Ok(answer::explained(outcome, &explanation, trial, world, format))
    };
    match counts == Counts::AsProfile && !trial.is_some_and(|trial| trial.is_dry_run) {
        true => service.allowances.import(grant, change).await,
        false => change.await,
    }
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
