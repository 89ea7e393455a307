//! A small configuration for tests and benches of this crate: what the documented examples need, and one field of
//! every type.

use rollcall_model::{
    channel::{self, AddressKind, Channel},
    database::{Database, DatabaseId, SeveralFound, UnknownFields},
    field::{FieldDefinition, FieldDefinitions, FieldKind},
    phone::Region,
    resource::{Resource, ResourceId},
    segment::{Segment, SegmentId},
    system_field::{self, SUBSCRIPTION_FIELDS, SYSTEM_FIELDS},
    world::World,
};

/// Names and types of the custom fields of database 1.
pub(crate) const CUSTOM_FIELDS: &[(&str, FieldKind)] = &[
    ("custom_field", FieldKind::Text),
    ("custom_int", FieldKind::Int),
    ("custom_float", FieldKind::Float),
    ("custom_bool", FieldKind::Bool),
    ("custom_date", FieldKind::Date),
    ("custom_enum", FieldKind::Enum),
    ("custom_ip", FieldKind::Ip),
    ("custom_tags", FieldKind::Tags),
    ("custom_object", FieldKind::Object),
    ("custom_objects", FieldKind::Objects),
];

/// Names and types of the custom fields of subscriptions.
const SUBSCRIPTION_CUSTOM_FIELDS: &[(&str, FieldKind)] = &[
    ("custom_field_1", FieldKind::Text),
    ("custom_number", FieldKind::Int),
    ("custom_topics", FieldKind::Tags),
    ("custom_device", FieldKind::Object),
    ("custom_devices", FieldKind::Objects),
];

/// Database 1, resources 1 (all channels) and 2 (e-mail and SMS), one custom channel.
pub(crate) fn world() -> World {
    let custom = CUSTOM_FIELDS.iter().map(|&(name, kind)| FieldDefinition {
        options: if kind == FieldKind::Enum { vec!["bronze".into(), "silver".into()] } else { Vec::new() },
        ..FieldDefinition::new(name.into(), kind)
    });
    let fields = FieldDefinitions::new(system_field::definitions(SYSTEM_FIELDS).chain(custom).collect()).unwrap();
    let max_bot = Channel { name: "max_bot".into(), address: AddressKind::Custom { id_field: "chat_id".into() } };
    let channels: Vec<_> = channel::documented().chain([max_bot]).collect();
    let resource = |id, channels: &[Channel]| Resource {
        id: ResourceId(id),
        name: "Shop".into(),
        databases: vec![DatabaseId(1)],
        channels: channels.iter().map(|channel| channel.name.clone()).collect(),
        categories: vec!["category_1".into(), "category_2".into()],
        fields: FieldDefinitions::new(
            system_field::definitions(SUBSCRIPTION_FIELDS)
                .chain(SUBSCRIPTION_CUSTOM_FIELDS.iter().map(|&(name, kind)| FieldDefinition::new(name.into(), kind)))
                .collect(),
        )
        .unwrap(),
        raise_priority: false,
    };
    World {
        databases: vec![Database {
            id: DatabaseId(1),
            name: "Customers".into(),
            fields,
            segments: [1, 2].map(|id| Segment { id: SegmentId(id), name: "Readers".into() }).into(),
            default_region: Region::named("RU"),
            unknown_fields: UnknownFields::Reject,
            several_found: SeveralFound::Oldest,
        }],
        resources: vec![resource(1, &channels), resource(2, &channels[..2])],
        channels,
        ..World::default()
    }
}
