//! One search: a mode and a request become look-ups, the look-ups a match. Rulings M2-M13.

use crate::{
    index::ProfileIndex,
    key::{self, KeySource, Lookup, Wanted},
    mode::Mode,
};
use rollcall_model::{
    database::{Database, DatabaseId},
    field::{FieldName, FieldValue},
    profile::ProfileId,
    rejection::Rejection,
    response_code::ResponseCode,
    system_field::{EMAIL, PHONES},
    world::World,
};

/// What a request's mode will look up, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<'a> {
    database: DatabaseId,
    lookups: Vec<Lookup<'a>>,
}

/// How many it takes to see that they are several.
const SEVERAL: usize = 2;

/// Whom a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// Exactly this profile.
    One(ProfileId),
    /// Several; this is the oldest.
    Several(ProfileId),
    /// Nobody.
    Nobody,
}

impl<'a> Plan<'a> {
    /// Plans the search. Refused when the request gives no value to search by, or names a field that is not there (M11).
    pub fn new(mode: &Mode, wanted: Wanted<'a>, database: &Database, world: &World) -> Result<Self, Rejection> {
        let sources = key::searched(mode.keys, &wanted, database, world)?;
        let lookups: Vec<_> = sources.flat_map(|source| source.lookups(&wanted)).collect();
        match mode.keys.first() {
            Some(source) if lookups.is_empty() => Err(missing(*source, &wanted)),
            _ => Ok(Self { database: database.id, lookups }),
        }
    }

    /// Asks the index. The first look-up that finds anybody decides (M10).
    pub fn resolve<I: ProfileIndex + ?Sized>(&self, index: &I) -> Result<Match, I::Error> {
        self.resolve_watched(index, SEVERAL, |_, _| ())
    }

    /// The same, and tells of each look-up and whom it found: as many of them as are wanted, and never fewer than it
    /// takes to decide.
    pub fn resolve_watched<I: ProfileIndex + ?Sized>(
        &self,
        index: &I,
        wanted: usize,
        mut watch: impl FnMut(&Lookup<'a>, &[ProfileId]),
    ) -> Result<Match, I::Error> {
        for lookup in &self.lookups {
            let found = self.find_all(lookup, index, wanted.max(SEVERAL))?;
            watch(lookup, &found);
            match found.as_slice() {
                [] => {}
                [one] => return Ok(Match::One(*one)),
                [oldest, ..] => return Ok(Match::Several(*oldest)),
            }
        }
        Ok(Match::Nobody)
    }

    /// The profiles that have every key of the look-up; where it is one key, not more of them than are wanted.
    fn find_all<I: ProfileIndex + ?Sized>(
        &self,
        lookup: &Lookup<'_>,
        index: &I,
        wanted: usize,
    ) -> Result<Vec<ProfileId>, I::Error> {
        match lookup.0.as_slice() {
            [] => Ok(Vec::new()),
            [key] => index.find_oldest(self.database, key, wanted),
            [first, rest @ ..] => {
                let mut found = index.find(self.database, first)?;
                for key in rest {
                    let also = index.find(self.database, key)?;
                    found.retain(|id| also.binary_search(id).is_ok());
                }
                Ok(found)
            }
        }
    }
}

fn missing(source: KeySource, wanted: &Wanted<'_>) -> Rejection {
    let identifiers = wanted.identifiers;
    match source {
        KeySource::PushSubscription if identifiers.subscription_id.is_some() => {
            ResponseCode::MissingParameter.at("provider")
        }
        _ if source.needs_field_name() && identifiers.field_value.is_some() => {
            ResponseCode::IncorrectValue.because("cannot be searched for").under(source.parameter())
        }
        _ => ResponseCode::MissingParameter.at(source.parameter()),
    }
}

/// What a profile created by this mode gets from the matching values: those that `data` does not give itself, so that
/// importing twice finds the first one (M13).
pub fn fields_from_identifiers(mode: &Mode, wanted: Wanted<'_>) -> Vec<(FieldName, FieldValue)> {
    let given = |source: &KeySource| -> Option<(FieldName, FieldValue)> {
        let identifiers = wanted.identifiers;
        match source {
            KeySource::ProfileEmail => Some((EMAIL.into(), FieldValue::Email(identifiers.email.clone()?))),
            KeySource::ProfilePhone => Some((PHONES.into(), FieldValue::Phones(vec![identifiers.phone?]))),
            KeySource::CustomField => {
                let value = identifiers.field_value.as_ref()?.of_database.clone()?;
                Some((identifiers.field_name.clone()?, value))
            }
            _ => None,
        }
    };
    let is_lacking = |(name, _): &(FieldName, FieldValue)| wanted.patch.value(name.as_str()).is_none();
    mode.keys.iter().filter_map(given).filter(is_lacking).collect()
}
