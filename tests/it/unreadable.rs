//! Joiners whom no reference names, or whose user object cannot be parsed: they are looked at again as soon as Telegram shows them (docs/outcomes.md).

use std::collections::BTreeSet;

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, Visibility, bot_api_id};

use crate::harness::{Scene, user_with_photo};

const GET_USERS: &str = "users.getUsers";

/// Lets a user join whose photo only a look-up shows; returns the user's id.
fn join_min_user(scene: &Scene) -> i64 {
    let user = scene.sim.add_user(user_with_photo("Joiner").min(false));
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    user
}

/// Lets a `min` user join whose message is deleted before the look-up; returns the user's id.
fn join_unreadable(scene: &Scene) -> i64 {
    let held = Match::method(GET_USERS).once();
    scene.sim.fault(held, Fault::HoldBefore);
    let before = scene.sim.calls_of(GET_USERS).len();
    let user = scene.sim.add_user(user_with_photo("Joiner").min(false));
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_call(GET_USERS, before + 1);
    scene.sim.delete_messages(scene.group, &[message]);
    scene.sim.release();
    scene.wait_for_outcome(user, "unreadable");
    user
}

#[test]
fn an_update_that_shows_an_unreadable_joiner_decides_the_join() {
    let scene = Scene::started();
    let user = join_unreadable(&scene);
    // A `min` object shows no photo, and decides nothing.
    scene.sim.send_message(scene.group, user, "hello");
    scene.sim.set_visibility(user, Visibility::Full);
    scene.sim.send_message(scene.group, user, "hello");
    let photos = scene.wait_for_photos(1);
    assert_eq!((photos[0].user, photos[0].message), (user, 0));
    scene.wait_for_outcome(user, "forwarded");
    scene.finish_with_next_photo(1);
}

#[test]
fn another_join_of_an_unreadable_joiner_decides_both() {
    let scene = Scene::started();
    let user = join_unreadable(&scene);
    scene.sim.set_visibility(user, Visibility::Full);
    let other = scene.sim.add_group("Another group");
    scene.sim.join(other, user, JoinKind::ByLink);
    let photos = scene.wait_for_photos(2);
    let mut groups: Vec<i64> = photos.iter().map(|photo| photo.group).collect();
    groups.sort_unstable();
    let mut expected = [scene.group, other].map(bot_api_id);
    expected.sort_unstable();
    assert_eq!(groups, expected);
    scene.finish();
}

#[test]
fn an_unreadable_joiner_is_decided_long_after_the_join() {
    let mut scene = Scene::with_photo_size(64);
    scene.set("custom", "time_new = 1000");
    scene.start();
    let user = join_unreadable(&scene);
    scene.execute("UPDATE joins SET joined_at = joined_at - 7200");
    scene.sim.set_visibility(user, Visibility::Full);
    scene.sim.send_message(scene.group, user, "hello");
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}

#[test]
fn a_look_up_that_is_refused_for_a_while_makes_no_joiner_unreadable() {
    for users in [1, 4] {
        let scene = Scene::started();
        let refused = Match::method(GET_USERS).times(5);
        let refusal = Fault::error(400, "INPUT_REQUEST_INVALID");
        scene.sim.fault(refused, refusal);
        for _ in 0..users {
            join_min_user(&scene);
        }
        scene.wait_for_photos(users);
        scene.finish();
    }
}

#[test]
fn a_joiner_whose_object_cannot_be_parsed_leaves_the_others_decided() {
    let mut scene = Scene::started();
    scene.kill();
    let users: Vec<i64> = (0..50).map(|_| join_min_user(&scene)).collect();
    scene.sim.set_unreadable_user(users[20], true);
    scene.start();
    scene.wait_for_photos(49);
    scene.wait_for_outcome(users[20], "unreadable");
    let calls = scene.sim.calls_of(GET_USERS);
    assert!(calls.len() < 25, "{} calls", calls.len());
    // The object can be parsed again.
    scene.sim.set_unreadable_user(users[20], false);
    scene.sim.set_visibility(users[20], Visibility::Full);
    scene.sim.send_message(scene.group, users[20], "hello");
    scene.wait_for_photos_of(&users.into_iter().collect());
    scene.finish();
}

#[test]
fn a_joiner_about_whom_telegram_never_answers_holds_up_no_other() {
    let scene = Scene::started();
    let user = scene.sim.add_user(user_with_photo("Joiner").min(false));
    let look_ups = Match::method(GET_USERS).containing(user.to_le_bytes());
    scene.sim.fault(look_ups, Fault::error(500, "INTERNAL"));
    let before = scene.sim.calls_of(GET_USERS).len();
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_call(GET_USERS, before + 3);
    let others: BTreeSet<i64> = (0..3).map(|_| join_min_user(&scene)).collect();
    scene.wait_for_photos_of(&others);
    scene.sim.clear_faults();
    scene.wait_for_outcome(user, "forwarded");
    scene.finish();
}

#[test]
fn a_photo_to_except_about_which_telegram_never_answers_holds_up_no_join() {
    let scene = Scene::started();
    let user = scene.join_user();
    scene.wait_for_photos(1);
    let look_ups = Match::method(GET_USERS).containing(user.to_le_bytes());
    scene.sim.fault(look_ups, Fault::error(500, "INTERNAL"));
    let before = scene.sim.calls_of(GET_USERS).len();
    let excepted = json!({"id": user, "type": "long"});
    scene.order("NOSPAM", "add", "except", &excepted);
    scene.wait_for_call(GET_USERS, before + 2);
    let other = join_min_user(&scene);
    assert_eq!(scene.wait_for_photos(2)[1].user, other);
    scene.sim.clear_faults();
    scene.wait_for_rows("SELECT 1 FROM excepted", 1);
    scene.finish();
}
