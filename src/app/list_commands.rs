//! Manual backup and restore of the lists (docs/files.md, "Lists, backup and rollback").
//!
//! A backup and a dry run may be made while the program runs. A restore needs the lock on the data directory; a crash
//! leaves the list either as it was or replaced.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{bail, ensure};
use fleet_files::atomic_file;
use secrecy::SecretString;
use thiserror::Error;

use super::data_dir::make_private_directory;
use super::{AppError, prepare_data_dir};
use crate::clock::Clock;
use crate::config::Config;
use crate::file_codec::{DecodedFile, Decoder, Encoder, ListWriteError};
use crate::list_file::{ListFile, SkippedEntries};
use crate::model::{List, ListChange, ListData, Timestamp};
use crate::store::{self, Store, StoreError, TemporaryCopy};
use crate::task::ListKeeper;

#[derive(Debug, Error)]
pub enum ListCommandError {
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no state in {}: this instance has never run, and has no lists", .0.display())]
    NeverRan(PathBuf),
    #[error("{list} could not be saved: {reason}")]
    Save { list: List, reason: String },
    /// The file of a restore, or the directory of a backup, cannot be used.
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
}

impl ListCommandError {
    /// Returns the exit code (docs/operations.md).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::App(error) => error.exit_code(),
            _ => 1,
        }
    }
}

/// The changes of a restore, or of a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub list: List,
    pub change: ListChange,
    /// The entries of the file that have no meaning in this program.
    pub skipped: SkippedEntries,
}

/// Saves every non-empty list as a file of the configured kind in `directory`, which is made if it does not exist;
/// returns the paths.
///
/// All lists are of one moment. The program may run meanwhile; the backup does not change its data.
///
/// # Errors
/// See [`ListCommandError`].
pub fn backup(
    config: &Config,
    clock: &Clock,
    directory: &Path,
) -> Result<Vec<PathBuf>, ListCommandError> {
    let password = SecretString::from(config.encrypt.password.expose());
    let decoder = Decoder::new(&password);
    let encoder = Encoder::new(config.exchange.files, &password).map_err(AppError::from)?;
    let saved_at = clock.now().rfc3339();
    // A read-only look does not migrate the database, which an older version may be using.
    let saved = store::inspect(&config.telegram.state_file(), |tx| {
        if let Err(cause) = make_private_directory(directory) {
            let path = directory.to_owned();
            let reason = format!("the directory cannot be made: {cause}");
            return Ok(Err(ListCommandError::File { path, reason }));
        }
        let mut saved = Vec::new();
        for list in List::ALL {
            if tx.is_list_empty(list)? {
                continue;
            }
            let path = directory.join(list.as_str());
            let written = atomic_file::write_with(&path, |file| {
                encoder.write_list(list, tx, &saved_at, file, &decoder)
            });
            match written {
                Ok(()) => saved.push(path),
                Err(ListWriteError::Source(error)) => return Err(error),
                Err(error) => {
                    let reason = error.to_string();
                    return Ok(Err(ListCommandError::Save { list, reason }));
                }
            }
        }
        Ok(Ok(saved))
    })?;
    saved.unwrap_or_else(|| Err(ListCommandError::NeverRan(config.telegram.data_dir.clone())))
}

/// Replaces a list by the list in a file, in one transaction.
///
/// The program must not run meanwhile, because it keeps the rules in memory. `named` is the list of a
/// file that does not name it, as Python's files do not. A dry run replaces the list in a temporary copy of `state.db`,
/// also while the program runs, so that it reports the change by a restore: joins that wait remain in any case.
///
/// # Errors
/// See [`ListCommandError`]. An error changes nothing.
pub fn restore(
    config: &Config,
    clock: &Clock,
    path: &Path,
    named: Option<List>,
    dry_run: bool,
) -> Result<Restored, ListCommandError> {
    let lock = (!dry_run)
        .then(|| prepare_data_dir(&config.telegram))
        .transpose()?;
    let decoder = Decoder::new(&SecretString::from(config.encrypt.password.expose()));
    let unusable = |error: &dyn Display| ListCommandError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = read_list(path, &decoder).map_err(|error| unusable(&error))?;
    let list = list_of(&file, named).map_err(|error| unusable(&error))?;
    let (data, skipped) = file.data_for(list).map_err(|error| unusable(&error))?;
    if data.is_empty() && !skipped.is_empty() {
        return Err(unusable(&format!("nothing in it can be used: {skipped}")));
    }
    let state = config.telegram.state_file();
    let now = clock.now();
    let change = if dry_run {
        try_replacement(&state, list, &data, now)?
    } else {
        let keeper = ListKeeper {
            decoder: Arc::new(decoder),
            directory: config.telegram.data_dir.clone(),
        };
        replace(&Store::open(&state)?, &keeper, list, &data, now)?
    };
    drop(lock);
    Ok(Restored {
        list,
        change,
        skipped,
    })
}

/// Replaces the list in a copy, and returns the change.
fn try_replacement(
    state: &Path,
    list: List,
    data: &ListData,
    now: Timestamp,
) -> Result<ListChange, StoreError> {
    let Some(copy) = TemporaryCopy::of(state)? else {
        return Ok(ListChange::between(&data.emptied(), data));
    };
    copy.store().write(|tx| {
        let before = tx.list(list)?;
        tx.replace_list(list, data, now)?;
        Ok(ListChange::between(&before, &tx.list(list)?))
    })
}

/// Replaces the list. A list that stays as it was is not kept as a file.
fn replace(
    store: &Store,
    keeper: &ListKeeper,
    list: List,
    data: &ListData,
    now: Timestamp,
) -> Result<ListChange, StoreError> {
    let (change, kept) = store.write(|tx| {
        let before = tx.list(list)?;
        let kept = keeper.keep(list, before, now)?;
        tx.replace_list(list, data, now)?;
        let after = tx.list(list)?;
        let change = ListChange::between(kept.data(), &after);
        Ok::<_, StoreError>((change, (*kept.data() != after).then_some(kept)))
    })?;
    if let Some(kept) = kept {
        kept.commit();
    }
    Ok(change)
}

fn read_list(path: &Path, decoder: &Decoder) -> anyhow::Result<ListFile> {
    ensure!(fs::metadata(path)?.is_file(), "this is not a regular file");
    match decoder.decode(&fs::read(path)?)? {
        DecodedFile::List(file) => Ok(file),
        DecodedFile::Photo(_) | DecodedFile::Other(_) => bail!("this file holds no list"),
    }
}

/// Returns the list that a file holds, by its own name or by the name on the command line.
fn list_of(file: &ListFile, named: Option<List>) -> anyhow::Result<List> {
    match (file.list, named) {
        (Some(own), Some(named)) if own != named => bail!("this file holds {own}, not {named}"),
        (Some(list), _) | (None, Some(list)) => Ok(list),
        (None, None) => {
            bail!("this file does not name its list: name it, with `--list NAME`")
        }
    }
}
