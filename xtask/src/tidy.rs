//! `cargo xtask tidy`: rules on the shape of the repository that no compiler checks.

mod documents; // links and the pages of the book

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::workspace;

/// Which of our crates each of our crates may use, in tests and build scripts too.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("rollcall-model", &[]),
    ("rollcall-matching", &["rollcall-model"]),
    ("rollcall-codec", &["rollcall-model"]),
    ("rollcall-store", &["rollcall-model", "rollcall-matching", "rollcall-testbed"]),
    (
        "rollcall-server",
        &["rollcall-model", "rollcall-matching", "rollcall-codec", "rollcall-store", "rollcall-testbed"],
    ),
    ("rollcall-testbed", &[]),     // so that every crate may use it in its tests
    ("rollcall-conformance", &[]), // a second opinion must not ask the first
    (
        "rollcall-faulty",
        &[
            "rollcall-model",
            "rollcall-matching",
            "rollcall-codec",
            "rollcall-store",
            "rollcall-server",
            "rollcall-conformance", // what finds the faults
        ],
    ),
    ("xtask", &[]),
];

/// What looks like one of our crates in ARCHITECTURE.md and is none.
const NO_CRATES: [&str; 1] = ["rollcall-data"];

/// Notes to oneself; written in halves, so that this file may be checked too.
const LEFT_OVERS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 3] = [".git", "target", "rollcall-data"];

/// Checks every rule and tells all that is wrong.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = workspace::root();
    let crates = crates(&workspace::metadata()?, &root)?;
    let mut problems = dependency_problems(&crates);
    match fs::read_to_string(root.join("ARCHITECTURE.md")) {
        Ok(text) => problems.extend(architecture_problems(&text, &crates)),
        Err(error) => problems.push(format!("ARCHITECTURE.md: {error}")),
    }
    let files = files(&root)?;
    problems.extend(documents::book_problems(&root, &files));
    for path in files {
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        // What is no text is no source.
        if let Ok(text) = fs::read_to_string(&path) {
            problems.extend(file_problems(&name, &text));
            if documents::is_document(Path::new(&name)) {
                problems.extend(documents::link_problems(&root, &name, &text));
            }
        }
    }
    problems.iter().for_each(|problem| println!("{problem}"));
    match problems.len() {
        0 => Ok(()),
        count => bail!("{count} rules on the shape of the repository are broken"),
    }
}

/// One of our crates.
struct Crate {
    folder: String,
    uses: Vec<String>,
}

fn crates(metadata: &Value, root: &Path) -> anyhow::Result<BTreeMap<String, Crate>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("cargo metadata has another form");
    let mut crates = BTreeMap::new();
    for package in packages {
        let manifest = PathBuf::from(text(&package["manifest_path"])?);
        let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root).ok()).unwrap_or(&manifest);
        let uses = package["dependencies"].as_array().into_iter().flatten().map(|used| text(&used["name"]));
        let uses = uses.collect::<anyhow::Result<_>>()?;
        crates.insert(text(&package["name"])?, Crate { folder: folder.display().to_string(), uses });
    }
    Ok(crates)
}

fn dependency_problems(crates: &BTreeMap<String, Crate>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, one) in crates {
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| known == name) else {
            problems.push(format!("{name}: say in xtask/src/tidy.rs which of our crates it may use"));
            continue;
        };
        for used in one.uses.iter().filter(|used| crates.contains_key(*used)) {
            if !allowed.contains(&used.as_str()) {
                problems.push(format!("{}/Cargo.toml: {name} must not use {used}", one.folder));
            }
        }
    }
    problems
}

/// ARCHITECTURE.md names every crate, by name or folder, and none that does not exist.
fn architecture_problems(text: &str, crates: &BTreeMap<String, Crate>) -> Vec<String> {
    let is_in_word = |c: char| c.is_ascii_alphanumeric() || "-_/".contains(c);
    let words: Vec<&str> = text.split(|c| !is_in_word(c)).map(|word| word.trim_end_matches(['/', '-'])).collect();
    let folder_of = |word: &str| word.split('/').take(2).collect::<Vec<_>>().join("/");
    let mut problems = Vec::new();
    for (name, one) in crates {
        if !words.iter().any(|word| word == name || *word == one.folder || folder_of(word) == one.folder) {
            problems.push(format!("ARCHITECTURE.md: does not name {name} ({})", one.folder));
        }
    }
    for word in words {
        let is_crate = crates.contains_key(word) || NO_CRATES.contains(&word);
        let is_unknown_name = word.starts_with("rollcall-") && !word.contains('/') && !is_crate;
        let is_unknown_folder =
            word.starts_with("crates/") && !crates.values().any(|one| one.folder == folder_of(word));
        if is_unknown_name || is_unknown_folder {
            problems.push(format!("ARCHITECTURE.md: names {word}, which is no crate of ours"));
        }
    }
    problems
}

fn file_problems(name: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if name.ends_with(".rs") && !text.starts_with("//!") {
        problems.push(format!("{name}: must open with `//!`: what lives here and what does not"));
    }
    for (number, line) in text.lines().enumerate() {
        for word in LEFT_OVERS.iter().filter(|word| line.contains(**word)) {
            problems.push(format!("{name}:{}: {word}; do it now, or open an issue", number + 1));
        }
    }
    problems
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
            files.extend(self::files(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_crates(uses: &str) -> BTreeMap<String, Crate> {
        let one = |folder: &str, uses: &str| Crate { folder: folder.to_owned(), uses: vec![uses.to_owned()] };
        [
            ("rollcall-model".to_owned(), one("crates/model", uses)),
            ("rollcall-codec".to_owned(), one("crates/codec", "rollcall-model")),
        ]
        .into()
    }

    #[test]
    fn tells_a_dependency_in_the_wrong_direction() {
        assert_eq!(dependency_problems(&two_crates("serde")), Vec::<String>::new());
        let problems = dependency_problems(&two_crates("rollcall-codec"));
        assert_eq!(problems, ["crates/model/Cargo.toml: rollcall-model must not use rollcall-codec"]);
    }

    #[test]
    fn tells_a_crate_that_nobody_ruled_on() {
        let mut crates = two_crates("serde");
        crates.insert("rollcall-extra".to_owned(), Crate { folder: "crates/extra".to_owned(), uses: Vec::new() });
        assert!(dependency_problems(&crates)[0].starts_with("rollcall-extra: say in xtask"));
    }

    #[test]
    fn architecture_names_every_crate_and_no_other() {
        let crates = two_crates("serde");
        let problems = |text: &str| architecture_problems(text, &crates);
        assert_eq!(problems("`crates/model/src/lib.rs` and `rollcall-codec`, rollcall-data."), Vec::<String>::new());
        assert!(problems("`rollcall-codec`")[0].contains("does not name rollcall-model"));
        assert!(problems("rollcall-model rollcall-codec rollcall-old")[0].contains("names rollcall-old"));
        assert!(problems("rollcall-model rollcall-codec crates/old/src")[0].contains("names crates/old/src"));
    }

    #[test]
    fn tells_files_without_header_and_left_over_notes() {
        assert_eq!(file_problems("a.rs", "//! Says what it is.\n"), Vec::<String>::new());
        assert!(file_problems("a.rs", "fn main() {}")[0].starts_with("a.rs: must open"));
        let note = format!("fine\n# {}: later", LEFT_OVERS[0]);
        assert!(file_problems("a.toml", &note)[0].starts_with("a.toml:2:"));
    }
}
