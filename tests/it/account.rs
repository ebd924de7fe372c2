//! An account that is logged out, banned or frozen ends the program with exit code 77 and one sentence, at start and
//! later. The session file is not changed and the queue is kept (docs/operations.md).

use telegram_sim::{JoinKind, OTHER_DC, PhotoSpec, Simulator, UserSpec};

use crate::harness::{Scene, output_of, read_file};

/// An end of the login.
struct Ending {
    name: &'static str,
    cause: fn(&Simulator),
    /// A part of the sentence that the program logs.
    sentence: &'static str,
}

const ENDINGS: [Ending; 8] = [
    Ending {
        name: "ended from another device",
        cause: Simulator::revoke_session,
        sentence: "does not accept this session any more (SESSION_REVOKED)",
    },
    Ending {
        name: "not logged in",
        cause: |sim| sim.end_login(401, "AUTH_KEY_UNREGISTERED"),
        sentence: "does not accept this session any more (AUTH_KEY_UNREGISTERED)",
    },
    Ending {
        name: "expired",
        cause: |sim| sim.end_login(401, "SESSION_EXPIRED"),
        sentence: "does not accept this session any more (SESSION_EXPIRED)",
    },
    Ending {
        name: "banned",
        cause: |sim| sim.end_login(401, "USER_DEACTIVATED_BAN"),
        sentence: "has banned or deleted this account",
    },
    Ending {
        name: "deleted",
        cause: |sim| sim.end_login(401, "USER_DEACTIVATED"),
        sentence: "has banned or deleted this account",
    },
    Ending {
        name: "frozen",
        cause: |sim| sim.end_login(420, "FROZEN_METHOD_INVALID"),
        sentence: "has frozen this account",
    },
    Ending {
        name: "used on two hosts",
        cause: |sim| sim.end_login(406, "AUTH_KEY_DUPLICATED"),
        sentence: "was used on two hosts at once",
    },
    Ending {
        name: "key forgotten",
        cause: Simulator::forget_key,
        sentence: "does not know this session's authorization key any more",
    },
];

/// Restores the login, and fails unless the queued photo is then posted.
fn posts_after_recovery(mut scene: Scene, user: i64) {
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
fn an_ended_login_at_start_ends_the_program_and_changes_nothing() {
    for Ending {
        name,
        cause,
        sentence,
    } in ENDINGS
    {
        let mut scene = Scene::new();
        scene.start();
        scene.refuse_file_posts();
        let user = scene.join_user();
        scene.wait_for_rows("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 1);
        scene.kill();

        let before = read_file(&scene.session());
        cause(&scene.sim);
        let (code, _, stderr) = output_of(&mut scene.command("run"));
        assert_eq!(code, Some(77), "{name}: {stderr}");
        assert!(stderr.contains(sentence), "{name}: {stderr}");
        assert!(
            read_file(&scene.session()) == before,
            "{name}: the session was changed"
        );
        assert_eq!(scene.unsettled().len(), 2, "{name}: post and join");
        posts_after_recovery(scene, user);
    }
}

#[test]
fn an_ended_login_while_running_ends_the_program_and_keeps_the_queue() {
    for Ending {
        name,
        cause,
        sentence,
    } in ENDINGS
    {
        let mut scene = Scene::new();
        scene.start();
        let before = read_file(&scene.session());
        scene.refuse_file_posts();
        let user = scene.join_user();
        scene.wait_for_rows("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 1);

        cause(&scene.sim);
        let (code, log) = scene.wait_for_exit();
        assert_eq!(code, Some(77), "{name}: {log}");
        assert!(log.contains(sentence), "{name}: {log}");
        assert!(
            read_file(&scene.session()) == before,
            "{name}: the session was changed"
        );
        assert_eq!(scene.unsettled().len(), 2, "{name}: post and join");
        posts_after_recovery(scene, user);
    }
}

#[test]
fn an_authorization_forgotten_by_the_other_data_centre_is_imported_again() {
    let mut scene = Scene::new();
    scene.start();
    let far = || UserSpec::new("Far").photo(PhotoSpec::jpeg().size(160, 160).dc(OTHER_DC));
    for count in 1..=2 {
        let user = scene.sim.add_user(far());
        scene.sim.join(scene.group, user, JoinKind::ByLink);
        let photos = scene.wait_for_photos(count);
        assert_eq!(photos[count - 1].user, user);
        let imports = scene.sim.calls_of("auth.importAuthorization");
        assert_eq!(imports.len(), count);
        scene.sim.forget_imported_authorization();
    }
    scene.finish();
}
