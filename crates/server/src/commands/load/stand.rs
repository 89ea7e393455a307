//! How far a load has got, in a file beside that of the lines: written after lines are kept, never before.
//!
//! What was kept and is not yet noted is loaded a second time, which changes nothing: identifiers are in the lines, and a
//! line without one gets the same again, since it is numbered from an identifier that is noted before the first line is
//! kept.

use super::{
    super::files::{with_ending, write_whole},
    blocks::Mark,
};
use anyhow::{Context, bail};
use rollcall_model::{database::DatabaseId, profile::ProfileId};
use rollcall_store::{
    error::StoreError,
    transaction::{ReadJob, Store},
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// How many lines lie between two notes at least: each note is a sync.
const BETWEEN_NOTES: u64 = 8_000;

/// How far a load has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stand {
    /// From which lines without an identifier are numbered.
    pub(super) first_id: ProfileId,
    /// Everything before this is kept.
    pub(super) mark: Mark,
    /// A profile that is kept, to know the store by.
    pub(super) last: Option<(DatabaseId, ProfileId)>,
    /// What was left out before the mark.
    pub(super) rejects: Option<RejectsStand>,
}

/// A file of rejects, and how long it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectsStand {
    pub(super) file: String,
    pub(super) length: u64,
}

impl Stand {
    /// The beginning.
    pub(super) fn new(first_id: ProfileId) -> Self {
        Self { first_id, mark: Mark::begin(), last: None, rejects: None }
    }

    /// Refuses a store that has not got what was loaded.
    pub(super) fn check_kept(&self, store: &dyn Store) -> anyhow::Result<()> {
        let Some((database, id)) = self.last else { return Ok(()) };
        let (job, answer) = ReadJob::new(move |state| state.profile(database, id));
        store.enqueue_read(job)?;
        match answer.blocking_recv().unwrap_or(Err(StoreError::Closed))? {
            Some(_) => Ok(()),
            None => bail!("this store has not got profile {id}, which was loaded: it is not the one to go on with"),
        }
    }
}

/// The file that holds a stand.
pub(super) struct StandFile {
    path: PathBuf,
    /// Up to which line there is a note.
    noted: u64,
}

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    offset: u64,
    lines: u64,
    digest: String,
    first_id: String,
    last: Option<Last>,
    rejects: Option<RejectsStand>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    db_id: u32,
    id: String,
}

const HEAD: &str = "# How far `rollcall load` has got with the file beside; `--resume` goes on from here.\n";

impl StandFile {
    /// The file for the stand of loading this one.
    pub(super) fn beside(lines: &Path) -> Self {
        Self { path: with_ending(lines, ".progress"), noted: 0 }
    }

    /// Its name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The stand to go on from; none to begin with. Refused when the one is meant and the other is the case.
    pub(super) fn read(&self, resume: bool) -> anyhow::Result<Option<Stand>> {
        let path = self.path.display();
        match (fs::read_to_string(&self.path), resume) {
            (Ok(text), true) => match stand_in(&text) {
                Some(stand) => Ok(Some(stand)),
                None => bail!("{path} cannot be understood: remove it, and load from the beginning"),
            },
            (Ok(_), false) => bail!(
                "{path} is there, so that a load of this file was interrupted: go on with --resume, or remove that file \
                 to begin again, which gives lines without an identifier a second profile"
            ),
            (Err(error), false) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            (Err(error), true) if error.kind() == io::ErrorKind::NotFound => {
                bail!("there is no {path}: no load of this file was interrupted, so leave --resume out")
            }
            (Err(error), _) => Err(error).with_context(|| format!("cannot read {path}")),
        }
    }

    /// Whether the stand is so far from the one noted before that it is to be noted.
    pub(super) fn is_due(&self, stand: &Stand) -> bool {
        stand.mark.lines >= self.noted + BETWEEN_NOTES
    }

    /// Notes the stand: whole, or not at all.
    pub(super) fn note(&mut self, stand: &Stand) -> anyhow::Result<()> {
        let text = text_of(stand)?;
        let hint = "without a note of how far it has got, a load cannot be resumed; to load without, give the lines on \
                    standard input";
        write_whole(&self.path, |file| Ok(file.write_all(text.as_bytes())?)).context(hint)?;
        self.noted = stand.mark.lines;
        Ok(())
    }

    /// Removes the file, since all is loaded.
    pub(super) fn remove(self) -> anyhow::Result<()> {
        fs::remove_file(&self.path).with_context(|| format!("cannot remove {}", self.path.display()))
    }
}

fn text_of(stand: &Stand) -> io::Result<String> {
    let note = Note {
        offset: stand.mark.offset,
        lines: stand.mark.lines,
        digest: format!("{:016x}", stand.mark.digest),
        first_id: stand.first_id.to_string(),
        last: stand.last.map(|(database, id)| Last { db_id: database.0, id: id.to_string() }),
        rejects: stand.rejects.clone(),
    };
    toml::to_string(&note).map(|text| HEAD.to_owned() + &text).map_err(io::Error::other)
}

fn stand_in(text: &str) -> Option<Stand> {
    let note: Note = toml::from_str(text).ok()?;
    let last = |last: Last| Some((DatabaseId(last.db_id), last.id.parse().ok()?));
    Some(Stand {
        first_id: note.first_id.parse().ok()?,
        mark: Mark { offset: note.offset, lines: note.lines, digest: u64::from_str_radix(&note.digest, 16).ok()? },
        last: match note.last {
            Some(given) => Some(last(given)?),
            None => None,
        },
        rejects: note.rejects,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAND: Stand = Stand {
        first_id: ProfileId([7; 12]),
        mark: Mark { offset: u32::MAX as u64 * 3, lines: 12, digest: u64::MAX - 1 },
        last: Some((DatabaseId(1), ProfileId([9; 12]))),
        rejects: None,
    };

    #[test]
    fn a_stand_comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StandFile::beside(&folder.path().join("lines"));
        let rejects = Some(RejectsStand { file: "bad.jsonl".to_owned(), length: 7 });
        for stand in [STAND, Stand::new(ProfileId([7; 12])), Stand { rejects, ..STAND }] {
            file.note(&stand).unwrap();
            assert_eq!(file.read(true).unwrap(), Some(stand));
        }
        assert!(file.read(false).unwrap_err().to_string().contains("--resume"));
        fs::write(&file.path, "offset = 1").unwrap();
        assert!(file.read(true).unwrap_err().to_string().contains("cannot be understood"));
        file.remove().unwrap();
    }

    #[test]
    fn without_a_file_there_is_nothing_to_resume() {
        let folder = tempfile::tempdir().unwrap();
        let file = StandFile::beside(&folder.path().join("lines"));
        assert_eq!(file.read(false).unwrap(), None);
        assert!(file.read(true).unwrap_err().to_string().contains("leave --resume out"));
    }

    #[test]
    fn a_stand_is_due_when_it_is_far_from_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StandFile::beside(&folder.path().join("lines"));
        let at = |lines| Stand { mark: Mark { lines, ..STAND.mark }, ..STAND };
        file.note(&at(5)).unwrap();
        assert!(!file.is_due(&at(BETWEEN_NOTES + 4)));
        assert!(file.is_due(&at(BETWEEN_NOTES + 5)));
    }
}
