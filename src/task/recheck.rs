//! Looks again at members who are still new (SPEC §4.1): all of them on schedule, and each at once
//! when an update shows them.
//!
//! Owns what a second look changes, and the order of a pass: newest first, each chunk in one
//! transaction, after the look-ups of joins. A crash ends a pass; what was found is owed under its
//! photo's key, so that the next pass finds it known.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::joins::{self, Bio};
use super::{Shared, TaskError};
use crate::decide;
use crate::model::{Avatar, Timestamp, User, UserId};
use crate::store::{Outcome, StoreError, Tx};

/// How many users are asked for in one call.
const USERS_A_CALL: usize = 50;

/// How somebody came to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Asked for, on schedule.
    Asked,
    /// Shown by an update, perhaps many times a minute.
    InPassing,
}

/// Goes through the new members whenever it is woken, until the end.
///
/// # Errors
/// See [`TaskError`].
pub async fn recheck(shared: Arc<Shared>) -> Result<(), TaskError> {
    loop {
        shared.or_shutdown(shared.wakes.recheck.notified()).await?;
        pass(&shared).await?;
    }
}

/// Looks at a user as just seen. Returns whether there is something to fetch or to look up.
pub(super) fn look(
    tx: &Tx<'_>,
    shared: &Shared,
    user: &User,
    sight: Sight,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let since = now.plus(-shared.settings.time_new);
    let Some(join) = tx.new_member(user.id, since)? else {
        return Ok(false);
    };
    let mut known = tx.forwarded(user.id, join.group)?;
    if sight == Sight::InPassing {
        // One that was given up is left to the schedule: else each message would fetch it again.
        known.extend(tx.dropped_photos(user.id, join.group)?);
    }
    let Some(photo) = decide::news(user.photo, &known) else {
        return Ok(false);
    };
    tx.note_user(user, None)?;
    let decision = joins::decide_on(tx, shared, &join, Some(user), &Bio::NotAsked)?;
    if !decide::changes_the_record(&decision) {
        tracing::debug!(user = %user.id, group = %join.group, ?decision, "nothing to recheck");
        return Ok(false);
    }
    let outcome = joins::carry_out(tx, &join, decision, true, now)?;
    match outcome {
        Outcome::LookUp | Outcome::Held => {
            let found = Avatar {
                group: join.group,
                user: join.user,
                message: join.message,
                photo,
                recheck: true,
            };
            tx.note_found(&found, outcome, now)?;
            tx.settle_join(join.group, join.message, join.user, outcome)?;
        }
        Outcome::Skipped(reason) if reason == decide::SkipReason::Repeat.as_str() => {
            // Posted before its record was cleared: not again.
            return Ok(false);
        }
        _ => tx.settle_join(join.group, join.message, join.user, outcome)?,
    }
    tracing::info!(
        group = %join.group, user = %join.user, message_id = %join.message,
        outcome = outcome.as_str(), "new member, looked at again"
    );
    Ok(matches!(outcome, Outcome::LookUp | Outcome::Queued))
}

/// Goes through the new members once.
async fn pass(shared: &Shared) -> Result<(), TaskError> {
    let since = shared.clock.now().plus(-shared.settings.time_new);
    let members = shared.commit(|tx| tx.new_members(since)).await?;
    tracing::debug!(members = members.len(), "recheck");
    for chunk in members.chunks(USERS_A_CALL) {
        joins_first(shared).await?;
        let Some(found) = ask(shared, chunk).await? else {
            return Ok(());
        };
        let now = shared.clock.now();
        let fetch = shared
            .commit(|tx| {
                let mut fetch = false;
                for user in found.values() {
                    fetch |= look(tx, shared, user, Sight::Asked, now)?;
                }
                Ok(fetch)
            })
            .await?;
        if fetch {
            shared.wakes.fetch.notify_one();
        }
    }
    Ok(())
}

/// Asks for those of a chunk who are still new. Who is not shown is passed over; `None` if the call
/// itself is refused.
async fn ask(
    shared: &Shared,
    chunk: &[UserId],
) -> Result<Option<BTreeMap<UserId, User>>, TaskError> {
    let since = shared.clock.now().plus(-shared.settings.time_new);
    let user_refs = shared
        .commit(|tx| {
            let mut user_refs = Vec::new();
            for user in chunk {
                if let Some(join) = tx.new_member(*user, since)? {
                    user_refs.push(tx.user_ref(*user, Some((join.group, join.message)))?);
                }
            }
            Ok(user_refs)
        })
        .await?;
    if user_refs.is_empty() {
        return Ok(Some(BTreeMap::new()));
    }
    match shared
        .call(|| shared.telegram.refresh_users(&user_refs))
        .await?
    {
        Ok(found) => Ok(Some(found)),
        Err(error) => {
            tracing::error!("new members cannot be looked at again: {error}");
            Ok(None)
        }
    }
}

/// Waits until no join needs its user looked up: whoever was never looked at goes first.
async fn joins_first(shared: &Shared) -> Result<(), TaskError> {
    loop {
        let looked_up = shared.wakes.looked_up.notified();
        tokio::pin!(looked_up);
        looked_up.as_mut().enable();
        if shared.commit(|tx| tx.waiting_joins(1)).await?.is_empty() {
            return Ok(());
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => return Err(TaskError::ShuttingDown),
            () = looked_up => {}
            () = tokio::time::sleep(shared.nap(None)) => {}
        }
    }
}
