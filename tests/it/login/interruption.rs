//! Ctrl-C and other signals that end `login` and `channels`, at each prompt of a terminal.

use rustix::process::{Signal, WaitOptions, kill_process, waitpid};
use telegram_sim::{Fault, Match};

use super::{CODE, PHONE, TWO_STEP, log_in_well, scene};
use crate::harness::{Scene, Terminal, assert_contains};

const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";

#[test]
fn ctrl_c_ends_a_login_at_every_prompt_and_the_terminal_shows_what_is_typed() {
    for (answers, prompt) in [
        (&[][..], "country code: "),
        (&[PHONE], "Code: "),
        (&[PHONE, CODE], "Two-step password: "),
    ] {
        let scene = scene(Some(TWO_STEP));
        let mut terminal = Terminal::run(&scene.command("login"));
        for (answer, prompt) in answers.iter().zip(["country code: ", "Code: "]) {
            terminal.read_to(prompt);
            terminal.type_text(&format!("{answer}\n"));
        }
        terminal.read_to(prompt);
        terminal.type_text(CTRL_C);
        let ended = terminal.finish();
        assert_eq!(ended.code, Some(130), "{prompt}: {}", ended.output);
        let message = "scp-079-avatar: the login was ended by Ctrl-C\r\n";
        assert_contains(&ended.output, &[message]);
        assert!(ended.has_echo, "{prompt}");
        assert!(!scene.sim.logged_in());
        log_in_well(&scene, &[PHONE, CODE, TWO_STEP]);
    }
}

#[test]
fn sigterm_at_the_password_prompt_leaves_a_terminal_that_shows_what_is_typed() {
    let scene = scene(Some(TWO_STEP));
    let mut terminal = Terminal::run(&scene.command("login"));
    terminal.read_to("country code: ");
    terminal.type_text(&format!("{PHONE}\n"));
    terminal.read_to("Code: ");
    terminal.type_text(&format!("{CODE}\n"));
    terminal.read_to("Two-step password: ");
    kill_process(terminal.pid(), Signal::TERM).expect("signalled");
    let ended = terminal.finish();
    assert_eq!(ended.code, Some(143), "{}", ended.output);
    assert_contains(&ended.output, &["the login was ended by SIGTERM"]);
    assert!(ended.has_echo);
}

#[test]
fn ctrl_z_at_the_password_stops_the_login_and_no_password_is_shown_after_it() {
    let scene = scene(Some(TWO_STEP));
    let mut terminal = Terminal::run(&scene.command("login"));
    terminal.read_to("country code: ");
    terminal.type_text(&format!("{PHONE}\n"));
    terminal.read_to("Code: ");
    terminal.type_text(&format!("{CODE}\n"));
    terminal.read_to("Two-step password: ");
    assert!(!terminal.has_echo());
    terminal.type_text(CTRL_Z);
    let stopped = waitpid(Some(terminal.pid()), WaitOptions::UNTRACED).expect("a child");
    assert!(stopped.is_some_and(|(_, status)| status.stopped()));
    assert!(terminal.has_echo());
    kill_process(terminal.pid(), Signal::CONT).expect("continued");
    terminal.read_to("Two-step password: ");
    assert!(!terminal.has_echo());
    terminal.type_text(&format!("{TWO_STEP}\n"));
    let ended = terminal.finish();
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(ended.has_echo);
    assert!(!ended.output.contains(TWO_STEP), "{}", ended.output);
    assert!(scene.sim.logged_in());
}

#[test]
fn ctrl_c_ends_the_reading_of_the_channels_and_does_not_undo_a_login() {
    for (subcommand, message) in [
        ("channels", "the list of channels was ended by Ctrl-C"),
        (
            "login",
            "the account is logged in; the list of its channels was ended by Ctrl-C",
        ),
    ] {
        let scene = Scene::new();
        let dialogs = Match::method("messages.getDialogs").once();
        // The command waits for the end of a rate limit up to a minute.
        scene.sim.fault(dialogs, Fault::FloodWait(50));
        let mut terminal = Terminal::run(&scene.command(subcommand));
        terminal.read_to("Telegram wants a pause (FLOOD_WAIT); trying again in 5");
        terminal.type_text(CTRL_C);
        let ended = terminal.finish();
        assert_eq!(ended.code, Some(130), "{}", ended.output);
        assert_contains(&ended.output, &[message]);
    }
}
