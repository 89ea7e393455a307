//! What the configuration says of databases and resources, as nodes. Dossier 6.2: `databases/list`, `resources/get`,
//! `databases/fields_get`, `resources/fields_get`.

use crate::node::Node;
use rollcall_model::{
    database::{Database, DatabaseId},
    field::{FieldDefinition, FieldDefinitions, FieldKind},
    resource::Resource,
    system_field,
};

/// A database in a list of them.
pub(crate) fn database(database: &Database) -> Node {
    Node::object([("id", Node::Int(database.id.0.into())), ("name", Node::text(&database.name))])
}

/// A resource, and those of its databases that are to be shown.
pub(crate) fn resource(resource: &Resource, is_shown: impl Fn(DatabaseId) -> bool) -> Node {
    let databases = resource.databases.iter().filter(|id| is_shown(**id)).map(|id| Node::Int(id.0.into()));
    Node::object([
        ("channels", Node::List(resource.channels.iter().map(Node::text).collect())),
        ("dbs_ids", Node::List(databases.collect())),
        ("id", Node::Int(resource.id.0.into())),
        ("name", Node::text(&resource.name)),
    ])
}

/// The fields, ordered by name.
pub(crate) fn fields(definitions: &FieldDefinitions) -> Node {
    let mut definitions: Vec<_> = definitions.iter().collect();
    definitions.sort_unstable_by_key(|definition| &definition.name);
    Node::List(definitions.into_iter().map(field).collect())
}

fn field(definition: &FieldDefinition) -> Node {
    let category = if system_field::is_custom(&definition.name) { "custom" } else { "system" };
    let mut members = vec![
        ("category".to_owned(), Node::text(category)),
        ("name".to_owned(), Node::text(&definition.name)),
        ("required".to_owned(), Node::Bool(definition.is_required)),
        ("title".to_owned(), Node::text(&definition.name)), // nobody has given it another one
        ("type".to_owned(), Node::text(type_name(definition.kind))),
    ];
    if !definition.options.is_empty() {
        members.push(("options".to_owned(), Node::List(definition.options.iter().map(Node::text).collect())));
    }
    Node::Object(members)
}

/// What a type is called in lists of fields. Dossier 3.5 and 6.2, but for those that no listing shows.
const fn type_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Int | FieldKind::Sex => "int",
        FieldKind::Float => "float",
        FieldKind::Text | FieldKind::Email | FieldKind::TimeZone => "unicode",
        FieldKind::Date => "date",
        FieldKind::Bool => "bool",
        FieldKind::Enum => "enum",
        FieldKind::Ip => "ip",
        FieldKind::Tags => "tags",
        FieldKind::Object => "object",
        FieldKind::Objects => "arr_object",
        FieldKind::Phones => "phones",
    }
}
