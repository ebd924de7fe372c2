//! Pulls one channel up to date: page after page, each committed with its `pts` before the next.

use std::time::Duration;

use super::admins::learn_now;
use super::orders::{self, Attached};
use super::{Shared, TaskError, joins};
use crate::decide::channel_tracker::{Gap, PullEnd};
use crate::file_codec::DecodedFile;
use crate::list_file::ListFile;
use crate::model::{Advance, ChannelId, Page, Timestamp};
use crate::store::{AdvanceOutcome, KnownChannel};
use crate::telegram::{CallError, Difference, DocumentError};

/// How soon a channel whose pull was refused is pulled again.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// Pulls `channel` from the stored `pts` until nothing is left, closing `gap` first.
pub(super) async fn pull(
    shared: &Shared,
    channel: ChannelId,
    mut gap: Option<Gap>,
) -> Result<PullEnd, TaskError> {
    loop {
        let known = shared.commit(|tx| tx.channel(channel)).await?;
        let Some(known) = known.filter(|known| known.present) else {
            return Ok(PullEnd::Left);
        };
        learn_now(shared, &known).await?;
        let step = match gap {
            Some(end) => close(shared, &known, end).await?,
            None => advance(shared, &known).await?,
        };
        match step {
            Step::More => {}
            Step::Closed => gap = None,
            Step::Ended(how) => return Ok(how),
        }
    }
}

/// What one call brought.
enum Step {
    More,
    Closed,
    Ended(PullEnd),
}

/// Pulls one page of differences.
async fn advance(shared: &Shared, known: &KnownChannel) -> Result<Step, TaskError> {
    let (id, hash, pts) = (
        known.channel.id,
        known.channel.access_hash,
        known.channel.pts,
    );
    let answer = shared
        .or_shutdown(shared.telegram.difference(id, hash, pts))
        .await?;
    Ok(match answer {
        Ok(Difference::Page { page, last }) => {
            let moved = apply(shared, &page).await?;
            let stands = page.advance == Advance::Pulled { from: pts, to: pts };
            match moved {
                // An answer that neither ends nor moves would be asked for without end.
                AdvanceOutcome::Advanced if last || stands => Step::Ended(PullEnd::UpToDate),
                _ => Step::More,
            }
        }
        Ok(Difference::TooLong { top_message, pts }) => {
            tracing::info!(channel = %id, "a gap too long for differences: fetching its messages");
            Step::Ended(PullEnd::TooLong(Gap {
                top: top_message,
                pts,
            }))
        }
        Err(error) => Step::Ended(failed(shared, id, None, error).await?),
    })
}

/// Fetches some of a gap's messages by their ids; once none is left, adopts its `pts`. Killed in
/// between, it goes on after the last page that was committed.
async fn close(shared: &Shared, known: &KnownChannel, gap: Gap) -> Result<Step, TaskError> {
    let (id, hash, after) = (
        known.channel.id,
        known.channel.access_hash,
        known.channel.top_message,
    );
    if after >= gap.top {
        let adopted = Page {
            channel: id,
            advance: Advance::Adopted { to: gap.pts },
            joins: Vec::new(),
            users: Vec::new(),
            shown: Vec::new(),
            posts: Vec::new(),
            last_message: None,
        };
        apply(shared, &adopted).await?;
        return Ok(Step::Closed);
    }
    let answer = shared
        .or_shutdown(shared.telegram.messages(id, hash, after, gap.top))
        .await?;
    match answer {
        Ok(page) => {
            apply(shared, &page).await?;
            Ok(Step::More)
        }
        Err(error) => Ok(Step::Ended(failed(shared, id, Some(gap), error).await?)),
    }
}

async fn apply(shared: &Shared, page: &Page) -> Result<AdvanceOutcome, TaskError> {
    let attached = attached(shared, page).await?;
    let now = shared.clock.now();
    let applied = shared
        .commit(|tx| joins::apply(tx, shared, page, &attached, now))
        .await?;
    joins::finish(shared, applied.after).await?;
    Ok(applied.moved)
}

/// Fetches and opens the files of a page's orders, before any of them is applied.
async fn attached(shared: &Shared, page: &Page) -> Result<Attached, TaskError> {
    let mut attached = Attached::new();
    if !shared.delivery.private.contains(&page.channel) {
        return Ok(attached);
    }
    for post in page.posts.iter().filter(|post| orders::needs_file(post)) {
        let Some(document) = &post.document else {
            continue;
        };
        let known = shared.commit(|tx| tx.channel(page.channel)).await?;
        let Some(known) = known else { continue };
        let access_hash = known.channel.access_hash;
        let fetched = shared
            .call(|| async {
                match shared
                    .telegram
                    .document(page.channel, access_hash, post.message, document)
                    .await
                {
                    Err(DocumentError::Call(
                        error @ (CallError::Network { .. }
                        | CallError::Busy { .. }
                        | CallError::Flood { .. }
                        | CallError::Account(_)),
                    )) => Err(error),
                    settled => Ok(settled),
                }
            })
            .await?;
        let list = match fetched {
            Ok(Ok(bytes)) => tokio::task::block_in_place(|| read_list(shared, &bytes)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        attached.insert(post.message, list);
    }
    Ok(attached)
}

fn read_list(shared: &Shared, bytes: &[u8]) -> Result<ListFile, String> {
    match shared.decoder.decode(bytes) {
        Ok(DecodedFile::List(list)) => Ok(list),
        Ok(DecodedFile::Photo(_) | DecodedFile::Other(_)) => Err("its file holds no list".into()),
        Err(error) => Err(format!("its file does not open: {error}")),
    }
}

async fn failed(
    shared: &Shared,
    channel: ChannelId,
    gap: Option<Gap>,
    error: CallError,
) -> Result<PullEnd, TaskError> {
    if error.is("CHANNEL_PRIVATE") || error.is("CHANNEL_INVALID") {
        shared.commit(|tx| tx.note_absent(channel)).await?;
        tracing::info!(%channel, "the account is not in this channel any more");
        return Ok(PullEnd::Left);
    }
    if error.is("PERSISTENT_TIMESTAMP_INVALID") || error.is("PERSISTENT_TIMESTAMP_EMPTY") {
        tracing::warn!(%channel, "Telegram does not accept the stored pts: asking for the present one");
        return Ok(PullEnd::PtsRejected);
    }
    let pause = match error {
        CallError::Account(trouble) => return Err(trouble.into()),
        CallError::Flood { until, .. } => shared.clock.until(Timestamp::new(until)),
        CallError::Network { .. } | CallError::Busy { .. } => {
            tracing::debug!(%channel, "to be pulled again: {error}");
            Duration::ZERO
        }
        CallError::Refused { .. } => {
            tracing::error!(%channel, "pulling was refused: {error}");
            REFUSED_PAUSE
        }
    };
    Ok(PullEnd::Failed { gap, pause })
}
