//! The report as Markdown, for the summary of a CI job or a comment on a pull request.
//!
//! What the target sent stands in code spans and fences only, longer than any run of backticks in it: nothing there is
//! Markdown, HTML, a mention or a link. The text is kept below what such places accept: failures are told in full
//! while there is room, then in one line each, then counted.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::mark::{Mark, Tally};
use super::plain::{cut, one_line, visible};
use super::{Answers, Conclusion, Report, curl};
use crate::judge::{Exchange, Failure, Verdict};
use crate::requirement::{Level, Requirement};

/// A failure is told in full while the text is shorter; comments end at 65,536 characters, and one failure has
/// up to five texts of `TEXT_LIMIT`.
const FULL_LIMIT: usize = 32_000;
/// A failure is told in one line while the text is shorter.
const LINE_LIMIT: usize = 42_000;
/// Observed words are listed while the text is shorter.
const FINGERPRINT_LIMIT: usize = 56_000;
/// A longer body, answer or reason is cut.
const TEXT_LIMIT: usize = 1_500;

/// The Markdown text of a report.
pub fn render(report: &Report<'_>) -> String {
    let tally: Tally = report.verdicts.iter().map(|verdict| (verdict.level, Mark::of_verdict(verdict))).collect();
    let mut out = String::new();
    heading(&mut out, report, &tally);
    counts(&mut out, &tally);
    told(&mut out, report, "Failures", &[Mark::Fail, Mark::SetupFailed]);
    told(&mut out, report, "Warnings", &[Mark::Warning]);
    told(&mut out, report, "Known failures", &[Mark::Known]);
    unsupported(&mut out, report);
    fingerprint(&mut out, report);
    out
}

fn heading(out: &mut String, report: &Report<'_>, tally: &Tally) {
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(out, "## Profile import: {}\n", report.conclusion.word());
    let _ = match report.conclusion {
        Conclusion::Inconclusive => writeln!(out, "It could not be judged. This is no success.\n"),
        _ => writeln!(out, "{}.\n", tally.sentence()),
    };
    for reason in &report.reasons {
        let _ = writeln!(out, "- {}", span(reason));
    }
    for surprise in &report.surprises {
        let _ = writeln!(out, "- {}", span(&surprise.to_string()));
    }
    let _ = writeln!(
        out,
        "\nTarget {}, world {}, seed `{}`; {} of {} verdicts in {:.1} s; suite {}.\n",
        span(&report.target),
        span(&report.world),
        report.seed,
        report.verdicts.len(),
        report.planned,
        report.elapsed.as_secs_f64(),
        env!("CARGO_PKG_VERSION")
    );
}

/// Columns without a single verdict are left out.
fn counts(out: &mut String, tally: &Tally) {
    let shown: Vec<Mark> = Mark::ALL.into_iter().filter(|&mark| tally.total(mark) > 0).collect();
    if shown.is_empty() {
        return;
    }
    let words: Vec<&str> = shown.iter().map(|mark| mark.word()).collect();
    let _ = writeln!(out, "| level | {} |", words.join(" | "));
    let _ = writeln!(out, "| --- |{}", " ---: |".repeat(shown.len()));
    for level in Level::ALL {
        let cells: Vec<String> = shown.iter().map(|&mark| tally.count(level, mark).to_string()).collect();
        let _ = writeln!(out, "| {level} | {} |", cells.join(" | "));
    }
}

fn told(out: &mut String, report: &Report<'_>, title: &str, marks: &[Mark]) {
    let verdicts: Vec<&Verdict> =
        report.verdicts.iter().filter(|verdict| marks.contains(&Mark::of_verdict(verdict))).collect();
    if verdicts.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n### {title} ({})\n", verdicts.len());
    for (position, verdict) in verdicts.iter().enumerate() {
        if out.len() < FULL_LIMIT {
            out.push_str(&full(report, verdict));
        } else if out.len() < LINE_LIMIT {
            out.push_str(&line(verdict));
        } else {
            let _ = writeln!(out, "- and {} more; the JSON report has all of them", verdicts.len() - position);
            return;
        }
    }
}

fn line(verdict: &Verdict) -> String {
    format!(
        "- **{}** {} ({}, {})\n",
        Mark::of_verdict(verdict).word(),
        span(&verdict.case),
        verdict.format,
        verdict.level
    )
}

fn full(report: &Report<'_>, verdict: &Verdict) -> String {
    let mut out = line(verdict);
    if let Some(row) = blamed(report, verdict) {
        let _ = writeln!(out, "  - requirement: {} (`{}`, {})", row.says, row.id, row.source);
    }
    if let Some(excuse) = &verdict.excuse {
        let _ = writeln!(out, "  - known, because: {}", span(&excuse.reason));
    }
    if let Some(failure) = &verdict.failure {
        let _ = writeln!(out, "  - {}, expected: {}", failure.step, span(&failure.expected));
        let _ = writeln!(out, "  - actual: {}", span(&failure.actual));
        out.push_str(&telling_exchange(verdict, failure));
    }
    out
}

fn blamed<'a>(report: &'a Report<'_>, verdict: &Verdict) -> Option<&'a Requirement> {
    report.suite.requirement(&report.suite.case(&verdict.case)?.requirements[0])
}

fn telling_exchange(verdict: &Verdict, failure: &Failure) -> String {
    let Some(telling) = failure.exchange.and_then(|position| verdict.exchanges.get(position)) else {
        return String::new();
    };
    let (request, answer) = (request(telling), answer(telling));
    let command = curl::line(&telling.sent);
    let again = if command.len() <= TEXT_LIMIT { fence("sh", &command) } else { String::new() };
    let inner = format!("{}{}{again}", fence("http", &request), fence("http", &answer));
    format!("\n  <details><summary>Exchange</summary>\n\n{inner}  </details>\n\n")
}

fn request(exchange: &Exchange) -> String {
    let sent = &exchange.sent;
    let headers: String = sent.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{} {}\n{headers}\n{}", sent.method, sent.url, body(&sent.body))
}

fn answer(exchange: &Exchange) -> String {
    match &exchange.received {
        Ok(got) => {
            let content_type = got.content_type().map(|value| format!("content-type: {value}\n")).unwrap_or_default();
            format!("{}\n{content_type}\n{}", got.status, body(&got.body))
        }
        Err(reason) => format!("no answer: {reason}"),
    }
}

/// Bytes that are no text are spelled `\xff`.
fn body(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => cut(&visible(text), TEXT_LIMIT),
        Err(_) => cut(&body.escape_ascii().to_string(), TEXT_LIMIT),
    }
}

fn unsupported(out: &mut String, report: &Report<'_>) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for verdict in report.verdicts.iter().filter(|verdict| Mark::of_verdict(verdict) == Mark::Unsupported) {
        *reasons.entry(&verdict.message).or_default() += 1;
    }
    if !reasons.is_empty() {
        out.push_str("\n### Not tried\n\n");
    }
    for (reason, count) in reasons {
        let _ = writeln!(out, "- {count}: {}", span(reason));
    }
}

fn fingerprint(out: &mut String, report: &Report<'_>) {
    if report.fingerprint.is_empty() {
        return;
    }
    let count = report.fingerprint.len();
    let _ = writeln!(out, "\n<details><summary>Left to the implementation: {count} answers observed</summary>\n");
    for (position, (name, answers)) in report.fingerprint.iter().enumerate() {
        if out.len() > FINGERPRINT_LIMIT {
            let _ = writeln!(out, "- and {} more; the JSON report has all of them", count - position);
            break;
        }
        let words = match answers {
            Answers::Same(word) => span(word),
            Answers::ByFormat(words) => {
                let words: Vec<_> = words.iter().map(|(format, word)| format!("{} in {format}", span(word))).collect();
                words.join(", ")
            }
        };
        let _ = writeln!(out, "- {}: {words}", span(name));
    }
    out.push_str("\n</details>\n");
}

/// A code span of one line that nothing in the text can close.
fn span(text: &str) -> String {
    let text = cut(&one_line(text), TEXT_LIMIT);
    let ticks = "`".repeat(longest_run_of_backticks(&text) + 1);
    // A backtick at an end would join the delimiter; one space at both ends is taken off by the reader.
    let space = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    if text.is_empty() { "(nothing)".to_owned() } else { format!("{ticks}{space}{text}{space}{ticks}") }
}

/// A fenced block within a list item that nothing in the text can close.
fn fence(language: &str, text: &str) -> String {
    let ticks = "`".repeat(longest_run_of_backticks(text).max(2) + 1);
    let mut out = format!("  {ticks}{language}\n");
    for line in visible(text).lines() {
        let _ = writeln!(out, "  {line}");
    }
    out + "  " + &ticks + "\n\n"
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_close_its_span() {
        assert_eq!(span("a"), "`a`");
        assert_eq!(span("a``b"), "```a``b```");
        assert_eq!(span("`</details>\n# x"), "`` `</details>\\n# x ``");
    }

    #[test]
    fn no_text_can_close_its_fence() {
        assert_eq!(fence("http", "a\n```\n<b>"), "  ````http\n  a\n  ```\n  <b>\n  ````\n\n");
    }
}
