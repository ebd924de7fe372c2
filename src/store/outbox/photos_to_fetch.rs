//! The photos to download: those of the open data centres, newest first.
//!
//! Thousands of photos may wait, often all for one data centre whose slots are taken. So the program reads each open data
//! centre by itself, along an index in the order of the downloads, and never a row that it cannot use.

use std::cmp::Reverse;

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use super::postponed::POSTPONED;
use super::{COLUMNS, OutboxRow, Parsed, number};
use crate::model::{Share, Timestamp};
use crate::store::{ReadTx, StoreError};

/// The condition of the index of photos to fetch that were not postponed.
pub(super) const TO_FETCH: &str = "kind = 'avatar' AND state = 'wanted' AND due_at <= created_at";

/// A row, and the parts of the order that it does not hold.
struct Candidate {
    is_retry: bool,
    /// True if its member belongs to another instance.
    is_others: bool,
    row: OutboxRow,
}

impl ReadTx<'_> {
    /// Returns at most `limit` photos that are due to be fetched: first those that have not failed yet, and the newest
    /// of them first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn avatars_to_fetch(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.avatars_to_fetch_without(&[], now, limit)
    }

    /// Returns the same as [`avatars_to_fetch`](Self::avatars_to_fetch), without the photos of these data centres.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn avatars_to_fetch_without(
        &self,
        closed_dcs: &[i32],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let mut candidates = Vec::new();
        self.add_candidates(&mut candidates, ("TRUE", &[]), closed_dcs, now, limit)?;
        Ok(first_rows(candidates, limit))
    }

    /// Returns the same as [`avatars_to_fetch_without`](Self::avatars_to_fetch_without), own members first; with
    /// `only_own` no others.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn shared_avatars_to_fetch(
        &self,
        share: Share,
        only_own: bool,
        closed_dcs: &[i32],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let members = [share.instances().into(), share.own_remainder().into()];
        let own = ("user_id % ?4 = ?5", &members[..]);
        let mut candidates = Vec::new();
        self.add_candidates(&mut candidates, own, closed_dcs, now, limit)?;
        if !only_own {
            let own = candidates.len();
            let others = ("user_id % ?4 <> ?5", &members[..]);
            self.add_candidates(&mut candidates, others, closed_dcs, now, limit)?;
            for candidate in &mut candidates[own..] {
                candidate.is_others = true;
            }
        }
        Ok(first_rows(candidates, limit))
    }

    /// Adds the rows for which the condition holds, at most `limit` of each data centre. The parameters of the condition
    /// are `?4` and `?5`.
    fn add_candidates(
        &self,
        candidates: &mut Vec<Candidate>,
        (condition, members): (&str, &[i64]),
        closed_dcs: &[i32],
        now: Timestamp,
        limit: usize,
    ) -> Result<(), StoreError> {
        let columns = format!("SELECT {COLUMNS}, reason IS NOT NULL");
        let order = "ORDER BY reason IS NULL DESC, created_at DESC, id DESC LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut add = |sql: &str, dc: Option<i32>| -> Result<(), StoreError> {
            let mut parameters: Vec<Value> = vec![now.get().into(), limit.into(), dc.into()];
            parameters.extend(members.iter().map(|number| Value::from(*number)));
            let mut statement = self.db.prepare_cached(sql)?;
            let rows = statement.query_map(params_from_iter(parameters), Candidate::read)?;
            for row in rows {
                candidates.extend(row?);
            }
            Ok(())
        };
        let of_data_centre = format!(
            "{columns} FROM outbox INDEXED BY outbox_to_fetch
             WHERE {TO_FETCH} AND photo_dc = ?3 AND due_at <= ?1 AND {condition} {order}"
        );
        for dc in self.waiting_dcs()? {
            if !closed_dcs.contains(&dc) {
                add(&of_data_centre, Some(dc))?;
            }
        }
        // `release_postponed` keeps these few.
        let closed: Vec<String> = closed_dcs.iter().map(i32::to_string).collect();
        let postponed = format!(
            "{columns} FROM outbox INDEXED BY outbox_postponed
             WHERE {POSTPONED} AND state = 'wanted' AND due_at <= ?1 AND ?3 IS NULL AND photo_dc NOT IN ({})
               AND {condition} {order}",
            closed.join(", ")
        );
        add(&postponed, None)
    }

    /// Returns the data centres whose photos are to be fetched, by a jump in the index from each to the next.
    fn waiting_dcs(&self) -> Result<Vec<i32>, StoreError> {
        let first =
            format!("SELECT MIN(photo_dc) FROM outbox INDEXED BY outbox_to_fetch WHERE {TO_FETCH}");
        let sql = format!(
            "WITH RECURSIVE dcs (dc) AS (
                 {first}
                 UNION ALL
                 SELECT ({first} AND photo_dc > dc) FROM dcs WHERE dc IS NOT NULL)
             SELECT dc FROM dcs WHERE dc IS NOT NULL"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([], |row| row.get::<_, i64>(0))?;
        // A row with an impossible number is passed over, like every unreadable one.
        let dcs = rows.map(|dc| dc.map(|dc| i32::try_from(dc).ok()));
        Ok(dcs
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?)
    }
}

impl Candidate {
    /// Returns `None` for a row that cannot be read.
    fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let is_retry = row.get(number::ADDED)?;
        Ok(Parsed::of(row)?.readable().map(|row| Self {
            is_retry,
            is_others: false,
            row,
        }))
    }
}

/// Returns the first `limit` rows in the order of the downloads.
fn first_rows(mut candidates: Vec<Candidate>, limit: usize) -> Vec<OutboxRow> {
    candidates.sort_by_key(|candidate| {
        let row = &candidate.row;
        let age = (Reverse(row.created_at), Reverse(row.id));
        (candidate.is_retry, candidate.is_others, age)
    });
    candidates.truncate(limit);
    candidates.into_iter().map(|found| found.row).collect()
}
