//! A copy of a folder, made while a server has it open.
//!
//! No lock is needed: a segment is only appended to, and what is in an older one no longer changes. What was answered
//! before the copy began is in it; of what comes meanwhile, a beginning. A copy is a store once its last file is there.

use crate::{
    disk::{
        Headway, checkpoint,
        files::{self, Files, Folder},
        folder,
        log::{Log, Position, segment_name, segment_number},
        state::State,
    },
    error::OpenError,
    progress::Progress,
};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Profiles of all databases.
    pub profiles: u64,
    /// Bytes of the log.
    pub bytes: u64,
}

/// How much is copied at once.
const COPIED_AT_ONCE: usize = 1 << 20;

/// Copies the store in `from` into `to`, a folder that is new or empty; then opens the copy, to see that it is whole.
pub fn backup(from: &Path, to: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Report, OpenError> {
    let store = folder::must_be_current(from)?;
    folder::make_empty(to)?;
    let mut copy = Copy { from, to, done: 0, progress };
    // First, so that it is not of a later moment than the log.
    copy.file(checkpoint::NAME)?;
    copy.segments()?;
    files::sync_folder(to)?;
    let report = look_at(to, store)?;
    folder::stamp(to, store)?;
    Ok(report)
}

struct Copy<'a> {
    from: &'a Path,
    to: &'a Path,
    done: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl Copy<'_> {
    /// Copies the older segments, then the newest one; and again what has become older meanwhile.
    fn segments(&mut self) -> io::Result<()> {
        let mut copied = BTreeSet::new();
        loop {
            let mut older = numbers(self.from)?;
            let newest = older.pop_last();
            for number in older.difference(&copied.clone()) {
                self.file(&segment_name(*number))?;
                copied.insert(*number);
            }
            if let Some(newest) = newest {
                self.file(&segment_name(newest))?;
            }
            if numbers(self.from)?.pop_last() == newest {
                return Ok(());
            }
        }
    }

    /// Copies a file as long as it is now. One that is gone meanwhile counted no longer: what did of it is in a later one.
    fn file(&mut self, name: &str) -> io::Result<()> {
        let from = match File::open(self.from.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let length = from.metadata()?.len();
        let mut from = from.take(length);
        let mut to = File::create(self.to.join(name))?;
        let mut bytes = vec![0; COPIED_AT_ONCE];
        loop {
            let count = from.read(&mut bytes)?;
            if count == 0 {
                return to.sync_all();
            }
            to.write_all(&bytes[..count])?;
            self.done += count as u64;
            (self.progress)(Progress { done: self.done, total: total(self.from)?.max(self.done) });
        }
    }
}

fn numbers(folder: &Path) -> io::Result<BTreeSet<u32>> {
    Ok(Folder(folder.into()).names()?.iter().filter_map(|name| segment_number(name)).collect())
}

fn total(folder: &Path) -> io::Result<u64> {
    let length =
        |entry: io::Result<fs::DirEntry>| entry.and_then(|entry| entry.metadata()).map_or(0, |file| file.len());
    Ok(fs::read_dir(folder)?.map(length).sum())
}

/// Opens the copy as a start would, without changing it, and reads every frame.
fn look_at(copy: &Path, store: u64) -> Result<Report, OpenError> {
    let files: Arc<dyn Files> = Arc::new(Folder(copy.into()));
    let log = Log::open(Arc::clone(&files), store)?;
    log.frames_from(Position::default(), |_, _| Ok(()))?;
    let (state, _) = State::restore(&log, &*files, &Headway::default())?;
    let bytes = log.segments().values().map(|segment| segment.length).sum();
    Ok(Report { profiles: state.index.profiles() as u64, bytes })
}
