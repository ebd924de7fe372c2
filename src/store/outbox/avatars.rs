//! The photos of one member, across the rows of the outbox; and the outcome that a photo gives its join.
//!
//! A join may have several photos: the one that was seen with it, and those that rechecks found. These statements run
//! for each join and each message of a new member, while thousands of rows wait in a raid: the unary `+` in `+state`
//! prevents SQLite from using the index on `state`, so that it uses the index by group and user.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, params};

use crate::model::{Avatar, ChannelId, Join, JoinOutcome, MessageId, PhotoId, Timestamp, UserId};
use crate::store::{ReadTx, StoreError, Tx};

pub(in crate::store) const PENDING: &str = "SELECT photo_id FROM outbox
     WHERE kind = 'avatar' AND group_id = ?1 AND user_id = ?2 AND +state NOT IN ('sent', 'dropped')";

pub(in crate::store) const DROPPED: &str = "SELECT photo_id FROM outbox
     WHERE kind = 'avatar' AND group_id = ?1 AND user_id = ?2 AND +state = 'dropped'";

pub(in crate::store) const RECHECKED: &str = "SELECT 1 FROM outbox
     WHERE kind = 'avatar' AND group_id = ?1 AND user_id = ?2 AND +join_message_id = ?3 AND is_recheck";

pub(in crate::store) const SETTLEMENT: &str =
    "SELECT COALESCE(MAX(state NOT IN ('sent', 'dropped')), 0), COALESCE(MAX(state = 'sent'), 0)
     FROM outbox WHERE kind = 'avatar' AND group_id = ?1 AND user_id = ?2 AND +join_message_id = ?3";

impl ReadTx<'_> {
    /// Returns the photos of `user` that wait to be posted for `group`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(in crate::store) fn pending_photos(
        &self,
        user: UserId,
        group: ChannelId,
    ) -> Result<BTreeSet<PhotoId>, StoreError> {
        self.photos(PENDING, user, group)
    }

    /// Returns the photos of `user` that were dropped for `group`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn dropped_photos(
        &self,
        user: UserId,
        group: ChannelId,
    ) -> Result<BTreeSet<PhotoId>, StoreError> {
        self.photos(DROPPED, user, group)
    }

    /// Returns true if a recheck found a photo for this join. Every later photo of the join was not seen with the join
    /// either.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn was_rechecked(&self, join: &Join) -> Result<bool, StoreError> {
        Ok(self.db.prepare_cached(RECHECKED)?.exists(params![
            join.group.bare(),
            join.user.get(),
            join.message.get()
        ])?)
    }

    fn photos(
        &self,
        sql: &str,
        user: UserId,
        group: ChannelId,
    ) -> Result<BTreeSet<PhotoId>, StoreError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map([group.bare(), user.get()], |row| {
            row.get(0).map(PhotoId::new)
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Records a photo that a recheck found and that cannot be enqueued yet, as if it had been enqueued and dropped at
    /// once: a later decision on the join then knows that a recheck found the photo.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_unqueued_photo(
        &self,
        avatar: &Avatar,
        outcome: JoinOutcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.enqueue_avatar(avatar, now)? {
            let id = self.db.last_insert_rowid();
            self.set_dropped(id, outcome.as_str(), now)?;
        }
        Ok(())
    }

    /// [Settles](Self::settle_photo) the join of an avatar's row. The message of the join may have been filled in since
    /// the caller read the row.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn settle_row(&self, row: i64, outcome: JoinOutcome) -> Result<(), StoreError> {
        let join = self
            .db
            .prepare_cached(
                "SELECT group_id, join_message_id, user_id FROM outbox WHERE id = ?1 AND kind = 'avatar'",
            )?
            .query_row([row], |row| {
                let group = ChannelId::from_bare(row.get(0)?);
                Ok((group, MessageId::new(row.get(1)?), UserId::new(row.get(2)?)))
            })
            .optional()?;
        if let Some((group, message, user)) = join {
            self.settle_photo(group, message, user, outcome)?;
        }
        Ok(())
    }

    /// Sets the outcome of a join after one of its photos was settled, or after a decision without a photo. A join with
    /// another photo that waits stays `queued`, and one that had a photo posted stays `forwarded`. Returns the outcome
    /// that was set.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn settle_photo(
        &self,
        group: ChannelId,
        message: MessageId,
        user: UserId,
        outcome: JoinOutcome,
    ) -> Result<JoinOutcome, StoreError> {
        let (waits, posted): (bool, bool) = self
            .db
            .prepare_cached(SETTLEMENT)?
            .query_row(params![group.bare(), user.get(), message.get()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let outcome = if waits {
            JoinOutcome::Queued
        } else if posted {
            JoinOutcome::Forwarded
        } else {
            outcome
        };
        self.set_join_outcome(group, message, user, outcome)?;
        Ok(outcome)
    }
}
