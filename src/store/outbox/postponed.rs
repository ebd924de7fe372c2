//! Photos whose next attempt is later than their enqueueing: after a failure, or because of a rate limit.
//!
//! `due_at` is the time of the next attempt. A photo whose `due_at` is not after its `created_at` is in the index of its
//! step, in the order of the work; one that was postponed is in an index by `due_at`, and returns once it is due. So no
//! query passes over thousands of photos that have to wait. A photo that is due and has not returned yet is found as well.

use crate::model::Timestamp;
use crate::store::{ReadTx, StoreError, Tx};

/// The condition of the index of postponed photos.
///
/// SQLite makes a temporary table for a list of more than two words, at each change of a row.
pub(super) const POSTPONED: &str =
    "kind = 'avatar' AND state NOT IN ('sent', 'dropped') AND due_at > created_at";
/// The condition of the index of reports and lists that wait.
pub(super) const WAITING_REPORTS: &str = "kind <> 'avatar' AND state NOT IN ('sent', 'dropped')";
/// The states of a row that waits. Within each of them, the indexes of these rows are in the order of `due_at`.
pub(super) const WAITING_STATES: [&str; 3] = ["wanted", "fetched", "sending"];

impl ReadTx<'_> {
    /// Returns true if [`release_postponed`](Tx::release_postponed) has work.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_postponed_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let due = WAITING_STATES.map(|state| {
            format!(
                "EXISTS (SELECT 1 FROM outbox INDEXED BY outbox_postponed
                 WHERE {POSTPONED} AND state = '{state}' AND due_at <= ?1)"
            )
        });
        let sql = format!("SELECT {}", due.join(" OR "));
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_row([now.get()], |row| row.get(0))?)
    }

    /// Returns when the next row to fetch or to make falls due, if one is not due yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn next_fetch_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.next_due(&["wanted"], now)
    }

    /// Returns when the next row to post falls due, if one is not due yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn next_send_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.next_due(&["fetched", "sending"], now)
    }

    /// Each minimum is the first entry of an index. A photo that was not postponed is due later only if the clock was set
    /// back.
    fn next_due(&self, states: &[&str], now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let minima: Vec<String> = states
            .iter()
            .flat_map(|state| {
                let later = format!("state = '{state}' AND due_at > ?1");
                [
                    format!("INDEXED BY outbox_reports WHERE {WAITING_REPORTS} AND {later}"),
                    format!("INDEXED BY outbox_postponed WHERE {POSTPONED} AND {later}"),
                    format!(
                        "INDEXED BY outbox_by_state WHERE kind = 'avatar' AND {later} AND created_at > ?1"
                    ),
                ]
            })
            .map(|source| format!("SELECT MIN(due_at) AS due_at FROM outbox {source}"))
            .collect();
        let sql = format!("SELECT MIN(due_at) FROM ({})", minima.join(" UNION ALL "));
        let due: Option<i64> = self
            .db
            .prepare_cached(&sql)?
            .query_row([now.get()], |row| row.get(0))?;
        Ok(due.map(Timestamp::new))
    }
}

impl Tx<'_> {
    /// Returns the postponed photos that are due to the index of their step.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn release_postponed(&self, now: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE outbox INDEXED BY outbox_postponed SET due_at = created_at
             WHERE {POSTPONED} AND state IN ('wanted', 'fetched', 'sending') AND due_at <= ?1"
        );
        self.db.prepare_cached(&sql)?.execute([now.get()])?;
        Ok(())
    }
}
