//! The rows that are due: lists to make, and the next post.
//!
//! A row that cannot be read is skipped, so that it does not delay the others; `drop_unreadable` settles it.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::photos_to_fetch::TO_FETCH;
use super::postponed::{POSTPONED, WAITING_REPORTS, WAITING_STATES};
use super::{COLUMNS, Members, OutboxRow, Parsed};
use crate::model::{Purpose, Timestamp};
use crate::store::{ReadTx, StoreError};

/// The condition of the index of photos to post that were not postponed.
const TO_SEND: &str =
    "kind = 'avatar' AND state IN ('fetched', 'sending') AND due_at <= created_at";
/// The condition of the index of photos whose post was begun and has not failed since.
const BEGUN: &str = "kind = 'avatar' AND state = 'sending' AND attempts = 0";

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

/// The last report of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastText {
    /// A report waits to be posted.
    pub is_waiting: bool,
    /// When the last one was posted.
    pub posted_at: Option<Timestamp>,
}

impl ReadTx<'_> {
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
            "SELECT {COLUMNS} FROM outbox INDEXED BY outbox_reports
             WHERE {WAITING_REPORTS} AND state = 'wanted' AND kind = 'list' AND due_at <= ?1 ORDER BY id"
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
        if filter.reports {
            // These are few.
            let sql = format!(
                "SELECT {COLUMNS} FROM outbox INDEXED BY outbox_reports
                 WHERE {WAITING_REPORTS} AND state IN ('fetched', 'sending') AND due_at <= ?1 ORDER BY id"
            );
            if let Some(report) = self.first_readable(&sql, [&now.get().into()])? {
                return Ok(Some(report));
            }
        }
        if filter.avatars {
            return self.next_avatar_to_send(now, filter.members);
        }
        Ok(None)
    }

    fn next_avatar_to_send(
        &self,
        now: Timestamp,
        members: Members,
    ) -> Result<Option<OutboxRow>, StoreError> {
        // Each query is in the order of an index, so that it reads no more rows than it needs.
        let order = "ORDER BY created_at DESC, id DESC";
        let first = |source: &str, (condition, parameters): &(String, Vec<Value>)| {
            let sql = format!(
                "SELECT {COLUMNS} FROM outbox INDEXED BY {source} AND due_at <= ?1 AND {condition} {order}"
            );
            let now = Value::from(now.get());
            self.first_readable(&sql, std::iter::once(&now).chain(parameters))
        };
        let conditions = members.conditions(2);
        let begun = format!("outbox_begun WHERE {BEGUN}");
        for members in &conditions {
            if let Some(row) = first(&begun, members)? {
                return Ok(Some(row));
            }
        }
        let to_send = format!("outbox_to_send WHERE {TO_SEND}");
        // `release_postponed` keeps these few.
        let postponed =
            format!("outbox_postponed WHERE {POSTPONED} AND state IN ('fetched', 'sending')");
        for members in &conditions {
            let rows = [first(&to_send, members)?, first(&postponed, members)?];
            let newest = rows
                .into_iter()
                .flatten()
                .max_by_key(|row| (row.created_at, row.id));
            if newest.is_some() {
                return Ok(newest);
            }
        }
        Ok(None)
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
        let condition = members.condition(3);
        let due = format!("due_at <= ?1 AND {condition}");
        let postponed = WAITING_STATES.map(|state| {
            format!(
                "UNION ALL SELECT 1 FROM outbox INDEXED BY outbox_postponed
                 WHERE {POSTPONED} AND state = '{state}' AND {due}"
            )
        });
        let sql = format!(
            "SELECT 1 FROM outbox INDEXED BY outbox_to_fetch WHERE {TO_FETCH} AND {due}
             UNION ALL SELECT 1 FROM outbox INDEXED BY outbox_to_send WHERE {TO_SEND} AND {due}
             {} LIMIT ?2",
            postponed.join(" ")
        );
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut parameters: Vec<Value> = vec![now.get().into(), most.into()];
        parameters.extend(members.parameters());
        let mut rows = statement.query(params_from_iter(parameters))?;
        let mut count = 0;
        while rows.next()?.is_some() {
            count += 1;
        }
        Ok(count)
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

    /// Returns whether a report of this purpose waits, and when the last one was posted.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_text(&self, purpose: Purpose) -> Result<LastText, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT COALESCE(MAX(state <> 'sent'), 0), MAX(CASE state WHEN 'sent' THEN settled_at END)
             FROM outbox WHERE state IN ('fetched', 'sending', 'sent') AND kind = 'text' AND purpose = ?1",
        )?;
        Ok(statement.query_row([purpose.as_str()], |row| {
            Ok(LastText {
                is_waiting: row.get(0)?,
                posted_at: row.get::<_, Option<i64>>(1)?.map(Timestamp::new),
            })
        })?)
    }

    /// Returns the first row of a query that can be read.
    fn first_readable<'a>(
        &self,
        sql: &str,
        parameters: impl IntoIterator<Item = &'a Value>,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map(params_from_iter(parameters), Parsed::of)?;
        for row in rows {
            if let Some(row) = row?.readable() {
                return Ok(Some(row));
            }
        }
        Ok(None)
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
