//! What bodies and answers hold, as JSON Schema: made of the tables of fields, channels, statuses and modes. XML bodies
//! hold the same under a root `xml`; lists are repeated elements (X3).

use crate::routes::AnswerShape;
use rollcall_codec::{
    batch::LARGEST_BATCH,
    format::Format,
    parameter::{Parameter, ParameterKind, SUBSCRIPTION},
};
use rollcall_matching::mode::MODES;
use rollcall_model::{
    channel::{AddressKind, CHANNELS},
    explanation::Found,
    field::FieldKind,
    field_action::FieldAction,
    response_code::ResponseCode,
    subscription_status::SubscriptionStatus,
    system_field::{SUBSCRIPTION_FIELDS, SYSTEM_FIELDS},
};
use serde_json::{Map, Value, json};

/// The schemas that others refer to, by name.
pub(super) fn all() -> Value {
    json!({
        "Data": data(),
        "Subscription": subscription(),
        "Update": update(),
        "Profile": profile(),
        "StoredSubscription": stored_subscription(),
        "Field": field(),
        "Refusal": refusal(),
        "Explanation": explanation(),
    })
}

/// A reference to one of them.
pub(super) fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What a body can say by this parameter.
pub(super) fn parameter(parameter: Parameter) -> Value {
    let mut schema = match parameter {
        Parameter::Matching => {
            json!({ "type": "string", "enum": MODES.iter().map(|mode| mode.name).collect::<Vec<_>>() })
        }
        Parameter::Format => {
            json!({ "type": "string", "enum": Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>() })
        }
        Parameter::Status => status(),
        Parameter::Data => return described(named("Data"), parameter.text()),
        _ => kind(parameter.kind()),
    };
    schema["description"] = parameter.text().into();
    schema
}

/// A reference cannot be told from its target by a description in all readers, so that it stands beside it.
fn described(schema: Value, text: &str) -> Value {
    json!({ "allOf": [schema], "description": text })
}

fn kind(kind: ParameterKind) -> Value {
    match kind {
        ParameterKind::Text => text(),
        ParameterKind::Int => number(),
        ParameterKind::Bool => json!({ "type": "boolean" }),
        ParameterKind::Scalar => json!({ "type": ["string", "integer"] }),
        ParameterKind::Ints => list_of(&number()),
        ParameterKind::Texts => list_of(&text()),
        ParameterKind::Object => json!({ "type": "object" }),
    }
}

/// What `data` is in a batch.
pub(super) fn profiles() -> Value {
    json!({ "type": "array", "items": named("Data"), "maxItems": LARGEST_BATCH, "description": "One object, one profile." })
}

/// `data`: fields of the system, and whatever the database defines.
fn data() -> Value {
    let mut properties = changed_fields(SYSTEM_FIELDS);
    properties.insert(
        "subscriptions".to_owned(),
        json!({ "type": ["array", "null"], "items": named("Subscription"), "description": "One object, one subscription." }),
    );
    json!({
        "type": "object",
        "description": "The profile's fields, by name: those of the system, and those that the world file gives the database.",
        "properties": properties,
        "additionalProperties": true,
    })
}

fn subscription() -> Value {
    let mut subscription = object(&[("resource_id", number()), ("channel", channel())]);
    add_properties(&mut subscription, address(false));
    for part in SUBSCRIPTION {
        subscription["properties"][part.name()] = parameter(*part);
    }
    let fields = json!({ "type": "object", "properties": changed_fields(SUBSCRIPTION_FIELDS) });
    subscription["properties"][Parameter::CustomFields.name()] = fields;
    subscription
}

/// A functional update (D10).
fn update() -> Value {
    let actions: Vec<_> = FieldAction::ALL.iter().map(|action| action.name()).collect();
    json!({
        "type": "object",
        "description": "Changes a field by what it holds, instead of giving it a value.",
        "properties": {
            "action": { "type": "string", "enum": actions },
            "value": { "description": "What to set, add, delete or write; an amount, for incr." },
            "submatch": { "type": "string", "description": "The property that upsert writes." },
        },
        "required": ["action"],
    })
}

fn profile() -> Value {
    let mut profile = object(&[
        ("db_id", number()),
        ("id", profile_id()),
        ("segments", list_of(&number())),
        ("subscriptions", list_of(&named("StoredSubscription"))),
    ]);
    add_properties(&mut profile, fields(SYSTEM_FIELDS, shown));
    profile
}

fn stored_subscription() -> Value {
    let words: Vec<_> = SubscriptionStatus::ALL.iter().map(|status| status.word()).collect();
    let mut subscription = object(&[
        ("resource_id", number()),
        ("channel", channel()),
        ("status", json!({ "type": "string", "enum": words })),
        ("priority", number()),
        ("custom_fields", json!({ "type": "object" })),
        ("cats", list_of(&text())),
        ("hash_id", json!({ "type": "string", "pattern": "^[0-9a-f]{8}$", "description": "A short name of it." })),
        ("is_delete", json!({ "const": false })),
    ]);
    add_properties(&mut subscription, address(true));
    for part in [Parameter::Date, Parameter::Ip, Parameter::Url] {
        subscription["properties"][part.name()] = parameter(part);
    }
    subscription
}

/// Members that an object may have beside those that it must.
fn add_properties(object: &mut Value, more: Map<String, Value>) {
    if let Some(properties) = object["properties"].as_object_mut() {
        properties.extend(more);
    }
}

/// A field of a database or of a resource, as lists of fields show it.
fn field() -> Value {
    object(&[
        ("category", json!({ "type": "string", "enum": ["system", "custom"] })),
        ("name", text()),
        ("title", text()),
        ("type", text()),
        ("required", json!({ "type": "boolean" })),
    ])
}

fn refusal() -> Value {
    let mut numbers: Vec<_> =
        ResponseCode::ALL.iter().map(|code| code.number()).filter(|number| *number != 0).collect();
    numbers.dedup();
    json!({
        "type": "object",
        "properties": {
            "error": { "type": "integer", "enum": numbers, "description": "The same number as the HTTP status." },
            "error_text": { "type": "string", "description": "What is wrong and, where it is the body, where." },
        },
        "required": ["error", "error_text"],
        "xml": { "name": "xml" },
    })
}

/// The answer of this shape to a call that took effect.
pub(super) fn answer(shape: AnswerShape) -> Value {
    let profile_id = Parameter::ProfileId.name();
    let (name, schema) = match shape {
        AnswerShape::Outcome => (profile_id, self::profile_id()),
        AnswerShape::Results => ("result", results()),
        AnswerShape::Removed => ("data", object(&[(profile_id, self::profile_id())])),
        AnswerShape::Profile => ("data", named("Profile")),
        AnswerShape::Profiles => ("data", list_of(&named("Profile"))),
        AnswerShape::Subscription => ("data", named("StoredSubscription")),
        AnswerShape::Subscriptions => ("data", list_of(&named("StoredSubscription"))),
        AnswerShape::Resource => ("data", resource()),
        AnswerShape::Databases => ("data", list_of(&database())),
        AnswerShape::Fields => ("data", list_of(&named("Field"))),
        AnswerShape::Events => ("data", list_of(&event())),
        AnswerShape::Count => ("count", number()),
    };
    let mut answer = success(&[(name, schema)]);
    if matches!(shape, AnswerShape::Profiles | AnswerShape::Databases | AnswerShape::Events) {
        answer["properties"][Parameter::FromId.name()] = parameter(Parameter::FromId);
    }
    answer
}

/// The same where the request may ask how it came about: a dry run that would create a profile names none.
pub(super) fn explained(mut answer: Value) -> Value {
    let profile_id = Parameter::ProfileId.name();
    answer["properties"][profile_id] = json!({ "anyOf": [self::profile_id(), { "type": "null" }] });
    answer["properties"][Parameter::DryRun.name()] =
        json!({ "type": "boolean", "description": "Whether nothing was stored." });
    answer["properties"][Parameter::Explain.name()] = named("Explanation");
    answer
}

/// How an import came to its outcome.
fn explanation() -> Value {
    let text_or_null = json!({ "type": ["string", "null"] });
    let key = object(&[
        ("place", text()),
        ("name", text_or_null.clone()),
        ("value", text()),
        ("resource_id", json!({ "type": ["integer", "null"] })),
    ]);
    let lookup =
        object(&[("keys", list_of(&key)), ("found", list_of(&profile_id())), ("more", json!({ "type": "boolean" }))]);
    object(&[
        ("matching", text()),
        ("lookups", list_of(&lookup)),
        ("found", json!({ "type": "string", "enum": FOUND.map(|found| found.name()) })),
        (Parameter::ProfileId.name(), text_or_null),
        ("outcome", json!({ "type": "string", "enum": ["created", "updated", "unchanged"] })),
        ("changes", list_of(&object(&[("change", text())]))),
        ("events", list_of(&object(&[("trigger", text()), ("event", text())]))),
    ])
}

const FOUND: [Found; 4] = [Found::NotSearched, Found::Nobody, Found::One, Found::Oldest];

/// The answers of a batch, each as a call of its own would have got it; in XML elements named like their root (X7).
fn results() -> Value {
    let outcome = success(&[(Parameter::ProfileId.name(), profile_id())]);
    json!({ "type": "array", "items": { "anyOf": [outcome, named("Refusal")], "xml": { "name": "xml" } } })
}

fn resource() -> Value {
    object(&[("id", number()), ("name", text()), ("channels", list_of(&text())), ("dbs_ids", list_of(&number()))])
}

fn database() -> Value {
    object(&[("id", number()), ("name", text())])
}

/// An event of the outbox.
fn event() -> Value {
    let dead_letter = object(&[("attempts", number()), ("reason", text())]);
    object(&[
        ("number", number()),
        ("id", text()),
        ("trigger", text()),
        ("db_id", number()),
        ("profile_id", profile_id()),
        ("body", text()),
        ("dead", json!({ "anyOf": [dead_letter, { "type": "null" }] })),
    ])
}

fn success(members: &[(&str, Value)]) -> Value {
    let envelope =
        [("error", json!({ "type": "integer", "const": ResponseCode::Success.number() })), ("error_text", text())];
    let mut answer = object(&[&envelope, members].concat());
    answer["xml"] = json!({ "name": "xml" });
    answer
}

/// An object that has all of these members.
fn object(members: &[(&str, Value)]) -> Value {
    let names: Vec<_> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<_, _> = members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": names })
}

fn list_of(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer" })
}

fn profile_id() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{24}$", "description": "24 hexadecimal digits." })
}

fn channel() -> Value {
    let known: Vec<_> = CHANNELS.iter().map(|(name, _)| *name).collect();
    json!({ "type": "string", "examples": known, "description": "One of these, or a channel of the world file." })
}

/// The parts that spell an address, in the spelling of requests or in that of stored subscriptions (S8).
fn address(is_stored: bool) -> Map<String, Value> {
    let within = |name: &str| object(&[(name, text())]);
    let mut parts = Map::new();
    for (channel, kind) in CHANNELS {
        let spelled = match kind {
            AddressKind::Email if is_stored => vec![("email_data", within("email"))],
            AddressKind::Email => vec![("email", json!({ "type": "string", "format": "email" }))],
            AddressKind::Phone if is_stored => vec![("phone_data", within("phone"))],
            AddressKind::Phone => vec![("phone", text())],
            AddressKind::Push => vec![("provider", text()), ("subscription_id", text())],
            AddressKind::Chat | AddressKind::Messenger | AddressKind::Custom { .. } => {
                vec![("cc_data", channel_data())]
            }
        };
        for (name, mut schema) in spelled {
            schema["description"] = format!("The address on channels like {channel}.").into();
            parts.entry(name).or_insert(schema);
        }
    }
    parts
}

fn channel_data() -> Value {
    json!({
        "type": "object",
        "properties": { "id": { "type": ["integer", "string"] }, "phone": { "type": "string" } },
    })
}

/// A word or its number; -1 leaves it as it is (S4).
fn status() -> Value {
    let words = SubscriptionStatus::ALL.iter().map(|status| json!(status.word()));
    let numbers = SubscriptionStatus::ALL.iter().map(|status| json!(status.number()));
    json!({ "enum": words.chain(numbers).chain([json!(-1)]).collect::<Vec<_>>() })
}

/// What a request can make of each field: give it a value, clear it, or update it by what it holds.
fn changed_fields(rows: &[(&str, FieldKind)]) -> Map<String, Value> {
    let change = |kind| {
        let value = given(kind);
        match kind {
            FieldKind::Email => value, // which cannot be cleared, nor be anything but set
            _ => json!({ "anyOf": [value, named("Update"), { "type": "null" }] }),
        }
    };
    fields(rows, change)
}

fn fields(rows: &[(&str, FieldKind)], schema: impl Fn(FieldKind) -> Value) -> Map<String, Value> {
    rows.iter().map(|&(name, kind)| (name.to_owned(), schema(kind))).collect()
}

/// A value as it is sent. Where a value can be written in several ways, those that the documentation shows (D5-D8).
fn given(kind: FieldKind) -> Value {
    match kind {
        FieldKind::Int => number(),
        FieldKind::Float => json!({ "type": "number" }),
        FieldKind::Text => text(),
        FieldKind::Date => {
            json!({ "type": "string", "examples": ["1990-02-22", "1990-02-22T21:00:00Z", "1990-02-22T21:00+03:00"] })
        }
        FieldKind::Bool => json!({ "type": "boolean" }),
        FieldKind::Enum => json!({ "type": ["string", "integer"] }),
        FieldKind::Ip => json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] }),
        FieldKind::Tags => list_of(&text()),
        FieldKind::Object => json!({ "type": "object" }),
        FieldKind::Objects => json!({ "type": "array", "items": { "type": "object" } }),
        FieldKind::Email => json!({ "type": "string", "format": "email" }),
        FieldKind::Phones => json!({ "type": "array", "items": { "type": "string", "examples": ["+79000000000"] } }),
        FieldKind::Sex => json!({ "enum": [0, 1, 2, "male", "female"] }),
        FieldKind::TimeZone => json!({ "type": "string", "examples": ["Europe/Moscow"] }),
    }
}

/// A value as it is shown.
fn shown(kind: FieldKind) -> Value {
    match kind {
        FieldKind::Date => json!({ "type": "string", "format": "date-time" }),
        FieldKind::Enum => number(),
        _ => given(kind),
    }
}
