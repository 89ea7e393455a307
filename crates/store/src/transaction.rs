//! What a piece of work may ask and change, what a store must be able to do, and how work gets its answer.

use crate::{error::StoreError, figures::Figures, overlay::Overlay};
use rollcall_matching::{
    index::ProfileIndex,
    key::{KeySource, LookupKey},
};
use rollcall_model::{
    database::DatabaseId,
    event::{Event, EventNumber},
    profile::{Profile, ProfileId},
};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tokio::sync::oneshot;

/// One consistent state of a store, to read.
pub trait View: ProfileIndex<Error = StoreError> {
    /// The profile with this identifier, if the database has it.
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError>;
}

/// One consistent state of a store, to read as a whole.
pub trait Snapshot: View {
    /// The database's profiles that are younger than `after`, or all of them; oldest first, `count` of them at most.
    fn profiles_after(
        &self,
        database: DatabaseId,
        after: Option<ProfileId>,
        count: usize,
    ) -> Result<Vec<Arc<Profile>>, StoreError>;

    /// The event with this number, if it is still in the outbox.
    fn event(&self, number: EventNumber) -> Result<Option<Arc<Event>>, StoreError>;

    /// Events of the outbox with a greater number than `after`, or all of them; in the order of their numbers, `count`
    /// of them at most.
    fn events_after(&self, after: Option<EventNumber>, count: usize) -> Result<Vec<NumberedEvent>, StoreError>;
}

/// An event and its place in the outbox.
pub type NumberedEvent = (EventNumber, Arc<Event>);

/// One consistent state of a store, to read and to change. What is put is seen at once by the same work, and by
/// everybody else once it is kept.
pub trait Transaction: View {
    /// Keeps the profile, in place of the one with its database and identifier. From then on it is found by the keys
    /// it has now, and no longer by those it had.
    fn put(&mut self, profile: Profile) -> Result<(), StoreError>;

    /// Removes the profile with this identifier, if the database has it. From then on nothing finds it.
    fn remove(&mut self, database: DatabaseId, id: ProfileId) -> Result<(), StoreError>;

    /// Changes what is in the outbox, together with everything else that the work changes.
    fn change_outbox(&mut self, change: OutboxChange) -> Result<(), StoreError>;
}

/// What becomes of the outbox.
#[derive(Debug, Clone)]
pub enum OutboxChange {
    /// An event is put behind all others.
    Post(Arc<Event>),
    /// The event is kept in place of the one with this number, if that is still there.
    Replace(EventNumber, Arc<Event>),
    /// The event with this number is taken out, if it is still there.
    Remove(EventNumber),
}

/// A place where profiles are kept.
pub trait Store: Send + Sync + 'static {
    /// Hands the job over, to be run in a place of its own in the serial order. An error hands nothing over, and the
    /// job is dropped without having run.
    fn enqueue(&self, job: Job) -> Result<(), StoreError>;

    /// Hands the job over, to be run on one consistent state with everything that has been answered before. It is to be
    /// short, since it may keep writes waiting. An error hands nothing over.
    fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError>;

    /// Whether this process is the one that delivers the events of the outbox. Where several share a store, it is one of
    /// them at a time; it stays the one until it closes the store or goes away.
    fn may_deliver(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// What it tells of itself. It costs next to nothing and waits for no write.
    fn figures(&self) -> Figures {
        Figures::default()
    }

    /// Finishes what has been handed over, and lets go of files; comes back when both are done. Later calls, but for
    /// this one, are [`StoreError::Closed`].
    fn close(&self) -> Result<(), StoreError>;
}

/// Runs `work` in a place of its own in the store's serial order, and answers when what it put is kept: on a disk, if
/// the store has one. Work that answers an error changes nothing. Work may be run again, on a later state, by a store
/// whose engine could not keep the first run's changes; only the last run counts.
pub async fn write<T: Send + 'static>(
    store: &dyn Store,
    work: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (job, answer) = Job::new(work);
    store.enqueue(job)?;
    // A store that goes down before it gets to a job drops it unanswered.
    answer.await.unwrap_or(Err(StoreError::Closed))
}

/// Does the work over a state that stays as it is: what it changes it sees itself, and nobody else ever.
pub fn try_out<T>(state: &dyn View, work: impl FnOnce(&mut dyn Transaction) -> T) -> T {
    work(&mut Overlay::new(state))
}

/// Runs `work` on one consistent state of the store, in which everything is that has been answered before: in a place of
/// its own in the serial order. Work may be run again, on a later state, as a write may.
pub async fn read<T: Send + 'static>(
    store: &dyn Store,
    work: impl FnMut(&dyn Snapshot) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (job, answer) = ReadJob::new(work);
    store.enqueue_read(job)?;
    answer.await.unwrap_or(Err(StoreError::Closed))
}

/// A piece of work that only reads, on its way through a store, with the way back to who waits for its answer.
pub struct ReadJob(Box<dyn ReadErrand>);

impl ReadJob {
    /// A job, and where its answer will arrive.
    pub fn new<T: Send + 'static>(
        work: impl FnMut(&dyn Snapshot) -> Result<T, StoreError> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (task, answer) = Task::new(work);
        (Self(Box::new(task)), answer)
    }

    /// Does the work. A panic is an error of the one job.
    pub fn run(&mut self, state: &dyn Snapshot) {
        self.0.run(state);
    }

    /// Answers: with the outcome of the work, or with the error that stands in its way.
    pub fn settle(self, read: Result<(), StoreError>) {
        self.0.settle(read);
    }

    /// Does the work and answers, where nothing can stand in its way any more.
    pub fn finish(mut self, state: &dyn Snapshot) {
        self.run(state);
        self.settle(Ok(()));
    }
}

impl fmt::Debug for ReadJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadJob")
    }
}

/// A piece of work on its way through a store, with the way back to who waits for its answer.
pub struct Job(Box<dyn Errand>);

impl Job {
    /// A job, and where its answer will arrive.
    pub fn new<T: Send + 'static>(
        work: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (task, answer) = Task::new(work);
        (Self(Box::new(task)), answer)
    }

    /// The same job behind a lens, which hands on the state to work on: as it is, or another one in front of it. For
    /// stores that stand in front of a store.
    pub fn through(self, lens: impl FnMut(&mut dyn Transaction, HandOn<'_>) + Send + 'static) -> Self {
        Self(Box::new(Behind { lens, errand: self.0 }))
    }

    /// Does the work, and says whether what it put is to be kept. A panic is an error of the one job.
    pub fn run(&mut self, transaction: &mut dyn Transaction) -> bool {
        self.0.run(transaction)
    }

    /// Answers: with the outcome of the work, or with the error that stands in the way of keeping it.
    pub fn settle(self, kept: Result<(), StoreError>) {
        self.0.settle(kept);
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

/// How a lens hands on the state that a job is to work on. A lens that does not call it keeps the job from working.
pub type HandOn<'a> = &'a mut dyn FnMut(&mut dyn Transaction);

/// A job that only reads, without the type of its answer.
trait ReadErrand: Send {
    fn run(&mut self, state: &dyn Snapshot);
    fn settle(self: Box<Self>, read: Result<(), StoreError>);
}

/// A job without the type of its answer.
trait Errand: Send {
    fn run(&mut self, transaction: &mut dyn Transaction) -> bool;
    fn settle(self: Box<Self>, kept: Result<(), StoreError>);
}

struct Task<T, W> {
    work: W,
    outcome: Result<T, StoreError>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Task<T, W> {
    fn new(work: W) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (answer, answered) = oneshot::channel();
        (Self { work, outcome: Err(StoreError::Closed), answer }, answered)
    }

    fn run(&mut self, run: impl FnOnce(&mut W) -> Result<T, StoreError>) {
        // What the work leaves behind when it panics is the transaction, which is then dropped unseen.
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut self.work)));
        self.outcome = outcome.unwrap_or(Err(StoreError::Panicked));
    }

    fn settle(self, kept: Result<(), StoreError>) {
        // What the work found may stand on changes of others that are not kept: their error comes first.
        let _nobody_waits_any_more = self.answer.send(kept.and(self.outcome));
    }
}

impl<T: Send, W: FnMut(&dyn Snapshot) -> Result<T, StoreError> + Send> ReadErrand for Task<T, W> {
    fn run(&mut self, state: &dyn Snapshot) {
        Task::run(self, |work| work(state));
    }

    fn settle(self: Box<Self>, read: Result<(), StoreError>) {
        Task::settle(*self, read);
    }
}

impl<T: Send, W: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send> Errand for Task<T, W> {
    fn run(&mut self, transaction: &mut dyn Transaction) -> bool {
        Task::run(self, |work| work(transaction));
        self.outcome.is_ok()
    }

    fn settle(self: Box<Self>, kept: Result<(), StoreError>) {
        Task::settle(*self, kept);
    }
}

struct Behind<L> {
    lens: L,
    errand: Box<dyn Errand>,
}

impl<L: FnMut(&mut dyn Transaction, HandOn<'_>) + Send> Errand for Behind<L> {
    fn run(&mut self, transaction: &mut dyn Transaction) -> bool {
        let mut is_to_be_kept = false;
        (self.lens)(transaction, &mut |state| is_to_be_kept = self.errand.run(state));
        is_to_be_kept
    }

    fn settle(self: Box<Self>, kept: Result<(), StoreError>) {
        self.errand.settle(kept);
    }
}

/// Answers a search: by identifier, which is in no index, the profiles themselves tell; by any other key, the index does.
pub(crate) fn find_by(
    view: &dyn View,
    database: DatabaseId,
    key: &LookupKey<'_>,
    in_index: impl FnOnce() -> Result<Vec<ProfileId>, StoreError>,
) -> Result<Vec<ProfileId>, StoreError> {
    if key.source != KeySource::ProfileId {
        return in_index();
    }
    match key.value.parse() {
        Ok(id) if key.resource.is_none() => Ok(view.profile(database, id)?.map(|_| id).into_iter().collect()),
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    const DATABASE: DatabaseId = DatabaseId(1);
    const ID: ProfileId = ProfileId([1; 12]);

    /// What a job that looks for a profile says through this lens.
    fn seen_through(lens: impl FnMut(&mut dyn Transaction, HandOn<'_>) + Send + 'static) -> Result<bool, StoreError> {
        let (job, answer) = Job::new(|state| Ok(state.profile(DATABASE, ID)?.is_some()));
        MemoryStore::new().enqueue(job.through(lens)).unwrap();
        answer.blocking_recv().unwrap()
    }

    #[test]
    fn a_job_sees_the_state_that_its_lens_hands_on() {
        assert!(!seen_through(|state, hand_on| hand_on(state)).unwrap());
        let put_first = |state: &mut dyn Transaction, hand_on: HandOn<'_>| {
            state.put(Profile::new(ID, DATABASE)).unwrap();
            hand_on(state);
        };
        assert!(seen_through(put_first).unwrap());
    }

    #[test]
    fn a_job_whose_lens_hands_nothing_on_has_no_answer() {
        assert!(matches!(seen_through(|_, _| {}), Err(StoreError::Closed)));
    }
}
