//! The exception list of photos, and the users whose current photo is still to be looked up for it.

use rusqlite::params;

use super::{ReadTx, StoreError, Tx};
use crate::model::{PhotoId, Timestamp, UserId};

/// An order about a user's current photo, which the program has to look up first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionDue {
    pub user: UserId,
    /// True if the photo goes on the list; otherwise it is removed.
    pub put: bool,
}

impl ReadTx<'_> {
    /// Returns true if a photo is on the exception list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_excepted(&self, photo: PhotoId) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT 1 FROM excepted WHERE photo_id = ?1")?
            .exists([photo.get()])?)
    }

    /// Returns at most `limit` users whose current photo is to be looked up.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn exceptions_due(&self, limit: usize) -> Result<Vec<ExceptionDue>, StoreError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT user_id, put FROM exceptions_due LIMIT ?1")?;
        let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok(ExceptionDue {
                user: UserId::new(row.get(0)?),
                put: row.get(1)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Puts a photo on the exception list, or removes it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_excepted(
        &self,
        photo: PhotoId,
        is_excepted: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if is_excepted {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO excepted VALUES (?1, ?2)")?
                .execute(params![photo.get(), now.get()])?;
        } else {
            self.db
                .prepare_cached("DELETE FROM excepted WHERE photo_id = ?1")?
                .execute([photo.get()])?;
        }
        Ok(())
    }

    /// Clears the exception list, with the orders that are not carried out yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn clear_exceptions(&self) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM excepted", [])?;
        self.db.execute("DELETE FROM exceptions_due", [])?;
        Ok(())
    }

    /// Enqueues an order about a user's current photo. The latest order about a user wins.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_exception(&self, due: ExceptionDue) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO exceptions_due VALUES (?1, ?2)")?
            .execute(params![due.user.get(), due.put])?;
        Ok(())
    }

    /// Removes an order that was carried out, unless a different order about the user has replaced it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn settle_exception(&self, due: ExceptionDue) -> Result<(), StoreError> {
        self.db
            .prepare_cached("DELETE FROM exceptions_due WHERE user_id = ?1 AND put = ?2")?
            .execute(params![due.user.get(), due.put])?;
        Ok(())
    }
}
