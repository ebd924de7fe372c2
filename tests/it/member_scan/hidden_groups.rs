//! Groups that hide their members: first messages show new ones, by the date of the join or by `[custom] unseen`.

use telegram_sim::{JoinKind, bot_api_id};

use super::joins_of;
use crate::harness::{Scene, now, user_with_photo};

/// Makes a started scene whose group hides its members and joins, and waits until the daemon knows.
fn hidden_group(refuses_dates: bool, unseen: &str) -> Scene {
    let mut scene = Scene::with_photo_size(64);
    scene.set("custom", &format!("unseen = \"{unseen}\""));
    scene.sim.age_chat(scene.group, 100_000);
    scene.sim.hide_joins(scene.group, true);
    scene.sim.hide_members(scene.group, true);
    scene.sim.refuse_join_dates(scene.group, refuses_dates);
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE class = 'hidden'", 1);
    scene
}

/// Adds a user who is a member since long before.
fn add_old_member(scene: &Scene) -> i64 {
    let user = scene.add_user();
    let date = i32::try_from(now() - 50_000).expect("before 2038");
    scene.sim.add_member(scene.group, user, date);
    user
}

/// Lets a `min` user join unseen and write a first message; returns the user's id.
fn write_as_new_member(scene: &Scene) -> i64 {
    let user = scene.sim.add_user(user_with_photo("Joiner").min(true));
    scene.sim.join(scene.group, user, JoinKind::Silent);
    scene.sim.send_message(scene.group, user, "hello");
    user
}

fn wait_for_state(scene: &Scene, user: i64, state: &str) {
    let sql = format!("SELECT 1 FROM senders WHERE user_id = {user} AND state = '{state}'");
    scene.wait_for_rows(&sql, 1);
}

/// Ends the learning of a group whose dates are refused: a member writes, and the time is set back.
fn end_learning(scene: &Scene) {
    let old = add_old_member(scene);
    scene.sim.send_message(scene.group, old, "hello");
    wait_for_state(scene, old, "known");
    assert_eq!(joins_of(scene, old), [], "senders are learned");
    scene.execute("UPDATE member_scans SET learning_since = 1 WHERE dates_refused_at IS NOT NULL");
}

#[test]
fn a_first_message_from_before_the_group_was_known_as_hidden_is_not_lost() {
    let mut scene = Scene::with_photo_size(64);
    scene.sim.age_chat(scene.group, 100_000);
    scene.sim.hide_joins(scene.group, true);
    scene.sim.hide_members(scene.group, true);
    scene.start();
    let user = write_as_new_member(&scene);
    let photos = scene.wait_for_photos(1);
    assert_eq!((photos[0].user, photos[0].message), (user, 0));
    assert_eq!(joins_of(&scene, user)[0].0, "first_message");
    scene.finish();
}

#[test]
fn the_date_of_a_join_shows_who_is_new_in_a_hidden_group() {
    let scene = hidden_group(false, "skip");
    let old = add_old_member(&scene);
    scene.sim.send_message(scene.group, old, "hello");
    let commenter = scene.add_user();
    scene.sim.send_message(scene.group, commenter, "hello");
    let user = write_as_new_member(&scene);
    wait_for_state(&scene, old, "known");
    wait_for_state(&scene, commenter, "commenter");
    let photos = scene.wait_for_photos(1);
    let found = (photos[0].user, photos[0].message, photos[0].group);
    assert_eq!(found, (user, 0, bot_api_id(scene.group)));
    assert_eq!(joins_of(&scene, user)[0].0, "first_message");
    // Everybody is asked about once.
    for sender in [old, commenter, user] {
        scene.sim.send_message(scene.group, sender, "again");
    }
    let next = write_as_new_member(&scene);
    scene.wait_for_outcome(next, "forwarded");
    assert_eq!(scene.sim.calls_of("channels.getParticipant").len(), 4);
    assert_eq!(scene.photos().len(), 2);
    scene.finish();
}

#[test]
fn a_first_message_shows_a_new_member_where_dates_are_refused() {
    let scene = hidden_group(true, "forward");
    end_learning(&scene);
    let user = write_as_new_member(&scene);
    let photos = scene.wait_for_photos(1);
    assert_eq!((photos[0].user, photos[0].message), (user, 0));
    assert_eq!(joins_of(&scene, user)[0].0, "first_message");
    assert_eq!(scene.sim.calls_of("channels.getParticipant").len(), 1);
    scene.finish();
}

#[test]
fn a_first_message_proves_nothing_with_unseen_skip() {
    let scene = hidden_group(true, "skip");
    end_learning(&scene);
    let user = write_as_new_member(&scene);
    scene.wait_for_outcome(user, "unproven");
    assert_eq!(scene.sim.calls_of("channels.getParticipant").len(), 1);
    assert_eq!(scene.photos().len(), 0);
    scene.finish();
}
