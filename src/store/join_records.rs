//! The joins with their outcomes, and the photos that were forwarded.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, Row, params};

use super::{ReadTx, StoreError, Tx};
use crate::model::{
    AddedBy, Avatar, ChannelId, FoundBy, Join, JoinOutcome, MessageId, PhotoId, SkipReason,
    Timestamp, UserId,
};

/// `joins.added_by` of a member whom an administrator added in the name of the group; users' ids are positive.
pub(super) const BY_GROUP: i64 = 0;

/// A join message and a row of the list of members show the same join if their times differ by no more than this.
const SAME_JOIN_SECONDS: i64 = 5;

/// The message of a private channel that a row of the outbox became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostedAs {
    pub channel: ChannelId,
    pub message: MessageId,
}

impl ReadTx<'_> {
    /// Returns true if this very join is recorded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn has_join(&self, join: &Join) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT 1 FROM joins WHERE group_id = ?1 AND message_id = ?2 AND user_id = ?3",
            )?
            .exists(params![
                join.group.bare(),
                join.message.get(),
                join.user.get()
            ])?)
    }

    /// Returns true if a join of this member into this group is recorded that the list of members shows with `date`: one
    /// at that time, or a later one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn has_join_since(
        &self,
        group: ChannelId,
        user: UserId,
        date: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT 1 FROM joins WHERE user_id = ?2 AND group_id = ?1 AND joined_at >= ?3",
            )?
            .exists([
                group.bare(),
                user.get(),
                date.plus(-SAME_JOIN_SECONDS).get(),
            ])?)
    }

    /// Returns true if a scan that did not end recorded a join of this member: one after the last scan of the group.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn has_join_of_unfinished_scan(
        &self,
        group: ChannelId,
        user: UserId,
    ) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT 1 FROM joins WHERE user_id = ?2 AND group_id = ?1 AND message_id <= 0 AND found_by = 'scan'
                 AND seen_at > COALESCE((SELECT scanned_at FROM member_scans WHERE group_id = ?1), 0)",
            )?
            .exists([group.bare(), user.get()])?)
    }

    /// Returns how many joins of a group first messages showed since a time, without those that nothing proves.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_first_message_joins(
        &self,
        group: ChannelId,
        since: Timestamp,
    ) -> Result<u32, StoreError> {
        let unproven = JoinOutcome::Skipped(SkipReason::Unproven);
        Ok(self
            .db
            .prepare_cached(
                "SELECT COUNT(*) FROM joins INDEXED BY joins_without_message
                 WHERE group_id = ?1 AND message_id <= 0 AND seen_at > ?2 AND found_by = ?3 AND outcome <> ?4",
            )?
            .query_row(
                params![
                    group.bare(),
                    since.get(),
                    <&str>::from(FoundBy::FirstMessage),
                    unproven
                ],
                |row| row.get(0),
            )?)
    }

    /// Returns at most `limit` joins whose users have to be looked up, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn joins_to_look_up(&self, limit: usize) -> Result<Vec<Join>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT group_id, message_id, user_id, joined_at, added_by FROM joins
             WHERE outcome = ?1 ORDER BY joined_at DESC, message_id DESC LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![JoinOutcome::LookUp, limit], read_join)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns true if a join still waits for the look-up of its user: no order has settled it meanwhile.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn waits_for_lookup(&self, join: &Join) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT 1 FROM joins WHERE group_id = ?1 AND message_id = ?2 AND user_id = ?3 AND outcome = ?4",
            )?
            .exists(params![
                join.group.bare(),
                join.message.get(),
                join.user.get(),
                JoinOutcome::LookUp
            ])?)
    }

    /// Returns the joins of a user whom no reference named, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn unreadable_joins(&self, user: UserId) -> Result<Vec<Join>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT group_id, message_id, user_id, joined_at, added_by FROM joins
             WHERE user_id = ?1 AND +outcome = ?2 ORDER BY joined_at, message_id",
        )?;
        let unreadable = JoinOutcome::Skipped(SkipReason::Unreadable);
        let rows = statement.query_map(params![user.get(), unreadable], read_join)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns true if a message of a private channel, whose caption is that of `row`, is the post of another row. The
    /// caption of a photo names its user.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_post_of_another_row(&self, row: i64, post: PostedAs) -> Result<bool, StoreError> {
        let (message, channel) = (i64::from(post.message.get()), post.channel.bare());
        let in_outbox = self
            .db
            .prepare_cached(
                "SELECT 1 FROM outbox WHERE message_id = ?1 AND channel_id = ?2 AND id <> ?3",
            )?
            .exists([message, channel, row])?;
        Ok(in_outbox
            || self
                .db
                .prepare_cached(
                    "SELECT 1 FROM forwarded WHERE user_id = (SELECT user_id FROM outbox WHERE id = ?3)
                     AND message_id = ?1 AND channel_id = ?2",
                )?
                .exists([message, channel, row])?)
    }

    /// Returns the photos of `user` that were forwarded for `group`, or wait to be.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forwarded_or_pending(
        &self,
        user: UserId,
        group: ChannelId,
    ) -> Result<BTreeSet<PhotoId>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT photo_id FROM forwarded WHERE user_id = ?1 AND group_id = ?2",
        )?;
        let forwarded = statement.query_map([user.get(), group.bare()], |row| {
            row.get(0).map(PhotoId::new)
        })?;
        let mut photos: BTreeSet<PhotoId> = forwarded.collect::<Result<_, _>>()?;
        photos.extend(self.pending_photos(user, group)?);
        Ok(photos)
    }
}

impl Tx<'_> {
    /// Records a join with its outcome. Returns `false`, and changes nothing, if this very join is recorded already.
    /// `now` is when the program saw it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_join(
        &self,
        join: &Join,
        outcome: JoinOutcome,
        found_by: FoundBy,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let added_by = match join.added_by {
            AddedBy::Themselves => None,
            AddedBy::User(user) => Some(user.get()),
            AddedBy::AnonymousAdmin => Some(BY_GROUP),
        };
        let inserted = self
            .db
            .prepare_cached(
                "INSERT OR IGNORE INTO joins
                     (group_id, message_id, user_id, joined_at, added_by, outcome, seen_at, found_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                join.group.bare(),
                join.message.get(),
                join.user.get(),
                join.date.get(),
                added_by,
                outcome,
                now.get(),
                <&str>::from(found_by),
            ])?;
        Ok(inserted == 1)
    }

    /// Fills the service message in for a join that was found without one, if it happened within a few seconds of `join`.
    /// Returns false if there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn fill_in_message(&self, join: &Join) -> Result<bool, StoreError> {
        let (group, user) = (join.group.bare(), join.user.get());
        let unseen = self
            .db
            .prepare_cached(
                "SELECT message_id FROM joins WHERE user_id = ?2 AND group_id = ?1 AND message_id <= 0
                 AND joined_at BETWEEN ?3 - ?4 AND ?3 + ?4 ORDER BY ABS(joined_at - ?3) LIMIT 1",
            )?
            .query_row(
                [group, user, join.date.get(), SAME_JOIN_SECONDS],
                |row| row.get::<_, i64>(0),
            )
            .optional()?;
        let Some(unseen) = unseen else {
            return Ok(false);
        };
        let message = i64::from(join.message.get());
        self.db
            .prepare_cached(
                "UPDATE joins SET message_id = ?4 WHERE group_id = ?1 AND user_id = ?2 AND message_id = ?3",
            )?
            .execute([group, user, unseen, message])?;
        self.db
            .prepare_cached(
                "UPDATE outbox SET join_message_id = ?4
                 WHERE kind = 'avatar' AND user_id = ?2 AND group_id = ?1 AND join_message_id = ?3",
            )?
            .execute([group, user, unseen, message])?;
        // The message was late: it does not show that the group has joins without a message.
        self.db
            .prepare_cached(
                "UPDATE member_scans SET unseen_join_at = NULL, full_wanted = 1 WHERE group_id = ?1 AND NOT EXISTS
                     (SELECT 1 FROM joins INDEXED BY joins_without_message
                         WHERE group_id = ?1 AND message_id <= 0 AND found_by = 'scan')",
            )?
            .execute([group])?;
        Ok(true)
    }

    /// Sets the outcome of a recorded join.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_join_outcome(
        &self,
        group: ChannelId,
        message: MessageId,
        user: UserId,
        outcome: JoinOutcome,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE joins SET outcome = ?4 WHERE group_id = ?1 AND message_id = ?2 AND user_id = ?3",
            )?
            .execute(params![group.bare(), message.get(), user.get(), outcome])?;
        Ok(())
    }

    /// Records that a photo was forwarded for its group.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_forwarded(
        &self,
        avatar: &Avatar,
        post: PostedAs,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR IGNORE INTO forwarded VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                avatar.user.get(),
                avatar.photo.id.get(),
                avatar.group.bare(),
                post.message.get(),
                now.get(),
                post.channel.bare(),
            ])?;
        Ok(())
    }
}

/// Reads `group_id, message_id, user_id, joined_at, added_by`.
pub(super) fn read_join(row: &Row<'_>) -> rusqlite::Result<Join> {
    Ok(Join {
        group: ChannelId::from_bare(row.get(0)?),
        message: MessageId::new(row.get(1)?),
        user: UserId::new(row.get(2)?),
        date: Timestamp::new(row.get(3)?),
        added_by: match row.get::<_, Option<i64>>(4)? {
            None => AddedBy::Themselves,
            Some(BY_GROUP) => AddedBy::AnonymousAdmin,
            Some(user) => AddedBy::User(UserId::new(user)),
        },
    })
}
