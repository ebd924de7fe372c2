//! The steps of `import`: takes the account, the settings and the lists of the Python program along (docs/import.md).
//!
//! Everything is read and checked before the first write. Nothing is written in the Python program's directory. The
//! session and `state.db` are made in the directory `import-unfinished` in the data directory, and are moved out of
//! it; renaming the configuration in is the last step. After a crash before that step the program refuses the data
//! directory (`unfinished_import`), and the next import makes again what the unfinished one left.

mod source;
mod staging;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;
use thiserror::Error;

use self::source::{SourceList, SourceLists};
use super::data_dir::lock_data_dir;
use super::{AppError, FileUse, refuse_denied, unfinished_import};
use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::list_file::SkippedEntries;
use crate::model::{List, ListData, Timestamp};
use crate::python_program::device::Device;
use crate::python_program::{DeviceSettings, Settings, TakenSetting, UnusedSetting};
use crate::store::StoreError;

/// Why nothing was imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The Python program, or what is there already, does not allow it; only a person can change that.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: String },
}

impl ImportError {
    /// Returns the exit code (docs/operations.md).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => 78,
            Self::App(error) => error.exit_code(),
            Self::Store(_) | Self::File { .. } => 1,
        }
    }

    fn file(path: &Path, cause: impl Display) -> Self {
        Self::File {
            path: path.to_owned(),
            cause: cause.to_string(),
        }
    }
}

/// The installation to import, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    /// The directory of the Python program.
    pub directory: PathBuf,
    /// The absolute path of the configuration that is written.
    pub config: PathBuf,
    pub dry_run: bool,
    pub device: DeviceSettings,
    /// The lists that are left out.
    pub without: Vec<List>,
}

/// The result of an import or of a dry run.
#[derive(Clone, Debug)]
pub struct Imported {
    pub config: PathBuf,
    pub data_dir: PathBuf,
    pub taken: Vec<TakenSetting>,
    pub unused: Vec<UnusedSetting>,
    pub device: Device,
    /// The session file of the Python program.
    pub session: PathBuf,
    /// The data centre of the account.
    pub dc: i32,
    pub account: Option<i64>,
    pub lists: Vec<ImportedList>,
    /// How many groups are under a group flood.
    pub flooded: usize,
    /// The invalid ids among those groups.
    pub skipped_flooded: SkippedEntries,
    /// The names of the files in `data/` that are not taken.
    pub unused_files: Vec<String>,
    /// The newest join of the Python program, from which the groups are read at the first start.
    pub newest_join: Option<Timestamp>,
}

/// One list.
#[derive(Clone, Debug)]
pub struct ImportedList {
    pub list: List,
    /// How many entries were taken; `None` if there is no file, or the list was to be left out.
    pub entries: Option<usize>,
    /// The file that was read, and why it is the copy.
    pub origin: String,
    pub skipped: SkippedEntries,
    /// True if the list was left out on request.
    pub left_out: bool,
}

/// Imports the Python program's installation.
///
/// # Errors
/// See [`ImportError`]. An error before the configuration is in place leaves at most an unfinished import, which the
/// next one replaces.
pub fn import(
    request: &Request,
    environment: &Environment,
    clock: &Clock,
) -> Result<Imported, ImportError> {
    let config_directory = request.config.parent().unwrap_or(&request.config);
    refuse_denied(config_directory, FileUse::Read)?;
    staging::refuse_existing(&request.config, "configuration")?;
    if !config_directory.is_dir() {
        let reason = "the directory of the new configuration does not exist; make it first";
        return Err(ImportError::Refused(format!(
            "{}: {reason}",
            request.config.display()
        )));
    }
    refuse_denied(config_directory, FileUse::Write)?;
    source::refuse_unreadable(&request.directory)?;
    let session_path = source::find_session(&request.directory)?;
    let session = source::read_session(&session_path, clock.now())?;
    let ini = source::read_ini(&request.directory)?;
    let settings = Settings::of(&ini).map_err(|problems| {
        let path = request.directory.join("config.ini");
        ImportError::Refused(format!("{}: {}", path.display(), problems.join("; ")))
    })?;
    let parts = source::device_parts(&request.directory);
    let device = Device::compose(&request.device, &ini, &parts)
        .map_err(|unknown| ImportError::Refused(unknown.join("\n")))?;
    let data_dir = environment.default_data_dir(&request.config);
    if data_dir.to_str().is_none() {
        let reason = format!("{}: the path is not UTF-8", data_dir.display());
        return Err(ImportError::Refused(reason));
    }
    let directory = std::path::absolute(&request.directory)
        .map_err(|cause| ImportError::file(&request.directory, cause))?;
    refuse_inside(&directory, &[&request.config, &data_dir])?;
    // Without data_dir, a session beside the configuration would be the account's.
    staging::refuse_existing(&request.config.with_file_name("account.session"), "session")?;
    let text = Zeroizing::new(settings.config_text(&device, &data_dir, &directory));
    let config = Config::from_text(&request.config, &text, environment)
        .map_err(|errors| ImportError::Refused(settings.explain(&errors)))?
        .config;
    staging::check_data_dir(&config.telegram)?;
    let lists = source::read_lists(&request.directory, &request.without)?;
    let imported = Imported {
        config: request.config.clone(),
        data_dir,
        taken: settings.taken.clone(),
        unused: settings.unused.clone(),
        device,
        session: session_path,
        dc: session.dc,
        account: session.user_id,
        newest_join: newest_join(&lists, clock.now()),
        flooded: lists.flooded.len(),
        skipped_flooded: lists.skipped_flooded.clone(),
        unused_files: lists.unused_files.clone(),
        lists: lists.lists.iter().map(ImportedList::of).collect(),
    };
    if !request.dry_run {
        let _lock = lock_data_dir(&config.telegram)?;
        // Another import may have ended since the first look.
        staging::refuse_existing(&request.config, "configuration")?;
        staging::check_data_dir(&config.telegram)?;
        let staged = staging::Staged {
            config: &request.config,
            telegram: &config.telegram,
            session: &session,
            lists: &lists,
            newest_join: imported.newest_join,
            now: clock.now(),
        };
        staged.write()?;
        staging::put_config(&request.config, &text)?;
        unfinished_import::remove(&config.telegram.data_dir);
    }
    Ok(imported)
}

impl ImportedList {
    fn of(read: &SourceList) -> Self {
        Self {
            list: read.list,
            entries: read.data.as_ref().map(entries_of),
            origin: read.origin.clone(),
            skipped: read.skipped.clone(),
            left_out: read.left_out,
        }
    }
}

fn entries_of(data: &ListData) -> usize {
    match data {
        ListData::Users(users) => users.joins.len() + users.forwarded.len(),
        ListData::Bad(bad) => bad.users.len() + bad.channels.len(),
        ListData::Except(except) => except.photos.len(),
        ListData::Admins(admins) => admins.len(),
        ListData::Rules(rules) => rules.len(),
    }
}

/// Returns the newest join that is not in the future, as one in a damaged list may be.
fn newest_join(lists: &SourceLists, now: Timestamp) -> Option<Timestamp> {
    let users = lists.lists.iter().find_map(|list| match &list.data {
        Some(ListData::Users(users)) => Some(users),
        _ => None,
    })?;
    let joins = users.joins.iter().map(|join| join.joined_at);
    joins.filter(|joined_at| *joined_at <= now).max()
}

/// Refuses paths inside the Python program's directory, in which nothing is written.
fn refuse_inside(directory: &Path, paths: &[&Path]) -> Result<(), ImportError> {
    let roots = [directory.to_owned(), directory.join("data")];
    let roots: Vec<PathBuf> = roots
        .iter()
        .filter_map(|root| root.canonicalize().ok())
        .collect();
    for path in paths {
        let existing = path.ancestors().find_map(|part| part.canonicalize().ok());
        if existing.is_some_and(|real| roots.iter().any(|root| real.starts_with(root))) {
            return Err(ImportError::Refused(format!(
                "{}: this would be inside the Python program's directory, in which an import writes nothing; name a \
                 configuration elsewhere with --to",
                path.display()
            )));
        }
    }
    Ok(())
}
