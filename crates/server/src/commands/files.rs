//! Files that commands write: which one a name leads to, and how it comes to be there whole. What is in them is the
//! commands'.

use anyhow::Context;
use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// How many links are followed, as the system does.
const LINKS: usize = 40;

/// Where a name leads: through symbolic links, also to a file that is not there yet.
pub(crate) fn target(name: &Path) -> PathBuf {
    let mut target = name.to_owned();
    for _ in 0..LINKS {
        let Ok(named) = fs::read_link(&target) else { break };
        target = folder_of(&target).join(named);
    }
    target
}

/// Whether both names lead to one file, whatever else they are called; it need not be there.
pub(crate) fn are_one(one: &Path, other: &Path) -> bool {
    let identity = |name: &Path| fs::metadata(name).ok().map(|file| (file.dev(), file.ino()));
    match (identity(one), identity(other)) {
        (None, None) => place(one).is_some_and(|one| place(other) == Some(one)),
        (one, other) => one == other,
    }
}

fn place(name: &Path) -> Option<PathBuf> {
    let target = target(name);
    Some(folder_of(&target).canonicalize().ok()?.join(target.file_name()?))
}

/// Writes a file that is there whole or not at all, and on the disk when this comes back.
pub(crate) fn write_whole<T>(file: &Path, write: impl FnOnce(&mut File) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let file = target(file);
    let part = with_ending(&file, ".part");
    let mut out = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    let written = write(&mut out).and_then(|written| {
        let kept = out.sync_all().and_then(|()| fs::rename(&part, &file)).and_then(|()| sync_names_beside(&file));
        kept.with_context(|| format!("cannot write {}", file.display()))?;
        Ok(written)
    });
    if written.is_err() {
        let _it_is_of_no_use_and_the_error_matters_more = fs::remove_file(&part);
    }
    written
}

/// Comes back when a file's name is on the disk: its own sync does not see to that.
fn sync_names_beside(file: &Path) -> io::Result<()> {
    File::open(folder_of(file))?.sync_all()
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path with more at its end.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_one_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| folder.path().join(name);
        fs::write(name("file"), "").unwrap();
        fs::write(name("other"), "").unwrap();
        fs::hard_link(name("file"), name("hard")).unwrap();
        symlink("file", name("soft")).unwrap();
        symlink("missing", name("dangling")).unwrap();
        symlink(folder.path(), name("folder")).unwrap();
        for (one, other) in
            [("file", "file"), ("file", "hard"), ("soft", "file"), ("dangling", "missing"), ("folder/new", "new")]
        {
            assert!(are_one(&name(one), &name(other)), "{one} and {other}");
        }
        for (one, other) in [("file", "other"), ("file", "missing"), ("dangling", "new"), ("no/new", "no/other")] {
            assert!(!are_one(&name(one), &name(other)), "{one} and {other}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_end() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("round");
        symlink("round", &name).unwrap();
        assert_eq!(target(&name), name);
    }
}
