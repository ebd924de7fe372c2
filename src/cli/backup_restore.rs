//! `backup` and `restore`: save the lists as files, and replace a list by a file.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::app::list_commands::{self, ListCommandError, Restored};
use crate::app::{FileUse, refuse_denied};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::List;

#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The directory for the files, one for each list that is not empty; made if it does not exist
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The file, from `backup` or from a post
    file: PathBuf,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
    /// The name of the list, for a Python program's file, which does not hold it
    #[arg(long, value_name = "NAME", value_parser = list_name)]
    list: Option<List>,
}

pub(super) fn backup(config: &Config, arguments: &BackupArguments) -> Result<(), Failure> {
    super::refuse_denied_directory(&arguments.to)?;
    let saved = list_commands::backup(config, &Clock::system(), &arguments.to).map_err(failure)?;
    if saved.is_empty() {
        return super::print("every list is empty: nothing was saved\n");
    }
    let lines = saved
        .iter()
        .map(|path| format!("saved {}\n", path.display()));
    super::print(&lines.collect::<String>())
}

pub(super) fn restore(config: &Config, arguments: &RestoreArguments) -> Result<(), Failure> {
    refuse_denied(&arguments.file, FileUse::Read)?;
    let Restored {
        list,
        change,
        skipped,
    } = list_commands::restore(
        config,
        &Clock::system(),
        &arguments.file,
        arguments.list,
        arguments.dry_run,
    )
    .map_err(failure)?;
    let verb = if arguments.dry_run { "would be" } else { "was" };
    let mut text = format!(
        "{list} {verb} restored: {} added, {} removed, {} kept\n",
        change.added, change.removed, change.kept
    );
    if !skipped.is_empty() {
        text += &format!("left out, as it means nothing here: {skipped}\n");
    }
    super::print(&text)
}

pub(super) fn list_name(name: &str) -> Result<List, String> {
    List::from_name(name).ok_or_else(|| {
        let names = List::ALL.map(List::as_str).join(", ");
        format!("there is no such list; the lists are {names}")
    })
}

fn failure(error: ListCommandError) -> Failure {
    Failure::new(error.exit_code(), error)
}
