//! Manual backup and restore of the lists (docs/files.md, "Lists, backup and rollback").
//!
//! A backup may be made while the program runs. A restore needs the lock on the data directory; a
//! crash leaves the list either as it was or replaced.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{bail, ensure};
use fleet_files::atomic_file;
use secrecy::SecretString;
use thiserror::Error;

use super::{AppError, prepare_data_dir};
use crate::clock::Clock;
use crate::config::Config;
use crate::file_codec::{DecodedFile, Decoder, Encoder, ListWriteError};
use crate::list_file::{ListFile, SkippedEntries};
use crate::model::{List, ListChange};
use crate::store::{self, Store, StoreError};
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
    /// The file of a restore cannot be used.
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

/// The reason why the transaction of a restore was rolled back.
enum Aborted {
    Failed(StoreError),
    DryRun(ListChange),
}

impl From<StoreError> for Aborted {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Saves every non-empty list as a file of the configured kind in `directory`; returns the paths.
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
/// file that does not name it, as Python's files do not. A dry run replaces the list and rolls the
/// transaction back, so that it reports what a restore does: joins that wait remain, whatever the
/// file holds.
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
    let _lock = prepare_data_dir(&config.telegram)?;
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
    let store = Store::open(&config.telegram.state_file())?;
    let now = clock.now();
    let keeper = ListKeeper {
        decoder: Arc::new(decoder),
        directory: config.telegram.data_dir.clone(),
    };
    let done = store.write(|tx| {
        let before = tx.list(list)?;
        if dry_run {
            tx.replace_list(list, &data, now)?;
            let change = ListChange::between(&before, &tx.list(list)?);
            return Err(Aborted::DryRun(change));
        }
        let kept = keeper
            .keep(list, before, now)
            .map_err(|error| Aborted::Failed(error.into()))?;
        tx.replace_list(list, &data, now)?;
        let change = ListChange::between(kept.data(), &tx.list(list)?);
        Ok((change, kept))
    });
    let change = match done {
        Ok((change, kept)) => {
            kept.commit();
            change
        }
        Err(Aborted::DryRun(change)) => change,
        Err(Aborted::Failed(error)) => return Err(error.into()),
    };
    Ok(Restored {
        list,
        change,
        skipped,
    })
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
