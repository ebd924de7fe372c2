//! Writes what an import makes, so that it counts only once the configuration is in place.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use fleet_files::atomic_file;

use super::ImportError;
use super::source::SourceLists;
use crate::config::Telegram;
use crate::model::Timestamp;
use crate::store::{self, Store, StoreError};
use crate::telegram::{AccountSession, PyrogramSession};

/// The directory in the data directory that holds the files before they are moved out, and that marks an unfinished
/// import until the configuration is in place.
const UNFINISHED: &str = "import-unfinished";

/// Refuses to overwrite a file.
pub(super) fn refuse_existing(path: &Path, what: &str) -> Result<(), ImportError> {
    match path.symlink_metadata() {
        Ok(_) => Err(ImportError::Refused(format!(
            "{}: there is a {what} already, and an import overwrites nothing; move it away, or name another \
             configuration with --to",
            path.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(ImportError::file(path, error)),
    }
}

/// Checks that the data directory holds no session and no `state.db`, except those of an unfinished import.
pub(super) fn check_data_dir(telegram: &Telegram) -> Result<(), ImportError> {
    if telegram.data_dir.join(UNFINISHED).is_dir() && !was_started(telegram) {
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
        drop(store);
        Ok(())
    }

    /// Removes the mark of the unfinished import. The configuration is in place, so a failure does no harm.
    pub(super) fn finish(&self) {
        if let Err(error) = fs::remove_dir(self.directory()) {
            tracing::warn!(%error, path = %self.directory().display(), "an empty directory cannot be removed");
        }
    }

    fn directory(&self) -> PathBuf {
        self.telegram.data_dir.join(UNFINISHED)
    }
}

/// Puts the configuration in its place, without overwriting one.
pub(super) fn put_config(path: &Path, text: &str) -> Result<(), ImportError> {
    let failed = |cause: io::Error| ImportError::file(path, cause);
    let directory = path.parent().unwrap_or_else(|| Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let staged = directory.join(format!(".{name}.import"));
    atomic_file::write(&staged, text.as_bytes())
        .map_err(|error| ImportError::file(&staged, error))?;
    // Unlike a rename, a link does not replace a file that appeared meanwhile.
    let linked = fs::hard_link(&staged, path);
    let placed = match linked {
        Ok(()) => fs::remove_file(&staged),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let _ = fs::remove_file(&staged);
            return refuse_existing(path, "configuration");
        }
        // A file system without hard links.
        Err(_) => {
            refuse_existing(path, "configuration")?;
            fs::rename(&staged, path)
        }
    };
    placed.map_err(failed)?;
    sync(directory)
}

/// Removes a database and what SQLite keeps beside it.
fn remove_database(path: &Path) -> Result<(), ImportError> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ImportError::file(path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn sync(path: &Path) -> Result<(), ImportError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|cause| ImportError::file(path, cause))
}
