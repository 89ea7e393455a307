//! Table: faults of the calls about one profile, beside the import. Dossier 6.2.

use super::{answers::rename, bodies::TOKEN, fault, fields::clear_absent};
use crate::{
    Fault,
    lens::Lens,
    message::Message,
    seam::Seam::{Import, Put, Refuses, Reply, Request, Store},
};
use rollcall_matching::key::keys_of;
use rollcall_model::{
    database::DatabaseId,
    import::{ImportRequest, ImportScope},
    profile::{Profile, ProfileId},
    resource::ResourceId,
    response_code::ResponseCode,
    subscription::Subscription,
};
use rollcall_server::call;
use rollcall_store::{error::StoreError, transaction::Transaction};
use std::sync::Arc;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "update-changes-nothing",
        "UPDATE-CHANGES",
        "profiles/update answers as if it had changed the profile.",
        Import(&|request| when(request, ImportScope::Existing, |request| request.patch = Default::default())),
    ),
    fault(
        "update-by-email-only",
        "UPDATE-CHANGES",
        "profiles/update finds profiles by their e-mail and their id only.",
        Refuses(&|message| {
            let other_modes = ["phone", "custom", "push_sub"];
            message.is_call(UPDATE) && other_modes.iter().any(|mode| message.value("matching") == Some(mode))
        }),
    ),
    fault(
        "update-clears-absent-fields",
        "UPDATE-KEEPS-ABSENT",
        "profiles/update clears the names that it is not given.",
        Import(&|request| when(request, ImportScope::Existing, |request| clear_absent(request, &["_fname", "_lname"]))),
    ),
    fault(
        "update-ignores-subscriptions",
        "UPDATE-SUBSCRIPTIONS",
        "profiles/update changes fields only.",
        Import(&|request| when(request, ImportScope::Existing, |request| request.patch.subscriptions.clear())),
    ),
    fault(
        "update-skips-nothing",
        "UPDATE-SKIP-INVALID",
        "profiles/update does not know skip_invalid_subscriptions.",
        Request(&|message| skip_nothing(message, UPDATE)),
    ),
    fault(
        "update-by-id-wants-the-mode",
        "UPDATE-BY-ID",
        "profiles/update searches by e-mail where no mode is named.",
        Refuses(&|message| message.is_call(UPDATE) && message.value("matching").is_none()),
    ),
    fault(
        "update-creates",
        "UPDATE-CREATES-NOTHING",
        "profiles/update creates a profile where it finds none.",
        Request(&|message| take(message, UPDATE, "profiles/import")),
    ),
    fault(
        "add-stores-no-fields",
        "ADD-ADDS",
        "profiles/add adds a profile without its fields.",
        Import(&|request| when(request, ImportScope::New, |request| request.patch.fields.clear())),
    ),
    fault(
        "add-looks-phones-up",
        "ADD-LOOKS-NOBODY-UP",
        "profiles/add updates the profile that has the phone.",
        Request(&|message| {
            if message.has("phones") && message.is_call(ADD) {
                message.go_to("profiles/import");
                message.add("matching", "\"phone\"");
            }
        }),
    ),
    fault(
        "add-is-an-import",
        "ADD-EMAIL-TAKEN",
        "profiles/add updates the profile that has the e-mail.",
        Request(&|message| take(message, ADD, "profiles/import")),
    ),
    fault(
        "add-wants-data",
        "ADD-EMPTY",
        "profiles/add is refused without data.",
        Refuses(&|message| message.is_call(ADD) && !message.has_parameter("data")),
    ),
    fault(
        "add-ignores-subscriptions",
        "ADD-SUBSCRIPTIONS",
        "profiles/add keeps fields only.",
        Import(&|request| when(request, ImportScope::New, |request| request.patch.subscriptions.clear())),
    ),
    fault(
        "add-skips-nothing",
        "ADD-SKIP-INVALID",
        "profiles/add does not know skip_invalid_subscriptions.",
        Request(&|message| skip_nothing(message, ADD)),
    ),
    fault(
        "delete-removes-nothing",
        "DELETE-REMOVES",
        "profiles/delete answers as if the profile were gone.",
        Store(&|| Arc::new(RemovesNothing)),
    ),
    fault(
        "delete-leaves-an-empty-profile",
        "DELETE-REMOVES",
        "profiles/delete takes the fields and the subscriptions, and leaves the profile.",
        Store(&|| Arc::new(LeavesOnly(|_| Vec::new()))),
    ),
    fault(
        "delete-leaves-the-subscriptions",
        "DELETE-REMOVES",
        "profiles/delete takes the fields, and leaves the subscriptions.",
        Store(&|| Arc::new(LeavesOnly(|profile| profile.subscriptions.clone()))),
    ),
    fault(
        "delete-names-nobody",
        "DELETE-NAMES",
        "The answer of profiles/delete does not name the profile.",
        Reply(&|message, reply| {
            if message.is_call(DELETE) {
                rename(reply, "profile_id", "deleted");
            }
        }),
    ),
    fault(
        "delete-not-by-phone",
        "DELETE-MODES",
        "profiles/delete does not know the mode phone.",
        Refuses(&|message| message.is_call(DELETE) && message.value("matching") == Some("phone")),
    ),
    fault(
        "delete-not-by-id",
        "DELETE-MODES",
        "profiles/delete does not know the mode profile_id.",
        Refuses(&|message| message.is_call(DELETE) && message.value("matching") == Some("profile_id")),
    ),
    fault(
        "delete-not-by-custom-field",
        "DELETE-MODES",
        "profiles/delete does not know the mode custom.",
        Refuses(&|message| message.is_call(DELETE) && message.value("matching") == Some("custom")),
    ),
    fault(
        "delete-takes-whoever-shares-a-key",
        "DELETE-LEAVES-OTHERS",
        "profiles/delete deletes everybody who shares an address or a number with the profile.",
        Store(&|| Arc::new(RemovesAlike)),
    ),
    fault(
        "delete-of-nobody-answered-as-done",
        "DELETE-UNKNOWN",
        "profiles/delete of a profile that is not there is answered as carried out.",
        Reply(&|message, reply| answer_as_done(message, reply, &[DELETE])),
    ),
    fault(
        "get-names-no-database",
        "GET-NAMES",
        "profiles/get shows no db_id.",
        Reply(&|message, reply| {
            if message.is_call(GET) {
                rename(reply, "db_id", "database");
            }
        }),
    ),
    fault(
        "get-not-by-push-subscription",
        "GET-MODES",
        "profiles/get does not know the mode push_sub.",
        Refuses(&|message| message.is_call(GET) && message.value("matching") == Some("push_sub")),
    ),
    fault(
        "get-not-by-both",
        "GET-MODES",
        "profiles/get does not know the mode email_phone_sub.",
        Refuses(&|message| message.is_call(GET) && message.value("matching") == Some("email_phone_sub")),
    ),
    fault(
        "get-of-nobody-answered-as-done",
        "GET-UNKNOWN",
        "profiles/get of a profile that is not there is answered as carried out.",
        Reply(&|message, reply| answer_as_done(message, reply, &[GET])),
    ),
    fault(
        "get-without-hash-ids",
        "GET-HASH-ID",
        "Subscriptions are shown without hash_id.",
        Reply(&|_, reply| rename(reply, "hash_id", "hash")),
    ),
    fault(
        "list-shows-no-ids",
        "LIST-SHOWS",
        "profiles/list shows profiles without their ids.",
        Reply(&|message, reply| {
            if message.is_call(LIST) {
                rename(reply, "id", "number");
            }
        }),
    ),
    fault(
        "list-starts-anew",
        "LIST-PAGES",
        "profiles/list answers the first page, whatever from_id says.",
        Request(&|message| {
            if message.is_call(LIST) {
                message.replace("from_id", "from");
            }
        }),
    ),
    fault(
        "list-has-one-page",
        "LIST-PAGES",
        "profiles/list does not say where the next page begins.",
        Reply(&|message, reply| {
            if message.is_call(LIST) {
                rename(reply, "from_id", "next");
            }
        }),
    ),
    fault(
        "update-takes-any-token",
        "PROFILES-TOKEN",
        "profiles/update does not look at the token.",
        Request(&|message| take_any_token(message, UPDATE)),
    ),
    fault(
        "add-takes-any-token",
        "PROFILES-TOKEN",
        "profiles/add does not look at the token.",
        Request(&|message| take_any_token(message, ADD)),
    ),
    fault(
        "delete-takes-any-token",
        "PROFILES-TOKEN",
        "profiles/delete does not look at the token.",
        Request(&|message| take_any_token(message, DELETE)),
    ),
    fault(
        "get-takes-any-token",
        "PROFILES-TOKEN",
        "profiles/get does not look at the token.",
        Request(&|message| take_any_token(message, GET)),
    ),
    fault(
        "list-takes-any-token",
        "PROFILES-TOKEN",
        "profiles/list does not look at the token.",
        Request(&|message| take_any_token(message, LIST)),
    ),
    fault(
        "update-without-database",
        "PROFILES-DB-ID",
        "profiles/update takes the first database where none is named.",
        Request(&|message| {
            if message.is_call(UPDATE) && message.value("db_id").is_none() {
                message.add("db_id", "1");
            }
        }),
    ),
    fault(
        "raised-though-a-priority-is-given",
        "SUB-PRIORITY-OPTION",
        "A new subscription to a resource that raises them gets the first priority, whatever is given.",
        Put(&|before, mut profile| {
            for new in new_subscriptions(before, &mut profile).filter(|new| new.resource == RAISING) {
                new.priority = 0;
            }
            Some(profile)
        }),
    ),
    fault(
        "others-moved-though-a-priority-is-given",
        "SUB-PRIORITY-OPTION",
        "A new subscription to a resource that raises them moves the others down, whatever priority is given.",
        Put(&|before, mut profile| {
            let is_raised = new_subscriptions(before, &mut profile).any(|new| new.resource == RAISING);
            if let (true, Some(before)) = (is_raised, before) {
                let known = before.subscriptions.len();
                profile.subscriptions.iter_mut().take(known).for_each(|known| known.priority += 1);
            }
            Some(profile)
        }),
    ),
];

const UPDATE: &str = "profiles/update";
const ADD: &str = "profiles/add";
const DELETE: &str = "profiles/delete";
const GET: &str = "profiles/get";
const LIST: &str = "profiles/list";

/// The resource of the documented world that raises the priority of new subscriptions.
const RAISING: ResourceId = ResourceId(4);

/// Changes requests of one kind: of `profiles/update` and its batch, or of `profiles/add` and its batch.
fn when(request: &mut ImportRequest, scope: ImportScope, change: impl Fn(&mut ImportRequest)) {
    if request.scope == scope {
        change(request);
    }
}

/// Takes a request for one of another call.
pub(super) fn take(message: &mut Message, from: &str, to: &str) {
    if message.is_call(from) {
        message.go_to(to);
    }
}

pub(super) fn skip_nothing(message: &mut Message, call: &str) {
    if message.is_call(call) {
        message.replace("skip_invalid_subscriptions", "skip");
    }
}

pub(super) fn take_any_token(message: &mut Message, call: &str) {
    if message.is_call(call) {
        message.set("token", TOKEN);
    }
}

/// Makes a refusal of one of these calls a success.
pub(super) fn answer_as_done(message: &Message, reply: &mut call::Reply, calls: &[&str]) {
    if reply.code != ResponseCode::Success && calls.iter().any(|call| message.is_call(call)) {
        *reply = message.success();
    }
}

/// The subscriptions that the profile did not have before; the known ones stay in front.
fn new_subscriptions<'p>(
    before: Option<&Profile>,
    profile: &'p mut Profile,
) -> impl Iterator<Item = &'p mut Subscription> + use<'p> {
    let known = before.map_or(0, |before| before.subscriptions.len());
    profile.subscriptions.iter_mut().skip(known)
}

struct RemovesNothing;

impl Lens for RemovesNothing {
    fn remove(&self, _: &mut dyn Transaction, _: DatabaseId, _: ProfileId) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Leaves a profile in place of the removed one, with these of its subscriptions.
struct LeavesOnly(fn(&Profile) -> Vec<Subscription>);

impl Lens for LeavesOnly {
    fn remove(&self, state: &mut dyn Transaction, database: DatabaseId, id: ProfileId) -> Result<(), StoreError> {
        let mut left = Profile::new(id, database);
        if let Some(profile) = state.profile(database, id)? {
            left.subscriptions = (self.0)(&profile);
        }
        state.put(left)
    }
}

/// Removes everybody who has one of the profile's keys.
struct RemovesAlike;

impl Lens for RemovesAlike {
    fn remove(&self, state: &mut dyn Transaction, database: DatabaseId, id: ProfileId) -> Result<(), StoreError> {
        let Some(profile) = state.profile(database, id)? else { return Ok(()) };
        for key in keys_of(&profile) {
            for alike in state.find(database, &key)? {
                state.remove(database, alike)?;
            }
        }
        Ok(())
    }
}
