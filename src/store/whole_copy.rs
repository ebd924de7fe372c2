//! Copies a whole SQLite file of the data directory, beside a running program or without one.
//!
//! SQLite's `VACUUM INTO` copies one committed moment within a read transaction: the writer of `state.db` never waits
//! for it, and the copy includes what a killed program left in its write-ahead log. SQLite's backup interface would
//! start again at each commit of another process, or hold the same read transaction.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{BUSY_TIMEOUT, Store, StoreError, schema};

/// Copies the committed state of `state.db` to the new file `target`, and checks that the copy is whole. Returns its
/// layout, or `None` if `source` does not exist or is empty.
///
/// # Errors
/// See [`StoreError`]; the remains of a failed copy are removed.
pub fn copy_state(source: &Path, target: &Path) -> Result<Option<i64>, StoreError> {
    if is_missing_or_empty(source) {
        return Ok(None);
    }
    let database = open(source)?;
    schema::check_layout(&database)?;
    if schema::layout(&database)? == 0 {
        return Ok(None);
    }
    write_or_remove(&database, target)?;
    let copy = open(target)?;
    schema::check_integrity(&copy)?;
    Ok(Some(schema::layout(&copy)?))
}

/// Copies the committed state of another SQLite file to the new file `target`.
///
/// # Errors
/// See [`StoreError`]; the remains of a failed copy are removed.
pub fn copy_database(source: &Path, target: &Path) -> Result<(), StoreError> {
    write_or_remove(&open(source)?, target)
}

fn is_missing_or_empty(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |file| file.len() == 0)
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    // Without the right to write, SQLite could not recover a log that a killed program left.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    database.busy_timeout(BUSY_TIMEOUT)?;
    Ok(database)
}

fn write_or_remove(database: &Connection, target: &Path) -> Result<(), StoreError> {
    let written = write_copy(database, target);
    if written.is_err() {
        // The remains of the copy may be what fills the disk.
        let _ = fs::remove_file(target);
    }
    written
}

/// Writes the committed state of an open database to `target`, in place of an earlier file.
pub(super) fn write_copy(database: &Connection, target: &Path) -> Result<(), StoreError> {
    match fs::remove_file(target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(copy_error(target, &error));
        }
        _ => {}
    }
    // `VACUUM INTO` accepts an empty file, which is created here to be private from the beginning.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)
        .map_err(|error| copy_error(target, &error))?;
    let name = target.to_str().ok_or_else(|| StoreError::File {
        path: target.to_owned(),
        cause: "SQLite needs a path in UTF-8".into(),
    })?;
    database.execute("VACUUM INTO ?1", [name])?;
    file.sync_all().map_err(|error| copy_error(target, &error))
}

pub(super) fn copy_error(path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull,
        _ => StoreError::File {
            path: path.to_owned(),
            cause: error.to_string(),
        },
    }
}

/// A copy of `state.db` in which a change can be tried. Dropping it removes the file; a crash leaves a hidden file that
/// ends in `.part`.
pub struct TemporaryCopy {
    store: Store,
    path: PathBuf,
}

impl TemporaryCopy {
    /// Copies `state.db` beside itself. Returns `None` if there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn of(state: &Path) -> Result<Option<Self>, StoreError> {
        let path = state.with_file_name(format!(".dry-run-{}.part", std::process::id()));
        if copy_state(state, &path)?.is_none() {
            return Ok(None);
        }
        match Store::open(&path) {
            Ok(store) => Ok(Some(Self { store, path })),
            Err(error) => {
                remove_database(&path);
                Err(error)
            }
        }
    }

    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }
}

impl Drop for TemporaryCopy {
    fn drop(&mut self) {
        remove_database(&self.path);
    }
}

/// Removes a database with its log and the copies that its migration made.
fn remove_database(path: &Path) {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        return;
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(name)
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "a temporary copy cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .expect("readable")
            .map(|entry| {
                entry
                    .expect("a file")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_copy_beside_the_writer_holds_what_was_committed_and_leaves_nothing_when_it_was_temporary()
    {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path().join("state.db");
        assert!(TemporaryCopy::of(&state).expect("readable").is_none());
        let store = Store::open(&state).expect("opened");
        let set = |store: &Store, word: &str| {
            let done: Result<(), StoreError> = store.write(|tx| tx.set_setting("word", word));
            done.expect("written");
        };
        let word = |store: &Store| {
            let word: Result<_, StoreError> = store.read(|tx| tx.setting("word"));
            word.expect("readable")
        };
        set(&store, "one");
        let before = names(directory.path());
        let copy = TemporaryCopy::of(&state).expect("copied").expect("a copy");
        set(copy.store(), "two");
        assert_eq!(word(copy.store()).as_deref(), Some("two"));
        assert_eq!(word(&store).as_deref(), Some("one"));
        drop(copy);
        assert_eq!(names(directory.path()), before);
        let target = directory.path().join("copy");
        assert!(copy_state(&state, &target).expect("copied").is_some());
        set(&store, "three");
        assert_eq!(
            word(&Store::open(&target).expect("opened")).as_deref(),
            Some("one")
        );
    }
}
