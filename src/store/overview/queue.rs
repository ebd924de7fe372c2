//! The outbox as `status` shows it: what waits, by class, state and age; what was posted and dropped.

use std::collections::BTreeMap;

use serde::Serialize;

use super::count;
use crate::model::{Timestamp, said};
use crate::store::{StoreError, Tx};

/// What waits in the outbox, of one class in one state, by age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// `reports`, `lists` or `avatars`.
    pub class: String,
    /// `wanted`, `fetched` or `sending`.
    pub state: String,
    /// How many wait for less than a minute.
    pub under_a_minute: u64,
    /// How many for less than an hour, and not less than a minute.
    pub under_an_hour: u64,
    /// How many for less than a day, and not less than an hour.
    pub under_a_day: u64,
    /// How many for longer.
    pub older: u64,
    /// How many there are.
    pub total: u64,
    /// Since when the oldest waits.
    #[serde(serialize_with = "said::time")]
    pub oldest_at: Timestamp,
}

/// What was not posted, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// `reports`, `lists` or `avatars`.
    pub class: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// A row's class as a maintainer knows it: lists are reports that have to be made.
const CLASS: &str = "CASE WHEN class = 'avatar' THEN 'avatars'
    WHEN key GLOB 'backup/*' THEN 'lists' ELSE 'reports' END";

impl Tx<'_> {
    /// Returns what waits in the outbox.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn waiting_by_age(&self, now: Timestamp) -> Result<Vec<Waiting>, StoreError> {
        let sql = format!(
            "SELECT {CLASS} AS told, state, SUM(created_at > ?1 - 60),
                 SUM(created_at > ?1 - 3600), SUM(created_at > ?1 - 86400), COUNT(*), MIN(created_at)
             FROM outbox WHERE state IN ('wanted', 'fetched', 'sending')
             GROUP BY told, state ORDER BY told DESC, state = 'sending', state = 'fetched'"
        );
        let mut statement = self.0.prepare(&sql)?;
        let rows = statement.query_map([now.get()], |row| {
            let up_to: [i64; 4] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
            Ok(Waiting {
                class: row.get(0)?,
                state: row.get(1)?,
                under_a_minute: count(up_to[0]),
                under_an_hour: count(up_to[1] - up_to[0]),
                under_a_day: count(up_to[2] - up_to[1]),
                older: count(up_to[3] - up_to[2]),
                total: count(up_to[3]),
                oldest_at: Timestamp::new(row.get(6)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns what was dropped since then, by reason.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn dropped_since(&self, since: Timestamp) -> Result<Vec<Dropped>, StoreError> {
        let sql = format!(
            "SELECT {CLASS} AS told, COALESCE(reason, 'unknown'), COUNT(*) FROM outbox
             WHERE state = 'dropped' AND settled_at >= ?1 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
        );
        let mut statement = self.0.prepare(&sql)?;
        let rows = statement.query_map([since.get()], |row| {
            Ok(Dropped {
                class: row.get(0)?,
                reason: row.get(1)?,
                count: count(row.get(2)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns how many posts of each class were sent since then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn sent_since(&self, since: Timestamp) -> Result<BTreeMap<String, u64>, StoreError> {
        let sql = format!(
            "SELECT {CLASS} AS told, COUNT(*) FROM outbox
             WHERE state = 'sent' AND settled_at >= ?1 GROUP BY 1"
        );
        self.counted(&sql, since.get())
    }

    /// Returns how many users' photos are yet to be put on the exception list or taken off it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_exceptions_due(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM exceptions_due";
        Ok(count(self.0.query_row(sql, [], |row| row.get(0))?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, with_store};
    use crate::model::{Avatar, ChannelId, MessageId, Payload, Photo, PhotoId, UserId};

    const DAY: i64 = 24 * 3600;

    #[test]
    fn what_waits_is_counted_once_by_class_state_and_age() {
        with_store(|tx| {
            let text = Payload::Text { text: "x".into() };
            for (index, age) in [0, 59, 60, 3_599, 3_600, DAY - 1, DAY, 9 * DAY]
                .iter()
                .enumerate()
            {
                tx.enqueue_report(&format!("online/{index}"), &text, NOW.plus(-age))?;
            }
            tx.enqueue_wanted_report("backup/bad_ids/1", &text, NOW)?;
            let avatar = Avatar {
                group: ChannelId::from_bare(5),
                user: UserId::new(6),
                message: MessageId::new(7),
                recheck: false,
                photo: Photo {
                    id: PhotoId::new(8),
                    dc: 2,
                },
            };
            tx.enqueue_avatar(&avatar, NOW)?;
            let waiting = tx.waiting_by_age(NOW)?;
            let counts: Vec<_> = waiting
                .iter()
                .map(|row| {
                    let ages = [
                        row.under_a_minute,
                        row.under_an_hour,
                        row.under_a_day,
                        row.older,
                    ];
                    (row.class.as_str(), row.state.as_str(), ages, row.total)
                })
                .collect();
            assert_eq!(
                counts,
                [
                    ("reports", "fetched", [2, 2, 2, 2], 8),
                    ("lists", "wanted", [1, 0, 0, 0], 1),
                    ("avatars", "wanted", [1, 0, 0, 0], 1),
                ]
            );
            assert_eq!(waiting[0].oldest_at, NOW.plus(-9 * DAY));

            let photo = &tx.wanted(NOW, 9)?[0];
            tx.note_dropped(photo.id, "expired", NOW.plus(-DAY))?;
            let list = &tx.wanted_reports(None, NOW)?[0];
            tx.note_dropped(list.id, "failed", NOW.plus(-DAY - 1))?;
            let dropped = tx.dropped_since(NOW.plus(-DAY))?;
            let dropped: Vec<_> = dropped
                .iter()
                .map(|row| (row.reason.as_str(), row.count))
                .collect();
            assert_eq!(dropped, [("expired", 1)]);
            Ok(())
        });
    }
}
