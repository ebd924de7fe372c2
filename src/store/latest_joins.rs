//! The latest recorded joins, for the command `joins`.
//!
//! Each query reads an index in the order of time, so that it ends with the last row that it returns.

use rusqlite::params;
use serde::Serialize;

use super::user_records::{JOIN_COLUMNS, JOINS_WITH_SIGNS, UserJoin, read_join};
use super::{ReadTx, StoreError};
use crate::model::{ChannelId, JoinOutcome, Timestamp, UserId};

/// A group with fewer joins than this is read whole in little time.
const FEW_JOINS: u32 = 20_000;

/// Which joins are wanted.
#[derive(Clone, Copy, Debug)]
pub struct JoinFilter {
    pub group: Option<ChannelId>,
    pub outcome: Option<JoinOutcome>,
    pub since: Option<Timestamp>,
    /// The number of joins.
    pub limit: u32,
}

/// A join with its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedJoin {
    pub user_id: UserId,
    #[serde(flatten)]
    pub join: UserJoin,
}

/// The index that a query reads. A `+` keeps SQLite from reading another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JoinIndex {
    /// `joins_by_age`
    Age,
    /// `joins_by_group`
    Group,
    /// `joins_by_outcome`, which has the group as well
    Outcome,
}

/// Returns the query for the latest joins.
pub(super) fn latest_joins(index: JoinIndex) -> String {
    let condition = match index {
        JoinIndex::Age => "(?1 IS NULL AND ?2 IS NULL)",
        JoinIndex::Group => "j.group_id = ?1 AND (?2 IS NULL OR +outcome = ?2)",
        JoinIndex::Outcome => "(?1 IS NULL OR +j.group_id = ?1) AND outcome = ?2",
    };
    format!(
        "SELECT {JOIN_COLUMNS}, user_id FROM {JOINS_WITH_SIGNS}
         WHERE {condition} AND joined_at >= ?3 ORDER BY joined_at DESC LIMIT ?4"
    )
}

impl ReadTx<'_> {
    /// Returns the latest joins of a filter, the latest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn latest_joins(&self, filter: &JoinFilter) -> Result<Vec<ListedJoin>, StoreError> {
        let index = match (filter.group, filter.outcome) {
            (None, None) => JoinIndex::Age,
            (Some(_), None) => JoinIndex::Group,
            (None, Some(_)) => JoinIndex::Outcome,
            // A large group has many of the joins with an outcome, unless the outcome is rare.
            (Some(group), Some(_)) if self.has_few_joins(group)? => JoinIndex::Group,
            (Some(_), Some(_)) => JoinIndex::Outcome,
        };
        let mut statement = self.db.prepare(&latest_joins(index))?;
        let parameters = params![
            filter.group.map(ChannelId::bare),
            filter.outcome,
            filter.since.map_or(i64::MIN, Timestamp::get),
            filter.limit,
        ];
        let rows = statement.query_map(parameters, |row| {
            Ok(ListedJoin {
                join: read_join(row)?,
                user_id: row.get(9).map(UserId::new)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn has_few_joins(&self, group: ChannelId) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM joins WHERE group_id = ?1 LIMIT ?2)";
        let count: u32 = self
            .db
            .query_row(sql, params![group.bare(), FEW_JOINS], |row| row.get(0))?;
        Ok(count < FEW_JOINS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AddedBy, FoundBy, Join, MessageId, SkipReason};
    use crate::store::Store;

    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    #[test]
    fn the_latest_joins_come_first_and_are_filtered() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        let bot = JoinOutcome::Skipped(SkipReason::Bot);
        let forwarded = JoinOutcome::Forwarded;
        let done: Result<(), StoreError> = store.write(|tx| {
            for (user, group, outcome, age) in [
                (1, 5, forwarded, 40),
                (2, 6, forwarded, 30),
                (3, 5, bot, 20),
                (4, 5, forwarded, 10),
            ] {
                let join = Join {
                    group: ChannelId::from_bare(group),
                    message: MessageId::new(7),
                    user: UserId::new(user),
                    added_by: AddedBy::Themselves,
                    date: NOW.plus(-age),
                };
                tx.record_join(&join, outcome, FoundBy::Push, NOW)?;
            }
            for (group, outcome, since, limit, expected) in [
                (None, None, None, 9, &[4, 3, 2, 1][..]),
                (None, None, None, 2, &[4, 3]),
                (None, None, Some(30), 9, &[4, 3, 2]),
                (Some(5), None, None, 9, &[4, 3, 1]),
                (Some(5), None, Some(20), 9, &[4, 3]),
                (None, Some(forwarded), None, 9, &[4, 2, 1]),
                (Some(5), Some(forwarded), None, 9, &[4, 1]),
                (Some(5), Some(forwarded), Some(15), 9, &[4]),
                (Some(6), Some(bot), None, 9, &[]),
            ] {
                let filter = JoinFilter {
                    group: group.map(ChannelId::from_bare),
                    outcome,
                    since: since.map(|age: i64| NOW.plus(-age)),
                    limit,
                };
                let joins = tx.latest_joins(&filter)?;
                let users: Vec<i64> = joins.iter().map(|join| join.user_id.get()).collect();
                assert_eq!(users, expected, "{filter:?}");
                if group.is_some() && outcome.is_some() {
                    // Another index gives the same joins.
                    let mut rows = tx.db.prepare(&latest_joins(JoinIndex::Outcome))?;
                    let since = filter.since.map_or(0, Timestamp::get);
                    let parameters = params![group, outcome, since, limit];
                    let rows = rows.query_map(parameters, |row| row.get::<_, i64>(9))?;
                    assert_eq!(rows.collect::<Result<Vec<_>, _>>()?, expected);
                }
            }
            Ok(())
        });
        done.expect("done");
    }

    #[test]
    fn each_query_reads_its_index_in_the_order_of_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        for (index, search) in [
            (JoinIndex::Age, "joins_by_age (joined_at>?)"),
            (
                JoinIndex::Group,
                "joins_by_group (group_id=? AND joined_at>?)",
            ),
            (
                JoinIndex::Outcome,
                "joins_by_outcome (outcome=? AND joined_at>?)",
            ),
        ] {
            let plan: Result<Vec<String>, StoreError> = store.read(|tx| {
                let sql = format!("EXPLAIN QUERY PLAN {}", latest_joins(index));
                let mut plan = tx.db.prepare(&sql)?;
                let rows = plan.query_map([1, 1, 1, 1], |row| row.get(3))?;
                Ok(rows.collect::<Result<_, _>>()?)
            });
            let plan = plan.expect("a plan");
            assert!(plan[0].contains(search), "{plan:?}");
            let is_sorted = |step: &String| !step.contains("SCAN") && !step.contains("B-TREE");
            assert!(plan.iter().all(is_sorted), "{plan:?}");
        }
    }
}
