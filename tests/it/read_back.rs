//! The first start after an import: groups are read back to the newest imported join (docs/promises.md).

use std::collections::BTreeSet;

use telegram_sim::{Fault, JoinKind, Match};

use crate::harness::{Scene, assert_contains, execute_batch, now};

const MESSAGES: &str = "channels.getMessages";

/// Makes a scene with the state of an import whose newest join is one hour old, or of a new installation. The scene's
/// group has joins of three hours ago, and those that are returned.
fn scene_with_joins(reads_back: bool) -> (Scene, BTreeSet<i64>) {
    let mut scene = Scene::with_photo_size(64);
    scene.sim.suppress_pushes(true);
    scene.start_and_sync();
    scene.stop();
    execute_batch(
        &scene.state(),
        "DELETE FROM ledger; DELETE FROM member_scans; DELETE FROM settings WHERE key = 'first_census'",
    );
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

/// Makes the newest imported join two days old.
fn import_long_ago(scene: &Scene) {
    let from = now() - 2 * 24 * 3600;
    scene.execute(&format!(
        "UPDATE settings SET value = '{from}' WHERE key = 'read_back_from'"
    ));
}

/// Sends messages in a group, all of one member.
fn send_messages(scene: &Scene, group: i64, count: usize) {
    for _ in 0..count {
        scene
            .sim
            .send_message(group, scene.sim.owner(), "A message");
    }
}

/// Starts the daemon and waits until all groups were read back; returns how many calls that took.
fn start_and_read_back(scene: &mut Scene) -> usize {
    let before = scene.sim.calls_of(MESSAGES).len();
    scene.start();
    scene.wait_for_log("the groups were read back");
    scene.sim.calls_of(MESSAGES).len() - before
}

#[test]
fn joins_since_the_newest_imported_one_are_forwarded() {
    let (mut scene, mut users) = scene_with_joins(true);
    start_and_read_back(&mut scene);
    scene.wait_for_photos_of(&users);
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
fn a_quiet_group_costs_one_call() {
    let (mut scene, mut users) = scene_with_joins(true);
    let groups = scene.sim.add_groups(30);
    for group in &groups {
        send_messages(&scene, *group, 101);
        scene.sim.age_chat(*group, 3 * 3600);
        users.insert(scene.join_user_in(*group));
    }
    let calls = start_and_read_back(&mut scene);
    assert_eq!(calls, groups.len() + 1, "{}", scene.log());
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), users.len());
    scene.finish();
}

#[test]
fn imported_photos_are_not_forwarded_again() {
    let (mut scene, users) = scene_with_joins(true);
    let users: Vec<i64> = users.into_iter().collect();
    let [forwarded, excepted, new] = users[..] else {
        panic!("not three users")
    };
    let photo = |user| scene.sim.photo_id(user).expect("a photo");
    scene.execute(&format!(
        "INSERT INTO forwarded (user_id, photo_id, group_id, message_id, sent_at) VALUES ({forwarded}, {}, {}, 0, {})",
        photo(forwarded),
        scene.group,
        now() - 7_200
    ));
    scene.execute(&format!(
        "INSERT INTO excepted VALUES ({}, {})",
        photo(excepted),
        now() - 7_200
    ));
    start_and_read_back(&mut scene);
    scene.wait_for_outcome(forwarded, "repeat");
    scene.wait_for_outcome(excepted, "excepted");
    scene.wait_for_photos_of(&BTreeSet::from([new]));
    scene.finish_with_next_photo(1);
}

#[test]
fn a_silent_join_since_the_newest_imported_one_is_found_in_the_list_of_members() {
    let (mut scene, mut users) = scene_with_joins(true);
    let date = |ago| i32::try_from(now() - ago).expect("before 2038");
    let (old, new) = (scene.add_user(), scene.add_user());
    scene.sim.add_member(scene.group, old, date(7_200));
    scene.sim.add_member(scene.group, new, date(900));
    users.insert(new);
    start_and_read_back(&mut scene);
    scene.wait_for_photos_of(&users);
    let found: Vec<String> = scene.query(
        &format!("SELECT found_by FROM joins WHERE user_id = {new}"),
        |row| row.get(0),
    );
    assert_eq!(found, ["scan"]);
    assert!(!scene.outcomes().contains_key(&old));
    scene.finish();
}

#[test]
fn a_kill_while_a_group_is_read_back_loses_and_repeats_no_join() {
    // Three calls search for where the reading begins, and three read.
    for held in 0..6 {
        let (mut scene, mut users) = scene_with_joins(true);
        for _ in 0..2 {
            send_messages(&scene, scene.group, 60);
            users.insert(scene.join_user());
        }
        scene
            .sim
            .fault(Match::method(MESSAGES).after(held), Fault::HoldBefore);
        scene.launch();
        scene.wait_for_call(MESSAGES, held + 1);
        scene.kill();
        scene.sim.clear_faults();
        send_messages(&scene, scene.group, 60);
        users.insert(scene.join_user());
        scene.start();
        scene.wait_for_photos_of(&users);
        scene.wait_until_settled();
        let outcomes = scene.outcomes();
        assert!(
            outcomes.values().all(|outcomes| *outcomes == ["forwarded"]),
            "{held}: {outcomes:?}"
        );
        assert_eq!(outcomes.len(), users.len(), "{held}");
        scene.finish();
    }
}

#[test]
fn a_message_that_cannot_be_read_costs_no_other_join() {
    let (mut scene, mut users) = scene_with_joins(true);
    send_messages(&scene, scene.group, 60);
    users.insert(scene.join_user());
    let message = scene
        .sim
        .send_message(scene.group, scene.sim.owner(), "A message");
    scene.sim.make_unreadable(scene.group, message);
    users.insert(scene.join_user());
    start_and_read_back(&mut scene);
    scene.wait_for_photos_of(&users);
    assert_eq!(
        scene.count("SELECT 1 FROM ledger WHERE unreadable_messages = 1"),
        1
    );
    scene.finish();
}

#[test]
fn deleted_messages_do_not_end_the_reading_back() {
    let (mut scene, mut users) = scene_with_joins(true);
    let first = scene
        .sim
        .send_message(scene.group, scene.sim.owner(), "The first one");
    send_messages(&scene, scene.group, 149);
    let ids: Vec<i32> = (first..first + 150).collect();
    scene.sim.delete_messages(scene.group, &ids);
    users.insert(scene.join_user());
    start_and_read_back(&mut scene);
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn a_group_without_messages_does_not_hold_up_the_end() {
    let (mut scene, _) = scene_with_joins(true);
    let all: Vec<i32> = (1..100).collect();
    scene.sim.delete_messages(scene.group, &all);
    // The list of dialogs is read to its end while the group still waits.
    let administrators = Match::method("channels.getParticipants").once();
    scene.sim.fault(administrators, Fault::HoldBefore);
    scene.launch();
    scene.wait_for_rows("SELECT 1 FROM settings WHERE key = 'first_census'", 1);
    scene.sim.release();
    scene.wait_for_log("the groups were read back");
    scene.finish();
}

#[test]
fn a_group_that_the_account_leaves_or_that_is_not_watched_any_more_does_not_hold_up_the_end() {
    for is_left in [true, false] {
        let (mut scene, mut users) = scene_with_joins(true);
        let other = scene.sim.add_group("Another group");
        send_messages(&scene, other, 120);
        users.insert(scene.join_user());
        let id = other.to_le_bytes();
        let second_page = Match::method(MESSAGES).containing(id).after(1).once();
        scene.sim.fault(second_page, Fault::HoldBefore);
        scene.launch();
        scene.poll("the second page", || {
            let calls = scene.sim.calls_of(MESSAGES);
            let is_of_other =
                |call: &&telegram_sim::Call| call.request.windows(8).any(|window| window == id);
            calls.iter().filter(is_of_other).count() == 2
        });
        if is_left {
            scene.sim.kick_me(other);
        } else {
            scene.sim.make_gigagroup(other);
        }
        scene.sim.release();
        scene.wait_for_log("the groups were read back");
        scene.wait_for_photos_of(&users);
        scene.finish();
    }
}

#[test]
fn a_first_start_without_an_import_reads_nothing_back() {
    let (mut scene, _) = scene_with_joins(false);
    scene
        .sim
        .join(scene.group, scene.add_user(), JoinKind::Silent);
    scene.start();
    let users = BTreeSet::from([scene.join_user()]);
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), 1);
    scene.finish();
}

#[test]
fn messages_beyond_2000_are_not_read_back() {
    let (mut scene, _) = scene_with_joins(true);
    let beyond = scene.join_user();
    let users = BTreeSet::from([scene.join_user()]);
    send_messages(&scene, scene.group, 1_999);
    // The list of members does not show joins this old.
    scene.sim.age_chat(scene.group, 2 * 3600);
    import_long_ago(&scene);
    start_and_read_back(&mut scene);
    scene.wait_for_photos_of(&users);
    assert!(!scene.outcomes().contains_key(&beyond));
    assert_contains(
        &scene.log(),
        &[
            "only the newest messages of a group are read back",
            "2,000 messages",
            "the groups were read back",
            "cut=1",
        ],
    );
    scene.finish();
}

#[test]
fn joins_more_than_24_hours_old_are_not_read_back() {
    let (mut scene, _) = scene_with_joins(true);
    import_long_ago(&scene);
    // The joins are 30 and 33 hours old.
    scene.sim.age_chat(scene.group, 30 * 3600);
    let users = BTreeSet::from([scene.join_user()]);
    start_and_read_back(&mut scene);
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), users.len());
    assert_contains(
        &scene.log(),
        &[
            "joins more than 24 hours old are left out",
            "only the newest messages of a group are read back",
            "24 hours",
            "the groups were read back",
            "cut=1",
        ],
    );
    scene.finish();
}
