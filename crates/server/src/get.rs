//! One profile, found as an import finds it, to look at. Dossier 6.1.

use crate::{failure::Failure, import};
use rollcall_codec::request::Parameters;
use rollcall_matching::{
    key::Wanted,
    mode::{self, Mode},
    plan::Plan,
};
use rollcall_model::{
    database::Database, profile::Profile, profile_patch::ProfilePatch, response_code::ResponseCode, world::World,
};
use rollcall_store::transaction::Store;
use std::sync::Arc;

/// The profile that the request means.
pub(crate) fn profile(
    parameters: &Parameters<'_, '_>,
    database: &Database,
    world: &World,
    store: &dyn Store,
    modes: &[Mode],
) -> Result<Arc<Profile>, Failure> {
    let identifiers = parameters.identifiers(database, world)?;
    let nothing = ProfilePatch::default();
    let wanted = Wanted { identifiers: &identifiers, patch: &nothing };
    let mode = mode::choose(modes, parameters.matching()?.as_deref(), &identifiers)?;
    let plan = Plan::new(mode, wanted, database, world)?;
    let view = store.view()?;
    let not_found = || Failure::Refused(ResponseCode::ProfileNotFound.into());
    let id = import::settle(plan.resolve(&*view)?, mode, database)?.ok_or_else(not_found)?;
    let profile = view.profile(database.id, id)?;
    profile.ok_or_else(not_found)
}
