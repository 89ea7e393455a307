//! How an import came to its outcome, as answers show it.

use crate::{encode::resource, event::particulars, node::Node};
use rollcall_model::{
    explanation::{Explanation, Looked, LookedKey},
    profile_change::{ProfileChange, changes},
    trigger::wanted,
    world::World,
};

/// The explanation. Events are those that triggers hear of, unless they are to hear of none.
pub(crate) fn node(explanation: &Explanation, skip_triggers: bool, world: &World) -> Node {
    let Explanation { before, after, .. } = explanation;
    let (mut changed, mut events) = (Vec::new(), Vec::new());
    if let Some(after) = after {
        changed = changes(before.as_deref(), after);
        let triggers = if skip_triggers { &[] } else { world.triggers.as_slice() };
        events = wanted(triggers, before.as_deref(), after);
    }
    let outcome = match changed.first() {
        Some(ProfileChange::Created) => "created",
        Some(_) => "updated",
        None => "unchanged",
    };
    let changed = changed.iter().filter(|change| !matches!(change, ProfileChange::Created | ProfileChange::Updated));
    let event = |(trigger, change): &(&rollcall_model::trigger::Trigger, ProfileChange<'_>)| {
        let mut members = vec![("trigger".to_owned(), Node::text(&trigger.name))];
        members.extend(shown("event", change, world));
        Node::Object(members)
    };
    let profile = before.as_ref().map_or(Node::Null, |profile| Node::text(profile.id));
    Node::object([
        ("matching", Node::text(&explanation.mode)),
        ("lookups", Node::List(explanation.lookups.iter().map(lookup).collect())),
        ("found", Node::text(explanation.found().name())),
        ("profile_id", profile),
        ("outcome", Node::text(outcome)),
        ("changes", Node::List(changed.map(|change| Node::Object(shown("change", change, world))).collect())),
        ("events", Node::List(events.iter().map(event).collect())),
    ])
}

fn shown(what: &str, change: &ProfileChange<'_>, world: &World) -> Vec<(String, Node)> {
    let mut members = vec![(what.to_owned(), Node::text(change.name()))];
    members.extend(particulars(change, world));
    members
}

fn lookup(looked: &Looked) -> Node {
    Node::object([
        ("keys", Node::List(looked.keys.iter().map(key).collect())),
        ("found", Node::List(looked.found.iter().map(Node::text).collect())),
        ("more", Node::Bool(looked.are_more)),
    ])
}

fn key(key: &LookedKey) -> Node {
    let name = if key.name.is_empty() { Node::Null } else { Node::text(&key.name) };
    Node::object([
        ("place", Node::text(key.place)),
        ("name", name),
        ("value", Node::text(&key.value)),
        ("resource_id", key.resource.map_or(Node::Null, resource)),
    ])
}
