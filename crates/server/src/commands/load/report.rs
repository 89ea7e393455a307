//! What a load says: the bar, the first bad lines, the file of those that were left out, and how it ended.

use super::{
    keeping::Fate,
    stand::{RejectsStand, Stand},
};
use anyhow::Context;
use indicatif::ProgressBar;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// How many bad lines are shown.
const SHOWN: u64 = 10;

/// Counts what has become of lines, and tells of it.
pub(super) struct Report {
    file: String,
    bar: ProgressBar,
    rejects: Option<Rejects>,
    loaded: u64,
    replaced: u64,
    unchanged: u64,
    bad: u64,
}

struct Rejects {
    path: PathBuf,
    file: BufWriter<File>,
    stand: RejectsStand,
    /// And not a terminal, say, which can neither be cut nor synced.
    is_file: bool,
}

impl Report {
    /// Tells of lines of `file`.
    pub(super) fn new(file: String, bar: ProgressBar) -> Self {
        Self { file, bar, rejects: None, loaded: 0, replaced: 0, unchanged: 0, bad: 0 }
    }

    /// Writes bad lines to this file, too: in place of what is in it, or where the load goes on behind what was in it at
    /// `stand`. What came after is of lines that are now loaded a second time.
    pub(super) fn write_rejects(&mut self, path: &Path, goes_on: bool, stand: &mut Stand) -> anyhow::Result<()> {
        let known = stand.rejects.take();
        let opened = Rejects::open(path, |file, length| match known {
            Some(known) if known.file == file => length.min(known.length),
            _ if goes_on => length,
            _ => 0,
        });
        let rejects = opened.with_context(|| format!("cannot write rejects to {}", path.display()))?;
        stand.rejects = Some(rejects.stand.clone());
        self.rejects = Some(rejects);
        Ok(())
    }

    /// How far the file of rejects has got, if there is one.
    pub(super) fn rejects_stand(&self) -> Option<&RejectsStand> {
        self.rejects.as_ref().map(|rejects| &rejects.stand)
    }

    /// Comes back when rejects are on the disk.
    pub(super) fn sync_rejects(&self) -> anyhow::Result<()> {
        self.rejects.as_ref().map_or(Ok(()), Rejects::sync)
    }

    /// What the file is called.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Takes down the fate of a line.
    pub(super) fn line(&mut self, number: u64, text: &[u8], fate: &Fate) -> anyhow::Result<()> {
        match fate {
            Fate::Loaded => self.loaded += 1,
            Fate::Replaced => self.replaced += 1,
            Fate::Unchanged => self.unchanged += 1,
            Fate::Bad(problem) => {
                self.bad += 1;
                self.show(number, problem);
                if let Some(rejects) = &mut self.rejects {
                    rejects.write(text)?;
                }
            }
        }
        Ok(())
    }

    fn show(&self, number: u64, problem: &str) {
        let note = match self.bad {
            ..=SHOWN => format!("{}:{number}: {problem}", self.file),
            _ if self.bad == SHOWN + 1 => "more bad lines are counted and not shown".to_owned(),
            _ => return,
        };
        self.bar.suspend(|| eprintln!("{note}"));
    }

    /// Everything up to this offset has its fate; bad lines are in their file when this comes back.
    pub(super) fn reached(&mut self, offset: u64) -> anyhow::Result<()> {
        let done = self.loaded + self.replaced + self.unchanged + self.bad;
        self.bar.set_position(offset);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate to look at")]
        let rate = (done as f64 / self.bar.elapsed().as_secs_f64().max(0.001)) as u64;
        self.bar.set_message(format!("{done} lines, {rate}/s"));
        match &mut self.rejects {
            Some(rejects) => rejects.flush(),
            None => Ok(()),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// How it ended, in one line.
    pub(super) fn summary(&self) -> String {
        let counts = [(self.replaced, "replaced"), (self.unchanged, "unchanged"), (self.bad, "bad and left out")];
        let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
        format!("loaded {} profiles{}", self.loaded, told.collect::<String>())
    }
}

impl Rejects {
    /// Opens the file, to write behind so much of it as `keep` says of its name and length.
    fn open(path: &Path, keep: impl FnOnce(&str, u64) -> u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let name = fs::canonicalize(path)?.to_string_lossy().into_owned();
        let there = file.metadata()?;
        let length = keep(&name, there.len());
        if there.is_file() {
            file.set_len(length)?;
        }
        let stand = RejectsStand { file: name, length };
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), stand, is_file: there.is_file() })
    }

    fn write(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let newline: &[u8] = if line.is_empty() || line.ends_with(b"\n") { b"" } else { b"\n" };
        let written = self.file.write_all(line).and_then(|()| self.file.write_all(newline));
        self.stand.length += (line.len() + newline.len()) as u64;
        self.with_path(written)
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let flushed = self.file.flush();
        self.with_path(flushed)
    }

    fn sync(&self) -> anyhow::Result<()> {
        self.with_path(if self.is_file { self.file.get_ref().sync_data() } else { Ok(()) })
    }

    fn with_path(&self, written: io::Result<()>) -> anyhow::Result<()> {
        written.with_context(|| format!("cannot write rejects to {}", self.path.display()))
    }
}
