//! The queries of `status` and of the status report, each within one transaction: groups, joins, jobs, rate limits,
//! group floods and orders. The names of serialized fields are those of the JSON output (docs/json-output.md).

mod figures;
pub(super) mod group_records;
mod load_figures;
pub(super) mod outbox_counts;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::group_records::GroupRecord;
pub use self::load_figures::LoadFigures;
pub use self::outbox_counts::{DroppedCount, GivenUp, WaitingCount};
use super::{ReadTx, StoreError};
use crate::model::{ChannelId, JoinOutcome, Timestamp, as_json};

/// The last and the next run of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobTimes {
    pub ran_at: Option<Timestamp>,
    pub next_at: Option<Timestamp>,
}

/// A method that Telegram rate-limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitedMethod {
    pub method: String,
    #[serde(serialize_with = "as_json::time")]
    pub until: Timestamp,
}

/// A group under a group flood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FloodedGroup {
    #[serde(serialize_with = "as_json::channel")]
    pub id: ChannelId,
    #[serde(serialize_with = "as_json::time")]
    pub since: Timestamp,
}

/// The number of orders that were obeyed, and those that were refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    pub obeyed: u64,
    pub refused: Vec<RefusedOrders>,
}

/// Orders of one kind that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedOrders {
    pub sender: String,
    pub action: String,
    /// The envelope's type.
    #[serde(rename = "type")]
    pub kind: String,
    pub why: String,
    pub count: u64,
}

/// Steps from one outcome to the next, and reads today's part of each in the index over outcomes and times.
pub(super) const JOINS_TODAY: &str = "
WITH RECURSIVE outcomes (word) AS (
    SELECT MIN(outcome) FROM joins
    UNION ALL SELECT (SELECT MIN(outcome) FROM joins WHERE outcome > word) FROM outcomes WHERE word IS NOT NULL
)
SELECT word, (SELECT COUNT(*) FROM joins WHERE outcome = word AND joined_at >= ?1)
FROM outcomes WHERE word IS NOT NULL";

pub(super) const JOINS_FOUND_TODAY: &str =
    "SELECT COALESCE(found_by, 'unknown'), COUNT(*) FROM joins WHERE joined_at >= ?1 GROUP BY 1";

impl ReadTx<'_> {
    /// Returns the number of joins since midnight, UTC, by outcome.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn joins_today(&self, now: Timestamp) -> Result<BTreeMap<JoinOutcome, u64>, StoreError> {
        let mut statement = self.db.prepare_cached(JOINS_TODAY)?;
        let rows = statement.query_map([now.midnight().get()], |row| {
            Ok((row.get(0)?, count(row.get(1)?)))
        })?;
        let mut joins = BTreeMap::new();
        for row in rows {
            let (outcome, count): (JoinOutcome, u64) = row?;
            if count > 0 {
                // Words that this version does not know are one outcome.
                *joins.entry(outcome).or_default() += count;
            }
        }
        Ok(joins)
    }

    /// Returns the number of joins since midnight, UTC, by the word for the way in which each was found, or `unknown`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn joins_found_today(&self, now: Timestamp) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut statement = self.db.prepare_cached(JOINS_FOUND_TODAY)?;
        let rows = statement.query_map([now.midnight().get()], |row| {
            Ok((row.get(0)?, count(row.get(1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the number of joins with this outcome.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_joins(&self, outcome: JoinOutcome) -> Result<u64, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT COUNT(*) FROM joins WHERE outcome = ?1")?
            .query_row([outcome], |row| row.get(0).map(count))?)
    }

    /// Returns the last and the next run of every job, by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn job_times(&self) -> Result<BTreeMap<String, JobTimes>, StoreError> {
        let mut statement = self.db.prepare("SELECT job, ran_at, next_at FROM runs")?;
        let rows = statement.query_map([], |row| {
            let times = JobTimes {
                ran_at: row.get::<_, Option<i64>>(1)?.map(Timestamp::new),
                next_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::new),
            };
            Ok((row.get(0)?, times))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the methods that Telegram rate-limits; those whose limit ends first come first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn limited_methods(&self, now: Timestamp) -> Result<Vec<LimitedMethod>, StoreError> {
        let mut statement = self
            .db
            .prepare("SELECT method, until FROM floods WHERE until > ?1 ORDER BY until, method")?;
        let rows = statement.query_map([now.get()], |row| {
            Ok(LimitedMethod {
                method: row.get(0)?,
                until: Timestamp::new(row.get(1)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the groups under a group flood, the oldest flood first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn flooded_groups(&self) -> Result<Vec<FloodedGroup>, StoreError> {
        let mut statement = self
            .db
            .prepare("SELECT group_id, at FROM flooded ORDER BY at, group_id")?;
        let rows = statement.query_map([], |row| {
            Ok(FloodedGroup {
                id: ChannelId::from_bare(row.get(0)?),
                since: Timestamp::new(row.get(1)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the orders since then, by verdict.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn order_counts(&self, since: Timestamp) -> Result<OrderCounts, StoreError> {
        let obeyed = self
            .db
            .prepare_cached("SELECT COUNT(*) FROM orders WHERE at >= ?1 AND verdict = 'obeyed'")?
            .query_row([since.get()], |row| row.get(0).map(count))?;
        let mut statement = self.db.prepare_cached(
            "SELECT sender, action, kind, verdict, COUNT(*) FROM orders
             WHERE at >= ?1 AND verdict NOT IN ('obeyed', 'copy')
             GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4",
        )?;
        let rows = statement.query_map([since.get()], |row| {
            Ok(RefusedOrders {
                sender: row.get(0)?,
                action: row.get(1)?,
                kind: row.get(2)?,
                why: row.get(3)?,
                count: count(row.get(4)?),
            })
        })?;
        Ok(OrderCounts {
            obeyed,
            refused: rows.collect::<Result<_, _>>()?,
        })
    }
}

fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, Tx};

    pub(super) const NOW: Timestamp = Timestamp::new(1_800_000_000);

    pub(super) fn with_store(check: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        store.write(check).expect("done");
    }

    #[test]
    fn a_rate_limit_that_is_over_is_not_listed() {
        with_store(|tx| {
            tx.set_rate_limit("past", NOW)?;
            tx.set_rate_limit("present", NOW.plus(1))?;
            let limited = tx.limited_methods(NOW)?;
            let limited: Vec<_> = limited.iter().map(|row| row.method.as_str()).collect();
            assert_eq!(limited, ["present"]);
            Ok(())
        });
    }
}
