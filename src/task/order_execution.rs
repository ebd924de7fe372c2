//! Carries out the orders of a channel's posts: each once, in channel order, within the transaction of the caller.
//!
//! The verdict on each order that concerns this program is recorded in the same transaction, so that an order that is
//! read again is skipped, for example after a crash between two segments of a page. An order that arrives in the other
//! channel, too, has an effect once (`order_copy`). `exchange::orders` decides who may give an order; docs/exchange.md
//! lists the effects.

mod effects;
mod list_orders;
#[cfg(test)]
mod tests;

use fleet_exchange::Envelope;
use thiserror::Error;

use self::effects::Execution;
pub(super) use self::list_orders::data_of;
use super::list_replacement::KeptList;
use super::order_copy;
use super::order_files::{AttachedLists, FileError};
use super::post_commit::PostCommit;
use super::posted_order::PostedOrder;
use super::{PostingChannels, enqueue};
use crate::config::Dialect;
use crate::exchange::orders::{self, Classified, Order, RefusalReason};
use crate::exchange::reports;
use crate::model::{ChannelId, Timestamp};
use crate::store::{OrderRecord, StoreError, Tx};

/// The sender whose orders are reported to the debug channel.
const MANAGE: &str = "MANAGE";
/// The verdict on an order that was carried out.
const OBEYED: &str = "obeyed";
/// The verdict on an order that was read in the other channel before.
const COPY: &str = "copy";

/// Carries out orders. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OrderExecutor {
    pub channels: PostingChannels,
    pub dialect: Dialect,
    /// The chat in which HIDE is asked to report the orders of MANAGE.
    pub debug_channel: Option<ChannelId>,
    /// Seconds after the join in which a member counts as new.
    pub time_new: i64,
    /// This instance answers and reports; another one does otherwise.
    pub sends_reports: bool,
}

/// The files that were written before a first order that destroys lists.
#[derive(Debug)]
pub(super) enum Preparation {
    /// No file was written: the first order does not destroy lists, cannot be carried out, or is recorded already.
    Nothing,
    /// Every waiting backup list has its file. The list that a rollback replaces is kept.
    Files { kept: Option<KeptList> },
    /// The files could not be written, for this reason.
    Failed(String),
}

impl Preparation {
    /// Returns the list that was kept.
    pub(super) fn into_kept(self) -> Option<KeptList> {
        match self {
            Self::Files { kept } => kept,
            Self::Nothing | Self::Failed(_) => None,
        }
    }
}

/// The files that were fetched and written for the orders of a transaction.
#[derive(Clone, Copy)]
pub(super) struct Attachments<'a> {
    pub(super) lists: &'a AttachedLists,
    pub(super) preparation: &'a Preparation,
}

/// Why an order was not carried out.
#[derive(Debug, Error)]
pub(super) enum ExecutionError {
    /// The order is refused; the transaction goes on.
    #[error("{0}")]
    Refused(String),
    /// The order is refused because of its file; the transaction goes on.
    #[error(transparent)]
    File(#[from] FileError),
    /// The transaction fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The verdict on an order, as it is recorded.
struct Verdict {
    text: String,
    /// True if the next post of the same order in the other channel is its copy.
    is_source: bool,
}

impl Verdict {
    const fn of_source(text: String) -> Self {
        Self {
            text,
            is_source: true,
        }
    }

    fn copy() -> Self {
        Self {
            text: COPY.to_owned(),
            is_source: false,
        }
    }
}

impl OrderExecutor {
    /// Carries out the orders of these posts, except those whose verdict is recorded.
    pub(super) fn execute(
        &self,
        tx: &Tx<'_>,
        channel: ChannelId,
        posts: &[PostedOrder<'_>],
        attachments: Attachments<'_>,
        now: Timestamp,
    ) -> Result<PostCommit, StoreError> {
        let mut post_commit = PostCommit::default();
        for posted in posts {
            let Some((envelope, classified)) = &posted.envelope else {
                continue;
            };
            if tx.has_order(channel, posted.post.message)? {
                continue;
            }
            let verdict = match classified {
                Classified::NotForUs => continue,
                Classified::UnknownWords => {
                    let sender = orders::loggable_sender(&envelope.from);
                    tracing::debug!(
                        sender,
                        "an envelope with an unknown action or type was ignored"
                    );
                    continue;
                }
                Classified::Refused(refused)
                    if refused.reason == RefusalReason::NotFromThisSender =>
                {
                    tracing::debug!("{refused}");
                    continue;
                }
                _ if order_copy::take_copy(tx, &self.channels, channel, posted)? => {
                    tracing::debug!(%channel, message_id = %posted.post.message, "the copy of an order");
                    Verdict::copy()
                }
                Classified::Refused(refused) => {
                    if refused.reason == RefusalReason::Unsupported {
                        tracing::debug!("an order was refused: {refused}");
                    } else {
                        tracing::warn!("an order was refused: {refused}");
                    }
                    Verdict::of_source(refused.reason.to_string())
                }
                Classified::Order(order) => {
                    let mut execution = Execution {
                        executor: self,
                        tx,
                        attachments,
                        message: posted.post.message,
                        now,
                        post_commit: &mut post_commit,
                    };
                    match execution.carry_out(order) {
                        Ok(done) => {
                            self.report(tx, envelope, order, &done, &mut post_commit, now)?;
                            Verdict::of_source(OBEYED.to_owned())
                        }
                        Err(ExecutionError::Store(error)) => return Err(error),
                        Err(refusal) => {
                            let why = refusal.to_string();
                            log_refusal(envelope, &why);
                            let is_source =
                                !matches!(refusal, ExecutionError::File(FileError::NotFetched(_)));
                            Verdict {
                                text: why,
                                is_source,
                            }
                        }
                    }
                }
            };
            record(tx, channel, posted, envelope, &verdict, now)?;
        }
        Ok(post_commit)
    }

    /// Logs an order that was carried out, and reports it to the debug channel if MANAGE gave it.
    fn report(
        &self,
        tx: &Tx<'_>,
        envelope: &Envelope,
        order: &Order,
        done: &str,
        post_commit: &mut PostCommit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        tracing::info!(
            sender = orders::loggable_sender(&envelope.from),
            action = envelope.action,
            kind = envelope.kind,
            "order carried out: {done}"
        );
        let is_reported = self.sends_reports
            && envelope.from == MANAGE
            && !matches!(order, Order::StatusAsk { .. });
        if let Some(debug_channel) = self.debug_channel.filter(|_| is_reported) {
            let text = reports::debug_text(admin_of(order), done);
            enqueue::text_file(tx, &reports::debug(self.dialect, debug_channel), &text, now)?;
            post_commit.deliver = true;
        }
        Ok(())
    }
}

fn log_refusal(envelope: &Envelope, why: &str) {
    tracing::warn!(
        sender = orders::loggable_sender(&envelope.from),
        action = envelope.action,
        kind = envelope.kind,
        "an order could not be carried out: {why}"
    );
}

fn record(
    tx: &Tx<'_>,
    channel: ChannelId,
    posted: &PostedOrder<'_>,
    envelope: &Envelope,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<(), StoreError> {
    let order = OrderRecord {
        channel,
        message: posted.post.message,
        sender: orders::loggable_sender(&envelope.from),
        action: &envelope.action,
        kind: &envelope.kind,
        verdict: &verdict.text,
        posted_at: posted.post.date,
        digest: verdict.is_source.then(|| order_copy::digest(posted)),
    };
    tx.record_order(order, now)
}

/// Returns the administrator who had MANAGE give an order.
fn admin_of(order: &Order) -> Option<i64> {
    match order {
        Order::Rollback { admin, .. }
        | Order::Clear { admin, .. }
        | Order::Refresh { admin }
        | Order::StatusAsk { admin, .. }
        | Order::VersionAsk { admin, .. } => Some(admin.get()),
        _ => None,
    }
}
