//! Carries out one step of a channel's pull: at most one page, committed with its `pts` before the step ends.
//!
//! [`ChannelTracker`](crate::decide::channel_tracker::ChannelTracker) decides on the steps, and how large a page may be.
//! A crash between two steps loses nothing, because the ledger says how far the channel was read.

mod failure_log;
mod read_back;

use std::time::Duration;

pub use self::failure_log::FailureLog;
pub use self::read_back::ReadBackProgress;
use super::dialog_sync::NOT_READ_BACK;
use super::{Administrators, Database, PageApplier, Runtime, TaskError};
use crate::decide::channel_tracker::{GapEnd, PageRead, PullEnd, PullStep};
use crate::decide::{ChannelRefusal, channel_refusal};
use crate::model::{Advance, ChannelId, MessageId, Page, Timestamp};
use crate::store::{AdvanceOutcome, KnownChannel};
use crate::telegram::{CallError, Difference, Telegram, connection_ended, error_name};

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
    pub failure_log: FailureLog,
    pub read_back: ReadBackProgress,
}

impl ChannelPuller {
    /// Carries out one step for `channel`.
    pub(super) async fn pull(
        &self,
        channel: ChannelId,
        step: PullStep,
    ) -> Result<PullEnd, TaskError> {
        let known = self.database.read(|tx| tx.channel(channel)).await?;
        let Some(known) = known.filter(|known| known.present) else {
            self.read_back_ended(channel).await?;
            return Ok(PullEnd::Left);
        };
        self.administrators.read_now(&known).await?;
        let end = self.carry_out(&known, step).await?;
        if known.channel.pts == NOT_READ_BACK && matches!(end, PullEnd::GapClosed | PullEnd::Left) {
            self.read_back_ended(channel).await?;
        }
        Ok(end)
    }

    async fn carry_out(&self, known: &KnownChannel, step: PullStep) -> Result<PullEnd, TaskError> {
        match step {
            PullStep::Differences { limit } => self.advance(known, limit).await,
            PullStep::Messages {
                gap, replaces_pts, ..
            } if known.channel.top_message >= gap.top => self.adopt(known, gap, replaces_pts).await,
            PullStep::Messages { gap, limit, .. } => match self.running_search(known, gap).await? {
                Some(running) => self.look_further(known, running, limit).await,
                None => self.fetch(known, gap, limit).await,
            },
            PullStep::StepOver { gap } => match self.running_search(known, gap).await? {
                Some(running) => self.look_past(known, running).await,
                None => self.step_over(known, gap).await,
            },
            PullStep::StepOverEvent => self.step_over_event(known).await,
        }
    }

    /// Pulls one page of differences.
    async fn advance(&self, known: &KnownChannel, limit: i32) -> Result<PullEnd, TaskError> {
        let (id, hash, pts) = (
            known.channel.id,
            known.channel.access_hash,
            known.channel.pts,
        );
        if pts == NOT_READ_BACK {
            return Ok(PullEnd::PtsRejected);
        }
        let call = self.telegram.difference(id, hash, pts, limit);
        match self.runtime.or_shutdown(call).await? {
            Ok(Difference::Page {
                page,
                last,
                timeout,
            }) => {
                self.failure_log.clear(id);
                let moved = self.pages.apply_prepared(&page).await?;
                let stays = page.advance == Advance::Pulled { from: pts, to: pts };
                let read = PageRead {
                    events: events(&page, pts),
                    timeout,
                };
                Ok(match moved {
                    // A page that is neither the last nor moves pts would be pulled without end.
                    AdvanceOutcome::Advanced if last || stays => PullEnd::UpToDate(read),
                    _ => PullEnd::PageApplied(read),
                })
            }
            Ok(Difference::TooLong { top_message, pts }) => {
                self.failure_log.clear(id);
                tracing::info!(channel = %id, "a gap too long for differences: fetching its messages");
                Ok(PullEnd::TooLong(GapEnd {
                    top: top_message,
                    pts,
                }))
            }
            Err(error) => self.failed(id, error, true).await,
        }
    }

    /// Fetches some messages of a gap by their ids. After a crash the gap continues after the last page that was
    /// committed.
    async fn fetch(
        &self,
        known: &KnownChannel,
        gap: GapEnd,
        limit: i32,
    ) -> Result<PullEnd, TaskError> {
        let (id, hash, after) = (
            known.channel.id,
            known.channel.access_hash,
            known.channel.top_message,
        );
        let call = self.telegram.messages(id, hash, after, gap.top, limit);
        match self.runtime.or_shutdown(call).await? {
            Ok(page) => {
                self.pages.apply_prepared(&page).await?;
                let newest = page.last_message.unwrap_or(after);
                Ok(PullEnd::PageApplied(PageRead {
                    events: distance(after.get(), newest.get()),
                    timeout: None,
                }))
            }
            Err(error) => self.failed(id, error, false).await,
        }
    }

    /// Adopts the `pts` of a gap whose messages were all fetched.
    async fn adopt(
        &self,
        known: &KnownChannel,
        gap: GapEnd,
        replaces_pts: bool,
    ) -> Result<PullEnd, TaskError> {
        // Pushes that followed the stored `pts` may have passed the end of the gap.
        if replaces_pts || known.channel.pts < gap.pts {
            let advance = Advance::Adopted { to: gap.pts };
            let adopted = Page::empty(known.channel.id, advance);
            self.pages.apply_prepared(&adopted).await?;
        }
        Ok(PullEnd::GapClosed)
    }

    /// Leaves out the next message of a gap, and counts it.
    async fn step_over(&self, known: &KnownChannel, gap: GapEnd) -> Result<PullEnd, TaskError> {
        let channel = known.channel.id;
        let message = MessageId::new(known.channel.top_message.get().saturating_add(1));
        if message <= gap.top {
            self.database
                .write(|tx| tx.step_over_message(channel, message))
                .await?;
            tracing::warn!(%channel, message_id = %message, "a message that cannot be read is left out");
        }
        Ok(PullEnd::PageApplied(PageRead::default()))
    }

    /// Leaves out the next event of a channel, and counts it.
    async fn step_over_event(&self, known: &KnownChannel) -> Result<PullEnd, TaskError> {
        let (channel, pts) = (known.channel.id, known.channel.pts);
        if pts == NOT_READ_BACK {
            return Ok(PullEnd::PtsRejected);
        }
        self.database
            .write(|tx| tx.step_over_event(channel, pts))
            .await?;
        tracing::warn!(%channel, after_pts = pts, "a message that cannot be read is left out");
        Ok(PullEnd::PageApplied(PageRead {
            events: 1,
            timeout: None,
        }))
    }

    async fn failed(
        &self,
        channel: ChannelId,
        error: CallError,
        is_difference: bool,
    ) -> Result<PullEnd, TaskError> {
        let is_new = || self.failure_log.is_new(channel, &error.to_string());
        match error_name(&error).map_or(ChannelRefusal::Other, channel_refusal) {
            ChannelRefusal::NotInChannel => {
                let now = self.runtime.clock.now();
                self.database
                    .write(|tx| tx.set_absent(channel, now))
                    .await?;
                if is_new() {
                    tracing::info!(%channel, %error, "the account is not in this channel any more");
                }
                return Ok(PullEnd::Left);
            }
            ChannelRefusal::PtsRejected => {
                tracing::warn!(%channel, "Telegram does not accept the stored pts: asking for the current one");
                return Ok(PullEnd::PtsRejected);
            }
            // An error of another name may last as long. Messages can be fetched by their ids, and in smaller parts.
            ChannelRefusal::Other if error_name(&error).is_some() => {
                if matches!(error, CallError::Refused { .. }) && is_new() {
                    tracing::error!(%channel, %error, "pulling was refused");
                }
                return Ok(if is_difference {
                    PullEnd::DifferencesUnavailable
                } else {
                    PullEnd::MessagesRefused
                });
            }
            ChannelRefusal::DifferencesUnavailable if is_difference => {
                if is_new() {
                    tracing::info!(%channel, %error, "the differences are not available");
                }
                return Ok(PullEnd::DifferencesUnavailable);
            }
            ChannelRefusal::DifferencesUnavailable | ChannelRefusal::Other => {}
        }
        let pause = match &error {
            CallError::Account(trouble) => return Err(trouble.clone().into()),
            CallError::RateLimited { until, .. } => {
                let pause = self.runtime.clock.until(Timestamp::new(*until));
                return Ok(PullEnd::Limited { pause });
            }
            CallError::Unusable { .. } => {
                tracing::debug!(%channel, %error, "a page cannot be read; a smaller one is pulled");
                return Ok(PullEnd::Unreadable);
            }
            CallError::Network { .. } if connection_ended(&error) => {
                tracing::debug!(%channel, %error, "the connection ended during a pull");
                return Ok(PullEnd::Cut);
            }
            CallError::Network { .. } | CallError::ServerError { .. } => {
                tracing::debug!(%channel, %error, "a pull failed; it is retried");
                Duration::ZERO
            }
            CallError::Refused { .. } | CallError::NotSent { .. } => {
                if is_new() {
                    tracing::error!(%channel, %error, "pulling was refused");
                }
                REFUSED_PAUSE
            }
        };
        Ok(PullEnd::Failed { pause })
    }
}

/// Returns how many events a page of differences since `pts` covers.
fn events(page: &Page, pts: i32) -> u32 {
    match page.advance {
        Advance::Pulled { to, .. } => distance(pts, to),
        _ => 0,
    }
}

fn distance(from: i32, to: i32) -> u32 {
    u32::try_from(to.saturating_sub(from)).unwrap_or(0)
}
