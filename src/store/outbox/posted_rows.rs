//! The waiting rows whose posts a private channel shows already, after the database was restored from an older copy.

use rusqlite::{OptionalExtension as _, params};

use super::postponed::WAITING_REPORTS;
use super::{COLUMNS, OutboxRow, Parsed};
use crate::model::{ChannelId, MessageId, UserId};
use crate::store::{ReadTx, StoreError};

impl ReadTx<'_> {
    /// Returns the oldest photo of a member that waits for a group and is reported with this message.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn waiting_avatar(
        &self,
        group: ChannelId,
        user: UserId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE kind = 'avatar' AND group_id = ?1 AND user_id = ?2 AND +state IN ('wanted', 'fetched', 'sending')
               AND iif(is_recheck, 0, MAX(join_message_id, 0)) = ?3
             ORDER BY created_at, id LIMIT 1"
        );
        let row = self
            .db
            .prepare_cached(&sql)?
            .query_row(params![group.bare(), user.get(), message.get()], Parsed::of)
            .optional()?;
        Ok(row.and_then(Parsed::readable))
    }

    /// Returns the oldest report or list with this text that waits.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn waiting_report(&self, text: &str) -> Result<Option<OutboxRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox INDEXED BY outbox_reports
             WHERE {WAITING_REPORTS} AND text = ?1 ORDER BY created_at, id LIMIT 1"
        );
        let row = self
            .db
            .prepare_cached(&sql)?
            .query_row([text], Parsed::of)
            .optional()?;
        Ok(row.and_then(Parsed::readable))
    }
}
