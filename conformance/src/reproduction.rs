//! A failed case as a shell script of `curl` commands, and the proof that the script shows the failure.
//!
//! The script makes new people each time it is run, as the suite does, so that it can be run again and again. It is
//! handed out only after it was executed and the judge, shown what it printed, came to the same verdict.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::case::Case;
use crate::judge::{Judge, Verdict};
use crate::replay::Replay;
use crate::report::curl;
use crate::target::Received;

/// Stands for `curl` while the script is proved: keeps what was answered, and gives it on as `curl` does.
const RECORDING: &str = r#"curl() {
  n=$(ls "$RECORD" | wc -l)
  command curl -m 30 -D "$RECORD/$(printf %04d "$n").head" -o "$RECORD/$(printf %04d "$n").body" "$@" || return
  cat "$RECORD/$(printf %04d "$n").body"
}
"#;

/// Takes a profile id out of an answer, in either format.
const TAKE_ID: &str = r#"sed -n 's/.*"profile_id": *"\([^"]*\)".*/\1/p; s/.*<profile_id>\([^<]*\)<.*/\1/p'"#;

/// The script for a failed verdict; nothing where commands one after the other cannot say it.
pub fn script(case: &Case, verdict: &Verdict) -> Option<String> {
    let is_said = case.steps.iter().all(|step| step.parallel == 1);
    let failure = verdict.failure.as_ref().filter(|_| is_said)?;
    let mut variables = Variables::default();
    let mut out = format!(
        "#!/bin/sh\n# {} [{}]: {}\n# Run it as: TOKEN=... sh FILE\nset -u\n\
         RUN=$(( ($(date +%s) % 100000) * 10000 + $$ % 10000 )) # new people each time\n",
        verdict.case,
        verdict.format,
        one_line(&verdict.message)
    );
    for value in &verdict.values {
        out.push_str(&variables.define(value));
    }
    for (position, exchange) in verdict.exchanges.iter().enumerate() {
        let command = curl::command(&exchange.sent, &variables.list);
        let id = exchange.answer().and_then(|answer| answer.accepted_id().map(str::to_owned));
        let is_used = |id: &&String| verdict.exchanges[position + 1..].iter().any(|later| later.sent.holds(id));
        let title = if exchange.is_twin { ", its twin" } else { "" };
        out.push_str(&format!("\necho; echo '== step {}{title}'\n", exchange.step + 1));
        match id.as_ref().filter(is_used) {
            Some(id) if !variables.knows(id) => {
                let name = variables.add("ID", id);
                out.push_str(&format!("{name}=$({command} | tee /dev/stderr | {TAKE_ID})\n"));
            }
            _ => out.push_str(&format!("{command}\n")),
        }
    }
    out.push_str(&format!("\n# The last answer must be: {}\n", one_line(&failure.expected)));
    Some(out)
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Shell variables for what differs from run to run.
#[derive(Default)]
struct Variables {
    /// Text and name; longest texts first, since one may be part of another.
    list: Vec<(String, String)>,
}

impl Variables {
    fn knows(&self, text: &str) -> bool {
        self.list.iter().any(|(known, _)| known == text)
    }

    fn add(&mut self, kind: &str, text: &str) -> String {
        let name = format!("{kind}{}", self.list.len() + 1);
        self.list.push((text.to_owned(), name.clone()));
        self.list.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        name
    }

    /// The line that gives a new value of the same kind.
    fn define(&mut self, value: &str) -> String {
        let number = self.list.len() + 1;
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && value.len() < 7 {
            return String::new(); // too short to be told from other numbers; it stays as it is
        }
        let name = self.add("V", value);
        if let Some((_, domain)) = value.split_once('@') {
            format!("{name}=\"r${{RUN}}x{number}@{domain}\"\n")
        } else if value.starts_with("+79") {
            format!("{name}=$(printf '+79%09d' $(( (RUN + {number}) % 1000000000 )))\n")
        } else if is_number {
            format!("{name}=$(( RUN + {number} ))\n")
        } else {
            format!("{name}=\"r${{RUN}}x{number}\"\n")
        }
    }
}

/// Runs the script and shows the judge what it was answered.
///
/// # Errors
/// When the script could not be run, or does not show the failure.
pub fn prove(script: &str, case: &Case, failed: &Verdict, judge: &Judge<'_>, ordinal: usize) -> anyhow::Result<()> {
    let record = tempfile::tempdir().context("there is no folder for what the script is answered")?;
    let answers = record.path().join("answers");
    let file = record.path().join("script");
    fs::create_dir(&answers)
        .and_then(|()| fs::write(&file, format!("{RECORDING}{script}")))
        .context("no room for it")?;
    let mut shell = Command::new("sh");
    shell.arg(&file).env("RECORD", &answers);
    shell
        .env("TOKEN", &judge.world.token)
        .env("FOREIGN_TOKEN", judge.world.foreign_token.as_deref().unwrap_or_default());
    let output = shell.stdin(Stdio::null()).output().context("there is no `sh`")?;
    let answers = recorded(&answers)?;
    if answers.is_empty() {
        bail!("the script was answered nothing: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let wire = Replay::new(answers.into_iter().map(Ok));
    let verdict = judge.judge(&wire, case, failed.level, failed.format, ordinal).map_err(anyhow::Error::msg)?;
    let reason = |verdict: &Verdict| verdict.failure.as_ref().map(|failure| (failure.position, failure.reason));
    if reason(&verdict) != reason(failed) {
        bail!("the script, when run, does not show the failure");
    }
    Ok(())
}

fn recorded(folder: &Path) -> anyhow::Result<Vec<Received>> {
    let mut heads: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    heads.retain(|path| path.extension().is_some_and(|ending| ending == "head"));
    heads.sort();
    heads
        .iter()
        .map(|head| received(&fs::read(head)?, fs::read(head.with_extension("body")).unwrap_or_default()))
        .collect()
}

/// An answer from its head as `curl -D` writes it; interim answers stand in front.
fn received(head: &[u8], body: Vec<u8>) -> anyhow::Result<Received> {
    let text = String::from_utf8_lossy(head).replace("\r\n", "\n");
    let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let mut lines = last.lines();
    let status = lines.next().and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    Ok(Received {
        status: status.context("an answer without a status")?,
        headers: lines.filter_map(header).collect(),
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_heads_counts() {
        let head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\n\r\n";
        let got = received(head, b"{}".to_vec()).unwrap();
        assert_eq!((got.status, got.content_type()), (409, Some("application/json")));
        assert!(received(b"", Vec::new()).is_err());
    }

    #[test]
    fn each_kind_of_value_is_made_anew_by_the_shell() {
        let mut variables = Variables::default();
        let lines =
            ["rabc@example.com", "+79123456789", "1234567890", "rabc", "12"].map(|value| variables.define(value));
        let script = format!("RUN=5\n{}echo $V1 $V2 $V3 $V4", lines.concat());
        let said = Command::new("sh").args(["-c", &script]).output().unwrap().stdout;
        assert_eq!(String::from_utf8_lossy(&said).trim(), "r5x1@example.com +79000000007 8 r5x4");
        assert_eq!(variables.list[0].0, "rabc@example.com", "the longest first, since one may be part of another");
    }
}
