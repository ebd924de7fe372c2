//! Which orders were heard, and what became of each.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{StoreError, Tx};
use crate::model::{ChannelId, MessageId, Timestamp};

/// The setting that counts what was no envelope.
const MALFORMED: &str = "malformed";

impl Tx<'_> {
    /// Returns whether the order in this post was heard before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn knows_order(&self, channel: ChannelId, message: MessageId) -> Result<bool, StoreError> {
        Ok(self
            .0
            .prepare_cached("SELECT 1 FROM orders WHERE channel_id = ?1 AND message_id = ?2")?
            .exists(params![channel.bare(), message.get()])?)
    }

    /// Notes what became of an order: its sender, action and type, and "obeyed" or why not.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_order(
        &self,
        channel: ChannelId,
        message: MessageId,
        (sender, action, kind): (&str, &str, &str),
        verdict: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0
            .prepare_cached("INSERT OR REPLACE INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![
                channel.bare(),
                message.get(),
                sender,
                action,
                kind,
                verdict,
                now.get()
            ])?;
        Ok(())
    }

    /// Counts a post that was no envelope.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_malformed(&self) -> Result<(), StoreError> {
        let count = self
            .setting(MALFORMED)?
            .and_then(|count| count.parse::<u64>().ok())
            .unwrap_or(0);
        self.keep_setting(MALFORMED, &(count + 1).to_string())
    }

    /// Returns the figures of the status report, by label (SPEC §5.3).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn figures(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut figures = BTreeMap::new();
        for (label, sql) in [
            (
                "groups",
                "SELECT COUNT(*) FROM ledger WHERE present AND kind = 'group'",
            ),
            ("joins", "SELECT COUNT(*) FROM joins"),
            ("users", "SELECT COUNT(DISTINCT user_id) FROM joins"),
            ("forwarded", "SELECT COUNT(*) FROM forwarded"),
            (
                "waiting",
                "SELECT COUNT(*) FROM outbox WHERE class = 'avatar' AND state IN ('wanted', 'fetched', 'sending')",
            ),
            ("bad users", "SELECT COUNT(*) FROM bad WHERE kind = 'user'"),
            (
                "bad channels",
                "SELECT COUNT(*) FROM bad WHERE kind = 'channel'",
            ),
            ("exceptions", "SELECT COUNT(*) FROM excepted"),
            ("flooded groups", "SELECT COUNT(*) FROM flooded"),
            (
                "administrators",
                "SELECT COUNT(DISTINCT user_id) FROM admins",
            ),
            ("rules", "SELECT COUNT(*) FROM rules"),
            (
                "orders obeyed",
                "SELECT COUNT(*) FROM orders WHERE verdict = 'obeyed'",
            ),
            (
                "orders refused",
                "SELECT COUNT(*) FROM orders WHERE verdict <> 'obeyed'",
            ),
            (
                "malformed envelopes",
                "SELECT COALESCE((SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'malformed'), 0)",
            ),
        ] {
            let count: i64 = self.0.query_row(sql, [], |row| row.get(0))?;
            figures.insert(label.to_owned(), u64::try_from(count).unwrap_or(0));
        }
        let mut statement = self
            .0
            .prepare("SELECT outcome, COUNT(*) FROM joins GROUP BY outcome")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?;
        for row in rows {
            let (outcome, count) = row?;
            figures.insert(
                format!("joins: {outcome}"),
                u64::try_from(count).unwrap_or(0),
            );
        }
        Ok(figures)
    }
}
