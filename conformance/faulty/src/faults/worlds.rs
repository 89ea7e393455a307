//! Table: faults in what the server believes to be set up: rights, channels, fields.

use super::fault;
use crate::{Fault, seam::Seam::World};
use rollcall_model::{action::Action, database::Database, field::FieldDefinitions, token::Right, world};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "token-without-right-let-in",
        "PARAM-TOKEN-RIGHT",
        "Every known token may use every database.",
        World(&|world| {
            let everything = |database: &Database| Right { database: database.id, actions: Action::ALL.to_vec() };
            let all: Vec<_> = world.databases.iter().map(everything).collect();
            world.grants.iter_mut().for_each(|grant| grant.rights.clone_from(&all));
        }),
    ),
    fault(
        "segments-unknown",
        "PARAM-REMOVE-FROM-SEGMENTS",
        "Databases have no static segments.",
        World(&|world| world.databases.iter_mut().for_each(|database| database.segments.clear())),
    ),
    fault(
        "one-segment-known",
        "PARAM-ADD-TO-SEGMENTS",
        "Only the first static segment of a database is known.",
        World(&|world| world.databases.iter_mut().for_each(|database| database.segments.truncate(1))),
    ),
    fault(
        "one-resource-only",
        "SUB-RESOURCE-ID",
        "Only the first resource can be subscribed to.",
        World(&|world| world.resources.truncate(1)),
    ),
    fault(
        "one-category-known",
        "SUB-CATS",
        "Only the first category of a resource is known.",
        World(&|world| world.resources.iter_mut().for_each(|resource| resource.categories.truncate(1))),
    ),
];

pub(super) fn lacks_field(world: &mut world::World, name: &str) {
    for database in &mut world.databases {
        let others = database.fields.iter().filter(|field| field.name.as_str() != name).cloned().collect();
        if let Ok(fields) = FieldDefinitions::new(others) {
            database.fields = fields;
        }
    }
}
