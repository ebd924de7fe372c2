//! No photo is lost and none is posted twice: after kills, lost replies, cut connections and gaps in the updates
//! (docs/promises.md).

use std::collections::BTreeSet;

use telegram_sim::{Fault, JoinKind, Match, OTHER_DC, Options, PhotoSpec, UserSpec};

use crate::harness::Scene;

/// Makes a scene in which a gap of more than 50 events gives `channelDifferenceTooLong`.
fn scene_with_short_differences() -> Scene {
    Scene::with_options(Options {
        photo_size: (64, 64),
        longest_difference: 50,
        ..Options::default()
    })
}

/// Lets `count` users join, every fifth with a photo in the other data centre; returns their ids.
fn join_users(scene: &Scene, count: usize) -> BTreeSet<i64> {
    (0..count)
        .map(|number| {
            let dc = if number % 5 == 0 { OTHER_DC } else { 2 };
            let spec = UserSpec::new("Joiner").photo(PhotoSpec::jpeg().dc(dc));
            let user = scene.sim.add_user(spec);
            scene.sim.join(scene.group, user, JoinKind::ByLink);
            user
        })
        .collect()
}

/// Waits until each of these users' photos was posted, and fails unless each was posted once and unchanged.
fn assert_forwarded_once(scene: &Scene, users: &BTreeSet<i64>) {
    for photo in scene.wait_for_photos_of(users) {
        assert_eq!(photo.image, scene.sim.photo_bytes(photo.user));
    }
}

#[test]
fn joins_while_the_program_did_not_run_are_forwarded() {
    let mut scene = Scene::with_options(Options {
        photo_size: (64, 64),
        longest_difference: 1000,
        ..Options::default()
    });
    scene.start();
    scene.kill();
    let users = join_users(&scene, 300);
    // These messages make the events more than one page of differences.
    for _ in 0..50 {
        let talker = scene.sim.owner();
        scene.sim.send_message(scene.group, talker, "hello");
    }
    scene.start();
    assert_forwarded_once(&scene, &users);
    let pages = scene.sim.calls_of("updates.getChannelDifference").len();
    assert!(pages > 3, "{pages} pages");
    scene.finish();
}

#[test]
fn a_gap_too_long_for_differences_is_closed_by_message_ids() {
    let mut scene = scene_with_short_differences();
    scene.start();
    scene.kill();
    let users = join_users(&scene, 240);
    scene.start();
    assert_forwarded_once(&scene, &users);
    // After that, the program follows pushes again.
    let later = join_users(&scene, 3);
    assert_forwarded_once(&scene, &users.union(&later).copied().collect());
    scene.finish();
}

#[test]
fn a_kill_while_a_gap_is_closed_loses_no_join() {
    let mut scene = scene_with_short_differences();
    scene.start();
    scene.kill();
    let users = join_users(&scene, 260);
    scene.sim.fault(
        Match::method("channels.getMessages").after(1).once(),
        Fault::Hold,
    );
    scene.launch();
    scene.wait_for_call("channels.getMessages", 2);
    scene.kill();
    scene.sim.release();
    scene.sim.clear_faults();
    scene.launch();
    assert_forwarded_once(&scene, &users);
    scene.finish();
}

#[test]
fn kills_between_a_call_and_its_reply_lose_and_repeat_nothing() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    let mut users = BTreeSet::new();
    for round in 0..20 {
        // The simulator holds the reply to this call back, and the program is killed while it waits for it.
        let method = [
            "messages.sendMedia",
            "upload.getFile",
            "upload.saveFilePart",
            "messages.sendMedia",
        ][round % 4];
        let before = scene.sim.calls_of(method).len();
        scene.sim.fault(Match::method(method).once(), Fault::Hold);
        users.extend(join_users(&scene, 2));
        scene.wait_for_call(method, before + 1);
        scene.kill();
        scene.sim.release();
        scene.sim.clear_faults();
        scene.start();
    }
    assert_forwarded_once(&scene, &users);
    assert_eq!(scene.reports("online").len(), 21);
    scene.finish();
}

#[test]
fn a_lost_reply_is_not_posted_twice() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene
        .sim
        .fault(Match::method("messages.sendMedia").once(), Fault::LoseReply);
    let users = join_users(&scene, 3);
    scene.wait_for_photos(3);
    scene.wait_for("the repeated call", |world| {
        world.calls_of("messages.sendMedia").count() >= 4
    });
    assert_forwarded_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_post_that_is_still_in_progress_is_not_repeated() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.sim.fault(
        Match::method("messages.sendMedia").once(),
        Fault::HoldBefore,
    );
    let users = join_users(&scene, 1);
    scene.wait_for_call("messages.sendMedia", 1);
    scene.kill();
    scene.launch();
    scene.wait_for("the refusal of the second", |world| {
        world.calls_of("messages.sendMedia").any(|call| {
            call.error()
                .is_some_and(|e| e.message == "RANDOM_ID_DUPLICATE")
        })
    });
    scene.sim.release();
    assert_forwarded_once(&scene, &users);
    scene.finish();
}

#[test]
fn joins_during_a_network_outage_are_pulled_afterwards() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.sim.refuse_connections(true);
    scene.sim.cut_all();
    let users = join_users(&scene, 120);
    scene.sim.refuse_connections(false);
    assert_forwarded_once(&scene, &users);
    scene.finish();
}

#[test]
fn joins_after_lost_pushes_and_skipped_pts_are_pulled() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.sim.drop_pushes(3);
    let mut users = join_users(&scene, 4);
    scene.wait_for_photos(4);
    scene.sim.skip_pts(scene.group, 5);
    users.extend(join_users(&scene, 2));
    scene.wait_for_photos(6);
    scene.sim.suppress_pushes(true);
    users.extend(join_users(&scene, 2));
    scene.sim.suppress_pushes(false);
    scene.sim.push_too_long(scene.group);
    assert_forwarded_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_group_joined_while_running_is_watched_from_its_first_push() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    let group = scene.sim.add_group("Another group");
    let user = scene.join_user_in(group);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    scene.finish();
}

#[test]
fn a_join_that_is_pushed_and_pulled_is_forwarded_once() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    let mut users = join_users(&scene, 1);
    scene.wait_for_photos(1);
    // The list of dialogs and `updateChannelTooLong` make the program pull the same join.
    scene.sim.push_too_long(scene.group);
    scene.sim.cut_all();
    users.extend(join_users(&scene, 1));
    assert_forwarded_once(&scene, &users);
    scene.finish();
}

#[test]
fn photos_whose_spool_files_are_lost_are_downloaded_again() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.refuse_file_posts();
    let users = join_users(&scene, 5);
    scene.wait_for("five photos in the spool", |world| {
        world.calls_of("upload.getFile").count() >= 5
    });
    scene.wait_for_rows(
        "SELECT 1 FROM outbox WHERE state IN ('fetched', 'sending') AND class = 'avatar'",
        5,
    );
    scene.kill();
    let spool = scene.spool();
    for file in std::fs::read_dir(&spool).expect("a spool").skip(2) {
        std::fs::remove_file(file.expect("a file").path()).expect("removed");
    }
    std::fs::write(spool.join("unlisted"), b"unlisted").expect("written");
    scene.sim.clear_faults();
    scene.start();
    assert_forwarded_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_flood_wait_survives_a_restart_and_does_not_delay_reports() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.sim.fault(
        Match::method("messages.sendMedia").once(),
        Fault::FloodWait(6),
    );
    let users = join_users(&scene, 2);
    scene.wait_for("the rate limit", |world| {
        world
            .calls_of("messages.sendMedia")
            .any(|call| call.error().is_some())
    });
    scene.wait_for_rows("SELECT 1 FROM floods", 1);
    scene.kill();
    // The report is posted while the limit holds back photos; no photo is sent before the limit is over.
    scene.start();
    assert_forwarded_once(&scene, &users);
    let posts = scene.sim.posts(scene.hide);
    let first_photo = posts.iter().find(|post| post.file.is_some()).expect("one");
    assert!(
        scene.reports("online")[1].id < first_photo.id,
        "the report waited for the photos"
    );
    let sent = scene.sim.calls_of("messages.sendMedia");
    let refused = sent
        .iter()
        .find(|call| call.error().is_some())
        .expect("one");
    let next = sent.iter().find(|call| call.succeeded()).expect("one");
    assert!(
        (next.at - refused.at).as_secs() >= 6,
        "sent again after {:?}",
        next.at - refused.at
    );
    assert_eq!(sent.len(), 3);
    scene.finish();
}

#[test]
fn a_join_pushed_during_the_first_dialog_sync_is_not_lost() {
    let mut scene = Scene::with_photo_size(64);
    // The simulator computes the list after the join, which it pushes before it sends the list.
    scene.sim.fault(
        Match::method("messages.getDialogs").once(),
        Fault::HoldBefore,
    );
    scene.launch();
    scene.wait_for_call("messages.getDialogs", 1);
    let users = join_users(&scene, 3);
    scene.sim.release();
    assert_forwarded_once(&scene, &users);
    scene.finish();
}
