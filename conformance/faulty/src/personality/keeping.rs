//! Freedoms in who is found, and in what is kept of an import.

use super::freedom::Search;
use crate::lens::Lens;
use rollcall_matching::{
    key::{KeySource, LookupKey, keys_of},
    mode::Mode,
};
use rollcall_model::{
    address::Address,
    database::{DatabaseId, SeveralFound, UnknownFields},
    email::Email,
    field::{FieldName, FieldValue},
    import::ImportRequest,
    phone::Phone,
    profile::{Profile, ProfileId},
    resource::ResourceId,
    subscription::Subscription,
    subscription_patch::SubscriptionPatch,
    subscription_status::SubscriptionStatus,
    system_field::PHONES,
    world::World,
};
use rollcall_store::{error::StoreError, transaction::Transaction};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

// The set-up.

pub(super) fn refuse_several(world: &mut World) {
    world.databases.iter_mut().for_each(|database| database.several_found = SeveralFound::Refuse);
}

pub(super) fn ignore_unknown_fields(world: &mut World) {
    world.databases.iter_mut().for_each(|database| database.unknown_fields = UnknownFields::Ignore);
}

pub(super) fn email_phone_everywhere(modes: &mut [Mode]) {
    use KeySource::{EmailSubscription, ProfileEmail, ProfilePhone, SmsSubscription};
    search(modes, "email_phone", &[ProfileEmail, ProfilePhone, EmailSubscription, SmsSubscription]);
}

pub(super) fn custom_sub_by_field(modes: &mut [Mode]) {
    search(modes, "custom_sub", &[KeySource::SubscriptionField]);
}

fn search(modes: &mut [Mode], name: &str, places: &'static [KeySource]) {
    modes.iter_mut().filter(|mode| mode.name == name).for_each(|mode| mode.keys = places);
}

// Who is found.

type Found = Result<Vec<ProfileId>, StoreError>;

pub(super) fn newest_first(search: &Search<'_>, mut found: Vec<ProfileId>) -> Found {
    // Tags are several keys, whose holders are compared in the order of their age.
    let given = search.request.identifiers.field_value.as_ref();
    if !given.is_some_and(|value| matches!(value.of_database, Some(FieldValue::Tags(_)))) {
        found.reverse();
    }
    Ok(found)
}

/// Those whose address is spelled as in the request.
pub(super) fn spelled_alike(search: &Search<'_>, found: Vec<ProfileId>) -> Found {
    let (beside, within) = (search.request.identifiers.email.as_ref(), search.request.patch.email());
    let is_alike = |email: &Email| [beside, within].contains(&Some(email));
    match search.key.source {
        KeySource::ProfileEmail => those(search, found, |profile| profile.email().is_some_and(is_alike)),
        KeySource::EmailSubscription => those(search, found, |profile| {
            let is_alike = |known: &Subscription| matches!(&known.address, Address::Email(email) if is_alike(email));
            profile.subscriptions.iter().any(is_alike)
        }),
        _ => Ok(found),
    }
}

pub(super) fn by_active_subscriptions(search: &Search<'_>, found: Vec<ProfileId>) -> Found {
    if !search.key.source.is_of_subscriptions() {
        return Ok(found);
    }
    those(search, found, |profile| {
        let mut active = profile.clone();
        active.subscriptions.retain(|known| known.status == SubscriptionStatus::Subscribed);
        let key = LookupKey { resource: None, ..search.key.clone() };
        keys_of(&active).into_iter().any(|known| {
            let is_there = search.key.resource.is_none() || search.key.resource == known.resource;
            is_there && LookupKey { resource: None, ..known } == key
        })
    })
}

fn those(search: &Search<'_>, mut found: Vec<ProfileId>, are: impl Fn(&Profile) -> bool) -> Found {
    let mut error = None;
    found.retain(|id| match search.state.profile(search.database, *id) {
        Ok(profile) => profile.is_some_and(|profile| are(&profile)),
        Err(problem) => {
            error = Some(problem);
            false
        }
    });
    error.map_or(Ok(found), Err)
}

pub(super) fn messengers() -> Arc<dyn Lens> {
    Arc::new(Messengers(Mutex::default()))
}

/// Who has which number on a messenger. Subscriptions are never taken away, so that this only grows.
struct Messengers(Mutex<BTreeSet<(DatabaseId, String, ResourceId, ProfileId)>>);

impl Lens for Messengers {
    fn find(&self, state: &dyn Transaction, database: DatabaseId, key: &LookupKey<'_>) -> Found {
        let found = state.find(database, key)?;
        if key.source != KeySource::SmsSubscription {
            return Ok(found);
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_meant = |(of, number, resource, _): &&(DatabaseId, String, ResourceId, ProfileId)| {
            *of == database && *number == key.value && key.resource.is_none_or(|wanted| wanted == *resource)
        };
        let all: BTreeSet<ProfileId> = known.iter().filter(is_meant).map(|(.., id)| *id).chain(found).collect();
        Ok(all.into_iter().collect())
    }

    fn put(&self, state: &mut dyn Transaction, profile: Profile) -> Result<(), StoreError> {
        let number = |known: &Subscription| match &known.address {
            Address::Messenger(phone) => Some((profile.database, phone.to_string(), known.resource, profile.id)),
            _ => None,
        };
        let numbers = profile.subscriptions.iter().filter_map(number);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(numbers);
        state.put(profile)
    }
}

// What is kept.

/// Leaves a created profile with what `data` says, and nothing more.
pub(super) fn no_matching_value(request: &ImportRequest, before: Option<&Profile>, profile: &mut Profile) {
    let is_copied = |name: &FieldName| before.is_none() && request.patch.change(name.as_str()).is_none();
    let copied: Vec<_> = profile.fields.iter().map(|(name, _)| name.clone()).filter(is_copied).collect();
    copied.iter().for_each(|name| profile.fields.remove(name.as_str()));
}

/// Forgets what the import brings anew, so that it replaces and is not merged.
pub(super) fn without_what_comes_anew(request: &ImportRequest, profile: &mut Profile) {
    for patch in &request.patch.subscriptions {
        for known in profile.subscriptions.iter_mut().filter(|known| is_meant(patch, known)) {
            if !patch.custom_fields.is_empty() {
                known.custom_fields = Default::default();
            }
            if !patch.categories.is_empty() {
                known.categories.clear();
            }
        }
    }
}

pub(super) fn unconfirmed_at_first(request: &ImportRequest, before: Option<&Profile>, profile: &mut Profile) {
    let old = before.map_or(&[][..], |before| &before.subscriptions);
    for patch in request.patch.subscriptions.iter().filter(|patch| !old.iter().any(|known| is_meant(patch, known))) {
        for fresh in profile.subscriptions.iter_mut().filter(|known| is_meant(patch, known)) {
            fresh.status = patch.status.unwrap_or(SubscriptionStatus::Unconfirmed);
            fresh.priority = patch.priority.unwrap_or(5);
        }
    }
}

/// A given list is added to the numbers that there are.
pub(super) fn phones_added(_: &ImportRequest, before: Option<&Profile>, profile: &mut Profile) {
    let mut phones: Vec<Phone> = before.map(|before| before.phones().to_vec()).unwrap_or_default();
    let fresh: Vec<Phone> = profile.phones().iter().filter(|phone| !phones.contains(phone)).copied().collect();
    phones.extend(fresh);
    if !phones.is_empty() {
        profile.fields.set(PHONES.into(), FieldValue::Phones(phones));
    }
}

/// Given subscriptions take the place of all that there were.
pub(super) fn only_given_subscriptions(request: &ImportRequest, _: Option<&Profile>, profile: &mut Profile) {
    let given = &request.patch.subscriptions;
    if !given.is_empty() {
        profile.subscriptions.retain(|known| given.iter().any(|patch| is_meant(patch, known)));
    }
}

fn is_meant(patch: &SubscriptionPatch, known: &Subscription) -> bool {
    known.is(patch.resource, &patch.channel, &patch.address)
}
