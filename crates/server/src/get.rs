//! One profile, found as an import finds it, to look at. Dossier 6.1.

use crate::failure::Failure;
use rollcall_codec::request::Parameters;
use rollcall_matching::{
    key::Wanted,
    mode::{self, Mode},
    plan::{Match, Plan},
};
use rollcall_model::{
    database::{Database, SeveralFound},
    profile::Profile,
    profile_patch::ProfilePatch,
    response_code::ResponseCode,
    world::World,
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
    let identifiers = parameters.identifiers(database)?;
    let nothing = ProfilePatch::default();
    let wanted = Wanted { identifiers: &identifiers, patch: &nothing };
    let mode = mode::choose(modes, parameters.matching()?.as_deref(), &identifiers)?;
    let plan = Plan::new(mode, wanted, database, world)?;
    let view = store.view()?;
    let id = match (plan.resolve(&*view)?, database.several_found) {
        (Match::One(id), _) | (Match::Several(id), SeveralFound::Oldest) => id,
        (Match::Several(_), SeveralFound::Refuse) => return Err(Failure::Refused(ResponseCode::SeveralFound.into())),
        (Match::Nobody, _) => return Err(Failure::Refused(ResponseCode::ProfileNotFound.into())),
    };
    let profile = view.profile(database.id, id)?;
    profile.ok_or_else(|| Failure::Refused(ResponseCode::ProfileNotFound.into()))
}
