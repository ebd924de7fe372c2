//! Nothing lost, nothing twice: killed anywhere, answers lost, the network cut (SPEC §9.1, §9.2).

use std::collections::BTreeSet;

use telegram_sim::{Fault, How, Match, OTHER_DC, Options, PhotoSpec, UserSpec};

use crate::harness::{Scene, somebody};

/// A world whose pictures are small: these tests are about many.
fn crowd() -> Options {
    Options {
        photo_size: (64, 64),
        ..Options::default()
    }
}

/// Lets `count` members join, and returns them.
fn join_some(scene: &Scene, count: usize) -> BTreeSet<i64> {
    (0..count)
        .map(|number| {
            let dc = if number % 5 == 0 { OTHER_DC } else { 2 };
            let spec = UserSpec::new("Joiner").photo(PhotoSpec::jpeg().dc(dc));
            let user = scene.sim.add_user(spec);
            scene.sim.join(scene.group, user, How::ByLink);
            user
        })
        .collect()
}

/// Each of these users' photos arrived exactly once, unchanged, and nobody else's did.
fn arrived_once(scene: &Scene, users: &BTreeSet<i64>) {
    let photos = scene.photos();
    let who: Vec<i64> = photos.iter().map(|photo| photo.user).collect();
    let once: BTreeSet<i64> = who.iter().copied().collect();
    assert_eq!(&once, users);
    assert_eq!(who.len(), once.len(), "somebody arrived twice");
    for photo in photos {
        assert_eq!(photo.image, scene.sim.photo_bytes(photo.user));
    }
}

#[test]
fn joins_while_the_program_was_dead_are_all_forwarded() {
    let mut scene = Scene::with(crowd());
    scene.start();
    scene.kill();
    let users = join_some(&scene, 300);
    // Talk in between makes the events more than one page of differences.
    for _ in 0..50 {
        let talker = scene.sim.owner();
        scene.sim.message(scene.group, talker, "hello");
    }
    scene.start();
    scene.wait_for_photos(300);
    arrived_once(&scene, &users);
    let pages = scene.sim.calls_of("updates.getChannelDifference").len();
    assert!(pages > 3, "{pages} pages");
    scene.finish();
}

#[test]
fn a_gap_too_long_for_differences_is_closed_by_message_ids() {
    let mut scene = Scene::with(Options {
        longest_difference: 50,
        ..crowd()
    });
    scene.start();
    scene.kill();
    let users = join_some(&scene, 240);
    scene.start();
    scene.wait_for_photos(240);
    arrived_once(&scene, &users);
    // And from there on, pushes are followed again.
    let later = join_some(&scene, 3);
    scene.wait_for_photos(243);
    arrived_once(&scene, &users.union(&later).copied().collect());
    scene.finish();
}

#[test]
fn killed_while_it_closes_a_gap_it_goes_on_where_it_was() {
    let mut scene = Scene::with(Options {
        longest_difference: 50,
        ..crowd()
    });
    scene.start();
    scene.kill();
    let users = join_some(&scene, 260);
    scene.sim.fault(
        Match::method("channels.getMessages").after(1).once(),
        Fault::Hold,
    );
    scene.launch();
    scene
        .sim
        .wait_for_call("channels.getMessages", 2, crate::harness::PATIENCE)
        .expect("two calls");
    scene.kill();
    scene.sim.release();
    scene.sim.clear_faults();
    scene.launch();
    scene.wait_for_photos(260);
    arrived_once(&scene, &users);
    scene.finish();
}

#[test]
fn killed_between_the_work_and_its_reply_twenty_times_nothing_is_lost_or_doubled() {
    let mut scene = Scene::with(crowd());
    scene.start();
    let mut users = BTreeSet::new();
    for round in 0..20 {
        // The reply to one of the calls along the way is withheld, and there the program dies.
        let method = [
            "messages.sendMedia",
            "upload.getFile",
            "upload.saveFilePart",
            "messages.sendMedia",
        ][round % 4];
        let before = scene.sim.calls_of(method).len();
        scene.sim.fault(Match::method(method).once(), Fault::Hold);
        users.extend(join_some(&scene, 2));
        scene
            .sim
            .wait_for_call(method, before + 1, crate::harness::PATIENCE)
            .expect("the call");
        scene.kill();
        scene.sim.release();
        scene.sim.clear_faults();
        scene.start();
    }
    scene.wait_for_photos(users.len());
    arrived_once(&scene, &users);
    assert_eq!(scene.reports("online").len(), 21);
    scene.finish();
}

#[test]
fn a_lost_reply_is_asked_for_again_under_the_same_id() {
    let mut scene = Scene::with(crowd());
    scene.start();
    scene
        .sim
        .fault(Match::method("messages.sendMedia").once(), Fault::LoseReply);
    let users = join_some(&scene, 3);
    scene.wait_for_photos(3);
    scene.wait_for("the proof of all three", |world| {
        world.calls_of("messages.sendMedia").count() >= 4
    });
    arrived_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_post_still_under_way_is_waited_for() {
    let mut scene = Scene::with(crowd());
    scene.start();
    scene.sim.fault(
        Match::method("messages.sendMedia").once(),
        Fault::HoldBefore,
    );
    let users = join_some(&scene, 1);
    scene
        .sim
        .wait_for_call("messages.sendMedia", 1, crate::harness::PATIENCE)
        .expect("the call");
    scene.kill();
    scene.launch();
    scene.wait_for("the refusal of the second", |world| {
        world.calls_of("messages.sendMedia").any(|call| {
            call.error()
                .is_some_and(|e| e.message == "RANDOM_ID_DUPLICATE")
        })
    });
    scene.sim.release();
    scene.wait_for_photos(1);
    arrived_once(&scene, &users);
    scene.finish();
}

#[test]
fn after_the_network_was_cut_what_was_missed_is_pulled() {
    let mut scene = Scene::with(crowd());
    scene.start();
    scene.sim.refuse_connections(true);
    scene.sim.cut_all();
    let users = join_some(&scene, 120);
    scene.sim.refuse_connections(false);
    scene.wait_for_photos(120);
    arrived_once(&scene, &users);
    scene.finish();
}

#[test]
fn lost_pushes_and_skipped_pts_are_pulled() {
    let mut scene = Scene::with(crowd());
    scene.start();
    scene.sim.skip_pushes(3);
    let mut users = join_some(&scene, 4);
    scene.wait_for_photos(4);
    scene.sim.skip_pts(scene.group, 5);
    users.extend(join_some(&scene, 2));
    scene.wait_for_photos(6);
    scene.sim.silent(true);
    users.extend(join_some(&scene, 2));
    scene.sim.silent(false);
    scene.sim.push_too_long(scene.group);
    scene.wait_for_photos(8);
    arrived_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_group_joined_while_running_is_watched_from_its_first_push() {
    let mut scene = Scene::with(crowd());
    scene.start();
    let group = scene.sim.add_group("Another group");
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    scene.finish();
}

#[test]
fn a_join_seen_by_push_and_by_pull_is_one() {
    let mut scene = Scene::with(crowd());
    scene.start();
    let mut users = join_some(&scene, 1);
    scene.wait_for_photos(1);
    // The same again, from the list of dialogs and from a hint that the channel moved.
    scene.sim.push_too_long(scene.group);
    scene.sim.cut_all();
    users.extend(join_some(&scene, 1));
    scene.wait_for_photos(2);
    arrived_once(&scene, &users);
    scene.finish();
}

#[test]
fn a_spool_that_lost_its_files_is_filled_again() {
    let mut scene = Scene::with(crowd());
    scene.start();
    scene.sim.fault(
        Match::method("messages.sendMedia"),
        Fault::error(500, "INTERNAL"),
    );
    let users = join_some(&scene, 5);
    scene.wait_for("five photos in the spool", |world| {
        world.calls_of("upload.getFile").count() >= 5
    });
    scene.wait_for_state(
        "SELECT 1 FROM outbox WHERE state IN ('fetched', 'sending') AND class = 'avatar'",
        5,
    );
    scene.kill();
    let spool = scene.data_dir().join("spool");
    for file in std::fs::read_dir(&spool).expect("a spool").skip(2) {
        std::fs::remove_file(file.expect("a file").path()).expect("removed");
    }
    std::fs::write(spool.join("stranger"), b"nobody's").expect("written");
    scene.sim.clear_faults();
    scene.start();
    scene.wait_for_photos(5);
    arrived_once(&scene, &users);
    scene.finish();
}

#[test]
fn floods_rest_one_method_survive_a_restart_and_let_reports_pass() {
    let mut scene = Scene::with(crowd());
    scene.start();
    scene.sim.fault(
        Match::method("messages.sendMedia").once(),
        Fault::FloodWait(6),
    );
    let users = join_some(&scene, 2);
    scene.wait_for("the flood limit", |world| {
        world
            .calls_of("messages.sendMedia")
            .any(|call| call.error().is_some())
    });
    scene.wait_for_state("SELECT 1 FROM floods", 1);
    scene.kill();
    // The report goes out while photos rest; no photo is tried before the limit is over.
    scene.start();
    scene.wait_for_photos(2);
    arrived_once(&scene, &users);
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
        "tried again after {:?}",
        next.at - refused.at
    );
    assert_eq!(sent.len(), 3);
    scene.finish();
}

#[test]
fn a_join_pushed_while_the_first_list_of_dialogs_is_read_is_not_lost() {
    let mut scene = Scene::with(crowd());
    // The list is computed after the join, which is pushed before the list arrives.
    scene.sim.fault(
        Match::method("messages.getDialogs").once(),
        Fault::HoldBefore,
    );
    scene.launch();
    scene
        .sim
        .wait_for_call("messages.getDialogs", 1, crate::harness::PATIENCE)
        .expect("the call");
    let users = join_some(&scene, 3);
    scene.sim.release();
    scene.wait_for_photos(3);
    arrived_once(&scene, &users);
    scene.finish();
}
