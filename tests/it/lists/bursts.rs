//! Orders about lists that are applied in one batch, as after a pause of the program, and jobs due in the same second.

use serde_json::{Value, json};

use super::{users_in, wait_for_backup};
use crate::harness::{Scene, daily, now, open_list, output_of, read_file, sealed_list, utc};

/// Posts the order to add a user to the bad list.
fn add_bad(scene: &Scene, user: i64) {
    let data = json!({"id": user, "type": "user"});
    scene.order("MANAGE", "add", "bad", &data);
}

/// Posts the order to roll the bad list back to these users.
fn roll_back(scene: &Scene, users: &[i64]) -> i32 {
    let data = json!({"users": users, "channels": []});
    scene.roll_back("bad_ids", &sealed_list("bad_ids", data))
}

/// Returns the users in a file of the bad list.
fn bad_users(file: &[u8]) -> Value {
    open_list(file).to_json().expect("JSON")["data"]["users"].clone()
}

/// Returns the users in each posted backup of the bad list, oldest post first.
fn posted_bad_users(scene: &Scene) -> Vec<Value> {
    let posts = scene.sim.posts(scene.hide);
    posts
        .into_iter()
        .filter(|post| post.by_account && post.text.contains("\"bad_ids\""))
        .map(|post| bad_users(&post.file.expect("a file").bytes))
        .collect()
}

#[test]
fn each_of_two_rollbacks_in_one_batch_keeps_the_list_that_it_replaces() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    add_bad(&scene, 1);
    roll_back(&scene, &[2]);
    let last = roll_back(&scene, &[3]);
    scene.start();
    scene.wait_for_verdict(last, "obeyed");
    assert_eq!(
        scene.query("SELECT id FROM bad", |row| row.get::<_, i64>(0)),
        [3]
    );
    let mut kept: Vec<String> = scene
        .replaced_lists("bad_ids")
        .iter()
        .map(|path| bad_users(&read_file(path)).to_string())
        .collect();
    kept.sort();
    assert_eq!(kept, ["[1]", "[2]"]);
    scene.finish();
}

#[test]
fn each_of_two_backups_in_one_batch_has_the_list_of_its_own_time() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    add_bad(&scene, 1);
    scene.order("MANAGE", "backup", "now", &Value::Null);
    let clear = json!({"admin_id": 7, "type": "users"});
    scene.order("MANAGE", "clear", "bad", &clear);
    add_bad(&scene, 2);
    let last = scene.order("MANAGE", "backup", "now", &Value::Null);
    scene.start();
    scene.wait_for_verdict(last, "obeyed");
    scene.wait_until_settled();
    assert_eq!(posted_bad_users(&scene), [json!([1]), json!([2])]);
    scene.finish();
}

#[test]
fn a_backup_due_in_the_same_second_as_the_reset_precedes_it() {
    for round in 1..=3 {
        let mut scene = Scene::new();
        scene.start();
        scene.stop();
        scene.execute("INSERT INTO bad VALUES ('user', 1, 1)");
        // By then the daemon runs again, also on a busy machine.
        let at = now() + 8;
        let time = daily(at);
        scene.set("custom", &format!("reset_day = \"{}\"", utc(at).day()));
        scene.set(
            "schedule",
            &format!("backup = \"{time}\"\nreset_time = \"{time}\""),
        );
        scene.start();
        scene.poll("the reset", || scene.count("SELECT 1 FROM bad") == 0);
        scene.wait_until_settled();
        assert_eq!(posted_bad_users(&scene), [json!([1])], "round {round}");
        scene.finish();
    }
}

#[test]
fn two_backups_in_a_row_post_their_lists_apart() {
    let mut scene = Scene::new();
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM admins", 1);
    let sent = "SELECT settled_at FROM outbox WHERE kind = 'list' AND state = 'sent' ORDER BY 1";
    for count in 1..=2 {
        scene.order("MANAGE", "backup", "now", &Value::Null);
        scene.wait_for_rows(sent, count);
    }
    let times = scene.query(sent, |row| row.get::<_, i64>(0));
    assert!(times[1] - times[0] >= 5, "{times:?}");
    scene.finish();
}

#[test]
fn users_with_absurd_numbers_are_rolled_back_and_backed_up_again() {
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
    let last = scene.roll_back("user_ids", &sealed_list("user_ids", data));
    scene.wait_for_verdict(last, "obeyed");
    scene.order("MANAGE", "backup", "now", &Value::Null);
    assert_eq!(
        users_in(&wait_for_backup(&scene, "user_ids")).joins.len(),
        6
    );
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["why", "7"],
        &["why", "7", "--json"],
        &["why", "9223372036854775807"],
        &["why", "9007199254740992"],
    ] {
        let (code, out, err) = output_of(scene.command(arguments[0]).args(&arguments[1..]));
        assert!(!out.contains('\u{1b}'), "{out}");
        assert_eq!(code, Some(0), "{arguments:?}: {err}");
    }
    let data = json!({"admin_id": 7, "type": "new"});
    let last = scene.order("MANAGE", "clear", "user", &data);
    scene.wait_for_verdict(last, "obeyed");
    scene.finish();
}
