//! When a file of the configuration is to be read again: at SIGHUP, and when it is not as it was.
//!
//! The file is looked at every few seconds, which works wherever files do: over a network, through links that are
//! exchanged, after it was away for a while.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// A file, and how it was when it was looked at last.
#[derive(Debug)]
pub struct Watch {
    file: PathBuf,
    seen: Option<Stamp>,
}

/// What changes with a file: when it was written, its size, and which file has its name.
type Stamp = (i64, i64, u64, u64, u64);

impl Watch {
    /// Looks at the file. To be made before it is read for the first time, so that no change is missed.
    pub fn new(file: PathBuf) -> Self {
        Self { seen: stamp(&file), file }
    }

    /// From now on calls `reload` when the file is to be read again, on a thread that may wait; until the runtime, which
    /// must be there, is gone. SIGHUP no longer ends the process.
    pub fn begin(mut self, reload: impl Fn(&Path) + Send + Sync + 'static) -> io::Result<()> {
        let mut hangups = hangups()?;
        let reload = Arc::new(reload);
        tokio::spawn(async move {
            loop {
                let is_asked = tokio::select! {
                    _ = hangups.recv() => true,
                    () = sleep(EVERY) => false,
                };
                let seen = stamp(&self.file);
                if is_asked || seen != self.seen {
                    self.seen = seen;
                    let (reload, file) = (Arc::clone(&reload), self.file.clone());
                    let _a_panic_has_been_told = tokio::task::spawn_blocking(move || reload(&file)).await;
                }
            }
        });
        Ok(())
    }
}

/// SIGHUPs from now on, which no longer end the process.
pub fn hangups() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// None where the file cannot be looked at.
fn stamp(file: &Path) -> Option<Stamp> {
    let data = fs::metadata(file).ok()?;
    Some((data.mtime(), data.mtime_nsec(), data.size(), data.dev(), data.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_file_that_was_written_exchanged_or_removed_from_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&file, "1").unwrap();
        let first = stamp(&file);
        assert!(first.is_some() && stamp(&file) == first);
        fs::write(&file, "12").unwrap();
        let longer = stamp(&file);
        assert_ne!(longer, first);
        fs::write(&other, "12").unwrap();
        fs::rename(&other, &file).unwrap();
        assert!(![first, longer].contains(&stamp(&file)));
        fs::remove_file(&file).unwrap();
        assert_eq!(stamp(&file), None);
    }
}
