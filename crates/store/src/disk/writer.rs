//! The one writer: runs jobs together, appends what they change as one frame, and lets others see it once it is synced.

use super::{
    Headway,
    batch::Batch,
    checkpoint,
    cleaner::{self, Cleaner, Step},
    files::Files,
    frame::{Frame, Place, Record},
    index::{self, Change, Slot},
    log::{Appended, Log, Position},
    state::State,
};
use crate::{
    error::{OpenError, StoreError},
    ids,
    overlay::Overlay,
    profiles::Changed,
    record,
    transaction::Job,
};
use rollcall_matching::key::keys_of;
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
        Ok(Self { log, state: Arc::new(RwLock::new(state)), cleaner, files, chores, unsaved })
    }

    pub(crate) fn state(&self) -> &Arc<RwLock<State>> {
        &self.state
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
            let waiting = iter::once(first).chain(queue.try_iter());
            self.run_together(waiting.take(super::LARGEST_BATCH));
        }
        if self.unsaved > 0 {
            let _nobody_does_chores = self.chores.send(Chore::Checkpoint(self.log.end()));
        }
    }

    pub(crate) fn run_together(&mut self, jobs: impl Iterator<Item = Job>) {
        let (done, changes) = run_all(&read(&self.state), jobs);
        let kept = self.keep(&changes);
        done.into_iter().for_each(|job| job.settle(kept.clone()));
    }

    /// Writes the changes as one, and comes back when they are on the disk. Without a change there is nothing to do.
    fn keep(&mut self, changes: &[Changed]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let bodies: Vec<_> = changes.iter().map(|(_, after)| record::encode(after)).collect();
        let mut frame = Frame::new();
        // What is moved comes first: of two records of one profile the later one counts.
        let bytes = bodies.iter().map(|body| body.len() as u64).sum();
        let step = self.cleaner.step(&self.log, &read(&self.state), bytes, &mut frame);
        let written = iter::zip(changes, &bodies).map(|((_, after), body)| {
            let at = frame.push(Record::Profile { database: after.database, id: after.id, body });
            (at, body.len())
        });
        let written: Vec<_> = written.collect();
        let appended = self.log.append(&mut frame).map_err(|error| {
            tracing::error!("a write was not kept: {error}");
            StoreError::NotKept(Arc::new(error))
        })?;
        let salt = read(&self.state).index.salt;
        let moved = step.iter().flat_map(|step| &step.moved).map(|moved| moved.change(appended));
        let changed = iter::zip(changes, written)
            .map(|(changed, (at, length))| change(salt, changed, appended.place(at, length)));
        let all: Vec<_> = moved.chain(changed).collect();
        self.publish(appended, all);
        self.after(frame.length() as u64, step);
        Ok(())
    }

    /// Lets others see what is on the disk.
    fn publish(&mut self, appended: Appended, changes: Vec<Change>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = self.log.segments().get(&appended.segment) {
            state.add_segment(appended.segment, &segment.file);
        }
        for change in changes {
            let place = change.slot.place;
            if let Some(before) = state.apply(change) {
                self.cleaner.counts_no_more(before);
            }
            self.cleaner.counts(place);
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
fn run_all(state: &State, jobs: impl Iterator<Item = Job>) -> (Vec<Job>, Vec<Changed>) {
    let mut batch = Batch::new(state);
    let mut done = Vec::new();
    for mut job in jobs {
        let mut overlay = Overlay::new(&batch);
        let to_keep = if job.run(&mut overlay) { overlay.into_changes().puts } else { Vec::new() };
        match batch.take_in(to_keep) {
            Ok(()) => done.push(job),
            Err(error) => job.settle(Err(error)),
        }
    }
    (done, batch.into_changes())
}

fn change(salt: u64, (before, after): &Changed, place: Place) -> Change {
    let slot = Slot { database: after.database, id: after.id, place };
    if before.as_ref().is_some_and(|before| keys_of(before) == keys_of(after)) {
        return Change { slot, removed: Vec::new(), added: Vec::new() }; // most imports change no key
    }
    let has = index::hashes_of(salt, after);
    let had = before.as_ref().map(|before| index::hashes_of(salt, before)).unwrap_or_default();
    Change { slot, removed: had.difference(&has).copied().collect(), added: has.difference(&had).copied().collect() }
}
