//! Every reason to skip a join that needs no order and no rule (SPEC §4). What is skipped leaves its
//! reason in `state.db`, and nothing in HIDE: each test ends with a photo that is the next one there.

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

/// A member with a photo joins, and after `before` others that photo is the next that was posted.
fn the_next_is_posted(scene: Scene, before: usize) {
    let user = joiner(&scene);
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(before + 1);
    assert_eq!(photos.len(), before + 1, "{photos:?}");
    assert_eq!(photos[before].user, user);
    scene.finish();
}

/// Waits until the administrators of so many groups are known. Before that, who administers another
/// group only is not known to be trusted.
fn knows_admins_of(scene: &Scene, groups: usize) {
    let sql = "SELECT 1 FROM ledger WHERE kind = 'group' AND admins_at IS NOT NULL";
    scene.wait_for_state(sql, groups);
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
    the_next_is_posted(scene, 0);
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
    the_next_is_posted(scene, 0);
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
    knows_admins_of(&scene, 2);
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
    the_next_is_posted(scene, 0);
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
    the_next_is_posted(scene, 0);
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
    knows_admins_of(&scene, 2);
    for user in admins.into_iter().chain([fleet]) {
        scene.sim.join(scene.group, user, How::BySelf);
        scene.wait_for_outcome(user, "trusted");
    }
    the_next_is_posted(scene, 0);
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
    the_next_is_posted(scene, 3);
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
