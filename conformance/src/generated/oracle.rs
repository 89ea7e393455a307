//! The reference model: what each import of a sequence must be answered.
//!
//! Plain vectors and no cleverness; it knows nothing of any implementation. Where the rulings leave a point free, the
//! model does not guess: it only keeps what is certain either way, and predicts [`Prediction::Free`] where nothing is.

use super::import::{Address, Call, Custom, Data, Database, Import, Mode, Pick, Resource, Status, Subscription};

/// How much of the rulings is taken as given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Only what everybody must do.
    Must,
    /// What everybody should do as well.
    Should,
}

/// What a step must be answered. Steps are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prediction {
    /// An id that was not answered before.
    New,
    /// The id of the profile that this step made.
    Same(usize),
    /// The id of a profile that one of these steps made, or a refusal (M10).
    OneOf(Vec<usize>),
    /// A refusal which changes nothing.
    Refused,
    /// Anything that can be read: it is left to the implementation.
    Free,
}

/// The state that a sequence of imports leads to.
#[derive(Debug)]
pub(super) struct Oracle {
    reading: Reading,
    profiles: Vec<Profile>,
    steps: usize,
}

/// What is believed of one profile.
#[derive(Debug)]
struct Profile {
    /// The step that made it.
    step: usize,
    /// False if that step may have done something else, so that its answer is not this profile's id for certain.
    exists: bool,
    database: Database,
    facts: Vec<(Fact, Belief)>,
}

/// Something a profile can be found by.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fact {
    Email(Pick),
    Phone(Pick),
    Custom(Custom),
    Subscription(Resource, Address),
}

/// How sure it is that a search finds the profile by a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// For certain.
    Held,
    /// This profile or another one with the same fact, and one of them for certain.
    Shared,
    /// Perhaps.
    Perhaps,
}

/// Where a mode looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    ProfileEmail,
    ProfilePhone,
    CustomField,
    EmailSubscription,
    SmsSubscription,
    MessengerSubscription,
    PushSubscription,
}

/// The places that a mode searches, and those which an implementation may search too.
fn places(mode: Mode) -> (&'static [Place], &'static [Place]) {
    use Place::{
        CustomField, EmailSubscription, MessengerSubscription, ProfileEmail, ProfilePhone, PushSubscription,
        SmsSubscription,
    };
    match mode {
        Mode::Default | Mode::Email => (&[ProfileEmail, EmailSubscription], &[]),
        Mode::EmailProfile => (&[ProfileEmail], &[]),
        Mode::EmailSub => (&[EmailSubscription], &[]),
        Mode::Phone => (&[ProfilePhone, SmsSubscription], &[MessengerSubscription]),
        Mode::PhoneSub => (&[SmsSubscription], &[MessengerSubscription]), // M3
        Mode::PushSub => (&[PushSubscription], &[]),
        Mode::Custom => (&[CustomField], &[]),
        Mode::EmailPhone => {
            (&[ProfileEmail, ProfilePhone], &[EmailSubscription, SmsSubscription, MessengerSubscription]) // M4
        }
        Mode::EmailPhoneSub => (&[EmailSubscription, SmsSubscription], &[MessengerSubscription]),
        Mode::ProfileId | Mode::CustomSub => (&[], &[]), // no place of a profile: an id, and a reading that is free (M6)
    }
}

impl Place {
    /// True if somebody with this fact is found here.
    fn finds(self, import: &Import, fact: &Fact) -> bool {
        let key = &import.key;
        match (self, fact) {
            (Self::ProfileEmail, Fact::Email(email))
            | (Self::EmailSubscription, Fact::Subscription(_, Address::Email(email))) => key.email == Some(*email),
            (Self::ProfilePhone, Fact::Phone(phone))
            | (Self::SmsSubscription, Fact::Subscription(_, Address::Sms(phone)))
            | (Self::MessengerSubscription, Fact::Subscription(_, Address::Messenger(_, phone))) => {
                key.phone == Some(*phone)
            }
            (Self::CustomField, Fact::Custom(custom)) => key.custom == Some(*custom),
            (Self::PushSubscription, Fact::Subscription(_, Address::Push(push))) => key.push == Some(*push),
            _ => false,
        }
    }
}

/// Who is found: positions of profiles.
#[derive(Debug, Default)]
struct Found {
    held: Vec<usize>,
    shared: Vec<usize>,
    perhaps: Vec<usize>,
}

impl Found {
    fn all(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.held.iter().chain(&self.shared).chain(&self.perhaps).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Oracle {
    /// A model in which nothing is stored yet.
    pub(super) fn new(reading: Reading) -> Self {
        Self { reading, profiles: Vec::new(), steps: 0 }
    }

    /// What the next step must be answered; the model goes on from there.
    pub(super) fn predict(&mut self, import: &Import) -> Prediction {
        let prediction = self.outcome(import);
        self.steps += 1;
        prediction
    }

    /// The steps so far that made a profile for certain, so that their answers are its id, and where it is.
    pub(super) fn made(&self) -> Vec<(usize, Database)> {
        self.profiles.iter().filter(|one| one.exists).map(|one| (one.step, one.database)).collect()
    }

    fn outcome(&mut self, import: &Import) -> Prediction {
        if import.defect.is_some() || import.fails_by_subscription() {
            return Prediction::Refused;
        }
        if let (Call::Update | Call::Delete, Some(place)) = (import.call, self.only_match(import)) {
            let prediction = match import.call {
                Call::Delete => self.delete(place),
                _ => self.update(place, import),
            };
            return if self.reading == Reading::Should { prediction } else { Prediction::Free };
        }
        match import.mode {
            Mode::ProfileId => self.by_id(import),
            Mode::CustomSub => self.unforeseeable(import, Found { perhaps: self.everybody(), ..Found::default() }),
            _ => self.by_search(import),
        }
    }

    fn by_id(&mut self, import: &Import) -> Prediction {
        let place = self.profiles.iter().position(|one| Some(one.step) == import.key.profile);
        match place {
            Some(place) if self.profiles[place].database == import.database => self.update(place, import),
            _ => Prediction::Refused, // M8, M18: nobody in this database has the id
        }
    }

    fn by_search(&mut self, import: &Import) -> Prediction {
        if gives_one_of_two(import) && (self.reading == Reading::Must || gives_other_in_data(import)) {
            return self.unforeseeable(import, Found { perhaps: self.everybody(), ..Found::default() }); // M4, M11
        }
        let found = self.search(import);
        match (found.held.as_slice(), found.all().as_slice()) {
            (_, []) => self.create(import),
            ([one], [_]) => self.update(*one, import),
            ([], _) if found.shared.is_empty() => self.unforeseeable(import, found),
            (_, all) => self.one_of_several(all.to_vec(), import),
        }
    }

    fn search(&self, import: &Import) -> Found {
        let (searched, perhaps_searched) = places(import.mode);
        let mut found = Found::default();
        for (place, profile) in self.profiles.iter().enumerate().filter(|(_, one)| one.database == import.database) {
            let beliefs = |places: &[Place]| {
                let is_found = |fact: &Fact| places.iter().any(|place| place.finds(import, fact));
                profile.facts.iter().filter(|(fact, _)| is_found(fact)).map(|(_, belief)| *belief).collect::<Vec<_>>()
            };
            let beliefs = (beliefs(searched), beliefs(perhaps_searched));
            match beliefs {
                (sure, _) if sure.contains(&Belief::Held) => found.held.push(place),
                (sure, _) if sure.contains(&Belief::Shared) => found.shared.push(place),
                (sure, unsure) if sure.is_empty() && unsure.is_empty() => {}
                _ => found.perhaps.push(place),
            }
        }
        found
    }

    /// The one profile that is found for certain, if there is no doubt about it.
    pub(super) fn only_match(&self, import: &Import) -> Option<usize> {
        let found = match import.mode {
            Mode::CustomSub => return None,
            Mode::ProfileId => {
                let is_meant = |one: &Profile| Some(one.step) == import.key.profile && one.database == import.database;
                return self.profiles.iter().position(|one| is_meant(one) && one.exists);
            }
            _ if gives_one_of_two(import) => return None,
            _ => self.search(import),
        };
        match (found.held.as_slice(), found.all().as_slice()) {
            (&[one], [_]) if self.profiles[one].exists => Some(one),
            _ => None,
        }
    }

    fn delete(&mut self, place: usize) -> Prediction {
        for (fact, _) in self.facts(place, |_| true) {
            self.weaken(place, &fact); // whoever shared it with this one has it no more for certain
        }
        Prediction::Same(self.profiles.remove(place).step)
    }

    fn everybody(&self) -> Vec<usize> {
        (0..self.profiles.len()).collect()
    }

    fn create(&mut self, import: &Import) -> Prediction {
        if self.may_conflict(None, import) {
            return self.unforeseeable(import, Found::default());
        }
        let place = self.add_profile(true, import.database);
        self.give(place, import);
        self.give_matching_value(place, import);
        Prediction::New
    }

    fn update(&mut self, place: usize, import: &Import) -> Prediction {
        if self.may_conflict(Some(place), import) {
            let held = vec![place];
            return self.unforeseeable(import, Found { held, ..Found::default() });
        }
        self.give(place, import);
        match self.profiles[place].exists {
            true => Prediction::Same(self.profiles[place].step),
            false => Prediction::Free, // it is that of a step which may have been answered in another way
        }
    }

    /// M10: one of them is updated, or the import is refused.
    fn one_of_several(&mut self, places: Vec<usize>, import: &Import) -> Prediction {
        let are_known = places.iter().all(|&place| self.profiles[place].exists);
        let conflicts = places.iter().any(|&place| self.may_conflict(Some(place), import));
        for &place in &places {
            self.give_perhaps(place, import);
        }
        match are_known && !conflicts {
            true => Prediction::OneOf(places.iter().map(|&place| self.profiles[place].step).collect()),
            false => Prediction::Free,
        }
    }

    /// Whatever happens, it happens to those found, to a new profile, or to nobody.
    fn unforeseeable(&mut self, import: &Import, found: Found) -> Prediction {
        for place in found.all() {
            if self.profiles[place].database == import.database {
                self.give_perhaps(place, import);
            }
        }
        if found.held.is_empty() {
            let new = self.add_profile(false, import.database);
            self.give_perhaps(new, import);
            self.give_matching_value(new, import);
        }
        Prediction::Free
    }

    fn add_profile(&mut self, exists: bool, database: Database) -> usize {
        self.profiles.push(Profile { step: self.steps, exists, database, facts: Vec::new() });
        self.profiles.len() - 1
    }

    /// True if another profile may have an address that the import gives away: what happens then is free (D9, S1).
    fn may_conflict(&self, place: Option<usize>, import: &Import) -> bool {
        let has = |fact: Fact| {
            let holds = |one: &Profile| one.facts.iter().any(|(held, _)| is_same_address(held, &fact));
            let others = self
                .profiles
                .iter()
                .enumerate()
                .filter(|(other, one)| Some(*other) != place && one.database == import.database);
            others.map(|(_, one)| one).any(holds)
        };
        // A created profile may be given the matching e-mail as its own (M13), unless a subscription was looked for.
        let is_given_key = place.is_none() && !searches_subscriptions_only(import.mode);
        let email = import.data.email.or(import.key.email.filter(|_| is_given_key));
        let is_owned = email.is_some_and(|email| has(Fact::Email(email)));
        is_owned || import.data.subscriptions.iter().any(|one| has(fact_of(one)))
    }
}

fn searches_subscriptions_only(mode: Mode) -> bool {
    matches!(mode, Mode::EmailSub | Mode::PhoneSub | Mode::EmailPhoneSub)
}

/// The modes for e-mail or phone with one of the two.
fn gives_one_of_two(import: &Import) -> bool {
    let is_both = matches!(import.mode, Mode::EmailPhone | Mode::EmailPhoneSub);
    is_both && (import.key.email.is_none() || import.key.phone.is_none())
}

/// Whether a matching value that stands only in `data` is searched by is free (M11).
fn gives_other_in_data(import: &Import) -> bool {
    let (key, data) = (&import.key, &import.data);
    let has_email =
        data.email.is_some() || data.subscriptions.iter().any(|one| matches!(one.address, Address::Email(_)));
    let has_phone =
        data.phones.is_some() || data.subscriptions.iter().any(|one| matches!(one.address, Address::Sms(_)));
    (key.email.is_none() && has_email) || (key.phone.is_none() && has_phone)
}

fn fact_of(subscription: &Subscription) -> Fact {
    Fact::Subscription(subscription.resource, subscription.address)
}

/// An address is the same on every resource: what an implementation takes for its owner is free.
fn is_same_address(one: &Fact, other: &Fact) -> bool {
    match (one, other) {
        (Fact::Subscription(_, one), Fact::Subscription(_, other)) => one == other,
        (one, other) => one == other,
    }
}

/// What an import that is carried out on a certain profile does to it.
impl Oracle {
    fn give(&mut self, place: usize, import: &Import) {
        let Data { email, word, number, phones, subscriptions, .. } = &import.data;
        let words = word.map(|word| Fact::Custom(Custom::Word(word)));
        let numbers = number.map(|number| Fact::Custom(Custom::Number(number)));
        for fact in [email.map(Fact::Email), words, numbers].into_iter().flatten() {
            self.replace(place, fact);
        }
        if let Some(phones) = phones {
            self.replace_phones(place, phones);
        }
        if !subscriptions.is_empty() || import.data.bad.is_some() {
            self.subscribe(place, subscriptions);
        }
    }

    /// A field gets its value. That searches follow a changed value is a SHOULD (D1 speaks of absent fields only).
    fn replace(&mut self, place: usize, fact: Fact) {
        let former = self.facts(place, |held| is_of_one_field(held, &fact));
        let belief = match (former.as_slice(), self.reading) {
            ([], _) | (_, Reading::Should) => Belief::Held,
            ([(same, belief)], _) if *same == fact => *belief,
            _ => Belief::Perhaps,
        };
        for (other, _) in former.into_iter().filter(|(held, _)| *held != fact) {
            self.weaken_or_forget(place, &other);
        }
        self.believe(place, fact, belief);
    }

    /// D8: that a list replaces the former one is a SHOULD.
    fn replace_phones(&mut self, place: usize, phones: &[Pick]) {
        let former = self.facts(place, |fact| matches!(fact, Fact::Phone(_)));
        let new = if former.is_empty() || self.reading == Reading::Should { Belief::Held } else { Belief::Perhaps };
        for phone in phones {
            let fact = Fact::Phone(*phone);
            let known = former.iter().find(|(held, _)| *held == fact).map(|(_, belief)| *belief);
            let belief = if self.reading == Reading::Should { new } else { known.unwrap_or(new) };
            self.believe(place, fact, belief);
        }
        for (fact, _) in former {
            if !matches!(fact, Fact::Phone(phone) if phones.contains(&phone)) {
                self.weaken_or_forget(place, &fact);
            }
        }
    }

    fn subscribe(&mut self, place: usize, subscriptions: &[Subscription]) {
        let mentioned: Vec<Fact> = subscriptions.iter().map(fact_of).collect();
        if self.reading == Reading::Must {
            // S1: that those which the list does not mention stay is a SHOULD.
            for (other, _) in self.facts(place, |fact| matches!(fact, Fact::Subscription(..))) {
                if !mentioned.contains(&other) {
                    self.weaken(place, &other);
                }
            }
        }
        for subscription in subscriptions {
            self.subscribe_one(place, subscription);
        }
    }

    fn subscribe_one(&mut self, place: usize, subscription: &Subscription) {
        let fact = fact_of(subscription);
        let known = self.facts(place, |held| *held == fact).first().map(|(_, belief)| *belief);
        let belief = match (subscription.status, known) {
            (Some(Status::Subscribed), _) => Belief::Held,
            (None, Some(known)) if self.reading == Reading::Should => known, // SUB-STATUS-KEPT
            _ => Belief::Perhaps, // M16, S3: whether another status is searched, and which one is the default, is free
        };
        self.believe(place, fact, belief);
        self.share(place, fact);
    }

    /// S1: an address that several profiles were given belongs to one of them at least.
    fn share(&mut self, place: usize, fact: Fact) {
        let database = self.profiles[place].database;
        let holds =
            |one: &Profile| one.database == database && one.facts.iter().any(|(held, _)| is_same_address(held, &fact));
        let others: Vec<usize> =
            self.everybody().into_iter().filter(|&other| other != place && holds(&self.profiles[other])).collect();
        let mine = self.facts(place, |held| *held == fact).first().map(|(_, belief)| *belief);
        let are_sure = mine == Some(Belief::Held) || others.iter().any(|&other| self.is_sure(other, &fact));
        if others.is_empty() {
            return;
        }
        let belief = if are_sure { Belief::Shared } else { Belief::Perhaps };
        for other in others.into_iter().chain([place]) {
            for (held, known) in &mut self.profiles[other].facts {
                if is_same_address(held, &fact) {
                    *known = belief;
                }
            }
        }
    }

    fn is_sure(&self, place: usize, fact: &Fact) -> bool {
        self.facts(place, |held| is_same_address(held, fact)).iter().any(|(_, belief)| *belief != Belief::Perhaps)
    }

    /// M13: whether a created profile is given the matching value that `data` does not carry is free.
    fn give_matching_value(&mut self, place: usize, import: &Import) {
        let (key, data) = (&import.key, &import.data);
        let is_subscribed = |address| data.subscriptions.iter().any(|one| one.address == address);
        let searches_subscriptions_only = searches_subscriptions_only(import.mode);
        let mut facts = vec![];
        let mut addresses = vec![];
        if let Some(email) = key.email {
            facts.extend(data.email.is_none().then_some(Fact::Email(email)));
            addresses.extend((searches_subscriptions_only || data.email.is_none()).then_some(Address::Email(email)));
        }
        if let Some(phone) = key.phone {
            let is_carried = data.phones.iter().flatten().any(|one| *one == phone);
            facts.extend((!is_carried).then_some(Fact::Phone(phone)));
            addresses.extend((searches_subscriptions_only || !is_carried).then_some(Address::Sms(phone)));
        }
        addresses.extend(key.push.map(Address::Push));
        addresses.retain(|address| !is_subscribed(*address));
        let subscribed = |address| [Resource::Main, Resource::Other].map(|one| Fact::Subscription(one, address));
        facts.extend(key.custom.map(Fact::Custom));
        facts.extend(addresses.into_iter().flat_map(subscribed));
        for fact in facts {
            if self.facts(place, |held| is_of_one_field(held, &fact) || *held == fact).is_empty() {
                self.believe(place, fact, Belief::Perhaps);
            }
        }
    }
}

/// What an import does to a profile that it is perhaps carried out on.
impl Oracle {
    fn give_perhaps(&mut self, place: usize, import: &Import) {
        let Data { email, word, number, phones, subscriptions, .. } = &import.data;
        let mut facts = vec![];
        facts.extend(email.map(Fact::Email));
        facts.extend(word.map(|word| Fact::Custom(Custom::Word(word))));
        facts.extend(number.map(|number| Fact::Custom(Custom::Number(number))));
        facts.extend(phones.iter().flatten().map(|phone| Fact::Phone(*phone)));
        facts.extend(subscriptions.iter().map(fact_of));
        let has_list = !subscriptions.is_empty();
        for (held, _) in self.facts(place, |_| true) {
            let is_kept = matches!(held, Fact::Subscription(..)) && (!has_list || self.reading == Reading::Should);
            let is_mentioned = facts.contains(&held);
            let is_replaced = facts.iter().any(|fact| is_of_one_field(&held, fact) && *fact != held);
            let is_changed = is_mentioned && matches!(held, Fact::Subscription(..));
            let drops_phone = matches!(held, Fact::Phone(_)) && phones.is_some() && !is_mentioned;
            let drops_subscription = matches!(held, Fact::Subscription(..)) && !is_kept && !is_mentioned;
            if is_replaced || is_changed || drops_phone || drops_subscription {
                self.weaken(place, &held);
            }
        }
        for fact in facts {
            if self.facts(place, |held| *held == fact).is_empty() {
                self.believe(place, fact, Belief::Perhaps);
            }
            if !matches!(fact, Fact::Phone(_) | Fact::Custom(_)) {
                self.share(place, fact);
            }
        }
    }
}

/// Two values of one field: an import that gives one takes the other away. Phones are many, and so are subscriptions.
fn is_of_one_field(one: &Fact, other: &Fact) -> bool {
    match (one, other) {
        (Fact::Email(_), Fact::Email(_)) => true,
        (Fact::Custom(one), Fact::Custom(other)) => std::mem::discriminant(one) == std::mem::discriminant(other),
        _ => false,
    }
}

/// The book-keeping of beliefs.
impl Oracle {
    fn facts(&self, place: usize, wanted: impl Fn(&Fact) -> bool) -> Vec<(Fact, Belief)> {
        self.profiles[place].facts.iter().filter(|(fact, _)| wanted(fact)).copied().collect()
    }

    fn believe(&mut self, place: usize, fact: Fact, belief: Belief) {
        let facts = &mut self.profiles[place].facts;
        match facts.iter_mut().find(|(held, _)| *held == fact) {
            Some((_, known)) => *known = belief,
            None => facts.push((fact, belief)),
        }
    }

    fn weaken_or_forget(&mut self, place: usize, fact: &Fact) {
        self.weaken(place, fact);
        if self.reading == Reading::Should {
            self.profiles[place].facts.retain(|(held, _)| held != fact);
        }
    }

    /// The fact may have gone. Where several shared it, none of them is sure to have it now.
    fn weaken(&mut self, place: usize, fact: &Fact) {
        let was_shared = self.facts(place, |held| held == fact).iter().any(|(_, belief)| *belief == Belief::Shared);
        self.believe(place, *fact, Belief::Perhaps);
        for one in self.profiles.iter_mut().filter(|_| was_shared) {
            for (held, belief) in &mut one.facts {
                if is_same_address(held, fact) && *belief == Belief::Shared {
                    *belief = Belief::Perhaps;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::import::{Arrays, Bad, Defect, Flags, Key, Messenger, Spelling};
    use super::*;

    fn import(mode: Mode, key: Key, data: Data) -> Import {
        let spelling = Spelling { order: 0, arrays: Arrays::Single };
        let (call, database, flags, defect) = (Call::Import, Database::Main, Flags::default(), None);
        Import { call, database, mode, key, data, flags, spelling, defect }
    }

    fn calling(call: Call, import: Import) -> Import {
        Import { call, ..import }
    }

    fn by_email(mode: Mode, email: Pick, data: Data) -> Import {
        import(mode, Key { email: Some(email), ..Key::default() }, data)
    }

    fn by_phone(mode: Mode, phone: Pick, data: Data) -> Import {
        import(mode, Key { phone: Some(phone), ..Key::default() }, data)
    }

    fn email(email: Pick) -> Data {
        Data { email: Some(email), ..Data::default() }
    }

    fn phones(phones: &[Pick]) -> Data {
        Data { phones: Some(phones.to_vec()), ..Data::default() }
    }

    fn subscribed(address: Address) -> Data {
        let (resource, status) = (Resource::Main, Some(Status::Subscribed));
        let one = Subscription { resource, address, status, priority: None, categories: None, field: None };
        Data { subscriptions: vec![one], ..Data::default() }
    }

    #[track_caller]
    fn predicts(reading: Reading, imports: &[Import], expected: &[Prediction]) {
        let mut oracle = Oracle::new(reading);
        let predicted: Vec<_> = imports.iter().map(|import| oracle.predict(import)).collect();
        assert_eq!(predicted, expected);
    }

    use Prediction::{Free, New, OneOf, Refused, Same};

    #[test]
    fn each_mode_finds_in_its_own_places_only() {
        let profile = by_email(Mode::Email, 0, email(0));
        let searches =
            [(Mode::Email, Same(0)), (Mode::Default, Same(0)), (Mode::EmailProfile, Same(0)), (Mode::EmailSub, New)];
        for (mode, expected) in searches {
            predicts(Reading::Must, &[profile.clone(), by_email(mode, 0, Data::default())], &[New, expected]);
        }
        let subscriber = by_phone(Mode::PhoneSub, 0, subscribed(Address::Sms(0)));
        for (mode, expected) in [(Mode::Phone, Same(0)), (Mode::PhoneSub, Same(0))] {
            predicts(Reading::Must, &[subscriber.clone(), by_phone(mode, 0, Data::default())], &[New, expected]);
        }
    }

    #[test]
    fn a_messenger_phone_is_perhaps_found_by_phone() {
        let profile =
            by_email(Mode::Email, 0, Data { email: Some(0), ..subscribed(Address::Messenger(Messenger::Viber, 1)) });
        predicts(Reading::Must, &[profile, by_phone(Mode::PhoneSub, 1, Data::default())], &[New, Free]);
    }

    #[test]
    fn of_several_found_one_is_updated_or_the_import_is_refused() {
        let [ann, bob] = [0, 1].map(|pick| by_email(Mode::Email, pick, Data { phones: Some(vec![2]), ..email(pick) }));
        let search = by_phone(Mode::Phone, 2, Data::default());
        predicts(Reading::Must, &[ann, bob, search], &[New, New, OneOf(vec![0, 1])]);
    }

    #[test]
    fn a_changed_value_is_followed_by_those_who_should() {
        let imports = [
            by_phone(Mode::Phone, 0, Data { phones: Some(vec![0]), ..email(0) }),
            by_phone(Mode::Phone, 0, email(1)),
            by_email(Mode::EmailProfile, 1, Data::default()),
            by_email(Mode::EmailProfile, 0, email(0)),
        ];
        predicts(Reading::Must, &imports[..3], &[New, Same(0), Free]);
        predicts(Reading::Should, &imports, &[New, Same(0), Same(0), New]);
    }

    #[test]
    fn an_absent_field_stays_and_a_given_list_of_phones_replaces() {
        let first = by_email(Mode::Email, 0, Data { phones: Some(vec![0, 1]), ..email(0) });
        let unrelated = by_email(Mode::Email, 0, Data { name: Some(0), ..Data::default() });
        let replacing = by_email(Mode::Email, 0, phones(&[1, 2]));
        let search = |phone| by_phone(Mode::Phone, phone, Data::default());
        predicts(Reading::Must, &[first.clone(), unrelated, search(0)], &[New, Same(0), Same(0)]);
        predicts(Reading::Must, &[first.clone(), replacing.clone(), search(1)], &[New, Same(0), Same(0)]);
        predicts(Reading::Must, &[first.clone(), replacing.clone(), search(0)], &[New, Same(0), Free]);
        predicts(Reading::Should, &[first, replacing, search(0)], &[New, Same(0), New]);
    }

    #[test]
    fn the_address_of_another_profile_is_nobodys_for_certain() {
        let [ann, bob] = [0, 1].map(|pick| by_email(Mode::Email, pick, email(pick)));
        let taking = by_email(Mode::Email, 1, email(0));
        let search = by_email(Mode::EmailProfile, 0, Data::default());
        predicts(Reading::Should, &[ann, bob, taking, search], &[New, New, Free, OneOf(vec![0, 1])]);
    }

    #[test]
    fn what_becomes_of_an_address_that_moves_is_free() {
        let [ann, bob] =
            [0, 1].map(|pick| by_email(Mode::Email, pick, Data { email: Some(pick), ..subscribed(Address::Sms(0)) }));
        let search = by_phone(Mode::PhoneSub, 0, Data::default());
        predicts(Reading::Should, &[ann, bob, search], &[New, Free, Free]);
    }

    #[test]
    fn an_id_finds_its_profile_in_its_own_database_only() {
        let made = by_email(Mode::Email, 0, email(0));
        let known = import(Mode::ProfileId, Key { profile: Some(0), ..Key::default() }, Data::default());
        let elsewhere = Import { database: Database::Other, ..known.clone() };
        predicts(Reading::Must, &[made, known, elsewhere], &[New, Same(0), Refused]);
    }

    #[test]
    fn what_is_refused_leaves_nothing() {
        let defective = Import { defect: Some(Defect::WrongToken), ..by_email(Mode::Email, 0, email(0)) };
        let data = Data { bad: Some(Bad::Channel), ..email(0) };
        let bad = by_email(Mode::Email, 0, data.clone());
        let flags = Flags { skip_invalid: Some(true), ..Flags::default() };
        let skipping = Import { flags, ..by_email(Mode::Email, 0, data) };
        let again = by_email(Mode::Email, 0, email(0));
        predicts(Reading::Must, &[defective, bad, skipping, again], &[Refused, Refused, New, Same(2)]);
    }

    #[test]
    fn the_matching_value_alone_is_perhaps_written() {
        let made = by_email(Mode::Email, 0, Data { name: Some(0), ..Data::default() });
        predicts(Reading::Should, &[made.clone(), made], &[New, Free]);
    }

    #[test]
    fn one_of_two_values_is_served_by_those_who_should() {
        let half = by_email(Mode::EmailPhone, 0, email(0));
        predicts(Reading::Must, std::slice::from_ref(&half), &[Free]);
        predicts(Reading::Should, &[half], &[New]);
        let other_in_data = by_email(Mode::EmailPhone, 0, Data { phones: Some(vec![0]), ..email(0) });
        predicts(Reading::Should, &[other_in_data], &[Free]);
    }

    #[test]
    fn who_is_deleted_is_found_by_nothing_and_others_stay() {
        let both = |pick: Pick| Data { phones: Some(vec![0]), ..email(pick) };
        let imports = [
            by_email(Mode::Email, 0, both(0)),
            by_email(Mode::Email, 1, both(1)),
            calling(Call::Delete, by_email(Mode::Email, 0, Data::default())),
            by_phone(Mode::Phone, 0, Data::default()),
            by_email(Mode::Email, 0, email(0)),
        ];
        use Prediction::{Free, New, Same};
        predicts(Reading::Should, &imports, &[New, New, Same(0), Same(1), New]);
        predicts(Reading::Must, &imports, &[New, New, Free, Same(1), New]);
    }

    #[test]
    fn an_update_changes_as_an_import_does() {
        let imports = [
            by_email(Mode::Email, 0, email(0)),
            calling(Call::Update, by_email(Mode::Email, 0, email(1))),
            by_email(Mode::EmailProfile, 1, Data::default()),
        ];
        predicts(Reading::Should, &imports, &[Prediction::New, Prediction::Same(0), Prediction::Same(0)]);
    }
}
