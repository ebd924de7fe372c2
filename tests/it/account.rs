//! Trouble with the account ends the program with 77 and one plain sentence, at start and at any time
//! later; the session file stays as it is, and the queue is kept (SPEC §9.6).

use telegram_sim::{Fault, How, Match, Simulator};

use crate::harness::{Scene, read, said, somebody};

/// What happens to the account, and what is said about it.
type Trouble = (&'static str, fn(&Simulator), &'static str);

const TROUBLES: [Trouble; 8] = [
    (
        "ended from another device",
        Simulator::revoke,
        "does not accept this session any more (SESSION_REVOKED)",
    ),
    (
        "not logged in",
        |sim| sim.end_login(401, "AUTH_KEY_UNREGISTERED"),
        "does not accept this session any more (AUTH_KEY_UNREGISTERED)",
    ),
    (
        "expired",
        |sim| sim.end_login(401, "SESSION_EXPIRED"),
        "does not accept this session any more (SESSION_EXPIRED)",
    ),
    (
        "banned",
        |sim| sim.end_login(401, "USER_DEACTIVATED_BAN"),
        "has banned or deleted this account",
    ),
    (
        "deleted",
        |sim| sim.end_login(401, "USER_DEACTIVATED"),
        "has banned or deleted this account",
    ),
    (
        "frozen",
        |sim| sim.end_login(420, "FROZEN_METHOD_INVALID"),
        "has frozen this account",
    ),
    (
        "used on two hosts",
        |sim| sim.end_login(406, "AUTH_KEY_DUPLICATED"),
        "was used on two hosts at once",
    ),
    (
        "its key forgotten",
        Simulator::forget_key,
        "does not know this session's authorization key any more",
    ),
];

/// The account is well again, and everything that was owed arrives.
fn arrives_after_all(mut scene: Scene, user: i64) {
    scene.sim.restore_login();
    scene.sim.clear_faults();
    scene.start();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos.len(), 1);
    assert_eq!(photos[0].user, user);
    assert!(photos[0].image == scene.sim.photo_bytes(user));
    scene.finish();
}

#[test]
fn at_start_it_ends_the_program_and_changes_nothing() {
    for (name, befall, sentence) in TROUBLES {
        let mut scene = Scene::new();
        scene.start();
        let posts = Match::method("messages.sendMedia");
        scene.sim.fault(posts, Fault::error(500, "INTERNAL"));
        let user = scene.sim.add_user(somebody("Joiner"));
        scene.sim.join(scene.group, user, How::ByLink);
        scene.wait_for_state("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 1);
        scene.kill();

        let before = read(&scene.session());
        befall(&scene.sim);
        let (code, _, said) = said(&mut scene.command("run"));
        assert_eq!(code, Some(77), "{name}: {said}");
        assert!(said.contains(sentence), "{name}: {said}");
        assert!(read(&scene.session()) == before, "{name}: it was changed");
        assert_eq!(scene.unsettled().len(), 2, "{name}: post and join");
        arrives_after_all(scene, user);
    }
}

#[test]
fn while_it_runs_it_ends_the_program_and_keeps_the_queue() {
    for (name, befall, sentence) in TROUBLES {
        let mut scene = Scene::new();
        scene.start();
        let before = read(&scene.session());
        let posts = Match::method("messages.sendMedia");
        scene.sim.fault(posts, Fault::error(500, "INTERNAL"));
        let user = scene.sim.add_user(somebody("Joiner"));
        scene.sim.join(scene.group, user, How::ByLink);
        scene.wait_for_state("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 1);

        befall(&scene.sim);
        let (code, log) = scene.ended();
        assert_eq!(code, Some(77), "{name}: {log}");
        assert!(log.contains(sentence), "{name}: {log}");
        assert!(read(&scene.session()) == before, "{name}: it was changed");
        assert_eq!(scene.unsettled().len(), 2, "{name}: post and join");
        arrives_after_all(scene, user);
    }
}

#[test]
fn an_authorization_that_the_other_data_centre_forgot_is_no_trouble() {
    use telegram_sim::{OTHER_DC, PhotoSpec, UserSpec};
    let mut scene = Scene::new();
    scene.start();
    let far = || UserSpec::new("Far").photo(PhotoSpec::jpeg().size(160, 160).dc(OTHER_DC));
    for count in 1..=2 {
        let user = scene.sim.add_user(far());
        scene.sim.join(scene.group, user, How::ByLink);
        let photos = scene.wait_for_photos(count);
        assert_eq!(photos[count - 1].user, user);
        let imports = scene.sim.calls_of("auth.importAuthorization");
        assert_eq!(imports.len(), count);
        scene.sim.forget_import();
    }
    scene.finish();
}
