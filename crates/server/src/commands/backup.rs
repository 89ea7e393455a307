//! `rollcall backup`: a copy of the folder of a store, made while a server has it open.

use super::{places::FolderOptions, progress};
use clap::Args;
use rollcall_store::backup::backup;
use std::{
    io::{self, Write},
    path::PathBuf,
};

pub(crate) const EXAMPLES: &str = "Example:
  rollcall backup --data /var/lib/rollcall /backups/monday

A server may have the folder open. What was answered before the backup began is in it. The copy is opened once, \
to see that it is whole; it is a folder for --data like any other.";

#[derive(Args)]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    folder: FolderOptions,

    /// Folder to copy to: a new or an empty one
    target: PathBuf,
}

/// Makes the copy.
pub(crate) fn run(arguments: &BackupArguments) -> anyhow::Result<()> {
    let bar = progress::bar(Some(0), progress::BYTES);
    let made = backup(&arguments.folder.existing()?, &arguments.target, &mut |step| progress::show(&bar, step));
    bar.finish_and_clear();
    let made = made?;
    let target = arguments.target.display();
    writeln!(io::stdout(), "backed up {} profiles to {target}, {} bytes", made.profiles, made.bytes)?;
    Ok(())
}
