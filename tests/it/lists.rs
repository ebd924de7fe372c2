//! Backup, rollback and restore (docs/files.md, "Lists, backup and rollback"). A backup shows one point in time while
//! joins go on, and a kill leaves the old list or the new one, never a mixture.

mod backup_command;
mod bursts;
mod restore_kills;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use scp_079_avatar::model::{JoinOutcome, List, ListData, UserIds};
use scp_079_avatar::store::Store;
use serde_json::{Value, json};
use telegram_sim::{JoinKind, Options};

use crate::harness::{
    Scene, TIMEOUT, entries, execute_batch, fixture, open_list, output_of, read_file,
    user_with_photo,
};

/// The first id of the users that [`seed`] adds.
const SEEDED: i64 = 5_000_000_000;

/// Adds `count` users with ids from `first`, who joined and whose photos were forwarded, to a database. The database is
/// created if it does not exist.
fn seed(state: &Path, first: i64, count: usize) {
    drop(Store::open(state).expect("state.db"));
    execute_batch(
        state,
        &format!(
            "BEGIN;
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})
             INSERT INTO joins (group_id, message_id, user_id, joined_at, added_by, outcome, seen_at)
             SELECT 1234567890, 1 + i, {first} + i, 1760000000 + i, NULL, 'forwarded',
                 1760000001 + i FROM n;
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})
             INSERT INTO forwarded SELECT {first} + i, 6000000000000000000 + i, 1234567890, 1 + i,
                 1760000009 + i, 1234567891 FROM n;
             COMMIT;"
        ),
    );
}

/// Waits until a backup of the list was posted, and returns its file.
fn wait_for_backup(scene: &Scene, list: &str) -> Vec<u8> {
    let sql = format!("SELECT message_id FROM outbox WHERE list = '{list}' AND state = 'sent'");
    scene.wait_for_rows(&sql, 1);
    let message = scene.query(&sql, |row| row.get::<_, i32>(0))[0];
    let post = scene
        .sim
        .posts(scene.hide)
        .into_iter()
        .find(|post| post.id == message);
    post.and_then(|post| post.file).expect("a file").bytes
}

fn users_in(file: &[u8]) -> UserIds {
    match open_list(file)
        .data_for(List::UserIds)
        .expect("users")
        .0
        .into_owned()
    {
        ListData::Users(users) => users,
        other => panic!("no users: {other:?}"),
    }
}

/// Returns how many users a test has: the number that tests/interop/backup.sh asks for, else `default`.
fn user_count(default: usize) -> usize {
    std::env::var("BACKUP_USERS").map_or(default, |number| number.parse().expect("a number"))
}

/// Ends the raid when it is dropped, also by a panic of the test.
struct EndOfRaid<'a>(&'a AtomicBool);

impl Drop for EndOfRaid<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Lets users join until `over` is set, each one after most photos of the earlier ones were posted.
fn raid(scene: &Scene, over: &AtomicBool, joined: &AtomicUsize) {
    while !over.load(Ordering::Acquire) {
        let user = scene.sim.add_user(user_with_photo("Raider"));
        scene.sim.join(scene.group, user, JoinKind::ByLink);
        let joins = joined.fetch_add(1, Ordering::AcqRel) + 1;
        let followed = scene.sim.wait(
            |world| (world.count_posts(scene.hide) + 20 >= joins).then_some(()),
            TIMEOUT,
        );
        if followed.is_err() {
            return;
        }
    }
}

/// Takes a backup by order and one with the `backup` command during a raid. Returns the two files of the users, and how
/// many users joined.
fn backups_during_a_raid(scene: &Scene) -> ([Vec<u8>; 2], usize) {
    let (over, joined) = (AtomicBool::new(false), AtomicUsize::new(0));
    let files = std::thread::scope(|threads| {
        let end = EndOfRaid(&over);
        threads.spawn(|| raid(scene, &over, &joined));
        scene.wait_for_rows(
            "SELECT 1 FROM joins WHERE outcome = 'forwarded' AND user_id > 6000000000 LIMIT 10",
            10,
        );
        let message = scene.order("MANAGE", "backup", "now", &Value::Null);
        scene.wait_for_verdict(message, "obeyed");
        let by_order = wait_for_backup(scene, "user_ids");
        let directory = tempfile::tempdir().expect("a directory");
        let (code, _, err) = output_of(scene.command("backup").arg("--to").arg(directory.path()));
        assert_eq!(code, Some(0), "{err}");
        let by_command = read_file(&directory.path().join("user_ids"));
        // The raid continues after both backups.
        let before = joined.load(Ordering::Acquire);
        scene.poll("more joins", || joined.load(Ordering::Acquire) > before + 5);
        drop(end);
        [by_order, by_command]
    });
    (files, joined.into_inner())
}

/// Fails unless each forwarded join has its forwarded photo and the other way round, which one transaction writes.
fn assert_consistent(users: &UserIds) {
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
    let differences: Vec<_> = of_joins.symmetric_difference(&of_photos).take(5).collect();
    assert!(differences.is_empty(), "{differences:?}");
}

/// Restores a file into an empty instance, and returns the backup that this instance then makes.
fn restore_and_back_up(file: &[u8], kind: &str) -> Vec<u8> {
    let mut empty = Scene::new();
    empty.set("exchange", &format!("files = \"{kind}\""));
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("saved");
    std::fs::write(&path, file).expect("written");
    let list = ["--list", "user_ids"];
    let (code, out, err) = output_of(empty.command("restore").arg(&path).args(list));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(" 0 removed, 0 kept"), "{out}");
    assert!(!out.contains("left out"), "{out}");
    let (code, _, err) = output_of(empty.command("backup").arg("--to").arg(directory.path()));
    assert_eq!(code, Some(0), "{err}");
    empty.finish();
    read_file(&directory.path().join("user_ids"))
}

/// Starts a daemon with this kind of files and this many users.
fn start_with_users(kind: &str, users: usize) -> Scene {
    let mut scene = Scene::with_options(Options {
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

/// Prints the figures that tests/interop/backup.sh shows.
#[expect(clippy::print_stderr, reason = "the script shows standard error")]
fn print_figures(scene: &Scene, kind: &str, file: &[u8], joined: usize) {
    let path = format!("/proc/{}/status", scene.pid().as_raw_nonzero());
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let memory = status.lines().find(|line| line.starts_with("VmHWM"));
    eprintln!(
        "{kind}: {} bytes in {} parts, {joined} joins during the backups, peak memory {}",
        file.len(),
        scene.sim.calls_of("upload.saveBigFilePart").len(),
        memory.unwrap_or("?").trim_start_matches("VmHWM:").trim()
    );
}

#[test]
fn a_backup_taken_during_a_raid_fills_an_empty_instance() {
    let users = user_count(40_000);
    let scene = start_with_users("sealed", users);
    let (files, joined) = backups_during_a_raid(&scene);
    print_figures(&scene, "sealed", &files[0], joined);
    assert!(files[0].len() > 10 << 20, "{}", files[0].len());
    for file in &files {
        let mut saved = users_in(file);
        assert_consistent(&saved);
        let raiders = saved.joins.len() - users;
        assert!((10..joined).contains(&raiders), "{raiders} of {joined}");
        assert!(saved.joins.iter().all(|join| join.seen_at.is_some()));
        assert!(saved.forwarded.iter().all(|photo| photo.channel.is_some()));
        // Photos that were queued at the time of the backup are not queued in another instance.
        for join in &mut saved.joins {
            if join.outcome.is_waiting() {
                join.outcome = JoinOutcome::Restored;
            }
        }
        let back = users_in(&restore_and_back_up(file, "sealed"));
        assert!(back == saved, "the restored list differs");
    }
    scene.finish();
}

#[test]
fn a_backup_of_the_python_kind_fills_an_empty_instance_too() {
    let users = user_count(5_000);
    let scene = start_with_users("python", users);
    let (files, joined) = backups_during_a_raid(&scene);
    print_figures(&scene, "python", &files[0], joined);
    for file in &files {
        let saved = users_in(file);
        let raiders = saved.joins.len() - users;
        assert!((10..joined).contains(&raiders), "{raiders} of {joined}");
        assert!(saved.forwarded.len() >= users + 10);
        let back = restore_and_back_up(file, "python");
        assert!(
            open_list(&back) == open_list(file),
            "the restored list differs"
        );
    }
    scene.finish();
}

#[test]
fn a_list_of_more_than_10_mib_is_rolled_back_from_its_posted_backup() {
    const USERS: i32 = 40_000;
    let scene = start_with_users("sealed", usize::try_from(USERS).expect("a number"));
    scene.order("MANAGE", "backup", "now", &json!(true));
    let file = wait_for_backup(&scene, "user_ids");
    assert!(file.len() > 10 << 20, "{} bytes", file.len());
    let clear = json!({"admin_id": 5, "type": "all"});
    let cleared = scene.order("MANAGE", "clear", "user", &clear);
    scene.wait_for_verdict(cleared, "obeyed");
    let left = || scene.query("SELECT COUNT(*) FROM forwarded", |row| row.get::<_, i64>(0));
    assert_eq!(left(), [0]);
    let rolled_back = scene.roll_back("user_ids", &file);
    scene.wait_for_verdict(rolled_back, "obeyed");
    assert_eq!(left(), [i64::from(USERS)]);
    scene.finish();
}

#[test]
fn a_backup_ordered_before_a_clear_has_the_cleared_entries() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    let bad = 5_000_000_001_i64;
    scene.order("MANAGE", "add", "bad", &json!({"id": bad, "type": "user"}));
    scene.order("MANAGE", "backup", "now", &Value::Null);
    let clear = json!({"admin_id": 7, "type": "users"});
    let cleared = scene.order("MANAGE", "clear", "bad", &clear);
    scene.start();
    scene.wait_for_verdict(cleared, "obeyed");
    assert!(scene.count("SELECT id FROM bad") == 0);
    let saved = open_list(&wait_for_backup(&scene, "bad_ids"))
        .to_json()
        .expect("JSON");
    assert_eq!(saved["data"]["users"], json!([bad]));
    scene.finish();
}

#[test]
fn a_list_is_not_cleared_before_its_ordered_backup_is_saved() {
    let mut scene = Scene::new();
    scene.start();
    let bad = 5_000_000_001_i64;
    let added = scene.order("MANAGE", "add", "bad", &json!({"id": bad, "type": "user"}));
    scene.wait_for_verdict(added, "obeyed");
    let spool = scene.spool();
    std::fs::remove_dir(&spool).expect("an empty spool");
    let ordered = scene.order("MANAGE", "backup", "now", &Value::Null);
    scene.wait_for_verdict(ordered, "obeyed");
    scene.wait_for_log("cannot write the file to the spool");
    let clear = json!({"admin_id": 7, "type": "users"});
    let refused = scene.order("MANAGE", "clear", "bad", &clear);
    scene.wait_for_verdict(refused, "cannot write a pending backup");
    assert_eq!(scene.count("SELECT id FROM bad"), 1);
    std::fs::create_dir(&spool).expect("a spool");
    let saved = open_list(&wait_for_backup(&scene, "bad_ids"))
        .to_json()
        .expect("JSON");
    assert_eq!(saved["data"]["users"], json!([bad]));
    let obeyed = scene.order("MANAGE", "clear", "bad", &clear);
    scene.wait_for_verdict(obeyed, "obeyed");
    assert!(scene.count("SELECT id FROM bad") == 0);
    scene.finish();
}

#[test]
fn the_photo_of_a_cleared_user_is_forwarded_again() {
    let mut scene = Scene::new();
    scene.start();
    let user = scene.add_user();
    for (count, (action, kind, data)) in [
        ("clear", "user", json!({"admin_id": 7, "type": "all"})),
        ("remove", "score", json!(user)),
    ]
    .into_iter()
    .enumerate()
    {
        scene.sim.join(scene.group, user, JoinKind::ByLink);
        scene.wait_for_photos(count + 1);
        scene.wait_for_outcome(user, "forwarded");
        let message = scene.order("MANAGE", action, kind, &data);
        scene.wait_for_verdict(message, "obeyed");
    }
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_photos(3);
    scene.wait_for_outcome(user, "forwarded");
    scene.finish();
}

#[test]
fn backup_and_restore_work_as_commands() {
    let mut scene = Scene::new();
    scene.start();
    let users = scene.join_users(2);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'forwarded'", 2);
    let saved = tempfile::tempdir().expect("a directory");
    // `backup`, which makes its directory, and a dry run work while the daemon runs; `restore` does not.
    let to = saved.path().join("of/today");
    let (code, out, err) = output_of(scene.command("backup").arg("--to").arg(&to));
    assert_eq!(code, Some(0), "{err}");
    let file = to.join("user_ids");
    assert!(out.contains(&file.display().to_string()), "{out}");
    let mode = std::fs::metadata(&to).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let dry_run = |scene: &Scene| output_of(scene.command("restore").arg(&file).arg("--dry-run"));
    let (code, out, err) = dry_run(&scene);
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("would be restored: 0 added, 0 removed, 4 kept"),
        "{out}"
    );
    let (code, _, err) = output_of(scene.command("restore").arg(&file));
    assert_eq!(code, Some(1), "restore ran beside a running daemon");
    assert!(err.contains("already runs"), "{err}");
    scene.stop();
    scene.execute("DELETE FROM joins");
    let (code, out, err) = dry_run(&scene);
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("would be restored: 2 added, 0 removed, 2 kept"),
        "{out}"
    );
    assert!(scene.outcomes().is_empty());
    let (code, out, err) = output_of(scene.command("restore").arg(&file));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("was restored: 2 added"), "{out}");
    assert_eq!(scene.outcomes().len(), users.len());
    assert_eq!(scene.replaced_lists("user_ids").len(), 1);
    // A restore of the list that is there keeps no other file.
    let (code, out, err) = output_of(scene.command("restore").arg(&file));
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("was restored: 0 added, 0 removed, 4 kept"),
        "{out}"
    );
    assert_eq!(scene.replaced_lists("user_ids").len(), 1);
    assert_eq!(
        entries(&scene.data_dir(), ".dry-run"),
        Vec::<PathBuf>::new()
    );
    // Python files do not name their list.
    let python = fixture("python/bad_ids.pickle.aes");
    let (code, _, err) = output_of(scene.command("restore").arg(&python));
    assert_eq!(code, Some(1));
    assert!(err.contains("--list NAME"), "{err}");
    let (code, out, err) = output_of(
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
