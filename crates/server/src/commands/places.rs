//! Arguments that commands share: which store, and which world. The only place that opens either.

use anyhow::{Context, bail};
use clap::Args;
use rollcall_model::world::World;
use rollcall_server::world_file;
#[cfg(feature = "postgres")]
use rollcall_store::postgres::PostgresStore;
use rollcall_store::{disk::DiskStore, transaction::Store};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Which store.
#[derive(Args)]
pub(crate) struct StoreOptions {
    #[command(flatten)]
    folder: FolderOptions,

    /// Database to keep profiles in instead, for several servers: postgres://USER:PASSWORD@HOST/DATABASE
    #[cfg(feature = "postgres")]
    #[arg(
        long,
        env = "ROLLCALL_STORE",
        value_name = "URL",
        hide_env_values = true, // it may hold a password
        conflicts_with = "data"
    )]
    store: Option<String>,
}

impl StoreOptions {
    /// Opens the store, and makes it where there is none.
    pub(crate) fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        #[cfg(feature = "postgres")]
        if let Some(url) = &self.store {
            return Ok(Arc::new(PostgresStore::open(url)?));
        }
        let path = &self.folder.data;
        let store = DiskStore::open(path).with_context(|| format!("cannot open the store in {}", path.display()))?;
        Ok(Arc::new(store))
    }

    /// Opens a store that must be there.
    pub(crate) fn open_existing(&self) -> anyhow::Result<Arc<dyn Store>> {
        if self.is_folder() {
            self.folder.existing()?;
        }
        self.open()
    }

    #[cfg(feature = "postgres")]
    fn is_folder(&self) -> bool {
        self.store.is_none()
    }

    #[cfg(not(feature = "postgres"))]
    fn is_folder(&self) -> bool {
        true
    }
}

/// Which folder, for what is done to a folder alone.
#[derive(Args)]
pub(crate) struct FolderOptions {
    /// Folder that profiles are kept in
    #[arg(long, env = "ROLLCALL_DATA", value_name = "DIR", default_value = "rollcall-data")]
    data: PathBuf,
}

impl FolderOptions {
    /// The folder, which must be there: to read from a mistyped place is a mistake, not a new store.
    pub(crate) fn existing(&self) -> anyhow::Result<&Path> {
        match self.data.is_dir() {
            true => Ok(&self.data),
            false => bail!("there is no store in {}: name its folder with --data DIR", self.data.display()),
        }
    }
}

/// Which world.
#[derive(Args)]
pub(crate) struct WorldOptions {
    /// World file: databases, fields, resources, segments, tokens [default: the documented world]
    #[arg(long, env = "ROLLCALL_WORLD", value_name = "FILE")]
    world: Option<PathBuf>,
}

impl WorldOptions {
    /// Whether it is the documented world, since no other is named.
    pub(crate) fn is_documented(&self) -> bool {
        self.world.is_none()
    }

    /// Reads the world.
    pub(crate) fn read(&self) -> anyhow::Result<World> {
        match &self.world {
            Some(file) => read_world(file),
            None => Ok(world_file::read(world_file::DOCUMENTED, "the documented world")?),
        }
    }
}

/// Reads a world file.
pub(crate) fn read_world(file: &Path) -> anyhow::Result<World> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read world file {}", file.display()))?;
    Ok(world_file::read(&text, &file.display().to_string())?)
}
