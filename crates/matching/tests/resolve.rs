//! Every mode in both directions: it finds a profile by the keys it searches, and by no other; and what happens with
//! several keys, several finds, and values that are missing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

use rollcall_matching::{
    index::ProfileIndex,
    key::{KeySource, LookupKey, Wanted, keys_of},
    mode::{self, MODES},
    plan::{Match, Plan, fields_from_identifiers},
};
use rollcall_model::{
    address::Address,
    channel::{self, AddressKind, Channel},
    database::{Database, DatabaseId, SeveralFound, UnknownFields},
    email::Email,
    field::{FieldDefinition, FieldDefinitions, FieldKind, FieldValue},
    field_change::FieldChange,
    import::{Identifiers, SearchedValue},
    phone::Phone,
    profile::{Profile, ProfileId},
    profile_patch::ProfilePatch,
    resource::{Resource, ResourceId},
    response_code::ResponseCode,
    subscription::Subscription,
    subscription_patch::SubscriptionPatch,
    subscription_status::SubscriptionStatus,
    system_field::{EMAIL, PHONES},
    world::World,
};
use std::convert::Infallible;

/// Profiles in the order of their age.
struct Profiles(Vec<Profile>);

impl ProfileIndex for Profiles {
    type Error = Infallible;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, Infallible> {
        let has_key = |profile: &&Profile| match key.source {
            KeySource::ProfileId => profile.id.to_string() == key.value,
            _ => keys_of(profile).iter().any(|known| {
                (known.source, known.name, &known.value) == (key.source, key.name, &key.value)
                    && (key.resource.is_none() || key.resource == known.resource)
            }),
        };
        let of_database = self.0.iter().filter(|profile| profile.database == database);
        Ok(of_database.filter(has_key).map(|profile| profile.id).take(count).collect())
    }
}

const DATABASE: DatabaseId = DatabaseId(1);
const RESOURCE: ResourceId = ResourceId(1);

fn world() -> World {
    let field = |name: &str, kind| FieldDefinition::new(name.into(), kind);
    let fields = |fields| FieldDefinitions::new(fields).unwrap();
    let bot = Channel { name: "bot".into(), address: AddressKind::Custom { id_field: "id".into() } };
    let channels: Vec<_> = channel::documented().chain([bot]).collect();
    World {
        databases: vec![Database {
            id: DATABASE,
            name: "Customers".into(),
            fields: fields(vec![field("crm", FieldKind::Text), field("tags", FieldKind::Tags)]),
            segments: Vec::new(),
            default_region: None,
            unknown_fields: UnknownFields::Reject,
            several_found: SeveralFound::Oldest,
        }],
        resources: vec![Resource {
            id: RESOURCE,
            name: "Shop".into(),
            databases: vec![DATABASE],
            channels: channels.iter().map(|channel| channel.name.clone()).collect(),
            categories: Vec::new(),
            fields: fields(vec![field("card", FieldKind::Text)]),
            raise_priority: false,
        }],
        channels,
        ..World::default()
    }
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn phone() -> Phone {
    Phone::from_digits(79_000_000_000).unwrap()
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.into())
}

fn profile(age: u8) -> Profile {
    Profile::new(ProfileId([age; 12]), DATABASE)
}

fn with_field(name: &str, value: FieldValue) -> Profile {
    let mut profile = profile(1);
    profile.fields.set(name.into(), value);
    profile
}

fn subscribed(channel: &str, address: Address) -> Profile {
    let mut profile = profile(1);
    profile.subscriptions.push(Subscription {
        status: SubscriptionStatus::Unsubscribed, // whatever the status (M16)
        ..Subscription::new(RESOURCE, channel.into(), address)
    });
    profile
}

fn push(provider: &str) -> Address {
    Address::Push { provider: provider.into(), subscription_id: "token".into() }
}

/// A profile that has the sought value in one place only, and the name of that place.
fn homes() -> Vec<(&'static str, Profile)> {
    let mut with_card = subscribed("telegram_bot", Address::Chat(7));
    with_card.subscriptions[0].custom_fields.set("card".into(), text("42"));
    vec![
        ("profile e-mail", with_field(EMAIL, FieldValue::Email(email("Ann@Example.com")))),
        (
            "profile phone",
            with_field(PHONES, FieldValue::Phones(vec![Phone::from_digits(15_551_234_567).unwrap(), phone()])),
        ),
        ("custom field", with_field("crm", text("42"))),
        ("e-mail subscription", subscribed("email", Address::Email(email("ann@example.com")))),
        ("SMS subscription", subscribed("sms", Address::Phone(phone()))),
        ("messenger subscription", subscribed("whatsapp", Address::Messenger(phone()))),
        ("push subscription", subscribed("push", push("firebase"))),
        ("push subscription of another provider", subscribed("push", push("huawei"))),
        ("custom channel", subscribed("bot", Address::Custom("42".into()))),
        ("subscription field", with_card),
    ]
}

/// A value that fits whatever is called by the name.
fn searched(value: FieldValue) -> SearchedValue {
    SearchedValue { text: "42".into(), of_database: Some(value.clone()), of_subscriptions: vec![value] }
}

/// Identifiers for every mode at once; a mode takes what it searches by.
fn identifiers(field_name: &str) -> Identifiers {
    Identifiers {
        email: Some(email("ann@EXAMPLE.com")),
        phone: Some(phone()),
        profile_id: Some(ProfileId([9; 12])),
        provider: Some("firebase".into()),
        subscription_id: Some("token".into()),
        field_name: Some(field_name.into()),
        field_value: Some(searched(text("42"))),
        resource: None,
    }
}

fn find(
    mode: &str,
    identifiers: &Identifiers,
    patch: &ProfilePatch,
    profiles: Vec<Profile>,
) -> Result<Match, ResponseCode> {
    let world = world();
    let mode = mode::choose(MODES, Some(mode), identifiers).map_err(|refusal| refusal.code)?;
    let plan = Plan::new(mode, Wanted { identifiers, patch }, &world.databases[0], &world);
    let Ok(found) = plan.map_err(|refusal| refusal.code)?.resolve(&Profiles(profiles));
    Ok(found)
}

#[test]
fn each_mode_finds_where_it_searches_and_nowhere_else() {
    let searched: &[(&str, &str, &[&str])] = &[
        ("email", "crm", &["profile e-mail", "e-mail subscription"]),
        ("email_profile", "crm", &["profile e-mail"]),
        ("email_sub", "crm", &["e-mail subscription"]),
        ("phone", "crm", &["profile phone", "SMS subscription"]),
        ("phone_sub", "crm", &["SMS subscription"]),
        ("profile_id", "crm", &[]),
        ("push_sub", "crm", &["push subscription"]),
        ("custom", "crm", &["custom field"]),
        ("custom_sub", "bot", &["custom channel"]),
        ("custom_sub", "card", &["subscription field"]),
        ("email_phone", "crm", &["profile e-mail", "profile phone"]),
        ("email_phone_sub", "crm", &["e-mail subscription", "SMS subscription"]),
    ];
    for (mode, field_name, homes_searched) in searched {
        for (home, profile) in homes() {
            let expected = if homes_searched.contains(&home) { Match::One(profile.id) } else { Match::Nobody };
            let found = find(mode, &identifiers(field_name), &ProfilePatch::default(), vec![profile]);
            assert_eq!(found, Ok(expected), "mode {mode}, value in {home}");
        }
    }
    let covered = |mode: &mode::Mode| searched.iter().any(|(name, ..)| *name == mode.name);
    assert!(MODES.iter().all(covered), "a mode without a row here");
}

#[test]
fn a_profile_is_found_by_its_identifier() {
    let (mut known, unknown) = (profile(9), profile(8));
    assert_eq!(
        find("profile_id", &identifiers("crm"), &ProfilePatch::default(), vec![unknown, known.clone()]),
        Ok(Match::One(known.id))
    );
    known.database = DatabaseId(2);
    assert_eq!(find("profile_id", &identifiers("crm"), &ProfilePatch::default(), vec![known]), Ok(Match::Nobody));
}

#[test]
fn the_first_key_that_finds_anybody_decides() {
    let (_, mut by_subscription) = homes().swap_remove(3);
    let (_, mut by_email) = homes().swap_remove(0);
    (by_subscription.id, by_email.id) = (ProfileId([1; 12]), ProfileId([2; 12]));
    let everybody = vec![by_subscription.clone(), by_email.clone()];
    let found = |mode| find(mode, &identifiers("crm"), &ProfilePatch::default(), everybody.clone());
    assert_eq!(
        found("email"),
        Ok(Match::One(by_email.id)),
        "the profile's own e-mail comes first, though it is younger"
    );
    assert_eq!(found("email_sub"), Ok(Match::One(by_subscription.id)));
}

#[test]
fn the_oldest_of_several_comes_first() {
    let aged = |age| Profile { id: ProfileId([age; 12]), ..with_field("crm", text("42")) };
    let found = find("custom", &identifiers("crm"), &ProfilePatch::default(), vec![aged(3), aged(5)]);
    assert_eq!(found, Ok(Match::Several(ProfileId([3; 12]))));
}

#[test]
fn tags_are_found_by_all_that_are_asked_for_in_any_order() {
    let tags = |tags: &[&str]| FieldValue::Tags(tags.iter().map(|tag| (*tag).into()).collect());
    let found = |asked: &[&str]| {
        let identifiers = Identifiers { field_value: Some(searched(tags(asked))), ..identifiers("tags") };
        find("custom", &identifiers, &ProfilePatch::default(), vec![with_field("tags", tags(&["a", "b", "c"]))])
            .unwrap()
    };
    assert_eq!(found(&["c", "a"]), Match::One(ProfileId([1; 12])));
    assert_eq!(found(&["a", "d"]), Match::Nobody);
}

#[test]
fn a_resource_narrows_look_ups_among_subscriptions() {
    let (_, profile) = homes().swap_remove(3);
    let found = |resource| {
        let identifiers = Identifiers { resource: Some(ResourceId(resource)), ..identifiers("crm") };
        find("email_sub", &identifiers, &ProfilePatch::default(), vec![profile.clone()])
    };
    assert_eq!(found(1), Ok(Match::One(profile.id)));
    assert_eq!(found(2), Ok(Match::Nobody));
}

#[test]
fn a_missing_value_is_taken_from_data() {
    let patch = ProfilePatch {
        fields: vec![
            (EMAIL.into(), FieldChange::Set(FieldValue::Email(email("ann@example.com")))),
            (
                PHONES.into(),
                FieldChange::Set(FieldValue::Phones(vec![Phone::from_digits(12_345_678).unwrap(), phone()])),
            ),
            ("crm".into(), FieldChange::Set(text("42"))),
        ],
        ..ProfilePatch::default()
    };
    let only_a_name = Identifiers { field_name: Some("crm".into()), ..Identifiers::default() };
    for (mode, place) in [("email", 0), ("phone", 1), ("custom", 2), ("email_sub", 3), ("phone_sub", 4)] {
        let (home, profile) = homes().swap_remove(place);
        assert_eq!(
            find(mode, &only_a_name, &patch, vec![profile]),
            Ok(Match::One(ProfileId([1; 12]))),
            "{mode}, {home}"
        );
    }
}

/// What `data` says where it brings subscriptions under these addresses.
fn subscribing(addresses: &[(&str, Address)]) -> ProfilePatch {
    let subscription = |(position, (channel, address)): (usize, &(&str, Address))| {
        SubscriptionPatch::new(position, RESOURCE, (*channel).into(), address.clone())
    };
    let subscriptions = addresses.iter().enumerate().map(subscription).collect();
    ProfilePatch { subscriptions, ..ProfilePatch::default() }
}

#[test]
fn a_missing_push_token_is_taken_from_any_subscription_in_data() {
    let (_, profile) = homes().swap_remove(6);
    let found = |patch| find("push_sub", &Identifiers::default(), &patch, vec![profile.clone()]);
    let chat = ("telegram_bot", Address::Chat(7));
    assert_eq!(found(subscribing(&[chat.clone(), ("push", push("firebase"))])), Ok(Match::One(profile.id)));
    assert_eq!(found(subscribing(&[("push", push("huawei"))])), Ok(Match::Nobody), "another provider");
    assert_eq!(found(subscribing(&[chat])), Err(ResponseCode::MissingParameter), "no push token at all");
}

#[test]
fn a_missing_address_on_a_custom_channel_is_taken_from_the_subscriptions_on_it() {
    let (_, profile) = homes().swap_remove(8);
    let only_a_name = Identifiers { field_name: Some("bot".into()), ..Identifiers::default() };
    let found = |patch| find("custom_sub", &only_a_name, &patch, vec![profile.clone()]);
    let address = |id: &str| Address::Custom(id.into());
    assert_eq!(found(subscribing(&[("bot", address("42"))])), Ok(Match::One(profile.id)));
    assert_eq!(found(subscribing(&[("bot", address("43"))])), Ok(Match::Nobody));
    for other in [("other_bot", address("42")), ("telegram_bot", Address::Chat(42))] {
        assert_eq!(found(subscribing(&[other])), Err(ResponseCode::MissingParameter), "not on this channel");
    }
}

#[test]
fn a_key_has_a_resource_exactly_where_it_is_of_a_subscription() {
    for (home, profile) in homes() {
        for key in keys_of(&profile) {
            assert_eq!(key.resource.is_some(), key.source.is_of_subscriptions(), "{home}");
        }
    }
    assert!(!KeySource::ProfileId.is_of_subscriptions());
}

#[test]
fn a_refused_search_names_what_it_lacks() {
    let refusal = |mode: &str, identifiers: &Identifiers| {
        let (world, nothing) = (world(), ProfilePatch::default());
        let mode = mode::choose(MODES, Some(mode), identifiers).unwrap();
        let wanted = Wanted { identifiers, patch: &nothing };
        Plan::new(mode, wanted, &world.databases[0], &world).unwrap_err().to_string()
    };
    let lacks = |parameter: &str| format!("Incorrect request: parameter is missing: {parameter}");
    let none = Identifiers::default;
    let only_a_token = Identifiers { subscription_id: Some("token".into()), ..none() };
    let only_a_provider = Identifiers { provider: Some("firebase".into()), ..none() };
    assert_eq!(refusal("push_sub", &only_a_token), lacks("provider"));
    assert_eq!(refusal("push_sub", &only_a_provider), lacks("subscription_id"));
    assert_eq!(refusal("phone", &only_a_token), lacks("phone"), "the token is no matter of this mode");
    let value_for_another_mode = Identifiers { field_value: Some(searched(text("42"))), ..none() };
    assert_eq!(refusal("email", &value_for_another_mode), lacks("email"));
    let only_a_name = Identifiers { field_name: Some("crm".into()), ..none() };
    assert_eq!(refusal("custom", &only_a_name), lacks("field_value"));
    let unfit = SearchedValue { text: "42".into(), of_database: None, of_subscriptions: Vec::new() };
    let unsearchable = Identifiers { field_value: Some(unfit), ..only_a_name };
    let expected = "Incorrect request: incorrect value: field_value: cannot be searched for";
    assert_eq!(refusal("custom", &unsearchable), expected);
}

#[test]
fn refuses_a_search_for_nothing_or_in_something_unknown() {
    let nothing = Identifiers::default();
    for mode in MODES {
        assert_eq!(
            find(mode.name, &nothing, &ProfilePatch::default(), Vec::new()),
            Err(ResponseCode::MissingParameter),
            "{}",
            mode.name
        );
    }
    for (mode, name) in
        [("custom", "nosuch"), ("custom", "_fname"), ("custom", "bot"), ("custom_sub", "crm"), ("custom_sub", "sms")]
    {
        let found = find(mode, &identifiers(name), &ProfilePatch::default(), Vec::new());
        assert_eq!(found, Err(ResponseCode::IncorrectValue), "{mode} by {name}");
    }
    let half = Identifiers { provider: None, ..identifiers("crm") };
    assert_eq!(find("push_sub", &half, &ProfilePatch::default(), Vec::new()), Err(ResponseCode::MissingParameter));
}

#[test]
fn a_created_profile_gets_the_matching_values_that_data_lacks() {
    let identifiers = identifiers("crm");
    let names = |mode: &str, patch: &ProfilePatch| -> Vec<String> {
        let mode = mode::choose(MODES, Some(mode), &identifiers).unwrap();
        let fields = fields_from_identifiers(mode, Wanted { identifiers: &identifiers, patch });
        fields.iter().map(|(name, _)| name.to_string()).collect()
    };
    let nothing = ProfilePatch::default();
    assert_eq!(names("email", &nothing), ["email"]);
    assert_eq!(names("email_phone", &nothing), ["email", "phones"]);
    assert_eq!(names("custom", &nothing), ["crm"]);
    assert_eq!(names("email_sub", &nothing), [] as [&str; 0], "there is no subscription to write it to");
    let given = ProfilePatch {
        fields: vec![(EMAIL.into(), FieldChange::Set(FieldValue::Email(email("other@example.com"))))],
        ..ProfilePatch::default()
    };
    assert_eq!(names("email_phone", &given), ["phones"]);
}
