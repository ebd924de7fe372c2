//! Connections that fail in every way: answers that the client library cannot read, connections that fall silent,
//! transport errors, and a clock that differs from Telegram's (docs/telegram.md).

use std::collections::BTreeSet;

use telegram_sim::{
    Fault, Framing, HOME_DC, JoinKind, Match, OTHER_DC, PhotoSpec, UserSpec, World,
};

use crate::harness::{Scene, assert_contains, output_of, read_file};

/// Lets a user whose photo is in the other data centre join.
fn join_far_user(scene: &Scene) -> i64 {
    let photo = PhotoSpec::jpeg().size(160, 160).dc(OTHER_DC);
    let user = scene.sim.add_user(UserSpec::new("Far").photo(photo));
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    user
}

#[test]
fn an_answer_that_the_client_library_cannot_read_costs_one_connection() {
    // The library panics on the first one, and takes the second one for the end of the connection.
    for size in [1_050_000, 1_100_000] {
        let mut scene = Scene::new();
        let other = scene.sim.add_group("Another group");
        scene.start();
        // No push shows this join, and nothing but the loss of the connection makes the program look for it.
        scene.sim.suppress_pushes(true);
        let missed = scene.join_user();
        scene.sim.suppress_pushes(false);
        scene.sim.fault(
            Match::method("messages.sendMedia").once(),
            Fault::Oversized(size),
        );
        let user = scene.join_user_in(other);
        scene.wait_for_photos_of(&[missed, user].into());
        let next = scene.join_user();
        scene.wait_for_photos_of(&[missed, user, next].into());
        scene.finish();
    }
}

#[test]
fn a_silent_connection_is_replaced_while_pushes_are_expected() {
    let mut scene = Scene::new();
    scene.start();
    scene.wait_until_settled();
    scene.sim.silence_connections();
    let user = scene.join_user();
    scene.wait_for_photos_of(&[user].into());
    scene.finish();
}

#[test]
fn a_call_that_is_slow_does_not_cost_its_connection() {
    let mut scene = Scene::new();
    scene.start();
    scene
        .sim
        .fault(Match::method("upload.getFile").once(), Fault::Hold);
    let slow = join_far_user(&scene);
    // The call fails after 30 s, and the photo is fetched over the same connection.
    scene.wait_for_photos_of(&[slow].into());
    let opened = scene.sim.calls_of("help.getConfig").len();
    assert_eq!(opened, 2, "one for each data centre\n{}", scene.log());
    scene.finish();
}

#[test]
fn transport_errors_of_any_form_delay_joins_and_lose_none() {
    for framing in [Framing::Raw, Framing::Framed] {
        let mut scene = Scene::new();
        scene.start();
        scene.sim.send_transport_errors(OTHER_DC, -429, framing);
        let users = [join_far_user(&scene), join_far_user(&scene)];
        scene.wait_for("refused connections", |world| world.transport_errors() >= 2);
        scene.sim.end_transport_errors(OTHER_DC);
        scene.wait_for_photos_of(&users.into());

        let refused = scene.sim.read(World::transport_errors);
        scene.sim.send_transport_errors(HOME_DC, -429, framing);
        scene.sim.cut_all();
        let user = scene.join_user();
        scene.wait_for("refused connections", |world| {
            world.transport_errors() >= refused + 2
        });
        scene.sim.end_transport_errors(HOME_DC);
        scene.wait_for_photos_of(&[users[0], users[1], user].into());
        scene.finish();
    }
}

#[test]
fn a_key_that_another_data_centre_does_not_know_is_replaced() {
    let mut scene = Scene::new();
    scene.start();
    scene
        .sim
        .send_transport_errors(OTHER_DC, -404, Framing::Framed);
    let exchanges = scene.sim.read(World::key_exchanges);
    let user = join_far_user(&scene);
    // The program does not know the simulator's RSA key, so it sends only the first message of a key exchange.
    scene.wait_for("a key exchange", |world| world.key_exchanges() > exchanges);
    assert_eq!(scene.stop().code(), Some(0));
    assert_eq!(scene.outcomes()[&user], ["queued"]);
}

#[test]
fn a_key_that_the_home_data_centre_refuses_for_a_while_is_kept() {
    let mut scene = Scene::new();
    let session = read_file(&scene.session());
    let refuse = |scene: &Scene| {
        let refused = scene.sim.read(World::transport_errors);
        scene
            .sim
            .send_transport_errors(HOME_DC, -404, Framing::Framed);
        refused + 3
    };
    let recover = |scene: &Scene, refusals: usize| {
        scene.wait_for("refused connections", |world| {
            world.transport_errors() >= refusals
        });
        scene.wait_for_log("KeyUnknown");
        scene.sim.end_transport_errors(HOME_DC);
    };
    // At a first start, while the program runs, and at a start with a ledger.
    let refusals = refuse(&scene);
    scene.launch();
    recover(&scene, refusals);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE state = 'sent'", 1);
    let mut users = BTreeSet::from([scene.join_user()]);
    scene.wait_for_photos_of(&users);

    let refusals = refuse(&scene);
    users.insert(scene.join_user());
    recover(&scene, refusals);
    scene.wait_for_photos_of(&users);

    scene.kill();
    let refusals = refuse(&scene);
    users.insert(scene.join_user());
    scene.launch();
    recover(&scene, refusals);
    scene.wait_for_photos_of(&users);
    assert!(
        read_file(&scene.session()) == session,
        "the session changed"
    );
    scene.finish();
}

#[test]
fn a_clock_ahead_of_telegrams_ends_the_program() {
    let mut scene = Scene::new();
    scene.sim.set_clock_offset(-600);
    let sentence = ["this machine's clock is ", "ahead of Telegram's", "NTP"];
    for subcommand in ["run", "login"] {
        let (code, _, stderr) = output_of(&mut scene.command(subcommand));
        assert_eq!(code, Some(75), "{stderr}");
        assert_contains(&stderr, &sentence);
    }
    assert_eq!(scene.sim.read(World::bad_messages), 0);
    scene.sim.set_clock_offset(-25);
    scene.start();
    scene.sim.set_clock_offset(-600);
    scene.sim.cut_all();
    let (code, log) = scene.wait_for_exit();
    assert_eq!(code, Some(75), "{log}");
    assert_contains(&log, &sentence);
    scene.sim.set_clock_offset(0);
    scene.start();
    scene.finish_with_next_photo(0);
}

#[test]
fn a_clock_that_runs_ahead_is_found_by_the_first_call_without_an_answer() {
    let mut scene = Scene::new();
    scene.start();
    scene.wait_until_settled();
    scene
        .sim
        .fault(Match::method("upload.getFile"), Fault::Hold);
    scene.join_user();
    scene.wait_for_call("upload.getFile", 1);
    scene.sim.set_clock_offset(-600);
    let (code, log) = scene.wait_for_exit();
    assert_eq!(code, Some(75), "{log}");
}

#[test]
fn a_clock_behind_telegrams_is_corrected() {
    let mut scene = Scene::new();
    scene.sim.set_clock_offset(3_600);
    scene.start();
    assert!(scene.sim.read(World::bad_messages) > 0);
    scene.finish_with_next_photo(0);
}

#[test]
fn an_unknown_time_of_telegram_holds_nothing_up() {
    let mut scene = Scene::new();
    scene.sim.refuse_key_exchanges(true);
    scene.start();
    scene.finish_with_next_photo(0);
}
