//! Backup and restore by hand (SPEC §7.3), beside a running program or without one.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use thiserror::Error;

use super::{AppError, prepare_data_dir};
use crate::clock::Clock;
use crate::config::Config;
use crate::files::{self, LeftOut, Maker, Opened, PlaceFault, Reader};
use crate::model::{List, ListChange, ListData};
use crate::store::{self, Store, StoreError};
use crate::task::ListKeeper;

/// Why a backup or a restore by hand did not work.
#[derive(Debug, Error)]
pub enum ByHandError {
    /// What also keeps the program from running.
    #[error(transparent)]
    App(#[from] AppError),
    /// The database does not serve.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to save.
    #[error("there is no state in {}: this instance has never run, and has no lists", .0.display())]
    NeverRan(PathBuf),
    /// A list's file could not be made.
    #[error("{list} could not be saved: {why}")]
    Make {
        /// The list.
        list: List,
        /// Why.
        why: String,
    },
    /// The file cannot be used.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl ByHandError {
    /// Returns the exit code of SPEC §11.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::App(error) => error.exit_code(),
            _ => 1,
        }
    }
}

/// What a restore changes, or would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The list.
    pub list: List,
    /// Its entries, before and after.
    pub change: ListChange,
    /// What the file holds that means nothing here.
    pub left_out: LeftOut,
}

/// Why a transaction was not committed.
enum Undone {
    Failed(StoreError),
    /// It was tried only to see this.
    Tried(ListChange),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Saves every list that is not empty as a file of the configured kind in `directory`, all of one
/// moment. The program may run meanwhile, and nothing of its is changed. Returns the files.
///
/// # Errors
/// See [`ByHandError`].
pub fn backup(
    config: &Config,
    clock: &Clock,
    directory: &Path,
) -> Result<Vec<PathBuf>, ByHandError> {
    let password = SecretString::from(config.encrypt.password.expose());
    let reader = Reader::new(&password);
    let maker = Maker::new(config.exchange.files, &password).map_err(AppError::from)?;
    let saved_at = clock.now().rfc3339();
    let save = |list: List, data: ListData| {
        let unmade = |why: &dyn std::fmt::Display| ByHandError::Make {
            list,
            why: why.to_string(),
        };
        let made = maker
            .list(list, &data, &saved_at, &reader)
            .map_err(|error| unmade(&error))?;
        drop(data);
        let path = directory.join(list.as_str());
        files::replace(&path, |file| {
            file.write_all(&made)
                .map_err(|error| PlaceFault::new("write", &path, error))
        })
        .map_err(|error| unmade(&error))?;
        Ok(path)
    };
    // A look changes nothing: least of all the layout, under an older version that may be running.
    let saved = store::look(&config.telegram.state_file(), |tx| {
        let mut saved = Vec::new();
        for list in List::ALL {
            if tx.is_list_empty(list)? {
                continue;
            }
            match save(list, tx.list(list)?) {
                Ok(path) => saved.push(path),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(saved))
    })?;
    saved.unwrap_or_else(|| Err(ByHandError::NeverRan(config.telegram.data_dir.clone())))
}

/// Replaces a list by a file's, in one transaction, or only says what that would change. The program
/// must not run meanwhile, since it keeps the rules in memory. `named` says which list a file is that
/// does not say so itself, as Python's do not. What would change is found by doing it and taking it
/// back: joins that wait stay whatever the file holds.
///
/// # Errors
/// See [`ByHandError`]; nothing is changed then.
pub fn restore(
    config: &Config,
    clock: &Clock,
    path: &Path,
    named: Option<List>,
    dry_run: bool,
) -> Result<Restored, ByHandError> {
    let bad = |why: &dyn std::fmt::Display| ByHandError::File {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let _lock = prepare_data_dir(config)?;
    let reader = Arc::new(Reader::new(&SecretString::from(
        config.encrypt.password.expose(),
    )));
    if !fs::metadata(path).map_err(|error| bad(&error))?.is_file() {
        return Err(bad(&"it is not a regular file"));
    }
    let bytes = fs::read(path).map_err(|error| bad(&error))?;
    let Opened::List(file) = reader.read(&bytes).map_err(|error| bad(&error))? else {
        return Err(bad(&"it holds no list"));
    };
    let list = match (file.list, named) {
        (Some(own), Some(named)) if own != named => {
            return Err(bad(&format!("it holds {own}, not {named}")));
        }
        (Some(list), _) | (None, Some(list)) => list,
        (None, None) => {
            return Err(bad(
                &"it does not say which list it is: name it, with `--list NAME`",
            ));
        }
    };
    let (data, left_out) = file.data_for(list).map_err(|error| bad(&error))?;
    let store = Store::open(&config.telegram.state_file())?;
    let now = clock.now();
    let keeper = ListKeeper {
        reader,
        directory: config.telegram.data_dir.clone(),
    };
    let done = store.transaction(|tx| {
        let before = tx.list(list)?;
        if dry_run {
            tx.replace_list(list, &data, now)?;
            let change = ListChange::between(&before, &tx.list(list)?);
            return Err(Undone::Tried(change));
        }
        let kept = keeper
            .keep(list, before, now)
            .map_err(|error| Undone::Failed(error.into()))?;
        tx.replace_list(list, &data, now)?;
        let change = ListChange::between(kept.data(), &tx.list(list)?);
        Ok((change, kept))
    });
    let change = match done {
        Ok((change, kept)) => {
            kept.replaced();
            change
        }
        Err(Undone::Tried(change)) => change,
        Err(Undone::Failed(error)) => return Err(error.into()),
    };
    Ok(Restored {
        list,
        change,
        left_out,
    })
}
