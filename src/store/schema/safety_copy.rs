//! The copy of `state.db` that is made before a migration, as `state.db.layout-N` beside it.
//!
//! SQLite's `VACUUM INTO` copies the committed state, including what a killed program left in its write-ahead log. The
//! copy gets its name only once it is complete and on disk: a crash or a full disk leaves the database untouched, and
//! at most a file with the suffix `.part`, which the next start replaces.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::store::StoreError;

/// Copies the database at `path`, which has this layout. An older copy of the same layout is replaced.
pub(super) fn write(database: &Connection, path: &Path, layout: i64) -> Result<(), StoreError> {
    let copy = with_suffix(path, &format!(".layout-{layout}"));
    let part = with_suffix(&copy, ".part");
    let written = write_part(database, &part)
        .and_then(|()| fs::rename(&part, &copy).map_err(|error| copy_error(&copy, &error)))
        .and_then(|()| sync_directory(&copy));
    if written.is_err() {
        // The remains of the copy may be what fills the disk.
        let _ = fs::remove_file(&part);
    }
    written?;
    tracing::info!(copy = %copy.display(), "state.db was copied before its migration");
    Ok(())
}

fn write_part(database: &Connection, part: &Path) -> Result<(), StoreError> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(copy_error(part, &error));
        }
        _ => {}
    }
    // `VACUUM INTO` accepts an empty file, which is created here to be private from the beginning.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(part)
        .map_err(|error| copy_error(part, &error))?;
    let name = part.to_str().ok_or_else(|| StoreError::File {
        path: part.to_owned(),
        cause: "SQLite needs a path in UTF-8".into(),
    })?;
    database.execute("VACUUM INTO ?1", [name])?;
    file.sync_all().map_err(|error| copy_error(part, &error))
}

fn sync_directory(file: &Path) -> Result<(), StoreError> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| copy_error(directory, &error))
}

fn copy_error(path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull,
        _ => StoreError::File {
            path: path.to_owned(),
            cause: error.to_string(),
        },
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
