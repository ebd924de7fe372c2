//! Join messages that another bot declared as handled.

use rusqlite::params;

use super::{ReadTx, StoreError, Tx};
use crate::model::{ChannelId, MessageId, Timestamp};

impl ReadTx<'_> {
    /// Returns true if another bot declared a message.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_declared(&self, group: ChannelId, message: MessageId) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT 1 FROM declared WHERE group_id = ?1 AND message_id = ?2")?
            .exists(params![group.bare(), message.get()])?)
    }
}

impl Tx<'_> {
    /// Records that another bot declared a message.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn declare(
        &self,
        group: ChannelId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR IGNORE INTO declared VALUES (?1, ?2, ?3)")?
            .execute(params![group.bare(), message.get(), now.get()])?;
        Ok(())
    }

    /// Deletes the declarations from before `oldest`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_declarations(&self, oldest: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached("DELETE FROM declared WHERE at < ?1")?
            .execute([oldest.get()])?;
        Ok(())
    }
}
