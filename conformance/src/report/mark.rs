//! The one word by which reports for people mark a verdict, and how many of each there are.
//!
//! An outcome says what happened; a mark also says how much it matters, by the level of the case and by the list of
//! known failures. Whether the target conforms is not decided here.

use std::collections::BTreeMap;

use crate::judge::{Outcome, Verdict};
use crate::requirement::Level;

/// What happened and how much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A MUST failed.
    Fail,
    /// A case of level must could not be set up.
    SetupFailed,
    /// A case of a lower level failed, or could not be set up.
    Warning,
    /// Failed, as a list of known failures announced.
    Known,
    /// Every check held.
    Pass,
    /// The case only records answers.
    Observed,
    /// The world does not offer what the case needs.
    Unsupported,
}

impl Mark {
    /// All marks, what needs attention first.
    pub const ALL: [Self; 7] =
        [Self::Fail, Self::SetupFailed, Self::Warning, Self::Known, Self::Pass, Self::Observed, Self::Unsupported];

    /// The mark of an outcome at a level.
    pub fn of(outcome: Outcome, level: Level, is_excused: bool) -> Self {
        match (outcome, level) {
            (Outcome::Pass, _) => Self::Pass,
            (Outcome::Observed, _) => Self::Observed,
            (Outcome::Unsupported, _) => Self::Unsupported,
            _ if is_excused => Self::Known,
            (Outcome::Fail, Level::Must) => Self::Fail,
            (Outcome::SetupFailed, Level::Must) => Self::SetupFailed,
            _ => Self::Warning,
        }
    }

    /// The mark of a verdict.
    pub fn of_verdict(verdict: &Verdict) -> Self {
        Self::of(verdict.outcome, verdict.level, verdict.excuse.is_some())
    }

    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::SetupFailed => "setup-failed",
            Self::Warning => "warning",
            Self::Known => "known",
            Self::Pass => "pass",
            Self::Observed => "observed",
            Self::Unsupported => "unsupported",
        }
    }
}

/// How many verdicts have which level and mark.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<(Level, Mark), usize>);

impl FromIterator<(Level, Mark)> for Tally {
    fn from_iter<Marks: IntoIterator<Item = (Level, Mark)>>(marks: Marks) -> Self {
        let mut tally = Self::default();
        for key in marks {
            *tally.0.entry(key).or_default() += 1;
        }
        tally
    }
}

impl Tally {
    /// The verdicts of this level and mark.
    pub fn count(&self, level: Level, mark: Mark) -> usize {
        self.0.get(&(level, mark)).copied().unwrap_or_default()
    }

    /// The verdicts of this mark.
    pub fn total(&self, mark: Mark) -> usize {
        Level::ALL.iter().map(|&level| self.count(level, mark)).sum()
    }

    /// What the counts come to, in one sentence without a full stop.
    pub fn sentence(&self) -> String {
        let (failed, unprepared) = (self.total(Mark::Fail), self.total(Mark::SetupFailed));
        let untried = self.count(Level::Must, Mark::Unsupported);
        let mut parts = Vec::new();
        if failed > 0 {
            parts.push(number(failed, "MUST verdict") + " failed");
        }
        if unprepared > 0 {
            parts.push(number(unprepared, "MUST verdict") + " could not be set up");
        }
        if parts.is_empty() {
            parts.push(self.good_news(untried).to_owned());
        }
        let others = [
            (self.total(Mark::Warning), "warning"),
            (self.total(Mark::Known), "known failure"),
            (untried, "untried MUST verdict"),
        ];
        parts.extend(others.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| number(*count, noun)));
        parts.join(", ")
    }

    fn good_news(&self, untried: usize) -> &'static str {
        match (self.count(Level::Must, Mark::Known), untried) {
            (0, 0) => "Every MUST holds",
            (0, _) => "Every MUST that was tried holds",
            _ => "No MUST failed that is not known to fail",
        }
    }
}

fn number(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_and_the_list_of_known_failures_decide_how_a_failure_is_marked() {
        assert_eq!(Mark::of(Outcome::Fail, Level::Must, false), Mark::Fail);
        assert_eq!(Mark::of(Outcome::Fail, Level::May, false), Mark::Warning);
        assert_eq!(Mark::of(Outcome::SetupFailed, Level::Must, false), Mark::SetupFailed);
        assert_eq!(Mark::of(Outcome::SetupFailed, Level::Observe, false), Mark::Warning);
        assert_eq!(Mark::of(Outcome::Fail, Level::Must, true), Mark::Known);
        assert_eq!(Mark::of(Outcome::Pass, Level::Must, true), Mark::Pass, "only a failure can be known");
    }

    #[track_caller]
    fn check(marks: &[(Level, Mark)], sentence: &str) {
        assert_eq!(marks.iter().copied().collect::<Tally>().sentence(), sentence);
    }

    #[test]
    fn the_counts_read_as_a_sentence() {
        use Level::{Must, Should};
        check(&[(Must, Mark::Pass)], "Every MUST holds");
        check(
            &[(Must, Mark::Pass), (Must, Mark::Unsupported)],
            "Every MUST that was tried holds, 1 untried MUST verdict",
        );
        check(&[(Must, Mark::Known)], "No MUST failed that is not known to fail, 1 known failure");
        let broken = [(Must, Mark::Fail), (Must, Mark::Fail), (Must, Mark::SetupFailed), (Should, Mark::Warning)];
        check(&broken, "2 MUST verdicts failed, 1 MUST verdict could not be set up, 1 warning");
    }
}
