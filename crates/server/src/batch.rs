//! Many imports in one body, each on its own: one that is refused spoils no other. Dossier 6.2.
//!
//! All items are looked at before the first is handed over, so that a malformed body stores nothing. Then they are handed
//! over in the order of the body, a bounded number of them and of their bytes under way: what comes later waits for the
//! oldest. So memory stays flat, others get their turn in the store, and items that mean the same profile take effect in
//! their order.

use crate::{
    call::Pending,
    failure::Failure,
    routes::{Answering, Request},
};
use rollcall_codec::{answer::BatchAnswer, batch::Batch};
use rollcall_model::{
    database::Database,
    import::{ImportOutcome, ImportScope},
};
use rollcall_store::error::StoreError;
use std::{collections::VecDeque, future::poll_fn, task::Poll, time::Duration};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

/// Items under way at most.
const ITEMS_UNDER_WAY: usize = 256;

/// Bytes of their bodies at most, but for one item that is larger.
const BYTES_UNDER_WAY: usize = 1024 * 1024;

/// After so many bytes of items that were decoded, others get their turn.
const TURN: usize = 16 * 1024;

/// How long a batch waits in all for a store whose queue is full. Then items are told that it is.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait for room in the queue, where none of the batch's own items is waited for.
const PAUSE: Duration = Duration::from_millis(10);

/// `profiles/import_batch`.
pub(crate) fn import<'a>(request: Request<'a>, database: &'a Database, batch: &'a Batch<'a>) -> Answering<'a> {
    Box::pin(answered(request, database, batch, ImportScope::Any))
}

/// `profiles/update_batch`.
pub(crate) fn update<'a>(request: Request<'a>, database: &'a Database, batch: &'a Batch<'a>) -> Answering<'a> {
    Box::pin(answered(request, database, batch, ImportScope::Existing))
}

/// `profiles/add_batch`.
pub(crate) fn add<'a>(request: Request<'a>, database: &'a Database, batch: &'a Batch<'a>) -> Answering<'a> {
    Box::pin(answered(request, database, batch, ImportScope::New))
}

async fn answered(
    request: Request<'_>,
    database: &Database,
    batch: &Batch<'_>,
    scope: ImportScope,
) -> Result<Vec<u8>, Failure> {
    let count = batch.count()?;
    let mut turn = Turn::default();
    for place in 0..count {
        batch.check(place)?;
        turn.after(batch.bytes(place)).await;
    }
    let mut imports = Imports::of(request, database, scope);
    for place in 0..count {
        imports.take(batch, place).await;
        turn.after(batch.bytes(place)).await;
    }
    Ok(imports.finish().await)
}

/// Lets others have their turn now and then.
#[derive(Default)]
struct Turn {
    bytes: usize,
}

impl Turn {
    async fn after(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= TURN {
            self.bytes = 0;
            yield_now().await;
        }
    }
}

/// The imports of one batch.
struct Imports<'a> {
    request: Request<'a>,
    database: &'a Database,
    scope: ImportScope,
    under_way: VecDeque<UnderWay<'a>>,
    bytes: usize,
    answer: BatchAnswer,
    gives_up_at: Instant,
}

/// An item that has been handed over.
struct UnderWay<'a> {
    bytes: usize,
    import: Import<'a>,
}

/// An item's import on its way, or what came of it.
enum Import<'a> {
    Pending(Pending<'a, Outcome>),
    Done(Outcome),
}

type Outcome = Result<ImportOutcome, Failure>;

impl<'a> Imports<'a> {
    fn of(request: Request<'a>, database: &'a Database, scope: ImportScope) -> Self {
        let answer = BatchAnswer::new(request.format);
        let gives_up_at = Instant::now() + PATIENCE;
        Self { request, database, scope, under_way: VecDeque::new(), bytes: 0, answer, gives_up_at }
    }

    /// Hands the next item over, once there is room.
    async fn take(&mut self, batch: &Batch<'_>, place: usize) {
        let bytes = batch.bytes(place);
        while self.is_full(bytes) {
            self.settle_oldest().await;
        }
        let import = loop {
            match self.hand_over(batch, place).await {
                Import::Done(Err(Failure::Store(StoreError::Busy))) if Instant::now() < self.gives_up_at => {
                    self.wait_for_room().await;
                }
                import => break import,
            }
        };
        self.bytes += bytes;
        self.under_way.push_back(UnderWay { bytes, import });
    }

    fn is_full(&self, more: usize) -> bool {
        let is_any = !self.under_way.is_empty();
        is_any && (self.under_way.len() >= ITEMS_UNDER_WAY || self.bytes + more > BYTES_UNDER_WAY)
    }

    /// Reads the item and hands it over: an import is in the store's queue once it was polled, so that the items get there
    /// in their order.
    async fn hand_over(&mut self, batch: &Batch<'_>, place: usize) -> Import<'a> {
        let Request { service, world, grant, parameters, .. } = self.request;
        let read = match batch.read(place, self.scope, &parameters, self.database, world) {
            Ok(read) => read,
            Err(refusal) => return Import::Done(Err(refusal.into())),
        };
        let mut pending: Pending<'a, _> = Box::pin(service.import(read, world, grant));
        match poll_fn(|context| Poll::Ready(pending.as_mut().poll(context))).await {
            Poll::Ready(outcome) => Import::Done(outcome),
            Poll::Pending => Import::Pending(pending),
        }
    }

    /// The store's queue is full: of this batch's own items, or of those of others.
    async fn wait_for_room(&mut self) {
        if self.under_way.is_empty() {
            sleep(PAUSE).await;
        } else {
            self.settle_oldest().await;
        }
    }

    async fn settle_oldest(&mut self) {
        let Some(UnderWay { bytes, import }) = self.under_way.pop_front() else { return };
        self.bytes -= bytes;
        let outcome = match import {
            Import::Pending(pending) => pending.await,
            Import::Done(outcome) => outcome,
        };
        self.answer.add(outcome.map_err(Failure::into_rejection));
    }

    async fn finish(mut self) -> Vec<u8> {
        while !self.under_way.is_empty() {
            self.settle_oldest().await;
        }
        self.answer.finish()
    }
}
