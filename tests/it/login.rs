//! `login`, its answers typed into its standard input; and what the session is good for afterwards.

use std::io::Write as _;
use std::process::{Child, Stdio};

use telegram_sim::{Fault, How, Match, OTHER_DC, PhotoSpec, UserSpec};

use crate::harness::{Scene, read, said, said_by};

const PHONE: &str = "+86 138 0013 8000";
const CODE: &str = "27182";
const TWO_STEP: &str = "staple battery";

/// A world in which the session is not logged in.
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

fn begin(scene: &Scene) -> Child {
    scene
        .command("login")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary")
}

fn type_in(login: &mut Child, line: &str) {
    let mut input = login.stdin.as_ref().expect("piped");
    writeln!(input, "{line}").expect("typed");
}

/// Logs in with these answers, and returns the exit code and all that was said.
fn log_in(scene: &Scene, answers: &[&str]) -> (Option<i32>, String) {
    let mut login = begin(scene);
    let lines = answers.iter().map(|line| format!("{line}\n"));
    let typed = lines.collect::<String>();
    login
        .stdin
        .take()
        .expect("piped")
        .write_all(typed.as_bytes())
        .expect("typed");
    let (code, out, err) = said_by(login);
    for secret in [CODE, TWO_STEP] {
        assert!(!out.contains(secret), "{secret:?} is in\n{out}");
        assert!(!err.contains(secret), "{secret:?} is in\n{err}");
    }
    (code, out + &err)
}

/// `run` works with the session, also where a photo is in the other data centre.
fn runs(mut scene: Scene) {
    scene.start();
    let spec = UserSpec::new("Far").photo(PhotoSpec::jpeg().size(160, 160).dc(OTHER_DC));
    let user = scene.sim.add_user(spec);
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    scene.finish();
}

/// Each of these words is said, in this order.
fn in_order(said: &str, words: &[&str]) {
    let mut rest = said;
    for word in words {
        let at = rest.find(word);
        let at = at.unwrap_or_else(|| panic!("{word:?} does not follow in\n{said}"));
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn with_phone_and_code_the_account_is_logged_in_and_run_works() {
    let scene = scene(None);
    let (code, said) = log_in(&scene, &[PHONE, CODE]);
    assert_eq!(code, Some(0), "{said}");
    let me = scene.sim.me().to_string();
    in_order(
        &said,
        &[
            "Phone number",
            "A code was sent to",
            "Code:",
            "Logged in",
            &me,
        ],
    );
    assert!(scene.sim.logged_in());
    runs(scene);
}

#[test]
fn a_wrong_code_is_asked_for_again_without_another_being_sent() {
    let scene = scene(None);
    let (code, said) = log_in(&scene, &[PHONE, "11111", "", CODE]);
    assert_eq!(code, Some(0), "{said}");
    let wrong = "that code is wrong";
    in_order(
        &said,
        &["Code:", wrong, "Code:", wrong, "Code:", "Logged in"],
    );
    assert_eq!(scene.sim.calls_of("auth.sendCode").len(), 1);
    runs(scene);
}

#[test]
fn for_an_expired_code_another_one_is_sent() {
    let scene = scene(None);
    let mut login = begin(&scene);
    type_in(&mut login, PHONE);
    scene.wait_for("the first code", |world| {
        world.calls_of("auth.sendCode").any(|call| call.succeeded())
    });
    scene.sim.expire_codes();
    type_in(&mut login, CODE);
    scene.wait_for("the second code", |world| {
        world
            .calls_of("auth.sendCode")
            .filter(|call| call.succeeded())
            .count()
            == 2
    });
    type_in(&mut login, CODE);
    let (code, said, err) = said_by(login);
    assert_eq!(code, Some(0), "{err}");
    in_order(
        &said,
        &[
            "A code was sent",
            "Code:",
            "that code has expired",
            "A code was sent",
            "Code:",
            "Logged in",
        ],
    );
    runs(scene);
}

#[test]
fn a_wrong_two_step_password_is_asked_for_again() {
    let scene = scene(Some(TWO_STEP));
    let (code, said) = log_in(&scene, &[PHONE, CODE, "horse", TWO_STEP]);
    assert_eq!(code, Some(0), "{said}");
    let asked = "Two-step password";
    in_order(
        &said,
        &["Code:", asked, "that password is wrong", asked, "Logged in"],
    );
    runs(scene);
}

#[test]
fn what_cannot_go_on_says_why_and_leaves_the_account_out() {
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
        let (code, said) = log_in(&scene, answers);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(sentence), "{sentence:?} is not in\n{said}");
        assert!(!scene.sim.logged_in());
        // It can be tried again at once, from the beginning.
        let answers: Vec<&str> = [PHONE, CODE].into_iter().chain(password).collect();
        let (code, said) = log_in(&scene, &answers);
        assert_eq!(code, Some(0), "{said}");
    }
}

#[test]
fn a_flood_limit_says_until_when_and_ends_the_login() {
    for (method, answers) in [
        ("auth.sendCode", &[PHONE][..]),
        ("auth.signIn", &[PHONE, CODE][..]),
        ("auth.checkPassword", &[PHONE, CODE, TWO_STEP][..]),
    ] {
        let scene = scene(Some(TWO_STEP));
        let flood = Match::method(method).once();
        scene.sim.fault(flood, Fault::FloodWait(7200));
        let (code, said) = log_in(&scene, answers);
        assert_eq!(code, Some(1), "{method}: {said}");
        in_order(&said, &["wants a pause", "try again after 20"]);
        assert_eq!(scene.sim.calls_of(method).len(), 1, "{method}");
        assert!(!scene.sim.logged_in());
    }
}

#[test]
fn who_is_logged_in_is_asked_nothing() {
    let scene = Scene::new();
    let before = read(&scene.session());
    let (code, out, err) = said(&mut scene.command("login"));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("Already logged in"), "{out}");
    assert!(!out.contains("Phone"), "{out}");
    assert!(read(&scene.session()) == before, "the session was changed");
    assert!(scene.sim.calls_of("auth.sendCode").is_empty());
    runs(scene);
}

#[test]
fn run_without_a_login_says_what_to_do() {
    let scene = scene(None);
    let (code, _, err) = said(&mut scene.command("run"));
    assert_eq!(code, Some(77), "{err}");
    assert!(err.contains("scp-079-avatar login"), "{err}");
    assert!(scene.sim.posts_by_account().is_empty());
}
