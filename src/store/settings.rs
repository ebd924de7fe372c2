//! Single values by name: the state of the instance, the chosen channel, counters.

use rusqlite::OptionalExtension as _;

use super::{ReadTx, StoreError, Tx};

impl ReadTx<'_> {
    /// Returns the value of a setting.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT value FROM settings WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?)
    }
}

impl Tx<'_> {
    /// Sets the value of a setting.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO settings VALUES (?1, ?2)")?
            .execute([key, value])?;
        Ok(())
    }
}
