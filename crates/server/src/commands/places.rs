//! Arguments that commands share: which store, and which world. The only place that opens either.

use anyhow::{Context, bail};
use clap::Args;
use rollcall_model::world::World;
use rollcall_server::world_file;
use rollcall_store::{disk::DiskStore, transaction::Store};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Which store.
#[derive(Args)]
pub(crate) struct StoreOptions {
    /// Folder to keep profiles in
    #[arg(long, env = "ROLLCALL_DATA", value_name = "DIR", default_value = "rollcall-data")]
    data: PathBuf,
}

impl StoreOptions {
    /// Opens the store, and makes it where there is none.
    pub(crate) fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        Ok(Arc::new(DiskStore::open(&self.data)?))
    }

    /// Opens a store that must be there: to read from a mistyped place is a mistake, not a new store.
    pub(crate) fn open_existing(&self) -> anyhow::Result<Arc<dyn Store>> {
        if !self.data.is_dir() {
            bail!("there is no store in {}: name its folder with --data DIR", self.data.display());
        }
        self.open()
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
