//! Looks into `state.db` without changing anything, beside a running program or without one.
//!
//! Owns how that is possible at all. A database with a write-ahead log is read through the index that
//! the program keeps beside it, opened for reading only; one without a log is one whole file, and is
//! read as such, so that SQLite makes no files of its own. Which of the two it is may change at any
//! moment: then it is read again.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{BUSY_FOR, StoreError, Tx, schema};

/// How often it is read anew because the program started or ended meanwhile.
const MOST_TRIES: u32 = 20;
/// The pause before that.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads what `read` wants to know, all of it of one moment. `None` if there is no database yet, or
/// nothing in it. Nothing is changed, and no file is made.
///
/// # Errors
/// See [`StoreError`]; a database of an older layout is refused as [`StoreError::Older`].
pub fn look<T>(
    path: &Path,
    read: impl Fn(&Tx<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut last = StoreError::Incomplete;
    for _ in 0..MOST_TRIES {
        let Some(before) = Mark::of(path)? else {
            return Ok(None);
        };
        if before.log && !before.index {
            last = StoreError::Incomplete;
        } else {
            let found = look_once(path, before.log, &read);
            let still = Mark::of(path)? == Some(before);
            match found {
                // Through the index it is of one moment, whatever happened since.
                Ok(found) if before.log || still => return Ok(found),
                Ok(_) => {}
                Err(error) if still => return Err(explained(path, error)),
                Err(error) => last = error,
            }
        }
        std::thread::park_timeout(PAUSE);
    }
    Err(last)
}

fn look_once<T>(
    path: &Path,
    log: bool,
    read: impl Fn(&Tx<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut database = Connection::open_with_flags(uri(path, log), flags)?;
    database.busy_timeout(BUSY_FOR)?;
    let transaction = database.transaction()?;
    schema::check(&transaction)?;
    match (schema::layout(&transaction)?, schema::newest()) {
        (0, _) => Ok(None),
        (found, newest) if found < newest => Err(StoreError::Older { found, newest }),
        _ => read(&Tx(&transaction)).map(Some),
    }
}

/// What tells whether the files were replaced, or written to other than through the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    file: u64,
    size: u64,
    changed: (i64, i64),
    /// Whether there is a write-ahead log with something in it.
    log: bool,
    /// Whether there is an index to that log.
    index: bool,
}

impl Mark {
    /// Returns `None` if there is no database.
    fn of(path: &Path) -> Result<Option<Self>, StoreError> {
        let of = |path: &Path| match fs::metadata(path) {
            Ok(tx) => Ok(Some(tx)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(refused(path, &error)),
        };
        let Some(tx) = of(path)? else {
            return Ok(None);
        };
        let log = of(&beside(path, "-wal"))?.is_some_and(|log| log.len() > 0);
        Ok(Some(Self {
            file: tx.ino(),
            size: tx.len(),
            changed: (tx.mtime(), tx.mtime_nsec()),
            log,
            index: log && of(&beside(path, "-shm"))?.is_some(),
        }))
    }
}

/// SQLite's own word for a missing right is no help, so the file is asked for it.
fn explained(path: &Path, error: StoreError) -> StoreError {
    match (&error, File::open(path)) {
        (StoreError::DiskFails(_), Err(why)) => refused(path, &why),
        _ => error,
    }
}

fn refused(path: &Path, why: &io::Error) -> StoreError {
    StoreError::File {
        path: path.to_owned(),
        cause: match why.kind() {
            io::ErrorKind::PermissionDenied => {
                format!("{why}; use the user that `run` belongs to, or root")
            }
            _ => why.to_string(),
        },
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// SQLite's own parameters are given in the name (<https://sqlite.org/uri.html>).
fn uri(path: &Path, log: bool) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri + if log {
        "?mode=ro&readonly_shm=1"
    } else {
        "?mode=ro&immutable=1"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::store::Store;

    fn setting(path: &Path) -> Result<Option<Option<String>>, StoreError> {
        look(path, |tx| tx.setting("word"))
    }

    fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(directory)
            .expect("readable")
            .map(|entry| entry.expect("a file").path())
            .map(|path| (path.clone(), fs::read(path).expect("readable")))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn what_is_committed_is_seen_beside_the_writer_and_after_it_and_after_its_death() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a %20 strange#name?.db");
        assert_eq!(setting(&path).expect("looked"), None);
        assert!(files(directory.path()).is_empty(), "a look made a file");

        let store = Store::open(&path).expect("opened");
        let keep = |word: &str| {
            let kept: Result<(), StoreError> =
                store.transaction(|tx| tx.keep_setting("word", word));
            kept.expect("kept");
        };
        keep("one");
        let before = files(directory.path());
        assert_eq!(before.len(), 3, "the database, its log, and the index");
        assert_eq!(setting(&path).expect("looked"), Some(Some("one".into())));
        keep("two");
        assert_eq!(setting(&path).expect("looked"), Some(Some("two".into())));

        // A writer that died leaves its log behind, and nobody who holds the index.
        let dead = tempfile::tempdir().expect("a directory");
        for (path, bytes) in files(directory.path()) {
            let name = path.file_name().expect("a name");
            fs::write(dead.path().join(name), bytes).expect("copied");
        }
        let left = dead.path().join(path.file_name().expect("a name"));
        let before = files(dead.path());
        assert_eq!(setting(&left).expect("looked"), Some(Some("two".into())));
        assert!(files(dead.path()) == before, "a look changed what was left");
        fs::remove_file(beside(&left, "-shm")).expect("removed");
        assert!(matches!(setting(&left), Err(StoreError::Incomplete)));

        drop(store);
        let before = files(directory.path());
        assert_eq!(before.len(), 1);
        assert_eq!(setting(&path).expect("looked"), Some(Some("two".into())));
        assert!(files(directory.path()) == before, "a look changed it");
    }

    #[test]
    fn a_database_with_nothing_in_it_is_none_yet() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("state.db");
        fs::write(&path, b"").expect("written");
        assert_eq!(setting(&path).expect("looked"), None);
    }

    #[test]
    fn a_look_writes_nothing_even_if_it_is_asked_to() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("state.db");
        drop(Store::open(&path).expect("opened"));
        let before = files(directory.path());
        let written = look(&path, |tx| tx.remember_flood("m", Timestamp::new(9)));
        assert!(written.is_err());
        assert!(files(directory.path()) == before);
    }
}
