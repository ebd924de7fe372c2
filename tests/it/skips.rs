//! Every reason to skip a join that needs no order and no rule (SPEC §4), users who are shown in
//! part, and photos that do not come as they should.

use telegram_sim::{Fault, How, Match, Options, PhotoSpec, UserSpec, bot_api_id};

use crate::harness::{PATIENCE, Scene, somebody};

/// NOSPAM's account, as a configuration names it.
const NOSPAM: i64 = 450_000_001;
/// CAPTCHA's.
const CAPTCHA: i64 = 450_000_002;

fn scene() -> Scene {
    Scene::with(Options {
        photo_size: (160, 160),
        ..Options::default()
    })
}

/// Somebody with a photo.
fn joiner(scene: &Scene) -> i64 {
    scene.sim.add_user(somebody("Joiner"))
}

/// A member with a photo joins, and that photo is the only one that was ever posted.
fn only_the_next_is_posted(scene: Scene) {
    let user = joiner(&scene);
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos.len(), 1, "{photos:?}");
    assert_eq!(photos[0].user, user);
    scene.finish();
}

#[test]
fn the_account_itself_is_own() {
    let mut scene = scene();
    scene.start();
    let me = scene.sim.me();
    scene.sim.set_photo(me, Some(PhotoSpec::jpeg()));
    let adder = joiner(&scene);
    let group = scene.sim.add_group("A new group");
    scene.sim.join(group, me, How::AddedBy(adder));
    scene.wait_for_outcome(me, "own");
    scene.sim.join(scene.group, me, How::ByLink);
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'own'", 2);
    only_the_next_is_posted(scene);
}

#[test]
fn with_nospam_id_only_groups_that_nospam_administers_are_watched() {
    let mut scene = scene();
    scene.set("bots", &format!("nospam_id = {NOSPAM}"));
    scene.sim.add_user(UserSpec::new("NOSPAM").id(NOSPAM).bot());
    scene.sim.join(scene.group, NOSPAM, How::ByLink);
    scene.sim.set_admin(scene.group, NOSPAM, true);
    // A member there, but no administrator.
    let other = scene.sim.add_group("Another group");
    scene.sim.join(other, NOSPAM, How::ByLink);
    scene.start();
    let unwatched = joiner(&scene);
    scene.sim.join(other, unwatched, How::ByLink);
    scene.wait_for_outcome(unwatched, "unwatched_group");
    only_the_next_is_posted(scene);
}

#[test]
fn whom_a_trusted_user_added_is_skipped_and_whom_a_member_added_is_not() {
    let mut scene = scene();
    scene.set("bots", &format!("captcha_id = {CAPTCHA}"));
    scene.sim.add_user(UserSpec::new("CAPTCHA").id(CAPTCHA));
    let admin = joiner(&scene);
    let elsewhere = scene.sim.add_group("Another group");
    scene.sim.join(elsewhere, admin, How::ByLink);
    scene.sim.set_admin(elsewhere, admin, true);
    scene.start();
    // The owner administers this group, `admin` another one; 0 acts in the name of the group.
    for adder in [scene.sim.owner(), admin, CAPTCHA, 0] {
        let user = joiner(&scene);
        scene.sim.join(scene.group, user, How::AddedBy(adder));
        scene.wait_for_outcome(user, "added_by_trusted");
    }
    let (member, user) = (joiner(&scene), joiner(&scene));
    scene.sim.join(scene.group, user, How::AddedBy(member));
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos.len(), 1, "{photos:?}");
    assert_eq!(photos[0].user, user);
    scene.finish();
}

#[test]
fn a_link_that_a_trusted_user_made_is_no_reason() {
    let mut scene = scene();
    scene.start();
    // `inviter_id` is the owner's there, who administers the group.
    only_the_next_is_posted(scene);
}

#[test]
fn bots_deleted_accounts_and_members_without_a_photo_of_their_own_are_skipped() {
    let mut scene = scene();
    scene.start();
    let photo = PhotoSpec::jpeg;
    let who = || UserSpec::new("Joiner");
    for (spec, reason) in [
        (who().photo(photo()).bot(), "bot"),
        (who().photo(photo()).bot().min(true), "bot"),
        (who().photo(photo()).bot().min(false), "bot"),
        (who().photo(photo()).deleted(), "deleted"),
        (who().deleted(), "deleted"),
        (who().photo(photo()).deleted().min(true), "deleted"),
        (who(), "no_photo"),
        (who().photo(photo().personal()), "no_photo"),
        // Shown in part, and looked up to no avail.
        (who().min(true), "no_photo"),
        (who().min(false), "no_photo"),
        (who().photo(photo().personal()).min(true), "no_photo"),
        (who().photo(photo().personal()).min(false), "no_photo"),
    ] {
        let told = format!("{spec:?}");
        let user = scene.sim.add_user(spec);
        scene.sim.join(scene.group, user, How::ByLink);
        scene.wait_for_outcome(user, reason);
        assert_eq!(scene.outcomes()[&user], [reason], "{told}");
    }
    only_the_next_is_posted(scene);
}

#[test]
fn administrators_of_any_group_and_the_fleet_are_trusted() {
    let mut scene = scene();
    scene.set("bots", &format!("captcha_id = {CAPTCHA}"));
    let fleet = scene.sim.add_user(somebody("CAPTCHA").id(CAPTCHA));
    let elsewhere = scene.sim.add_group("Another group");
    let admins = [
        somebody("Admin"),
        somebody("Admin").min(true),
        somebody("Admin").min(false),
    ];
    let admins = admins.map(|spec| {
        let admin = scene.sim.add_user(spec);
        scene.sim.join(elsewhere, admin, How::ByLink);
        scene.sim.set_admin(elsewhere, admin, true);
        admin
    });
    scene.start();
    for user in admins.into_iter().chain([fleet]) {
        scene.sim.join(scene.group, user, How::BySelf);
        scene.wait_for_outcome(user, "trusted");
    }
    only_the_next_is_posted(scene);
}

#[test]
fn a_photo_is_forwarded_once_for_each_group_and_a_new_one_again() {
    let mut scene = scene();
    scene.start();
    let user = joiner(&scene);
    let rejoin = |group| {
        scene.sim.leave(group, user);
        scene.sim.join(group, user, How::ByLink)
    };
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    rejoin(scene.group);
    scene.wait_for_outcome(user, "repeat");
    let first = scene.sim.photo_bytes(user);

    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    let message = rejoin(scene.group);
    scene.wait_for_outcome(user, "forwarded");
    let second = scene.sim.photo_bytes(user);

    let other = scene.sim.add_group("Another group");
    scene.sim.join(other, user, How::ByLink);
    let photos = scene.wait_for_photos(3);
    assert_eq!(photos.len(), 3);
    assert_eq!(photos[0].image, first);
    assert_eq!(
        (&photos[1].image, photos[1].message),
        (&second, i64::from(message))
    );
    assert_eq!(
        (&photos[2].image, photos[2].group),
        (&second, bot_api_id(other))
    );

    // What was forwarded is known after a restart, too.
    scene.wait_for_outcome(user, "forwarded");
    scene.stop();
    scene.start();
    scene.sim.leave(scene.group, user);
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'repeat'", 2);
    only_the_fourth_is_posted(scene);
}

fn only_the_fourth_is_posted(scene: Scene) {
    let user = joiner(&scene);
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(4);
    assert_eq!(photos.len(), 4);
    assert_eq!(photos[3].user, user);
    scene.finish();
}

#[test]
fn a_photo_that_is_still_on_its_way_is_a_repeat_too() {
    let mut scene = scene();
    scene.start();
    scene
        .sim
        .fault(Match::method("upload.getFile").once(), Fault::Hold);
    let user = joiner(&scene);
    scene.sim.join(scene.group, user, How::ByLink);
    scene
        .sim
        .wait_for_call("upload.getFile", 1, PATIENCE)
        .expect("the download");
    scene.sim.leave(scene.group, user);
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "repeat");
    scene.sim.release();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos.len(), 1);
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'forwarded'", 1);
    scene.finish();
}

#[test]
fn of_a_video_avatar_the_still_is_forwarded() {
    let mut scene = scene();
    scene.start();
    let spec = UserSpec::new("Joiner").photo(PhotoSpec::jpeg().video());
    let user = scene.sim.add_user(spec);
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    scene.finish();
}

#[test]
fn a_user_shown_in_part_with_the_photo_needs_no_question() {
    let mut scene = scene();
    scene.start();
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
    let mut scene = scene();
    scene.start();
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
    for spec in [somebody("Joiner"), somebody("Joiner").min(true)] {
        let mut scene = scene();
        scene.start();
        let held = Match::method("upload.getFile").once();
        scene.sim.fault(held, Fault::HoldBefore);
        let user = scene.sim.add_user(spec);
        let message = scene.sim.join(scene.group, user, How::ByLink);
        scene
            .sim
            .wait_for_call("upload.getFile", 1, PATIENCE)
            .expect("the download");
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
    let mut scene = scene();
    scene.start();
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
    let kinds = [
        somebody("Joiner"),
        somebody("Joiner").min(true),
        somebody("Joiner").min(false),
    ];
    for spec in kinds {
        let mut scene = scene();
        scene.start();
        let held = Match::method("upload.getFile").once();
        scene.sim.fault(held, Fault::HoldBefore);
        let user = scene.sim.add_user(spec);
        let old = scene.sim.photo_bytes(user);
        scene.sim.join(scene.group, user, How::ByLink);
        scene
            .sim
            .wait_for_call("upload.getFile", 1, PATIENCE)
            .expect("the download");
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
    let mut scene = scene();
    scene.start();
    let held = Match::method("upload.getFile").once();
    scene.sim.fault(held, Fault::HoldBefore);
    let user = joiner(&scene);
    scene.sim.join(scene.group, user, How::ByLink);
    scene
        .sim
        .wait_for_call("upload.getFile", 1, PATIENCE)
        .expect("the download");
    scene.sim.set_photo(user, None);
    scene.sim.release();
    scene.wait_for_outcome(user, "no_photo");
    only_the_next_is_posted(scene);
}

#[test]
fn a_photo_changed_after_its_download_is_forwarded_as_it_was() {
    let mut scene = scene();
    scene.start();
    scene
        .sim
        .fault(Match::method("upload.getFile").once(), Fault::Hold);
    let user = joiner(&scene);
    let old = scene.sim.photo_bytes(user);
    scene.sim.join(scene.group, user, How::ByLink);
    scene
        .sim
        .wait_for_call("upload.getFile", 1, PATIENCE)
        .expect("the download");
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    scene.sim.release();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, old);
    scene.finish();
}

#[test]
fn a_photo_cut_short_once_is_fetched_again() {
    let mut scene = scene();
    scene.start();
    let user = joiner(&scene);
    scene.sim.truncate_photo(user, 1);
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    assert_eq!(scene.sim.calls_of("upload.getFile").len(), 2);
    scene.finish();
}

#[test]
fn a_photo_that_never_comes_whole_or_is_no_image_has_failed_and_is_not_posted() {
    let mut scene = scene();
    scene.start();
    let (short, broken) = (joiner(&scene), joiner(&scene));
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
