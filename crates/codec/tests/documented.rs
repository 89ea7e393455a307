//! The documented examples, as printed: what they mean, and which of them are not well-formed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

mod common;

use rollcall_codec::{format::Format, import, limits::Limits, request::Parameters, tree::parse};
use rollcall_model::{import::ImportRequest, rejection::Rejection};

fn read(file: &str) -> Result<ImportRequest, Rejection> {
    let path = format!("{}/../../fixtures/documented/{file}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let format = if file.ends_with("json") { Format::Json } else { Format::Xml };
    let world = common::world();
    let tree = parse(&bytes, format, Limits::default())?;
    import::read(&Parameters::of(&tree), &world.databases[0], &world, Limits::default())
}

#[test]
fn reads_every_well_formed_request() {
    let subscriptions =
        |file| read(file).unwrap_or_else(|refusal| panic!("{file}: {refusal}")).patch.subscriptions.len();
    assert_eq!(subscriptions("request-1.json"), 2);
    assert_eq!(subscriptions("request-1.xml"), 1);
    assert_eq!(subscriptions("request-2.json"), 2);
    assert_eq!(subscriptions("repaired/request-2.xml"), 2);
    assert_eq!(subscriptions("request-3.json"), 7);
    assert_eq!(subscriptions("request-3.xml"), 7);
}

#[test]
fn refuses_the_malformed_request_and_says_where() {
    let refusal = read("request-2.xml").expect_err("line 33 closes an element that is not open");
    assert_eq!(
        refusal.to_string(),
        "Incorrect request: malformed body: line 33, column 1: ill-formed document: expected `</data>`, but `</subscription>` was found"
    );
}

#[test]
fn json_and_xml_of_one_example_differ_only_where_the_documentation_does() {
    let (json, xml) = (read("request-3.json").unwrap(), read("request-3.xml").unwrap());
    assert_eq!(json.identifiers, xml.identifiers);
    assert_eq!(json.options, xml.options);
    assert_eq!(json.patch.fields, xml.patch.fields);
    let addresses = |request: &ImportRequest| -> Vec<_> {
        request.patch.subscriptions.iter().map(|s| (s.channel.clone(), s.address.clone())).collect()
    };
    assert_eq!(addresses(&json), addresses(&xml));
}
