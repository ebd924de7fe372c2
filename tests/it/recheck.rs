//! Rechecks of members who are still new: on schedule, and at once when an update shows them with another photo
//! (docs/outcomes.md). A photo that a recheck finds is posted once, with `message_id` 0.

use std::collections::BTreeSet;

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, PhotoSpec, UserSpec, Visibility, bot_api_id};

use crate::harness::{Scene, output_of, user_with_photo};

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
fn skip_reasons_hold_for_rechecks_too() {
    let mut scene = scene_with_schedule();
    let group = scene.group;
    scene.add_nospam(&[group]);
    let unwatched = scene.sim.add_group("NOSPAM is not there");
    scene.start();
    let user = || UserSpec::new("Joiner");
    let group = bot_api_id(scene.group);

    let elsewhere = scene.sim.add_user(user());
    scene.sim.join(unwatched, elsewhere, JoinKind::ByLink);
    scene.wait_for_outcome(elsewhere, "unwatched_group");
    let (bad, _) = join_without_photo(&scene, user());
    let data = json!({"id": bad, "type": "user"});
    scene.obey("NOSPAM", "add", "bad", &data);
    let (declared, message) = join_without_photo(&scene, user());
    let data = json!({"group_id": group, "message_id": message});
    scene.obey("NOSPAM", "update", "declare", &data);
    let (kicked, _) = join_without_photo(&scene, user());
    let data = json!({"group_id": group, "user_id": kicked, "type": "single"});
    let message = scene.order_to("USER", "CAPTCHA", "help", "delete", &data);
    scene.wait_for_verdict(message, "obeyed");
    scene.wait_for_outcome(kicked, "kicked");
    let (admin, _) = join_without_photo(&scene, user());
    scene.sim.set_admin(scene.group, admin, true);
    scene.obey("MANAGE", "update", "refresh", &json!(7));
    scene.wait_for_rows(&format!("SELECT 1 FROM admins WHERE user_id = {admin}"), 1);
    let (named, _) = join_without_photo(&scene, UserSpec::new("Best spam"));
    scene.update_rules("nm_words", json!({"spam": 0}));
    let (control, _) = join_without_photo(&scene, user());

    for user in [elsewhere, bad, declared, kicked, admin, named, control] {
        change_photo(&scene, user);
    }
    assert_eq!(scene.wait_for_photos(1)[0].user, control);
    scene.wait_for_outcome(named, "named");
    for _ in 0..3 {
        scene.sim.push_user(named);
    }
    wait_for_recheck(&scene);
    let outcomes = scene.outcomes();
    for (user, outcome) in [
        (elsewhere, "unwatched_group"),
        (bad, "no_photo"),
        (declared, "no_photo"),
        (kicked, "kicked"),
        (admin, "no_photo"),
    ] {
        assert_eq!(outcomes[&user], [outcome]);
    }
    // A rule's hit counts once however often the user is seen.
    let hits = scene.query("SELECT hits FROM rules", |row| row.get::<_, i64>(0));
    assert_eq!(hits, [1]);
    scene.finish_with_next_photo(1);
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

#[test]
fn a_photo_found_before_or_during_a_group_flood_is_decided_again_at_its_end() {
    let mut scene = scene_without_schedule();
    scene.start();
    let group = bot_api_id(scene.group);
    let flood = |scene: &Scene, status: &str| {
        let data = json!({"group_id": group, "status": status});
        scene.obey("CAPTCHA", "flood", "status", &data);
    };
    let (waiting, _) = join_and_forward(&scene);
    let (during, _) = join_and_forward(&scene);
    scene.refuse_downloads();
    change_photo(&scene, waiting);
    scene.wait_for_outcome(waiting, "queued");
    flood(&scene, "begin");
    scene.wait_for_outcome(waiting, "held");
    change_photo(&scene, during);
    scene.wait_for_outcome(during, "held");
    scene.sim.clear_faults();
    scene.kill();
    scene.start();
    assert_eq!(scene.photos().len(), 2);
    // When the flood ends, one user shows another photo and the other user shows none.
    scene.sim.set_photo(waiting, Some(PhotoSpec::jpeg()));
    scene.sim.set_photo(during, None);
    flood(&scene, "end");
    let photos = scene.wait_for_photos(3);
    assert_eq!((photos[2].user, photos[2].message), (waiting, 0));
    assert_eq!(photos[2].image, scene.sim.photo_bytes(waiting));
    // Both joins keep the outcome of the photo that was posted before.
    for user in [waiting, during] {
        scene.wait_for_outcome(user, "forwarded");
    }
    scene.finish_with_next_photo(3);
}

#[test]
fn orders_cancel_found_photos_that_wait() {
    let mut scene = scene_without_schedule();
    scene.start();
    let group = bot_api_id(scene.group);
    let (declared, message) = join_and_forward(&scene);
    let (kicked, _) = join_and_forward(&scene);
    let (bad, _) = join_and_forward(&scene);
    scene.refuse_downloads();
    for user in [declared, kicked, bad] {
        change_photo(&scene, user);
        scene.wait_for_outcome(user, "queued");
    }
    let data = json!({"group_id": group, "message_id": message});
    scene.obey("CLEAN", "declare", "delete", &data);
    let data = json!({"group_id": group, "user_id": kicked, "type": "single"});
    let message = scene.order_to("USER", "WARN", "help", "delete", &data);
    scene.wait_for_verdict(message, "obeyed");
    let data = json!({"id": bad, "type": "user"});
    scene.obey("MANAGE", "add", "bad", &data);
    for (user, outcome) in [(declared, "declared"), (kicked, "kicked"), (bad, "bad")] {
        scene.wait_for_outcome(user, outcome);
        change_photo(&scene, user);
    }
    scene.sim.clear_faults();
    scene.finish_with_next_photo(3);
}

#[test]
fn an_exception_cancels_only_its_own_photo_of_a_join() {
    let mut scene = scene_without_schedule();
    scene.start();
    // A rate limit on posts with a file keeps the photos in the spool.
    let posts = Match::method("messages.sendMedia").once();
    scene.sim.fault(posts, Fault::FloodWait(10_000));
    let user = scene.join_user();
    scene.wait_for_rows("SELECT 1 FROM floods", 1);
    let first = scene.sim.photo_bytes(user);
    change_photo(&scene, user);
    let fetched = "SELECT 1 FROM outbox WHERE class = 'avatar' AND spool IS NOT NULL";
    scene.wait_for_rows(fetched, 2);
    scene.kill();
    // This makes them as if no post had been begun.
    scene.execute("UPDATE outbox SET state = 'fetched', due_at = 0 WHERE class = 'avatar'");
    scene.start();
    let except = json!({"id": user, "type": "long"});
    scene.obey("NOSPAM", "add", "except", &except);
    scene.wait_for_rows("SELECT 1 FROM excepted", 1);
    scene.kill();
    scene.execute("DELETE FROM floods");
    scene.start();
    let photos = scene.wait_for_photos(1);
    assert!(photos[0].image == first);
    scene.wait_for_outcome(user, "forwarded");
    // The excepted photo is not found again either.
    scene.sim.push_user(user);
    scene.finish_with_next_photo(1);
}

#[test]
fn a_photo_first_shown_by_another_join_is_posted_for_that_join() {
    let mut scene = scene_without_schedule();
    scene.start();
    let (user, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    // The program pulls a new group before it applies pushes of it.
    let latest = scene.sim.add_group("Another group");
    let message = scene.sim.join(latest, user, JoinKind::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(
        (photos[0].group, photos[0].message),
        (bot_api_id(latest), i64::from(message))
    );
    scene.finish_with_next_photo(1);
}

#[test]
fn a_join_whose_user_has_to_be_looked_up_precedes_rechecks() {
    let mut scene = scene_with_schedule();
    scene.start();
    let (bare, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
    wait_for_recheck(&scene);
    // The simulator holds the call that looks up the joiner.
    let user = scene.sim.add_user(user_with_photo("Joiner").min(false));
    let about_the_joiner = move |request: &[u8]| {
        let id = user.to_le_bytes();
        request.windows(id.len()).any(|bytes| bytes == id)
    };
    scene.sim.fault(
        Match::method("users.getUsers")
            .when(about_the_joiner)
            .once(),
        Fault::HoldBefore,
    );
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for("the lookup", |world| world.held() == 1);
    let passes = || scene.log().matches("recheck members=").count();
    let before = passes();
    scene.poll("the next recheck", || passes() > before);
    let asked = scene.sim.calls_of("users.getUsers").len();
    scene.sim.set_photo(bare, Some(PhotoSpec::jpeg()));
    let other = scene.join_user();
    assert_eq!(scene.wait_for_photos(1)[0].user, other);
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), asked);
    scene.sim.release();
    let photos = scene.wait_for_photos(3);
    // Of two photos in the spool the newer one is posted first, so the order is not checked.
    let users: BTreeSet<i64> = photos.iter().map(|photo| photo.user).collect();
    assert_eq!(users, BTreeSet::from([other, user, bare]));
    scene.finish();
}

#[test]
fn a_user_without_a_usable_reference_does_not_split_the_recheck_of_the_others() {
    const OTHERS: usize = 20;
    let mut scene = scene_with_schedule();
    scene.start();
    // Only the message of the join refers to this user, and it is deleted.
    let bare = scene.sim.add_user(user_with_photo("Joiner").min(true));
    let message = scene.sim.join(scene.group, bare, JoinKind::ByLink);
    scene.wait_for_outcome(bare, "forwarded");
    scene.sim.delete_messages(scene.group, &[message]);
    for _ in 0..OTHERS {
        let user = scene.sim.add_user(UserSpec::new("Joiner").min(false));
        scene.sim.join(scene.group, user, JoinKind::ByLink);
    }
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'no_photo'", OTHERS);
    let marker = format!("recheck members={}", OTHERS + 1);
    let passes = || scene.log().matches(&marker).count();
    scene.poll("a whole recheck", || passes() > 1);
    let before = (passes(), scene.sim.calls_of("users.getUsers").len());
    scene.poll("three rechecks", || passes() >= before.0 + 3);
    let calls = scene.sim.calls_of("users.getUsers").len() - before.1;
    let passes = passes() - before.0;
    // Each recheck makes one call for the others and one that fails; the first and the last may be counted in part.
    assert!(
        calls <= 2 * (passes + 1),
        "{calls} calls in {passes} rechecks"
    );
    scene.finish();
}

#[test]
fn a_found_photo_that_fails_keeps_the_outcome_of_a_forwarded_one() {
    let mut scene = scene_without_schedule();
    scene.start();
    let (posted, _) = join_and_forward(&scene);
    let (bare, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
    for (user, outcome) in [(posted, "forwarded"), (bare, "failed")] {
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        scene.sim.corrupt_photo(user);
        let tried = scene.sim.calls_of("upload.getFile").len();
        scene.sim.push_user(user);
        scene.wait_for_call("upload.getFile", tried + 3);
        scene.wait_for_outcome(user, outcome);
        // Messages of the user do not start another download.
        for _ in 0..5 {
            scene.sim.send_message(scene.group, user, "hello");
        }
    }
    let tried = scene.sim.calls_of("upload.getFile").len();
    scene.sim.set_photo(bare, Some(PhotoSpec::jpeg()));
    scene.sim.push_user(bare);
    let photos = scene.wait_for_photos(2);
    assert_eq!((photos[1].user, photos[1].message), (bare, 0));
    assert_eq!(scene.sim.calls_of("upload.getFile").len(), tried + 1);
    scene.finish();
}

#[test]
fn a_found_photo_is_posted_once_however_the_program_is_killed() {
    let mut scene = scene_with_schedule();
    scene.start();
    let mut found = BTreeSet::new();
    for method in [
        "users.getUsers",
        "upload.getFile",
        "upload.saveFilePart",
        "messages.sendMedia",
    ] {
        let (user, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
        found.insert(user);
        let before = scene.sim.calls_of(method).len();
        scene.sim.fault(Match::method(method).once(), Fault::Hold);
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        scene.wait_for_call(method, before + 1);
        scene.kill();
        scene.sim.release();
        scene.sim.clear_faults();
        scene.start();
        scene.wait_for_outcome(user, "forwarded");
    }
    wait_for_recheck(&scene);
    let photos = scene.photos();
    let users: BTreeSet<i64> = photos.iter().map(|photo| photo.user).collect();
    assert_eq!((users, photos.len()), (found, 4));
    assert!(photos.iter().all(|photo| photo.message == 0));
    scene.finish();
}

#[test]
fn many_new_members_are_rechecked_while_others_join() {
    let mut scene = scene_with_schedule();
    scene.start();
    let join = |spec: UserSpec| {
        let user = scene.sim.add_user(spec);
        (user, scene.sim.join(scene.group, user, JoinKind::ByLink))
    };
    let bare: Vec<i64> = (0..200).map(|_| join(UserSpec::new("Joiner")).0).collect();
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'no_photo'", 200);
    let mut joined = Vec::new();
    for (number, user) in bare.iter().enumerate() {
        scene.sim.set_photo(*user, Some(PhotoSpec::jpeg()));
        if number % 5 == 0 {
            // The program has to look half of these up first.
            let shown = UserSpec::new("Joiner").photo(PhotoSpec::jpeg());
            joined.push(join(if number % 10 == 0 {
                shown.min(false)
            } else {
                shown
            }));
        }
    }
    let photos = scene.wait_for_photos(240);
    wait_for_recheck(&scene);
    let mut posted: Vec<(i64, i64)> = photos.iter().map(|p| (p.user, p.message)).collect();
    posted.sort_unstable();
    let mut expected: Vec<(i64, i64)> = bare.iter().map(|user| (*user, 0)).collect();
    expected.extend(
        joined
            .iter()
            .map(|(user, message)| (*user, i64::from(*message))),
    );
    expected.sort_unstable();
    assert_eq!(posted, expected);
    assert_eq!(scene.photos().len(), 240);
    scene.finish();
}

#[test]
fn a_recheck_waits_for_a_flood_limit_and_ends_after_repeated_refusals() {
    for (fault, times) in [
        (Fault::FloodWait(1), 1),
        (Fault::error(500, "INTERNAL"), 1),
        (Fault::error(403, "NOT_NOW"), 8),
    ] {
        let mut scene = scene_with_schedule();
        scene.start();
        for _ in 0..8 {
            join_without_photo(&scene, UserSpec::new("Joiner"));
        }
        let (user, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
        let refused = matches!(fault, Fault::Error(403, _));
        scene
            .sim
            .fault(Match::method("users.getUsers").times(times), fault);
        scene.wait_for("the refused calls", |world| {
            world
                .calls_of("users.getUsers")
                .filter(|call| call.error().is_some())
                .count()
                >= times
        });
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        let photos = scene.wait_for_photos(1);
        assert_eq!((photos[0].user, photos[0].message), (user, 0));
        // A refusal makes the program ask for a few of the nine members one by one; two rechecks end early.
        let ended = scene.log().matches("rechecking new members failed").count();
        assert_eq!(ended, if refused { 2 } else { 0 }, "{}", scene.log());
        scene.finish();
    }
}
