//! Reads, at the first start after a restore, the own posts that are newer than the restored copy of `state.db`.
//!
//! The program posts nothing before that, and waits as long as Telegram does not show HIDE and EXCHANGE. A post settles
//! the row of the copy that it was made from. The post of a photo whose join is newer than the copy is kept until that
//! join is read again (`store::restored_posts`). Messages that were deleted cannot be read. A start that is interrupted
//! reads them again.

use std::time::Duration;

use fleet_exchange::Envelope;

use super::deliver::set_sent;
use super::{Database, PostingChannels, Runtime, TaskError, spool_file};
use crate::decide::{self, ChannelRefusal, channel_refusal};
use crate::exchange::avatar_report::AvatarReport;
use crate::model::{Channel, ChannelId, ChannelPost, MessageId, Page, Timestamp};
use crate::spool::Spool;
use crate::store::{OutboxRow, PostedAs, RestoredPost, StoreError, Tx};
use crate::telegram::{CallError, Posted, Telegram, connection_ended, error_name};

/// How many messages one call fetches.
const MESSAGES_PER_CALL: i32 = 100;
/// How many ids after the newest known message are read as well: a start may not know the newest message.
const LOOK_AHEAD: i32 = 100;
/// How many ids before it are read as well: the copy may have read a post whose answer it lacks.
const LOOK_BACK: i32 = 100;

/// The parts that the reading needs.
pub struct RestoredPosts<'a> {
    pub channels: PostingChannels,
    pub database: &'a Database,
    pub runtime: &'a Runtime,
    pub telegram: &'a Telegram,
    pub spool: &'a Spool,
}

/// The changes by a page of posts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Settled {
    posts: usize,
    /// The spool files that are not needed any more.
    obsolete_files: Vec<String>,
}

/// The consequence of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// The page is too large, or has a message that cannot be read.
    Halve,
    /// The only message of the page cannot be read.
    StepOver,
    /// The account is not in EXCHANGE any more, so that it cannot post there either.
    Leave,
    Wait,
}

impl RestoredPosts<'_> {
    /// Reads the private channels, if the database was restored since the last start. `seen` are the channels as
    /// Telegram shows them now, as far as they were read.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn read(&self, seen: &[Channel]) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        let Some(copied_at) = self.database.read(|tx| tx.restored_from()).await? else {
            return self
                .database
                .write(|tx| tx.forget_restored_posts(now))
                .await;
        };
        tracing::info!(copied_at = %copied_at.rfc3339(), "state.db was restored: reading the posts since its copy");
        let mut found = 0;
        for id in std::iter::once(self.channels.hide).chain(self.channels.exchange) {
            let seen = seen.iter().find(|channel| channel.id == id);
            found += self.read_channel(id, seen).await?;
        }
        self.database.write(|tx| tx.clear_restored_from()).await?;
        tracing::info!(posts = found, "the posts since the copy are known");
        Ok(())
    }

    /// Reads the messages of a channel that the copy does not know. Returns how many are posts of this account.
    async fn read_channel(
        &self,
        id: ChannelId,
        seen: Option<&Channel>,
    ) -> Result<usize, TaskError> {
        let known = self.database.read(|tx| tx.channel(id)).await?;
        let Some(copied) = known.map(|known| known.channel) else {
            tracing::warn!(channel = %id, "the copy does not know this channel: its posts are not read");
            return Ok(0);
        };
        let seen = seen.unwrap_or(&copied);
        let moved =
            |message: MessageId, by: i32| MessageId::new(message.get().saturating_add(by).max(0));
        let mut after = moved(copied.top_message, -LOOK_BACK);
        let mut top = seen.top_message.max(moved(copied.top_message, LOOK_AHEAD));
        let (mut found, mut limit, mut attempts) = (0, MESSAGES_PER_CALL, 0);
        while after < top {
            let call = self
                .telegram
                .messages(id, seen.access_hash, after, top, limit);
            let error = match self.runtime.or_shutdown(call).await? {
                Ok(page) => {
                    found += self.apply(&page, copied.top_message).await?;
                    after = page.last_message.unwrap_or(top);
                    if !page.posts.is_empty() {
                        top = top.max(moved(after, LOOK_AHEAD));
                    }
                    (limit, attempts) = (MESSAGES_PER_CALL, 0);
                    continue;
                }
                Err(CallError::Account(trouble)) => return Err(trouble.into()),
                Err(error) => error,
            };
            match consequence(&error, limit, id == self.channels.hide) {
                Failure::Halve => limit /= 2,
                Failure::StepOver => {
                    after = moved(after, 1);
                    tracing::warn!(channel = %id, message_id = %after, "a message that cannot be read is left out");
                }
                Failure::Leave => {
                    tracing::warn!(
                        channel = %id, %error,
                        "the account is not in EXCHANGE: its posts there are not read, and may be posted again"
                    );
                    return Ok(found);
                }
                Failure::Wait => {
                    let pause = self.pause(&error, attempts);
                    tracing::warn!(
                        channel = %id, %error, retry_in_s = pause.as_secs(),
                        "the posts since the copy cannot be read: the program posts nothing until it has read them"
                    );
                    attempts += 1;
                    self.runtime.pause(pause).await?;
                }
            }
        }
        Ok(found)
    }

    /// Settles the posts of a page. Returns how many are posts of this account that the copy lacks.
    async fn apply(&self, page: &Page, copied_to: MessageId) -> Result<usize, TaskError> {
        let now = self.runtime.clock.now();
        let settled = self
            .database
            .write(|tx| settle(tx, page.channel, &page.posts, copied_to, now))
            .await?;
        for name in &settled.obsolete_files {
            spool_file::remove(self.spool, name);
        }
        Ok(settled.posts)
    }

    fn pause(&self, error: &CallError, attempts: u32) -> Duration {
        match error {
            CallError::RateLimited { until, .. } => {
                self.runtime.clock.until(Timestamp::new(*until))
            }
            _ => decide::backoff(attempts),
        }
    }
}

/// Decides what follows from a failed call that asked for `limit` messages.
fn consequence(error: &CallError, limit: i32, is_hide: bool) -> Failure {
    let refusal = error_name(error).map_or(ChannelRefusal::Other, channel_refusal);
    match error {
        CallError::Unusable { .. } if limit == 1 => Failure::StepOver,
        CallError::Unusable { .. } => Failure::Halve,
        // A page that is too large for the connection ends it.
        _ if connection_ended(error) && limit > 1 => Failure::Halve,
        _ if !is_hide && refusal == ChannelRefusal::NotInChannel => Failure::Leave,
        _ => Failure::Wait,
    }
}

/// Settles the rows whose posts these are, and keeps the posts of photos without a row. Of the messages up to
/// `copied_to`, which the copy had read, only the post of a photo counts that was under way while the copy was made.
fn settle(
    tx: &Tx<'_>,
    channel: ChannelId,
    posts: &[ChannelPost],
    copied_to: MessageId,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let mut settled = Settled::default();
    for found in posts.iter().filter(|post| post.own) {
        let report = Envelope::parse(&found.text)
            .ok()
            .and_then(|envelope| AvatarReport::of(&envelope));
        let post = PostedAs {
            channel,
            message: found.message,
        };
        if tx.is_known_post(post, report.map(|report| report.user))? {
            continue;
        }
        let is_newer = found.message > copied_to;
        let row = match report {
            Some(report) => tx
                .waiting_avatar(report.group, report.user, report.message)?
                .filter(|row| is_newer || row.begun_in == Some(channel)),
            None if is_newer => tx.waiting_report(&found.text)?,
            None => None,
        };
        if !is_newer && row.is_none() {
            continue;
        }
        settled.posts += 1;
        match (row, report) {
            (Some(row), _) => settled
                .obsolete_files
                .extend(settle_row(tx, row, found, post, now)?),
            (None, Some(report)) => tx.record_restored_post(&RestoredPost {
                group: report.group,
                user: report.user,
                message: report.message,
                post,
                read_at: now,
            })?,
            (None, None) => {}
        }
    }
    Ok(settled)
}

/// Records that a row was posted. Returns its spool file.
fn settle_row(
    tx: &Tx<'_>,
    row: OutboxRow,
    found: &ChannelPost,
    post: PostedAs,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let posted = Posted {
        message: found.message,
        document: found.document.clone(),
    };
    tx.set_channel(row.id, post.channel)?;
    set_sent(tx, &row, post.channel, &posted, now)?;
    tracing::info!(row = %row, message_id = %found.message, "the post was made after the copy of state.db");
    Ok(row.spool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Decision;
    use crate::exchange::reports;
    use crate::model::{FoundBy, JoinOutcome, Purpose};
    use crate::task::fixture::{Fixture, GROUP, HIDE, JOINER, NOW, join, photo, post};

    /// The newest message that the copy had read.
    const COPIED_TO: MessageId = MessageId::new(8);

    fn own(id: i32, text: &str) -> ChannelPost {
        ChannelPost {
            own: true,
            ..post(id, text)
        }
    }

    fn shown(id: i32, join_message: i32) -> ChannelPost {
        own(
            id,
            &reports::avatar(GROUP, JOINER, MessageId::new(join_message)),
        )
    }

    fn enqueue(fixture: &Fixture, message: i32) -> JoinOutcome {
        fixture.write(|tx| {
            let (join, forward) = (join(message, JOINER), Decision::Forward(photo(7)));
            let outcome = fixture
                .join_policy
                .carry_out(tx, &join, forward, false, NOW)?;
            tx.record_join(&join, outcome, FoundBy::Push, NOW)?;
            Ok(outcome)
        })
    }

    #[test]
    fn an_own_post_settles_the_row_that_waits_and_a_later_join() {
        let fixture = Fixture::new();
        enqueue(&fixture, 1);
        let settled =
            fixture.write(|tx| settle(tx, HIDE, &[shown(9, 1), shown(10, 2)], COPIED_TO, NOW));
        assert_eq!(settled.posts, 2);
        assert_eq!(fixture.outcome(1), "forwarded");
        // The same page is read again after an interrupted start.
        let again = fixture.write(|tx| settle(tx, HIDE, &[shown(9, 1)], COPIED_TO, NOW));
        assert_eq!(again, Settled::default());

        let fixture = Fixture::new();
        fixture.write(|tx| settle(tx, HIDE, &[shown(10, 2)], COPIED_TO, NOW));
        assert_eq!(enqueue(&fixture, 2), JoinOutcome::Forwarded);
        assert_eq!(fixture.outcome(2), "forwarded");
        fixture.write(|tx| {
            assert_eq!(tx.avatars_to_fetch(NOW, 9)?, []);
            Ok(())
        });
    }

    #[test]
    fn posts_of_others_and_of_other_joins_settle_nothing() {
        let of_another = ChannelPost {
            own: false,
            ..shown(9, 1)
        };
        for found in [of_another, shown(9, 3), own(9, "no envelope")] {
            let fixture = Fixture::new();
            enqueue(&fixture, 1);
            fixture.write(|tx| settle(tx, HIDE, std::slice::from_ref(&found), COPIED_TO, NOW));
            assert_eq!(fixture.outcome(1), "queued");
            assert_eq!(enqueue(&Fixture::new(), 1), JoinOutcome::Queued);
        }
    }

    #[test]
    fn each_own_report_settles_one_row_with_its_text() {
        let fixture = Fixture::new();
        fixture.write(|tx| {
            for _ in 0..2 {
                tx.enqueue_text(Purpose::Version, "a report", NOW)?;
            }
            settle(tx, HIDE, &[own(9, "a report")], COPIED_TO, NOW)?;
            assert!(tx.waiting_report("a report")?.is_some());
            settle(tx, HIDE, &[own(10, "a report")], COPIED_TO, NOW)?;
            assert!(tx.waiting_report("a report")?.is_none());
            Ok(())
        });
    }

    #[test]
    fn an_older_post_settles_only_the_photo_whose_post_was_under_way() {
        let settle_older = |fixture: &Fixture| {
            let posts = [shown(8, 1), shown(7, 2), own(6, "a report")];
            fixture.write(|tx| settle(tx, HIDE, &posts, COPIED_TO, NOW))
        };
        let fixture = Fixture::new();
        enqueue(&fixture, 1);
        fixture.write(|tx| tx.enqueue_text(Purpose::Version, "a report", NOW));
        assert_eq!(settle_older(&fixture), Settled::default());
        assert_eq!(fixture.outcome(1), "queued");
        let id = fixture.write(|tx| Ok(tx.avatars_to_fetch(NOW, 9)?[0].id));
        fixture.write(|tx| tx.set_channel(id, HIDE));
        assert_eq!(settle_older(&fixture).posts, 1);
        assert_eq!(fixture.outcome(1), "forwarded");
    }

    #[test]
    fn a_failed_call_waits_unless_a_part_of_the_channel_can_be_read_or_exchange_is_left() {
        let method = "channels.getMessages";
        let refused = |name: &str| CallError::Refused {
            method,
            code: 400,
            name: name.into(),
            value: None,
        };
        let cut = |is_cut| CallError::Network {
            method,
            cause: "ended".into(),
            is_cut,
        };
        let unusable = CallError::Unusable {
            method,
            cause: "a constructor".into(),
        };
        for (error, limit, of_hide, of_exchange) in [
            (&unusable, 100, Failure::Halve, Failure::Halve),
            (&unusable, 1, Failure::StepOver, Failure::StepOver),
            (&cut(true), 2, Failure::Halve, Failure::Halve),
            (&cut(true), 1, Failure::Wait, Failure::Wait),
            (&cut(false), 100, Failure::Wait, Failure::Wait),
            (&refused("X"), 100, Failure::Wait, Failure::Wait),
            (
                &refused("CHANNEL_PRIVATE"),
                100,
                Failure::Wait,
                Failure::Leave,
            ),
        ] {
            assert_eq!(consequence(error, limit, true), of_hide, "{error}");
            assert_eq!(consequence(error, limit, false), of_exchange, "{error}");
        }
    }
}
