//! Plans every selected case in every format, judges them with several workers, and counts what came back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::Format;
use crate::case::Case;
use crate::filter::Filter;
use crate::judge::{Judge, Verdict};
use crate::requirement::Level;
use crate::suite::Suite;
use crate::target::Target;

/// One case in one format.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'a> {
    /// The case.
    pub case: &'a Case,
    /// Its level.
    pub level: Level,
    /// The format to run it in.
    pub format: Format,
    /// The place of the two in the whole suite, so that a filter does not change a case's values.
    pub ordinal: usize,
}

/// What a run delivered.
#[derive(Debug, Default)]
pub struct Run {
    /// The verdicts, by case and format.
    pub verdicts: Vec<Verdict>,
    /// Why there are fewer verdicts than planned.
    pub trouble: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// All selected cases in all their formats, in the order of the suite.
pub fn plan<'a>(suite: &'a Suite, filter: &Filter) -> Vec<Planned<'a>> {
    let mut plan = Vec::new();
    for (position, case) in suite.all_cases().enumerate().filter(|(_, case)| filter.selects(case)) {
        for &format in &case.formats {
            let ordinal = position * Format::ALL.len() + usize::from(format == Format::Xml);
            plan.push(Planned { case, level: suite.level(case), format, ordinal });
        }
    }
    plan
}

/// Judges everything planned with `jobs` workers. `heard` is told each verdict as it comes.
pub fn run(
    plan: &[Planned<'_>],
    judge: &Judge<'_>,
    target: &Target,
    jobs: usize,
    mut heard: impl FnMut(&Verdict),
) -> Run {
    let begin = Instant::now();
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let (mut verdicts, mut trouble) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, plan.len().max(1)) {
            let sender = sender.clone();
            let next = &next;
            scope.spawn(move || work(plan, judge, target, next, &sender));
        }
        drop(sender); // the loop below ends when the last worker has gone
        for (position, result) in receiver {
            match result {
                Ok(verdict) => {
                    heard(&verdict);
                    verdicts.push((position, verdict));
                }
                Err(fault) => trouble.push(fault),
            }
        }
    });
    verdicts.sort_by_key(|(position, _)| *position);
    let mut verdicts: Vec<Verdict> = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    if target.is_lost() {
        // What the target could not answer because it was gone is no verdict on it.
        verdicts.retain(|verdict| !verdict.failure.as_ref().is_some_and(|failure| failure.no_answer));
        trouble.push(format!("{} stopped answering during the run", target.base()));
    }
    Run { verdicts, trouble, elapsed: begin.elapsed() }
}

type Delivery = (usize, Result<Verdict, String>);

fn work(plan: &[Planned<'_>], judge: &Judge<'_>, target: &Target, next: &AtomicUsize, sender: &mpsc::Sender<Delivery>) {
    let client = target.client();
    while !target.is_lost() {
        let position = next.fetch_add(1, Ordering::Relaxed);
        let Some(one) = plan.get(position) else { return };
        // A fault of the suite costs one verdict and is told; it must not take the run with it.
        let judged =
            catch_unwind(AssertUnwindSafe(|| judge.judge(&client, one.case, one.level, one.format, one.ordinal)));
        let fault = || Err(format!("{} ({}): the judge broke down", one.case.id, one.format));
        if sender.send((position, judged.unwrap_or_else(|_| fault()))).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Files;

    #[test]
    fn a_filter_changes_what_runs_but_not_the_place_of_a_case() {
        let row = "[A-1]\nlevel='must'\nsays='It works.'\nsource='page:1'\nconfidence='documented'";
        let case = "title='t'\nrequirements=['A-1']\n[[steps]]\nimport='{\"data\":{}}'\nexpect='new'";
        let files = [
            ("spec/requirements/a.toml", row),
            ("cases/x/a.toml", case),
            ("cases/x/b.toml", case),
            ("worlds/documented.toml", "[suite]\ntoken='t'\ndatabase=1"),
        ];
        let files: Files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into();
        let suite = Suite::load(&files).unwrap();
        let ordinals = |filter: Option<&str>| {
            let filter = Filter::new(filter.map(str::to_owned));
            plan(&suite, &filter).iter().map(|planned| (planned.case.id.clone(), planned.ordinal)).collect::<Vec<_>>()
        };
        assert_eq!(ordinals(None).len(), 4);
        assert_eq!(ordinals(Some("x/b")), ordinals(None)[2..]);
    }
}
