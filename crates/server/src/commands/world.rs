//! `rollcall world`: questions about a world file.

mod show; // the configuration as it takes effect

use anyhow::bail;
use clap::{Args, Subcommand};
use rollcall_server::world_file;
use std::{
    io::{self, Write},
    path::PathBuf,
};

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
    /// Show what a world file comes to: what it says, what it leaves to defaults, and what belongs to the system
    #[command(after_help = "Examples:\n  rollcall world show shop.toml\n  rollcall world show --json shop.toml
\nNeither tokens nor their hashes are shown, nor secrets of webhooks.")]
    Show {
        /// The world file
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(arguments: &WorldArguments) -> anyhow::Result<()> {
    match &arguments.question {
        Question::Check { file } => {
            let world = world_file::read_file(file)?;
            let (databases, resources, tokens) = (world.databases.len(), world.resources.len(), world.grants.len());
            writeln!(io::stdout(), "sound: {databases} databases, {resources} resources, {tokens} tokens")?;
        }
        Question::Show { file, json } => {
            let world = world_file::read_file(file)?;
            let text = if *json { show::json(&world) } else { show::text(&world) };
            let Ok(text) = text else { bail!("the configuration cannot be written: {text:?}") };
            io::stdout().write_all(text.as_bytes())?;
        }
    }
    Ok(())
}
