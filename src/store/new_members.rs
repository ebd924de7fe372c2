//! The members who are still new, for the recheck (docs/outcomes.md).

use std::collections::BTreeSet;

use rusqlite::params;

use super::join_records::read_join;
use super::outcome_words::{OPEN, OTHER_GROUPS};
use super::{ReadTx, StoreError, Tx};
use crate::model::{ChannelId, Join, JoinOutcome, Timestamp, UserId};

impl ReadTx<'_> {
    /// Returns the users who may be [new members](Self::new_member), newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn new_members(&self, since: Timestamp) -> Result<Vec<UserId>, StoreError> {
        let sql = format!(
            "SELECT user_id FROM joins AS latest WHERE joined_at > ?1 AND outcome IN ({}) AND NOT is_recheck_ended
             AND NOT EXISTS (SELECT 1 FROM joins WHERE user_id = latest.user_id
                 AND (joined_at, message_id, group_id)
                     > (latest.joined_at, latest.message_id, latest.group_id)
                 AND outcome NOT IN ({}) AND NOT is_recheck_ended)
             ORDER BY joined_at DESC, message_id DESC",
            *OPEN, *OTHER_GROUPS
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([since.get()], |row| row.get(0).map(UserId::new))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the latest join of `user`, if it is after `since` and open. Joins whose outcome concerns only their
    /// group, or whose recheck an order ended, are skipped, together with the earlier joins of the same group.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn new_member(&self, user: UserId, since: Timestamp) -> Result<Option<Join>, StoreError> {
        let sql = format!(
            "SELECT group_id, message_id, user_id, joined_at, added_by,
                 outcome IN ({}), outcome IN ({}) OR is_recheck_ended
             FROM joins WHERE user_id = ?1 AND joined_at > ?2
             ORDER BY joined_at DESC, message_id DESC, group_id DESC",
            *OPEN, *OTHER_GROUPS
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query([user.get(), since.get()])?;
        let mut passed_over = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let join = read_join(row)?;
            let (open, other_groups): (bool, bool) = (row.get(5)?, row.get(6)?);
            if other_groups {
                passed_over.insert(join.group);
            } else if !passed_over.contains(&join.group) {
                return Ok(open.then_some(join));
            }
        }
        Ok(None)
    }
}

impl Tx<'_> {
    /// Ends the recheck of a user in a group, for the joins that are recorded. A join that waits, or whose photo was
    /// posted, keeps its outcome; the others that a recheck could change become `kicked` if they are after `since`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn end_recheck(
        &self,
        group: ChannelId,
        user: UserId,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE joins SET is_recheck_ended = 1,
                 outcome = iif(joined_at > ?3 AND outcome IN ({}) AND outcome NOT IN (?4, ?5), ?6, outcome)
             WHERE user_id = ?2 AND group_id = ?1",
            *OPEN
        );
        self.db.prepare_cached(&sql)?.execute(params![
            group.bare(),
            user.get(),
            since.get(),
            JoinOutcome::Queued,
            JoinOutcome::Forwarded,
            JoinOutcome::Kicked,
        ])?;
        Ok(())
    }
}
