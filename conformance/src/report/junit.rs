//! The report as JUnit XML. Names are unique, since tools merge tests of one name.
//!
//! JUnit knows no warnings: what is no MUST and does not hold is shown as skipped, with the reason. So is a failure that
//! a list of known ones excuses; an entry that is not true any more is a failure of its own.

use std::fmt::Write;

use super::{Report, Surprise};
use crate::judge::{Outcome, Verdict};
use crate::render::escape_xml;
use crate::requirement::Level;

/// The XML text of a report.
pub fn render(report: &Report<'_>) -> String {
    let mut areas: Vec<(&str, Vec<&Verdict>)> = Vec::new();
    for verdict in &report.verdicts {
        let area = verdict.area();
        match areas.last_mut().filter(|(name, _)| *name == area) {
            Some((_, verdicts)) => verdicts.push(verdict),
            None => areas.push((area, vec![verdict])),
        }
    }
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"rollcall-conformance\">\n");
    if !report.reasons.is_empty() {
        out.push_str(&inconclusive(&report.reasons.join("; ")));
    }
    if !report.surprises.is_empty() {
        out.push_str(&unexpected(&report.surprises));
    }
    for (area, verdicts) in &areas {
        out.push_str(&suite(area, verdicts));
    }
    out + "</testsuites>\n"
}

/// A run that could not judge must not look green.
fn inconclusive(reasons: &str) -> String {
    format!(
        "<testsuite name=\"run\" tests=\"1\" errors=\"1\" failures=\"0\" skipped=\"0\">\n\
         <testcase classname=\"run\" name=\"every planned verdict is delivered\"><error message=\"{}\"/></testcase>\n\
         </testsuite>\n",
        attribute(reasons)
    )
}

fn unexpected(surprises: &[Surprise]) -> String {
    let count = surprises.len();
    let mut out =
        format!("<testsuite name=\"announced\" tests=\"{count}\" failures=\"{count}\" errors=\"0\" skipped=\"0\">\n");
    for (position, Surprise { place, what, next }) in surprises.iter().enumerate() {
        let (name, message) = (format!("{}. {place}", position + 1), format!("{what}; {next}"));
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            out,
            "<testcase classname=\"announced\" name=\"{}\"><failure type=\"unexpected\" message=\"{}\"/></testcase>",
            attribute(&name),
            attribute(&message)
        );
    }
    out + "</testsuite>\n"
}

fn suite(area: &str, verdicts: &[&Verdict]) -> String {
    let results: Vec<(String, &str)> = verdicts.iter().map(|verdict| testcase(area, verdict)).collect();
    let count = |kind: &str| results.iter().filter(|(_, result)| *result == kind).count();
    let mut out = format!(
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
        attribute(area),
        verdicts.len(),
        count("failure"),
        count("error"),
        count("skipped")
    );
    out.extend(results.into_iter().map(|(text, _)| text));
    out + "</testsuite>\n"
}

/// The element of one verdict, and the name of the result within it.
fn testcase(area: &str, verdict: &Verdict) -> (String, &'static str) {
    let result = match (verdict.outcome, verdict.level) {
        _ if verdict.excuse.is_some() => "skipped",
        (Outcome::Pass | Outcome::Observed, _) => "",
        (Outcome::Fail, Level::Must) => "failure",
        (Outcome::SetupFailed, Level::Must) => "error",
        _ => "skipped",
    };
    let mut out = String::new();
    let name = format!("{} [{}]", verdict.case, verdict.format);
    let _ = write!(out, "<testcase classname=\"{}\" name=\"{}\"", attribute(area), attribute(&name));
    let known = verdict.excuse.as_ref().map(|excuse| format!("known, {}: ", excuse.reason)).unwrap_or_default();
    let message = attribute(&format!("{known}{} ({}): {}", verdict.outcome.word(), verdict.level, verdict.message));
    let _ = match result {
        "" if verdict.observations.is_empty() => writeln!(out, "/>"),
        "" => writeln!(out, "><system-out>{}</system-out></testcase>", attribute(&observations(verdict))),
        "skipped" => writeln!(out, "><skipped message=\"{message}\"/></testcase>"),
        broken => writeln!(out, "><{broken} type=\"{}\" message=\"{message}\"/></testcase>", verdict.level),
    };
    (out, result)
}

fn observations(verdict: &Verdict) -> String {
    verdict.observations.iter().map(|(name, word)| format!("{name}: {word}\n")).collect()
}

/// What XML cannot carry, and what no reader wants to meet.
fn is_unsayable(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Escaped, and without the characters that XML cannot carry.
fn attribute(text: &str) -> String {
    let clean: String = text.chars().map(|c| if is_unsayable(c) { '\u{fffd}' } else { c }).collect();
    escape_xml(&clean).replace('\n', "&#10;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;
    use crate::xml;

    fn verdict(level: Level, outcome: Outcome) -> Verdict {
        let observations = vec![("n".to_owned(), "w".to_owned())];
        let message = "a \"<&>\" \u{1}".to_owned();
        Verdict { message, observations, ..Verdict::new("x/y", Format::Json, level, outcome) }
    }

    #[test]
    fn is_well_formed_and_counts_what_it_holds() {
        let verdicts = [
            verdict(Level::Must, Outcome::Pass),
            verdict(Level::Must, Outcome::Fail),
            verdict(Level::Must, Outcome::SetupFailed),
            verdict(Level::Should, Outcome::Fail),
            verdict(Level::Must, Outcome::Unsupported),
        ];
        let text = suite("x", &verdicts.iter().collect::<Vec<_>>());
        xml::read(&text).unwrap();
        assert!(text.contains("tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"2\""), "{text}");
    }

    #[test]
    fn an_excused_failure_is_skipped_and_a_stale_excuse_fails() {
        use crate::judge::{Excuse, KnownList};
        let excuse = Excuse { list: KnownList::KnownFailing, reason: "ticket 7".to_owned() };
        let excused = Verdict { excuse: Some(excuse), ..verdict(Level::Must, Outcome::Fail) };
        let text = suite("x", &[&excused]);
        assert!(text.contains("<skipped message=\"known, ticket 7: fail (must): "), "{text}");
        let surprise = Surprise { place: "k:1".to_owned(), what: "no <failure>".to_owned(), next: "go".to_owned() };
        let text = unexpected(&[surprise.clone(), surprise]);
        xml::read(&text).unwrap();
        assert!(text.contains("failures=\"2\"") && text.contains("name=\"2. k:1\""), "{text}");
    }

    #[test]
    fn an_inconclusive_run_holds_an_error() {
        let text = inconclusive("the target is <gone>");
        xml::read(&text).unwrap();
        assert!(text.contains("errors=\"1\""), "{text}");
    }
}
