//! `rollcall export`: every profile of a store as one line, in the order of databases and identifiers.

use super::{
    files::write_whole,
    places::{StoreOptions, WorldOptions},
    progress,
};
use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use rollcall_codec::line;
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
    world::World,
};
use rollcall_store::{
    error::StoreError,
    transaction::{ReadJob, Store},
};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

pub(crate) const EXAMPLES: &str = "Examples:
  rollcall export --data /var/lib/rollcall --world shop.toml people.jsonl
  rollcall export | gzip > people.jsonl.gz
  rollcall export | jq -c 'select(.segments | index(1))'

FILE is written beside its place and renamed when it is complete; a device or a pipe is written to as it is. Profiles come database by database, oldest first. \
Those that are imported meanwhile are exported as they are when their turn comes. The form of a line: docs/operating.md.";

/// How many profiles are read at once.
const PAGE: usize = 500;

const TEMPLATE: &str = "  {spinner} {human_pos} profiles  {per_sec}  {elapsed}";

#[derive(Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    store: StoreOptions,

    #[command(flatten)]
    world: WorldOptions,

    /// Where to write [default: standard output]
    file: Option<PathBuf>,
}

/// Exports the store.
pub(crate) fn run(arguments: &ExportArguments) -> anyhow::Result<()> {
    let world = arguments.world.read()?;
    let store = arguments.store.open_existing()?;
    let bar = progress::bar(None, TEMPLATE);
    let done = match &arguments.file {
        Some(file) => to_file(file, |out| export(&*store, &world, &bar, out)),
        None => export(&*store, &world, &bar, &mut io::stdout().lock()),
    };
    bar.finish_and_clear();
    store.close()?;
    eprintln!("exported {} profiles", done?);
    Ok(())
}

/// Writes a file: whole or not at all. What is there and is no file, like a device or a pipe, is written to as it is:
/// another one in its place would be seen by nobody who has it open.
fn to_file<T>(file: &Path, write: impl FnOnce(&mut File) -> anyhow::Result<T>) -> anyhow::Result<T> {
    match fs::metadata(file).is_ok_and(|there| !there.is_file()) {
        true => write(
            &mut File::options().write(true).open(file).with_context(|| format!("cannot write {}", file.display()))?,
        ),
        false => write_whole(file, write),
    }
}

fn export(store: &dyn Store, world: &World, bar: &ProgressBar, out: &mut impl Write) -> anyhow::Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 18, out);
    let mut count = 0;
    for database in &world.databases {
        let mut after = None;
        loop {
            let page = page(store, database.id, after)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for profile in &page {
                out.write_all(&line::encode(profile, world))?;
                out.write_all(b"\n")?;
            }
            count += page.len() as u64;
            bar.set_position(count);
        }
    }
    out.flush()?;
    Ok(count)
}

fn page(store: &dyn Store, database: DatabaseId, after: Option<ProfileId>) -> anyhow::Result<Vec<Arc<Profile>>> {
    let (job, answer) = ReadJob::new(move |state| state.profiles_after(database, after, PAGE));
    store.enqueue_read(job)?;
    Ok(answer.blocking_recv().unwrap_or(Err(StoreError::Closed))?)
}
