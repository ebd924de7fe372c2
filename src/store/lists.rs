//! What the fleet's orders leave behind: who is bad, which photos are excepted, what was declared,
//! which groups are flooded; and the cancelling of what waits.

use std::ops::Range;

use rusqlite::{OptionalExtension as _, params};

use super::outbox::{avatar_keys, group_keys};
use super::{Outcome, StoreError, Tx};
use crate::model::{Bad, ChannelId, MessageId, PhotoId, Timestamp, UserId};

/// Which waiting photos are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Those of one join message.
    Message(ChannelId, MessageId),
    /// Those of one user, in every group.
    User(UserId),
    /// Those of one user in one group.
    Member(ChannelId, UserId),
    /// Those of one group.
    Group(ChannelId),
}

impl Waiting {
    /// The condition on `joins`, and its two parameters.
    const fn condition(self) -> (&'static str, i64, i64) {
        match self {
            Self::Message(group, message) => (
                "group_id = ?1 AND message_id = ?2",
                group.bare(),
                message.get() as i64,
            ),
            Self::User(user) => ("user_id = ?1 AND ?2 = 0", user.get(), 0),
            Self::Member(group, user) => {
                ("group_id = ?1 AND user_id = ?2", group.bare(), user.get())
            }
            Self::Group(group) => ("group_id = ?1 AND ?2 = 0", group.bare(), 0),
        }
    }

    /// Asks for the groups and users whose photos are meant; no user is every one of that group.
    fn members(self) -> String {
        match self {
            Self::Group(_) => "SELECT ?1, NULL WHERE ?2 = 0".into(),
            _ => format!(
                "SELECT DISTINCT group_id, user_id FROM joins WHERE {}",
                self.condition().0
            ),
        }
    }
}

/// Asks for the photos between two keys that wait for joins of this condition. The sign keeps SQLite from
/// the index by state: in a raid thousands wait, and as many join messages are declared.
pub(super) fn waiting_between(condition: &str) -> String {
    format!(
        "SELECT id, spool FROM outbox WHERE key > ?3 AND key < ?4
         AND class = 'avatar' AND +state IN ('wanted', 'fetched')
         AND EXISTS (SELECT 1 FROM joins WHERE {condition}
             AND group_id = payload ->> '$.group' AND message_id = payload ->> '$.message'
             AND user_id = payload ->> '$.user')"
    )
}

impl Tx<'_> {
    /// Puts somebody on the bad list, or takes them off.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_bad(&self, bad: Bad, is_bad: bool, now: Timestamp) -> Result<(), StoreError> {
        let (kind, id) = match bad {
            Bad::User(user) => ("user", user.get()),
            Bad::Channel(channel) => ("channel", channel.bare()),
        };
        if is_bad {
            self.0.execute(
                "INSERT OR IGNORE INTO bad VALUES (?1, ?2, ?3)",
                params![kind, id, now.get()],
            )?;
        } else {
            self.0.execute(
                "DELETE FROM bad WHERE kind = ?1 AND id = ?2",
                params![kind, id],
            )?;
        }
        Ok(())
    }

    /// Returns whether a user is on the bad list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_bad(&self, user: UserId) -> Result<bool, StoreError> {
        self.exists(
            "SELECT 1 FROM bad WHERE kind = 'user' AND id = ?1 AND ?2 = 0",
            user.get(),
            0,
        )
    }

    /// Clears the bad users or the bad channels.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn clear_bad(&self, users: bool) -> Result<(), StoreError> {
        let kind = if users { "user" } else { "channel" };
        self.0.execute("DELETE FROM bad WHERE kind = ?1", [kind])?;
        Ok(())
    }

    /// Puts a photo on the exception list, or takes it off.
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
            self.0.execute(
                "INSERT OR IGNORE INTO excepted VALUES (?1, ?2)",
                params![photo.get(), now.get()],
            )?;
        } else {
            self.0
                .execute("DELETE FROM excepted WHERE photo_id = ?1", [photo.get()])?;
        }
        Ok(())
    }

    /// Returns whether a photo is on the exception list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_excepted(&self, photo: PhotoId) -> Result<bool, StoreError> {
        self.exists(
            "SELECT 1 FROM excepted WHERE photo_id = ?1 AND ?2 = 0",
            photo.get(),
            0,
        )
    }

    /// Clears the exception list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn clear_excepted(&self) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM excepted", [])?;
        self.0.execute("DELETE FROM exceptions_due", [])?;
        Ok(())
    }

    /// Owes that a user's present photo is looked up and put on (or taken off) the exception list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_exception(&self, user: UserId, put: bool) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT OR REPLACE INTO exceptions_due VALUES (?1, ?2)",
            params![user.get(), put],
        )?;
        Ok(())
    }

    /// Returns whose present photo is to be looked up, and whether it goes on the list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn exceptions_due(&self, limit: usize) -> Result<Vec<(UserId, bool)>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("SELECT user_id, put FROM exceptions_due LIMIT ?1")?;
        let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok((UserId::new(row.get(0)?), row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes that an exception is settled, unless another order about that user came meanwhile.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn settle_exception(&self, user: UserId, put: bool) -> Result<(), StoreError> {
        self.0.execute(
            "DELETE FROM exceptions_due WHERE user_id = ?1 AND put = ?2",
            params![user.get(), put],
        )?;
        Ok(())
    }

    /// Notes that another bot has dealt with a message.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn declare(
        &self,
        group: ChannelId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0
            .prepare_cached("INSERT OR IGNORE INTO declared VALUES (?1, ?2, ?3)")?
            .execute(params![group.bare(), message.get(), now.get()])?;
        Ok(())
    }

    /// Returns whether another bot has dealt with a message.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_declared(&self, group: ChannelId, message: MessageId) -> Result<bool, StoreError> {
        self.exists(
            "SELECT 1 FROM declared WHERE group_id = ?1 AND message_id = ?2",
            group.bare(),
            i64::from(message.get()),
        )
    }

    /// Forgets declarations and orders of before `oldest`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_orders(&self, oldest: Timestamp) -> Result<(), StoreError> {
        self.0
            .execute("DELETE FROM declared WHERE at < ?1", [oldest.get()])?;
        self.0
            .execute("DELETE FROM orders WHERE at < ?1", [oldest.get()])?;
        Ok(())
    }

    /// Notes that a group is flooded: what waits for it, and joins from now on, are held.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn begin_flood(&self, group: ChannelId, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.0.execute(
            "INSERT OR IGNORE INTO flooded VALUES (?1, ?2)",
            params![group.bare(), now.get()],
        )?;
        self.cancel(Waiting::Group(group), Outcome::Held, now)
    }

    /// Notes that a flood is over: every join that was held is decided on anew.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn end_flood(&self, group: ChannelId) -> Result<(), StoreError> {
        self.0
            .execute("DELETE FROM flooded WHERE group_id = ?1", [group.bare()])?;
        self.0.execute(
            "UPDATE joins SET outcome = 'lookup' WHERE group_id = ?1 AND outcome = 'held'",
            [group.bare()],
        )?;
        Ok(())
    }

    /// Returns whether a group is flooded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_flooded(&self, group: ChannelId) -> Result<bool, StoreError> {
        self.exists(
            "SELECT 1 FROM flooded WHERE group_id = ?1 AND ?2 = 0",
            group.bare(),
            0,
        )
    }

    /// Cancels the photos that wait, but for one whose post is begun, and gives their joins this
    /// outcome. Returns the spool files that nobody waits for any more.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn cancel(
        &self,
        which: Waiting,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let (condition, first, second) = which.condition();
        let rows = self.waiting(which)?;
        for (id, _) in &rows {
            self.note_dropped(*id, outcome.as_str(), now)?;
        }
        // A join whose post is begun stays queued: its row is.
        let sql = format!(
            "UPDATE joins SET outcome = ?3 WHERE {condition} AND outcome IN ('lookup', 'queued', 'held')
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE class = 'avatar' AND state = 'sending'
                 AND group_id = payload ->> '$.group' AND message_id = payload ->> '$.message'
                 AND user_id = payload ->> '$.user')"
        );
        self.0
            .prepare_cached(&sql)?
            .execute(params![first, second, outcome.as_str()])?;
        Ok(rows.into_iter().filter_map(|(_, spool)| spool).collect())
    }

    /// Returns the rows of photos that wait and whose post is not begun, with their files.
    fn waiting(&self, which: Waiting) -> Result<Vec<(i64, Option<String>)>, StoreError> {
        let (condition, first, second) = which.condition();
        let mut statement = self.0.prepare_cached(&which.members())?;
        let keys: Vec<Range<String>> = statement
            .query_map([first, second], |row| {
                let group = ChannelId::from_bare(row.get(0)?);
                let user: Option<i64> = row.get(1)?;
                Ok(user.map_or_else(
                    || group_keys(group),
                    |user| avatar_keys(UserId::new(user), group),
                ))
            })?
            .collect::<Result<_, _>>()?;
        let mut statement = self.0.prepare_cached(&waiting_between(condition))?;
        let mut rows = Vec::new();
        for keys in keys {
            let found = statement
                .query_map(params![first, second, keys.start, keys.end], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            for row in found {
                rows.push(row?);
            }
        }
        Ok(rows)
    }

    /// Cancels every waiting post of a photo that is excepted now.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn cancel_photo(&self, photo: PhotoId, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let mut rows = self.0.prepare_cached(
            "SELECT id, spool, payload ->> '$.group', payload ->> '$.message', payload ->> '$.user'
             FROM outbox WHERE class = 'avatar' AND state IN ('wanted', 'fetched')
               AND payload ->> '$.photo.id' = ?1",
        )?;
        let rows: Vec<(i64, Option<String>, i64, i32, i64)> = rows
            .query_map([photo.get()], |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            })?
            .collect::<Result<_, _>>()?;
        let excepted = Outcome::Skipped("excepted");
        let mut unspool = Vec::new();
        for (id, spool, group, message, user) in rows {
            self.note_dropped(id, excepted.as_str(), now)?;
            // The join may have another photo, which is not meant.
            let group = ChannelId::from_bare(group);
            self.settle_photo(group, MessageId::new(message), UserId::new(user), excepted)?;
            unspool.extend(spool);
        }
        Ok(unspool)
    }

    /// Forgets what is known of a user: joins that are settled, and photos that were forwarded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_user(&self, user: UserId) -> Result<(), StoreError> {
        self.0.execute(
            "DELETE FROM joins WHERE user_id = ?1 AND outcome NOT IN ('lookup', 'queued', 'held')",
            [user.get()],
        )?;
        self.0
            .execute("DELETE FROM forwarded WHERE user_id = ?1", [user.get()])?;
        self.forget_settled_photos(Some(user))
    }

    /// Forgets joins that are settled, all of them or those since `newer_than`; with all of them,
    /// also every photo that was forwarded.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_users(&self, newer_than: Option<Timestamp>) -> Result<(), StoreError> {
        self.0.execute(
            "DELETE FROM joins WHERE outcome NOT IN ('lookup', 'queued', 'held') AND joined_at >= ?1",
            [newer_than.map_or(i64::MIN, Timestamp::get)],
        )?;
        if newer_than.is_none() {
            self.0.execute("DELETE FROM forwarded", [])?;
            self.forget_settled_photos(None)?;
        }
        Ok(())
    }

    /// Does the monthly reset: users, joins that are settled, and the bad list; not rules or exceptions
    /// (SPEC §8). Who still waits for something stays known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn reset(&self) -> Result<(), StoreError> {
        self.forget_users(None)?;
        self.0.execute(
            "DELETE FROM people WHERE user_id NOT IN (SELECT user_id FROM joins)
             AND user_id NOT IN (SELECT user_id FROM exceptions_due)",
            [],
        )?;
        self.clear_bad(true)?;
        self.clear_bad(false)
    }

    /// Returns a setting.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .0
            .query_row("SELECT value FROM settings WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()?)
    }

    /// Keeps a setting.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn keep_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT OR REPLACE INTO settings VALUES (?1, ?2)",
            [key, value],
        )?;
        Ok(())
    }

    fn exists(&self, sql: &str, first: i64, second: i64) -> Result<bool, StoreError> {
        Ok(self.0.prepare_cached(sql)?.exists(params![first, second])?)
    }
}
