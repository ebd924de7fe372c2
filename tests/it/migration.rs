//! Upgrades of `state.db` under the running program: a post that was begun before is not repeated, and a migration that
//! is killed begins again.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use telegram_sim::{Fault, Match};

use crate::harness::{Scene, output_of};

const SEND_MEDIA: &str = "messages.sendMedia";

/// The tables of layout 3 whose columns later layouts still have.
const TABLES: [&str; 15] = [
    "ledger",
    "joins",
    "people",
    "forwarded",
    "admins",
    "floods",
    "bad",
    "excepted",
    "exceptions_due",
    "declared",
    "flooded",
    "rules",
    "orders",
    "settings",
    "runs",
];

/// Brings `state.db` of a stopped program back to layout 3.
fn downgrade(scene: &Scene) {
    // The next start reports that it is online.
    scene.age_online_reports();
    let old = scene.data_dir().join("old.db");
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state/layout_3.db");
    fs::copy(frozen, &old).expect("copied");
    let database = Connection::open(&old).expect("a database");
    let state = scene.state().display().to_string();
    database
        .execute("ATTACH ?1 AS new", [state])
        .expect("attached");
    for table in TABLES {
        let columns: String = database
            .query_row(
                "SELECT group_concat(name) FROM pragma_table_info(?1, 'main')",
                [table],
                |row| row.get(0),
            )
            .expect(table);
        database
            .execute_batch(&format!(
                "DELETE FROM main.{table};
                 INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table};"
            ))
            .expect(table);
    }
    database
        .execute_batch(
            "DELETE FROM main.outbox;
             INSERT INTO main.outbox
             SELECT id,
                 CASE kind WHEN 'avatar'
                     THEN 'avatar/' || (-1000000000000 - group_id) || '/' || user_id || '/' || photo_id
                     ELSE purpose || '/' || created_at || '/' || id END,
                 random_id, class, created_at, due_at, state, reason, attempts,
                 CASE kind WHEN 'avatar'
                     THEN json_object('kind', kind, 'group', group_id, 'user', user_id, 'message', join_message_id,
                         'photo', json_object('id', photo_id, 'dc', photo_dc),
                         'recheck', json(iif(is_recheck, 'true', 'false')))
                     ELSE json_object('kind', kind, 'text', text) END,
                 spool, spool_bytes, message_id, settled_at, channel_id, expires_at
             FROM new.outbox;
             DETACH new;",
        )
        .expect("the outbox");
    database.close().expect("closed");
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(scene.data_dir().join(format!("state.db{suffix}")));
    }
    fs::rename(old, scene.state()).expect("renamed");
}

fn layout(scene: &Scene) -> i64 {
    scene.query("PRAGMA user_version", |row| row.get(0))[0]
}

/// Kills the program after Telegram accepted the photo of a new member and before the answer. Returns the user.
fn killed_before_the_answer(scene: &mut Scene) -> i64 {
    scene.start();
    scene
        .sim
        .fault(Match::method(SEND_MEDIA).once(), Fault::Hold);
    let user = scene.join_user();
    scene.wait_for_call(SEND_MEDIA, 1);
    scene.wait_for_photos(1);
    scene.kill();
    scene.sim.release();
    scene.sim.clear_faults();
    let begun = "SELECT 1 FROM outbox WHERE kind = 'avatar' AND state = 'sending'";
    assert_eq!(scene.count(begun), 1);
    user
}

/// The photo of this user is posted once, although the program asked for it twice.
fn is_posted_once(mut scene: Scene, user: i64) {
    scene.start();
    scene.wait_for_outcome(user, "forwarded");
    let calls = scene.sim.calls_of(SEND_MEDIA).len();
    assert!(calls >= 2, "{calls} calls");
    let photos = scene.photos();
    assert_eq!(photos.len(), 1, "{photos:?}");
    assert_eq!(photos[0].user, user);
    let migrated = scene.query(
        "SELECT random_id FROM outbox WHERE kind = 'avatar' AND state = 'sent'",
        |row| row.get::<_, i64>(0),
    );
    assert_eq!(migrated, [photos[0].random_id]);
    scene.finish();
}

#[test]
fn a_post_begun_before_an_upgrade_is_not_posted_twice() {
    let mut scene = Scene::new();
    let user = killed_before_the_answer(&mut scene);
    downgrade(&scene);
    assert_eq!(layout(&scene), 3);
    is_posted_once(scene, user);
}

#[test]
fn a_migration_killed_while_it_writes_begins_again() {
    let mut scene = Scene::new();
    let user = killed_before_the_answer(&mut scene);
    downgrade(&scene);
    // A killed program leaves its log behind. The log is longer than the whole database, so that a limit on the size of
    // files lets the copy pass, and ends the program in the middle of the migration's first write.
    let database = Connection::open(scene.state()).expect("a database");
    database
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .expect("set");
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
             WITH RECURSIVE number(n) AS (SELECT 10000 UNION ALL SELECT n + 1 FROM number WHERE n < 12999)
             INSERT INTO outbox (id, key, random_id, class, created_at, due_at, state, payload, settled_at)
             SELECT n, 'avatar/-1001234567890/' || n || '/1', n, 'avatar', 1, 1, 'dropped',
                 json_object('kind', 'avatar', 'group', 1234567890, 'user', n, 'message', n,
                     'photo', json_object('id', 1, 'dc', 2)), unixepoch() FROM number;
             UPDATE outbox SET attempts = 1 WHERE id >= 10000;
             UPDATE outbox SET attempts = 2 WHERE id >= 10000;",
        )
        .expect("filled");
    database.close().expect("closed");
    let log = fs::metadata(scene.data_dir().join("state.db-wal")).expect("a log");
    let blocks = log.len() / 512 + 64;
    let command = scene.command("run");
    let (code, _, err) = output_of(
        Command::new("sh")
            .arg("-c")
            .arg(format!(
                "ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\""
            ))
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .stdin(Stdio::null()),
    );
    assert_eq!(code, None, "it was not killed: {err}");
    assert!(err.contains("was copied before its migration"), "{err}");
    assert!(scene.data_dir().join("state.db.layout-3").exists());
    assert_eq!(layout(&scene), 3);
    is_posted_once(scene, user);
}

#[test]
fn a_damaged_row_of_an_older_layout_costs_its_own_photo_and_no_other() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    let users = scene.join_users(3);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'queued'", 3);
    scene.kill();
    downgrade(&scene);
    let damaged = scene.query(
        "UPDATE outbox SET payload = 'x' WHERE id = (SELECT MIN(id) FROM outbox WHERE class = 'avatar') RETURNING key",
        |row| row.get::<_, String>(0),
    );
    scene.sim.clear_faults();
    scene.start();
    let photos = scene.wait_for_photos(2);
    let lost = users
        .iter()
        .find(|user| damaged[0].contains(&user.to_string()))
        .expect("one of them");
    assert!(photos.iter().all(|photo| photo.user != *lost));
    scene.wait_for_outcome(*lost, "failed");
    scene.finish();
}

#[test]
fn without_room_for_the_copy_nothing_is_migrated() {
    let scene = Scene::new();
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state/layout_3.db");
    fs::copy(frozen, scene.state()).expect("copied");
    let command = scene.command("run");
    // A file at its limit is an error here, as on a full disk, and no signal.
    let (code, _, err) = output_of(
        Command::new("sh")
            .arg("-c")
            .arg("trap '' XFSZ; ulimit -S -f 100; exec \"$0\" \"$@\"")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .stdin(Stdio::null()),
    );
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("the disk that holds state.db"), "{err}");
    assert_eq!(layout(&scene), 3);
    for name in ["state.db.layout-3", "state.db.layout-3.part"] {
        assert!(!scene.data_dir().join(name).exists(), "{name}");
    }
}
