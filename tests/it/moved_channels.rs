//! Groups whose pushes never come, and updates that only say that a channel changed (docs/promises.md, "Lost pushes").

use std::collections::BTreeSet;

use telegram_sim::{Fault, Match};

use crate::harness::{DAY, Scene};

const LIST: &str = "messages.getDialogs";
const KNOWN: &str = "messages.getPeerDialogs";
const SYNCED: &str = "SELECT 1 FROM settings WHERE key = 'first_census'";
const ABSENT: &str = "SELECT 1 FROM ledger WHERE NOT present";

/// Starts the program in this many groups beside the scene's one, and has them listed.
fn start(groups: usize) -> (Scene, Vec<i64>) {
    let mut scene = Scene::with_photo_size(64);
    let groups = scene.sim.add_groups(groups);
    scene.start();
    scene.wait_for_rows(SYNCED, 1);
    (scene, groups)
}

/// Lets Telegram limit the list of dialogs for a day.
fn limit_list(scene: &Scene) {
    let day = u32::try_from(DAY).expect("seconds");
    scene.sim.fault(Match::method(LIST), Fault::FloodWait(day));
}

/// Returns how many calls asked for one known channel alone.
fn calls_for_one_channel(scene: &Scene) -> usize {
    let calls = scene.sim.calls_of(KNOWN);
    // A request begins with its constructor, the one of the vector, and the number of peers.
    let counts = calls.iter().map(|call| &call.request[8..12]);
    counts.filter(|count| *count == 1_u32.to_le_bytes()).count()
}

#[test]
fn joins_of_groups_without_any_push_are_found_by_polls_and_by_queries_for_known_channels() {
    let (scene, groups) = start(12);
    // The first group is lively and polled, the last one is not.
    let (lively, quiet) = (scene.group, groups[11]);
    let mut users = BTreeSet::from([scene.join_user_in(lively)]);
    scene.wait_for_photos_of(&users);
    for group in groups.iter().chain([&lively]) {
        scene.sim.set_silent(*group, true);
        scene.sim.set_difference_timeout(*group, 10);
    }
    users.insert(scene.join_user_in(lively));
    scene.wait_for_photos_of(&users);
    users.insert(scene.join_user_in(quiet));
    let calls = scene.sim.calls_of(KNOWN).len();
    scene.wait_for_call(KNOWN, calls + 1);
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn a_group_that_removed_the_account_does_not_hide_the_joins_of_the_others() {
    let (scene, groups) = start(6);
    limit_list(&scene);
    scene.sim.suppress_pushes(true);
    scene.sim.kick_me(groups[2]);
    let others = [0, 1, 3, 4, 5].map(|number| groups[number]);
    let users = others.map(|group| scene.join_user_in(group));
    scene.sim.suppress_pushes(false);
    scene.sim.cut_all();
    scene.wait_for_photos_of(&users.into());
    scene.wait_for_rows(ABSENT, 1);
    scene.finish();
}

#[test]
fn an_update_of_a_channel_without_a_reason_costs_one_small_call() {
    let (scene, _) = start(3);
    let user = scene.join_user();
    scene.wait_for_photos_of(&[user].into());
    let lists = scene.sim.calls_of(LIST).len();
    let calls = calls_for_one_channel(&scene);
    scene.sim.push_channel(scene.group);
    scene.poll("a call for the one channel", || {
        calls_for_one_channel(&scene) > calls
    });
    let next = scene.join_user();
    scene.wait_for_photos_of(&[user, next].into());
    assert_eq!(scene.sim.calls_of(LIST).len(), lists);
    scene.finish();
}

#[test]
fn a_removal_of_the_account_is_noticed_without_the_list_of_dialogs() {
    let (scene, groups) = start(2);
    limit_list(&scene);
    scene.sim.kick_me(groups[0]);
    scene.wait_for_rows(ABSENT, 1);
    let user = scene.join_user_in(groups[1]);
    scene.wait_for_photos_of(&[user].into());
    scene.finish();
}

#[test]
fn a_group_that_the_account_entered_is_found_by_an_update_of_the_channel() {
    let (scene, _) = start(0);
    scene.sim.suppress_pushes(true);
    let group = scene.sim.add_group("A new group");
    scene.sim.suppress_pushes(false);
    scene.sim.push_channel(group);
    scene.wait_for_rows("SELECT 1 FROM ledger", 3);
    let user = scene.join_user_in(group);
    scene.wait_for_photos_of(&[user].into());
    scene.finish();
}

#[test]
fn a_limit_on_the_known_channels_stops_neither_polls_nor_the_list() {
    let (scene, _) = start(3);
    let limit = Match::method(KNOWN);
    scene.sim.fault(limit, Fault::FloodWait(3600));
    scene.sim.set_silent(scene.group, true);
    // The list replaces the call for one channel.
    let lists = scene.sim.calls_of(LIST).len();
    scene.sim.push_channel(scene.group);
    scene.wait_for_call(LIST, lists + 1);
    let user = scene.join_user();
    scene.wait_for_photos_of(&[user].into());
    scene.finish();
}
