//! The first start after an import: groups are read back to the newest imported join (docs/promises.md).

use std::collections::BTreeSet;

use telegram_sim::{Fault, Match};

use crate::harness::{Scene, now};

/// Makes a scene in which no dialog was read yet, with joins of three hours ago and the ones that are returned.
fn scene_with_joins(reads_back: bool) -> (Scene, BTreeSet<i64>) {
    let mut scene = Scene::with_photo_size(64);
    scene.sim.suppress_pushes(true);
    scene.start_and_sync();
    scene.stop();
    scene.execute("DELETE FROM ledger");
    scene.execute("DELETE FROM settings WHERE key = 'first_census'");
    if reads_back {
        let from = now() - 3600;
        scene.execute(&format!(
            "INSERT INTO settings VALUES ('read_back_from', '{from}')"
        ));
    }
    scene.join_users(3);
    scene.sim.age_chat(scene.group, 3 * 3600);
    let joined = scene.join_users(3).into_iter().collect();
    scene.sim.suppress_pushes(false);
    (scene, joined)
}

#[test]
fn joins_since_the_newest_imported_one_are_forwarded() {
    let (mut scene, mut users) = scene_with_joins(true);
    scene.start();
    scene.wait_for_photos_of(&users);
    scene.wait_for_log("the groups are read back");
    users.insert(scene.join_user());
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), users.len());
    assert_eq!(
        scene.count("SELECT 1 FROM settings WHERE key = 'read_back_from'"),
        0
    );
    scene.finish();
}

#[test]
fn a_kill_while_groups_are_read_back_loses_and_repeats_no_join() {
    let (mut scene, users) = scene_with_joins(true);
    scene
        .sim
        .fault(Match::method("channels.getMessages"), Fault::HoldBefore);
    scene.launch();
    scene.wait_for_call("channels.getMessages", 1);
    scene.kill();
    scene.sim.clear_faults();
    scene.start();
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), users.len());
    scene.finish();
}

#[test]
fn a_first_start_without_an_import_reads_nothing_back() {
    let (mut scene, _) = scene_with_joins(false);
    scene.start();
    let users = BTreeSet::from([scene.join_user()]);
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), 1);
    scene.finish();
}

#[test]
fn joins_beyond_the_limits_are_logged() {
    let (mut scene, users) = scene_with_joins(true);
    let from = now() - 2 * 24 * 3600;
    scene.execute(&format!(
        "UPDATE settings SET value = '{from}' WHERE key = 'read_back_from'"
    ));
    let writer = scene.join_user();
    for _ in 0..2_000 {
        scene.sim.send_message(scene.group, writer, "A message");
    }
    scene.start();
    scene.wait_for_log("joins more than 24 hours old are left out");
    scene.wait_for_log("only the newest messages of a group are read back");
    let late = BTreeSet::from([scene.join_user()]);
    scene.wait_for_photos_of(&late);
    let outcomes = scene.outcomes();
    assert!(users.iter().all(|user| !outcomes.contains_key(user)));
    scene.finish();
}
