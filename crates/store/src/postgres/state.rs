//! What is known of the state in the database, what work has asked for that is not known yet, and work's view of both.

use super::{
    connection::{Connection, Fault},
    schema,
};
use crate::{
    error::StoreError,
    key_place::key_place,
    record::decode_event,
    transaction::{NumberedEvent, Snapshot, View, find_by},
};
use rollcall_matching::{index::ProfileIndex, key::LookupKey};
use rollcall_model::{
    database::DatabaseId,
    event::{Event, EventNumber},
    profile::{Profile, ProfileId},
    resource::ResourceId,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// How many holders of a key are fetched at first, together with their profiles: nearly always all of them.
pub(super) const FEW: usize = 8;

/// A look-up of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Question {
    pub(super) database: DatabaseId,
    pub(super) place: Vec<u8>,
    pub(super) resource: Option<ResourceId>,
}

/// A profile's row.
pub(super) type Place = (DatabaseId, ProfileId);

/// What the database has answered within one transaction.
#[derive(Debug, Default)]
pub(super) struct Known {
    keys: HashMap<Question, Holders>,
    /// A record that cannot be read is known as such: it harms only the work that wants it.
    profiles: HashMap<Place, Result<Option<Arc<Profile>>, StoreError>>,
}

/// The oldest holders of a key.
#[derive(Debug, Default)]
struct Holders {
    ids: Vec<ProfileId>,
    are_all: bool,
}

/// What is to be asked next, all at once.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// How many holders are wanted of keys of which none is known yet, [`FEW`], or of which more are wanted than that.
    pub(super) keys: BTreeMap<Question, usize>,
    pub(super) profiles: BTreeSet<Place>,
}

impl Wanted {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.profiles.is_empty()
    }
}

impl Known {
    /// Takes in the holders of a key, of which `most` were asked for.
    pub(super) fn learn_holders(&mut self, question: Question, ids: Vec<ProfileId>, most: usize) {
        let are_all = ids.len() < most;
        self.keys.insert(question, Holders { ids, are_all });
    }

    /// Takes in a profile's record, or that there is none.
    pub(super) fn learn_profile(&mut self, place: Place, record: Option<&[u8]>) {
        let (database, id) = place;
        let decode = |record| crate::record::decode(database, id, record).map(Arc::new);
        let profile = record.map(decode).transpose();
        self.profiles.insert(place, profile.map_err(|problem| StoreError::Corrupt { database, id, problem }));
    }
}

/// The state in the database, as far as it is known. What is not known is noted, and the work that asked for it is to be
/// run again; or it is asked on the spot, where a connection is given.
pub(super) struct State<'a> {
    known: RefCell<Known>,
    wanted: RefCell<Wanted>,
    on_the_spot: Option<RefCell<&'a mut Connection>>,
    /// The first error of a question on the spot.
    fault: RefCell<Option<Fault>>,
}

impl<'a> State<'a> {
    /// A state that notes what is not known.
    pub(super) fn noting(known: Known) -> Self {
        Self { known: known.into(), wanted: RefCell::default(), on_the_spot: None, fault: None.into() }
    }

    /// A state that asks for what is not known.
    pub(super) fn asking(known: Known, connection: &'a mut Connection) -> Self {
        Self { on_the_spot: Some(RefCell::new(connection)), ..Self::noting(known) }
    }

    /// What is known now, and what was noted; or the error that stood in the way.
    pub(super) fn into_parts(self) -> Result<(Known, Wanted), Fault> {
        match self.fault.into_inner() {
            Some(fault) => Err(fault),
            None => Ok((self.known.into_inner(), self.wanted.into_inner())),
        }
    }

    /// Whether anybody has asked for this profile, or learnt of it.
    pub(super) fn knows_profile(&self, place: Place) -> bool {
        self.known.borrow().profiles.contains_key(&place)
    }

    /// Has what was noted answered at once, where that is possible. The error is only for work that is run again.
    fn ask(&self) -> Result<(), StoreError> {
        let Some(connection) = &self.on_the_spot else { return Err(StoreError::Busy) };
        let wanted = self.wanted.take();
        let fetched = connection.borrow_mut().fetch(&wanted, &mut self.known.borrow_mut());
        fetched.map_err(|fault| self.note(fault))
    }

    /// What the work is told of a fault.
    fn note(&self, fault: Fault) -> StoreError {
        let error = fault.error();
        self.fault.borrow_mut().get_or_insert(fault);
        error
    }

    fn holders(&self, question: &Question, count: usize) -> Option<Vec<ProfileId>> {
        let known = self.known.borrow();
        let Holders { ids, are_all } = known.keys.get(question)?;
        (*are_all || ids.len() >= count).then(|| ids.iter().take(count).copied().collect())
    }
}

impl ProfileIndex for State<'_> {
    type Error = StoreError;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, StoreError> {
        find_by(self, database, key, || {
            let question = Question { database, place: key_place(database, key), resource: key.resource };
            loop {
                if let Some(ids) = self.holders(&question, count) {
                    return Ok(ids);
                }
                let most = if self.known.borrow().keys.contains_key(&question) { count.max(FEW + 1) } else { FEW };
                self.wanted.borrow_mut().keys.insert(question.clone(), most);
                self.ask()?;
            }
        })
    }
}

impl View for State<'_> {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        loop {
            if let Some(profile) = self.known.borrow().profiles.get(&(database, id)) {
                return profile.clone();
            }
            self.wanted.borrow_mut().profiles.insert((database, id));
            self.ask()?;
        }
    }
}

impl Snapshot for State<'_> {
    fn profiles_after(
        &self,
        database: DatabaseId,
        after: Option<ProfileId>,
        count: usize,
    ) -> Result<Vec<Arc<Profile>>, StoreError> {
        let Some(connection) = &self.on_the_spot else { return Err(StoreError::Busy) };
        let places = connection.borrow_mut().page(database, after, count, &mut self.known.borrow_mut());
        let places = places.map_err(|fault| self.note(fault))?;
        let profiles = places.into_iter().map(|(database, id)| self.profile(database, id));
        profiles.filter_map(Result::transpose).collect()
    }

    fn event(&self, number: EventNumber) -> Result<Option<Arc<Event>>, StoreError> {
        let found = self.events_after(number.0.checked_sub(1).map(EventNumber), 1)?;
        Ok(found.into_iter().find(|(of, _)| *of == number).map(|(_, event)| event))
    }

    fn events_after(&self, after: Option<EventNumber>, count: usize) -> Result<Vec<NumberedEvent>, StoreError> {
        let Some(connection) = &self.on_the_spot else { return Err(StoreError::Busy) };
        let rows = connection.borrow_mut().events(after, count).map_err(|fault| self.note(fault))?;
        let event = |record: Vec<u8>| decode_event(&record).map(Arc::new);
        let events = rows.into_iter().map(|(number, record)| Ok((number, event(record)?)));
        events.collect::<Result<_, &str>>().map_err(|_| StoreError::CorruptRow { table: schema::OUTBOX })
    }
}
