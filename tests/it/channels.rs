//! Channels that Telegram refuses, that the account left and entered again, and that are no groups
//! (docs/promises.md).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, Options};

use crate::harness::Scene;

const DIFFERENCE: &str = "updates.getChannelDifference";
const ABSENT: &str = "SELECT 1 FROM ledger WHERE NOT present";

/// Lets a user join `group` without a push of the join; returns the user's id.
fn join_without_push(scene: &Scene, group: i64) -> i64 {
    let user = scene.add_user();
    scene.sim.drop_pushes(1);
    scene.sim.join(group, user, JoinKind::ByLink);
    scene.sim.push_too_long(group);
    user
}

#[test]
fn a_group_whose_differences_stay_unavailable_is_read_by_message_ids() {
    for (code, name) in [
        (500, "PERSISTENT_TIMESTAMP_OUTDATED"),
        (500, "HISTORY_GET_FAILED"),
        (500, "INTERNAL"),
        (-503, "Timeout"),
        (400, "SOMETHING_NEW"),
    ] {
        let mut scene = Scene::with_photo_size(64);
        scene.start_and_sync();
        scene.sim.refuse_differences(scene.group, code, name);
        let mut users = BTreeSet::from([join_without_push(&scene, scene.group)]);
        // The push of this join does not follow, so it waits for the messages before it.
        users.insert(scene.join_user());
        scene.wait_for_photos_of(&users);
        // Pushes that follow are applied, although differences are still refused.
        for _ in 0..3 {
            users.insert(scene.join_user());
            scene.wait_for_photos_of(&users);
        }
        users.insert(join_without_push(&scene, scene.group));
        scene.wait_for_photos_of(&users);
        let calls = scene.sim.calls_of(DIFFERENCE).len();
        assert!(calls < 20, "{name}: {calls} calls");
        scene.sim.restore_differences(scene.group);
        users.insert(join_without_push(&scene, scene.group));
        scene.wait_for_photos_of(&users);
        scene.finish();
    }
}

#[test]
fn a_gap_of_messages_that_telegram_returns_only_in_small_parts_is_read() {
    let mut scene = Scene::with_photo_size(64);
    scene.start_and_sync();
    scene.sim.set_silent(scene.group, true);
    let users: BTreeSet<i64> = scene.join_users(5).into_iter().collect();
    // An id takes 8 bytes, and the rest of the request 32.
    let large = Match::method("channels.getMessages").when(|request| request.len() > 32 + 2 * 8);
    scene.sim.fault(large, Fault::error(500, "INTERNAL"));
    scene.sim.difference_too_long(scene.group, 1);
    scene.sim.push_too_long(scene.group);
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn pushes_that_follow_are_applied_while_a_pull_fails() {
    // Only a push that comes in its order follows the stored pts.
    let mut scene = Scene::with_options(Options {
        photo_size: (64, 64),
        latest_push: Duration::ZERO,
        ..Options::default()
    });
    scene.start_and_sync();
    scene.sim.refuse_differences(scene.group, 500, "INTERNAL");
    scene.sim.push_too_long(scene.group);
    scene.wait_for("refused pulls", |world| {
        world
            .calls_of(DIFFERENCE)
            .filter(|call| call.error().is_some())
            .count()
            >= 2
    });
    let users: BTreeSet<i64> = (0..3).map(|_| scene.join_user()).collect();
    scene.wait_for_photos_of(&users);
    scene.sim.restore_differences(scene.group);
    scene.finish();
}

#[test]
fn a_group_that_the_account_is_not_in_any_more_counts_as_left() {
    let names = [
        "CHANNEL_PRIVATE",
        "CHANNEL_PUBLIC_GROUP_NA",
        "CHAT_FORBIDDEN",
        "USER_BANNED_IN_CHANNEL",
    ];
    let mut scene = Scene::with_photo_size(64);
    let groups = names.map(|name| scene.sim.add_group(name));
    scene.start_and_sync();
    for (group, name) in groups.iter().zip(names) {
        scene.sim.refuse_differences(*group, 400, name);
        scene.sim.push_too_long(*group);
    }
    scene.wait_for_rows(ABSENT, names.len());
    let log = scene.log();
    assert!(!log.contains("ERROR"), "{log}");
    // Telegram still lists them: the membership is the same, so each is read from where it was left.
    let users: BTreeSet<i64> = groups
        .iter()
        .map(|group| {
            scene.sim.restore_differences(*group);
            join_without_push(&scene, *group)
        })
        .collect();
    scene.sim.cut_all();
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn a_group_that_the_account_leaves_while_a_gap_is_read_counts_as_left() {
    let mut scene = Scene::with_photo_size(64);
    scene.start_and_sync();
    scene.sim.difference_too_long(scene.group, 1);
    scene.sim.fault(
        Match::method("channels.getMessages"),
        Fault::error(403, "CHAT_FORBIDDEN"),
    );
    let user = join_without_push(&scene, scene.group);
    scene.wait_for_rows(ABSENT, 1);
    scene.sim.clear_faults();
    scene.sim.cut_all();
    scene.wait_for_photos_of(&BTreeSet::from([user]));
    scene.finish();
}

#[test]
fn an_error_that_repeats_is_logged_once() {
    let mut scene = Scene::with_photo_size(64);
    scene.start_and_sync();
    scene
        .sim
        .refuse_differences(scene.group, 400, "SOMETHING_NEW");
    let mut user = join_without_push(&scene, scene.group);
    scene.wait_for_log("pulling was refused");
    // A new connection ends the pause.
    for times in 1..3 {
        reconnect(&scene, times);
        scene.wait_for("another attempt", |world| {
            let calls = world.calls_of(DIFFERENCE);
            calls.filter(|call| call.error().is_some()).count() > times
        });
    }
    assert_eq!(scene.log().matches("pulling was refused").count(), 1);
    scene.sim.restore_differences(scene.group);
    reconnect(&scene, 3);
    scene.wait_for_photos_of(&BTreeSet::from([user]));
    // After a success, the same error is a new one.
    scene
        .sim
        .refuse_differences(scene.group, 400, "SOMETHING_NEW");
    user = join_without_push(&scene, scene.group);
    scene.poll("a second line", || {
        scene.log().matches("pulling was refused").count() == 2
    });
    scene.sim.restore_differences(scene.group);
    reconnect(&scene, 4);
    scene.wait_for_outcome(user, "forwarded");
    scene.finish();
}

/// Cuts the connection, and lets the program connect again after it noticed `times` times in all.
fn reconnect(scene: &Scene, times: usize) {
    scene.sim.refuse_connections(true);
    scene.sim.cut_all();
    scene.poll("a warning", || {
        scene.log().matches("no connection").count() >= times
    });
    scene.sim.refuse_connections(false);
    scene.poll("a new connection", || {
        scene.log().matches("connected again").count() >= times
    });
}

#[test]
fn gigagroups_and_monoforums_are_not_watched() {
    let mut scene = Scene::with_photo_size(64);
    let turning = scene.sim.add_group("Turns into a gigagroup");
    let gigagroup = scene.sim.add_group("A gigagroup");
    scene.sim.make_gigagroup(gigagroup);
    let monoforum = scene.sim.add_monoforum("Direct messages");
    scene.start_and_sync();
    let mut users = BTreeSet::from([scene.join_user_in(turning)]);
    scene.wait_for_photos_of(&users);
    scene.sim.make_gigagroup(turning);
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE class = 'none'", 3);
    for group in [turning, gigagroup, monoforum] {
        scene.join_user_in(group);
    }
    users.insert(scene.join_user());
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), users.len());
    // A restart does not change that.
    scene.kill();
    for group in [turning, gigagroup, monoforum] {
        scene.join_user_in(group);
    }
    scene.start();
    users.insert(scene.join_user());
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), users.len());
    let pulled = scene.sim.calls_of(DIFFERENCE).len();
    assert!(pulled < 20, "{pulled} calls");
    scene.finish();
}

/// Removes the account from a group, lets users join, and lets the account enter again an hour later.
fn absent_for_an_hour(scene: &Scene, group: i64, joins: usize) {
    scene.sim.kick_me(group);
    // These make the events more than one page.
    for _ in 0..60 {
        let owner = scene.sim.owner();
        scene.sim.send_message(group, owner, "hello");
    }
    for _ in 0..joins {
        scene.join_user_in(group);
    }
    scene.sim.age_chat(group, 3600);
}

#[test]
fn joins_before_the_account_entered_again_are_not_forwarded() {
    for runs in [true, false] {
        let mut scene = Scene::with_photo_size(64);
        scene.sim.age_chat(scene.group, 2 * 3600);
        scene.start();
        let mut users = BTreeSet::from([scene.join_user()]);
        scene.wait_for_photos_of(&users);
        scene.wait_until_settled();
        if !runs {
            scene.kill();
        }
        absent_for_an_hour(&scene, scene.group, 5);
        if runs {
            scene.wait_for_rows(ABSENT, 1);
        }
        scene.sim.suppress_pushes(true);
        scene.sim.add_me(scene.group);
        users.insert(scene.join_user());
        scene.sim.suppress_pushes(false);
        if runs {
            scene.sim.cut_all();
        } else {
            scene.start();
        }
        scene.wait_for_photos_of(&users);
        users.insert(scene.join_user());
        scene.wait_for_photos_of(&users);
        assert_eq!(scene.outcomes().len(), users.len(), "runs: {runs}");
        scene.finish();
    }
}

#[test]
fn a_group_left_and_entered_again_unnoticed_is_not_read_from_where_it_was_left() {
    let mut scene = Scene::with_photo_size(64);
    scene.sim.age_chat(scene.group, 2 * 3600);
    scene.start();
    let mut users = BTreeSet::from([scene.join_user()]);
    scene.wait_for_photos_of(&users);
    scene.wait_until_settled();
    scene.sim.suppress_pushes(true);
    absent_for_an_hour(&scene, scene.group, 5);
    scene.sim.add_me(scene.group);
    scene.sim.suppress_pushes(false);
    // The pull comes before the list of dialogs.
    scene.sim.push_too_long(scene.group);
    users.insert(scene.join_user());
    scene.wait_for_photos_of(&users);
    assert_eq!(scene.outcomes().len(), users.len());
    scene.finish();
}

#[test]
fn a_kill_while_an_entered_group_is_read_back_loses_no_join() {
    for is_known in [true, false] {
        let mut scene = Scene::with_photo_size(64);
        let group = if is_known {
            let group = scene.sim.add_group("Left and entered again");
            scene.sim.age_chat(group, 2 * 3600);
            scene.start_and_sync();
            scene.sim.kick_me(group);
            scene.wait_for_rows(ABSENT, 1);
            group
        } else {
            scene.start_and_sync();
            scene.sim.suppress_pushes(true);
            scene.sim.add_group("A new group")
        };
        scene.sim.suppress_pushes(true);
        scene.sim.add_me(group);
        let users: BTreeSet<i64> = (0..3).map(|_| scene.join_user_in(group)).collect();
        scene.sim.suppress_pushes(false);
        scene
            .sim
            .fault(Match::method("channels.getMessages"), Fault::HoldBefore);
        scene.sim.cut_all();
        scene.wait_for_call("channels.getMessages", 1);
        scene.kill();
        scene.sim.clear_faults();
        scene.start();
        scene.wait_for_photos_of(&users);
        scene.finish();
    }
}

#[test]
fn orders_posted_while_the_account_was_not_in_hide_are_obeyed() {
    let mut scene = Scene::with_photo_size(64);
    scene.start_and_sync();
    scene.sim.kick_me(scene.hide);
    scene.wait_for_rows(ABSENT, 1);
    let data = json!({"id": 5_000_000_123_i64, "type": "user"});
    let order = scene.order("MANAGE", "add", "bad", &data);
    scene.sim.age_chat(scene.hide, 3600);
    scene.sim.add_me(scene.hide);
    scene.sim.set_can_post(scene.hide, true);
    scene.wait_for_verdict(order, "obeyed");
    scene.sim.cut_all();
    scene.finish();
}
