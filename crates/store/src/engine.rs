//! A folder on disk: opening it, and reading one state of it. What is written into it, see `batch`.

use crate::{
    error::{OpenError, StoreError},
    ids, record,
    tables::{self, FORMAT, KEYS, KEYSPACES, META, META_CREATED, META_FORMAT, META_OPENED, NO_ROW, PROFILES},
    transaction::{self, View, find_by_id},
};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};
use jiff::Timestamp;
use rollcall_matching::{
    index::ProfileIndex,
    key::{KeySource, LookupKey},
};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
};
use std::{fs, io, ops::Bound, path::Path, sync::Arc};

/// How much of what was read last the engine keeps in memory.
const CACHE_BYTES: u64 = 256 * 1024 * 1024;

/// The file by which the engine knows a folder, and how it begins.
const ENGINE_MARKER: &str = "version";
const ENGINE_MAGIC: &[u8] = b"FJL";

/// An open folder. Cheap to clone; the folder is in use until the last clone and the last [`DiskView`] are gone.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) database: Database,
    pub(crate) profiles: Keyspace,
    pub(crate) keys: Keyspace,
}

impl Engine {
    /// Opens the folder, and makes it where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        refuse_foreign_files(path)?;
        let engine_error = |error| open_error(path, error);
        let database = Database::builder(path).cache_size(CACHE_BYTES).open().map_err(engine_error)?;
        let is_new = refuse_foreign_format(path, &database)?;
        let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default).map_err(engine_error);
        let (meta, profiles, keys) = (keyspace(META)?, keyspace(PROFILES)?, keyspace(KEYS)?);
        let engine = Self { database, profiles, keys };
        engine.stamp(&meta, is_new).map_err(engine_error)?;
        if let Some(id) = engine.youngest().map_err(engine_error)? {
            ids::continue_after(id);
        }
        Ok(engine)
    }

    /// The greatest identifier of all profiles: the last one of each database, from the last database to the first.
    fn youngest(&self) -> fjall::Result<Option<ProfileId>> {
        let mut youngest = None;
        let mut rows = self.profiles.iter();
        while let Some(row) = rows.next_back() {
            let key = row.key()?;
            let Some((database, id)) = tables::of_profile_row(&key) else { break };
            youngest = youngest.max(Some(id));
            rows = self.profiles.range(..tables::profile_row(database, ProfileId([0; 12])));
        }
        Ok(youngest)
    }

    /// Writes down the format and the hour. Every keyspace is touched, since an engine that is stuck (fjall#257) shows
    /// it at the first write to the one it is stuck in: better now, under a watchdog, than at the first import.
    fn stamp(&self, meta: &Keyspace, is_new: bool) -> fjall::Result<()> {
        let now = Timestamp::now().to_string();
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        if is_new {
            batch.insert(meta, META_FORMAT, FORMAT.to_be_bytes());
            batch.insert(meta, META_CREATED, now.as_str());
        }
        batch.insert(meta, META_OPENED, now.as_str());
        batch.remove(&self.profiles, NO_ROW);
        batch.remove(&self.keys, NO_ROW);
        batch.commit()
    }

    /// The latest state.
    pub(crate) fn view(&self) -> DiskView {
        DiskView { profiles: self.profiles.clone(), keys: self.keys.clone(), snapshot: self.database.snapshot() }
    }
}

/// Lets pass a folder that is not there, an empty one, and one that the engine has made.
fn refuse_foreign_files(path: &Path) -> Result<(), OpenError> {
    let folder_error = |cause| OpenError::Folder { path: path.into(), cause };
    let names = match fs::read_dir(path) {
        Ok(entries) => {
            entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>().map_err(folder_error)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(folder_error(error)),
    };
    if names.is_empty() || fs::read(path.join(ENGINE_MARKER)).is_ok_and(|marker| marker.starts_with(ENGINE_MAGIC)) {
        return Ok(());
    }
    // The engine makes its marker last, after these.
    match names.iter().all(|name| ["lock", "keyspaces", "0.jnl", ENGINE_MARKER].iter().any(|made| name == made)) {
        true => Err(OpenError::Unfinished { path: path.into() }),
        false => Err(OpenError::NotAStore { path: path.into() }),
    }
}

/// Lets pass what this program can read, and says whether it is new: made by the engine, but not stamped yet.
fn refuse_foreign_format(path: &Path, database: &Database) -> Result<bool, OpenError> {
    let names = database.list_keyspace_names();
    let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default).map_err(|e| open_error(path, e));
    let format = match names.iter().any(|name| &**name == META) {
        true => keyspace(META)?.get(META_FORMAT).map_err(|error| open_error(path, error))?,
        false => None,
    };
    match format.as_deref().map(|bytes| bytes.try_into().map(u32::from_be_bytes)) {
        Some(Ok(found)) if found > FORMAT => Err(OpenError::NewerFormat { path: path.into(), found, known: FORMAT }),
        Some(Ok(FORMAT)) => Ok(false),
        // Keyspaces are made before the stamp: a process that died in between has left some of ours, without rows.
        None if names.iter().all(|name| KEYSPACES.contains(&&**name)) => {
            for name in &names {
                if !keyspace(name)?.is_empty().map_err(|error| open_error(path, error))? {
                    return Err(OpenError::NotAStore { path: path.into() });
                }
            }
            Ok(true)
        }
        _ => Err(OpenError::NotAStore { path: path.into() }),
    }
}

fn open_error(path: &Path, error: fjall::Error) -> OpenError {
    match error {
        fjall::Error::Locked => OpenError::InUse { path: path.into() },
        error => OpenError::Engine { path: path.into(), cause: Arc::new(error) },
    }
}

/// One state of a folder.
pub(crate) struct DiskView {
    profiles: Keyspace,
    keys: Keyspace,
    snapshot: Snapshot,
}

impl ProfileIndex for DiskView {
    type Error = StoreError;

    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, StoreError> {
        if key.source == KeySource::ProfileId {
            return find_by_id(self, database, key);
        }
        let rows = self.snapshot.prefix(&self.keys, tables::key_prefix(database, key));
        let id = |row: fjall::Guard| tables::id_of_key_row(&row.key()?).ok_or(StoreError::CorruptRow { table: KEYS });
        // Rows of a key that is of no subscription have no resource, so that they ascend as a whole.
        let rows = rows.take(if key.source.is_of_subscriptions() { usize::MAX } else { count });
        let mut ids = rows.map(id).collect::<Result<Vec<_>, _>>()?;
        // Rows of one resource ascend; those of several are put in order here.
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(count);
        Ok(ids)
    }
}

impl View for DiskView {
    fn profile(&self, database: DatabaseId, id: ProfileId) -> Result<Option<Arc<Profile>>, StoreError> {
        let Some(record) = self.snapshot.get(&self.profiles, tables::profile_row(database, id))? else {
            return Ok(None);
        };
        match record::decode(database, id, &record) {
            Ok(profile) => Ok(Some(Arc::new(profile))),
            Err(problem) => Err(StoreError::Corrupt { database, id, problem }),
        }
    }
}

impl transaction::Snapshot for DiskView {
    fn profiles_after(
        &self,
        database: DatabaseId,
        after: Option<ProfileId>,
        count: usize,
    ) -> Result<Vec<Arc<Profile>>, StoreError> {
        let row = |id| tables::profile_row(database, id);
        let begin = after.map_or(Bound::Included(row(ProfileId([0; 12]))), |id| Bound::Excluded(row(id)));
        let end = Bound::Included(row(ProfileId([u8::MAX; 12])));
        let rows = self.snapshot.range(&self.profiles, (begin, end)).take(count);
        rows.map(|guard| {
            let (key, record) = guard.into_inner()?;
            let (_, id) = tables::of_profile_row(&key).ok_or(StoreError::CorruptRow { table: PROFILES })?;
            record::decode(database, id, &record).map(Arc::new).map_err(|problem| StoreError::Corrupt {
                database,
                id,
                problem,
            })
        })
        .collect()
    }
}
