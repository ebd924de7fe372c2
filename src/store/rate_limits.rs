//! Telegram's rate limits (FLOOD_WAIT): how long each method may not be called. They survive a restart.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{ReadTx, StoreError, Tx};
use crate::model::Timestamp;

impl ReadTx<'_> {
    /// Returns the rate limits that are still in force, by method.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn rate_limits(&self, now: Timestamp) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT method, until FROM floods WHERE until > ?1")?;
        let rows = statement.query_map([now.get()], |row| {
            Ok((row.get(0)?, Timestamp::new(row.get(1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Sets the time until which `method` may not be called. There is one row for each method, so old ones stay.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_rate_limit(&self, method: &str, until: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO floods VALUES (?1, ?2)
                 ON CONFLICT (method) DO UPDATE SET until = MAX(until, excluded.until)",
            )?
            .execute(params![method, until.get()])?;
        Ok(())
    }
}
