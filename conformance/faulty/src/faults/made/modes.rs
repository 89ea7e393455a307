//! Each matching mode: unknown, a place too few or too many, create and refuse flipped, mixed up with another mode or
//! with the default.

use super::{kebab, made, pairs, requirement};
use crate::{Fault, message::Message, seam::Seam};
use rollcall_matching::{
    key::KeySource,
    mode::{MODES, Mode, OnAbsent},
};
use rollcall_model::{import::ImportRequest, response_code::ResponseCode};
use rollcall_server::call::Reply;
use std::collections::BTreeSet;

pub(super) fn faults() -> Vec<Fault> {
    let each = MODES.iter().flat_map(|mode| {
        let own = [unknown(mode), flipped(mode)];
        let searching = with_less(mode).chain(with_more(mode));
        own.into_iter().chain(searching).chain(default(mode)).chain(lenient(mode)).chain(yielding(mode))
    });
    each.chain(pairs(MODES).filter_map(swapped)).collect()
}

/// The requirement that says what the mode searches.
fn row(mode: &Mode) -> String {
    let row = requirement("MATCH", mode.name);
    match mode.name {
        "email" | "phone" => format!("{row}-BOTH"),
        _ => row,
    }
}

fn unknown(mode: &'static Mode) -> Fault {
    let name = format!("mode-{}-unknown", kebab(mode.name));
    let story = format!("No request can ask for mode {}.", mode.name);
    made(name, row(mode), story, changed(mode, |mode| mode.name = ""))
}

fn flipped(mode: &'static Mode) -> Fault {
    let (way, breaks, instead) = match mode.on_absent {
        OnAbsent::Create if is_free(mode) => ("refuses", "MATCH-CUSTOM-SUB", OnAbsent::Refuse),
        OnAbsent::Create => ("refuses", "MATCH-CREATES", OnAbsent::Refuse),
        OnAbsent::Refuse => ("creates", "MATCH-PROFILE-ID-UPDATES-ONLY", OnAbsent::Create),
    };
    let name = format!("mode-{}-{way}-the-unknown", kebab(mode.name));
    let story = format!("Mode {} {way} when it finds nobody.", mode.name);
    made(name, breaks, story, changed(mode, move |mode| mode.on_absent = instead))
}

/// Which of its two readings `custom_sub` follows is left to the server.
fn is_free(mode: &Mode) -> bool {
    mode.name == "custom_sub"
}

fn with_less(mode: &'static Mode) -> impl Iterator<Item = Fault> {
    mode.keys.iter().filter(|_| !is_free(mode)).map(move |missing| {
        let place = kebab(&format!("{missing:?}"));
        let name = format!("mode-{}-without-{place}", kebab(mode.name));
        let story = format!("Mode {} does not search the place {}.", mode.name, place.replace('-', " "));
        let keys: Vec<_> = mode.keys.iter().copied().filter(|key| key != missing).collect();
        let is_the_second_of_both = mode.keys.first() != Some(missing) && row(mode).ends_with("-BOTH");
        let breaks = if is_the_second_of_both { "MATCH-SEARCHES-TOGETHER".to_owned() } else { row(mode) };
        made(name, breaks, story, searching(mode, keys))
    })
}

/// The places where contacts of other kinds stand, which a mode must not fall back to.
const CONTACTS: [KeySource; 4] =
    [KeySource::ProfileEmail, KeySource::EmailSubscription, KeySource::ProfilePhone, KeySource::SmsSubscription];

fn with_more(mode: &'static Mode) -> impl Iterator<Item = Fault> {
    // Whether `email_phone` searches subscriptions too is left to the server.
    let is_free = is_free(mode) || mode.name == "email_phone";
    CONTACTS.into_iter().filter(move |place| !is_free && !mode.keys.contains(place)).map(move |more| {
        let place = kebab(&format!("{more:?}"));
        let name = format!("mode-{}-with-{place}", kebab(mode.name));
        let story = format!("Mode {} also searches the place {}.", mode.name, place.replace('-', " "));
        let searches_the_like = mode.keys.iter().any(|key| key.parameter() == more.parameter());
        let says_what_it_leaves_out = searches_the_like || row(mode).ends_with("-BOTH");
        let breaks = if says_what_it_leaves_out { row(mode) } else { "MATCH-MODE-DECIDES".to_owned() };
        made(name, breaks, story, searching(mode, [mode.keys, &[more]].concat()))
    })
}

fn default(mode: &'static Mode) -> Option<Fault> {
    let is_default = MODES.first() == Some(mode);
    let name = format!("default-is-{}", kebab(mode.name));
    let story = format!("Without a mode, the search is that of mode {}.", mode.name);
    let prefer = move |modes: &mut Vec<Mode>| modes.sort_by_key(|known| known.name != mode.name);
    (!is_default).then(|| made(name, "MATCH-DEFAULT-EMAIL", story, Seam::modes(prefer)))
}

/// What the mode asks for, one after the other: missing, and the import is answered as carried out.
fn lenient(mode: &'static Mode) -> impl Iterator<Item = Fault> {
    // What mode `email` does without an e-mail is left to the server.
    let is_free = is_free(mode) || mode.name == "email";
    let asked_for: BTreeSet<_> = mode.keys.iter().flat_map(|key| parameters(*key)).collect();
    asked_for.into_iter().filter(move |_| !is_free).map(move |parameter| {
        let forgive = move |message: &Message, reply: &mut Reply| {
            let is_missing = reply.code != ResponseCode::Success && !message.has_parameter(parameter);
            if is_missing && message.value("matching") == Some(mode.name) {
                *reply = message.success();
            }
        };
        let name = format!("mode-{}-without-the-parameter-{}", kebab(mode.name), kebab(parameter));
        let story = format!("Mode {} without {parameter} is answered as carried out when it is not.", mode.name);
        made(name, "MATCH-FIELDS-REQUIRED", story, Seam::reply(forgive))
    })
}

/// The mode gives way to another one where the request has what that one searches by.
fn yielding(mode: &'static Mode) -> Option<Fault> {
    let asked_for: BTreeSet<_> = mode.keys.iter().map(|key| key.parameter()).collect();
    let (parameter, instead) = match asked_for.contains("email") {
        true => ("phone", "phone"),
        false => ("email", "email"),
    };
    let give_way = move |request: &mut ImportRequest| {
        let is_there = match parameter {
            "phone" => request.identifiers.phone.is_some(),
            _ => request.identifiers.email.is_some(),
        };
        let is_chosen = request.matching.as_deref().unwrap_or(MODES[0].name) == mode.name;
        if is_there && is_chosen {
            request.matching = Some(instead.into());
        }
    };
    let name = format!("mode-{}-gives-way-to-{instead}", kebab(mode.name));
    let story = format!("Where a request in mode {} has {parameter} too, it is searched by that.", mode.name);
    // A mode for either of the two searches by both.
    let is_free = is_free(mode) || asked_for.contains(parameter);
    (!is_free).then(|| made(name, "MATCH-MODE-DECIDES", story, Seam::import(give_way)))
}

/// What a search there cannot do without.
fn parameters(key: KeySource) -> Vec<&'static str> {
    let beside = match key {
        KeySource::PushSubscription => Some("provider"),
        key if key.needs_field_name() => Some("field_name"),
        _ => None,
    };
    beside.into_iter().chain([key.parameter()]).collect()
}

/// Two modes that ask for the same parameters, each doing what the other should.
fn swapped((one, other): (&'static Mode, &'static Mode)) -> Option<Fault> {
    let asked_for = |mode: &Mode| mode.keys.iter().flat_map(|key| parameters(*key)).collect::<BTreeSet<_>>();
    let name = format!("modes-{}-and-{}-swapped", kebab(one.name), kebab(other.name));
    let story = format!("Modes {} and {} do each other's work.", one.name, other.name);
    let exchange = move |modes: &mut Vec<Mode>| {
        for mode in modes {
            mode.name = match mode.name {
                name if name == one.name => other.name,
                name if name == other.name => one.name,
                name => name,
            };
        }
    };
    (asked_for(one) == asked_for(other)).then(|| made(name, row(one), story, Seam::modes(exchange)))
}

fn searching(mode: &'static Mode, keys: Vec<KeySource>) -> Seam {
    let keys: &'static [KeySource] = keys.leak();
    changed(mode, move |mode| mode.keys = keys)
}

fn changed(mode: &'static Mode, change: impl Fn(&mut Mode) + Sync + 'static) -> Seam {
    Seam::modes(move |modes| {
        modes.iter_mut().filter(|known| known.name == mode.name).for_each(&change);
    })
}
