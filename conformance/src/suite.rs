//! Everything the suite knows: requirement rows, cases, errata, examples and worlds, read from its data files.
//!
//! The files are built into the binary; a debug build reads them from disk, so that authors see their edits at once.
//! What holds between files is checked here: levels, requirement ids, coverage.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use crate::case::{self, Case, Purpose};
use crate::requirement::{self, Level, Requirement};
use crate::world::World;

#[derive(RustEmbed)]
#[folder = "cases"]
struct CaseFiles;

#[derive(RustEmbed)]
#[folder = "spec"]
struct SpecFiles;

#[derive(RustEmbed)]
#[folder = "../fixtures/documented"]
struct DocumentedFiles;

#[derive(RustEmbed)]
#[folder = "../fixtures/worlds"]
struct WorldFiles;

/// Data files by path: `cases/...`, `spec/...`, `documented/...`, `worlds/...`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The data files built into this binary.
pub fn built_in_files() -> Files {
    let folders = [
        folder::<CaseFiles>("cases"),
        folder::<SpecFiles>("spec"),
        folder::<DocumentedFiles>("documented"),
        folder::<WorldFiles>("worlds"),
    ];
    folders.into_iter().flatten().collect()
}

fn folder<Folder: RustEmbed>(name: &str) -> Vec<(String, Vec<u8>)> {
    let read = |file: Cow<'static, str>| {
        let path = format!("{name}/{}", file.replace('\\', "/"));
        Folder::get(&file).map(|found| (path, found.data.into_owned()))
    };
    Folder::iter().filter_map(read).collect()
}

/// The rows, the cases and what else a run needs to know.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The requirement rows, by file and in the order in which they are written.
    pub requirements: Vec<Requirement>,
    /// The cases that were written by hand, by id.
    pub cases: Vec<Case>,
    /// The cases that were generated for this run, by id.
    pub generated: Vec<Case>,
    /// The known defects of the documentation.
    pub errata: Vec<Erratum>,
    /// The built-in world, in which the documentation's examples work as printed; missing only where the data is
    /// broken.
    pub documented_world: Option<World>,
}

/// A known defect of the documentation: never held against a target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Erratum {
    /// Stable name.
    pub id: String,
    /// Line of the documentation page.
    pub page: String,
    /// What is wrong.
    pub what: String,
    /// The file as printed.
    pub literal: Option<String>,
    /// The other file, where the defect is a difference between two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
    /// The file as it was probably meant.
    pub repaired: Option<String>,
    /// What the suite asserts.
    pub asserted: String,
    /// The ways in which it can be read.
    pub readings: Vec<String>,
    /// The cases that send the bytes as printed, and repaired where there is a repair.
    pub run_by: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErratumRow {
    page: String,
    what: String,
    literal: Option<String>,
    twin: Option<String>,
    repaired: Option<String>,
    asserted: String,
    #[serde(default)]
    readings: Vec<String>,
    #[serde(default)]
    run_by: Vec<String>,
}

/// Something wrong in a data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The key and what is wrong with it.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

impl Suite {
    /// Reads and checks data files.
    ///
    /// # Errors
    /// Every problem found, in all files.
    pub fn load(files: &Files) -> Result<Self, Vec<Problem>> {
        let (suite, problems) = Self::read(files);
        if problems.is_empty() { Ok(suite) } else { Err(problems) }
    }

    /// Reads what can be read, and tells what is wrong with the rest.
    pub fn read(files: &Files) -> (Self, Vec<Problem>) {
        let mut loader = Loader { files, problems: Vec::new() };
        let requirements = loader.requirements();
        let cases = loader.cases(&requirements);
        let errata = loader.errata(&cases);
        let documented_world = loader.documented_world();
        let generated = Vec::new();
        (Self { requirements, cases, generated, errata, documented_world }, loader.problems)
    }

    /// The row with this id.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|row| row.id == id)
    }

    /// The case with this id.
    pub fn case(&self, id: &str) -> Option<&Case> {
        let find = |cases: &'_ [Case]| cases.binary_search_by(|case| case.id.as_str().cmp(id)).ok();
        let written = find(&self.cases).map(|position| &self.cases[position]);
        written.or_else(|| find(&self.generated).map(|position| &self.generated[position]))
    }

    /// Every case: first those that were written by hand, so that a generated one changes no other's place.
    pub fn all_cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().chain(&self.generated)
    }

    /// The level of a case: that of its first requirement, unless the case lowers it.
    pub fn level(&self, case: &Case) -> Level {
        let blamed = case.requirements.first().and_then(|id| self.requirement(id));
        case.lowered.or(blamed.map(|row| row.level)).unwrap_or(Level::Observe)
    }

    /// The cases that cite a row.
    pub fn cases_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Case> {
        self.all_cases().filter(move |case| case.requirements.iter().any(|cited| cited == id))
    }

    /// Rows with neither case nor reason, and rows with both.
    pub fn coverage_gaps(&self) -> Vec<String> {
        let gap = |row: &Requirement| match (self.cases_of(&row.id).next(), &row.untested) {
            (None, None) => Some(format!("{}: no case cites it and no reason is given (`untested`)", row.id)),
            (Some(case), Some(_)) => Some(format!("{}: marked `untested`, but {} cites it", row.id, case.id)),
            _ => None,
        };
        self.requirements.iter().filter_map(gap).collect()
    }
}

struct Loader<'a> {
    files: &'a Files,
    problems: Vec<Problem>,
}

impl<'a> Loader<'a> {
    fn problem(&mut self, file: &str, what: impl Into<String>) {
        self.problems.push(Problem { file: file.to_owned(), what: what.into() });
    }

    /// The files under `folder`, as (path, path below the folder, text).
    fn texts(&mut self, folder: &str) -> Vec<(&'a str, &'a str, &'a str)> {
        let mut texts = Vec::new();
        for (path, bytes) in self.files {
            let Some(name) = path.strip_prefix(folder) else { continue };
            match (name.strip_suffix(".toml"), std::str::from_utf8(bytes)) {
                (Some(name), Ok(text)) => texts.push((path.as_str(), name, text)),
                (Some(_), Err(_)) => self.problem(path, "not UTF-8"),
                (None, _) => self.problem(path, "only .toml files belong here"),
            }
        }
        texts
    }

    fn requirements(&mut self) -> Vec<Requirement> {
        let mut rows = Vec::new();
        let mut places = BTreeMap::new();
        for (path, area, text) in self.texts("spec/requirements/") {
            match requirement::read(area, text) {
                Ok(found) => {
                    for row in found {
                        if let Some(other) = places.insert(row.id.clone(), path) {
                            self.problem(path, format!("{}: the id is taken in {other}", row.id));
                        }
                        rows.push(row);
                    }
                }
                Err(problems) => problems.into_iter().for_each(|what| self.problem(path, what)),
            }
        }
        rows
    }

    fn cases(&mut self, rows: &[Requirement]) -> Vec<Case> {
        let levels: BTreeMap<&str, Level> = rows.iter().map(|row| (row.id.as_str(), row.level)).collect();
        let files = self.files;
        let fixture = |path: &str| files.get(path).cloned();
        let mut cases = Vec::new();
        for (path, id, text) in self.texts("cases/") {
            if id.split('/').count() != 2 {
                self.problem(path, "a case lies in cases/<area>/<name>.toml");
                continue;
            }
            match case::read::read(id, path, text, &fixture) {
                Ok(case) => {
                    check_levels(&case, &levels).into_iter().for_each(|what| self.problem(path, what));
                    cases.push(case);
                }
                Err(problems) => problems.into_iter().for_each(|what| self.problem(path, what)),
            }
        }
        cases.sort_by(|one: &Case, other| one.id.cmp(&other.id)); // by path, `x-y.toml` stands before `x.toml`
        cases
    }

    fn errata(&mut self, cases: &[Case]) -> Vec<Erratum> {
        const PATH: &str = "documented/errata.toml";
        let Some(bytes) = self.files.get(PATH) else { return Vec::new() };
        let rows: toml::Table = match toml::from_slice(bytes) {
            Ok(rows) => rows,
            Err(error) => {
                self.problem(PATH, error.to_string());
                return Vec::new();
            }
        };
        let mut errata = Vec::new();
        for (id, row) in rows {
            match row.try_into::<ErratumRow>() {
                Ok(row) => {
                    for file in row.literal.iter().chain(&row.twin).chain(&row.repaired) {
                        if !self.files.contains_key(&format!("documented/{file}")) {
                            self.problem(PATH, format!("{id}: there is no file documented/{file}"));
                        }
                    }
                    for case in row.run_by.iter().filter(|id| !cases.iter().any(|case| case.id == **id)) {
                        self.problem(PATH, format!("{id}: there is no case {case}"));
                    }
                    let ErratumRow { page, what, literal, twin, repaired, asserted, readings, run_by } = row;
                    errata.push(Erratum { id, page, what, literal, twin, repaired, asserted, readings, run_by });
                }
                Err(error) => self.problem(PATH, format!("{id}: {}", error.message())),
            }
        }
        errata
    }

    fn documented_world(&mut self) -> Option<World> {
        const PATH: &str = "worlds/documented.toml";
        let bytes = self.files.get(PATH).map(Vec::as_slice).unwrap_or_default();
        match World::read(&String::from_utf8_lossy(bytes)) {
            Ok(world) => Some(world),
            Err(error) => {
                self.problem(PATH, error);
                None
            }
        }
    }
}

fn check_levels(case: &Case, levels: &BTreeMap<&str, Level>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut cited = BTreeSet::new();
    for id in &case.requirements {
        if !levels.contains_key(id.as_str()) {
            problems.push(format!("requirements: there is no requirement `{id}`"));
        }
        if !cited.insert(id) {
            problems.push(format!("requirements: `{id}` is cited twice"));
        }
    }
    let Some(&blamed) = case.requirements.first().and_then(|id| levels.get(id.as_str())) else { return problems };
    if let Some(level) = case.lowered.filter(|level| *level > blamed) {
        problems.push(format!("level: `{level}` is above `{blamed}`, the level of {}", case.requirements[0]));
    }
    let level = case.lowered.unwrap_or(blamed);
    let checks = case.steps.iter().any(|step| step.purpose == Purpose::Check);
    let observes = case.steps.iter().any(|step| matches!(step.purpose, Purpose::Observe { .. }));
    if level == Level::Observe && !observes {
        problems.push("level: an `observe` case must record an answer; give a step `observe`".to_owned());
    }
    if level > Level::Observe && observes && !checks {
        problems.push(format!("level: a `{level}` case must check something; say `level = \"observe\"`"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(extra: &[(&str, &str)]) -> Files {
        let row =
            |level: &str| format!("level='{level}'\nsays='It works.'\nsource='page:1'\nconfidence='documented'\n");
        let mut files: Files = [
            ("spec/requirements/a.toml", format!("[A-1]\n{}\n[A-2]\n{}", row("must"), row("should"))),
            ("spec/requirements/b.toml", format!("[B-1]\n{}", row("observe"))),
            ("worlds/documented.toml", "[suite]\ntoken='t'\ndatabase=1".to_owned()),
        ]
        .map(|(path, text)| (path.to_owned(), text.into_bytes()))
        .into();
        files.extend(extra.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        files
    }

    fn case(requirements: &str, more: &str, step: &str) -> String {
        format!("title='t'\nrequirements=[{requirements}]\n{more}\n[[steps]]\nimport='{{\"data\":{{}}}}'\n{step}")
    }

    #[track_caller]
    fn refuses(path: &str, text: &str, reason: &str) {
        let problems = Suite::load(&files(&[(path, text)])).unwrap_err();
        let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(all.contains(reason) && all.contains(path), "`{all}` does not say `{reason}`");
    }

    const CHECK: &str = "expect='new'";

    #[test]
    fn loads_rows_and_cases_and_gives_a_case_the_level_of_its_first_row() {
        let text = case("'A-1', 'A-2'", "", CHECK);
        let suite = Suite::load(&files(&[("cases/x/y.toml", &text)])).unwrap();
        assert_eq!(suite.level(&suite.cases[0]), Level::Must);
        assert_eq!(suite.cases_of("A-2").map(|case| case.id.as_str()).collect::<Vec<_>>(), ["x/y"]);
        let lowered = case("'A-1'", "level='may'", CHECK);
        let suite = Suite::load(&files(&[("cases/x/y.toml", &lowered)])).unwrap();
        assert_eq!(suite.level(&suite.cases[0]), Level::May);
    }

    #[test]
    fn tells_rows_without_case_or_reason() {
        let text = case("'A-1'", "", CHECK);
        let gaps = Suite::load(&files(&[("cases/x/y.toml", &text)])).unwrap().coverage_gaps();
        assert_eq!(gaps.len(), 2);
        assert!(gaps[0].starts_with("A-2: no case cites it"), "{gaps:?}");
    }

    #[test]
    fn refuses_cases_that_do_not_fit_the_rows() {
        refuses("cases/x/y.toml", &case("'A-9'", "", CHECK), "no requirement `A-9`");
        refuses("cases/x/y.toml", &case("'A-1', 'A-1'", "", CHECK), "cited twice");
        refuses("cases/x/y.toml", &case("'A-2'", "level='must'", CHECK), "above `should`");
        refuses("cases/x/y.toml", &case("'B-1'", "", CHECK), "must record an answer");
        refuses("cases/x/y.toml", &case("'A-1'", "", "observe='x'"), "must check something");
        refuses("cases/y.toml", &case("'A-1'", "", CHECK), "cases/<area>/<name>.toml");
        refuses("cases/x/y.txt", "", "only .toml");
    }

    #[test]
    fn refuses_an_id_given_in_two_files() {
        let row = "[A-1]\nlevel='must'\nsays='It works.'\nsource='page:1'\nconfidence='documented'";
        refuses("spec/requirements/c.toml", row, "the id is taken in spec/requirements/a.toml");
    }

    #[test]
    fn reads_errata_and_wants_their_files() {
        let row = "[E-1]\npage='9'\nwhat='w'\nasserted='a'\nliteral='x.xml'";
        refuses("documented/errata.toml", row, "no file documented/x.xml");
        let suite = Suite::load(&files(&[("documented/errata.toml", row), ("documented/x.xml", "<x>")])).unwrap();
        assert_eq!(suite.errata[0].id, "E-1");
    }
}
