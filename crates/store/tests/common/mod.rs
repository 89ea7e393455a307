//! What the tests of all stores share: writes and reads that wait for their answer, and a profile that is found by everything.

#![allow(dead_code, reason = "each test program uses its own part of it")]

use rollcall_matching::key::{KeySource, LookupKey, keys_of};
use rollcall_model::{
    address::Address,
    channel::ChannelName,
    database::DatabaseId,
    email::Email,
    event::{Event, EventId},
    field::FieldValue,
    phone::Phone,
    profile::{Profile, ProfileId},
    resource::ResourceId,
    segment::SegmentId,
    subscription::Subscription,
};
use rollcall_store::{
    error::StoreError,
    transaction::{NumberedEvent, OutboxChange, Snapshot, Store, Transaction, read, write},
};
use std::sync::Arc;

pub(crate) const DATABASE: DatabaseId = DatabaseId(1);

/// Writes, and waits until it is kept.
pub(crate) fn write_now<T: Send + 'static>(
    store: &dyn Store,
    work: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(for_any_thread(write(store, work)))
}

/// A server moves what it waits for from thread to thread; that a write allows it is seen when this compiles.
fn for_any_thread<F: Future + Send>(waiting: F) -> F {
    waiting
}

pub(crate) fn keep(store: &dyn Store, profile: &Profile) {
    let profile = profile.clone();
    write_now(store, move |transaction| transaction.put(profile.clone())).unwrap();
}

pub(crate) fn remove(store: &dyn Store, id: ProfileId) {
    write_now(store, move |transaction| transaction.remove(DATABASE, id)).unwrap();
}

/// Changes the outbox in one write.
pub(crate) fn change_outbox(store: &dyn Store, changes: Vec<OutboxChange>) {
    let change = move |transaction: &mut dyn Transaction| {
        changes.iter().try_for_each(|change| transaction.change_outbox(change.clone()))
    };
    write_now(store, change).unwrap();
}

/// All events.
pub(crate) fn outbox(store: &dyn Store) -> Vec<NumberedEvent> {
    read_now(store, |state| state.events_after(None, usize::MAX)).unwrap()
}

/// An event with this body.
pub(crate) fn event(body: &str) -> Arc<Event> {
    let (id, profile) = (EventId([1; 12]), id(1));
    Arc::new(Event { id, trigger: "changed".into(), database: DATABASE, profile, body: body.into(), dead: None })
}

/// Reads, and waits for the answer.
pub(crate) fn read_now<T: Send + 'static>(
    store: &dyn Store,
    work: impl FnMut(&dyn Snapshot) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(for_any_thread(read(store, work)))
}

pub(crate) fn find(store: &dyn Store, database: DatabaseId, key: &LookupKey<'_>) -> Vec<ProfileId> {
    let (source, name, value, resource) = (key.source, key.name.to_owned(), key.value.to_string(), key.resource);
    let find = move |state: &dyn Snapshot| {
        state.find(database, &LookupKey { source, name: &name, value: (&*value).into(), resource })
    };
    read_now(store, find).unwrap()
}

pub(crate) fn stored(
    store: &dyn Store,
    database: DatabaseId,
    id: ProfileId,
) -> Result<Option<Arc<Profile>>, StoreError> {
    read_now(store, move |state| state.profile(database, id))
}

pub(crate) fn id(number: u8) -> ProfileId {
    ProfileId([number; 12])
}

pub(crate) fn subscription(resource: u32, channel: &str, address: Address) -> Subscription {
    Subscription::new(ResourceId(resource), ChannelName::from(channel), address)
}

/// A profile that has a key of every source.
pub(crate) fn found_by_everything(number: u8) -> Profile {
    let mut profile = Profile::new(id(number), DATABASE);
    let email = |word: &str| Email::parse(&format!("{word}{number}@example.com")).unwrap();
    let phone = |base: u64| Phone::from_digits(base + u64::from(number)).unwrap();
    profile.fields.set("email".into(), FieldValue::Email(email("Ann")));
    profile.fields.set("phones".into(), FieldValue::Phones(vec![phone(79_000_000_000), phone(79_000_001_000)]));
    profile.fields.set("_fname".into(), FieldValue::Text("Ann".into()));
    profile
        .fields
        .set("words".into(), FieldValue::Tags(vec!["red".into(), "x".repeat(1_000 + usize::from(number)).into()]));
    profile.segments.insert(SegmentId(3));
    let push = Address::Push { provider: "android-firebase".into(), subscription_id: format!("t{number}").into() };
    profile.subscriptions = vec![
        subscription(1, "email", Address::Email(email("Work"))),
        subscription(2, "sms", Address::Phone(phone(79_000_002_000))),
        subscription(2, "push", push),
        subscription(2, "telegram_bot", Address::Chat(i64::from(number))),
        subscription(3, "pager", Address::Custom(format!("p{number}").into())),
    ];
    profile.subscriptions[1].custom_fields.set("plan".into(), FieldValue::Int(i64::from(number)));
    profile.subscriptions[1].categories = vec!["news".into()];
    profile
}

/// Every key that should find the profile, its identifier included.
pub(crate) fn lookups(profile: &Profile) -> Vec<LookupKey<'_>> {
    let by_id =
        LookupKey { source: KeySource::ProfileId, name: "", value: profile.id.to_string().into(), resource: None };
    let mut keys = keys_of(profile);
    let anywhere: Vec<_> = keys.iter().map(|key| LookupKey { resource: None, ..key.clone() }).collect();
    keys.extend(anywhere);
    keys.push(by_id);
    keys
}
