//! The pace of posts against a simulator that limits them.

use std::time::Duration;

use serde_json::{Value, json};
use telegram_sim::bot_api_id;

use crate::harness::{Scene, output_of};

/// Makes a scene whose program has run once, and learned this interval in HIDE.
fn scene_with_learned_interval(milliseconds: u32) -> Scene {
    let mut scene = Scene::with_photo_size(64);
    scene.set("delivery", "pace = \"adaptive\"\nmin_interval_ms = 100");
    scene.start();
    scene.stop();
    scene.execute(&format!(
        "INSERT INTO paces VALUES ({}, {milliseconds}, {milliseconds})",
        scene.hide
    ));
    scene
}

/// Returns how many posts were refused because of a limit.
fn floods(scene: &Scene) -> usize {
    let calls = scene.sim.calls();
    let posts = calls
        .iter()
        .filter(|call| call.method.starts_with("messages.send"));
    let errors = posts.filter_map(telegram_sim::Call::error);
    errors
        .filter(|error| error.message.starts_with("FLOOD_WAIT"))
        .count()
}

#[test]
fn a_raid_learns_the_limit_of_posts_and_keeps_it_over_a_kill() {
    // The stored interval is too short: 1.2 s is allowed.
    let mut scene = scene_with_learned_interval(600);
    scene.sim.limit_posts(5, Duration::from_secs(6));
    scene.start();
    let count = 18;
    scene.join_users(count);
    scene.wait_for_rows(
        "SELECT 1 FROM paces WHERE limit_ms BETWEEN 1000 AND 1400",
        1,
    );
    scene.kill();
    let learning = floods(&scene);
    assert!(
        (2..=4).contains(&learning),
        "{learning} floods\n{}",
        scene.log()
    );
    scene.start();
    let photos = scene.wait_for_photos(count);
    assert_eq!(photos.len(), count);
    // The report at the start may meet the limit.
    let later = floods(&scene) - learning;
    assert!(later <= 1, "{later} floods\n{}", scene.log());
    let learned = "SELECT 1 FROM paces WHERE limit_ms BETWEEN 1000 AND 1400";
    assert_eq!(scene.count(learned), 1);
    let (code, out, err) = output_of(scene.command("status").arg("--json"));
    assert_eq!(code, Some(0), "{err}");
    let status: Value = serde_json::from_str(&out).expect("JSON");
    let pace = &status["delivery"]["pace"];
    assert_eq!(
        (&pace["kind"], &pace["interval_ms"]),
        (&json!("adaptive"), &json!(3000))
    );
    assert!(pace["learned_interval_ms"].as_u64() > Some(1000), "{pace}");
    scene.finish();
}

#[test]
fn a_steady_pace_meets_the_limit_again_and_learns_nothing() {
    let mut scene = Scene::with_photo_size(64);
    scene.set("delivery", "pace = \"steady\"\nmin_interval_ms = 200");
    scene.sim.limit_posts(3, Duration::from_secs(3));
    scene.start();
    let count = 9;
    scene.join_users(count);
    assert_eq!(scene.wait_for_photos(count).len(), count);
    let floods = floods(&scene);
    assert!(floods >= 2, "{floods} floods");
    assert_eq!(scene.count("SELECT 1 FROM paces"), 0);
    scene.finish();
}

#[test]
fn a_report_overtakes_photos_that_wait_for_a_long_interval() {
    let mut scene = scene_with_learned_interval(40_000);
    scene.start();
    let count = 8;
    scene.join_users(count);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE spool IS NOT NULL", count);
    scene.wait_for_photos(1);
    let ask = json!({"admin_id": 7, "message_id": 9});
    scene.obey("HIDE", "version", "ask", &ask);
    scene.wait_for_envelopes("version", "reply", 1);
    let photos = scene.sim.posts(scene.hide);
    let photos = photos.iter().filter(|post| post.file.is_some()).count();
    assert_eq!(photos, 1, "a photo did not wait");
    scene.kill();
    scene.execute(&format!(
        "UPDATE paces SET interval_ms = 100, limit_ms = NULL WHERE channel_id = {}",
        scene.hide
    ));
    scene.start();
    assert_eq!(scene.wait_for_photos(count).len(), count);
    scene.finish();
}

#[test]
fn photos_below_the_number_of_a_raid_keep_three_seconds_and_learn_nothing() {
    let mut scene = Scene::with_photo_size(64);
    scene.set("delivery", "pace = \"adaptive\"");
    scene.start();
    scene.join_users(3);
    let photos = scene.wait_for_photos(3);
    assert_eq!(photos.len(), 3);
    assert_eq!(scene.count("SELECT 1 FROM paces"), 0);
    let (_, out, _) = output_of(&mut scene.command("status"));
    let expected = format!(
        "-100{} HIDE\n  pace          adaptive, a post every 3 s\n",
        scene.hide
    );
    assert_eq!(
        bot_api_id(scene.hide).to_string(),
        format!("-100{}", scene.hide)
    );
    assert!(out.contains(&expected), "{out}");
    scene.finish();
}
