//! New members whose joins have no message that the daemon reads: lists of members show them, and each is forwarded
//! once with `message_id` 0 (docs/outcomes.md).

mod hidden_groups;
mod interrupted_scans;

use serde_json::json;
use telegram_sim::{JoinKind, bot_api_id};

use crate::harness::{Scene, now, user_with_photo};

/// Makes a started scene whose group the account entered long ago.
fn started() -> Scene {
    let mut scene = Scene::with_photo_size(64);
    scene.sim.age_chat(scene.group, 100_000);
    scene.start();
    scene
}

/// Makes such a scene whose group shows no joins.
fn silent_group() -> Scene {
    let scene = started();
    scene.sim.hide_joins(scene.group, true);
    scene
}

/// Waits until the list of members of the scene's group was read.
fn wait_for_scan(scene: &Scene) {
    let sql = format!(
        "SELECT 1 FROM member_scans WHERE group_id = {} AND scanned_at > 1",
        scene.group
    );
    scene.wait_for_rows(&sql, 1);
}

/// Makes the list of members of the scene's group due, as after a long time.
fn make_due(scene: &Scene) {
    wait_for_scan(scene);
    scene.execute(&format!(
        "UPDATE member_scans SET scanned_at = 1, gap_scanned_at = NULL, first_message_scanned_at = NULL
         WHERE group_id = {}",
        scene.group
    ));
}

/// Has the list of members of the scene's group read again, for the first message of a stranger.
fn scan_again(scene: &Scene) {
    make_due(scene);
    let stranger = scene.add_user();
    scene.sim.send_message(scene.group, stranger, "hello");
    wait_for_scan(scene);
}

/// Returns how the joins of a user were found, and their messages, oldest first.
fn joins_of(scene: &Scene, user: i64) -> Vec<(String, i32)> {
    let sql =
        format!("SELECT found_by, message_id FROM joins WHERE user_id = {user} ORDER BY joined_at");
    scene.query(&sql, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Lets a user with a photo join the scene's group without a message; returns the user's id.
fn join_unseen(scene: &Scene) -> i64 {
    let user = scene.add_user();
    scene.sim.join(scene.group, user, JoinKind::Silent);
    user
}

#[test]
fn joins_without_a_message_are_found_once() {
    let scene = silent_group();
    let old = scene.add_user();
    let long_ago = i32::try_from(now() - 100_000).expect("before 2038");
    scene.sim.add_member(scene.group, old, long_ago);
    let users = scene.join_users(3);
    let mut photos = scene.wait_for_photos(3);
    photos.sort_by_key(|photo| photo.user);
    for (photo, user) in photos.iter().zip(&users) {
        let found = (photo.user, photo.message, photo.group);
        assert_eq!(found, (*user, 0, bot_api_id(scene.group)));
        assert_eq!(photo.image, scene.sim.photo_bytes(*user));
        let joins = joins_of(&scene, *user);
        assert_eq!(joins.len(), 1);
        assert_eq!(joins[0].0, "scan");
        assert!(joins[0].1 < 0, "{joins:?}");
    }
    scan_again(&scene);
    assert_eq!(joins_of(&scene, old), []);
    assert_eq!(scene.count("SELECT 1 FROM joins"), 3);
    let classes = scene.query("SELECT class FROM ledger WHERE kind = 'group'", |row| {
        row.get::<_, String>(0)
    });
    assert_eq!(classes, ["scanned"]);
    assert_eq!(scene.photos().len(), 3);
    scene.finish();
}

#[test]
fn a_join_whose_message_was_deleted_unread_is_counted_and_found() {
    let scene = started();
    // The position in the group is exact from the first message on.
    let seen = scene.join_user();
    scene.wait_for_outcome(seen, "forwarded");
    make_due(&scene);
    let user = scene.add_user();
    scene
        .sim
        .join_and_delete_unseen(scene.group, user, JoinKind::ByLink);
    let photos = scene.wait_for_photos(2);
    assert_eq!((photos[1].user, photos[1].message), (user, 0));
    assert_eq!(joins_of(&scene, user)[0].0, "scan");
    let deleted = "SELECT deleted_unread FROM ledger WHERE deleted_unread > 0";
    assert_eq!(scene.query(deleted, |row| row.get::<_, i64>(0)), [1]);
    scene.finish();
}

#[test]
fn a_rise_of_the_member_count_has_the_list_of_members_read() {
    let scene = started();
    scene.sim.show_participants_counts(true);
    scene.sim.push_channel(scene.group);
    let counted = format!(
        "SELECT 1 FROM member_scans WHERE group_id = {} AND member_count > 0",
        scene.group
    );
    scene.wait_for_rows(&counted, 1);
    make_due(&scene);
    let user = join_unseen(&scene);
    scene.sim.push_channel(scene.group);
    let photos = scene.wait_for_photos(1);
    assert_eq!((photos[0].user, photos[0].message), (user, 0));
    assert_eq!(joins_of(&scene, user)[0].0, "scan");
    scene.finish();
}

#[test]
fn an_administrator_in_the_list_is_no_new_member() {
    let scene = started();
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE admins_at IS NOT NULL", 1);
    let admin = join_unseen(&scene);
    scene.sim.set_admin(scene.group, admin, true);
    wait_for_scan(&scene);
    let sql = format!("SELECT 1 FROM admins WHERE user_id = {admin}");
    assert_eq!(scene.count(&sql), 1, "the list shows the promotion");
    assert_eq!(joins_of(&scene, admin), []);
    scene.finish_with_next_photo(0);
}

#[test]
fn a_restricted_member_in_the_list_is_new() {
    let scene = silent_group();
    let user = join_unseen(&scene);
    let date = i32::try_from(now()).expect("before 2038");
    scene.sim.restrict_member(scene.group, user, date, true);
    let photos = scene.wait_for_photos(1);
    assert_eq!((photos[0].user, photos[0].message), (user, 0));
    scene.finish();
}

#[test]
fn a_member_who_leaves_and_joins_again_has_two_joins() {
    let scene = silent_group();
    let user = join_unseen(&scene);
    scene.wait_for_outcome(user, "forwarded");
    scene.sim.leave(scene.group, user);
    // The same photo of the same user would be a repeat.
    scene
        .sim
        .set_photo(user, Some(telegram_sim::PhotoSpec::jpeg()));
    scene.sim.join(scene.group, user, JoinKind::Silent);
    scan_again(&scene);
    let photos = scene.wait_for_photos(2);
    assert_eq!((photos[1].user, photos[1].message), (user, 0));
    assert_eq!(photos[1].image, scene.sim.photo_bytes(user));
    assert_eq!(joins_of(&scene, user).len(), 2);
    scene.finish();
}

#[test]
fn a_member_whom_an_order_forgot_is_not_found_again() {
    let scene = silent_group();
    let user = join_unseen(&scene);
    scene.wait_for_outcome(user, "forwarded");
    let clear = json!({"admin_id": 7, "type": "all"});
    scene.obey("MANAGE", "clear", "user", &clear);
    assert_eq!(joins_of(&scene, user), []);
    // Dates are whole seconds.
    let cleared_at = now();
    scene.poll("the next second", || now() > cleared_at);
    let later = join_unseen(&scene);
    scan_again(&scene);
    let photos = scene.wait_for_photos(2);
    assert_eq!(photos[1].user, later);
    assert_eq!(joins_of(&scene, user), []);
    scene.finish();
}

/// Makes a scene whose group neither pushes nor has differences, and in which a scan has found a member whose join has
/// a message. Returns the scene and the ids of the user and of the message.
fn found_before_its_message() -> (Scene, i64, i32) {
    let scene = started();
    scene.refuse_downloads();
    scene.sim.set_silent(scene.group, true);
    scene
        .sim
        .refuse_differences(scene.group, 500, "HISTORY_GET_FAILED");
    let user = scene.add_user();
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_outcome(user, "queued");
    let joins = joins_of(&scene, user);
    assert_eq!(joins.len(), 1);
    assert!(joins[0].1 < 0, "{joins:?}");
    (scene, user, message)
}

/// Lets the group push again, waits until the message of the join is known, and then for the photo of the join.
fn assert_message_is_filled_in(scene: Scene, user: i64, message: i32) {
    scene.sim.set_silent(scene.group, false);
    scene.sim.restore_differences(scene.group);
    let member = scene.add_user();
    scene.sim.send_message(scene.group, member, "hello");
    scene.poll("the message to be filled in", || {
        joins_of(&scene, user) == [("scan".to_owned(), message)]
    });
    scene.sim.clear_faults();
    let photos = scene.wait_for_photos(1);
    let found = (photos[0].user, photos[0].message);
    assert_eq!(found, (user, i64::from(message)));
    scene.finish_with_next_photo(1);
}

#[test]
fn a_join_message_after_the_scan_belongs_to_the_same_join() {
    let (scene, user, message) = found_before_its_message();
    assert_message_is_filled_in(scene, user, message);
}

#[test]
fn a_join_message_after_a_kill_belongs_to_the_join_that_was_found_before() {
    let (mut scene, user, message) = found_before_its_message();
    scene.kill();
    scene.start();
    assert_message_is_filled_in(scene, user, message);
}

#[test]
fn a_raid_without_messages_is_read_page_by_page() {
    let scene = silent_group();
    let joined = i32::try_from(now()).expect("before 2038");
    let raiders = scene.sim.add_members(scene.group, 420, joined..=joined + 1);
    let found = "SELECT 1 FROM joins WHERE outcome = 'no_photo' AND found_by = 'scan'";
    scene.wait_for_rows(found, raiders.len());
    assert_eq!(scene.count("SELECT 1 FROM joins"), raiders.len());
    scene.finish();
}

#[test]
fn the_list_of_members_shows_an_unreadable_joiner() {
    let scene = started();
    let spec = user_with_photo("Joiner").min(false);
    let user = scene.sim.add_user(spec);
    // The message is gone before the daemon can name the user by it.
    let lookup = telegram_sim::Match::method("users.getUsers");
    scene
        .sim
        .fault(lookup, telegram_sim::Fault::error(400, "MSG_ID_INVALID"));
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_outcome(user, "unreadable");
    scene.sim.clear_faults();
    scene.sim.delete_messages(scene.group, &[message]);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    assert_eq!(joins_of(&scene, user).len(), 1);
    scene.finish_with_next_photo(1);
}
