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
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

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

/// The geo file that is in force, if there is one. It is exchanged as a whole while requests are served.
#[derive(Debug, Default)]
pub struct Geo {
    places: ArcSwapOption<Places>,
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
        let geo = Self::none();
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
    pub fn reload(&self, file: &Path) {
        match self.read(file) {
            Ok(()) => tracing::info!(file = %file.display(), "the geo file was read"),
            Err(error) => tracing::error!(%error, "the geo file that was read before stays in force"),
        }
    }

    fn read(&self, file: &Path) -> Result<(), GeoError> {
        let places = bytes(file).map_err(|error| error.to_string()).and_then(Places::new);
        let places = places.map_err(|problem| GeoError { file: file.to_owned(), problem })?;
        self.places.store(Some(Arc::new(places)));
        Ok(())
    }
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
