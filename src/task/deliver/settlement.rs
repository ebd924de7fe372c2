//! Records the result of a post.

use super::attempts::Attempts;
use super::earlier_post::{Sought, SoughtFile};
use super::{Deliverer, Target, text_of};
use crate::decide::{PostFailure, Refusal, RetryDecision, post_failed};
use crate::exchange::route::RouteEvent;
use crate::model::{ChannelId, DocumentRef, JoinOutcome, Payload, Timestamp};
use crate::store::{OutboxRow, PostedAs, StoreError, Tx};
use crate::task::{TaskError, backup_files, spool_file};
use crate::telegram::{CallError, PostError, Posted};

impl Deliverer {
    /// Records that a row was posted in the channel.
    pub(super) async fn sent(
        &self,
        row: &OutboxRow,
        channel: ChannelId,
        posted: &Posted,
    ) -> Result<(), TaskError> {
        let message = posted.message;
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| set_sent(tx, row, channel, posted, now))
            .await?;
        match &row.payload {
            Payload::Avatar(avatar) => tracing::info!(
                group = %avatar.group, user = %avatar.user, message_id = %message, "forwarded"
            ),
            _ => tracing::info!(row = %row, message_id = %message, "reported"),
        }
        self.remove_file(row);
        Ok(())
    }

    /// Records that a post failed. Returns until when nothing is posted, if the account or the channel is closed.
    pub(super) async fn not_sent(
        &self,
        row: &OutboxRow,
        target: Target,
        error: PostError,
        attempts: &mut Attempts,
    ) -> Result<Option<Timestamp>, TaskError> {
        let channel = target.channel;
        let is_outage = attempts.failed(row.id, &error);
        let failure = match &error {
            PostError::Call(CallError::Account(trouble)) => return Err(trouble.clone().into()),
            PostError::Call(CallError::RateLimited { until, .. }) => PostFailure::RateLimited {
                until: Timestamp::new(*until),
            },
            PostError::Call(
                CallError::Network { .. }
                | CallError::ServerError { .. }
                | CallError::Unusable { .. }
                | CallError::NotSent { .. },
            )
            | PostError::Unproven
            | PostError::Read(_) => PostFailure::Unanswered,
            PostError::Call(CallError::Refused { code, name, .. }) => {
                PostFailure::Refused(Refusal {
                    code: *code,
                    name,
                    first_at: row.refused_at,
                    is_outage,
                })
            }
            PostError::Size(_) => PostFailure::InvalidSize,
        };
        let now = self.runtime.clock.now();
        if attempts.many_unproven(row.id).is_some()
            && self.settle_unproven(row, target, &error, attempts).await?
        {
            return Ok(None);
        }
        if row.begun_in.is_none() && error.is_not_made() {
            // Orders and other instances may drop the row again.
            self.database.write(|tx| tx.release_channel(row.id)).await?;
        }
        let why = error.to_string();
        match post_failed(failure, row.attempts, now) {
            RetryDecision::Again(at) if matches!(failure, PostFailure::RateLimited { .. }) => {
                self.database
                    .write(|tx| tx.postpone(row.id, at, false))
                    .await?;
                Ok(None)
            }
            RetryDecision::Again(at) => {
                tracing::debug!(row = %row, %error, "post not confirmed; retrying");
                self.database
                    .write(|tx| tx.postpone_failed(row.id, at, &why, None))
                    .await?;
                Ok(None)
            }
            RetryDecision::AgainAfterRefusal(at) => {
                tracing::info!(row = %row, %error, "post refused; retrying");
                self.database
                    .write(|tx| tx.postpone_failed(row.id, at, &why, Some(now)))
                    .await?;
                Ok(None)
            }
            RetryDecision::Limited(until) => {
                tracing::error!(
                    %error,
                    "Telegram limits this account for spam: ask @SpamBot from an official app; everything is kept and tried again every ten minutes"
                );
                // Only this process pauses: a new start tries at once.
                self.database
                    .write(|tx| tx.postpone_failed(row.id, now, &why, None))
                    .await?;
                Ok(Some(until))
            }
            RetryDecision::Outage(until) => {
                tracing::warn!(row = %row, %error, "Telegram refuses every post of this kind; retrying");
                attempts.begin_outage(until);
                self.database
                    .write(|tx| tx.postpone_failed(row.id, until, &why, None))
                    .await?;
                Ok(None)
            }
            RetryDecision::Closed(until) => self.closed(row, channel, until, &why).await,
            RetryDecision::GiveUp => {
                tracing::error!(row = %row, %error, "post dropped after a permanent error");
                attempts.settled(row.id);
                self.drop_row(row, JoinOutcome::Failed, &why).await?;
                Ok(None)
            }
        }
    }

    /// Looks for the post of a row that Telegram accepts, or calls a duplicate, again and again without naming its
    /// message. Returns true if the post exists and the row is settled.
    async fn settle_unproven(
        &self,
        row: &OutboxRow,
        target: Target,
        error: &PostError,
        attempts: &mut Attempts,
    ) -> Result<bool, TaskError> {
        let text = text_of(&row.payload);
        let uploaded = attempts.upload(row.id).map(|uploaded| uploaded.name());
        let begun_document = self.database.read(|tx| tx.begun_document(row.id)).await?;
        let file = match row.payload {
            Payload::Envelope { .. } => None,
            _ => Some(SoughtFile {
                name: uploaded.or(row.spool.as_deref()),
                document: begun_document,
            }),
        };
        let sought = Sought { text: &text, file };
        let Some(posted) = self.find_post(row, target, &sought).await? else {
            if attempts.are_just_many(row.id) {
                tracing::warn!(
                    row = %row, %error,
                    "Telegram names no message for a post again and again, and it is not in the channel; retrying"
                );
            }
            return Ok(false);
        };
        tracing::warn!(
            row = %row, message_id = %posted.message, %error,
            "Telegram names no message for a post again and again; it was found in the channel"
        );
        attempts.posted(row.id);
        self.sent(row, target.channel, &posted).await?;
        Ok(true)
    }

    /// Handles a channel that refuses posts. Posts that EXCHANGE refuses go to HIDE. If HIDE refuses them, the program
    /// keeps everything and retries. Returns until when nothing is posted to HIDE.
    pub(super) async fn closed(
        &self,
        row: &OutboxRow,
        channel: ChannelId,
        until: Timestamp,
        why: &str,
    ) -> Result<Option<Timestamp>, TaskError> {
        let now = self.runtime.clock.now();
        if Some(channel) == self.channels.exchange {
            tracing::error!(
                %channel, why,
                "EXCHANGE does not take posts: they go to HIDE until MANAGE orders otherwise"
            );
            self.database
                .write(|tx| {
                    tx.release_channel(row.id)?;
                    self.channels
                        .change_route(tx, RouteEvent::ExchangeFailed, now)
                })
                .await?;
            return Ok(None);
        }
        tracing::error!(
            %channel, why,
            "cannot post there: make the account an administrator that may post messages; everything is kept and tried again every minute"
        );
        // Only this process pauses: a new start tries at once.
        self.database
            .write(|tx| tx.postpone(row.id, now, true))
            .await?;
        Ok(Some(until))
    }

    /// Records that a row will not be posted, and the outcome of its join.
    pub(super) async fn drop_row(
        &self,
        row: &OutboxRow,
        outcome: JoinOutcome,
        why: &str,
    ) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        self.database
            .write(|tx| set_dropped(tx, row, outcome, why, now))
            .await?;
        self.remove_file(row);
        Ok(())
    }

    pub(super) fn remove_file(&self, row: &OutboxRow) {
        if let Some(name) = &row.spool {
            spool_file::remove(&self.spool, name);
            self.wakers.spool_freed.notify_one();
        }
    }
}

/// Records in one transaction that a row was posted.
pub(in crate::task) fn set_sent(
    tx: &Tx<'_>,
    row: &OutboxRow,
    channel: ChannelId,
    posted: &Posted,
    now: Timestamp,
) -> Result<(), StoreError> {
    let message = posted.message;
    tx.set_sent(row.id, message, now)?;
    match &row.payload {
        Payload::Avatar(avatar) => {
            if let Some(document) = posted.document.clone() {
                tx.set_document(row.id, &DocumentRef::from(document))?;
            }
            tx.record_forwarded(avatar, PostedAs { channel, message }, now)?;
            tx.settle_row(row.id, JoinOutcome::Forwarded)?;
        }
        Payload::List { .. } => backup_files::space_after_post(tx, now)?,
        Payload::Envelope { .. } | Payload::File { .. } => {}
    }
    Ok(())
}

pub(super) fn set_dropped(
    tx: &Tx<'_>,
    row: &OutboxRow,
    outcome: JoinOutcome,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.set_dropped(row.id, why, now)?;
    tx.settle_row(row.id, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MessageId;
    use crate::task::fixture::{Fixture, HIDE, JOINER, NOW, avatar, join};

    const POSTED: Posted = Posted {
        message: MessageId::new(5),
        document: None,
    };

    #[test]
    fn a_photo_that_was_posted_is_a_repeat_from_then_on() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            let (avatar, join) = (avatar(1, 7), join(1, JOINER));
            tx.record_join(&join, JoinOutcome::Queued, crate::model::FoundBy::Push, NOW)?;
            tx.enqueue_avatar(&avatar, NOW)?;
            let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
            set_sent(tx, &row, HIDE, &POSTED, NOW)?;
            assert!(
                tx.forwarded_or_pending(JOINER, avatar.group)?
                    .contains(&avatar.photo.id)
            );
            assert!(!tx.enqueue_avatar(&avatar, NOW)?);
            Ok(())
        });
        assert_eq!(fixture.outcome(1), "forwarded");
    }

    #[test]
    fn a_join_is_settled_whose_message_was_filled_in_during_the_post() {
        let fixture = Fixture::new();
        let unseen = MessageId::unseen(NOW);
        fixture.write(|tx| {
            let avatar = avatar(unseen.get(), 7);
            let found = join(unseen.get(), JOINER);
            tx.record_join(
                &found,
                JoinOutcome::Queued,
                crate::model::FoundBy::Scan,
                NOW,
            )?;
            tx.enqueue_avatar(&avatar, NOW)?;
            let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
            assert!(tx.fill_in_message(&join(9, JOINER))?);
            set_sent(tx, &row, HIDE, &POSTED, NOW)
        });
        assert_eq!(fixture.outcome(9), "forwarded");
    }

    #[test]
    fn a_photo_that_is_dropped_settles_its_join() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            tx.record_join(
                &join(1, JOINER),
                JoinOutcome::Queued,
                crate::model::FoundBy::Push,
                NOW,
            )?;
            tx.enqueue_avatar(&avatar(1, 7), NOW)?;
            let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
            set_dropped(tx, &row, JoinOutcome::Failed, "refused", NOW)
        });
        assert_eq!(fixture.outcome(1), "failed");
    }
}
