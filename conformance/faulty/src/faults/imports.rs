//! Table: faults in how imports are taken: at the same time, half, twice, or answered with what belongs to others.

use super::{bodies::TOKEN, fault};
use crate::{
    Fault,
    lens::{Lens, LensStore},
    message::{Message, elements},
    seam::Seam::{Call, Importer},
};
use rollcall_matching::key::{KeySource, LookupKey};
use rollcall_model::{
    database::DatabaseId,
    import::{ImportOutcome, ImportRequest},
    profile::{Profile, ProfileId},
    rejection::Rejection,
    response_code::ResponseCode,
    segment::SegmentId,
    world,
};
use rollcall_server::{
    call::{Answer, Pending, Reply},
    failure::Failure,
    import::{self, Import},
    service::Service,
};
use rollcall_store::{error::StoreError, ids::new_profile_id, transaction::Transaction};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "looks-before-it-locks",
        "MATCH-SERIAL",
        "An import does not see profiles which others make while it is under way.",
        Importer(&|importer| Arc::new(LooksFirst(importer, None))),
    ),
    fault(
        "answers-the-import-before",
        "TRANSPORT-SUCCESS-PROFILE-ID",
        "The answer has the profile id of the import before.",
        Importer(&|importer| Arc::new(OneBehind { importer, latest: Mutex::default() })),
    ),
    fault(
        "id-of-the-answer-not-of-the-profile",
        "TRANSPORT-SUCCESS-PROFILE-ID",
        "Every answer has a new profile id.",
        Importer(&|importer| Arc::new(FreshIds(importer))),
    ),
    fault(
        "refused-subscription-leaves-profile",
        "DATA-ATOMIC",
        "A refused subscription fails the import when the fields are already stored.",
        Call(&|service, message| Box::pin(store_then_refuse(service, message, without_subscriptions))),
    ),
    fault(
        "refused-subscription-leaves-the-good-ones",
        "SUB-INVALID-LEAVES-NO-TRACE",
        "A refused subscription fails the import when the good ones are already stored.",
        Call(&|service, message| Box::pin(store_then_refuse(service, message, skipping_invalid))),
    ),
    fault(
        "skips-the-good-ones-too",
        "SUB-INVALID-SKIPPED",
        "With skip_invalid_subscriptions true one bad subscription has all of them left out.",
        Call(&|service, message| Box::pin(skip_all(service, message))),
    ),
    fault(
        "unknown-channel-skipped",
        "SUB-CHANNEL-UNKNOWN",
        "A subscription on an unknown channel is left out without being asked.",
        Call(&|service, message| Box::pin(forgive(service, message, &["].channel"]))),
    ),
    fault(
        "unknown-resource-skipped",
        "SUB-RESOURCE-UNKNOWN",
        "A subscription to an unknown resource is left out without being asked.",
        Call(&|service, message| Box::pin(forgive(service, message, &["].resource_id"]))),
    ),
    fault(
        "missing-address-skipped",
        "SUB-ADDRESS-MISSING",
        "A subscription without address is left out without being asked.",
        Call(&|service, message| Box::pin(forgive(service, message, ADDRESSES))),
    ),
    fault(
        "stores-what-it-then-finds-malformed",
        "TRANSPORT-MALFORMED",
        "A document is carried out before what follows it has it refused.",
        Call(&|service, message| Box::pin(store_first_document(service, message))),
    ),
    fault(
        "refused-subscription-leaves-the-email",
        "DATA-ATOMIC",
        "A refused subscription fails the import when the e-mail is already stored.",
        Call(&|service, message| Box::pin(store_then_refuse(service, message, |message| only(message, &["email"])))),
    ),
    fault(
        "refused-subscription-leaves-the-phones",
        "DATA-ATOMIC",
        "A refused subscription fails the import when the phones are already stored.",
        Call(&|service, message| Box::pin(store_then_refuse(service, message, |message| only(message, &["phones"])))),
    ),
    fault(
        "token-without-right-stores",
        "PARAM-TOKEN-RIGHT",
        "A token without right is refused when the import is already stored.",
        Call(&|service, message| Box::pin(store_for_strangers(service, message))),
    ),
    fault(
        "unknown-database-stores-in-the-first",
        "PARAM-DB-ID-KNOWN",
        "An unknown database is refused when the import is already stored in the first one.",
        Call(&|service, message| Box::pin(store_in_the_first(service, message))),
    ),
    fault(
        "refused-subscription-leaves-the-contacts",
        "SUB-INVALID-LEAVES-NO-TRACE",
        "A refused subscription fails the import when the profile's contacts are already stored.",
        Call(&|service, message| {
            Box::pin(store_then_refuse(service, message, |message| only(message, &["email", "phones"])))
        }),
    ),
    fault(
        "post-only-creates",
        "TRANSPORT-METHOD-POST",
        "A POST creates; one that would update a profile is refused, as the matter of another method.",
        Importer(&|importer| Arc::new(OnlyCreates(importer))),
    ),
    fault(
        "missing-token-noticed-late",
        "PARAM-TOKEN-REQUIRED",
        "A request without a token is refused when it is already carried out.",
        Call(&|service, message| {
            Box::pin(async move { store_without(service, message, "token", &format!("\"{TOKEN}\"")).await })
        }),
    ),
    fault(
        "missing-database-noticed-late",
        "PARAM-DB-ID-REQUIRED",
        "A request without a db_id is refused when it is already carried out in the first database.",
        Call(&|service, message| Box::pin(store_without(service, message, "db_id", "1"))),
    ),
    fault(
        "reimport-takes-email-subscriptions-away",
        "SUB-REIMPORT-KEEPS",
        "An import that changes nothing takes the e-mail subscriptions of the profile away.",
        Importer(&|importer| Arc::new(LosesOnReimport { importer, channel: "email" })),
    ),
    fault(
        "reimport-takes-push-subscriptions-away",
        "SUB-REIMPORT-KEEPS",
        "An import that changes nothing takes the push subscriptions of the profile away.",
        Importer(&|importer| Arc::new(LosesOnReimport { importer, channel: "push" })),
    ),
    fault(
        "unknown-profile-refused-and-created",
        "MATCH-PROFILE-ID-UPDATES-ONLY",
        "An unknown profile_id is refused, and a profile is created for the e-mail of data.",
        Call(&|service, message| Box::pin(store_by_email(service, message))),
    ),
];

/// Sees the state that there was when the request came; where a place is named, only there.
pub(super) struct LooksFirst(pub(super) import::Importer, pub(super) Option<KeySource>);

/// How long such an import takes, so that others have the time to come in between.
const UNDER_WAY: Duration = Duration::from_millis(1);

impl Import for LooksFirst {
    fn import(&self, request: ImportRequest, world: Arc<world::World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
        Box::pin(async move {
            let lens = Arc::new(AsOf(new_profile_id(), self.1));
            tokio::time::sleep(UNDER_WAY).await;
            let store = Arc::new(LensStore { store: Arc::clone(&self.0.store), lens });
            import::Importer { store, ..self.0.clone() }.import(request, world).await
        })
    }
}

/// Does not see profiles that are younger than this. Identifiers ascend.
struct AsOf(ProfileId, Option<KeySource>);

impl Lens for AsOf {
    fn find(
        &self,
        state: &dyn Transaction,
        database: DatabaseId,
        key: &LookupKey<'_>,
    ) -> Result<Vec<ProfileId>, StoreError> {
        let mut found = state.find(database, key)?;
        found.retain(|id| *id < self.0 || self.1.is_some_and(|place| place != key.source));
        Ok(found)
    }
}

struct OneBehind {
    importer: import::Importer,
    latest: Mutex<Option<ImportOutcome>>,
}

impl Import for OneBehind {
    fn import(&self, request: ImportRequest, world: Arc<world::World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
        Box::pin(async move {
            let outcome = self.importer.import(request, world).await?;
            let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(latest.replace(outcome).unwrap_or(outcome))
        })
    }
}

struct FreshIds(import::Importer);

impl Import for FreshIds {
    fn import(&self, request: ImportRequest, world: Arc<world::World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
        Box::pin(async move {
            self.0.import(request, world).await?;
            Ok(ImportOutcome::Updated(new_profile_id()))
        })
    }
}

struct OnlyCreates(import::Importer);

impl Import for OnlyCreates {
    fn import(&self, request: ImportRequest, world: Arc<world::World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
        Box::pin(async move {
            match self.0.import(request, world).await? {
                ImportOutcome::Updated(_) => Err(Rejection::from(ResponseCode::MethodNotAllowed).into()),
                created => Ok(created),
            }
        })
    }
}

/// Takes the subscriptions on a channel away when an import changes nothing.
struct LosesOnReimport {
    importer: import::Importer,
    channel: &'static str,
}

/// The server writes only what has changed, so that every import is made to change this.
const MARK: SegmentId = SegmentId(u32::MAX);

impl Import for LosesOnReimport {
    fn import(
        &self,
        mut request: ImportRequest,
        world: Arc<world::World>,
    ) -> Pending<'_, Result<ImportOutcome, Failure>> {
        request.patch.add_to_segments.push(MARK);
        Box::pin(async move {
            let lens = Arc::new(Unmarked { channel: self.channel });
            let store = Arc::new(LensStore { store: Arc::clone(&self.importer.store), lens });
            import::Importer { store, ..self.importer.clone() }.import(request, world).await
        })
    }
}

struct Unmarked {
    channel: &'static str,
}

impl Lens for Unmarked {
    fn put(&self, state: &mut dyn Transaction, mut profile: Profile) -> Result<(), StoreError> {
        profile.segments.remove(&MARK);
        if state.profile(profile.database, profile.id)?.as_deref() == Some(&profile) {
            profile.subscriptions.retain(|known| known.channel.as_str() != self.channel);
        }
        state.put(profile)
    }
}

/// What a refused subscription is refused with.
fn is_about_a_subscription(reply: &Reply) -> bool {
    reply.code == ResponseCode::InvalidSubscription
}

async fn store_then_refuse(service: &Service, mut message: Message, reduce: fn(&mut Message)) -> Reply {
    let refused = service.answer(message.call()).await;
    if is_about_a_subscription(&refused) {
        reduce(&mut message);
        service.answer(message.call()).await;
    }
    refused
}

/// Where a refusal says that an address is missing.
const ADDRESSES: &[&str] = &["].email", "].phone", "].provider", "].subscription_id", "].cc_data"];

/// Leaves invalid subscriptions out where the refusal names one of these places.
pub(super) async fn forgive(service: &Service, mut message: Message, places: &[&str]) -> Reply {
    let reply = service.answer(message.call()).await;
    let text = String::from_utf8_lossy(&reply.body);
    if !is_about_a_subscription(&reply) || !places.iter().any(|place| text.contains(place)) {
        return reply;
    }
    skipping_invalid(&mut message);
    service.answer(message.call()).await
}

async fn skip_all(service: &Service, mut message: Message) -> Reply {
    let is_asked_to = message.value("skip_invalid_subscriptions") == Some("true");
    message.set("skip_invalid_subscriptions", "false");
    let reply = service.answer(message.call()).await;
    if !is_asked_to || !is_about_a_subscription(&reply) {
        return reply;
    }
    without_subscriptions(&mut message);
    service.answer(message.call()).await
}

async fn store_first_document(service: &Service, mut message: Message) -> Reply {
    let reply = service.answer(message.call()).await;
    if reply.code == ResponseCode::MalformedBody {
        super::bodies::cut_after_first_document(&mut message);
        service.answer(message.call()).await;
    }
    reply
}

fn skipping_invalid(message: &mut Message) {
    match message.value("skip_invalid_subscriptions") {
        Some(_) => message.set("skip_invalid_subscriptions", "true"),
        None => message.add("skip_invalid_subscriptions", "true"),
    }
}

fn without_subscriptions(message: &mut Message) {
    only(message, &["email", "phones", "_fname", "_lname", "custom_field"]);
}

/// Leaves of `data` these parts.
pub(super) fn only(message: &mut Message, kept: &[&str]) {
    if message.is_xml() {
        const PARTS: [&str; 6] = ["subscriptions", "email", "phones", "_fname", "_lname", "custom_field"];
        for part in PARTS.iter().filter(|part| !kept.contains(part)) {
            let data = elements(message.text(), "data").first().cloned().unwrap_or_default();
            let places = elements(message.text(), part).into_iter().filter(|place| data.contains(&place.start));
            places.rev().for_each(|place| drop(message.body.drain(place)));
        }
    } else if let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&message.body) {
        if let Some(data) = body["data"].as_object_mut() {
            data.retain(|part, _| kept.contains(&part.as_str()));
        }
        message.body = body.to_string().into();
    }
}

/// A token of the documented world that may not use its first database.
const STRANGER: &str = "00000000000000000000000000000002";

async fn store_for_strangers(service: &Service, mut message: Message) -> Reply {
    let refused = service.answer(message.call()).await;
    if refused.code == ResponseCode::NoAccess && message.value("token") == Some(STRANGER) {
        message.set("token", TOKEN);
        service.answer(message.call()).await;
    }
    refused
}

async fn store_by_email(service: &Service, mut message: Message) -> Reply {
    let refused = service.answer(message.call()).await;
    if refused.code == ResponseCode::ProfileNotFound && message.method == "POST" {
        message.set("matching", "email");
        service.answer(message.call()).await;
    }
    refused
}

async fn store_without(service: &Service, mut message: Message, parameter: &str, value: &str) -> Reply {
    let reply = service.answer(message.call()).await;
    if reply.code != ResponseCode::Success && !message.has_parameter(parameter) && !message.has_token_elsewhere() {
        message.add(parameter, value);
        service.answer(message.call()).await;
    }
    reply
}

async fn store_in_the_first(service: &Service, mut message: Message) -> Reply {
    let refused = service.answer(message.call()).await;
    if refused.code == ResponseCode::DatabaseNotFound {
        message.set("db_id", "1");
        service.answer(message.call()).await;
    }
    refused
}
