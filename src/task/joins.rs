//! A page of happenings becomes rows: facts from the store, a decision, and its record, all within
//! the transaction that moves `pts`.

use super::Standing;
use crate::decide::{self, Decision, JoinFacts, SkipReason};
use crate::model::{Adder, Avatar, ChannelId, Join, Page, Timestamp, User, UserId};
use crate::store::{Facts, Moved, Outcome, StoreError};

/// What was done with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    /// Whether it followed what is stored.
    pub(super) moved: Moved,
    /// Whether there is now something to look up or fetch.
    pub(super) owes: bool,
}

/// Applies a page, if it follows what is stored. `unlearnable` says of a group whether its
/// administrators could not be learned.
pub(super) fn apply(
    facts: &Facts<'_>,
    standing: &Standing,
    unlearnable: bool,
    page: &Page,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let moved = facts.advance(page.channel, page.advance, page.last_message)?;
    let mut owes = false;
    if moved == Moved::Forward {
        for join in &page.joins {
            if facts.knows_join(join)? {
                continue;
            }
            let user = page.users.iter().find(|user| user.id == join.user);
            if let Some(user) = user {
                facts.note_user(user, Some((join.group, join.message)))?;
            }
            let decision = decide_on(facts, standing, unlearnable, join, user)?;
            let outcome = carry_out(facts, join, decision, now)?;
            tracing::info!(
                group = %join.group, user = %join.user, message_id = %join.message,
                outcome = outcome.as_str(), "join"
            );
            facts.record_join(join, outcome)?;
            owes |= matches!(outcome, Outcome::LookUp | Outcome::Queued);
        }
    }
    Ok(Applied { moved, owes })
}

/// Decides anew on a recorded join, after its user was looked up.
pub(super) fn decide_again(
    facts: &Facts<'_>,
    standing: &Standing,
    unlearnable: bool,
    join: &Join,
    user: &User,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    facts.note_user(user, None)?;
    let decision = decide_on(facts, standing, unlearnable, join, Some(user))?;
    let outcome = carry_out(facts, join, decision, now)?;
    facts.settle_join(join.group, join.message, join.user, outcome)?;
    tracing::info!(
        group = %join.group, user = %join.user, message_id = %join.message,
        outcome = outcome.as_str(), "join, after asking for the user"
    );
    Ok(outcome)
}

fn decide_on(
    facts: &Facts<'_>,
    standing: &Standing,
    unlearnable: bool,
    join: &Join,
    user: Option<&User>,
) -> Result<Decision, StoreError> {
    let forwarded = facts.forwarded(join.user, join.group)?;
    let known = JoinFacts {
        own: standing.own,
        nospam_is_admin: nospam_is_admin(facts, standing, unlearnable, join.group)?,
        adder_trusted: match join.added_by {
            Adder::Themselves => false,
            Adder::User(adder) => is_trusted(facts, standing, adder)?,
            // Only an administrator acts in the name of a group.
            Adder::Group => true,
        },
        trusted: is_trusted(facts, standing, join.user)?,
        user,
        forwarded: &forwarded,
    };
    Ok(decide::join(join, &known))
}

fn carry_out(
    facts: &Facts<'_>,
    join: &Join,
    decision: Decision,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    Ok(match decision {
        Decision::Skip(reason) => Outcome::Skipped(reason.as_str()),
        Decision::LookUp => Outcome::LookUp,
        Decision::Forward(photo) => {
            let avatar = Avatar {
                group: join.group,
                user: join.user,
                message: join.message,
                photo,
            };
            if facts.owe_avatar(&avatar, now)? {
                Outcome::Queued
            } else {
                Outcome::Skipped(SkipReason::Repeat.as_str())
            }
        }
    })
}

fn nospam_is_admin(
    facts: &Facts<'_>,
    standing: &Standing,
    unlearnable: bool,
    group: ChannelId,
) -> Result<Option<bool>, StoreError> {
    let Some(nospam) = standing.nospam else {
        return Ok(None);
    };
    let learned = facts
        .channel(group)?
        .is_some_and(|known| known.admins_at.is_some());
    if !learned && unlearnable {
        return Ok(None);
    }
    Ok(Some(facts.admins_of(group)?.contains(&nospam)))
}

fn is_trusted(facts: &Facts<'_>, standing: &Standing, user: UserId) -> Result<bool, StoreError> {
    Ok(standing.fleet.contains(&user) || facts.is_admin_anywhere(user)?)
}
