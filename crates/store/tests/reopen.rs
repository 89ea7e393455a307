//! What is in a folder is there when it is opened again, and a folder that is not ours to open is left alone.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]

mod common;

use common::{DATABASE, find, found_by_everything, id, keep, lookups, stored, write_now};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use rollcall_model::profile::Profile;
use rollcall_store::{
    disk::DiskStore,
    error::{OpenError, StoreError},
    transaction::Store,
};
use std::{fs, io, path::Path};

fn open(path: &Path) -> DiskStore {
    DiskStore::open(path).unwrap_or_else(|error| panic!("{error}"))
}

fn assert_whole(store: &DiskStore, profile: &Profile) {
    assert_eq!(stored(store, DATABASE, profile.id).unwrap().as_deref(), Some(profile));
    for key in lookups(profile) {
        assert!(find(store, DATABASE, &key).contains(&profile.id), "{key:?}");
    }
}

/// Opens a folder with the engine alone, the way a test damages it.
fn with_keyspace(path: &Path, name: &str, change: impl FnOnce(&Keyspace)) {
    let database = Database::builder(path).open().unwrap();
    change(&database.keyspace(name, KeyspaceCreateOptions::default).unwrap());
    database.persist(PersistMode::SyncAll).unwrap();
}

#[test]
fn everything_is_there_after_close_and_reopen() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    (0..20).for_each(|number| keep(&store, &found_by_everything(number)));
    keep(&store, &Profile { id: id(0), ..found_by_everything(100) });
    store.close().unwrap();
    drop(store);
    let store = open(folder.path());
    (1..20).for_each(|number| assert_whole(&store, &found_by_everything(number)));
    assert_whole(&store, &Profile { id: id(0), ..found_by_everything(100) });
    assert_eq!(find(&store, DATABASE, &lookups(&found_by_everything(0))[0]), []);
}

#[test]
fn a_store_that_is_dropped_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..3 {
        let store = open(folder.path());
        keep(&store, &found_by_everything(number));
        (0..=number).for_each(|number| assert_whole(&store, &found_by_everything(number)));
    }
}

#[test]
fn makes_the_folder_and_those_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    keep(&open(&path), &found_by_everything(1));
    assert_whole(&open(&path), &found_by_everything(1));
}

#[test]
fn refuses_a_folder_that_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let error = DiskStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("stop the server"), "{error}");
    keep(&first, &found_by_everything(1));
}

#[test]
fn refuses_a_newer_format_and_leaves_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    with_keyspace(folder.path(), "meta", |meta| meta.insert("format", 2u32.to_be_bytes()).unwrap());
    for _ in 0..2 {
        let error = DiskStore::open(folder.path()).unwrap_err();
        assert!(matches!(error, OpenError::NewerFormat { found: 2, known: 1, .. }), "{error}");
        assert!(error.to_string().contains("use the newer program"), "{error}");
    }
}

#[test]
fn refuses_a_folder_of_other_files_and_leaves_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "Dear Ann").unwrap();
    let error = DiskStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error}");
    assert!(error.to_string().contains(&*folder.path().to_string_lossy()), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn refuses_a_file_in_place_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = DiskStore::open(&file).unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
}

#[test]
fn refuses_a_database_that_the_engine_keeps_for_somebody_else() {
    for keyspace in ["songs", "profiles", "meta"] {
        let folder = tempfile::tempdir().unwrap();
        with_keyspace(folder.path(), keyspace, |rows| rows.insert("a", "b").unwrap());
        let error = DiskStore::open(folder.path()).unwrap_err();
        assert!(matches!(error, OpenError::NotAStore { .. }), "{keyspace}: {error}");
    }
}

#[test]
fn finishes_a_store_whose_making_stopped_before_its_stamp() {
    let folder = tempfile::tempdir().unwrap();
    with_keyspace(folder.path(), "profiles", |_| {});
    keep(&open(folder.path()), &found_by_everything(1));
    assert_whole(&open(folder.path()), &found_by_everything(1));
}

#[test]
fn says_what_to_do_with_a_store_that_the_engine_did_not_finish() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lock"), "").unwrap();
    fs::write(folder.path().join("0.jnl"), "").unwrap();
    let error = DiskStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Unfinished { .. }), "{error}");
    assert!(error.to_string().contains("remove the folder"), "{error}");
}

#[test]
fn a_damaged_record_is_named_and_harms_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    keep(&store, &found_by_everything(1));
    keep(&store, &found_by_everything(2));
    drop(store);
    with_keyspace(folder.path(), "profiles", |profiles| {
        let row = [&DATABASE.0.to_be_bytes()[..], &id(1).0].concat();
        let mut record = profiles.get(&row).unwrap().expect("the row is laid out so").to_vec();
        *record.last_mut().unwrap() ^= 1;
        profiles.insert(row, record).unwrap();
    });
    let store = open(folder.path());
    let error = stored(&store, DATABASE, id(1)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains(&id(1).to_string()), "{error}");
    let overwritten = write_now(&store, |transaction| transaction.put(Profile::new(id(1), DATABASE)));
    assert!(matches!(overwritten, Err(StoreError::Corrupt { .. })), "{overwritten:?}");
    assert_whole(&store, &found_by_everything(2));
    keep(&store, &found_by_everything(3));
}

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/format-1");

/// How many profiles the fixture holds: `found_by_everything(1)` and so on.
const FIXTURE_PROFILES: u8 = 3;

/// Stands in a folder that is empty otherwise: version control does not keep such folders.
const EMPTY: &str = ".empty";

#[test]
fn opens_a_folder_of_the_first_format() {
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new(FIXTURE), folder.path(), &|_| {}).unwrap();
    let store = open(folder.path());
    (1..=FIXTURE_PROFILES).for_each(|number| assert_whole(&store, &found_by_everything(number)));
    keep(&store, &Profile::new(id(1), DATABASE));
    assert_eq!(find(&store, DATABASE, &lookups(&found_by_everything(1))[0]), []);
}

#[test]
#[ignore = "writes the fixture anew; only for a format that no release has written yet"]
fn writes_the_fixture() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    (1..=FIXTURE_PROFILES).for_each(|number| keep(&store, &found_by_everything(number)));
    drop(store);
    drop(open(folder.path())); // which cuts the journal down to what is in it
    if Path::new(FIXTURE).exists() {
        fs::remove_dir_all(FIXTURE).unwrap();
    }
    copy(folder.path(), Path::new(FIXTURE), &|made| fs::write(made.join(EMPTY), "").unwrap()).unwrap();
}

/// Copies a folder, and calls `left_empty` with each that has no files.
fn copy(from: &Path, to: &Path, left_empty: &dyn Fn(&Path)) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut is_empty = true;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target, left_empty)?,
            false if entry.file_name() == EMPTY => continue,
            false => drop(fs::copy(entry.path(), target)?),
        }
        is_empty = false;
    }
    if is_empty {
        left_empty(to);
    }
    Ok(())
}
