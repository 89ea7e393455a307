//! The one writer: runs jobs together, appends what they change as one frame, and lets others see it once it is synced.

use super::{
    Headway,
    batch::Batch,
    checkpoint,
    cleaner::{self, Cleaner, Step},
    draft::Draft,
    files::Files,
    index::{self, Hashes, Index},
    log::{Appended, Log, Position},
    state::State,
};
use crate::{
    error::{OpenError, StoreError},
    figures::Counters,
    ids,
    layer::Difference,
    overlay::{Changes, Overlay},
    profiles::{Changed, KeyChanges},
    record,
    transaction::Job,
};
use rollcall_model::profile::Profile;
use std::{
    io, iter,
    sync::{
        Arc, PoisonError, RwLock,
        mpsc::{Receiver, SyncSender, TrySendError},
    },
};

/// A checkpoint is due when so much was written since the last one: a start after a crash has to read it again.
pub(crate) const CHECKPOINT_BYTES: u64 = 256 << 20;

/// A folder's only writer.
#[derive(Debug)]
pub(crate) struct Writer {
    log: Log,
    state: Arc<RwLock<State>>,
    cleaner: Cleaner,
    files: Arc<dyn Files>,
    /// To who does what need not be waited for.
    chores: SyncSender<Chore>,
    /// Bytes written since the last checkpoint.
    unsaved: u64,
    counters: Arc<Counters>,
}

/// Work that nobody waits for.
#[derive(Debug)]
pub(crate) enum Chore {
    /// Write the index down, for a log that ended here.
    Checkpoint(Position),
    /// Remove the file of a segment that counts no longer.
    Remove(u32),
}

/// Does chores until there will be no more.
pub(crate) fn do_chores(chores: &Receiver<Chore>, files: &dyn Files, state: &RwLock<State>) {
    for chore in chores {
        do_chore(chore, files, state);
    }
}

pub(crate) fn do_chore(chore: Chore, files: &dyn Files, state: &RwLock<State>) {
    match chore {
        Chore::Remove(segment) => cleaner::remove(files, segment),
        Chore::Checkpoint(position) => {
            if let Err(error) = save(files, position, state) {
                tracing::warn!("the index could not be written down, and the next start takes longer: {error}");
            }
        }
    }
}

fn save(files: &dyn Files, position: Position, state: &RwLock<State>) -> io::Result<()> {
    checkpoint::write(files, position, &mut |look| look(&read(state).index))
}

/// Nothing that holds the state's lock for writing can panic half-way.
pub(crate) fn read(state: &RwLock<State>) -> impl std::ops::Deref<Target = State> {
    state.read().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    /// Reads a folder's files, and is ready to write.
    pub(crate) fn open(
        files: Arc<dyn Files>,
        log: Log,
        chores: SyncSender<Chore>,
        headway: &Headway,
    ) -> Result<Self, OpenError> {
        let (state, position) = State::restore(&log, &*files, headway)?;
        log.sync()?;
        log.tidy_up()?;
        if let Some(id) = state.index.youngest() {
            ids::continue_after(id);
        }
        let cleaner = Cleaner::new(&state);
        let unsaved = log.bytes_from(position);
        let (state, counters) = (Arc::new(RwLock::new(state)), Arc::default());
        Ok(Self { log, state, cleaner, files, chores, unsaved, counters })
    }

    pub(crate) fn state(&self) -> &Arc<RwLock<State>> {
        &self.state
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Where the log ends.
    #[cfg(test)]
    pub(crate) fn end(&self) -> Position {
        self.log.end()
    }

    /// Runs jobs as they come until there will be no more. It takes what waits, and never waits for more: a lonely
    /// connection pays for no timer, many share a sync.
    pub(crate) fn run(&mut self, queue: &Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let counters = Arc::clone(&self.counters);
            let waiting = iter::once(first).chain(queue.try_iter()).inspect(|_| counters.taken(1));
            self.run_together(waiting.take(super::LARGEST_BATCH));
        }
        if self.unsaved > 0 {
            let _nobody_does_chores = self.chores.send(Chore::Checkpoint(self.log.end()));
        }
    }

    pub(crate) fn run_together(&mut self, jobs: impl Iterator<Item = Job>) {
        let (done, difference) = run_all(&read(&self.state), jobs);
        let kept = self.keep(&difference);
        self.counters.kept(if kept.is_ok() { done.len() } else { 0 });
        done.into_iter().for_each(|job| job.settle(kept.clone()));
    }

    /// Writes the changes as one, and comes back when they are on the disk. Without a change there is nothing to do.
    fn keep(&mut self, difference: &Difference) -> Result<(), StoreError> {
        if difference.is_empty() {
            return Ok(());
        }
        let (mut draft, step) = self.draft(difference);
        let appended = self.log.append(&mut draft.frame).map_err(|error| {
            tracing::error!("a write was not kept: {error}");
            StoreError::NotKept(Arc::new(error))
        })?;
        let bytes = draft.frame.length() as u64;
        self.counters.committed(bytes);
        self.publish(appended, draft);
        self.after(bytes, step);
        Ok(())
    }

    /// What is to be written: what is moved first, since of two records the later one counts.
    fn draft(&mut self, difference: &Difference) -> (Draft, Option<Step>) {
        let bodies = Bodies::of(difference);
        let mut draft = Draft::new();
        let state = read(&self.state);
        let step = self.cleaner.step(&self.log, &state, bodies.bytes(), &mut draft);
        bodies.write(difference, &state.index, self.log.end().segment, &mut draft);
        (draft, step)
    }

    /// Lets others see what is on the disk.
    fn publish(&mut self, appended: Appended, draft: Draft) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = self.log.segments().get(&appended.segment) {
            state.add_segment(appended.segment, &segment.file);
        }
        for change in draft.into_changes(appended) {
            let place = change.place();
            if let Some(before) = state.apply(change) {
                self.cleaner.counts_no_more(before);
            }
            place.into_iter().for_each(|place| self.cleaner.counts(place));
        }
    }

    /// What follows from a frame that is on the disk.
    fn after(&mut self, bytes: u64, step: Option<Step>) {
        if let Some(segment) = step.and_then(|step| self.cleaner.settle(&step)) {
            self.log.forget(segment);
            self.state.write().unwrap_or_else(PoisonError::into_inner).remove_segment(segment);
            if let Err(not_taken) = self.chores.try_send(Chore::Remove(segment)) {
                do_chore(of(not_taken), &*self.files, &self.state);
            }
        }
        self.unsaved += bytes;
        if self.unsaved >= CHECKPOINT_BYTES && self.chores.try_send(Chore::Checkpoint(self.log.end())).is_ok() {
            self.unsaved = 0;
        }
    }
}

fn of(not_taken: TrySendError<Chore>) -> Chore {
    match not_taken {
        TrySendError::Full(chore) | TrySendError::Disconnected(chore) => chore,
    }
}

/// Runs the jobs, one after the other, each on what those before it have left. Those that have to wait until the
/// changes are kept come back with them.
fn run_all(state: &State, jobs: impl Iterator<Item = Job>) -> (Vec<Job>, Difference) {
    let mut batch = Batch::new(state);
    let mut done = Vec::new();
    for mut job in jobs {
        let mut overlay = Overlay::new(&batch);
        let to_keep = if job.run(&mut overlay) { overlay.into_changes() } else { Changes::default() };
        match batch.take_in(to_keep) {
            Ok(()) => done.push(job),
            Err(error) => job.settle(Err(error)),
        }
    }
    (done, batch.into_difference())
}

/// The bodies of what is to be written, in the order of a difference.
struct Bodies {
    profiles: Vec<Vec<u8>>,
    posted: Vec<Vec<u8>>,
    others: Vec<Vec<u8>>,
}

impl Bodies {
    fn of(difference: &Difference) -> Self {
        let Difference { profiles, outbox } = difference;
        Self {
            profiles: profiles.iter().map(|changed| changed.after().map(record::encode).unwrap_or_default()).collect(),
            posted: outbox.posted.iter().map(|event| record::encode_event(event)).collect(),
            others: outbox
                .others
                .values()
                .map(|event| event.as_deref().map(record::encode_event).unwrap_or_default())
                .collect(),
        }
    }

    fn bytes(&self) -> u64 {
        [&self.profiles, &self.posted, &self.others].into_iter().flatten().map(|body| body.len() as u64).sum()
    }

    /// Adds the records to the draft. The log ends in the segment `last`.
    fn write(&self, difference: &Difference, index: &Index, last: u32, draft: &mut Draft) {
        for (changed, body) in iter::zip(&difference.profiles, &self.profiles) {
            let hashes = hashes(index.salt, changed);
            match changed {
                Changed::New(after) | Changed::Replaced { after, .. } => {
                    draft.put(after.database, after.id, body, hashes);
                }
                Changed::Removed(before) => draft.remove(before.database, before.id, last, hashes),
            }
        }
        for ((number, event), body) in iter::zip(&difference.outbox.others, &self.others) {
            match (event, index.events.written(*number, last)) {
                (Some(_), _) => draft.event(*number, body),
                (None, Some(written)) => draft.end(*number, written),
                (None, None) => {} // it has ended already
            }
        }
        iter::zip(index.events.numbers(), &self.posted).for_each(|(number, body)| draft.event(number, body));
    }
}

/// How the hashes change under which a profile is found.
fn hashes(salt: u64, changed: &Changed) -> Hashes {
    let KeyChanges { removed, added } = KeyChanges::between(changed.before(), changed.after());
    if removed.is_empty() && added.is_empty() {
        return Hashes::default(); // most imports change no key
    }
    let of = |profile: Option<&Profile>| profile.map(|profile| index::hashes_of(salt, profile)).unwrap_or_default();
    let (had, has) = (of(changed.before()), of(changed.after()));
    Hashes { removed: had.difference(&has).copied().collect(), added: has.difference(&had).copied().collect() }
}
