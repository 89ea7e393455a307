//! The text reports of one run that holds everything: each outcome, a known failure, an answer full of markup.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should; helpers too")]

use rollcall_conformance::Format;
use rollcall_conformance::filter::Filter;
use rollcall_conformance::judge::{Exchange, Excuse, Failure, Found, KnownList, Outcome, Reason, Verdict};
use rollcall_conformance::report::{Asked, Report, markdown, tap};
use rollcall_conformance::requirement::Level;
use rollcall_conformance::run::{self, Run};
use rollcall_conformance::suite::Suite;
use rollcall_conformance::target::{Received, Sent};

const HOSTILE: &str = "`</details><script>x</script>`` @everybody #1 \u{202e}x\u{1b}[2J\n```\n# not a heading";

fn suite() -> Suite {
    let rows: String = ["must", "should"]
        .map(|level| {
            format!("[ROW-{level}]\nlevel='{level}'\nsays='It `works`.'\nsource='page:90'\nconfidence='documented'\n")
        })
        .concat()
        .replace("ROW-must", "ROW-MUST")
        .replace("ROW-should", "ROW-SHOULD");
    let case =
        |row: &str| format!("title='t'\nrequirements=['{row}']\n[[steps]]\nimport='{{\"data\":{{}}}}'\nexpect='new'");
    let files = [
        ("spec/requirements/a.toml", rows),
        ("cases/x/a.toml", case("ROW-MUST")),
        ("cases/x/b.toml", case("ROW-MUST")),
        ("cases/x/c.toml", case("ROW-SHOULD")),
        ("worlds/documented.toml", "[suite]\ntoken='t'\ndatabase=1".to_owned()),
    ];
    Suite::load(&files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into()).unwrap()
}

fn verdict(case: &str, format: Format, level: Level, outcome: Outcome) -> Verdict {
    let broken = matches!(outcome, Outcome::Fail | Outcome::SetupFailed);
    let failure = Failure {
        position: 0,
        step: "step 1 of 1".to_owned(),
        expected: "a new profile".to_owned(),
        actual: HOSTILE.to_owned(),
        exchange: Some(0),
        no_answer: false,
        reason: Reason { wanted: "new", found: Found::Refusal },
    };
    let sent = Sent { method: "POST".into(), url: "http://a.test/x".into(), headers: Vec::new(), body: b"{}".to_vec() };
    let received = Ok(Received { status: 200, headers: Vec::new(), body: HOSTILE.into() });
    Verdict {
        message: if outcome == Outcome::Pass { String::new() } else { HOSTILE.to_owned() },
        failure: broken.then_some(failure),
        observations: if outcome == Outcome::Observed { vec![("point".into(), HOSTILE.into())] } else { Vec::new() },
        exchanges: vec![Exchange { step: 0, is_twin: false, sent, received }],
        ..Verdict::new(case, format, level, outcome)
    }
}

/// One verdict of each mark.
fn verdicts() -> Vec<Verdict> {
    let known = Verdict {
        excuse: Some(Excuse { list: KnownList::KnownFailing, reason: "not # yet".to_owned() }),
        ..verdict("x/b", Format::Json, Level::Must, Outcome::Fail)
    };
    vec![
        verdict("x/a", Format::Json, Level::Must, Outcome::Pass),
        verdict("x/a", Format::Xml, Level::Must, Outcome::Fail),
        known,
        verdict("x/b", Format::Xml, Level::Must, Outcome::SetupFailed),
        verdict("x/c", Format::Json, Level::Should, Outcome::Fail),
        verdict("x/c", Format::Xml, Level::Should, Outcome::Unsupported),
        verdict("x/d", Format::Json, Level::Observe, Outcome::Observed),
    ]
}

fn rendered(verdicts: Vec<Verdict>, trouble: &[&str], render: fn(&Report<'_>) -> String) -> String {
    let suite = suite();
    let filter = Filter::default();
    let asked = Asked { target: "http://a.test", world: "w", seed: 7, filter: &filter };
    let plan = run::plan(&suite, &filter);
    let trouble = trouble.iter().map(|&reason| reason.to_owned()).collect();
    let mut report = Report::new(&suite, &asked, &plan, Run { verdicts, trouble, ..Run::default() });
    report.planned = report.planned.max(report.verdicts.len());
    render(&report)
}

/// A test point: whether it is ok, its description, its directive.
#[derive(Debug, PartialEq)]
struct Point {
    ok: bool,
    description: String,
    directive: String,
    yaml: Vec<String>,
}

/// Reads TAP 14 as strictly as the report needs: version, plan, numbered points, YAML blocks, bailing out.
fn read_tap(text: &str) -> (usize, Vec<Point>, Option<String>) {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("TAP version 14"));
    let plan = lines.next().unwrap().strip_prefix("1..").unwrap().parse().unwrap();
    let mut points: Vec<Point> = Vec::new();
    let mut in_yaml = false;
    for line in lines {
        if let Some(reason) = line.strip_prefix("Bail out! ") {
            return (plan, points, Some(reason.to_owned()));
        }
        match line {
            "  ---" => in_yaml = true,
            "  ..." => in_yaml = false,
            yaml if in_yaml => points.last_mut().unwrap().yaml.push(yaml.strip_prefix("  ").unwrap().to_owned()),
            point => points.push(read_point(point, points.len() + 1)),
        }
    }
    assert!(!in_yaml, "a YAML block is open at the end");
    (plan, points, None)
}

fn read_point(line: &str, number: usize) -> Point {
    let (ok, rest) = line.strip_prefix("not ").map_or((true, line), |rest| (false, rest));
    let rest = rest.strip_prefix(&format!("ok {number} - ")).unwrap_or_else(|| panic!("{line}"));
    let (description, directive) = rest.split_once(" # ").unwrap_or((rest, ""));
    Point { ok, description: description.to_owned(), directive: directive.to_owned(), yaml: Vec::new() }
}

#[test]
fn tap_plans_first_and_gives_each_verdict_its_point() {
    let (plan, points, bail_out) = read_tap(&rendered(verdicts(), &[], tap::render));
    assert_eq!((plan, points.len(), bail_out), (7, 7, None));
    let ok: Vec<bool> = points.iter().map(|point| point.ok).collect();
    assert_eq!(ok, [true, false, false, false, false, true, true]);
    assert_eq!(points[1].description, "x/a [xml]");
    let directives: Vec<&str> = points.iter().map(|point| point.directive.split(':').next().unwrap()).collect();
    assert_eq!(directives[..5], ["", "", concat!("TO", "DO known"), "", concat!("TO", "DO should")]);
    assert!(directives[5].starts_with("SKIP `</details>"), "{}", directives[5]);
    assert_eq!(points[2].directive, concat!("TO", r"DO known: not \# yet"), "a # would begin another directive");
}

#[test]
fn tap_tells_a_failure_in_yaml_that_is_json_strings() {
    let (_, points, _) = read_tap(&rendered(verdicts(), &[], tap::render));
    let fields: Vec<(&str, String)> = points[1]
        .yaml
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name, serde_json::from_str(value).unwrap()))
        .collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["outcome", "level", "requirement", "step", "expected", "actual", "curl"]);
    assert_eq!(fields[2].1, "ROW-MUST: It `works`. (page:90)");
    assert!(fields[5].1.contains("\\u{202e}x\\u{1b}[2J\n```"), "{}", fields[5].1);
    assert_eq!(points[0].yaml, [""; 0]);
    assert_eq!(points[6].yaml[0], "observed:");
}

#[test]
fn tap_bails_out_of_a_run_that_could_not_judge() {
    let (plan, points, bail_out) = read_tap(&rendered(Vec::new(), &["the target\nis gone"], tap::render));
    assert_eq!((plan, points.len()), (6, 0));
    assert!(bail_out.unwrap().starts_with("the target\\nis gone; "));
}

/// The lines of Markdown that are no code: outside of fences, with spans taken out.
fn live(markdown: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in markdown.lines() {
        let ticks: String = line.trim_start().chars().take_while(|&c| c == '`').collect();
        match &fence {
            Some(open) if line.trim() == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 && !line.trim_start()[ticks.len()..].contains('`') => fence = Some(ticks),
            None => out.push_str(&(without_spans(line) + "\n")),
        }
    }
    assert_eq!(fence, None, "a fence is open at the end");
    out
}

fn without_spans(line: &str) -> String {
    let Some(start) = line.find('`') else { return line.to_owned() };
    let ticks: String = line[start..].chars().take_while(|&c| c == '`').collect();
    let inside = &line[start + ticks.len()..];
    // A span ends at a run of exactly as many backticks.
    let mut at = 0;
    while let Some(found) = inside[at..].find('`') {
        let run = inside[at + found..].chars().take_while(|&c| c == '`').count();
        if run == ticks.len() {
            return format!("{}{}", &line[..start], without_spans(&inside[at + found + run..]));
        }
        at += found + run;
    }
    panic!("a span is open at the end of {line:?}");
}

#[test]
fn nothing_a_target_sent_is_live_in_markdown() {
    let text = rendered(verdicts(), &[HOSTILE], markdown::render);
    let live = live(&text);
    assert!(!live.contains("script") && !live.contains('@') && !live.contains("not a heading"), "{live}");
    let count = |tag: &str| live.matches(tag).count();
    assert_eq!((count("<details>"), count("</details>")), (5, 5), "four failures and the fingerprint\n{live}");
    assert!(!text.contains(['\u{202e}', '\u{1b}']));
}

#[test]
fn markdown_says_what_failed_and_why() {
    let text = rendered(verdicts(), &[], markdown::render);
    for part in [
        "## Profile import: nonconformant",
        "1 MUST verdict failed, 1 MUST verdict could not be set up, 1 warning, 1 known failure.",
        "| must | 1 | 1 | 0 | 1 | 1 | 0 | 0 |",
        "### Failures (2)",
        "- **fail** `x/a` (xml, must)\n  - requirement: It `works`. (`ROW-MUST`, page:90)",
        "step 1 of 1, expected: `a new profile`",
        "### Warnings (1)",
        "### Known failures (1)",
        "known, because: `not # yet`",
        "### Not tried",
        "curl -sS -X POST http://a.test/x",
    ] {
        assert!(text.contains(part), "{part}\n\n{text}");
    }
}

#[test]
fn markdown_stays_short_enough_for_a_comment() {
    let long = |_| {
        let mut verdict = verdict("x/a", Format::Json, Level::Must, Outcome::Fail);
        verdict.exchanges[0].sent.body = vec![b'x'; 100_000];
        verdict
    };
    let text = rendered((0..5_000).map(long).collect(), &[], markdown::render);
    assert!(text.len() < 65_536, "{}", text.len());
    live(&text);
    assert!(text.contains("more; the JSON report has all of them"), "{}", &text[text.len() - 300..]);
}
