//! The log of orders: which posts were read as orders, and the verdict on each.

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
    /// "obeyed", or why the order was refused.
    pub verdict: &'a str,
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
}

impl Tx<'_> {
    /// Records an order and its verdict.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_order(&self, order: OrderRecord<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![
                order.channel.bare(),
                order.message.get(),
                order.sender,
                order.action,
                order.kind,
                order.verdict,
                now.get()
            ])?;
        Ok(())
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
