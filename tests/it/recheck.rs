//! Rechecks of members who are still new: on schedule, and at once when an update shows them with another photo
//! (docs/outcomes.md). A photo that a recheck finds is posted once, with `message_id` 0.

mod decisions;
mod disturbances;

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, PhotoSpec, UserSpec, Visibility, bot_api_id};

use crate::harness::{Scene, output_of};

/// Makes a scene with a recheck every second.
fn scene_with_schedule() -> Scene {
    scene("* * * * * *")
}

/// Makes a scene in which only updates lead to a recheck.
fn scene_without_schedule() -> Scene {
    scene("0 0 29 2 *")
}

fn scene(recheck: &str) -> Scene {
    let mut scene = Scene::with_photo_size(64);
    scene.set("schedule", &format!("recheck = \"{recheck}\""));
    scene
}

/// Lets a user join who shows no photo; returns the ids of the user and of the join's message.
fn join_without_photo(scene: &Scene, spec: UserSpec) -> (i64, i32) {
    let user = scene.sim.add_user(spec);
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_outcome(user, "no_photo");
    (user, message)
}

/// Lets a user join and waits until the photo was forwarded; returns the ids of the user and of the join's message.
fn join_and_forward(scene: &Scene) -> (i64, i32) {
    let user = scene.add_user();
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    (user, message)
}

/// Gives a user another photo and pushes `updateUser`; returns the photo.
fn change_photo(scene: &Scene, user: i64) -> Vec<u8> {
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    scene.sim.push_user(user);
    scene.sim.photo_bytes(user)
}

/// Waits until a whole recheck has run that began after this call.
fn wait_for_recheck(scene: &Scene) {
    let before = scene.sim.calls_of("users.getUsers").len();
    scene.wait_for_call("users.getUsers", before + 3);
}

#[test]
fn a_photo_added_after_the_join_is_found_and_posted_once() {
    let mut scene = scene_with_schedule();
    scene.start();
    let (user, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
    wait_for_recheck(&scene);
    assert!(scene.photos().is_empty());
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    let photos = scene.wait_for_photos(1);
    assert_eq!(
        (photos[0].user, photos[0].group, photos[0].message),
        (user, bot_api_id(scene.group), 0)
    );
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    scene.wait_for_outcome(user, "forwarded");
    let (_, text, _) = output_of(scene.command("why").arg(user.to_string()));
    assert!(text.contains("by the recheck"), "{text}");
    wait_for_recheck(&scene);
    scene.stop();
    scene.start();
    wait_for_recheck(&scene);
    scene.finish_with_next_photo(1);
}

#[test]
fn another_photo_is_posted_at_once_and_once_when_an_update_shows_it() {
    let mut scene = scene_without_schedule();
    scene.start();
    let asked = scene.sim.calls_of("users.getUsers").len();
    let (user, message) = join_and_forward(&scene);
    let mut images = vec![scene.sim.photo_bytes(user)];
    let mut posted = |scene: &Scene| {
        images.push(scene.sim.photo_bytes(user));
        let photos = scene.wait_for_photos(images.len());
        let posted: Vec<_> = photos.iter().map(|photo| &photo.image).collect();
        assert!(posted == images.iter().collect::<Vec<_>>());
        scene.wait_for_outcome(user, "forwarded");
        photos
    };

    // The user writes several messages; only the first shows a new photo.
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    for _ in 0..5 {
        scene.sim.send_message(scene.group, user, "hello");
    }
    posted(&scene);
    // `updateUser` is otherwise ignored.
    change_photo(&scene, user);
    scene.sim.push_user(user);
    posted(&scene);
    // A `min` user with `apply_min_photo` shows the photo.
    let min_user = |apply_min_photo| Visibility::Min { apply_min_photo };
    scene.sim.set_visibility(user, min_user(true));
    change_photo(&scene, user);
    posted(&scene);
    // A pulled page shows the user.
    scene.sim.suppress_pushes(true);
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    scene.sim.send_message(scene.group, user, "hello again");
    scene.sim.suppress_pushes(false);
    scene.sim.push_too_long(scene.group);
    let photos = posted(&scene);
    let messages: Vec<i64> = photos.iter().map(|photo| photo.message).collect();
    assert_eq!(messages, [i64::from(message), 0, 0, 0, 0]);

    // A `min` user without `apply_min_photo` shows no photo, and the program does not look the user up.
    scene.sim.set_visibility(user, min_user(false));
    change_photo(&scene, user);
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), asked);
    scene.finish_with_next_photo(5);
}

#[test]
fn a_photo_changed_while_the_first_one_is_downloaded_is_posted_once() {
    let mut scene = scene_without_schedule();
    scene.start();
    let held = Match::method("upload.getFile").once();
    scene.sim.fault(held, Fault::HoldBefore);
    let user = scene.join_user();
    scene.wait_for_call("upload.getFile", 1);
    let image = change_photo(&scene, user);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE class = 'avatar'", 2);
    // The first photo does not exist any more.
    scene.sim.release();
    let photos = scene.wait_for_photos(1);
    assert_eq!((&photos[0].image, photos[0].message), (&image, 0));
    scene.wait_for_outcome(user, "forwarded");
    scene.finish_with_next_photo(1);
}

#[test]
fn a_member_who_is_not_new_any_more_is_not_rechecked() {
    let mut scene = scene_with_schedule();
    scene.set("custom", "time_new = 1000");
    scene.start();
    let (old, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
    let (new, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
    scene.count(&format!(
        "UPDATE joins SET joined_at = joined_at - 1000 WHERE user_id = {old} RETURNING 1"
    ));
    for user in [old, new] {
        change_photo(&scene, user);
    }
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, new);
    wait_for_recheck(&scene);
    scene.finish_with_next_photo(1);
}

#[test]
fn a_found_photo_is_posted_for_the_latest_group_only() {
    let mut scene = scene_with_schedule();
    let latest = scene.sim.add_group("Another group");
    scene.start();
    let (user, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
    scene.execute("UPDATE joins SET joined_at = joined_at - 10");
    scene.sim.join(latest, user, JoinKind::ByLink);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'no_photo'", 2);
    change_photo(&scene, user);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].group, bot_api_id(latest));
    wait_for_recheck(&scene);
    scene.finish_with_next_photo(1);
}

#[test]
fn a_member_who_is_kicked_from_or_unwatched_in_the_latest_group_is_rechecked_for_the_other_one() {
    let mut scene = scene_with_schedule();
    let (unwatched, other) = (scene.sim.add_group("No"), scene.sim.add_group("Yes"));
    let group = scene.group;
    scene.add_nospam(&[group, other]);
    // These messages give joins in these groups larger ids, so that they count as later within the same second.
    for group in [unwatched, other] {
        for _ in 0..30 {
            scene.sim.send_message(group, scene.sim.owner(), "hello");
        }
    }
    scene.start();
    let user = || UserSpec::new("Joiner");

    let (elsewhere, _) = join_without_photo(&scene, user());
    scene.sim.join(unwatched, elsewhere, JoinKind::ByLink);
    scene.wait_for_outcome(elsewhere, "unwatched_group");
    let (kicked, _) = join_without_photo(&scene, user());
    scene.sim.join(other, kicked, JoinKind::ByLink);
    let data = json!({"group_id": bot_api_id(other), "user_id": kicked, "type": "single"});
    scene.wait_for_rows(&format!("SELECT 1 FROM joins WHERE user_id = {kicked}"), 2);
    let message = scene.order_to("USER", "CAPTCHA", "help", "delete", &data);
    scene.wait_for_verdict(message, "obeyed");
    // This user joins the same group twice and is kicked from it.
    let (gone, _) = join_without_photo(&scene, user());
    scene.sim.join(scene.group, gone, JoinKind::ByLink);
    scene.wait_for_rows(&format!("SELECT 1 FROM joins WHERE user_id = {gone}"), 2);
    let data = json!({"group_id": bot_api_id(scene.group), "user_id": gone, "type": "single"});
    let message = scene.order_to("USER", "CAPTCHA", "help", "delete", &data);
    scene.wait_for_verdict(message, "obeyed");

    for (index, user) in [elsewhere, kicked].into_iter().enumerate() {
        change_photo(&scene, gone);
        // An update shows the user, or the schedule finds the photo.
        change_photo(&scene, user);
        let photos = scene.wait_for_photos(index + 1);
        assert_eq!((photos[index].user, photos[index].message), (user, 0));
        assert_eq!(photos[index].group, bot_api_id(scene.group));
    }
    wait_for_recheck(&scene);
    scene.finish_with_next_photo(2);
}

#[test]
fn a_recheck_asks_for_the_bio_if_check_bio_is_set() {
    let mut scene = scene_without_schedule();
    scene.set("custom", "check_bio = true");
    scene.start();
    scene.update_rules("bio_words", json!({"cheap things": 0}));
    for (bio, outcome) in [("cheap things here", "named"), ("a poet", "forwarded")] {
        let (user, _) = join_without_photo(&scene, UserSpec::new("Joiner").about(bio).full());
        let asked = scene.sim.calls_of("users.getFullUser").len();
        change_photo(&scene, user);
        scene.wait_for_outcome(user, outcome);
        assert_eq!(scene.sim.calls_of("users.getFullUser").len(), asked + 1);
    }
    let photos = scene.wait_for_photos(1);
    assert_eq!((photos.len(), photos[0].message), (1, 0));
    scene.finish();
}
