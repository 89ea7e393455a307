//! One import: find the profile that is meant, change it, keep it. Rulings M1-M19, D1, D4, D9, D14.
//!
//! All of it happens in one write of the store, so that matching and writing see the same state (M19).

use crate::{
    call::Pending,
    failure::{Failure, apart},
    outbox::{Backlog, post},
};
use rollcall_matching::{
    key::{Lookup, LookupKey, Wanted, key_of_field},
    mode::{self, Mode, OnAbsent},
    plan::{Match, Plan, fields_from_identifiers},
};
use rollcall_model::{
    database::{Database, SeveralFound},
    explanation::{Explanation, Looked, LookedKey},
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
#[derive(Clone)]
pub struct Importer {
    /// Where profiles are kept.
    pub store: Arc<dyn Store>,
    /// The matching modes; [`mode::MODES`], unless a test wants others.
    pub modes: &'static [Mode],
    /// The events that wait to be delivered.
    pub backlog: Arc<Backlog>,
}

impl Import for Importer {
    fn import(&self, request: ImportRequest, world: Arc<World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
        let (modes, database, backlog) = (self.modes, request.database, Arc::clone(&self.backlog));
        Box::pin(async move {
            let known = Arc::clone(&world);
            let work = move |state: &mut dyn Transaction| {
                apart(Effect { request: &request, world: &world, modes, backlog: &backlog }.take(state, None))
            };
            let outcome = transaction::write(&*self.store, work).await??;
            self.backlog.ring_for(database, &known);
            Ok(outcome)
        })
    }
}

/// An import that is about to take effect, and all that it goes by beside the state of the store.
pub(crate) struct Effect<'a> {
    pub(crate) request: &'a ImportRequest,
    pub(crate) world: &'a World,
    pub(crate) modes: &'a [Mode],
    pub(crate) backlog: &'a Backlog,
}

impl Effect<'_> {
    /// Takes effect, and explains itself where that is asked for.
    pub(crate) fn take(
        self,
        state: &mut dyn Transaction,
        mut explanation: Option<&mut Explanation>,
    ) -> Result<ImportOutcome, Failure> {
        let Self { request, world, modes, backlog } = self;
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
                let plan = Plan::new(mode, wanted, database, world)?;
                settle(search(&plan, state, explanation.as_deref_mut())?, mode, database)?
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

        // 5. Everything that the database requires is there, and what belongs to one profile is nobody else's (D9).
        if before.is_none() || !request.patch.fields.is_empty() {
            is_complete(&profile, database)?;
        }
        if let Some(taken) = taken(before.as_deref(), &profile, database, state)? {
            let reason = if taken.field == EMAIL { ResponseCode::EmailTaken } else { ResponseCode::ValueTaken };
            return Err(reason.at(taken.field).under("data").into());
        }

        // 6. Kept, unless it is as it was; and, in the same write, triggers hear of it (D13).
        let id = profile.id;
        let outcome = if before.is_some() { ImportOutcome::Updated(id) } else { ImportOutcome::Created(id) };
        if let Some(explanation) = explanation {
            let (mode, before, after) = (mode.name.into(), before.clone(), Some(profile.clone()));
            *explanation = Explanation { mode, before, after, ..std::mem::take(explanation) };
        }
        if before.as_deref() != Some(&profile) {
            if !request.options.skip_triggers {
                post(before.as_deref(), &profile, world, backlog, state)?;
            }
            state.put(profile)?;
        }
        Ok(outcome)
    }
}

/// Asks the store whom the plan finds. An import that explains itself looks at a few more than it needs.
fn search(
    plan: &Plan<'_>,
    state: &dyn Transaction,
    explanation: Option<&mut Explanation>,
) -> Result<Match, StoreError> {
    let Some(explanation) = explanation else { return plan.resolve(state) };
    let key = |key: &LookupKey<'_>| LookedKey {
        place: key.source.name(),
        name: key.name.into(),
        value: (&*key.value).into(),
        resource: key.resource,
    };
    plan.resolve_watched(state, Looked::SHOWN + 1, |Lookup(keys), found| {
        explanation.lookups.push(Looked::new(keys.iter().map(key).collect(), found));
    })
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

/// Whether the profile has every field that its database requires. Calls that change no field are not asked: a stored
/// profile can lack one only because it was not required when it was kept, and nobody is to be kept from unsubscribing
/// for that.
fn is_complete(profile: &Profile, database: &Database) -> Result<(), Rejection> {
    let lacking = database.fields.required().iter().find(|name| profile.fields.get(name.as_str()).is_none());
    lacking
        .map_or(Ok(()), |name| Err(ResponseCode::MissingParameter.because(REQUIRED).under(name.as_str()).under("data")))
}

const REQUIRED: &str = "the database requires it";

/// A value that another profile of the database has, and that no two may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken<'a> {
    /// The field that holds it.
    pub field: &'a str,
    /// The profile that has it.
    pub owner: ProfileId,
}

/// The first value that `profile` is to get, in place of that of `before`, though another profile of the database has it
/// and the field is unique (D9).
pub fn taken<'a>(
    before: Option<&Profile>,
    profile: &Profile,
    database: &'a Database,
    state: &dyn Transaction,
) -> Result<Option<Taken<'a>>, StoreError> {
    for field in database.fields.unique() {
        let Some(key) = key_of_field(profile, field.as_str()) else { continue };
        if before.and_then(|before| key_of_field(before, field.as_str())).as_ref() == Some(&key) {
            continue;
        }
        // One of two is another one.
        let owner = state.find_oldest(profile.database, &key, 2)?.into_iter().find(|owner| *owner != profile.id);
        if let Some(owner) = owner {
            return Ok(Some(Taken { field: field.as_str(), owner }));
        }
    }
    Ok(None)
}
