//! Pulls one channel up to date: page after page, each committed with its `pts` before the next.

use super::admins::{is_unlearnable, learn_now};
use super::joins;
use super::{Shared, Stop};
use crate::model::{Advance, ChannelId, MessageId, Page};
use crate::store::{KnownChannel, Moved};
use crate::telegram::{CallError, Difference};

/// How a pull ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    /// Nothing is left to pull.
    UpToDate,
    /// The account is not in the channel any more.
    Left,
    /// Telegram does not accept the stored `pts`: the list of dialogs has to tell where to go on.
    Lost,
    /// Refused for another reason: to be tried again.
    Refused,
}

/// A gap that differences cannot bridge: where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    /// The newest message.
    pub(super) top: MessageId,
    /// The `pts` to go on from.
    pub(super) pts: i32,
}

/// Pulls `channel` from the stored `pts` until nothing is left, closing `gap` first.
pub(super) async fn pull(
    shared: &Shared,
    channel: ChannelId,
    mut gap: Option<Gap>,
) -> Result<Pulled, Stop> {
    loop {
        let known = shared.commit(|facts| facts.channel(channel)).await?;
        let Some(known) = known.filter(|known| known.present) else {
            return Ok(Pulled::Left);
        };
        learn_now(shared, &known).await?;
        let step = match gap {
            Some(end) => close(shared, &known, end).await?,
            None => advance(shared, &known).await?,
        };
        match step {
            Step::More => {}
            Step::TooLong(end) => {
                tracing::info!(%channel, "a gap too long for differences: fetching its messages");
                gap = Some(end);
            }
            Step::Closed => gap = None,
            Step::Ended(how) => return Ok(how),
        }
    }
}

/// What one call brought.
enum Step {
    More,
    TooLong(Gap),
    Closed,
    Ended(Pulled),
}

/// Pulls one page of differences.
async fn advance(shared: &Shared, known: &KnownChannel) -> Result<Step, Stop> {
    let (id, hash, pts) = (
        known.channel.id,
        known.channel.access_hash,
        known.channel.pts,
    );
    let answer = shared
        .call(|| shared.telegram.difference(id, hash, pts))
        .await?;
    Ok(match answer {
        Ok(Difference::Page { page, last }) => {
            let moved = apply(shared, &page).await?;
            let stands = page.advance == Advance::Pulled { from: pts, to: pts };
            match (last, moved) {
                (true, Moved::Forward) => Step::Ended(Pulled::UpToDate),
                // An answer that neither ends nor moves would be asked for without end.
                (false, Moved::Forward) if stands => Step::Ended(Pulled::Refused),
                _ => Step::More,
            }
        }
        Ok(Difference::TooLong { top_message, pts }) => Step::TooLong(Gap {
            top: top_message,
            pts,
        }),
        Err(error) => Step::Ended(refused(shared, id, &error).await?),
    })
}

/// Fetches some of a gap's messages by their ids; once none is left, adopts its `pts`. Killed in
/// between, it goes on after the last page that was committed.
async fn close(shared: &Shared, known: &KnownChannel, gap: Gap) -> Result<Step, Stop> {
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
            posts: Vec::new(),
            last_message: None,
        };
        apply(shared, &adopted).await?;
        return Ok(Step::Closed);
    }
    let answer = shared
        .call(|| shared.telegram.messages(id, hash, after, gap.top))
        .await?;
    match answer {
        Ok(page) => {
            apply(shared, &page).await?;
            Ok(Step::More)
        }
        Err(error) => Ok(Step::Ended(refused(shared, id, &error).await?)),
    }
}

async fn apply(shared: &Shared, page: &Page) -> Result<Moved, Stop> {
    let now = shared.clock.now();
    let unlearnable = is_unlearnable(shared, page.channel);
    let applied = shared
        .commit(|facts| joins::apply(facts, &shared.standing, unlearnable, page, now))
        .await?;
    if applied.owes {
        shared.wakes.fetch.notify_one();
    }
    Ok(applied.moved)
}

async fn refused(shared: &Shared, channel: ChannelId, error: &CallError) -> Result<Pulled, Stop> {
    if error.is("CHANNEL_PRIVATE") || error.is("CHANNEL_INVALID") {
        shared.commit(|facts| facts.note_absent(channel)).await?;
        tracing::info!(%channel, "the account is not in this channel any more");
        return Ok(Pulled::Left);
    }
    if error.is("PERSISTENT_TIMESTAMP_INVALID") || error.is("PERSISTENT_TIMESTAMP_EMPTY") {
        tracing::warn!(%channel, "Telegram does not accept the stored pts: asking for the present one");
        return Ok(Pulled::Lost);
    }
    tracing::error!(%channel, "pulling was refused: {error}");
    Ok(Pulled::Refused)
}
