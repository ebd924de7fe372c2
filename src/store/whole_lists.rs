//! Whole lists: reading one for a backup, and replacing one by a rollback or restore.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use super::{ReadTx, StoreError, Tx};
use crate::model::{
    BadEntry, BadIds, ChannelId, ExceptIds, JoinOutcome, List, ListData, ListSource, MessageId,
    PhotoId, Timestamp, UserId, UserIds,
};

impl ReadTx<'_> {
    /// Returns true if a list is empty, without reading all of it.
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
                    .db
                    .prepare_cached("SELECT 1 FROM rules WHERE list = ?1 LIMIT 1")?;
                return Ok(!rules.exists([words.as_str()])?);
            }
        };
        for table in tables {
            let sql = format!("SELECT 1 FROM {table} LIMIT 1");
            if self.db.prepare_cached(&sql)?.exists([])? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the content of a list. Within one transaction, all lists are of the same moment.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn list(&self, list: List) -> Result<ListData, StoreError> {
        Ok(match list {
            List::UserIds => ListData::Users(UserIds {
                joins: self.joins().collect::<Result<_, _>>()?,
                forwarded: self.forwarded().collect::<Result<_, _>>()?,
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
                let mut statement = self.db.prepare("SELECT group_id, user_id FROM admins")?;
                let rows = statement.query_map([], |row| {
                    Ok((ChannelId::from_bare(row.get(0)?), UserId::new(row.get(1)?)))
                })?;
                let mut admins = BTreeMap::new();
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

    fn ids<T: Ord>(&self, sql: &str, make: impl Fn(i64) -> T) -> Result<BTreeSet<T>, StoreError> {
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0).map(&make))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Replaces the whole content of a list. Joins that are not settled stay: they are work, not records.
    ///
    /// # Errors
    /// See [`StoreError`]; or the data belong to another list.
    pub fn replace_list(
        &self,
        list: List,
        data: &ListData,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match (list, data) {
            (List::UserIds, ListData::Users(users)) => {
                self.replace_users(users)?;
                self.set_all_users_cleared(now)
            }
            (List::BadIds, ListData::Bad(bad)) => {
                self.db.execute("DELETE FROM bad", [])?;
                for user in &bad.users {
                    self.set_bad(BadEntry::User(*user), true, now)?;
                }
                for channel in &bad.channels {
                    self.set_bad(BadEntry::Channel(*channel), true, now)?;
                }
                Ok(())
            }
            (List::ExceptIds, ListData::Except(exceptions)) => {
                self.db.execute("DELETE FROM excepted", [])?;
                for photo in &exceptions.photos {
                    self.set_excepted(*photo, true, now)?;
                }
                Ok(())
            }
            (List::AdminIds, ListData::Admins(admins)) => {
                // A group that the file lacks has unknown administrators, not none.
                self.db.execute("DELETE FROM admins", [])?;
                self.db.execute("UPDATE ledger SET admins_at = NULL", [])?;
                for (group, users) in admins {
                    let users: Vec<UserId> = users.iter().copied().collect();
                    self.replace_admins(*group, &users, now)?;
                }
                Ok(())
            }
            (List::Words(words), ListData::Rules(rules)) => self.replace_rules(words, rules, false),
            _ => Err(StoreError::WrongList(list)),
        }
    }

    fn replace_users(&self, users: &UserIds) -> Result<(), StoreError> {
        self.forget_settled_joins(Timestamp::new(i64::MIN))?;
        self.db.execute("DELETE FROM forwarded", [])?;
        self.forget_settled_photos(None)?;
        let mut insert = self.db.prepare(
            "INSERT OR IGNORE INTO joins
                 (group_id, message_id, user_id, joined_at, added_by, outcome, seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for join in &users.joins {
            let message = if join.message.get() == 0 {
                MessageId::unseen(join.joined_at)
            } else {
                join.message
            };
            insert.execute(params![
                join.group.bare(),
                message.get(),
                join.user.get(),
                join.joined_at.get(),
                join.added_by,
                // A join that waited when the list was saved does not wait any more.
                if join.outcome.is_waiting() {
                    JoinOutcome::Restored
                } else {
                    join.outcome
                },
                join.seen_at.map(Timestamp::get),
            ])?;
        }
        let mut insert = self.db.prepare(
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
}
