//! Signals while the daemon runs: the first one ends it cleanly, a second one at once (docs/operations.md, "Start").

use std::process::Command;

use rustix::process::{Signal, kill_process};
use telegram_sim::{Fault, Match};

use crate::harness::Scene;

/// Lets the daemon wait for Telegram's reply to a post, so that its shutdown takes seconds.
fn begin_post(scene: &Scene) {
    let posts = Match::method("messages.sendMedia").once();
    scene.sim.fault(posts, Fault::Hold);
    scene.join_user();
    scene.wait_for_call("messages.sendMedia", 1);
}

#[test]
fn a_second_signal_ends_the_program_at_once_and_loses_nothing() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut scene = Scene::new();
        scene.start();
        begin_post(&scene);
        kill_process(scene.pid(), Signal::INT).expect("signalled");
        scene.wait_for_log("SIGINT: ending");
        kill_process(scene.pid(), signal).expect("signalled");
        let (exit_code, log) = scene.wait_for_exit();
        assert_eq!(exit_code, Some(code), "{log}");
        let last = log.lines().last().unwrap_or_default();
        assert!(last.contains("ending at once"), "{log}");
        scene.sim.release();
        scene.start();
        scene.finish_with_next_photo(1);
    }
}

/// Starts the daemon with SIGHUP ignored, as `nohup` does, or with its default effect.
fn launch(scene: &mut Scene, hangup: &str) {
    let run = scene.command("run");
    let mut command = Command::new("/usr/bin/env");
    command
        .arg(format!("--{hangup}-signal=HUP"))
        .arg(run.get_program())
        .args(run.get_args())
        .env_clear();
    scene.launch_with(command);
    scene.wait_for_log("watching");
}

#[test]
fn sighup_ends_the_program_cleanly_however_often_it_comes() {
    let mut scene = Scene::new();
    launch(&mut scene, "default");
    begin_post(&scene);
    for _ in 0..3 {
        // A terminal that is closed sends the signal from the kernel and from the shell.
        kill_process(scene.pid(), Signal::HUP).expect("signalled");
        scene.wait_for_log("SIGHUP: ending");
    }
    scene.sim.release();
    let (code, log) = scene.wait_for_exit();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.trim_end().ends_with("ended"), "{log}");
    scene.finish();
}

#[test]
fn sighup_is_ignored_under_nohup() {
    let mut scene = Scene::new();
    launch(&mut scene, "ignore");
    kill_process(scene.pid(), Signal::HUP).expect("signalled");
    scene.finish_with_next_photo(0);
}
