//! The records of one user for `why`, read within one transaction: joins, photos, lists and roles. The names of
//! serialized fields are those of the JSON output (docs/json-output.md).

use rusqlite::{OptionalExtension as _, Row, params};
use serde::Serialize;

use super::{ReadTx, StoreError};
use crate::model::{
    ChannelId, FoundBy, JoinOutcome, MessageId, PhotoId, Timestamp, UserId, as_json,
};

/// A join of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserJoin {
    #[serde(serialize_with = "as_json::channel")]
    pub group_id: ChannelId,
    /// The service message; 0 if there was none.
    pub message_id: MessageId,
    /// The time of the join, by Telegram's clock.
    #[serde(serialize_with = "as_json::time")]
    pub joined_at: Timestamp,
    /// When this program saw the join.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub seen_at: Option<Timestamp>,
    /// `themselves`, `user` or `group`: who added the member. `unknown` if no join message was read in time.
    pub by: &'static str,
    /// The user who added the member.
    pub added_by: Option<UserId>,
    pub outcome: JoinOutcome,
    /// How the program learned of the join; unknown for joins of older versions and of restored lists.
    pub found_by: Option<FoundBy>,
    /// When another bot declared the join message as handled.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub declared_at: Option<Timestamp>,
    /// The begin of the group flood in the group.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub flooded_since: Option<Timestamp>,
}

/// A photo of the user: one that waits, was dropped, or was posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserPhoto {
    #[serde(serialize_with = "as_json::channel")]
    pub group_id: ChannelId,
    /// The service message of the join that the photo belongs to; 0 if there was none.
    pub join_message_id: Option<MessageId>,
    /// True if a recheck found the photo; it is then reported with `message_id` 0.
    #[serde(rename = "second_look")]
    pub found_by_recheck: Option<bool>,
    #[serde(serialize_with = "as_json::photo")]
    pub photo_id: PhotoId,
    /// `wanted`, `fetched`, `sending`, `dropped` or `sent`.
    pub state: String,
    #[serde(serialize_with = "as_json::time_if_known")]
    pub queued_at: Option<Timestamp>,
    /// How many attempts at the current step have failed.
    pub attempts: u32,
    /// When the next attempt is due, while the photo waits.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub next_try_at: Option<Timestamp>,
    /// Why the photo was dropped, or the last failure while it waits.
    pub reason: Option<String>,
    /// When the photo was posted or dropped.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub settled_at: Option<Timestamp>,
    /// The channel in which the post was begun.
    #[serde(serialize_with = "as_json::channel_if_known")]
    pub channel_id: Option<ChannelId>,
    /// The post.
    pub message_id: Option<MessageId>,
}

/// The lists and roles of the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserRoles {
    /// When the user was put on the bad list.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub bad_since: Option<Timestamp>,
    #[serde(serialize_with = "as_json::channels")]
    pub administrator_of: Vec<ChannelId>,
    /// `true` if the current photo is still to be put on the exception list, `false` if it is to be removed.
    pub exception_due: Option<bool>,
    /// The photo that the user last showed.
    #[serde(serialize_with = "as_json::photo_if_known")]
    pub last_photo_id: Option<PhotoId>,
    /// True if that photo is on the exception list.
    pub last_photo_excepted: bool,
}

/// When records of users were last cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClearTimes {
    /// The last monthly reset.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub reset_at: Option<Timestamp>,
    /// MANAGE's last order to clear all users, or the new ones.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub users_at: Option<Timestamp>,
    /// The last order about one user, who may be a different one.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub one_user_at: Option<Timestamp>,
}

/// The columns of a [`UserJoin`], from [`JOINS_WITH_SIGNS`].
pub(super) const JOIN_COLUMNS: &str =
    "j.group_id, j.message_id, joined_at, seen_at, added_by, outcome, d.at, f.at, found_by";

/// The joins, with the declaration of the message and the flood of the group.
pub(super) const JOINS_WITH_SIGNS: &str = "joins j
    LEFT JOIN declared d ON d.group_id = j.group_id AND d.message_id = j.message_id
    LEFT JOIN flooded f ON f.group_id = j.group_id";

impl ReadTx<'_> {
    /// Returns the joins of a user, the latest first, in one group or in all of them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn user_joins(
        &self,
        user: UserId,
        group: Option<ChannelId>,
    ) -> Result<Vec<UserJoin>, StoreError> {
        let sql = format!(
            "SELECT {JOIN_COLUMNS} FROM {JOINS_WITH_SIGNS}
             WHERE user_id = ?1 AND (?2 IS NULL OR j.group_id = ?2)
             ORDER BY joined_at DESC, j.message_id DESC"
        );
        let mut statement = self.db.prepare(&sql)?;
        let parameters = params![user.get(), group.map(ChannelId::bare)];
        let rows = statement.query_map(parameters, read_join)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the users whose joins a message shows.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn users_of_message(
        &self,
        group: ChannelId,
        message: MessageId,
    ) -> Result<Vec<UserId>, StoreError> {
        let mut statement = self
            .db
            .prepare("SELECT user_id FROM joins WHERE group_id = ?1 AND message_id = ?2")?;
        let rows = statement.query_map([group.bare(), message.get().into()], |row| {
            row.get(0).map(UserId::new)
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the photos of a user, the latest first, for one group or for all of them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn user_photos(
        &self,
        user: UserId,
        group: Option<ChannelId>,
    ) -> Result<Vec<UserPhoto>, StoreError> {
        let mut photos = self.outbox_photos(user)?;
        let taken = JoinOutcome::Taken.as_str();
        for sent in self.forwarded_photos(user)? {
            // A row of the outbox has more details, and is deleted after a week.
            let is_known = photos.iter().any(|photo| {
                let is_posted = photo.state == "sent" || photo.reason.as_deref() == Some(taken);
                is_posted && (photo.group_id, photo.photo_id) == (sent.group_id, sent.photo_id)
            });
            if !is_known {
                photos.push(sent);
            }
        }
        photos.retain(|photo| group.is_none_or(|group| group == photo.group_id));
        photos.sort_by_key(|photo| std::cmp::Reverse(photo.settled_at.max(photo.queued_at)));
        Ok(photos)
    }

    /// Returns the lists and roles of a user.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn user_roles(&self, user: UserId) -> Result<UserRoles, StoreError> {
        let mut statement = self.db.prepare(
            "SELECT group_id FROM admins JOIN ledger ON group_id = channel_id
             WHERE user_id = ?1 AND present ORDER BY group_id",
        )?;
        let groups =
            statement.query_map([user.get()], |row| row.get(0).map(ChannelId::from_bare))?;
        let last_photo_id = self.last_photo(user)?;
        Ok(UserRoles {
            bad_since: self.moment("SELECT at FROM bad WHERE kind = 'user' AND id = ?1", user)?,
            administrator_of: groups.collect::<Result<_, _>>()?,
            exception_due: self
                .db
                .query_row(
                    "SELECT put FROM exceptions_due WHERE user_id = ?1",
                    [user.get()],
                    |row| row.get(0),
                )
                .optional()?,
            last_photo_excepted: match last_photo_id {
                Some(photo) => self.is_excepted(photo)?,
                None => false,
            },
            last_photo_id,
        })
    }

    /// Returns when records of users were last cleared.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn clear_times(&self) -> Result<ClearTimes, StoreError> {
        let last = |sql: &str| -> Result<Option<Timestamp>, StoreError> {
            let at: Option<i64> = self.db.query_row(sql, [], |row| row.get(0))?;
            Ok(at.map(Timestamp::new))
        };
        Ok(ClearTimes {
            reset_at: last("SELECT MAX(ran_at) FROM runs WHERE job = 'reset'")?,
            users_at: last(
                "SELECT MAX(at) FROM orders
                 WHERE verdict = 'obeyed' AND action = 'clear' AND kind = 'user'",
            )?,
            one_user_at: last(
                "SELECT MAX(at) FROM orders
                 WHERE verdict = 'obeyed' AND action = 'remove' AND kind IN ('score', 'bad')",
            )?,
        })
    }

    fn moment(&self, sql: &str, user: UserId) -> Result<Option<Timestamp>, StoreError> {
        let at = self
            .db
            .query_row(sql, [user.get()], |row| row.get(0).map(Timestamp::new));
        Ok(at.optional()?)
    }

    fn outbox_photos(&self, user: UserId) -> Result<Vec<UserPhoto>, StoreError> {
        // A row that a migration found damaged, and settled, may lack its photo.
        let mut statement = self.db.prepare(
            "SELECT group_id, photo_id, state, created_at, attempts, due_at, reason, settled_at, channel_id, message_id,
                 join_message_id, is_recheck
             FROM outbox WHERE kind = 'avatar' AND user_id = ?1 AND group_id IS NOT NULL AND photo_id IS NOT NULL",
        )?;
        let rows = statement.query_map([user.get()], |row| {
            let state: String = row.get(2)?;
            let waits = matches!(state.as_str(), "wanted" | "fetched" | "sending");
            Ok(UserPhoto {
                group_id: ChannelId::from_bare(row.get(0)?),
                photo_id: PhotoId::new(row.get(1)?),
                queued_at: Some(Timestamp::new(row.get(3)?)),
                attempts: row.get(4)?,
                next_try_at: Some(Timestamp::new(row.get(5)?)).filter(|_| waits),
                reason: row.get(6)?,
                settled_at: row.get::<_, Option<i64>>(7)?.map(Timestamp::new),
                channel_id: row.get::<_, Option<i64>>(8)?.map(ChannelId::from_bare),
                message_id: row.get::<_, Option<i32>>(9)?.map(MessageId::new),
                join_message_id: row
                    .get::<_, Option<i32>>(10)?
                    .map(|id| MessageId::new(id).or_zero()),
                found_by_recheck: row.get(11)?,
                state,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn forwarded_photos(&self, user: UserId) -> Result<Vec<UserPhoto>, StoreError> {
        let mut statement = self.db.prepare(
            "SELECT group_id, photo_id, message_id, sent_at, channel_id FROM forwarded WHERE user_id = ?1",
        )?;
        let rows = statement.query_map([user.get()], |row| {
            Ok(UserPhoto {
                group_id: ChannelId::from_bare(row.get(0)?),
                photo_id: PhotoId::new(row.get(1)?),
                message_id: Some(MessageId::new(row.get(2)?)),
                settled_at: Some(Timestamp::new(row.get(3)?)),
                channel_id: row.get::<_, Option<i64>>(4)?.map(ChannelId::from_bare),
                state: "sent".into(),
                join_message_id: None,
                found_by_recheck: None,
                queued_at: None,
                attempts: 0,
                next_try_at: None,
                reason: None,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Reads [`JOIN_COLUMNS`].
pub(super) fn read_join(row: &Row<'_>) -> rusqlite::Result<UserJoin> {
    let added_by: Option<i64> = row.get(4)?;
    let found_by: Option<String> = row.get(8)?;
    let found_by: Option<FoundBy> = found_by.and_then(|word| word.parse().ok());
    Ok(UserJoin {
        group_id: ChannelId::from_bare(row.get(0)?),
        message_id: MessageId::new(row.get(1)?).or_zero(),
        joined_at: Timestamp::new(row.get(2)?),
        seen_at: row.get::<_, Option<i64>>(3)?.map(Timestamp::new),
        by: match added_by {
            None if found_by.is_some_and(FoundBy::lacks_message) => "unknown",
            None => "themselves",
            Some(super::join_records::BY_GROUP) => "group",
            Some(_) => "user",
        },
        added_by: added_by.filter(|id| *id > 0).map(UserId::new),
        outcome: row.get(5)?,
        found_by,
        declared_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::new),
        flooded_since: row.get::<_, Option<i64>>(7)?.map(Timestamp::new),
    })
}
