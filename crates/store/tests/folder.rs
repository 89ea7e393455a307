//! A folder is looked at, and copied while it is in use.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]

mod common;

use common::{DATABASE, change_outbox, event, find, found_by_everything, id, keep, lookups, outbox, remove, stored};
use rollcall_model::profile::Profile;
use rollcall_store::{backup::backup, check::check, disk::DiskStore, error::OpenError, transaction::OutboxChange};
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
    thread,
};

/// A folder with three profiles, one of them changed, in two segments.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(folder.path()).unwrap();
    (1..=3).for_each(|number| keep(&store, &found_by_everything(number)));
    drop(store);
    let store = DiskStore::open(folder.path()).unwrap();
    keep(&store, &Profile { id: id(2), ..found_by_everything(9) });
    folder
}

fn findings(path: &Path) -> Vec<String> {
    let report = check(path, &mut |_| {}).unwrap();
    assert_eq!(report.wrong, report.findings.len() as u64);
    report.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_folder_is_clean_with_and_without_its_index() {
    let folder = written();
    let mut last = None;
    let report = check(folder.path(), &mut |progress| last = Some(progress)).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.profiles, report.segments, report.outlived), (3, 2, 0));
    assert!(report.keys > 3 * lookups(&found_by_everything(1)).len() as u64 / 2);
    assert_eq!(last.map(|progress| (progress.done, progress.total)), Some((report.bytes, report.bytes)));
    fs::remove_file(folder.path().join("index")).unwrap();
    assert_eq!(findings(folder.path()), [""; 0]);
    assert!(!folder.path().join("index").exists(), "looking changes nothing");
}

#[test]
fn events_and_what_is_removed_are_looked_at_too() {
    let folder = written();
    let store = DiskStore::open(folder.path()).unwrap();
    remove(&store, id(3));
    change_outbox(&store, ["first", "second"].map(|body| OutboxChange::Post(event(body))).into());
    let first = outbox(&store)[0].0;
    change_outbox(&store, vec![OutboxChange::Remove(first)]);
    drop(store);
    for with_index in [true, false] {
        if !with_index {
            fs::remove_file(folder.path().join("index")).unwrap();
        }
        let report = check(folder.path(), &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
        assert_eq!((report.profiles, report.events), (2, 1));
    }
    let copy = tempfile::tempdir().unwrap();
    assert_eq!(backup(folder.path(), copy.path(), &mut |_| {}).unwrap().profiles, 2);
    let copy = DiskStore::open(copy.path()).unwrap();
    assert_eq!(stored(&copy, DATABASE, id(3)).unwrap(), None);
    assert_eq!(outbox(&copy).len(), 1);
}

#[test]
fn damage_in_an_old_segment_is_found_and_named() {
    let folder = written();
    let log = folder.path().join("0000000001.log");
    let mut bytes = fs::read(&log).unwrap();
    let address = b"Ann3@example.com";
    let place = bytes.windows(address.len()).position(|bytes| bytes == address).unwrap();
    bytes[place] ^= 1;
    fs::write(&log, bytes).unwrap();
    let findings = findings(folder.path());
    assert!(findings.iter().any(|finding| finding.contains("0000000001.log is damaged at byte")), "{findings:?}");
}

/// A copy of a closed folder: the same store, twice.
fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name();
        fs::copy(folder.join(&name), copy.path().join(&name)).unwrap();
    }
    copy
}

#[test]
fn an_index_of_an_earlier_moment_is_completed_and_one_of_another_store_made_anew() {
    let (folder, other) = (written(), written());
    let earlier = fs::read(folder.path().join("index")).unwrap();
    keep(&DiskStore::open(folder.path()).unwrap(), &found_by_everything(4));
    fs::write(folder.path().join("index"), earlier).unwrap();
    assert_eq!(findings(folder.path()), [""; 0]);
    fs::copy(other.path().join("index"), folder.path().join("index")).unwrap();
    assert_eq!(findings(folder.path()), [""; 0]);
    let store = DiskStore::open(folder.path()).unwrap();
    assert_eq!(stored(&store, DATABASE, id(4)).unwrap().as_deref(), Some(&found_by_everything(4)));
}

#[test]
fn an_index_that_lies_is_found_out() {
    let folder = written();
    let twin = copy_of(folder.path());
    keep(&DiskStore::open(folder.path()).unwrap(), &found_by_everything(4));
    keep(&DiskStore::open(twin.path()).unwrap(), &Profile { id: id(5), ..found_by_everything(4) });
    fs::copy(folder.path().join("index"), twin.path().join("index")).unwrap();
    let findings = findings(twin.path());
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding.contains("index")), "{findings:?}");
}

#[test]
fn a_log_that_ends_before_its_index_is_refused() {
    let folder = written();
    for name in ["0000000002.log", "0000000001.log"] {
        let whole = fs::read(folder.path().join(name)).unwrap();
        let mark = whole.windows(4).rposition(|head| head == b"RCf2").unwrap();
        for left in [&[][..], &whole[..mark / 2], &whole[..mark - 1]] {
            let damaged = copy_of(folder.path());
            fs::write(damaged.path().join(name), left).unwrap();
            let error = DiskStore::open(damaged.path()).map(drop).unwrap_err();
            assert!(matches!(error, OpenError::Damaged { .. }), "{name}: {error}");
            assert!(!check(damaged.path(), &mut |_| {}).unwrap().is_clean());
            assert_eq!(fs::read(damaged.path().join(name)).unwrap(), left, "nothing is removed");
        }
    }
}

#[test]
fn what_cannot_be_read_is_put_aside_and_never_removed() {
    let folder = written();
    fs::remove_file(folder.path().join("index")).unwrap();
    fs::write(folder.path().join("0000000003.log"), vec![0; 5_000]).unwrap();
    let store = DiskStore::open(folder.path()).unwrap();
    keep(&store, &found_by_everything(4));
    drop(store);
    assert_eq!(fs::read(folder.path().join("0000000003.log.unreadable")).unwrap().len(), 5_000);
    assert_eq!(findings(folder.path()), [""; 0]);
}

#[test]
fn a_segment_of_another_store_is_refused() {
    let (folder, other) = (written(), written());
    fs::copy(other.path().join("0000000001.log"), folder.path().join("0000000001.log")).unwrap();
    fs::remove_file(folder.path().join("index")).unwrap();
    let error = DiskStore::open(folder.path()).map(drop).unwrap_err();
    assert!(error.to_string().contains("0000000001.log is damaged"), "{error}");
}

#[test]
fn many_short_starts_do_not_leave_many_files() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..60 {
        keep(&DiskStore::open(folder.path()).unwrap(), &found_by_everything(number));
    }
    let segments = check(folder.path(), &mut |_| {}).unwrap().segments;
    assert!(segments < 25, "{segments} segments");
    let store = DiskStore::open(folder.path()).unwrap();
    for number in 0..60 {
        assert_eq!(stored(&store, DATABASE, id(number)).unwrap().as_deref(), Some(&found_by_everything(number)));
    }
}

#[test]
fn only_a_closed_store_is_looked_at() {
    let folder = written();
    let store = DiskStore::open(folder.path()).unwrap();
    assert!(matches!(check(folder.path(), &mut |_| {}), Err(OpenError::InUse { .. })));
    drop(store);
    let nothing = tempfile::tempdir().unwrap();
    assert!(matches!(check(nothing.path(), &mut |_| {}), Err(OpenError::NoStore { .. })));
    let missing = nothing.path().join("missing");
    assert!(matches!(check(&missing, &mut |_| {}), Err(OpenError::Folder { .. })));
    assert!(!missing.exists());
    assert_eq!(fs::read_dir(nothing.path()).unwrap().count(), 0);
}

#[test]
fn a_copy_that_is_made_while_the_store_is_written_holds_all_that_was_answered_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(folder.path()).unwrap();
    keep(&store, &found_by_everything(0));
    let (is_copied, answered) = (AtomicBool::new(false), AtomicU8::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..200 {
                keep(&store, &found_by_everything(number));
                answered.store(number, Ordering::Release);
                if is_copied.load(Ordering::Acquire) {
                    break;
                }
            }
        });
        for _ in 0..5 {
            let target = tempfile::tempdir().unwrap();
            let before = answered.load(Ordering::Acquire);
            let report = backup(folder.path(), target.path(), &mut |_| {}).unwrap();
            assert!(report.profiles > u64::from(before));
            assert!(check(target.path(), &mut |_| {}).unwrap().is_clean());
            let copy = DiskStore::open(target.path()).unwrap();
            for number in 0..=before {
                let kept = stored(&copy, DATABASE, id(number)).unwrap();
                assert_eq!(kept.as_deref(), Some(&found_by_everything(number)));
                assert_eq!(find(&copy, DATABASE, &lookups(&found_by_everything(number))[0]), [id(number)]);
            }
        }
        is_copied.store(true, Ordering::Release);
    });
}

#[test]
fn a_copy_goes_into_an_empty_folder_only() {
    let (folder, target) = (written(), tempfile::tempdir().unwrap());
    fs::write(target.path().join("letter.txt"), "Dear Ann").unwrap();
    assert!(matches!(backup(folder.path(), target.path(), &mut |_| {}), Err(OpenError::NotEmpty { .. })));
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 1);
    let new = target.path().join("a/b");
    backup(folder.path(), &new, &mut |_| {}).unwrap();
    assert!(check(&new, &mut |_| {}).unwrap().is_clean());
}
