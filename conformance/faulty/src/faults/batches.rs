//! Table: faults of the calls about many profiles. Dossier 6.2.

use super::{
    answers::{replace, without},
    bodies::TOKEN,
    fault,
    profiles::{skip_nothing, take},
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
use serde_json::Value;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "batch-has-no-results",
        "BATCH-RESULTS",
        "In JSON a batch is answered without results.",
        Reply(&|message, reply| {
            if message.is_batch() && !message.is_xml() {
                without(reply, "result");
            }
        }),
    ),
    fault(
        "batch-results-in-reverse",
        "BATCH-RESULTS",
        "In JSON the last item has the first result.",
        Reply(&|message, reply| change_results(message, reply, |results| results.reverse())),
    ),
    fault(
        "batch-results-of-the-good-ones",
        "BATCH-BAD-ITEM",
        "In JSON an item that is refused has no result.",
        Reply(&|message, reply| {
            change_results(message, reply, |results| results.retain(|result| result["error"] == 0));
        }),
    ),
    fault(
        "bad-item-fails-the-batch",
        "BATCH-BAD-ITEM",
        "A batch with an item that is refused is refused.",
        Reply(&|message, reply| {
            let body = String::from_utf8_lossy(&reply.body);
            if message.is_batch() && ["\"error\":4", "<error>4"].iter().any(|refused| body.contains(refused)) {
                *reply = message.refusal(ResponseCode::IncorrectValue);
            }
        }),
    ),
    fault(
        "bad-item-stored-in-part",
        "BATCH-BAD-ITEM-NO-TRACE",
        "profiles/import_batch has stored the fields of an item when its subscriptions are refused.",
        Call(&|service, message| Box::pin(store_before(service, message))),
    ),
    fault(
        "batch-of-one-has-no-list",
        "BATCH-OF-ONE",
        "In JSON the result of a single item is no list.",
        Reply(&|message, reply| {
            change_answer(message, reply, |answer| {
                if let Some([single]) = answer["result"].as_array().map(Vec::as_slice) {
                    answer["result"] = single.clone();
                }
            });
        }),
    ),
    fault(
        "batch-of-fifty-at-most",
        "BATCH-MANY",
        "A batch of more than fifty items is refused.",
        Refuses(&|message| {
            let name = if message.is_xml() { "<email>" } else { "\"email\":" };
            message.is_batch() && message.text().matches(name).count() > 50
        }),
    ),
    fault(
        "batch-without-data-answered-as-done",
        "BATCH-DATA",
        "A batch without data is answered as carried out.",
        Reply(&|message, reply| {
            if message.is_batch() && !message.has_parameter("data") {
                *reply = message.success();
            }
        }),
    ),
    fault(
        "batch-takes-any-token",
        "BATCH-TOKEN",
        "Batches are carried out whatever the token.",
        Request(&|message| {
            if message.is_batch() {
                message.set("token", TOKEN);
            }
        }),
    ),
    fault(
        "add-batch-makes-ids-up",
        "ADD-BATCH-ADDS",
        "The ids that profiles/add_batch answers are those of nobody.",
        Reply(&|message, reply| {
            if message.is_call(ADD) {
                replace(reply, "\"profile_id\":\"", "\"profile_id\":\"0");
                replace(reply, "<profile_id>", "<profile_id>0");
            }
        }),
    ),
    fault(
        "add-batch-looks-phones-up",
        "ADD-BATCH-LOOKS-NOBODY-UP",
        "profiles/add_batch updates whoever has the phone.",
        Request(&|message| {
            if message.is_call(ADD) && message.has("phones") {
                message.go_to(IMPORT);
                message.add("matching", "\"phone\"");
            }
        }),
    ),
    fault(
        "import-batch-only-updates",
        "IMPORT-BATCH-IMPORTS",
        "profiles/import_batch creates nobody.",
        Request(&|message| take(message, IMPORT, UPDATE)),
    ),
    fault(
        "import-batch-by-email-only",
        "IMPORT-BATCH-MODE",
        "profiles/import_batch finds profiles by their e-mail, whatever matching says.",
        Request(&|message| {
            if message.is_call(IMPORT) {
                message.set("matching", "email");
            }
        }),
    ),
    fault(
        "import-batch-only-adds",
        "IMPORT-BATCH-TWICE",
        "profiles/import_batch adds a profile for each item.",
        Request(&|message| take(message, IMPORT, ADD)),
    ),
    fault(
        "add-batch-skips-nothing",
        "BATCH-SKIP-INVALID",
        "profiles/add_batch does not know skip_invalid_subscriptions.",
        Request(&|message| skip_nothing(message, ADD)),
    ),
    fault(
        "import-batch-skips-nothing",
        "BATCH-SKIP-INVALID",
        "profiles/import_batch does not know skip_invalid_subscriptions.",
        Request(&|message| skip_nothing(message, IMPORT)),
    ),
    fault(
        "update-batch-not-by-custom-field",
        "UPDATE-BATCH-UPDATES",
        "profiles/update_batch does not know the mode custom.",
        Refuses(&|message| message.is_call(UPDATE) && message.value("matching") == Some("custom")),
    ),
    fault(
        "update-batch-creates",
        "UPDATE-BATCH-ONLY",
        "profiles/update_batch creates whom it does not find.",
        Request(&|message| take(message, UPDATE, IMPORT)),
    ),
    fault(
        "update-batch-minus-one-is-a-value",
        "UPDATE-BATCH-MINUS-ONE",
        "In profiles/update_batch a status or priority of -1 is taken for 1.",
        Request(&|message| {
            if message.is_call(UPDATE) {
                message.replace("-1", "1");
            }
        }),
    ),
    fault(
        "update-batch-zero-is-none",
        "UPDATE-BATCH-ZERO",
        "In profiles/update_batch a status or priority of 0 counts as none.",
        Request(&|message| {
            for name in ["status", "priority"] {
                if message.is_call(UPDATE) && message.value(name) == Some("0") {
                    message.set(name, "-1");
                }
            }
        }),
    ),
];

const ADD: &str = "profiles/add_batch";
const IMPORT: &str = "profiles/import_batch";
const UPDATE: &str = "profiles/update_batch";

fn change_answer(message: &Message, reply: &mut call::Reply, change: impl Fn(&mut Value)) {
    if let (true, Ok(mut answer)) = (message.is_batch(), serde_json::from_slice(&reply.body)) {
        change(&mut answer);
        reply.body = answer.to_string().into();
    }
}

fn change_results(message: &Message, reply: &mut call::Reply, change: impl Fn(&mut Vec<Value>)) {
    change_answer(message, reply, |answer| {
        if let Some(results) = answer.get_mut("result").and_then(Value::as_array_mut) {
            change(results);
        }
    });
}

async fn store_before(service: &Service, message: Message) -> call::Reply {
    if message.is_call(IMPORT) {
        let mut skipping = message.clone();
        skipping.add("skip_invalid_subscriptions", "true");
        service.answer(skipping.call()).await;
    }
    service.answer(message.call()).await
}
