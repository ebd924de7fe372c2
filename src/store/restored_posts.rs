//! The photos that this account posted after the copy was made from which the database was restored.
//!
//! The joins of these photos are read from Telegram again. A post settles the photo of its join as soon as that photo
//! is enqueued, so that it is not posted twice (docs/operations.md, "Copies of the data directory").

use rusqlite::{OptionalExtension as _, params};

use super::join_records::PostedAs;
use super::{ReadTx, StoreError, Tx};
use crate::model::{Avatar, ChannelId, MessageId, Timestamp, UserId};

/// The time of the copy, until the posts since then were read.
const RESTORED_FROM: &str = "restored_from";
/// How long a post is kept that names the message of its join, in seconds.
const LIFETIME: i64 = 30 * 24 * 3600;
/// How long a post counts that names no message: a later photo of the same user would be taken for it.
const LIFETIME_WITHOUT_MESSAGE: i64 = 3600;

/// A photo that this account posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredPost {
    pub group: ChannelId,
    pub user: UserId,
    /// The message of the join, as the report names it; 0 if it names none.
    pub message: MessageId,
    pub post: PostedAs,
    pub read_at: Timestamp,
}

impl ReadTx<'_> {
    /// Returns when the copy was made from which the database was restored, until the posts since then were read.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn restored_from(&self) -> Result<Option<Timestamp>, StoreError> {
        let value = self.setting(RESTORED_FROM)?;
        Ok(value.and_then(|value| value.parse().ok().map(Timestamp::new)))
    }

    /// Returns true if the database has this post of a private channel, whose report names `user` if it is a photo.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn is_known_post(&self, post: PostedAs, user: Option<UserId>) -> Result<bool, StoreError> {
        let (message, channel) = (i64::from(post.message.get()), post.channel.bare());
        let mut in_outbox = self
            .db
            .prepare_cached("SELECT 1 FROM outbox WHERE message_id = ?1 AND channel_id = ?2")?;
        if in_outbox.exists([message, channel])? {
            return Ok(true);
        }
        let Some(user) = user else {
            return Ok(false);
        };
        let mut in_forwarded = self.db.prepare_cached(
            "SELECT 1 FROM forwarded WHERE user_id = ?3 AND message_id = ?1 AND channel_id = ?2",
        )?;
        Ok(in_forwarded.exists([message, channel, user.get()])?)
    }
}

impl Tx<'_> {
    /// Records that the database is a copy of this time, whose later posts are to be read.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_restored_from(&self, time: Timestamp) -> Result<(), StoreError> {
        self.set_setting(RESTORED_FROM, &time.get().to_string())
    }

    /// Records that the posts since the copy were read.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn clear_restored_from(&self) -> Result<(), StoreError> {
        self.db
            .execute("DELETE FROM settings WHERE key = ?1", [RESTORED_FROM])?;
        Ok(())
    }

    /// Forgets the posts whose joins were not found.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_restored_posts(&self, now: Timestamp) -> Result<(), StoreError> {
        self.db
            .prepare_cached("DELETE FROM restored_posts WHERE read_at < ?1")?
            .execute([now.plus(-LIFETIME).get()])?;
        Ok(())
    }

    /// Records a post whose join the database does not know yet.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_restored_post(&self, found: &RestoredPost) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO restored_posts (group_id, user_id, channel_id, post_id, join_message_id, read_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                found.group.bare(),
                found.user.get(),
                found.post.channel.bare(),
                found.post.message.get(),
                found.message.get(),
                found.read_at.get(),
            ])?;
        Ok(())
    }

    /// Enqueues a photo, and settles it at once if it is that of a restored post. The other posts of the member are
    /// then older photos, and are forgotten. Returns `None` if the photo was enqueued before, and otherwise the post.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn enqueue_unless_restored(
        &self,
        avatar: &Avatar,
        now: Timestamp,
    ) -> Result<Option<Enqueued>, StoreError> {
        if !self.enqueue_avatar(avatar, now)? {
            return Ok(None);
        }
        let row = self.db.last_insert_rowid();
        let Some(post) = self.restored_post_of(avatar, now)? else {
            return Ok(Some(Enqueued::Waiting));
        };
        self.set_sent(row, post.message, now)?;
        self.set_channel(row, post.channel)?;
        self.record_forwarded(avatar, post, now)?;
        self.db
            .prepare_cached("DELETE FROM restored_posts WHERE group_id = ?1 AND user_id = ?2")?
            .execute([avatar.group.bare(), avatar.user.get()])?;
        Ok(Some(Enqueued::Posted(post)))
    }

    fn restored_post_of(
        &self,
        avatar: &Avatar,
        now: Timestamp,
    ) -> Result<Option<PostedAs>, StoreError> {
        let message = avatar.reported_message();
        let found = self
            .db
            .prepare_cached(
                "SELECT channel_id, post_id FROM restored_posts
                 WHERE group_id = ?1 AND user_id = ?2 AND join_message_id = ?3 AND (?3 > 0 OR read_at >= ?4)
                 ORDER BY post_id DESC LIMIT 1",
            )?
            .query_row(
                params![
                    avatar.group.bare(),
                    avatar.user.get(),
                    message.get(),
                    now.plus(-LIFETIME_WITHOUT_MESSAGE).get()
                ],
                |row| {
                    Ok(PostedAs {
                        channel: ChannelId::from_bare(row.get(0)?),
                        message: MessageId::new(row.get(1)?),
                    })
                },
            )
            .optional()?;
        Ok(found)
    }
}

/// The state of a photo that was enqueued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    Waiting,
    /// The photo was posted before the database was restored.
    Posted(PostedAs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Photo, PhotoId};
    use crate::store::Store;

    const NOW: Timestamp = Timestamp::new(1_800_000_000);
    const GROUP: ChannelId = ChannelId::from_bare(10);
    const USER: UserId = UserId::new(100);
    const POST: PostedAs = PostedAs {
        channel: ChannelId::from_bare(20),
        message: MessageId::new(7),
    };

    const fn avatar(message: i32, photo: i64, recheck: bool) -> Avatar {
        Avatar {
            group: GROUP,
            user: USER,
            message: MessageId::new(message),
            photo: Photo {
                id: PhotoId::new(photo),
                dc: 2,
            },
            recheck,
        }
    }

    const fn post(message: i32) -> RestoredPost {
        RestoredPost {
            group: GROUP,
            user: USER,
            message: MessageId::new(message),
            post: POST,
            read_at: NOW,
        }
    }

    fn write<T>(work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> T {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        store.write(work).expect("a transaction")
    }

    #[test]
    fn a_restored_post_settles_the_photo_of_its_join_once() {
        write(|tx| {
            tx.record_restored_post(&post(5))?;
            tx.record_restored_post(&post(5))?;
            let posted = tx.enqueue_unless_restored(&avatar(5, 1, false), NOW)?;
            assert_eq!(posted, Some(Enqueued::Posted(POST)));
            assert_eq!(tx.avatars_to_fetch(NOW, 9)?, []);
            assert!(
                tx.forwarded_or_pending(USER, GROUP)?
                    .contains(&PhotoId::new(1))
            );
            assert!(tx.is_known_post(POST, Some(USER))?);
            assert_eq!(tx.enqueue_unless_restored(&avatar(5, 1, false), NOW)?, None);
            let next = tx.enqueue_unless_restored(&avatar(5, 2, true), NOW)?;
            assert_eq!(next, Some(Enqueued::Waiting));
            Ok(())
        });
    }

    #[test]
    fn a_restored_post_settles_no_other_join_and_a_recheck_only_for_an_hour() {
        let enqueue = |named: i32, avatar: Avatar, now: Timestamp| {
            write(|tx| {
                tx.record_restored_post(&post(named))?;
                tx.enqueue_unless_restored(&avatar, now)
            })
        };
        let posted = Some(Enqueued::Posted(POST));
        let waiting = Some(Enqueued::Waiting);
        let later = NOW.plus(3601);
        assert_eq!(enqueue(5, avatar(6, 1, false), NOW), waiting);
        assert_eq!(enqueue(5, avatar(5, 1, true), NOW), waiting);
        assert_eq!(enqueue(5, avatar(5, 1, false), later), posted);
        assert_eq!(enqueue(0, avatar(5, 1, true), NOW), posted);
        assert_eq!(enqueue(0, avatar(5, 1, true), later), waiting);
    }

    #[test]
    fn the_mark_of_a_restore_is_kept_until_it_is_cleared() {
        write(|tx| {
            assert_eq!(tx.restored_from()?, None);
            tx.set_restored_from(NOW)?;
            assert_eq!(tx.restored_from()?, Some(NOW));
            tx.clear_restored_from()?;
            assert_eq!(tx.restored_from()?, None);
            tx.record_restored_post(&post(5))?;
            tx.forget_restored_posts(NOW.plus(LIFETIME + 1))?;
            let waiting = tx.enqueue_unless_restored(&avatar(5, 1, false), NOW)?;
            assert_eq!(waiting, Some(Enqueued::Waiting));
            Ok(())
        });
    }
}
