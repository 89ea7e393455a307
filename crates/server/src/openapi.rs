//! The server for programs: an OpenAPI 3.1 document, made of the tables that the server itself goes by. A new call, a new
//! parameter, a new response code is in it without a line here.

mod schemas; // what bodies and answers hold

use crate::{
    probes::{PROBES, Probe},
    routes::{AnswerShape, METHOD, ROUTES, Route, Serve},
};
use rollcall_codec::{
    format::Format,
    parameter::{Parameter, TRIAL},
};
use rollcall_model::response_code::ResponseCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where the document is served.
pub const PATH: &str = "/openapi.json";

/// The documentation's requests to the import, as they are printed; of the one that is not well-formed the repaired form.
const IMPORT_EXAMPLES: &[(&str, Format, &str)] = &[
    ("request-1", Format::Json, include_str!("../../../fixtures/documented/request-1.json")),
    ("request-2", Format::Json, include_str!("../../../fixtures/documented/request-2.json")),
    ("request-3", Format::Json, include_str!("../../../fixtures/documented/request-3.json")),
    ("request-1", Format::Xml, include_str!("../../../fixtures/documented/request-1.xml")),
    ("request-2", Format::Xml, include_str!("../../../fixtures/documented/repaired/request-2.xml")),
    ("request-3", Format::Xml, include_str!("../../../fixtures/documented/request-3.xml")),
];

/// And its answers.
const OUTCOME_EXAMPLES: &[(&str, Format, &str)] = &[
    ("answer", Format::Json, include_str!("../../../fixtures/documented/answer.json")),
    ("answer", Format::Xml, include_str!("../../../fixtures/documented/repaired/answer.xml")),
];

/// The document.
pub fn document() -> Value {
    let calls = ROUTES.iter().map(|route| (route.path.to_owned(), json!({ METHOD.to_lowercase(): call(route) })));
    let probes = PROBES.iter().map(|probe| (probe.path.to_owned(), json!({ "get": question(probe) })));
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Rollcall",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Customer profiles: import, and the calls around it.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": calls.chain(probes).collect::<Map<_, _>>(),
        "components": {
            "schemas": schemas::all(),
            "responses": refusals().map(|(number, texts)| (name(number), refusal(number, &texts))).collect::<Map<_, _>>(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "query": { "type": "apiKey", "in": "query", "name": Parameter::Token.name() },
            },
        },
        // A token in the body comes before both; no scheme of OpenAPI can say so.
        "security": [{}, { "bearer": [] }, { "query": [] }],
    })
}

fn call(route: &Route) -> Value {
    let mut responses = Map::from_iter([("200".to_owned(), success(route))]);
    let refused = refusals().map(|(number, _)| number);
    responses.extend(
        refused
            .map(|number| (number.to_string(), json!({ "$ref": format!("#/components/responses/{}", name(number)) }))),
    );
    json!({
        "operationId": route.path.trim_start_matches("/api/v1.1/").replace('/', "_"),
        "summary": route.summary,
        "tags": [route.path.trim_start_matches("/api/v1.1/").split('/').next()],
        "parameters": in_query(route),
        "requestBody": { "required": true, "content": in_both_formats(&request(route), examples(route, IMPORT_EXAMPLES)) },
        "responses": responses,
    })
}

/// What the query may say as well as the body.
fn in_query(route: &Route) -> Vec<Value> {
    let is_taken = |parameter: &Parameter| *parameter == Parameter::Format || TRIAL.contains(parameter);
    let taken = route.parameters().into_iter().map(|(parameter, _)| parameter).filter(is_taken);
    let described = |parameter| json!({ "name": Parameter::name(parameter), "in": "query", "schema": schemas::parameter(parameter) });
    taken.map(described).collect()
}

/// The body of a request.
fn request(route: &Route) -> Value {
    let parameters = route.parameters();
    let schema = |parameter| match route.serve {
        Serve::Batch(_) if parameter == Parameter::Data => schemas::profiles(),
        _ => schemas::parameter(parameter),
    };
    let properties: Map<_, _> =
        parameters.iter().map(|&(parameter, _)| (parameter.name().to_owned(), schema(parameter))).collect();
    let required: Vec<_> = parameters.iter().filter(|(_, must)| *must).map(|(parameter, _)| parameter.name()).collect();
    json!({ "type": "object", "properties": properties, "required": required, "xml": { "name": "xml" } })
}

fn success(route: &Route) -> Value {
    let examples = if route.answer == AnswerShape::Outcome { OUTCOME_EXAMPLES } else { &[] };
    let is_explained = route.parameters().iter().any(|(parameter, _)| TRIAL.contains(parameter));
    let schema = schemas::answer(route.answer);
    let schema = if is_explained { schemas::explained(schema) } else { schema };
    json!({ "description": "It took effect.", "content": in_both_formats(&schema, examples.iter().copied()) })
}

/// The numbers that refusals have, with the texts of each. Any call can be answered with any of them.
fn refusals() -> impl Iterator<Item = (u16, Vec<&'static str>)> {
    let mut texts = BTreeMap::<_, Vec<_>>::new();
    for code in ResponseCode::ALL.iter().filter(|code| **code != ResponseCode::Success) {
        texts.entry(code.number()).or_default().push(code.text());
    }
    texts.into_iter()
}

fn name(number: u16) -> String {
    format!("Refused{number}")
}

fn refusal(number: u16, texts: &[&str]) -> Value {
    let content = in_both_formats(&schemas::named("Refusal"), []);
    let mut refusal = json!({ "description": texts.join("; "), "content": content });
    if LATER.iter().any(|code| code.number() == number) {
        let seconds = json!({ "description": "Seconds to wait.", "schema": { "type": "integer", "minimum": 1 } });
        refusal["headers"] = json!({ "Retry-After": seconds });
    }
    refusal
}

/// What may be sent again later, as the answer says.
const LATER: [ResponseCode; 2] = [ResponseCode::TooManyRequests, ResponseCode::Unavailable];

type Example = (&'static str, Format, &'static str);

fn examples(route: &Route, of_import: &'static [Example]) -> impl Iterator<Item = Example> {
    let is_import = route.path == ROUTES[0].path;
    of_import.iter().copied().filter(move |_| is_import)
}

/// The same content as either media type, with the examples in each.
fn in_both_formats(schema: &Value, examples: impl IntoIterator<Item = Example>) -> Value {
    let examples: Vec<_> = examples.into_iter().collect();
    let content = Format::ALL.iter().map(|&format| {
        let mut media_type = json!({ "schema": schema });
        let of_format = examples.iter().filter(|(_, its, _)| *its == format);
        let named: Map<_, _> =
            of_format.map(|(name, _, text)| ((*name).to_owned(), json!({ "value": example(format, text) }))).collect();
        if !named.is_empty() {
            media_type["examples"] = named.into();
        }
        (format.media_types()[0].to_owned(), media_type)
    });
    content.collect::<Map<_, _>>().into()
}

/// In JSON the value itself, in XML its text.
fn example(format: Format, text: &str) -> Value {
    let parsed = match format {
        Format::Json => serde_json::from_str(text).ok(),
        Format::Xml => None,
    };
    parsed.unwrap_or_else(|| text.into())
}

/// A path that is asked with `GET`.
fn question(probe: &Probe) -> Value {
    let refused = [
        ResponseCode::UnknownCall, // switched off
        ResponseCode::MethodNotAllowed,
        ResponseCode::InternalError,
        ResponseCode::Unavailable,
    ];
    let mut responses = Map::from_iter([("200".to_owned(), json!({ "description": probe.summary }))]);
    responses.extend(refused.map(|code| (code.number().to_string(), json!({ "description": code.text() }))));
    json!({ "operationId": probe.path.trim_matches('/'), "summary": probe.summary, "security": [{}], "responses": responses })
}
