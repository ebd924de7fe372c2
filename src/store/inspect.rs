//! Reads `state.db` without changing anything, beside a running program or without one.
//!
//! A database with a write-ahead log is read through the index that the program keeps beside it, opened read-only. A
//! database without a log is one whole file, and is opened as immutable, so that SQLite creates no files.
//! The program may start or end at any moment: the database is then read again.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{BUSY_TIMEOUT, ReadTx, StoreError, schema};

/// How many attempts are made when the program starts or ends meanwhile.
const MAX_ATTEMPTS: u32 = 20;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs `read` on one moment of the database, without a change to it or a new file. Returns `None` if the database does
/// not exist yet or is empty.
///
/// # Errors
/// See [`StoreError`]; a database of an older layout is refused as [`StoreError::Older`].
pub fn inspect<T>(
    path: &Path,
    read: impl Fn(&ReadTx<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut last = StoreError::Incomplete;
    for _ in 0..MAX_ATTEMPTS {
        let Some(before) = FileState::of(path)? else {
            return Ok(None);
        };
        if before.log && !before.index {
            last = StoreError::Incomplete;
        } else {
            let found = read_once(path, before.log, &read);
            let unchanged = FileState::of(path)? == Some(before);
            match found {
                // The index gives a consistent moment, whatever happened since.
                Ok(found) if before.log || unchanged => return Ok(found),
                Ok(_) => {}
                Err(error) if unchanged => return Err(with_file_cause(path, error)),
                Err(error) => last = error,
            }
        }
        std::thread::park_timeout(PAUSE);
    }
    Err(last)
}

fn read_once<T>(
    path: &Path,
    log: bool,
    read: impl Fn(&ReadTx<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut database = Connection::open_with_flags(uri(path, log), flags)?;
    database.busy_timeout(BUSY_TIMEOUT)?;
    let transaction = database.transaction()?;
    // The next start of `run` checks the whole database. Here, damage fails only the queries that come across it.
    schema::check_layout(&transaction)?;
    match (schema::layout(&transaction)?, schema::newest()) {
        (0, _) => Ok(None),
        (found, newest) if found < newest => Err(StoreError::Older { found, newest }),
        _ => read(&ReadTx { db: &transaction }).map(Some),
    }
}

/// The state of the files, by which a replaced or overwritten database is recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileState {
    file: u64,
    size: u64,
    changed: (i64, i64),
    /// True if there is a write-ahead log that is not empty.
    log: bool,
    /// True if the log has its index.
    index: bool,
}

impl FileState {
    /// Returns `None` if the file does not exist.
    fn of(path: &Path) -> Result<Option<Self>, StoreError> {
        let of = |path: &Path| match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file_error(path, &error)),
        };
        let Some(metadata) = of(path)? else {
            return Ok(None);
        };
        let log = of(&beside(path, "-wal"))?.is_some_and(|log| log.len() > 0);
        Ok(Some(Self {
            file: metadata.ino(),
            size: metadata.len(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
            log,
            index: log && of(&beside(path, "-shm"))?.is_some(),
        }))
    }
}

/// SQLite does not name a missing permission, so the error comes from opening the file directly.
fn with_file_cause(path: &Path, error: StoreError) -> StoreError {
    match (&error, File::open(path)) {
        (StoreError::DiskFails(_), Err(why)) => file_error(path, &why),
        _ => error,
    }
}

fn file_error(path: &Path, why: &io::Error) -> StoreError {
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

/// Returns the URI for SQLite, whose options are its parameters (<https://sqlite.org/uri.html>).
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
    use crate::store::Store;

    fn setting(path: &Path) -> Result<Option<Option<String>>, StoreError> {
        inspect(path, |tx| tx.setting("word"))
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
    fn a_commit_is_visible_beside_the_writer_after_it_and_after_its_death() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a %20 strange#name?.db");
        assert_eq!(setting(&path).expect("readable"), None);
        assert!(files(directory.path()).is_empty(), "a read created a file");

        let store = Store::open(&path).expect("opened");
        let set = |word: &str| {
            let done: Result<(), StoreError> = store.write(|tx| tx.set_setting("word", word));
            done.expect("written");
        };
        set("one");
        let before = files(directory.path());
        assert_eq!(before.len(), 3, "the database, its log, and the index");
        assert_eq!(setting(&path).expect("readable"), Some(Some("one".into())));
        set("two");
        assert_eq!(setting(&path).expect("readable"), Some(Some("two".into())));

        // A writer that died leaves its log behind, and no process that holds the index.
        let dead = tempfile::tempdir().expect("a directory");
        for (path, bytes) in files(directory.path()) {
            let name = path.file_name().expect("a name");
            fs::write(dead.path().join(name), bytes).expect("copied");
        }
        let left = dead.path().join(path.file_name().expect("a name"));
        let before = files(dead.path());
        assert_eq!(setting(&left).expect("readable"), Some(Some("two".into())));
        assert!(files(dead.path()) == before, "a read changed the files");
        fs::remove_file(beside(&left, "-shm")).expect("removed");
        assert!(matches!(setting(&left), Err(StoreError::Incomplete)));

        drop(store);
        let before = files(directory.path());
        assert_eq!(before.len(), 1);
        assert_eq!(setting(&path).expect("readable"), Some(Some("two".into())));
        assert!(files(directory.path()) == before, "a read changed the file");
    }

    #[test]
    fn an_empty_database_reads_as_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("state.db");
        fs::write(&path, b"").expect("written");
        assert_eq!(setting(&path).expect("readable"), None);
    }

    #[test]
    fn a_read_cannot_write() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("state.db");
        drop(Store::open(&path).expect("opened"));
        let before = files(directory.path());
        let written = inspect(&path, |tx| {
            Ok(tx.db.execute("INSERT INTO floods VALUES ('m', 9)", [])?)
        });
        assert!(written.is_err());
        assert!(files(directory.path()) == before);
    }
}
