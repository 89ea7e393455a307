//! `rollcall world`: questions about a world file.

use super::places::read_world;
use clap::{Args, Subcommand};
use std::{io::Write, path::PathBuf};

#[derive(Args)]
pub(crate) struct WorldArguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(Subcommand)]
enum Question {
    /// Say whether a world file is sound, and where it is not
    #[command(after_help = "Example:\n  rollcall world check shop.toml")]
    Check {
        /// The world file
        file: PathBuf,
    },
}

pub(crate) fn run(arguments: &WorldArguments) -> anyhow::Result<()> {
    let Question::Check { file } = &arguments.question;
    let world = read_world(file)?;
    let (databases, resources) = (world.databases.len(), world.resources.len());
    writeln!(std::io::stdout(), "sound: {databases} databases, {resources} resources, {} tokens", world.grants.len())?;
    Ok(())
}
