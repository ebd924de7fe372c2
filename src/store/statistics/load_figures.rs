//! The figures of the load: groups, photos that wait, and the joins and photos of the last minute. All of them come
//! from indexes, because they are read every few seconds.

use super::count;
use crate::model::Timestamp;
use crate::store::{ReadTx, StoreError};

/// The load at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadFigures {
    /// The groups that the account is in.
    pub groups: u64,
    /// The photos that wait to be downloaded or posted.
    pub photos_waiting: u64,
    /// The joins since the given time.
    pub joins: u64,
    /// The photos that were posted since the given time.
    pub forwarded: u64,
}

impl ReadTx<'_> {
    /// Returns the present load, and that since a time.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn load_figures(&self, since: Timestamp) -> Result<LoadFigures, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT (SELECT COUNT(*) FROM ledger WHERE kind = 'group' AND present),
                (SELECT COUNT(*) FROM outbox WHERE state IN ('wanted', 'fetched', 'sending') AND kind = 'avatar'),
                (SELECT COUNT(*) FROM joins WHERE joined_at > ?1),
                (SELECT COUNT(*) FROM outbox WHERE settled_at > ?1 AND state = 'sent' AND kind = 'avatar')",
        )?;
        Ok(statement.query_row([since.get()], |row| {
            Ok(LoadFigures {
                groups: count(row.get(0)?),
                photos_waiting: count(row.get(1)?),
                joins: count(row.get(2)?),
                forwarded: count(row.get(3)?),
            })
        })?)
    }
}
