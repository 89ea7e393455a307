//! Batches: each item is an import of its own, in the order of the body; a body that is not well-formed stores nothing;
//! and memory stays flat.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection, GET, IMPORT, TOKEN, answer, authorised, call, documented_world, json, post, program::Place,
    request_text, serve, service,
};
use proptest::prelude::*;
use rollcall_codec::format::Format;
use rollcall_model::{
    import::{ImportOutcome, ImportRequest},
    world::World,
};
use rollcall_server::{
    call::Pending,
    failure::Failure,
    import::{Import, Importer},
    service::Service,
};
use rollcall_store::{
    disk::DiskStore,
    error::StoreError,
    memory::MemoryStore,
    transaction::{Job, ReadJob, Store},
};
use rollcall_testbed::usage::usage;
use serde_json::{Value, json as value};
use std::{
    fmt::Write as _,
    io::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const IMPORT_BATCH: &str = "/api/v1.1/profiles/import_batch";
const ADD_BATCH: &str = "/api/v1.1/profiles/add_batch";
const UPDATE_BATCH: &str = "/api/v1.1/profiles/update_batch";

/// As many items as a batch may have.
const MOST: usize = 10_000;

fn ask(service: &Service, path: &str, request: Value) -> Value {
    json(&post(service, path, &authorised(request)).body)
}

/// The results of a batch that is answered as a whole.
fn results(answer: &Value) -> Vec<Value> {
    assert_eq!((&answer["error"], &answer["error_text"]), (&value!(0), &value!("Successful operation")), "{answer}");
    answer["result"].as_array().unwrap().clone()
}

fn batch(service: &Service, path: &str, data: Value) -> Vec<Value> {
    results(&ask(service, path, value!({"data": data})))
}

fn errors(results: &[Value]) -> Vec<u64> {
    results.iter().map(|result| result["error"].as_u64().unwrap()).collect()
}

fn found(service: &Service, search: Value) -> Value {
    ask(service, GET, search)["data"].clone()
}

fn by_email(service: &Service, email: &str) -> Value {
    found(service, value!({"email": email}))
}

#[test]
fn an_item_is_answered_as_a_call_of_its_own_would_be() {
    let items = value!([
        {"email": "ann@example.com", "custom_int": 1},
        {"email": "no address"},
        {"_fname": "Nobody"},
        {"email": "ben@example.com", "unheard_of": 1},
        {"email": "eve@example.com", "subscriptions": [{"resource_id": 9}]},
        "a text",
        {"email": "ann@example.com", "custom_int": {"action": "incr", "value": 2}},
    ]);
    let (together, apart) = (service(), service());
    let results = batch(&together, IMPORT_BATCH, items.clone());
    assert_eq!(errors(&results), [0, 400, 400, 400, 400, 400, 0]);
    for (result, item) in results.iter().zip(items.as_array().unwrap()) {
        let alone = ask(&apart, IMPORT, value!({"data": item}));
        assert_eq!((&result["error"], &result["error_text"]), (&alone["error"], &alone["error_text"]), "{item}");
        assert_eq!(result.get("profile_id").is_some(), alone.get("profile_id").is_some(), "{item}");
    }
    assert_eq!(results[0]["profile_id"], results[6]["profile_id"]);
    assert_eq!(by_email(&together, "ann@example.com")["custom_int"], 3);
    assert_eq!(by_email(&together, "eve@example.com"), Value::Null, "nothing of a refused item is stored");
}

#[test]
fn what_stands_beside_the_items_holds_for_all_of_them() {
    let service = service();
    let items = value!([
        {"phones": ["+79000000001"], "subscriptions": [{"resource_id": 9}]},
        {"phones": ["+79000000002"]},
        {"phones": ["+79000000001"], "custom_field": "second"},
    ]);
    let mut request = value!({"matching": "phone", "skip_invalid_subscriptions": true, "add_to_segments": [1]});
    request["data"] = items;
    let answered = results(&ask(&service, IMPORT_BATCH, request));
    assert_eq!(errors(&answered), [0, 0, 0]);
    let profile = found(&service, value!({"matching": "phone", "phone": "+79000000001"}));
    assert_eq!((&profile["custom_field"], &profile["segments"]), (&value!("second"), &value!([1])));
    let mode = ask(&service, IMPORT_BATCH, value!({"matching": "fax", "data": [{}, {}]}));
    assert_eq!(errors(&results(&mode)), [400, 400]);
}

#[test]
fn a_value_to_search_by_beside_the_items_means_none_of_them() {
    let service = service();
    let request = value!({"email": "ann@example.com", "data": [{"_fname": "Ann"}, {"_fname": "Ben"}]});
    assert_eq!(errors(&results(&ask(&service, IMPORT_BATCH, request))), [400, 400]);
    let by_field = value!({"matching": "custom", "field_name": "custom_int", "data": [{"custom_int": 1}, {"custom_int": 2}, {"custom_int": 1}]});
    let results = results(&ask(&service, IMPORT_BATCH, by_field));
    assert_eq!(errors(&results), [0, 0, 0]);
    assert!(
        results[0]["profile_id"] == results[2]["profile_id"] && results[0]["profile_id"] != results[1]["profile_id"]
    );
}

#[test]
fn an_item_may_be_an_object_with_data_and_say_beside_it_whom_it_means() {
    let service = service();
    let [ann, ben] = ["ann", "ben"].map(|name| {
        let data = value!([{"email": format!("{name}@example.com")}]);
        batch(&service, ADD_BATCH, data)[0]["profile_id"].as_str().unwrap().to_owned()
    });
    let items = value!([
        {"profile_id": ann, "data": {"_fname": "Ann"}, "add_to_segments": [2]},
        {"email": "ben@example.com", "data": {"_fname": "Ben"}},
        {"profile_id": "000000000000000000000000", "data": {}},
        {"email": "eve@example.com", "data": {}},
    ]);
    assert_eq!(errors(&batch(&service, UPDATE_BATCH, items)), [0, 0, 404, 404]);
    assert_eq!(found(&service, value!({"profile_id": ann}))["segments"], value!([2]));
    assert_eq!(found(&service, value!({"profile_id": ben}))["_fname"], "Ben");
}

#[test]
fn add_batch_looks_for_nobody_and_update_batch_creates_nobody() {
    let service = service();
    let ann = value!([{"email": "ann@example.com"}, {"email": "ANN@example.com"}, {}, {}]);
    let added = batch(&service, ADD_BATCH, ann.clone());
    assert_eq!(errors(&added), [0, 409, 0, 0]);
    assert_ne!(added[2]["profile_id"], added[3]["profile_id"]);
    assert_eq!(errors(&batch(&service, UPDATE_BATCH, ann)), [0, 0, 400, 400]);
    assert_eq!(errors(&batch(&service, UPDATE_BATCH, value!([{"email": "ben@example.com"}]))), [404]);
}

#[test]
fn an_empty_list_is_a_batch_and_no_list_is_none() {
    let service = service();
    assert_eq!(
        ask(&service, IMPORT_BATCH, value!({"data": []})),
        value!({"error": 0, "error_text": "Successful operation", "result": []})
    );
    let says = |request: Value, text: &str| {
        let answer = ask(&service, IMPORT_BATCH, request);
        assert!(answer["error"] == 400 && answer["error_text"].as_str().unwrap().contains(text), "{answer}");
    };
    says(value!({}), "parameter is missing: data");
    says(value!({"data": null}), "parameter is missing: data");
    says(value!({"data": {"email": "ann@example.com"}}), "expected a list in \"data\"");
    let many: Vec<_> = (0..=MOST).map(|_| value!({})).collect();
    says(value!({"data": many}), "more than 10000 items in \"data\"");
    assert_eq!(by_email(&service, "ann@example.com"), Value::Null);
}

/// What can be wrong with the last item, or behind it, and where: in JSON and in XML.
#[test]
fn a_body_that_is_malformed_late_stores_nothing() {
    let first = (0..500).map(|number| format!("user{number}@example.com"));
    let json_items: String = first.clone().map(|email| format!("{{\"email\": \"{email}\"}},\n")).collect();
    let xml_items: String = first.map(|email| format!("<data><email>{email}</email></data>\n")).collect();
    let json = |last: &str| format!("{{\"token\": \"{TOKEN}\", \"db_id\": 1, \"data\": [\n{json_items}{last}");
    let xml = |last: &str| format!("<xml><token>{TOKEN}</token><db_id>1</db_id>\n{xml_items}{last}");
    let bodies = [
        (Format::Json, json("{\"email\": \"last@example.com\"}]} x"), "line 502, column 33: trailing characters"),
        (Format::Json, json("{\"email\": \"last@example.com\"]}"), "line 502, column 29"),
        (Format::Json, json("{\"_fname\": 1, \"_fname\": 2}]}"), "line 502, column 25: duplicate key"),
        (Format::Json, json("{\"_fname\": \"\\ud800\"}]}"), "line 502, column 19"),
        (Format::Json, json(&format!("{}1{}]}}", "[".repeat(70), "]".repeat(70))), "nested deeper than"),
        (Format::Json, json("{}], \"data\": []}"), "duplicate key"),
        (Format::Json, json("{}"), "EOF"),
        (Format::Xml, xml("<data><email>last@example.com</emial></data></xml>"), "line 502, column 30"),
        (Format::Xml, xml("<data><email>last</email>"), "line 502"),
        (Format::Xml, xml("<data><email>a&nbsp;b</email></data></xml>"), "line 502, column 15: unknown entity"),
        (
            Format::Xml,
            xml("<data>text<email>a</email></data></xml>"),
            "line 502, column 11: text and elements are mixed",
        ),
        (Format::Xml, xml("<data kind='x'/></xml>"), "unknown attribute"),
        (Format::Xml, xml("<data/></xml><xml/>"), "a second root element"),
    ];
    for (format, body, says) in bodies {
        let service = service();
        let reply = answer(&service, call(IMPORT_BATCH, format, body.as_bytes()));
        let text = String::from_utf8(reply.body).unwrap();
        assert!(reply.code.number() == 400 && text.contains(says), "{text}, where {says:?} is due");
        assert_eq!(by_email(&service, "user0@example.com"), Value::Null, "{says}");
    }
}

#[test]
fn items_in_xml_may_stand_among_other_parameters_and_one_alone_needs_no_mark() {
    let service = service();
    let send = |members: &str| {
        let body = format!("<xml>{members}</xml>");
        let reply = answer(&service, call(IMPORT_BATCH, Format::Xml, body.as_bytes()));
        String::from_utf8(reply.body).unwrap()
    };
    let token = format!("<token>{TOKEN}</token>");
    let among = send(&format!(
        "<data><phones>+79000000001</phones></data>{token}<data array='true'><data>x</data></data><db_id>1</db_id>\
         <!-- --><data>\n<phones array='true'>+79000000001</phones><_fname>Ann</_fname></data><matching>phone</matching>"
    ));
    assert_eq!(among.matches("<profile_id>").count(), 2, "{among}");
    assert!(among.contains("<xml><error>400</error>"), "{among}");
    let profile = found(&service, value!({"matching": "phone", "phone": "+79000000001"}));
    assert_eq!(profile["_fname"], "Ann");
    for alone in ["<data array='true'>", "<data>"] {
        let answer = send(&format!("{token}<db_id>1</db_id>{alone}<email>ann@example.com</email></data>"));
        assert_eq!(answer.matches("<profile_id>").count(), 1, "{answer}");
    }
    let empty = send(&format!("{token}<db_id>1</db_id><data array='true'> </data>"));
    assert_eq!(empty, "<xml><error>0</error><error_text>Successful operation</error_text></xml>");
}

/// What stands beside the items is looked for once, and not by each of them: 10,000 items beside 90,000 other things
/// would otherwise be a billion looks.
#[test]
fn many_parameters_beside_many_items_cost_no_more_than_both() {
    let others: String = (0..90_000).map(|number| format!("\"other {number}\":0,")).collect();
    let items = vec!["0"; MOST].join(",");
    let body = format!("{{\"token\":\"{TOKEN}\",\"db_id\":1,{others}\"data\":[{items}]}}");
    let begin = Instant::now();
    let reply = answer(&service(), call(IMPORT_BATCH, Format::Json, body.as_bytes()));
    assert_eq!(errors(&results(&json(&reply.body))), vec![400; MOST]);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

fn data() -> impl Strategy<Value = Vec<(Option<u8>, String, Option<i64>)>> {
    proptest::collection::vec(
        (proptest::option::weighted(0.9, 0u8..6), "[a-zA-Z<&я ]{0,6}", proptest::option::of(-5i64..5)),
        0..12,
    )
}

proptest! {
    /// A batch is what its items are one after the other, whatever they are, in both formats.
    #[test]
    fn a_batch_is_what_its_items_are_one_after_the_other(items in data()) {
        let (by_json, by_xml, apart) = (service(), service(), service());
        let mut list = Vec::new();
        let mut xml = format!("<xml><token>{TOKEN}</token><db_id>1</db_id>");
        for (person, name, by) in &items {
            let mut item = value!({"_fname": name});
            let mut element = format!("<data><_fname>{}</_fname>", name.replace('&', "&amp;").replace('<', "&lt;"));
            if let Some(person) = person {
                item["email"] = format!("user{person}@example.com").into();
                write!(element, "<email>user{person}@example.com</email>").unwrap();
            }
            if let Some(by) = by {
                item["custom_int"] = value!({"action": "incr", "value": by});
                write!(element, "<custom_int><action>incr</action><value>{by}</value></custom_int>").unwrap();
            }
            list.push(item);
            xml += &element;
            xml += "</data>";
        }
        xml += if list.is_empty() { "<data array='true'/></xml>" } else { "</xml>" };
        let from_json = batch(&by_json, IMPORT_BATCH, value!(list));
        let one_by_one: Vec<_> = list.iter().map(|item| ask(&apart, IMPORT, value!({"data": item}))).collect();
        prop_assert_eq!(errors(&from_json), errors(&one_by_one));
        let reply = answer(&by_xml, call(&format!("{IMPORT_BATCH}/"), Format::Xml, xml.as_bytes()));
        let text = String::from_utf8(reply.body).unwrap();
        prop_assert_eq!(text.matches("<error>0</error>").count(), 1 + errors(&from_json).iter().filter(|error| **error == 0).count());
        for person in 0..6 {
            let shown = [&by_json, &by_xml, &apart].map(|service| {
                let mut profile = by_email(service, &format!("user{person}@example.com"));
                if let Some(members) = profile.as_object_mut() {
                    members.remove("id");
                }
                profile
            });
            prop_assert!(shown[0] == shown[1] && shown[1] == shown[2], "{shown:#?}");
        }
    }
}

/// Ten thousand items over a socket, on a disk: each is stored, and where they mean one person, in their order.
#[test]
fn ten_thousand_items_take_effect_in_their_order() {
    const PEOPLE: usize = 100;
    let folder = tempfile::tempdir().unwrap();
    let server = serve(documented_world(), Arc::new(DiskStore::open(folder.path()).unwrap()));
    let mut client = server.connect();
    let item = |number: usize| match number {
        5_000 => value!({"email": "no address"}),
        _ => value!({"email": format!("user{}@example.com", number % PEOPLE), "custom_int": number,
            "custom_tags": {"action": "add", "value": [(number / PEOPLE).to_string()]}}),
    };
    let items: Vec<_> = (0..MOST).map(item).collect();
    let results = results(&client.post(IMPORT_BATCH, &authorised(value!({"data": items}))).unwrap().json());
    assert_eq!(results.len(), MOST);
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result["error"], if number == 5_000 { 400 } else { 0 }, "{number}: {result}");
        if number != 5_000 && number % PEOPLE != 0 {
            assert_eq!(result["profile_id"], results[number % PEOPLE]["profile_id"]);
        }
    }
    for person in 0..PEOPLE {
        let search = authorised(value!({"email": format!("user{person}@example.com")}));
        let profile = client.post(GET, &search).unwrap().json()["data"].clone();
        let tags: Vec<_> =
            (0..MOST / PEOPLE).filter(|tag| tag * PEOPLE + person != 5_000).map(|tag| tag.to_string()).collect();
        assert_eq!((&profile["custom_int"], &profile["custom_tags"]), (&value!(MOST - PEOPLE + person), &value!(tags)));
    }
    server.stop();
}

/// A store that takes a job only now and then, as one with a full queue.
struct OftenBusy {
    store: MemoryStore,
    asked: AtomicUsize,
}

impl Store for OftenBusy {
    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        match self.asked.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => self.store.enqueue(job),
            _ => Err(StoreError::Busy),
        }
    }

    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
        self.store.enqueue_read(job)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.store.close()
    }
}

#[test]
fn a_full_queue_is_waited_out_and_the_order_is_kept() {
    let store = OftenBusy { store: MemoryStore::new(), asked: AtomicUsize::new(0) };
    let server = serve(documented_world(), Arc::new(store));
    let items: Vec<_> = (0..50).map(|number| value!({"email": "ann@example.com", "custom_int": number})).collect();
    let mut client = server.connect();
    let answer = client.post(IMPORT_BATCH, &authorised(value!({"data": items}))).unwrap().json();
    assert_eq!(errors(&results(&answer)), [0; 50]);
    let profile = client.post(GET, &authorised(value!({"email": "ann@example.com"}))).unwrap().json();
    assert_eq!(profile["data"]["custom_int"], 49);
    server.stop();
}

/// Counts how many imports are under way at once.
struct Counting {
    importer: Importer,
    under_way: Arc<Mutex<(usize, usize)>>,
}

impl Import for Counting {
    fn import(&self, request: ImportRequest, world: Arc<World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
        let mut counts = self.under_way.lock().unwrap();
        counts.0 += 1;
        counts.1 = counts.1.max(counts.0);
        drop(counts);
        Box::pin(async move {
            let outcome = self.importer.import(request, world).await;
            self.under_way.lock().unwrap().0 -= 1;
            outcome
        })
    }
}

/// Whoever imports one profile waits for a few hundred items of a batch, and not for all of them.
#[test]
fn a_bounded_number_of_items_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(DiskStore::open(folder.path()).unwrap());
    let mut service = Service::new(documented_world(), Arc::clone(&store));
    let under_way = Arc::default();
    let importer = Importer { store, modes: service.modes, backlog: Arc::clone(&service.backlog) };
    service.importer = Arc::new(Counting { importer, under_way: Arc::clone(&under_way) });
    let items: Vec<_> = (0..2_000).map(|number| value!({"custom_int": number})).collect();
    assert_eq!(errors(&batch(&service, ADD_BATCH, value!(items))), [0; 2_000]);
    let (left, most) = *under_way.lock().unwrap();
    assert!(left == 0 && (2..=256).contains(&most), "{most} at once, {left} left");
}

/// A body of nearly 10 MB, in the shape that profiles have.
fn large_body(format: Format) -> Vec<u8> {
    let mut body = match format {
        Format::Json => format!("{{\"token\":\"{TOKEN}\",\"db_id\":1,\"data\":[").into_bytes(),
        Format::Xml => format!("<xml><token>{TOKEN}</token><db_id>1</db_id>").into_bytes(),
    };
    for number in 0..MOST {
        let (email, name) = (format!("user{number}@example.com"), "x".repeat(350));
        let tags: Vec<_> = (0..24).map(|tag| format!("tag {number} {tag}")).collect();
        match format {
            Format::Json => {
                let item = value!({"email": email, "_fname": name, "custom_int": number, "custom_tags": tags,
                    "subscriptions": [{"resource_id": 1, "channel": "email", "email": email}]});
                write!(body, "{}{item}", if number == 0 { "" } else { "," }).unwrap();
            }
            Format::Xml => {
                write!(body, "<data><email>{email}</email><custom_int>{number}</custom_int><_fname>{name}</_fname>")
                    .unwrap();
                tags.iter().take(10).for_each(|tag| write!(body, "<custom_tags>{tag}</custom_tags>").unwrap());
                write!(body, "<subscriptions array='true'><resource_id>1</resource_id><channel>email</channel><email>{email}</email></subscriptions></data>").unwrap();
            }
        }
    }
    body.extend_from_slice(if format == Format::Json { b"]}" } else { b"</xml>" });
    body
}

#[test]
fn memory_stays_flat_while_a_large_batch_is_imported() {
    const BOUND: u64 = 100 << 20;
    for format in [Format::Json, Format::Xml] {
        let place = Place::new();
        let server = place.start();
        let mut client = Connection::open(server.address).unwrap();
        let one = authorised(value!({"email": "first@example.com", "data": {}}));
        assert_eq!(client.post(IMPORT, &one).unwrap().status, 200);
        let idle = usage(server.pid()).unwrap().resident;
        let body = large_body(format);
        assert!((7 << 20..10 << 20).contains(&body.len()), "{}", body.len());
        let body = String::from_utf8(body).unwrap();
        let headers = [("Content-Type", format.media_types()[0])];
        client.send(request_text("POST", IMPORT_BATCH, &headers, Some(&body))).unwrap();
        let answer = String::from_utf8(client.receive().unwrap().body).unwrap();
        let peak = usage(server.pid()).unwrap().peak;
        assert_eq!(answer.matches("profile_id").count(), if format == Format::Json { MOST } else { 2 * MOST });
        println!("{format:?}: {} MiB idle, {} MiB at the peak", idle >> 20, peak >> 20);
        assert!(peak - idle < BOUND, "{format:?}: from {idle} to {peak} bytes");
        server.stop().unwrap();
    }
}
