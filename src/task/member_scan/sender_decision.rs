//! Decides on the senders of first messages in hidden groups: by the dates of their joins, or where these are refused,
//! by `[custom] unseen`.

use super::page_recording::{MemberRecorder, join_without_message, joined_newly, needs_fetch};
use crate::decide::member_scan::{
    FirstMessage, LEARNING_SENDERS, Learning, NewMemberRule, dates_are_refused, first_message,
};
use crate::model::{
    ChannelId, FoundBy, GroupClass, GroupScan, Member, Membership, MembershipAnswer, PendingSender,
    ScanReason, Sender, Timestamp,
};
use crate::store::{SenderState, StoreError, Tx};
use crate::task::TaskError;

/// How many senders are decided on in one transaction.
const SENDERS_PER_TRANSACTION: usize = 100;
/// The period in which the joins are counted that first messages show, in seconds.
const HOUR: i64 = 3600;

impl MemberRecorder {
    /// Decides on the oldest pending senders of a group without asking Telegram.
    pub(super) async fn decide_senders(&self, group: ChannelId) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        let fetch = self
            .database
            .write(|tx| {
                let Some(scan) = tx.group_scan(group)? else {
                    return Ok(false);
                };
                let mut fetch = false;
                for pending in tx.pending_senders_of(group, SENDERS_PER_TRANSACTION)? {
                    if scan.class == GroupClass::Hidden {
                        fetch |= self.decide_without_date(tx, &scan, pending.sender, now)?;
                    } else {
                        tx.set_sender_state(group, pending.sender.user, SenderState::Known)?;
                        tx.want_scan(group, ScanReason::FirstMessage, now)?;
                    }
                }
                Ok(fetch)
            })
            .await?;
        self.wake(fetch).await
    }

    /// Records Telegram's answer about a sender.
    pub(super) async fn record_answer(
        &self,
        pending: &PendingSender,
        answer: MembershipAnswer,
    ) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        let (group, sender) = (pending.group, pending.sender);
        let fetch = self
            .database
            .write(|tx| {
                let Some(scan) = tx.group_scan(group)? else {
                    return Ok(false);
                };
                match &answer {
                    MembershipAnswer::Known(member) => {
                        self.decide_by_date(tx, &scan, sender, member, now)
                    }
                    MembershipAnswer::NotMember => {
                        tx.set_sender_state(group, sender.user, SenderState::Commenter)?;
                        Ok(false)
                    }
                    MembershipAnswer::DateRefused => {
                        if !dates_are_refused(&scan, now) {
                            tracing::info!(%group, "the group keeps the dates of joins secret");
                        }
                        tx.set_dates_refused(group, now)?;
                        Ok(false)
                    }
                    MembershipAnswer::NoReference => {
                        self.decide_without_date(tx, &scan, sender, now)
                    }
                }
            })
            .await?;
        self.wake(fetch).await
    }

    fn decide_by_date(
        &self,
        tx: &Tx<'_>,
        scan: &GroupScan,
        sender: Sender,
        member: &Member,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let group = scan.group;
        tx.record_user(&member.user, Some((group, sender.message)))?;
        if member.membership == Membership::Administrator {
            tx.add_admins(group, &[sender.user])?;
        }
        tx.set_sender_state(group, sender.user, SenderState::Known)?;
        // Senders may have to wait for their turn: who was new when writing is new.
        let rule = NewMemberRule::new(scan, self.time_new, now.min(sender.date))
            .with_entry_second(std::iter::empty());
        let Some(date) = joined_newly(tx, scan, &rule, member)? else {
            return Ok(false);
        };
        let join = join_without_message(group, sender.user, date);
        let found_by = FoundBy::FirstMessage;
        let outcome = self
            .join_policy
            .record_join(tx, &join, Some(&member.user), found_by, now)?;
        tx.count_membership_changes(group, 1, 0)?;
        Ok(needs_fetch(outcome))
    }

    fn decide_without_date(
        &self,
        tx: &Tx<'_>,
        scan: &GroupScan,
        sender: Sender,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let group = scan.group;
        tx.begin_learning(group, now)?;
        let is_known = sender.date <= scan.since
            || sender.date <= tx.cleared_at(sender.user)?
            || tx.has_join_since(group, sender.user, Timestamp::new(0))?
            || tx.admins_of(group)?.contains(&sender.user);
        let learning = Learning {
            since: scan.learning_since.unwrap_or(now),
            senders: tx.count_senders(group, LEARNING_SENDERS)?,
        };
        tx.set_sender_state(group, sender.user, SenderState::Known)?;
        if is_known {
            return Ok(false);
        }
        let recent = tx.count_first_message_joins(group, now.plus(-HOUR))?;
        let meaning = first_message(self.unseen, learning, sender.date, recent);
        let join = join_without_message(group, sender.user, sender.date);
        let outcome = match meaning {
            FirstMessage::Learned => return Ok(false),
            FirstMessage::NewMember => {
                tx.record_seen_in(sender.user, group, sender.message)?;
                let found_by = FoundBy::FirstMessage;
                self.join_policy
                    .record_join(tx, &join, None, found_by, now)?
            }
            FirstMessage::Unproven => self.join_policy.record_unproven_join(tx, &join, now)?,
        };
        tx.count_membership_changes(group, 1, 0)?;
        Ok(needs_fetch(outcome))
    }
}
