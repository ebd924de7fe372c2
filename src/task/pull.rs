//! Pulls one channel up to date: page after page, each committed with its `pts` before the next.

use std::time::Duration;

use super::{Administrators, Database, PageApplier, Runtime, TaskError};
use crate::decide::channel_tracker::{GapEnd, PullEnd};
use crate::model::{Advance, ChannelId, Page, Timestamp};
use crate::store::{AdvanceOutcome, KnownChannel};
use crate::telegram::{CallError, Difference, Telegram};

/// The pause before a channel whose pull was refused is pulled again.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// Pulls channels. Cheap to clone.
#[derive(Clone)]
pub struct ChannelPuller {
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub administrators: Administrators,
    pub pages: PageApplier,
}

/// The result of one call.
enum Step {
    More,
    /// The gap is closed.
    Closed,
    Ended(PullEnd),
}

impl ChannelPuller {
    /// Pulls `channel` from the stored `pts` until nothing is left, closing `gap` first.
    pub(super) async fn pull(
        &self,
        channel: ChannelId,
        mut gap: Option<GapEnd>,
    ) -> Result<PullEnd, TaskError> {
        loop {
            let known = self.database.read(|tx| tx.channel(channel)).await?;
            let Some(known) = known.filter(|known| known.present) else {
                return Ok(PullEnd::Left);
            };
            self.administrators.read_now(&known).await?;
            let step = match gap {
                Some(end) => self.close(&known, end).await?,
                None => self.advance(&known).await?,
            };
            match step {
                Step::More => {}
                Step::Closed => gap = None,
                Step::Ended(end) => return Ok(end),
            }
        }
    }

    /// Pulls one page of differences.
    async fn advance(&self, known: &KnownChannel) -> Result<Step, TaskError> {
        let (id, hash, pts) = (
            known.channel.id,
            known.channel.access_hash,
            known.channel.pts,
        );
        let call = self.telegram.difference(id, hash, pts);
        Ok(match self.runtime.or_shutdown(call).await? {
            Ok(Difference::Page { page, last }) => {
                let moved = self.pages.apply_prepared(&page).await?;
                let stays = page.advance == Advance::Pulled { from: pts, to: pts };
                match moved {
                    // A page that is neither the last nor moves pts would be pulled without end.
                    AdvanceOutcome::Advanced if last || stays => Step::Ended(PullEnd::UpToDate),
                    _ => Step::More,
                }
            }
            Ok(Difference::TooLong { top_message, pts }) => {
                tracing::info!(channel = %id, "a gap too long for differences: fetching its messages");
                Step::Ended(PullEnd::TooLong(GapEnd {
                    top: top_message,
                    pts,
                }))
            }
            Err(error) => Step::Ended(self.failed(id, None, error).await?),
        })
    }

    /// Fetches some messages of a gap by their ids; once none is left, adopts its `pts`. After a crash the pull
    /// continues after the last page that was committed.
    async fn close(&self, known: &KnownChannel, gap: GapEnd) -> Result<Step, TaskError> {
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
                other_users_with_photo: Vec::new(),
                posts: Vec::new(),
                last_message: None,
            };
            self.pages.apply_prepared(&adopted).await?;
            return Ok(Step::Closed);
        }
        let call = self.telegram.messages(id, hash, after, gap.top);
        match self.runtime.or_shutdown(call).await? {
            Ok(page) => {
                self.pages.apply_prepared(&page).await?;
                Ok(Step::More)
            }
            Err(error) => Ok(Step::Ended(self.failed(id, Some(gap), error).await?)),
        }
    }

    async fn failed(
        &self,
        channel: ChannelId,
        gap: Option<GapEnd>,
        error: CallError,
    ) -> Result<PullEnd, TaskError> {
        if error.is("CHANNEL_PRIVATE") || error.is("CHANNEL_INVALID") {
            self.database.write(|tx| tx.set_absent(channel)).await?;
            tracing::info!(%channel, "the account is not in this channel any more");
            return Ok(PullEnd::Left);
        }
        if error.is("PERSISTENT_TIMESTAMP_INVALID") || error.is("PERSISTENT_TIMESTAMP_EMPTY") {
            tracing::warn!(%channel, "Telegram does not accept the stored pts: asking for the current one");
            return Ok(PullEnd::PtsRejected);
        }
        let pause = match error {
            CallError::Account(trouble) => return Err(trouble.into()),
            CallError::RateLimited { until, .. } => self.runtime.clock.until(Timestamp::new(until)),
            CallError::Network { .. } | CallError::ServerError { .. } => {
                tracing::debug!(%channel, %error, "a pull failed; it is retried");
                Duration::ZERO
            }
            CallError::Refused { .. } | CallError::Unusable { .. } | CallError::NotSent { .. } => {
                tracing::error!(%channel, %error, "pulling was refused");
                REFUSED_PAUSE
            }
        };
        Ok(PullEnd::Failed { gap, pause })
    }
}
