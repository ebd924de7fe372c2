//! Rows of the outbox: photos that several rows share, series of refusals, and posts that were begun.

use super::*;
use crate::model::{AccessHash, Channel, ChannelKind, Payload};
use crate::store::{FailedDownload, Members, PhotoOf};

const PHOTO: PhotoOf = PhotoOf {
    user: AVATAR.user,
    photo: AVATAR.photo.id,
};

fn channel(id: i64, top_message: i32) -> Channel {
    Channel {
        id: ChannelId::from_bare(id),
        access_hash: AccessHash::new(1),
        kind: ChannelKind::Broadcast,
        title: String::new(),
        can_post: true,
        since: NOW,
        pts: 1,
        top_message: MessageId::new(top_message),
        member_count: None,
    }
}

/// Enqueues the photo for two groups, the newer one last; returns the rows, newest first.
fn enqueue_twice(tx: &Tx<'_>) -> Result<Vec<OutboxRow>, StoreError> {
    tx.enqueue_avatar(&AVATAR, NOW)?;
    let elsewhere = Avatar {
        group: ChannelId::from_bare(77),
        ..AVATAR
    };
    tx.enqueue_avatar(&elsewhere, NOW.plus(1))?;
    tx.rows_wanting(PHOTO)
}

#[test]
fn a_photo_for_several_groups_counts_once_in_the_spool() {
    with_tx(|tx| {
        let rows = enqueue_twice(tx)?;
        assert_eq!(rows.len(), 2);
        assert!(rows[0].id > rows[1].id);
        assert_eq!(tx.spooled_photo(PHOTO)?, None);
        for (row, name) in rows.iter().zip(["abcdefgh", "ijklmnop"]) {
            tx.set_fetched(row.id, name, 500, NOW)?;
        }
        assert_eq!(tx.rows_wanting(PHOTO)?, []);
        assert_eq!(tx.spooled_bytes()?, 500);
        tx.set_sent(rows[0].id, MessageId::new(1), NOW)?;
        assert_eq!(tx.spooled_bytes()?, 500);
        assert_eq!(tx.spooled_photo(PHOTO)?.as_deref(), Some("ijklmnop"));
        tx.set_dropped(rows[1].id, "bad", NOW)?;
        assert_eq!(tx.spooled_bytes()?, 0);
        Ok(())
    });
}

#[test]
fn a_series_of_refusals_begins_with_its_first_one() {
    with_tx(|tx| {
        enqueue_twice(tx)?;
        let fail = |refused_at| {
            let failed = FailedDownload {
                due_at: NOW,
                reason: "refused",
                refused_at,
            };
            tx.download_failed(PHOTO, failed)?;
            let rows = tx.rows_wanting(PHOTO)?;
            assert!(rows.iter().all(|row| row.attempts == 0));
            Ok::<_, StoreError>(rows.iter().map(|row| row.refused_at).collect::<Vec<_>>())
        };
        let (first, later) = (Some(NOW), Some(NOW.plus(60)));
        assert_eq!(fail(first)?, [first, first]);
        assert_eq!(fail(later)?, [first, first]);
        assert_eq!(fail(None)?, [None, None]);
        assert_eq!(fail(later)?, [later, later]);
        let row = tx.rows_wanting(PHOTO)?.remove(0);
        tx.set_fetched(row.id, "abcdefgh", 1, NOW)?;
        let fetched = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
        assert_eq!(fetched.refused_at, None);
        tx.postpone_failed(row.id, NOW, "refused", first)?;
        tx.postpone_failed(row.id, NOW, "refused", later)?;
        let refused = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
        assert_eq!((refused.refused_at, refused.attempts), (first, 2));
        Ok(())
    });
}

#[test]
fn photos_that_did_not_fail_yet_come_first_and_those_of_closed_data_centres_not_at_all() {
    with_tx(|tx| {
        let with_id = |id, dc| Avatar {
            photo: Photo {
                id: PhotoId::new(id),
                dc,
            },
            ..AVATAR
        };
        for (id, dc) in [(1, 2), (2, 2), (3, 4)] {
            tx.enqueue_avatar(&with_id(id, dc), NOW.plus(id))?;
        }
        let failed = PhotoOf {
            photo: PhotoId::new(2),
            ..PHOTO
        };
        let failure = FailedDownload {
            due_at: NOW,
            reason: "no answer",
            refused_at: None,
        };
        tx.download_failed(failed, failure)?;
        let ids = |closed: &[i32]| -> Result<Vec<i64>, StoreError> {
            let rows = tx.avatars_to_fetch_without(closed, NOW.plus(9), 9)?;
            Ok(rows
                .into_iter()
                .map(|row| match row.payload {
                    Payload::Avatar(avatar) => avatar.photo.id.get(),
                    other => panic!("{other:?}"),
                })
                .collect())
        };
        assert_eq!(ids(&[])?, [3, 1, 2]);
        assert_eq!(ids(&[4])?, [1, 2]);
        Ok(())
    });
}

#[test]
fn a_row_keeps_the_message_before_its_first_attempt_until_its_channel_is_gone() {
    with_tx(|tx| {
        let hide = ChannelId::from_bare(50);
        tx.record_channel(&channel(50, 40))?;
        tx.enqueue_text(Purpose::Version, "a report", NOW)?;
        let row = |tx: &Tx<'_>| -> Result<OutboxRow, StoreError> {
            Ok(tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row"))
        };
        let id = row(tx)?.id;
        tx.set_sending(id, hide)?;
        tx.db
            .execute("UPDATE ledger SET last_message_id = 90", [])?;
        tx.set_sending(id, hide)?;
        assert_eq!(row(tx)?.begun_after, Some(MessageId::new(40)));
        assert_eq!(tx.release_other_channels(&[hide])?, 0);
        let exchange = ChannelId::from_bare(51);
        assert_eq!(tx.release_other_channels(&[exchange])?, 1);
        let released = row(tx)?;
        assert_eq!((released.begun_in, released.begun_after), (None, None));
        Ok(())
    });
}

#[test]
fn a_message_belongs_to_the_row_that_recorded_it() {
    with_tx(|tx| {
        let rows = enqueue_twice(tx)?;
        let (channel, message) = (ChannelId::from_bare(50), MessageId::new(9));
        let post = PostedAs { channel, message };
        assert!(!tx.is_post_of_another_row(rows[0].id, post)?);
        tx.set_fetched(rows[1].id, "abcdefgh", 1, NOW)?;
        tx.set_sending(rows[1].id, channel)?;
        tx.set_sent(rows[1].id, message, NOW)?;
        assert!(tx.is_post_of_another_row(rows[0].id, post)?);
        assert!(!tx.is_post_of_another_row(rows[1].id, post)?);
        tx.record_forwarded(&AVATAR, post, NOW)?;
        assert!(tx.is_post_of_another_row(rows[1].id, post)?);
        Ok(())
    });
}

#[test]
fn photos_that_are_due_are_counted_up_to_a_number() {
    with_tx(|tx| {
        let rows = enqueue_twice(tx)?;
        assert_eq!(
            tx.count_due_avatars(NOW, Members::All, 6)?,
            1,
            "the other is not due"
        );
        assert_eq!(tx.count_due_avatars(NOW.plus(1), Members::All, 6)?, 2);
        assert_eq!(tx.count_due_avatars(NOW.plus(1), Members::All, 1)?, 1);
        tx.set_fetched(rows[0].id, "abcdefgh", 1, NOW)?;
        tx.set_sending(rows[0].id, AVATAR.group)?;
        assert_eq!(tx.count_due_avatars(NOW, Members::All, 6)?, 2);
        tx.set_sent(rows[0].id, MessageId::new(1), NOW)?;
        tx.enqueue_text(Purpose::Online, "a report", NOW)?;
        assert_eq!(tx.count_due_avatars(NOW, Members::All, 6)?, 1);
        Ok(())
    });
}

#[test]
fn a_photo_that_was_postponed_keeps_its_place_once_it_is_due() {
    let with_user = |user: i64| Avatar {
        user: UserId::new(user),
        ..AVATAR
    };
    let user_of = |row: OutboxRow| match row.payload {
        Payload::Avatar(avatar) => avatar.user.get(),
        _ => panic!("{row}"),
    };
    for is_released in [false, true] {
        with_tx(|tx| {
            for user in 1..=4 {
                tx.enqueue_avatar(&with_user(user), NOW.plus(user))?;
            }
            let users = |now: Timestamp| -> Result<Vec<i64>, StoreError> {
                let rows = tx.avatars_to_fetch(now, 3)?;
                Ok(rows.into_iter().map(user_of).collect())
            };
            let (now, later) = (NOW.plus(10), NOW.plus(20));
            let third = PhotoOf {
                user: UserId::new(3),
                ..PHOTO
            };
            tx.postpone_photo(third, later)?;
            assert_eq!(users(now)?, [4, 2, 1]);
            assert_eq!(tx.next_fetch_due(now)?, Some(later));
            assert!(tx.is_postponed_due(later)?);
            if is_released {
                tx.release_postponed(later)?;
                assert!(!tx.is_postponed_due(later)?);
            }
            assert_eq!(users(later)?, [4, 3, 2]);

            for row in tx.avatars_to_fetch(later, 9)? {
                tx.set_fetched(row.id, "abcdefgh", 1, later)?;
            }
            let row = tx.next_to_send(later, SendFilter::ALL)?.expect("a row");
            let later = later.plus(20);
            tx.postpone_failed(row.id, later, "no answer", None)?;
            let next = |now| {
                let row = tx.next_to_send(now, SendFilter::ALL)?;
                Ok::<_, StoreError>(user_of(row.expect("a row")))
            };
            assert_eq!(next(later.plus(-1))?, 3);
            assert_eq!(tx.next_send_due(later.plus(-1))?, Some(later));
            if is_released {
                tx.release_postponed(later)?;
            }
            assert_eq!(next(later)?, 4);
            Ok(())
        });
    }
}

#[test]
fn the_bytes_of_the_spool_follow_every_change_of_the_rows() {
    with_tx(|tx| {
        let rows = enqueue_twice(tx)?;
        let other = Avatar {
            user: UserId::new(9),
            ..AVATAR
        };
        tx.enqueue_avatar(&other, NOW)?;
        let other = tx.avatars_to_fetch(NOW, 9)?.remove(0);
        tx.set_fetched(rows[0].id, "abcdefgh", 500, NOW)?;
        tx.set_fetched(rows[1].id, "abcdefgh", 500, NOW)?;
        tx.set_fetched(other.id, "ijklmnop", 70, NOW)?;
        assert_eq!(tx.spooled_bytes()?, 570);
        tx.db
            .execute("DELETE FROM outbox WHERE id = ?1", [rows[0].id])?;
        assert_eq!(tx.spooled_bytes()?, 570);
        tx.set_wanted(rows[1].id)?;
        assert_eq!(tx.spooled_bytes()?, 70);
        tx.db.execute("DELETE FROM outbox", [])?;
        assert_eq!(tx.spooled_bytes()?, 0);
        Ok(())
    });
}

#[test]
fn a_photo_with_an_impossible_value_delays_no_other_and_is_dropped_at_the_next_start() {
    with_tx(|tx| {
        let rows = enqueue_twice(tx)?;
        let impossible = ["photo_dc = 1 << 40", "attempts = -1"];
        for (row, value) in rows.iter().zip(impossible) {
            let sql = format!("UPDATE outbox SET {value} WHERE id = {}", row.id);
            tx.db.execute(&sql, [])?;
        }
        let other = Avatar {
            group: ChannelId::from_bare(78),
            ..AVATAR
        };
        tx.enqueue_avatar(&other, NOW)?;
        assert_eq!(tx.avatars_to_fetch(NOW.plus(1), 9)?.len(), 1);
        let count = |tx: &Tx<'_>| tx.count_due_avatars(NOW.plus(1), Members::All, 9);
        assert_eq!(count(tx)?, 3);
        tx.drop_unreadable_avatars(NOW)?;
        assert_eq!(count(tx)?, 1, "a raid would never end");
        Ok(())
    });
}
