//! Single values by name: the state of the instance, the chosen channel, counters.

use rusqlite::OptionalExtension as _;

use super::{ReadTx, StoreError, Tx};
use crate::model::Timestamp;

/// The time to which the first start after an import reads the groups back.
const READ_BACK_FROM: &str = "read_back_from";

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

    /// Returns the time to which the first dialog sync reads the groups back, if it is to do so.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn read_back_from(&self) -> Result<Option<Timestamp>, StoreError> {
        let value = self.setting(READ_BACK_FROM)?;
        Ok(value.and_then(|value| value.parse().ok().map(Timestamp::new)))
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

    /// Makes the first dialog sync read the groups back to `from`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_read_back_from(&self, from: Timestamp) -> Result<(), StoreError> {
        self.set_setting(READ_BACK_FROM, &from.get().to_string())
    }

    /// Ends the reading back of groups: those that the account enters later are not concerned.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn clear_read_back_from(&self) -> Result<(), StoreError> {
        self.db
            .execute("DELETE FROM settings WHERE key = ?1", [READ_BACK_FROM])?;
        Ok(())
    }
}
