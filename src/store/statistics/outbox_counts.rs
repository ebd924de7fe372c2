//! The outbox as `status` shows it: the rows that wait, by class, state and age; and the rows that were settled.

use std::collections::BTreeMap;

use serde::Serialize;

use super::count;
use crate::model::{Timestamp, as_json};
use crate::store::{ReadTx, StoreError};

/// The rows of one class and state that wait, by age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingCount {
    /// `reports`, `lists` or `avatars`.
    pub class: String,
    /// `wanted`, `fetched` or `sending`.
    pub state: String,
    /// Rows younger than a minute.
    pub under_a_minute: u64,
    /// Rows younger than an hour, and not younger than a minute.
    pub under_an_hour: u64,
    /// Rows younger than a day, and not younger than an hour.
    pub under_a_day: u64,
    /// All other rows.
    pub older: u64,
    pub total: u64,
    /// When the oldest row was enqueued.
    #[serde(serialize_with = "as_json::time")]
    pub oldest_at: Timestamp,
}

/// The rows of one class that were dropped for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DroppedCount {
    /// `reports`, `lists` or `avatars`.
    pub class: String,
    pub reason: String,
    pub count: u64,
}

/// The photos that were dropped although no order or decision said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GivenUp {
    /// Photos that waited longer than `delivery.max_age_hours`.
    pub expired: u64,
    /// Photos that could not be downloaded or posted.
    pub failed: u64,
}

/// Counts the photos that were dropped since a time, by the outcomes of their joins. A `+` keeps SQLite from reading the
/// index over states, which has all dropped photos.
pub(in crate::store) const GIVEN_UP: &str = "
SELECT COALESCE(SUM(outcome = 'expired'), 0), COALESCE(SUM(outcome = 'failed'), 0)
FROM outbox o JOIN joins j ON j.group_id = o.group_id AND j.message_id = o.join_message_id AND j.user_id = o.user_id
WHERE o.settled_at >= ?1 AND +o.state = 'dropped' AND +o.kind = 'avatar'";

/// The class of a row in the output.
const CLASS: &str =
    "CASE kind WHEN 'avatar' THEN 'avatars' WHEN 'list' THEN 'lists' ELSE 'reports' END";

/// The unary `+` prevents SQLite from using an index on `state`, which has the rows of a week.
pub(in crate::store) fn sent() -> String {
    format!(
        "SELECT {CLASS} AS shown, COUNT(*) FROM outbox
         WHERE +state = 'sent' AND settled_at >= ?1 GROUP BY 1"
    )
}

pub(in crate::store) fn dropped() -> String {
    format!(
        "SELECT {CLASS} AS shown, COALESCE(reason, 'unknown'), COUNT(*) FROM outbox
         WHERE +state = 'dropped' AND settled_at >= ?1 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    )
}

impl ReadTx<'_> {
    /// Returns the rows that wait, by class, state and age.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn waiting_counts(&self, now: Timestamp) -> Result<Vec<WaitingCount>, StoreError> {
        let sql = format!(
            "SELECT {CLASS} AS shown, state, SUM(created_at > ?1 - 60),
                 SUM(created_at > ?1 - 3600), SUM(created_at > ?1 - 86400), COUNT(*), MIN(created_at)
             FROM outbox WHERE state IN ('wanted', 'fetched', 'sending')
             GROUP BY shown, state ORDER BY shown DESC, state = 'sending', state = 'fetched'"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([now.get()], |row| {
            let up_to: [i64; 4] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
            Ok(WaitingCount {
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

    /// Returns the rows that were dropped since then, by class and reason.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn dropped_counts(&self, since: Timestamp) -> Result<Vec<DroppedCount>, StoreError> {
        let mut statement = self.db.prepare_cached(&dropped())?;
        let rows = statement.query_map([since.get()], |row| {
            Ok(DroppedCount {
                class: row.get(0)?,
                reason: row.get(1)?,
                count: count(row.get(2)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the number of photos that were given up since then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn given_up(&self, since: Timestamp) -> Result<GivenUp, StoreError> {
        let mut statement = self.db.prepare_cached(GIVEN_UP)?;
        Ok(statement.query_row([since.get()], |row| {
            Ok(GivenUp {
                expired: count(row.get(0)?),
                failed: count(row.get(1)?),
            })
        })?)
    }

    /// Returns the number of posts since then, by class.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn sent_counts(&self, since: Timestamp) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut statement = self.db.prepare_cached(&sent())?;
        let rows =
            statement.query_map([since.get()], |row| Ok((row.get(0)?, count(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the number of users whose current photo is to be looked up for the exception list.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_exceptions_due(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM exceptions_due";
        Ok(self.db.query_row(sql, [], |row| row.get(0).map(count))?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, with_store};
    use crate::model::{Avatar, ChannelId, List, MessageId, Photo, PhotoId, Purpose, UserId};

    const DAY: i64 = 24 * 3600;

    #[test]
    fn waiting_rows_are_counted_once_by_class_state_and_age() {
        with_store(|tx| {
            for age in [0, 59, 60, 3_599, 3_600, DAY - 1, DAY, 9 * DAY] {
                tx.enqueue_text(Purpose::Online, "x", NOW.plus(-age))?;
            }
            tx.enqueue_list(List::BadIds, "x", NOW)?;
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
            let waiting = tx.waiting_counts(NOW)?;
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

            let photo = &tx.avatars_to_fetch(NOW, 9)?[0];
            tx.set_dropped(photo.id, "expired", NOW.plus(-DAY))?;
            let list = &tx.lists_to_make(None)?[0];
            tx.set_dropped(list.id, "failed", NOW.plus(-DAY - 1))?;
            let dropped = tx.dropped_counts(NOW.plus(-DAY))?;
            let dropped: Vec<_> = dropped
                .iter()
                .map(|row| (row.reason.as_str(), row.count))
                .collect();
            assert_eq!(dropped, [("expired", 1)]);
            Ok(())
        });
    }
}
