//! The documents for readers: every link leads somewhere, and the book has every page of `docs/`.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The folder of the book, and its list of pages.
const BOOK: &str = "docs";
const PAGES: &str = "SUMMARY.md";

/// Whether this is a document for readers: at the root, in the book, beside an example, or the contract of the suite.
pub(super) fn is_document(name: &Path) -> bool {
    let is_there = name.parent().is_some_and(|folder| folder == Path::new(""))
        || [BOOK, "examples"].iter().any(|folder| name.starts_with(folder))
        || name == Path::new("conformance/README.md");
    is_there && name.extension().is_some_and(|ending| ending == "md")
}

/// Links to files and headings, seen from the document, lead to files and headings that are there.
pub(super) fn link_problems(root: &Path, name: &str, text: &str) -> Vec<String> {
    let folder = root.join(name).parent().unwrap_or(root).to_owned();
    let mut problems = Vec::new();
    for (number, line) in prose(text) {
        for link in links(line).filter(|link| !link.contains(':')) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { root.join(name) } else { folder.join(path) };
            let is_here = if path.is_empty() { has_heading(text, heading) } else { leads_to(&target, heading) };
            if !target.exists() {
                problems.push(format!("{name}:{number}: there is no {path}"));
            } else if !is_here {
                problems.push(format!("{name}:{number}: {link} names no heading"));
            }
        }
    }
    problems
}

/// Whether the heading is in the file. What is no document is pointed into by lines, which are not looked at.
fn leads_to(target: &Path, heading: &str) -> bool {
    let is_text = target.extension().is_some_and(|ending| ending == "md");
    heading.is_empty() || !is_text || fs::read_to_string(target).is_ok_and(|text| has_heading(&text, heading))
}

/// The book's list names every page once, and no page that is not there.
pub(super) fn book_problems(root: &Path, files: &[PathBuf]) -> Vec<String> {
    let folder = root.join(BOOK);
    let Ok(list) = fs::read_to_string(folder.join(PAGES)) else {
        return vec![format!("{BOOK}/{PAGES}: is not there, so that the book has no pages")];
    };
    let listed: Vec<PathBuf> =
        prose(&list).flat_map(|(_, line)| links(line)).map(|link| plain(Path::new(link))).collect();
    let pages = files.iter().filter_map(|file| file.strip_prefix(&folder).ok());
    let pages = pages.filter(|page| page.extension().is_some_and(|ending| ending == "md") && *page != Path::new(PAGES));
    let mut problems = Vec::new();
    for page in pages {
        match listed.iter().filter(|one| *one == page).count() {
            0 => problems.push(format!("{BOOK}/{PAGES}: does not name {}", page.display())),
            1 => {}
            _ => problems.push(format!("{BOOK}/{PAGES}: names {} more than once", page.display())),
        }
    }
    problems
}

/// The path without `./`.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// The lines of a document that are no code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The targets of `[text](target)` in a line, and of `[name]: target`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let named = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
    inline.chain(named)
}

fn has_heading(text: &str, anchor: &str) -> bool {
    let titles = prose(text).filter_map(|(_, line)| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#')));
    titles.map(anchor_of).any(|known| known == anchor)
}

/// A heading's anchor, as both GitHub and mdBook make it: lower case, hyphens for spaces, no punctuation.
fn anchor_of(title: &str) -> String {
    let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_links_that_lead_nowhere() {
        let root = crate::workspace::root();
        let problems = |name: &str, text: &str| link_problems(&root, name, text);
        let good = "# Hé, `re`-do!\n[a](xtask/src/main.rs#L1) [b](https://example.com/x) [c](#hé-re-do)\n\
                    [d]: xtask\n[e](ARCHITECTURE.md#from-the-air)\n```\n# No heading\n[f](no.md)\n```";
        assert_eq!(problems("README.md", good), Vec::<String>::new());
        assert_eq!(problems("README.md", "fine\n[a](xtask) and [b](no.md)"), ["README.md:2: there is no no.md"]);
        assert_eq!(problems("docs/x.md", "[a](../xtask)\n[b]: xtask"), ["docs/x.md:2: there is no xtask"]);
        let [here, there] = ["#no-heading", "ARCHITECTURE.md#from-below"];
        let wrong = problems("README.md", &format!("[a]({here})\n```\n# No heading\n```\n[b]({there})"));
        assert_eq!(
            wrong,
            [format!("README.md:1: {here} names no heading"), format!("README.md:5: {there} names no heading")]
        );
    }

    #[test]
    fn only_the_documents_for_readers_are_asked_for_their_links() {
        for document in
            ["README.md", "docs/decisions.md", "docs/a/b.md", "examples/x/README.md", "conformance/README.md"]
        {
            assert!(is_document(Path::new(document)), "{document}");
        }
        assert!(!is_document(Path::new("fixtures/README.md")) && !is_document(Path::new("docs/x.txt")));
    }

    #[test]
    fn the_book_has_every_page_once() {
        let root = tempfile::tempdir().unwrap();
        let page = |name: &str| root.path().join(BOOK).join(name);
        fs::create_dir_all(page("more")).unwrap();
        let files = ["a.md", "b.md", "more/c.md", "book.toml", PAGES].map(page);
        assert!(book_problems(root.path(), &files)[0].contains("is not there"));
        let problems = |list: &str| {
            fs::write(page(PAGES), list).unwrap();
            book_problems(root.path(), &files)
        };
        assert_eq!(problems("- [A](a.md)\n- [B](./b.md)\n  - [C](more/c.md)\n"), Vec::<String>::new());
        let wrong = problems("- [A](a.md)\n- [A](a.md)\n- [B](b.md)\n");
        assert_eq!(wrong, ["docs/SUMMARY.md: names a.md more than once", "docs/SUMMARY.md: does not name more/c.md"]);
    }
}
