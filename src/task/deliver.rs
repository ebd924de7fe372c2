//! Delivers what is owed: one post at a time, at the configured pace, under its stored id.
//!
//! Reports overtake photos, newer photos overtake older ones. A post is marked as begun before the
//! first attempt and as sent only on Telegram's proof, so after a crash or a lost answer it is
//! asked for again under the same `random_id`, and Telegram gives the same message.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::lists::LISTS_APART;
use super::{Shared, TaskError, enqueue};
use crate::decide::{After, CLOSED_PAUSE, PostFailure, post_failed};
use crate::exchange::reports;
use crate::exchange::route::{Route, RouteEvent};
use crate::model::{ChannelId, Content, MessageId, Payload, Timestamp};
use crate::spool;
use crate::store::{Outcome, Row, StoreError, Tx};
use crate::telegram::{CallError, File, Post, PostError};

/// How long a post under way may go on once the end was asked for.
const GRACE: Duration = Duration::from_secs(5);
/// How long settled rows are kept, in seconds.
const KEEP_SETTLED: i64 = 7 * 24 * 3600;
/// How long a list waits for its post, in seconds: a channel that is closed for longer must not fill the disk.
const KEEP_WAITING_LISTS: i64 = 7 * 24 * 3600;
/// How often old rows are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long declarations and orders are remembered, in seconds.
const KEEP_ORDERS: i64 = 30 * 24 * 3600;

/// Puts right what a crash left between spool and outbox.
///
/// # Errors
/// See [`TaskError`]; or the spool cannot be read.
pub async fn reconcile(shared: &Shared) -> Result<(), TaskError> {
    let now = shared.clock.now();
    let rows = shared
        .commit(|tx| {
            tx.drop_damaged(now)?;
            tx.spooled()
        })
        .await?;
    let names: BTreeSet<String> = rows.iter().map(|(_, name)| name.clone()).collect();
    let there = shared
        .spool
        .sweep(&names)
        .map_err(|error| TaskError::System(format!("the spool cannot be read: {error}")))?;
    shared
        .commit(|tx| {
            for (id, _) in rows.iter().filter(|(_, name)| !there.contains(name)) {
                tx.note_wanted(*id)?;
            }
            Ok(())
        })
        .await
}

/// Delivers until the end.
///
/// # Errors
/// See [`TaskError`].
pub async fn deliver(shared: Arc<Shared>) -> Result<(), TaskError> {
    let mut next_post = shared.clock.instant();
    let mut next_sweep = next_post;
    let mut closed_until = None;
    loop {
        let woken = shared.wakes.deliver.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();

        shared
            .or_shutdown(tokio::time::sleep_until(next_post))
            .await?;
        if next_sweep <= shared.clock.instant() {
            drop_old(&shared).await?;
            next_sweep = shared.clock.instant() + SWEEP_EVERY;
        }
        let now = shared.clock.now();
        let open = closed_until.is_none_or(|until| until <= now);
        let rests = [
            shared.telegram.posts_limited_until(false),
            shared.telegram.posts_limited_until(true),
        ];
        let row = if open {
            shared
                .commit(|tx| {
                    tx.drop_expired(now)?;
                    tx.next_to_send(now, rests[0].is_none(), rests[1].is_none())
                })
                .await?
        } else {
            None
        };
        let Some(row) = row else {
            let due = shared.commit(|tx| tx.next_due(false, now)).await?;
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
async fn send(shared: &Shared, row: &Row) -> Result<Option<Timestamp>, TaskError> {
    let (channel, access_hash) = shared
        .commit(|tx| {
            let channel = target(tx, shared, row)?;
            let known = tx.channel(channel)?;
            Ok((channel, known.map(|known| known.channel.access_hash)))
        })
        .await?;
    let Some(access_hash) = access_hash else {
        let why = "it is not among the account's channels";
        return closed(
            shared,
            row,
            channel,
            shared.clock.now().plus(CLOSED_PAUSE),
            why,
        )
        .await;
    };
    let text = match &row.payload {
        Payload::Text { text } | Payload::File { text, .. } | Payload::List { text, .. } => {
            text.clone()
        }
        Payload::Avatar(avatar) => {
            reports::avatar(avatar.group, avatar.user, avatar.reported_message())
        }
    };
    let file = match &row.payload {
        Payload::Text { .. } => None,
        Payload::File { content, .. } => match made(shared, content) {
            Ok(file) => Some(file),
            Err(why) => {
                tracing::error!(key = row.key, "given up: {why}");
                drop_row(shared, row, Outcome::Failed, &why).await?;
                return Ok(None);
            }
        },
        Payload::List { .. } | Payload::Avatar(_) => match spooled(shared, row).await? {
            Some(file) => Some(file),
            None => return Ok(None),
        },
    };
    // An order may have cancelled it up to this very moment.
    if !shared.commit(|tx| tx.note_sending(row.id, channel)).await? {
        return Ok(None);
    }
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
        () = grace(shared) => return Err(TaskError::ShuttingDown),
    };
    match result {
        Ok(message) => {
            sent(shared, row, (channel, message)).await?;
            Ok(None)
        }
        Err(error) => not_sent(shared, row, channel, error).await,
    }
}

/// Where a row goes: where its post was begun, since only there its `random_id` is known, else where
/// posts go now.
fn target(tx: &Tx<'_>, shared: &Shared, row: &Row) -> Result<ChannelId, StoreError> {
    if let Some(channel) = row.begun_in {
        return Ok(channel);
    }
    Ok(
        match (enqueue::route(tx, shared)?, shared.delivery.exchange) {
            (Route::Exchange, Some(exchange)) => exchange,
            _ => shared.delivery.hide,
        },
    )
}

/// Makes the small file of a report.
fn made(shared: &Shared, content: &Content) -> Result<(String, Vec<u8>), String> {
    let saved_at = shared.clock.now().rfc3339();
    let name = spool::random_name().map_err(|error| error.to_string())?;
    let bytes = tokio::task::block_in_place(|| shared.encoder.encode_report(content, &saved_at))
        .map_err(|error| error.to_string())?;
    Ok((name, bytes))
}

async fn grace(shared: &Shared) {
    shared.shutdown.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

/// Returns a row's file; `None` if it is gone or unreadable, and is then fetched again.
async fn spooled(shared: &Shared, row: &Row) -> Result<Option<(String, Vec<u8>)>, TaskError> {
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
            shared.commit(|tx| tx.note_wanted(row.id)).await?;
            shared.wakes.fetch.notify_one();
            Ok(None)
        }
    }
}

async fn sent(shared: &Shared, row: &Row, post: (ChannelId, MessageId)) -> Result<(), TaskError> {
    let (_, message) = post;
    let now = shared.clock.now();
    shared
        .commit(|tx| {
            tx.note_sent(row.id, message, now)?;
            if let Payload::Avatar(avatar) = &row.payload {
                tx.record_forwarded(avatar, post, now)?;
                tx.settle_photo(
                    avatar.group,
                    avatar.message,
                    avatar.user,
                    Outcome::Forwarded,
                )?;
            }
            if let Payload::List { .. } = &row.payload {
                tx.space_lists(now.plus(LISTS_APART))?;
            }
            Ok(())
        })
        .await?;
    match &row.payload {
        Payload::Avatar(avatar) => tracing::info!(
            group = %avatar.group, user = %avatar.user, message_id = %message, "forwarded"
        ),
        _ => tracing::info!(key = row.key, message_id = %message, "reported"),
    }
    unspool(shared, row);
    shared.wakes.fetch.notify_one();
    Ok(())
}

async fn not_sent(
    shared: &Shared,
    row: &Row,
    channel: ChannelId,
    error: PostError,
) -> Result<Option<Timestamp>, TaskError> {
    let failure = match &error {
        PostError::Call(CallError::Account(trouble)) => return Err(trouble.clone().into()),
        PostError::Call(CallError::Flood { until, .. }) => PostFailure::Flood {
            until: Timestamp::new(*until),
        },
        PostError::Call(CallError::Network { .. } | CallError::Busy { .. })
        | PostError::Unproven => PostFailure::Unanswered,
        PostError::Call(CallError::Refused { code, name, .. }) => {
            PostFailure::Refused { code: *code, name }
        }
        PostError::Size(_) => PostFailure::Unfit,
    };
    let now = shared.clock.now();
    let in_vain = !matches!(failure, PostFailure::Flood { .. });
    match post_failed(failure, row.attempts, now) {
        After::Again(at) => {
            tracing::debug!(key = row.key, "not proven, to be asked for again: {error}");
            shared.commit(|tx| tx.put_off(row.id, at, in_vain)).await?;
            Ok(None)
        }
        After::Closed(until) => closed(shared, row, channel, until, &error.to_string()).await,
        After::GiveUp => {
            tracing::error!(key = row.key, "given up: {error}");
            drop_row(shared, row, Outcome::Failed, &error.to_string()).await?;
            Ok(None)
        }
    }
}

/// The channel does not take posts. From EXCHANGE the way leads to HIDE (SPEC §5.4); with HIDE
/// closed everything is kept, and tried again.
async fn closed(
    shared: &Shared,
    row: &Row,
    channel: ChannelId,
    until: Timestamp,
    why: &str,
) -> Result<Option<Timestamp>, TaskError> {
    let now = shared.clock.now();
    if Some(channel) == shared.delivery.exchange {
        tracing::error!(%channel, "EXCHANGE does not take posts ({why}): they go to HIDE until MANAGE orders otherwise");
        shared
            .commit(|tx| {
                tx.note_turned_away(row.id)?;
                enqueue::turn(tx, shared, RouteEvent::ExchangeFailed, now)
            })
            .await?;
        return Ok(None);
    }
    tracing::error!(
        %channel,
        "cannot post there ({why}): make the account an administrator that may post messages; everything is kept and tried again every minute"
    );
    // The pause is this process's: a new start tries at once.
    shared.commit(|tx| tx.put_off(row.id, now, true)).await?;
    Ok(Some(until))
}

/// Drops photos and lists that have waited for too long, and forgets what was settled long ago.
async fn drop_old(shared: &Shared) -> Result<(), TaskError> {
    let now = shared.clock.now();
    let old = shared
        .commit(|tx| {
            tx.forget_settled(now.plus(-KEEP_SETTLED))?;
            tx.forget_orders(now.plus(-KEEP_ORDERS))?;
            let oldest = (
                now.plus(-shared.delivery.max_age),
                now.plus(-KEEP_WAITING_LISTS),
            );
            tx.too_old(oldest, now)
        })
        .await?;
    for row in &old {
        let limit = match row.payload {
            Payload::List { .. } => "a week",
            _ => "delivery.max_age_hours",
        };
        tracing::warn!(key = row.key, "dropped: older than {limit}");
        drop_row(shared, row, Outcome::Expired, "expired").await?;
    }
    Ok(())
}

async fn drop_row(
    shared: &Shared,
    row: &Row,
    outcome: Outcome,
    why: &str,
) -> Result<(), TaskError> {
    let now = shared.clock.now();
    shared
        .commit(|tx| {
            tx.note_dropped(row.id, why, now)?;
            match &row.payload {
                Payload::Avatar(a) => tx
                    .settle_photo(a.group, a.message, a.user, outcome)
                    .map(|_| ()),
                _ => Ok(()),
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
fn upload_id() -> Result<i64, TaskError> {
    getrandom::u64()
        .map(u64::cast_signed)
        .map_err(|error| TaskError::System(format!("no random numbers: {error}")))
}
