//! A store's folder: what it is called inside, which format it is in, and who has it open.
//!
//! | file | what it is |
//! | --- | --- |
//! | `FORMAT` | says what the folder is, in which format, and which one of all: a random number of its own |
//! | `0000000001.log`, ... | the segments of the log: the profiles and the outbox |
//! | `index` | a checkpoint of the index; made anew where it is missing |
//!
//! A name that ends with `.part` is a file that was being written. The process that has the folder open holds a lock on the
//! folder itself.

use super::files;
use crate::error::OpenError;
use std::{
    fs::{self, File, TryLockError},
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    path::Path,
};
use xxhash_rust::xxh3::xxh3_64;

/// The format that this program writes. Format 2 had neither events nor removed profiles, and is the same otherwise; it is
/// a number of its own, so that a program of that time leaves the folder alone.
pub(crate) const FORMAT: u32 = 3;

const FORMAT_FILE: &str = "FORMAT";
const TITLE: &str = "rollcall store, format ";

/// What a folder turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing is in it, or only what making a store left behind.
    New,
    /// A store in the current format, with its own number.
    Current(u64),
    /// A store in format 2, with its own number.
    Second(u64),
    /// A store in format 1, see `format_1`.
    First,
}

/// A folder that no other process has open, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held until dropped")] File);

/// Locks the folder, and makes it where there is none. Foreign folders are left as they are.
pub(crate) fn lock(path: &Path) -> Result<Lock, OpenError> {
    let folder_error = |cause| OpenError::Folder { path: path.into(), cause };
    if path.exists() {
        kind(path)?;
    }
    make(path).map_err(folder_error)?;
    let file = File::open(path).map_err(folder_error)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.into() }),
        Err(TryLockError::Error(error)) => Err(folder_error(error)),
    }
}

/// Lets pass a folder that is a store in the current format, and says its number.
pub(crate) fn must_be_current(path: &Path) -> Result<u64, OpenError> {
    fs::read_dir(path).map_err(|cause| OpenError::Folder { path: path.into(), cause })?;
    match kind(path)? {
        Kind::Current(store) => Ok(store),
        Kind::First | Kind::Second(_) => Err(OpenError::OlderFormat { path: path.into() }),
        Kind::New => Err(OpenError::NoStore { path: path.into() }),
    }
}

/// Makes a folder, or takes one that is empty.
pub(crate) fn make_empty(path: &Path) -> Result<(), OpenError> {
    let folder_error = |cause| OpenError::Folder { path: path.into(), cause };
    make(path).map_err(folder_error)?;
    match fs::read_dir(path).map_err(folder_error)?.next() {
        None => Ok(()),
        Some(_) => Err(OpenError::NotEmpty { path: path.into() }),
    }
}

/// Makes a folder and those above it. Each is on the disk only when the one around it says so.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let around = path.parent().filter(|around| !around.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make(around)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => files::sync_folder(around),
    }
}

/// What the folder is; an error where it is no store of ours, or a later one.
pub(crate) fn kind(path: &Path) -> Result<Kind, OpenError> {
    let folder_error = |cause| OpenError::Folder { path: path.into(), cause };
    match fs::read_to_string(path.join(FORMAT_FILE)) {
        Ok(text) => current(path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => without_format(path),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(OpenError::NotAStore { path: path.into() }),
        Err(error) => Err(folder_error(error)),
    }
}

fn current(path: &Path, text: &str) -> Result<Kind, OpenError> {
    let (title, store) = text.split_once('\n').unwrap_or((text, ""));
    let number = title.strip_prefix(TITLE).and_then(|number| number.parse().ok());
    let kind = match number {
        Some(FORMAT) => Kind::Current,
        Some(2) => Kind::Second,
        Some(found) if found > FORMAT => {
            return Err(OpenError::NewerFormat { path: path.into(), found, known: FORMAT });
        }
        _ => return Err(OpenError::NotAStore { path: path.into() }),
    };
    store_in(store.trim_end()).map(kind).ok_or(OpenError::NotAStore { path: path.into() })
}

fn without_format(path: &Path) -> Result<Kind, OpenError> {
    let names = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>())
        .map_err(|cause| OpenError::Folder { path: path.into(), cause })?;
    match names.iter().all(|name| name.to_string_lossy().ends_with(".part")) {
        true => Ok(Kind::New),
        false => super::format_1::recognise(path, &names),
    }
}

/// The line of [`FORMAT_FILE`] that says a store's number: with a checksum, since nothing in the folder can be read with
/// another one.
fn store_line(store: u64) -> String {
    let number = format!("{store:016x}");
    format!("store {number} checked by {:016x}", xxh3_64(number.as_bytes()))
}

fn store_in(line: &str) -> Option<u64> {
    let store = u64::from_str_radix(line.strip_prefix("store ")?.get(..16)?, 16).ok()?;
    (store_line(store) == line).then_some(store)
}

/// A number for a new store; the hasher's keys are the standard library's way to a random one.
pub(crate) fn new_store() -> u64 {
    RandomState::new().hash_one("store")
}

/// Says that the folder is a store in the current format, with this number. What it says must be there before.
pub(crate) fn stamp(path: &Path, store: u64) -> io::Result<()> {
    let part = path.join(format!("{FORMAT_FILE}.part"));
    let mut file = File::create(&part)?;
    writeln!(file, "{TITLE}{FORMAT}\n{}", store_line(store))?;
    file.sync_all()?;
    fs::rename(part, path.join(FORMAT_FILE))?;
    files::sync_folder(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_a_folder_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(kind(folder.path()).unwrap(), Kind::New);
        fs::write(folder.path().join("FORMAT.part"), "").unwrap();
        assert_eq!(kind(folder.path()).unwrap(), Kind::New);
        stamp(folder.path(), 7).unwrap();
        assert_eq!(kind(folder.path()).unwrap(), Kind::Current(7));
        assert_ne!(new_store(), new_store());
        fs::write(folder.path().join(FORMAT_FILE), format!("{TITLE}4\n")).unwrap();
        assert!(matches!(kind(folder.path()), Err(OpenError::NewerFormat { found: 4, known: FORMAT, .. })));
        fs::write(folder.path().join(FORMAT_FILE), format!("{TITLE}2\n{}", store_line(7))).unwrap();
        assert_eq!(kind(folder.path()).unwrap(), Kind::Second(7));
        let sound = format!("{TITLE}3\n{}", store_line(7));
        let other_store = sound.replace("store 0000000000000007", "store 0000000000000008");
        for damaged in ["", TITLE, "rollcall store, format 1\n", "rollcall store, format 3\n", &other_store] {
            fs::write(folder.path().join(FORMAT_FILE), damaged).unwrap();
            assert!(matches!(kind(folder.path()), Err(OpenError::NotAStore { .. })), "{damaged:?}");
        }
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letters.txt"), "dear").unwrap();
        assert!(matches!(lock(folder.path()), Err(OpenError::NotAStore { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_process_has_a_folder_open() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        assert!(matches!(lock(folder.path()), Err(OpenError::InUse { .. })));
        drop(held);
        lock(folder.path()).unwrap();
    }
}
