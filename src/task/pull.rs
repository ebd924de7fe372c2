//! Pulls one channel up to date: page after page, each committed with its `pts` before the next.

use std::time::Duration;

use super::{TaskError, WatchParts};
use crate::model::{Advance, ChannelId, MessageId, Page};
use crate::store::{AdvanceOutcome, KnownChannel};
use crate::telegram::{CallError, Difference};

/// How soon a channel whose pull was refused is pulled again.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// How a pull ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    /// Nothing is left to pull.
    UpToDate,
    /// The account is not in the channel any more.
    Left,
    /// Differences do not bridge this gap: its messages have to be fetched by their ids.
    Gap(Gap),
    /// Telegram does not accept the stored `pts`: the list of dialogs has to tell where to go on.
    Lost,
    /// To be tried again, not before the pause is over; so that nobody else waits for it meanwhile.
    Later {
        /// The gap that is not closed yet.
        gap: Option<Gap>,
        /// The pause, if Telegram asked for one.
        pause: Duration,
    },
}

/// A gap that differences cannot bridge: where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// The newest message.
    pub(super) top: MessageId,
    /// The `pts` to go on from.
    pub(super) pts: i32,
}

/// Pulls `channel` from the stored `pts` until nothing is left, closing `gap` first.
pub(super) async fn pull(
    parts: &WatchParts,
    channel: ChannelId,
    mut gap: Option<Gap>,
) -> Result<Pulled, TaskError> {
    loop {
        let known = parts.database.read(|tx| tx.channel(channel)).await?;
        let Some(known) = known.filter(|known| known.present) else {
            return Ok(Pulled::Left);
        };
        parts.administrators.read_now(&known).await?;
        let step = match gap {
            Some(end) => close(parts, &known, end).await?,
            None => advance(parts, &known).await?,
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
    Ended(Pulled),
}

/// Pulls one page of differences.
async fn advance(parts: &WatchParts, known: &KnownChannel) -> Result<Step, TaskError> {
    let (id, hash, pts) = (
        known.channel.id,
        known.channel.access_hash,
        known.channel.pts,
    );
    let answer = parts
        .runtime
        .or_shutdown(parts.telegram.difference(id, hash, pts))
        .await?;
    Ok(match answer {
        Ok(Difference::Page { page, last }) => {
            let moved = parts.pages.apply_pulled(&page).await?;
            let stands = page.advance == Advance::Pulled { from: pts, to: pts };
            match moved {
                // An answer that neither ends nor moves would be asked for without end.
                AdvanceOutcome::Advanced if last || stands => Step::Ended(Pulled::UpToDate),
                _ => Step::More,
            }
        }
        Ok(Difference::TooLong { top_message, pts }) => {
            tracing::info!(channel = %id, "a gap too long for differences: fetching its messages");
            Step::Ended(Pulled::Gap(Gap {
                top: top_message,
                pts,
            }))
        }
        Err(error) => Step::Ended(failed(parts, id, None, error).await?),
    })
}

/// Fetches some of a gap's messages by their ids; once none is left, adopts its `pts`. Killed in
/// between, it goes on after the last page that was committed.
async fn close(parts: &WatchParts, known: &KnownChannel, gap: Gap) -> Result<Step, TaskError> {
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
        parts.pages.apply_pulled(&adopted).await?;
        return Ok(Step::Closed);
    }
    let answer = parts
        .runtime
        .or_shutdown(parts.telegram.messages(id, hash, after, gap.top))
        .await?;
    match answer {
        Ok(page) => {
            parts.pages.apply_pulled(&page).await?;
            Ok(Step::More)
        }
        Err(error) => Ok(Step::Ended(failed(parts, id, Some(gap), error).await?)),
    }
}

async fn failed(
    parts: &WatchParts,
    channel: ChannelId,
    gap: Option<Gap>,
    error: CallError,
) -> Result<Pulled, TaskError> {
    if error.is("CHANNEL_PRIVATE") || error.is("CHANNEL_INVALID") {
        parts.database.write(|tx| tx.note_absent(channel)).await?;
        tracing::info!(%channel, "the account is not in this channel any more");
        return Ok(Pulled::Left);
    }
    if error.is("PERSISTENT_TIMESTAMP_INVALID") || error.is("PERSISTENT_TIMESTAMP_EMPTY") {
        tracing::warn!(%channel, "Telegram does not accept the stored pts: asking for the present one");
        return Ok(Pulled::Lost);
    }
    let pause = match error {
        CallError::Account(trouble) => return Err(trouble.into()),
        CallError::Flood { until, .. } => parts.runtime.clock.until(until),
        CallError::Network { .. } | CallError::Busy { .. } => {
            tracing::debug!(%channel, "to be pulled again: {error}");
            Duration::ZERO
        }
        CallError::Refused { .. } => {
            tracing::error!(%channel, "pulling was refused: {error}");
            REFUSED_PAUSE
        }
    };
    Ok(Pulled::Later { gap, pause })
}
