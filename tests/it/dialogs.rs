//! Lists of dialogs that are limited, odd or partly unreadable: every group is watched all the same
//! (docs/operations.md, "Start").

use std::time::Duration;

use telegram_sim::{Fault, Match};

use crate::harness::{Scene, now};

/// Dates the dialogs of `chats` a minute apart, the first one newest, from `minutes` ago on.
fn date_dialogs(scene: &Scene, chats: &[i64], minutes: i64) {
    for (number, chat) in chats.iter().enumerate() {
        let age = 60 * (minutes + i64::try_from(number).expect("few chats"));
        let date = i32::try_from(now() - age).expect("before 2038");
        scene.sim.set_dialog_date(*chat, date);
    }
}

/// Raises the limit on lists of dialogs above the pace of the program, for a test in which dozens of calls narrow a page
/// down to one dialog. With the limit of the other tests, of five calls in 20 seconds, they take minutes.
fn relax_limit(scene: &Scene) {
    scene
        .sim
        .limit_calls("messages.getDialogs", 20, Duration::from_secs(5));
}

/// Waits until the daemon watches `count` channels, HIDE among them.
fn wait_until_watched(scene: &Scene, count: usize) {
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE present", count);
}

#[test]
fn a_limited_list_goes_on_where_it_was() {
    let mut scene = Scene::new();
    let groups = scene.sim.add_groups(480);
    date_dialogs(&scene, &groups, 10);
    // HIDE stands behind 350 groups.
    date_dialogs(&scene, &[scene.group, scene.hide], 360);
    scene
        .sim
        .limit_calls("messages.getDialogs", 4, Duration::from_secs(8));
    scene.start();
    wait_until_watched(&scene, 482);
    scene.join_user_in(groups[479]);
    scene.join_user_in(groups[0]);
    scene.wait_for_photos(2);
    scene.finish();
}

#[test]
fn a_first_start_is_online_as_soon_as_hide_is_listed() {
    let mut scene = Scene::new();
    let groups = scene.sim.add_groups(120);
    date_dialogs(&scene, &[scene.hide], 1);
    date_dialogs(&scene, &groups, 10);
    let list = Match::method("messages.getDialogs");
    scene.sim.fault(list.after(1), Fault::HoldBefore);
    scene.start();
    scene.wait_for_call("messages.getDialogs", 2);
    let watched = scene.count("SELECT 1 FROM ledger");
    assert!(watched < 122, "{watched}");
    // One group is listed, the other is not yet.
    scene.join_user_in(groups[0]);
    scene.join_user_in(groups[119]);
    scene.wait_for_photos(1);
    scene.sim.clear_faults();
    scene.sim.release();
    wait_until_watched(&scene, 122);
    scene.wait_for_photos(2);
    scene.finish();
}

#[test]
fn a_first_start_waits_for_exchange_so_that_posts_go_there() {
    let mut scene = Scene::new();
    let exchange = scene.add_exchange();
    let groups = scene.sim.add_groups(60);
    date_dialogs(&scene, &[scene.hide], 1);
    date_dialogs(&scene, &groups, 10);
    date_dialogs(&scene, &[exchange], 1000);
    let list = Match::method("messages.getDialogs").after(1).once();
    scene.sim.fault(list, Fault::FloodWait(1));
    scene.start();
    wait_until_watched(&scene, 63);
    scene.join_user_in(groups[0]);
    scene.wait_for_photos(1);
    scene.finish();
}

#[test]
fn a_page_without_newest_messages_does_not_end_the_list() {
    let mut scene = Scene::new();
    let groups = scene.sim.add_groups(130);
    date_dialogs(&scene, &groups, 10);
    for group in &groups[..120] {
        scene.sim.hide_top_message(*group, true);
    }
    date_dialogs(&scene, &[scene.group, scene.hide], 1000);
    scene.start();
    wait_until_watched(&scene, 132);
    scene.join_user_in(groups[60]);
    scene.join_user_in(groups[129]);
    scene.wait_for_photos(2);
    scene.finish();
}

#[test]
fn a_dialog_that_cannot_be_read_is_stepped_over() {
    let mut scene = Scene::new();
    relax_limit(&scene);
    let groups = scene.sim.add_groups(70);
    date_dialogs(&scene, &groups, 10);
    date_dialogs(&scene, &[scene.group, scene.hide], 1000);
    for unreadable in [groups[20], groups[60]] {
        scene.sim.set_unreadable_dialog(unreadable, true);
    }
    scene.start();
    wait_until_watched(&scene, 70);
    scene.wait_for_log("a dialog cannot be read and is skipped");
    for group in [groups[19], groups[21], groups[69], scene.group] {
        scene.join_user_in(group);
    }
    scene.wait_for_photos(4);
    // The dialog becomes readable, and the next list shows it.
    for unreadable in [groups[20], groups[60]] {
        scene.sim.set_unreadable_dialog(unreadable, false);
    }
    scene.sim.cut_all();
    wait_until_watched(&scene, 72);
    assert_eq!(scene.log().matches("is skipped").count(), 2);
    scene.finish();
}

#[test]
fn an_unreadable_dialog_does_not_end_the_lists_while_the_program_runs() {
    let mut scene = Scene::new();
    relax_limit(&scene);
    scene.start();
    scene.sim.set_unreadable_dialog(scene.group, true);
    // The new group lies behind the unreadable one.
    let group = scene.sim.add_group("A new group");
    date_dialogs(&scene, &[scene.group, group], 10);
    scene.sim.cut_all();
    wait_until_watched(&scene, 3);
    scene.join_user_in(group);
    scene.join_user();
    scene.wait_for_photos(2);
    scene.finish();
}

#[test]
fn a_large_page_that_looks_like_a_closed_connection_is_halved() {
    let mut scene = Scene::new();
    relax_limit(&scene);
    let groups = scene.sim.add_groups(40);
    date_dialogs(&scene, &groups, 10);
    // A page of more than ten dialogs is too large for the client's reader.
    let is_large = |request: &[u8]| limit_of(request) > 10;
    let list = Match::method("messages.getDialogs").when(is_large);
    scene.sim.fault(list, Fault::CutBefore);
    scene.start();
    wait_until_watched(&scene, 42);
    scene.sim.clear_faults();
    scene.join_user_in(groups[39]);
    scene.wait_for_photos(1);
    scene.finish();
}

/// Returns the `limit` of a `messages.getDialogs`, which is followed by its hash.
fn limit_of(request: &[u8]) -> i32 {
    let end = request.len() - 8;
    let limit = request[end - 4..end].try_into().expect("four bytes");
    i32::from_le_bytes(limit)
}
