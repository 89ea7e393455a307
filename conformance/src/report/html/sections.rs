//! The chapters under which requirement rows are listed, from `spec/sections.toml`.

use serde::Deserialize;

const FILE: &str = include_str!("../../../spec/sections.toml");

/// A chapter: where its rows are written, and its name in our words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) title: String,
    /// As the file writes it, for the reader.
    pub(super) place: String,
    sources: Sources,
}

#[derive(Debug, PartialEq, Eq)]
enum Sources {
    /// Lines of the documentation page.
    Lines(u32, u32),
    /// A chapter of another document: `ruling:T`, `dossier:3`.
    Chapter(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    section: Vec<FileSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSection {
    source: String,
    title: String,
}

/// The sections of the suite, in the order in which they are shown.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn built_in() -> Result<Vec<Section>, String> {
    read(FILE)
}

fn read(text: &str) -> Result<Vec<Section>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    file.section.into_iter().map(section).collect()
}

fn section(row: FileSection) -> Result<Section, String> {
    let sources = match row.source.strip_prefix("page:") {
        None => Sources::Chapter(row.source.clone()),
        Some(range) => {
            let lines = range.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
            let (from, to) = lines.ok_or_else(|| format!("`{}` is no range; write page:FIRST-LAST", row.source))?;
            Sources::Lines(from, to)
        }
    };
    Ok(Section { title: row.title, place: row.source, sources })
}

/// The place in `sections` of the one that a row's `source` belongs to.
pub(super) fn position(sections: &[Section], source: &str) -> Option<usize> {
    sections.iter().position(|section| match &section.sources {
        Sources::Lines(from, to) => page_line(source).is_some_and(|line| (*from..=*to).contains(&line)),
        Sources::Chapter(chapter) => chapter_of(source) == chapter,
    })
}

/// Of a range, the first line.
fn page_line(source: &str) -> Option<u32> {
    source.strip_prefix("page:")?.split('-').next()?.parse().ok()
}

/// `dossier:3.5` is of `dossier:3`, `ruling:T6a` of `ruling:T`.
fn chapter_of(source: &str) -> &str {
    let chapter = source.split('.').next().unwrap_or_default();
    match source.strip_prefix("ruling:") {
        Some(number) => &source[.."ruling:".len() + number.chars().next().map_or(0, char::len_utf8)],
        None => chapter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Suite, built_in_files};

    #[test]
    fn every_row_of_the_suite_is_of_one_section_and_every_page_line_of_at_most_one() {
        let sections = built_in().unwrap();
        for row in Suite::load(&built_in_files()).unwrap().requirements {
            assert!(position(&sections, &row.source).is_some(), "{}: {}", row.id, row.source);
        }
        for line in 1..600 {
            let holding = sections.iter().filter(|section| match section.sources {
                Sources::Lines(from, to) => (from..=to).contains(&line),
                Sources::Chapter(_) => false,
            });
            assert!(holding.count() <= 1, "line {line}");
        }
    }

    #[test]
    fn a_source_is_found_by_line_letter_or_chapter() {
        let rows = [("page:3-5", "a"), ("ruling:T", "b"), ("dossier:1", "c")];
        let text: String =
            rows.map(|(source, title)| format!("[[section]]\nsource='{source}'\ntitle='{title}'\n")).concat();
        let sections = read(&text).unwrap();
        let found = ["page:5", "page:4-9", "page:6", "ruling:T6a", "dossier:1.4", "dossier:10.1"];
        let expected = [Some(0), Some(0), None, Some(1), Some(2), None];
        assert_eq!(found.map(|source| position(&sections, source)), expected);
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        let error = read("[[section]]\nsource='page:7'\ntitle='t'").unwrap_err();
        assert_eq!(error, "`page:7` is no range; write page:FIRST-LAST");
    }
}
