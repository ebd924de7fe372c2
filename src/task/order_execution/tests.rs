use serde_json::{Value, json};

use super::*;
use crate::model::{
    ChannelPost, JoinOutcome, MessageId, Payload, PhotoId, Purpose, SkipReason, UserId,
};
use crate::store::{ExceptionDue, SendFilter};
use crate::task::fixture::{
    Fixture, GROUP, HIDE, JOINER, NOW, avatar, envelope, join, photo, post, user,
};

/// Carries out the order of one post, numbered `message`.
fn execute(fixture: &Fixture, message: i32, text: &str) -> PostCommit {
    let posts: [ChannelPost; 1] = [post(message, text)];
    let orders = PostedOrder::read_all(&posts);
    let attachments = Attachments {
        lists: &AttachedLists::new(),
        preparation: &Preparation::Nothing,
    };
    let executor = &fixture.transactions.orders;
    fixture.write(|tx| executor.execute(tx, HIDE, &orders, attachments, NOW))
}

/// Enqueues a photo for a join, with a file in the spool, and returns the name of the file.
fn waiting_photo(fixture: &Fixture) -> String {
    fixture.write(|tx| {
        tx.record_join(
            &join(1, JOINER),
            JoinOutcome::Queued,
            crate::model::FoundBy::Push,
            NOW,
        )?;
        tx.enqueue_avatar(&avatar(1, 7), NOW)?;
        let row = tx.avatars_to_fetch(NOW, 1)?.remove(0);
        tx.set_fetched(row.id, "abcdefgh", 6, NOW)?;
        Ok("abcdefgh".to_owned())
    })
}

#[test]
fn an_order_cancels_the_photo_that_waits() {
    let group = GROUP.bot_api();
    for (from, to, action, kind, data, outcome) in [
        (
            "NOSPAM",
            "AVATAR",
            "add",
            "bad",
            json!({"id": JOINER.get(), "type": "user"}),
            "bad",
        ),
        (
            "CLEAN",
            "AVATAR",
            "declare",
            "ban",
            json!({"group_id": group, "message_id": 1}),
            "declared",
        ),
        (
            "CAPTCHA",
            "USER",
            "help",
            "delete",
            json!({"group_id": group, "user_id": JOINER.get()}),
            "kicked",
        ),
        (
            "CAPTCHA",
            "AVATAR",
            "flood",
            "status",
            json!({"group_id": group, "status": "begin"}),
            "held",
        ),
    ] {
        let fixture = Fixture::new();
        let file = waiting_photo(&fixture);
        let text = crate::exchange::format_data(from, &[to], action, kind, &data);
        let post_commit = execute(&fixture, 1, &text);
        assert_eq!(post_commit.obsolete_files, [file], "{action}/{kind}");
        assert_eq!(fixture.outcome(1), outcome, "{action}/{kind}");
    }
}

#[test]
fn the_end_of_a_flood_has_the_held_joins_decided_again() {
    let fixture = Fixture::new();
    waiting_photo(&fixture);
    let flood = |status: &str| {
        let data = json!({"group_id": GROUP.bot_api(), "status": status});
        envelope("CAPTCHA", "flood", "status", &data)
    };
    execute(&fixture, 1, &flood("begin"));
    let post_commit = execute(&fixture, 2, &flood("end"));
    assert!(post_commit.fetch);
    assert_eq!(fixture.outcome(1), "lookup");
}

#[test]
fn an_order_is_carried_out_once_and_its_verdict_is_recorded() {
    let fixture = Fixture::new();
    let data = json!({"id": JOINER.get(), "type": "user"});
    let add = envelope("NOSPAM", "add", "bad", &data);
    let is_bad = || fixture.write(|tx| tx.is_bad(JOINER));
    execute(&fixture, 1, &add);
    assert!(is_bad());
    fixture.write(|tx| tx.set_bad(crate::model::BadEntry::User(JOINER), false, NOW));
    execute(&fixture, 1, &add);
    assert!(!is_bad(), "the order was carried out again");
    // A sender who may not give it.
    execute(&fixture, 2, &envelope("TIP", "add", "bad", &data));
    assert!(!is_bad());
    let status_figures = fixture.write(|tx| tx.status_figures());
    assert_eq!(
        (
            status_figures["orders obeyed"],
            status_figures["orders refused"]
        ),
        (1, 1)
    );
}

#[test]
fn talk_among_others_and_own_reports_are_not_recorded() {
    let fixture = Fixture::new();
    let data = json!({"id": 5, "type": "user"});
    let others = crate::exchange::format_data("NOSPAM", &["CLEAN"], "add", "bad", &data);
    assert_eq!(execute(&fixture, 1, &others), PostCommit::default());
    let status_figures = fixture.write(|tx| tx.status_figures());
    assert_eq!(
        (
            status_figures["orders obeyed"],
            status_figures["orders refused"]
        ),
        (0, 0)
    );
}

#[test]
fn a_report_that_is_asked_for_is_enqueued() {
    let asker = json!({"admin_id": 7, "message_id": 9});
    for (from, action, kind, data, has_file) in [
        ("HIDE", "version", "ask", &asker, false),
        ("MANAGE", "status", "ask", &asker, true),
    ] {
        let fixture = Fixture::new();
        let post_commit = execute(&fixture, 1, &envelope(from, action, kind, data));
        assert!(post_commit.deliver);
        let row = fixture.write(|tx| tx.next_to_send(NOW, SendFilter::ALL));
        let payload = row.expect("a report").payload;
        assert_eq!(
            matches!(payload, Payload::File { .. }),
            has_file,
            "{action}"
        );
    }
}

#[test]
fn an_order_of_manage_is_reported_to_the_debug_channel() {
    let mut fixture = Fixture::new();
    fixture.transactions.orders.debug_channel = Some(GROUP);
    let data = json!({"admin_id": 7, "type": "long"});
    execute(&fixture, 1, &envelope("MANAGE", "clear", "except", &data));
    let row = fixture.write(|tx| tx.next_to_send(NOW, SendFilter::ALL));
    let Payload::File { content, .. } = row.expect("a report").payload else {
        panic!("no file");
    };
    let text = format!("{content:?}");
    assert!(
        text.contains("exceptions cleared") && text.contains('7'),
        "{text}"
    );
}

#[test]
fn an_exception_waits_for_the_look_up_of_its_user() {
    let fixture = Fixture::new();
    let data = json!({"id": JOINER.get(), "type": "long"});
    let post_commit = execute(&fixture, 1, &envelope("NOSPAM", "add", "except", &data));
    assert!(post_commit.fetch);
    fixture.write(|tx| {
        assert_eq!(
            tx.exceptions_due(9)?,
            [ExceptionDue {
                user: JOINER,
                put: true
            }]
        );
        assert!(!tx.is_excepted(PhotoId::new(7))?);
        Ok(())
    });
}

#[test]
fn each_clear_order_clears_its_own_part() {
    let clear = |kind: &str, part: &str| {
        let data = json!({"admin_id": 7, "type": part});
        envelope("MANAGE", "clear", kind, &data)
    };
    let fixture = Fixture::new();
    let left = || {
        fixture.write(|tx| {
            let mut left = Vec::new();
            for list in [
                crate::model::List::BadIds,
                crate::model::List::ExceptIds,
                crate::model::List::UserIds,
            ] {
                left.push(!tx.is_list_empty(list)?);
            }
            Ok(left)
        })
    };
    fixture.write(|tx| {
        tx.set_bad(crate::model::BadEntry::User(UserId::new(5)), true, NOW)?;
        tx.set_bad(crate::model::BadEntry::Channel(GROUP), true, NOW)?;
        tx.set_excepted(photo(7).id, true, NOW)?;
        tx.record_user(&user(JOINER, None), None)?;
        tx.record_join(
            &join(1, JOINER),
            JoinOutcome::Skipped(SkipReason::NoPhoto),
            crate::model::FoundBy::Push,
            NOW,
        )
    });
    assert_eq!(left(), [true, true, true]);
    execute(&fixture, 1, &clear("bad", "users"));
    assert!(!fixture.write(|tx| tx.is_bad(UserId::new(5))));
    assert_eq!(left(), [true, true, true]);
    execute(&fixture, 2, &clear("bad", "channels"));
    assert_eq!(left(), [false, true, true]);
    execute(&fixture, 3, &clear("except", "long"));
    assert_eq!(left(), [false, false, true]);
    execute(&fixture, 4, &clear("user", "new"));
    assert_eq!(left(), [false, false, false]);
}

#[test]
fn an_order_to_use_hide_passes_the_order_on() {
    let fixture = Fixture::new();
    let hide = |hide: bool| {
        let data = Value::Bool(hide);
        crate::exchange::format_data("MANAGE", &["EMERGENCY"], "backup", "hide", &data)
    };
    assert!(execute(&fixture, 1, &hide(true)).deliver);
    assert!(!execute(&fixture, 2, &hide(true)).deliver);
    assert!(!execute(&fixture, 3, &hide(false)).deliver);
    let row = fixture.write(|tx| tx.next_to_send(NOW, SendFilter::ALL));
    let payload = row.expect("a report").payload;
    assert!(matches!(
        payload,
        Payload::Envelope {
            purpose: Purpose::Emergency,
            ..
        }
    ));
}

#[test]
fn a_rollback_that_was_not_prepared_is_refused() {
    let fixture = Fixture::new();
    let data = json!({"admin_id": 7, "type": "bad_ids"});
    let text = envelope("MANAGE", "backup", "rollback", &data);
    let posts = [post(1, &text)];
    let json = json!({"format": 1, "list": "bad_ids", "saved_at": "2026-11-20T20:00:00Z",
        "data": {"users": [5], "channels": []}});
    let file = crate::list_file::ListFile::from_json(json.to_string().as_bytes()).expect("a list");
    let lists = AttachedLists::from([(MessageId::new(1), Ok(file))]);
    let attachments = Attachments {
        lists: &lists,
        preparation: &Preparation::Nothing,
    };
    fixture.write(|tx| {
        let orders = PostedOrder::read_all(&posts);
        let executor = &fixture.transactions.orders;
        executor.execute(tx, HIDE, &orders, attachments, NOW)?;
        assert!(!tx.is_bad(UserId::new(5))?);
        Ok(())
    });
}
