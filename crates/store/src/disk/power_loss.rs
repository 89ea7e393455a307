//! Test: whatever of the writes a power cut or a failing disk leaves, the folder opens, and nothing answered is lost.
//!
//! Files are kept in memory, and remember in which order they were written, synced and named. A cut may fall between
//! any two of these. What was synced before it is there; of what was not, any part is: sectors of a write one by one,
//! names up to some point. Sessions follow each other on what the cut has left. A process may also be killed, so that the
//! next one finds all that was written, synced or not, and builds upon it. And a disk may fail at any moment, by half of a
//! write, and go on afterwards.

use super::{
    Headway, Log, checkpoint,
    files::{File, Files},
    log::segment_number,
    writer::{self, Chore, Writer},
};
use crate::{
    error::StoreError,
    transaction::{Job, OutboxChange, Snapshot, View},
};
use rollcall_matching::{
    index::ProfileIndex,
    key::{KeySource, LookupKey},
};
use rollcall_model::{
    database::DatabaseId,
    event::{Event, EventId, EventNumber},
    field::FieldValue,
    profile::{Profile, ProfileId},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
};
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const DATABASE: DatabaseId = DatabaseId(1);

/// Small, so that a short history begins, cleans and forgets segments.
const SEGMENT_BYTES: u64 = 2_000;

const SECTOR: usize = 512;

/// Numbers by chance, the same ones for the same seed.
struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        usize::try_from(xxh3_64_with_seed(&self.drawn.to_le_bytes(), self.seed) % bound.max(1) as u64).unwrap()
    }

    fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// What is done to the files of a folder. Files are known by numbers, since names change.
#[derive(Debug, Clone)]
enum Operation {
    Write(usize, u64, Vec<u8>),
    Sync(usize),
    Name(Naming),
    SyncNames,
}

#[derive(Debug, Clone)]
enum Naming {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

/// A folder's contents.
#[derive(Debug, Default, Clone)]
struct Disk {
    names: BTreeMap<String, usize>,
    contents: Vec<Vec<u8>>,
}

impl Disk {
    fn name(&mut self, naming: Naming) {
        match naming {
            Naming::Create(name, file) => drop(self.names.insert(name, file)),
            Naming::Rename(from, to) => {
                if let Some(file) = self.names.remove(&from) {
                    self.names.insert(to, file);
                }
            }
            Naming::Remove(name) => drop(self.names.remove(&name)),
        }
    }

    fn write(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let (content, begin) = (&mut self.contents[file], usize::try_from(offset).unwrap());
        content.resize(content.len().max(begin + bytes.len()), 0);
        content[begin..begin + bytes.len()].copy_from_slice(bytes);
    }
}

/// A folder that remembers what is done to it, and may fail.
#[derive(Default)]
struct Recorder(Mutex<Recorded>);

#[derive(Default)]
struct Recorded {
    /// As it was at the beginning.
    begin: Disk,
    /// As the program sees it.
    now: Disk,
    operations: Vec<Operation>,
    /// How many more writes and syncs succeed before one fails.
    until_failure: Option<usize>,
    /// How many more there are before the process is killed in the middle of one.
    until_kill: Option<usize>,
    is_killed: bool,
}

impl Recorded {
    fn fails(&mut self) -> io::Result<()> {
        self.is_killed |= is_reached(&mut self.until_kill);
        if self.is_killed || is_reached(&mut self.until_failure) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn name(&mut self, naming: Naming) -> io::Result<()> {
        if self.is_killed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.operations.push(Operation::Name(naming.clone()));
        self.now.name(naming);
        Ok(())
    }
}

/// Whether what was to come after so many has come.
fn is_reached(left: &mut Option<usize>) -> bool {
    match left {
        Some(0) => left.take().is_some(),
        Some(more) => {
            *more -= 1;
            false
        }
        None => false,
    }
}

#[derive(Clone)]
struct Folder(Arc<Recorder>);

impl Folder {
    fn of(disk: &Disk) -> Self {
        let recorded = Recorded { begin: disk.clone(), now: disk.clone(), ..Recorded::default() };
        Self(Arc::new(Recorder(Mutex::new(recorded))))
    }

    fn recorded(&self) -> std::sync::MutexGuard<'_, Recorded> {
        self.0.0.lock().unwrap()
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Folder")
    }
}

impl Files for Folder {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.recorded().now.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut recorded = self.recorded();
        recorded.fails()?;
        let number = recorded.now.contents.len();
        recorded.now.contents.push(Vec::new());
        recorded.name(Naming::Create(name.into(), number))?;
        Ok(Arc::new(Opened(self.clone(), number)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let number = self.recorded().now.names.get(name).copied();
        Ok(Arc::new(Opened(self.clone(), number.ok_or(io::ErrorKind::NotFound)?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.recorded().name(Naming::Rename(from.into(), to.into()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.recorded().name(Naming::Remove(name.into()))
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut recorded = self.recorded();
        recorded.fails()?;
        recorded.operations.push(Operation::SyncNames);
        Ok(())
    }
}

#[derive(Debug)]
struct Opened(Folder, usize);

impl File for Opened {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.recorded().now.contents[self.1].len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let recorded = self.0.recorded();
        let begin = usize::try_from(offset).unwrap();
        let there = recorded.now.contents[self.1].get(begin..begin + bytes.len());
        bytes.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut recorded = self.0.recorded();
        if recorded.is_killed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let failed = recorded.fails();
        let written = if failed.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        recorded.now.write(self.1, offset, written);
        recorded.operations.push(Operation::Write(self.1, offset, written.to_vec()));
        failed
    }

    fn sync(&self) -> io::Result<()> {
        let mut recorded = self.0.recorded();
        recorded.fails()?;
        recorded.operations.push(Operation::Sync(self.1));
        Ok(())
    }
}

/// What a power cut after so many operations leaves.
fn left_by_a_cut(recorded: &Recorded, cut: usize, chance: &mut Chance) -> Disk {
    let done = &recorded.operations[..cut];
    let mut disk = recorded.begin.clone();
    disk.contents.resize(recorded.now.contents.len(), Vec::new());
    let names_synced = done.iter().rposition(|operation| matches!(operation, Operation::SyncNames)).unwrap_or(0);
    let names_until = names_synced + chance.below(cut - names_synced + 1);
    for (at, operation) in done.iter().enumerate() {
        match operation {
            Operation::Name(naming) if at < names_until => disk.name(naming.clone()),
            Operation::Write(file, offset, bytes) => {
                let is_synced =
                    done[at..].iter().any(|later| matches!(later, Operation::Sync(synced) if synced == file));
                write_some(&mut disk, *file, *offset, bytes, is_synced, chance);
            }
            _ => {}
        }
    }
    disk
}

/// Writes all, or by chance a part, sector by sector.
fn write_some(disk: &mut Disk, file: usize, offset: u64, bytes: &[u8], all: bool, chance: &mut Chance) {
    let (none, every) = (chance.is_one_in(3), chance.is_one_in(3));
    for (at, sector) in bytes.chunks(SECTOR).enumerate() {
        if all || every || (!none && chance.is_one_in(2)) {
            let length = if all || every { sector.len() } else { chance.below(sector.len() + 1) };
            disk.write(file, offset + (at * SECTOR) as u64, &sector[..length]);
        }
    }
}

/// What is kept: a person's profile, or the event that was posted with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Person(usize),
    Posted(i64),
}

/// A thing, and the number that it has from now on; it is removed where it has none.
type Fact = (Thing, Option<i64>);

/// What may be read: each thing has a number that goes up with each write, and the numbers that a reader may come upon
/// are known.
#[derive(Debug, Default, Clone)]
struct Expected {
    /// What was answered last.
    kept: BTreeMap<Thing, i64>,
    /// What was not answered, or with an error, since something was answered last. Any of it may be there.
    perhaps: BTreeSet<Fact>,
}

impl Expected {
    fn attempts(&mut self, written: &[Fact]) {
        self.perhaps.extend(written);
    }

    /// A write was answered. Those before it that failed must stay away now.
    fn answers(&mut self, written: &[Fact]) {
        for &(thing, number) in written {
            self.kept.remove(&thing);
            self.kept.extend(number.map(|number| (thing, number)));
        }
        self.perhaps.clear();
    }

    fn allows(&self, thing: Thing, number: Option<i64>) -> bool {
        number == self.kept.get(&thing).copied() || self.perhaps.contains(&(thing, number))
    }

    fn things(&self) -> impl Iterator<Item = Thing> {
        self.kept.keys().copied().chain(self.perhaps.iter().map(|(thing, _)| *thing))
    }
}

fn id(person: usize) -> ProfileId {
    ProfileId([u8::try_from(person).unwrap(); 12])
}

/// A profile with this number, one key of its own for it, and one that all share.
fn numbered(id: ProfileId, number: i64) -> Profile {
    let mut profile = Profile::new(id, DATABASE);
    profile.fields.set("number".into(), FieldValue::Int(number));
    profile.fields.set("shared".into(), FieldValue::Text("x".repeat(200).into()));
    profile
}

fn number_of(profile: &Profile) -> i64 {
    match profile.fields.get("number") {
        Some(FieldValue::Int(number)) => *number,
        other => panic!("half a profile: {other:?}"),
    }
}

/// The event that was posted with one number and has another one now.
fn event(posted: i64, number: i64) -> Arc<Event> {
    let (id, profile) = (EventId([0; 12]), id(0));
    let (trigger, body) = (posted.to_string().into(), format!("{number} {}", "x".repeat(200)).into());
    Arc::new(Event { id, trigger, database: DATABASE, profile, body, dead: None })
}

/// What event this is, and its number.
fn fact_of(event: &Event) -> (Thing, i64) {
    let number = event.body.split(' ').next().unwrap().parse().unwrap();
    (Thing::Posted(event.trigger.parse().unwrap()), number)
}

/// A session: a writer on a disk, and how many operations there were when which write began and was answered.
struct Session {
    folder: Folder,
    writer: Writer,
    chores: Receiver<Chore>,
    moments: Vec<(usize, Moment)>,
}

#[derive(Debug, Clone)]
enum Moment {
    Begun(Vec<Fact>),
    Answered(Vec<Fact>),
    /// A new process has read this.
    Seen(Expected),
}

impl Session {
    fn on(disk: &Disk) -> Self {
        Self::open(Folder::of(disk), Vec::new())
    }

    /// The process is killed, and the next one finds what it has written. What that one reads was never answered, perhaps,
    /// but will be from now on: whoever sends it again is told that all is as it should be.
    fn killed(self, expected: &Expected, what: &str) -> Self {
        self.folder.recorded().is_killed = false;
        self.folder.recorded().until_kill = None;
        let mut next = Self::open(self.folder, self.moments);
        let seen = next.read(&next.expected_after(next.operations(), expected.clone()), what);
        next.moments.push((next.operations(), Moment::Seen(seen)));
        next
    }

    fn open(folder: Folder, moments: Vec<(usize, Moment)>) -> Self {
        let files: Arc<dyn Files> = Arc::new(folder.clone());
        let (send, chores) = mpsc::sync_channel(8);
        let log = Log::open(Arc::clone(&files), 7).unwrap_or_else(|error| panic!("{error}"));
        let log = log.with_segments_of(SEGMENT_BYTES);
        let writer = Writer::open(files, log, send, &Headway::default()).unwrap_or_else(|error| panic!("{error}"));
        Self { folder, writer, chores, moments }
    }

    fn operations(&self) -> usize {
        self.folder.recorded().operations.len()
    }

    /// Writes a few things together.
    fn write(&mut self, written: &[Fact]) -> Result<(), StoreError> {
        let begun = self.operations();
        self.moments.push((begun, Moment::Begun(written.to_vec())));
        let (jobs, answers): (Vec<_>, Vec<_>) = written.iter().map(|&fact| self.job(fact)).unzip();
        self.writer.run_together(jobs.into_iter());
        for answer in answers {
            answer.blocking_recv().unwrap()?;
        }
        // Where it was so already nothing is written, which does not keep away what failed before.
        if self.operations() > begun {
            self.moments.push((self.operations(), Moment::Answered(written.to_vec())));
        }
        Ok(())
    }

    fn job(&self, (thing, number): Fact) -> (Job, oneshot::Receiver<Result<(), StoreError>>) {
        let posted = match thing {
            Thing::Person(person) => {
                return Job::new(move |state| match number {
                    Some(number) => state.put(numbered(id(person), number)),
                    None => state.remove(DATABASE, id(person)),
                });
            }
            Thing::Posted(posted) => posted,
        };
        let outbox = writer::read(self.writer.state()).events_after(None, usize::MAX).unwrap();
        let known = outbox.into_iter().find(|(_, event)| fact_of(event).0 == thing).map(|(number, _)| number);
        let change = match (known, number) {
            (None, Some(number)) => OutboxChange::Post(event(posted, number)),
            (Some(known), Some(number)) => OutboxChange::Replace(known, event(posted, number)),
            (Some(known), None) => OutboxChange::Remove(known),
            (None, None) => OutboxChange::Remove(EventNumber(0)),
        };
        Job::new(move |state| state.change_outbox(change.clone()))
    }

    /// Somebody's profile is written or removed, or an event is posted, replaced or removed.
    fn any_fact(&self, next: &mut i64, chance: &mut Chance) -> Fact {
        *next += 1;
        let number = (!chance.is_one_in(3)).then_some(*next);
        if chance.is_one_in(2) {
            return (Thing::Person(chance.below(PEOPLE)), number);
        }
        let outbox = writer::read(self.writer.state()).events_after(None, usize::MAX).unwrap();
        match chance.below(2 * outbox.len()) {
            place if place < outbox.len() => (fact_of(&outbox[place].1).0, number),
            _ => (Thing::Posted(*next), Some(*next)),
        }
    }

    fn do_chores(&mut self, with_checkpoint: bool) {
        let (files, state) = (self.folder.clone(), Arc::clone(self.writer.state()));
        self.chores.try_iter().for_each(|chore| writer::do_chore(chore, &files, &state));
        if with_checkpoint {
            writer::do_chore(Chore::Checkpoint(self.writer.end()), &files, &state);
        }
    }

    /// Makes a checkpoint, of whose pieces some are of a later moment than others.
    fn write_between_looks(&mut self, next: &mut i64, chance: &mut Chance) {
        let (files, state) = (self.folder.clone(), Arc::clone(self.writer.state()));
        let _perhaps = checkpoint::write(&files, self.writer.end(), &mut |look| {
            look(&writer::read(&state).index);
            if chance.is_one_in(50) {
                let _perhaps = self.write(&[self.any_fact(next, chance)]);
            }
        });
    }

    /// How long the files of the log are.
    fn log_bytes(&self) -> u64 {
        let disk = &self.folder.recorded().now;
        let segments = disk.names.iter().filter(|(name, _)| segment_number(name).is_some());
        segments.map(|(_, file)| disk.contents[*file].len() as u64).sum()
    }

    /// What may be read after a cut.
    fn expected_after(&self, cut: usize, mut expected: Expected) -> Expected {
        for (_, moment) in self.moments.iter().filter(|(at, _)| *at <= cut) {
            match moment {
                Moment::Begun(written) => expected.attempts(written),
                Moment::Answered(written) => expected.answers(written),
                Moment::Seen(seen) => expected = seen.clone(),
            }
        }
        expected
    }

    /// Reads everything, and says what it is. Panics where it is not what may be.
    fn read(&self, expected: &Expected, what: &str) -> Expected {
        let state = writer::read(self.writer.state());
        let outbox = state.events_after(None, usize::MAX).unwrap_or_else(|error| panic!("{what}: {error}"));
        let posted: Vec<_> = outbox.iter().map(|(_, event)| fact_of(event)).collect();
        assert!(posted.is_sorted(), "{what}: {posted:?}");
        let mut kept = BTreeMap::from_iter(posted);
        for person in 0..PEOPLE {
            let found = state.profile(DATABASE, id(person)).unwrap_or_else(|error| panic!("{what}: {error}"));
            kept.extend(found.map(|profile| (Thing::Person(person), number_of(&profile))));
        }
        for thing in expected.things().chain(kept.keys().copied()) {
            let number = kept.get(&thing).copied();
            assert!(expected.allows(thing, number), "{what}: {thing:?} is {number:?}, which is not in {expected:?}");
        }
        let by = |name, value: String| {
            let key = LookupKey { source: KeySource::CustomField, name, value: value.into(), resource: None };
            state.find(DATABASE, &key).unwrap()
        };
        let mut people = Vec::new();
        for (thing, number) in &kept {
            if let Thing::Person(person) = thing {
                assert_eq!(by("number", number.to_string()), [id(*person)], "{what}");
                people.push(id(*person));
            }
        }
        assert_eq!(by("shared", "x".repeat(200)), people, "{what}");
        assert_eq!(state.index.profiles(), people.len(), "{what}");
        Expected { kept, perhaps: BTreeSet::new() }
    }
}

const PEOPLE: usize = 5;

/// A few writes, with chores and checkpoints in between.
fn work(mut session: Session, next: &mut i64, fails: bool, expected: &Expected, chance: &mut Chance) -> Session {
    for _ in 0..chance.below(25) {
        let written: BTreeMap<_, _> = (0..1 + chance.below(3)).map(|_| session.any_fact(next, chance)).collect();
        if fails && chance.is_one_in(4) {
            session.folder.recorded().until_failure = Some(chance.below(4));
        }
        let is_killed = chance.is_one_in(8);
        if is_killed {
            session.folder.recorded().until_kill = Some(chance.below(4));
        }
        let _perhaps = session.write(&written.into_iter().collect::<Vec<_>>());
        session.folder.recorded().until_failure = None;
        if is_killed {
            session = session.killed(expected, &format!("seed {}, killed", chance.seed));
        }
        if chance.is_one_in(2) {
            session.do_chores(chance.is_one_in(8));
        }
        if chance.is_one_in(16) {
            session.write_between_looks(next, chance);
        }
    }
    session
}

fn sessions_on_one_disk(seed: u64, fails: bool) {
    let mut chance = Chance { seed, drawn: 0 };
    let (mut disk, mut expected, mut next) = (Disk::default(), Expected::default(), 0);
    for number in 0..6 {
        let mut session = Session::on(&disk);
        expected = session.read(&expected, &format!("seed {seed}, session {number}"));
        session = work(session, &mut next, fails, &expected, &mut chance);
        let operations = session.operations();
        // Cuts that are only looked at, then one that is gone on from.
        for _ in 0..8 {
            let cut = chance.below(operations + 1);
            let left = left_by_a_cut(&session.folder.recorded(), cut, &mut chance);
            let what = format!("seed {seed}, session {number}, cut {cut} of {operations}");
            let expected = session.expected_after(cut, expected.clone());
            let seen = Session::on(&left).read(&expected, &what);
            // Without an index, everything is read that the log still holds: also what was removed.
            let without_index = Disk { names: names_without_index(&left), ..left };
            let seen_again = Session::on(&without_index).read(&expected, &format!("{what}, without an index"));
            assert_eq!(seen.kept, seen_again.kept, "{what}");
        }
        let cut = if chance.is_one_in(3) { operations } else { chance.below(operations + 1) };
        disk = left_by_a_cut(&session.folder.recorded(), cut, &mut chance);
        expected = session.expected_after(cut, expected);
    }
}

fn names_without_index(disk: &Disk) -> BTreeMap<String, usize> {
    disk.names.clone().into_iter().filter(|(name, _)| name != checkpoint::NAME).collect()
}

/// How many disks are tried; `ROLLCALL_POWER_CUTS` tries more.
fn disks() -> u64 {
    std::env::var("ROLLCALL_POWER_CUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(200)
}

#[test]
fn nothing_answered_is_lost_wherever_the_power_is_cut() {
    (0..disks()).for_each(|seed| sessions_on_one_disk(seed, false));
}

#[test]
fn nothing_answered_is_lost_and_nothing_refused_comes_back_when_the_disk_fails_now_and_then() {
    (0..disks()).for_each(|seed| sessions_on_one_disk(1_000_000 + seed, true));
}

#[test]
fn what_comes_and_goes_leaves_neither_a_long_log_nor_a_large_index() {
    let mut session = Session::on(&Disk::default());
    let stays = [(Thing::Person(0), Some(1)), (Thing::Posted(2), Some(2))];
    session.write(&stays).unwrap();
    let mut longest = 0;
    for number in 3..1_500 {
        let (person, event) = (Thing::Person(1), Thing::Posted(number));
        session.write(&[(person, Some(number)), (event, Some(number))]).unwrap();
        session.write(&[(person, None), (event, None)]).unwrap();
        session.do_chores(number % 100 == 0);
        longest = longest.max(session.log_bytes());
    }
    assert!(longest < 10 * SEGMENT_BYTES, "{longest} bytes");
    let disk = session.folder.recorded().now.clone();
    let session = Session::on(&disk);
    let state = writer::read(session.writer.state());
    assert!(state.index.slots().length() <= 2 && state.index.events.places().len() == 1);
    assert!(state.index.entries() <= 4, "keys: two for each profile");
    session.read(&session.expected_after(0, Expected { kept: kept(&stays), ..Expected::default() }), "opened again");
}

fn kept(facts: &[Fact]) -> BTreeMap<Thing, i64> {
    facts.iter().filter_map(|&(thing, number)| Some((thing, number?))).collect()
}

#[test]
fn the_store_goes_on_by_itself_when_a_full_disk_has_room_again() {
    let mut session = Session::on(&Disk::default());
    session.write(&[(Thing::Person(1), Some(1))]).unwrap();
    let mut numbers = 2..;
    for step in 0..4 {
        session.folder.recorded().until_failure = Some(step);
        while session.folder.recorded().until_failure.is_some() {
            let refused = session.write(&[(Thing::Person(2), numbers.next())]);
            assert!(refused.is_ok() || matches!(refused, Err(StoreError::NotKept(_))), "{refused:?}");
        }
        session.write(&[(Thing::Person(1), numbers.next())]).unwrap();
    }
    let expected = session.expected_after(session.operations(), Expected::default());
    session.read(&expected, "before");
    let disk = session.folder.recorded().now.clone();
    Session::on(&disk).read(&expected, "opened again");
}
