//! `backup` and `restore`: save the lists as files, and replace a list by a file; or copy and restore everything.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::app::list_commands::{self, ListCommandError, Restored};
use crate::app::whole_backup::{self, WARNING, WholeBackupError};
use crate::app::{FileUse, refuse_denied};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::List;

#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The directory for the files, one for each list that is not empty; made if it does not exist
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
    /// Copy everything instead: the session, state.db and the spool, to this new directory
    #[arg(long, value_name = "DIR", conflicts_with = "to")]
    all: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The file, from `backup` or from a post
    #[arg(required_unless_present = "all")]
    file: Option<PathBuf>,
    /// Restore everything instead, from this directory of `backup --all`
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "dry_run", "list"])]
    all: Option<PathBuf>,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
    /// The name of the list, for a Python program's file, which does not hold it
    #[arg(long, value_name = "NAME", value_parser = list_name)]
    list: Option<List>,
}

pub(super) fn backup(config: &Config, arguments: &BackupArguments) -> Result<(), Failure> {
    if let Some(to) = &arguments.all {
        return back_up_all(config, to);
    }
    refuse_denied(&arguments.to, FileUse::Write)?;
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
    let file = match (&arguments.all, &arguments.file) {
        (None, Some(file)) => file,
        (Some(from), _) => return restore_all(config, from),
        // The parser asks for one of the two.
        (None, None) => {
            return Err(Failure::new(
                super::USAGE,
                "name a file, or a directory with --all",
            ));
        }
    };
    refuse_denied(file, FileUse::Read)?;
    let Restored {
        list,
        change,
        skipped,
    } = list_commands::restore(
        config,
        &Clock::system(),
        file,
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

fn back_up_all(config: &Config, to: &Path) -> Result<(), Failure> {
    if let Ok(Some(parent)) = std::path::absolute(to).as_deref().map(Path::parent) {
        refuse_denied(parent, FileUse::Write)?;
    }
    let made = whole_backup::backup(config, &Clock::system(), to);
    let manifest = made.map_err(whole_failure)?;
    super::print(&format!(
        "saved the session, state.db (layout {}) and the spool to {}\n{WARNING}\n",
        manifest.layout,
        to.display()
    ))
}

fn restore_all(config: &Config, from: &Path) -> Result<(), Failure> {
    refuse_denied(from, FileUse::Read)?;
    let manifest = whole_backup::restore(config, from).map_err(whole_failure)?;
    super::print(&format!(
        "restored the backup of {} to {}\nThe next run reads the posts since then before it posts.\n{WARNING}\n",
        manifest.made_at().rfc3339(),
        config.telegram.data_dir.display()
    ))
}

fn whole_failure(error: WholeBackupError) -> Failure {
    Failure::new(error.exit_code(), error)
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
