//! Members who are still new are looked at again: on schedule, and at once when an update shows them
//! (SPEC §4.1). What is found so tells no message, and each photo is posted once.

use std::collections::BTreeSet;

use serde_json::json;
use telegram_sim::{Fault, How, Match, Options, PhotoSpec, UserSpec, Visibility, bot_api_id};

use crate::harness::{PATIENCE, Scene, said, somebody};
use crate::orders::{avatar, heard, hold_photos, order, update_rules};

/// A world that is looked at again each second.
fn each_second() -> Scene {
    scene("* * * * * *")
}

/// A world in which only updates lead to a second look.
fn at_once() -> Scene {
    scene("0 0 29 2 *")
}

fn scene(recheck: &str) -> Scene {
    let mut scene = Scene::with(Options {
        photo_size: (64, 64),
        ..Options::default()
    });
    scene.set("schedule", &format!("recheck = \"{recheck}\""));
    scene
}

/// A member who joined without a photo. Returns the user and the join's message.
fn bare_member(scene: &Scene, spec: UserSpec) -> (i64, i32) {
    let user = scene.sim.add_user(spec);
    let message = scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "no_photo");
    (user, message)
}

/// A member whose photo was forwarded. Returns the user and the join's message.
fn member(scene: &Scene) -> (i64, i32) {
    let user = scene.sim.add_user(somebody("Joiner"));
    let message = scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    (user, message)
}

/// Gives somebody another photo, and pushes that something about them changed.
fn change(scene: &Scene, user: i64) -> Vec<u8> {
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    scene.sim.push_user(user);
    scene.sim.photo_bytes(user)
}

/// Waits until a whole pass has gone by: one that began after this, and the next one.
fn a_pass_goes_by(scene: &Scene) {
    let before = scene.sim.calls_of("users.getUsers").len();
    scene
        .sim
        .wait_for_call("users.getUsers", before + 3, PATIENCE)
        .expect("three rounds");
}

/// A member with a photo joins, and after `before` others that photo is the next that was posted.
fn the_next_is_posted(scene: Scene, before: usize) {
    let user = scene.sim.add_user(somebody("Joiner"));
    let message = scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(before + 1);
    assert_eq!(photos.len(), before + 1, "{photos:?}");
    assert_eq!(photos[before].user, user);
    assert_eq!(photos[before].message, i64::from(message));
    scene.finish();
}

#[test]
fn a_photo_that_came_after_the_join_is_found_and_posted_once_for_all_times() {
    let mut scene = each_second();
    scene.start();
    let (user, _) = bare_member(&scene, UserSpec::new("Joiner"));
    a_pass_goes_by(&scene);
    assert!(scene.photos().is_empty());
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    let photos = scene.wait_for_photos(1);
    assert_eq!(
        (photos[0].user, photos[0].group, photos[0].message),
        (user, bot_api_id(scene.group), 0)
    );
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    scene.wait_for_outcome(user, "forwarded");
    let (_, told, _) = said(scene.command("why").arg(user.to_string()));
    assert!(told.contains("by the recheck"), "{told}");
    a_pass_goes_by(&scene);
    scene.stop();
    scene.start();
    a_pass_goes_by(&scene);
    the_next_is_posted(scene, 1);
}

#[test]
fn another_photo_goes_out_at_once_when_an_update_shows_it_and_once() {
    let mut scene = at_once();
    scene.start();
    let asked = scene.sim.calls_of("users.getUsers").len();
    let (user, message) = member(&scene);
    let mut images = vec![scene.sim.photo_bytes(user)];
    let mut posted = |scene: &Scene| {
        images.push(scene.sim.photo_bytes(user));
        let photos = scene.wait_for_photos(images.len());
        let posted: Vec<_> = photos.iter().map(|photo| &photo.image).collect();
        assert!(posted == images.iter().collect::<Vec<_>>());
        scene.wait_for_outcome(user, "forwarded");
        photos
    };

    // A message of theirs; more of them say nothing new.
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    for _ in 0..5 {
        scene.sim.message(scene.group, user, "hello");
    }
    posted(&scene);
    // An update about nothing else, which is otherwise ignored.
    change(&scene, user);
    scene.sim.push_user(user);
    posted(&scene);
    // A user shown in part, with the photo.
    let shown_in_part = |apply_min_photo| Visibility::Min { apply_min_photo };
    scene.sim.set_visibility(user, shown_in_part(true));
    change(&scene, user);
    posted(&scene);
    // A page that is pulled.
    scene.sim.silent(true);
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    scene.sim.message(scene.group, user, "hello again");
    scene.sim.silent(false);
    scene.sim.push_too_long(scene.group);
    let photos = posted(&scene);
    let messages: Vec<i64> = photos.iter().map(|photo| photo.message).collect();
    assert_eq!(messages, [i64::from(message), 0, 0, 0, 0]);

    // One whose photo may not be taken from there says nothing, and nobody asks.
    scene.sim.set_visibility(user, shown_in_part(false));
    change(&scene, user);
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), asked);
    the_next_is_posted(scene, 5);
}

#[test]
fn a_photo_changed_while_the_first_one_waits_is_posted_once() {
    let mut scene = at_once();
    scene.start();
    let held = Match::method("upload.getFile").once();
    scene.sim.fault(held, Fault::HoldBefore);
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene
        .sim
        .wait_for_call("upload.getFile", 1, PATIENCE)
        .expect("the download");
    let image = change(&scene, user);
    scene.wait_for_state("SELECT 1 FROM outbox WHERE class = 'avatar'", 2);
    // The first one is gone by now.
    scene.sim.release();
    let photos = scene.wait_for_photos(1);
    assert_eq!((&photos[0].image, photos[0].message), (&image, 0));
    scene.wait_for_outcome(user, "forwarded");
    the_next_is_posted(scene, 1);
}

#[test]
fn who_is_not_new_any_more_is_left_alone() {
    let mut scene = each_second();
    scene.set("custom", "time_new = 1000");
    scene.start();
    let (old, _) = bare_member(&scene, UserSpec::new("Joiner"));
    let (new, _) = bare_member(&scene, UserSpec::new("Joiner"));
    scene.query(
        &format!("UPDATE joins SET joined_at = joined_at - 1000 WHERE user_id = {old} RETURNING 1"),
        |_| Ok(()),
    );
    for user in [old, new] {
        change(&scene, user);
    }
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, new);
    a_pass_goes_by(&scene);
    the_next_is_posted(scene, 1);
}

#[test]
fn a_photo_goes_out_for_the_latest_group_alone() {
    let mut scene = each_second();
    let latest = scene.sim.add_group("Another group");
    scene.start();
    let (user, _) = bare_member(&scene, UserSpec::new("Joiner"));
    scene.query(
        "UPDATE joins SET joined_at = joined_at - 10 RETURNING 1",
        |_| Ok(()),
    );
    scene.sim.join(latest, user, How::ByLink);
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'no_photo'", 2);
    change(&scene, user);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].group, bot_api_id(latest));
    a_pass_goes_by(&scene);
    the_next_is_posted(scene, 1);
}

#[test]
fn who_joins_where_nobody_is_told_or_is_kicked_there_is_still_new_in_the_other_group() {
    const NOSPAM: i64 = 450_000_001;
    let mut scene = each_second();
    scene.set("bots", &format!("nospam_id = {NOSPAM}"));
    scene.sim.add_user(UserSpec::new("NOSPAM").id(NOSPAM).bot());
    let (unwatched, other) = (scene.sim.add_group("No"), scene.sim.add_group("Yes"));
    for group in [scene.group, other] {
        scene.sim.join(group, NOSPAM, How::ByLink);
        scene.sim.set_admin(group, NOSPAM, true);
    }
    // Whatever the second, the joins there are the later ones.
    for group in [unwatched, other] {
        for _ in 0..30 {
            scene.sim.message(group, scene.sim.owner(), "hello");
        }
    }
    scene.start();
    let who = || UserSpec::new("Joiner");

    let (elsewhere, _) = bare_member(&scene, who());
    scene.sim.join(unwatched, elsewhere, How::ByLink);
    scene.wait_for_outcome(elsewhere, "unwatched_group");
    let (kicked, _) = bare_member(&scene, who());
    scene.sim.join(other, kicked, How::ByLink);
    let data = json!({"group_id": bot_api_id(other), "user_id": kicked, "type": "single"});
    scene.wait_for_state(&format!("SELECT 1 FROM joins WHERE user_id = {kicked}"), 2);
    let message = order(&scene, "CAPTCHA", &["USER"], "help", "delete", &data);
    heard(&scene, message, "obeyed");
    // Kicked from the only group, though they were there before.
    let (gone, _) = bare_member(&scene, who());
    scene.sim.join(scene.group, gone, How::ByLink);
    scene.wait_for_state(&format!("SELECT 1 FROM joins WHERE user_id = {gone}"), 2);
    let data = json!({"group_id": bot_api_id(scene.group), "user_id": gone, "type": "single"});
    let message = order(&scene, "CAPTCHA", &["USER"], "help", "delete", &data);
    heard(&scene, message, "obeyed");

    for (index, user) in [elsewhere, kicked].into_iter().enumerate() {
        change(&scene, gone);
        // Shown by an update, or found on schedule.
        change(&scene, user);
        let photos = scene.wait_for_photos(index + 1);
        assert_eq!((photos[index].user, photos[index].message), (user, 0));
        assert_eq!(photos[index].group, bot_api_id(scene.group));
    }
    a_pass_goes_by(&scene);
    the_next_is_posted(scene, 2);
}

#[test]
fn what_speaks_against_a_photo_does_so_on_a_second_look() {
    const NOSPAM: i64 = 450_000_001;
    let mut scene = each_second();
    scene.set("bots", &format!("nospam_id = {NOSPAM}"));
    scene.sim.add_user(UserSpec::new("NOSPAM").id(NOSPAM).bot());
    scene.sim.join(scene.group, NOSPAM, How::ByLink);
    scene.sim.set_admin(scene.group, NOSPAM, true);
    let unwatched = scene.sim.add_group("NOSPAM is not there");
    scene.start();
    let who = || UserSpec::new("Joiner");
    let group = bot_api_id(scene.group);

    let elsewhere = scene.sim.add_user(who());
    scene.sim.join(unwatched, elsewhere, How::ByLink);
    scene.wait_for_outcome(elsewhere, "unwatched_group");
    let (bad, _) = bare_member(&scene, who());
    let data = json!({"id": bad, "type": "user"});
    avatar(&scene, "add", "bad", "NOSPAM", &data);
    let (declared, message) = bare_member(&scene, who());
    let data = json!({"group_id": group, "message_id": message});
    avatar(&scene, "update", "declare", "NOSPAM", &data);
    let (kicked, _) = bare_member(&scene, who());
    let data = json!({"group_id": group, "user_id": kicked, "type": "single"});
    let message = order(&scene, "CAPTCHA", &["USER"], "help", "delete", &data);
    heard(&scene, message, "obeyed");
    scene.wait_for_outcome(kicked, "kicked");
    let (admin, _) = bare_member(&scene, who());
    scene.sim.set_admin(scene.group, admin, true);
    avatar(&scene, "update", "refresh", "MANAGE", &json!(7));
    scene.wait_for_state(&format!("SELECT 1 FROM admins WHERE user_id = {admin}"), 1);
    let (named, _) = bare_member(&scene, UserSpec::new("Best spam"));
    update_rules(&scene, "nm_words", json!({"spam": 0}));
    let (control, _) = bare_member(&scene, who());

    for user in [elsewhere, bad, declared, kicked, admin, named, control] {
        change(&scene, user);
    }
    assert_eq!(scene.wait_for_photos(1)[0].user, control);
    scene.wait_for_outcome(named, "named");
    for _ in 0..3 {
        scene.sim.push_user(named);
    }
    a_pass_goes_by(&scene);
    let outcomes = scene.outcomes();
    for (user, outcome) in [
        (elsewhere, "unwatched_group"),
        (bad, "no_photo"),
        (declared, "no_photo"),
        (kicked, "kicked"),
        (admin, "no_photo"),
    ] {
        assert_eq!(outcomes[&user], [outcome]);
    }
    // A hit counts one, however often its user is seen.
    let hits = scene.query("SELECT hits FROM rules", |row| row.get::<_, i64>(0));
    assert_eq!(hits, [1]);
    the_next_is_posted(scene, 1);
}

#[test]
fn a_bio_is_asked_for_where_it_is_to_be_checked() {
    let mut scene = at_once();
    scene.set("custom", "check_bio = true");
    scene.start();
    update_rules(&scene, "bio_words", json!({"cheap things": 0}));
    for (bio, outcome) in [("cheap things here", "named"), ("a poet", "forwarded")] {
        let (user, _) = bare_member(&scene, UserSpec::new("Joiner").about(bio));
        let asked = scene.sim.calls_of("users.getFullUser").len();
        change(&scene, user);
        scene.wait_for_outcome(user, outcome);
        assert_eq!(scene.sim.calls_of("users.getFullUser").len(), asked + 1);
    }
    let photos = scene.wait_for_photos(1);
    assert_eq!((photos.len(), photos[0].message), (1, 0));
    scene.finish();
}

#[test]
fn what_is_found_during_a_flood_or_waits_when_it_begins_is_decided_anew_at_its_end() {
    let mut scene = at_once();
    scene.start();
    let group = bot_api_id(scene.group);
    let flood = |scene: &Scene, status: &str| {
        let data = json!({"group_id": group, "status": status});
        avatar(scene, "flood", "status", "CAPTCHA", &data);
    };
    let (waiting, _) = member(&scene);
    let (during, _) = member(&scene);
    hold_photos(&scene);
    change(&scene, waiting);
    scene.wait_for_outcome(waiting, "queued");
    flood(&scene, "begin");
    scene.wait_for_outcome(waiting, "held");
    change(&scene, during);
    scene.wait_for_outcome(during, "held");
    scene.sim.clear_faults();
    scene.kill();
    scene.start();
    assert_eq!(scene.photos().len(), 2);
    // Decided anew: the one shows another photo by now, the other none.
    scene.sim.set_photo(waiting, Some(PhotoSpec::jpeg()));
    scene.sim.set_photo(during, None);
    flood(&scene, "end");
    let photos = scene.wait_for_photos(3);
    assert_eq!((photos[2].user, photos[2].message), (waiting, 0));
    assert_eq!(photos[2].image, scene.sim.photo_bytes(waiting));
    // Both had a photo posted, and that is what is recorded.
    for user in [waiting, during] {
        scene.wait_for_outcome(user, "forwarded");
    }
    the_next_is_posted(scene, 3);
}

#[test]
fn orders_cancel_what_was_found_and_waits() {
    let mut scene = at_once();
    scene.start();
    let group = bot_api_id(scene.group);
    let (declared, message) = member(&scene);
    let (kicked, _) = member(&scene);
    let (bad, _) = member(&scene);
    hold_photos(&scene);
    for user in [declared, kicked, bad] {
        change(&scene, user);
        scene.wait_for_outcome(user, "queued");
    }
    let data = json!({"group_id": group, "message_id": message});
    avatar(&scene, "declare", "delete", "CLEAN", &data);
    let data = json!({"group_id": group, "user_id": kicked, "type": "single"});
    let message = order(&scene, "WARN", &["USER"], "help", "delete", &data);
    heard(&scene, message, "obeyed");
    let data = json!({"id": bad, "type": "user"});
    avatar(&scene, "add", "bad", "MANAGE", &data);
    for (user, outcome) in [(declared, "declared"), (kicked, "kicked"), (bad, "bad")] {
        scene.wait_for_outcome(user, outcome);
        change(&scene, user);
    }
    scene.sim.clear_faults();
    the_next_is_posted(scene, 3);
}

#[test]
fn an_exception_cancels_its_own_photo_and_not_the_other_one_of_that_join() {
    let mut scene = at_once();
    scene.start();
    // Posts with a file rest, so that photos gather.
    let posts = Match::method("messages.sendMedia").once();
    scene.sim.fault(posts, Fault::FloodWait(10_000));
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_state("SELECT 1 FROM floods", 1);
    let first = scene.sim.photo_bytes(user);
    change(&scene, user);
    let fetched = "SELECT 1 FROM outbox WHERE class = 'avatar' AND spool IS NOT NULL";
    scene.wait_for_state(fetched, 2);
    scene.kill();
    // As if none of them had been begun.
    scene.query(
        "UPDATE outbox SET state = 'fetched', due_at = 0 WHERE class = 'avatar' RETURNING 1",
        |_| Ok(()),
    );
    scene.start();
    let except = json!({"id": user, "type": "long"});
    avatar(&scene, "add", "except", "NOSPAM", &except);
    scene.wait_for_state("SELECT 1 FROM excepted", 1);
    scene.kill();
    scene.query("DELETE FROM floods RETURNING 1", |_| Ok(()));
    scene.start();
    let photos = scene.wait_for_photos(1);
    assert!(photos[0].image == first);
    scene.wait_for_outcome(user, "forwarded");
    // Nor is the other one found again while it is excepted.
    scene.sim.push_user(user);
    the_next_is_posted(scene, 1);
}

#[test]
fn whoever_joins_by_what_shows_them_is_the_joins_affair() {
    let mut scene = at_once();
    scene.start();
    let (user, _) = bare_member(&scene, UserSpec::new("Joiner"));
    scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
    // Of a group that is new, nothing is known before it was pulled.
    let latest = scene.sim.add_group("Another group");
    let message = scene.sim.join(latest, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(
        (photos[0].group, photos[0].message),
        (bot_api_id(latest), i64::from(message))
    );
    the_next_is_posted(scene, 1);
}

#[test]
fn a_join_that_needs_its_user_looked_up_goes_first() {
    let mut scene = each_second();
    scene.start();
    let (bare, _) = bare_member(&scene, UserSpec::new("Joiner"));
    a_pass_goes_by(&scene);
    // The question about the joiner waits.
    let user = scene.sim.add_user(somebody("Joiner").min(false));
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
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for("the question", |world| world.held() == 1);
    let passes = || scene.log().matches("recheck members=").count();
    let before = passes();
    scene.poll("the next pass", || passes() > before);
    let asked = scene.sim.calls_of("users.getUsers").len();
    scene.sim.set_photo(bare, Some(PhotoSpec::jpeg()));
    let other = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, other, How::ByLink);
    assert_eq!(scene.wait_for_photos(1)[0].user, other);
    assert_eq!(scene.sim.calls_of("users.getUsers").len(), asked);
    scene.sim.release();
    let photos = scene.wait_for_photos(3);
    // Of two that wait for their posts, the newer goes first.
    let users: BTreeSet<i64> = photos.iter().map(|photo| photo.user).collect();
    assert_eq!(users, BTreeSet::from([other, user, bare]));
    scene.finish();
}

#[test]
fn who_cannot_be_named_any_more_makes_nobody_else_be_asked_for_alone() {
    const OTHERS: usize = 20;
    let mut scene = each_second();
    scene.start();
    // Known by the join's message alone, which is deleted.
    let bare = scene.sim.add_user(somebody("Joiner").min(true));
    let message = scene.sim.join(scene.group, bare, How::ByLink);
    scene.wait_for_outcome(bare, "forwarded");
    scene.sim.delete_messages(scene.group, &[message]);
    for _ in 0..OTHERS {
        let user = scene.sim.add_user(UserSpec::new("Joiner").min(false));
        scene.sim.join(scene.group, user, How::ByLink);
    }
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'no_photo'", OTHERS);
    let marker = format!("recheck members={}", OTHERS + 1);
    let passes = || scene.log().matches(&marker).count();
    scene.poll("a whole pass", || passes() > 1);
    let before = (passes(), scene.sim.calls_of("users.getUsers").len());
    scene.poll("three passes", || passes() >= before.0 + 3);
    let calls = scene.sim.calls_of("users.getUsers").len() - before.1;
    let passes = passes() - before.0;
    // One for the others, one in vain; the passes at both ends may be cut.
    assert!(
        calls <= 2 * (passes + 1),
        "{calls} calls in {passes} passes"
    );
    scene.finish();
}

#[test]
fn a_photo_that_is_given_up_takes_nothing_from_what_is_recorded() {
    let mut scene = at_once();
    scene.start();
    let (posted, _) = member(&scene);
    let (bare, _) = bare_member(&scene, UserSpec::new("Joiner"));
    for (user, outcome) in [(posted, "forwarded"), (bare, "failed")] {
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        scene.sim.break_photo(user);
        let tried = scene.sim.calls_of("upload.getFile").len();
        scene.sim.push_user(user);
        scene
            .sim
            .wait_for_call("upload.getFile", tried + 3, PATIENCE)
            .expect("three tries");
        scene.wait_for_outcome(user, outcome);
        // Their talk does not fetch it over and over.
        for _ in 0..5 {
            scene.sim.message(scene.group, user, "hello");
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
fn killed_anywhere_on_the_way_what_was_found_is_posted_once() {
    let mut scene = each_second();
    scene.start();
    let mut found = BTreeSet::new();
    for method in [
        "users.getUsers",
        "upload.getFile",
        "upload.saveFilePart",
        "messages.sendMedia",
    ] {
        let (user, _) = bare_member(&scene, UserSpec::new("Joiner"));
        found.insert(user);
        let before = scene.sim.calls_of(method).len();
        scene.sim.fault(Match::method(method).once(), Fault::Hold);
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        scene
            .sim
            .wait_for_call(method, before + 1, PATIENCE)
            .expect("the call");
        scene.kill();
        scene.sim.release();
        scene.sim.clear_faults();
        scene.start();
        scene.wait_for_outcome(user, "forwarded");
    }
    a_pass_goes_by(&scene);
    let photos = scene.photos();
    let users: BTreeSet<i64> = photos.iter().map(|photo| photo.user).collect();
    assert_eq!((users, photos.len()), (found, 4));
    assert!(photos.iter().all(|photo| photo.message == 0));
    scene.finish();
}

#[test]
fn many_new_members_are_looked_at_again_while_others_join() {
    let mut scene = each_second();
    scene.start();
    let join = |spec: UserSpec| {
        let user = scene.sim.add_user(spec);
        (user, scene.sim.join(scene.group, user, How::ByLink))
    };
    let bare: Vec<i64> = (0..200).map(|_| join(UserSpec::new("Joiner")).0).collect();
    scene.wait_for_state("SELECT 1 FROM joins WHERE outcome = 'no_photo'", 200);
    let mut joined = Vec::new();
    for (number, user) in bare.iter().enumerate() {
        scene.sim.set_photo(*user, Some(PhotoSpec::jpeg()));
        if number % 5 == 0 {
            // Some of these have to be looked up first.
            let shown = UserSpec::new("Joiner").photo(PhotoSpec::jpeg());
            joined.push(join(if number % 10 == 0 {
                shown.min(false)
            } else {
                shown
            }));
        }
    }
    let photos = scene.wait_for_photos(240);
    a_pass_goes_by(&scene);
    let mut told: Vec<(i64, i64)> = photos.iter().map(|p| (p.user, p.message)).collect();
    told.sort_unstable();
    let mut expected: Vec<(i64, i64)> = bare.iter().map(|user| (*user, 0)).collect();
    expected.extend(
        joined
            .iter()
            .map(|(user, message)| (*user, i64::from(*message))),
    );
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(scene.photos().len(), 240);
    scene.finish();
}

#[test]
fn a_flood_is_waited_out_and_a_refusal_ends_one_pass_alone() {
    for (trouble, times) in [
        (Fault::FloodWait(1), 1),
        (Fault::error(500, "INTERNAL"), 1),
        (Fault::error(403, "NOT_NOW"), 8),
    ] {
        let mut scene = each_second();
        scene.start();
        for _ in 0..8 {
            bare_member(&scene, UserSpec::new("Joiner"));
        }
        let (user, _) = bare_member(&scene, UserSpec::new("Joiner"));
        let refused = matches!(trouble, Fault::Error(403, _));
        scene
            .sim
            .fault(Match::method("users.getUsers").times(times), trouble);
        scene.wait_for("the trouble", |world| {
            world
                .calls_of("users.getUsers")
                .filter(|call| call.error().is_some())
                .count()
                >= times
        });
        scene.sim.set_photo(user, Some(PhotoSpec::jpeg()));
        let photos = scene.wait_for_photos(1);
        assert_eq!((photos[0].user, photos[0].message), (user, 0));
        // Of nine members it asked for a few alone, and then for nobody: two passes.
        let ended = scene.log().matches("cannot be looked at again").count();
        assert_eq!(ended, if refused { 2 } else { 0 }, "{}", scene.log());
        scene.finish();
    }
}
