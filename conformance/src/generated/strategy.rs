//! How imports are drawn: proptest strategies over pools so small that the imports of a sequence meet each other.
//!
//! What cannot be sent to this world is mended later, in `settle`.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};

use super::import::{
    Address, Arrays, Bad, Call, Custom, Data, Database, Defect, Flags, Import, Key, Messenger, Mode, Pick, Push,
    Resource, Spelling, Status, Subscription,
};

/// How many e-mails, phones, words ... there are.
const POOL: Pick = 3;
/// A place in each pool that only a refused import uses, so that a search for it must find nobody.
const TRACE: Pick = POOL;

/// Two to twelve imports; now and then one of them is wrong.
pub(super) fn sequence() -> impl Strategy<Value = Vec<Import>> {
    vec(import(), 2..=12)
}

/// As a sequence, with updates and deletions among the imports.
pub(super) fn calls() -> impl Strategy<Value = Vec<Import>> {
    let call = prop_oneof![4 => Just(Call::Import), 1 => Just(Call::Update), 1 => Just(Call::Delete)];
    let either = (import(), call).prop_map(|(import, call)| Import { call, ..import });
    vec(either, 4..=12)
}

/// A few imports, one with one thing wrong, and searches for what it would have stored.
pub(super) fn near_miss() -> impl Strategy<Value = Vec<Import>> {
    let wrong = (import(), defect(), any::<bool>()).prop_map(|(import, defect, finds)| wrong(import, defect, finds));
    let searches = subsequence(trace_searches(), 1..=trace_searches().len());
    (vec(import().prop_map(sound), 1..=3), wrong, searches).prop_map(|(mut imports, wrong, searches)| {
        imports.push(wrong);
        imports.extend(searches);
        imports
    })
}

fn sound(import: Import) -> Import {
    Import { defect: None, data: Data { bad: None, ..import.data.clone() }, ..import }
}

/// A request that would leave a trace in every pool. It is an update of somebody if `finds`.
fn wrong(import: Import, defect: Result<Defect, Bad>, finds: bool) -> Import {
    let pick = if finds { 0 } else { TRACE };
    let subscribed = |address| Subscription {
        resource: Resource::Main,
        address,
        status: Some(Status::Subscribed),
        priority: None,
        categories: None,
        field: None,
    };
    let data = Data {
        email: Some(TRACE),
        phones: Some(vec![TRACE]),
        word: Some(TRACE),
        number: None,
        name: Some(0),
        subscriptions: vec![
            subscribed(Address::Sms(TRACE)),
            subscribed(Address::Push(Push { provider: 0, token: TRACE })),
        ],
        bad: defect.err(),
    };
    let key = Key { email: Some(pick), ..Key::default() };
    let flags = Flags { skip_invalid: import.flags.skip_invalid.filter(|skip| !skip), ..import.flags };
    Import {
        call: Call::Import,
        database: Database::Main,
        mode: Mode::Email,
        key,
        data,
        flags,
        spelling: import.spelling,
        defect: defect.ok(),
    }
}

/// One import for each pool, which finds nobody unless the refused one left a trace.
fn trace_searches() -> Vec<Import> {
    let search = |mode, key| Import {
        call: Call::Import,
        database: Database::Main,
        mode,
        key,
        data: Data { name: Some(0), ..Data::default() },
        flags: Flags::default(),
        spelling: Spelling { order: 0, arrays: Arrays::Single },
        defect: None,
    };
    vec![
        search(Mode::Custom, Key { custom: Some(Custom::Word(TRACE)), ..Key::default() }),
        search(Mode::PhoneSub, Key { phone: Some(TRACE), ..Key::default() }),
        search(Mode::PushSub, Key { push: Some(Push { provider: 0, token: TRACE }), ..Key::default() }),
        search(Mode::EmailProfile, Key { email: Some(TRACE), ..Key::default() }),
    ]
}

fn import() -> impl Strategy<Value = Import> {
    let database = prop_oneof![9 => Just(Database::Main), 1 => Just(Database::Other)];
    let wrong = option::weighted(0.03, defect());
    (database, mode(), key(), data(), flags(), spelling(), (any::<u8>(), any::<u8>()), wrong).prop_map(
        |(database, mode, full, mut data, flags, spelling, (beside, echo), wrong)| {
            let key = key_of(mode, &full, beside);
            // The matching value stands in `data` too, as a rule: whether it is stored otherwise is free (M13).
            if echo < 200 {
                echo_key(mode, &key, &mut data);
            }
            data.bad = wrong.and_then(Result::err);
            let defect = wrong.and_then(Result::ok);
            Import { call: Call::Import, database, mode, key, data, flags, spelling, defect }
        },
    )
}

/// `custom_sub` is drawn seldom, since what it finds is free; so are the values that a mode does not search by.
fn mode() -> impl Strategy<Value = Mode> {
    let usual: Vec<Mode> = Mode::ALL.into_iter().filter(|mode| *mode != Mode::CustomSub).collect();
    prop_oneof![40 => select(usual), 1 => Just(Mode::CustomSub)]
}

fn key() -> impl Strategy<Value = Key> {
    (0..POOL, 0..POOL, custom(), push(), 0..6_usize).prop_map(|(email, phone, custom, push, profile)| Key {
        email: Some(email),
        phone: Some(phone),
        custom: Some(custom),
        push: Some(push),
        profile: Some(profile),
    })
}

/// The values that a mode searches by and, for a small `beside`, others which must not matter.
fn key_of(mode: Mode, full: &Key, beside: u8) -> Key {
    let none = Key::default();
    let (email, phone) = (full.email, full.phone);
    let mut key = match mode {
        Mode::Default | Mode::Email | Mode::EmailProfile | Mode::EmailSub => Key { email, ..none },
        Mode::Phone | Mode::PhoneSub => Key { phone, ..none },
        Mode::ProfileId => Key { profile: full.profile, ..none },
        Mode::PushSub => Key { push: full.push, ..none },
        Mode::Custom | Mode::CustomSub => Key { custom: full.custom, ..none },
        Mode::EmailPhone | Mode::EmailPhoneSub => {
            Key { email: email.filter(|_| beside != 1), phone: phone.filter(|_| beside != 2), ..none }
        }
    };
    let is_for_two = matches!(mode, Mode::EmailPhone | Mode::EmailPhoneSub);
    if (3..40).contains(&beside) && !is_for_two {
        key.phone = key.phone.or(phone);
        key.email = key.email.or(email.filter(|_| beside.is_multiple_of(2)));
    }
    key
}

fn echo_key(mode: Mode, key: &Key, data: &mut Data) {
    let subscribe = |data: &mut Data, address| {
        let is_there = data.subscriptions.iter().any(|one| one.address == address && one.resource == Resource::Main);
        if !is_there {
            let (resource, status) = (Resource::Main, Some(Status::Subscribed));
            let (priority, categories, field) = (None, None, None);
            data.subscriptions.push(Subscription { resource, address, status, priority, categories, field });
        }
    };
    match mode {
        Mode::EmailSub | Mode::EmailPhoneSub => {
            key.email.into_iter().for_each(|email| subscribe(data, Address::Email(email)));
        }
        Mode::PhoneSub => key.phone.into_iter().for_each(|phone| subscribe(data, Address::Sms(phone))),
        Mode::PushSub => key.push.into_iter().for_each(|push| subscribe(data, Address::Push(push))),
        Mode::Phone => data.phones = key.phone.map(|phone| vec![phone]).or(data.phones.take()),
        Mode::Default | Mode::Email | Mode::EmailProfile | Mode::EmailPhone => data.email = key.email.or(data.email),
        Mode::Custom | Mode::CustomSub => match key.custom {
            Some(Custom::Word(pick)) => data.word = Some(pick),
            Some(Custom::Number(pick)) => data.number = Some(pick),
            None => {}
        },
        Mode::ProfileId => {}
    }
}

fn data() -> impl Strategy<Value = Data> {
    let phones = option::weighted(0.3, subsequence((0..POOL).collect::<Vec<_>>(), 1..=2));
    let pick = |likely: f64| option::weighted(likely, 0..POOL);
    let subscriptions = prop_oneof![3 => Just(Vec::new()), 2 => vec(subscription(), 1..=3)];
    (pick(0.15), phones, pick(0.25), pick(0.2), option::weighted(0.5, 0..6_u8), subscriptions).prop_map(
        |(email, phones, word, number, name, subscriptions)| {
            let (subscriptions, bad) = (without_repeats(subscriptions), None);
            Data { email, phones, word, number, name, subscriptions, bad }
        },
    )
}

/// What one subscription given twice does is free (S10).
fn without_repeats(drawn: Vec<Subscription>) -> Vec<Subscription> {
    let mut kept: Vec<Subscription> = Vec::new();
    for one in drawn {
        if !kept.iter().any(|other| other.address == one.address) {
            kept.push(one);
        }
    }
    kept
}

fn subscription() -> impl Strategy<Value = Subscription> {
    let resource = prop_oneof![3 => Just(Resource::Main), 1 => Just(Resource::Other)];
    let others = select(vec![Status::Unsubscribed, Status::Suspended]);
    let status = prop_oneof![8 => Just(Some(Status::Subscribed)), 1 => others.prop_map(Some), 1 => Just(None)];
    let (priority, categories) = (option::weighted(0.2, 0..10_u8), option::weighted(0.2, 1..=2_u8));
    (resource, address(), status, priority, categories, option::weighted(0.2, 0..6_u8)).prop_map(
        |(resource, address, status, priority, categories, field)| Subscription {
            resource,
            address,
            status,
            priority,
            categories,
            field,
        },
    )
}

fn address() -> impl Strategy<Value = Address> {
    let messenger = select(vec![Messenger::Whatsapp, Messenger::Viber, Messenger::Notify]);
    prop_oneof![
        4 => (0..POOL).prop_map(Address::Email),
        4 => (0..POOL).prop_map(Address::Sms),
        3 => push().prop_map(Address::Push),
        1 => (0..POOL).prop_map(Address::Telegram),
        1 => (messenger, 0..POOL).prop_map(|(messenger, pick)| Address::Messenger(messenger, pick)),
    ]
}

fn push() -> impl Strategy<Value = Push> {
    (0..2_u8, 0..2_u8).prop_map(|(provider, token)| Push { provider, token })
}

fn custom() -> impl Strategy<Value = Custom> {
    prop_oneof![3 => (0..POOL).prop_map(Custom::Word), 1 => (0..POOL).prop_map(Custom::Number)]
}

fn flags() -> impl Strategy<Value = Flags> {
    let flag = |likely: f64| option::weighted(likely, any::<bool>());
    (flag(0.2), flag(0.1), flag(0.1), proptest::bool::weighted(0.1)).prop_map(
        |(skip_invalid, skip_triggers, detect_geo, segment)| Flags { skip_invalid, skip_triggers, detect_geo, segment },
    )
}

fn spelling() -> impl Strategy<Value = Spelling> {
    let arrays = prop_oneof![
        12 => Just(Arrays::Single),
        3 => Just(Arrays::Double),
        2 => Just(Arrays::None),
        1 => Just(Arrays::All),
        1 => Just(Arrays::First),
    ];
    (0..64_u32, arrays).prop_map(|(order, arrays)| Spelling { order, arrays })
}

/// A defect, or what is bad with a subscription.
fn defect() -> impl Strategy<Value = Result<Defect, Bad>> {
    let fixed = vec![
        Ok(Defect::NoToken),
        Ok(Defect::WrongToken),
        Ok(Defect::NoDatabase),
        Ok(Defect::WrongDatabase),
        Ok(Defect::NoData),
        Ok(Defect::ListForData),
        Ok(Defect::TextForData),
        Ok(Defect::Trailing),
        Ok(Defect::NotUtf8),
        Ok(Defect::UnknownProfile),
        Err(Bad::Resource),
        Err(Bad::Channel),
        Err(Bad::Address),
    ];
    prop_oneof![3 => select(fixed), 1 => (0..100_u8).prop_map(|hundredths| Ok(Defect::Cut(hundredths)))]
}
