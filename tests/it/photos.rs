//! Photos on their way: of users who are shown in part, changed or taken away meanwhile, cut short,
//! or no image at all (SPEC §4, TELEGRAM.md §2).

use telegram_sim::{Fault, How, Match, Options, PhotoSpec, UserSpec};

use crate::harness::{PATIENCE, Scene, somebody};

fn started() -> Scene {
    let mut scene = Scene::with(Options {
        photo_size: (160, 160),
        ..Options::default()
    });
    scene.start();
    scene
}

/// The three ways in which a message shows its user.
fn kinds() -> [UserSpec; 3] {
    [
        somebody("Joiner"),
        somebody("Joiner").min(true),
        somebody("Joiner").min(false),
    ]
}

/// Lets somebody join whose download waits, done or not, for the release. Returns user and message.
fn join_held(scene: &Scene, spec: UserSpec, how: Fault) -> (i64, i32) {
    scene.sim.fault(Match::method("upload.getFile").once(), how);
    let user = scene.sim.add_user(spec);
    let message = scene.sim.join(scene.group, user, How::ByLink);
    scene
        .sim
        .wait_for_call("upload.getFile", 1, PATIENCE)
        .expect("the download");
    (user, message)
}

/// A member with a photo joins, and that photo is the only one that was ever posted.
fn only_the_next_is_posted(scene: Scene) {
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos.len(), 1, "{photos:?}");
    assert_eq!(photos[0].user, user);
    scene.finish();
}

#[test]
fn of_a_video_avatar_the_still_is_forwarded() {
    let scene = started();
    let spec = UserSpec::new("Joiner").photo(PhotoSpec::jpeg().video());
    let user = scene.sim.add_user(spec);
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    scene.finish();
}

#[test]
fn a_user_shown_in_part_with_the_photo_needs_no_question() {
    let scene = started();
    let before = scene.sim.calls_of("users.getUsers").len();
    let user = scene.sim.add_user(somebody("Joiner").min(true));
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), before);
    scene.finish();
}

#[test]
fn a_user_shown_in_part_without_the_photo_is_asked_for() {
    let scene = started();
    let before = scene.sim.calls_of("users.getUsers").len();
    let user = scene.sim.add_user(somebody("Joiner").min(false));
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), before + 1);
    scene.finish();
}

#[test]
fn the_join_message_may_be_deleted_before_the_photo_is_downloaded() {
    for spec in kinds() {
        let scene = started();
        let (user, message) = join_held(&scene, spec, Fault::HoldBefore);
        assert_eq!(scene.sim.delete_messages(scene.group, &[message]), 1);
        scene.sim.release();
        let photos = scene.wait_for_photos(1);
        assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
        assert_eq!(photos[0].message, i64::from(message));
        scene.finish();
    }
}

#[test]
fn whom_no_message_shows_any_more_has_no_photo_that_could_be_had() {
    let scene = started();
    let held = Match::method("users.getUsers").once();
    scene.sim.fault(held, Fault::HoldBefore);
    let asked = scene.sim.calls_of("users.getUsers").len();
    let user = scene.sim.add_user(somebody("Joiner").min(false));
    let message = scene.sim.join(scene.group, user, How::ByLink);
    scene
        .sim
        .wait_for_call("users.getUsers", asked + 1, PATIENCE)
        .expect("the question");
    scene.sim.delete_messages(scene.group, &[message]);
    scene.sim.release();
    scene.wait_for_outcome(user, "no_photo");
    only_the_next_is_posted(scene);
}

#[test]
fn a_photo_changed_before_its_download_is_replaced_by_the_new_one() {
    for spec in kinds() {
        let scene = started();
        let (user, _) = join_held(&scene, spec, Fault::HoldBefore);
        let old = scene.sim.photo_bytes(user);
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        scene.sim.release();
        let photos = scene.wait_for_photos(1);
        assert_eq!(photos.len(), 1);
        assert_ne!(photos[0].image, old);
        assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
        scene.wait_for_outcome(user, "forwarded");
        scene.finish();
    }
}

#[test]
fn a_photo_taken_away_before_its_download_is_no_photo() {
    let scene = started();
    let (user, _) = join_held(&scene, somebody("Joiner"), Fault::HoldBefore);
    scene.sim.set_photo(user, None);
    scene.sim.release();
    scene.wait_for_outcome(user, "no_photo");
    only_the_next_is_posted(scene);
}

#[test]
fn a_photo_changed_after_its_download_is_forwarded_as_it_was() {
    let scene = started();
    let (user, _) = join_held(&scene, somebody("Joiner"), Fault::Hold);
    let old = scene.sim.photo_bytes(user);
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    scene.sim.release();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, old);
    scene.finish();
}

#[test]
fn a_photo_cut_short_once_is_fetched_again() {
    let scene = started();
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.truncate_photo(user, 1);
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    assert_eq!(scene.sim.calls_of("upload.getFile").len(), 2);
    scene.finish();
}

#[test]
fn a_photo_that_never_comes_whole_or_is_no_image_has_failed_and_is_not_posted() {
    let scene = started();
    let [short, broken] = [0, 1].map(|_| scene.sim.add_user(somebody("Joiner")));
    scene.sim.truncate_photo(short, usize::MAX);
    scene.sim.break_photo(broken);
    for user in [short, broken] {
        scene.sim.join(scene.group, user, How::ByLink);
    }
    for user in [short, broken] {
        scene.wait_for_outcome(user, "failed");
    }
    assert!(
        scene.sim.calls_of("upload.getFile").len() >= 4,
        "never tried again"
    );
    only_the_next_is_posted(scene);
}
