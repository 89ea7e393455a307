//! The report as one HTML file: from one result file, or from several as a matrix of implementations.
//!
//! The file asks nothing of the network, and its policy forbids it to; only the style and the script of this folder may
//! run. Summary, failures, requirements and fingerprint stand in the page itself; cases and exchanges are data that the
//! script shows when they are asked for. What a target sent is data or escaped text, never markup.

mod parts;
mod results;
mod sections;
mod view;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use self::results::Results;
use self::view::View;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Why no page can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// There is nothing to show.
    NoResults,
    /// A value is not what `--json` writes.
    NotResults {
        /// Which of the values, counted from 1.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// `spec/sections.toml` is broken.
    Sections(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoResults => f.write_str("there are no results to show; give at least one file that --json wrote"),
            Self::NotResults { position, reason } => {
                write!(f, "result file {position} is not what --json writes: {reason}; write it again with --json")
            }
            Self::Sections(reason) => write!(f, "spec/sections.toml: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

/// The page for what `--json` wrote, once or for several implementations.
///
/// # Errors
/// If there is no result, or a value is none.
pub fn render(results: &[serde_json::Value]) -> Result<String, Error> {
    let read = results.iter().enumerate().map(|(position, value)| {
        Results::read(value).map_err(|error| Error::NotResults { position: position + 1, reason: error.to_string() })
    });
    let results = read.collect::<Result<Vec<_>, _>>()?;
    if results.is_empty() {
        return Err(Error::NoResults);
    }
    let sections = sections::built_in().map_err(Error::Sections)?;
    let view = View::new(&results, &sections);
    Ok(fill(
        PAGE,
        &[
            ("policy", &policy()),
            ("title", &parts::title(&view)),
            ("style", STYLE),
            ("summary", &parts::summary(&view)),
            ("requirements", &parts::requirements(&view)),
            ("fingerprint", &parts::fingerprint(&view)),
            ("document", &parts::document(&view)),
            ("data", &data(&view)),
            ("script", SCRIPT),
        ],
    ))
}

/// Nothing is loaded, nothing is sent, and nothing but our own style and script runs.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// JSON that no text in it can break out of: the parser of HTML sees neither a tag nor a comment begin.
fn data(view: &View<'_>) -> String {
    let json = serde_json::to_string(view).unwrap_or_default(); // strings and numbers only: this cannot fail
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Puts values into `{{name}}` of a template, once: what a value holds is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut pieces = template.split("{{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        out.extend(values.iter().filter(|(known, _)| *known == name).map(|(_, value)| *value));
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_name_another() {
        assert_eq!(fill("<{{a}}|{{b}}>", &[("a", "{{b}}"), ("b", "x")]), "<{{b}}|x>");
    }

    #[test]
    fn every_place_of_the_page_is_filled() {
        let names: Vec<&str> =
            PAGE.split("{{").skip(1).filter_map(|piece| piece.split_once("}}")).map(|(n, _)| n).collect();
        let known =
            ["policy", "title", "style", "summary", "requirements", "fingerprint", "document", "data", "script"];
        assert_eq!(names, known);
    }

    #[test]
    fn what_is_no_result_is_refused_with_its_place() {
        assert_eq!(render(&[]), Err(Error::NoResults));
        let error = render(&[serde_json::json!({"cases": []})]).unwrap_err().to_string();
        assert!(error.starts_with("result file 1 is not what --json writes: missing field"), "{error}");
    }

    #[test]
    fn style_and_script_end_where_the_page_says() {
        assert!(!STYLE.contains("</style") && !SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
    }
}
