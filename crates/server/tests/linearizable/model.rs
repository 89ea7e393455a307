//! The sequential model: what imports and searches mean to a server that does one after the other. Of what a request can
//! say it knows only what the histories use: e-mail, phone, one field to search by, and one number.

use rollcall_model::{profile::ProfileId, response_code::ResponseCode};

/// One of the few persons of a history; each has one e-mail address, one phone number and one value of the field.
pub(crate) type Person = u8;

/// What a client asks for.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Import(Search, Change),
    Get(Search),
}

/// How a call says whom it means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Search {
    Email(Person),
    Phone(Person),
    Field(Person),
    EmailOrPhone(Person, Person),
    Id(ProfileId),
}

/// What an import changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) email: Option<Person>,
    pub(crate) phone: Option<Person>,
    pub(crate) number: Option<Number>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Set(i64),
    Increment(i64),
}

/// What a client was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// This profile was created or changed.
    Imported(ProfileId),
    /// This profile was found.
    Found(ProfileId, Values),
    Refused(ResponseCode),
}

/// What a profile holds. The values are those of the persons, who may share them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Values {
    pub(crate) email: Option<Person>,
    pub(crate) phone: Option<Person>,
    pub(crate) field: Option<Person>,
    pub(crate) number: Option<i64>,
}

/// All profiles there are; in order, so that equal states are the same value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    profiles: Vec<Profile>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Profile {
    /// Unknown until an answer names it, since the server makes it up.
    id: Option<ProfileId>,
    values: Values,
}

/// What the model says of a call.
enum Verdict {
    /// It is about the profile in this place.
    Profile(usize),
    Refused(ResponseCode),
}

impl State {
    /// The state after the call, if the answer can be right in this one. A call without answer can be right always.
    pub(crate) fn after(&self, call: &Call, answer: Option<&Answer>) -> Option<Self> {
        let mut next = self.clone();
        let verdict = match call {
            Call::Import(search, change) => next.import(search, change),
            Call::Get(search) => next.found(search),
        };
        let fits = match (answer, verdict) {
            (None, _) => true,
            (Some(Answer::Refused(told)), Verdict::Refused(code)) => *told == code,
            (Some(Answer::Imported(id)), Verdict::Profile(place)) => next.is_named(place, *id),
            (Some(Answer::Found(id, values)), Verdict::Profile(place)) => {
                next.profiles[place].values == *values && next.is_named(place, *id)
            }
            _ => false,
        };
        next.profiles.sort_unstable();
        fits.then_some(next)
    }

    fn found(&self, search: &Search) -> Verdict {
        match self.holders(search)[..] {
            [] => Verdict::Refused(ResponseCode::ProfileNotFound),
            [place] => Verdict::Profile(place),
            _ => Verdict::Refused(ResponseCode::SeveralFound),
        }
    }

    /// The places of the profiles that are found: the first part of a search that finds anybody decides (M10).
    fn holders(&self, search: &Search) -> Vec<usize> {
        let holders = |has: &dyn Fn(&Profile) -> bool| {
            let places = 0..self.profiles.len();
            places.filter(|place| has(&self.profiles[*place])).collect::<Vec<_>>()
        };
        match *search {
            Search::Email(person) => holders(&|profile| profile.values.email == Some(person)),
            Search::Phone(person) => holders(&|profile| profile.values.phone == Some(person)),
            Search::Field(person) => holders(&|profile| profile.values.field == Some(person)),
            Search::Id(id) => holders(&|profile| profile.id == Some(id)),
            Search::EmailOrPhone(email, phone) => {
                let by_email = self.holders(&Search::Email(email));
                if by_email.is_empty() { self.holders(&Search::Phone(phone)) } else { by_email }
            }
        }
    }

    fn import(&mut self, search: &Search, change: &Change) -> Verdict {
        let place = match (self.found(search), search.newborn()) {
            (Verdict::Profile(place), _) => Some(place),
            (Verdict::Refused(ResponseCode::ProfileNotFound), Some(_)) => None,
            (refused, _) => return refused,
        };
        let before = place.map(|place| self.profiles[place].values);
        let values = change.applied(before.or(search.newborn()).unwrap_or_default());
        let is_new_email = values.email != before.and_then(|before| before.email);
        let is_taken = self.profiles.iter().any(|other| other.values.email == values.email);
        if is_new_email && values.email.is_some() && is_taken {
            return Verdict::Refused(ResponseCode::EmailTaken); // D9
        }
        let place = place.unwrap_or_else(|| {
            self.profiles.push(Profile::default());
            self.profiles.len() - 1
        });
        self.profiles[place].values = values;
        Verdict::Profile(place)
    }

    /// Whether the profile has this name, or none yet and this is no other's: then it has it from now on.
    fn is_named(&mut self, place: usize, id: ProfileId) -> bool {
        match self.profiles[place].id {
            Some(known) => known == id,
            None if self.profiles.iter().any(|other| other.id == Some(id)) => false,
            None => {
                self.profiles[place].id = Some(id);
                true
            }
        }
    }
}

impl Search {
    /// What a profile made by an import that found nobody starts with (M13); none where nobody is made (M8).
    fn newborn(&self) -> Option<Values> {
        let nothing = Values::default();
        match *self {
            Self::Email(person) => Some(Values { email: Some(person), ..nothing }),
            Self::Phone(person) => Some(Values { phone: Some(person), ..nothing }),
            Self::Field(person) => Some(Values { field: Some(person), ..nothing }),
            Self::EmailOrPhone(email, phone) => Some(Values { email: Some(email), phone: Some(phone), ..nothing }),
            Self::Id(_) => None,
        }
    }
}

impl Change {
    fn applied(self, before: Values) -> Values {
        let number = match self.number {
            None => before.number,
            Some(Number::Set(number)) => Some(number),
            Some(Number::Increment(by)) => Some(before.number.unwrap_or(0) + by),
        };
        Values { email: self.email.or(before.email), phone: self.phone.or(before.phone), number, ..before }
    }
}
