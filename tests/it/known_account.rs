//! A start with a ledger from before needs no single method: what the program knows already is used until Telegram
//! answers (docs/operations.md, "Start").

use telegram_sim::{Fault, Match};

use crate::harness::{DAY, Scene, execute_batch};

/// Refuses every call of `method` for a day.
fn day_of_flood() -> Fault {
    Fault::FloodWait(u32::try_from(DAY).expect("seconds"))
}

#[test]
fn a_known_account_starts_while_one_method_is_limited_or_refused() {
    for method in [
        "messages.getDialogs",
        "messages.getPeerDialogs",
        "users.getUsers",
        "updates.getState",
    ] {
        for fault in [
            day_of_flood(),
            Fault::error(400, "SOMETHING_NEW"),
            Fault::error(500, "INTERNAL"),
        ] {
            let mut scene = Scene::new();
            scene.start();
            scene.stop();
            let user = scene.join_user();
            scene.sim.fault(Match::method(method), fault.clone());
            scene.start();
            let photos = scene.wait_for_photos(1);
            assert_eq!(photos[0].user, user, "{method} {fault:?}");
            scene.finish();
        }
    }
}

#[test]
fn another_account_than_before_is_noticed_once_telegram_names_it() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    let account = "SELECT 1 FROM settings WHERE key = 'account' AND value = ";
    execute_batch(
        &scene.state(),
        "UPDATE settings SET value = '77' WHERE key = 'account'",
    );
    let own = Match::method("users.getUsers").times(2);
    scene.sim.fault(own, Fault::FloodWait(1));
    scene.start();
    let (code, log) = scene.wait_for_exit();
    assert_eq!(code, Some(70), "{log}");
    assert!(log.contains("belongs to another account"), "{log}");
    assert_eq!(scene.count(&format!("{account} '77'")), 0);
    scene.start();
    scene.finish_with_next_photo(0);
}

#[test]
fn a_group_that_the_account_left_does_not_hide_what_happened_in_the_others() {
    let mut scene = Scene::new();
    let groups = scene.sim.add_groups(5);
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE present", 7);
    scene.stop();
    scene.sim.kick_me(groups[2]);
    // Only the batches of known channels can show what happened.
    scene
        .sim
        .fault(Match::method("messages.getDialogs"), day_of_flood());
    for group in [groups[0], groups[1], groups[3], groups[4]] {
        scene.join_user_in(group);
    }
    scene.start();
    scene.wait_for_photos(4);
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE NOT present", 1);
    scene.finish();
}

#[test]
fn pushes_come_again_once_the_limit_on_the_state_ends() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    let state = Match::method("updates.getState").once();
    scene.sim.fault(state, Fault::FloodWait(1));
    scene.start();
    scene.wait_for_call("updates.getState", 3);
    scene.finish_with_next_photo(0);
}
