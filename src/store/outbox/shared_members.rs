//! The members of several instances (docs/several-accounts.md): an instance fetches and posts the photos of its own
//! members first, and those of the others only as far as [`SharedMembers`] says.
//!
//! The only instance uses none of this: its queries are the ones without conditions on members.

use rusqlite::types::Value;

use super::postponed::WAITING_REPORTS;
use super::{COLUMNS, OutboxRow};
use crate::model::{ChannelId, Share, Timestamp, UserId};
use crate::store::{ReadTx, StoreError, Tx};

/// The members whose photos may be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Members {
    /// Everybody's.
    All,
    Shared(SharedMembers),
}

/// The own members, and some of other instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedMembers {
    pub share: Share,
    /// The remainders whose instances are silent, as bits.
    pub silent: u64,
    /// Other instances' photos are posted if their rows were made at `made_until` or before, or after `made_from`. For
    /// each instance whose turn is before this one's, a row has to be `turn` seconds older.
    pub made_until: Timestamp,
    pub turn: i64,
    pub made_from: Timestamp,
}

impl Members {
    /// The condition on a row, for a query in which `parameters` end with [`parameters`](Self::parameters), the first
    /// of which has the number `first`.
    pub(super) fn condition(self, first: usize) -> String {
        match self {
            Self::All => "TRUE".into(),
            Self::Shared(_) => {
                let [instances, own, silent, until, turn, from] =
                    std::array::from_fn(|n| first + n);
                let ready = ready_from(instances, own, turn);
                format!(
                    "(user_id % ?{instances} = ?{own} OR channel_id IS NOT NULL
                      OR (?{silent} >> (user_id % ?{instances})) & 1 AND ({ready} <= ?{until} OR created_at > ?{from}))"
                )
            }
        }
    }

    /// The same condition in the order of the members, own ones before others; each with its parameters.
    pub(super) fn conditions(self, first: usize) -> Vec<(String, Vec<Value>)> {
        let parameters = self.parameters();
        match self {
            Self::All => vec![("TRUE".into(), parameters)],
            Self::Shared(_) => {
                let own = first + 1;
                let others = format!("user_id % ?{first} <> ?{own} AND {}", self.condition(first));
                vec![
                    (
                        format!("user_id % ?{first} = ?{own}"),
                        parameters[..2].to_vec(),
                    ),
                    (others, parameters),
                ]
            }
        }
    }

    pub(super) fn parameters(self) -> Vec<Value> {
        match self {
            Self::All => Vec::new(),
            Self::Shared(members) => vec![
                i64::from(members.share.instances()).into(),
                i64::from(members.share.own_remainder()).into(),
                // At most 60 bits.
                members.silent.cast_signed().into(),
                members.made_until.get().into(),
                members.turn.into(),
                members.made_from.get().into(),
            ],
        }
    }
}

/// The time from which the age of a row counts: each instance whose turn is before this one's makes it later.
fn ready_from(instances: usize, own: usize, turn: usize) -> String {
    let distance = format!("(?{own} + ?{instances} - user_id % ?{instances}) % ?{instances}");
    format!("created_at + ?{turn} * MAX({distance} - 1, 0)")
}

impl ReadTx<'_> {
    /// Returns the time from which the age of the next of other instances' photos counts, among those that wait for
    /// their post and are too young.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn next_others_ready_from(
        &self,
        members: SharedMembers,
    ) -> Result<Option<Timestamp>, StoreError> {
        let ready = ready_from(1, 2, 3);
        // No turn makes a row of an earlier time too young.
        let sql = format!(
            "SELECT MIN({ready}) FROM outbox INDEXED BY outbox_by_state WHERE state = 'fetched' AND kind = 'avatar'
             AND created_at > ?4 - ?3 * ?1 AND channel_id IS NULL AND user_id % ?1 <> ?2 AND {ready} > ?4"
        );
        let share = members.share;
        let parameters = [
            share.instances().into(),
            share.own_remainder().into(),
            members.turn,
            members.made_until.get(),
        ];
        let ready: Option<i64> = self
            .db
            .prepare_cached(&sql)?
            .query_row(parameters, |row| row.get(0))?;
        Ok(ready.map(Timestamp::new))
    }

    /// Returns the number of photos that wait and belong to other instances' members.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn count_others_waiting(&self, share: Share) -> Result<u64, StoreError> {
        let count: i64 = self
            .db
            .prepare_cached(
                "SELECT COUNT(*) FROM outbox WHERE state IN ('wanted', 'fetched', 'sending') AND kind = 'avatar'
                 AND user_id % ?1 <> ?2",
            )?
            .query_row(
                [i64::from(share.instances()), share.own_remainder().into()],
                |row| row.get(0),
            )?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Returns when the oldest photo of an own member was enqueued that waits.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn oldest_own_waiting(&self, share: Share) -> Result<Option<Timestamp>, StoreError> {
        let oldest: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT MIN(created_at) FROM outbox WHERE state IN ('wanted', 'fetched', 'sending') AND kind = 'avatar'
                 AND user_id % ?1 = ?2",
            )?
            .query_row(
                [i64::from(share.instances()), share.own_remainder().into()],
                |row| row.get(0),
            )?;
        Ok(oldest.map(Timestamp::new))
    }

    /// Returns the photos of a member that wait for one group, and whose post was not begun.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(in crate::store) fn rows_of_member(
        &self,
        group: ChannelId,
        user: UserId,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE kind = 'avatar' AND group_id = ?1 AND user_id = ?2 AND +state IN ('wanted', 'fetched')
               AND +channel_id IS NULL"
        );
        self.readable_rows(&sql, &[group.bare(), user.get()])
    }
}

impl Tx<'_> {
    /// Drops every report and list whose post was not begun: another instance sends them. Returns their spool files.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn drop_unsent_reports(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE {WAITING_REPORTS} AND state IN ('wanted', 'fetched') AND channel_id IS NULL"
        );
        let rows = self.readable_rows(&sql, &[])?;
        for row in &rows {
            self.set_dropped(row.id, "outdated", now)?;
        }
        Ok(rows.into_iter().filter_map(|row| row.spool).collect())
    }
}
