//! The command line: what a maintainer types, and the exit codes of SPEC §11.
//!
//! Owns the arguments and the words printed about them; each subcommand has a room of its own.

mod backup_restore;
pub mod check;
mod login;
mod open;
mod run;
mod status;
mod terminal;
mod why;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::clock::Clock;
use crate::config::{Config, ConfigErrors, Environment, Loaded};

/// Something was asked for in words that are not understood.
const USAGE: u8 = 64;
/// The configuration cannot be used.
const CONFIGURATION: u8 = 78;

#[derive(Debug, Parser)]
#[command(
    name = "scp-079-avatar",
    version,
    about = "Forwards the profile photos of new group members to the SCP-079 fleet, unnoticed",
    arg_required_else_help = true,
    after_help = "Examples:
  scp-079-avatar check --config config.toml     explain the configuration, or all that is wrong with it
  scp-079-avatar login --config config.toml     log the account in, once
  scp-079-avatar run --config config.toml       watch and forward until SIGTERM or Ctrl-C
  scp-079-avatar status                         what it does, running or stopped
  scp-079-avatar why 5079000001                 what became of that member
  scp-079-avatar open photo -o photo.jpg        open a file that AVATAR posted
  scp-079-avatar restore bad_ids --dry-run      say what bringing a list back would change

Without --config: ./config.toml, then $XDG_CONFIG_HOME/scp-079-avatar/config.toml, then
/etc/scp-079-avatar/config.toml.

Exit codes: 0 done, 1 failure, 64 usage, 69 Telegram unreachable at start for 10 min, 70 internal,
77 account unusable, 78 configuration."
)]
struct Arguments {
    /// The configuration file
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the account's groups and forward photos, until SIGTERM or Ctrl-C
    Run,
    /// Log the account in: phone, code, two-step password
    Login,
    /// Read and explain the configuration; exit with 78 if it cannot be used
    Check,
    /// Tell what an instance does, running or stopped; changes nothing
    Status(status::Arguments),
    /// Tell what became of a member, running or stopped; changes nothing
    Why(why::Arguments),
    /// Open a file of the fleet's, sealed or Python's, to standard output or to a file
    Open(open::Arguments),
    /// Save every list as a file
    Backup(backup_restore::BackupArguments),
    /// Replace a list by a file's; what was there is kept as a sealed file in the data directory
    Restore(backup_restore::RestoreArguments),
}

/// A failure that ends the process: its exit code, and what is still to be said.
#[derive(Debug)]
struct Failure {
    code: u8,
    said: Option<String>,
}

impl Failure {
    fn new(code: u8, said: impl ToString) -> Self {
        Self {
            code,
            said: Some(said.to_string()),
        }
    }

    /// A failure that the log has told of already.
    const fn logged(code: u8) -> Self {
        Self { code, said: None }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::new(CONFIGURATION, errors)
    }
}

/// Prints what was asked for. Who reads no further, such as `head`, has enough: that is no failure.
fn print(said: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(said.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(1, error)),
        _ => Ok(()),
    }
}

/// Parses the process's arguments, does what they say, and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            // Nothing is left to be told to if the terminal is gone.
            let _ = error.print();
            return code.into();
        }
    };
    match dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(said) = failure.said {
                complain(&said);
            }
            failure.code.into()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    let environment = Environment::of_process().map_err(|error| Failure::new(1, error))?;
    let path = arguments.config.as_deref();
    match arguments.command {
        Command::Check => {
            let mut out = std::io::stdout().lock();
            check::run(path, &environment, Clock::system().now(), &mut out).map_err(|error| {
                match error {
                    check::CheckError::Config(errors) => errors.into(),
                    check::CheckError::Output(error) => Failure::new(1, error),
                }
            })?;
            out.flush().map_err(|error| Failure::new(1, error))
        }
        Command::Run => run::run(load(path, &environment)?),
        Command::Login => login::run(&load(path, &environment)?.config),
        Command::Status(what) => status::run(&load(path, &environment)?.config, &what),
        Command::Why(what) => why::run(&load(path, &environment)?.config, &what),
        Command::Open(what) => open::run(&load(path, &environment)?.config, &what),
        Command::Backup(what) => backup_restore::backup(&load(path, &environment)?.config, &what),
        Command::Restore(what) => backup_restore::restore(&load(path, &environment)?.config, &what),
    }
}

/// Says something on standard error. If nobody can hear it, the exit code still tells.
fn complain(what: &str) {
    let _ = writeln!(std::io::stderr(), "scp-079-avatar: {what}");
}

/// Loads the configuration, and says what deserves a second look.
fn load(path: Option<&std::path::Path>, environment: &Environment) -> Result<Loaded, Failure> {
    let loaded = Config::load(path, environment)?;
    for warning in &loaded.warnings {
        complain(&format!("warning: {warning}"));
    }
    Ok(loaded)
}
