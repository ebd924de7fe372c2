//! Rechecks beside look-ups, refusals, rate limits, kills, and many joins at once.

use std::collections::BTreeSet;

use telegram_sim::{Fault, JoinKind, Match, PhotoSpec, UserSpec};

use super::{
    join_and_forward, join_without_photo, scene_with_schedule, scene_without_schedule,
    wait_for_recheck,
};
use crate::harness::user_with_photo;

#[test]
fn a_join_whose_user_has_to_be_looked_up_precedes_rechecks() {
    let mut scene = scene_with_schedule();
    scene.start();
    let (bare, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
    wait_for_recheck(&scene);
    // The simulator holds the call that looks up the joiner.
    let user = scene.sim.add_user(user_with_photo("Joiner").min(false));
    let about_the_joiner = move |request: &[u8]| {
        let id = user.to_le_bytes();
        request.windows(id.len()).any(|bytes| bytes == id)
    };
    scene.sim.fault(
        Match::method("users.getUsers")
            .when(about_the_joiner)
            .once(),
        Fault::HoldBefore,
    );
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for("the lookup", |world| world.held() == 1);
    let passes = || scene.log().matches("recheck members=").count();
    let before = passes();
    scene.poll("the next recheck", || passes() > before);
    let asked = scene.sim.calls_of("users.getUsers").len();
    scene.sim.set_photo(bare, Some(PhotoSpec::jpeg()));
    let other = scene.join_user();
    assert_eq!(scene.wait_for_photos(1)[0].user, other);
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), asked);
    scene.sim.release();
    let photos = scene.wait_for_photos(3);
    // Of two photos in the spool the newer one is posted first, so the order is not checked.
    let users: BTreeSet<i64> = photos.iter().map(|photo| photo.user).collect();
    assert_eq!(users, BTreeSet::from([other, user, bare]));
    scene.finish();
}

#[test]
fn a_user_without_a_usable_reference_does_not_split_the_recheck_of_the_others() {
    const OTHERS: usize = 20;
    let mut scene = scene_with_schedule();
    scene.start();
    // Only the message of the join refers to this user, and it is deleted.
    let bare = scene.sim.add_user(user_with_photo("Joiner").min(true));
    let message = scene.sim.join(scene.group, bare, JoinKind::ByLink);
    scene.wait_for_outcome(bare, "forwarded");
    scene.sim.delete_messages(scene.group, &[message]);
    for _ in 0..OTHERS {
        let user = scene.sim.add_user(UserSpec::new("Joiner").min(false));
        scene.sim.join(scene.group, user, JoinKind::ByLink);
    }
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'no_photo'", OTHERS);
    let marker = format!("recheck members={}", OTHERS + 1);
    let passes = || scene.log().matches(&marker).count();
    scene.poll("a whole recheck", || passes() > 1);
    let before = (passes(), scene.sim.calls_of("users.getUsers").len());
    scene.poll("three rechecks", || passes() >= before.0 + 3);
    let calls = scene.sim.calls_of("users.getUsers").len() - before.1;
    let passes = passes() - before.0;
    // Each recheck makes one call for the others and one that fails; the first and the last may be counted in part.
    assert!(
        calls <= 2 * (passes + 1),
        "{calls} calls in {passes} rechecks"
    );
    scene.finish();
}

#[test]
fn a_found_photo_that_fails_keeps_the_outcome_of_a_forwarded_one() {
    let mut scene = scene_without_schedule();
    scene.start();
    let (posted, _) = join_and_forward(&scene);
    let (bare, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
    for (user, outcome) in [(posted, "forwarded"), (bare, "failed")] {
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        scene.sim.corrupt_photo(user);
        let tried = scene.sim.calls_of("upload.getFile").len();
        scene.sim.push_user(user);
        scene.wait_for_call("upload.getFile", tried + 3);
        scene.wait_for_outcome(user, outcome);
        // Messages of the user do not start another download.
        for _ in 0..5 {
            scene.sim.send_message(scene.group, user, "hello");
        }
    }
    let tried = scene.sim.calls_of("upload.getFile").len();
    scene.sim.set_photo(bare, Some(PhotoSpec::jpeg()));
    scene.sim.push_user(bare);
    let photos = scene.wait_for_photos(2);
    assert_eq!((photos[1].user, photos[1].message), (bare, 0));
    assert_eq!(scene.sim.calls_of("upload.getFile").len(), tried + 1);
    scene.finish();
}

#[test]
fn a_found_photo_is_posted_once_however_the_program_is_killed() {
    let mut scene = scene_with_schedule();
    scene.start();
    let mut found = BTreeSet::new();
    for method in [
        "users.getUsers",
        "upload.getFile",
        "upload.saveFilePart",
        "messages.sendMedia",
    ] {
        let (user, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
        found.insert(user);
        let before = scene.sim.calls_of(method).len();
        scene.sim.fault(Match::method(method).once(), Fault::Hold);
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        scene.wait_for_call(method, before + 1);
        scene.kill();
        scene.sim.release();
        scene.sim.clear_faults();
        scene.start();
        scene.wait_for_outcome(user, "forwarded");
    }
    wait_for_recheck(&scene);
    let photos = scene.photos();
    let users: BTreeSet<i64> = photos.iter().map(|photo| photo.user).collect();
    assert_eq!((users, photos.len()), (found, 4));
    assert!(photos.iter().all(|photo| photo.message == 0));
    scene.finish();
}

#[test]
fn many_new_members_are_rechecked_while_others_join() {
    let mut scene = scene_with_schedule();
    scene.start();
    let join = |spec: UserSpec| {
        let user = scene.sim.add_user(spec);
        (user, scene.sim.join(scene.group, user, JoinKind::ByLink))
    };
    let bare: Vec<i64> = (0..200).map(|_| join(UserSpec::new("Joiner")).0).collect();
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'no_photo'", 200);
    let mut joined = Vec::new();
    for (number, user) in bare.iter().enumerate() {
        scene.sim.set_photo(*user, Some(PhotoSpec::jpeg()));
        if number % 5 == 0 {
            // The program has to look half of these up first.
            let shown = UserSpec::new("Joiner").photo(PhotoSpec::jpeg());
            joined.push(join(if number % 10 == 0 {
                shown.min(false)
            } else {
                shown
            }));
        }
    }
    let photos = scene.wait_for_photos(240);
    wait_for_recheck(&scene);
    let mut posted: Vec<(i64, i64)> = photos.iter().map(|p| (p.user, p.message)).collect();
    posted.sort_unstable();
    let mut expected: Vec<(i64, i64)> = bare.iter().map(|user| (*user, 0)).collect();
    expected.extend(
        joined
            .iter()
            .map(|(user, message)| (*user, i64::from(*message))),
    );
    expected.sort_unstable();
    assert_eq!(posted, expected);
    assert_eq!(scene.photos().len(), 240);
    scene.finish();
}

#[test]
fn a_recheck_waits_for_a_flood_limit_and_ends_after_repeated_refusals() {
    for (fault, times) in [
        (Fault::FloodWait(1), 1),
        (Fault::error(500, "INTERNAL"), 1),
        (Fault::error(403, "NOT_NOW"), 8),
    ] {
        let mut scene = scene_with_schedule();
        scene.start();
        for _ in 0..8 {
            join_without_photo(&scene, UserSpec::new("Joiner"));
        }
        let (user, _) = join_without_photo(&scene, UserSpec::new("Joiner"));
        let refused = matches!(fault, Fault::Error(403, _));
        scene
            .sim
            .fault(Match::method("users.getUsers").times(times), fault);
        scene.wait_for("the refused calls", |world| {
            world
                .calls_of("users.getUsers")
                .filter(|call| call.error().is_some())
                .count()
                >= times
        });
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        let photos = scene.wait_for_photos(1);
        assert_eq!((photos[0].user, photos[0].message), (user, 0));
        // A refusal makes the program ask for a few of the nine members one by one; two rechecks end early.
        let ended = scene.log().matches("rechecking new members failed").count();
        assert_eq!(ended, if refused { 2 } else { 0 }, "{}", scene.log());
        scene.finish();
    }
}
