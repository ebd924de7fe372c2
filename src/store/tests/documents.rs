//! The documents of posted photos, and the rows that can be posted by them.

use super::*;
use crate::model::{AccessHash, Channel, ChannelKind, DocumentRef};
use crate::store::{EarlierPost, PhotoOf};

const PHOTO: PhotoOf = PhotoOf {
    user: AVATAR.user,
    photo: AVATAR.photo.id,
};
const HIDE: ChannelId = ChannelId::from_bare(50);

fn record_hide(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.record_channel(&Channel {
        id: HIDE,
        access_hash: AccessHash::new(1),
        kind: ChannelKind::Broadcast,
        title: String::new(),
        can_post: true,
        since: NOW,
        pts: 1,
        top_message: MessageId::new(1),
        member_count: None,
    })?;
    Ok(())
}

fn document(reference: u8) -> DocumentRef {
    DocumentRef {
        id: 7,
        access_hash: AccessHash::new(8),
        file_reference: vec![reference],
    }
}

/// Enqueues the photo for a group, and begins its post with the file `name`; returns the row's id.
fn begin(tx: &Tx<'_>, group: i64, name: &str) -> Result<i64, StoreError> {
    let avatar = Avatar {
        group: ChannelId::from_bare(group),
        ..AVATAR
    };
    tx.enqueue_avatar(&avatar, NOW)?;
    let row = tx.rows_wanting(PHOTO)?.remove(0);
    tx.set_fetched(row.id, name, 1, NOW)?;
    tx.set_sending(row.id, HIDE)?;
    Ok(row.id)
}

/// Returns the message and the reference of the post that lends its document.
fn lender(tx: &Tx<'_>) -> Result<Option<(i32, Vec<u8>)>, StoreError> {
    let found = tx.earlier_post(PHOTO)?;
    Ok(found.map(
        |EarlierPost {
             posted_as,
             document,
         }| {
            assert_eq!((posted_as.channel, document.id), (HIDE, 7));
            (posted_as.message.get(), document.file_reference)
        },
    ))
}

#[test]
fn only_a_proven_post_in_a_channel_of_the_account_lends_its_document() {
    with_tx(|tx| {
        record_hide(tx)?;
        let first = begin(tx, 70, "abcdefgh")?;
        tx.set_begun_document(first, 7)?;
        assert_eq!(tx.begun_document(first)?, Some(7));
        assert_eq!(lender(tx)?, None, "not posted yet");
        tx.set_sent(first, MessageId::new(1), NOW)?;
        assert_eq!(lender(tx)?, None, "an answer without a document");
        tx.set_document(first, &document(1))?;
        assert_eq!(lender(tx)?, Some((1, vec![1])));
        let second = begin(tx, 71, "ijklmnop")?;
        tx.set_document(second, &document(2))?;
        assert_eq!(lender(tx)?, Some((1, vec![1])), "the second is not proven");
        tx.set_sent(second, MessageId::new(2), NOW.plus(1))?;
        assert_eq!(lender(tx)?, Some((2, vec![2])), "the latest");
        tx.db.execute("UPDATE ledger SET present = 0", [])?;
        assert_eq!(lender(tx)?, None, "the account left");
        record_hide(tx)?;
        assert_eq!(lender(tx)?, Some((2, vec![2])));
        Ok(())
    });
}

#[test]
fn a_fresh_reference_is_that_of_all_posts_and_a_refused_document_is_forgotten() {
    with_tx(|tx| {
        record_hide(tx)?;
        for (group, message) in [(70, 1), (71, 2)] {
            let row = begin(tx, group, "abcdefgh")?;
            tx.set_sent(row, MessageId::new(message), NOW.plus(message.into()))?;
            tx.set_document(row, &document(1))?;
        }
        tx.renew_document(PHOTO, &document(9))?;
        let references = |tx: &Tx<'_>| -> Result<i64, StoreError> {
            let sql = "SELECT COUNT(*) FROM outbox WHERE document_reference = x'09'";
            Ok(tx.db.query_row(sql, [], |row| row.get(0))?)
        };
        assert_eq!(references(tx)?, 2);
        tx.forget_document(PHOTO, 6)?;
        assert_eq!(references(tx)?, 2, "another document");
        tx.forget_document(PHOTO, 7)?;
        assert_eq!(lender(tx)?, None);
        tx.renew_document(PHOTO, &document(9))?;
        assert_eq!(lender(tx)?, None, "a forgotten document stays forgotten");
        Ok(())
    });
}

#[test]
fn a_recent_post_makes_the_rows_that_want_its_photo_ready() {
    with_tx(|tx| {
        record_hide(tx)?;
        let posted = begin(tx, 70, "abcdefgh")?;
        tx.set_sent(posted, MessageId::new(1), NOW)?;
        for group in [71, 72] {
            let avatar = Avatar {
                group: ChannelId::from_bare(group),
                ..AVATAR
            };
            tx.enqueue_avatar(&avatar, NOW)?;
        }
        let ready = |since| tx.set_fetched_by_document(PHOTO, since, NOW);
        assert_eq!(ready(NOW)?, 0, "no document");
        tx.set_document(posted, &document(1))?;
        assert_eq!(ready(NOW.plus(1))?, 0, "an old post");
        assert_eq!(ready(NOW)?, 2);
        let row = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
        assert_eq!((row.spool, row.attempts), (None, 0));
        assert_eq!(tx.rows_wanting(PHOTO)?, []);
        // Without the document, the rows wait for their file at once: the user may remove the photo.
        tx.forget_documents()?;
        assert_eq!(tx.rows_wanting(PHOTO)?.len(), 2);
        assert_eq!(ready(NOW)?, 0);
        Ok(())
    });
}

#[test]
fn clearing_a_user_makes_the_photos_wanted_that_wait_for_a_document_of_theirs() {
    for user in [Some(AVATAR.user), None] {
        with_tx(|tx| {
            record_hide(tx)?;
            let posted = begin(tx, 70, "abcdefgh")?;
            tx.set_sent(posted, MessageId::new(1), NOW)?;
            tx.set_document(posted, &document(1))?;
            tx.enqueue_avatar(&AVATAR, NOW)?;
            assert_eq!(tx.set_fetched_by_document(PHOTO, NOW, NOW)?, 1);
            tx.forget_settled_photos(user)?;
            assert_eq!(lender(tx)?, None);
            assert_eq!(tx.rows_wanting(PHOTO)?.len(), 1);
            Ok(())
        });
    }
}

#[test]
fn another_account_forgets_all_documents() {
    with_tx(|tx| {
        record_hide(tx)?;
        tx.set_account(UserId::new(1))?;
        let row = begin(tx, 70, "abcdefgh")?;
        tx.set_sent(row, MessageId::new(1), NOW)?;
        tx.set_document(row, &document(1))?;
        tx.set_account(UserId::new(1))?;
        assert!(lender(tx)?.is_some(), "the same account");
        tx.set_account(UserId::new(2))?;
        assert_eq!(lender(tx)?, None);
        Ok(())
    });
}
