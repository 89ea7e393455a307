//! Runs what can be asked of a target that may not be written, and tells what is left out.
//!
//! Only two kinds of request go out: those of calls that only read, and those of a MUST that the target refuses them. A
//! twin must be accepted, so none is sent; what is refused is then not known to be refused for its fault alone.

use std::collections::BTreeMap;

use crate::case::{Case, Step};
use crate::expectation::Expectation;
use crate::judge::{Judge, Outcome, Verdict};
use crate::requirement::Level;
use crate::run::{self, Planned, Run};
use crate::target::Target;
use crate::world::READING_CALLS;

/// Why a case was not tried.
pub const REASON: &str = "the run is read-only, and the case could write";

/// As [`run::run`], without anything that could be stored.
pub fn run(
    plan: &[Planned<'_>],
    judge: &Judge<'_>,
    target: &Target,
    jobs: usize,
    mut heard: impl FnMut(&Verdict),
) -> Run {
    let (harmless, others): (Vec<&Planned<'_>>, Vec<_>) =
        plan.iter().partition(|planned| is_harmless(planned.case, planned.level));
    let cases: Vec<Case> = harmless.iter().map(|planned| without_twins(planned.case)).collect();
    let sent: Vec<Planned<'_>> =
        harmless.iter().zip(&cases).map(|(planned, case)| Planned { case, ..**planned }).collect();
    let mut run = run::run(&sent, judge, target, jobs, &mut heard);
    for planned in others {
        let verdict = left_out(planned);
        heard(&verdict);
        run.verdicts.push(verdict);
    }
    let order: BTreeMap<_, _> =
        plan.iter().enumerate().map(|(place, planned)| ((planned.case.id.as_str(), planned.format), place)).collect();
    run.verdicts.sort_by_key(|verdict| order.get(&(verdict.case.as_str(), verdict.format)).copied());
    run
}

/// True if an honest target stores nothing of the case, whichever freedoms it takes: it may accept what it only should
/// refuse.
fn is_harmless(case: &Case, level: Level) -> bool {
    case.steps.iter().all(|step| is_reading(step) || (level == Level::Must && must_be_refused(step)))
}

fn is_reading(step: &Step) -> bool {
    let path = &step.message.path;
    READING_CALLS.contains(&path.literal_start()) && path.placeholders().next().is_none()
}

fn must_be_refused(step: &Step) -> bool {
    !step.expect.is_empty() && step.expect.iter().all(|expected| matches!(expected, Expectation::Refused(_)))
}

fn without_twins(case: &Case) -> Case {
    let steps = case.steps.iter().map(|step| Step { twin: None, ..step.clone() }).collect();
    Case { steps, ..case.clone() }
}

fn left_out(planned: &Planned<'_>) -> Verdict {
    let unsupported = Verdict::new(&planned.case.id, planned.format, planned.level, Outcome::Unsupported);
    Verdict { message: REASON.to_owned(), ..unsupported }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::suite::{Suite, built_in_files};

    fn harmless(suite: &Suite) -> Vec<Planned<'_>> {
        let plan = run::plan(suite, &Filter::default());
        plan.into_iter().filter(|planned| is_harmless(planned.case, planned.level)).collect()
    }

    #[test]
    fn there_is_something_to_ask_and_something_left_out() {
        let suite = Suite::load(&built_in_files()).unwrap();
        let (some, all) = (harmless(&suite).len(), run::plan(&suite, &Filter::default()).len());
        assert!(some > 20 && some < all / 2, "{some} of {all}");
    }

    #[test]
    fn a_step_that_may_be_accepted_makes_the_case_one_that_writes() {
        let suite = |level: &str, steps: &str| {
            let row = format!("[A-1]\nlevel='{level}'\nsays='It works.'\nsource='page:1'\nconfidence='documented'");
            let files = [
                ("spec/requirements/a.toml", row),
                ("cases/x/a.toml", format!("title='t'\nrequirements=['A-1']\n{steps}")),
                ("worlds/documented.toml", "[suite]\ntoken='t'\ndatabase=1".to_owned()),
            ];
            Suite::load(&files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into()).unwrap()
        };
        let step = |more: &str| format!("[[steps]]\nimport='{{\"data\":{{\"a\":1}}}}'\n{more}\n");
        let refused = step("expect='refused'\ntwin='{\"data\":{}}'");
        let get = "[[steps]]\nget='{\"email\":\"a@b.c\"}'\nexpect='refused'\ntwin='{\"email\":\"b@b.c\"}'\n";
        assert_eq!(harmless(&suite("must", &refused)).len(), 2);
        assert_eq!(harmless(&suite("must", &format!("{refused}{get}"))).len(), 2);
        assert_eq!(harmless(&suite("should", get)).len(), 2);
        assert_eq!(harmless(&suite("should", &refused)).len(), 0, "a lawful server may accept it");
        assert_eq!(harmless(&suite("must", &step("expect='accepted'"))).len(), 0);
        assert_eq!(harmless(&suite("must", &step("expect='readable'"))).len(), 0);
        assert_eq!(harmless(&suite("observe", &step("observe='x'"))).len(), 0);
        let list = "[[steps]]\ncall='databases/list'\nbody='{}'\nexpect='done'\n";
        assert_eq!(harmless(&suite("should", list)).len(), 2);
        assert_eq!(harmless(&suite("should", &list.replace("databases/list", "profiles/delete"))).len(), 0);
        let written = format!("{}{refused}", step("expect='new'"));
        assert_eq!(harmless(&suite("must", &written)).len(), 0);
    }
}
