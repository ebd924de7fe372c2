use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::config::Dialect;
use crate::exchange::orders::Order;
use crate::list_file::ListFile;
use crate::model::{
    BadEntry, ChannelPost, List, ListData, PhotoId, Purpose, Sender, UserId, WordList,
};
use crate::store::{CancelScope, PhotoOf, PostedAs, SendFilter};
use crate::task::enqueue;
use crate::task::fixture::{
    Fixture, GROUP, HIDE, JOINER, NOW, PTS, avatar, envelope, join, page, post, user,
};
use crate::task::order_files::FileError;
use crate::task::queue_cost::{self, assert_flat};

fn order(action: &str, kind: &str, data: &Value) -> String {
    envelope("MANAGE", action, kind, data)
}

fn clear_bad_users() -> String {
    order("clear", "bad", &json!({"admin_id": 7, "type": "users"}))
}

fn add_bad(user: i64) -> String {
    order("add", "bad", &json!({"id": user, "type": "user"}))
}

fn roll_back_bad() -> String {
    order(
        "backup",
        "rollback",
        &json!({"admin_id": 7, "type": "bad_ids"}),
    )
}

/// A page of HIDE with these posts; their message ids count from 1.
fn page_of(texts: &[String]) -> Page {
    Page {
        posts: (1..).zip(texts).map(|(id, text)| post(id, text)).collect(),
        ..page(HIDE)
    }
}

fn bad_ids(users: &[i64]) -> ListFile {
    let json = json!({"format": 1, "list": "bad_ids", "saved_at": "2026-11-20T20:00:00Z",
        "data": {"users": users, "channels": []}});
    ListFile::from_json(json.to_string().as_bytes()).expect("a list")
}

async fn apply(fixture: &Fixture, page: &Page, lists: &AttachedLists) -> AdvanceOutcome {
    let transactions = &fixture.transactions;
    let posts = transactions.posts_of(page);
    let applied = transactions.apply_all(page, &posts, lists).await;
    applied.expect("applied")
}

fn bad_users(fixture: &Fixture) -> BTreeSet<UserId> {
    match fixture.write(|tx| tx.list(List::BadIds)) {
        ListData::Bad(bad) => bad.users,
        other => panic!("{other:?}"),
    }
}

fn users(ids: &[i64]) -> BTreeSet<UserId> {
    ids.iter().copied().map(UserId::new).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_is_recorded_once_and_pts_moves_with_it() {
    let fixture = Fixture::new();
    let joined = Page {
        joins: vec![join(1, JOINER)],
        users: vec![user(JOINER, Some(7))],
        last_message: Some(MessageId::new(1)),
        ..page(GROUP)
    };
    let lists = AttachedLists::new();
    assert_eq!(
        apply(&fixture, &joined, &lists).await,
        AdvanceOutcome::Advanced
    );
    assert_eq!(
        (fixture.pts(GROUP), &*fixture.outcome(1)),
        (PTS + 1, "queued")
    );
    // The page does not follow any more, and nothing of it is applied.
    assert_eq!(apply(&fixture, &joined, &lists).await, AdvanceOutcome::Gap);
    let again = Page {
        advance: Advance::Pulled {
            from: PTS + 1,
            to: PTS + 2,
        },
        ..joined
    };
    assert_eq!(
        apply(&fixture, &again, &lists).await,
        AdvanceOutcome::Advanced
    );
    let waiting = fixture.write(|tx| tx.avatars_to_fetch(NOW, 9));
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        waiting[0].payload,
        crate::model::Payload::Avatar(avatar(1, 7))
    );
}

/// The statements of each transaction are counted, so that they cannot grow unseen. tests/it/commits.rs counts the
/// transactions.
#[test]
fn a_join_costs_few_statements() {
    let fixture = Fixture::new();
    let pushed = Page {
        advance: Advance::Pushed {
            to: PTS + 1,
            count: 1,
        },
        joins: vec![join(1, JOINER)],
        users: vec![user(JOINER, Some(7))],
        last_message: Some(MessageId::new(1)),
        ..page(GROUP)
    };
    let of = PhotoOf {
        user: JOINER,
        photo: PhotoId::new(7),
    };
    let recorded = fixture.statements(|tx| fixture.transactions.apply_pushed(tx, &pushed, NOW));
    let downloaded = fixture.statements(|tx| {
        let row = tx.rows_wanting(of)?.remove(0);
        tx.set_fetched(row.id, "abcd1234", 9, NOW)
    });
    let posted = fixture.statements(|tx| {
        let row = tx.next_to_send(NOW, SendFilter::ALL)?.expect("a row");
        tx.set_sending(row.id, HIDE)?;
        tx.set_sent(row.id, MessageId::new(5), NOW)?;
        tx.settle_row(row.id, JoinOutcome::Forwarded)
    });
    assert_eq!(fixture.outcome(1), "forwarded");
    let [recorded, downloaded, posted] = [recorded, downloaded, posted];
    assert!(recorded <= 40, "{recorded} to record a join");
    // A trigger counts twice: its begin and its change.
    assert!(downloaded <= 6, "{downloaded} after a download");
    assert!(posted <= 13, "{posted} for a post");
}

#[test]
fn a_join_costs_the_same_however_many_photos_wait() {
    assert_flat(|fixture| {
        for (number, group) in [(1, GROUP), (2, queue_cost::avatar(7).group)] {
            let id = UserId::new(number);
            let joined = Page {
                advance: Advance::Pushed {
                    to: PTS + 1,
                    count: 1,
                },
                joins: vec![Join {
                    group,
                    ..join(1_000_000, id)
                }],
                users: vec![user(id, Some(number))],
                ..page(group)
            };
            fixture.write(|tx| fixture.transactions.apply_pushed(tx, &joined, NOW));
        }
        // A user of a photo that waits writes, leaves and joins again.
        let again = queue_cost::avatar(2);
        let page = Page {
            advance: Advance::Pushed {
                to: PTS + 1,
                count: 1,
            },
            joins: vec![Join {
                group: again.group,
                ..join(2_000_000, again.user)
            }],
            users: vec![user(again.user, Some(again.photo.id.get()))],
            leavers: vec![again.user],
            ..page(again.group)
        };
        fixture.write(|tx| fixture.transactions.apply_pushed(tx, &page, NOW));
    });
}

/// The steps of a photo between its join and its end, with those that fail.
#[test]
fn a_photo_costs_the_same_however_many_others_wait() {
    assert_flat(|fixture| {
        fixture.write(|tx| {
            let avatar = queue_cost::avatar(0);
            let of = PhotoOf {
                user: avatar.user,
                photo: avatar.photo.id,
            };
            let row = tx.rows_wanting(of)?.remove(0);
            assert!(tx.is_wanted(row.id)?);
            tx.spooled_photo(of)?;
            tx.earlier_post(of)?;
            tx.postpone_photo(of, NOW.plus(5))?;
            tx.is_postponed_due(NOW.plus(5))?;
            tx.release_postponed(NOW.plus(5))?;
            tx.set_fetched_by_document(of, NOW, NOW)?;
            tx.set_fetched(row.id, "abcd1234", 9, NOW)?;
            tx.set_wanted(row.id)?;
            tx.set_fetched(row.id, "abcd1234", 9, NOW)?;
            tx.set_sending(row.id, HIDE)?;
            tx.postpone_failed(row.id, NOW.plus(5), "no answer", None)?;
            let message = MessageId::new(77);
            let post = PostedAs {
                channel: HIDE,
                message,
            };
            tx.is_post_of_another_row(row.id, post)?;
            tx.release_channel(row.id)?;
            tx.set_sending(row.id, HIDE)?;
            tx.set_sent(row.id, message, NOW)?;
            tx.record_forwarded(&avatar, post, NOW)?;
            tx.settle_row(row.id, JoinOutcome::Forwarded)?;
            tx.drop_unsent(Purpose::Awake, NOW)?;
            tx.postpone_lists(NOW.plus(5))?;
            tx.cancel(
                CancelScope::User(queue_cost::avatar(1).user),
                JoinOutcome::Kicked,
                NOW,
            )?;
            let other = queue_cost::avatar(2);
            let of = PhotoOf {
                user: other.user,
                photo: other.photo.id,
            };
            tx.cancel_photo(of, NOW)?;
            Ok(())
        });
    });
}

#[test]
fn a_push_that_a_dialog_sync_overtook_still_reveals_its_join() {
    let fixture = Fixture::new();
    let pushed = Page {
        advance: Advance::Pushed { to: PTS, count: 1 },
        joins: vec![join(1, JOINER)],
        users: vec![user(JOINER, None)],
        ..page(GROUP)
    };
    let applied = fixture.write(|tx| fixture.transactions.apply_pushed(tx, &pushed, NOW));
    assert_eq!(applied.advance_outcome, AdvanceOutcome::AlreadyApplied);
    assert_eq!(fixture.outcome(1), "no_photo");
}

#[test]
fn a_push_that_a_pull_overtook_before_the_reset_records_no_join_again() {
    let fixture = Fixture::new();
    let pushed = Page {
        advance: Advance::Pushed { to: PTS, count: 1 },
        joins: vec![
            join(1, JOINER),
            Join {
                date: NOW.plus(1),
                ..join(2, UserId::new(101))
            },
        ],
        ..page(GROUP)
    };
    fixture.write(|tx| tx.reset(NOW));
    fixture.write(|tx| fixture.transactions.apply_pushed(tx, &pushed, NOW.plus(1)));
    fixture.write(|tx| {
        assert!(!tx.has_join(&pushed.joins[0])?);
        assert!(tx.has_join(&pushed.joins[1])?);
        Ok(())
    });
}

#[test]
fn joins_from_before_the_account_was_in_the_group_are_left_out_when_a_gap_is_read() {
    let fixture = Fixture::new();
    let old = Page {
        advance: Advance::ByMessageIds,
        joins: vec![
            Join {
                date: Timestamp::new(-1),
                ..join(1, JOINER)
            },
            join(2, JOINER),
        ],
        ..page(GROUP)
    };
    fixture.write(|tx| {
        fixture.transactions.apply_pushed(tx, &old, NOW)?;
        assert!(!tx.has_join(&join(1, JOINER))?);
        assert!(tx.has_join(&join(2, JOINER))?);
        Ok(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_ordered_before_a_clear_has_what_was_cleared() {
    let fixture = Fixture::new();
    let texts = [
        add_bad(5),
        order("backup", "now", &Value::Null),
        clear_bad_users(),
        add_bad(6),
    ];
    let advance_outcome = apply(&fixture, &page_of(&texts), &AttachedLists::new()).await;
    assert_eq!(advance_outcome, AdvanceOutcome::Advanced);
    assert_eq!(bad_users(&fixture), users(&[6]));
    let spooled = fixture.spooled();
    assert_eq!(spooled.len(), 1);
    let file = fixture
        .spool
        .read(&spooled[0])
        .expect("readable")
        .expect("there");
    let Ok(crate::file_codec::DecodedFile::List(list)) = fixture.list_keeper.decoder.decode(&file)
    else {
        panic!("no list");
    };
    let (data, _) = list.data_for(List::BadIds).expect("bad_ids");
    let ListData::Bad(saved) = &*data else {
        panic!("{data:?}");
    };
    assert_eq!(saved.users, users(&[5]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_not_cleared_while_a_backup_cannot_be_written() {
    let fixture = Fixture::new();
    std::fs::remove_dir(fixture.directory.path().join("spool")).expect("an empty spool");
    let texts = [
        add_bad(5),
        order("backup", "now", &Value::Null),
        clear_bad_users(),
    ];
    apply(&fixture, &page_of(&texts), &AttachedLists::new()).await;
    assert_eq!(bad_users(&fixture), users(&[5]));
    fixture.write(|tx| {
        assert!(tx.has_order(HIDE, MessageId::new(3))?);
        Ok(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rollback_of_a_page_keeps_the_list_that_it_replaces() {
    let fixture = Fixture::new();
    let texts = [add_bad(1), roll_back_bad(), roll_back_bad(), add_bad(4)];
    let lists = AttachedLists::from([
        (MessageId::new(2), Ok(bad_ids(&[2]))),
        (MessageId::new(3), Ok(bad_ids(&[3]))),
    ]);
    apply(&fixture, &page_of(&texts), &lists).await;
    assert_eq!(bad_users(&fixture), users(&[3, 4]));
    assert_eq!(fixture.kept_lists().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_without_a_usable_file_keeps_and_replaces_nothing() {
    let fixture = Fixture::new();
    let texts = [add_bad(1), roll_back_bad(), roll_back_bad()];
    let damaged = Err(FileError::Unusable("its file does not open".to_owned()));
    let lists = AttachedLists::from([(MessageId::new(2), damaged)]);
    apply(&fixture, &page_of(&texts), &lists).await;
    assert_eq!(bad_users(&fixture), users(&[1]));
    assert_eq!(fixture.kept_lists(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_pulled_again_after_its_first_segment_is_applied_once() {
    let fixture = Fixture::new();
    let transactions = &fixture.transactions;
    let texts = [
        add_bad(5),
        "no envelope".to_owned(),
        clear_bad_users(),
        add_bad(6),
    ];
    let page = page_of(&texts);
    let all_posts = transactions.posts_of(&page);
    let first = Segment {
        page: &page,
        all_posts: &all_posts,
        range: 0..2,
    };
    let lists = AttachedLists::new();
    let advance_outcome = transactions.apply_segment(&first, &lists).await;
    assert_eq!(advance_outcome.expect("applied"), AdvanceOutcome::Advanced);
    assert_eq!((fixture.pts(HIDE), bad_users(&fixture)), (PTS, users(&[5])));
    // The program is killed here. An order that is obeyed again would put the user back.
    fixture.write(|tx| tx.set_bad(BadEntry::User(UserId::new(5)), false, NOW));
    fixture.write(|tx| tx.set_bad(BadEntry::User(UserId::new(7)), true, NOW));
    assert_eq!(
        apply(&fixture, &page, &lists).await,
        AdvanceOutcome::Advanced
    );
    assert_eq!(
        (fixture.pts(HIDE), bad_users(&fixture)),
        (PTS + 1, users(&[6]))
    );
    let malformed = fixture.write(|tx| tx.status_figures())["malformed envelopes"];
    assert_eq!(malformed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_that_is_replaced_is_the_one_that_was_kept() {
    let fixture = Fixture::new();
    let transactions = &fixture.transactions;
    fixture.write(|tx| tx.set_bad(BadEntry::User(UserId::new(1)), true, NOW));
    let page = page_of(&[roll_back_bad()]);
    let all_posts = transactions.posts_of(&page);
    let segment = Segment {
        page: &page,
        all_posts: &all_posts,
        range: 0..1,
    };
    assert!(matches!(all_posts[0].order(), Some(Order::Rollback { .. })));
    let lists = AttachedLists::from([(MessageId::new(1), Ok(bad_ids(&[2])))]);
    let preparation = transactions.prepare(&segment, &lists).await.expect("kept");
    // The list changes, or a backup is ordered, between the preparation and the transaction.
    fixture.write(|tx| {
        assert!(preparation::is_still_valid(&preparation, tx)?);
        tx.set_bad(BadEntry::User(UserId::new(9)), true, NOW)?;
        assert!(!preparation::is_still_valid(&preparation, tx)?);
        tx.set_bad(BadEntry::User(UserId::new(9)), false, NOW)?;
        assert!(preparation::is_still_valid(&preparation, tx)?);
        enqueue::backup(tx, Dialect::Classic, NOW)?;
        assert!(!preparation::is_still_valid(&preparation, tx)?);
        assert!(
            transactions
                .apply_keeping(tx, &segment, &lists, NOW)?
                .is_none()
        );
        Ok(())
    });
    drop(preparation);
    assert!(fixture.kept_lists().is_empty());
    fixture.backup_files.make_all().await.expect("made");
    let kept = fixture.write(|tx| transactions.apply_keeping(tx, &segment, &lists, NOW));
    kept.and_then(|done| done.kept).expect("kept").commit();
    assert_eq!(bad_users(&fixture), users(&[2]));
    assert_eq!(fixture.kept_lists().len(), 1);
}

#[test]
fn a_pushed_order_that_destroys_lists_waits_for_the_pull() {
    let fixture = Fixture::new();
    let transactions = &fixture.transactions;
    let page = page_of(&[clear_bad_users()]);
    assert!(transactions.waits_for_pull(&page));
    assert!(!transactions.waits_for_pull(&page_of(&[add_bad(5)])));
    assert!(!transactions.waits_for_pull(&Page {
        channel: GROUP,
        ..page.clone()
    }));
    // A pull does not bring a push that was overtaken: it is carried out unless a backup waits.
    let overtaken = Page {
        advance: Advance::Pushed { to: PTS, count: 1 },
        ..page
    };
    fixture.write(|tx| {
        tx.set_bad(BadEntry::User(UserId::new(5)), true, NOW)?;
        enqueue::backup(tx, Dialect::Classic, NOW)?;
        transactions.apply_pushed(tx, &overtaken, NOW)?;
        Ok(())
    });
    assert_eq!(bad_users(&fixture), users(&[5]));
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_outside_of_the_private_channels_are_no_orders() {
    let fixture = Fixture::new();
    let page = Page {
        channel: GROUP,
        ..page_of(&[add_bad(5)])
    };
    apply(&fixture, &page, &AttachedLists::new()).await;
    assert!(bad_users(&fixture).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rules_are_in_force_for_the_next_page() {
    let fixture = Fixture::new();
    let update = envelope("REGEX", "regex", "update", &json!("nm_words"));
    let json = json!({"format": 1, "list": "nm_words", "saved_at": "2026-11-20T20:00:00Z",
        "data": {"some": 0}});
    let file = ListFile::from_json(json.to_string().as_bytes()).expect("a list");
    let lists = AttachedLists::from([(MessageId::new(1), Ok(file))]);
    apply(&fixture, &page_of(&[update]), &lists).await;
    let joined = Page {
        joins: vec![join(1, JOINER)],
        users: vec![user(JOINER, Some(7))],
        ..page(GROUP)
    };
    apply(&fixture, &joined, &lists).await;
    assert_eq!(fixture.outcome(1), "named");
    let rules = fixture.write(|tx| tx.rules(WordList::Nm));
    assert_eq!(rules, [("some".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_in_a_push_that_was_overtaken_keeps_the_list_that_it_replaces() {
    let fixture = Fixture::new();
    apply(&fixture, &page_of(&[add_bad(1)]), &AttachedLists::new()).await;
    let pushed = Page {
        advance: Advance::Pushed { to: 1, count: 1 },
        posts: vec![post(9, &roll_back_bad())],
        ..page(HIDE)
    };
    let lists = AttachedLists::from([(MessageId::new(9), Ok(bad_ids(&[2])))]);
    let advance_outcome = apply(&fixture, &pushed, &lists).await;
    assert_eq!(advance_outcome, AdvanceOutcome::AlreadyApplied);
    assert_eq!(bad_users(&fixture), users(&[2]));
    assert_eq!(fixture.kept_lists().len(), 1);
}

#[test]
fn own_posts_are_no_news() {
    let transactions = Fixture::new().transactions;
    let own = ChannelPost {
        own: true,
        ..post(1, &add_bad(1))
    };
    let own = Page {
        posts: vec![own],
        ..page(HIDE)
    };
    for page in [page(GROUP), own] {
        assert!(!transactions.has_news(&page), "{page:?}");
    }
    let chat = Page {
        senders: vec![Sender {
            user: JOINER,
            message: MessageId::new(1),
            date: NOW,
        }],
        ..page(GROUP)
    };
    let joined = Page {
        joins: vec![join(1, JOINER)],
        ..page(GROUP)
    };
    let left = Page {
        leavers: vec![JOINER],
        ..page(GROUP)
    };
    let shown = Page {
        other_users_with_photo: vec![user(JOINER, Some(7))],
        ..page(GROUP)
    };
    let entered = Page {
        entered: Some(NOW),
        ..page(GROUP)
    };
    let ordered = page_of(&[add_bad(1)]);
    for page in [chat, joined, left, shown, entered, ordered] {
        assert!(transactions.has_news(&page), "{page:?}");
    }
}
