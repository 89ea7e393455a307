//! One profile, found as an import finds it, to look at. Dossier 6.1.

use crate::{
    failure::{Failure, apart},
    import::settle,
    routes::Request,
};
use rollcall_matching::{
    key::Wanted,
    mode::{self, Mode},
    plan::Plan,
};
use rollcall_model::{
    database::{Database, DatabaseId},
    import::Identifiers,
    profile::Profile,
    profile_patch::ProfilePatch,
    response_code::ResponseCode,
    world::World,
};
use rollcall_store::transaction::{self, Snapshot};
use std::sync::Arc;

/// The profile that the request means.
pub(crate) async fn profile(request: &Request<'_>, database: &Database) -> Result<Arc<Profile>, Failure> {
    let Request { service, parameters, .. } = request;
    let identifiers = parameters.identifiers(database, request.world)?;
    let mode = mode::choose(service.modes, parameters.matching()?.as_deref(), &identifiers)?;
    let (world, database) = (Arc::clone(request.world), database.id);
    let work = move |state: &dyn Snapshot| apart(found(&identifiers, mode, database, &world, state));
    Ok(transaction::read(&*service.store, work).await??)
}

fn found(
    identifiers: &Identifiers,
    mode: &Mode,
    database: DatabaseId,
    world: &World,
    state: &dyn Snapshot,
) -> Result<Arc<Profile>, Failure> {
    let database = world.database(database).ok_or_else(|| ResponseCode::DatabaseNotFound.at("db_id"))?;
    let nothing = ProfilePatch::default();
    let plan = Plan::new(mode, Wanted { identifiers, patch: &nothing }, database, world)?;
    let not_found = || Failure::Refused(ResponseCode::ProfileNotFound.into());
    let id = settle(plan.resolve(state)?, mode, database)?.ok_or_else(not_found)?;
    state.profile(database.id, id)?.ok_or_else(not_found)
}
