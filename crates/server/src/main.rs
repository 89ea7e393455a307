//! The program `rollcall`: reads arguments, does what they say, and tells how it ended. The commands alone read arguments
//! and environment.

mod commands;

use clap::{Parser, Subcommand};
use commands::{
    backup, check, export, load, outbox,
    serve::{self, LogFormat},
    token, world,
};
use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

/// Requests make many small values on one thread that often die on another, which the system's allocator is slow at;
/// `docs/performance.md` has the figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An open server for the customer-profile import call `POST /api/v1.1/profiles/import`, and commands on its store.
/// Without a command it serves.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: serve::ServeArguments,
}

#[derive(Subcommand)]
enum Command {
    /// Write all profiles as JSON Lines
    #[command(after_help = export::EXAMPLES)]
    Export(export::ExportArguments),
    /// Keep the profiles of a file of JSON Lines
    #[command(after_help = load::EXAMPLES)]
    Load(load::LoadArguments),
    /// Say whether the folder of a store is sound, and what is wrong with it
    #[command(after_help = check::EXAMPLES)]
    Check(check::CheckArguments),
    /// Copy the folder of a store, while a server has it open
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::BackupArguments),
    /// Look at events that wait to be sent to webhooks, and at those that were given up
    #[command(after_help = outbox::EXAMPLES)]
    Outbox(outbox::OutboxArguments),
    /// Look at a world file
    World(world::WorldArguments),
    /// Make tokens, or hash them
    Token(token::TokenArguments),
}

const EXAMPLES: &str = "Examples:
  rollcall                                         the documented world, profiles in ./rollcall-data
  rollcall --memory --listen 127.0.0.1:0           for a test: nothing kept, any free port
  rollcall --world shop.toml --data /var/lib/rollcall --listen 0.0.0.0:8080
  rollcall token new --name shop                   a token, and what goes into the world file for it
  rollcall world check shop.toml                   is the world file sound?
  rollcall load --help                             examples of a command

The first line on standard output is `listening on http://IP:PORT`. The log goes to standard error;
RUST_LOG=rollcall_server=debug shows every call. SIGTERM and SIGINT let requests under way finish.
SIGHUP reads the world file again.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = if arguments.command.is_none() { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let is_read_by_people = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(is_read_by_people);
    match arguments.serve.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).init(),
    }
    done(&arguments).unwrap_or_else(|error| {
        // Unless the reader of our output went away, as `head` does.
        if !is_broken_pipe(&error) {
            eprintln!("rollcall: {error:#}");
        }
        ExitCode::FAILURE
    })
}

fn done(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        None => serve::run(&arguments.serve)?,
        Some(Command::Export(export)) => export::run(export)?,
        Some(Command::Load(load)) => load::run(load)?,
        Some(Command::Check(check)) => return check::run(check),
        Some(Command::Backup(backup)) => backup::run(backup)?,
        Some(Command::Outbox(outbox)) => outbox::run(outbox)?,
        Some(Command::World(world)) => world::run(world)?,
        Some(Command::Token(token)) => token::run(token)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
