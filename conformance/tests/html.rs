//! The HTML report in a real browser: driven by keys and clicks, with hostile content, without a network.
//!
//! A copy of the page gets one more script, which acts as a reader would and writes what it found into the document.
//! Without a Chromium on this machine the tests of this file say so and pass.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should; helpers too")]

use std::fmt::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rollcall_conformance::report::html;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a hostile target answers: markup, the end of a script, a comment, marks that turn text around, an escape code.
const HOSTILE: &str = "</script x><script>window.broken = 1</script \t/><img src=x onerror='window.broken = 2'><!-- \
    \u{202e}desrever\u{2066} \u{1b}[2J \u{0} שלום \"&amp;'";

/// Heard before the page's own script runs.
const LISTENER: &str = "
window.troubles = [];
addEventListener('error', (event) => troubles.push(event.message));
addEventListener('unhandledrejection', (event) => troubles.push(String(event.reason)));
window.refusals = [];
addEventListener('securitypolicyviolation', (event) => refusals.push(event.blockedURI));
";

/// What a driver script may use.
const HELPERS: &str = "
const found = [];
const check = (what, holds) => found.push(`${holds ? 'yes' : 'NO'} ${what}`);
const $ = (selector) => document.querySelector(selector);
const $$ = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
const key = (key) => (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
const type = (text) => { const box = $('#search'); box.value = text; box.dispatchEvent(new Event('input', { bubbles: true })); };
const choose = (id, value) => { const box = $(id); box.value = value; box.dispatchEvent(new Event('change', { bubbles: true })); };
const visit = (hash) => new Promise((done) => { addEventListener('hashchange', done, { once: true }); location.hash = hash; });
const cases = () => $$('#case-list .row');
";

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let candidates = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    let found = candidates.into_iter().find(|candidate| candidate.is_file());
    if found.is_none() {
        eprintln!("NOT RUN: no {} on this machine, so the HTML report was not looked at", names.join(", "));
    }
    found
}

/// Opens the page with `driver` at its end and demands that everything it checked holds.
#[track_caller]
fn drive(browser: &PathBuf, page: &str, driver: &str) {
    let driver = format!(
        "(async () => {{{HELPERS}
        try {{ {driver} }} catch (error) {{ check(`the driver ran: ${{error.stack}}`, false); }}
        check(`no script error: ${{troubles}}`, troubles.length === 0);
        check('nothing of the target ran', window.broken === undefined);
        const out = document.createElement('pre');
        out.id = 'found';
        out.textContent = encodeURIComponent(found.join('\\n'));
        document.body.append(out);
        }})();"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, with_scripts(page, &driver)).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--virtual-time-budget=60000"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let document = String::from_utf8_lossy(&output.stdout);
    let found = document.rsplit_once("<pre id=\"found\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let Some((found, _)) = found else {
        panic!("the driver did not end; the browser said: {}", String::from_utf8_lossy(&output.stderr));
    };
    let found = decoded(found);
    assert!(found.lines().count() > 3, "{found}");
    assert!(!found.lines().any(|line| line.starts_with("NO ")), "{found}");
}

/// The page with a listener in front and a driver at the end, both allowed by their hashes.
fn with_scripts(page: &str, driver: &str) -> String {
    let hash = |script: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script)));
    let allowed = format!("script-src {} {} ", hash(LISTENER), hash(driver));
    let page = page.replacen("script-src ", &allowed, 1);
    let page = page.replacen("<title>", &format!("<script>{LISTENER}</script><title>"), 1);
    let end = page.rfind("</body>").unwrap();
    format!("{}<script>{driver}</script>{}", &page[..end], &page[end..])
}

fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

fn exchange(body: &str) -> Value {
    json!({
        "request": {"method": "POST", "url": "http://a.test/api/v1.1/profiles/import",
            "headers": {"Content-Type": "application/json"}, "body": "{\"a\":1,\"a\":1.0}"},
        "answer": {"status": 200, "headers": [["x-hostile", HOSTILE]], "body": body}
    })
}

fn case(id: &str, format: &str, outcome: &str) -> Value {
    let mut case = json!({
        "id": id, "title": "Something of `data` is kept", "file": format!("cases/{id}.toml"), "requirements": ["FIND"],
        "level": "must", "format": format, "outcome": outcome, "message": "", "exchanges": [exchange("{\"error\": 0}")]
    });
    if outcome == "fail" {
        case["message"] = json!(HOSTILE);
        case["failure"] = json!({"step": "step 1 of 1", "expected": "the same profile", "actual": HOSTILE,
            "exchange": 0, "no_answer": false});
        case["curl"] = json!(["curl http://a.test"]);
        case["exchanges"] = json!([exchange(HOSTILE)]);
    }
    case
}

/// Results by the schema: what stands in no report of a run must not be what this file tries.
fn results(target: &str, find: &str, word: &str, cases: &[Value]) -> Value {
    let counts = json!({"pass": 0, "fail": 0, "setup-failed": 0, "unsupported": 0, "observed": 0, "excused": 0});
    let row = |id: &str, source: &str, outcome: &str, cases: Value| {
        json!({"id": id, "level": "must", "says": "Mode `email` finds the profile.", "source": source,
            "outcome": outcome, "cases": cases})
    };
    let value = json!({
        "suite_version": "0.1.0", "target": target, "world": HOSTILE, "seed": 7, "verdict": "nonconformant",
        "reasons": [], "unexpected": [], "read_only": false, "planned": cases.len(), "delivered": cases.len(), "elapsed_ms": 1234,
        "counts": {"pass": 0, "fail": 0, "setup-failed": 0, "unsupported": 0, "observed": 0, "excused": 0,
            "by_level": {"must": counts, "should": counts, "may": counts, "observe": counts}},
        "fingerprint": {"unknown-field": word, "same-everywhere": "yes"},
        "requirements": [row("FIND", "page:90", find, json!(["data/0001"])), row("RULED", "ruling:T6a", "untested", json!([]))],
        "document_defects": [],
        "cases": cases
    });
    let schema = serde_json::from_str(include_str!("../schema/results.schema.json")).unwrap();
    if let Err(error) = jsonschema::validator_for(&schema).unwrap().validate(&value) {
        panic!("{error}");
    }
    value
}

/// 5,000 verdicts; `data/0001` failed in XML.
fn many() -> Value {
    let mut cases = Vec::new();
    for number in 0..2_500 {
        let id = format!("{}/{number:04}", if number % 2 == 0 { "matching" } else { "data" });
        cases.push(case(&id, "json", "pass"));
        cases.push(case(&id, "xml", if number == 1 { "fail" } else { "pass" }));
    }
    results("http://a.test", "fail", HOSTILE, &cases)
}

#[test]
fn a_reader_finds_a_failure_among_thousands_with_the_keyboard_alone() {
    let Some(browser) = browser() else { return };
    drive(
        &browser,
        &html::render(&[many()]).unwrap(),
        "
        check('the overview comes first', $$('.card').length === 1 && cases().length === 0);
        check('what failed can be read there', $('.failure').textContent.includes('the same profile'));
        key('/');
        check('/ goes to the search', document.activeElement === $('#search'));
        check('every case is a row', cases().length === 2500);
        type('data 0001');
        check('search narrows', cases().length === 1);
        key('Enter');
        check('Enter in the search goes to the first case', document.activeElement.closest('[data-case=\"data/0001\"]'));
        check('nothing is built before', document.querySelectorAll('.inside').length === 0);
        key('Enter');
        check('Enter opens it', $$('.inside').length === 1);
        const body = $$('.exchange.telling .body');
        check('the telling exchange is shown', body.length === 2 && body[1].textContent.includes('window.broken = 1'));
        check('what turns text around is spelled out', body[1].textContent.includes('\\\\u{202e}desrever'));
        check('control characters too', body[1].textContent.includes('\\\\u{1b}[2J \\\\u{0}'));
        check('double keys and numbers stay', body[0].textContent === '{\\n  \"a\": 1,\\n  \"a\": 1.0\\n}');
        check('the command stands there', $$('.command')[0].textContent === 'curl http://a.test');
        check('the address tells the view', location.hash === '#view=cases&q=data+0001&open=data/0001');
        key('Escape');
        check('Escape closes it', $$('.inside').length === 0);
        key('Escape');
        check('Escape again clears the search', cases().length === 2500 && $('#search').value === '');
        key('j');
        const second = document.activeElement.closest('.row').nextElementSibling;
        key('j');
        check('j moves on', document.activeElement.closest('.row') === second);
        key('ArrowUp');
        check('the arrow moves back', document.activeElement.closest('.row').nextElementSibling === second);
        document.activeElement.blur();
        key('?');
        check('? shows the keys', $('#keys').open);
        $('#keys').close();
        key('3');
        check('3 shows the requirements', $$('#requirements .row').length === 2);
        ",
    );
}

#[test]
fn filters_and_the_address_choose_what_is_shown() {
    let Some(browser) = browser() else { return };
    drive(
        &browser,
        &html::render(&[many()]).unwrap(),
        "
        await visit('#view=cases&mark=fail');
        check('the address filters', cases().length === 1);
        check('the filter is seen to be on', $('#marks [data-mark=fail]').getAttribute('aria-pressed') === 'true');
        choose('#format', 'json');
        check('mark and format hold of one verdict', cases().length === 0 && !$('#nothing').hidden);
        choose('#format', '');
        $('#marks [data-mark=fail]').click();
        check('a second press takes it off', cases().length === 2500);
        choose('#area', 'matching');
        check('by area', cases().length === 1250 && $$('#case-list .group').length === 1);
        choose('#level', 'should');
        check('by level', cases().length === 0);
        $('#clear').click();
        check('all of it is cleared', cases().length === 2500 && location.hash === '#view=cases');
        await visit('#view=cases&q=0001&open=data/0001');
        check('a linked case is open', $$('.inside').length === 1 && $('#search').value === '0001');
        await visit('#view=requirements&q=ruled+finds');
        check('search looks into ids and sentences', $$('#requirements .row').length === 1);
        type('');
        $('.row[data-row=FIND] .opener').click();
        check('a requirement names its cases', $$('.inside a').some((one) => one.textContent === 'data/0001'));
        const before = getComputedStyle(document.body).backgroundColor;
        $('#theme').click();
        check('the theme changes', getComputedStyle(document.body).backgroundColor !== before);
        check('and says so', $('#theme').getAttribute('aria-pressed') === 'true');
        ",
    );
}

#[test]
fn several_results_are_compared_requirement_by_requirement_and_case_by_case() {
    let Some(browser) = browser() else { return };
    let outcomes = |outcome: &str| {
        let broken = ["json", "xml"].map(|format| case("data/0001", format, outcome));
        let sound = ["json", "xml"].map(|format| case("data/0002", format, "pass"));
        [broken, sound].concat()
    };
    let ours = results("http://ours.test", "pass", "ignored", &outcomes("pass"));
    let theirs = results("http://theirs.test", "fail", "refused", &outcomes("fail"));
    drive(
        &browser,
        &html::render(&[ours, theirs]).unwrap(),
        "
        const words = (row) => [...row.querySelectorAll('.cell .mark')].map((one) => one.textContent).join(' ');
        check('a card for each', $$('.card').length === 2);
        $$('.card')[1].querySelector('.counts a').click();
        await new Promise((done) => addEventListener('hashchange', done, { once: true }));
        check('a count leads to its cases', cases().length === 1 && location.hash.includes('by=1'));
        choose('#by', '0');
        check('of the chosen implementation alone', cases().length === 0);
        await visit('#view=requirements');
        check('a word for each', words($('.row[data-row=FIND]')) === 'pass fail');
        const box = $('#differs');
        box.click();
        check('only what differs', $$('.row').length === 1);
        $('.row[data-row=FIND] .opener').click();
        check('down to the cases', words($('.row[data-row=FIND] li')) === 'pass fail');
        await visit('#view=cases&differs=1');
        check('cases differ too', cases().length === 1 && words(cases()[0]) === 'pass fail');
        $('.row[data-case=\"data/0001\"] .opener').click();
        check('each format of each implementation', $$('.said').length === 4);
        await visit('#view=fingerprint&differs=1');
        check('answers differ', $$('.words tbody tr').length === 1);
        ",
    );
}

#[test]
fn the_page_asks_nothing_of_the_network_and_may_not() {
    let Some(browser) = browser() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, visitors) = mpsc::channel();
    // Hangs up at once: a browser that waits for an answer would wait for ever.
    std::thread::spawn(move || listener.incoming().try_for_each(|visitor| sender.send(visitor.is_ok())));
    let mut driver = String::from(
        "
        await visit('#view=cases&open=data/0001');
        check('nothing was loaded', performance.getEntriesByType('resource').length === 0);
        check('nothing was refused', refusals.length === 0);
        ",
    );
    write!(
        driver,
        "
        const all = new Promise((done) => addEventListener('securitypolicyviolation', () => refusals.length === 3 && done()));
        const failed = await fetch('http://{address}/').then(() => false, () => true);
        check('fetch is forbidden', failed);
        const image = new Image();
        const lost = new Promise((done) => {{ image.onerror = done; }});
        image.src = 'http://{address}/x.png';
        await lost;
        const script = document.createElement('script');
        script.textContent = 'window.broken = 3';
        document.body.append(script);
        await all;
        check('all three were refused', refusals.length === 3);
        "
    )
    .unwrap();
    drive(&browser, &html::render(&[many()]).unwrap(), &driver);
    assert!(visitors.try_recv().is_err(), "the page reached the network");
}

#[test]
fn a_known_failure_is_marked_as_such_and_says_why() {
    let mut known = case("data/0001", "json", "fail");
    known["excuse"] = json!({"list": "known-failing", "reason": "comes with the next release"});
    let page = html::render(&[results("http://a.test", "fail", "ignored", &[known])]).unwrap();
    let (still, data) = page.split_once("<script type=\"application/json\"").unwrap();
    assert!(still.contains("No MUST failed that is not known to fail, 1 known failure."));
    assert!(still.contains("comes with the next release") && still.contains("known-failing"));
    assert!(still.contains("data-row=\"FIND\" data-marks=\"known\""), "the row is known to fail too");
    assert!(data.contains("\"mark\":\"known\""));
}

#[test]
fn without_the_script_verdict_failures_requirements_and_fingerprint_can_be_read() {
    let mut results = many();
    results["unexpected"] = json!([{"place": "known.toml:3", "what": "it passes now", "next": "delete the entry"}]);
    let page = html::render(&[results]).unwrap();
    let (still, data) = page.split_once("<script type=\"application/json\"").unwrap();
    for part in [
        "nonconformant",
        "1 MUST verdict failed",
        "the same profile",
        "curl http://a.test",
        "page:88-119",
        "unknown-field",
        "it passes now",
        "delete the entry",
    ] {
        assert!(still.contains(part), "{part}");
    }
    assert!(!still.contains("<script") && !still.contains("<img") && !still.contains("<!-- "), "markup of the target");
    assert_eq!(data.matches("</script").count(), 2, "the data and the script end once each");
}
