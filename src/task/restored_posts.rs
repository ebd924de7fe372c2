//! Reads, at the first start after a restore, the own posts that are newer than the restored copy of `state.db`.
//!
//! The program posts nothing before that. A post settles the row of the copy that it was made from. The post of a photo
//! whose join is newer than the copy is kept until that join is read again (`store::restored_posts`). Messages that were
//! deleted cannot be read. A start that is interrupted reads them again.

use fleet_exchange::Envelope;

use super::call_retry::{Reply, until_answered};
use super::deliver::set_sent;
use super::{Database, Runtime, TaskError, spool_file};
use crate::exchange::avatar_report::AvatarReport;
use crate::model::{Channel, ChannelId, ChannelPost, MessageId, Timestamp};
use crate::spool::Spool;
use crate::store::{OutboxRow, PostedAs, RestoredPost, StoreError, Tx};
use crate::telegram::{Posted, Telegram};

/// How many messages one call fetches.
const MESSAGES_PER_CALL: i32 = 100;
/// How many ids after the newest known message are read as well: a start may not know the newest message.
const LOOK_AHEAD: i32 = 100;

/// The parts that the reading needs.
pub struct RestoredPosts<'a> {
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

impl RestoredPosts<'_> {
    /// Reads the private channels, if the database was restored since the last start.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn read(&self, private: &[&Channel]) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        let Some(copied_at) = self.database.read(|tx| tx.restored_from()).await? else {
            return self
                .database
                .write(|tx| tx.forget_restored_posts(now))
                .await;
        };
        tracing::info!(copied_at = %copied_at.rfc3339(), "state.db was restored: reading the posts since its copy");
        let mut found = 0;
        for channel in private {
            found += self.read_channel(channel).await?;
        }
        self.database.write(|tx| tx.clear_restored_from()).await?;
        tracing::info!(posts = found, "the posts since the copy are known");
        Ok(())
    }

    /// Reads the messages of a channel that the copy does not know. Returns how many are posts of this account.
    async fn read_channel(&self, channel: &Channel) -> Result<usize, TaskError> {
        let id = channel.id;
        let known = self.database.read(|tx| tx.channel(id)).await?;
        let Some(known) = known else {
            tracing::warn!(channel = %id, "the copy does not know this channel: its posts are not read");
            return Ok(0);
        };
        let mut after = known.channel.top_message;
        let beyond = |message: MessageId| MessageId::new(message.get().saturating_add(LOOK_AHEAD));
        let mut top = channel.top_message.max(beyond(after));
        let mut found = 0;
        while after < top {
            let call = || {
                let hash = channel.access_hash;
                self.telegram
                    .messages(id, hash, after, top, MESSAGES_PER_CALL)
            };
            let page = match until_answered(self.runtime, call).await? {
                Reply::Answer(page) => page,
                Reply::Refusal(error) => {
                    tracing::warn!(
                        channel = %id, %error,
                        "the posts since the copy cannot be read; photos of these posts may be posted again"
                    );
                    break;
                }
            };
            let now = self.runtime.clock.now();
            let settled = self
                .database
                .write(|tx| settle(tx, id, &page.posts, now))
                .await?;
            found += settled.posts;
            for name in &settled.obsolete_files {
                spool_file::remove(self.spool, name);
            }
            match page.last_message {
                Some(last) if last > after => after = last,
                _ => break,
            }
            if !page.posts.is_empty() {
                top = top.max(beyond(after));
            }
        }
        Ok(found)
    }
}

/// Settles the rows whose posts these are, and keeps the posts of photos without a row.
fn settle(
    tx: &Tx<'_>,
    channel: ChannelId,
    posts: &[ChannelPost],
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
        settled.posts += 1;
        let row = match report {
            Some(report) => tx.waiting_avatar(report.group, report.user, report.message)?,
            None => tx.waiting_report(&found.text)?,
        };
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
        let settled = fixture.write(|tx| settle(tx, HIDE, &[shown(9, 1), shown(10, 2)], NOW));
        assert_eq!(settled.posts, 2);
        assert_eq!(fixture.outcome(1), "forwarded");
        // The same page is read again after an interrupted start.
        let again = fixture.write(|tx| settle(tx, HIDE, &[shown(9, 1)], NOW));
        assert_eq!(again, Settled::default());

        let fixture = Fixture::new();
        fixture.write(|tx| settle(tx, HIDE, &[shown(10, 2)], NOW));
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
            fixture.write(|tx| settle(tx, HIDE, std::slice::from_ref(&found), NOW));
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
            settle(tx, HIDE, &[own(9, "a report")], NOW)?;
            assert!(tx.waiting_report("a report")?.is_some());
            settle(tx, HIDE, &[own(10, "a report")], NOW)?;
            assert!(tx.waiting_report("a report")?.is_none());
            Ok(())
        });
    }
}
