use serde_json::{Value, json};

use super::*;
use crate::model::{
    ChannelPost, JoinOutcome, MessageId, Payload, PhotoId, Purpose, SkipReason, UserId,
};
use crate::store::{ExceptionDue, SendFilter};
use crate::task::fixture::{
    EXCHANGE, Fixture, GROUP, HIDE, JOINER, NOW, avatar, envelope, join, photo, post, user,
};

/// Carries out the order of one post in HIDE, numbered `message`.
fn execute(fixture: &Fixture, message: i32, text: &str) -> PostCommit {
    execute_in(fixture, HIDE, post(message, text))
}

/// Carries out the order of one post.
fn execute_in(fixture: &Fixture, channel: ChannelId, post: ChannelPost) -> PostCommit {
    let posts = [post];
    let orders = PostedOrder::read_all(&posts);
    let attachments = Attachments {
        lists: &AttachedLists::new(),
        preparation: &Preparation::Nothing,
    };
    let executor = &fixture.transactions.orders;
    fixture.write(|tx| executor.execute(tx, channel, &orders, attachments, NOW))
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
fn an_order_that_forgets_a_user_has_the_photos_fetched_that_waited_for_a_forgotten_document() {
    let user = json!({"id": JOINER.get(), "type": "user"});
    for (action, kind, data) in [
        ("remove", "bad", user),
        ("remove", "score", json!(JOINER.get())),
        ("clear", "user", json!({"admin_id": 7, "type": "all"})),
        ("clear", "user", json!({"admin_id": 7, "type": "new"})),
    ] {
        let fixture = Fixture::new();
        let post_commit = execute(&fixture, 1, &envelope("MANAGE", action, kind, &data));
        assert!(post_commit.fetch, "{action}/{kind} {data}");
    }
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

/// An order to put the joiner on the bad list.
fn add_bad() -> String {
    let data = json!({"id": JOINER.get(), "type": "user"});
    envelope("NOSPAM", "add", "bad", &data)
}

fn counts(fixture: &Fixture) -> (u64, u64) {
    let figures = fixture.write(|tx| tx.status_figures());
    (figures["orders obeyed"], figures["orders refused"])
}

#[test]
fn an_order_that_arrives_in_both_channels_is_obeyed_once() {
    for channels in [[HIDE, EXCHANGE], [EXCHANGE, HIDE]] {
        for (distance, obeyed) in [(0, 1), (3600, 1), (-3600, 1), (3601, 2), (-3601, 2)] {
            let fixture = Fixture::new();
            execute_in(&fixture, channels[0], post(1, &add_bad()));
            // The bot that copies may change the surroundings, and message ids may be equal.
            let copy = ChannelPost {
                date: NOW.plus(distance),
                ..post(1, &format!(" {}\n", add_bad()))
            };
            execute_in(&fixture, channels[1], copy);
            assert_eq!(counts(&fixture), (obeyed, 0), "{channels:?} {distance}");
        }
    }
}

#[test]
fn the_same_order_may_be_given_again_after_its_copy() {
    for again in [[EXCHANGE, HIDE], [HIDE, EXCHANGE]] {
        let fixture = Fixture::new();
        let is_bad = || fixture.write(|tx| tx.is_bad(JOINER));
        let not_bad = || {
            let joiner = crate::model::BadEntry::User(JOINER);
            fixture.write(|tx| tx.set_bad(joiner, false, NOW));
        };
        execute_in(&fixture, EXCHANGE, post(1, &add_bad()));
        execute_in(&fixture, HIDE, post(1, &add_bad()));
        not_bad();
        execute_in(&fixture, again[0], post(2, &add_bad()));
        assert!(is_bad(), "the order is the copy of one that has its copy");
        not_bad();
        execute_in(&fixture, again[1], post(2, &add_bad()));
        assert!(!is_bad(), "the copy was obeyed");
        assert_eq!(counts(&fixture), (2, 0));
    }
}

/// Two states that are ordered in turns, each within the hour of the others and copied into the other channel once, in
/// each sequence in which the two channels can be read.
#[test]
fn orders_that_alternate_keep_their_order_in_every_interleaving() {
    const ORDERS: i32 = 4;
    let route = |hide: bool| {
        let data = Value::Bool(hide);
        crate::exchange::format_data("MANAGE", &["EMERGENCY"], "backup", "hide", &data)
    };
    // Each bit of a pattern says which channel is read next.
    let is_complete = |pattern: &u32| pattern.count_ones() == ORDERS.unsigned_abs();
    for pattern in (0..1_u32 << (2 * ORDERS)).filter(is_complete) {
        let fixture = Fixture::new();
        let (mut exchange, mut hide) = (0, 0);
        for index in 0..2 * ORDERS {
            let (channel, read) = if pattern >> index & 1 == 1 {
                (EXCHANGE, &mut exchange)
            } else {
                (HIDE, &mut hide)
            };
            *read += 1;
            execute_in(&fixture, channel, post(*read, &route(*read % 2 == 1)));
            let channels = fixture.transactions.orders.channels;
            let chosen: &str = fixture.write(|tx| channels.route(tx)).into();
            let expected = ["exchange", "hide"][usize::from(exchange.max(hide) % 2 == 1)];
            assert_eq!(chosen, expected, "{pattern:b} {index}");
        }
        assert_eq!(counts(&fixture), (4, 0), "{pattern:b}");
    }
}

#[test]
fn an_order_in_hide_alone_is_no_copy_of_one_that_was_copied_within_the_hour() {
    let fixture = Fixture::new();
    let hide = |hide: bool| {
        let data = Value::Bool(hide);
        crate::exchange::format_data("MANAGE", &["EMERGENCY"], "backup", "hide", &data)
    };
    for (message, is_hidden) in [(1, true), (2, false)] {
        execute_in(&fixture, EXCHANGE, post(message, &hide(is_hidden)));
        execute_in(&fixture, HIDE, post(message, &hide(is_hidden)));
    }
    // EXCHANGE is lost again: the order stands in HIDE only.
    assert!(execute_in(&fixture, HIDE, post(3, &hide(true))).deliver);
}

#[test]
fn the_copy_of_a_refused_order_is_not_refused_again() {
    let fixture = Fixture::new();
    let data = json!({"id": JOINER.get(), "type": "user"});
    let text = envelope("TIP", "add", "bad", &data);
    execute_in(&fixture, EXCHANGE, post(1, &text));
    execute_in(&fixture, HIDE, post(1, &text));
    assert_eq!(counts(&fixture), (0, 1));
}

#[test]
fn without_exchange_every_post_in_hide_is_an_order() {
    let mut fixture = Fixture::new();
    execute_in(&fixture, EXCHANGE, post(1, &add_bad()));
    fixture.transactions.orders.channels.exchange = None;
    execute_in(&fixture, HIDE, post(1, &add_bad()));
    assert_eq!(counts(&fixture), (2, 0));
}

#[test]
fn an_order_whose_file_was_not_fetched_is_obeyed_as_its_copy() {
    let fixture = Fixture::new();
    let text = envelope("REGEX", "regex", "update", &json!("nm_words"));
    let json = json!({"format": 1, "list": "nm_words", "saved_at": "2026-11-20T20:00:00Z",
        "data": {"a rule": 0}});
    let file = crate::list_file::ListFile::from_json(json.to_string().as_bytes()).expect("a list");
    for (channel, message, list, expected) in [
        (
            EXCHANGE,
            1,
            Err(FileError::NotFetched("gone".into())),
            (0, 1),
        ),
        (HIDE, 1, Ok(file), (1, 1)),
        // The next post in the channel of the first one is the copy of the order that was obeyed.
        (
            EXCHANGE,
            2,
            Err(FileError::Unusable("damaged".into())),
            (1, 1),
        ),
    ] {
        let posts = [post(message, &text)];
        let orders = PostedOrder::read_all(&posts);
        let attachments = Attachments {
            lists: &AttachedLists::from([(MessageId::new(message), list)]),
            preparation: &Preparation::Nothing,
        };
        let executor = &fixture.transactions.orders;
        fixture.write(|tx| executor.execute(tx, channel, &orders, attachments, NOW));
        assert_eq!(counts(&fixture), expected);
    }
}

#[test]
fn the_emergency_order_that_is_passed_on_is_no_order() {
    let fixture = Fixture::new();
    let own = ChannelPost {
        own: true,
        ..post(1, &reports::emergency())
    };
    let post_commit = execute_in(&fixture, HIDE, own);
    assert_eq!(post_commit, PostCommit::default());
    assert_eq!(counts(&fixture), (0, 0));
}

#[test]
fn an_ended_recheck_keeps_what_waits_and_what_was_posted() {
    let text = {
        let data = json!({"group_id": GROUP.bot_api(), "user_id": JOINER.get()});
        crate::exchange::format_data("CAPTCHA", &["USER"], "help", "delete", &data)
    };
    for (outcome, after) in [
        (JoinOutcome::Queued, "queued"),
        (JoinOutcome::LookUp, "lookup"),
        (JoinOutcome::Held, "held"),
        (JoinOutcome::Forwarded, "forwarded"),
        (JoinOutcome::Skipped(SkipReason::NoPhoto), "kicked"),
        (JoinOutcome::Failed, "kicked"),
        (JoinOutcome::Skipped(SkipReason::Declared), "declared"),
    ] {
        let fixture = Fixture::new();
        let found_by = crate::model::FoundBy::Push;
        fixture.write(|tx| tx.record_join(&join(1, JOINER), outcome, found_by, NOW));
        let post_commit = execute(&fixture, 1, &text);
        assert_eq!(post_commit.obsolete_files, Vec::<String>::new());
        assert_eq!(fixture.outcome(1), after);
        fixture.write(|tx| {
            let since = NOW.plus(-60);
            // The photo that waited was posted: there is no recheck either.
            tx.set_join_outcome(GROUP, MessageId::new(1), JOINER, JoinOutcome::Forwarded)?;
            assert_eq!(tx.new_member(JOINER, since)?, None, "{after}");
            assert_eq!(tx.new_members(since)?, [], "{after}");
            // A later join starts again.
            let again = join(2, JOINER);
            tx.record_join(&again, JoinOutcome::Forwarded, found_by, NOW)?;
            assert_eq!(tx.new_member(JOINER, since)?, Some(again), "{after}");
            assert_eq!(tx.new_members(since)?, [JOINER], "{after}");
            Ok(())
        });
    }
}
