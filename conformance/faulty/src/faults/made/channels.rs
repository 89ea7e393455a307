//! Each documented channel: unknown, forgotten, its address not told apart from another, not asked for, or kept on
//! another channel.

use super::{kebab, made, pairs, requirement};
use crate::{
    Fault,
    faults::{imports::forgive, state::merged},
    seam::Seam,
};
use rollcall_model::{
    address::Address,
    channel::{AddressKind, CHANNELS},
    import::ImportRequest,
    phone::Phone,
    subscription::Subscription,
    world,
};
use rollcall_server::call::Answer;

type Row = (&'static str, AddressKind);

pub(super) fn faults() -> Vec<Fault> {
    let each = CHANNELS.iter().flat_map(|row| {
        let own = [unknown(row), forgotten(row), one_address(row)];
        own.into_iter().chain(not_asked_for(row))
    });
    each.chain(pairs(CHANNELS).filter_map(mixed_up)).chain(pairs(CHANNELS).filter_map(of_one_identity)).collect()
}

fn unknown((channel, _): &'static Row) -> Fault {
    let lacks = |world: &mut world::World| world.channels.retain(|known| known.name.as_str() != *channel);
    let name = format!("channel-{}-unknown", kebab(channel));
    made(name, requirement("SUB-CHANNEL", channel), format!("There is no channel {channel}."), Seam::world(lacks))
}

fn forgotten((channel, _): &'static Row) -> Fault {
    let forget =
        |request: &mut ImportRequest| request.patch.subscriptions.retain(|given| given.channel.as_str() != *channel);
    let name = format!("channel-{}-forgotten", kebab(channel));
    let story = format!("Subscriptions on channel {channel} are taken and forgotten.");
    made(name, requirement("SUB-CHANNEL", channel), story, Seam::import(forget))
}

fn one_address((channel, _): &'static Row) -> Fault {
    let is_same = |a: &Subscription, b: &Subscription| {
        a.channel.as_str() == *channel && a.channel == b.channel && a.resource == b.resource
    };
    let name = format!("channel-{}-has-one-address", kebab(channel));
    let story = format!("A profile has one subscription on channel {channel} of a resource; the last address wins.");
    made(name, "SUB-SECOND-ADDRESS", story, Seam::put(move |_, after| Some(merged(after, is_same))))
}

/// The parts of a subscription that its channel asks for. Whether a push token does without its provider is left to the
/// server.
fn parts(kind: &AddressKind) -> &'static [&'static str] {
    match kind {
        AddressKind::Email => &["email"],
        AddressKind::Phone => &["phone"],
        AddressKind::Push => &["subscription_id"],
        AddressKind::Chat | AddressKind::Messenger | AddressKind::Custom { .. } => &["cc_data"],
    }
}

fn not_asked_for((channel, kind): &'static Row) -> impl Iterator<Item = Fault> {
    parts(kind).iter().map(move |part| {
        let name = format!("channel-{}-without-{}-left-out", kebab(channel), kebab(part));
        let story = format!("A subscription on channel {channel} without its {part} is left out without being asked.");
        let places: &[&str] = vec![&*format!("].{part}").leak()].leak();
        let left_out = Seam::call(move |service, message| match message.has_value(channel) {
            true => Box::pin(forgive(service, message, places)),
            false => Box::pin(async move { service.answer(message.call()).await }),
        });
        made(name, "SUB-ADDRESS-MISSING", story, left_out)
    })
}

/// What is given for the first channel is kept on the second, which has addresses of the same kind.
fn mixed_up(((one, of_one), (other, of_other)): (&'static Row, &'static Row)) -> Option<Fault> {
    let keep = |request: &mut ImportRequest| {
        let given = request.patch.subscriptions.iter_mut().filter(|given| given.channel.as_str() == *one);
        given.for_each(|given| given.channel = (*other).into());
    };
    let name = format!("channel-{}-kept-as-{}", kebab(one), kebab(other));
    let story = format!("A subscription on channel {one} is kept as one on channel {other}.");
    let breaks = requirement("SUB-CHANNEL", one);
    (of_one == of_other).then(|| made(name, breaks, story, Seam::import(keep)))
}

/// Two channels on which the same number may stand.
fn of_one_identity(((one, of_one), (other, of_other)): (&'static Row, &'static Row)) -> Option<Fault> {
    let has_numbers = |kind: &AddressKind| matches!(kind, AddressKind::Phone | AddressKind::Messenger);
    let is_of = |a: &Subscription, b: &Subscription| a.channel.as_str() == *one && b.channel.as_str() == *other;
    let is_same = move |a: &Subscription, b: &Subscription| {
        (is_of(a, b) || is_of(b, a)) && a.resource == b.resource && number(a) == number(b)
    };
    let name = format!("channels-{}-and-{}-share-identity", kebab(one), kebab(other));
    let story = format!("One number on channels {one} and {other} of a resource is one subscription.");
    (has_numbers(of_one) && has_numbers(of_other))
        .then(|| made(name, "SUB-IDENTITY", story, Seam::put(move |_, after| Some(merged(after, is_same)))))
}

fn number(subscription: &Subscription) -> Option<Phone> {
    match subscription.address {
        Address::Phone(phone) | Address::Messenger(phone) => Some(phone),
        _ => None,
    }
}
