//! What bodies and answers hold, as JSON Schema: made of the tables of fields, channels, statuses and modes. XML bodies
//! hold the same under a root `xml`; lists are repeated elements (X3).

use rollcall_codec::parameter::{Parameter, ParameterKind};
use rollcall_matching::mode::MODES;
use rollcall_model::{
    channel::{AddressKind, CHANNELS},
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
    })
}

/// A reference to one of them.
pub(super) fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What a body can say by this parameter.
pub(super) fn parameter(parameter: Parameter) -> Value {
    let mut schema = match parameter {
        Parameter::Matching => json!({ "type": "string", "enum": MODES.iter().map(|mode| mode.name).collect::<Vec<_>>() }),
        Parameter::Format => json!({ "type": "string", "enum": ["json", "xml"] }),
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
        ParameterKind::Text => json!({ "type": "string" }),
        ParameterKind::Int => json!({ "type": "integer" }),
        ParameterKind::Bool => json!({ "type": "boolean" }),
        ParameterKind::Scalar => json!({ "type": ["string", "integer"] }),
        ParameterKind::Ints => json!({ "type": "array", "items": { "type": "integer" } }),
        ParameterKind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        ParameterKind::Object => json!({ "type": "object" }),
    }
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
    let mut properties = address(false);
    properties.insert("resource_id".to_owned(), json!({ "type": "integer", "description": "The resource." }));
    properties.insert("channel".to_owned(), channel());
    properties.insert("status".to_owned(), status());
    properties.insert("priority".to_owned(), json!({ "type": "integer", "minimum": -1, "maximum": i32::MAX }));
    properties.insert("cats".to_owned(), json!({ "type": "array", "items": { "type": "string" } }));
    let fields = json!({ "type": "object", "properties": changed_fields(SUBSCRIPTION_FIELDS) });
    properties.insert("custom_fields".to_owned(), fields);
    json!({ "type": "object", "properties": properties, "required": ["resource_id", "channel"] })
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
    let mut properties = fields(SYSTEM_FIELDS, shown);
    let own = json!({
        "db_id": { "type": "integer" },
        "id": profile_id(),
        "segments": { "type": "array", "items": { "type": "integer" } },
        "subscriptions": { "type": "array", "items": named("StoredSubscription") },
    });
    properties.extend(own.as_object().cloned().unwrap_or_default());
    json!({
        "type": "object",
        "properties": properties,
        "required": ["db_id", "id", "segments", "subscriptions"],
        "additionalProperties": true,
    })
}

fn stored_subscription() -> Value {
    let words: Vec<_> = SubscriptionStatus::ALL.iter().map(|status| status.word()).collect();
    let mut properties = address(true);
    properties.insert("resource_id".to_owned(), json!({ "type": "integer" }));
    properties.insert("channel".to_owned(), channel());
    properties.insert("status".to_owned(), json!({ "type": "string", "enum": words }));
    properties.insert("priority".to_owned(), json!({ "type": "integer" }));
    properties.insert("custom_fields".to_owned(), json!({ "type": "object" }));
    properties.insert("cats".to_owned(), json!({ "type": "array", "items": { "type": "string" } }));
    json!({
        "type": "object",
        "properties": properties,
        "required": ["resource_id", "channel", "status", "priority", "custom_fields", "cats"],
    })
}

/// A field of a database or of a resource, as lists of fields show it.
fn field() -> Value {
    json!({
        "type": "object",
        "properties": {
            "category": { "type": "string", "enum": ["system", "custom"] },
            "name": { "type": "string" },
            "title": { "type": "string" },
            "type": { "type": "string" },
            "required": { "type": "boolean" },
        },
        "required": ["category", "name", "title", "type", "required"],
    })
}

fn refusal() -> Value {
    let mut numbers: Vec<_> = ResponseCode::ALL.iter().map(|code| code.number()).filter(|number| *number != 0).collect();
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

/// The answer to a call that took effect, with these members beside the envelope.
pub(super) fn success(members: &Value) -> Value {
    let mut properties = Map::from_iter([
        ("error".to_owned(), json!({ "type": "integer", "const": 0 })),
        ("error_text".to_owned(), json!({ "type": "string" })),
    ]);
    properties.extend(members.as_object().cloned().unwrap_or_default());
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({ "type": "object", "properties": properties, "required": required, "xml": { "name": "xml" } })
}

pub(super) fn profile_id() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{24}$", "description": "24 hexadecimal digits." })
}

fn channel() -> Value {
    let known: Vec<_> = CHANNELS.iter().map(|(name, _)| *name).collect();
    json!({ "type": "string", "examples": known, "description": "One of these, or a channel of the world file." })
}

/// The parts that spell an address, in the spelling of requests or in that of stored subscriptions (S8).
fn address(is_stored: bool) -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let within = |name: &str| json!({ "type": "object", "properties": { name: text }, "required": [name] });
    let mut parts = Map::new();
    for (channel, kind) in CHANNELS {
        let spelled = match kind {
            AddressKind::Email if is_stored => vec![("email_data", within("email"))],
            AddressKind::Email => vec![("email", json!({ "type": "string", "format": "email" }))],
            AddressKind::Phone if is_stored => vec![("phone_data", within("phone"))],
            AddressKind::Phone => vec![("phone", text.clone())],
            AddressKind::Push => vec![("provider", text.clone()), ("subscription_id", text.clone())],
            AddressKind::Chat | AddressKind::Messenger | AddressKind::Custom { .. } => vec![("cc_data", channel_data())],
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
        FieldKind::Int => json!({ "type": "integer" }),
        FieldKind::Float => json!({ "type": "number" }),
        FieldKind::Text => json!({ "type": "string" }),
        FieldKind::Date => json!({ "type": "string", "examples": ["1990-02-22", "1990-02-22T21:00:00Z", "1990-02-22T21:00+03:00"] }),
        FieldKind::Bool => json!({ "type": "boolean" }),
        FieldKind::Enum => json!({ "type": ["string", "integer"] }),
        FieldKind::Ip => json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] }),
        FieldKind::Tags => json!({ "type": "array", "items": { "type": "string" } }),
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
        FieldKind::Enum => json!({ "type": "integer" }),
        _ => given(kind),
    }
}
