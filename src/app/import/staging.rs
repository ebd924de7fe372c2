//! Writes what an import makes, so that it counts only once the configuration is in place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::ImportError;
use super::source::SourceLists;
use crate::app::unfinished_import;
use crate::config::Telegram;
use crate::model::Timestamp;
use crate::store::{self, Store, StoreError};
use crate::telegram::{AccountSession, PyrogramSession};

/// Refuses to overwrite a file.
pub(super) fn refuse_existing(path: &Path, what: &str) -> Result<(), ImportError> {
    match path.symlink_metadata() {
        Ok(_) => Err(exists(path, what)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(ImportError::file(path, error)),
    }
}

fn exists(path: &Path, what: &str) -> ImportError {
    ImportError::Refused(format!(
        "{}: there is a {what} already, and an import overwrites nothing; move it away, or name another configuration \
         with --to",
        path.display()
    ))
}

/// Checks that the data directory holds no session and no `state.db`, except those of an unfinished import.
pub(super) fn check_data_dir(telegram: &Telegram) -> Result<(), ImportError> {
    if unfinished_import::config_of(&telegram.data_dir)?.is_some() && !was_started(telegram) {
        return Ok(());
    }
    refuse_existing(&telegram.session_file(), "session")?;
    refuse_existing(&telegram.state_file(), "database")
}

/// Reports whether the program has ever run in the data directory, or whether that is unknown.
fn was_started(telegram: &Telegram) -> bool {
    match store::inspect(&telegram.state_file(), |tx| tx.instance()) {
        Ok(Some(instance)) => instance.started_at.is_some(),
        Ok(None) => false,
        Err(_) => true,
    }
}

/// The files of an import.
pub(super) struct Staged<'i> {
    /// The path of the new configuration.
    pub(super) config: &'i Path,
    pub(super) telegram: &'i Telegram,
    pub(super) session: &'i PyrogramSession,
    pub(super) lists: &'i SourceLists,
    pub(super) newest_join: Option<Timestamp>,
    pub(super) now: Timestamp,
}

impl Staged<'_> {
    /// Makes the session and `state.db`, and moves them to their places.
    pub(super) fn write(&self) -> Result<(), ImportError> {
        let staging = self.directory();
        let failed = |cause| ImportError::file(&staging, cause);
        if staging.is_dir() {
            // Files of an unfinished import go before the directory that marks it.
            for path in [self.telegram.session_file(), self.telegram.state_file()] {
                remove_database(&path)?;
            }
            fs::remove_dir_all(&staging).map_err(failed)?;
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&staging)
            .map_err(failed)?;
        unfinished_import::record_config(&staging, self.config)
            .map_err(|error| ImportError::file(&staging, error))?;
        sync(&self.telegram.data_dir)?;
        let session = staging.join("account.session");
        AccountSession::create_from_pyrogram(&session, self.session)
            .map_err(|error| ImportError::Refused(error.to_string()))?;
        let state = staging.join("state.db");
        self.write_state(&state)?;
        for path in [&session, &state] {
            sync(path)?;
        }
        for (from, to) in [
            (state, self.telegram.state_file()),
            (session, self.telegram.session_file()),
        ] {
            fs::rename(&from, &to).map_err(|cause| ImportError::file(&to, cause))?;
        }
        sync(&staging)?;
        sync(&self.telegram.data_dir)
    }

    fn write_state(&self, path: &Path) -> Result<(), ImportError> {
        let store = Store::open(path)?;
        store.write(|tx| {
            for read in &self.lists.lists {
                if let Some(data) = &read.data {
                    tx.replace_list(read.list, data, self.now)?;
                }
            }
            for group in &self.lists.flooded {
                tx.begin_group_flood(*group, self.now)?;
            }
            if let Some(newest) = self.newest_join {
                tx.set_read_back_from(newest)?;
            }
            Ok::<(), StoreError>(())
        })?;
        // The last connection moves SQLite's log into the database, unless the disk refuses.
        drop(store);
        let log = with_suffix(path, "-wal");
        if log.exists() {
            return Err(ImportError::file(
                &log,
                "the log stays, so the disk may be full",
            ));
        }
        Ok(())
    }

    fn directory(&self) -> PathBuf {
        self.telegram.data_dir.join(unfinished_import::DIRECTORY)
    }
}

/// Puts the configuration in its place, without overwriting one. A crash leaves at most the hidden file, which the next
/// import replaces.
pub(super) fn put_config(path: &Path, text: &str) -> Result<(), ImportError> {
    let directory = path.parent().unwrap_or_else(|| Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let staged = directory.join(format!(".{name}.import"));
    write_private(&staged, text).map_err(|error| ImportError::file(&staged, error))?;
    let renamed = match renameat_with(CWD, &staged, CWD, path, RenameFlags::NOREPLACE) {
        // The file system cannot rename in this way.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            refuse_existing(path, "configuration").and_then(|()| {
                fs::rename(&staged, path).map_err(|error| ImportError::file(path, error))
            })
        }
        Err(Errno::EXIST) => Err(exists(path, "configuration")),
        other => other.map_err(|error| ImportError::file(path, error)),
    };
    if renamed.is_err() {
        let _ = fs::remove_file(&staged);
    }
    renamed?;
    sync(directory)
}

/// Writes a new file with mode 0600 in place of one that an unfinished import has left.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Removes a database and what SQLite keeps beside it.
fn remove_database(path: &Path) -> Result<(), ImportError> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(with_suffix(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ImportError::file(path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn sync(path: &Path) -> Result<(), ImportError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|cause| ImportError::file(path, cause))
}
