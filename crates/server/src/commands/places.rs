//! Arguments that commands share: which store, and which world. The only place that opens either.

use anyhow::{Context, bail};
use clap::Args;
use rollcall_model::world::World;
use rollcall_server::world_file;
#[cfg(feature = "postgres")]
use rollcall_store::postgres::PostgresStore;
use rollcall_store::{disk::DiskStore, transaction::Store};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Which store. What is typed goes before what the environment says, so that no option conflicts with one that nobody
/// typed.
#[derive(Args)]
pub(crate) struct StoreOptions {
    #[command(flatten)]
    folder: FolderOptions,

    /// Database to keep profiles in instead, for several servers: postgres://USER:PASSWORD@HOST/DATABASE [env:
    /// ROLLCALL_STORE]
    #[cfg(feature = "postgres")]
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    store: Option<String>,
}

impl StoreOptions {
    /// Opens the store, and makes it where there is none.
    pub(crate) fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        #[cfg(feature = "postgres")]
        if let Some(url) = self.database()? {
            return Ok(Arc::new(PostgresStore::open(&url)?));
        }
        let path = self.folder.path();
        let store = DiskStore::open(&path).with_context(|| format!("cannot open the store in {}", path.display()))?;
        Ok(Arc::new(store))
    }

    /// Opens a store that must be there.
    pub(crate) fn open_existing(&self) -> anyhow::Result<Arc<dyn Store>> {
        if self.is_folder()? {
            self.folder.existing()?;
        }
        self.open()
    }

    /// Whether it is a folder of ours.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_folder(&self) -> anyhow::Result<bool> {
        Ok(self.database()?.is_none())
    }

    /// Whether it is a folder of ours: there is no other kind.
    #[cfg(not(feature = "postgres"))]
    pub(crate) fn is_folder(&self) -> anyhow::Result<bool> {
        Ok(true)
    }

    #[cfg(feature = "postgres")]
    fn database(&self) -> anyhow::Result<Option<String>> {
        const STORE: &str = "ROLLCALL_STORE";
        if self.store.is_some() || self.folder.data.is_some() {
            return Ok(self.store.clone());
        }
        let Some(url) = set(STORE) else { return Ok(None) };
        if set(DATA).is_some() {
            bail!("{STORE} and {DATA} are both set: unset one, or give --store URL or --data DIR");
        }
        match url.into_string() {
            Ok(url) => Ok(Some(url)),
            Err(_) => bail!("{STORE} is not UTF-8: give it as postgres://USER:PASSWORD@HOST/DATABASE"),
        }
    }
}

/// Which folder, for what is done to a folder alone.
#[derive(Args)]
pub(crate) struct FolderOptions {
    /// Folder that profiles are kept in [env: ROLLCALL_DATA] [default: rollcall-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

const DATA: &str = "ROLLCALL_DATA";
const DEFAULT_FOLDER: &str = "rollcall-data";

impl FolderOptions {
    /// The folder, which must be there: to read from a mistyped place is a mistake, not a new store.
    pub(crate) fn existing(&self) -> anyhow::Result<PathBuf> {
        let path = self.path();
        match path.is_dir() {
            true => Ok(path),
            false => bail!("there is no store in {}: name its folder with --data DIR", path.display()),
        }
    }

    fn path(&self) -> PathBuf {
        let given = self.data.clone().or_else(|| set(DATA).map(PathBuf::from));
        given.unwrap_or_else(|| PathBuf::from(DEFAULT_FOLDER))
    }
}

/// What the environment says; a variable that is empty counts as unset.
fn set(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

/// Which world.
#[derive(Args)]
pub(crate) struct WorldOptions {
    /// World file: databases, fields, resources, segments, tokens [default: the documented world]
    #[arg(long, env = "ROLLCALL_WORLD", value_name = "FILE")]
    world: Option<PathBuf>,
}

impl WorldOptions {
    /// The file, unless it is the documented world, which has none.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.world.as_deref()
    }

    /// Reads the world.
    pub(crate) fn read(&self) -> anyhow::Result<World> {
        match &self.world {
            Some(file) if !file.exists() => bail!(
                "there is no world file {}: name it with --world FILE, or leave that out for the documented world",
                file.display()
            ),
            Some(file) => world_file::read_file(file),
            None => Ok(world_file::read(world_file::DOCUMENTED, "the documented world")?),
        }
    }
}
