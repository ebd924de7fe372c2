//! Bios with `check_bio`: each join waits for its own bio only (docs/outcomes.md).

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, UserSpec};

use crate::harness::{Scene, user_with_photo};

const BIO: &str = "users.getFullUser";

fn started() -> Scene {
    let mut scene = Scene::with_photo_size(64);
    scene.set("custom", "check_bio = true");
    scene.start();
    scene.update_rules("bio_words", json!({"pills": 0}));
    scene
}

fn join(scene: &Scene, spec: UserSpec) -> i64 {
    let user = scene.sim.add_user(spec);
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    user
}

#[test]
fn a_bio_is_asked_only_for_a_photo_that_would_go_out() {
    let scene = started();
    let bare = join(&scene, UserSpec::new("Joiner").about("pills").min(false));
    scene.wait_for_outcome(bare, "no_photo");
    assert_eq!(scene.sim.calls_of(BIO).len(), 0);
    let shown = join(&scene, user_with_photo("Joiner").about("pills").min(false));
    scene.wait_for_outcome(shown, "named");
    assert_eq!(scene.sim.calls_of(BIO).len(), 1);
    scene.finish_with_next_photo(0);
}

#[test]
fn a_join_does_not_wait_for_the_bios_of_others() {
    let scene = started();
    // The joins are looked up in one call.
    let held = Match::method("users.getUsers").once();
    scene.sim.fault(held, Fault::HoldBefore);
    let users = 8;
    join(&scene, user_with_photo("Joiner").min(false));
    scene.wait_for_call("users.getUsers", scene.sim.calls_of("users.getUsers").len());
    for _ in 1..users {
        join(&scene, user_with_photo("Joiner").min(false));
    }
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'lookup'", users);
    scene.sim.fault(Match::method(BIO).after(2), Fault::Hold);
    scene.sim.release();
    scene.wait_for_photos(2);
    let asked = scene.sim.calls_of(BIO).len();
    assert!(asked < users, "{asked} bios were asked for first");
    scene.sim.clear_faults();
    scene.sim.release();
    scene.wait_for_photos(users);
    scene.finish();
}

#[test]
fn the_wait_for_the_own_pace_does_not_count_against_a_bio() {
    let scene = started();
    // Each rate limit doubles the interval between two calls.
    for posted in 1..=2 {
        scene
            .sim
            .fault(Match::method(BIO).once(), Fault::FloodWait(1));
        join(&scene, user_with_photo("Joiner"));
        scene.wait_for_photos(posted);
        scene.poll("the end of the rate limit", || {
            let until: Vec<i64> = scene.query("SELECT until FROM floods", |row| row.get(0));
            until.iter().all(|until| *until < crate::harness::now())
        });
    }
    let named: Vec<i64> = (0..7)
        .map(|_| join(&scene, user_with_photo("Joiner").about("pills")))
        .collect();
    for user in named {
        scene.wait_for_outcome(user, "named");
    }
    assert_eq!(scene.photos().len(), 2);
    scene.finish();
}
