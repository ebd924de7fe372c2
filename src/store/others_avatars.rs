//! The photos that other instances posted in HIDE (docs/several-accounts.md), and the rows that they make needless.
//!
//! A post is kept for as long as a row that is made later may be of the same join. Its key keeps a page that is read
//! twice from counting twice.

use rusqlite::params;

use super::join_records::PostedAs;
use super::{ReadTx, StoreError, Tx};
use crate::model::{Avatar, ChannelId, JoinOutcome, MessageId, Payload, Timestamp, UserId};

/// A photo that another instance posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OthersAvatar {
    pub group: ChannelId,
    pub user: UserId,
    /// The message of the join, as the report names it; 0 if it names none.
    pub message: MessageId,
    /// The post in HIDE.
    pub post: MessageId,
    pub posted_at: Timestamp,
    pub read_at: Timestamp,
}

impl ReadTx<'_> {
    /// Returns the photos of a user that other instances posted for a group, the latest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn others_avatars(
        &self,
        group: ChannelId,
        user: UserId,
    ) -> Result<Vec<OthersAvatar>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT join_message_id, post_id, posted_at, read_at FROM others_avatars
             WHERE group_id = ?1 AND user_id = ?2 ORDER BY post_id DESC",
        )?;
        let rows = statement.query_map([group.bare(), user.get()], |row| {
            Ok(OthersAvatar {
                group,
                user,
                message: MessageId::new(row.get(0)?),
                post: MessageId::new(row.get(1)?),
                posted_at: Timestamp::new(row.get(2)?),
                read_at: Timestamp::new(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Records a photo that another instance posted, and forgets those that were read before `forget_before`. Returns
    /// false if the post was read before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_others_avatar(
        &self,
        avatar: OthersAvatar,
        forget_before: Timestamp,
    ) -> Result<bool, StoreError> {
        self.db
            .prepare_cached("DELETE FROM others_avatars WHERE read_at < ?1 OR read_at > ?2 + 60")?
            .execute([forget_before.get(), avatar.read_at.get()])?;
        let inserted = self
            .db
            .prepare_cached(
                "INSERT INTO others_avatars (group_id, user_id, post_id, join_message_id, posted_at, read_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                avatar.group.bare(),
                avatar.user.get(),
                avatar.post.get(),
                avatar.message.get(),
                avatar.posted_at.get(),
                avatar.read_at.get(),
            ])?;
        Ok(inserted == 1)
    }

    /// Drops the rows of a user and group that wait, because another instance made this post. A row whose post was
    /// begun is left. Returns the spool files that are not needed any more, or `None` if there was no such row.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn take_avatars(
        &self,
        group: ChannelId,
        user: UserId,
        post: PostedAs,
        now: Timestamp,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let rows = self.rows_of_member(group, user)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut unneeded = Vec::new();
        for row in rows {
            if let Payload::Avatar(avatar) = &row.payload {
                self.set_taken(row.id, avatar, post, now)?;
            }
            self.settle_row(row.id, JoinOutcome::Taken)?;
            unneeded.extend(row.spool);
        }
        Ok(Some(unneeded))
    }

    /// Records a photo that another instance has posted already, as if it had been enqueued and dropped at once. Returns
    /// false, and changes nothing, if the photo was enqueued before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn record_taken_avatar(
        &self,
        avatar: &Avatar,
        post: PostedAs,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if !self.enqueue_avatar(avatar, now)? {
            return Ok(false);
        }
        self.set_taken(self.db.last_insert_rowid(), avatar, post, now)?;
        Ok(true)
    }

    /// Settles a row: another instance posted its photo, which counts as forwarded from now on.
    fn set_taken(
        &self,
        id: i64,
        avatar: &Avatar,
        post: PostedAs,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_dropped(id, JoinOutcome::Taken.as_str(), now)?;
        self.db
            .prepare_cached("UPDATE outbox SET channel_id = ?2, message_id = ?3 WHERE id = ?1")?
            .execute(params![id, post.channel.bare(), post.message.get()])?;
        self.record_forwarded(avatar, post, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AddedBy, FoundBy, Join, Photo, PhotoId};
    use crate::store::Store;

    const NOW: Timestamp = Timestamp::new(1_800_000_000);
    const GROUP: ChannelId = ChannelId::from_bare(10);
    const HIDE: ChannelId = ChannelId::from_bare(20);
    const USER: UserId = UserId::new(100);
    const POST: PostedAs = PostedAs {
        channel: HIDE,
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

    fn write<T>(work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> T {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(&directory.path().join("state.db")).expect("opened");
        store.write(work).expect("a transaction")
    }

    fn record_join(tx: &Tx<'_>, message: i32) -> Result<(), StoreError> {
        let join = Join {
            group: GROUP,
            message: MessageId::new(message),
            user: USER,
            added_by: AddedBy::Themselves,
            date: NOW,
        };
        tx.record_join(&join, JoinOutcome::Queued, FoundBy::Push, NOW)
            .map(drop)
    }

    fn outcome(tx: &Tx<'_>) -> Result<JoinOutcome, StoreError> {
        Ok(tx.user_joins(USER, None)?[0].outcome)
    }

    #[test]
    fn a_post_takes_every_row_that_is_not_begun_and_its_photos_count_as_forwarded() {
        write(|tx| {
            record_join(tx, 5)?;
            for (photo, recheck) in [(1, false), (2, true)] {
                assert!(tx.enqueue_avatar(&avatar(5, photo, recheck), NOW)?);
            }
            let row = tx.avatars_to_fetch(NOW, 9)?.pop().expect("a row");
            assert!(tx.set_fetched(row.id, "file", 9, NOW)?);
            let files = tx.take_avatars(GROUP, USER, POST, NOW)?;
            assert_eq!(files, Some(vec!["file".to_owned()]));
            assert_eq!(outcome(tx)?, JoinOutcome::Taken);
            let known = tx.forwarded_or_pending(USER, GROUP)?;
            assert_eq!(known.len(), 2);
            let photos = tx.user_photos(USER, None)?;
            assert_eq!(photos.len(), 2, "{photos:?}");
            for photo in photos {
                assert_eq!(photo.reason.as_deref(), Some("taken"));
                assert_eq!(photo.message_id, Some(POST.message));
            }
            assert_eq!(tx.take_avatars(GROUP, USER, POST, NOW)?, None);
            Ok(())
        });
    }

    #[test]
    fn a_row_whose_post_is_begun_is_not_taken() {
        write(|tx| {
            record_join(tx, 5)?;
            assert!(tx.enqueue_avatar(&avatar(5, 1, false), NOW)?);
            let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
            tx.set_fetched(row.id, "file", 9, NOW)?;
            tx.set_sending(row.id, HIDE)?;
            assert_eq!(tx.take_avatars(GROUP, USER, POST, NOW)?, None);
            // The file was lost since.
            tx.set_wanted(row.id)?;
            assert_eq!(tx.take_avatars(GROUP, USER, POST, NOW)?, None);
            assert_eq!(outcome(tx)?, JoinOutcome::Queued);
            Ok(())
        });
    }

    #[test]
    fn a_post_counts_once_and_is_forgotten_after_its_time() {
        let post = |message: i32, read_at: Timestamp| OthersAvatar {
            group: GROUP,
            user: USER,
            message: MessageId::new(5),
            post: MessageId::new(message),
            posted_at: NOW,
            read_at,
        };
        write(|tx| {
            let limit = |now: Timestamp| now.plus(-600);
            assert!(tx.record_others_avatar(post(7, NOW), limit(NOW))?);
            assert!(!tx.record_others_avatar(post(7, NOW.plus(5)), limit(NOW))?);
            assert_eq!(tx.others_avatars(GROUP, USER)?, [post(7, NOW)]);
            let later = NOW.plus(600);
            assert!(tx.record_others_avatar(post(8, later), limit(later))?);
            assert_eq!(tx.others_avatars(GROUP, USER)?.len(), 2);
            let last = NOW.plus(601);
            assert!(tx.record_others_avatar(post(9, last), limit(last))?);
            let posts = tx.others_avatars(GROUP, USER)?;
            assert_eq!(posts, [post(9, last), post(8, later)]);
            // The clock was set back.
            assert!(tx.record_others_avatar(post(10, NOW), limit(NOW))?);
            assert_eq!(tx.others_avatars(GROUP, USER)?, [post(10, NOW)]);
            assert_eq!(tx.others_avatars(HIDE, USER)?, []);
            Ok(())
        });
    }

    #[test]
    fn a_photo_that_is_taken_when_its_join_is_seen_has_a_settled_row() {
        write(|tx| {
            assert!(tx.record_taken_avatar(&avatar(5, 1, false), POST, NOW)?);
            assert!(
                tx.forwarded_or_pending(USER, GROUP)?
                    .contains(&PhotoId::new(1))
            );
            assert_eq!(tx.avatars_to_fetch(NOW, 1)?, []);
            Ok(())
        });
    }
}
