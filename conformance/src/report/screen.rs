//! The report for people: a line for each group as it finishes, every failure in full, what was observed, the verdict.
//!
//! Text is styled always; whoever prints it strips the styles where no terminal shows them. What the target sent is
//! shown with its control characters spelled out, so that no answer can steer the terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::plain::visible;
use super::{Answers, Conclusion, Report, curl};
use crate::case::Case;
use crate::claim::{Claim, Difference};
use crate::generated::number_of;
use crate::judge::{Exchange, Excuse, KnownList, Outcome, Verdict};
use crate::requirement::Level;
use crate::run::Planned;
use crate::target::{Received, Sent};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// A longer body is cut on the screen; the JSON report has all of it.
const BODY_LIMIT: usize = 2_000;

/// Counts verdicts by group of cases, to tell when a group is finished.
#[derive(Debug)]
pub struct Groups {
    groups: BTreeMap<String, Group>,
    width: usize,
}

#[derive(Debug, Default)]
struct Group {
    planned: usize,
    counts: BTreeMap<Outcome, usize>,
    warnings: usize,
    known: usize,
}

impl Group {
    fn delivered(&self) -> usize {
        self.counts.values().sum::<usize>() + self.warnings + self.known
    }
}

impl Groups {
    /// The groups of a plan.
    pub fn new(plan: &[Planned<'_>]) -> Self {
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for planned in plan {
            groups.entry(planned.case.area().to_owned()).or_default().planned += 1;
        }
        let width = groups.keys().map(String::len).max().unwrap_or_default();
        Self { groups, width }
    }

    /// Counts a verdict, a known failure or not; gives the group's line when it was the last of its group.
    pub fn count(&mut self, verdict: &Verdict, is_known: bool) -> Option<String> {
        let area = verdict.area();
        let group = self.groups.get_mut(area)?;
        if is_known {
            group.known += 1;
        } else if verdict.outcome == Outcome::Fail && verdict.level != Level::Must {
            group.warnings += 1;
        } else {
            *group.counts.entry(verdict.outcome).or_default() += 1;
        }
        (group.delivered() == group.planned).then(|| line(area, self.width, &self.groups[area]))
    }

    /// The lines of groups that were not finished.
    pub fn unfinished(&self) -> Vec<String> {
        let open = self.groups.iter().filter(|(_, group)| group.delivered() < group.planned);
        open.map(|(area, group)| line(area, self.width, group)).collect()
    }
}

fn line(area: &str, width: usize, group: &Group) -> String {
    let count = |outcome: Outcome| group.counts.get(&outcome).copied().unwrap_or_default();
    let mut line = format!("  {area:width$}  {GREEN}{:>4} passed{GREEN:#}", count(Outcome::Pass));
    let columns = [
        (count(Outcome::Fail), "failed", RED),
        (count(Outcome::SetupFailed), "set-up failed", RED),
        (group.warnings, "warned", YELLOW),
        (group.known, "known", YELLOW),
        (count(Outcome::Unsupported), "unsupported", DIM),
        (count(Outcome::Observed), "observed", DIM),
        (group.planned - group.delivered(), "NOT JUDGED", RED),
    ];
    for (number, word, style) in columns.into_iter().filter(|(number, ..)| *number > 0) {
        // Writing to a string cannot fail, here and below.
        let _ = write!(line, "  {style}{number:>4} {word}{style:#}");
    }
    line + "\n"
}

/// What is said before the first answer.
pub fn opening(target: &str, world: &str, seed: u64, planned: usize) -> String {
    format!(
        "{BOLD}rollcall-conformance {}{BOLD:#}: {planned} verdicts to deliver on {target}\n{DIM}world {world}, seed \
         {seed}{DIM:#}\n\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// What is said after the last answer.
pub fn closing(report: &Report<'_>, quiet: bool) -> String {
    let mut out = String::new();
    failures(&mut out, report);
    if !quiet {
        known_failures(&mut out, report);
    }
    surprises(&mut out, report);
    if !quiet && !report.verdicts.is_empty() {
        fingerprint(&mut out, report);
        unsupported(&mut out, report);
        untested(&mut out, report);
        document_defects(&mut out, report);
        totals(&mut out, report);
    }
    verdict(&mut out, report);
    out
}

/// What is said of a claim after the run that checked it.
pub fn verified(file: &str, claim: &Claim, differences: &[Difference]) -> String {
    let made = format!("{file}, made on {} of {}", claim.date, claim.target);
    if differences.is_empty() {
        return format!("\n{0}the claim holds{0:#}: {made}\n", GREEN.bold());
    }
    let mut out = format!("\n{RED}the claim does not hold{RED:#}: {made}\n");
    for difference in differences {
        let _ = writeln!(out, "  {}", visible(&difference.to_string()));
    }
    out + "Next: see to what differs, or make a new claim with --claim.\n"
}

/// What looking at the suite itself came to.
pub fn self_check(tried: usize, vacuous: &[String], verdicts: usize, moved: &[String]) -> String {
    let mut out = String::new();
    let parts = [
        (vacuous, format!("{tried} answers turned into their opposite: every expectation can fail"), "cannot fail"),
        (moved, format!("{verdicts} verdicts in three orders: the order makes no difference"), "depend on the order"),
    ];
    for (lines, holds, broken) in parts {
        if lines.is_empty() {
            let _ = writeln!(out, "{GREEN}holds{GREEN:#}   {holds}");
        } else {
            let _ = writeln!(out, "{RED}broken{RED:#}  {} {broken}:", lines.len());
            lines.iter().for_each(|line| out.push_str(&format!("  {}\n", visible(line))));
        }
    }
    out
}

/// Broken MUSTs first: the last page of the screen is read first, but the first failure is looked for.
fn failures(out: &mut String, report: &Report<'_>) {
    for level in Level::ALL {
        for verdict in report.verdicts.iter().filter(|verdict| verdict.level == level) {
            let is_written = number_of(&verdict.case).is_none();
            if is_written && verdict.failure.is_some() && verdict.excuse.is_none() {
                let Some(case) = report.suite.case(&verdict.case) else { continue };
                failure(out, report, case, verdict);
                field(out, "again", &format!("the same command with --filter {}", case.id));
            }
        }
    }
    finds(out, report);
}

/// Of generated cases that fail alike one is shown, made small.
fn finds(out: &mut String, report: &Report<'_>) {
    for find in &report.finds {
        failure(out, report, &find.case, &find.verdict);
        let case = &find.cases[0];
        let alike = match find.cases.len() - 1 {
            0 => String::new(),
            1 => "; another one fails alike".to_owned(),
            others => format!("; {others} others fail alike"),
        };
        field(out, "made small", &format!("from the generated case {case}{alike}"));
        match &find.script {
            Ok(script) => field(out, "script", &format!("(run here, and it showed the failure)\n{}", visible(script))),
            Err(reason) => field(out, "script", &format!("none: {}", visible(reason))),
        }
        let seed = report.seed;
        field(
            out,
            "again",
            &format!("the same command with --seed {seed} --filter {case}; --save DIR keeps what was found"),
        );
    }
    let shown: BTreeSet<&String> = report.finds.iter().flat_map(|find| &find.cases).collect();
    let is_left = |one: &&Verdict| number_of(&one.case).is_some() && one.excuse.is_none() && !shown.contains(&one.case);
    let left = report.verdicts.iter().filter(is_left).filter(|verdict| verdict.failure.is_some()).count();
    if left > 0 {
        let _ = writeln!(out, "\n{left} more verdicts on generated cases failed; --json has each of them");
    }
}

fn failure(out: &mut String, report: &Report<'_>, case: &Case, verdict: &Verdict) {
    let Some(failure) = &verdict.failure else { return };
    let (word, style) = match (verdict.outcome, verdict.level) {
        (Outcome::SetupFailed, _) => ("SET-UP FAILED", RED),
        (_, Level::Must) => ("FAILED", RED),
        _ => ("WARNING", YELLOW),
    };
    let (id, format, level) = (&case.id, verdict.format, verdict.level);
    let _ = writeln!(out, "\n{style}{word}{style:#}  {BOLD}{id}{BOLD:#} [{format}]  {level}");
    for row in case.requirements.iter().take(1).filter_map(|id| report.suite.requirement(id)) {
        field(out, "requirement", &format!("{}: {} ({})", row.id, row.says, row.source));
    }
    let file = if case.file.is_empty() { String::new() } else { format!(" (conformance/{})", case.file) };
    field(out, "case", &format!("{}{file}", case.title));
    field(out, "step", &failure.step);
    field(out, "expected", &failure.expected);
    field(out, "actual", &visible(&failure.actual));
    if let Some(telling) = failure.exchange.and_then(|position| verdict.exchanges.get(position)) {
        exchange(out, telling);
    }
}

fn exchange(out: &mut String, exchange: &Exchange) {
    field(out, "request", &request(&exchange.sent));
    field(out, "answer", &answer(&exchange.received));
    field(out, "curl", &command(&exchange.sent));
}

pub(super) fn request(sent: &Sent) -> String {
    let mut request = format!("{} {}\n", sent.method, sent.url);
    for (name, value) in &sent.headers {
        let _ = writeln!(request, "{name}: {value}");
    }
    request + &shown_body(&sent.body)
}

pub(super) fn answer(received: &Result<Received, String>) -> String {
    match received {
        Ok(got) => {
            let content_type = got.content_type().map(|value| format!("content-type: {value}\n")).unwrap_or_default();
            format!("HTTP {}\n{}{}", got.status, visible(&content_type), shown_body(&got.body))
        }
        Err(reason) => format!("none: {}", visible(reason)),
    }
}

pub(super) fn command(sent: &Sent) -> String {
    let curl = curl::line(sent);
    if curl.len() <= 2 * BODY_LIMIT {
        return curl;
    }
    format!("(a body of {} bytes; the command is in the report of --json)", sent.body.len())
}

/// Briefly: each reason once, with how many verdicts it excuses.
fn known_failures(out: &mut String, report: &Report<'_>) {
    let mut reasons: Vec<(&Excuse, Vec<&str>)> = Vec::new();
    for verdict in &report.verdicts {
        let Some(excuse) = &verdict.excuse else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == excuse) {
            Some((_, cases)) => cases.push(&verdict.case),
            None => reasons.push((excuse, vec![&verdict.case])),
        }
    }
    if !reasons.is_empty() {
        let _ = writeln!(out, "\n{BOLD}Known failures{BOLD:#} {DIM}(announced, not held against the target){DIM:#}");
    }
    for (excuse, mut cases) in reasons {
        let (count, flaky) = (cases.len(), if excuse.list == KnownList::KnownFlaky { ", now and then" } else { "" });
        cases.dedup();
        let more = if cases.len() > 1 { format!(" and {} more", cases.len() - 1) } else { String::new() };
        let _ = writeln!(out, "  {count:>4}  {}{more}{flaky}: {}", cases[0], visible(&excuse.reason));
    }
}

fn surprises(out: &mut String, report: &Report<'_>) {
    if !report.surprises.is_empty() {
        let _ = writeln!(out, "\n{RED}Not as announced{RED:#} {DIM}(by the files handed in){DIM:#}");
    }
    for surprise in &report.surprises {
        let _ = writeln!(out, "  {}: {}", surprise.place, visible(&surprise.what));
        let _ = writeln!(out, "      {DIM}{}{DIM:#}", surprise.next);
    }
}

pub(super) fn field(out: &mut String, name: &str, text: &str) {
    let mut lines = text.trim_end().lines();
    let _ = writeln!(out, "  {DIM}{name:<12}{DIM:#}{}", lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(out, "              {line}");
    }
}

fn shown_body(body: &[u8]) -> String {
    let cut = &body[..body.len().min(BODY_LIMIT)];
    let rest = if cut.len() < body.len() { format!("... ({} bytes in all)", body.len()) } else { String::new() };
    let mut text = String::new();
    for chunk in cut.utf8_chunks() {
        text.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text + &rest
}

/// Two columns of names with one answer; below them the names whose answers differ by format.
fn fingerprint(out: &mut String, report: &Report<'_>) {
    if report.fingerprint.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{BOLD}Observed{BOLD:#} {DIM}(left to the implementation, never a failure){DIM:#}");
    let is_generated = |name: &&String| name.starts_with("generated/");
    let generated = report.fingerprint.keys().filter(is_generated).count();
    let shown = || report.fingerprint.iter().filter(|(name, _)| !is_generated(name));
    let width = shown().map(|(name, _)| name.len()).max().unwrap_or_default();
    let (mut same, mut by_format) = (Vec::new(), Vec::new());
    for (name, answers) in shown() {
        match answers {
            Answers::Same(word) => same.push(format!("{name:<width$}  {}", visible(word))),
            Answers::ByFormat(_) => by_format.push(format!("{name:<width$}  {}", visible(&answers.to_string()))),
        }
    }
    for line in in_two_columns(&same).iter().chain(&by_format) {
        let _ = writeln!(out, "  {line}");
    }
    if generated > 0 {
        let _ = writeln!(out, "  and {generated} answers to generated cases; --fingerprint FILE writes all of them");
    }
}

fn in_two_columns(entries: &[String]) -> Vec<String> {
    let (left, right) = entries.split_at(entries.len().div_ceil(2));
    let width = left.iter().map(|entry| entry.chars().count()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for (position, entry) in left.iter().enumerate() {
        let line = match right.get(position) {
            Some(other) => format!("{entry:<width$}   {other}"),
            None => entry.clone(),
        };
        lines.push(line);
    }
    lines
}

fn unsupported(out: &mut String, report: &Report<'_>) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for verdict in report.verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Unsupported) {
        *reasons.entry(&verdict.message).or_default() += 1;
    }
    if !reasons.is_empty() {
        let _ = writeln!(out, "\n{BOLD}Unsupported{BOLD:#} {DIM}(not tried){DIM:#}");
    }
    for (reason, count) in reasons {
        let _ = writeln!(out, "  {count:>4}  {reason}");
    }
}

/// The rows that no case can test, each with its reason.
fn untested(out: &mut String, report: &Report<'_>) {
    let rows: Vec<_> = report.requirements.iter().filter_map(|row| Some((row.id, row.untested?))).collect();
    if !rows.is_empty() {
        let _ = writeln!(out, "\n{BOLD}Untested{BOLD:#} {DIM}(requirements that no case can test){DIM:#}");
    }
    for (id, reason) in rows {
        let _ = writeln!(out, "  {id}: {reason}");
    }
}

fn document_defects(out: &mut String, report: &Report<'_>) {
    if !report.document_defects().is_empty() {
        let _ = writeln!(out, "\n{BOLD}Document defects{BOLD:#} {DIM}(never held against the target){DIM:#}");
    }
    for erratum in report.document_defects() {
        let _ = writeln!(out, "  {} (page:{}): {}", erratum.id, erratum.page, erratum.what);
        for shown in report.shown_by_defect(erratum) {
            let _ = writeln!(out, "    {DIM}{}{DIM:#}", visible(&shown));
        }
    }
}

fn totals(out: &mut String, report: &Report<'_>) {
    let _ =
        writeln!(out, "\n{BOLD}{:<10}  passed  failed  set-up failed  known  unsupported  observed{BOLD:#}", "Totals");
    for level in Level::ALL {
        let [pass, fail, setup, unsupported, observed] = Outcome::ALL.map(|outcome| report.count(level, outcome));
        let known = report.excused(level);
        let _ = writeln!(
            out,
            "  {level:<8}  {pass:>6}  {fail:>6}  {setup:>13}  {known:>5}  {unsupported:>11}  {observed:>8}"
        );
    }
}

fn verdict(out: &mut String, report: &Report<'_>) {
    let style = match report.conclusion {
        Conclusion::Conformant | Conclusion::AsExpected => GREEN.bold(),
        Conclusion::Unexpected | Conclusion::Nonconformant => RED,
        Conclusion::Inconclusive => YELLOW.bold(),
    };
    let word = report.conclusion.word();
    let (delivered, planned, seconds) = (report.verdicts.len(), report.planned, report.elapsed.as_secs_f64());
    let _ = writeln!(out, "\n{style}{word}{style:#}: {}", because(report));
    let _ = writeln!(out, "{DIM}{delivered} of {planned} verdicts in {seconds:.2} s, seed {}{DIM:#}", report.seed);
    if let Some(next) = next_step(report) {
        let _ = writeln!(out, "{next}");
    }
}

fn because(report: &Report<'_>) -> String {
    let mut because = match report.conclusion {
        Conclusion::Inconclusive => visible(&report.reasons.join("; ")),
        Conclusion::Nonconformant => {
            let [failed, setup] = [Outcome::Fail, Outcome::SetupFailed].map(|it| report.count(Level::Must, it));
            format!("{failed} MUST verdicts failed, {setup} could not be set up")
        }
        Conclusion::Unexpected => {
            format!("{} of what the files handed in say is not true of this run", report.surprises.len())
        }
        Conclusion::AsExpected => {
            format!("every MUST that was tried holds but for {} known failures", report.excused(Level::Must))
        }
        Conclusion::Conformant if report.count(Level::Must, Outcome::Unsupported) == 0 => "every MUST holds".to_owned(),
        Conclusion::Conformant => "every MUST that was tried holds".to_owned(),
    };
    let untried = report.count(Level::Must, Outcome::Unsupported);
    let warnings = report.total(Outcome::Fail) + report.total(Outcome::SetupFailed) - report.broken_musts();
    if report.read_only {
        let left_out = report.left_out();
        let _ =
            write!(because, "; read-only: {left_out} verdicts were not tried since they could write, and no refusal");
        because.push_str(" was compared with an acceptance");
    } else if untried > 0 {
        let _ = write!(because, "; {untried} MUST verdicts are unsupported");
    }
    match warnings {
        0 => {}
        1 => because.push_str("; 1 warning"),
        many => drop(write!(because, "; {many} warnings")),
    }
    because
}

/// What the reader should do now.
fn next_step(report: &Report<'_>) -> Option<&'static str> {
    let passed = report.count(Level::Must, Outcome::Pass);
    match report.conclusion {
        Conclusion::Conformant | Conclusion::AsExpected => None,
        Conclusion::Inconclusive if report.verdicts.is_empty() && report.planned > 0 => {
            Some("Next: start the target, or correct --target; then run the same command again.")
        }
        Conclusion::Inconclusive if report.planned == 0 => {
            Some("Next: correct --filter; --list shows every case and requirement.")
        }
        Conclusion::Inconclusive => {
            Some("Next: see to the reason above; nothing can be said of the target until then.")
        }
        Conclusion::Unexpected => {
            Some("Next: go through `Not as announced` above; each line says what to change in which file.")
        }
        Conclusion::Nonconformant if report.broken_musts() > passed => Some(
            "Next: most of it failed; check first that the token, database and roles in the world file are those of the target.",
        ),
        Conclusion::Nonconformant => Some(
            "Next: take the first failure above; its `again` line judges that case alone, --json has every exchange.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cannot_steer_the_terminal() {
        assert_eq!(shown_body(b"a\x1b[2J\r\n\xff"), "a\\u{1b}[2J\\r\n\\xff");
    }

    #[test]
    fn a_long_body_is_cut_with_its_size() {
        assert!(shown_body(&[b'x'; 5_000]).ends_with("x... (5000 bytes in all)"));
    }

    #[test]
    fn columns_are_read_downwards() {
        let entries = ["a", "bbb", "c"].map(str::to_owned);
        assert_eq!(in_two_columns(&entries), ["a     c", "bbb"]);
    }

    #[test]
    fn a_group_line_shows_what_there_is_and_nothing_else() {
        let group = Group { planned: 4, counts: [(Outcome::Pass, 2)].into(), warnings: 1, known: 0 };
        let plain = anstream::adapter::strip_str(&line("matching", 10, &group)).to_string();
        assert_eq!(plain, "  matching       2 passed     1 warned     1 NOT JUDGED\n");
    }
}
