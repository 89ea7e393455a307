//! Table: faults of the calls about subscriptions, segments and the configuration. Dossier 6.2.

use super::{
    answers::rename,
    fault,
    profiles::{answer_as_done, take, take_any_token},
};
use crate::{
    Fault,
    message::Message,
    seam::Seam::{Call, Refuses, Reply, Request},
};
use rollcall_model::response_code::ResponseCode;
use rollcall_server::{
    call::{self, Answer},
    service::Service,
};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "set-stores-nothing",
        "SET-ADDS",
        "subscriptions/set answers as if it had kept the subscription.",
        Call(&|service, message| Box::pin(pretend(service, message))),
    ),
    fault(
        "set-knows-one-number",
        "SET-ADDS",
        "subscriptions/set keeps the same phone number for everybody.",
        Request(&|message| {
            if message.is_call(SET) {
                message.set("phone", "+79000000000");
            }
        }),
    ),
    fault(
        "set-changes-no-status",
        "SET-EDITS",
        "subscriptions/set ignores status and priority.",
        Request(&|message| {
            if message.is_call(SET) {
                message.replace("\"status\"", "\"state\"");
                message.replace("status>", "state>");
                message.set("priority", "-1");
            }
        }),
    ),
    fault(
        "set-does-not-know-messengers",
        "SET-CHANNELS",
        "subscriptions/set is refused with cc_data.",
        Refuses(&|message| message.is_call(SET) && message.has("cc_data")),
    ),
    fault(
        "set-drops-fields",
        "SET-PARTS",
        "subscriptions/set ignores custom_fields.",
        Request(&|message| {
            if message.is_call(SET) {
                message.replace("custom_fields", "fields");
            }
        }),
    ),
    fault(
        "set-drops-categories",
        "SET-PARTS",
        "subscriptions/set ignores cats.",
        Request(&|message| {
            if message.is_call(SET) {
                message.replace("cats", "dogs");
            }
        }),
    ),
    fault(
        "set-refuses-where-it-came-from",
        "SET-REGISTRATION",
        "subscriptions/set is refused with url.",
        Refuses(&|message| message.is_call(SET) && message.has("url")),
    ),
    fault(
        "set-on-nothing-answered-as-done",
        "SET-UNKNOWN",
        "subscriptions/set on a profile or a resource that is not there is answered as carried out.",
        Reply(&|message, reply| answer_as_done(message, reply, &[SET])),
    ),
    fault(
        "subscriptions-listed-without-address",
        "SUBSCRIPTIONS-LISTED",
        "subscriptions/list answers no e-mail addresses.",
        Reply(&|message, reply| {
            if message.is_call(SUBSCRIPTIONS) {
                rename(reply, "email", "address");
            }
        }),
    ),
    fault(
        "one-subscription-is-no-list",
        "SUBSCRIPTIONS-LISTED",
        "In JSON a single subscription is listed without a list.",
        Reply(&|message, reply| {
            change_data(message, reply, SUBSCRIPTIONS, |data| {
                if let Some([single]) = data.as_array().map(Vec::as_slice) {
                    *data = single.clone();
                }
            });
        }),
    ),
    fault(
        "one-subscription-listed",
        "SUBSCRIPTIONS-LISTED",
        "In JSON subscriptions/list answers the last subscription.",
        Reply(&|message, reply| {
            change_data(message, reply, SUBSCRIPTIONS, |data| {
                let last = data.as_array_mut().and_then(Vec::pop);
                *data = json!(Vec::from_iter(last));
            });
        }),
    ),
    fault(
        "no-subscriptions-refused",
        "SUBSCRIPTIONS-LISTED-EMPTY",
        "subscriptions/list is refused where there is nothing to list.",
        Reply(&|message, reply| {
            let is_empty = String::from_utf8_lossy(&reply.body).contains("\"data\":[]");
            if is_empty && message.is_call(SUBSCRIPTIONS) {
                *reply = message.refusal(ResponseCode::ProfileNotFound);
            }
        }),
    ),
    fault(
        "any-subscription-shown",
        "SUBSCRIPTION-SHOWN",
        "subscriptions/get answers all subscriptions of the profile.",
        Request(&|message| take(message, SUBSCRIPTION, SUBSCRIPTIONS)),
    ),
    fault(
        "unknown-subscription-answered-as-done",
        "SUBSCRIPTION-UNKNOWN",
        "subscriptions/get of a subscription that is not there is answered as carried out.",
        Reply(&|message, reply| answer_as_done(message, reply, &[SUBSCRIPTION])),
    ),
    fault(
        "no-entry-to-segments",
        "SEGMENT-ADD",
        "profiles/segstatic/add is refused.",
        Refuses(&|message| message.is_call(ENTER)),
    ),
    fault(
        "no-exit-from-segments",
        "SEGMENT-REMOVE",
        "profiles/segstatic/remove is refused.",
        Refuses(&|message| message.is_call(LEAVE)),
    ),
    fault(
        "segment-of-nobody-answered-as-done",
        "SEGMENT-UNKNOWN",
        "A profile that is not there enters and leaves segments.",
        Reply(&|message, reply| answer_as_done(message, reply, &[ENTER, LEAVE])),
    ),
    fault(
        "resource-without-databases",
        "RESOURCE-SHOWN",
        "resources/get does not tell the databases.",
        Reply(&|message, reply| {
            if message.is_call(RESOURCE) {
                rename(reply, "dbs_ids", "databases");
            }
        }),
    ),
    fault(
        "resource-is-always-the-first",
        "RESOURCE-SHOWN",
        "resources/get answers the first resource, whatever is asked for.",
        Request(&|message| {
            if message.is_call(RESOURCE) {
                message.set("id", "1");
            }
        }),
    ),
    fault(
        "unknown-resource-answered-as-done",
        "RESOURCE-UNKNOWN",
        "resources/get of a resource that is not there is answered as carried out.",
        Reply(&|message, reply| answer_as_done(message, reply, &[RESOURCE])),
    ),
    fault(
        "fields-without-category",
        "RESOURCE-FIELDS",
        "resources/fields_get does not tell custom fields from those of the system.",
        Reply(&|message, reply| {
            if message.is_call(RESOURCE_FIELDS) {
                rename(reply, "category", "kind");
            }
        }),
    ),
    fault(
        "fields-without-name",
        "SUB-CUSTOM-FIELDS-LISTED",
        "resources/fields_get does not tell the names of fields.",
        Reply(&|message, reply| {
            if message.is_call(RESOURCE_FIELDS) {
                rename(reply, "name", "title");
            }
        }),
    )
    .only_told(OF_ANOTHER_CALL),
    fault(
        "fields-of-the-system-only",
        "SUB-CUSTOM-FIELDS-LISTED",
        "In JSON resources/fields_get answers no custom field.",
        Reply(&|message, reply| {
            change_data(message, reply, RESOURCE_FIELDS, |data| {
                if let Some(fields) = data.as_array_mut() {
                    fields.retain(|field| field["category"] != "custom");
                }
            });
        }),
    )
    .only_told(OF_ANOTHER_CALL),
    fault(
        "databases-without-id",
        "DATABASES-LISTED",
        "databases/list answers names only.",
        Reply(&|message, reply| {
            if message.is_call(DATABASES) {
                rename(reply, "id", "number");
            }
        }),
    ),
    fault(
        "databases-of-all",
        "DATABASES-LISTED-OWN",
        "databases/list answers every database, whatever the token.",
        Request(&|message| take_any_token(message, DATABASES)),
    ),
    fault(
        "database-fields-without-name",
        "DATABASE-FIELDS",
        "databases/fields_get does not tell the names of fields.",
        Reply(&|message, reply| {
            if message.is_call("databases/fields_get") {
                rename(reply, "name", "title");
            }
        }),
    ),
    fault(
        "set-takes-any-token",
        "NEIGHBOUR-TOKEN",
        "subscriptions/set does not look at the token.",
        Request(&|message| take_any_token(message, SET)),
    ),
    fault(
        "segments-take-any-token",
        "NEIGHBOUR-TOKEN",
        "profiles/segstatic/add does not look at the token.",
        Request(&|message| take_any_token(message, ENTER)),
    ),
    fault(
        "resources-take-any-token",
        "NEIGHBOUR-TOKEN",
        "resources/get does not look at the token.",
        Request(&|message| take_any_token(message, RESOURCE)),
    ),
];

const SET: &str = "subscriptions/set";
const SUBSCRIPTION: &str = "subscriptions/get";
const SUBSCRIPTIONS: &str = "subscriptions/list";
const ENTER: &str = "profiles/segstatic/add";
const LEAVE: &str = "profiles/segstatic/remove";
const RESOURCE: &str = "resources/get";
const RESOURCE_FIELDS: &str = "resources/fields_get";
const DATABASES: &str = "databases/list";

/// Why a fault of `resources/fields_get` changes no verdict, though the page of the import sends its readers there.
const OF_ANOTHER_CALL: &str = "how fields are listed is said by the page of another call";

fn change_data(message: &Message, reply: &mut call::Reply, call: &str, change: impl Fn(&mut Value)) {
    if let (true, Ok(mut answer)) = (message.is_call(call), serde_json::from_slice::<Value>(&reply.body)) {
        change(&mut answer["data"]);
        reply.body = answer.to_string().into();
    }
}

async fn pretend(service: &Service, message: Message) -> call::Reply {
    if message.is_call(SET) { message.success() } else { service.answer(message.call()).await }
}
