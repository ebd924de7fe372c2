//! Group floods: groups in which CAPTCHA reports a flood of joins. Their photos wait until it reports the end.

use rusqlite::params;

use super::{CancelScope, ReadTx, StoreError, Tx};
use crate::model::{ChannelId, JoinOutcome, Timestamp};

impl ReadTx<'_> {
    /// Returns true if a group is under a group flood.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn has_group_flood(&self, group: ChannelId) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT 1 FROM flooded WHERE group_id = ?1")?
            .exists([group.bare()])?)
    }
}

impl Tx<'_> {
    /// Begins a group flood: the group's waiting photos are cancelled, and their joins held. Returns the spool files
    /// that are not needed any more.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn begin_group_flood(
        &self,
        group: ChannelId,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        self.db
            .prepare_cached("INSERT OR IGNORE INTO flooded VALUES (?1, ?2)")?
            .execute(params![group.bare(), now.get()])?;
        self.cancel(CancelScope::Group(group), JoinOutcome::Held, now)
    }

    /// Ends a group flood: every held join of the group is to be decided again.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn end_group_flood(&self, group: ChannelId) -> Result<(), StoreError> {
        self.db
            .prepare_cached("DELETE FROM flooded WHERE group_id = ?1")?
            .execute([group.bare()])?;
        self.db
            .prepare_cached("UPDATE joins SET outcome = ?2 WHERE group_id = ?1 AND outcome = ?3")?
            .execute(params![
                group.bare(),
                JoinOutcome::LookUp,
                JoinOutcome::Held
            ])?;
        Ok(())
    }
}
