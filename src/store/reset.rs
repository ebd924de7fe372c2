//! Deleting records of users: of one, of all or of the new ones, and at the monthly reset.
//!
//! A join that is not settled is work, not a record: it stays, with everything that is needed to settle it.

use super::outcome_words::WAITING;
use super::{StoreError, Tx};
use crate::model::{Timestamp, UserId};

impl Tx<'_> {
    /// Deletes the settled joins and the forwarded photos of a user.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_user(&self, user: UserId) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM joins WHERE user_id = ?1 AND outcome NOT IN ({})",
            *WAITING
        );
        self.db.execute(&sql, [user.get()])?;
        self.db
            .execute("DELETE FROM forwarded WHERE user_id = ?1", [user.get()])?;
        self.forget_settled_photos(Some(user))
    }

    /// Deletes the settled joins and the forwarded photos of all users.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_all_users(&self) -> Result<(), StoreError> {
        self.forget_settled_joins(Timestamp::new(i64::MIN))?;
        self.db.execute("DELETE FROM forwarded", [])?;
        self.forget_settled_photos(None)
    }

    /// Deletes the settled joins since `since`, and keeps the forwarded photos.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_new_joins(&self, since: Timestamp) -> Result<(), StoreError> {
        self.forget_settled_joins(since)
    }

    /// Performs the monthly reset: deletes users, settled joins and the bad list; rules and exceptions stay
    /// (docs/schedule.md).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn reset(&self) -> Result<(), StoreError> {
        self.forget_all_users()?;
        self.db.execute(
            "DELETE FROM people WHERE user_id NOT IN (SELECT user_id FROM joins)
             AND user_id NOT IN (SELECT user_id FROM exceptions_due)",
            [],
        )?;
        self.clear_bad_users()?;
        self.clear_bad_channels()
    }

    pub(super) fn forget_settled_joins(&self, since: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM joins WHERE outcome NOT IN ({}) AND joined_at >= ?1",
            *WAITING
        );
        self.db.execute(&sql, [since.get()])?;
        Ok(())
    }
}
