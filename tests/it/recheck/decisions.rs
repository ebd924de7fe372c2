//! The decision on a photo that a recheck found: skip reasons, group floods, and orders about it.

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, PhotoSpec, UserSpec, bot_api_id};

use super::{
    change_photo, join_and_forward, join_without_photo, scene_with_schedule,
    scene_without_schedule, wait_for_recheck,
};
use crate::harness::Scene;

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
fn orders_cancel_found_photos_that_wait_except_the_end_of_the_recheck() {
    let mut scene = scene_without_schedule();
    scene.start();
    let group = bot_api_id(scene.group);
    let (declared, message) = join_and_forward(&scene);
    let (ended, _) = join_and_forward(&scene);
    let (bad, _) = join_and_forward(&scene);
    scene.refuse_downloads();
    for user in [declared, ended, bad] {
        change_photo(&scene, user);
        scene.wait_for_outcome(user, "queued");
    }
    let data = json!({"group_id": group, "message_id": message});
    scene.obey("CLEAN", "declare", "delete", &data);
    let data = json!({"group_id": group, "user_id": ended, "type": "single"});
    let message = scene.order_to("USER", "CAPTCHA", "help", "delete", &data);
    scene.wait_for_verdict(message, "obeyed");
    let data = json!({"id": bad, "type": "user"});
    scene.obey("MANAGE", "add", "bad", &data);
    for (user, outcome) in [(declared, "declared"), (bad, "bad")] {
        scene.wait_for_outcome(user, outcome);
        change_photo(&scene, user);
    }
    scene.sim.clear_faults();
    // The end of the recheck concerns photos that are shown later.
    assert_eq!(scene.wait_for_photos(4)[3].user, ended);
    change_photo(&scene, ended);
    scene.finish_with_next_photo(4);
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
