//! Starts without the records of earlier runs: the program starts as a new one and warns (docs/operations.md, "Start").

use std::fs;

use crate::harness::{Scene, assert_contains, fixture};

/// The beginning of the warning.
const WARNING: &str = "the program starts without its earlier records";

#[test]
fn a_first_start_has_no_warning() {
    let mut scene = Scene::new();
    scene.start();
    assert!(!scene.log().contains(WARNING), "{}", scene.log());
    scene.stop();
    scene.start();
    assert!(!scene.log().contains(WARNING), "{}", scene.log());
    scene.finish();
}

#[test]
fn a_start_with_a_lost_state_warns_and_works() {
    type Lose = fn(&Scene);
    let cases: [(&str, Lose); 3] = [
        ("state.db is empty", |scene| {
            fs::write(scene.state(), b"").expect("written");
        }),
        ("state.db is missing beside state.db-wal", |scene| {
            let log = scene.state().with_file_name("state.db-wal");
            fs::copy(fixture("state/layout_4.db"), log).expect("copied");
        }),
        (
            "state.db is missing beside the spool of an earlier run",
            |scene| fs::create_dir(scene.spool()).expect("a directory"),
        ),
    ];
    for (words, lose) in cases {
        let mut scene = Scene::new();
        lose(&scene);
        scene.start();
        assert_contains(&scene.log(), &[WARNING, words]);
        scene.finish_with_next_photo(0);
    }
}
