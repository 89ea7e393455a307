//! Folders of format 1, whose profiles were kept by the storage engine fjall: recognised, and written anew.
//!
//! The records of profiles are the same in both formats. Keys had rows of their own, which are not looked at.

use super::{
    Headway,
    files::{Files, Folder},
    folder::{self, Kind},
    frame::{Frame, Record},
    log::{Log, segment_number},
};
use crate::{
    error::{OpenError, StoreError},
    record,
};
use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use rollcall_model::{database::DatabaseId, profile::ProfileId};
use std::{
    ffi::OsString,
    fs, io,
    path::Path,
    sync::{Arc, atomic::Ordering},
};

/// The file by which the engine knows a folder, and how it begins.
const ENGINE_MARKER: &str = "version";
const ENGINE_MAGIC: &[u8] = b"FJL";

/// The keyspace of facts about the folder, and the one that says its format, 4 bytes, most significant first.
const META: &str = "meta";
const META_FORMAT: &str = "format";
const FORMAT: [u8; 4] = [0, 0, 0, 1];

/// The keyspace of profiles: database (4 bytes, most significant first) and identifier to the profile's record.
const PROFILES: &str = "profiles";

/// The keyspaces of a folder.
const KEYSPACES: [&str; 3] = [META, PROFILES, "keys"];

/// How much is written at once.
const FRAME_BYTES: usize = 4 << 20;

/// Whether a folder with these names is in format 1.
pub(super) fn recognise(path: &Path, names: &[OsString]) -> Result<Kind, OpenError> {
    if fs::read(path.join(ENGINE_MARKER)).is_ok_and(|marker| marker.starts_with(ENGINE_MAGIC)) {
        return Ok(Kind::First);
    }
    // The engine made its marker last, after these.
    let is_made_before =
        |name: &OsString| ["lock", "keyspaces", "0.jnl", ENGINE_MARKER].iter().any(|made| name == made);
    match names.iter().all(is_made_before) {
        true => Err(OpenError::Unfinished { path: path.into() }),
        false => Err(OpenError::NotAStore { path: path.into() }),
    }
}

/// Writes the folder's profiles anew, in the current format, and says the new store's number. Interrupted, it begins again
/// the next time.
pub(super) fn upgrade(path: &Path, headway: &Headway) -> Result<u64, OpenError> {
    tracing::info!(path = %path.display(), "the store is in format 1, and is written anew");
    let old = open(path)?;
    let files: Arc<dyn Files> = Arc::new(Folder(path.into()));
    for name in files.names()?.iter().filter(|name| segment_number(name).is_some()) {
        files.remove(name)?;
    }
    let store = folder::new_store();
    let mut log = Log::open(files, store)?;
    let mut frame = Frame::new();
    for row in old.iter() {
        headway.fetch_add(1, Ordering::Relaxed);
        let (key, body) = row.into_inner().map_err(|error| engine_error(path, error))?;
        let (database, id) = of_row(&key).ok_or(StoreError::CorruptRow { table: PROFILES })?;
        record::decode(database, id, &body).map_err(|problem| StoreError::Corrupt { database, id, problem })?;
        frame.push(Record::Profile { database, id, body: &body });
        if frame.length() >= FRAME_BYTES {
            log.append(&mut std::mem::replace(&mut frame, Frame::new()))?;
        }
    }
    if !frame.is_empty() {
        log.append(&mut frame)?;
    }
    folder::stamp(path, store)?;
    drop(old);
    remove(path)?;
    Ok(store)
}

/// Removes what the engine had in the folder, if it is still there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    fs::remove_dir_all(path.join("keyspaces")).or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })?;
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if name == ENGINE_MARKER || name == "lock" || name.to_string_lossy().ends_with(".jnl") {
            fs::remove_file(path.join(name))?;
        }
    }
    Ok(())
}

/// The profiles of a folder.
fn open(path: &Path) -> Result<Keyspace, OpenError> {
    let error = |error| engine_error(path, error);
    let database = Database::builder(path).open().map_err(error)?;
    let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default).map_err(error);
    let names = database.list_keyspace_names();
    let format = match names.iter().any(|name| &**name == META) {
        true => keyspace(META)?.get(META_FORMAT).map_err(error)?,
        false => None,
    };
    // Keyspaces were made before the stamp: a process that died in between left some of ours, without rows.
    let is_ours = match &format {
        Some(found) => **found == FORMAT,
        None => names.iter().all(|name| KEYSPACES.contains(&&**name)),
    };
    let mut is_empty = true;
    for name in names.iter().filter(|_| format.is_none() && is_ours) {
        is_empty &= keyspace(name)?.is_empty().map_err(error)?;
    }
    if is_ours && is_empty { keyspace(PROFILES) } else { Err(OpenError::NotAStore { path: path.into() }) }
}

fn engine_error(path: &Path, error: fjall::Error) -> OpenError {
    match error {
        fjall::Error::Locked => OpenError::InUse { path: path.into() },
        error => OpenError::Engine { path: path.into(), cause: Arc::new(error) },
    }
}

fn of_row(row: &[u8]) -> Option<(DatabaseId, ProfileId)> {
    let (database, id) = row.split_first_chunk()?;
    Some((DatabaseId(u32::from_be_bytes(*database)), ProfileId(id.try_into().ok()?)))
}
