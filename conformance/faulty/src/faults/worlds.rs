//! Table: faults in what the server believes to be set up: rights, channels, fields.

use super::fault;
use crate::{Fault, seam::Seam::World};
use rollcall_model::{field::FieldDefinitions, world};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "token-without-right-let-in",
        "PARAM-TOKEN-RIGHT",
        "Every known token may use every database.",
        World(&|world| {
            let all: Vec<_> = world.databases.iter().map(|database| database.id).collect();
            world.grants.iter_mut().for_each(|grant| grant.databases.clone_from(&all));
        }),
    ),
    fault("no-sms", "SUB-CHANNEL-SMS", "There is no channel sms.", World(&|world| lacks_channel(world, "sms"))),
    fault("no-push", "SUB-CHANNEL-PUSH", "There is no channel push.", World(&|world| lacks_channel(world, "push"))),
    fault(
        "no-telegram",
        "SUB-CHANNEL-TELEGRAM-BOT",
        "There is no channel telegram_bot.",
        World(&|world| lacks_channel(world, "telegram_bot")),
    ),
    fault(
        "no-notify",
        "SUB-CHANNEL-NOTIFY",
        "There is no channel notify.",
        World(&|world| lacks_channel(world, "notify")),
    ),
    fault(
        "operating-system-unknown",
        "DATA-FIELD-OS",
        "There is no profile field _os.",
        World(&|world| lacks_field(world, "_os")),
    ),
    fault(
        "registration-date-unknown",
        "DATA-FIELD-REGDATE",
        "There is no profile field _regdate.",
        World(&|world| lacks_field(world, "_regdate")),
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
];

fn lacks_channel(world: &mut world::World, name: &str) {
    world.channels.retain(|channel| channel.name.as_str() != name);
}

fn lacks_field(world: &mut world::World, name: &str) {
    for database in &mut world.databases {
        let others = database.fields.iter().filter(|field| field.name.as_str() != name).cloned().collect();
        if let Ok(fields) = FieldDefinitions::new(others) {
            database.fields = fields;
        }
    }
}
