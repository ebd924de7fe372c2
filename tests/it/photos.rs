//! Photos between join and post: of `min` users, changed or removed before the download, cut short, or no image at all
//! (docs/outcomes.md; `min` users: docs/telegram.md).

use telegram_sim::{Fault, JoinKind, Match, OTHER_DC, PhotoSpec, UserSpec};

use crate::harness::{Scene, now, user_with_photo};

fn started() -> Scene {
    let mut scene = Scene::with_photo_size(160);
    scene.start();
    scene
}

/// Returns a user for each way in which a message shows its user: in full, or as `min` with or without the photo.
fn visibilities() -> [UserSpec; 3] {
    [
        user_with_photo("Joiner"),
        user_with_photo("Joiner").min(true),
        user_with_photo("Joiner").min(false),
    ]
}

/// Lets a user join whose download is held as `hold` says; returns the ids of the user and the message.
fn join_with_held_download(scene: &Scene, spec: UserSpec, hold: Fault) -> (i64, i32) {
    scene
        .sim
        .fault(Match::method("upload.getFile").once(), hold);
    let user = scene.sim.add_user(spec);
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_call("upload.getFile", 1);
    (user, message)
}

#[test]
fn the_still_of_a_video_avatar_is_forwarded() {
    let scene = started();
    let spec = UserSpec::new("Joiner").photo(PhotoSpec::jpeg().video());
    let user = scene.sim.add_user(spec);
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    scene.finish();
}

#[test]
fn a_min_user_with_the_photo_is_not_looked_up() {
    let scene = started();
    let before = scene.sim.calls_of("users.getUsers").len();
    let user = scene.sim.add_user(user_with_photo("Joiner").min(true));
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), before);
    scene.finish();
}

#[test]
fn a_min_user_without_the_photo_is_looked_up() {
    let scene = started();
    let before = scene.sim.calls_of("users.getUsers").len();
    let user = scene.sim.add_user(user_with_photo("Joiner").min(false));
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), before + 1);
    scene.finish();
}

#[test]
fn a_photo_is_forwarded_after_its_join_message_was_deleted() {
    for spec in visibilities() {
        let scene = started();
        let (user, message) = join_with_held_download(&scene, spec, Fault::HoldBefore);
        assert_eq!(scene.sim.delete_messages(scene.group, &[message]), 1);
        scene.sim.release();
        let photos = scene.wait_for_photos(1);
        assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
        assert_eq!(photos[0].message, i64::from(message));
        scene.finish();
    }
}

#[test]
fn a_min_user_whose_join_message_was_deleted_is_unreadable() {
    let scene = started();
    let held = Match::method("users.getUsers").once();
    scene.sim.fault(held, Fault::HoldBefore);
    let before = scene.sim.calls_of("users.getUsers").len();
    let user = scene.sim.add_user(user_with_photo("Joiner").min(false));
    let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_call("users.getUsers", before + 1);
    scene.sim.delete_messages(scene.group, &[message]);
    scene.sim.release();
    scene.wait_for_outcome(user, "unreadable");
    scene.finish_with_next_photo(0);
}

#[test]
fn a_photo_changed_before_its_download_is_replaced_by_the_new_one() {
    for spec in visibilities() {
        let scene = started();
        let (user, _) = join_with_held_download(&scene, spec, Fault::HoldBefore);
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
fn a_photo_removed_before_its_download_gives_no_photo() {
    let scene = started();
    let (user, _) = join_with_held_download(&scene, user_with_photo("Joiner"), Fault::HoldBefore);
    scene.sim.set_photo(user, None);
    scene.sim.release();
    scene.wait_for_outcome(user, "no_photo");
    scene.finish_with_next_photo(0);
}

#[test]
fn a_photo_changed_after_its_download_is_forwarded_as_downloaded() {
    let scene = started();
    let (user, _) = join_with_held_download(&scene, user_with_photo("Joiner"), Fault::Hold);
    let old = scene.sim.photo_bytes(user);
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    scene.sim.release();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, old);
    scene.finish();
}

#[test]
fn a_truncated_download_is_retried() {
    let scene = started();
    let user = scene.add_user();
    scene.sim.truncate_photo(user, 1);
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    assert_eq!(scene.sim.calls_of("upload.getFile").len(), 2);
    scene.finish();
}

#[test]
fn a_photo_that_is_always_truncated_or_is_no_image_fails_and_is_not_posted() {
    let scene = started();
    let [short, broken] = [0, 1].map(|_| scene.add_user());
    scene.sim.truncate_photo(short, usize::MAX);
    scene.sim.corrupt_photo(broken);
    for user in [short, broken] {
        scene.sim.join(scene.group, user, JoinKind::ByLink);
    }
    for user in [short, broken] {
        scene.wait_for_outcome(user, "failed");
    }
    assert!(
        scene.sim.calls_of("upload.getFile").len() >= 4,
        "the downloads were not retried"
    );
    scene.finish_with_next_photo(0);
}

/// Lets a user join whose photo is in the other data centre; returns the user's id.
fn join_far_user(scene: &Scene) -> i64 {
    let far = UserSpec::new("Far").photo(PhotoSpec::jpeg().dc(OTHER_DC));
    let user = scene.sim.add_user(far);
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    user
}

#[test]
fn an_authorization_that_is_refused_is_exported_once_more() {
    let scene = started();
    scene.sim.fault(
        Match::method("auth.importAuthorization").once(),
        Fault::error(400, "AUTH_BYTES_INVALID"),
    );
    let lookups = scene.sim.calls_of("users.getUsers").len();
    let user = join_far_user(&scene);
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    assert_eq!(scene.sim.calls_of("auth.exportAuthorization").len(), 2);
    assert_eq!(scene.sim.calls_of("auth.importAuthorization").len(), 2);
    // The refusal is not taken for one of the photo, whose owner could be named in another way or be asked for.
    assert_eq!(scene.sim.calls_of("upload.getFile").len(), 2);
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), lookups);
    scene.finish();
}

#[test]
fn a_data_centre_that_accepts_no_authorization_delays_only_its_photos() {
    for (method, code, name, calls) in [
        ("auth.importAuthorization", 400, "AUTH_BYTES_INVALID", 6),
        ("upload.getFile", 401, "AUTH_KEY_UNREGISTERED", 6),
        ("auth.exportAuthorization", 500, "INTERNAL", 2),
    ] {
        let scene = started();
        let refused = match method {
            "auth.exportAuthorization" => Match::method(method),
            _ => Match::method(method).dc(OTHER_DC),
        };
        scene.sim.fault(refused, Fault::error(code, name));
        let far = join_far_user(&scene);
        scene.wait_for_call(method, calls);
        let near = scene.join_user();
        assert_eq!(scene.wait_for_photos(1)[0].user, near, "{name}");
        scene.sim.clear_faults();
        assert_eq!(scene.wait_for_photos(2)[1].user, far, "{name}");
        scene.finish();
    }
}

#[test]
fn a_rate_limit_on_exporting_the_authorization_delays_only_the_photos_that_need_it() {
    let mut scene = started();
    scene.sim.fault(
        Match::method("auth.exportAuthorization").once(),
        Fault::FloodWait(900),
    );
    let far = [0, 1].map(|_| join_far_user(&scene));
    scene.wait_for_rows(
        "SELECT 1 FROM floods WHERE method = 'auth.exportAuthorization'",
        1,
    );
    // Both wait for the end of the limit, and not for another attempt.
    let waiting = format!("SELECT 1 FROM outbox WHERE due_at > {}", now() + 600);
    scene.wait_for_rows(&waiting, 2);
    let near = scene.join_user();
    assert_eq!(scene.wait_for_photos(1)[0].user, near);
    assert_eq!(scene.sim.calls_of("auth.exportAuthorization").len(), 1);
    scene.stop();
    scene.execute("DELETE FROM floods");
    scene.execute("UPDATE outbox SET due_at = 0");
    scene.start();
    scene.wait_for_photos_of(&far.into_iter().chain([near]).collect());
    scene.finish();
}
