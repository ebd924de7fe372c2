//! Orders about members and their photos: the bad list, exceptions, declared messages, group floods, ended rechecks and clears.

use serde_json::json;
use telegram_sim::{JoinKind, PhotoSpec, bot_api_id};

use crate::harness::Scene;

#[test]
fn a_bad_user_is_skipped_and_queued_photos_are_cancelled_until_removed() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "queued");
    scene.obey("NOSPAM", "add", "bad", &json!({"id": user, "type": "user"}));
    scene.wait_for_outcome(user, "bad");
    scene.rejoin(user);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'bad'", 2);
    scene.obey(
        "USER",
        "remove",
        "bad",
        &json!({"id": user, "type": "user"}),
    );
    assert_eq!(
        scene.outcomes().get(&user),
        None,
        "the user's records are still there"
    );
    scene.sim.clear_faults();
    scene.rejoin(user);
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}

#[test]
fn bad_channels_are_stored_and_manage_clears_each_list() {
    let mut scene = Scene::new();
    scene.start();
    let channel = bot_api_id(1_234_567_890);
    let user = scene.add_user();
    scene.obey(
        "MANAGE",
        "add",
        "bad",
        &json!({"id": channel, "type": "channel"}),
    );
    scene.obey("CLEAN", "add", "bad", &json!({"id": user, "type": "user"}));
    scene.obey(
        "NOSPAM",
        "add",
        "except",
        &json!({"the_id": user, "the_type": "long"}),
    );
    scene.wait_for_rows("SELECT 1 FROM bad", 2);
    for (kind, list, rows) in [
        (
            "bad",
            "channels",
            "SELECT 1 FROM bad WHERE kind = 'channel'",
        ),
        ("bad", "users", "SELECT 1 FROM bad WHERE kind = 'user'"),
        (
            "except",
            "long",
            "SELECT 1 FROM excepted UNION SELECT 1 FROM exceptions_due",
        ),
    ] {
        scene.obey(
            "MANAGE",
            "clear",
            kind,
            &json!({"admin_id": 7, "type": list}),
        );
        assert_eq!(scene.count(rows), 0, "{list}");
    }
    // Only MANAGE and NOSPAM may name a channel.
    let message = scene.order(
        "CLEAN",
        "add",
        "bad",
        &json!({"id": channel, "type": "channel"}),
    );
    scene.wait_for_verdict(message, "may not order it");
    scene.finish();
}

#[test]
fn users_are_cleared_all_new_or_one_by_one() {
    let mut scene = Scene::new();
    scene.start();
    let users = scene.join_users(3);
    scene.wait_for_photos(3);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'forwarded'", 3);
    scene.obey("MANAGE", "remove", "score", &json!(users[0]));
    assert_eq!(scene.outcomes().get(&users[0]), None);
    scene.obey(
        "MANAGE",
        "clear",
        "user",
        &json!({"admin_id": 7, "type": "new"}),
    );
    assert!(scene.outcomes().is_empty());
    assert_eq!(scene.count("SELECT 1 FROM forwarded"), 2);
    scene.obey(
        "MANAGE",
        "clear",
        "user",
        &json!({"admin_id": 7, "type": "all"}),
    );
    assert_eq!(scene.count("SELECT 1 FROM forwarded"), 0);
    scene.finish();
}

#[test]
fn an_excepted_photo_is_not_forwarded_until_it_is_removed() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "queued");
    scene.obey(
        "NOSPAM",
        "add",
        "except",
        &json!({"the_id": user, "the_type": "long"}),
    );
    scene.wait_for_outcome(user, "excepted");
    scene.obey(
        "MANAGE",
        "remove",
        "except",
        &json!({"id": user, "type": "long"}),
    );
    scene.wait_for_rows(
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM excepted) AND NOT EXISTS (SELECT 1 FROM exceptions_due)",
        1,
    );
    scene.sim.clear_faults();
    scene.rejoin(user);
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}

#[test]
fn a_declared_message_cancels_its_photo_before_the_join_and_while_queued() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    for (from, action, kind) in [
        ("NOSPAM", "update", "declare"),
        ("CAPTCHA", "declare", "ban"),
        ("LONG", "declare", "delete"),
    ] {
        let user = scene.add_user();
        let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
        scene.wait_for_outcome(user, "queued");
        let data = json!({"group_id": bot_api_id(scene.group), "message_id": message});
        scene.obey(from, action, kind, &data);
        scene.wait_for_outcome(user, "declared");
    }
    // The order comes before the join, whose message id can be predicted.
    scene.sim.clear_faults();
    let user = scene.add_user();
    let next = scene
        .sim
        .send_message(scene.group, scene.sim.owner(), "talk")
        + 1;
    let data = json!({"group_id": bot_api_id(scene.group), "message_id": next});
    scene.obey("CLEAN", "update", "declare", &data);
    assert_eq!(scene.sim.join(scene.group, user, JoinKind::ByLink), next);
    scene.wait_for_outcome(user, "declared");
    assert!(scene.photos().is_empty());
    scene.finish();
}

#[test]
fn photos_of_a_flooded_group_wait_and_are_decided_again_at_its_end() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    let waiting = scene.join_user();
    scene.wait_for_outcome(waiting, "queued");
    let group = bot_api_id(scene.group);
    let flood = |status: &str| json!({"group_id": group, "status": status});
    scene.obey("CAPTCHA", "flood", "status", &flood("begin"));
    scene.wait_for_outcome(waiting, "held");
    let during = scene.join_user();
    scene.wait_for_outcome(during, "held");
    scene.sim.clear_faults();
    // When the flood ends, one of the users shows no photo any more.
    scene.sim.set_photo(waiting, None);
    scene.kill();
    scene.start();
    scene.obey("CAPTCHA", "flood", "status", &flood("end"));
    assert_eq!(scene.wait_for_photos(1)[0].user, during);
    scene.wait_for_outcome(waiting, "no_photo");
    scene.finish();
}

#[test]
fn an_order_that_ends_the_recheck_lets_the_waiting_photo_go_out() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_downloads();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "queued");
    let data = json!({"group_id": bot_api_id(scene.group), "user_id": user, "type": "single"});
    // The order is addressed to USER; AVATAR obeys it from CAPTCHA and ignores it from WARN and NOSPAM.
    for sender in ["WARN", "NOSPAM"] {
        scene.order_to("USER", sender, "help", "delete", &data);
    }
    let message = scene.order_to("USER", "CAPTCHA", "help", "delete", &data);
    scene.wait_for_verdict(message, "obeyed");
    assert_eq!(scene.count("SELECT 1 FROM orders"), 1);
    scene.sim.clear_faults();
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.wait_for_outcome(user, "forwarded");
    // Another photo of the user is forwarded only after a new join.
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    scene.sim.push_user(user);
    let other = scene.join_user();
    assert_eq!(scene.wait_for_photos(2)[1].user, other);
    scene.rejoin(user);
    assert_eq!(scene.wait_for_photos(3)[2].user, user);
    scene.finish();
}
