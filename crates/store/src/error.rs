//! What can go wrong in a store. The texts say what to do next.

use rollcall_model::{database::DatabaseId, profile::ProfileId};
use std::{error::Error, fmt, io, path::PathBuf, sync::Arc, time::Duration};

/// Why a read or a write failed. Cheap to clone: one failed commit is told to every write it carried.
#[derive(Debug, Clone)]
pub enum StoreError {
    /// Too many writes are waiting. Nothing was done; the same write may succeed a moment later.
    Busy,
    /// The store has been closed.
    Closed,
    /// The engine failed, this once.
    Engine(Cause),
    /// The disk did not take a write, perhaps since it is full. The store goes on without it, and the same write may
    /// succeed later. Only when no write succeeds before the store is opened again can it turn out to be kept after all.
    NotKept(Cause),
    /// What is stored under this profile is not a profile.
    Corrupt {
        /// The profile's database.
        database: DatabaseId,
        /// The profile.
        id: ProfileId,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// What is stored in this table is not one of its rows.
    CorruptRow {
        /// The name of the table.
        table: &'static str,
    },
    /// The work panicked. What it had put is forgotten.
    Panicked,
}

/// The error of an engine, shared.
pub type Cause = Arc<dyn Error + Send + Sync>;

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many writes are waiting; try again in a moment"),
            Self::Closed => f.write_str("the store is closed; start the server again"),
            Self::Engine(cause) => write!(f, "the storage engine failed: {cause}; try again, and look at its disk"),
            Self::NotKept(cause) => {
                write!(f, "the disk did not take a write: {cause}; look at it (is it full?), then try again")
            }
            Self::Corrupt { database, id, problem } => write!(
                f,
                "profile {id} of database {} is damaged on disk: {problem}; restore it from a backup",
                database.0
            ),
            Self::CorruptRow { table } => {
                write!(f, "table {table:?} is damaged on disk: it holds a row that is none; restore it from a backup")
            }
            Self::Panicked => f.write_str("the work panicked, and nothing of it was kept; this is a fault of ours"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Engine(cause) | Self::NotKept(cause) => Some(&**cause),
            _ => None,
        }
    }
}

/// Why a folder could not be opened as a store.
#[derive(Debug)]
pub enum OpenError {
    /// A server, perhaps this one, has the folder open.
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A later version of this program has written the folder.
    NewerFormat {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format this program knows.
        known: u32,
    },
    /// The folder is in a format that is written anew when a server opens it.
    OlderFormat {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing has been kept in the folder.
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that has to be empty holds something.
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something else.
    NotAStore {
        /// The folder.
        path: PathBuf,
    },
    /// A store was being made here when its process died; nothing has been kept in it.
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// The folder could not be made, listed or locked.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The engine could not make the store, or make sense of it.
    Engine {
        /// The folder.
        path: PathBuf,
        /// Why not.
        cause: Cause,
    },
    /// A file of the store holds what it was not written with, or less.
    Damaged {
        /// The file's name.
        file: String,
        /// Where the damage begins, in bytes.
        offset: u64,
    },
    /// A profile is not what was written.
    Profile(StoreError),
    /// A file of the store could not be read or written.
    File(io::Error),
    /// Opening made no headway.
    TimedOut {
        /// The folder.
        path: PathBuf,
        /// For how long.
        bound: Duration,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path } => write!(
                f,
                "{} is in use: stop the server that has it open, or give this one another folder",
                path.display()
            ),
            Self::NewerFormat { path, found, known } => write!(
                f,
                "{} is in format {found}, and this program knows formats up to {known}: use the newer program that \
                 wrote it",
                path.display()
            ),
            Self::OlderFormat { path } => write!(
                f,
                "{} is in an older format: start the server with it once, which writes it anew, then try again",
                path.display()
            ),
            Self::NoStore { path } => write!(f, "{} holds no Rollcall store: look at the path", path.display()),
            Self::NotEmpty { path } => write!(f, "{} is not empty: name a new folder", path.display()),
            Self::NotAStore { path } => {
                write!(f, "{} holds files that are no Rollcall store: name an empty or a new folder", path.display())
            }
            Self::Unfinished { path } => write!(
                f,
                "{} is a store whose making was interrupted before anything was kept in it: remove the folder, then \
                 start again",
                path.display()
            ),
            Self::Folder { path, cause } => {
                write!(f, "{} cannot be used: {cause}; look at the path and its permissions", path.display())
            }
            Self::Engine { path, cause } => write!(
                f,
                "{} could not be opened: {cause}; look at its disk and permissions, and if starting again does not \
                 help, restore a backup",
                path.display()
            ),
            Self::Damaged { file, offset } => write!(
                f,
                "{file} is damaged at byte {offset}, and what it holds behind that is not to be trusted: restore a backup"
            ),
            Self::Profile(error) => error.fmt(f),
            Self::File(cause) => write!(f, "its files cannot be read or written: {cause}; look at its disk"),
            Self::TimedOut { path, bound } => write!(
                f,
                "{} has not come a step further for {} s while it was opened: look at its disk, then start again",
                path.display(),
                bound.as_secs_f32()
            ),
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(cause: io::Error) -> Self {
        Self::File(cause)
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Profile(error)
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Folder { cause, .. } | Self::File(cause) => Some(cause),
            Self::Profile(error) => Some(error),
            Self::Engine { cause, .. } => Some(&**cause),
            _ => None,
        }
    }
}
