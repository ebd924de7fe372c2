//! Orders about lists that come in one batch, as after a night in which the program was down; jobs of one second.

use std::fs;

use fleet_files::sealed::Sealer;
use scp_079_avatar::clock::Clock;
use scp_079_avatar::list_file::sealed_json::document;
use serde_json::{Value, json};

use super::{heard, opened, order, posted, users_of};
use crate::harness::{PASSWORD, Scene, read, said};

/// Posts the order to put a user on the bad list.
fn add_bad(scene: &Scene, user: i64) {
    let data = json!({"id": user, "type": "user"});
    order(scene, "add", "bad", &data, None);
}

/// Posts the order to roll the bad list back to these users.
fn roll_back(scene: &Scene, users: &[i64]) -> i32 {
    let data = json!({"users": users, "channels": []});
    let plain = document("bad_ids", data, "2026-11-20T20:00:00Z");
    let sealed = Sealer::new(&PASSWORD.into()).and_then(|sealer| sealer.seal_bytes(&plain));
    let data = json!({"admin_id": 7, "type": "bad_ids"});
    order(
        scene,
        "backup",
        "rollback",
        &data,
        Some(&sealed.expect("sealed")),
    )
}

/// The users of a file of the bad list.
fn bad_users(file: &[u8]) -> Value {
    opened(file).to_json().expect("JSON")["data"]["users"].clone()
}

/// The files that were posted as backups of the bad list, in their order.
fn backups(scene: &Scene) -> Vec<Value> {
    let posts = scene.sim.posts(scene.hide);
    posts
        .into_iter()
        .filter(|post| post.by_account && post.text.contains("\"bad_ids\""))
        .map(|post| bad_users(&post.file.expect("a file").bytes))
        .collect()
}

#[test]
fn each_of_two_rollbacks_in_one_batch_keeps_what_it_replaces() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    add_bad(&scene, 1);
    roll_back(&scene, &[2]);
    let last = roll_back(&scene, &[3]);
    scene.start();
    heard(&scene, last, "obeyed");
    assert_eq!(
        scene.query("SELECT id FROM bad", |row| row.get::<_, i64>(0)),
        [3]
    );
    let mut kept: Vec<String> = fs::read_dir(scene.data_dir())
        .expect("readable")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.to_string_lossy().contains("/replaced-bad_ids-"))
        .map(|path| bad_users(&read(&path)).to_string())
        .collect();
    kept.sort();
    assert_eq!(kept, ["[1]", "[2]"]);
    scene.finish();
}

#[test]
fn each_of_two_backups_in_one_batch_has_the_lists_of_its_own_moment() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    add_bad(&scene, 1);
    order(&scene, "backup", "now", &Value::Null, None);
    let clear = json!({"admin_id": 7, "type": "users"});
    order(&scene, "clear", "bad", &clear, None);
    add_bad(&scene, 2);
    let last = order(&scene, "backup", "now", &Value::Null, None);
    scene.start();
    heard(&scene, last, "obeyed");
    scene.poll("everything to be settled", || scene.unsettled().is_empty());
    assert_eq!(backups(&scene), [json!([1]), json!([2])]);
    scene.finish();
}

#[test]
fn a_backup_of_the_same_second_as_the_reset_comes_before_it() {
    for round in 1..=3 {
        let mut scene = Scene::new();
        scene.start();
        scene.stop();
        scene.query("INSERT INTO bad VALUES ('user', 1, 1) RETURNING id", |_| {
            Ok(())
        });
        // At a second that is to come once the daemon runs again.
        let at = jiff::Timestamp::from_second(Clock::system().now().get() + 4).expect("a moment");
        let at = at.to_zoned(jiff::tz::TimeZone::UTC);
        let time = format!("{} {} {} * * *", at.second(), at.minute(), at.hour());
        scene.set("custom", &format!("reset_day = \"{}\"", at.day()));
        scene.set(
            "schedule",
            &format!("backup = \"{time}\"\nreset_time = \"{time}\""),
        );
        scene.start();
        scene.poll("the reset", || {
            scene.query("SELECT 1 FROM bad", |_| Ok(())).is_empty()
        });
        scene.poll("everything to be settled", || scene.unsettled().is_empty());
        assert_eq!(backups(&scene), [json!([1])], "round {round}");
        scene.finish();
    }
}

#[test]
fn two_backups_in_a_row_keep_their_lists_apart() {
    let mut scene = Scene::new();
    scene.start();
    scene.wait_for_state("SELECT 1 FROM admins", 1);
    let sent = "SELECT settled_at FROM outbox WHERE kind = 'list' AND state = 'sent' ORDER BY 1";
    for count in 1..=2 {
        order(&scene, "backup", "now", &Value::Null, None);
        scene.wait_for_state(sent, count);
    }
    let times = scene.query(sent, |row| row.get::<_, i64>(0));
    assert!(times[1] - times[0] >= 5, "{times:?}");
    scene.finish();
}

#[test]
fn users_with_absurd_numbers_are_rolled_back_and_saved_again() {
    let mut scene = Scene::new();
    scene.start();
    let joins: Vec<Value> = [i64::MIN, -1, 0, 1 << 53, i64::MAX]
        .into_iter()
        .map(|odd| {
            json!({"group_id": -1_001_234_567_890_i64, "message_id": i32::MIN, "user_id": odd,
                   "joined_at": odd, "added_by": odd, "outcome": "\u{1b}[31mno_photo", "seen_at": odd})
        })
        .chain([json!({"group_id": -1_001_234_567_890_i64, "message_id": 0, "user_id": 7,
                       "joined_at": i64::MAX, "added_by": null, "outcome": "no_photo"})])
        .collect();
    let data = json!({"joins": joins, "forwarded": [{"user_id": 7, "photo_id": i64::MIN,
        "group_id": -1_001_234_567_890_i64, "message_id": -1, "sent_at": i64::MIN, "channel_id": null}]});
    let plain = document("user_ids", data, "2026-11-20T20:00:00Z");
    let sealed = Sealer::new(&PASSWORD.into()).and_then(|sealer| sealer.seal_bytes(&plain));
    let data = json!({"admin_id": 7, "type": "user_ids"});
    let last = order(
        &scene,
        "backup",
        "rollback",
        &data,
        Some(&sealed.expect("sealed")),
    );
    heard(&scene, last, "obeyed");
    order(&scene, "backup", "now", &Value::Null, None);
    assert_eq!(users_of(&posted(&scene, "user_ids")).joins.len(), 6);
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["why", "7"],
        &["why", "7", "--json"],
        &["why", "9223372036854775807"],
        &["why", "9007199254740992"],
    ] {
        let (code, out, err) = said(scene.command(arguments[0]).args(&arguments[1..]));
        assert!(!out.contains('\u{1b}'), "{out}");
        assert_eq!(code, Some(0), "{arguments:?}: {err}");
    }
    let data = json!({"admin_id": 7, "type": "new"});
    let last = order(&scene, "clear", "user", &data, None);
    heard(&scene, last, "obeyed");
    scene.finish();
}
