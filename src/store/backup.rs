//! Whole lists, out of the database and into it.

use std::collections::BTreeSet;

use rusqlite::params;

use super::{StoreError, Tx};
use crate::model::{
    BadIds, ChannelId, ExceptIds, ForwardedRecord, JoinRecord, List, ListData, MessageId, PhotoId,
    Timestamp, UserId, Users,
};

impl Tx<'_> {
    /// Returns whether there is nothing in a list, without reading it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_list_empty(&self, list: List) -> Result<bool, StoreError> {
        let tables: &[&str] = match list {
            List::UserIds => &["joins", "forwarded"],
            List::BadIds => &["bad"],
            List::ExceptIds => &["excepted"],
            List::AdminIds => &["admins"],
            List::Words(words) => {
                let mut rules = self
                    .0
                    .prepare_cached("SELECT 1 FROM rules WHERE list = ?1 LIMIT 1")?;
                return Ok(!rules.exists([words.as_str()])?);
            }
        };
        for table in tables {
            let sql = format!("SELECT 1 FROM {table} LIMIT 1");
            if self.0.prepare_cached(&sql)?.exists([])? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns what is in a list. Within one transaction, all lists are of the same moment.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn list(&self, list: List) -> Result<ListData, StoreError> {
        Ok(match list {
            List::UserIds => ListData::Users(Users {
                joins: self.join_records()?,
                forwarded: self.forwarded_records()?,
            }),
            List::BadIds => ListData::Bad(BadIds {
                users: self.ids("SELECT id FROM bad WHERE kind = 'user'", UserId::new)?,
                channels: self.ids(
                    "SELECT id FROM bad WHERE kind = 'channel'",
                    ChannelId::from_bare,
                )?,
            }),
            List::ExceptIds => ListData::Except(ExceptIds {
                photos: self.ids("SELECT photo_id FROM excepted", PhotoId::new)?,
            }),
            List::AdminIds => {
                let mut statement = self.0.prepare("SELECT group_id, user_id FROM admins")?;
                let rows = statement.query_map([], |row| {
                    Ok((ChannelId::from_bare(row.get(0)?), UserId::new(row.get(1)?)))
                })?;
                let mut admins = std::collections::BTreeMap::new();
                for row in rows {
                    let (group, user) = row?;
                    admins
                        .entry(group)
                        .or_insert_with(BTreeSet::new)
                        .insert(user);
                }
                ListData::Admins(admins)
            }
            List::Words(words) => ListData::Rules(self.rules(words)?),
        })
    }

    /// Replaces a list, whole. Joins that still wait for something stay: they are work, not record.
    ///
    /// # Errors
    /// See [`StoreError`]; or the data are of another list.
    pub fn replace_list(
        &self,
        list: List,
        data: &ListData,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match (list, data) {
            (List::UserIds, ListData::Users(users)) => self.replace_users(users),
            (List::BadIds, ListData::Bad(bad)) => {
                self.0.execute("DELETE FROM bad", [])?;
                for user in &bad.users {
                    self.set_bad(crate::model::Bad::User(*user), true, now)?;
                }
                for channel in &bad.channels {
                    self.set_bad(crate::model::Bad::Channel(*channel), true, now)?;
                }
                Ok(())
            }
            (List::ExceptIds, ListData::Except(except)) => {
                self.0.execute("DELETE FROM excepted", [])?;
                for photo in &except.photos {
                    self.set_excepted(*photo, true, now)?;
                }
                Ok(())
            }
            (List::AdminIds, ListData::Admins(admins)) => {
                self.0.execute("DELETE FROM admins", [])?;
                for (group, users) in admins {
                    let users: Vec<UserId> = users.iter().copied().collect();
                    self.replace_admins(*group, &users, now)?;
                }
                Ok(())
            }
            (List::Words(words), ListData::Rules(rules)) => self.replace_rules(words, rules, false),
            _ => Err(StoreError::Unreadable(format!(
                "what was given for {list} is another list"
            ))),
        }
    }

    fn replace_users(&self, users: &Users) -> Result<(), StoreError> {
        self.0.execute(
            "DELETE FROM joins WHERE outcome NOT IN ('lookup', 'queued', 'held')",
            [],
        )?;
        self.0.execute("DELETE FROM forwarded", [])?;
        self.forget_settled_photos(None)?;
        let mut insert = self.0.prepare(
            "INSERT OR IGNORE INTO joins
                 (group_id, message_id, user_id, joined_at, added_by, outcome, seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for join in &users.joins {
            insert.execute(params![
                join.group.bare(),
                join.message.get(),
                join.user.get(),
                join.joined_at.get(),
                join.added_by,
                // What waited then does not wait now.
                match join.outcome.as_str() {
                    "lookup" | "queued" | "held" => "restored",
                    outcome if is_word(outcome) => outcome,
                    _ => "restored",
                },
                join.seen_at.map(Timestamp::get),
            ])?;
        }
        let mut insert = self.0.prepare(
            "INSERT OR IGNORE INTO forwarded
                 (user_id, photo_id, group_id, message_id, sent_at, channel_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for photo in &users.forwarded {
            insert.execute(params![
                photo.user.get(),
                photo.photo.get(),
                photo.group.bare(),
                photo.message.get(),
                photo.sent_at.get(),
                photo.channel.map(ChannelId::bare),
            ])?;
        }
        Ok(())
    }

    fn join_records(&self) -> Result<Vec<JoinRecord>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT group_id, message_id, user_id, joined_at, added_by, outcome, seen_at FROM joins",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(JoinRecord {
                group: ChannelId::from_bare(row.get(0)?),
                message: MessageId::new(row.get(1)?),
                user: UserId::new(row.get(2)?),
                joined_at: Timestamp::new(row.get(3)?),
                added_by: row.get(4)?,
                outcome: row.get(5)?,
                seen_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::new),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn forwarded_records(&self) -> Result<Vec<ForwardedRecord>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT user_id, photo_id, group_id, message_id, sent_at, channel_id FROM forwarded",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(ForwardedRecord {
                user: UserId::new(row.get(0)?),
                photo: PhotoId::new(row.get(1)?),
                group: ChannelId::from_bare(row.get(2)?),
                message: MessageId::new(row.get(3)?),
                sent_at: Timestamp::new(row.get(4)?),
                channel: row.get::<_, Option<i64>>(5)?.map(ChannelId::from_bare),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn ids<T: Ord>(&self, sql: &str, make: impl Fn(i64) -> T) -> Result<BTreeSet<T>, StoreError> {
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0).map(&make))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Whether a file's outcome can be one, of this version or a newer one: it is shown to people as it is.
fn is_word(outcome: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (1..=32).contains(&outcome.len()) && outcome.bytes().all(is_plain)
}
