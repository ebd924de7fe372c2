//! The channel, the order and the pace of posts, and the posts that are dropped because they waited for too long.

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, Options, PhotoSpec, UserSpec, bot_api_id};

use crate::harness::Scene;

#[test]
fn posts_go_to_exchange_if_it_is_configured() {
    let mut scene = Scene::new();
    scene.add_exchange();
    scene.start();
    let user = scene.join_user();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    assert!(scene.sim.posts(scene.hide).is_empty());
    scene.finish();
}

#[test]
fn posts_go_to_hide_without_the_right_to_post_in_exchange() {
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
    let envelope: serde_json::Value = serde_json::from_str(&post.text).expect("JSON");
    assert_eq!(envelope["to"], serde_json::json!(["BACKUP"]));
    assert_eq!(
        (&envelope["action"], &envelope["type"]),
        (&"backup".into(), &"status".into())
    );
    assert_eq!(
        envelope["data"],
        serde_json::json!({"type": "awake", "backup": true})
    );
    // The envelope is one `pre` entity over the whole text.
    let [entity] = post.entities.as_slice() else {
        panic!("{:?}", post.entities);
    };
    let described = format!("{entity:?}");
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
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    // The channel refuses posts until five photos are in the spool.
    scene.sim.fault(
        Match::method("messages.sendMedia"),
        Fault::error(400, "CHAT_WRITE_FORBIDDEN"),
    );
    let users = scene.join_users(5);
    scene.wait_for_rows(
        "SELECT 1 FROM outbox WHERE class = 'avatar' AND spool IS NOT NULL",
        5,
    );
    scene.kill();
    // This makes them as if they had been queued one second after another, and no post had been begun.
    scene.execute("UPDATE outbox SET state = 'fetched', due_at = 0, created_at = created_at - 60 + id WHERE class = 'avatar'");
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
fn photos_are_kept_while_the_channel_is_closed() {
    let mut scene = Scene::new();
    scene.start();
    scene.sim.set_can_post(scene.hide, false);
    let user = scene.join_user();
    scene.wait_for_call("messages.sendMedia", 1);
    scene.wait_for_log("cannot post there");
    scene.sim.set_can_post(scene.hide, true);
    scene.stop();
    // A new start does not wait for the end of the minute that the old one began to wait.
    scene.start();
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}

#[test]
fn an_account_that_is_limited_for_spam_keeps_its_photos_and_its_channel() {
    let mut scene = Scene::new();
    let exchange = scene.add_exchange();
    scene.start();
    scene.sim.fault(
        Match::method("messages.sendMedia").once(),
        Fault::error(400, "PEER_FLOOD"),
    );
    let user = scene.join_user();
    scene.wait_for_log("Telegram limits this account for spam");
    scene.stop();
    assert!(
        !scene.log().contains("does not take posts"),
        "{}",
        scene.log()
    );
    // A new start tries at once.
    scene.start();
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    assert_eq!(scene.photos_in(exchange).len(), 1);
    scene.finish();
}

#[test]
fn a_photo_older_than_max_age_hours_is_dropped_and_counted() {
    let mut scene = Scene::new();
    scene.set("delivery", "max_age_hours = 1");
    scene.start();
    scene
        .sim
        .fault(Match::method("messages.sendMedia"), Fault::FloodWait(3000));
    let users = scene.join_users(2);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 2);
    scene.wait_for_rows("SELECT 1 FROM floods", 1);
    scene.kill();
    // This makes one of the photos two hours old: no post was begun that may exist.
    scene.execute(
        "UPDATE outbox SET created_at = created_at - 7200
         WHERE id = (SELECT MAX(id) FROM outbox WHERE class = 'avatar' AND state = 'fetched')",
    );
    scene.execute("DELETE FROM floods");
    scene.execute("UPDATE outbox SET due_at = 0");
    scene.sim.clear_faults();
    scene.start();
    let photos = scene.wait_for_photos(1);
    let dropped = users
        .iter()
        .copied()
        .find(|user| *user != photos[0].user)
        .expect("the other user");
    scene.wait_for_outcome(dropped, "expired");
    scene.finish();
}

#[test]
fn a_list_that_waited_for_a_week_is_dropped() {
    let mut scene = Scene::new();
    scene.start();
    let joiner = scene.join_user();
    scene.wait_for_outcome(joiner, "forwarded");
    scene.sim.set_can_post(scene.hide, false);
    scene.order("MANAGE", "backup", "now", &json!(true));
    let waits = "SELECT 1 FROM outbox WHERE kind = 'list' AND spool IS NOT NULL";
    scene.wait_for_rows(waits, 2);
    scene.kill();
    let old = scene.execute(
        "UPDATE outbox SET created_at = created_at - 8 * 86400
         WHERE kind = 'list' AND state = 'fetched'",
    );
    scene.sim.set_can_post(scene.hide, true);
    scene.start();
    let dropped = "SELECT 1 FROM outbox WHERE kind = 'list' AND reason = 'expired'";
    scene.wait_for_rows(dropped, old);
    scene.finish();
}

#[test]
fn downloads_wait_while_the_spool_is_full() {
    let mut scene = Scene::with_options(Options {
        // Two photos of this size and quality are more than a MiB.
        photo_size: (1600, 1600),
        photo_quality: 100,
        ..Options::default()
    });
    scene.set("delivery", "spool_max_mb = 1");
    scene.start();
    scene.refuse_file_posts();
    let count = 5;
    for _ in 0..count {
        let user = scene
            .sim
            .add_user(UserSpec::new("Joiner").photo(PhotoSpec::jpeg()));
        scene.sim.join(scene.group, user, JoinKind::ByLink);
    }
    scene.wait_for_rows(
        "SELECT 1 FROM outbox WHERE spool IS NOT NULL GROUP BY 1 HAVING SUM(spool_bytes) >= 1048576",
        1,
    );
    let waiting = scene.count("SELECT 1 FROM outbox WHERE state = 'wanted'");
    assert!(waiting > 0, "all photos were downloaded");
    scene.sim.clear_faults();
    let photos = scene.wait_for_photos(count);
    assert_eq!(photos.len(), count);
    scene.finish();
}
