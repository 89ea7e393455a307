//! Tries servers on the suite: one on its own, or all faults in several lanes.
//!
//! A server hears one case after the other, so that what the faults of one import do to another never depends on who
//! came first. Lanes are what runs at the same time.

use super::{Heard, Matrix, Tried};
use crate::{Fault, listen};
use anyhow::{Context, anyhow};
use rollcall_conformance::{
    filter::Filter,
    generated::Generator,
    judge::Judge,
    report::{Asked, Report},
    run,
    suite::{Suite, built_in_files},
    target::Target,
};
use rollcall_server::call::Answer;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use tokio::runtime::Runtime;

/// The seed of every run, so that the matrix is the same each time.
const SEED: u64 = 1;

/// The suite's built-in data, with so many generated cases, the same each time.
pub fn suite(generated: usize) -> anyhow::Result<Suite> {
    let mut suite = Suite::load(&built_in_files()).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        anyhow!("the suite's data is broken:{}", lines.concat())
    })?;
    let world = suite.documented_world.as_ref().context("the documented world is missing")?;
    suite.generated = Generator::new(SEED, world).cases(generated).map_err(|error| anyhow!(error))?;
    Ok(suite)
}

/// What the suite says of a server that answers at `url`.
pub fn judge<'a>(suite: &'a Suite, url: &str, filter: &Filter) -> anyhow::Result<Report<'a>> {
    let target = Target::new(url).map_err(|error| anyhow!(error))?;
    let world = suite.documented_world.as_ref().context("the documented world is missing")?;
    let plan = run::plan(suite, filter);
    let run = run::run(&plan, &Judge::new(world, SEED), &target, 1, |_| {});
    Ok(Report::new(suite, &Asked { target: url, world: "documented", seed: SEED, filter }, &plan, run))
}

/// What the suite says of this server, which listens no longer than that takes.
pub fn judge_server<'a>(
    runtime: &Runtime,
    suite: &'a Suite,
    server: Arc<dyn Answer>,
    filter: &Filter,
) -> anyhow::Result<Report<'a>> {
    let (url, serving) = runtime.block_on(listen(server))?;
    let serving = runtime.spawn(serving);
    let report = judge(suite, &url, filter);
    serving.abort();
    report
}

/// Tries the server without a fault and then all faults, `lanes` at a time. `heard` is told each fault that is done.
pub fn try_all<'a>(
    suite: &'a Suite,
    faults: &[&'a Fault],
    lanes: usize,
    heard: impl Fn(&Tried<'_>) + Sync,
) -> anyhow::Result<Matrix<'a>> {
    let runtime = Runtime::new().context("no runtime for the servers")?;
    let hear = |server| judge_server(&runtime, suite, server, &Filter::default()).map(|report| Heard::of(&report));
    let honest = hear(crate::unbroken()?)?;
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let (place, Some(fault)) = next_of(faults, &next) {
            let tried = fault.server().and_then(hear).map(|heard| Tried { fault, heard });
            tried.iter().for_each(&heard);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((place, tried));
        }
    };
    std::thread::scope(|scope| (0..lanes.max(1)).for_each(|_| drop(scope.spawn(work))));
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    let tried = done.into_iter().map(|(_, tried)| tried).collect::<anyhow::Result<_>>()?;
    Ok(Matrix { suite, honest, tried })
}

fn next_of<'a>(faults: &[&'a Fault], next: &AtomicUsize) -> (usize, Option<&'a Fault>) {
    let place = next.fetch_add(1, Ordering::Relaxed);
    (place, faults.get(place).copied())
}
