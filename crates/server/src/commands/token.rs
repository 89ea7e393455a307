//! `rollcall token`: tokens are made here, and are kept nowhere but with their bearers.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use rollcall_model::token::TokenHash;
use rollcall_server::world_file::tokens::{UNSOUND, is_sound};
use std::{fmt::Write as _, io, io::Write as _};

#[derive(Args)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    errand: Errand,
}

#[derive(Subcommand)]
enum Errand {
    /// Make a token: show it once, and the lines of a world file that let its bearer in
    #[command(after_help = "Example:\n  rollcall token new --name shop\n
The first line is the token; nothing else knows it. The others go into the world file.")]
    New {
        /// What the log calls it
        #[arg(long)]
        name: Option<String>,
    },
    /// Read a token from standard input and say its hash, as a world file has it
    #[command(after_help = "Example:\n  rollcall token hash <token.txt")]
    Hash,
}

pub(crate) fn run(arguments: &TokenArguments) -> anyhow::Result<()> {
    let text = match &arguments.errand {
        Errand::New { name } => new(name.as_deref())?,
        Errand::Hash => format!("{}\n", hash(&io::read_to_string(io::stdin().lock())?)?),
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// Bytes of chance in a token: too many to be guessed.
const CHANCE: usize = 16;

fn new(name: Option<&str>) -> anyhow::Result<String> {
    let mut chance = [0; CHANCE];
    getrandom::fill(&mut chance).context("the system has no chance to give")?;
    let token = format!("{:032x}", u128::from_be_bytes(chance));
    let mut text = format!("{token}\n\n[[tokens]]\n");
    if let Some(name) = name {
        writeln!(text, "name = {}", toml::Value::from(name))?;
    }
    writeln!(text, "hash = \"{}\"\ndatabases = [1] # the databases it may use", TokenHash::of(&token))?;
    Ok(text)
}

fn hash(input: &str) -> anyhow::Result<TokenHash> {
    let token = input.strip_suffix('\n').unwrap_or(input);
    match is_sound(token) {
        true => Ok(TokenHash::of(token)),
        false => bail!("{UNSOUND}"),
    }
}
