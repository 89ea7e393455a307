//! Each place that can be searched: several that are found there count as none; what is there is found from other
//! databases, too late, for too long, or only where it was from the beginning.

use super::{kebab, made};
use crate::{
    Fault,
    faults::{
        imports::LooksFirst,
        state::{AnyDatabase, FirstKeys, FormerKeys},
    },
    seam::Seam,
};
use rollcall_matching::key::{KeySource, LookupKey};
use std::sync::Arc;

/// The places, and whether several profiles may have the same there: an identifier and the profile's e-mail have one
/// owner. The places of `custom_sub` are left out: which of them is searched is left to the server.
const PLACES: [(KeySource, bool); 7] = [
    (KeySource::ProfileId, false),
    (KeySource::ProfileEmail, false),
    (KeySource::ProfilePhone, true),
    (KeySource::CustomField, true),
    (KeySource::EmailSubscription, true),
    (KeySource::SmsSubscription, true),
    (KeySource::PushSubscription, true),
];

pub(super) fn faults() -> Vec<Fault> {
    let shared = PLACES.into_iter().filter(|(_, is_shared)| *is_shared).map(|(place, _)| several(place));
    let every = PLACES.into_iter().map(|(place, _)| from_elsewhere(place));
    let changing = || PLACES.into_iter().map(|(place, _)| place).filter(|place| *place != KeySource::ProfileId);
    let fields = changing().filter(|place| !place.is_of_subscriptions());
    let changing = changing().flat_map(|place| [late(place), first_only(place)]).chain(fields.map(too_long));
    shared.chain(TOGETHER.into_iter().map(disagreeing)).chain(every).chain(changing).collect()
}

fn words(place: KeySource) -> String {
    kebab(&format!("{place:?}")).replace('-', " ")
}

fn name(story: &str, place: KeySource) -> String {
    format!("{}-{story}", kebab(&format!("{place:?}")))
}

fn several(place: KeySource) -> Fault {
    let only_one = Seam::find(move |state, database, key| {
        let mut found = state.find(database, key)?;
        if key.source == place && found.len() > 1 {
            found.clear();
        }
        Ok(found)
    });
    let story = format!("When the place {} finds several profiles, one more is made.", words(place));
    made(name("several-is-nobody", place), "MATCH-SEVERAL", story, only_one)
}

/// Two places that a mode searches together.
const TOGETHER: [(KeySource, KeySource); 2] =
    [(KeySource::ProfileEmail, KeySource::EmailSubscription), (KeySource::ProfilePhone, KeySource::SmsSubscription)];

fn disagreeing((one, other): (KeySource, KeySource)) -> Fault {
    let only_agreed = Seam::find(move |state, database, key| {
        let found = state.find(database, key)?;
        let source = match key.source {
            source if source == one => other,
            source if source == other => one,
            _ => return Ok(found),
        };
        let beside = state.find(database, &LookupKey { source, ..key.clone() })?;
        let is_agreed = found.is_empty() || beside.is_empty() || found == beside;
        Ok(if is_agreed { found } else { Vec::new() })
    });
    let story =
        format!("When the places {} and {} find different profiles, one more is made.", words(one), words(other));
    made(name("disagreeing-is-nobody", one), "MATCH-SEVERAL", story, only_agreed)
}

fn from_elsewhere(place: KeySource) -> Fault {
    let story = format!("By the place {} profiles of every database are found.", words(place));
    let seam = Seam::store(move || AnyDatabase(Some(place)));
    made(name("of-every-database", place), "PARAM-DB-ID-SELECTS", story, seam)
}

fn late(place: KeySource) -> Fault {
    let story = format!("The place {} shows a profile only to imports that came after it was stored.", words(place));
    let breaks = if place == KeySource::ProfileEmail { "MATCH-SERIAL" } else { "MATCH-SERIAL-ANSWERS" };
    let seam = Seam::importer(move |importer| Arc::new(LooksFirst(importer, Some(place))));
    made(name("late", place), breaks, story, seam)
}

fn first_only(place: KeySource) -> Fault {
    let story = format!("In the place {} a profile is found only by what it was created with.", words(place));
    let breaks = if place.is_of_subscriptions() { "SUB-ADDED-ON-UPDATE" } else { "MATCH-FOLLOWS-CHANGES" };
    made(name("of-creation-only", place), breaks, story, Seam::store(move || FirstKeys::of(place)))
}

fn too_long(place: KeySource) -> Fault {
    let story = format!("In the place {} a profile is still found by what it no longer has.", words(place));
    made(name("never-cleaned", place), "MATCH-FOLLOWS-CHANGES", story, Seam::store(move || FormerKeys::of(place)))
}
