//! Triggers: which events are posted, and what becomes of them with receivers that work, fail, are slow, or want no more.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{IMPORT, authorised, call, json, modes::merged};
use rollcall_codec::format::Format;
use rollcall_model::{event::Event, world::World};
use rollcall_server::{
    call::Answer,
    outbox::{
        Backlog,
        deliverer::{Deliverer, DeliverySettings},
        letters::{self, Verdict},
    },
    service::Service,
    world_file,
};
use rollcall_store::{
    memory::MemoryStore,
    transaction::{self, NumberedEvent},
};
use serde_json::{Value, json as value};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// How long something is waited for that is to come. No test gets there, unless it does not come.
const PATIENCE: Duration = Duration::from_secs(60);

const SECRET: &str = "a long random text";

/// A trigger of the documented world; its webhook is `/NAME` of the receiver.
fn trigger(name: &str, on: &str, filter: &str) -> String {
    format!(
        "[[triggers]]\nname = '{name}'\ndatabase = 1\non = '{on}'\nfilter = {{ {filter} }}\n\
         webhook = {{ url = 'RECEIVER/{name}', secret = '{SECRET}' }}\n"
    )
}

/// A server, and a receiver of events whose answers a test chooses.
struct Stage {
    runtime: Runtime,
    receiver: MockServer,
    service: Arc<Service>,
    received: Receiver<Received>,
    settings: DeliverySettings,
}

/// An event as it came.
#[derive(Debug, Clone)]
struct Received {
    path: String,
    id: String,
    kind: String,
    signature: String,
    text: String,
    body: Value,
}

/// Answers, and tells the test what has come.
struct Answers<F> {
    answer: F,
    received: Mutex<Sender<Received>>,
    /// How often each event has come.
    counts: Mutex<HashMap<String, usize>>,
}

impl<F: Fn(&Received, usize) -> ResponseTemplate + Send + Sync> Respond for Answers<F> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        let text = String::from_utf8(request.body.clone()).unwrap();
        let received = Received {
            path: request.url.path().to_owned(),
            id: header("x-rollcall-event-id"),
            kind: header("x-rollcall-event"),
            signature: header("x-rollcall-signature"),
            body: serde_json::from_str(&text).unwrap(),
            text,
        };
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(received.id.clone()).or_default();
        *count += 1;
        let answer = (self.answer)(&received, *count);
        let _the_test_may_have_seen_enough = self.received.lock().unwrap().send(received);
        answer
    }
}

impl Stage {
    /// With a receiver that takes everything.
    fn new(triggers: &str) -> Self {
        Self::answering(triggers, |_, _| ResponseTemplate::new(200))
    }

    /// With a receiver that answers by what has come, and how often it has.
    fn answering(
        triggers: &str,
        answer: impl Fn(&Received, usize) -> ResponseTemplate + Send + Sync + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let receiver = runtime.block_on(MockServer::start());
        let (sender, received) = mpsc::channel();
        let answers = Answers { answer, received: Mutex::new(sender), counts: Mutex::default() };
        runtime.block_on(Mock::given(any()).respond_with(answers).mount(&receiver));
        let world = world(&triggers.replace("RECEIVER", &receiver.uri()));
        let service = Arc::new(Service::new(world, Arc::new(MemoryStore::new())));
        let settings = DeliverySettings {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(20),
            ..DeliverySettings::default()
        };
        Self { runtime, receiver, service, received, settings }
    }

    fn deliver(&self) -> Delivering {
        let (store, worlds) = (Arc::clone(&self.service.store), Arc::clone(&self.service.worlds));
        let backlog = Arc::clone(&self.service.backlog);
        let (stop, stopped) = oneshot::channel::<()>();
        let deliverer = Deliverer { store, worlds, backlog, settings: self.settings };
        let done = self.runtime.spawn(deliverer.run(async move {
            let _told_or_not = stopped.await;
        }));
        Delivering { _stop: stop, done }
    }

    /// The answer to an import.
    fn import(&self, request: Value) -> Value {
        let request = merged(authorised(value!({})), request).to_string();
        json(&self.runtime.block_on(self.service.answer(call(IMPORT, Format::Json, request.as_bytes()))).body)
    }

    /// An import that is to go well, into the profile with this e-mail address.
    fn import_into(&self, email: &str, data: Value) -> String {
        let answer = self.import(value!({ "email": email, "data": data }));
        assert_eq!(answer["error"], 0, "{answer}");
        answer["profile_id"].as_str().unwrap().to_owned()
    }

    fn next(&self) -> Received {
        self.received.recv_timeout(PATIENCE).expect("an event is to come")
    }

    fn outbox(&self) -> Vec<NumberedEvent> {
        let all = transaction::read(&*self.service.store, |state| state.events_after(None, usize::MAX));
        self.runtime.block_on(all).unwrap()
    }

    /// Waits until the outbox is as wanted.
    fn outbox_becomes(&self, wanted: impl Fn(&[NumberedEvent]) -> bool) -> Vec<NumberedEvent> {
        let begin = std::time::Instant::now();
        loop {
            let outbox = self.outbox();
            if wanted(&outbox) {
                return outbox;
            }
            assert!(begin.elapsed() < PATIENCE, "{outbox:?}");
            std::thread::sleep(Duration::from_millis(2)); // between two looks; nobody is timed by it
        }
    }

    fn dead_letter(&self) -> NumberedEvent {
        self.outbox_becomes(|outbox| matches!(outbox, [(_, event)] if event.dead.is_some())).remove(0)
    }

    fn settle(&self, (number, _): &NumberedEvent, verdict: Verdict) -> usize {
        let settled = letters::settle(&*self.service.store, vec![*number], None, verdict);
        self.runtime.block_on(settled).unwrap()
    }
}

struct Delivering {
    _stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

impl Delivering {
    fn stop(self, stage: &Stage) {
        drop(self._stop);
        stage.runtime.block_on(self.done).unwrap();
    }
}

fn world(triggers: &str) -> World {
    let text = format!("{}\n{triggers}", world_file::DOCUMENTED);
    world_file::read(&text, "triggers.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn dead(event: &Event) -> (u32, &str) {
    event.dead.as_ref().map(|dead| (dead.attempts, &*dead.reason)).expect("it is given up")
}

/// HMAC-SHA256, by its definition (RFC 2104) and nothing that the server uses but SHA-256.
fn hmac(secret: &str, message: &str) -> String {
    let mut key = [0; 64];
    key[..secret.len()].copy_from_slice(secret.as_bytes());
    let hash = |pad: u8, rest: &[u8]| Sha256::digest([&key.map(|byte| byte ^ pad)[..], rest].concat());
    hash(0x5c, &hash(0x36, message.as_bytes())).iter().map(|byte| format!("{byte:02x}")).collect()
}

const EMAIL: &str = "olly@example.com";

fn subscription(status: &str) -> Value {
    value!({ "subscriptions": [{ "resource_id": 2, "channel": "email", "email": EMAIL, "status": status }] })
}

#[test]
fn each_kind_of_event_comes_with_what_it_is_about() {
    let stage = Stage::new(
        &[
            "profile_created",
            "profile_updated",
            "field_changed",
            "subscription_added",
            "status_changed",
            "segment_entered",
            "segment_left",
        ]
        .map(|kind| trigger(kind, kind, ""))
        .concat(),
    );
    let id = stage.import_into(EMAIL, value!({ "_fname": "Olly" }));
    stage.import_into(EMAIL, value!({ "_fname": "Oliver" }));
    stage.import_into(EMAIL, subscription("subscribed"));
    stage.import_into(EMAIL, subscription("unsubscribed"));
    for change in ["add_to_segments", "remove_from_segments"] {
        let answer = stage.import(value!({ "email": EMAIL, "data": {}, change: [2] }));
        assert_eq!(answer["error"], 0, "{answer}");
    }
    let posted: Vec<Value> =
        stage.outbox().iter().map(|(_, event)| serde_json::from_str(&event.body).unwrap()).collect();
    let kinds: Vec<_> = posted.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let updated = "profile_updated";
    let expected = [
        "profile_created",
        updated,
        "field_changed",
        updated,
        "subscription_added",
        updated,
        "status_changed",
        updated,
        "segment_entered",
        updated,
        "segment_left",
    ];
    assert_eq!(kinds, expected);
    assert!(posted.iter().all(|event| event["profile_id"] == id.as_str() && event["db_id"] == 1));
    assert!(posted.iter().all(|event| event["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok()));
    assert_eq!(
        (&posted[2]["field"], &posted[2]["before"], &posted[2]["after"]),
        (&value!("_fname"), &value!("Olly"), &value!("Oliver"))
    );
    assert_eq!(posted[4]["subscription"]["email_data"]["email"], EMAIL);
    assert_eq!((&posted[6]["before"], &posted[6]["after"]), (&value!("subscribed"), &value!("unsubscribed")));
    assert_eq!((&posted[8]["segment_id"], &posted[10]["segment_id"]), (&value!(2), &value!(2)));

    let delivering = stage.deliver();
    let mut came: Vec<_> = expected.iter().map(|_| stage.next()).collect();
    for event in &came {
        assert_eq!((&event.body["id"], &event.body["event"]), (&value!(event.id), &value!(event.kind)));
        assert_eq!(event.path, format!("/{}", event.kind));
        let seconds = event.signature.strip_prefix("t=").unwrap().split_once(',').unwrap().0;
        let signed = hmac(SECRET, &format!("{seconds}.{}", event.text));
        assert_eq!(event.signature, format!("t={seconds},v1={signed}"));
    }
    came.retain(|event| event.kind == updated);
    assert!(came.is_sorted_by_key(|event| event.body["time"].to_string()), "one webhook's are in order: {came:?}");
    stage.outbox_becomes(<[_]>::is_empty);
    delivering.stop(&stage);
}

#[test]
fn triggers_hear_what_their_filters_let_through() {
    let filters = [
        ("field", "field_changed", "field = '_fname'"),
        ("other-field", "field_changed", "field = '_lname'"),
        ("values", "field_changed", "profile = { custom_enum = 'silver', custom_bool = true }"),
        ("other-values", "field_changed", "profile = { custom_enum = 'gold' }"),
        ("resource", "subscription_added", "resource = 2"),
        ("other-resource", "subscription_added", "resource = 1"),
        ("channel", "subscription_added", "channel = 'email'"),
        ("other-channel", "subscription_added", "channel = 'sms'"),
        ("status", "status_changed", "status = 'unsubscribed'"),
        ("other-status", "status_changed", "status = 'complained'"),
        ("segment", "segment_entered", "segment = 2"),
        ("other-segment", "segment_entered", "segment = 1"),
    ];
    let stage = Stage::new(&filters.map(|(name, on, filter)| trigger(name, on, filter)).concat());
    stage.import_into(EMAIL, value!({ "custom_enum": "silver", "custom_bool": 1, "_fname": "Olly" }));
    stage.import_into(EMAIL, value!({ "_fname": "Oliver" }));
    stage.import_into(EMAIL, subscription("subscribed"));
    stage.import_into(EMAIL, subscription("unsubscribed"));
    stage.import(value!({ "email": EMAIL, "data": {}, "add_to_segments": [2] }));
    let heard: Vec<_> = stage.outbox().iter().map(|(_, event)| event.trigger.to_string()).collect();
    assert_eq!(heard, ["field", "values", "resource", "channel", "status", "segment"]);
}

#[test]
fn nothing_is_posted_where_nothing_changed_or_nobody_is_to_hear() {
    let all = ["profile_created", "profile_updated", "field_changed"].map(|kind| trigger(kind, kind, "")).concat();
    let stage = Stage::new(&all);
    let silent = stage.import(value!({ "email": EMAIL, "data": { "_fname": "Olly" }, "skip_triggers": true }));
    assert_eq!(silent["error"], 0);
    stage.import_into(EMAIL, value!({ "_fname": "Olly" })); // as it was
    let refused = stage.import(value!({ "email": EMAIL, "data": { "_fname": "Oliver", "_bdate": "never" } }));
    assert_eq!(refused["error"], 400);
    let tried = stage.import(value!({ "email": EMAIL, "data": { "_fname": "Oliver" }, "dry_run": true }));
    assert_eq!(tried["explain"]["events"].as_array().unwrap().len(), 2, "{tried}");
    let elsewhere = stage.import(value!({ "db_id": 2, "email": EMAIL, "data": {} }));
    assert_eq!(elsewhere["error"], 0);
    assert!(stage.outbox().is_empty());
}

#[test]
fn what_fails_is_sent_again_before_anything_later_of_the_profile() {
    let stage = Stage::answering(&trigger("changed", "field_changed", ""), |event, count| {
        let fails = event.body["after"] == "first" && count < 4;
        ResponseTemplate::new(if fails { 500 } else { 204 })
    });
    stage.import_into(EMAIL, value!({}));
    stage.import_into("other@example.com", value!({}));
    for name in ["first", "second", "third"] {
        stage.import_into(EMAIL, value!({ "_fname": name }));
    }
    stage.import_into("other@example.com", value!({ "_fname": "other" }));
    let delivering = stage.deliver();
    let came: Vec<_> = (0..7).map(|_| stage.next()).collect();
    let of_profile = came.iter().filter(|event| event.body["after"] != "other");
    let names: Vec<_> = of_profile.clone().map(|event| event.body["after"].as_str().unwrap()).collect();
    assert_eq!(names, ["first", "first", "first", "first", "second", "third"]);
    let first: Vec<_> = of_profile.take(4).collect();
    assert!(first.iter().all(|event| (&event.id, &event.text) == (&first[0].id, &first[0].text)));
    stage.outbox_becomes(<[_]>::is_empty);
    delivering.stop(&stage);
}

#[test]
fn who_is_too_slow_is_asked_again() {
    let mut stage = Stage::answering(&trigger("created", "profile_created", ""), |_, count| {
        let delay = if count == 1 { PATIENCE } else { Duration::ZERO };
        ResponseTemplate::new(200).set_delay(delay)
    });
    stage.settings.whole = Duration::from_millis(50);
    stage.import_into(EMAIL, value!({}));
    let delivering = stage.deliver();
    assert_eq!(stage.next().id, stage.next().id);
    delivering.stop(&stage);
}

#[test]
fn who_does_not_answer_keeps_nobody_else_waiting() {
    let triggers = [trigger("silent", "profile_created", ""), trigger("well", "profile_created", "")].concat();
    let mut stage = Stage::answering(&triggers, |event, _| {
        let delay = if event.path == "/silent" { PATIENCE } else { Duration::ZERO };
        ResponseTemplate::new(200).set_delay(delay)
    });
    stage.settings = DeliverySettings { at_once: 8, at_once_per_webhook: 4, ..stage.settings };
    for person in 0..40 {
        stage.import_into(&format!("{person}@example.com"), value!({}));
    }
    let delivering = stage.deliver();
    let came = std::iter::repeat_with(|| stage.next()).filter(|event| event.path == "/well").take(40);
    assert_eq!(came.count(), 40);
    drop(delivering); // what is on its way to who is silent is not waited for
}

#[test]
fn who_wants_no_more_gets_no_more_until_somebody_says_so() {
    let stage = Stage::answering(&trigger("created", "profile_created", ""), |_, count| {
        ResponseTemplate::new(if count == 1 { 410 } else { 200 })
    });
    stage.import_into(EMAIL, value!({}));
    let delivering = stage.deliver();
    let letter = stage.dead_letter();
    assert_eq!(dead(&letter.1), (1, "answered 410 Gone"));
    let first = stage.next();
    assert_eq!(stage.settle(&letter, Verdict::Retry), 1);
    assert_eq!(stage.next().id, first.id);
    stage.outbox_becomes(<[_]>::is_empty);
    assert_eq!(stage.settle(&letter, Verdict::Retry), 0, "it is not there any more");
    delivering.stop(&stage);
}

#[test]
fn an_event_that_was_tried_often_enough_is_given_up_and_the_next_one_comes() {
    let mut stage = Stage::answering(&trigger("changed", "field_changed", ""), |event, _| {
        ResponseTemplate::new(if event.body["after"] == "first" { 503 } else { 200 })
    });
    stage.settings.attempts = 3;
    stage.import_into(EMAIL, value!({}));
    stage.import_into(EMAIL, value!({ "_fname": "first" }));
    stage.import_into(EMAIL, value!({ "_fname": "second" }));
    let delivering = stage.deliver();
    let came: Vec<_> = (0..4).map(|_| stage.next().body["after"].clone()).collect();
    assert_eq!(came, ["first", "first", "first", "second"]);
    let letter = stage.dead_letter();
    assert_eq!(dead(&letter.1), (3, "answered 503 Service Unavailable"));
    assert_eq!(stage.settle(&letter, Verdict::Drop), 1);
    assert!(stage.outbox().is_empty());
    delivering.stop(&stage);
}

#[test]
fn nobody_follows_a_redirect() {
    let stage = Stage::answering(&trigger("created", "profile_created", ""), |_, count| match count {
        1 => ResponseTemplate::new(307).insert_header("location", "/elsewhere"),
        _ => ResponseTemplate::new(200),
    });
    stage.import_into(EMAIL, value!({}));
    let delivering = stage.deliver();
    assert_eq!([stage.next().path, stage.next().path], ["/created", "/created"]);
    delivering.stop(&stage);
}

#[test]
fn events_of_a_trigger_that_is_gone_are_given_up() {
    let stage = Stage::answering(&trigger("created", "profile_created", ""), |_, _| ResponseTemplate::new(500));
    stage.import_into(EMAIL, value!({}));
    let delivering = stage.deliver();
    stage.next();
    stage.service.worlds.exchange(world(""));
    assert_eq!(dead(&stage.dead_letter().1).1, "the configuration has no such trigger");
    delivering.stop(&stage);
}

#[test]
fn events_wait_for_a_deliverer_and_for_a_receiver() {
    let stage = Stage::new(&trigger("created", "profile_created", ""));
    let receiver = stage.receiver.uri();
    let unreachable = world(&trigger("created", "profile_created", "").replace("RECEIVER", "http://127.0.0.1:1"));
    stage.service.worlds.exchange(unreachable);
    stage.import_into(EMAIL, value!({}));
    let delivering = stage.deliver();
    stage.import_into("other@example.com", value!({}));
    delivering.stop(&stage);
    assert_eq!(stage.outbox().len(), 2);
    stage.service.worlds.exchange(world(&trigger("created", "profile_created", "").replace("RECEIVER", &receiver)));
    let delivering = stage.deliver();
    assert_ne!(stage.next().id, stage.next().id);
    stage.outbox_becomes(<[_]>::is_empty);
    delivering.stop(&stage);
}

#[test]
fn when_too_many_events_wait_what_would_post_another_is_refused_as_a_whole() {
    let mut stage = Stage::answering(&trigger("created", "profile_created", ""), |_, _| ResponseTemplate::new(500));
    let world = World::clone(&stage.service.worlds.now());
    let backlog = Arc::new(Backlog::of_at_most(1));
    stage.service = Arc::new(Service::with_backlog(world, Arc::new(MemoryStore::new()), backlog));
    stage.import_into(EMAIL, value!({}));
    let delivering = stage.deliver();
    stage.next();
    let begin = std::time::Instant::now();
    while stage.service.backlog.waiting() == 0 {
        assert!(begin.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(2)); // between two looks; nobody is timed by it
    }
    let other = value!({ "email": "other@example.com", "data": {} });
    assert_eq!(stage.import(other.clone())["error"], 503);
    stage.import_into(EMAIL, value!({ "_fname": "Olly" })); // posts nothing
    let tried = stage.import(merged(other, value!({ "skip_triggers": true, "explain": true })));
    assert_eq!(tried["explain"]["outcome"], "created", "nothing was stored of what was refused: {tried}");
    delivering.stop(&stage);
}

#[test]
fn dead_letters_are_shown_and_settled_by_calls() {
    let stage = Stage::answering(&trigger("created", "profile_created", ""), |_, _| ResponseTemplate::new(410));
    let ids = ["a", "b"].map(|name| stage.import_into(&format!("{name}@example.com"), value!({})));
    let delivering = stage.deliver();
    stage.outbox_becomes(|outbox| outbox.iter().all(|(_, event)| event.dead.is_some()));
    let ask = |call: &str, request: Value| {
        let request = merged(authorised(value!({})), request).to_string();
        let path = format!("/api/rollcall/outbox/{call}");
        let asked = common::call(&path, Format::Json, request.as_bytes());
        json(&stage.runtime.block_on(stage.service.answer(asked)).body)
    };
    let page = ask("list", value!({ "limit": 1 }));
    let event = &page["data"][0];
    assert_eq!((&event["profile_id"], &event["trigger"]), (&value!(ids[0]), &value!("created")), "{page}");
    assert_eq!(event["dead"], value!({ "attempts": 1, "reason": "answered 410 Gone" }));
    let rest = ask("list", value!({ "from_id": page["from_id"] }));
    assert_eq!((&rest["data"][0]["profile_id"], &rest["from_id"]), (&value!(ids[1]), &Value::Null));
    assert_eq!(ask("list", value!({ "db_id": 2 }))["data"], value!([]));
    let numbers = value!([event["number"], rest["data"][0]["number"]]);
    assert_eq!(ask("drop", value!({ "db_id": 2, "events": numbers }))["count"], 0, "they are of another database");
    assert_eq!(ask("drop", value!({ "events": [numbers[0]] }))["count"], 1);
    assert_eq!(ask("retry", value!({ "events": numbers }))["count"], 1);
    for _ in 0..3 {
        stage.next();
    }
    assert_eq!(ask("retry", value!({}))["error"], 400);
    delivering.stop(&stage);
}
