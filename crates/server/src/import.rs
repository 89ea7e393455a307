//! One import: find the profile that is meant, change it, keep it. Rulings M1-M19, D1, D4, D9, D14.
//!
//! All of it happens in one write of the store, so that matching and writing see the same state (M19).

use crate::{
    call::Pending,
    failure::{Failure, apart},
};
use rollcall_matching::{
    key::{KeySource, LookupKey, Wanted},
    mode::{self, Mode, OnAbsent},
    plan::{Match, Plan, fields_from_identifiers},
};
use rollcall_model::{
    database::{Database, SeveralFound},
    email::Email,
    import::{ImportOutcome, ImportRequest, ImportScope},
    profile::{Profile, ProfileId},
    rejection::Rejection,
    response_code::ResponseCode,
    system_field::EMAIL,
    world::World,
};
use rollcall_store::{
    error::StoreError,
    ids::new_profile_id,
    transaction::{self, Store, Transaction},
};
use std::sync::Arc;

/// Takes imports. A seam: what stands in for it sees requests and outcomes as values.
pub trait Import: Send + Sync + 'static {
    /// Makes the import take effect under this configuration, or says why not.
    fn import(&self, request: ImportRequest, world: Arc<World>) -> Pending<'_, Result<ImportOutcome, Failure>>;
}

/// Imports into a store, by a table of modes.
pub struct Importer {
    /// Where profiles are kept.
    pub store: Arc<dyn Store>,
    /// The matching modes; [`mode::MODES`], unless a test wants others.
    pub modes: &'static [Mode],
}

impl Import for Importer {
    fn import(&self, request: ImportRequest, world: Arc<World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
        let modes = self.modes;
        Box::pin(async move {
            let work = move |state: &mut dyn Transaction| apart(take_effect(&request, &world, modes, state));
            Ok(transaction::write(&*self.store, work).await??)
        })
    }
}

fn take_effect(
    request: &ImportRequest,
    world: &World,
    modes: &[Mode],
    state: &mut dyn Transaction,
) -> Result<ImportOutcome, Failure> {
    let database = world.database(request.database).ok_or_else(|| ResponseCode::DatabaseNotFound.at("db_id"))?;
    let wanted = Wanted { identifiers: &request.identifiers, patch: &request.patch };

    // 1. Which mode, and what becomes of it where nobody is found?
    let named = mode::choose(modes, request.matching.as_deref(), &request.identifiers)?;
    let only_updates = request.scope == ImportScope::Existing;
    let mode = &Mode { on_absent: if only_updates { OnAbsent::Refuse } else { named.on_absent }, ..*named };

    // 2. Whom does it find? A call that only adds looks for nobody.
    let found = match request.scope {
        ImportScope::New => None,
        ImportScope::Any | ImportScope::Existing => {
            settle(Plan::new(mode, wanted, database, world)?.resolve(state)?, mode, database)?
        }
    };

    // 3. The profile as it is, or a new one that the mode can find again.
    let before = found.map(|id| stored(database, id, state)).transpose()?;
    let mut profile = match &before {
        Some(profile) => Profile::clone(profile),
        None => newborn(mode, wanted, database),
    };

    // 4. What the request changes.
    let skip_invalid = request.options.skip_invalid_subscriptions;
    let changed = request.patch.apply(&mut profile, skip_invalid, |patch| world.resource(patch.resource));
    changed.map_err(|refusal| refusal.under("data"))?;

    // 5. An e-mail address belongs to one profile (D9).
    if email_owner(before.as_deref(), &profile, state)?.is_some() {
        return Err(ResponseCode::EmailTaken.at(EMAIL).under("data").into());
    }

    // 6. Kept, unless it is as it was.
    let id = profile.id;
    let outcome = if before.is_some() { ImportOutcome::Updated(id) } else { ImportOutcome::Created(id) };
    if before.is_none_or(|before| *before != profile) {
        state.put(profile)?;
    }
    Ok(outcome)
}

/// The profile to change; none means that one is to be created (M8-M10).
pub(crate) fn settle(found: Match, mode: &Mode, database: &Database) -> Result<Option<ProfileId>, Rejection> {
    match (found, mode.on_absent, database.several_found) {
        (Match::One(id), ..) | (Match::Several(id), _, SeveralFound::Oldest) => Ok(Some(id)),
        (Match::Several(_), _, SeveralFound::Refuse) => Err(ResponseCode::SeveralFound.into()),
        (Match::Nobody, OnAbsent::Create, _) => Ok(None),
        (Match::Nobody, OnAbsent::Refuse, _) => {
            let searched_by = mode.keys.first().map_or("matching", |source| source.parameter());
            Err(ResponseCode::ProfileNotFound.at(searched_by))
        }
    }
}

/// The profile that a search has found. To create one instead where it is not there would hide a damaged store.
fn stored(database: &Database, id: ProfileId, state: &dyn Transaction) -> Result<Arc<Profile>, StoreError> {
    let problem = "it is found by its keys, but not stored";
    state.profile(database.id, id)?.ok_or(StoreError::Corrupt { database: database.id, id, problem })
}

fn newborn(mode: &Mode, wanted: Wanted<'_>, database: &Database) -> Profile {
    let mut profile = Profile::new(new_profile_id(), database.id);
    fields_from_identifiers(mode, wanted).into_iter().for_each(|(name, value)| profile.fields.set(name, value));
    profile
}

/// The other profile of the database that has the e-mail address which `profile` is to get, in place of that of `before`
/// (D9).
pub fn email_owner(
    before: Option<&Profile>,
    profile: &Profile,
    state: &dyn Transaction,
) -> Result<Option<ProfileId>, StoreError> {
    let key = profile.email().map(Email::key);
    match key {
        Some(key) if before.and_then(Profile::email).map(Email::key) != Some(key) => {
            let key = LookupKey { source: KeySource::ProfileEmail, name: "", value: key.into(), resource: None };
            // One of two is another one.
            Ok(state.find_oldest(profile.database, &key, 2)?.into_iter().find(|owner| *owner != profile.id))
        }
        _ => Ok(None),
    }
}
