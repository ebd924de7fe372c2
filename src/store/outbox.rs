//! What is owed: rows that become posts, each under an id that was stored before the first attempt.
//!
//! A row's `key` says what it is for, so that owing it twice is one row. States:
//! `wanted → fetched → sending → sent | dropped(reason)`; a report starts at `fetched`, since there
//! is nothing to fetch. Each step is a transaction: after a crash a row is at the step before or
//! after, and `sending` means that the post may or may not be there, which its `random_id` settles.

mod owe;

use rusqlite::{OptionalExtension as _, params};

use super::{StoreError, Tx};
use crate::model::{ChannelId, MessageId, Payload, PhotoId, Timestamp, UserId};

pub(super) use owe::{avatar_key, avatar_keys, group_keys, photo_of};

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub key: String,
    /// The id under which Telegram knows a repetition.
    pub random_id: i64,
    /// When it was owed.
    pub created_at: Timestamp,
    /// How often its present step was tried in vain.
    pub attempts: u32,
    /// What is to be posted.
    pub payload: Payload,
    /// The name of its file in the spool.
    pub spool: Option<String>,
    /// The channel that its post was begun in.
    pub begun_in: Option<ChannelId>,
}

/// The keys between two that are not settled. The sign keeps SQLite from the index by state: what waits
/// may be a whole raid, and this is asked for each join and each message of a new member.
pub(super) const ON_THEIR_WAY: &str = "SELECT key FROM outbox WHERE key > ?1 AND key < ?2
    AND +state IN ('wanted', 'fetched', 'sending')";

const COLUMNS: &str = "id, key, random_id, created_at, attempts, payload, spool, channel_id";

impl Tx<'_> {
    /// Puts off the backups that wait, so that they keep their distance.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn space_lists(&self, not_before: Timestamp) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE outbox SET due_at = MAX(due_at, ?1)
             WHERE class = 'report' AND state IN ('fetched', 'sending') AND key GLOB 'backup/*'",
            [not_before.get()],
        )?;
        Ok(())
    }

    /// Returns when a list of a backup was last posted, if that is known.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_list_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let last: Option<i64> = self.0.query_row(
            "SELECT MAX(settled_at) FROM outbox WHERE key GLOB 'backup/*' AND state = 'sent'",
            [],
            |row| row.get(0),
        )?;
        Ok(last.map(Timestamp::new))
    }

    /// Returns the photos that are to be fetched, newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn wanted(&self, now: Timestamp, limit: usize) -> Result<Vec<Row>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE state = 'wanted' AND class = 'avatar' AND due_at <= ?1
             ORDER BY created_at DESC, id DESC LIMIT ?2"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<RawRow> = statement
            .query_map([now.get(), limit], RawRow::read)?
            .collect::<Result<_, _>>()?;
        let mut readable = Vec::new();
        for row in rows {
            readable.extend(self.readable(row, now)?);
        }
        Ok(readable)
    }

    /// Returns the reports whose files are to be made, those due by `until` or all of them, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn wanted_reports(
        &self,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE state = 'wanted' AND class = 'report' AND due_at <= ?1 ORDER BY id"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows: Vec<RawRow> = statement
            .query_map([until.map_or(i64::MAX, Timestamp::get)], RawRow::read)?
            .collect::<Result<_, _>>()?;
        let mut readable = Vec::new();
        for row in rows {
            readable.extend(self.readable(row, now)?);
        }
        Ok(readable)
    }

    /// Returns the row to post next: the oldest report, else a photo whose post was begun, else the
    /// newest photo. A kind that rests may be left out.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn next_to_send(
        &self,
        now: Timestamp,
        reports: bool,
        avatars: bool,
    ) -> Result<Option<Row>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE state IN ('fetched', 'sending') AND due_at <= ?1
               AND ((class = 'report' AND ?2) OR (class = 'avatar' AND ?3))
             ORDER BY class = 'report' DESC,
                 CASE WHEN class = 'report' THEN id END,
                 state = 'sending' AND attempts = 0 DESC, created_at DESC, id DESC LIMIT 1"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        loop {
            let found = statement
                .query_row(params![now.get(), reports, avatars], RawRow::read)
                .optional()?;
            let Some(row) = found else { return Ok(None) };
            if let Some(row) = self.readable(row, now)? {
                return Ok(Some(row));
            }
        }
    }

    /// A row that cannot be read is settled, so that it holds up no other.
    fn readable(&self, row: RawRow, now: Timestamp) -> Result<Option<Row>, StoreError> {
        let (id, key) = (row.0.id, row.0.key.clone());
        match row.parse() {
            Ok(row) => Ok(Some(row)),
            Err(error) => {
                tracing::error!(row = id, "dropped from the outbox: {error}");
                self.drop_unreadable(id, &key, now)?;
                Ok(None)
            }
        }
    }

    /// Settles every row whose payload is not even JSON, as a damaged disk may leave it: no other
    /// statement has to reckon with one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drop_damaged(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.0.prepare(
            "SELECT id, key FROM outbox
             WHERE state IN ('wanted', 'fetched', 'sending') AND NOT json_valid(payload)",
        )?;
        let rows: Vec<(i64, String)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (id, key) in rows {
            tracing::error!(row = id, "dropped from the outbox: its payload is damaged");
            self.drop_unreadable(id, &key, now)?;
        }
        Ok(())
    }

    /// Settles a row by what its key says, and with it the join that waits for it.
    fn drop_unreadable(&self, id: i64, key: &str, now: Timestamp) -> Result<(), StoreError> {
        self.note_dropped(id, "unreadable", now)?;
        let mut words = key.split('/').skip(1);
        let group = words.next().and_then(|group| group.parse().ok());
        let user: Option<i64> = words.next().and_then(|user| user.parse().ok());
        if let (Some(group), Some(user)) = (group.and_then(ChannelId::from_bot_api), user) {
            self.0.execute(
                "UPDATE joins SET outcome = 'failed'
                 WHERE group_id = ?1 AND user_id = ?2 AND outcome = 'queued'",
                [group.bare(), user],
            )?;
        }
        Ok(())
    }

    /// Returns when the next row in one of these states falls due, if one is not due yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn next_due(
        &self,
        to_fetch: bool,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        // Two queries, not one with a condition: only so the partial indexes serve.
        let sql = if to_fetch {
            "SELECT MIN(due_at) FROM outbox WHERE state = 'wanted' AND due_at > ?1"
        } else {
            "SELECT MIN(due_at) FROM outbox WHERE state IN ('fetched', 'sending') AND due_at > ?1"
        };
        let due: Option<i64> = self
            .0
            .prepare_cached(sql)?
            .query_row([now.get()], |row| row.get(0))?;
        Ok(due.map(Timestamp::new))
    }

    /// Notes that a file lies in the spool, sealed, ready to be posted. Returns `false` if nobody waits
    /// for it any more.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_fetched(
        &self,
        id: i64,
        spool: &str,
        bytes: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let noted = self
            .0
            .prepare_cached(
                "UPDATE outbox SET state = 'fetched', spool = ?2, spool_bytes = ?3, due_at = ?4, attempts = 0
                 WHERE id = ?1 AND state = 'wanted'",
            )?
            .execute(params![
                id,
                spool,
                i64::try_from(bytes).unwrap_or(i64::MAX),
                now.get()
            ])?;
        Ok(noted == 1)
    }

    /// Notes that a photo has to be fetched (again): its spool file is gone. One that was cancelled meanwhile, file
    /// and all, stays cancelled.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_wanted(&self, id: i64) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE outbox SET state = 'wanted', spool = NULL, spool_bytes = 0, attempts = 0
             WHERE id = ?1 AND state IN ('fetched', 'sending')",
            [id],
        )?;
        Ok(())
    }

    /// Notes that a post is begun, in this channel. From here on only its `random_id` there tells
    /// whether it went through. Returns `false` if it was cancelled meanwhile.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_sending(&self, id: i64, channel: ChannelId) -> Result<bool, StoreError> {
        let begun = self
            .0
            .prepare_cached(
                "UPDATE outbox SET state = 'sending', channel_id = ?2
                 WHERE id = ?1 AND state IN ('fetched', 'sending')",
            )?
            .execute([id, channel.bare()])?;
        Ok(begun == 1)
    }

    /// Notes that the channel a post was begun in does not take posts: it may go another way.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_turned_away(&self, id: i64) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE outbox SET channel_id = NULL, state = 'fetched' WHERE id = ?1",
            [id],
        )?;
        Ok(())
    }

    /// Puts a row off until `due_at`; counted as an attempt in vain if `in_vain`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn put_off(&self, id: i64, due_at: Timestamp, in_vain: bool) -> Result<(), StoreError> {
        self.0
            .prepare_cached(
                "UPDATE outbox SET due_at = ?2, attempts = attempts + ?3 WHERE id = ?1",
            )?
            .execute(params![id, due_at.get(), in_vain])?;
        Ok(())
    }

    /// Settles a row: it is `message` of the private channel.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_sent(&self, id: i64, message: MessageId, now: Timestamp) -> Result<(), StoreError> {
        self.0
            .prepare_cached(
                "UPDATE outbox SET state = 'sent', message_id = ?2, settled_at = ?3, spool = NULL, spool_bytes = 0
                 WHERE id = ?1",
            )?
            .execute(params![id, message.get(), now.get()])?;
        Ok(())
    }

    /// Settles a row: it will not be posted, for this reason.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn note_dropped(&self, id: i64, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        self.0
            .prepare_cached(
                "UPDATE outbox SET state = 'dropped', reason = ?2, settled_at = ?3, spool = NULL, spool_bytes = 0
                 WHERE id = ?1",
            )?
            .execute(params![id, reason, now.get()])?;
        Ok(())
    }

    /// Returns the photos that wait since before `photos`, and the lists that wait since before `lists`, and whose
    /// post was not begun.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn too_old(
        &self,
        (photos, lists): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE state IN ('wanted', 'fetched')
             AND (class = 'avatar' AND created_at < ?1 OR key GLOB 'backup/*' AND created_at < ?2)"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows: Vec<RawRow> = statement
            .query_map([photos.get(), lists.get()], RawRow::read)?
            .collect::<Result<_, _>>()?;
        let mut readable = Vec::new();
        for row in rows {
            readable.extend(self.readable(row, now)?);
        }
        Ok(readable)
    }

    /// Drops reports whose time is over, also one whose post is begun and not proven: it is not to be
    /// posted late. So is one of a time that a clock set back has made the future.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drop_expired(&self, now: Timestamp) -> Result<(), StoreError> {
        self.0
            .prepare_cached(
                "UPDATE outbox SET state = 'dropped', reason = 'outdated', settled_at = ?1
                 WHERE expires_at IS NOT NULL AND state IN ('fetched', 'sending')
                   AND (expires_at <= ?1 OR created_at > ?1 + 60)",
            )?
            .execute([now.get()])?;
        Ok(())
    }

    /// Drops status reports that were not posted: a newer one takes their place.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drop_unsent(&self, key_prefix: &str, now: Timestamp) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE outbox SET state = 'dropped', reason = 'outdated', settled_at = ?2
             WHERE class = 'report' AND state = 'fetched' AND key GLOB ?1",
            params![format!("{key_prefix}*"), now.get()],
        )?;
        Ok(())
    }

    /// Forgets rows that were settled before `oldest`; `forwarded` remembers what matters.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_settled(&self, oldest: Timestamp) -> Result<usize, StoreError> {
        Ok(self
            .0
            .execute("DELETE FROM outbox WHERE settled_at < ?1", [oldest.get()])?)
    }

    /// Forgets the settled photos of a user, or of all: a key that is left behind would make the next
    /// join a repeat.
    pub(super) fn forget_settled_photos(&self, user: Option<UserId>) -> Result<(), StoreError> {
        self.0.execute(
            "DELETE FROM outbox WHERE class = 'avatar' AND state IN ('sent', 'dropped')
             AND (?1 IS NULL OR key GLOB 'avatar/*/' || ?1 || '/*')",
            [user.map(UserId::get)],
        )?;
        Ok(())
    }

    /// Returns how many bytes the photos in the spool take. Lists are few, and take no photo its room.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn spooled_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 = self
            .0
            .prepare_cached(
                "SELECT COALESCE(SUM(spool_bytes), 0) FROM outbox
                 WHERE spool IS NOT NULL AND class = 'avatar'",
            )?
            .query_row([], |row| row.get(0))?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// Returns the rows that have a file in the spool, with its name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn spooled(&self) -> Result<Vec<(i64, String)>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("SELECT id, spool FROM outbox WHERE spool IS NOT NULL")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the photos of `user` for `group` that are owed and not settled.
    pub(super) fn photos_on_their_way(
        &self,
        user: UserId,
        group: ChannelId,
    ) -> Result<Vec<PhotoId>, StoreError> {
        let keys = avatar_keys(user, group);
        let mut statement = self.0.prepare_cached(ON_THEIR_WAY)?;
        let rows = statement.query_map([&keys.start, &keys.end], |row| row.get::<_, String>(0))?;
        let mut photos = Vec::new();
        for row in rows {
            photos.extend(photo_of(&row?));
        }
        Ok(photos)
    }
}

/// A row as SQLite gives it, its payload unread.
struct RawRow(Row, String);

impl RawRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let text: String = row.get("payload")?;
        let row = Row {
            id: row.get("id")?,
            key: row.get("key")?,
            random_id: row.get("random_id")?,
            created_at: Timestamp::new(row.get("created_at")?),
            attempts: row.get("attempts")?,
            payload: Payload::Text {
                text: String::new(),
            },
            spool: row.get("spool")?,
            begun_in: row
                .get::<_, Option<i64>>("channel_id")?
                .map(ChannelId::from_bare),
        };
        Ok(Self(row, text))
    }

    fn parse(self) -> Result<Row, StoreError> {
        Ok(Row {
            payload: parse_payload(&self.1)?,
            ..self.0
        })
    }
}

fn parse_payload(text: &str) -> Result<Payload, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}
