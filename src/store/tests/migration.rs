//! Migrations: every layout that was ever released opens with all its content (tests/fixtures/state), an interrupted
//! migration changes nothing, and the copy of before is whole.
//!
//! `layout_3_outbox.db` and `layout_8_outbox.db` have rows in more states; several of the former are damaged.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::*;
use crate::decide::LearnedPace;
use crate::model::{FoundBy, Payload};
use crate::store::{OthersAvatar, schema};

fn fixture(layout: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("state.db");
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state");
    fs::copy(frozen.join(layout), &path).expect("copied");
    (directory, path)
}

/// A row as text, one value after the other.
fn dump(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).expect(sql);
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let values: rusqlite::Result<Vec<String>> = (0..columns)
            .map(|column| {
                Ok(match row.get::<_, Value>(column)? {
                    Value::Null => "-".into(),
                    Value::Integer(number) => number.to_string(),
                    Value::Text(text) => text,
                    other => panic!("{other:?}"),
                })
            })
            .collect();
        Ok(values?.join("|"))
    });
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

fn layout_of(path: &Path) -> i64 {
    schema::layout(&Connection::open(path).expect("a database")).expect("a layout")
}

#[test]
fn every_layout_opens_with_its_content() {
    for layout in [
        "layout_1.db",
        "layout_2.db",
        "layout_3.db",
        "layout_4.db",
        "layout_5.db",
        "layout_6.db",
        "layout_7.db",
        "layout_8.db",
        "layout_9.db",
        "layout_10.db",
    ] {
        let (_directory, path) = fixture(layout);
        let store = Store::open(&path).expect(layout);
        let checked: Result<(), StoreError> = store.read(|tx| {
            let group = ChannelId::from_bare(1_234_567_890);
            let known = tx.channel(group)?.expect("the group");
            assert_eq!((known.channel.pts, known.present), (77, true), "{layout}");
            assert_eq!(known.channel.top_message, MessageId::new(42));
            assert!(tx.is_admin_anywhere(UserId::new(8))?);
            assert_eq!(tx.forwarded_or_pending(UserId::new(8), group)?.len(), 1);
            assert_eq!(tx.rate_limits(NOW)?.len(), 1);
            let wanted = tx.avatars_to_fetch(NOW, 9)?;
            assert_eq!(wanted.len(), 1, "{layout}");
            assert!(matches!(&wanted[0].payload, Payload::Avatar(avatar)
                if avatar.user == UserId::new(7) && !avatar.recheck));
            assert_eq!(wanted[0].random_id, -3);
            let has_paces = ["layout_8.db", "layout_9.db", "layout_10.db"].contains(&layout);
            assert_eq!(tx.learned_paces()?.is_empty(), !has_paces);
            Ok(())
        });
        checked.expect(layout);
    }
}

const PAYLOADS: &str =
    "SELECT id, kind, purpose, text, content, list, group_id, user_id, photo_id, photo_dc,
    join_message_id, is_recheck FROM outbox ORDER BY id";

#[test]
fn the_outbox_of_layout_3_becomes_columns() {
    let (_directory, path) = fixture("layout_3_outbox.db");
    let before = {
        let database = Connection::open(&path).expect("a database");
        dump(
            &database,
            "SELECT id, random_id, class, created_at, due_at, state, attempts, reason, spool, spool_bytes, message_id,
                 settled_at, channel_id, expires_at FROM outbox ORDER BY id",
        )
    };
    drop(Store::open(&path).expect("migrated"));
    let database = Connection::open(&path).expect("a database");
    let group = 1_234_567_890_i64;
    assert_eq!(
        dump(&database, PAYLOADS),
        [
            format!("1|avatar|-|-|-|-|{group}|7|99|2|42|0"),
            format!("2|avatar|-|-|-|-|{group}|20|200|2|60|1"),
            format!("3|avatar|-|-|-|-|{group}|21|210|2|61|0"),
            format!("4|avatar|-|-|-|-|{group}|22|220|2|62|0"),
            format!("5|avatar|-|-|-|-|{group}|23|230|2|63|0"),
            // Damaged: what the key says is kept, and the rest is unknown.
            format!("6|avatar|-|-|-|-|{group}|24|240|-|-|-"),
            format!("7|avatar|-|-|-|-|{group}|25|250|-|-|-"),
            format!("8|avatar|-|-|-|-|{group}|26|260|-|-|-"),
            "9|list|-|the bad list|-|bad_ids|-|-|-|-|-|-".into(),
            "10|list|-|the users|-|user_ids|-|-|-|-|-|-".into(),
            "11|list|-|the administrators|-|admin_ids|-|-|-|-|-|-".into(),
            "12|text|online|hello|-|-|-|-|-|-|-|-".into(),
            "13|text|awake|awake|-|-|-|-|-|-|-|-".into(),
            r#"14|file|status_reply|the status|{"counts":{"list":"status","counts":[["joins",3]]}}|-|-|-|-|-|-|-"#.into(),
            r#"15|file|count|the hits|{"counts":{"list":"nm_words","counts":[["a\"b",1],["广",18446744073709551615]]}}|-|-|-|-|-|-|-"#.into(),
            "16|text|text|-|-|-|-|-|-|-|-|-".into(),
            "17|text|emergency|emergency|-|-|-|-|-|-|-|-".into(),
            "18|list|-|-|-|except_ids|-|-|-|-|-|-".into(),
            "19|text|version|the version|-|-|-|-|-|-|-|-".into(),
        ]
    );
    let damaged = [6, 7, 16, 18];
    let after = dump(
        &database,
        "SELECT id, random_id, class, created_at, due_at, state, attempts, reason, spool, spool_bytes, message_id,
             settled_at, channel_id, expires_at FROM outbox ORDER BY id",
    );
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        let id: i64 = before
            .split('|')
            .next()
            .expect("an id")
            .parse()
            .expect("a number");
        if damaged.contains(&id) {
            assert!(after.contains("|dropped|"), "{after}");
            assert!(after.contains("|unreadable|-|0|"), "{after}");
        } else {
            assert_eq!(before, after);
        }
    }
    assert!(after[2].starts_with("3|4242424242|avatar|"), "{}", after[2]);
    assert!(after[2].contains("|sending|"), "{}", after[2]);
    assert_eq!(
        dump(
            &database,
            "SELECT user_id, outcome FROM joins WHERE user_id > 8 ORDER BY user_id"
        ),
        [
            "20|queued",
            "21|queued",
            "22|forwarded",
            "23|expired",
            "24|failed",
            "25|failed",
            "26|forwarded",
            "27|restored",
        ]
    );
}

#[test]
fn every_row_of_layout_3_that_waits_is_read_after_the_migration() {
    let (_directory, path) = fixture("layout_3_outbox.db");
    let store = Store::open(&path).expect("migrated");
    let done: Result<(), StoreError> = store.write(|tx| {
        tx.drop_unreadable(NOW)?;
        let begun = tx.spooled_files()?;
        assert_eq!(begun.len(), 3, "{begun:?}");
        assert_eq!(tx.avatars_to_fetch(NOW, 99)?.len(), 1);
        assert_eq!(tx.lists_to_make(None)?.len(), 1);
        let filter = SendFilter::ALL;
        let mut sent = Vec::new();
        while let Some(row) = tx.next_to_send(NOW, filter)? {
            sent.push(row.to_string());
            tx.set_sent(row.id, MessageId::new(1), NOW)?;
        }
        assert_eq!(
            sent,
            [
                "list user_ids",
                "report online",
                "report awake",
                "report status_reply",
                "report count",
                "report version",
                "avatar -1001234567890/21/210",
                "avatar -1001234567890/20/200",
            ]
        );
        Ok(())
    });
    done.expect("done");
}

#[test]
fn a_killed_migration_begins_again_with_the_same_random_ids() {
    let (directory, path) = fixture("layout_3_outbox.db");
    // A small cache spills changed pages into the log before the commit, as a large migration does.
    let mut database = Connection::open(&path).expect("a database");
    database
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA cache_size = 5;")
        .expect("set");
    let transaction = database.transaction().expect("begun");
    schema::outbox_columns::migrate(&transaction).expect("migrated");
    let killed = tempfile::tempdir().expect("a directory");
    for file in fs::read_dir(directory.path()).expect("readable") {
        let file = file.expect("a file");
        fs::copy(file.path(), killed.path().join(file.file_name())).expect("copied");
    }
    let log = fs::metadata(killed.path().join("state.db-wal")).expect("a log");
    assert!(log.len() > 0, "nothing was spilled");
    drop(transaction);

    let path = killed.path().join("state.db");
    assert_eq!(layout_of(&path), 3);
    drop(Store::open(&path).expect("migrated"));
    assert_eq!(layout_of(&path), schema::newest());
    let database = Connection::open(&path).expect("a database");
    let sending = dump(
        &database,
        "SELECT random_id, channel_id FROM outbox WHERE state = 'sending' AND kind = 'avatar'",
    );
    assert_eq!(sending, ["4242424242|1111111111"]);
}

#[test]
fn the_copy_of_before_a_migration_is_whole_and_private() {
    let (directory, path) = fixture("layout_3_outbox.db");
    // A killed program left a row only in its log.
    let killed = tempfile::tempdir().expect("a directory");
    {
        let database = Connection::open(&path).expect("a database");
        database
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                 INSERT INTO settings VALUES ('in', 'the log');",
            )
            .expect("written");
        for file in fs::read_dir(directory.path()).expect("readable") {
            let file = file.expect("a file");
            fs::copy(file.path(), killed.path().join(file.file_name())).expect("copied");
        }
    }
    let path = killed.path().join("state.db");
    let copy = killed.path().join("state.db.layout-3");
    // A copy that an earlier, killed migration left is replaced.
    fs::write(killed.path().join("state.db.layout-3.part"), "half").expect("written");
    fs::write(&copy, "old").expect("written");
    drop(Store::open(&path).expect("migrated"));
    assert!(!killed.path().join("state.db.layout-3.part").exists());
    let mode = fs::metadata(&copy).expect("a copy").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let database = Connection::open(&copy).expect("a database");
    schema::check_layout(&database).expect("a database of this program");
    assert_eq!(schema::layout(&database).expect("a layout"), 3);
    let counts = dump(
        &database,
        "SELECT (SELECT COUNT(*) FROM outbox), (SELECT value FROM settings WHERE key = 'in')",
    );
    assert_eq!(counts, ["19|the log"]);
    // The copy itself opens, as after a return to the older version and an upgrade.
    drop(database);
    drop(Store::open(&copy).expect("migrated"));
}

#[test]
fn without_a_copy_nothing_is_migrated() {
    let (directory, path) = fixture("layout_3_outbox.db");
    let copy = directory.path().join("state.db.layout-3");
    fs::create_dir(&copy).expect("created");
    let error = Store::open(&path).err().expect("the copy fails");
    assert!(error.to_string().contains("state.db.layout-3"), "{error}");
    assert_eq!(layout_of(&path), 3);
    assert!(!directory.path().join("state.db.layout-3.part").exists());
    fs::remove_dir(&copy).expect("removed");
    drop(Store::open(&path).expect("migrated"));
}

#[test]
fn a_new_database_and_one_of_the_newest_layout_are_not_copied() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("state.db");
    for _ in 0..2 {
        let store = Store::open(&path).expect("opened");
        let written: Result<_, StoreError> = store.write(|tx| {
            Ok(tx
                .db
                .execute("DELETE FROM settings WHERE key = ?1", params!["x"])?)
        });
        written.expect("written");
    }
    let names: Vec<_> = fs::read_dir(directory.path())
        .expect("readable")
        .map(|file| file.expect("a file").file_name())
        .collect();
    assert_eq!(names, ["state.db"]);
}

#[test]
fn the_signs_of_joins_in_layout_6_are_read() {
    let (_directory, path) = fixture("layout_6.db");
    let store = Store::open(&path).expect("opened");
    let checked: Result<(), StoreError> = store.read(|tx| {
        let scan = tx.group_scans()?.remove(0);
        assert_eq!((scan.member_count, scan.period), (Some(12_000), 120));
        assert_eq!(scan.scanned_at, Some(Timestamp::new(1_760_000_005)));
        assert_eq!(tx.count_senders(scan.group, 9)?, 1);
        let cleared = tx.cleared_at(UserId::new(32))?;
        assert_eq!(cleared, Timestamp::new(1_760_000_000));
        let found_by = |user: i64| -> Result<_, StoreError> {
            Ok(tx.user_joins(UserId::new(user), None)?[0].found_by)
        };
        assert_eq!(found_by(30)?, Some(FoundBy::Scan));
        assert_eq!(found_by(7)?, Some(FoundBy::Push));
        assert_eq!(found_by(8)?, None, "a join of an older layout");
        Ok(())
    });
    checked.expect("checked");
}

#[test]
fn the_orders_and_ended_rechecks_of_layout_7_are_read() {
    let (_directory, path) = fixture("layout_7.db");
    let store = Store::open(&path).expect("opened");
    let checked: Result<(), StoreError> = store.read(|tx| {
        let (channel, date) = (
            ChannelId::from_bare(1_111_111_111),
            Timestamp::new(1_760_000_019),
        );
        let digest: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).expect("small"));
        for (channel, digest, date, is_found) in [
            (channel, digest, date, true),
            (channel, digest, date.plus(60), true),
            (channel, digest, date.plus(61), false),
            (channel, digest, date.plus(-61), false),
            (channel, [0; 32], date, false),
            (ChannelId::from_bare(1_111_111_112), digest, date, false),
        ] {
            let found = tx.count_uncopied_orders(channel, digest, date, 60)?;
            assert_eq!(found, u32::from(is_found), "{date:?}");
        }
        // The join of this user is open, but its recheck was ended.
        assert_eq!(tx.new_member(UserId::new(30), Timestamp::new(0))?, None);
        assert!(tx.new_member(UserId::new(8), Timestamp::new(0))?.is_some());
        Ok(())
    });
    checked.expect("checked");
}

#[test]
fn the_paces_documents_and_others_avatars_of_layout_8_are_read() {
    let (_directory, path) = fixture("layout_8.db");
    let store = Store::open(&path).expect("opened");
    let checked: Result<(), StoreError> = store.read(|tx| {
        let limited = LearnedPace {
            interval: Duration::from_millis(1400),
            limit: Some(Duration::from_millis(1250)),
        };
        let unlimited = LearnedPace {
            interval: Duration::from_secs(3),
            limit: None,
        };
        assert_eq!(
            tx.learned_paces()?,
            BTreeMap::from([
                (ChannelId::from_bare(1_111_111_111), limited),
                (ChannelId::from_bare(1_111_111_112), unlimited),
            ])
        );
        let group = ChannelId::from_bare(1_234_567_890);
        assert_eq!(
            tx.others_avatars(group, UserId::new(21))?,
            [OthersAvatar {
                group,
                user: UserId::new(21),
                message: MessageId::new(61),
                post: MessageId::new(501),
                posted_at: Timestamp::new(1_760_000_010),
                read_at: Timestamp::new(1_760_000_019),
            }]
        );
        Ok(())
    });
    checked.expect("checked");
    let database = Connection::open(&path).expect("a database");
    assert_eq!(
        dump(
            &database,
            "SELECT id, document_id, document_hash, hex(document_reference) FROM outbox
             WHERE document_reference IS NOT NULL"
        ),
        ["4|9001|-9002|0102030405"]
    );
    // When a group was left is unknown in that layout.
    let left = "SELECT COUNT(*) FROM ledger WHERE left_at IS NOT NULL";
    assert_eq!(dump(&database, left), ["0"]);
}

#[test]
fn the_photos_of_layout_8_that_wait_are_in_the_indexes_of_their_steps() {
    let (_directory, path) = fixture("layout_8_outbox.db");
    let store = Store::open(&path).expect("opened");
    let checked: Result<(), StoreError> = store.write(|tx| {
        // A file of 100 bytes for two rows, and one of 200.
        assert_eq!(tx.spooled_bytes()?, 300);
        let failed_due = Timestamp::new(1_900_000_000);
        assert_eq!(tx.next_fetch_due(NOW)?, Some(failed_due));
        let wanted = tx.avatars_to_fetch(failed_due, 9)?;
        let ids: Vec<_> = wanted.iter().map(|row| row.id).collect();
        assert_eq!(ids, [1, 21], "those that failed come last");
        // The photo was fetched five seconds after it was enqueued.
        assert!(tx.is_postponed_due(NOW)?);
        tx.release_postponed(NOW)?;
        assert!(!tx.is_postponed_due(NOW)?);
        let filter = SendFilter {
            reports: false,
            ..SendFilter::ALL
        };
        let mut sent = Vec::new();
        while let Some(row) = tx.next_to_send(NOW, filter)? {
            tx.set_sent(row.id, MessageId::new(1), NOW)?;
            sent.push((row.id, tx.spooled_bytes()?));
        }
        assert_eq!(sent, [(20, 300), (3, 100), (2, 0)]);
        Ok(())
    });
    checked.expect("checked");
}

#[test]
fn the_spooled_bytes_and_left_groups_of_layout_9_are_read() {
    let (_directory, path) = fixture("layout_9.db");
    let store = Store::open(&path).expect("opened");
    let checked: Result<(), StoreError> = store.read(|tx| {
        assert_eq!(tx.spooled_bytes()?, 300);
        // A database that was never restored from a copy.
        assert_eq!(tx.restored_from()?, None);
        Ok(())
    });
    checked.expect("checked");
    let database = Connection::open(&path).expect("a database");
    let left = "SELECT channel_id, left_at FROM ledger WHERE left_at IS NOT NULL";
    assert_eq!(dump(&database, left), ["1234567891|1760000100"]);
    // The row in `sending` keeps what its next attempt needs.
    let sending = "SELECT id, random_id, state, channel_id FROM outbox WHERE id = 3";
    assert_eq!(
        dump(&database, sending),
        ["3|4242424242|sending|1111111111"]
    );
    assert_eq!(
        dump(&database, "SELECT COUNT(*) FROM restored_posts"),
        ["0"]
    );
}

#[test]
fn the_rows_of_layout_10_that_wait_are_in_the_new_indexes() {
    let (_directory, path) = fixture("layout_10.db");
    let store = Store::open(&path).expect("opened");
    let checked: Result<(), StoreError> = store.write(|tx| {
        assert_eq!(
            tx.next_fetch_due(NOW)?,
            Some(Timestamp::new(1_900_000_000)),
            "a postponed photo"
        );
        assert!(tx.is_postponed_due(NOW)?, "one that has fallen due");
        tx.release_postponed(NOW)?;
        let filter = SendFilter {
            avatars: false,
            ..SendFilter::ALL
        };
        let mut reports = Vec::new();
        while let Some(row) = tx.next_to_send(NOW, filter)? {
            tx.set_sent(row.id, MessageId::new(1), NOW)?;
            reports.push(row.id);
        }
        assert_eq!(reports, [10, 12, 13, 14, 15, 19]);
        let lists = tx.lists_to_make(None)?;
        assert_eq!(lists.iter().map(|row| row.id).collect::<Vec<_>>(), [9]);
        Ok(())
    });
    checked.expect("checked");
    let database = Connection::open(&path).expect("a database");
    assert_eq!(
        dump(&database, "SELECT user_id, post_id FROM restored_posts"),
        ["30|12"]
    );
}
