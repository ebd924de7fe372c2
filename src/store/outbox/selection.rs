//! The rows that are due: photos to fetch, lists to make, and the next post.
//!
//! A row that cannot be read is skipped, so that it does not delay the others; `drop_unreadable` settles it.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, params_from_iter};

use super::{COLUMNS, Members, OutboxRow, Parsed};
use crate::model::Timestamp;
use crate::store::{ReadTx, StoreError};

/// Returns the statement for the photos of these members that wait for a step which is due, up to a number of them.
pub(in crate::store) fn due_avatars(members: Members) -> String {
    format!(
        "SELECT 1 FROM outbox
         WHERE state IN ('wanted', 'fetched', 'sending') AND kind = 'avatar' AND due_at <= ?1 AND {} LIMIT ?2",
        members.condition(3)
    )
}

/// The posts that may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendFilter {
    pub reports: bool,
    pub avatars: bool,
    /// The members whose photos may be sent, if `avatars` is true.
    pub members: Members,
}

impl SendFilter {
    /// Every row.
    pub const ALL: Self = Self {
        reports: true,
        avatars: true,
        members: Members::All,
    };
}

impl ReadTx<'_> {
    /// Returns at most `limit` photos that are due to be fetched: first those that have not failed yet, and the newest
    /// of them first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn avatars_to_fetch(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.avatars_to_fetch_without(&[], now, limit)
    }

    /// Returns the same as [`avatars_to_fetch`](Self::avatars_to_fetch), without the photos of these data centres.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn avatars_to_fetch_without(
        &self,
        closed_dcs: &[i32],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let closed: Vec<String> = closed_dcs.iter().map(i32::to_string).collect();
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE state = 'wanted' AND kind = 'avatar' AND due_at <= ?1 AND photo_dc NOT IN ({})
             ORDER BY reason IS NOT NULL, created_at DESC, id DESC LIMIT ?2",
            closed.join(", ")
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readable_rows(&sql, &[now.get(), limit])
    }

    /// Returns true if a row still waits for its file: it was not cancelled since it was read.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_wanted(&self, id: i64) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT 1 FROM outbox WHERE id = ?1 AND state = 'wanted'")?
            .exists([id])?)
    }

    /// Returns the lists whose files are to be made, oldest first: those that are due by `due_by`, or all of them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn lists_to_make(&self, due_by: Option<Timestamp>) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE state = 'wanted' AND kind = 'list' AND due_at <= ?1 ORDER BY id"
        );
        self.readable_rows(&sql, &[due_by.map_or(i64::MAX, Timestamp::get)])
    }

    /// Returns the row to post next: the oldest report; else a photo whose post was begun and has not failed since;
    /// else the newest photo of an own member, and then of another one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn next_to_send(
        &self,
        now: Timestamp,
        filter: SendFilter,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE state IN ('fetched', 'sending') AND due_at <= ?1
               AND ((kind <> 'avatar' AND ?2) OR (kind = 'avatar' AND ?3 AND {}))
             ORDER BY kind = 'avatar', CASE WHEN kind <> 'avatar' THEN id END,
                 state = 'sending' AND attempts = 0 DESC, {} created_at DESC, id DESC
             LIMIT 1 OFFSET ?4",
            filter.members.condition(5),
            filter.members.order(5)
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        // One row at a time: SQLite then keeps only the best row, instead of sorting a whole raid.
        let mut unreadable = 0_i64;
        loop {
            let mut parameters: Vec<Value> = vec![
                now.get().into(),
                filter.reports.into(),
                filter.avatars.into(),
                unreadable.into(),
            ];
            parameters.extend(filter.members.parameters());
            let found = statement.query_row(params_from_iter(parameters), Parsed::of);
            let found = found.optional()?;
            let Some(parsed) = found else {
                return Ok(None);
            };
            if let Some(row) = parsed.readable() {
                return Ok(Some(row));
            }
            unreadable += 1;
        }
    }

    /// Returns the number of photos of these members that wait for a step which is due, or `most` if there are more.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_due_avatars(
        &self,
        now: Timestamp,
        members: Members,
        most: usize,
    ) -> Result<usize, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement = self.db.prepare_cached(&due_avatars(members))?;
        let mut parameters: Vec<Value> = vec![now.get().into(), most.into()];
        parameters.extend(members.parameters());
        let mut rows = statement.query(params_from_iter(parameters))?;
        let mut count = 0;
        while rows.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Returns when the next row to fetch or to make falls due, if one is not due yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn next_fetch_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.earliest(
            "SELECT MIN(due_at) FROM outbox WHERE state = 'wanted' AND due_at > ?1",
            now,
        )
    }

    /// Returns when the next row to post falls due, if one is not due yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn next_send_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.earliest(
            "SELECT MIN(due_at) FROM outbox WHERE state IN ('fetched', 'sending') AND due_at > ?1",
            now,
        )
    }

    /// Returns when a list of a backup was last posted, if that is known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_list_posted_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let last: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT MAX(settled_at) FROM outbox WHERE kind = 'list' AND state = 'sent'",
            )?
            .query_row([], |row| row.get(0))?;
        Ok(last.map(Timestamp::new))
    }

    fn earliest(&self, sql: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = self
            .db
            .prepare_cached(sql)?
            .query_row([now.get()], |row| row.get(0))?;
        Ok(due.map(Timestamp::new))
    }

    pub(super) fn readable_rows(
        &self,
        sql: &str,
        parameters: &[i64],
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(parameters), Parsed::of)?;
        rows.map(|row| row.map(Parsed::readable))
            .filter_map(Result::transpose)
            .map(|row| row.map_err(StoreError::from))
            .collect()
    }
}
