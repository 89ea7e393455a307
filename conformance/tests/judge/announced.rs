//! Files that announce failures and answers: what comes true is excused, what does not fails the run.

use rollcall_conformance::fingerprint::Expected;
use rollcall_conformance::judge::KnownList;
use rollcall_conformance::known::Known;
use rollcall_conformance::report::{Conclusion, RowResult};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{Forgetful, Honest, RESULTS_SCHEMA, Setting, assert_fits, judge_with, said, schema, serve};

/// What `Forgetful` does wrong.
const FORGETFUL: &str = "
[[known]]
case = 'basic/find'
expectation = 'step 2 of 2: expected accepted with the id of `ann`'
reason = 'nobody is found before ticket 7'
[[known]]
case = 'basic/race'
expectation = 'all with one id'
reason = 'nobody is found before ticket 7'
[[known]]
requirement = 'REFUSE'
expectation = 'expected refused'
reason = 'tokens are not looked at'
expires = 2027-01-31
[[known]]
requirement = 'TEXT'
expectation = 'expected refused'
reason = 'tokens are not looked at'
";

fn known(list: KnownList, text: &str) -> Setting {
    let mut known = Known::new(jiff::civil::date(2027, 1, 31));
    known.read(list, "known.toml", text).unwrap();
    Setting { known, ..Setting::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_that_were_announced_are_as_expected() {
    let ran = judge_with(Forgetful::default(), known(KnownList::KnownFailing, FORGETFUL)).await;
    assert_eq!(ran.conclusion, Conclusion::AsExpected, "{}", ran.screen);
    assert_eq!(ran.conclusion.exit_code(), 0);
    assert_eq!(ran.rows["FIND"], RowResult::Fail, "the row is still not kept");
    assert!(ran.screen.contains("basic/find and 1 more: nobody is found before ticket 7"), "{}", ran.screen);
    assert!(!ran.screen.contains("FAILED"), "{}", ran.screen);
    assert!(
        ran.junit.contains("<skipped message=\"known, nobody is found before ticket 7: fail (must)"),
        "{}",
        ran.junit
    );
    assert!(!ran.junit.contains("<failure"), "{}", ran.junit);
    assert_eq!(ran.json["verdict"], "as-expected");
    assert_eq!((&ran.json["counts"]["fail"], &ran.json["counts"]["excused"]), (&json!(0), &json!(8)));
    assert_fits(&schema(RESULTS_SCHEMA), &ran.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_not_true_any_more_fails_the_run() {
    let ran = judge_with(Honest::default(), known(KnownList::KnownFailing, FORGETFUL)).await;
    assert_eq!((ran.conclusion, ran.conclusion.exit_code()), (Conclusion::Unexpected, 1), "{}", ran.screen);
    let says = "known.toml:2 (entry 1): no failure any more in basic/find [json], basic/find [xml]";
    assert!(ran.screen.contains(says) && ran.screen.contains("remove the entry"), "{}", ran.screen);
    assert_eq!(ran.junit.matches("<failure type=\"unexpected\"").count(), 4, "{}", ran.junit);
    assert_eq!(ran.json["unexpected"][0]["next"], "remove the entry");
    assert_fits(&schema(RESULTS_SCHEMA), &ran.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flaky_case_may_pass_and_may_fail() {
    for server in [true, false] {
        let setting = known(KnownList::KnownFlaky, FORGETFUL);
        let ran = if server {
            judge_with(Honest::default(), setting).await
        } else {
            judge_with(Forgetful::default(), setting).await
        };
        let expected = if server { Conclusion::Conformant } else { Conclusion::AsExpected };
        assert_eq!(ran.conclusion, expected, "{}", ran.screen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_covers_one_failure_and_no_other() {
    let other = FORGETFUL.replace("step 2 of 2: expected accepted with", "step 1 of 2: expected");
    let ran = judge_with(Forgetful::default(), known(KnownList::KnownFailing, &other)).await;
    assert_eq!(ran.conclusion, Conclusion::Nonconformant, "{}", ran.screen);
    assert!(ran.screen.contains("FAILED  basic/find [json]"), "{}", ran.screen);
    assert!(ran.screen.contains("basic/find [json] fails in another way: step 2 of 2"), "{}", ran.screen);
}

fn expecting(text: &str) -> Setting {
    Setting { fingerprint: Some(Expected::read("mine.json", text).unwrap()), ..Setting::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprint_that_drifts_fails_the_run_with_each_line_said() {
    let same = r#"{"fingerprint":{"unknown-field":"rejected with 400"}}"#;
    assert_eq!(judge_with(Honest::default(), expecting(same)).await.conclusion, Conclusion::Conformant);
    let other = r#"{"fingerprint":{"unknown-field":"ignored","gone":"x"}}"#;
    let ran = judge_with(Honest::default(), expecting(other)).await;
    assert_eq!(ran.conclusion, Conclusion::Unexpected, "{}", ran.screen);
    assert!(
        ran.screen.contains("mine.json: unknown-field: changed from `ignored` to `rejected with 400`"),
        "{}",
        ran.screen
    );
    assert!(ran.screen.contains("mine.json: gone: gone, was `x`"), "{}", ran.screen);
    let none = judge_with(Honest::default(), expecting(r#"{"fingerprint":{}}"#)).await;
    assert!(none.screen.contains("unknown-field: new, `rejected with 400`"), "{}", none.screen);
}

fn refusing() -> ResponseTemplate {
    ResponseTemplate::new(400)
        .insert_header("server", "refuser/1")
        .set_body_json(json!({ "error": 400, "error_text": "no" }))
}

fn accepting() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "error": 0, "error_text": "", "profile_id": "1" }))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_program_writes_it_takes_again() {
    let (refuser, accepter) = (serve(refusing()).await, serve(accepting()).await);
    let (refuser, accepter) = (refuser.uri(), accepter.uri());
    tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (known, mine, results) = (path("known.toml"), path("mine.json"), path("results.json"));
        let judge = |url: &str, more: &[&str]| {
            said(&[&["--target", url, "--quiet", "--generated", "0", "--filter", "*d*"], more].concat())
        };

        let (code, text) =
            judge(&refuser, &["--write-known-failing", &known, "--fingerprint", &mine, "--json", &results]);
        assert_eq!(code, Some(1), "{text}");
        for fingerprint in [&mine, &results] {
            let (code, text) = judge(&refuser, &["--known-failing", &known, "--expect-fingerprint", fingerprint]);
            assert_eq!(code, Some(0), "{text}");
            assert!(text.contains("as-expected"), "{text}");
        }
        let (code, text) = judge(&accepter, &["--known-failing", &known, "--expect-fingerprint", &mine]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("fails in another way") && text.contains("changed from"), "{text}");

        let part = |url: &str| {
            said(&["--target", url, "--quiet", "--generated", "0", "--filter", "*code*", "--expect-fingerprint", &mine])
                .1
        };
        assert!(!part(&refuser).contains(&mine), "what was not asked is not gone: {}", part(&refuser));
        assert!(part(&accepter).contains("code-malformed: changed from"), "{}", part(&accepter));

        assert_eq!(said(&["diff", &mine, &results]), (Some(0), String::new()));
        let theirs = path("theirs.json");
        judge(&accepter, &["--fingerprint", &theirs]);
        let (code, text) = said(&["diff", &mine, &theirs]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("code-malformed: changed from `400` to `accepted`\n"), "{text}");
        for broken in [&known, &path("no-such-file")] {
            let (code, text) = said(&["diff", &mine, broken]);
            assert_eq!(code, Some(2), "{text}");
            assert!(text.contains(broken.as_str()), "{text}");
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_checked_by_running_again() {
    let (refuser, accepter) = (serve(refusing()).await, serve(accepting()).await);
    let (refuser, accepter) = (refuser.uri(), accepter.uri());
    tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claim.json");
        let claim = path.to_str().unwrap();
        let (code, text) = said(&["--target", &refuser, "--quiet", "--claim", claim]);
        assert_eq!(code, Some(1), "{text}");

        let (code, text) = said(&["--verify", claim, "--quiet"]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("the claim holds"), "{text}");

        let (code, text) = said(&["--verify", claim, "--quiet", "--target", &accepter]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("banner of the target: claimed refuser/1, found none"), "{text}");
        assert!(text.contains("must verdicts: claimed "), "{text}");

        let (code, text) = said(&["--verify", claim, "--target", &super::nobody()]);
        assert_eq!(code, Some(2), "{text}");

        let changed = std::fs::read_to_string(&path).unwrap().replace("nonconformant", "conformant");
        std::fs::write(&path, changed).unwrap();
        let (code, text) = said(&["--verify", claim]);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("changed after it was written"), "{text}");
    })
    .await
    .unwrap();
}

#[test]
fn nothing_is_claimed_of_a_run_that_is_inconclusive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("claim.json");
    let (code, text) = said(&["--target", &super::nobody(), "--claim", path.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("nothing can be claimed") && !path.exists(), "{text}");
}

#[test]
fn a_list_that_cannot_be_read_is_told_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known.toml");
    let path = path.to_str().unwrap();
    std::fs::write(path, "[[known]]\ncase = 'x'\nexpectation = 'y'\n").unwrap();
    let (code, text) = said(&["--target", &super::nobody(), "--known-failing", path]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(path) && text.contains("missing field `reason`"), "{text}");
}
