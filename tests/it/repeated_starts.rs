//! Repeated starts: one after starts that did not get ready waits before it connects, and those within ten minutes post
//! one online report (docs/operations.md, "Start").

use telegram_sim::{Fault, Match};

use crate::harness::{Scene, assert_contains, output_of};

const UNREADY: &str = "SELECT 1 FROM settings WHERE key = 'unready_starts' AND value = ";

/// Fails unless the number of unready starts is this.
fn assert_unready(scene: &Scene, count: u32) {
    let rows = scene.count(&format!("{UNREADY} '{count}'"));
    assert_eq!(rows, 1, "not {count} unready starts");
}

#[test]
fn a_start_after_one_that_was_refused_waits_before_it_connects() {
    let mut scene = Scene::new();
    let list = Match::method("messages.getDialogs");
    scene.sim.fault(list, Fault::error(400, "SOMETHING_NEW"));
    let (code, _, stderr) = output_of(&mut scene.command("run"));
    assert_eq!(code, Some(70), "{stderr}");
    assert_unready(&scene, 1);
    let calls = scene.sim.calls().len();

    // A signal ends the wait at once, and counts as no start.
    scene.launch();
    scene.wait_for_log("waiting before connecting");
    assert_contains(&scene.log(), &["unready_starts=1", "seconds=5"]);
    assert_eq!(scene.stop().code(), Some(0));
    assert_eq!(scene.sim.calls().len(), calls, "the program connected");
    assert_unready(&scene, 1);

    // The wait ends, and a start that is ready resets the count.
    scene.sim.clear_faults();
    scene.launch();
    scene.wait_for_log("watching");
    assert_unready(&scene, 0);
    scene.finish();
}

#[test]
fn a_kill_counts_before_the_program_is_ready_and_not_afterwards() {
    let mut scene = Scene::new();
    let list = Match::method("messages.getDialogs");
    scene.sim.fault(list, Fault::HoldBefore);
    scene.launch();
    scene.wait_for_call("messages.getDialogs", 1);
    scene.kill();
    assert_unready(&scene, 1);
    scene.sim.clear_faults();
    scene.sim.release();
    scene.launch();
    scene.wait_for_log("watching");
    scene.kill();
    assert_unready(&scene, 0);
    scene.launch();
    scene.wait_for_call("updates.getState", 3);
    let log = scene.log();
    assert_eq!(log.matches("waiting before connecting").count(), 1, "{log}");
    scene.finish();
}

#[test]
fn a_start_that_a_person_has_to_mend_does_not_make_the_next_one_wait() {
    let mut scene = Scene::new();
    scene.sim.kick_me(scene.hide);
    let (code, _, stderr) = output_of(&mut scene.command("run"));
    assert_eq!(code, Some(78), "{stderr}");
    assert_unready(&scene, 0);
    scene.sim.add_me(scene.hide);
    scene.sim.set_can_post(scene.hide, true);
    scene.start();
    scene.finish();
}

#[test]
fn starts_within_ten_minutes_post_one_online_report() {
    let mut scene = Scene::started();
    scene.wait_until_settled();
    for photos in 1..=3 {
        scene.kill();
        scene.launch();
        // Reports overtake photos, so a report of this start would be posted before the photo.
        scene.join_user();
        scene.wait_for_photos(photos);
    }
    assert_eq!(scene.reports("online").len(), 1);
    scene.kill();
    scene.age_online_reports();
    scene.launch();
    scene.poll("another online report", || {
        scene.reports("online").len() == 2
    });
    scene.finish();
}
