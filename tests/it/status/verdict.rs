//! The verdict of `status`: its first line, `--brief` and `--check`, of an instance that works and of those that do not.

use std::fs;

use rustix::process::{Signal, kill_process};

use super::{file_states, status, text_of};
use crate::harness::{Scene, assert_contains, execute_batch, output_of};

/// Makes what the daemon has stored of its last sign of life and contact older by minutes.
const AGE_LIFE: &str = "UPDATE settings SET value = CAST(unixepoch() - 600 AS TEXT)
    WHERE key IN ('alive_at', 'last_contact_at', 'started_at')";
const AGE_CONTACT: &str = "UPDATE settings SET value = CAST(unixepoch() - 600 AS TEXT)
    WHERE key IN ('last_contact_at', 'started_at')";

/// Runs `status --check`; returns its exit code and its line.
fn check(scene: &Scene) -> (Option<i32>, String) {
    let (code, out, err) = output_of(scene.command("status").arg("--check"));
    assert_eq!(err, "", "{out}");
    assert_eq!(out.lines().count(), 1, "{out}");
    (code, out.trim_end().to_owned())
}

/// Fails unless `status --check` ends with this code, and its line contains `words`.
#[track_caller]
fn assert_check(scene: &Scene, code: i32, words: &[&str]) -> String {
    let (exit_code, line) = check(scene);
    assert_eq!(exit_code, Some(code), "{line}");
    assert_contains(&line, words);
    line
}

#[test]
fn an_instance_that_works_is_ok_and_stays_so_without_joins() {
    let mut scene = Scene::with_photo_size(64);
    scene.write_config();
    assert_check(&scene, 1, &["STOPPED it has never run"]);
    scene.start();
    scene.wait_for_contact();
    let line = assert_check(
        &scene,
        0,
        &[
            "OK running for ",
            "last answer from Telegram ",
            "1 group, no photo waits",
        ],
    );
    assert!(line.starts_with("OK "), "{line}");
    let json = status(&scene);
    assert_eq!(json["verdict"]["state"], "ok");
    assert_eq!(json["verdict"]["reasons"], serde_json::json!([]));
    let text = text_of(&scene, "status", &[]);
    assert!(text.starts_with("OK running for "), "{text}");
    assert_contains(&text, &["  last answer   from Telegram, 20"]);

    let brief = text_of(&scene, "status", &["--brief"]);
    let lines: Vec<&str> = brief.lines().collect();
    assert_eq!(lines.len(), 5, "{brief}");
    assert!(lines[0].starts_with("OK running for "), "{brief}");
    for (line, words) in lines[1..].iter().zip([
        "groups  1 group, 1 watched, 0 left in 24 h; joins today: 0",
        "queue   no photo waits; reports and lists that wait: 0",
        "posts   photos in 24 h: 0 posted, 0 dropped, 0 given up in the last hour; go to HIDE",
        "limits  none",
    ]) {
        assert_eq!(*line, words, "{brief}");
    }

    // A service that somebody stopped is no trouble, but it does not run.
    scene.stop();
    let before = file_states(&scene);
    assert_check(&scene, 1, &["STOPPED a signal ended it "]);
    assert_eq!(text_of(&scene, "status", &["--brief"]).lines().count(), 5);
    assert!(file_states(&scene) == before, "a file was changed");
    // A start after a long pause is no trouble either.
    scene.execute(AGE_LIFE);
    scene.start();
    scene.wait_for_contact();
    assert_check(&scene, 0, &["OK running for "]);
    scene.kill();
    assert_check(
        &scene,
        1,
        &["TROUBLE it does not run, and did not end cleanly"],
    );
    scene.finish();
}

#[test]
fn a_silent_telegram_is_trouble_although_the_process_lives() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.wait_for_contact();
    scene.sim.silence_connections();
    scene.sim.refuse_connections(true);
    // The daemon may store its record in between.
    scene.poll("a verdict on the silence", || {
        scene.execute(AGE_CONTACT);
        check(&scene).1 == "TROUBLE no answer from Telegram for 10 min"
    });
    let json = status(&scene);
    assert_eq!(json["instance"]["state"], "running");
    scene.sim.refuse_connections(false);
    scene.finish();
}

#[test]
fn a_frozen_process_is_trouble() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.wait_for_contact();
    scene.wait_until_settled();
    let signal = |signal| kill_process(scene.pid(), signal).expect("signalled");
    // The daemon may store its record before it is stopped.
    scene.poll("a verdict on the frozen process", || {
        signal(Signal::CONT);
        scene.execute(AGE_LIFE);
        signal(Signal::STOP);
        let (code, line) = check(&scene);
        let is_frozen = line.contains("has given no sign of life for 10 min: it hangs");
        assert_eq!(code, Some(i32::from(is_frozen)), "{line}");
        is_frozen && line.starts_with("TROUBLE pid ")
    });
    signal(Signal::CONT);
    scene.finish();
}

#[test]
fn an_error_that_ended_the_program_is_in_the_verdict() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.stop();
    scene.sim.revoke_session();
    scene.launch();
    assert_eq!(scene.wait_for_exit().0, Some(77));
    assert_check(&scene, 1, &["TROUBLE an error ended it ", "session"]);
    scene.sim.restore_login();
    // Another command uses the data directory.
    let lock = fs::File::open(scene.data_dir().join("lock")).expect("opened");
    lock.lock().expect("locked");
    assert_check(&scene, 1, &["STOPPED pid ", "running another command"]);
    drop(lock);
    scene.finish();
}

#[test]
fn what_keeps_a_running_program_from_its_work_is_in_the_verdict() {
    let mut scene = Scene::with_photo_size(64);
    let kicked = scene.sim.add_group("A lost group");
    scene.start_and_sync();
    scene.wait_for_contact();
    scene.sim.kick_me(kicked);
    scene.wait_for_rows(
        "SELECT 1 FROM ledger WHERE left_at IS NOT NULL AND NOT present",
        1,
    );
    let lost = "the account left the group \"A lost group\", or was removed, ";
    assert_check(&scene, 1, &["TROUBLE ", lost]);
    // The group comes first, although groups that the account is in have other ids.
    let text = text_of(&scene, "status", &[]);
    let (_, groups) = text.split_once("\nGroups\n").expect("the groups");
    assert_contains(
        groups.lines().nth(1).expect("a row"),
        &["left", "A lost group"],
    );
    let brief = text_of(&scene, "status", &["--brief"]);
    assert_contains(&brief, &["1 watched, 1 left in 24 h"]);
    scene.sim.add_me(kicked);
    scene.wait_for_rows(
        "SELECT 1 FROM ledger WHERE kind = 'group' AND left_at IS NULL AND present",
        2,
    );
    assert_check(&scene, 0, &["OK "]);

    // A photo that waits for its post, and grows old.
    scene.refuse_file_posts();
    let user = scene.join_user();
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 1);
    assert_check(&scene, 0, &["OK ", "1 photo waits, for "]);
    scene.execute("UPDATE outbox SET created_at = created_at - 2400 WHERE kind = 'avatar'");
    assert_check(&scene, 1, &["TROUBLE the oldest photo waits for 40 min"]);
    scene.execute("UPDATE outbox SET created_at = created_at + 2400 WHERE kind = 'avatar'");
    scene.sim.clear_faults();
    scene.wait_for_outcome(user, "forwarded");

    // The account loses the right to post.
    scene.execute(&format!(
        "UPDATE ledger SET can_post = 0 WHERE channel_id = {}",
        scene.hide
    ));
    assert_check(
        &scene,
        1,
        &["TROUBLE cannot post: the account may not write in HIDE"],
    );
    scene.execute(&format!(
        "UPDATE ledger SET can_post = 1 WHERE channel_id = {}",
        scene.hide
    ));

    // The process does not run its jobs, as the stored times say.
    scene.stop();
    execute_batch(
        &scene.state(),
        "UPDATE outbox SET state = 'dropped', settled_at = unixepoch() WHERE kind = 'avatar';
         UPDATE joins SET outcome = 'expired'",
    );
    scene.start();
    scene.wait_for_contact();
    assert_check(
        &scene,
        1,
        &["TROUBLE given up in the last hour: 1 photo that waited for too long"],
    );
    scene.finish();
}
