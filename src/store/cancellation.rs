//! Cancelling photos that wait, because of an order: their rows are dropped, and their joins get the order's outcome.
//!
//! A row whose post was begun is not cancelled, even if its file was lost since: the post may exist. Its join stays
//! `queued`.

use rusqlite::{ToSql, params_from_iter};

use super::join_records::read_join;
use super::outcome_words::WAITING;
use super::{PhotoOf, ReadTx, StoreError, Tx};
use crate::model::{ChannelId, Join, JoinOutcome, MessageId, SkipReason, Timestamp, UserId};

/// The photos that are cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelScope {
    /// Those of one join message.
    Message {
        group: ChannelId,
        message: MessageId,
    },
    /// Those of one user, in every group.
    User(UserId),
    /// Those of one group.
    Group(ChannelId),
}

impl CancelScope {
    /// The condition on `joins` or on `outbox`, whose columns for the message differ.
    fn condition(self, message_column: &str) -> String {
        match self {
            Self::Message { .. } => format!("group_id = ?1 AND {message_column} = ?2"),
            Self::User(_) => "user_id = ?1".into(),
            Self::Group(_) => "group_id = ?1".into(),
        }
    }

    fn parameters(self) -> Vec<i64> {
        match self {
            Self::Message { group, message } => vec![group.bare(), message.get().into()],
            Self::User(user) => vec![user.get()],
            Self::Group(group) => vec![group.bare()],
        }
    }

    /// The query for the rows to drop. The unary `+` prevents SQLite from using the index on `state`: in a raid
    /// thousands of photos wait, and as many join messages are declared.
    pub(super) fn rows_sql(self) -> String {
        format!(
            "SELECT id, spool FROM outbox
             WHERE kind = 'avatar' AND {} AND +state IN ('wanted', 'fetched') AND +channel_id IS NULL",
            self.condition("join_message_id")
        )
    }

    /// The change of the joins, with the outcome as its last parameter.
    pub(super) fn joins_sql(self) -> String {
        let condition = match self {
            // The unary `+` prevents SQLite from reading every join of the group.
            Self::Group(_) => "+group_id = ?1".into(),
            _ => self.condition("message_id"),
        };
        format!(
            "UPDATE joins SET outcome = ?{} WHERE {condition} AND outcome IN ({})
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE kind = 'avatar' AND group_id = joins.group_id
                 AND user_id = joins.user_id AND +join_message_id = joins.message_id
                 AND (+state = 'sending' OR +state IN ('wanted', 'fetched') AND +channel_id IS NOT NULL))",
            self.parameters().len() + 1,
            *WAITING,
        )
    }
}

impl ReadTx<'_> {
    /// Returns the joins that are not settled.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn waiting_joins(&self) -> Result<Vec<Join>, StoreError> {
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT group_id, message_id, user_id, joined_at, added_by FROM joins WHERE outcome IN ({})",
            *WAITING
        ))?;
        let rows = statement.query_map([], read_join)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Cancels the photos of `scope` that wait, and gives their joins this outcome. Returns the spool files that are
    /// not needed any more.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn cancel(
        &self,
        scope: CancelScope,
        outcome: JoinOutcome,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let parameters = scope.parameters();
        let mut statement = self.db.prepare_cached(&scope.rows_sql())?;
        let rows: Vec<(i64, Option<String>)> = statement
            .query_map(params_from_iter(&parameters), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        for (id, _) in &rows {
            self.set_dropped(*id, outcome.as_str(), now)?;
        }
        let mut statement = self.db.prepare_cached(&scope.joins_sql())?;
        let mut parameters: Vec<&dyn ToSql> = parameters.iter().map(|id| id as _).collect();
        parameters.push(&outcome);
        statement.execute(&parameters[..])?;
        Ok(rows.into_iter().filter_map(|(_, spool)| spool).collect())
    }

    /// Cancels a photo that waits and is excepted now, in every group. Returns the spool files that are not needed any
    /// more.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn cancel_photo(&self, of: PhotoOf, now: Timestamp) -> Result<Vec<String>, StoreError> {
        struct Waiting {
            id: i64,
            spool: Option<String>,
            group: ChannelId,
            message: MessageId,
            user: UserId,
        }
        let mut statement = self.db.prepare_cached(
            "SELECT id, spool, group_id, join_message_id, user_id FROM outbox
             WHERE kind = 'avatar' AND user_id = ?1 AND photo_id = ?2 AND +state IN ('wanted', 'fetched')
               AND channel_id IS NULL",
        )?;
        let rows: Vec<Waiting> = statement
            .query_map([of.user.get(), of.photo.get()], |row| {
                Ok(Waiting {
                    id: row.get(0)?,
                    spool: row.get(1)?,
                    group: ChannelId::from_bare(row.get(2)?),
                    message: MessageId::new(row.get(3)?),
                    user: UserId::new(row.get(4)?),
                })
            })?
            .collect::<Result<_, _>>()?;
        let excepted = JoinOutcome::Skipped(SkipReason::Excepted);
        let mut unneeded = Vec::new();
        for row in rows {
            self.set_dropped(row.id, excepted.as_str(), now)?;
            // The join may have another photo, which the exception does not concern.
            self.settle_photo(row.group, row.message, row.user, excepted)?;
            unneeded.extend(row.spool);
        }
        Ok(unneeded)
    }
}
