//! Learns who administers the groups: at start, and of each new group.
//!
//! A join is decided on with what is known; for a group of which nothing is known yet, the watcher
//! asks first, through [`learn_now`].

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Shared, TaskError};
use crate::decide;
use crate::model::{ChannelId, ChannelKind, Timestamp, UserId};
use crate::store::KnownChannel;
use crate::telegram::CallError;

/// How often a group's administrators are asked for when there is no answer.
const MOST_ATTEMPTS: u32 = 3;
/// How long a group's first joins wait for its administrators.
const QUICKLY: Duration = Duration::from_secs(1);

/// Refreshes every group's administrators once, then those of each group that is new.
///
/// # Errors
/// See [`TaskError`].
pub async fn admins(shared: Arc<Shared>) -> Result<(), TaskError> {
    let mut everyone = true;
    loop {
        let woken = shared.wakes.admins.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        for known in shared.commit(|tx| tx.channels()).await? {
            if known.channel.kind == ChannelKind::Group && (everyone || known.admins_at.is_none()) {
                refresh(&shared, &known).await?;
            }
        }
        shared.or_shutdown(woken).await?;
        everyone = shared.wakes.all_admins.swap(false, Ordering::AcqRel);
    }
}

/// Asks for one group's administrators, a few times if there is no answer: one group in trouble must
/// not hold up the others.
async fn refresh(shared: &Shared, known: &KnownChannel) -> Result<(), TaskError> {
    let mut attempts = 0;
    loop {
        let asked = shared
            .telegram
            .administrators(known.channel.id, known.channel.access_hash);
        let pause = match shared.or_shutdown(asked).await? {
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(CallError::Flood { until, .. }) => shared.clock.until(Timestamp::new(until)),
            Err(CallError::Network { .. } | CallError::Busy { .. }) if attempts < MOST_ATTEMPTS => {
                attempts += 1;
                decide::backoff(attempts)
            }
            answer => return note(shared, known.channel.id, answer).await,
        };
        shared.pause(pause).await?;
    }
}

/// Asks once for the administrators of a group of which none are known, so that its first joins
/// are not decided on blindly. Waits for nothing but a quick answer: a join weighs more.
pub(super) async fn learn_now(shared: &Shared, known: &KnownChannel) -> Result<(), TaskError> {
    let id = known.channel.id;
    if known.channel.kind != ChannelKind::Group
        || known.admins_at.is_some()
        || is_unlearnable(shared, id)
    {
        return Ok(());
    }
    let asked = shared
        .telegram
        .administrators(id, known.channel.access_hash);
    match shared
        .or_shutdown(tokio::time::timeout(QUICKLY, asked))
        .await?
    {
        Ok(Err(CallError::Account(trouble))) => Err(trouble.into()),
        Ok(answer) => note(shared, id, answer).await,
        Err(_) => {
            tracing::debug!(group = %id, "its administrators are not known yet");
            Ok(())
        }
    }
}

/// Returns whether this process asked in vain for the administrators of a group.
pub(super) fn is_unlearnable(shared: &Shared, group: ChannelId) -> bool {
    shared
        .unlearnable
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .contains(&group)
}

async fn note(
    shared: &Shared,
    group: ChannelId,
    answer: Result<Vec<UserId>, CallError>,
) -> Result<(), TaskError> {
    match answer {
        Ok(admins) => {
            let now = shared.clock.now();
            shared
                .commit(|tx| tx.replace_admins(group, &admins, now))
                .await?;
            shared
                .unlearnable
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&group);
        }
        Err(error) => {
            tracing::warn!(%group, "the administrators could not be learned: {error}");
            shared
                .unlearnable
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(group);
        }
    }
    Ok(())
}
