//! The `login` command with its answers on standard input, and `run` with the session that it leaves.

mod codes;
mod ended_session;
mod interruption;
mod qr_code;
mod refusals;
mod retries;
mod scanned_terminal;

use std::io::{ErrorKind, Write as _};
use std::process::{Child, Stdio};

use telegram_sim::{Fault, JoinKind, Match, OTHER_DC, PhotoSpec, UserSpec};

use crate::harness::{Scene, assert_in_order, output_of, read_file, wait_for_output};

const PHONE: &str = "+86 138 0013 8000";
const CODE: &str = "27182";
const TWO_STEP: &str = "staple battery";

/// Makes a scene whose session is not logged in.
fn scene(password: Option<&str>) -> Scene {
    let scene = Scene::new();
    let session = scene.session();
    scene
        .sim
        .write_session_unauthorized(session)
        .expect("a session");
    scene.sim.set_login(PHONE, CODE, password);
    scene
}

fn spawn_login(scene: &Scene) -> Child {
    scene
        .command("login")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary")
}

fn type_line(login: &mut Child, line: &str) {
    let mut input = login.stdin.as_ref().expect("piped");
    writeln!(input, "{line}").expect("typed");
}

/// Runs `login` with these answers; returns the exit code and both outputs, which must not contain a secret.
fn log_in(scene: &Scene, answers: &[&str]) -> (Option<i32>, String) {
    let mut login = spawn_login(scene);
    let lines = answers.iter().map(|line| format!("{line}\n"));
    let typed = lines.collect::<String>();
    let mut input = login.stdin.take().expect("piped");
    // A login that fails before it asks may have closed its input already.
    if let Err(error) = input.write_all(typed.as_bytes()) {
        assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
    }
    drop(input);
    let (code, out, err) = wait_for_output(login);
    for secret in [CODE, TWO_STEP] {
        assert!(!out.contains(secret), "{secret:?} is in\n{out}");
        assert!(!err.contains(secret), "{secret:?} is in\n{err}");
    }
    (code, out + &err)
}

/// Runs `login` with these answers, and fails unless it logs the account in. Returns the output.
fn log_in_well(scene: &Scene, answers: &[&str]) -> String {
    let (code, output) = log_in(scene, answers);
    assert_eq!(code, Some(0), "{output}");
    assert!(scene.sim.logged_in(), "{output}");
    output
}

/// Fails unless `run` works with the session, also for a photo in the other data centre.
fn run_forwards_photos(mut scene: Scene) {
    scene.start();
    let spec = UserSpec::new("Far").photo(PhotoSpec::jpeg().size(160, 160).dc(OTHER_DC));
    let user = scene.sim.add_user(spec);
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    scene.finish();
}

#[test]
fn phone_number_and_code_log_the_account_in_and_run_works() {
    let scene = scene(None);
    let (code, output) = log_in(&scene, &[PHONE, CODE]);
    assert_eq!(code, Some(0), "{output}");
    let me = scene.sim.me().to_string();
    assert_in_order(
        &output,
        &[
            "Phone number",
            "A code was sent to",
            "Code:",
            "Logged in",
            &me,
        ],
    );
    assert!(scene.sim.logged_in());
    run_forwards_photos(scene);
}

#[test]
fn a_wrong_code_is_asked_for_again_and_no_other_is_sent() {
    let scene = scene(None);
    let (code, output) = log_in(&scene, &[PHONE, "11111", "22222", CODE]);
    assert_eq!(code, Some(0), "{output}");
    let wrong = "that code is wrong";
    assert_in_order(
        &output,
        &["Code:", wrong, "Code:", wrong, "Code:", "Logged in"],
    );
    assert_eq!(scene.sim.calls_of("auth.sendCode").len(), 1);
    run_forwards_photos(scene);
}

#[test]
fn an_expired_code_is_replaced_by_a_new_one() {
    let scene = scene(None);
    let mut login = spawn_login(&scene);
    type_line(&mut login, PHONE);
    scene.wait_for("the first code", |world| {
        world.calls_of("auth.sendCode").any(|call| call.succeeded())
    });
    scene.sim.expire_codes();
    type_line(&mut login, CODE);
    scene.wait_for("the second code", |world| {
        world
            .calls_of("auth.sendCode")
            .filter(|call| call.succeeded())
            .count()
            == 2
    });
    type_line(&mut login, CODE);
    let (code, output, err) = wait_for_output(login);
    assert_eq!(code, Some(0), "{err}");
    assert_in_order(
        &output,
        &[
            "A code was sent",
            "Code:",
            "that code has expired",
            "A code was sent",
            "Code:",
            "Logged in",
        ],
    );
    run_forwards_photos(scene);
}

#[test]
fn a_wrong_two_step_password_is_asked_for_again() {
    let scene = scene(Some(TWO_STEP));
    let (code, output) = log_in(&scene, &[PHONE, CODE, "horse", TWO_STEP]);
    assert_eq!(code, Some(0), "{output}");
    let asked = "Two-step password";
    assert_in_order(
        &output,
        &["Code:", asked, "that password is wrong", asked, "Logged in"],
    );
    run_forwards_photos(scene);
}

#[test]
fn a_login_that_cannot_continue_says_why_and_stays_logged_out() {
    let out_of_codes = [PHONE].into_iter().chain(["1"; 9]).collect::<Vec<_>>();
    let cases: [(&[&str], Option<&str>, &str); 6] = [
        (&["12"], None, "knows no such phone number"),
        (&[], None, "the input ended before the login was done"),
        (&[PHONE], None, "the input ended before the login was done"),
        (
            &[PHONE, CODE],
            Some(TWO_STEP),
            "the input ended before the login was done",
        ),
        (
            &[PHONE, CODE, "a", "b", "c"],
            Some(TWO_STEP),
            "no password was accepted",
        ),
        (&out_of_codes, None, "no code was accepted"),
    ];
    for (answers, password, sentence) in cases {
        let scene = scene(password);
        let (code, output) = log_in(&scene, answers);
        assert_eq!(code, Some(1), "{output}");
        assert!(
            output.contains(sentence),
            "{sentence:?} is not in\n{output}"
        );
        assert!(!scene.sim.logged_in());
        // The login can be repeated at once from the beginning.
        let answers: Vec<&str> = [PHONE, CODE].into_iter().chain(password).collect();
        let (code, output) = log_in(&scene, &answers);
        assert_eq!(code, Some(0), "{output}");
    }
}

#[test]
fn a_flood_wait_is_reported_with_its_end_and_ends_the_login() {
    for (method, answers) in [
        ("auth.sendCode", &[PHONE][..]),
        ("auth.signIn", &[PHONE, CODE][..]),
        ("auth.checkPassword", &[PHONE, CODE, TWO_STEP][..]),
    ] {
        let scene = scene(Some(TWO_STEP));
        let flood = Match::method(method).once();
        scene.sim.fault(flood, Fault::FloodWait(7200));
        let (code, output) = log_in(&scene, answers);
        assert_eq!(code, Some(1), "{method}: {output}");
        assert_in_order(&output, &["wants a pause", "try again after 20"]);
        assert_eq!(scene.sim.calls_of(method).len(), 1, "{method}");
        assert!(!scene.sim.logged_in());
    }
}

#[test]
fn an_account_that_is_logged_in_is_asked_nothing() {
    let scene = Scene::new();
    let before = read_file(&scene.session());
    let (code, out, err) = output_of(&mut scene.command("login"));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_in_order(&out, &["Connecting to Telegram…", "Already logged in, as"]);
    assert!(!out.contains("Phone"), "{out}");
    assert!(
        read_file(&scene.session()) == before,
        "the session was changed"
    );
    assert!(scene.sim.calls_of("auth.sendCode").is_empty());
    run_forwards_photos(scene);
}

#[test]
fn run_without_a_login_names_the_login_command() {
    let scene = scene(None);
    let (code, _, err) = output_of(&mut scene.command("run"));
    assert_eq!(code, Some(77), "{err}");
    assert!(err.contains("scp-079-avatar login"), "{err}");
    assert!(scene.sim.posts_by_account().is_empty());
}

#[test]
fn an_unusable_session_file_is_named_with_the_remedy_and_not_changed() {
    let text = b"no session, but a text\n".repeat(50);
    let scene = scene(None);
    std::fs::write(scene.session(), &text).expect("written");
    let (code, output) = log_in(&scene, &[PHONE, CODE]);
    assert_eq!(code, Some(77), "{output}");
    assert_in_order(
        &output,
        &[
            "is not a session of this program",
            "move it away and log in with `scp-079-avatar login`",
        ],
    );
    assert!(read_file(&scene.session()) == text, "the file was changed");
    assert!(scene.sim.calls().is_empty());
}
