//! How long decoding takes, as a ratio to something real in the same run: XML to a bare scan of the same bytes by
//! `quick-xml`, JSON to `serde_json` into a plain typed struct. `cargo bench -p rollcall-codec`.
//!
//! Decoding here is all of it: bytes to tree to an [`rollcall_model::import::ImportRequest`] whose every value has been
//! checked against the configuration.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

#[path = "../tests/common/mod.rs"]
mod common;

use criterion::Criterion;
use rollcall_codec::{format::Format, import, limits::Limits, request::Parameters, tree::parse};
use serde::Deserialize;
use std::{collections::BTreeMap, error::Error, hint::black_box, path::Path};

/// The same allocator as the program's, for all that is compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The documented requests, and the highest ratio that each format aims at.
const DOCUMENTS: [&str; 3] = ["request-1", "request-2", "request-3"];
const FORMATS: [(Format, f64); 2] = [(Format::Xml, 1.5), (Format::Json, 1.2)];

fn main() -> Result<(), Box<dyn Error>> {
    let results = tempfile::tempdir()?;
    let mut criterion = Criterion::default().configure_from_args().output_directory(results.path());
    for (format, _) in FORMATS {
        DOCUMENTS.iter().try_for_each(|document| measure(&mut criterion, format, document))?;
    }
    criterion.final_summary();
    println!("\n{:<16} {:>10} {:>10} {:>7} {:>6}", "document", "ours", "yardstick", "ratio", "goal");
    for (format, goal) in FORMATS {
        for document in DOCUMENTS {
            let name = group(format, document);
            let (ours, yardstick) =
                (median(results.path(), &name, "ours")?, median(results.path(), &name, "yardstick")?);
            println!("{name:<16} {ours:>7.0} ns {yardstick:>7.0} ns {:>7.2} {goal:>6}", ours / yardstick);
        }
    }
    Ok(())
}

fn group(format: Format, document: &str) -> String {
    format!("{document} {}", format.name())
}

fn measure(criterion: &mut Criterion, format: Format, document: &str) -> Result<(), Box<dyn Error>> {
    let bytes = documented(format, document)?;
    let world = common::world();
    let mut group = criterion.benchmark_group(group(format, document));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            let tree = parse(black_box(&bytes), format, Limits::default()).expect("a documented request");
            import::read(&Parameters::of(&tree), &world.databases[0], &world, Limits::default())
                .expect("a documented request")
        });
    });
    group.bench_function("yardstick", |bencher| match format {
        Format::Xml => bencher.iter(|| scan(black_box(&bytes))),
        Format::Json => {
            bencher.iter(|| serde_json::from_slice::<Plain>(black_box(&bytes)).expect("a documented request"))
        }
    });
    group.finish();
    Ok(())
}

/// The documented request; its repaired form where the documentation's is not well-formed.
fn documented(format: Format, document: &str) -> std::io::Result<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/documented");
    let file = format!("{document}.{}", format.name());
    std::fs::read(folder.join("repaired").join(&file)).or_else(|_| std::fs::read(folder.join(&file)))
}

/// What finding the tags alone costs: every event of the same bytes, looked at and dropped.
fn scan(bytes: &[u8]) -> usize {
    let mut reader = quick_xml::Reader::from_str(std::str::from_utf8(bytes).expect("UTF-8"));
    let mut events = 0;
    while !matches!(black_box(reader.read_event()).expect("well-formed"), quick_xml::events::Event::Eof) {
        events += 1;
    }
    events
}

/// The request as a plain struct: what one would write down first, unchecked.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only the reading of it is measured")]
struct Plain {
    token: String,
    db_id: u32,
    matching: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    detect_geo: Option<bool>,
    data: PlainData,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only the reading of it is measured")]
struct PlainData {
    email: Option<String>,
    phones: Option<Vec<String>>,
    _fname: Option<String>,
    _lname: Option<String>,
    _bdate: Option<String>,
    _sex: Option<i64>,
    _regdate: Option<String>,
    _regip: Option<String>,
    _ip: Option<String>,
    _tz: Option<String>,
    _postal_code: Option<String>,
    _os: Option<String>,
    _browser: Option<String>,
    _vendor: Option<String>,
    custom_field: Option<String>,
    subscriptions: Option<Vec<PlainSubscription>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only the reading of it is measured")]
struct PlainSubscription {
    resource_id: u32,
    channel: String,
    email: Option<String>,
    phone: Option<String>,
    provider: Option<String>,
    subscription_id: Option<String>,
    cc_data: Option<BTreeMap<String, serde_json::Value>>,
    custom_fields: Option<BTreeMap<String, serde_json::Value>>,
    cats: Option<Vec<String>>,
}

/// The median time that criterion has just measured, in nanoseconds.
fn median(results: &Path, group: &str, function: &str) -> Result<f64, Box<dyn Error>> {
    let file = results.join(group).join(function).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    estimates["median"]["point_estimate"].as_f64().ok_or_else(|| format!("no median in {}", file.display()).into())
}
