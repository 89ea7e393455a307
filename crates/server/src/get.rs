//! One profile, found as an import finds it, to look at; and its subscriptions. Dossier 6.1, 6.2.

use crate::{
    failure::{Failure, apart},
    import::settle,
    routes::{Answering, Request},
};
use rollcall_codec::{answer, subscription::meant};
use rollcall_matching::{
    key::Wanted,
    mode::{self, Mode},
    plan::Plan,
};
use rollcall_model::{
    database::{Database, DatabaseId},
    import::Identifiers,
    profile::{Profile, ProfileId},
    profile_patch::ProfilePatch,
    rejection::Rejection,
    response_code::ResponseCode,
    world::World,
};
use rollcall_store::transaction::{self, View};
use std::sync::Arc;

/// `profiles/get`.
pub(crate) fn profile<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let search = Search::of(&request, database)?;
        let profile = sought(&request, database, move |state| search.find(state)).await?;
        Ok(answer::profile(&profile, request.world, request.format))
    })
}

/// `subscriptions/get`.
pub(crate) fn subscription<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let meant = meant(&request.parameters, database, request.world)?;
        let profile = named(&request, database).await?;
        let is_meant = |known: &&_| meant.is_about(known);
        let subscription = profile.subscriptions.iter().find(is_meant).ok_or(Rejection::from(NO_SUBSCRIPTION))?;
        Ok(answer::subscription(subscription, profile.id, request.world, request.format))
    })
}

const NO_SUBSCRIPTION: ResponseCode = ResponseCode::SubscriptionNotFound;

/// `subscriptions/list`.
pub(crate) fn subscriptions<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let profile = named(&request, database).await?;
        Ok(answer::subscriptions(&profile, request.world, request.format))
    })
}

/// The profile that the request names by its identifier.
async fn named(request: &Request<'_>, database: &Database) -> Result<Arc<Profile>, Failure> {
    let id = request.parameters.profile_id()?;
    sought(request, database, move |_| Ok(id)).await
}

/// The profile that has the identifier which `find` comes to.
async fn sought(
    request: &Request<'_>,
    database: &Database,
    find: impl Fn(&dyn View) -> Result<ProfileId, Failure> + Send + 'static,
) -> Result<Arc<Profile>, Failure> {
    let database = database.id;
    let not_found = || Failure::Refused(ResponseCode::ProfileNotFound.at("profile_id"));
    let look = move |state: &dyn View| state.profile(database, find(state)?)?.ok_or_else(not_found);
    Ok(transaction::read(&*request.service.store, move |state| apart(look(state))).await??)
}

/// A search for a profile, as far as it can be prepared outside of a store.
pub(crate) struct Search {
    identifiers: Identifiers,
    mode: &'static Mode,
    database: DatabaseId,
    world: Arc<World>,
}

impl Search {
    /// The search that the request asks for.
    pub(crate) fn of(request: &Request<'_>, database: &Database) -> Result<Self, Rejection> {
        let Request { service, parameters, .. } = request;
        let identifiers = parameters.identifiers(database, request.world)?;
        let mode = mode::choose(service.modes, parameters.matching()?.as_deref(), &identifiers)?;
        Ok(Self { identifiers, mode, database: database.id, world: Arc::clone(request.world) })
    }

    /// The profile that is found in this state.
    pub(crate) fn find(&self, state: &dyn View) -> Result<ProfileId, Failure> {
        let database = self.world.database(self.database).ok_or_else(|| ResponseCode::DatabaseNotFound.at("db_id"))?;
        let wanted = Wanted { identifiers: &self.identifiers, patch: &ProfilePatch::default() };
        let found = Plan::new(self.mode, wanted, database, &self.world)?.resolve(state)?;
        Ok(settle(found, self.mode, database)?.ok_or(Rejection::from(ResponseCode::ProfileNotFound))?)
    }
}
