//! Delivers what is owed: one post at a time, at the configured pace, under its stored id.
//!
//! Reports overtake photos, newer photos overtake older ones. A post is marked as begun before the
//! first attempt and as sent only on Telegram's proof, so after a crash or a lost answer it is
//! asked for again under the same `random_id`, and Telegram gives the same message.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Shared, Stop};
use crate::decide::{After, CLOSED_PAUSE, PostFailure, post_failed};
use crate::exchange::reports;
use crate::model::{MessageId, Payload, Timestamp};
use crate::store::{Outcome, Row};
use crate::telegram::{CallError, File, Post, PostError};

/// How long a post under way may go on once the end was asked for.
const GRACE: Duration = Duration::from_secs(5);
/// How long settled rows are kept, in seconds.
const KEEP_SETTLED: i64 = 7 * 24 * 3600;
/// How often old rows are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Puts right what a crash left between spool and outbox.
///
/// # Errors
/// See [`Stop`]; or the spool cannot be read.
pub async fn reconcile(shared: &Shared) -> Result<(), Stop> {
    let rows = shared.commit(|facts| facts.spooled()).await?;
    let names: BTreeSet<String> = rows.iter().map(|(_, name)| name.clone()).collect();
    let there = match shared.spool.sweep(&names) {
        Ok(there) => there,
        Err(error) => {
            tracing::error!("the spool cannot be read: {error}: its photos are fetched again");
            BTreeSet::new()
        }
    };
    shared
        .commit(|facts| {
            for (id, _) in rows.iter().filter(|(_, name)| !there.contains(name)) {
                facts.note_wanted(*id)?;
            }
            Ok(())
        })
        .await
}

/// Delivers until the end.
///
/// # Errors
/// See [`Stop`].
pub async fn deliver(shared: Arc<Shared>) -> Result<(), Stop> {
    let mut next_post = shared.clock.instant();
    let mut next_sweep = next_post;
    let mut closed_until = None;
    loop {
        let woken = shared.wakes.deliver.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();

        shared
            .or_ending(tokio::time::sleep_until(next_post))
            .await?;
        if next_sweep <= shared.clock.instant() {
            drop_old(&shared).await?;
            next_sweep = shared.clock.instant() + SWEEP_EVERY;
        }
        let now = shared.clock.now();
        let open = closed_until.is_none_or(|until| until <= now);
        let rests = [
            shared.telegram.posts_rest(false),
            shared.telegram.posts_rest(true),
        ];
        let row = if open {
            shared
                .commit(|facts| facts.next_to_send(now, rests[0].is_none(), rests[1].is_none()))
                .await?
        } else {
            None
        };
        let Some(row) = row else {
            let due = shared.commit(|facts| facts.next_due(false, now)).await?;
            let wake_at = [rests[0], rests[1], due, closed_until.filter(|_| !open)]
                .into_iter()
                .flatten()
                .min();
            tokio::select! {
                () = shared.shutdown.cancelled() => return Ok(()),
                () = woken => {}
                () = tokio::time::sleep(shared.nap(wake_at)) => {}
            }
            continue;
        };
        closed_until = send(&shared, &row).await?;
        next_post = shared.clock.instant() + shared.delivery.min_interval;
    }
}

/// Posts one row and settles it by what came of it. Returns until when the channel is closed, if
/// it is.
async fn send(shared: &Shared, row: &Row) -> Result<Option<Timestamp>, Stop> {
    let channel = shared.delivery.channel;
    let Some(access_hash) = shared
        .commit(|facts| facts.channel(channel))
        .await?
        .map(|known| known.channel.access_hash)
    else {
        let why = "it is not among the account's channels";
        return closed(shared, row, shared.clock.now().plus(CLOSED_PAUSE), why).await;
    };
    let (text, file) = match &row.payload {
        Payload::Text { text } => (text.clone(), None),
        Payload::Avatar(avatar) => {
            let Some(file) = spooled(shared, row).await? else {
                return Ok(None);
            };
            let text = reports::avatar(avatar.group, avatar.user, avatar.message);
            (text, Some(file))
        }
    };
    shared.commit(|facts| facts.note_sending(row.id)).await?;
    let upload_id = upload_id()?;
    let post = Post {
        channel,
        access_hash,
        random_id: row.random_id,
        text: &text,
        file: file.as_ref().map(|(name, bytes)| File {
            name,
            upload_id,
            bytes,
        }),
    };
    let result = tokio::select! {
        result = shared.telegram.post(&post) => result,
        () = grace(shared) => return Err(Stop::Ending),
    };
    match result {
        Ok(message) => {
            sent(shared, row, message).await?;
            Ok(None)
        }
        Err(error) => not_sent(shared, row, error).await,
    }
}

async fn grace(shared: &Shared) {
    shared.shutdown.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

/// Returns a row's file; `None` if it is gone or unreadable, and is then fetched again.
async fn spooled(shared: &Shared, row: &Row) -> Result<Option<(String, Vec<u8>)>, Stop> {
    let found = row
        .spool
        .as_ref()
        .map(|name| (name, shared.spool.read(name)));
    match found {
        Some((name, Ok(Some(bytes)))) => Ok(Some((name.clone(), bytes))),
        other => {
            if let Some((_, Err(error))) = other {
                tracing::error!("a spooled photo cannot be read: {error}: it is fetched again");
            }
            shared.commit(|facts| facts.note_wanted(row.id)).await?;
            shared.wakes.fetch.notify_one();
            Ok(None)
        }
    }
}

async fn sent(shared: &Shared, row: &Row, message: MessageId) -> Result<(), Stop> {
    let now = shared.clock.now();
    shared
        .commit(|facts| {
            facts.note_sent(row.id, message, now)?;
            if let Payload::Avatar(avatar) = &row.payload {
                facts.record_forwarded(avatar, message, now)?;
                facts.settle_join(
                    avatar.group,
                    avatar.message,
                    avatar.user,
                    Outcome::Forwarded,
                )?;
            }
            Ok(())
        })
        .await?;
    match &row.payload {
        Payload::Avatar(avatar) => tracing::info!(
            group = %avatar.group, user = %avatar.user, message_id = %message, "forwarded"
        ),
        Payload::Text { .. } => tracing::info!(key = row.key, message_id = %message, "reported"),
    }
    unspool(shared, row);
    shared.wakes.fetch.notify_one();
    Ok(())
}

async fn not_sent(shared: &Shared, row: &Row, error: PostError) -> Result<Option<Timestamp>, Stop> {
    let failure = match &error {
        PostError::Call(CallError::Account(trouble)) => return Err(trouble.clone().into()),
        PostError::Call(CallError::Flood { until, .. }) => PostFailure::Flood { until: *until },
        PostError::Call(CallError::Network { .. }) | PostError::Unproven => PostFailure::Unanswered,
        PostError::Call(CallError::Refused { name, .. }) => PostFailure::Refused(name),
        PostError::Size(_) => PostFailure::Refused("the file's size"),
    };
    let now = shared.clock.now();
    let in_vain = !matches!(failure, PostFailure::Flood { .. });
    match post_failed(failure, row.attempts, now) {
        After::Again(at) => {
            tracing::debug!(key = row.key, "not proven, to be asked for again: {error}");
            shared
                .commit(|facts| facts.put_off(row.id, at, in_vain))
                .await?;
            Ok(None)
        }
        After::Closed(until) => closed(shared, row, until, &error.to_string()).await,
        After::GiveUp => {
            tracing::error!(key = row.key, "given up: {error}");
            drop_row(shared, row, Outcome::Failed, &error.to_string()).await?;
            Ok(None)
        }
    }
}

/// The channel does not take posts: everything is kept, and tried again.
async fn closed(
    shared: &Shared,
    row: &Row,
    until: Timestamp,
    why: &str,
) -> Result<Option<Timestamp>, Stop> {
    tracing::error!(
        channel = %shared.delivery.channel,
        "cannot post there ({why}): make the account an administrator that may post messages; everything is kept and tried again every minute"
    );
    // The pause is this process's: a new start tries at once.
    let now = shared.clock.now();
    shared
        .commit(|facts| facts.put_off(row.id, now, true))
        .await?;
    Ok(Some(until))
}

/// Drops photos that have waited for too long, and forgets what was settled long ago.
async fn drop_old(shared: &Shared) -> Result<(), Stop> {
    let now = shared.clock.now();
    let old = shared
        .commit(|facts| {
            facts.forget_settled(now.plus(-KEEP_SETTLED))?;
            facts.too_old(now.plus(-shared.delivery.max_age))
        })
        .await?;
    for row in &old {
        tracing::warn!(key = row.key, "dropped: older than delivery.max_age_hours");
        drop_row(shared, row, Outcome::Expired, "expired").await?;
    }
    Ok(())
}

async fn drop_row(shared: &Shared, row: &Row, outcome: Outcome, why: &str) -> Result<(), Stop> {
    let now = shared.clock.now();
    shared
        .commit(|facts| {
            facts.note_dropped(row.id, why, now)?;
            match &row.payload {
                Payload::Avatar(a) => facts.settle_join(a.group, a.message, a.user, outcome),
                Payload::Text { .. } => Ok(()),
            }
        })
        .await?;
    unspool(shared, row);
    Ok(())
}

/// Removes a settled row's file; what cannot be removed now is swept at the next start.
fn unspool(shared: &Shared, row: &Row) {
    if let Some(name) = &row.spool
        && let Err(error) = shared.spool.remove(name)
    {
        tracing::warn!("a spooled photo cannot be removed: {error}");
    }
}

/// An upload's id: random, so that parts of an attempt before never mix in.
fn upload_id() -> Result<i64, Stop> {
    getrandom::u64()
        .map(u64::cast_signed)
        .map_err(|error| Stop::System(format!("no random numbers: {error}")))
}
