//! The geo file: where IP addresses are. Ruling D11.
//!
//! Lives here: the file that is in force, and how it is exchanged. Does not live here: what a file says (`places`), which
//! fields a place fills (`rollcall_model::place`). `docs/geo.md` says where to get a file.

mod places; // the bytes of a file, and what they say of an address

pub use places::Places;

use arc_swap::ArcSwapOption;
use rollcall_model::import::ImportRequest;
use std::{
    fmt,
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

/// How often it is looked whether the file is another one.
const PAUSE: Duration = Duration::from_secs(5);

/// Bytes of a file at most; the largest that are sold have less than a quarter of it.
const LARGEST: u64 = 2 * 1024 * 1024 * 1024;

/// Why a geo file is of no use.
#[derive(Debug)]
pub struct GeoError {
    file: PathBuf,
    problem: String,
}

impl fmt::Display for GeoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use geo file {}: {}", self.file.display(), self.problem)
    }
}

impl std::error::Error for GeoError {}

/// What tells a file from the one that had its name before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: SystemTime,
}

/// The geo file that is in force, if there is one. It is exchanged as a whole while requests are served.
#[derive(Debug, Default)]
pub struct Geo {
    file: Option<PathBuf>,
    places: ArcSwapOption<Places>,
    /// That of the file as it was when it was last read, well or not.
    identity: Mutex<Option<Identity>>,
    /// Whether the log says that places are asked for and nobody knows any.
    is_said: AtomicBool,
}

impl Geo {
    /// No file: no place is known.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads this file.
    pub fn open(file: &Path) -> Result<Self, GeoError> {
        let geo = Self { file: Some(file.to_owned()), ..Self::default() };
        geo.read(file)?;
        Ok(geo)
    }

    /// Fills the places of a request that asks for it.
    pub fn fill(&self, request: &mut ImportRequest) {
        if !request.options.detect_geo {
            return;
        }
        match &*self.places.load() {
            Some(places) => request.patch.fill_places(|address| places.at(address)),
            None if self.is_said.swap(true, Ordering::Relaxed) => {}
            None => tracing::warn!("detect_geo is asked for, and fills nothing: give --geo FILE"),
        }
    }

    /// Reads the file again. Where that fails, the one that was read before stays in force, and the log says so.
    pub fn reload(&self) {
        let Some(file) = &self.file else { return };
        match self.read(file) {
            Ok(()) => tracing::info!(file = %file.display(), "the geo file was read"),
            Err(error) => tracing::error!(%error, "the geo file that was read before stays in force"),
        }
    }

    /// Reads the file again if it is another one than before. One that is written over while it is read is another one at
    /// the next look.
    pub fn reload_if_changed(&self) {
        let Some(file) = &self.file else { return };
        let read = *self.last_read();
        if identity(file) != read {
            self.reload();
        }
    }

    /// Looks after the file for as long as the server runs.
    pub async fn watch(self: Arc<Self>) {
        while self.file.is_some() {
            tokio::time::sleep(PAUSE).await;
            let geo = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || geo.reload_if_changed()).await {
                tracing::error!(%error, "the geo file could not be looked at");
            }
        }
    }

    /// One at a time, so that no older file takes the place of a younger one.
    fn read(&self, file: &Path) -> Result<(), GeoError> {
        let mut last_read = self.last_read();
        *last_read = identity(file);
        let places = bytes(file).map_err(|error| error.to_string()).and_then(Places::new);
        let places = places.map_err(|problem| GeoError { file: file.to_owned(), problem })?;
        self.places.store(Some(Arc::new(places)));
        Ok(())
    }

    fn last_read(&self) -> MutexGuard<'_, Option<Identity>> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn identity(file: &Path) -> Option<Identity> {
    let known = file.metadata().ok()?;
    Some(Identity { device: known.dev(), inode: known.ino(), size: known.size(), modified: known.modified().ok()? })
}

/// All of the file. It is read into memory: to map it would need `unsafe`, since whoever writes it over would change what
/// we look at.
fn bytes(file: &Path) -> io::Result<Vec<u8>> {
    let known = file.metadata()?;
    if !known.is_file() || known.len() > LARGEST {
        return Err(io::Error::other(format!("not a file of {LARGEST} bytes at most")));
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
