//! The outbox as people see it: what is in it, and what becomes of events that were given up.

use rollcall_model::{
    database::DatabaseId,
    event::{Event, EventNumber},
};
use rollcall_store::{
    error::StoreError,
    transaction::{self, NumberedEvent, OutboxChange, Store, Transaction},
};
use std::sync::Arc;

/// What is to become of events that were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are sent again, behind all others.
    Retry,
    /// They are thrown away.
    Drop,
}

/// Events after this one, as many as are wanted at most; and where to go on, if there may be more.
pub async fn page(
    store: &dyn Store,
    after: Option<EventNumber>,
    count: usize,
) -> Result<(Vec<NumberedEvent>, Option<EventNumber>), StoreError> {
    let events = transaction::read(store, move |state| state.events_after(after, count)).await?;
    let last = events.last().map(|(number, _)| *number);
    let next = if events.len() < count { None } else { last };
    Ok((events, next))
}

/// Carries the verdict out on those of the events that were given up, in this database if one is named. Answers how many
/// these are.
pub async fn settle(
    store: &dyn Store,
    numbers: Vec<EventNumber>,
    of: Option<DatabaseId>,
    verdict: Verdict,
) -> Result<usize, StoreError> {
    let find = move |state: &dyn transaction::Snapshot| {
        let found = numbers.iter().filter_map(|number| Some((*number, state.event(*number).transpose()?)));
        found.map(|(number, event)| event.map(|event| (number, event))).collect::<Result<Vec<NumberedEvent>, _>>()
    };
    let mut events = transaction::read(store, find).await?;
    events.retain(|(_, event)| event.dead.is_some() && of.is_none_or(|database| database == event.database));
    let count = events.len();
    let work = move |state: &mut dyn Transaction| {
        events.iter().try_for_each(|(number, event)| carry_out(verdict, *number, event, state))
    };
    transaction::write(store, work).await?;
    Ok(count)
}

fn carry_out(
    verdict: Verdict,
    number: EventNumber,
    event: &Event,
    state: &mut dyn Transaction,
) -> Result<(), StoreError> {
    state.change_outbox(OutboxChange::Remove(number))?;
    match verdict {
        Verdict::Retry => state.change_outbox(OutboxChange::Post(Arc::new(Event { dead: None, ..event.clone() }))),
        Verdict::Drop => Ok(()),
    }
}
