//! Corrects what was decided while the administrators of a group were unknown.
//!
//! Such a group counts as watched, and its administrators as not trusted. Once they are known, photos that wait are
//! dropped with the reason that would have skipped their joins. Photos whose post has begun are left.

use std::collections::BTreeSet;

use crate::model::{AddedBy, ChannelId, JoinOutcome, SkipReason, Timestamp, UserId};
use crate::store::{CancelScope, StoreError, Tx};

/// Stores a group's administrators. Returns the spool files that are not needed any more.
pub(super) fn replace_admins(
    tx: &Tx<'_>,
    group: ChannelId,
    admins: &BTreeSet<UserId>,
    nospam: Option<UserId>,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let known = tx.channel(group)?;
    let was_unknown = known.is_some_and(|known| known.admins_at.is_none());
    let list: Vec<UserId> = admins.iter().copied().collect();
    tx.replace_admins(group, &list, now)?;
    let mut obsolete = Vec::new();
    if !was_unknown {
        return Ok(obsolete);
    }
    let mut cancel = |scope, reason| -> Result<(), StoreError> {
        obsolete.extend(tx.cancel(scope, JoinOutcome::Skipped(reason), now)?);
        Ok(())
    };
    if nospam.is_some_and(|nospam| !admins.contains(&nospam)) {
        cancel(CancelScope::Group(group), SkipReason::UnwatchedGroup)?;
    }
    for join in tx.waiting_joins()? {
        let (group, message) = (join.group, join.message);
        if matches!(join.added_by, AddedBy::User(adder) if admins.contains(&adder)) {
            // The message names one adder for all its joiners.
            let scope = CancelScope::Message { group, message };
            cancel(scope, SkipReason::AddedByTrusted)?;
        } else if admins.contains(&join.user) {
            cancel(CancelScope::User(join.user), SkipReason::Trusted)?;
        }
    }
    Ok(obsolete)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Join;
    use crate::task::fixture::{ADMIN, Fixture, GROUP, JOINER, NOSPAM, NOW, join, user};
    use crate::task::join_policy::Bio;

    /// Records a join that is decided on with what is known.
    fn record(fixture: &Fixture, tx: &Tx<'_>, join: &Join) -> Result<(), StoreError> {
        let joiner = user(join.user, Some(join.user.get()));
        let decision = fixture
            .join_policy
            .decide(tx, join, Some(&joiner), Bio::NotAsked)?;
        let policy = &fixture.join_policy;
        let outcome = policy.carry_out(tx, join, decision, false, NOW)?;
        tx.record_join(join, outcome, crate::model::FoundBy::Push, NOW)
            .map(drop)
    }

    /// Returns the outcomes of the joiner, of the administrator and of whom the administrator added.
    fn outcomes_after(admins: &[UserId], known_before: bool) -> Vec<String> {
        let fixture = Fixture::new();
        let added = UserId::new(101);
        fixture.write(|tx| {
            if known_before {
                tx.replace_admins(GROUP, &[NOSPAM], NOW)?;
            }
            record(&fixture, tx, &join(1, JOINER))?;
            record(&fixture, tx, &join(2, ADMIN))?;
            let by_admin = Join {
                added_by: AddedBy::User(ADMIN),
                ..join(3, added)
            };
            record(&fixture, tx, &by_admin)?;
            let admins = admins.iter().copied().collect();
            replace_admins(tx, GROUP, &admins, Some(NOSPAM), NOW)?;
            [JOINER, ADMIN, added]
                .iter()
                .map(|user| Ok(tx.user_joins(*user, None)?[0].outcome.as_str().to_owned()))
                .collect()
        })
    }

    #[test]
    fn administrators_that_become_known_correct_what_waits() {
        let outcomes = |admins: &[UserId]| outcomes_after(admins, false);
        let [queued, unwatched] = ["queued", "unwatched_group"];
        assert_eq!(outcomes(&[NOSPAM]), [queued; 3]);
        assert_eq!(outcomes(&[]), [unwatched; 3]);
        assert_eq!(
            outcomes(&[NOSPAM, ADMIN]),
            [queued, "trusted", "added_by_trusted"]
        );
    }

    #[test]
    fn a_change_of_known_administrators_leaves_what_waits() {
        assert_eq!(outcomes_after(&[ADMIN], true), ["queued"; 3]);
    }
}
