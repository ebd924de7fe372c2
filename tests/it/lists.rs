//! Backup and restore (SPEC §7.3): one moment of every list while joins go on; the old list or the new one, never
//! a mixture, whatever kills the program.

mod bursts;
mod by_hand;
mod killed;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rusqlite::Connection;
use scp_079_avatar::exchange::format_data;
use scp_079_avatar::file_codec::{DecodedFile, Decoder};
use scp_079_avatar::list_file::ListFile;
use scp_079_avatar::model::{JoinOutcome, List, ListData, Users};
use scp_079_avatar::store::Store;
use serde_json::{Value, json};
use telegram_sim::{How, Options};

use crate::harness::{PASSWORD, PATIENCE, Scene, read, said, somebody};

/// The first id of the users that are there before a test begins.
const SEEDED: i64 = 5_000_000_000;

/// Puts users into `state.db`, which is made if need be, who joined and whose photo was forwarded, `number` of them from `first` on.
fn seed(state: &Path, first: i64, number: usize) {
    drop(Store::open(state).expect("state.db"));
    let database = Connection::open(state).expect("state.db");
    database.busy_timeout(PATIENCE).expect("a timeout");
    database
        .execute_batch(&format!(
            "BEGIN;
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {number})
             INSERT INTO joins SELECT 1234567890, 1 + i, {first} + i, 1760000000 + i, NULL, 'forwarded',
                 1760000001 + i FROM n;
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {number})
             INSERT INTO forwarded SELECT {first} + i, 6000000000000000000 + i, 1234567890, 1 + i,
                 1760000009 + i, 1234567891 FROM n;
             COMMIT;"
        ))
        .expect("seeded");
}

/// Posts an order of MANAGE's in HIDE.
fn order(scene: &Scene, action: &str, kind: &str, data: &Value, file: Option<&[u8]>) -> i32 {
    let text = format_data("MANAGE", &["AVATAR"], action, kind, data);
    let file = file.map(|bytes| ("file", bytes));
    scene.sim.post(scene.hide, scene.sim.owner(), &text, file)
}

/// Waits until the order in this post has a verdict that contains these words.
fn heard(scene: &Scene, message: i32, verdict: &str) {
    let sql =
        format!("SELECT 1 FROM orders WHERE message_id = {message} AND verdict GLOB '*{verdict}*'");
    scene.wait_for_state(&sql, 1);
}

/// Waits for the post of a list's backup, and returns its file.
fn posted(scene: &Scene, list: &str) -> Vec<u8> {
    let sql = format!("SELECT message_id FROM outbox WHERE list = '{list}' AND state = 'sent'");
    scene.wait_for_state(&sql, 1);
    let message = scene.query(&sql, |row| row.get::<_, i32>(0))[0];
    let post = scene
        .sim
        .posts(scene.hide)
        .into_iter()
        .find(|post| post.id == message);
    post.and_then(|post| post.file).expect("a file").bytes
}

fn opened(file: &[u8]) -> ListFile {
    match Decoder::new(&PASSWORD.into()).decode(file) {
        Ok(DecodedFile::List(list)) => list,
        other => panic!("no list: {:?}", other.err()),
    }
}

fn users_of(file: &[u8]) -> Users {
    match opened(file)
        .data_for(List::UserIds)
        .expect("users")
        .0
        .into_owned()
    {
        ListData::Users(users) => users,
        other => panic!("no users: {other:?}"),
    }
}

/// How many users a test has: as many as tests/interop/backup.sh asks for.
fn users_or(fewer: usize) -> usize {
    std::env::var("BACKUP_USERS").map_or(fewer, |number| number.parse().expect("a number"))
}

/// Ends the raid when a test ends, whichever way.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Lets users join, each when most of those before have arrived, until it is over.
fn raid(scene: &Scene, over: &AtomicBool, joined: &AtomicUsize) {
    while !over.load(Ordering::Acquire) {
        let user = scene.sim.add_user(somebody("Raider"));
        scene.sim.join(scene.group, user, How::ByLink);
        let joins = joined.fetch_add(1, Ordering::AcqRel) + 1;
        let followed = scene.sim.wait(
            |world| (world.count_posts(scene.hide) + 20 >= joins).then_some(()),
            PATIENCE,
        );
        if followed.is_err() {
            return;
        }
    }
}

/// Takes a backup by order and one by hand during a raid; returns both, and how many joined in all.
fn backups_during_a_raid(scene: &Scene) -> ([Vec<u8>; 2], usize) {
    let (over, joined) = (AtomicBool::new(false), AtomicUsize::new(0));
    let files = std::thread::scope(|threads| {
        let ending = Over(&over);
        threads.spawn(|| raid(scene, &over, &joined));
        scene.wait_for_state(
            "SELECT 1 FROM joins WHERE outcome = 'forwarded' AND user_id > 6000000000 LIMIT 10",
            10,
        );
        let message = order(scene, "backup", "now", &Value::Null, None);
        heard(scene, message, "obeyed");
        let by_order = posted(scene, "user_ids");
        let directory = tempfile::tempdir().expect("a directory");
        let (code, _, err) = said(scene.command("backup").arg("--to").arg(directory.path()));
        assert_eq!(code, Some(0), "{err}");
        let by_hand = read(&directory.path().join("user_ids"));
        // The raid went on over both.
        let before = joined.load(Ordering::Acquire);
        scene.poll("more joins", || joined.load(Ordering::Acquire) > before + 5);
        drop(ending);
        [by_order, by_hand]
    });
    (files, joined.into_inner())
}

/// Fails unless a photo is forwarded in it exactly where its join is: both are written in one transaction.
fn is_of_one_moment(users: &Users) {
    let of_joins: BTreeSet<_> = users
        .joins
        .iter()
        .filter(|join| join.outcome == JoinOutcome::Forwarded)
        .map(|join| (join.user, join.group))
        .collect();
    let of_photos: BTreeSet<_> = users
        .forwarded
        .iter()
        .map(|photo| (photo.user, photo.group))
        .collect();
    let apart: Vec<_> = of_joins.symmetric_difference(&of_photos).take(5).collect();
    assert!(apart.is_empty(), "of two moments: {apart:?}");
}

/// Restores a file into an empty instance, and returns what that one saves then.
fn through_an_empty_instance(file: &[u8], kind: &str) -> Vec<u8> {
    let mut empty = Scene::new();
    empty.set("exchange", &format!("files = \"{kind}\""));
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("saved");
    std::fs::write(&path, file).expect("written");
    let list = ["--list", "user_ids"];
    let (code, out, err) = said(empty.command("restore").arg(&path).args(list));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(" 0 removed, 0 kept"), "{out}");
    assert!(!out.contains("left out"), "{out}");
    let (code, _, err) = said(empty.command("backup").arg("--to").arg(directory.path()));
    assert_eq!(code, Some(0), "{err}");
    empty.finish();
    read(&directory.path().join("user_ids"))
}

fn stage(kind: &str, users: usize) -> Scene {
    let mut scene = Scene::with(Options {
        photo_size: (160, 160),
        keep_bodies: false,
        ..Options::default()
    });
    scene.set("exchange", &format!("files = \"{kind}\""));
    scene.set("log", "level = \"warn\"");
    seed(&scene.state(), SEEDED, users);
    scene.start();
    scene
}

/// What tests/interop/backup.sh shows.
#[expect(clippy::print_stderr, reason = "figures for whoever runs the script")]
fn figures(scene: &Scene, kind: &str, file: &[u8], joined: usize) {
    let path = format!("/proc/{}/status", scene.pid().as_raw_nonzero());
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let memory = status.lines().find(|line| line.starts_with("VmHWM"));
    eprintln!(
        "{kind}: {} bytes in {} parts, {joined} joins meanwhile, at its peak {}",
        file.len(),
        scene.sim.calls_of("upload.saveBigFilePart").len(),
        memory.unwrap_or("?").trim_start_matches("VmHWM:").trim()
    );
}

#[test]
fn a_backup_taken_during_a_raid_fills_an_empty_instance() {
    let users = users_or(40_000);
    let scene = stage("sealed", users);
    let (files, joined) = backups_during_a_raid(&scene);
    figures(&scene, "sealed", &files[0], joined);
    assert!(files[0].len() > 10 << 20, "{}", files[0].len());
    for file in &files {
        let mut saved = users_of(file);
        is_of_one_moment(&saved);
        let raiders = saved.joins.len() - users;
        assert!((10..joined).contains(&raiders), "{raiders} of {joined}");
        assert!(saved.joins.iter().all(|join| join.seen_at.is_some()));
        assert!(saved.forwarded.iter().all(|photo| photo.channel.is_some()));
        // What waited when it was saved waits for nothing in another instance.
        for join in &mut saved.joins {
            if join.outcome.is_waiting() {
                join.outcome = JoinOutcome::Restored;
            }
        }
        let back = users_of(&through_an_empty_instance(file, "sealed"));
        assert!(back == saved, "it came back as something else");
    }
    scene.finish();
}

#[test]
fn a_backup_of_the_python_kind_fills_an_empty_instance_too() {
    let users = users_or(5_000);
    let scene = stage("python", users);
    let (files, joined) = backups_during_a_raid(&scene);
    figures(&scene, "python", &files[0], joined);
    for file in &files {
        let saved = users_of(file);
        let raiders = saved.joins.len() - users;
        assert!((10..joined).contains(&raiders), "{raiders} of {joined}");
        assert!(saved.forwarded.len() >= users + 10);
        let back = through_an_empty_instance(file, "python");
        assert!(
            opened(&back) == opened(file),
            "it came back as something else"
        );
    }
    scene.finish();
}

#[test]
fn a_large_list_is_rolled_back_from_what_was_posted() {
    const USERS: i32 = 40_000;
    let scene = stage("sealed", usize::try_from(USERS).expect("a number"));
    order(&scene, "backup", "now", &json!(true), None);
    let file = posted(&scene, "user_ids");
    assert!(file.len() > 10 << 20, "{} bytes", file.len());
    let clear = json!({"admin_id": 5, "type": "all"});
    let cleared = order(&scene, "clear", "user", &clear, None);
    heard(&scene, cleared, "obeyed");
    let left = || scene.query("SELECT COUNT(*) FROM forwarded", |row| row.get::<_, i64>(0));
    assert_eq!(left(), [0]);
    let which = json!({"admin_id": 5, "type": "user_ids"});
    let rolled_back = order(&scene, "backup", "rollback", &which, Some(&file));
    heard(&scene, rolled_back, "obeyed");
    assert_eq!(left(), [i64::from(USERS)]);
    scene.finish();
}

#[test]
fn a_backup_that_was_ordered_before_a_list_is_cleared_has_what_was_cleared() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    let bad = 5_000_000_001_i64;
    order(
        &scene,
        "add",
        "bad",
        &json!({"id": bad, "type": "user"}),
        None,
    );
    order(&scene, "backup", "now", &Value::Null, None);
    let clear = json!({"admin_id": 7, "type": "users"});
    let cleared = order(&scene, "clear", "bad", &clear, None);
    scene.start();
    heard(&scene, cleared, "obeyed");
    assert!(scene.query("SELECT id FROM bad", |_| Ok(())).is_empty());
    let saved = opened(&posted(&scene, "bad_ids")).to_json().expect("JSON");
    assert_eq!(saved["data"]["users"], json!([bad]));
    scene.finish();
}

#[test]
fn what_a_backup_cannot_save_yet_is_not_cleared() {
    let mut scene = Scene::new();
    scene.start();
    let bad = 5_000_000_001_i64;
    let added = order(
        &scene,
        "add",
        "bad",
        &json!({"id": bad, "type": "user"}),
        None,
    );
    heard(&scene, added, "obeyed");
    let spool = scene.data_dir().join("spool");
    std::fs::remove_dir(&spool).expect("an empty spool");
    let ordered = order(&scene, "backup", "now", &Value::Null, None);
    heard(&scene, ordered, "obeyed");
    scene.poll("the log", || scene.log().contains("a list cannot be kept"));
    let clear = json!({"admin_id": 7, "type": "users"});
    let refused = order(&scene, "clear", "bad", &clear, None);
    heard(&scene, refused, "a backup waits that cannot be kept");
    assert_eq!(scene.query("SELECT id FROM bad", |_| Ok(())).len(), 1);
    std::fs::create_dir(&spool).expect("a spool");
    let saved = opened(&posted(&scene, "bad_ids")).to_json().expect("JSON");
    assert_eq!(saved["data"]["users"], json!([bad]));
    let obeyed = order(&scene, "clear", "bad", &clear, None);
    heard(&scene, obeyed, "obeyed");
    assert!(scene.query("SELECT id FROM bad", |_| Ok(())).is_empty());
    scene.finish();
}

#[test]
fn a_user_who_was_forgotten_is_no_repeat() {
    let mut scene = Scene::new();
    scene.start();
    let user = scene.sim.add_user(somebody("Joiner"));
    for (count, (action, kind, data)) in [
        ("clear", "user", json!({"admin_id": 7, "type": "all"})),
        ("remove", "score", json!(user)),
    ]
    .into_iter()
    .enumerate()
    {
        scene.sim.join(scene.group, user, How::ByLink);
        scene.wait_for_photos(count + 1);
        scene.wait_for_outcome(user, "forwarded");
        let message = order(&scene, action, kind, &data, None);
        heard(&scene, message, "obeyed");
    }
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_photos(3);
    scene.wait_for_outcome(user, "forwarded");
    scene.finish();
}

#[test]
fn lists_are_saved_and_brought_back_by_hand() {
    let mut scene = Scene::new();
    scene.start();
    let users: Vec<i64> = (0..2)
        .map(|_| {
            let user = scene.sim.add_user(somebody("Joiner"));
            scene.sim.join(scene.group, user, How::ByLink);
            user
        })
        .collect();
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'forwarded'", 2);
    let saved = tempfile::tempdir().expect("a directory");
    // While it runs.
    let (code, out, err) = said(scene.command("backup").arg("--to").arg(saved.path()));
    assert_eq!(code, Some(0), "{err}");
    let file = saved.path().join("user_ids");
    assert!(out.contains(&file.display().to_string()), "{out}");
    let (code, _, err) = said(scene.command("restore").arg(&file));
    assert_eq!(code, Some(1), "a running program was overlooked");
    assert!(err.contains("already runs"), "{err}");
    scene.stop();
    scene.query("DELETE FROM joins RETURNING user_id", |_| Ok(()));
    let (code, out, err) = said(scene.command("restore").arg(&file).arg("--dry-run"));
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("would be restored: 2 added, 0 removed, 2 kept"),
        "{out}"
    );
    assert!(scene.outcomes().is_empty());
    let (code, out, err) = said(scene.command("restore").arg(&file));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("was restored: 2 added"), "{out}");
    assert_eq!(scene.outcomes().len(), users.len());
    // Python's files do not say which list they are.
    let python = format!(
        "{}/tests/fixtures/python/bad_ids.pickle.aes",
        env!("CARGO_MANIFEST_DIR")
    );
    let (code, _, err) = said(scene.command("restore").arg(&python));
    assert_eq!(code, Some(1));
    assert!(err.contains("--list NAME"), "{err}");
    let (code, out, err) = said(
        scene
            .command("restore")
            .arg(&python)
            .args(["--list", "bad_ids"]),
    );
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("2 added") && out.contains("1 invalid channel ids (-10012345678)"),
        "{out}"
    );
    scene.finish();
}
