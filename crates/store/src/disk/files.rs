//! What the store asks of a file system: a seam, so that tests can record what is written and synced, and let it fail.

use std::{
    fmt::Debug,
    fs, io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files of one folder.
pub(crate) trait Files: Debug + Send + Sync {
    /// The names of all of them.
    fn names(&self) -> io::Result<Vec<String>>;

    /// A new and empty file, in place of one with this name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// A file that is there.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives a file another name, in place of the file that has it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Who has it open may go on reading.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Comes back when all names are on the disk as they are now. A file's own sync does not see to that.
    fn sync_names(&self) -> io::Result<()>;
}

/// A file, read and written at places.
pub(crate) trait File: Debug + Send + Sync {
    /// Its length in bytes.
    fn length(&self) -> io::Result<u64>;

    /// Fills the buffer from this place on; an error where the file ends before.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of the bytes at this place.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Comes back when everything written so far is on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A folder of the operating system.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Files for Folder {
    fn names(&self) -> io::Result<Vec<String>> {
        // A name that is no text is none of ours, and is shown as well as it goes.
        fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let options = fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(self.path(name));
        Ok(Arc::new(options?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(fs::File::open(self.path(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        sync_folder(&self.0)
    }
}

/// Comes back when the names in this folder are on the disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

impl File for fs::File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // Data alone is enough: the sync of a file's data takes along the length that makes them readable.
        self.sync_data()
    }
}
