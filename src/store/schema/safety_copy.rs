//! The copy of `state.db` that is made before a migration, as `state.db.layout-N` beside it.
//!
//! The copy holds the committed state, including what a killed program left in its write-ahead log. The copy gets its
//! name only once it is complete and on disk: a crash or a full disk leaves the database untouched, and at most a file
//! with the suffix `.part`, which the next start replaces.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::store::StoreError;
use crate::store::whole_copy::{copy_error, write_copy};

/// Copies the database at `path`, which has this layout. An older copy of the same layout is replaced.
pub(super) fn write(database: &Connection, path: &Path, layout: i64) -> Result<(), StoreError> {
    let copy = with_suffix(path, &format!(".layout-{layout}"));
    let part = with_suffix(&copy, ".part");
    let written = write_copy(database, &part)
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

fn sync_directory(file: &Path) -> Result<(), StoreError> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| copy_error(directory, &error))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
