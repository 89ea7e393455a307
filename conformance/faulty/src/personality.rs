//! The server with habits of its own: what proves that the judge leaves the room which there is.
//!
//! A [`Personality`] is a row: its name, its story, and the freedoms that it takes, each by the ruling that gives it.
//! Where a fault must be noticed, a personality must not: a case that fails one asks for more than the documentation
//! says. Lives here: the rows. Does not live here: how a freedom is taken (the files below), and faults (`faults`).

mod answering; // what goes back
mod asking; // what requests are taken for, and which are not taken
mod freedom; // where a server may be different, and the server that is
mod keeping; // what is found, and what is kept
mod wire; // how answers travel

use anyhow::Context;
use freedom::Freedom::{
    self, Body, Finds, Head, Http, Imports, InPieces, Keeps, Modes, Reads, Refuses, Reply, Store, World,
};
use std::future::Future;

/// A server that does as documented, in ways of its own.
pub struct Personality {
    /// What it is called, in kebab case.
    pub name: &'static str,
    /// The rulings that leave it the choice.
    pub rulings: &'static [&'static str],
    /// What is different, in one line.
    pub story: &'static str,
    freedoms: &'static [Freedom],
}

impl Personality {
    /// Listens on a free port of this machine, with a fresh store in memory and the documented world. Gives the base
    /// URL, and what serves it for as long as it is polled.
    pub async fn listen(&self) -> anyhow::Result<(String, impl Future<Output = ()> + Send + use<>)> {
        freedom::listen(self.freedoms).await
    }
}

/// The personality with this name.
pub fn named(name: &str) -> anyhow::Result<&'static Personality> {
    let found = PERSONALITIES.iter().find(|personality| personality.name == name);
    found.with_context(|| format!("no personality is called {name:?}"))
}

/// All of them.
pub const PERSONALITIES: &[Personality] = &[
    // What goes back.
    Personality {
        name: "always-200",
        rulings: &["T8"],
        story: "The HTTP status is 200, whatever happened.",
        freedoms: &[Http(|settings| settings.always_200 = true)],
    },
    Personality {
        name: "numbers-of-its-own",
        rulings: &["T8", "T11"],
        story: "Every reason has a number of its own from 10001 on, with HTTP status 200.",
        freedoms: &[Http(|settings| settings.always_200 = true), Reply(answering::number_of_its_own)],
    },
    Personality {
        name: "one-number-for-all",
        rulings: &["T8", "T11"],
        story: "Whatever is wrong, the error is -1 and the HTTP status 500.",
        freedoms: &[Reply(answering::minus_one)],
    },
    Personality {
        name: "silent-when-done",
        rulings: &["T9"],
        story: "The text of a success is empty.",
        freedoms: &[Reply(answering::silent_success)],
    },
    Personality {
        name: "ids-of-its-own",
        rulings: &["T9"],
        story: "Profile ids are a prefix, a full stop and capital letters.",
        freedoms: &[Body(asking::from_own_ids), Reply(answering::in_own_ids)],
    },
    Personality {
        name: "talkative",
        rulings: &["T9", "X7"],
        story: "Answers have more keys than documented, in front of the others and nested.",
        freedoms: &[Reply(answering::more_keys)],
    },
    Personality {
        name: "results-by-name",
        rulings: &["X7"],
        story: "In XML the results of a batch are called result, as in JSON.",
        freedoms: &[Reply(answering::results_by_name)],
    },
    Personality {
        name: "tidy",
        rulings: &["T9", "X7"],
        story: "Answers are indented, and in XML begin with a declaration.",
        freedoms: &[Reply(answering::indented)],
    },
    Personality {
        name: "baroque",
        rulings: &["T9", "X7", "X9"],
        story: "Answers are spelled with escapes, character references, CDATA and comments.",
        freedoms: &[Reply(answering::escaped)],
    },
    Personality {
        name: "answers-in-json",
        rulings: &["T6"],
        story: "Requests in XML are answered in JSON, unless the body asks otherwise.",
        freedoms: &[Head(asking::to_be_answered_in_json)],
    },
    Personality {
        name: "in-pieces",
        rulings: &["T9"],
        story: "Answers travel slowly, in small chunks, without their length in front.",
        freedoms: &[InPieces],
    },
    // What requests are taken for.
    Personality {
        name: "last-key-wins",
        rulings: &["T15"],
        story: "In JSON the last of equal keys counts.",
        freedoms: &[Body(asking::last_key_wins)],
    },
    Personality {
        name: "null-refused",
        rulings: &["D2"],
        story: "In JSON a null is refused wherever it stands.",
        freedoms: &[Refuses(asking::has_null)],
    },
    Personality {
        name: "null-is-absent",
        rulings: &["D2"],
        story: "In JSON a key with null is as good as no key.",
        freedoms: &[Body(asking::without_nulls)],
    },
    Personality {
        name: "unknown-parameters-refused",
        rulings: &["T16"],
        story: "In JSON a parameter that is not documented is refused.",
        freedoms: &[Refuses(asking::has_unknown_parameter)],
    },
    Personality {
        name: "guesses-the-format",
        rulings: &["T5"],
        story: "A body without usable content type is taken for what it looks like.",
        freedoms: &[Head(asking::as_it_looks)],
    },
    Personality {
        name: "strict-forms",
        rulings: &["T1", "D6", "M15", "S8"],
        story: "Dates have no time zone but Z, phones their country code, the path no slash, and one spelling counts.",
        freedoms: &[
            Refuses(asking::has_zoned_date),
            Refuses(asking::has_trailing_slash),
            Refuses(asking::has_second_spelling),
            World(|world| world.databases.iter_mut().for_each(|database| database.default_region = None)),
        ],
    },
    Personality {
        name: "few-calls",
        rulings: &["T3"],
        story: "Of the calls around the import there is profiles/get, and no other.",
        freedoms: &[Refuses(asking::is_another_call)],
    },
    Personality {
        name: "small-bodies",
        rulings: &["T13"],
        story: "Bodies of more than 64 KiB are refused.",
        freedoms: &[Http(|settings| settings.body_bytes = 64 * 1024)],
    },
    Personality {
        name: "entities-left-out",
        rulings: &["T14"],
        story: "In XML a document type is skipped, and references to what it declares are left out.",
        freedoms: &[Body(asking::without_entities)],
    },
    // Who is found.
    Personality {
        name: "several-refused",
        rulings: &["M10"],
        story: "Where several profiles match, the request is refused.",
        freedoms: &[World(keeping::refuse_several)],
    },
    Personality {
        name: "newest-of-several",
        rulings: &["M10"],
        story: "Where several profiles match, the newest is updated.",
        freedoms: &[Finds(keeping::newest_first)],
    },
    Personality {
        name: "case-counts-in-emails",
        rulings: &["M14"],
        story: "E-mail addresses that differ in case are different.",
        freedoms: &[Finds(keeping::spelled_alike)],
    },
    Personality {
        name: "only-subscribed-are-found",
        rulings: &["M16"],
        story: "Subscriptions of another status than subscribed are not searched.",
        freedoms: &[Finds(keeping::by_active_subscriptions)],
    },
    Personality {
        name: "messengers-are-found-by-phone",
        rulings: &["M3"],
        story: "phone_sub searches the numbers of messengers too.",
        freedoms: &[Store(keeping::messengers)],
    },
    Personality {
        name: "email-phone-searches-all",
        rulings: &["M4"],
        story: "email_phone searches subscriptions too.",
        freedoms: &[Modes(keeping::email_phone_everywhere)],
    },
    Personality {
        name: "custom-sub-is-a-field",
        rulings: &["M6"],
        story: "custom_sub searches fields of subscriptions only.",
        freedoms: &[Modes(keeping::custom_sub_by_field)],
    },
    Personality {
        name: "values-beside-data-only",
        rulings: &["M11", "M12", "M13", "M17"],
        story: "Matching values count beside data only; they are not copied, choose no mode, and no resource narrows them.",
        freedoms: &[
            Imports(asking::email_unless_said),
            Imports(asking::value_beside_data),
            Imports(asking::on_every_resource),
            Keeps(keeping::no_matching_value),
        ],
    },
    // What is kept.
    Personality {
        name: "unknown-fields-ignored",
        rulings: &["D3"],
        story: "Fields that the database does not have are left out.",
        freedoms: &[World(keeping::ignore_unknown_fields)],
    },
    Personality {
        name: "empty-data-refused",
        rulings: &["D14"],
        story: "An import whose data has no member is refused.",
        freedoms: &[Refuses(asking::has_empty_data)],
    },
    Personality {
        name: "replaces-in-subscriptions",
        rulings: &["S2", "S10"],
        story: "custom_fields and cats of a known subscription are replaced; the first of equal subscriptions counts.",
        freedoms: &[Reads(keeping::without_what_comes_anew), Imports(asking::first_of_equal_subscriptions)],
    },
    Personality {
        name: "unconfirmed-at-first",
        rulings: &["S3", "M16"],
        story: "A new subscription is unconfirmed and of priority 5 unless said otherwise, and not searched before it is subscribed.",
        freedoms: &[Keeps(keeping::unconfirmed_at_first), Finds(keeping::by_active_subscriptions)],
    },
    Personality {
        name: "newest-subscription-first",
        rulings: &["S3"],
        story: "A new subscription gets priority 0 and moves the others down.",
        freedoms: &[World(|world| world.resources.iter_mut().for_each(|resource| resource.raise_priority = true))],
    },
    // All that a SHOULD asks for, left undone.
    Personality {
        name: "minimal",
        rulings: &["T7", "T10", "M1", "D8", "D10", "S1", "S2", "X1"],
        story: "Does what it must and nothing that it only should; a failure has an empty text and profile id.",
        freedoms: &[
            Head(asking::no_token_but_in_the_body),
            Refuses(asking::has_functional_update),
            Refuses(asking::has_ornaments),
            Imports(asking::unknown_mode_is_email),
            Keeps(keeping::phones_added),
            Keeps(keeping::only_given_subscriptions),
            Reply(answering::one_shape),
        ],
    },
    // Several at once, as they come in real servers.
    Personality {
        name: "typed-service",
        rulings: &["T5", "T6", "T8", "T9", "T11", "T15", "T16", "D2", "D3", "M10"],
        story: "A service of a typed language: JSON answers with 200, own numbers and ids; the newest profile, last keys.",
        freedoms: &[
            Http(|settings| settings.always_200 = true),
            Head(asking::as_it_looks),
            Head(asking::to_be_answered_in_json),
            Body(asking::last_key_wins),
            Body(asking::without_nulls),
            Body(asking::from_own_ids),
            World(keeping::ignore_unknown_fields),
            Finds(keeping::newest_first),
            Reply(answering::number_of_its_own),
            Reply(answering::in_own_ids),
            Reply(answering::more_keys),
        ],
    },
    Personality {
        name: "old-monolith",
        rulings: &["T1", "T8", "T9", "D2", "M10", "M14", "M16", "S2", "S3", "X7"],
        story: "A strict one: refuses several, nulls and slashes, minds the case, replaces, confirms, and writes by hand.",
        freedoms: &[
            Reply(answering::minus_one),
            Reply(answering::escaped),
            Refuses(asking::has_null),
            Refuses(asking::has_trailing_slash),
            World(keeping::refuse_several),
            Finds(keeping::spelled_alike),
            Finds(keeping::by_active_subscriptions),
            Reads(keeping::without_what_comes_anew),
            Keeps(keeping::unconfirmed_at_first),
            InPieces,
        ],
    },
];
