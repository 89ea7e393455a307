//! The requirement rows: each documented atom of the call, with an id that never changes.
//!
//! Only the rows and their levels live here; which cases cite a row is worked out in `suite`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How binding a row is. The order matters: a case may lower its level, never raise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Never a failure: the suite records a typed answer.
    Observe,
    /// Allowed; a failure is shown, nothing more.
    May,
    /// A failure is a warning.
    Should,
    /// A failure makes the target nonconformant.
    Must,
}

impl Level {
    /// Most binding first, as reports list them.
    pub const ALL: [Self; 4] = [Self::Must, Self::Should, Self::May, Self::Observe];

    /// The word used in data files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
            Self::Observe => "observe",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Where the knowledge behind a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The documentation says it.
    Documented,
    /// Seen in a client or an answer.
    Observed,
    /// Follows from something documented.
    Inferred,
    /// Nobody outside knows.
    Unknown,
}

/// One row: a documented atom that a target keeps or breaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// Stable name, such as `MATCH-EMAIL-BOTH`.
    pub id: String,
    /// Name of the file without its ending: the chapter under which the row is listed.
    pub area: String,
    /// How binding it is.
    pub level: Level,
    /// The requirement in one sentence.
    pub says: String,
    /// Where it is written: `page:118`, `dossier:2.1` or `ruling:M2`.
    pub source: String,
    /// How sure we are of it.
    pub confidence: Confidence,
    /// Why no case can test it; only for rows that no case cites.
    pub untested: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    level: Level,
    says: String,
    source: String,
    confidence: Confidence,
    untested: Option<String>,
}

/// Reads the rows of one file, in the order in which they are written.
///
/// # Errors
/// Every row that is wrong, as `ID: what is wrong`; or the one reason why the file is no TOML.
pub fn read(area: &str, text: &str) -> Result<Vec<Requirement>, Vec<String>> {
    let table: toml::Table = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for (id, value) in table {
        match read_row(area, &id, value) {
            Ok(row) => rows.push(row),
            Err(problem) => problems.push(format!("{id}: {problem}")),
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}

fn read_row(area: &str, id: &str, value: toml::Value) -> Result<Requirement, String> {
    let row: Row = value.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
    if !is_id(id) {
        return Err("an id is made of capital letters, digits and single hyphens".to_owned());
    }
    if row.says.trim().is_empty() || !row.says.trim_end().ends_with(['.', '!', '?']) {
        return Err("`says` must be a sentence".to_owned());
    }
    if !["page:", "dossier:", "ruling:"].iter().any(|kind| row.source.starts_with(kind)) {
        return Err(format!("`source` is `{}`; write page:LINE, dossier:SECTION or ruling:ID", row.source));
    }
    if let Some(reason) = too_weak_for_a_must(&row) {
        return Err(format!("a `must` {reason}; lower it, or cite the ruling that demands it of everybody"));
    }
    if row.untested.as_deref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err("`untested` must give the reason".to_owned());
    }
    let Row { level, says, source, confidence, untested } = row;
    Ok(Requirement { id: id.to_owned(), area: area.to_owned(), level, says, source, confidence, untested })
}

/// A `must` is what the page says, or what the rulings demand of everybody.
fn too_weak_for_a_must(row: &Row) -> Option<&'static str> {
    let is_inferred = row.source.starts_with("page:") && row.confidence != Confidence::Documented;
    match row.level {
        Level::Must if row.source.starts_with("dossier:") => Some("cannot rest on the dossier alone"),
        Level::Must if is_inferred => Some("which cites the page must stand there (`documented`)"),
        _ => None,
    }
}

fn is_id(id: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    id.split('-').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "level = \"must\"\nsays = \"It works.\"\nsource = \"page:1\"\nconfidence = \"documented\"\n";

    #[test]
    fn keeps_rows_in_the_order_of_the_file() {
        let rows = read("matching", &format!("[Z-1]\n{ROW}\n[A-1]\n{ROW}")).unwrap();
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["Z-1", "A-1"]);
        assert_eq!((rows[0].area.as_str(), rows[0].level), ("matching", Level::Must));
    }

    #[track_caller]
    fn refuses(text: &str, reason: &str) {
        let problems = read("x", text).unwrap_err().join("\n");
        assert!(problems.contains(reason), "{problems}");
    }

    #[test]
    fn refuses_unknown_keys_naming_the_row() {
        refuses(&format!("[A-1]\n{ROW}leval = 1"), "A-1: unknown field `leval`");
    }

    #[test]
    fn refuses_rows_that_are_not_as_agreed() {
        refuses(&format!("[a-1]\n{ROW}"), "capital letters");
        refuses(&format!("[A-1]\n{}", ROW.replace("page:1", "page 1")), "write page:LINE");
        refuses(&format!("[A-1]\n{}", ROW.replace("It works.", "it works")), "sentence");
        refuses(&format!("[A-1]\n{ROW}untested = ''"), "reason");
        refuses(&format!("[A-1]\n{}", ROW.replace("must", "shall")), "shall");
    }

    #[test]
    fn refuses_a_must_that_nobody_demands() {
        refuses(&format!("[A-1]\n{}", ROW.replace("page:1", "dossier:1")), "rest on the dossier alone");
        refuses(&format!("[A-1]\n{}", ROW.replace("documented", "inferred")), "must stand there");
        let ruled = ROW.replace("page:1", "ruling:M1").replace("documented", "inferred");
        let lowered = ROW.replace("must", "should").replace("page:1", "dossier:1");
        assert!(read("x", &format!("[A-1]\n{ruled}\n[A-2]\n{lowered}")).is_ok());
    }

    #[test]
    fn levels_are_ordered_by_how_binding_they_are() {
        assert!(Level::Must > Level::Should && Level::Should > Level::May && Level::May > Level::Observe);
    }
}
