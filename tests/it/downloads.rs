//! Downloads of photos that hang or are refused: they delay and fail no other join (docs/outcomes.md, "Downloads").

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, bot_api_id};

use crate::harness::{Scene, user_with_photo};

const GET_FILE: &str = "upload.getFile";
const FAILED: &str = "SELECT 1 FROM joins WHERE outcome = 'failed'";

/// Lets a user join whose downloads meet this fault; returns the user's id.
fn join_with_fault(scene: &Scene, fault: Fault) -> i64 {
    let user = scene.add_user();
    scene
        .sim
        .fault(Match::method(GET_FILE).photo_of(user), fault);
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    user
}

/// Lets a user join the scene's group and `others` further ones while the first download is held; returns the user's id
/// and the groups.
fn join_groups_with_held_download(scene: &Scene, others: usize) -> (i64, Vec<i64>) {
    let user = scene.add_user();
    let held = Match::method(GET_FILE).photo_of(user).once();
    scene.sim.fault(held, Fault::HoldBefore);
    let mut groups = vec![scene.group];
    groups.extend((0..others).map(|number| scene.sim.add_group(&format!("Group {number}"))));
    for group in &groups {
        scene.sim.join(*group, user, JoinKind::ByLink);
    }
    scene.wait_for_call(GET_FILE, 1);
    scene.wait_for_rows(
        "SELECT 1 FROM outbox WHERE kind = 'avatar' AND state = 'wanted'",
        groups.len(),
    );
    (user, groups)
}

#[test]
fn a_photo_that_is_answered_with_500_for_ever_delays_no_other_photo() {
    let scene = Scene::started();
    join_with_fault(&scene, Fault::error(500, "INTERNAL"));
    // The pause after four attempts is longer than the next user has to wait.
    scene.wait_for_call(GET_FILE, 4);
    let other = scene.join_user();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, other);
    let calls = scene.sim.calls_of(GET_FILE).len();
    assert_eq!(calls, 5, "the data centre was paused");
    scene.sim.clear_faults();
    scene.wait_for_photos(2);
    scene.finish();
}

#[test]
fn downloads_that_hang_delay_no_other_photo() {
    let scene = Scene::started();
    for _ in 0..3 {
        let calls = scene.sim.calls_of(GET_FILE).len();
        join_with_fault(&scene, Fault::HoldBefore);
        scene.wait_for_call(GET_FILE, calls + 1);
    }
    let other = scene.join_user();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, other);
    let calls = scene.sim.calls_of(GET_FILE).len();
    assert_eq!(calls, 4, "the photo waited for the end of other downloads");
    scene.sim.clear_faults();
    scene.sim.release();
    scene.wait_for_photos(4);
    scene.finish();
}

#[test]
fn downloads_that_are_refused_for_a_while_fail_no_join() {
    // The first name concerns a photo, the second one the call.
    for (name, calls_per_attempt) in [("LOCATION_INVALID", 2), ("INPUT_REQUEST_INVALID", 1)] {
        let scene = Scene::started();
        let refusal = Fault::error(400, name);
        scene.sim.fault(Match::method(GET_FILE), refusal);
        scene.join_users(3);
        // One of them was tried three times.
        scene.wait_for_call(GET_FILE, 7 * calls_per_attempt);
        scene.sim.clear_faults();
        let photos = scene.wait_for_photos(3);
        assert_eq!(photos.len(), 3);
        assert_eq!(scene.count(FAILED), 0);
        scene.finish();
    }
}

#[test]
fn only_a_photo_that_is_refused_for_ten_minutes_fails() {
    let mut scene = Scene::started();
    let refused = join_with_fault(&scene, Fault::error(400, "LOCATION_INVALID"));
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE refused_at IS NOT NULL", 1);
    let other = scene.join_user();
    assert_eq!(scene.wait_for_photos(1)[0].user, other);
    scene.kill();
    assert_eq!(scene.count(FAILED), 0);
    let change = "refused_at = refused_at - 600, due_at = 0 WHERE refused_at IS NOT NULL";
    scene.execute(&format!("UPDATE outbox SET {change}"));
    scene.start();
    scene.wait_for_outcome(refused, "failed");
    scene.finish_with_next_photo(1);
}

#[test]
fn a_photo_that_waits_after_a_refusal_shows_the_reason() {
    let scene = Scene::started();
    let refused = join_with_fault(&scene, Fault::error(500, "INTERNAL"));
    scene.wait_for_call(GET_FILE, 3);
    let (_, text, _) = crate::harness::output_of(scene.command("why").arg(refused.to_string()));
    assert!(text.contains("500 INTERNAL"), "{text}");
    scene.sim.clear_faults();
    scene.wait_for_photos(1);
    let (_, text, _) = crate::harness::output_of(scene.command("why").arg(refused.to_string()));
    assert!(!text.contains("500 INTERNAL"), "{text}");
    scene.finish();
}

#[test]
fn a_photo_that_is_owed_for_several_groups_is_downloaded_once() {
    let scene = Scene::started();
    scene.refuse_file_posts();
    let (user, mut groups) = join_groups_with_held_download(&scene, 4);
    scene.sim.release();
    let spooled = "SELECT 1 FROM outbox WHERE kind = 'avatar' AND spool IS NOT NULL";
    scene.wait_for_rows(spooled, 5);
    // Another group follows while the photo waits in the spool.
    groups.push(scene.sim.add_group("A late group"));
    scene.sim.join(groups[5], user, JoinKind::ByLink);
    scene.wait_for_rows(spooled, 6);
    scene.sim.clear_faults();
    let photos = scene.wait_for_photos(6);
    let image = scene.sim.photo_bytes(user);
    assert!(photos.iter().all(|photo| photo.image == image));
    let mut posted: Vec<i64> = photos.iter().map(|photo| photo.group).collect();
    posted.sort_unstable();
    let mut joined: Vec<i64> = groups.into_iter().map(bot_api_id).collect();
    joined.sort_unstable();
    assert_eq!(posted, joined);
    assert_eq!(scene.sim.calls_of(GET_FILE).len(), 1);
    scene.finish();
}

#[test]
fn a_cancelled_row_does_not_take_the_photo_from_the_others() {
    for kill in [false, true] {
        let mut scene = Scene::started();
        scene.refuse_file_posts();
        let (_, groups) = join_groups_with_held_download(&scene, 2);
        let message: i32 = scene.query(
            &format!(
                "SELECT message_id FROM joins WHERE group_id = {}",
                groups[1]
            ),
            |row| row.get(0),
        )[0];
        let declared = json!({"group_id": bot_api_id(groups[1]), "message_id": message});
        scene.obey("NOSPAM", "update", "declare", &declared);
        scene.sim.release();
        scene.wait_for_rows("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 2);
        if kill {
            scene.kill();
            scene.sim.clear_faults();
            scene.start();
        }
        scene.sim.clear_faults();
        let photos = scene.wait_for_photos(2);
        assert!(
            photos
                .iter()
                .all(|photo| photo.group != bot_api_id(groups[1]))
        );
        assert_eq!(scene.sim.calls_of(GET_FILE).len(), 1);
        scene.finish_with_next_photo(2);
    }
}

#[test]
fn a_photo_that_changed_before_its_download_is_decided_with_the_bio() {
    let mut scene = Scene::with_photo_size(64);
    scene.set("custom", "check_bio = true");
    scene.start();
    scene.update_rules("bio_words", json!({"pills": 0}));
    // The first bio does not come, so that the photo is downloaded.
    let bio = Match::method("users.getFullUser").once();
    scene.sim.fault(bio, Fault::error(500, "INTERNAL"));
    let downloads = scene.sim.calls_of(GET_FILE).len();
    let held = Match::method(GET_FILE).once();
    scene.sim.fault(held, Fault::HoldBefore);
    let user = scene.sim.add_user(user_with_photo("Joiner").about("pills"));
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_call(GET_FILE, downloads + 1);
    let photo = telegram_sim::PhotoSpec::jpeg();
    scene.sim.set_photo(user, Some(photo));
    scene.sim.release();
    scene.wait_for_outcome(user, "named");
    scene.finish_with_next_photo(0);
}

#[test]
fn photos_whose_owners_cannot_be_looked_up_hold_up_no_other_photo() {
    let scene = Scene::started();
    let look_ups = Match::method("users.getUsers");
    scene.sim.fault(look_ups, Fault::FloodWait(86_400));
    for downloads in 1..=8 {
        join_with_fault(&scene, Fault::error(400, "LOCATION_INVALID"));
        scene.wait_for_call(GET_FILE, downloads);
    }
    let other = scene.join_user();
    assert_eq!(scene.wait_for_photos(1)[0].user, other);
    scene.sim.clear_faults();
    scene.wait_for_photos(9);
    assert_eq!(scene.count(FAILED), 0);
    scene.finish();
}
