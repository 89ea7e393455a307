//! Makes a generated case that failed as small as it can be while it fails for the same reason.
//!
//! Each smaller sequence is settled anew, so that the model is asked what *it* must be answered, and sent to the target
//! with values that nobody has seen.

use std::time::{Duration, Instant};

use crate::Format;
use crate::case::Case;
use crate::generated::import::Import;
use crate::generated::{Generator, number_of};
use crate::judge::{Judge, Outcome, Verdict};
use crate::suite::Suite;
use crate::target::Wire;

/// How many smaller sequences are tried for one case, and for how long.
const ATTEMPTS: usize = 300;
const PATIENCE: Duration = Duration::from_secs(5);

/// What a failed case was shrunk to.
#[derive(Debug)]
pub struct Shrunk {
    /// The small case.
    pub case: Case,
    /// The text of its case file.
    pub text: String,
    /// How it failed.
    pub verdict: Verdict,
    /// The place it was judged at; its values are made from it.
    pub ordinal: usize,
}

/// What shrinking needs to ask the target.
pub struct Shrinker<'a> {
    /// Rows, for the level of a case.
    pub suite: &'a Suite,
    /// Draws the sequence again.
    pub generator: &'a Generator,
    /// Judges each attempt.
    pub judge: &'a Judge<'a>,
    /// Sends them.
    pub wire: &'a dyn Wire,
    /// The first place in the suite that nobody has: each attempt takes the next one.
    pub ordinal: usize,
}

impl Shrinker<'_> {
    /// The smallest case found; nothing if `failed` is no failure of a drawn case, or does not fail again.
    pub fn shrink(&mut self, failed: &Verdict) -> Option<Shrunk> {
        let number = number_of(&failed.case)?;
        let begin = Instant::now();
        let mut tree = self.generator.draw(number);
        let mut best = self.attempt(number, &tree.current(), failed)?;
        let mut goes_on = tree.simplify();
        for _ in 0..ATTEMPTS {
            if !goes_on || begin.elapsed() > PATIENCE {
                break;
            }
            match self.attempt(number, &tree.current(), failed) {
                Some(smaller) => {
                    best = smaller;
                    goes_on = tree.simplify();
                }
                None => goes_on = tree.complicate(),
            }
        }
        Some(best)
    }

    /// Judges a sequence, cut behind the step that fails. Nothing unless it fails as `failed` did.
    fn attempt(&mut self, number: usize, imports: &[Import], failed: &Verdict) -> Option<Shrunk> {
        let whole = self.judged(number, imports, failed.format)?;
        let last = whole.verdict.failure.as_ref()?.position;
        let cut = imports.get(..=last).filter(|cut| cut.len() < imports.len());
        let shrunk = match cut {
            Some(cut) => self.judged(number, cut, failed.format)?,
            None => whole,
        };
        let reason = |verdict: &Verdict| verdict.failure.as_ref().map(|failure| failure.reason);
        let is_as_bad = shrunk.verdict.outcome == Outcome::Fail && shrunk.verdict.level == failed.level;
        (is_as_bad && reason(&shrunk.verdict) == reason(failed)).then_some(shrunk)
    }

    fn judged(&mut self, number: usize, imports: &[Import], format: Format) -> Option<Shrunk> {
        let (_, text) = self.generator.case_file(number, imports);
        let case = self.generator.case(number, imports).ok()?;
        self.ordinal += 1;
        let ordinal = self.ordinal;
        let verdict = self.judge.judge(self.wire, &case, self.suite.level(&case), format, ordinal).ok()?;
        Some(Shrunk { case, text, verdict, ordinal })
    }
}
