//! What `why` shows of one user, read within one transaction: joins, photos, and what else is known.
//!
//! Owns the queries and the shape of their answers; what they mean is for those who ask.

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;

use super::{StoreError, Tx};
use crate::model::{ChannelId, MessageId, Payload, PhotoId, Timestamp, UserId, said};

/// A join of a user's, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JoinSeen {
    /// The group.
    #[serde(serialize_with = "said::channel")]
    pub group_id: ChannelId,
    /// The join's service message; 0 for none.
    pub message_id: MessageId,
    /// When Telegram says that it was.
    #[serde(serialize_with = "said::time")]
    pub joined_at: Timestamp,
    /// When this program saw it.
    #[serde(serialize_with = "said::time_if_known")]
    pub seen_at: Option<Timestamp>,
    /// By whose hand: `themselves`, `user` or `group`.
    pub by: &'static str,
    /// That user.
    pub added_by: Option<UserId>,
    /// The word for what became of it.
    pub outcome: String,
    /// When another bot declared that message as dealt with.
    #[serde(serialize_with = "said::time_if_known")]
    pub declared_at: Option<Timestamp>,
    /// Since when the group is flooded.
    #[serde(serialize_with = "said::time_if_known")]
    pub flooded_since: Option<Timestamp>,
}

/// A photo of a user's: on its way, dropped, or posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhotoSeen {
    /// The group that it is for.
    #[serde(serialize_with = "said::channel")]
    pub group_id: ChannelId,
    /// The join's service message that it was queued for, if that is known; 0 for none.
    pub join_message_id: Option<MessageId>,
    /// Whether it was found by looking again at a new member, if that is known: it is told with
    /// `message_id` 0 then.
    pub second_look: Option<bool>,
    /// Which photo.
    pub photo_id: PhotoId,
    /// `wanted`, `fetched`, `sending`, `dropped` or `sent`.
    pub state: String,
    /// Since when it is owed.
    #[serde(serialize_with = "said::time_if_known")]
    pub queued_at: Option<Timestamp>,
    /// How often its present step was tried in vain.
    pub attempts: u32,
    /// When it may be tried next, while it waits.
    #[serde(serialize_with = "said::time_if_known")]
    pub next_try_at: Option<Timestamp>,
    /// Why it was dropped.
    pub reason: Option<String>,
    /// When it was posted or dropped.
    #[serde(serialize_with = "said::time_if_known")]
    pub settled_at: Option<Timestamp>,
    /// The channel that its post was begun in, if that is known.
    #[serde(serialize_with = "said::channel_if_known")]
    pub channel_id: Option<ChannelId>,
    /// The message that it became.
    pub message_id: Option<MessageId>,
}

/// What is known of a user beside joins and photos.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Accounts {
    /// Since when they are on the bad list.
    #[serde(serialize_with = "said::time_if_known")]
    pub bad_since: Option<Timestamp>,
    /// The groups that they administer.
    #[serde(serialize_with = "said::channels")]
    pub administrator_of: Vec<ChannelId>,
    /// Whether their present photo is yet to be put on the exception list (`true`), or taken off.
    pub exception_due: Option<bool>,
    /// The photo that they were last seen with.
    pub last_photo_id: Option<PhotoId>,
    /// Whether that photo is on the exception list.
    pub last_photo_excepted: bool,
}

/// When what was known of users was last cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cleared {
    /// By the monthly reset.
    #[serde(serialize_with = "said::time_if_known")]
    pub reset_at: Option<Timestamp>,
    /// By MANAGE's order to clear users: all of them, or the new ones.
    #[serde(serialize_with = "said::time_if_known")]
    pub users_at: Option<Timestamp>,
    /// By an order about one user, which may have been another one.
    #[serde(serialize_with = "said::time_if_known")]
    pub one_user_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Returns a user's joins, the latest first, in one group or in all of them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn joins_of(
        &self,
        user: UserId,
        group: Option<ChannelId>,
    ) -> Result<Vec<JoinSeen>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT j.group_id, j.message_id, joined_at, seen_at, added_by, outcome, d.at, f.at
             FROM joins j
             LEFT JOIN declared d ON d.group_id = j.group_id AND d.message_id = j.message_id
             LEFT JOIN flooded f ON f.group_id = j.group_id
             WHERE user_id = ?1 AND (?2 IS NULL OR j.group_id = ?2)
             ORDER BY joined_at DESC, j.message_id DESC",
        )?;
        let rows = statement.query_map(params![user.get(), group.map(ChannelId::bare)], |row| {
            let added_by: Option<i64> = row.get(4)?;
            Ok(JoinSeen {
                group_id: ChannelId::from_bare(row.get(0)?),
                message_id: MessageId::new(row.get(1)?),
                joined_at: Timestamp::new(row.get(2)?),
                seen_at: row.get::<_, Option<i64>>(3)?.map(Timestamp::new),
                by: match added_by {
                    None => "themselves",
                    Some(super::joins::BY_GROUP) => "group",
                    Some(_) => "user",
                },
                added_by: added_by.filter(|id| *id > 0).map(UserId::new),
                outcome: row.get(5)?,
                declared_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::new),
                flooded_since: row.get::<_, Option<i64>>(7)?.map(Timestamp::new),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns a user's photos, the latest first, for one group or for all of them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn photos_of(
        &self,
        user: UserId,
        group: Option<ChannelId>,
    ) -> Result<Vec<PhotoSeen>, StoreError> {
        let mut photos = self.photos_owed(user)?;
        for sent in self.photos_sent(user)? {
            // A row of the outbox knows more, and is forgotten after a week.
            let is_there = photos.iter().any(|photo| {
                photo.state == "sent"
                    && (photo.group_id, photo.photo_id) == (sent.group_id, sent.photo_id)
            });
            if !is_there {
                photos.push(sent);
            }
        }
        photos.retain(|photo| group.is_none_or(|group| group == photo.group_id));
        photos.sort_by_key(|photo| std::cmp::Reverse(photo.settled_at.max(photo.queued_at)));
        Ok(photos)
    }

    /// Returns what else is known of a user.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn accounts(&self, user: UserId) -> Result<Accounts, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT group_id FROM admins JOIN ledger ON group_id = channel_id
             WHERE user_id = ?1 AND present ORDER BY group_id",
        )?;
        let groups =
            statement.query_map([user.get()], |row| row.get(0).map(ChannelId::from_bare))?;
        let last_photo_id = self.last_photo(user)?;
        Ok(Accounts {
            bad_since: self.moment("SELECT at FROM bad WHERE kind = 'user' AND id = ?1", user)?,
            administrator_of: groups.collect::<Result<_, _>>()?,
            exception_due: self
                .0
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

    /// Returns when what was known of users was last cleared.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn cleared(&self) -> Result<Cleared, StoreError> {
        let last = |sql: &str| -> Result<Option<Timestamp>, StoreError> {
            let at: Option<i64> = self.0.query_row(sql, [], |row| row.get(0))?;
            Ok(at.map(Timestamp::new))
        };
        Ok(Cleared {
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
            .0
            .query_row(sql, [user.get()], |row| row.get(0).map(Timestamp::new));
        Ok(at.optional()?)
    }

    fn photos_owed(&self, user: UserId) -> Result<Vec<PhotoSeen>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT key, state, created_at, attempts, due_at, reason, settled_at, channel_id, message_id, payload
             FROM outbox WHERE class = 'avatar' AND key GLOB ?1",
        )?;
        let rows = statement.query_map([format!("avatar/*/{user}/*")], |row| {
            let (group_id, photo_id) = named(&row.get::<_, String>(0)?);
            let state: String = row.get(1)?;
            // A payload that a damaged disk left tells nothing; the rest of the row does.
            let avatar = match serde_json::from_str(&row.get::<_, String>(9)?) {
                Ok(Payload::Avatar(avatar)) => Some(avatar),
                _ => None,
            };
            let waits = matches!(state.as_str(), "wanted" | "fetched" | "sending");
            Ok(PhotoSeen {
                group_id,
                photo_id,
                queued_at: Some(Timestamp::new(row.get(2)?)),
                attempts: row.get(3)?,
                next_try_at: Some(Timestamp::new(row.get(4)?)).filter(|_| waits),
                reason: row.get(5)?,
                settled_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::new),
                channel_id: row.get::<_, Option<i64>>(7)?.map(ChannelId::from_bare),
                message_id: row.get::<_, Option<i32>>(8)?.map(MessageId::new),
                join_message_id: avatar.map(|avatar| avatar.message),
                second_look: avatar.map(|avatar| avatar.recheck),
                state,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn photos_sent(&self, user: UserId) -> Result<Vec<PhotoSeen>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT group_id, photo_id, message_id, sent_at, channel_id FROM forwarded WHERE user_id = ?1",
        )?;
        let rows = statement.query_map([user.get()], |row| {
            Ok(PhotoSeen {
                group_id: ChannelId::from_bare(row.get(0)?),
                photo_id: PhotoId::new(row.get(1)?),
                message_id: Some(MessageId::new(row.get(2)?)),
                settled_at: Some(Timestamp::new(row.get(3)?)),
                channel_id: row.get::<_, Option<i64>>(4)?.map(ChannelId::from_bare),
                state: "sent".into(),
                join_message_id: None,
                second_look: None,
                queued_at: None,
                attempts: 0,
                next_try_at: None,
                reason: None,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What a key says of a photo; 0 for what somebody wrote by hand.
fn named(key: &str) -> (ChannelId, PhotoId) {
    let mut words = key.split('/').skip(1);
    let group = words.next().and_then(|group| group.parse().ok());
    let photo = words.nth(1).and_then(|photo| photo.parse().ok());
    (
        group
            .and_then(ChannelId::from_bot_api)
            .unwrap_or(ChannelId::from_bare(0)),
        PhotoId::new(photo.unwrap_or(0)),
    )
}
