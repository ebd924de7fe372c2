//! Records joins: decides on each, enqueues the photo, and keeps the outcome with how the join was found.

use super::join_policy::{Bio, JoinPolicy};
use crate::decide::Decision;
use crate::model::{FoundBy, Join, JoinOutcome, Timestamp, User};
use crate::store::{StoreError, Tx};

impl JoinPolicy {
    /// Records a join whose user is shown by `user`, if Telegram showed the user with it.
    pub(super) fn record_join(
        &self,
        tx: &Tx<'_>,
        join: &Join,
        user: Option<&User>,
        found_by: FoundBy,
        now: Timestamp,
    ) -> Result<JoinOutcome, StoreError> {
        if let Some(user) = user {
            tx.record_user(user, Some((join.group, join.message)))?;
        }
        let decision = self.decide(tx, join, user, Bio::NotAsked)?;
        self.record(tx, join, decision, found_by, now)
    }

    /// Records a first message as a join that nothing proves.
    pub(super) fn record_unproven_join(
        &self,
        tx: &Tx<'_>,
        join: &Join,
        now: Timestamp,
    ) -> Result<JoinOutcome, StoreError> {
        let decision = self.decide_unproven(tx, join)?;
        self.record(tx, join, decision, FoundBy::FirstMessage, now)
    }

    fn record(
        &self,
        tx: &Tx<'_>,
        join: &Join,
        decision: Decision,
        found_by: FoundBy,
        now: Timestamp,
    ) -> Result<JoinOutcome, StoreError> {
        let outcome = self.carry_out(tx, join, decision, false, now)?;
        tracing::info!(
            group = %join.group, user = %join.user, message_id = %join.message.or_zero(),
            found_by = <&str>::from(found_by), outcome = outcome.as_str(), "join"
        );
        tx.record_join(join, outcome, found_by, now)?;
        Ok(outcome)
    }
}
