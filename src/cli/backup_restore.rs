//! `backup` and `restore`: the lists, saved and brought back by hand.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::app::manual::{self, ByHandError, Restored};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::List;

/// What `backup` is told.
#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The directory to write the files to, one for each list that is not empty
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
}

/// What `restore` is told.
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The file, as `backup` or a post has it
    file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Which list it is, for Python's files, which do not say so themselves
    #[arg(long, value_name = "NAME", value_parser = list_name)]
    list: Option<List>,
}

/// Saves the lists.
pub(super) fn backup(config: &Config, arguments: &BackupArguments) -> Result<(), Failure> {
    let saved = manual::backup(config, &Clock::system(), &arguments.to).map_err(failure)?;
    let mut out = std::io::stdout().lock();
    for path in &saved {
        writeln!(out, "saved {}", path.display()).map_err(|error| Failure::new(1, error))?;
    }
    if saved.is_empty() {
        writeln!(out, "every list is empty: nothing was saved")
            .map_err(|error| Failure::new(1, error))?;
    }
    Ok(())
}

/// Brings a list back, or says what that would change.
pub(super) fn restore(config: &Config, arguments: &RestoreArguments) -> Result<(), Failure> {
    let Restored {
        list,
        change,
        left_out,
    } = manual::restore(
        config,
        &Clock::system(),
        &arguments.file,
        arguments.list,
        arguments.dry_run,
    )
    .map_err(failure)?;
    let verb = if arguments.dry_run { "would be" } else { "was" };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{list} {verb} restored: {} added, {} removed, {} kept",
        change.added, change.removed, change.kept
    )
    .and_then(|()| {
        if left_out.is_empty() {
            return Ok(());
        }
        writeln!(out, "left out, as it means nothing here: {left_out}")
    })
    .map_err(|error| Failure::new(1, error))
}

fn list_name(name: &str) -> Result<List, String> {
    List::from_name(name).ok_or_else(|| {
        let names = List::ALL.map(List::as_str).join(", ");
        format!("there is no such list; the lists are {names}")
    })
}

fn failure(error: ByHandError) -> Failure {
    Failure::new(error.exit_code(), error)
}
