//! Calls of a login that get no answer, and how it goes on.

use telegram_sim::{Fault, Match};

use super::{CODE, PHONE, TWO_STEP, log_in, log_in_well, scene};
use crate::harness::{Scene, assert_in_order, read_file};

#[test]
fn a_connection_that_telegram_refuses_at_first_is_tried_again_when_its_pause_is_over() {
    for (code, line) in [
        (-404, "That may pass, so `login` tries for ten minutes"),
        (-429, "trying again in 5 s."),
    ] {
        let scene = Scene::new();
        let before = read_file(&scene.session());
        let connection = Match::method("help.getConfig").once();
        scene.sim.fault(connection, Fault::TransportError(code));
        let (exit, output) = log_in(&scene, &[]);
        assert_eq!(exit, Some(0), "{output}");
        assert_in_order(&output, &[line, "Already logged in, as"]);
        assert!(!output.contains("Phone number"), "{output}");
        assert!(
            read_file(&scene.session()) == before,
            "the session was changed"
        );
    }
}

#[test]
fn a_step_whose_answer_or_request_was_lost_is_repeated() {
    for fault in [Fault::LoseReply, Fault::CutBefore] {
        for method in [
            "auth.sendCode",
            "auth.signIn",
            "account.getPassword",
            "auth.checkPassword",
        ] {
            let scene = scene(Some(TWO_STEP));
            scene.sim.fault(Match::method(method).once(), fault.clone());
            let output = log_in_well(&scene, &[PHONE, CODE, TWO_STEP]);
            assert_in_order(&output, &[method, "trying again in 2 s.", "Logged in as"]);
        }
    }
}

#[test]
fn a_sign_in_that_took_effect_is_not_repeated() {
    for (password, method) in [
        (None, "auth.signIn"),
        (Some(TWO_STEP), "auth.checkPassword"),
    ] {
        let scene = scene(password);
        let lost = Match::method(method).once();
        scene.sim.fault(lost, Fault::LoseReply);
        let answers: Vec<&str> = [PHONE, CODE].into_iter().chain(password).collect();
        log_in_well(&scene, &answers);
        assert_eq!(scene.sim.calls_of(method).len(), 1, "{method}");
    }
}

#[test]
fn a_short_rate_limit_is_waited_for_at_each_step() {
    for method in [
        "users.getUsers",
        "auth.sendCode",
        "auth.signIn",
        "account.getPassword",
        "auth.checkPassword",
    ] {
        let scene = scene(Some(TWO_STEP));
        scene
            .sim
            .fault(Match::method(method).once(), Fault::FloodWait(1));
        let output = log_in_well(&scene, &[PHONE, CODE, TWO_STEP]);
        let line = "Telegram wants a pause (FLOOD_WAIT); trying again in ";
        assert_in_order(&output, &[line, "Logged in as"]);
        assert_eq!(
            scene.sim.calls_of("auth.sendCode").len(),
            1 + usize::from(method == "auth.sendCode")
        );
    }
}

#[test]
fn a_login_that_broke_off_before_its_password_can_be_started_again() {
    let scene = scene(Some(TWO_STEP));
    let (code, output) = log_in(&scene, &[PHONE, CODE]);
    assert_eq!(code, Some(1), "{output}");
    log_in_well(&scene, &[PHONE, CODE, TWO_STEP]);
}

#[test]
fn an_empty_password_is_not_sent() {
    let scene = scene(Some(TWO_STEP));
    let output = log_in_well(&scene, &[PHONE, CODE, "", TWO_STEP]);
    assert_in_order(
        &output,
        &["the password is empty; try again.", "Logged in as"],
    );
    assert_eq!(scene.sim.calls_of("auth.checkPassword").len(), 1);
}

#[test]
fn a_data_centre_without_an_address_does_not_become_the_home() {
    let scene = scene(None);
    let before = read_file(&scene.session());
    let moved = Match::method("auth.sendCode").times(2);
    scene
        .sim
        .fault(moved, Fault::error(303, "PHONE_MIGRATE_99"));
    let (code, output) = log_in(&scene, &[PHONE, CODE]);
    assert_eq!(code, Some(69), "{output}");
    let sentence = "Telegram leads this login to data centre 99, and names no address of it";
    assert_in_order(&output, &[sentence]);
    assert!(
        read_file(&scene.session()) == before,
        "the session was changed"
    );
    log_in_well(&scene, &[PHONE, CODE]);
}
