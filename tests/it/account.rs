//! An account that is logged out, banned or frozen ends the program with exit code 77 and one sentence, at start and
//! later. The session file is not changed and the queue is kept (docs/operations.md). One transport error −404 is no
//! such end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scp_079_avatar::app::{self, AppError};
use scp_079_avatar::clock::Clock;
use scp_079_avatar::config::{Config, Environment};
use telegram_sim::{
    Fault, HOME_DC, JoinKind, Match, OTHER_DC, PhotoSpec, Simulator, UserSpec, World,
};
use tokio_util::sync::CancellationToken;

use crate::harness::{Scene, TIMEOUT, now, output_of, read_file};

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
        name: "frozen, refused by another method",
        cause: |sim| sim.end_login(400, "FROZEN_PARTICIPANT_MISSING"),
        sentence: "has frozen this account",
    },
    Ending {
        name: "used on two hosts",
        cause: |sim| sim.end_login(406, "AUTH_KEY_DUPLICATED"),
        sentence: "was used on two hosts at once",
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

#[test]
fn a_key_that_is_refused_once_is_kept_and_the_program_connects_again() {
    let mut scene = Scene::new();
    // At the start, and later over a connection that worked before.
    let opens_connection = Match::method("help.getConfig").dc(HOME_DC).once();
    scene
        .sim
        .fault(opens_connection, Fault::TransportError(-404));
    scene.start();
    let before = read_file(&scene.session());
    scene.sim.forget_key();
    let seen = scene.sim.read(World::transport_errors);
    let user = scene.join_user();
    scene.wait_for("a refused packet", |world| world.transport_errors() > seen);
    scene.sim.restore_login();
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    assert!(read_file(&scene.session()) == before, "the session changed");
    scene.finish();
}

/// The program runs in this process, under a wall clock that the test sets.
#[test]
fn a_key_that_is_refused_for_ten_minutes_is_lost() {
    let mut scene = Scene::new();
    scene.start();
    scene.stop();
    let before = read_file(&scene.session());
    scene.sim.forget_key();
    let config = Config::load(
        Some(&scene.write_config()),
        &Environment::of_process().expect("an environment"),
    );
    let time = Arc::new(AtomicU64::new(now().unsigned_abs()));
    let clock = {
        let time = Arc::clone(&time);
        Clock::from_fn(move || Duration::from_secs(time.load(Ordering::SeqCst)))
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let program = runtime.spawn(app::run(
        config.expect("a configuration").config,
        clock,
        CancellationToken::new(),
    ));
    // With the second connection, the program has recorded when the first one was refused.
    scene.wait_for("two refused connections", |world| {
        world.transport_errors() >= 2
    });
    // The clocks of both sides agree.
    scene.sim.set_clock_offset(600);
    time.fetch_add(600, Ordering::SeqCst);
    let ended = runtime.block_on(async { tokio::time::timeout(TIMEOUT, program).await });
    let ended = ended.expect("an end in time").expect("no panic");
    let error = ended.expect_err("an end");
    assert!(matches!(error, AppError::Account(_)), "{error}");
    assert_eq!(error.exit_code(), 77);
    let sentence = "does not know this session's authorization key any more";
    assert!(error.to_string().contains(sentence), "{error}");
    assert!(scene.sim.read(World::transport_errors) >= 4);
    assert!(read_file(&scene.session()) == before, "the session changed");
}

#[test]
fn a_key_that_another_data_centre_refuses_is_forgotten_and_home_goes_on() {
    let mut scene = Scene::new();
    scene.start();
    scene.sim.refuse_key_exchanges(true);
    let opens_connection = Match::method("help.getConfig").dc(OTHER_DC);
    scene
        .sim
        .fault(opens_connection, Fault::TransportError(-404));
    let far = UserSpec::new("Far").photo(PhotoSpec::jpeg().size(160, 160).dc(OTHER_DC));
    let far = scene.sim.add_user(far);
    scene.sim.join(scene.group, far, JoinKind::ByLink);
    // Two for the first connection, whose key is refused and replaced, and one for the second.
    scene.wait_for("two refused connections", |world| {
        world.transport_errors() >= 3
    });
    let near = scene.join_user();
    assert_eq!(scene.wait_for_photos(1)[0].user, near);
    scene.stop();
    let keys = |dc: i32| {
        let session = rusqlite::Connection::open(scene.session()).expect("a session");
        let sql = "SELECT auth_key IS NOT NULL FROM dc_option WHERE dc_id = ?1";
        session
            .query_row(sql, [dc], |row| row.get::<_, bool>(0))
            .expect("a row")
    };
    assert!(keys(HOME_DC));
    assert!(
        !keys(OTHER_DC),
        "the next connection would use the refused key"
    );
    // The program does not know the simulator's RSA key.
    scene.sim.write_session(scene.session()).expect("a session");
    scene.sim.clear_faults();
    scene.start();
    assert_eq!(scene.wait_for_photos(2)[1].user, far);
    scene.finish();
}

#[test]
fn a_rate_limit_without_a_number_pauses_only_its_method() {
    for name in ["FLOOD_WAIT_X", "SOMETHING_NEW"] {
        let mut scene = Scene::new();
        scene.start();
        scene.sim.fault(
            Match::method("messages.sendMedia").once(),
            Fault::error(420, name),
        );
        let user = scene.join_user();
        let earliest = now() + 50;
        scene.wait_for_rows(
            &format!(
                "SELECT 1 FROM floods WHERE method = 'messages.sendMedia' AND until > {earliest}"
            ),
            1,
        );
        scene.stop();
        scene.execute("DELETE FROM floods");
        scene.execute("UPDATE outbox SET due_at = 0");
        scene.start();
        assert_eq!(scene.wait_for_photos(1)[0].user, user);
        scene.finish();
    }
}

#[test]
fn a_connection_that_telegram_does_not_know_is_opened_again() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.sim.forget_init_connection();
    let users = scene.join_users(8).into_iter().collect();
    scene.wait_for_photos_of(&users);
    assert_eq!(
        scene.count("SELECT 1 FROM joins WHERE outcome = 'failed'"),
        0
    );
    scene.finish();
}

#[test]
fn a_transport_flood_is_not_answered_by_connecting_at_once() {
    let mut scene = Scene::new();
    scene.start();
    let before = scene.sim.calls_of("help.getConfig").len();
    let opens_connection = Match::method("help.getConfig").dc(HOME_DC).times(2);
    scene
        .sim
        .fault(opens_connection, Fault::TransportError(-429));
    scene.sim.cut_all();
    let user = scene.join_user();
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    let connects = scene.sim.calls_of("help.getConfig").split_off(before);
    let gaps: Vec<Duration> = connects
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect();
    assert!(gaps[0] >= Duration::from_secs(5), "{gaps:?}");
    assert!(gaps[1] >= Duration::from_secs(10), "{gaps:?}");
    scene.finish();
}
