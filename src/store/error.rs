//! The errors of the store, each with its cause and its remedy in the operator's words.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::model::List;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A newer version of this program wrote the file.
    #[error(
        "state.db has layout {found}, and this program knows layouts up to {newest}: a newer version wrote it; start that version, or restore state.db from a backup"
    )]
    Newer { found: i64, newest: i64 },
    /// An older version of this program wrote the file, and the caller may not change it.
    #[error(
        "state.db has layout {found}, and this program reads layout {newest}: an older version wrote it, and it will be migrated at the next start of `run`; until then read it with the older version"
    )]
    Older { found: i64, newest: i64 },
    /// The write-ahead log cannot be read without the index beside it.
    #[error(
        "state.db-wal is there without state.db-shm, as after copying files one by one: start `run` once, or copy the whole directory of a stopped program"
    )]
    Incomplete,
    /// The file is not a database, or is damaged.
    #[error(
        "state.db is damaged or not a database ({0}): restore it from a backup, or move it away to start with an empty one"
    )]
    Damaged(String),
    #[error("the disk that holds state.db is full: free disk space; no data is lost")]
    DiskFull,
    /// The disk fails for another reason than being full.
    #[error(
        "the disk that holds state.db fails ({0}): look at the disk and its limits; no data is lost"
    )]
    DiskFails(String),
    /// A file of the database cannot be read, written or made private.
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: String },
    #[error(
        "the operating system returned no random numbers ({0}): look at /dev/urandom and at the limits of this process; no data is lost"
    )]
    NoRandomNumbers(getrandom::Error),
    /// A value cannot be encoded for a row, or a list cannot be encoded into its file.
    #[error("{0}")]
    Encode(String),
    /// The caller passed the data of another list.
    #[error("the data for {0} belong to another list")]
    WrongList(List),
    /// Any other error of SQLite.
    #[error("state.db: {0}")]
    Sql(rusqlite::Error),
    /// A row holds a value that this program never writes.
    #[error("state.db holds a row that cannot be read: {0}")]
    Unreadable(String),
}

impl StoreError {
    /// Returns [`NoRandomNumbers`](Self::NoRandomNumbers) if the operating system's generator caused `error`. A retry
    /// or a check of the disk does not help then, so the program ends.
    #[must_use]
    pub fn of_random_numbers(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let wrapped = error.downcast_ref::<io::Error>();
            let found = error.downcast_ref().or_else(|| {
                // `source` of an I/O error skips the error that it wraps.
                wrapped.and_then(io::Error::get_ref)?.downcast_ref()
            });
            if let Some(found) = found {
                return Some(Self::NoRandomNumbers(*found));
            }
            cause = error.source();
        }
        None
    }

    /// Returns true if the same operation may succeed later without manual repair.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::DiskFull | Self::DiskFails(_) => true,
            Self::Sql(error) => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            Self::Newer { .. }
            | Self::Older { .. }
            | Self::Incomplete
            | Self::Damaged(_)
            | Self::File { .. }
            | Self::NoRandomNumbers(_)
            | Self::Encode(_)
            | Self::WrongList(_)
            | Self::Unreadable(_) => false,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if let rusqlite::Error::FromSqlConversionFailure(_, _, cause) = &error {
            return Self::Unreadable(cause.to_string());
        }
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            Some(rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::CannotOpen) => {
                Self::DiskFails(error.to_string())
            }
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Sql(error),
        }
    }
}
