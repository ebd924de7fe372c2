//! Orders of MANAGE: backups, rollbacks, administrators, and the reports to the debug channel.

use serde_json::{Value, json};
use telegram_sim::{JoinKind, bot_api_id};

use crate::harness::{Scene, user_with_photo};

#[test]
fn backup_now_posts_each_list_and_rollback_restores_one() {
    let mut scene = Scene::new();
    scene.start();
    let bad = scene.add_user();
    scene.obey("NOSPAM", "add", "bad", &json!({"id": bad, "type": "user"}));
    scene.wait_for_rows("SELECT 1 FROM admins", 1);
    scene.obey("MANAGE", "backup", "now", &Value::Null);
    let lists = scene.wait_for_envelopes("backup", "pickle", 2);
    let names: Vec<&str> = lists
        .iter()
        .filter_map(|envelope| envelope.json["data"].as_str())
        .collect();
    assert!(
        names.contains(&"bad_ids") && names.contains(&"admin_ids"),
        "{names:?}"
    );
    let saved = lists
        .iter()
        .find(|envelope| envelope.json["data"] == "bad_ids")
        .map(|envelope| envelope.post.file.clone().expect("a file").bytes)
        .expect("the bad list");
    scene.obey(
        "MANAGE",
        "clear",
        "bad",
        &json!({"admin_id": 7, "type": "users"}),
    );
    // A file of another list and a damaged file are refused and change nothing.
    let mut damaged = saved.clone();
    let middle = damaged.len() - 20;
    damaged[middle] ^= 1;
    for (list, file, reason) in [
        ("except_ids", &saved, "bad_ids"),
        ("bad_ids", &damaged, "does not open"),
    ] {
        let message = scene.roll_back(list, file);
        scene.wait_for_verdict(message, reason);
    }
    assert_eq!(scene.count("SELECT 1 FROM bad"), 0);
    let message = scene.roll_back("bad_ids", &saved);
    scene.wait_for_verdict(message, "obeyed");
    let restored = scene.query("SELECT id FROM bad", |row| row.get::<_, i64>(0));
    assert_eq!(restored, [bad]);
    assert_eq!(scene.replaced_lists("bad_ids").len(), 1);
    scene.finish();
}

#[test]
fn administrators_are_refreshed_when_manage_orders_it() {
    let mut scene = Scene::new();
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE admins_at IS NOT NULL", 1);
    let user = scene.sim.add_user(user_with_photo("Admin"));
    let adder = scene.sim.owner();
    scene.sim.join(scene.group, user, JoinKind::AddedBy(adder));
    scene.wait_for_outcome(user, "added_by_trusted");
    scene.sim.set_admin(scene.group, user, true);
    scene.obey("MANAGE", "update", "refresh", &json!(7));
    scene.wait_for_rows(&format!("SELECT 1 FROM admins WHERE user_id = {user}"), 1);
    scene.finish();
}

#[test]
fn orders_of_manage_are_reported_to_the_debug_channel() {
    let mut scene = Scene::new();
    let debug = bot_api_id(1_700_000_009);
    scene.set("channels", &format!("debug_channel_id = {debug}"));
    scene.start();
    scene.obey(
        "MANAGE",
        "clear",
        "user",
        &json!({"admin_id": 77, "type": "all"}),
    );
    let envelope = &scene.wait_for_envelopes("help", "send", 1)[0];
    assert_eq!(envelope.json["to"], json!(["HIDE"]));
    assert_eq!(envelope.json["data"], debug);
    let text = envelope.text();
    assert!(
        text.contains("77") && text.contains("users cleared"),
        "{text}"
    );
    scene.finish();
}
