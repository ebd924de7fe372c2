//! Drops expired and unreadable rows, and deletes settled ones.

use super::postponed::WAITING_REPORTS;
use super::{COLUMNS, OutboxRow, Parsed};
use crate::model::{Purpose, Timestamp, UserId};
use crate::store::{ReadTx, StoreError, Tx};

/// The times before which a row that still waits is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgeLimits {
    pub avatars: Timestamp,
    pub lists: Timestamp,
}

impl ReadTx<'_> {
    /// Returns at most `limit` photos and lists that are too old, and whose post was not begun. A row whose file was lost after its
    /// post was begun is not returned either: the post may exist.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn older_than(
        &self,
        limits: AgeLimits,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox INDEXED BY outbox_by_state
             WHERE state IN ('wanted', 'fetched') AND kind = 'avatar' AND created_at < ?1 AND channel_id IS NULL
             UNION ALL
             SELECT {COLUMNS} FROM outbox INDEXED BY outbox_by_state
             WHERE state IN ('wanted', 'fetched') AND kind = 'list' AND created_at < ?2 AND channel_id IS NULL
             LIMIT ?3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readable_rows(&sql, &[limits.avatars.get(), limits.lists.get(), limit])
    }
}

impl Tx<'_> {
    /// Drops the reports that have expired, also one whose post was begun and is not confirmed. Also drops rows whose
    /// `created_at` is more than 60 s ahead, which happens if the clock was set back.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drop_expired(&self, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(&format!(
                "UPDATE outbox INDEXED BY outbox_reports SET state = 'dropped', reason = 'outdated', settled_at = ?1
                 WHERE {WAITING_REPORTS} AND expires_at IS NOT NULL AND state IN ('fetched', 'sending')
                   AND (expires_at <= ?1 OR created_at > ?1 + 60)"
            ))?
            .execute([now.get()])?;
        Ok(())
    }

    /// Drops the reports of this purpose whose post was not begun: a newer one replaces them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drop_unsent(&self, purpose: Purpose, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(&format!(
                "UPDATE outbox SET state = 'dropped', reason = 'outdated', settled_at = ?2
                     WHERE {WAITING_REPORTS} AND state = 'fetched' AND purpose = ?1"
            ))?
            .execute(rusqlite::params![purpose.as_str(), now.get()])?;
        Ok(())
    }

    /// Drops every report that cannot be read, such as one whose content a failing disk damaged.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drop_unreadable(&self, now: Timestamp) -> Result<(), StoreError> {
        self.drop_unreadable_rows(
            &format!(
                "SELECT {COLUMNS} FROM outbox INDEXED BY outbox_reports WHERE {WAITING_REPORTS}"
            ),
            now,
        )
    }

    /// Drops every photo that cannot be read and still waits; its join fails. Reads all photos that wait.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drop_unreadable_avatars(&self, now: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE kind = 'avatar' AND state IN ('wanted', 'fetched', 'sending')"
        );
        self.drop_unreadable_rows(&sql, now)
    }

    fn drop_unreadable_rows(&self, sql: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut unreadable = Vec::new();
        for row in statement.query_map([], Parsed::of)? {
            if let Parsed::Unreadable { id, error } = row? {
                unreadable.push((id, error));
            }
        }
        for (id, error) in unreadable {
            tracing::error!(row = id, "dropped from the outbox: {error}");
            self.set_dropped(id, "unreadable", now)?;
            self.db.execute(
                "UPDATE joins SET outcome = 'failed' WHERE outcome = 'queued' AND (group_id, user_id) =
                     (SELECT group_id, user_id FROM outbox WHERE id = ?1)",
                [id],
            )?;
        }
        Ok(())
    }

    /// Deletes the rows that were settled before `oldest`. `forwarded` keeps the photos that were posted.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_settled(&self, oldest: Timestamp) -> Result<usize, StoreError> {
        Ok(self
            .db
            .prepare_cached("DELETE FROM outbox WHERE settled_at < ?1")?
            .execute([oldest.get()])?)
    }

    /// Deletes the settled photos of one user, or of all: a row that stays would make the next join a repeat.
    pub(in crate::store) fn forget_settled_photos(
        &self,
        user: Option<UserId>,
    ) -> Result<(), StoreError> {
        match user {
            Some(user) => self
                .db
                .prepare_cached(
                    "DELETE FROM outbox WHERE kind = 'avatar' AND user_id = ?1
                     AND +state IN ('sent', 'dropped')",
                )?
                .execute([user.get()])?,
            None => self.db.execute(
                "DELETE FROM outbox WHERE kind = 'avatar' AND state IN ('sent', 'dropped')",
                [],
            )?,
        };
        self.want_missing_files(user)
    }
}
