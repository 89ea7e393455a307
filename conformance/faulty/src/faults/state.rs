//! Table: faults of look-ups and writes. What they do below is what a wrong index or a wrong statement does.

use super::fault;
use crate::{
    Fault,
    lens::Lens,
    seam::Seam::{Find, Put, Store},
};
use rollcall_matching::key::{KeySource, LookupKey, keys_of};
use rollcall_model::{
    address::Address,
    database::DatabaseId,
    field::{FieldName, FieldValue},
    phone::Phone,
    profile::{Profile, ProfileId},
    subscription::Subscription,
    subscription_status::SubscriptionStatus,
    system_field::{EMAIL, PHONES},
};
use rollcall_store::{error::StoreError, transaction::Transaction};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

pub(super) const FAULTS: &[Fault] = &[
    fault("finds-nobody", "MATCH-UPDATES", "Every import makes a new profile.", Find(&|_, _, _| Ok(Vec::new()))),
    fault(
        "several-is-nobody",
        "MATCH-SEVERAL",
        "When two profiles match, a third one is made.",
        Find(&|state, database, key| state.find(database, key).map(only_one)),
    ),
    fault(
        "push-provider-ignored",
        "MATCH-PUSH-SUB",
        "A push token is found whatever its provider.",
        Find(&with_any_provider),
    ),
    fault(
        "custom-field-name-ignored",
        "MATCH-CUSTOM",
        "Mode custom searches the first custom field, whichever is named.",
        Find(&|state, database, key| match key.source {
            KeySource::CustomField => state.find(database, &LookupKey { name: "custom_field", ..key.clone() }),
            _ => state.find(database, key),
        }),
    ),
    fault(
        "custom-fraction-ignored",
        "MATCH-CUSTOM",
        "Mode custom looks for a number without its fraction.",
        Find(&|state, database, key| match key.value.split_once('.') {
            Some((whole, _)) if key.name == "custom_float" => {
                state.find(database, &LookupKey { value: whole.into(), ..key.clone() })
            }
            _ => state.find(database, key),
        }),
    ),
    fault(
        "database-ignored-in-search",
        "PARAM-DB-ID-SELECTS",
        "Profiles of every database are found.",
        Store(&|| Arc::new(AnyDatabase(None))),
    ),
    fault(
        "updates-not-kept",
        "MATCH-UPDATES",
        "An update is answered as done, and forgotten.",
        Put(&|before, after| before.is_none().then_some(after)),
    ),
    fault(
        "first-value-wins",
        "DATA-UPDATES",
        "A field that has a value keeps it when another one is imported.",
        Put(&|before, mut after| {
            for (name, value) in before.into_iter().flat_map(|before| before.fields.iter()) {
                after.fields.set(name.clone(), value.clone());
            }
            Some(after)
        }),
    ),
    fault(
        "phones-appended",
        "DATA-PHONES-REPLACE",
        "A new list of phones is added to the former one.",
        Put(&|before, mut after| {
            let phones: Vec<_> = before.into_iter().chain([&after]).flat_map(Profile::phones).copied().collect();
            if !phones.is_empty() {
                after.fields.set(PHONES.into(), FieldValue::Phones(phones));
            }
            Some(after)
        }),
    ),
    fault(
        "one-phone-kept",
        "DATA-FIELD-PHONES",
        "Of a list of phones the first one is kept.",
        Put(&|_, mut after| {
            if let Some(first) = after.phones().first().copied() {
                after.fields.set(PHONES.into(), FieldValue::Phones(vec![first]));
            }
            Some(after)
        }),
    ),
    fault(
        "subscription-address-becomes-the-profiles",
        "DATA-ABSENT",
        "The address of an e-mail subscription overwrites the profile's own e-mail.",
        Put(&|_, mut after| {
            let email = after.subscriptions.iter().rev().find_map(|known| match &known.address {
                Address::Email(email) => Some(email.clone()),
                _ => None,
            });
            if let Some(email) = email {
                after.fields.set(EMAIL.into(), FieldValue::Email(email));
            }
            Some(after)
        }),
    ),
    fault(
        "second-address-overwrites-first",
        "SUB-SECOND-ADDRESS",
        "A profile has one subscription for each resource and channel; the last address wins.",
        Put(&|_, after| Some(merged(after, |a, b| a.resource == b.resource && a.channel == b.channel))),
    ),
    fault(
        "one-subscription-only",
        "SUB-OBJECT",
        "Of all subscriptions of a profile the last one is kept.",
        Put(&|_, after| Some(merged(after, |_, _| true))),
    ),
    fault(
        "resource-not-in-identity",
        "SUB-OBJECT",
        "One address on one channel is one subscription, whatever the resource.",
        Put(&|_, after| Some(merged(after, |a, b| a.channel == b.channel && a.address.is_same(&b.address)))),
    ),
    fault(
        "sms-and-messengers-share-identity",
        "SUB-IDENTITY",
        "One number on SMS and a messenger of a resource is one subscription.",
        Put(&|_, after| {
            Some(merged(after, |a, b| is_sms(a) != is_sms(b) && number(a).is_some() && number(a) == number(b)))
        }),
    ),
    fault(
        "subscriptions-kept-twice",
        "SUB-REIMPORT-ONCE",
        "What an update says of a profile's first subscription is kept as a second one beside it.",
        Put(&|before, mut after| {
            if before.is_some() {
                let again = after.subscriptions.first().cloned();
                after.subscriptions.extend(again);
            }
            Some(after)
        }),
    ),
    fault(
        "subscriptions-never-added-later",
        "SUB-ADDED-ON-UPDATE",
        "Subscriptions are kept when a profile is created, and ignored later.",
        Put(&|before, after| {
            let subscriptions =
                before.map_or_else(|| after.subscriptions.clone(), |before| before.subscriptions.clone());
            Some(Profile { subscriptions, ..after })
        }),
    ),
    fault(
        "subscriptions-replaced",
        "SUB-OTHERS-STAY",
        "The subscriptions of an import replace those that are stored.",
        Put(&|before, mut after| {
            let is_old = |known: &Subscription| before.is_some_and(|before| before.subscriptions.contains(known));
            if !after.subscriptions.iter().all(is_old) {
                after.subscriptions.retain(|known| !is_old(known));
            }
            Some(after)
        }),
    ),
    fault(
        "subscriptions-lost-on-update",
        "SUB-KEPT-ON-UPDATE",
        "An update that changes no subscription removes them all.",
        Put(&|before, mut after| {
            if before.is_some_and(|before| before.subscriptions == after.subscriptions) {
                after.subscriptions.clear();
            }
            Some(after)
        }),
    ),
    fault(
        "status-set-once",
        "SUB-STATUS-UPDATES",
        "The status of a subscription stays what it was at first.",
        Put(&|before, mut after| {
            each_again(before, &mut after, |known, former| known.status = former.status);
            Some(after)
        }),
    ),
    fault(
        "priority-set-once",
        "SUB-PRIORITY-UPDATES",
        "The priority of a subscription stays what it was at first.",
        Put(&|before, mut after| {
            each_again(before, &mut after, |known, former| known.priority = former.priority);
            Some(after)
        }),
    ),
    fault(
        "one-status-for-all",
        "SUB-STORED",
        "All subscriptions of a profile have the status of its first.",
        Put(&|_, after| Some(leveled(after, |known, first| known.status = first.status))),
    ),
    fault(
        "one-priority-for-all",
        "SUB-STORED",
        "All subscriptions of a profile have the priority of its first.",
        Put(&|_, after| Some(leveled(after, |known, first| known.priority = first.priority))),
    ),
    fault(
        "one-category-kept",
        "SUB-CATS",
        "Of the categories of a subscription the first one is kept.",
        Put(&|_, mut after| {
            after.subscriptions.iter_mut().for_each(|known| known.categories.truncate(1));
            Some(after)
        }),
    ),
    fault(
        "new-profiles-are-empty",
        "DATA-ADDS",
        "A new profile is added without the fields of data.",
        Put(&|before, mut after| {
            if before.is_none() {
                after.fields = Default::default();
            }
            Some(after)
        }),
    ),
    fault(
        "new-fields-not-added-later",
        "DATA-UPDATES",
        "An update changes the fields that a profile has, and gives it no further ones.",
        Put(&|before, mut after| {
            if let Some(before) = before {
                let is_new = |name: &&FieldName| before.fields.get(name.as_str()).is_none();
                let new: Vec<_> = after.fields.iter().map(|(name, _)| name).filter(is_new).cloned().collect();
                new.iter().for_each(|name| after.fields.remove(name.as_str()));
            }
            Some(after)
        }),
    ),
    fault(
        "second-subscription-never-added",
        "SUB-ADDED-ON-UPDATE",
        "A profile that has a subscription is given no further one.",
        Put(&|before, mut after| {
            if let Some(before) = before.filter(|before| !before.subscriptions.is_empty()) {
                after.subscriptions.truncate(before.subscriptions.len());
            }
            Some(after)
        }),
    ),
    fault(
        "update-keeps-one-subscription",
        "SUB-KEPT-ON-UPDATE",
        "An update that changes no subscription keeps the first one only.",
        Put(&|before, mut after| {
            if before.is_some_and(|before| before.subscriptions == after.subscriptions) {
                after.subscriptions.truncate(1);
            }
            Some(after)
        }),
    ),
    fault(
        "left-for-good",
        "SUB-STATUS-UPDATES",
        "A subscription that has left the status subscribed never gets back.",
        Put(&|before, mut after| {
            each_again(before, &mut after, |known, former| {
                if known.status == SubscriptionStatus::default() {
                    known.status = former.status;
                }
            });
            Some(after)
        }),
    ),
    fault(
        "one-set-of-categories-for-all",
        "SUB-STORED",
        "All subscriptions of a profile have the categories of its first.",
        Put(&|_, after| Some(leveled(after, |known, first| known.categories.clone_from(&first.categories)))),
    ),
    fault(
        "one-set-of-fields-for-all",
        "SUB-STORED",
        "All subscriptions of a profile have the fields of its first.",
        Put(&|_, after| Some(leveled(after, |known, first| known.custom_fields.clone_from(&first.custom_fields)))),
    ),
    fault(
        "one-resource-for-all",
        "SUB-RESOURCE-ID",
        "All subscriptions of a profile are kept under the resource of its first.",
        Put(&|_, after| Some(leveled(after, |known, first| known.resource = first.resource))),
    ),
    fault(
        "list-order-is-identity",
        "SUB-SECOND-ADDRESS",
        "The subscription of an update takes the place of a stored one on its channel that has another address.",
        Put(&|before, mut after| {
            let Some(before) = before else { return Some(after) };
            let added = after.subscriptions.split_off(before.subscriptions.len().min(after.subscriptions.len()));
            after.subscriptions.retain(|known| {
                !added.iter().any(|new| new.channel == known.channel && new.resource == known.resource)
            });
            after.subscriptions.extend(added);
            Some(after)
        }),
    ),
];

type Found = Result<Vec<ProfileId>, StoreError>;

fn only_one(found: Vec<ProfileId>) -> Vec<ProfileId> {
    if found.len() > 1 { Vec::new() } else { found }
}

/// The providers that the documentation prints.
const PROVIDERS: [&str; 2] = ["android-firebase", "Firefox"];

fn with_any_provider(state: &dyn Transaction, database: DatabaseId, key: &LookupKey<'_>) -> Found {
    let mut found = state.find(database, key)?;
    if key.source == KeySource::PushSubscription {
        for name in PROVIDERS {
            found.extend(state.find(database, &LookupKey { name, ..key.clone() })?);
        }
        found.sort_unstable();
        found.dedup();
    }
    Ok(found)
}

/// The databases of the documented world.
const DATABASES: [DatabaseId; 2] = [DatabaseId(1), DatabaseId(2)];

/// Sees all databases as one, in every place or in one. What is found stays where it is.
pub(super) struct AnyDatabase(pub(super) Option<KeySource>);

impl Lens for AnyDatabase {
    fn find(&self, state: &dyn Transaction, database: DatabaseId, key: &LookupKey<'_>) -> Found {
        if self.0.is_some_and(|place| place != key.source) {
            return state.find(database, key);
        }
        let mut found = Vec::new();
        for database in DATABASES {
            found.extend(state.find(database, key)?);
        }
        Ok(found)
    }

    fn profile(
        &self,
        state: &dyn Transaction,
        _database: DatabaseId,
        id: ProfileId,
    ) -> Result<Option<Arc<Profile>>, StoreError> {
        let mut found = None;
        for database in DATABASES {
            found = found.or(state.profile(database, id)?);
        }
        Ok(found)
    }
}

type OwnedKey = (DatabaseId, LookupKey<'static>);

/// Remembers every key that a profile ever had in a place.
pub(super) struct FormerKeys {
    place: KeySource,
    known: Mutex<HashMap<OwnedKey, ProfileId>>,
}

impl FormerKeys {
    pub(super) fn of(place: KeySource) -> Self {
        Self { place, known: Mutex::default() }
    }
}

impl Lens for FormerKeys {
    fn find(&self, state: &dyn Transaction, database: DatabaseId, key: &LookupKey<'_>) -> Found {
        let mut found = state.find(database, key)?;
        if found.is_empty() && key.source == self.place {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            found.extend(known.get(&(database, owned(key))));
        }
        Ok(found)
    }

    fn put(&self, state: &mut dyn Transaction, profile: Profile) -> Result<(), StoreError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(keys_of(&profile).iter().map(|key| ((profile.database, owned(key)), profile.id)));
        state.put(profile)
    }
}

/// Finds a profile in a place only by the keys with which it was created.
pub(super) struct FirstKeys {
    place: KeySource,
    known: Mutex<HashSet<(OwnedKey, ProfileId)>>,
}

impl FirstKeys {
    pub(super) fn of(place: KeySource) -> Self {
        Self { place, known: Mutex::default() }
    }
}

impl Lens for FirstKeys {
    fn find(&self, state: &dyn Transaction, database: DatabaseId, key: &LookupKey<'_>) -> Found {
        let mut found = state.find(database, key)?;
        if key.source == self.place {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            found.retain(|id| known.contains(&((database, owned(key)), *id)));
        }
        Ok(found)
    }

    fn put(&self, state: &mut dyn Transaction, profile: Profile) -> Result<(), StoreError> {
        if state.profile(profile.database, profile.id)?.is_none() {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.extend(keys_of(&profile).iter().map(|key| ((profile.database, owned(key)), profile.id)));
        }
        state.put(profile)
    }
}

/// The key without its resource, and without the name of the place within the place.
fn owned(key: &LookupKey<'_>) -> LookupKey<'static> {
    LookupKey { source: key.source, name: "", value: key.value.clone().into_owned().into(), resource: None }
}

/// Subscriptions that are the same by this rule become one, with what the last of them says.
pub(super) fn merged(mut profile: Profile, is_same: impl Fn(&Subscription, &Subscription) -> bool) -> Profile {
    let mut kept: Vec<Subscription> = Vec::new();
    for next in profile.subscriptions {
        kept.retain(|known| !is_same(known, &next));
        kept.push(next);
    }
    profile.subscriptions = kept;
    profile
}

fn is_sms(subscription: &Subscription) -> bool {
    matches!(subscription.address, Address::Phone(_))
}

fn number(subscription: &Subscription) -> Option<Phone> {
    match subscription.address {
        Address::Phone(phone) | Address::Messenger(phone) => Some(phone),
        _ => None,
    }
}

/// Shows every subscription that was there before, together with what it was.
fn each_again(before: Option<&Profile>, after: &mut Profile, change: fn(&mut Subscription, &Subscription)) {
    for former in before.into_iter().flat_map(|before| &before.subscriptions) {
        let again = |known: &&mut Subscription| known.is(former.resource, &former.channel, &former.address);
        after.subscriptions.iter_mut().find(again).into_iter().for_each(|known| change(known, former));
    }
}

/// Shows every subscription together with the profile's first.
fn leveled(mut profile: Profile, change: fn(&mut Subscription, &Subscription)) -> Profile {
    if let Some((first, others)) = profile.subscriptions.split_first_mut() {
        others.iter_mut().for_each(|known| change(known, first));
    }
    profile
}
