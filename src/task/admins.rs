//! Learns who administers the groups: at start, and of each new group.
//!
//! A join is decided on with what is known; for a group of which nothing is known yet, the watcher
//! asks first, through [`learn_now`].

use std::sync::{Arc, PoisonError};

use super::{Shared, Stop};
use crate::model::{ChannelId, ChannelKind, UserId};
use crate::store::KnownChannel;
use crate::telegram::CallError;

/// Refreshes every group's administrators once, then those of each group that is new.
///
/// # Errors
/// See [`Stop`].
pub async fn admins(shared: Arc<Shared>) -> Result<(), Stop> {
    let mut everyone = true;
    loop {
        let woken = shared.wakes.admins.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        for known in shared.commit(|facts| facts.channels()).await? {
            if known.channel.kind == ChannelKind::Group && (everyone || known.admins_at.is_none()) {
                let answer = shared
                    .call(|| {
                        shared
                            .telegram
                            .administrators(known.channel.id, known.channel.access_hash)
                    })
                    .await?;
                note(&shared, known.channel.id, answer).await?;
            }
        }
        everyone = false;
        shared.or_ending(woken).await?;
    }
}

/// Asks once for the administrators of a group of which none are known, so that its first joins
/// are not decided on blindly. Does not wait for floods: a join weighs more.
pub(super) async fn learn_now(shared: &Shared, known: &KnownChannel) -> Result<(), Stop> {
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
    match shared.or_ending(asked).await? {
        Err(CallError::Account(trouble)) => Err(trouble.into()),
        answer => note(shared, id, answer).await,
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
) -> Result<(), Stop> {
    match answer {
        Ok(admins) => {
            let now = shared.clock.now();
            shared
                .commit(|facts| facts.replace_admins(group, &admins, now))
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
