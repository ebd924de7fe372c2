//! `backup --all` and `restore --all` (docs/operations.md, "Copies of the data directory").

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use telegram_sim::{Fault, Match};

use crate::harness::{Scene, assert_contains, entries, execute_batch, output_of};

const MESSAGES: &str = "channels.getMessages";
const WARNING: &str = "Never run a copy beside the original";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// Runs `backup --all` or `restore --all`; returns its exit code and both outputs.
fn run(scene: &Scene, command: &str, directory: &Path) -> (Option<i32>, String) {
    let (code, out, err) = output_of(scene.command(command).arg("--all").arg(directory));
    (code, out + &err)
}

fn assert_runs(scene: &Scene, command: &str, directory: &Path) -> String {
    let (code, output) = run(scene, command, directory);
    assert_eq!(code, Some(0), "{output}");
    assert_contains(&output, &[WARNING]);
    output
}

/// Fails unless a command ends with this code and these words.
fn assert_refused(scene: &Scene, command: &str, directory: &Path, code: i32, words: &str) {
    let (found, output) = run(scene, command, directory);
    assert_eq!(found, Some(code), "{output}");
    assert_contains(&output, &[words]);
}

/// Makes a scene that has a session and `state.db`, and a directory for its backups.
fn stopped() -> (Scene, tempfile::TempDir) {
    let scene = Scene::new();
    scene.copy_newest_state();
    (scene, tempfile::tempdir().expect("a directory"))
}

/// Runs `backup --all` in a shell, after the commands `first`. Returns the exit code and both outputs.
fn back_up_in_shell(
    scene: &Scene,
    shell: &mut Command,
    first: &str,
    directory: &Path,
) -> (Option<i32>, String) {
    let inner = scene.command("backup");
    let script = format!(
        "{first} && \"$0\" \"$@\"; code=$?; ls -A '{}'; exit $code",
        directory.display()
    );
    shell
        .args(["-c", &script])
        .arg(inner.get_program())
        .args(inner.get_args());
    let command = shell
        .arg("--all")
        .arg(directory.join("saved"))
        .stdin(Stdio::null());
    let (code, out, err) = output_of(command);
    assert_eq!(out, "", "files that are left\n{err}");
    (code, err)
}

/// Fails unless a directory and everything below it is private.
fn assert_private(directory: &Path) {
    assert_eq!(mode(directory), 0o700, "{}", directory.display());
    for path in entries(directory, "") {
        match path.is_dir() {
            true => assert_private(&path),
            false => assert_eq!(mode(&path), 0o600, "{}", path.display()),
        }
    }
}

#[test]
fn after_a_restore_each_photo_is_in_hide_once_and_later_joins_are_posted() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    let early = scene.join_users(3);
    scene.wait_for_photos(3);
    // These photos wait while the copy is made.
    let held = Match::method("messages.sendMedia");
    scene.sim.fault(held.once(), Fault::Hold);
    let waiting = scene.join_users(3);
    // The watcher reads the held post before the program knows that it was made.
    scene.wait_for_photos(4);
    let newest = scene.post_text(scene.hide, "no envelope", None);
    let sql = format!(
        "SELECT 1 FROM ledger WHERE channel_id = {} AND last_message_id >= {newest}",
        scene.hide
    );
    scene.wait_for_rows(&sql, 1);
    scene.wait_for_rows(
        "SELECT 1 FROM outbox WHERE spool IS NOT NULL AND kind = 'avatar'",
        3,
    );
    let directory = tempfile::tempdir().expect("a directory");
    let saved = directory.path().join("of/today");
    let output = assert_runs(&scene, "backup", &saved);
    assert!(output.contains(&saved.display().to_string()), "{output}");
    assert_private(&saved);
    let readme = fs::read_to_string(saved.join("README")).expect("a text");
    assert_contains(&readme, &[WARNING, "restore --all"]);
    assert_eq!(entries(&saved.join("spool"), "").len(), 3);
    assert_eq!(entries(&directory.path().join("of"), "").len(), 1);
    scene.sim.release();
    scene.sim.clear_faults();
    let late = scene.join_users(4);
    scene.wait_for_photos(10);
    scene.kill();
    fs::remove_dir_all(scene.data_dir()).expect("removed");

    assert_runs(&scene, "restore", &saved);
    assert_private(&scene.data_dir());
    let posted = scene.sim.calls_of("messages.sendMedia").len();
    let missed = scene.join_users(2);
    scene.start();
    for user in [&early[..], &waiting, &late, &missed].concat() {
        scene.wait_for_outcome(user, "forwarded");
    }
    let new = scene.join_users(2);
    let all = [&early[..], &waiting, &late, &missed, &new].concat();
    scene.wait_for_photos_of(&all.iter().copied().collect::<BTreeSet<_>>());
    scene.wait_until_settled();
    let posts = scene.sim.calls_of("messages.sendMedia").len() - posted;
    assert_eq!(posts, 4, "photos of the two missed and the two new users");
    assert_eq!(scene.count("SELECT 1 FROM restored_posts"), 0);
    assert_eq!(
        scene.count("SELECT 1 FROM settings WHERE key = 'restored_from'"),
        0
    );
    assert_eq!(scene.photos().len(), all.len());
    scene.finish();
}

#[test]
fn nothing_is_overwritten_and_half_a_backup_is_not_restored() {
    let mut scene = Scene::with_photo_size(64);
    let directory = tempfile::tempdir().expect("a directory");
    let saved = directory.path().join("saved");
    assert_refused(&scene, "backup", &saved, 78, "never run");
    assert_eq!(entries(directory.path(), ""), Vec::<PathBuf>::new());
    scene.start();
    assert_runs(&scene, "backup", &saved);
    assert_refused(&scene, "backup", &saved, 78, "not empty");
    assert_refused(&scene, "restore", &saved, 1, "already runs");
    let partial = directory.path().join("other.partial");
    fs::create_dir(&partial).expect("made");
    assert_refused(
        &scene,
        "backup",
        &directory.path().join("other"),
        78,
        "was killed",
    );
    assert_refused(&scene, "restore", &partial, 78, "did not end");
    let foreign = directory.path();
    assert_refused(
        &scene,
        "restore",
        foreign,
        78,
        "no backup of `backup --all`",
    );
    scene.stop();
    let before = fs::read(scene.state()).expect("readable");
    assert_refused(&scene, "restore", &saved, 78, "has account.session already");
    assert!(fs::read(scene.state()).expect("readable") == before);

    // A kill after some files were in place: the next restore replaces them.
    fs::remove_file(scene.session()).expect("removed");
    fs::create_dir(scene.data_dir().join("restore-unfinished")).expect("made");
    assert_runs(&scene, "restore", &saved);
    assert!(!scene.data_dir().join("restore-unfinished").exists());
    scene.start();
    scene.stop();

    let other = Scene::new();
    fs::remove_file(other.session()).expect("removed");
    execute_batch(&saved.join("state.db"), "PRAGMA user_version = 1000");
    assert_refused(&other, "restore", &saved, 78, "1000");
    fs::write(saved.join("state.db"), "no database").expect("written");
    let words = format!("{}/state.db: the file is damaged", saved.display());
    assert_refused(&other, "restore", &saved, 78, &words);
    assert!(!other.data_dir().join("restore-unfinished").exists());
    fs::remove_file(saved.join("account.session")).expect("removed");
    assert_refused(&other, "restore", &saved, 78, "incomplete");
    assert!(!other.session().exists() && !other.state().exists());
    scene.finish();
}

#[test]
fn a_killed_backup_leaves_only_a_partial_directory_that_the_next_one_names() {
    let (scene, directory) = stopped();
    let saved = directory.path().join("saved");
    let partial = directory.path().join("saved.partial");
    // While another connection holds the session, the backup waits after it has copied state.db.
    let session = Connection::open(scene.session()).expect("a session");
    let hold = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE";
    session.execute_batch(hold).expect("held");
    let mut command = scene.command("backup");
    command.arg("--all").arg(&saved);
    let mut backup = command.spawn().expect("the binary");
    scene.poll("half a backup", || partial.join("account.session").exists());
    backup.kill().expect("killed");
    backup.wait().expect("an exit status");
    drop(session);
    assert_eq!(
        entries(directory.path(), ""),
        std::slice::from_ref(&partial)
    );
    assert_private(&partial);
    assert_refused(&scene, "restore", &partial, 78, "did not end");
    let words = format!("{}: a backup that was killed", partial.display());
    assert_refused(&scene, "backup", &saved, 78, &words);
    fs::remove_dir_all(&partial).expect("removed");
    assert_runs(&scene, "backup", &saved);
    assert_eq!(entries(directory.path(), ""), [saved]);
}

#[test]
fn a_backup_without_space_or_with_an_unusable_destination_leaves_nothing() {
    let (scene, directory) = stopped();
    let (place, state) = (directory.path(), fs::read(scene.state()).expect("readable"));
    let mount = format!(
        "mount -t tmpfs -o size=8m,mode=700 tmpfs '{}'",
        place.display()
    );
    let mut shell = Command::new("unshare");
    shell.args(["--map-root-user", "--mount", "--", "sh"]);
    let (code, output) = back_up_in_shell(&scene, &mut shell, &mount, place);
    assert_eq!(code, Some(1), "{output}");
    assert_contains(&output, &["not enough space: the copy needs 17 MiB, and "]);
    // A file at its limit is an error here, as on a disk that becomes full.
    let limit = "trap '' XFSZ && ulimit -f 100";
    let (code, output) = back_up_in_shell(&scene, &mut Command::new("sh"), limit, place);
    assert_eq!(code, Some(1), "{output}");
    assert_contains(
        &output,
        &["saved.partial/state.db: the copy cannot be written"],
    );

    let file = place.join("file");
    fs::write(&file, "").expect("written");
    assert_refused(
        &scene,
        "backup",
        &file.join("saved"),
        1,
        "Not a directory (os error 20); name another place",
    );
    fs::write(scene.session(), "no database").expect("written");
    let words = "account.session: the file is damaged or not a database";
    assert_refused(&scene, "backup", &place.join("saved"), 78, words);
    assert_eq!(entries(place, ""), [file]);
    assert!(fs::read(scene.state()).expect("readable") == state);
}

#[test]
fn a_restored_copy_posts_nothing_until_it_has_read_the_private_channels() {
    for has_exchange in [false, true] {
        let mut scene = Scene::with_photo_size(64);
        let channel = match has_exchange {
            true => scene.add_exchange(),
            false => scene.hide,
        };
        scene.start();
        let mut users = scene.join_users(2);
        scene.wait_for_photos(2);
        scene.wait_until_settled();
        let directory = tempfile::tempdir().expect("a directory");
        let saved = directory.path().join("saved");
        assert_runs(&scene, "backup", &saved);
        users.extend(scene.join_users(3));
        scene.wait_for_photos(5);
        scene.kill();
        users.extend(scene.join_users(2));
        fs::remove_dir_all(scene.data_dir()).expect("removed");
        assert_runs(&scene, "restore", &saved);

        let unreadable = Match::method(MESSAGES).containing(channel.to_le_bytes());
        scene
            .sim
            .fault(unreadable, Fault::error(400, "INPUT_REQUEST_INVALID"));
        let reads = scene.sim.calls_of(MESSAGES).len();
        let before = scene.sim.posts_by_account().len();
        scene.age_online_reports();
        scene.launch();
        scene.wait_for_call(MESSAGES, reads + 3);
        scene.wait_for_log("the program posts nothing until it has read them");
        assert_eq!(scene.sim.posts_by_account().len(), before);
        // A start that takes longer than usual is trouble.
        scene.execute("UPDATE settings SET value = value - 100 WHERE key = 'started_at'");
        let (code, out, err) = output_of(scene.command("status").arg("--check"));
        assert_eq!(code, Some(1), "{out}{err}");
        let words = "it posts nothing, because it cannot read its posts since the restored copy";
        assert_contains(&out, &["TROUBLE", words]);
        // A restart does not forget that the posts are unread.
        scene.stop();
        let reads = scene.sim.calls_of(MESSAGES).len();
        scene.launch();
        scene.wait_for_call(MESSAGES, reads + 2);
        assert_eq!(scene.sim.posts_by_account().len(), before);

        scene.sim.clear_faults();
        scene.wait_for_photos_of(&users.iter().copied().collect::<BTreeSet<_>>());
        for user in users {
            scene.wait_for_outcome(user, "forwarded");
        }
        assert_eq!(scene.photos().len(), 7);
        scene.finish();
    }
}

#[test]
fn a_restored_copy_leaves_out_a_message_that_cannot_be_read_and_an_exchange_that_was_left() {
    let mut scene = Scene::with_photo_size(64);
    let exchange = scene.add_exchange();
    scene.start();
    let directory = tempfile::tempdir().expect("a directory");
    let saved = directory.path().join("saved");
    assert_runs(&scene, "backup", &saved);
    scene.kill();
    let strange = scene.post_text(scene.hide, "strange", None);
    scene.sim.make_unreadable(scene.hide, strange);
    scene.post_text(scene.hide, "a message after it", None);
    scene.sim.kick_me(exchange);
    fs::remove_dir_all(scene.data_dir()).expect("removed");
    assert_runs(&scene, "restore", &saved);
    scene.launch();
    scene.wait_for_log("a message that cannot be read is left out");
    scene.wait_for_log("the account is not in EXCHANGE");
    let user = scene.join_user();
    scene.wait_for_outcome(user, "forwarded");
    assert_eq!(scene.photos_in(scene.hide).len(), 1);
    scene.finish();
}
