//! The commands without a running daemon: its end, a database that is damaged in part, a closed pipe, and invalid
//! arguments.

use std::fs;

use super::{file_states, scene, status, text_of, why};
use crate::harness::{Scene, assert_contains, execute_batch, output_of, read_file};

#[test]
fn status_of_a_stopped_instance_shows_its_end_and_changes_nothing() {
    let mut scene = scene();
    // The program never ran here.
    fs::remove_file(scene.session()).expect("removed");
    assert_eq!(status(&scene)["instance"]["state"], "never_ran");
    assert_contains(&text_of(&scene, "status", &[]), &["never run", "`login`"]);
    assert_contains(&text_of(&scene, "why", &["7"]), &["never run"]);
    assert!(
        file_states(&scene).is_empty(),
        "the commands created a file"
    );
    scene.sim.write_session(scene.session()).expect("a session");

    scene.start();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "forwarded");
    let assert_unchanged = |scene: &Scene, state: &str, words: &[&str]| {
        let before = file_states(scene);
        let text = text_of(scene, "status", &[]);
        assert_contains(&text, words);
        assert_eq!(status(scene)["instance"]["state"], state);
        let (text, json) = why(scene, user);
        assert_contains(&text, &["forwarded: a photo was posted"]);
        assert_eq!(json["joins"][0]["outcome"], "forwarded");
        assert!(file_states(scene) == before, "{state}: a file was changed");
    };
    // A killed daemon leaves the write-ahead log beside the database.
    scene.kill();
    assert!(scene.data_dir().join("state.db-wal").exists());
    assert_unchanged(&scene, "died", &["not running, and did not end cleanly"]);
    scene.start();
    scene.stop();
    // This puts the next times of two jobs into the past.
    scene.execute("UPDATE runs SET due_at = 5, next_at = 6 WHERE job IN ('status', 'backup')");
    assert!(!scene.data_dir().join("state.db-wal").exists());
    assert_unchanged(
        &scene,
        "ended",
        &[
            "not running, ended 20",
            "never     missed: at the next start",
            "never     missed, and skipped",
        ],
    );
    // An error ends the daemon.
    scene.sim.revoke_session();
    scene.launch();
    assert_eq!(scene.wait_for_exit().0, Some(77));
    assert_unchanged(&scene, "failed", &["ended by an error", "session"]);
    scene.sim.restore_login();
    // Another command holds the lock of the data directory.
    let lock = fs::File::open(scene.data_dir().join("lock")).expect("opened");
    lock.lock().expect("locked");
    assert_eq!(status(&scene)["instance"]["state"], "busy");
    drop(lock);
    scene.start();
    scene.finish();
}

#[test]
fn a_closed_pipe_is_no_error() {
    let scene = Scene::new();
    scene.write_config();
    for (subcommand, arguments) in [
        ("status", &[][..]),
        ("why", &["5"]),
        ("why", &["5", "--json"]),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = scene.command(subcommand);
        let output = command.args(arguments).stdout(writer).output();
        let output = output.expect("the binary");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""));
    }
}

#[test]
fn status_does_not_read_the_whole_database() {
    let scene = Scene::new();
    scene.copy_newest_state();
    let rules = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
        INSERT INTO rules SELECT 'nm_words', n, printf('a rule %06d', n), 0 FROM numbers";
    execute_batch(&scene.state(), rules);
    let mut bytes = read_file(&scene.state());
    let rule = b"a rule 001000";
    let at = bytes.windows(rule.len()).position(|bytes| bytes == rule);
    let page = at.expect("a rule") / 4096 * 4096;
    bytes[page..page + 4096].fill(0);
    fs::write(scene.state(), bytes).expect("written");
    let before = file_states(&scene);
    assert_contains(&text_of(&scene, "status", &[]), &["Instance"]);
    assert_contains(&text_of(&scene, "why", &["7"]), &["User 7"]);
    assert!(file_states(&scene) == before, "a file was changed");
    let (code, _, err) = output_of(&mut scene.command("run"));
    assert_eq!(code, Some(78), "{err}");
    assert_contains(&err, &["is damaged or not a database"]);
}

#[test]
fn invalid_arguments_are_usage_errors() {
    let scene = Scene::new();
    for (arguments, words) in [
        (&["status", "now"][..], "'now'"),
        (&["why"][..], "<USER>"),
        (&["why", "somebody"][..], "a user's id is a number"),
        (&["why", "0"][..], "a user's id is a number"),
        (&["why", "-1001600000007"][..], "that is a group's id"),
        (&["why", "-7"][..], "a user's id is a number"),
        (&["why", "7", "here"][..], "a group's id is a number"),
        (&["why", "7", "-7"][..], "a group's id is a number"),
        (&["why", "7", "8", "9"][..], "'9'"),
    ] {
        let mut command = scene.command(arguments[0]);
        let (code, out, err) = output_of(command.args(&arguments[1..]));
        assert_eq!((code, out.as_str()), (Some(64), ""), "{arguments:?}");
        assert!(err.contains(words), "{words:?} is not in\n{err}");
    }
}
