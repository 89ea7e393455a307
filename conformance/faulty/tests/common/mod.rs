//! The judge, as the tests here ask it.

use rollcall_conformance::{
    filter::Filter,
    judge::Judge,
    report::{Asked, Report},
    run,
    suite::{Suite, built_in_files},
    target::Target,
};
use std::sync::LazyLock;

pub(crate) static SUITE: LazyLock<Suite> =
    LazyLock::new(|| Suite::load(&built_in_files()).expect("the suite's data is sound"));

/// Cases of one server judged at once: enough to keep a small machine busy while somebody waits.
const JOBS: usize = 2;

/// What the judge says of the server at this address, by the cases that the filter selects.
pub(crate) fn judged(url: &str, filter: &Filter) -> Report<'static> {
    let target = Target::new(url).unwrap();
    let world = SUITE.documented_world.as_ref().expect("the documented world is built in");
    let plan = run::plan(&SUITE, filter);
    let run = run::run(&plan, &Judge { world, seed: 1 }, &target, JOBS, |_| {});
    Report::new(&SUITE, &Asked { target: url, world: "documented", seed: 1, filter }, &plan, run)
}
