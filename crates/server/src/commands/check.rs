//! `rollcall check`: is the folder of a store sound?

use super::{places::FolderOptions, progress};
use clap::Args;
use rollcall_store::check::{Report, check};
use serde_json::json;
use std::{
    io::{self, Write},
    process::ExitCode,
};

pub(crate) const EXAMPLES: &str = "Examples:
  rollcall check --data /var/lib/rollcall
  rollcall check --data /backups/monday --json | jq .wrong

Reads everything and changes nothing. No server may have the folder open; check a backup of it instead.

Exit code 0: sound. 1: something is wrong. 2: it could not be checked.";

/// The folder could not be looked at.
const NOT_CHECKED: u8 = 2;

#[derive(Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    folder: FolderOptions,

    /// Report as JSON
    #[arg(long)]
    json: bool,
}

/// Checks the folder, and tells.
pub(crate) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let checked = arguments.folder.existing().and_then(|folder| {
        let bar = progress::bar(Some(0), progress::BYTES);
        let checked = check(&folder, &mut |step| progress::show(&bar, step));
        bar.finish_and_clear();
        Ok(checked?)
    });
    let report = match checked {
        Ok(report) => report,
        Err(error) => {
            eprintln!("rollcall: {error:#}");
            return Ok(NOT_CHECKED.into());
        }
    };
    let told = if arguments.json { as_json(&report) } else { as_text(&report) };
    io::stdout().write_all(told.as_bytes())?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_text(report: &Report) -> String {
    let Report { profiles, keys, outlived, events, segments, bytes, findings, wrong } = report;
    let looked_at = format!(
        "{profiles} profiles, {keys} entries of keys ({outlived} outlived), {events} events, {segments} log files of \
         {bytes} bytes"
    );
    if report.is_clean() {
        return format!("sound: {looked_at}\n");
    }
    let lines: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
    let shown = if *wrong > findings.len() as u64 {
        format!("the first {} are shown; ", findings.len())
    } else {
        String::new()
    };
    format!("{lines}{wrong} wrong: {shown}{looked_at}\n")
}

fn as_json(report: &Report) -> String {
    let Report { profiles, keys, outlived, events, segments, bytes, findings, wrong } = report;
    let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let report = json!({
        "sound": report.is_clean(),
        "profiles": profiles,
        "keys": keys,
        "outlived": outlived,
        "events": events,
        "segments": segments,
        "bytes": bytes,
        "wrong": wrong,
        "findings": findings,
    });
    format!("{report:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_model::{database::DatabaseId, profile::ProfileId};
    use rollcall_store::check::Finding;

    fn one_of(wrong: u64) -> Report {
        let finding = Finding::KeyMissing { database: DatabaseId(1), id: ProfileId([7; 12]) };
        Report { profiles: 3, findings: vec![finding], wrong, ..Report::default() }
    }

    #[test]
    fn tells_what_is_wrong_before_it_counts() {
        let told = as_text(&one_of(1));
        let (finding, count) = told.split_once('\n').unwrap();
        assert!(finding.contains("profile 070707070707070707070707 of database 1"), "{told}");
        assert!(count.starts_with("1 wrong: 3 profiles, "), "{told}");
        assert!(as_text(&one_of(7)).contains("7 wrong: the first 1 are shown; 3 profiles"));
        assert!(as_text(&Report::default()).starts_with("sound: 0 profiles"));
    }

    #[test]
    fn json_says_the_same() {
        let told: serde_json::Value = serde_json::from_str(&as_json(&one_of(7))).unwrap();
        assert_eq!((&told["sound"], &told["wrong"], &told["profiles"]), (&json!(false), &json!(7), &json!(3)));
        assert!(told["findings"][0].as_str().unwrap().contains("070707070707070707070707"));
    }
}
