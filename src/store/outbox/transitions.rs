//! The steps of a row, each one statement: fetched, sending, sent, dropped, and back where a step has to be repeated.

use rusqlite::params;

use super::postponed::WAITING_REPORTS;
use crate::model::{ChannelId, MessageId, Timestamp};
use crate::store::{StoreError, Tx};

impl Tx<'_> {
    /// Records that a row's file is in the spool. Returns `false` if the row was cancelled meanwhile.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_fetched(
        &self,
        id: i64,
        spool: &str,
        bytes: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE outbox SET state = 'fetched', spool = ?2, spool_bytes = ?3, due_at = MIN(created_at, ?4), attempts = 0,
                     reason = NULL, refused_at = NULL
                 WHERE id = ?1 AND state = 'wanted'",
            )?
            .execute(params![
                id,
                spool,
                i64::try_from(bytes).unwrap_or(i64::MAX),
                now.get()
            ])?;
        Ok(changed == 1)
    }

    /// Records that a row's spool file is gone: it has to be fetched or made again. A row that was cancelled meanwhile
    /// stays cancelled.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_wanted(&self, id: i64) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET state = 'wanted', spool = NULL, spool_bytes = 0, attempts = 0
                 WHERE id = ?1 AND state IN ('fetched', 'sending')",
            )?
            .execute([id])?;
        Ok(())
    }

    /// Records that a post is begun in this channel. From now on only its `random_id` in that channel identifies the
    /// post, which is newer than the messages that were read before its first attempt. Returns `false` if the row was
    /// cancelled meanwhile.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_sending(&self, id: i64, channel: ChannelId) -> Result<bool, StoreError> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE outbox SET state = 'sending', channel_id = ?2,
                     begun_after = COALESCE(begun_after, (SELECT last_message_id FROM ledger WHERE channel_id = ?2))
                 WHERE id = ?1 AND state IN ('fetched', 'sending')",
            )?
            .execute([id, channel.bare()])?;
        Ok(changed == 1)
    }

    /// Releases a row from the channel in which its post was begun, because that channel does not take posts, or the
    /// post certainly does not exist. The row may go to another channel, and may be cancelled.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn release_channel(&self, id: i64) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET channel_id = NULL, begun_after = NULL, state = 'fetched'
                 WHERE id = ?1 AND state IN ('fetched', 'sending')",
            )?
            .execute([id])?;
        Ok(())
    }

    /// Releases the rows whose posts were begun in other channels than these: the program may not post there any more.
    /// Returns how many there are.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn release_other_channels(&self, configured: &[ChannelId]) -> Result<usize, StoreError> {
        let configured: Vec<String> = configured
            .iter()
            .map(|channel| channel.bare().to_string())
            .collect();
        let sql = format!(
            "UPDATE outbox SET channel_id = NULL, begun_after = NULL, attempts = 0,
                 state = iif(state = 'sending', 'fetched', state)
             WHERE state IN ('wanted', 'fetched', 'sending') AND channel_id IS NOT NULL AND channel_id NOT IN ({})",
            configured.join(", ")
        );
        Ok(self.db.execute(&sql, [])?)
    }

    /// Records that the post of a row was found in this channel.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_channel(&self, id: i64, channel: ChannelId) -> Result<(), StoreError> {
        self.db
            .prepare_cached("UPDATE outbox SET channel_id = ?2 WHERE id = ?1")?
            .execute([id, channel.bare()])?;
        Ok(())
    }

    /// Settles a row: it was posted as `message` of the private channel.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_sent(&self, id: i64, message: MessageId, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET state = 'sent', message_id = ?2, settled_at = ?3, spool = NULL, spool_bytes = 0,
                     reason = NULL, refused_at = NULL
                 WHERE id = ?1",
            )?
            .execute(params![id, message.get(), now.get()])?;
        Ok(())
    }

    /// Settles a row: it will not be posted, for this reason.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_dropped(&self, id: i64, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET state = 'dropped', reason = ?2, settled_at = ?3, spool = NULL, spool_bytes = 0
                 WHERE id = ?1",
            )?
            .execute(params![id, reason, now.get()])?;
        Ok(())
    }

    /// Postpones a row until `due_at`. `count_attempt` counts a failed attempt.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn postpone(
        &self,
        id: i64,
        due_at: Timestamp,
        count_attempt: bool,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET due_at = ?2, attempts = attempts + ?3 WHERE id = ?1",
            )?
            .execute(params![id, due_at.get(), count_attempt])?;
        Ok(())
    }

    /// Postpones a row after a failed attempt, for this reason. `refused_at` is the time of a refusal that names this
    /// very row; the first one of a series is kept. `None` ends the series.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn postpone_failed(
        &self,
        id: i64,
        due_at: Timestamp,
        reason: &str,
        refused_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET due_at = ?2, attempts = attempts + 1, reason = ?3,
                     refused_at = iif(?4 IS NULL, NULL, COALESCE(refused_at, ?4))
                 WHERE id = ?1",
            )?
            .execute(params![
                id,
                due_at.get(),
                reason,
                refused_at.map(Timestamp::get)
            ])?;
        Ok(())
    }

    /// Postpones the lists that wait for their post, so that the minimum interval between them is kept.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn postpone_lists(&self, not_before: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(&format!(
                "UPDATE outbox SET due_at = MAX(due_at, ?1)
                     WHERE {WAITING_REPORTS} AND kind = 'list' AND state IN ('fetched', 'sending')"
            ))?
            .execute([not_before.get()])?;
        Ok(())
    }
}
