//! The recheck of a member who is still new: forwards a photo that was not seen before.
//!
//! The recheck asks for users on schedule, and any update may show one in passing; both call [`MemberRecheck::check`]
//! within a transaction. A photo that it finds is enqueued by group, user and photo id, so the next recheck ignores
//! it. See docs/outcomes.md.

use super::join_policy::{Bio, JoinPolicy};
use crate::decide;
use crate::model::{Avatar, JoinOutcome, SkipReason, Timestamp, User};
use crate::store::{StoreError, Tx};

/// Rechecks users. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MemberRecheck {
    pub policy: JoinPolicy,
    /// Seconds after the join in which a member counts as new.
    pub time_new: i64,
}

/// The cause of a recheck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecheckTrigger {
    /// The scheduled recheck asked for the user.
    Schedule,
    /// An update showed the user; this may happen many times a minute.
    Update,
}

impl MemberRecheck {
    /// Rechecks a user as Telegram just showed them. Returns `true` if there is something to download or to look up.
    pub(super) fn check(
        &self,
        tx: &Tx<'_>,
        user: &User,
        trigger: RecheckTrigger,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let was_unreadable = self.policy.decide_unreadable(tx, user, now)?;
        Ok(self.check_new_member(tx, user, trigger, now)? || was_unreadable)
    }

    fn check_new_member(
        &self,
        tx: &Tx<'_>,
        user: &User,
        trigger: RecheckTrigger,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let since = now.plus(-self.time_new);
        let Some(join) = tx.new_member(user.id, since)? else {
            return Ok(false);
        };
        let mut known = tx.forwarded_or_pending(user.id, join.group)?;
        if trigger == RecheckTrigger::Update {
            // A photo that was given up is left to the scheduled recheck: otherwise each message would fetch it again.
            known.extend(tx.dropped_photos(user.id, join.group)?);
        }
        let Some(photo) = decide::new_photo(user.photo, &known) else {
            return Ok(false);
        };
        tx.record_user(user, None)?;
        let decision = self.policy.decide(tx, &join, Some(user), Bio::NotAsked)?;
        if !decide::overrides_outcome(&decision) {
            tracing::debug!(user = %user.id, group = %join.group, ?decision, "recheck: the outcome is kept");
            return Ok(false);
        }
        let outcome = self.policy.carry_out(tx, &join, decision, true, now)?;
        match outcome {
            JoinOutcome::LookUp | JoinOutcome::Held => {
                let found = Avatar {
                    group: join.group,
                    user: join.user,
                    message: join.message,
                    photo,
                    recheck: true,
                };
                tx.record_unqueued_photo(&found, outcome, now)?;
                tx.set_join_outcome(join.group, join.message, join.user, outcome)?;
            }
            JoinOutcome::Skipped(SkipReason::Repeat) => {
                // The photo was posted before its record was cleared, and is not posted again.
                return Ok(false);
            }
            _ => tx.set_join_outcome(join.group, join.message, join.user, outcome)?,
        }
        tracing::info!(
            group = %join.group, user = %join.user, message_id = %join.message.or_zero(),
            outcome = outcome.as_str(), "new member, rechecked"
        );
        Ok(matches!(outcome, JoinOutcome::LookUp | JoinOutcome::Queued))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fixture::{Fixture, JOINER, NOW, join, user};

    #[test]
    fn only_a_new_photo_of_a_new_member_is_enqueued() {
        let fixture = Fixture::new();
        let recheck = &fixture.member_recheck;
        fixture.write(|tx| {
            let with_photo = user(JOINER, Some(7));
            assert!(
                !recheck.check(tx, &with_photo, RecheckTrigger::Update, NOW)?,
                "no member"
            );
            tx.record_join(
                &join(1, JOINER),
                JoinOutcome::Skipped(SkipReason::NoPhoto),
                crate::model::FoundBy::Push,
                NOW,
            )?;
            let without = user(JOINER, None);
            assert!(
                !recheck.check(tx, &without, RecheckTrigger::Update, NOW)?,
                "no photo"
            );
            assert!(recheck.check(tx, &with_photo, RecheckTrigger::Update, NOW)?);
            assert!(
                !recheck.check(tx, &with_photo, RecheckTrigger::Update, NOW)?,
                "known"
            );
            let late = NOW.plus(recheck.time_new + 1);
            let other = user(JOINER, Some(8));
            assert!(
                !recheck.check(tx, &other, RecheckTrigger::Schedule, late)?,
                "not new"
            );
            let rows = tx.avatars_to_fetch(NOW, 9)?;
            assert_eq!(rows.len(), 1);
            let crate::model::Payload::Avatar(avatar) = &rows[0].payload else {
                panic!("{:?}", rows[0]);
            };
            assert_eq!(avatar.reported_message().get(), 0);
            Ok(())
        });
    }

    #[test]
    fn a_photo_that_was_given_up_is_left_to_the_scheduled_recheck() {
        let fixture = Fixture::new();
        let recheck = &fixture.member_recheck;
        fixture.write(|tx| {
            tx.record_join(
                &join(1, JOINER),
                JoinOutcome::Failed,
                crate::model::FoundBy::Push,
                NOW,
            )?;
            let shown = user(JOINER, Some(7));
            assert!(recheck.check(tx, &shown, RecheckTrigger::Update, NOW)?);
            let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
            tx.set_dropped(row.id, "refused", NOW)?;
            assert!(!recheck.check(tx, &shown, RecheckTrigger::Update, NOW)?);
            assert!(recheck.check(tx, &shown, RecheckTrigger::Schedule, NOW)?);
            Ok(())
        });
    }
}
