//! The log of orders: which posts were read as orders, and the verdict on each.
//!
//! The log also shows that an order was read in the other channel before. `task::order_copy` decides what a copy is.

use rusqlite::params;

use super::{ReadTx, StoreError, Tx};
use crate::model::{ChannelId, MessageId, Timestamp};

/// The setting that counts the posts that were not envelopes.
const MALFORMED: &str = "malformed";

/// One order and its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRecord<'a> {
    pub channel: ChannelId,
    pub message: MessageId,
    pub sender: &'a str,
    pub action: &'a str,
    /// The envelope's type.
    pub kind: &'a str,
    /// "obeyed", "copy", or why the order was refused.
    pub verdict: &'a str,
    /// The date of the post.
    pub posted_at: Timestamp,
    /// The SHA-256 of the envelope's text, while the next post with the same text in the other channel is a copy of this
    /// one.
    pub digest: Option<[u8; 32]>,
}

impl ReadTx<'_> {
    /// Returns true if the order in this post is recorded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn has_order(&self, channel: ChannelId, message: MessageId) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT 1 FROM orders WHERE channel_id = ?1 AND message_id = ?2")?
            .exists(params![channel.bare(), message.get()])?)
    }

    /// Returns how many orders with this digest, posted in `channel` at most `seconds` before or after `posted_at`, have
    /// no copy yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_uncopied_orders(
        &self,
        channel: ChannelId,
        digest: [u8; 32],
        posted_at: Timestamp,
        seconds: i64,
    ) -> Result<u32, StoreError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT count(*) FROM orders WHERE digest = ?1 AND channel_id = ?2 AND posted_at BETWEEN ?3 AND ?4",
            )?
            .query_row(
                params![
                    digest,
                    channel.bare(),
                    posted_at.plus(-seconds).get(),
                    posted_at.plus(seconds).get()
                ],
                |row| row.get(0),
            )?)
    }
}

impl Tx<'_> {
    /// Records an order and its verdict.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_order(&self, order: OrderRecord<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO orders
                     (channel_id, message_id, sender, action, kind, verdict, at, posted_at, digest)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                order.channel.bare(),
                order.message.get(),
                order.sender,
                order.action,
                order.kind,
                order.verdict,
                now.get(),
                order.posted_at.get(),
                order.digest,
            ])?;
        Ok(())
    }

    /// Records that the oldest of the [uncopied orders](ReadTx::count_uncopied_orders) has its copy. Returns false if
    /// there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_order_copied(
        &self,
        channel: ChannelId,
        digest: [u8; 32],
        posted_at: Timestamp,
        seconds: i64,
    ) -> Result<bool, StoreError> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE orders SET digest = NULL WHERE channel_id = ?2 AND message_id = (
                     SELECT message_id FROM orders
                     WHERE digest = ?1 AND channel_id = ?2 AND posted_at BETWEEN ?3 AND ?4
                     ORDER BY posted_at, message_id LIMIT 1
                 )",
            )?
            .execute(params![
                digest,
                channel.bare(),
                posted_at.plus(-seconds).get(),
                posted_at.plus(seconds).get()
            ])?;
        Ok(changed > 0)
    }

    /// Deletes the orders from before `oldest`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_orders(&self, oldest: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached("DELETE FROM orders WHERE at < ?1")?
            .execute([oldest.get()])?;
        Ok(())
    }

    /// Counts a post that was not an envelope.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_malformed(&self) -> Result<(), StoreError> {
        let count = self
            .setting(MALFORMED)?
            .and_then(|count| count.parse::<u64>().ok())
            .unwrap_or(0);
        self.set_setting(MALFORMED, &(count + 1).to_string())
    }
}
