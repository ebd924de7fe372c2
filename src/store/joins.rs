//! The joins and what became of each; and which photos were forwarded.

use std::collections::BTreeSet;

use rusqlite::{Row, params};

use super::{StoreError, Tx};
use crate::model::{AddedBy, Avatar, ChannelId, Join, MessageId, PhotoId, Timestamp, UserId};

/// What became of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The user has to be looked up before it can be decided on.
    LookUp,
    /// A photo is on its way.
    Queued,
    /// The photo was posted.
    Forwarded,
    /// No photo, for this reason (SPEC §4's word).
    Skipped(&'static str),
    /// The photo could not be had, or not be posted.
    Failed,
    /// The group is flooded: to be decided on anew when the flood ends.
    Held,
    /// Another bot has removed the user from the group.
    Kicked,
    /// It waited longer than `delivery.max_age_hours`.
    Expired,
}

impl Outcome {
    /// Every outcome that is no reason to skip.
    pub const ALL: [Self; 7] = [
        Self::LookUp,
        Self::Queued,
        Self::Forwarded,
        Self::Failed,
        Self::Held,
        Self::Kicked,
        Self::Expired,
    ];

    /// Returns the word that `state.db` keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LookUp => "lookup",
            Self::Queued => "queued",
            Self::Forwarded => "forwarded",
            Self::Skipped(reason) => reason,
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Kicked => "kicked",
            Self::Expired => "expired",
        }
    }
}

/// `joins.added_by` of one added in the name of the group; users' ids are positive.
pub(super) const BY_GROUP: i64 = 0;

impl Tx<'_> {
    /// Records a join and what became of it. Returns `false`, and changes nothing, if this very
    /// join is recorded already. `now` is when it was seen.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_join(
        &self,
        join: &Join,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let added_by = match join.added_by {
            AddedBy::Themselves => None,
            AddedBy::User(user) => Some(user.get()),
            AddedBy::AnonymousAdmin => Some(BY_GROUP),
        };
        let inserted = self
            .0
            .prepare_cached("INSERT OR IGNORE INTO joins VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![
                join.group.bare(),
                join.message.get(),
                join.user.get(),
                join.date.get(),
                added_by,
                outcome.as_str(),
                now.get(),
            ])?;
        Ok(inserted == 1)
    }

    /// Returns whether this very join is recorded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn knows_join(&self, join: &Join) -> Result<bool, StoreError> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM joins WHERE group_id = ?1 AND message_id = ?2 AND user_id = ?3)",
            )?
            .query_row(
                params![join.group.bare(), join.message.get(), join.user.get()],
                |row| row.get(0),
            )?)
    }

    /// Changes what became of a recorded join.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn settle_join(
        &self,
        group: ChannelId,
        message: MessageId,
        user: UserId,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        self.0
            .prepare_cached(
                "UPDATE joins SET outcome = ?4 WHERE group_id = ?1 AND message_id = ?2 AND user_id = ?3",
            )?
            .execute(params![
                group.bare(),
                message.get(),
                user.get(),
                outcome.as_str()
            ])?;
        Ok(())
    }

    /// Returns the joins whose users have to be looked up, newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn waiting_joins(&self, limit: usize) -> Result<Vec<Join>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT group_id, message_id, user_id, joined_at, added_by FROM joins
             WHERE outcome = 'lookup' ORDER BY joined_at DESC, message_id DESC LIMIT ?1",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map([limit], read_join)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the photos of `user` that were forwarded for `group`, or wait to be.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forwarded(
        &self,
        user: UserId,
        group: ChannelId,
    ) -> Result<BTreeSet<PhotoId>, StoreError> {
        let mut sent = self.0.prepare_cached(
            "SELECT photo_id FROM forwarded WHERE user_id = ?1 AND group_id = ?2",
        )?;
        let sent = sent.query_map([user.get(), group.bare()], |row| {
            row.get(0).map(PhotoId::new)
        })?;
        let mut photos: BTreeSet<PhotoId> = sent.collect::<Result<_, _>>()?;
        photos.extend(self.photos_on_their_way(user, group)?);
        Ok(photos)
    }

    /// Records that a photo was posted for a group, as `message` of that private channel.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_forwarded(
        &self,
        avatar: &Avatar,
        (channel, message): (ChannelId, MessageId),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0
            .prepare_cached("INSERT OR IGNORE INTO forwarded VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                avatar.user.get(),
                avatar.photo.id.get(),
                avatar.group.bare(),
                message.get(),
                now.get(),
                channel.bare(),
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
