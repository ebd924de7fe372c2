//! The rows that wait for one photo of one user: a user who joins several groups has a row for each of them.

use rusqlite::{OptionalExtension as _, params};

use super::OutboxRow;
use super::postponed::POSTPONED;
use crate::model::{PhotoId, Timestamp, UserId};
use crate::store::{ReadTx, StoreError, Tx};

/// A photo of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhotoOf {
    pub user: UserId,
    pub photo: PhotoId,
}

/// A failed download of a photo.
#[derive(Clone, Copy, Debug)]
pub struct FailedDownload<'a> {
    pub due_at: Timestamp,
    pub reason: &'a str,
    /// The time of a refusal that names this very photo. The first one of a series is kept; `None` ends the series.
    pub refused_at: Option<Timestamp>,
}

impl ReadTx<'_> {
    /// Returns the rows that wait for the download of a photo, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn rows_wanting(&self, of: PhotoOf) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM outbox
             WHERE kind = 'avatar' AND user_id = ?1 AND photo_id = ?2 AND +state = 'wanted'
             ORDER BY created_at DESC, id DESC",
            super::COLUMNS
        );
        self.readable_rows(&sql, &[of.user.get(), of.photo.get()])
    }

    /// Returns the name of a file in the spool that holds this photo.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn spooled_photo(&self, of: PhotoOf) -> Result<Option<String>, StoreError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT spool FROM outbox
                 WHERE kind = 'avatar' AND user_id = ?1 AND photo_id = ?2 AND spool IS NOT NULL
                 ORDER BY id DESC LIMIT 1",
            )?
            .query_row([of.user.get(), of.photo.get()], |row| row.get(0))
            .optional()?)
    }
}

impl Tx<'_> {
    /// Postpones the rows that wait for a photo, without counting an attempt.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn postpone_photo(&self, of: PhotoOf, due_at: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET due_at = ?3
                 WHERE kind = 'avatar' AND user_id = ?1 AND photo_id = ?2 AND +state = 'wanted'",
            )?
            .execute([of.user.get(), of.photo.get(), due_at.get()])?;
        Ok(())
    }

    /// Postpones the rows that wait for a photo after a failed download. The attempt is not counted.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn download_failed(
        &self,
        of: PhotoOf,
        failed: FailedDownload<'_>,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET due_at = ?3, reason = ?4, refused_at = iif(?5 IS NULL, NULL, COALESCE(refused_at, ?5))
                 WHERE kind = 'avatar' AND user_id = ?1 AND photo_id = ?2 AND +state = 'wanted'",
            )?
            .execute(params![
                of.user.get(),
                of.photo.get(),
                failed.due_at.get(),
                failed.reason,
                failed.refused_at.map(Timestamp::get),
            ])?;
        Ok(())
    }

    /// Makes the photos of a data centre due that were postponed while it did not answer.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn retry_photos_of(&self, dc: i32, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached(&format!(
                "UPDATE outbox SET due_at = MIN(created_at, ?2)
                     WHERE {POSTPONED} AND state = 'wanted' AND photo_dc = ?1 AND due_at > ?2"
            ))?
            .execute(params![dc, now.get()])?;
        Ok(())
    }
}
