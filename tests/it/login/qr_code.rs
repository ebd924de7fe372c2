//! `login --qr`, with the simulator's other device, which scans the code.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use telegram_sim::{Fault, Match, OTHER_DC};

use super::{PHONE, TWO_STEP, log_in, run_forwards_photos, scene, type_line};
use crate::harness::{Scene, assert_in_order, output_of, wait_for_output};

/// A running `login --qr`, with the reader of its output.
struct QrLogin {
    process: Child,
    output: BufReader<ChildStdout>,
    printed: String,
}

impl QrLogin {
    fn spawn(scene: &Scene) -> Self {
        let mut process = scene
            .command("login")
            .arg("--qr")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        Self {
            process,
            output,
            printed: String::new(),
        }
    }

    /// Reads the output up to the next link, and returns the link.
    fn next_link(&mut self) -> String {
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("UTF-8");
            assert!(read > 0, "no link in\n{}", self.printed);
            self.printed.push_str(&line);
            if line.starts_with("tg://login?token=") {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Scans the first code that another device can still accept.
    fn scan(&mut self, scene: &Scene) {
        loop {
            let link = self.next_link();
            match scene.sim.scan_login_token(&link) {
                Ok(()) => return,
                Err(error) => assert_eq!(error.message, "AUTH_TOKEN_EXPIRED"),
            }
        }
    }

    /// Waits for the end, and returns the exit code and both outputs.
    fn finish(mut self) -> (Option<i32>, String) {
        let (code, _, err) = wait_for_output(self.process);
        self.output
            .read_to_string(&mut self.printed)
            .expect("UTF-8");
        (code, self.printed + &err)
    }
}

fn assert_logged_in(login: QrLogin, scene: &Scene) -> String {
    let (code, output) = login.finish();
    assert_eq!(code, Some(0), "{output}");
    let account = format!(" (id {}). The session", scene.sim.me());
    assert!(output.contains(&account), "{output}");
    assert!(scene.sim.logged_in());
    output
}

#[test]
fn a_scanned_code_logs_the_account_in_and_run_works() {
    let scene = scene(None);
    let mut login = QrLogin::spawn(&scene);
    login.scan(&scene);
    let output = assert_logged_in(login, &scene);
    assert_in_order(
        &output,
        &[
            "Settings > Devices > Link Desktop Device",
            "tg://login?token=",
            "████ █▄▄▄█ ",
            "Logged in",
        ],
    );
    assert!(!output.contains("Phone number"), "{output}");
    let drawn: Vec<usize> = output
        .lines()
        .filter(|line| line.starts_with(['█', '▀']))
        .map(|line| line.chars().count())
        .collect();
    assert!(drawn.iter().all(|&width| width == drawn[0] && width <= 80));
    // A square: each line has two rows of modules.
    assert_eq!(drawn.len(), drawn[0].div_ceil(2));
    // The push was awaited, and no other code was asked for.
    assert_eq!(scene.sim.calls_of("auth.exportLoginToken").len(), 2);
    assert!(scene.sim.calls_of("auth.sendCode").is_empty());
    run_forwards_photos(scene);
}

#[test]
fn an_expired_code_is_replaced_by_the_next_one() {
    let scene = scene(None);
    scene.sim.set_login_token_lifetime(Duration::from_secs(1));
    let mut login = QrLogin::spawn(&scene);
    let first = login.next_link();
    let second = login.next_link();
    assert_ne!(first, second);
    let refusal = scene.sim.scan_login_token(&first).expect_err("expired");
    assert_eq!(refusal.message, "AUTH_TOKEN_EXPIRED");
    scene.sim.set_login_token_lifetime(Duration::from_secs(30));
    login.scan(&scene);
    assert_logged_in(login, &scene);
}

#[test]
fn a_scan_whose_push_was_lost_is_noticed_when_the_code_expires() {
    let scene = scene(None);
    scene.sim.suppress_pushes(true);
    scene.sim.set_login_token_lifetime(Duration::from_secs(3));
    let mut login = QrLogin::spawn(&scene);
    login.scan(&scene);
    assert_logged_in(login, &scene);
}

#[test]
fn the_next_code_is_shown_after_a_lost_connection() {
    let scene = scene(None);
    let mut login = QrLogin::spawn(&scene);
    let first = login.next_link();
    scene.sim.cut_all();
    let second = login.next_link();
    assert_ne!(first, second);
    scene.sim.scan_login_token(&second).expect("valid");
    assert_logged_in(login, &scene);
}

#[test]
fn the_two_step_password_is_asked_for_after_the_scan() {
    let scene = scene(Some(TWO_STEP));
    let mut login = QrLogin::spawn(&scene);
    login.scan(&scene);
    type_line(&mut login.process, "horse");
    type_line(&mut login.process, TWO_STEP);
    let output = assert_logged_in(login, &scene);
    let asked = "Two-step password";
    assert_in_order(&output, &[asked, "is wrong", asked, "Logged in"]);
    assert!(!output.contains(TWO_STEP), "{output}");
}

#[test]
fn a_scanned_code_follows_the_account_to_its_data_centre() {
    for password in [None, Some(TWO_STEP)] {
        let scene = scene(password);
        scene.sim.set_account_dc(OTHER_DC);
        let mut login = QrLogin::spawn(&scene);
        login.scan(&scene);
        if let Some(password) = password {
            type_line(&mut login.process, password);
        }
        assert_logged_in(login, &scene);
        let imports = scene.sim.calls_of("auth.importLoginToken");
        let centres: Vec<i32> = imports.iter().map(|call| call.dc).collect();
        assert_eq!(centres, [OTHER_DC]);
        let (_, output) = log_in(&scene, &[]);
        assert!(output.contains("Already logged in"), "{output}");
    }
}

#[test]
fn a_token_that_expired_during_the_move_is_replaced_by_the_next_code() {
    let scene = scene(None);
    scene.sim.set_account_dc(OTHER_DC);
    let import = Match::method("auth.importLoginToken").once();
    let expired = Fault::error(400, "AUTH_TOKEN_EXPIRED");
    scene.sim.fault(import, expired);
    let mut login = QrLogin::spawn(&scene);
    login.scan(&scene);
    login.scan(&scene);
    assert_logged_in(login, &scene);
}

#[test]
fn a_refused_token_is_a_sentence_with_a_remedy() {
    for (fault, exit, sentence) in [
        (
            Fault::error(400, "API_ID_INVALID"),
            78,
            "copy both again from my.telegram.org",
        ),
        (Fault::FloodWait(600), 1, "try again after 20"),
    ] {
        let scene = scene(None);
        let export = Match::method("auth.exportLoginToken");
        scene.sim.fault(export.once(), fault);
        let (code, _, err) = output_of(scene.command("login").arg("--qr"));
        assert_eq!(code, Some(exit), "{err}");
        assert!(err.contains(sentence), "{err}");
    }
}

#[test]
fn ctrl_c_ends_the_login_and_it_can_be_started_again() {
    let scene = scene(None);
    let mut login = QrLogin::spawn(&scene);
    login.next_link();
    let pid = i32::try_from(login.process.id())
        .ok()
        .and_then(Pid::from_raw);
    kill_process(pid.expect("a process id"), Signal::INT).expect("signalled");
    let (code, output) = login.finish();
    assert_eq!(code, Some(130), "{output}");
    assert!(output.contains("the login was ended by Ctrl-C"), "{output}");
    assert!(!scene.sim.logged_in());
    let (code, output) = log_in(&scene, &[PHONE, super::CODE]);
    assert_eq!(code, Some(0), "{output}");
}
