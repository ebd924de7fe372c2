//! `backup --all` and `restore --all` (docs/operations.md, "Copies of the data directory").

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use telegram_sim::{Fault, Match};

use crate::harness::{Scene, entries, execute_batch, output_of};

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
    assert!(
        output.contains("Never run a copy beside the original"),
        "{output}"
    );
    output
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
    scene.wait_for_call("messages.sendMedia", 4);
    scene.wait_for_rows(
        "SELECT 1 FROM outbox WHERE spool IS NOT NULL AND kind = 'avatar'",
        3,
    );
    let directory = tempfile::tempdir().expect("a directory");
    let saved = directory.path().join("of/today");
    let output = assert_runs(&scene, "backup", &saved);
    assert!(output.contains(&saved.display().to_string()), "{output}");
    assert_private(&saved);
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
    let refused = |scene: &Scene, command: &str, from: &Path, code: i32, words: &str| {
        let (found, output) = run(scene, command, from);
        assert_eq!(found, Some(code), "{output}");
        assert!(output.contains(words), "{words:?} is not in\n{output}");
    };
    refused(&scene, "backup", &saved, 78, "never run");
    assert_eq!(entries(directory.path(), ""), Vec::<PathBuf>::new());
    scene.start();
    assert_runs(&scene, "backup", &saved);
    refused(&scene, "backup", &saved, 78, "not empty");
    refused(&scene, "restore", &saved, 1, "already runs");
    let partial = directory.path().join("other.partial");
    fs::create_dir(&partial).expect("made");
    refused(
        &scene,
        "backup",
        &directory.path().join("other"),
        78,
        "did not end",
    );
    refused(
        &scene,
        "restore",
        &partial,
        78,
        "no backup of `backup --all`",
    );
    scene.stop();
    let before = fs::read(scene.state()).expect("readable");
    refused(&scene, "restore", &saved, 78, "has account.session already");
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
    refused(&other, "restore", &saved, 78, "1000");
    fs::remove_file(saved.join("account.session")).expect("removed");
    refused(&other, "restore", &saved, 78, "incomplete");
    assert!(!other.session().exists() && !other.state().exists());
    scene.finish();
}
