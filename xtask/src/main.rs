//! The project's commands. Each starts other programs and judges how they end; no logic of the project lives here.

mod bench;
mod ci;
mod conformance;
mod mutants;
mod schemathesis;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  cargo xtask conformance                                 judge our own server, freshly started
  cargo xtask conformance --filter 'matching/*'           only some of the cases
  cargo xtask conformance --target http://127.0.0.1:8080  judge a server that is running
  cargo xtask conformance --list                          which cases test which requirement
  cargo xtask mutants                                     measure which faults the suite notices
  cargo xtask bench suite                                 how fast the judge is
  cargo xtask bench store                                 how fast the store is, beside others
  cargo xtask bench growth --sizes 100000,1000000         how it fares as it grows
  cargo xtask bench soak --seconds 60                     whether memory stays flat
  cargo xtask ci                                          all that must hold before a merge
  cargo xtask tidy                                        only the shape of the repository";

/// The project's commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES, arg_required_else_help = true)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Judge a server: ours, or the one behind --target; takes the options of rollcall-conformance
    #[command(disable_help_flag = true)]
    Conformance {
        /// Options of rollcall-conformance; --help shows them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
        options: Vec<String>,
    },
    /// Run the suite against our server with one fault at a time, and write conformance/faulty/MATRIX.md
    Mutants {
        /// Only compare the matrix with the one in the repository
        #[arg(long)]
        check: bool,
    },
    /// Measure, on a quiet machine
    Bench {
        #[arg(value_enum)]
        what: bench::What,
        /// Options of the bench; `cargo xtask bench growth -- --help` shows them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
        options: Vec<String>,
    },
    #[command(about = ci::summary())]
    Ci,
    /// Dependency direction, file headers, ARCHITECTURE.md, links and pages of the documents, left-over notes
    Tidy,
}

fn main() -> ExitCode {
    let result = match Options::parse().command {
        Command::Conformance { options } => conformance::run(&options),
        Command::Mutants { check } => mutants::run(check).map(|()| 0),
        Command::Bench { what, options } => bench::run(what, &options).map(|()| 0),
        Command::Ci => ci::run().map(|()| 0),
        Command::Tidy => tidy::run().map(|()| 0),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}
