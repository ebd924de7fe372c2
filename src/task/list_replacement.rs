//! Keeps a list as a sealed file before it is replaced. See docs/files.md, "Lists, backup and rollback".
//!
//! The file is written before the transaction that replaces the list is committed, and is removed again if that does
//! not happen. A crash in between may leave a file of a list that was not replaced, which does no harm.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleet_files::atomic_file::{self, AtomicFileError};
use thiserror::Error;

use crate::file_codec::{Decoder, EncodeError};
use crate::model::{List, ListData, Timestamp};
use crate::store::{ReadTx, StoreError};

/// Writes the files of replaced lists. Cheap to clone.
#[derive(Clone)]
pub struct ListKeeper {
    pub decoder: Arc<Decoder>,
    /// The data directory.
    pub directory: PathBuf,
}

/// Why a list was not kept.
#[derive(Debug, Error)]
pub enum KeepError {
    #[error("{list} cannot be sealed: {cause}")]
    Seal { list: List, cause: EncodeError },
    #[error(transparent)]
    Write(#[from] AtomicFileError),
}

impl From<KeepError> for StoreError {
    fn from(error: KeepError) -> Self {
        if let Some(error) = Self::of_random_numbers(&error) {
            return error;
        }
        match error {
            KeepError::Seal { .. } => Self::Encode(error.to_string()),
            KeepError::Write(_) => Self::DiskFails(error.to_string()),
        }
    }
}

impl ListKeeper {
    /// Seals a list into a file `replaced-LIST-SECONDS` in the data directory.
    ///
    /// # Errors
    /// The list cannot be sealed, or the file cannot be written.
    pub fn keep(&self, list: List, data: ListData, now: Timestamp) -> Result<KeptList, KeepError> {
        let seal_error = |cause| KeepError::Seal { list, cause };
        let encoder = self.decoder.sealed_encoder().map_err(seal_error)?;
        let file = encoder
            .encode_list(list, &data, &now.rfc3339(), &self.decoder)
            .map_err(seal_error)?;
        let path = free_path(&self.directory, list, now);
        atomic_file::write(&path, &file)?;
        Ok(KeptList {
            list,
            data,
            path: Some(path),
        })
    }
}

/// A list in its file; dropping it removes the file, unless it was [committed](KeptList::commit).
#[derive(Debug)]
pub struct KeptList {
    list: List,
    data: ListData,
    /// The file; `None` once it stays.
    path: Option<PathBuf>,
}

impl KeptList {
    #[must_use]
    pub const fn data(&self) -> &ListData {
        &self.data
    }

    /// Reports whether the file still holds what the store does.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_current(&self, tx: &ReadTx<'_>) -> Result<bool, StoreError> {
        Ok(tx.list(self.list)? == self.data)
    }

    /// Leaves the file in the data directory: the transaction that replaced the list is committed.
    pub fn commit(mut self) {
        self.path = None;
    }
}

impl Drop for KeptList {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!(path = %path.display(), %error, "the file of a list that stays cannot be removed");
        }
    }
}

/// Finds a free name: a list may be replaced twice in one second.
fn free_path(directory: &Path, list: List, now: Timestamp) -> PathBuf {
    let mut path = directory.join(format!("replaced-{list}-{now}"));
    let mut number = 1;
    while path.symlink_metadata().is_ok() {
        number += 1;
        path = directory.join(format!("replaced-{list}-{now}-{number}"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_codec::DecodedFile;
    use crate::model::{BadEntry, UserId};
    use crate::task::fixture::{Fixture, NOW};

    #[test]
    fn the_file_stays_only_if_the_list_was_replaced() {
        let fixture = Fixture::new();
        let keeper = &fixture.list_keeper;
        let bad = |id| BadEntry::User(UserId::new(id));
        let data = fixture.write(|tx| {
            tx.set_bad(bad(1), true, NOW)?;
            tx.list(List::BadIds)
        });
        let first = keeper.keep(List::BadIds, data.clone(), NOW).expect("kept");
        let second = keeper.keep(List::BadIds, data.clone(), NOW).expect("kept");
        assert_eq!(fixture.kept_lists().len(), 2);
        fixture.write(|tx| {
            assert!(second.is_current(tx)?);
            tx.set_bad(bad(2), true, NOW)?;
            assert!(!second.is_current(tx)?);
            Ok(())
        });
        first.commit();
        drop(second);
        let kept = fixture.kept_lists();
        assert_eq!(kept.len(), 1);
        let file = fs::read(&kept[0]).expect("readable");
        let Ok(DecodedFile::List(found)) = keeper.decoder.decode(&file) else {
            panic!("no list in {}", kept[0].display());
        };
        assert_eq!(*found.data_for(List::BadIds).expect("users").0, data);
    }
}
