//! Answers that cannot be read: pages that are too large, and messages of a constructor that this layer lacks
//! (docs/promises.md).

use std::collections::BTreeSet;

use telegram_sim::{Fault, JoinKind, Match, Options};

use crate::harness::{Scene, assert_contains, output_of};

const DIFFERENCE: &str = "updates.getChannelDifference";
const MESSAGES: &str = "channels.getMessages";
const UNREADABLE: &str = "SELECT 1 FROM ledger WHERE unreadable_messages > 0";

/// The greatest number of characters in a message.
const LONGEST_TEXT: usize = 4096;

/// Makes a scene with another group, whose daemon has seen both groups and does not run; returns it and that group.
fn seen_and_killed() -> (Scene, i64) {
    let mut scene = Scene::with_photo_size(64);
    let other_group = scene.sim.add_group("Another group");
    scene.start();
    scene.kill();
    (scene, other_group)
}

/// Returns a text of different four-byte characters, which hardly can be packed.
fn incompressible(characters: usize, seed: usize) -> String {
    let mut state = seed as u64 + 1;
    let mut character = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let number = u32::try_from(state % 0xF_0000).expect("small");
        char::from_u32(0x1_0000 + number).expect("in a supplementary plane")
    };
    (0..characters).map(|_| character()).collect()
}

/// Lets users join before, between and after `count` messages of so many characters; returns the users.
fn join_around(scene: &Scene, count: usize, characters: usize) -> BTreeSet<i64> {
    let owner = scene.sim.owner();
    let mut users = BTreeSet::from([scene.join_user()]);
    for number in 0..count {
        let text = incompressible(characters, number);
        scene.sim.send_message(scene.group, owner, &text);
        if number % 10 == 5 {
            users.insert(scene.join_user());
        }
    }
    users.insert(scene.join_user());
    users
}

/// Waits until each user's photo was posted once, also in a group whose pages can be read.
fn assert_all_forwarded(scene: &Scene, mut users: BTreeSet<i64>, other_group: i64) {
    users.insert(scene.join_user_in(other_group));
    scene.wait_for_photos_of(&users);
    // After that, the program follows the group again.
    users.insert(scene.join_user());
    scene.wait_for_photos_of(&users);
}

#[test]
fn joins_around_a_hundred_messages_of_the_greatest_length_are_found_once() {
    let (mut scene, other_group) = seen_and_killed();
    let users = join_around(&scene, 100, LONGEST_TEXT);
    scene.start();
    assert_all_forwarded(&scene, users, other_group);
    assert_eq!(scene.count(UNREADABLE), 0);
    scene.finish();
}

#[test]
fn a_page_that_is_too_large_for_the_connection_is_halved_until_it_is_not() {
    let (mut scene, other_group) = seen_and_killed();
    let users = join_around(&scene, 100, 4 * LONGEST_TEXT);
    scene.start();
    assert_all_forwarded(&scene, users, other_group);
    assert_eq!(scene.count(UNREADABLE), 0);
    scene.finish();
}

#[test]
fn a_gap_of_messages_that_are_too_large_for_one_answer_is_read_in_smaller_parts() {
    let (mut scene, other_group) = seen_and_killed();
    scene.sim.too_long_after(60);
    let users = join_around(&scene, 100, 4 * LONGEST_TEXT);
    scene.start();
    assert_all_forwarded(&scene, users, other_group);
    assert_eq!(scene.count(UNREADABLE), 0);
    scene.finish();
}

#[test]
fn a_gap_of_more_events_than_the_limit_is_read_by_message_ids() {
    let mut scene = Scene::with_options(Options {
        photo_size: (64, 64),
        too_long_beyond_limit: true,
        ..Options::default()
    });
    let other_group = scene.sim.add_group("Another group");
    scene.start();
    scene.kill();
    let users = join_around(&scene, 120, 10);
    scene.start();
    assert_all_forwarded(&scene, users, other_group);
    assert!(scene.sim.calls_of(MESSAGES).len() >= 2);
    scene.finish();
}

#[test]
fn connections_that_end_during_many_pulls_in_a_row_leave_no_message_out() {
    let (mut scene, other_group) = seen_and_killed();
    let mut users = join_around(&scene, 20, 10);
    users.extend((0..5).map(|_| scene.join_user_in(other_group)));
    let cuts = Match::method(DIFFERENCE).times(14);
    scene.sim.fault(cuts, Fault::CutBefore);
    scene.start();
    assert_all_forwarded(&scene, users, other_group);
    assert_eq!(scene.count(UNREADABLE), 0);
    scene.finish();
}

#[test]
fn a_single_message_that_is_too_large_for_the_connection_is_stepped_over() {
    let (mut scene, other_group) = seen_and_killed();
    let users = join_around(&scene, 1, 400_000);
    scene.start();
    assert_all_forwarded(&scene, users, other_group);
    assert_stepped_over_once(&scene, 3);
    scene.finish();
}

#[test]
fn a_message_of_an_unknown_constructor_is_stepped_over_while_the_program_runs() {
    for is_pushed in [true, false] {
        let mut scene = Scene::with_photo_size(64);
        let other_group = scene.sim.add_group("Another group");
        scene.start();
        let first = scene.add_user();
        let join = scene.sim.join(scene.group, first, JoinKind::ByLink);
        let mut users = BTreeSet::from([first]);
        scene.wait_for_photos_of(&users);
        let message = if is_pushed {
            scene.sim.make_unreadable(scene.group, join + 1);
            let owner = scene.sim.owner();
            scene
                .sim
                .send_message(scene.group, owner, "of a newer layer")
        } else {
            scene.sim.drop_pushes(1);
            post_unknown(&scene)
        };
        users.extend((0..3).map(|_| scene.join_user()));
        assert_all_forwarded(&scene, users, other_group);
        assert_stepped_over_once(&scene, message);
        scene.finish();
    }
}

#[test]
fn a_newest_message_of_an_unknown_constructor_that_no_list_of_dialogs_shows_is_stepped_over() {
    for (hides_message, hides_dialog) in
        [(false, false), (true, false), (false, true), (true, true)]
    {
        for runs in [true, false] {
            let mut scene = Scene::with_photo_size(64);
            let other_group = scene.sim.add_group("Another group");
            scene.start_and_sync();
            let mut users = BTreeSet::from([scene.join_user()]);
            scene.wait_for_photos_of(&users);
            if !runs {
                scene.kill();
            }
            scene.sim.hide_top_message(scene.group, hides_message);
            scene.sim.set_unreadable_dialog(scene.group, hides_dialog);
            scene.sim.suppress_pushes(true);
            users.insert(scene.join_user());
            let message = post_unknown(&scene);
            scene.sim.suppress_pushes(false);
            if runs {
                scene.sim.push_too_long(scene.group);
                scene.sim.cut_all();
            } else {
                scene.start();
            }
            // The message is the newest one until the program has read everything before it.
            scene.wait_for_photos_of(&users);
            assert_all_forwarded(&scene, users, other_group);
            if hides_dialog {
                assert_counted_once(&scene, "after_pts=");
            } else {
                assert_stepped_over_once(&scene, message);
            }
            scene.finish();
        }
    }
}

#[test]
fn a_message_of_an_unknown_constructor_among_many_is_stepped_over_after_a_start() {
    for too_long_after in [1000, 50] {
        let (mut scene, other_group) = seen_and_killed();
        scene.sim.too_long_after(too_long_after);
        let mut users = join_around(&scene, 70, 10);
        let message = post_unknown(&scene);
        users.extend(join_around(&scene, 40, 10));
        scene.start();
        assert_all_forwarded(&scene, users, other_group);
        assert_stepped_over_once(&scene, message);
        scene.finish();
    }
}

#[test]
fn an_edit_of_an_unknown_constructor_is_stepped_over() {
    let mut scene = Scene::with_photo_size(64);
    let other_group = scene.sim.add_group("Another group");
    let owner = scene.sim.owner();
    let message = scene.sim.send_message(scene.group, owner, "a text");
    scene.start();
    scene.kill();
    let mut users = BTreeSet::from([scene.join_user()]);
    scene.sim.edit_message(scene.group, message, "another text");
    scene.sim.make_unreadable(scene.group, message);
    users.extend((0..3).map(|_| scene.join_user()));
    scene.start();
    assert_all_forwarded(&scene, users, other_group);
    scene.finish();
}

/// Posts a message, and gives it a constructor that no client knows.
fn post_unknown(scene: &Scene) -> i32 {
    let owner = scene.sim.owner();
    let message = scene
        .sim
        .send_message(scene.group, owner, "of a newer layer");
    scene.sim.make_unreadable(scene.group, message);
    message
}

/// Fails unless exactly this message was left out: it is counted, logged once, and shown by `status`.
fn assert_stepped_over_once(scene: &Scene, message: i32) {
    assert_counted_once(scene, &format!("message_id={message}"));
    let refused = scene.sim.calls_of(DIFFERENCE).len();
    assert!(refused < 60, "{refused} calls");
}

/// Fails unless exactly one message was left out, whose line in the log has this field.
fn assert_counted_once(scene: &Scene, field: &str) {
    let counted = scene.query("SELECT SUM(unreadable_messages) FROM ledger", |row| {
        row.get::<_, i64>(0)
    });
    assert_eq!(counted, [1], "{}", scene.log());
    let log = scene.log();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("a message that cannot be read is left out"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    let group = telegram_sim::bot_api_id(scene.group);
    assert_contains(lines[0], &["WARN", &group.to_string(), field]);
    let (code, text, _) = output_of(scene.command("status").arg("--json"));
    assert_eq!(code, Some(0));
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let groups = json["groups"].as_array().expect("groups");
    let shown = groups
        .iter()
        .find(|shown| shown["id"] == group)
        .expect("the group");
    assert_eq!(shown["unreadable_messages"], 1);
    assert_eq!(shown["coverage"], "partial");
}
