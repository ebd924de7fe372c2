//! What `status` shows, read within one transaction: groups, queue, jobs, joins, floods, orders.
//!
//! Owns the queries and the shape of their answers; what they mean is for those who ask.

mod queue;

use std::collections::BTreeMap;

use rusqlite::params;
use serde::Serialize;

pub use self::queue::{Dropped, Waiting};
use super::{StoreError, Tx};
use crate::model::{ChannelId, MessageId, Timestamp, UserId, said};

/// A group, and what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSeen {
    /// The group.
    pub id: ChannelId,
    /// Its title.
    pub title: String,
    /// Whether the account is in it.
    pub present: bool,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// The newest message that is known of it.
    pub read_up_to: MessageId,
    /// How many administrators it is known to have.
    pub administrators: u64,
    /// When these were learned.
    pub administrators_at: Option<Timestamp>,
    /// Whether NOSPAM is one of them.
    pub has_nospam: bool,
    /// How many joined since midnight, UTC.
    pub joins_today: u64,
    /// When somebody last joined.
    pub last_join_at: Option<Timestamp>,
    /// When somebody last joined of whom a message told.
    pub last_told_at: Option<Timestamp>,
}

/// What the clock has done of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// When it last ran.
    pub ran_at: Option<Timestamp>,
    /// When it is due next.
    pub next_at: Option<Timestamp>,
}

/// A method of Telegram's that rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resting {
    /// The method.
    pub method: String,
    /// Until when.
    #[serde(serialize_with = "said::time")]
    pub until: Timestamp,
}

/// A group that CAPTCHA says is flooded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flooded {
    /// The group.
    #[serde(serialize_with = "said::channel")]
    pub id: ChannelId,
    /// Since when.
    #[serde(serialize_with = "said::time")]
    pub since: Timestamp,
}

/// Orders that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Who gave them.
    pub sender: String,
    /// What was ordered.
    pub action: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Why not.
    pub why: String,
    /// How many.
    pub count: u64,
}

impl Tx<'_> {
    /// Returns the groups, those that the account is in first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn groups_seen(
        &self,
        nospam: Option<UserId>,
        now: Timestamp,
    ) -> Result<Vec<GroupSeen>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT channel_id, title, present, since, last_message_id, admins_at,
                 (SELECT COUNT(*) FROM admins WHERE group_id = channel_id),
                 EXISTS (SELECT 1 FROM admins WHERE group_id = channel_id AND user_id = ?1),
                 COALESCE(today, 0), last, told
             FROM ledger LEFT JOIN (
                 SELECT group_id, SUM(joined_at >= ?2) AS today, MAX(joined_at) AS last,
                     MAX(CASE WHEN message_id > 0 THEN joined_at END) AS told
                 FROM joins GROUP BY group_id) ON group_id = channel_id
             WHERE kind = 'group' ORDER BY present DESC, channel_id",
        )?;
        let midnight = now.midnight().get();
        let rows = statement.query_map(params![nospam.map(UserId::get), midnight], |row| {
            Ok(GroupSeen {
                id: ChannelId::from_bare(row.get(0)?),
                title: row.get(1)?,
                present: row.get(2)?,
                // 0 in rows that an older version wrote.
                since: Some(row.get(3)?)
                    .filter(|since| *since > 0)
                    .map(Timestamp::new),
                read_up_to: MessageId::new(row.get(4)?),
                administrators_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::new),
                administrators: count(row.get(6)?),
                has_nospam: row.get(7)?,
                joins_today: count(row.get(8)?),
                last_join_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::new),
                last_told_at: row.get::<_, Option<i64>>(10)?.map(Timestamp::new),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns how many joined since midnight, UTC, by what became of them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn joins_today(&self, now: Timestamp) -> Result<BTreeMap<String, u64>, StoreError> {
        self.counted(
            "SELECT outcome, COUNT(*) FROM joins WHERE joined_at >= ?1 GROUP BY outcome",
            now.midnight().get(),
        )
    }

    /// Returns how many joins of any day are not decided on yet, by the word for it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn joins_undecided(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.counted(
            "SELECT outcome, COUNT(*) FROM joins WHERE outcome IN ('lookup', 'held') AND ?1 = 0
             GROUP BY outcome",
            0,
        )
    }

    /// Returns what the clock has done, by job.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn runs_seen(&self) -> Result<BTreeMap<String, Run>, StoreError> {
        let mut statement = self.0.prepare("SELECT job, ran_at, next_at FROM runs")?;
        let rows = statement.query_map([], |row| {
            let run = Run {
                ran_at: row.get::<_, Option<i64>>(1)?.map(Timestamp::new),
                next_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::new),
            };
            Ok((row.get(0)?, run))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the methods that rest, the one that is back first in front.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn methods_resting(&self, now: Timestamp) -> Result<Vec<Resting>, StoreError> {
        let mut statement = self
            .0
            .prepare("SELECT method, until FROM floods WHERE until > ?1 ORDER BY until, method")?;
        let rows = statement.query_map([now.get()], |row| {
            Ok(Resting {
                method: row.get(0)?,
                until: Timestamp::new(row.get(1)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the groups under a flood.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn groups_flooded(&self) -> Result<Vec<Flooded>, StoreError> {
        let mut statement = self
            .0
            .prepare("SELECT group_id, at FROM flooded ORDER BY at, group_id")?;
        let rows = statement.query_map([], |row| {
            Ok(Flooded {
                id: ChannelId::from_bare(row.get(0)?),
                since: Timestamp::new(row.get(1)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns how many orders were obeyed since then, and which were not.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn orders_since(&self, since: Timestamp) -> Result<(u64, Vec<Refused>), StoreError> {
        let obeyed = self.0.query_row(
            "SELECT COUNT(*) FROM orders WHERE at >= ?1 AND verdict = 'obeyed'",
            [since.get()],
            |row| row.get(0),
        )?;
        let mut statement = self.0.prepare(
            "SELECT sender, action, kind, verdict, COUNT(*) FROM orders
             WHERE at >= ?1 AND verdict <> 'obeyed'
             GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4",
        )?;
        let rows = statement.query_map([since.get()], |row| {
            Ok(Refused {
                sender: row.get(0)?,
                action: row.get(1)?,
                kind: row.get(2)?,
                why: row.get(3)?,
                count: count(row.get(4)?),
            })
        })?;
        Ok((count(obeyed), rows.collect::<Result<_, _>>()?))
    }

    fn counted(&self, sql: &str, parameter: i64) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map([parameter], |row| Ok((row.get(0)?, count(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccessHash, AddedBy, Channel, ChannelKind, Join};
    use crate::store::{Outcome, Store};

    pub(super) const NOW: Timestamp = Timestamp::new(1_800_000_000);

    pub(super) fn with_store(check: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        store.transaction(check).expect("done");
    }

    #[test]
    fn a_group_is_seen_with_its_joins_and_administrators() {
        with_store(|tx| {
            let group = ChannelId::from_bare(5);
            let (nospam, message) = (UserId::new(450), MessageId::new);
            tx.note_channel(&Channel {
                id: group,
                access_hash: AccessHash::new(1),
                kind: ChannelKind::Group,
                title: "A group".into(),
                can_post: true,
                since: Timestamp::new(0),
                pts: 1,
                top_message: message(40),
            })?;
            let midnight = NOW.midnight();
            // Yesterday's last, today's first, and one of whom no message told.
            for (index, date) in [(1, midnight.plus(-1)), (2, midnight), (0, NOW)] {
                let join = Join {
                    group,
                    message: message(index),
                    user: UserId::new(7),
                    added_by: AddedBy::Themselves,
                    date,
                };
                tx.record_join(&join, Outcome::Held, NOW)?;
            }
            let seen = tx.groups_seen(Some(nospam), NOW)?.remove(0);
            assert_eq!((seen.joins_today, seen.last_join_at), (2, Some(NOW)));
            assert_eq!(seen.last_told_at, Some(midnight));
            assert_eq!((seen.since, seen.administrators_at), (None, None));
            assert!(!seen.has_nospam);
            assert_eq!(tx.joins_today(NOW)?, BTreeMap::from([("held".into(), 2)]));
            assert_eq!(tx.joins_undecided()?, BTreeMap::from([("held".into(), 3)]));

            tx.replace_admins(group, &[nospam, UserId::new(8)], NOW)?;
            let seen = tx.groups_seen(Some(nospam), NOW)?.remove(0);
            assert_eq!((seen.administrators, seen.has_nospam), (2, true));
            assert!(!tx.groups_seen(None, NOW)?.remove(0).has_nospam);
            Ok(())
        });
    }

    #[test]
    fn a_limit_that_is_over_is_none() {
        with_store(|tx| {
            tx.remember_flood("past", NOW)?;
            tx.remember_flood("present", NOW.plus(1))?;
            let resting = tx.methods_resting(NOW)?;
            let resting: Vec<_> = resting.iter().map(|row| row.method.as_str()).collect();
            assert_eq!(resting, ["present"]);
            Ok(())
        });
    }
}
