//! `rollcall outbox`: the events that wait to be delivered, and those that were given up.

use super::places::StoreOptions;
use anyhow::bail;
use clap::{Args, Subcommand};
use rollcall_codec::event;
use rollcall_model::event::EventNumber;
use rollcall_server::outbox::letters::{self, Verdict};
use rollcall_store::transaction::{NumberedEvent, Store};
use std::{
    io::{self, BufWriter, Write},
    sync::Arc,
};
use tokio::runtime::Runtime;

pub(crate) const EXAMPLES: &str = "Examples:
  rollcall outbox list --data /var/lib/rollcall
  rollcall outbox list --dead | jq -r '[.number, .trigger, .dead.reason] | @tsv'
  rollcall outbox retry 17 18                      send these again
  rollcall outbox drop --all                       throw away whatever was given up

A folder belongs to one program at a time: while a server has it open, ask the server, by the calls under
/api/rollcall/outbox (docs/triggers.md).";

#[derive(Args)]
pub(crate) struct OutboxArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Write the events as JSON Lines, in the order in which they are sent
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        store: StoreOptions,

        /// Only those that were given up
        #[arg(long)]
        dead: bool,
    },
    /// Send again events that were given up
    #[command(after_help = EXAMPLES)]
    Retry(Chosen),
    /// Throw away events that were given up
    #[command(after_help = EXAMPLES)]
    Drop(Chosen),
}

/// Which events.
#[derive(Args)]
struct Chosen {
    #[command(flatten)]
    store: StoreOptions,

    /// The numbers of the events, as `list` shows them
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    numbers: Vec<u64>,

    /// All that were given up
    #[arg(long)]
    all: bool,
}

/// Events that are read at once.
const PAGE: usize = 1_000;

pub(crate) fn run(arguments: &OutboxArguments) -> anyhow::Result<()> {
    match &arguments.action {
        Action::List { store, dead } => on(store, |runtime, store| list(runtime, store, *dead)),
        Action::Retry(chosen) => settle(chosen, Verdict::Retry),
        Action::Drop(chosen) => settle(chosen, Verdict::Drop),
    }
}

fn on(store: &StoreOptions, work: impl FnOnce(&Runtime, &dyn Store) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let store: Arc<dyn Store> = store.open_existing()?;
    let done = work(&runtime, &*store);
    store.close()?;
    done
}

fn list(runtime: &Runtime, store: &dyn Store, only_dead: bool) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    pages(runtime, store, |page| {
        for (number, event) in page.iter().filter(|(_, event)| !only_dead || event.dead.is_some()) {
            writeln!(out, "{}", event::line(*number, event))?;
        }
        Ok(())
    })?;
    Ok(out.flush()?)
}

fn settle(chosen: &Chosen, verdict: Verdict) -> anyhow::Result<()> {
    on(&chosen.store, |runtime, store| {
        let mut numbers: Vec<_> = chosen.numbers.iter().copied().map(EventNumber).collect();
        if chosen.all {
            pages(runtime, store, |page| {
                numbers.extend(page.iter().filter(|(_, event)| event.dead.is_some()).map(|(number, _)| *number));
                Ok(())
            })?;
        }
        let wanted = numbers.len();
        let settled = runtime.block_on(letters::settle(store, numbers, None, verdict))?;
        match verdict {
            Verdict::Retry => eprintln!("{settled} events are sent again when a server serves this store"),
            Verdict::Drop => eprintln!("{settled} events are thrown away"),
        }
        if settled < wanted {
            bail!(
                "{} of the events were not given up, or are not there; `rollcall outbox list --dead` shows which are",
                wanted - settled
            );
        }
        Ok(())
    })
}

fn pages(
    runtime: &Runtime,
    store: &dyn Store,
    mut each: impl FnMut(&[NumberedEvent]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let (page, next) = runtime.block_on(letters::page(store, after, PAGE))?;
        each(&page)?;
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
