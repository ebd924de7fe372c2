//! The skip reasons that need no order and no rule (docs/outcomes.md). A skipped join leaves its reason in `state.db`
//! and nothing in HIDE; each test therefore ends with one more photo, which has to be the next one there.

use telegram_sim::{Fault, JoinKind, Match, PhotoSpec, UserSpec, bot_api_id};

use crate::harness::{NOSPAM, Scene, user_with_photo};

/// The id of CAPTCHA's account in configurations.
const CAPTCHA: i64 = 450_000_002;

fn scene() -> Scene {
    Scene::with_photo_size(160)
}

/// Waits until the daemon knows the administrators of that many groups, which are trusted in every group.
fn wait_for_admins_of(scene: &Scene, groups: usize) {
    let sql = "SELECT 1 FROM ledger WHERE kind = 'group' AND admins_at IS NOT NULL";
    scene.wait_for_rows(sql, groups);
}

#[test]
fn a_join_of_the_account_itself_is_skipped_as_own() {
    let mut scene = scene();
    scene.start();
    let me = scene.sim.me();
    scene.sim.set_photo(me, Some(PhotoSpec::jpeg()));
    let adder = scene.add_user();
    let group = scene.sim.add_group("A new group");
    scene.sim.join(group, me, JoinKind::AddedBy(adder));
    scene.wait_for_outcome(me, "own");
    scene.sim.join(scene.group, me, JoinKind::ByLink);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'own'", 2);
    scene.finish_with_next_photo(0);
}

#[test]
fn only_groups_that_nospam_administers_are_watched_if_nospam_id_is_set() {
    let mut scene = scene();
    let group = scene.group;
    scene.add_nospam(&[group]);
    // NOSPAM is a member of this one, but not an administrator.
    let other = scene.sim.add_group("Another group");
    scene.sim.join(other, NOSPAM, JoinKind::ByLink);
    scene.start();
    let unwatched = scene.add_user();
    scene.sim.join(other, unwatched, JoinKind::ByLink);
    scene.wait_for_outcome(unwatched, "unwatched_group");
    scene.finish_with_next_photo(0);
}

#[test]
fn a_user_added_by_a_trusted_user_is_skipped_and_one_added_by_a_member_is_not() {
    let mut scene = scene();
    scene.set("bots", &format!("captcha_id = {CAPTCHA}"));
    scene.sim.add_user(UserSpec::new("CAPTCHA").id(CAPTCHA));
    let admin = scene.add_user();
    let elsewhere = scene.sim.add_group("Another group");
    scene.sim.join(elsewhere, admin, JoinKind::ByLink);
    scene.sim.set_admin(elsewhere, admin, true);
    scene.start();
    wait_for_admins_of(&scene, 2);
    // The owner administers this group, `admin` another one; 0 is an administrator who acts in the group's name.
    for adder in [scene.sim.owner(), admin, CAPTCHA, 0] {
        let user = scene.add_user();
        scene.sim.join(scene.group, user, JoinKind::AddedBy(adder));
        scene.wait_for_outcome(user, "added_by_trusted");
    }
    let (member, user) = (scene.add_user(), scene.add_user());
    scene.sim.join(scene.group, user, JoinKind::AddedBy(member));
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos.len(), 1, "{photos:?}");
    assert_eq!(photos[0].user, user);
    scene.finish();
}

#[test]
fn a_join_by_a_link_of_a_trusted_user_is_forwarded() {
    let mut scene = scene();
    scene.start();
    // The `inviter_id` of the join is the owner, who administers the group.
    scene.finish_with_next_photo(0);
}

#[test]
fn bots_deleted_accounts_and_users_without_a_photo_of_their_own_are_skipped() {
    let mut scene = scene();
    scene.start();
    let photo = PhotoSpec::jpeg;
    let user = || UserSpec::new("Joiner");
    for (spec, reason) in [
        (user().photo(photo()).bot(), "bot"),
        (user().photo(photo()).bot().min(true), "bot"),
        (user().photo(photo()).bot().min(false), "bot"),
        (user().photo(photo()).deleted(), "deleted"),
        (user().deleted(), "deleted"),
        (user().photo(photo()).deleted().min(true), "deleted"),
        (user(), "no_photo"),
        (user().photo(photo().personal()), "no_photo"),
        // The update shows these in part, and looking them up finds no photo either.
        (user().min(true), "no_photo"),
        (user().min(false), "no_photo"),
        (user().photo(photo().personal()).min(true), "no_photo"),
        (user().photo(photo().personal()).min(false), "no_photo"),
    ] {
        let description = format!("{spec:?}");
        let user = scene.sim.add_user(spec);
        scene.sim.join(scene.group, user, JoinKind::ByLink);
        scene.wait_for_outcome(user, reason);
        assert_eq!(scene.outcomes()[&user], [reason], "{description}");
    }
    scene.finish_with_next_photo(0);
}

#[test]
fn administrators_of_any_group_and_the_fleet_are_trusted() {
    let mut scene = scene();
    scene.set("bots", &format!("captcha_id = {CAPTCHA}"));
    let fleet = scene.sim.add_user(user_with_photo("CAPTCHA").id(CAPTCHA));
    let elsewhere = scene.sim.add_group("Another group");
    let admins = [
        user_with_photo("Admin"),
        user_with_photo("Admin").min(true),
        user_with_photo("Admin").min(false),
    ];
    let admins = admins.map(|spec| {
        let admin = scene.sim.add_user(spec);
        scene.sim.join(elsewhere, admin, JoinKind::ByLink);
        scene.sim.set_admin(elsewhere, admin, true);
        admin
    });
    scene.start();
    wait_for_admins_of(&scene, 2);
    for user in admins.into_iter().chain([fleet]) {
        scene.sim.join(scene.group, user, JoinKind::BySelf);
        scene.wait_for_outcome(user, "trusted");
    }
    scene.finish_with_next_photo(0);
}

#[test]
fn a_photo_is_forwarded_once_per_group_and_a_new_photo_again() {
    let mut scene = scene();
    scene.start();
    let user = scene.add_user();
    let rejoin = |group| {
        scene.sim.leave(group, user);
        scene.sim.join(group, user, JoinKind::ByLink)
    };
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    rejoin(scene.group);
    scene.wait_for_outcome(user, "repeat");
    let first = scene.sim.photo_bytes(user);

    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    let message = rejoin(scene.group);
    scene.wait_for_outcome(user, "forwarded");
    let second = scene.sim.photo_bytes(user);

    let other = scene.sim.add_group("Another group");
    scene.sim.join(other, user, JoinKind::ByLink);
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

    // The program remembers after a restart which photos it forwarded.
    scene.wait_for_outcome(user, "forwarded");
    scene.stop();
    scene.start();
    scene.rejoin(user);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'repeat'", 2);
    scene.finish_with_next_photo(3);
}

#[test]
fn a_photo_that_is_still_being_forwarded_counts_as_a_repeat() {
    let mut scene = scene();
    scene.start();
    scene
        .sim
        .fault(Match::method("upload.getFile").once(), Fault::Hold);
    let user = scene.add_user();
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_call("upload.getFile", 1);
    scene.rejoin(user);
    scene.wait_for_outcome(user, "repeat");
    scene.sim.release();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos.len(), 1);
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'forwarded'", 1);
    scene.finish();
}
