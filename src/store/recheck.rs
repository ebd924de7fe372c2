//! Who is still new, which photos of theirs were owed, and what a photo's end makes of its join.
//!
//! A join may have several photos: the one that was seen with it, and those that were found by looking
//! again (SPEC §4.1). Their rows in the outbox tell them apart, so that nothing is kept twice.

use std::collections::BTreeSet;

use rusqlite::params;

use super::joins::read_join;
use super::outbox::{avatar_key, avatar_keys, photo_of};
use super::{Outcome, StoreError, Tx};
use crate::model::{Avatar, ChannelId, Join, MessageId, PhotoId, Timestamp, UserId};

/// The outcomes of joins for which a photo still matters. What else there is says who the user is, or
/// waits for a decision of its own.
const OPEN: &str =
    "'no_photo', 'forwarded', 'queued', 'repeat', 'excepted', 'failed', 'expired', 'restored'";

/// The keys between two that were dropped; found by the keys, since a raid leaves thousands in that state.
pub(super) const DROPPED: &str =
    "SELECT key FROM outbox WHERE key > ?1 AND key < ?2 AND +state = 'dropped'";

/// The outcomes that speak of one group alone. What such a user shows still matters where they joined
/// before that.
const ELSEWHERE: &str = "'unwatched_group', 'added_by_trusted', 'declared', 'kicked'";

impl Tx<'_> {
    /// Returns the users who may be [new members](Self::new_member), newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn new_members(&self, since: Timestamp) -> Result<Vec<UserId>, StoreError> {
        let sql = format!(
            "SELECT user_id FROM joins AS latest WHERE joined_at > ?1 AND outcome IN ({OPEN})
             AND NOT EXISTS (SELECT 1 FROM joins WHERE user_id = latest.user_id
                 AND (joined_at, message_id, group_id)
                     > (latest.joined_at, latest.message_id, latest.group_id)
                 AND outcome NOT IN ({ELSEWHERE}))
             ORDER BY joined_at DESC, message_id DESC"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map([since.get()], |row| row.get(0).map(UserId::new))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the latest join of `user`, if it is after `since` and open. Joins of groups where nobody
    /// is told of them are passed over, with those of the same group before them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn new_member(&self, user: UserId, since: Timestamp) -> Result<Option<Join>, StoreError> {
        let sql = format!(
            "SELECT group_id, message_id, user_id, joined_at, added_by,
                 outcome IN ({OPEN}), outcome IN ({ELSEWHERE})
             FROM joins WHERE user_id = ?1 AND joined_at > ?2
             ORDER BY joined_at DESC, message_id DESC, group_id DESC"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query([user.get(), since.get()])?;
        let mut passed_over = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let join = read_join(row)?;
            let (open, elsewhere): (bool, bool) = (row.get(5)?, row.get(6)?);
            if elsewhere {
                passed_over.insert(join.group);
            } else if !passed_over.contains(&join.group) {
                return Ok(open.then_some(join));
            }
        }
        Ok(None)
    }

    /// Closes the joins after `since` of a user who was removed from a group: they are not looked at
    /// again. One that waits is left to [`cancel`](Self::cancel).
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn close_joins(
        &self,
        group: ChannelId,
        user: UserId,
        outcome: Outcome,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE joins SET outcome = ?4 WHERE group_id = ?1 AND user_id = ?2
             AND joined_at > ?3 AND outcome IN ({OPEN}) AND outcome <> 'queued'"
        );
        self.0.prepare_cached(&sql)?.execute(params![
            group.bare(),
            user.get(),
            since.get(),
            outcome.as_str()
        ])?;
        Ok(())
    }

    /// Returns the photos of `user` that were owed for `group` and will not be posted as it stands.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn dropped_photos(
        &self,
        user: UserId,
        group: ChannelId,
    ) -> Result<BTreeSet<PhotoId>, StoreError> {
        let keys = avatar_keys(user, group);
        let mut statement = self.0.prepare_cached(DROPPED)?;
        let rows = statement.query_map([&keys.start, &keys.end], |row| row.get::<_, String>(0))?;
        let mut photos = BTreeSet::new();
        for key in rows {
            photos.extend(photo_of(&key?));
        }
        Ok(photos)
    }

    /// Notes that a photo was found by looking again, and why it is not owed yet: as if it had been
    /// owed and cancelled at once. Only so a later decision on that join knows what it is about.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_found(
        &self,
        avatar: &Avatar,
        why_not_owed: Outcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.enqueue_avatar(avatar, now)? {
            self.0
                .prepare_cached(
                    "UPDATE outbox SET state = 'dropped', reason = ?2, settled_at = ?3 WHERE key = ?1",
                )?
                .execute(params![
                    avatar_key(avatar),
                    why_not_owed.as_str(),
                    now.get()
                ])?;
        }
        Ok(())
    }

    /// Returns whether a photo was found by looking again at this join. Every photo after that one was
    /// not seen with the join either.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn was_rechecked(&self, join: &Join) -> Result<bool, StoreError> {
        let keys = avatar_keys(join.user, join.group);
        Ok(self
            .0
            .prepare_cached(
                // A damaged row may still be there, settled.
                "SELECT 1 FROM outbox WHERE key > ?1 AND key < ?2 AND CASE WHEN json_valid(payload)
                     THEN payload ->> '$.message' = ?3 AND payload ->> '$.recheck' END",
            )?
            .exists(params![keys.start, keys.end, join.message.get()])?)
    }

    /// Notes what became of one photo of a join, or of the look for one. A join with another photo on
    /// its way stays `queued`, and one that had a photo posted stays `forwarded`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn settle_photo(
        &self,
        group: ChannelId,
        message: MessageId,
        user: UserId,
        outcome: Outcome,
    ) -> Result<Outcome, StoreError> {
        let keys = avatar_keys(user, group);
        let (waiting, posted): (bool, bool) = self
            .0
            .prepare_cached(
                "SELECT COALESCE(MAX(state IN ('wanted', 'fetched', 'sending')), 0),
                        COALESCE(MAX(state = 'sent'), 0)
                 FROM outbox WHERE key > ?1 AND key < ?2
                 AND CASE WHEN json_valid(payload) THEN payload ->> '$.message' = ?3 END",
            )?
            .query_row(params![keys.start, keys.end, message.get()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let outcome = if waiting {
            Outcome::Queued
        } else if posted {
            Outcome::Forwarded
        } else {
            outcome
        };
        self.settle_join(group, message, user, outcome)?;
        Ok(outcome)
    }
}
