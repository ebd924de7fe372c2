//! The channels of the account: how far each was read, and its administrators.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension as _, Row, params};

use super::{ReadTx, StoreError, Tx};
use crate::model::{
    AccessHash, Advance, Channel, ChannelId, ChannelKind, GroupClass, MessageId, Timestamp, UserId,
};

/// The result of recording a channel that the list of dialogs shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The ledger lacked the channel.
    New,
    /// The account left the channel and entered it again.
    EnteredAgain,
    /// The account has been in the channel since the ledger knows it.
    Known,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownChannel {
    /// The channel as it was last seen; `pts` and `top_message` say how far it was read.
    pub channel: Channel,
    /// True if the account is in it.
    pub present: bool,
    /// When the administrators were last fetched.
    pub admins_at: Option<Timestamp>,
    /// How the group shows its joins.
    pub class: GroupClass,
    /// True if every message up to `channel.top_message` was read. Otherwise that is an estimate of where to begin.
    pub is_position_exact: bool,
}

/// The result of an attempt to move a channel's `pts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvanceOutcome {
    /// The `pts` moved: the page is to be applied.
    Advanced,
    /// The page is behind the stored `pts`: it was applied before, or a dialog sync adopted a later `pts`.
    AlreadyApplied,
    /// The page does not follow the stored `pts`: the channel has to be pulled.
    Gap,
    UnknownChannel,
}

/// The columns that [`read`] reads, by their numbers: to look for a name takes longer than to read the value.
const COLUMNS: &str = "channel_id, access_hash, kind, title, can_post, since, pts, last_message_id, present, admins_at, class,
    is_position_exact";

impl ReadTx<'_> {
    /// Returns a channel, also one that the account has left.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn channel(&self, id: ChannelId) -> Result<Option<KnownChannel>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM ledger WHERE channel_id = ?1");
        Ok(self
            .db
            .prepare_cached(&sql)?
            .query_row([id.bare()], read)
            .optional()?)
    }

    /// Returns every channel that the account is in.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn channels(&self) -> Result<Vec<KnownChannel>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM ledger WHERE present ORDER BY channel_id");
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the titles of all channels, also of those that the account has left.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn titles(&self) -> Result<BTreeMap<ChannelId, String>, StoreError> {
        let mut statement = self.db.prepare("SELECT channel_id, title FROM ledger")?;
        let rows = statement.query_map([], |row| {
            Ok((ChannelId::from_bare(row.get(0)?), row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the time at which this account joined a channel; 0 for an unknown channel.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn watched_since(&self, id: ChannelId) -> Result<Timestamp, StoreError> {
        Ok(self
            .channel(id)?
            .map_or(Timestamp::new(0), |known| known.channel.since))
    }

    /// Returns from when on the members of a group are of interest; 0 for an unknown channel.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn watched_from(&self, id: ChannelId) -> Result<Timestamp, StoreError> {
        let from = self
            .db
            .prepare_cached("SELECT watched_from FROM ledger WHERE channel_id = ?1")?
            .query_row([id.bare()], |row| row.get(0))
            .optional()?;
        Ok(Timestamp::new(from.unwrap_or(0)))
    }

    /// Returns the administrators of one group.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn admins_of(&self, group: ChannelId) -> Result<BTreeSet<UserId>, StoreError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT user_id FROM admins WHERE group_id = ?1")?;
        let rows = statement.query_map([group.bare()], |row| row.get(0).map(UserId::new))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns true if a user is an administrator of any group that the account is in.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_admin_anywhere(&self, user: UserId) -> Result<bool, StoreError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM admins JOIN ledger ON group_id = channel_id
                 WHERE user_id = ?1 AND present)",
            )?
            .query_row([user.get()], |row| row.get(0))?)
    }
}

impl Tx<'_> {
    /// Records a channel as the list of dialogs shows it. How far a known channel was read stays; a new one counts as
    /// read up to its newest message.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_channel(&self, channel: &Channel) -> Result<Recorded, StoreError> {
        let recorded = match self.channel(channel.id)? {
            None => Recorded::New,
            Some(known) if known.was_left(channel) => Recorded::EnteredAgain,
            Some(_) => Recorded::Known,
        };
        let class = if channel.kind == ChannelKind::Unsupported {
            "none"
        } else {
            "announced"
        };
        self.db
            .prepare_cached(
                "INSERT INTO ledger
                     (channel_id, access_hash, kind, title, present, can_post, since, pts, last_message_id, class,
                     is_position_exact)
                 VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9, ?8 > 0)
                 ON CONFLICT (channel_id) DO UPDATE SET access_hash = excluded.access_hash,
                     kind = excluded.kind, title = excluded.title, present = 1, left_at = NULL, can_post = excluded.can_post,
                     since = excluded.since,
                     class = iif('none' IN (class, excluded.class), excluded.class, class)
                 -- Known channels are recorded every minute: without a change, nothing is written.
                 WHERE access_hash IS NOT excluded.access_hash OR kind IS NOT excluded.kind
                     OR title IS NOT excluded.title OR NOT present OR can_post IS NOT excluded.can_post
                     OR since IS NOT excluded.since
                     OR (class IS NOT excluded.class AND 'none' IN (class, excluded.class))",
            )?
            .execute(params![
                channel.id.bare(),
                channel.access_hash.get(),
                match channel.kind {
                    ChannelKind::Group | ChannelKind::Unsupported => "group",
                    ChannelKind::Broadcast => "broadcast",
                },
                channel.title,
                channel.can_post,
                channel.since.get(),
                channel.pts,
                channel.top_message.get(),
                class,
            ])?;
        Ok(recorded)
    }

    /// Records that the account entered a channel at this time, if the ledger has an earlier one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_since(&self, id: ChannelId, since: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached("UPDATE ledger SET since = ?2 WHERE channel_id = ?1 AND since < ?2")?
            .execute(params![id.bare(), since.get()])?;
        Ok(())
    }

    /// Counts a message that cannot be read, and continues the reading after it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn step_over_message(&self, id: ChannelId, message: MessageId) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE ledger SET last_message_id = ?2, unreadable_messages = unreadable_messages + 1
             WHERE channel_id = ?1 AND last_message_id < ?2",
            params![id.bare(), message.get()],
        )?;
        Ok(())
    }

    /// Counts an event that cannot be read as a message, and continues the reading after it. A new or edited message
    /// moves `pts` by one; its id is unknown. Changes nothing if the channel moved past `pts` in the meantime.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn step_over_event(&self, id: ChannelId, pts: i32) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE ledger SET pts = pts + 1, unreadable_messages = unreadable_messages + 1, is_position_exact = 0
             WHERE channel_id = ?1 AND pts = ?2",
            params![id.bare(), pts],
        )?;
        Ok(())
    }

    /// Counts messages that were deleted before they were read.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_deleted_unread(&self, id: ChannelId, messages: u32) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE ledger SET deleted_unread = deleted_unread + ?2 WHERE channel_id = ?1",
            )?
            .execute([id.bare(), messages.into()])?;
        Ok(())
    }

    /// Records from when on the members of a group are of interest who joined without a message.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_watched_from(&self, id: ChannelId, from: Timestamp) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE ledger SET watched_from = ?2 WHERE channel_id = ?1",
            [id.bare(), from.get()],
        )?;
        Ok(())
    }

    /// Sets how far a channel was read: up to `pts`, and up to `message`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_position(
        &self,
        id: ChannelId,
        pts: i32,
        message: MessageId,
    ) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE ledger SET pts = ?2, last_message_id = ?3, is_position_exact = 0 WHERE channel_id = ?1",
            params![id.bare(), pts, message.get()],
        )?;
        Ok(())
    }

    /// Records that the account has left a channel, or was removed from it, which the program finds at `now`. How far the
    /// channel was read is kept.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_absent(&self, id: ChannelId, now: Timestamp) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE ledger SET present = 0, left_at = ?2 WHERE channel_id = ?1 AND present",
            [id.bare(), now.get()],
        )?;
        Ok(())
    }

    /// Moves a channel's `pts` and newest message, if the step follows the stored `pts`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn advance(
        &self,
        id: ChannelId,
        advance: Advance,
        last_message: Option<MessageId>,
    ) -> Result<AdvanceOutcome, StoreError> {
        let Some(known) = self.channel(id)? else {
            return Ok(AdvanceOutcome::UnknownChannel);
        };
        let stored = known.channel.pts;
        let to = match advance {
            Advance::Pushed { to, .. } if to <= stored => {
                return Ok(AdvanceOutcome::AlreadyApplied);
            }
            Advance::Pushed { to, count } if to.checked_sub(count) != Some(stored) => {
                return Ok(AdvanceOutcome::Gap);
            }
            Advance::Pulled { from, .. } if from != stored => return Ok(AdvanceOutcome::Gap),
            Advance::Pushed { to, .. } | Advance::Pulled { to, .. } | Advance::Adopted { to } => to,
            Advance::ByMessageIds => stored,
        };
        self.db
            .prepare_cached(
                "UPDATE ledger SET pts = ?2, last_message_id = MAX(last_message_id, ?3),
                     is_position_exact = is_position_exact OR ?4 WHERE channel_id = ?1",
            )?
            .execute(params![
                id.bare(),
                to,
                last_message.map_or(0, MessageId::get),
                match advance {
                    Advance::Adopted { .. } => true,
                    Advance::Pushed { .. } | Advance::Pulled { .. } => last_message.is_some(),
                    Advance::ByMessageIds => false,
                },
            ])?;
        Ok(AdvanceOutcome::Advanced)
    }

    /// Adds administrators to those that are stored of a group. Nothing is added if none were read yet: the whole list
    /// is still unknown then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn add_admins(&self, group: ChannelId, admins: &[UserId]) -> Result<(), StoreError> {
        let mut statement = self.db.prepare_cached(
            "INSERT OR IGNORE INTO admins SELECT ?1, ?2
             WHERE EXISTS (SELECT 1 FROM ledger WHERE channel_id = ?1 AND admins_at IS NOT NULL)",
        )?;
        for admin in admins {
            statement.execute([group.bare(), admin.get()])?;
        }
        Ok(())
    }

    /// Replaces a group's administrators.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn replace_admins(
        &self,
        group: ChannelId,
        admins: &[UserId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.db
            .execute("DELETE FROM admins WHERE group_id = ?1", [group.bare()])?;
        let mut insert = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO admins VALUES (?1, ?2)")?;
        for admin in admins {
            insert.execute([group.bare(), admin.get()])?;
        }
        self.db.execute(
            "UPDATE ledger SET admins_at = ?2 WHERE channel_id = ?1",
            [group.bare(), now.get()],
        )?;
        Ok(())
    }
}

impl KnownChannel {
    /// Reports whether the account left the channel, which the list of dialogs shows now, and entered it again.
    fn was_left(&self, listed: &Channel) -> bool {
        let since = self.channel.since;
        // Rows of layout 1 have no time, and a turned gigagroup was not read.
        (since.get() > 0 && listed.since > since)
            || (since.get() == 0 && !self.present)
            || (self.channel.kind == ChannelKind::Unsupported
                && listed.kind != ChannelKind::Unsupported)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<KnownChannel> {
    let (kind, class): (String, String) = (row.get(2)?, row.get(10)?);
    Ok(KnownChannel {
        channel: Channel {
            id: ChannelId::from_bare(row.get(0)?),
            access_hash: AccessHash::new(row.get(1)?),
            // A CHECK of the table allows only these two words.
            kind: match kind.as_str() {
                "group" if class == "none" => ChannelKind::Unsupported,
                "group" => ChannelKind::Group,
                _ => ChannelKind::Broadcast,
            },
            title: row.get(3)?,
            can_post: row.get(4)?,
            since: Timestamp::new(row.get(5)?),
            pts: row.get(6)?,
            top_message: MessageId::new(row.get(7)?),
            member_count: None,
        },
        present: row.get(8)?,
        admins_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::new),
        class: GroupClass::from_word(&class),
        is_position_exact: row.get(11)?,
    })
}
