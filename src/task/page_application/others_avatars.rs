//! Reads the photos that other instances posted in HIDE, and drops the rows that they make needless.

use super::PageTransactions;
use crate::decide::share::forget_before;
use crate::exchange::avatar_report::AvatarReport;
use crate::model::{ChannelId, Timestamp};
use crate::store::{OthersAvatar, PostedAs, StoreError, Tx};
use crate::task::post_commit::PostCommit;
use crate::task::posted_order::PostedOrder;

impl PageTransactions {
    /// Reads the photos among these posts, none of which this account made. The only instance reads none.
    pub(super) fn read_others_avatars(
        &self,
        tx: &Tx<'_>,
        channel: ChannelId,
        posts: &[PostedOrder<'_>],
        now: Timestamp,
        post_commit: &mut PostCommit,
    ) -> Result<(), StoreError> {
        if self.join_policy.share.is_whole() || channel != self.channels.hide {
            return Ok(());
        }
        for posted in posts {
            let envelope = posted.envelope.as_ref().map(|(envelope, _)| envelope);
            let Some(report) = envelope.and_then(AvatarReport::of) else {
                continue;
            };
            let (group, user) = (report.group, report.user);
            let shown = OthersAvatar {
                group,
                user,
                message: report.message,
                post: posted.post.message,
                posted_at: posted.post.date,
                read_at: now,
            };
            if !tx.record_others_avatar(shown, forget_before(now))? {
                continue;
            }
            post_commit.shown.push(user);
            // The loop that posts sleeps until a remainder was silent for long enough.
            post_commit.deliver = true;
            let message = posted.post.message;
            let post = PostedAs { channel, message };
            if let Some(files) = tx.take_avatars(group, user, post, now)? {
                tracing::info!(%group, %user, message_id = %message, "taken: another instance posted the photo");
                post_commit.obsolete_files.extend(files);
                // Spool space was freed.
                post_commit.fetch = true;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Decision;
    use crate::exchange::reports;
    use crate::model::{Avatar, ChannelPost, JoinOutcome, MessageId, Page, Share};
    use crate::task::fixture::{
        EXCHANGE, Fixture, GROUP, HIDE, JOINER, NOW, OWN, avatar, join, page, photo, post,
    };

    fn fixture(share: &str) -> Fixture {
        let mut fixture = Fixture::new();
        let share = Share::parse(share).expect(share);
        fixture.join_policy.share = share;
        fixture.transactions.join_policy.share = share;
        fixture
    }

    /// The post of another instance for the joiner.
    fn shown(post_id: i32, join_message: i32) -> ChannelPost {
        let message = MessageId::new(join_message);
        post(post_id, &reports::avatar(GROUP, JOINER, message))
    }

    fn enqueue(fixture: &Fixture, message: i32) -> JoinOutcome {
        fixture.write(|tx| {
            let (join, forward) = (join(message, JOINER), Decision::Forward(photo(7)));
            let policy = &fixture.join_policy;
            let outcome = policy.carry_out(tx, &join, forward, false, NOW)?;
            tx.record_join(&join, outcome, crate::model::FoundBy::Push, NOW)?;
            Ok(outcome)
        })
    }

    fn apply(fixture: &Fixture, channel: ChannelId, post: ChannelPost) -> PostCommit {
        let page = Page {
            posts: vec![post],
            ..page(channel)
        };
        let transactions = &fixture.transactions;
        let posts = transactions.posts_of(&page);
        fixture.write(|tx| {
            let mut post_commit = PostCommit::default();
            transactions.read_others_avatars(tx, channel, &posts, NOW, &mut post_commit)?;
            Ok(post_commit)
        })
    }

    #[test]
    fn a_photo_of_another_instance_takes_the_row_and_is_noted() {
        for share in ["1/2", "2/2"] {
            let fixture = fixture(share);
            assert_eq!(enqueue(&fixture, 1), JoinOutcome::Queued);
            let post_commit = apply(&fixture, HIDE, shown(9, 1));
            assert_eq!(post_commit.shown, [JOINER]);
            assert!(post_commit.deliver && post_commit.fetch);
            assert_eq!(fixture.outcome(1), "taken");
            // The same page is read again.
            assert_eq!(apply(&fixture, HIDE, shown(9, 1)), PostCommit::default());
        }
    }

    #[test]
    fn neither_an_own_photo_nor_one_elsewhere_nor_the_only_instance_takes_a_row() {
        let own = ChannelPost {
            own: true,
            ..shown(9, 1)
        };
        for (share, channel, post) in [
            ("2/2", HIDE, own),
            ("2/2", EXCHANGE, shown(9, 1)),
            ("1/1", HIDE, shown(9, 1)),
        ] {
            let fixture = fixture(share);
            enqueue(&fixture, 1);
            assert_eq!(apply(&fixture, channel, post), PostCommit::default());
            assert_eq!(fixture.outcome(1), "queued");
        }
    }

    #[test]
    fn a_photo_of_another_user_takes_no_row() {
        let fixture = fixture("2/2");
        enqueue(&fixture, 1);
        let text = reports::avatar(GROUP, OWN, MessageId::new(1));
        assert_eq!(apply(&fixture, HIDE, post(9, &text)).shown, [OWN]);
        assert_eq!(fixture.outcome(1), "queued");
    }

    #[test]
    fn a_join_that_is_seen_after_its_photo_was_posted_is_taken_and_its_photo_is_known() {
        let fixture = fixture("2/2");
        apply(&fixture, HIDE, shown(9, 1));
        assert_eq!(enqueue(&fixture, 1), JoinOutcome::Taken);
        fixture.write(|tx| {
            assert_eq!(tx.avatars_to_fetch(NOW, 9)?, []);
            let known = tx.forwarded_or_pending(JOINER, GROUP)?;
            assert!(
                known.contains(&photo(7).id),
                "a recheck would post it again"
            );
            Ok(())
        });
        // Another join of the user is not.
        let fixture = self::fixture("2/2");
        apply(&fixture, HIDE, shown(9, 5));
        assert_eq!(enqueue(&fixture, 1), JoinOutcome::Queued);
    }

    #[test]
    fn a_new_photo_is_taken_only_by_a_post_that_is_read_later() {
        let fixture = fixture("2/2");
        apply(&fixture, HIDE, shown(9, 0));
        fixture.write(|tx| {
            let (join, forward) = (join(1, JOINER), Decision::Forward(photo(8)));
            let policy = &fixture.join_policy;
            let outcome = policy.carry_out(tx, &join, forward, true, NOW)?;
            assert_eq!(outcome, JoinOutcome::Queued);
            tx.record_join(&join, outcome, crate::model::FoundBy::Push, NOW)
        });
        assert_eq!(apply(&fixture, HIDE, shown(10, 0)).shown, [JOINER]);
        assert_eq!(fixture.outcome(1), "taken");
    }

    #[test]
    fn a_join_with_a_begun_post_stays_queued() {
        let fixture = fixture("2/2");
        enqueue(&fixture, 1);
        fixture.write(|tx| {
            let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
            tx.set_fetched(row.id, "file", 1, NOW)?;
            tx.set_sending(row.id, HIDE)?;
            let new_photo = Avatar {
                recheck: true,
                ..avatar(1, 8)
            };
            tx.enqueue_avatar(&new_photo, NOW).map(drop)
        });
        apply(&fixture, HIDE, shown(9, 1));
        assert_eq!(fixture.outcome(1), "queued");
        fixture.write(|tx| {
            assert_eq!(tx.avatars_to_fetch(NOW, 9)?, [], "the new photo is taken");
            Ok(())
        });
    }
}
