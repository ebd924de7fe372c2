//! Log lines for the systemd journal: priorities, and no time stamps (docs/operations.md, "systemd").
//!
//! The file of the scene's log stands for the journal's: `JOURNAL_STREAM` names any file by device and inode.

use std::fs::{self, File};

use rustix::fs::fstat;
use serde_json::Value;
use telegram_sim::{Fault, Match};

use crate::harness::{Scene, assert_contains};

/// Makes the file of the scene's log, and returns the value of `JOURNAL_STREAM` that names it.
fn journal_stream(scene: &Scene) -> String {
    let file = File::create(scene.log_path()).expect("a log");
    let stat = fstat(&file).expect("its status");
    format!("{}:{}", stat.st_dev, stat.st_ino)
}

/// Runs the daemon with `JOURNAL_STREAM` until it has logged lines of three levels, and returns its log.
fn log_with(scene: &mut Scene, stream: &str) -> String {
    let mut command = scene.command("run");
    command.env("JOURNAL_STREAM", stream);
    scene.launch_with(command);
    scene.wait_for_log("watching");
    let posts = Match::method("messages.sendMedia").once();
    scene.sim.fault(posts, Fault::FloodWait(1));
    scene.join_user();
    scene.wait_for_photos(1);
    let posts = Match::method("messages.sendMedia").once();
    scene
        .sim
        .fault(posts, Fault::error(400, "CHAT_WRITE_FORBIDDEN"));
    scene.join_user();
    scene.wait_for_log("cannot post there");
    scene.stop();
    scene.execute("UPDATE outbox SET due_at = 0");
    scene.log()
}

/// Runs the daemon again, which posts the photo that waits.
fn finish(mut scene: Scene) {
    scene.launch();
    scene.wait_for_photos(2);
    scene.finish();
}

#[test]
fn lines_for_the_journal_have_priorities_and_no_time_stamps() {
    let mut scene = Scene::new();
    let stream = journal_stream(&scene);
    let log = log_with(&mut scene, &stream);
    for line in log.lines() {
        let (prefix, rest) = line.split_at(3);
        let level = match prefix {
            "<3>" => "ERROR ",
            "<4>" => "WARN ",
            "<6>" => "INFO ",
            "<7>" => "DEBUG ",
            _ => panic!("no priority: {line}"),
        };
        assert!(rest.starts_with(level), "{line}");
    }
    assert_contains(&log, &["<6>INFO watching account=", "<4>WARN rate limit "]);
    assert!(log.contains("<3>ERROR cannot post there"), "{log}");
    finish(scene);
}

#[test]
fn json_lines_for_the_journal_have_priorities_and_no_time_stamps() {
    let mut scene = Scene::new();
    scene.set("log", "format = \"json\"");
    let stream = journal_stream(&scene);
    let log = log_with(&mut scene, &stream);
    for line in log.lines() {
        let (prefix, json) = line.split_at(3);
        let json: Value = serde_json::from_str(json).unwrap_or_else(|_| panic!("{line}"));
        let expected = match json["level"].as_str() {
            Some("ERROR") => "<3>",
            Some("WARN") => "<4>",
            Some("INFO") => "<6>",
            _ => "<7>",
        };
        assert_eq!(prefix, expected, "{line}");
        assert_eq!(json.get("timestamp"), None, "{line}");
        assert!(json["fields"]["message"].is_string(), "{line}");
    }
    finish(scene);
}

#[test]
fn a_log_that_the_journal_does_not_read_keeps_its_time_stamps() {
    let mut scene = Scene::new();
    let log = log_with(&mut scene, "1:1");
    for line in log.lines() {
        let year = line.get(..2).unwrap_or_default();
        assert_eq!(year, "20", "{line}");
    }
    finish(scene);
}

#[test]
fn the_error_of_a_start_that_fails_has_its_priority_in_each_line() {
    let scene = Scene::new();
    let stream = journal_stream(&scene);
    for (argument, code) in [("--unknown", 64), ("", 78)] {
        let mut command = scene.command("run");
        match argument {
            "" => fs::write(scene.config_path(), "[telegram]\napi_id = 0\n").expect("written"),
            argument => {
                command.arg(argument);
            }
        }
        let log = File::options().append(true).open(scene.log_path());
        command
            .env("JOURNAL_STREAM", &stream)
            .stderr(log.expect("the log"));
        assert_eq!(command.status().expect("the binary").code(), Some(code));
    }
    let log = fs::read_to_string(scene.log_path()).expect("the log");
    assert!(log.lines().count() > 4, "{log}");
    for line in log.lines() {
        assert!(line.starts_with("<3>"), "{line}");
    }
    assert_contains(
        &log,
        &["<3>scp-079-avatar: the configuration cannot be used"],
    );
}
