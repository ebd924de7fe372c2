//! Where posts go, in which order, at which pace, and what is not posted any more.

use serde_json::json;
use telegram_sim::{Fault, How, Match, Options, bot_api_id};

use crate::harness::{PATIENCE, Scene, somebody};
use crate::orders::order;

#[test]
fn exchange_is_the_normal_road_where_there_is_one() {
    let mut scene = Scene::new();
    scene.exchange();
    scene.start();
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    assert!(scene.sim.posts(scene.hide).is_empty());
    scene.finish();
}

#[test]
fn without_the_right_to_post_in_exchange_hide_is_used() {
    let mut scene = Scene::new();
    let exchange = scene.sim.add_channel("EXCHANGE", false);
    scene.set(
        "channels",
        &format!("exchange_channel_id = {}", bot_api_id(exchange)),
    );
    scene.start();
    assert!(
        scene.log().contains("exchange_channel_id"),
        "{}",
        scene.log()
    );
    assert!(scene.sim.posts(exchange).is_empty());
    scene.finish();
}

#[test]
fn the_status_is_reported_on_schedule_in_the_configured_dialect() {
    let mut scene = Scene::new();
    scene.set("schedule", "status = \"* * * * * *\"");
    scene.set("exchange", "dialect = \"current\"");
    scene.set("mode", "backup = true");
    scene.start();
    let hide = scene.hide;
    scene.wait_for("two awake reports", |world| {
        let posts = world.posts(hide);
        posts
            .iter()
            .filter(|post| post.text.contains("\"awake\""))
            .count()
            >= 2
    });
    let post = &scene.reports("awake")[0];
    let said: serde_json::Value = serde_json::from_str(&post.text).expect("JSON");
    assert_eq!(said["to"], serde_json::json!(["BACKUP"]));
    assert_eq!(
        (&said["action"], &said["type"]),
        (&"backup".into(), &"status".into())
    );
    assert_eq!(
        said["data"],
        serde_json::json!({"type": "awake", "backup": true})
    );
    // One `pre` entity over the whole text.
    let [telegram_sim_pre] = post.entities.as_slice() else {
        panic!("{:?}", post.entities);
    };
    let described = format!("{telegram_sim_pre:?}");
    let length = post.text.encode_utf16().count();
    assert!(
        described.contains("Pre")
            && described.contains("offset: 0")
            && described.contains(&format!("length: {length}")),
        "{described}"
    );
    scene.finish();
}

#[test]
fn newer_photos_overtake_older_ones_and_reports_overtake_both() {
    let mut scene = Scene::with(Options {
        photo_size: (64, 64),
        ..Options::default()
    });
    scene.start();
    // Everything is refused while five photos gather.
    scene.sim.fault(
        Match::method("messages.sendMedia"),
        Fault::error(400, "CHAT_WRITE_FORBIDDEN"),
    );
    let users: Vec<i64> = (0..5)
        .map(|_| {
            let user = scene.sim.add_user(somebody("Joiner"));
            scene.sim.join(scene.group, user, How::ByLink);
            user
        })
        .collect();
    scene.wait_for_state(
        "SELECT 1 FROM outbox WHERE class = 'avatar' AND spool IS NOT NULL",
        5,
    );
    scene.kill();
    // As if they had come one by one, and nothing of them had been begun.
    scene.query("UPDATE outbox SET state = 'fetched', due_at = 0, created_at = created_at - 60 + id WHERE class = 'avatar' RETURNING id", |_| Ok(()));
    scene.sim.clear_faults();
    scene.start();
    let photos = scene.wait_for_photos(5);
    let order: Vec<i64> = photos.iter().map(|photo| photo.user).collect();
    let newest_first: Vec<i64> = users.into_iter().rev().collect();
    assert_eq!(order, newest_first);
    let posts = scene.sim.posts(scene.hide);
    let second_report = posts
        .iter()
        .filter(|post| post.by_account)
        .position(|post| post.id == scene.reports("online")[1].id);
    assert_eq!(second_report, Some(1), "the report waited for the photos");
    scene.finish();
}

#[test]
fn a_closed_channel_keeps_everything() {
    let mut scene = Scene::new();
    scene.start();
    scene.sim.set_can_post(scene.hide, false);
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene
        .sim
        .wait_for_call("messages.sendMedia", 1, PATIENCE)
        .expect("a try");
    scene.poll("the complaint", || {
        scene.log().contains("cannot post there")
    });
    scene.sim.set_can_post(scene.hide, true);
    scene.stop();
    // A new start does not wait out the minute of the old one.
    scene.start();
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}

#[test]
fn a_photo_that_waited_for_too_long_is_dropped_and_counted() {
    let mut scene = Scene::new();
    scene.set("delivery", "max_age_hours = 1");
    scene.start();
    scene
        .sim
        .fault(Match::method("messages.sendMedia"), Fault::FloodWait(3000));
    let users: Vec<i64> = (0..2)
        .map(|_| {
            let user = scene.sim.add_user(somebody("Joiner"));
            scene.sim.join(scene.group, user, How::ByLink);
            user
        })
        .collect();
    scene.wait_for_state("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 2);
    scene.wait_for_state("SELECT 1 FROM floods", 1);
    scene.kill();
    // The one that was not begun has waited for two hours.
    let old = scene.query(
        "UPDATE outbox SET created_at = created_at - 7200 WHERE class = 'avatar' AND state = 'fetched' RETURNING id",
        |row| row.get::<_, i64>(0),
    );
    assert_eq!(old.len(), 1);
    scene.query("DELETE FROM floods RETURNING method", |_| Ok(()));
    scene.query("UPDATE outbox SET due_at = 0 RETURNING id", |_| Ok(()));
    scene.sim.clear_faults();
    scene.start();
    let photos = scene.wait_for_photos(1);
    let dropped = users
        .iter()
        .copied()
        .find(|user| *user != photos[0].user)
        .expect("the other");
    scene.wait_for_outcome(dropped, "expired");
    scene.finish();
}

#[test]
fn a_list_that_waits_for_a_week_is_dropped() {
    let mut scene = Scene::new();
    scene.start();
    let joiner = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, joiner, How::ByLink);
    scene.wait_for_outcome(joiner, "forwarded");
    scene.sim.set_can_post(scene.hide, false);
    order(&scene, "MANAGE", &["AVATAR"], "backup", "now", &json!(true));
    let waits = "SELECT 1 FROM outbox WHERE kind = 'list' AND spool IS NOT NULL";
    scene.wait_for_state(waits, 2);
    scene.kill();
    let old = scene.query(
        "UPDATE outbox SET created_at = created_at - 8 * 86400
         WHERE kind = 'list' AND state = 'fetched' RETURNING id",
        |_| Ok(()),
    );
    scene.sim.set_can_post(scene.hide, true);
    scene.start();
    let dropped = "SELECT 1 FROM outbox WHERE kind = 'list' AND reason = 'expired'";
    scene.wait_for_state(dropped, old.len());
    scene.finish();
}

#[test]
fn beyond_the_spools_limit_fetching_waits_and_goes_on_later() {
    let mut scene = Scene::with(Options {
        // Large and hard to compress: two of them are more than a MiB.
        photo_size: (1600, 1600),
        photo_quality: 100,
        ..Options::default()
    });
    scene.set("delivery", "spool_max_mb = 1");
    scene.start();
    scene.sim.fault(
        Match::method("messages.sendMedia"),
        Fault::error(500, "INTERNAL"),
    );
    let count = 8;
    for _ in 0..count {
        let user = scene
            .sim
            .add_user(telegram_sim::UserSpec::new("Joiner").photo(telegram_sim::PhotoSpec::jpeg()));
        scene.sim.join(scene.group, user, How::ByLink);
    }
    scene.wait_for_state(
        "SELECT 1 FROM outbox WHERE spool IS NOT NULL GROUP BY 1 HAVING SUM(spool_bytes) >= 1048576",
        1,
    );
    let waiting = scene.query("SELECT 1 FROM outbox WHERE state = 'wanted'", |_| Ok(()));
    assert!(!waiting.is_empty(), "all were fetched");
    scene.sim.clear_faults();
    let photos = scene.wait_for_photos(count);
    assert_eq!(photos.len(), count);
    scene.finish();
}
