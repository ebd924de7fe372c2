//! Collects the output of `joins` from `state.db`: the latest recorded joins.
//!
//! The module changes nothing and needs no connection.

use std::collections::BTreeMap;

use serde::Serialize;

use super::AppError;
use super::member_history::link;
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{ChannelId, JoinOutcome, Timestamp, as_json};
use crate::store::{JoinFilter, ListedJoin, inspect};

/// The question.
#[derive(Clone, Copy, Debug)]
pub struct JoinQuery {
    pub group: Option<ChannelId>,
    pub outcome: Option<JoinOutcome>,
    /// The greatest age in seconds.
    pub max_age: Option<i64>,
    /// The number of joins.
    pub last: u32,
}

/// The output of `joins`. The fields are those of the JSON (docs/json-output.md).
#[derive(Clone, Debug, Serialize)]
pub struct RecordedJoins {
    /// The time of reading.
    #[serde(serialize_with = "as_json::time")]
    pub now: Timestamp,
    /// The joins, the latest first.
    pub joins: Vec<ListedEntry>,
    /// True if there are older joins of this kind.
    pub has_more: bool,
    /// The titles of groups.
    #[serde(skip)]
    pub titles: BTreeMap<ChannelId, String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListedEntry {
    #[serde(flatten)]
    pub join: ListedJoin,
    /// The address of the join's service message.
    pub link: Option<String>,
}

/// Reads the output of `joins`. An instance that never ran has none.
///
/// # Errors
/// Returns an error if the database cannot be read or has another layout.
pub fn recorded_joins(
    config: &Config,
    clock: &Clock,
    query: &JoinQuery,
) -> Result<RecordedJoins, AppError> {
    let now = clock.now();
    let filter = JoinFilter {
        group: query.group,
        outcome: query.outcome,
        since: query.max_age.map(|age| now.plus(age.saturating_neg())),
        // One more shows whether there are more.
        limit: query.last.saturating_add(1),
    };
    let read = inspect(&config.telegram.state_file(), |tx| {
        Ok((tx.latest_joins(&filter)?, tx.titles()?))
    })?;
    let (mut joins, titles) = read.unwrap_or_default();
    let last = usize::try_from(query.last).unwrap_or(usize::MAX);
    let has_more = joins.len() > last;
    joins.truncate(last);
    let joins = joins.into_iter().map(|listed| ListedEntry {
        link: link(Some(listed.join.group_id), Some(listed.join.message_id)),
        join: listed,
    });
    Ok(RecordedJoins {
        now,
        joins: joins.collect(),
        has_more,
        titles,
    })
}
