//! The files in the spool, as the outbox knows them.

use crate::store::{ReadTx, StoreError};

/// A row's file in the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpooledFile {
    /// The row's id.
    pub row: i64,
    pub name: String,
}

impl ReadTx<'_> {
    /// Returns how many bytes the photos in the spool take. Rows of the same photo share one file on the disk. Lists are
    /// few, and do not count against the limit. Triggers keep the sum, because every turn of the fetching loop reads it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn spooled_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 = self
            .db
            .prepare_cached("SELECT bytes FROM spooled")?
            .query_row([], |row| row.get(0))?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// Returns the files that rows have in the spool.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn spooled_files(&self) -> Result<Vec<SpooledFile>, StoreError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT id, spool FROM outbox WHERE spool IS NOT NULL")?;
        let rows = statement.query_map([], |row| {
            Ok(SpooledFile {
                row: row.get(0)?,
                name: row.get(1)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
