//! Unit tests of the store as a whole: transactions, readers, query plans; and its migrations.

mod documents;
mod growth;
mod joins_without_message;
mod member_counts;
mod migration;
mod outbox_rows;
mod shared_members;

use rusqlite::types::Null;

use super::*;
use crate::model::{
    AccessHash, AddedBy, Avatar, Channel, ChannelId, ChannelKind, Content, Join, JoinOutcome, List,
    ListData, MessageId, Photo, PhotoId, Purpose, SkipReason, Timestamp, UserId,
};

const NOW: Timestamp = Timestamp::new(1_800_000_000);

const AVATAR: Avatar = Avatar {
    group: ChannelId::from_bare(5),
    user: UserId::new(6),
    message: MessageId::new(7),
    recheck: false,
    photo: Photo {
        id: PhotoId::new(8),
        dc: 2,
    },
};

fn with_tx(check: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&directory.path().join("state.db")).expect("opened");
    store.write(check).expect("done");
}

#[test]
fn a_read_sees_one_moment_and_blocks_no_writer() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&directory.path().join("state.db")).expect("opened");
    let write = |key: &str| {
        let written: Result<(), StoreError> = store.write(|tx| tx.set_setting(key, "there"));
        written.expect("written");
    };
    write("before");
    let read: Result<_, StoreError> = store.read(|tx| {
        let before = tx.setting("before")?;
        write("meanwhile");
        Ok((before, tx.setting("meanwhile")?))
    });
    assert_eq!(read.expect("read"), (Some("there".to_owned()), None));
    let later: Result<_, StoreError> = store.read(|tx| tx.setting("meanwhile"));
    assert_eq!(later.expect("read").as_deref(), Some("there"));
    assert_eq!(
        store.idle_readers().len(),
        1,
        "the connection is used again"
    );
}

#[test]
fn only_changes_that_are_made_again_are_not_flushed() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&directory.path().join("state.db")).expect("opened");
    let level = |tx: &Tx<'_>| -> Result<i64, StoreError> {
        tx.set_setting("key", "there")?;
        Ok(tx
            .db
            .pragma_query_value(None, "synchronous", |row| row.get(0))?)
    };
    // FULL is 2, NORMAL is 1.
    assert_eq!(store.write(level).expect("written"), 2);
    for _ in 0..2 {
        assert_eq!(store.write_unflushed(level).expect("written"), 1);
    }
    assert_eq!(store.write(level).expect("written"), 2);
}

#[test]
fn nested_reads_use_separate_connections() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&directory.path().join("state.db")).expect("opened");
    let nested: Result<_, StoreError> = store.read(|outer| {
        outer.setting("x")?;
        store.read(|inner| inner.setting("x"))
    });
    assert_eq!(nested.expect("read"), None);
    assert_eq!(store.idle_readers().len(), 2);
}

#[test]
fn a_failed_transaction_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&directory.path().join("state.db")).expect("opened");
    let failed: Result<(), StoreError> = store.write(|tx| {
        tx.set_rate_limit("m", NOW.plus(9))?;
        Err(StoreError::DiskFull)
    });
    assert!(matches!(failed, Err(StoreError::DiskFull)));
    let limits: Result<_, StoreError> = store.read(|tx| tx.rate_limits(NOW));
    assert!(limits.expect("read").is_empty());
}

#[test]
fn the_same_photo_enqueued_twice_is_one_row() {
    with_tx(|tx| {
        assert!(tx.enqueue_avatar(&AVATAR, NOW)?);
        let first = tx.avatars_to_fetch(NOW, 9)?;
        assert_ne!(first[0].random_id, 0);
        // A different join of the same user, or a recheck, is the same photo for the same group.
        let again = Avatar {
            message: MessageId::new(9),
            recheck: true,
            ..AVATAR
        };
        assert!(!tx.enqueue_avatar(&again, NOW)?);
        assert_eq!(tx.avatars_to_fetch(NOW, 9)?, first);
        // A photo that was dropped may be enqueued again, as a different post.
        tx.set_dropped(first[0].id, "failed", NOW)?;
        assert!(tx.enqueue_avatar(&again, NOW)?);
        assert_ne!(
            tx.avatars_to_fetch(NOW, 9)?[0].random_id,
            first[0].random_id
        );
        Ok(())
    });
}

#[test]
fn a_row_that_is_cancelled_while_its_file_is_read_stays_cancelled() {
    with_tx(|tx| {
        tx.enqueue_list(List::BadIds, "x", NOW)?;
        let row = tx.lists_to_make(None)?.remove(0);
        tx.set_fetched(row.id, "abcdefgh", 1, NOW)?;
        tx.set_dropped(row.id, "cancelled", NOW)?;
        tx.set_wanted(row.id)?;
        assert_eq!(tx.lists_to_make(None)?, []);
        Ok(())
    });
}

#[test]
fn a_photo_whose_post_is_begun_is_not_cancelled() {
    with_tx(|tx| {
        for photo in [8, 9] {
            let photo = Photo {
                id: PhotoId::new(photo),
                dc: 2,
            };
            tx.enqueue_avatar(&Avatar { photo, ..AVATAR }, NOW)?;
        }
        let begun = tx.avatars_to_fetch(NOW, 9)?.remove(0);
        tx.set_fetched(begun.id, "abcdefgh", 1, NOW)?;
        tx.set_sending(begun.id, AVATAR.group)?;
        let scope = CancelScope::Message {
            group: AVATAR.group,
            message: AVATAR.message,
        };
        tx.cancel(scope, JoinOutcome::Skipped(SkipReason::Declared), NOW)?;
        let filter = SendFilter::ALL;
        let next = tx.next_to_send(NOW, filter)?.expect("the begun one");
        assert_eq!(next.id, begun.id);
        assert_eq!(tx.avatars_to_fetch(NOW, 9)?, []);
        assert_eq!(tx.dropped_photos(AVATAR.user, AVATAR.group)?.len(), 1);
        Ok(())
    });
}

/// The post may exist, so a new row with another `random_id` could post the photo twice.
#[test]
fn a_begun_photo_whose_file_was_lost_is_neither_cancelled_nor_expired() {
    for is_fetched_again in [false, true] {
        with_tx(|tx| {
            let join = Join {
                group: AVATAR.group,
                message: AVATAR.message,
                user: AVATAR.user,
                added_by: AddedBy::Themselves,
                date: NOW,
            };
            tx.record_join(&join, JoinOutcome::Queued, crate::model::FoundBy::Push, NOW)?;
            tx.enqueue_avatar(&AVATAR, NOW)?;
            let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
            tx.set_fetched(row.id, "abcdefgh", 1, NOW)?;
            tx.set_sending(row.id, AVATAR.group)?;
            tx.set_wanted(row.id)?;
            if is_fetched_again {
                tx.set_fetched(row.id, "ijklmnop", 1, NOW)?;
            }
            for scope in [
                CancelScope::Message {
                    group: AVATAR.group,
                    message: AVATAR.message,
                },
                CancelScope::User(AVATAR.user),
                CancelScope::Group(AVATAR.group),
            ] {
                let files = tx.cancel(scope, JoinOutcome::Expired, NOW)?;
                assert!(files.is_empty(), "{scope:?}");
            }
            let of = PhotoOf {
                user: AVATAR.user,
                photo: AVATAR.photo.id,
            };
            assert!(tx.cancel_photo(of, NOW)?.is_empty());
            let later = NOW.plus(1);
            let limits = AgeLimits {
                avatars: later,
                lists: later,
            };
            assert_eq!(tx.older_than(limits, 9)?, []);
            // A rejoin does not enqueue the photo under another `random_id`.
            assert!(!tx.enqueue_avatar(&AVATAR, NOW)?);
            let joins = tx.user_joins(AVATAR.user, None)?;
            assert_eq!(joins[0].outcome, JoinOutcome::Queued);
            Ok(())
        });
    }
}

#[test]
fn a_report_with_damaged_content_holds_up_no_other_row() {
    with_tx(|tx| {
        let content = Content::PlainText("x".into());
        tx.enqueue_file(Purpose::Notice, "damaged", &content, NOW)?;
        tx.db.execute("UPDATE outbox SET content = '{'", [])?;
        tx.enqueue_text(Purpose::Online, "whole", NOW)?;
        let filter = SendFilter::ALL;
        let next = tx.next_to_send(NOW, filter)?.expect("the whole one");
        assert_eq!(next.to_string(), "report online");
        tx.set_sent(next.id, MessageId::new(1), NOW)?;
        assert_eq!(tx.next_to_send(NOW, filter)?, None);
        tx.drop_unreadable(NOW)?;
        assert_eq!(tx.dropped_counts(NOW)?[0].reason, "unreadable");
        Ok(())
    });
}

#[test]
fn a_row_that_waits_cannot_be_incomplete() {
    with_tx(|tx| {
        tx.enqueue_avatar(&AVATAR, NOW)?;
        tx.enqueue_text(Purpose::Online, "x", NOW)?;
        for change in [
            "photo_dc = NULL WHERE kind = 'avatar'",
            "text = 'x' WHERE kind = 'avatar'",
            "text = NULL WHERE kind = 'text'",
            "user_id = 6 WHERE kind = 'text'",
            "kind = 'list' WHERE kind = 'text'",
        ] {
            let changed = tx.db.execute(&format!("UPDATE outbox SET {change}"), []);
            assert!(changed.is_err(), "{change}");
        }
        Ok(())
    });
}

/// These run for each join, each message of a new member, and each declaration of a raid. They must not read every
/// row that waits or was dropped.
#[test]
fn the_queries_of_a_raid_use_an_index() {
    let message = CancelScope::Message {
        group: AVATAR.group,
        message: AVATAR.message,
    };
    let by_user = "outbox_avatar (group_id=? AND user_id=?)";
    let by_join = "outbox_by_join (group_id=? AND join_message_id=?)";
    for (sql, index) in [
        (outbox::PENDING.to_owned(), by_user),
        (outbox::DROPPED.to_owned(), by_user),
        (outbox::RECHECKED.to_owned(), by_user),
        (outbox::SETTLEMENT.to_owned(), by_user),
        (
            format!("SELECT 1 {} AND settled_at >= ?3", outbox::LENDERS),
            "outbox_by_user (user_id=?)",
        ),
        (message.rows_sql(), by_join),
        (message.joins_sql(), by_user),
        (
            CancelScope::User(AVATAR.user).rows_sql(),
            "outbox_by_user (user_id=?)",
        ),
        (CancelScope::Group(AVATAR.group).rows_sql(), "(group_id=?)"),
        (
            CancelScope::Group(AVATAR.group).joins_sql(),
            "joins_by_outcome (outcome=?)",
        ),
        (record_pages::JOINS.to_owned(), "PRIMARY KEY"),
        (record_pages::JOINS_BY_USER.to_owned(), "joins_by_user"),
        (record_pages::FORWARDED.to_owned(), "PRIMARY KEY"),
        (
            statistics::outbox_counts::GIVEN_UP.to_owned(),
            "outbox_settled",
        ),
    ] {
        with_tx(|tx| {
            let mut plan = tx.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let parameters = vec![Null; plan.parameter_count()];
            let rows = plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))?;
            let plan: Vec<String> = rows.collect::<Result<_, _>>()?;
            assert!(
                plan.iter().any(|step| step.contains(index)),
                "{sql}: {plan:?}"
            );
            assert!(
                plan.iter().all(|step| !step.contains("SCAN")),
                "{sql}: {plan:?}"
            );
            Ok(())
        });
    }
}

#[test]
fn an_unknown_outcome_of_a_join_fails_no_query() {
    with_tx(|tx| {
        for (message, word) in [(1, "restored"), (2, "sung"), (3, "whistled")] {
            tx.db.execute(
                "INSERT INTO joins (group_id, message_id, user_id, joined_at, added_by, outcome, seen_at)
                 VALUES (5, ?1, 6, ?2, NULL, ?3, ?2)",
                rusqlite::params![message, NOW.get(), word],
            )?;
        }
        let restored = JoinOutcome::Restored;
        let ListData::Users(users) = tx.list(List::UserIds)? else {
            panic!("another list");
        };
        assert!(users.joins.iter().all(|join| join.outcome == restored));
        let shown = tx.user_joins(UserId::new(6), None)?;
        assert!(shown.iter().all(|join| join.outcome == restored));
        assert_eq!(tx.joins_today(NOW)?, [(restored, 3)].into());
        Ok(())
    });
}

#[test]
fn the_id_of_a_deleted_row_is_not_used_again() {
    with_tx(|tx| {
        tx.enqueue_avatar(&AVATAR, NOW)?;
        let first = tx.avatars_to_fetch(NOW, 9)?.remove(0);
        // An order cancels the photo and clears the user while the photo is downloaded.
        tx.set_dropped(first.id, "bad", NOW)?;
        tx.forget_user(AVATAR.user, NOW)?;
        let other = Avatar {
            user: UserId::new(9),
            ..AVATAR
        };
        tx.enqueue_avatar(&other, NOW)?;
        assert!(
            !tx.set_fetched(first.id, "file", 1, NOW)?,
            "the photo of one user in the row of another"
        );
        Ok(())
    });
}

#[test]
fn a_channel_that_is_recorded_again_writes_only_changes() {
    let channel = Channel {
        id: AVATAR.group,
        access_hash: AccessHash::new(1),
        kind: ChannelKind::Group,
        title: "A group".into(),
        can_post: false,
        since: NOW,
        pts: 10,
        top_message: MessageId::new(5),
        member_count: None,
    };
    let renamed = Channel {
        title: "Another title".into(),
        ..channel.clone()
    };
    let gigagroup = Channel {
        kind: ChannelKind::Unsupported,
        ..renamed.clone()
    };
    with_tx(|tx| {
        let written = |channel: &Channel| {
            let before = tx.db.total_changes();
            tx.record_channel(channel)?;
            Ok::<_, StoreError>(tx.db.total_changes() - before)
        };
        assert_eq!(written(&channel)?, 1);
        assert_eq!(written(&channel)?, 0);
        assert_eq!(written(&renamed)?, 1);
        assert_eq!(written(&gigagroup)?, 1);
        assert_eq!(written(&gigagroup)?, 0);
        tx.set_absent(channel.id, NOW)?;
        assert_eq!(written(&gigagroup)?, 1);
        Ok(())
    });
}
