//! The `curl` command that repeats an exchange. Tokens are masked as `$TOKEN`, so the shell puts them back.

use crate::target::Sent;

/// A longer body is piped in: an argument of a command has a limit.
const ARGUMENT_LIMIT: usize = 100_000;

/// One line for a POSIX shell.
pub fn line(sent: &Sent) -> String {
    command(sent, &[])
}

/// As [`line()`], with shell variables in place of some texts: pairs of a text and the variable's name.
pub fn command(sent: &Sent, variables: &[(String, String)]) -> String {
    let quote = |text: &str| quote(text, variables);
    let mut line = format!("curl -sS -X {} {}", quote(&sent.method), quote(&sent.url));
    for (name, value) in &sent.headers {
        line.push_str(&format!(" -H {}", quote(&format!("{name}: {value}"))));
    }
    for name in ["Content-Type", "Accept"] {
        if !sent.headers.iter().any(|(given, _)| *given == name) {
            line.push_str(&format!(" -H '{name}:'")); // curl would send one of its own
        }
    }
    match std::str::from_utf8(&sent.body) {
        Ok(text) if is_plain(text) => format!("{line} --data-binary {}", quote(text)),
        _ => format!("printf %b {} | {line} --data-binary @-", quote(&escape_for_printf(&sent.body))),
    }
}

/// True if a shell argument can carry the text on one line; an `@` in front would name a file.
pub(crate) fn is_plain(text: &str) -> bool {
    text.len() <= ARGUMENT_LIMIT && !text.starts_with('@') && !text.contains(char::is_control)
}

/// Single quotes, opened for a masked token or a variable so that the shell expands it.
fn quote(text: &str, variables: &[(String, String)]) -> String {
    let is_simple = |c: char| c.is_ascii_alphanumeric() || "-._/:".contains(c);
    let is_fixed = !variables.iter().any(|(value, _)| text.contains(value));
    if !text.is_empty() && is_fixed && text.chars().all(is_simple) {
        return text.to_owned();
    }
    let mut quoted = format!("'{}'", text.replace('\'', r"'\''"));
    for mask in ["$TOKEN", "$FOREIGN_TOKEN"] {
        quoted = quoted.replace(mask, &format!("'\"{mask}\"'"));
    }
    for (value, name) in variables {
        quoted = quoted.replace(value, &format!("'\"${name}\"'"));
    }
    quoted
}

/// Everything but plain characters as `\0ooo`, which `printf %b` turns back into bytes.
fn escape_for_printf(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("\\0{other:03o}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    fn sent(body: &[u8]) -> Sent {
        let headers = vec![("Content-Type", "application/json".to_owned())];
        Sent { method: "POST".into(), url: "http://a:1/api?x=1&y='2'".into(), headers, body: body.to_vec() }
    }

    #[test]
    fn reads_like_a_command_one_would_type() {
        let line = line(&sent(br#"{"token":"$TOKEN"}"#));
        let body = r#"'{"token":"'"$TOKEN"'"}'"#;
        assert_eq!(
            line,
            format!(
                r"curl -sS -X POST 'http://a:1/api?x=1&y='\''2'\''' -H 'Content-Type: application/json' -H 'Accept:' --data-binary {body}"
            )
        );
    }

    /// Runs the command in a real shell, with a function in place of `curl` that gives back the body.
    #[track_caller]
    fn check(body: &[u8], expected: &[u8]) {
        let script = format!(
            "curl() {{ for last; do :; done; if [ \"$last\" = @- ]; then cat; else printf %s \"$last\"; fi; }}\n{}\n",
            line(&sent(body))
        );
        let mut shell = Command::new("sh")
            .env("TOKEN", "s3cret")
            .env("FOREIGN_TOKEN", "other")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert_eq!(shell.wait_with_output().unwrap().stdout, expected, "{script}");
    }

    #[test]
    fn stays_on_one_line() {
        let line = line(&sent(b"<xml>\n<a>1</a>\n</xml>\n"));
        assert!(line.starts_with(r"printf %b '<xml>\n<a>1</a>\n</xml>\n' | curl"), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }

    #[test]
    fn a_shell_gives_back_the_very_bytes() {
        check(b"{\"a\":\"it's `$HOME` \\n %s\"}", b"{\"a\":\"it's `$HOME` \\n %s\"}");
        check("<a>ж</a>".as_bytes(), "<a>ж</a>".as_bytes());
        check(b"{\"t\":\"$TOKEN\",\"f\":\"$FOREIGN_TOKEN\"}", b"{\"t\":\"s3cret\",\"f\":\"other\"}");
    }

    #[test]
    fn bytes_that_no_argument_can_carry_are_piped() {
        check(b"\xff\xfe\0 \\n %s 'x' $TOKEN 7", b"\xff\xfe\0 \\n %s 'x' s3cret 7");
        check(b"@file", b"@file");
        check("<a>ж\n\t</a>\n".as_bytes(), "<a>ж\n\t</a>\n".as_bytes());
        check(b"a\r\n\x01b", b"a\r\n\x01b");
        check(&vec![b'x'; ARGUMENT_LIMIT + 1], &vec![b'x'; ARGUMENT_LIMIT + 1]);
    }
}
