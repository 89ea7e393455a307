//! What generated cases found: failures of one reason together, the first of them made small, with a proved script.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::case::Case;
use crate::generated::{Generator, number_of};
use crate::judge::{Judge, Outcome, Reason, Verdict};
use crate::report::curl;
use crate::reproduction;
use crate::shrink::Shrinker;
use crate::suite::Suite;
use crate::target::Wire;

/// So many different finds are shown; a target with more is told of these first.
const MOST: usize = 8;
/// So many failures are made small to get there: some turn out to be the same.
const TRIED: usize = 24;
/// After so long no further one is made small; a slow target is not kept busy for what is an extra.
const PATIENCE: Duration = Duration::from_secs(20);

/// One failure of the target, found by generated cases.
#[derive(Debug)]
pub struct Find {
    /// Ids of the generated cases that failed for this reason; the first one was made small.
    pub cases: Vec<String>,
    /// The small case.
    pub case: Case,
    /// The text of its case file.
    pub text: String,
    /// How it fails.
    pub verdict: Verdict,
    /// A script of `curl` commands that was run and showed the failure, or why there is none.
    pub script: Result<String, String>,
}

/// Who is asked again.
pub struct Examiner<'a> {
    /// Rows, for the level of a case.
    pub suite: &'a Suite,
    /// Draws sequences again.
    pub generator: &'a Generator,
    /// Judges them.
    pub judge: &'a Judge<'a>,
    /// Where they are sent.
    pub wire: &'a dyn Wire,
}

impl Examiner<'_> {
    /// The finds among the verdicts of a run, those of MUSTs first.
    pub fn examine(&self, verdicts: &[Verdict]) -> Vec<Find> {
        let first_free = self.suite.all_cases().count() * crate::Format::ALL.len();
        let (suite, generator, judge, wire) = (self.suite, self.generator, self.judge, self.wire);
        let mut shrinker = Shrinker { suite, generator, judge, wire, ordinal: first_free };
        let begin = Instant::now();
        let mut finds: Vec<Find> = Vec::new();
        for alike in self.groups(verdicts).into_iter().take(TRIED) {
            if finds.len() == MOST || begin.elapsed() > PATIENCE {
                break;
            }
            let Some(find) = self.find(&mut shrinker, &alike) else { continue };
            // Made small, two may turn out to be one.
            match finds.iter_mut().find(|known| known.is_as(&find)) {
                Some(known) => known.cases.extend(find.cases),
                None => finds.push(find),
            }
        }
        finds
    }

    /// Failures of drawn cases, by the requirement that is blamed and the reason.
    fn groups<'v>(&self, verdicts: &'v [Verdict]) -> Vec<Vec<&'v Verdict>> {
        let mut groups: BTreeMap<(&str, Reason), Vec<&Verdict>> = BTreeMap::new();
        for verdict in verdicts.iter().filter(|one| is_find(one)) {
            let Some(case) = self.suite.case(&verdict.case) else { continue };
            if let Some(failure) = &verdict.failure {
                groups.entry((&case.requirements[0], failure.reason)).or_default().push(verdict);
            }
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(|alike| std::cmp::Reverse(alike[0].level));
        groups
    }

    fn find(&self, shrinker: &mut Shrinker<'_>, alike: &[&Verdict]) -> Option<Find> {
        let small = shrinker.shrink(alike.first()?)?;
        let proof = |script: String| {
            reproduction::prove(&script, &small.case, &small.verdict, self.judge, small.ordinal).map(|()| script)
        };
        let script = reproduction::script(&small.case, &small.verdict)
            .context("it cannot be said as commands one after the other")
            .and_then(proof)
            .map_err(|error| format!("{error:#}"));
        let mut cases: Vec<String> = alike.iter().map(|verdict| verdict.case.clone()).collect();
        cases.dedup();
        Some(Find { cases, case: small.case, text: small.text, verdict: small.verdict, script })
    }
}

/// A failure of a drawn case that no list announced.
fn is_find(verdict: &Verdict) -> bool {
    verdict.outcome == Outcome::Fail && verdict.excuse.is_none() && number_of(&verdict.case).is_some()
}

impl Find {
    fn is_as(&self, other: &Self) -> bool {
        let shows = |find: &Self| {
            (find.case.requirements.first().cloned(), find.verdict.failure.as_ref().map(|one| one.reason))
        };
        shows(self) == shows(other)
    }

    /// Writes the case file, the script, and the bodies that a shell can say only in a roundabout way.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let name = self.case.id.replace('/', "-");
        let write = |name: String, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
        };
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        write(format!("{name}.toml"), self.text.as_bytes())?;
        if let Ok(script) = &self.script {
            write(format!("{name}.sh"), script.as_bytes())?;
        }
        for (place, exchange) in self.verdict.exchanges.iter().enumerate() {
            let body = &exchange.sent.body;
            if !std::str::from_utf8(body).is_ok_and(curl::is_plain) {
                write(format!("{name}-{}.body", place + 1), body)?;
            }
        }
        Ok(())
    }
}
