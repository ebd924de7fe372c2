//! The command line: arguments, help, output and exit codes (docs/operations.md).
//!
//! Each subcommand has a module.

mod backup_restore;
mod channels;
pub mod check;
mod import;
mod joins;
mod journal;
mod json;
mod login;
mod open;
mod run;
mod status;
mod terminal;
mod why;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory as _, Parser, Subcommand};
use strum::VariantNames as _;

use self::journal::Priority;
use crate::app::{self, AppError, FileUse};
use crate::clock::Clock;
use crate::config::{
    Account, Config, ConfigErrors, EXAMPLE, Environment, Finding, Loaded, LogLevel,
};
use crate::task::TaskError;
use crate::version;

/// The exit code of an invalid command line.
const USAGE: u8 = 64;
/// The exit code of a panic.
const INTERNAL: u8 = 70;
/// The exit code of an invalid configuration.
const CONFIGURATION: u8 = 78;

#[derive(Debug, Parser)]
#[command(
    name = "scp-079-avatar",
    version,
    long_version = version::LONG,
    about = "Forwards the profile photos of new group members to the SCP-079 fleet, unnoticed",
    arg_required_else_help = true,
    after_help = "Examples:
  scp-079-avatar config > config.toml           write the example of a configuration, to fill in
  scp-079-avatar check --config config.toml     explain the configuration, or list all its errors
  scp-079-avatar login --config config.toml     log the account in, once
  scp-079-avatar channels                       list the account's channels with their ids
  scp-079-avatar run --config config.toml       watch and forward until SIGTERM or Ctrl-C
  scp-079-avatar import /opt/avatar --dry-run   show what is taken from the Python program
  scp-079-avatar status -i main                 show what the service `main` does, running or stopped
  scp-079-avatar why 5079000001                 show the joins and photos of that user
  scp-079-avatar joins --last 50 --since 1h     list the latest joins and their outcomes
  scp-079-avatar open photo -o photo.jpg        open a file that AVATAR posted
  scp-079-avatar restore bad_ids --dry-run      show what restoring a list would change

Without --config and -i: ./config.toml, then $XDG_CONFIG_HOME/scp-079-avatar/config.toml, then
/etc/scp-079-avatar/config.toml, then the only readable file /etc/scp-079-avatar/*.toml.

Exit codes: 0 done, 1 failure, 64 usage, 69 Telegram unreachable at start for 10 min, 70 internal,
75 the clock is wrong, 77 account unusable, 78 configuration, 129 terminal closed,
130 Ctrl-C (in run the second), 143 SIGTERM (in run the second)."
)]
struct Arguments {
    /// The configuration file
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The service whose configuration is /etc/scp-079-avatar/NAME.toml
    #[arg(
        short = 'i',
        long = "instance",
        global = true,
        value_name = "NAME",
        value_parser = instance_name,
        conflicts_with = "config"
    )]
    instance: Option<String>,
    /// The level of the log of `run` [default: the variable RUST_LOG, else the configuration]
    #[arg(long, global = true, value_name = "LEVEL", ignore_case = true, value_parser = log_levels())]
    log_level: Option<LogLevel>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the account's groups and forward photos, until SIGTERM or Ctrl-C
    Run,
    /// Take account, settings and lists from the Python program, without a new login
    Import(import::Arguments),
    /// Log the account in: phone and code, or a QR code; two-step password
    Login(login::Arguments),
    /// List the account's channels and groups with their ids, to fill in `[channels]`
    Channels,
    /// Print the example of a configuration, which explains every key
    Config,
    /// Read and explain the configuration; exit with 78 if it cannot be used
    Check,
    /// Show what an instance does, running or stopped; read-only
    Status(status::Arguments),
    /// Show the joins and photos of a user, running or stopped; read-only
    Why(why::Arguments),
    /// List the latest joins and their outcomes, running or stopped; read-only
    Joins(joins::Arguments),
    /// Open a file of the fleet, sealed or from a Python program
    Open(open::Arguments),
    /// Save every list as a file, or everything with --all
    Backup(backup_restore::BackupArguments),
    /// Replace a list by a file, or restore everything with --all; a replaced list is kept as a sealed file
    Restore(backup_restore::RestoreArguments),
}

/// A failure that ends the process.
#[derive(Debug)]
struct Failure {
    code: u8,
    /// The message for standard error, unless the failure has been logged or printed.
    message: Option<String>,
}

impl Failure {
    fn new(code: u8, message: impl ToString) -> Self {
        Self {
            code,
            message: Some(message.to_string()),
        }
    }

    /// A failure that has been logged or printed already.
    const fn logged(code: u8) -> Self {
        Self {
            code,
            message: None,
        }
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::new(CONFIGURATION, errors)
    }
}

/// Returns the definition of the command line.
#[must_use]
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// Parses the process's arguments, runs the command, and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            if error.use_stderr() && journal::reads_standard_error() {
                print_to_stderr(&error.to_string(), Priority::Error);
            } else {
                // If the terminal is gone, the exit code still reports the error.
                let _ = error.print();
            }
            return code.into();
        }
    };
    let ended = panic::catch_unwind(AssertUnwindSafe(|| dispatch(arguments)));
    match ended.unwrap_or_else(|_| Err(Failure::new(INTERNAL, TaskError::of_panic()))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message {
                print_error(&message);
            }
            failure.code.into()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    let environment = Environment::of_process()
        .map_err(|error| Failure::new(1, error))?
        .with_log_level(arguments.log_level);
    let instance = arguments.instance.as_deref();
    let path = arguments
        .config
        .or_else(|| instance.map(|name| environment.service_config(name)));
    let path = path.as_deref();
    match arguments.command {
        Command::Config => print(EXAMPLE),
        Command::Check => {
            let mut page = Vec::new();
            check::run(path, &environment, Clock::system().now(), &mut page).map_err(|error| {
                match error {
                    check::CheckError::Config(errors) => errors.into(),
                    check::CheckError::Output(error) => Failure::new(1, error),
                }
            })?;
            print_bytes(&page)
        }
        Command::Run => run::run(load(path, &environment, FileUse::Write)?),
        Command::Import(import) => import::run(path, &environment, import),
        Command::Login(arguments) => login::run(&load_account(path, &environment)?, &arguments),
        Command::Channels => channels::run(&load_account(path, &environment)?),
        Command::Status(arguments) => {
            status::run(&load(path, &environment, FileUse::Read)?, &arguments)
        }
        Command::Why(arguments) => {
            why::run(&load(path, &environment, FileUse::Read)?.config, &arguments)
        }
        Command::Joins(arguments) => {
            joins::run(&load(path, &environment, FileUse::Read)?.config, &arguments)
        }
        Command::Open(arguments) => open::run(&load_config(path, &environment)?.config, &arguments),
        Command::Backup(arguments) => {
            let loaded = load(path, &environment, FileUse::Write)?;
            backup_restore::backup(&loaded.config, &arguments)
        }
        Command::Restore(arguments) => {
            let loaded = load(path, &environment, FileUse::Write)?;
            backup_restore::restore(&loaded.config, &arguments)
        }
    }
}

/// Returns the parser of a level, which lists the levels in the help and in errors.
fn log_levels() -> impl TypedValueParser<Value = LogLevel> {
    PossibleValuesParser::new(LogLevel::VARIANTS)
        .try_map(|name| name.to_ascii_lowercase().parse::<LogLevel>())
}

/// Checks the name of a service, which is a part of a path.
fn instance_name(name: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
    if let Some(stem) = name.strip_suffix(".toml") {
        return Err(format!("write it without .toml: -i {stem}"));
    }
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
        return Err(
            "a name has letters, digits and _ - . @ only; write a path as --config PATH".into(),
        );
    }
    Ok(name.to_owned())
}

/// Loads the configuration for a command that uses the data directory.
fn load(
    path: Option<&Path>,
    environment: &Environment,
    file_use: FileUse,
) -> Result<Loaded, Failure> {
    let loaded = load_config(path, environment)?;
    refuse_other_user(&loaded.config.telegram.data_dir, file_use)?;
    Ok(loaded)
}

/// Loads the configuration and prints its warnings.
fn load_config(path: Option<&Path>, environment: &Environment) -> Result<Loaded, Failure> {
    let loaded = Config::load(path, environment)?;
    print_warnings(&loaded.warnings);
    Ok(loaded)
}

/// Loads the sections that an access to the account needs, and prints their warnings.
fn load_account(path: Option<&Path>, environment: &Environment) -> Result<Account, Failure> {
    let loaded = Account::load(path, environment)?;
    print_warnings(&loaded.warnings);
    refuse_other_user(&loaded.account.telegram.data_dir, FileUse::Write)?;
    Ok(loaded.account)
}

/// Refuses a data directory that this user must not or cannot use, before the command makes a file.
fn refuse_other_user(data_dir: &Path, data_dir_use: FileUse) -> Result<(), Failure> {
    let command_line: Vec<OsString> = std::env::args_os().collect();
    Ok(app::refuse_other_user(
        data_dir,
        data_dir_use,
        &command_line,
    )?)
}

/// Refuses a directory that exists and in which this user may not make a file.
fn refuse_denied_directory(directory: &Path) -> Result<(), Failure> {
    if directory.is_dir() {
        app::refuse_denied(directory, FileUse::Write)?;
    }
    Ok(())
}

fn print_warnings(warnings: &[Finding]) {
    for warning in warnings.iter().filter(|warning| !warning.is_advice) {
        let line = format!("scp-079-avatar: warning: {warning}");
        print_to_stderr(&line, Priority::Warning);
    }
}

/// Prints a text to standard output, see [`print_bytes`].
fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes())
}

/// Prints to standard output. A reader that closes the pipe early, such as `head`, is not a failure.
///
/// Every command prints by this function, except for the questions of `login`. Rust ignores SIGPIPE, so the closed pipe
/// is an error of the write here.
fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            1,
            format!("standard output cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}

fn print_error(message: &str) {
    print_to_stderr(&format!("scp-079-avatar: {message}"), Priority::Error);
}

/// Prints to standard error. If that fails, the exit code still reports the error.
fn print_to_stderr(text: &str, priority: Priority) {
    let text = if journal::reads_standard_error() {
        journal::prefixed(text, priority)
    } else {
        format!("{text}\n")
    };
    let _ = io::stderr().write_all(text.as_bytes());
}
