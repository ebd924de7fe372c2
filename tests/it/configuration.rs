//! The configuration of the real binary: which file and which data directory it takes, and what `check` says about values
//! that cannot be meant (docs/configuration.md).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::harness::{Scene, assert_contains, entries, fixture, output_of};

const EXAMPLE: &str = include_str!("../../config.example.toml");
const HASH: &str = "0123456789abcdef0123456789abcdef";

/// A directory with a configuration, in which the binary runs.
struct Place(TempDir);

impl Place {
    /// Makes the shortest configuration that can be used, with a line added to a section.
    fn with(section: &str, line: &str) -> Self {
        let mut text = format!(
            "[telegram]\napi_id = 12345\napi_hash = \"{HASH}\"\n[channels]\nhide_channel_id = -1001234567890\n\
             [encrypt]\npassword = \"correct horse\"\n"
        );
        let header = format!("[{section}]\n");
        match text.find(&header) {
            Some(at) => text.insert_str(at + header.len(), &format!("{line}\n")),
            None => text += &format!("{header}{line}\n"),
        }
        let place = Self(tempfile::tempdir().expect("a directory"));
        fs::write(place.path("config.toml"), text).expect("written");
        place.set_mode("config.toml", 0o600);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("changed");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Runs a command; returns its exit code, and both outputs with short paths.
    fn run(&self, command: &mut Command) -> (Option<i32>, String, String) {
        let (code, out, err) = output_of(command);
        let root = format!("{}/", self.0.path().display());
        (code, out.replace(&root, ""), err.replace(&root, ""))
    }

    fn check(&self) -> (Option<i32>, String, String) {
        self.run(&mut self.command(&["check"]))
    }
}

#[test]
fn check_names_each_error_with_its_line_and_its_remedy() {
    for (section, line, parts) in [
        (
            "telegram",
            "data_dir = \"~/x\"",
            &[
                "config.toml:2: [telegram] data_dir: the program does not expand ~: this would be the directory ~/x",
                "write an absolute path, such as data_dir = \"/home/me/x\"",
            ][..],
        ),
        (
            "telegram",
            "data_dir = \"/proc/x\"",
            &[
                "config.toml:2: [telegram] data_dir: /proc/x cannot be made: /proc is in a file system of the kernel",
                "name another directory",
            ],
        ),
        (
            "telegram",
            "data_dir = \"config.toml\"",
            &[
                "config.toml:2: [telegram] data_dir: config.toml is not a directory",
                "move it away",
            ],
        ),
        (
            "proxy",
            "enabled = true\nport = 70000\nusername = \"a b\"\npassword = \"x@y\"",
            &[
                "for 3 reasons",
                "config.toml:10: [proxy] port: 70000 is out of range",
                "config.toml:11: [proxy] username: has a character",
                "config.toml:12: [proxy] password: has a character",
            ],
        ),
        (
            "log",
            "level = \"info\"\n[channels]\ndebug_channel_id = 0",
            &[
                "config.toml:10:2: [channels]: there is a section [channels] already, on line 4",
                "move the keys below this line to that section",
            ],
        ),
        (
            "channels",
            "exchange_channel_id = -160000",
            &["config.toml:5: [channels] exchange_channel_id: -160000 is the id of a basic group"],
        ),
    ] {
        let place = Place::with(section, line);
        let mut check = place.command(&["check"]);
        let (code, out, err) = place.run(check.env("HOME", "/home/me"));
        assert_eq!((code, out.as_str()), (Some(78), ""), "{line}: {err}");
        assert_contains(&err, parts);
        assert_eq!(entries(place.0.path(), "").len(), 1, "check made a file");
    }
}

#[test]
fn check_warns_about_unwise_values_and_the_other_commands_do_not_repeat_its_advice() {
    for (section, line, part, is_repeated) in [
        (
            "bots",
            "captcha_id = 5\nnospam_id = 5",
            "9: [bots] captcha_id: is the same account as nospam_id",
            true,
        ),
        (
            "channels",
            "debug_channel_id = -1001234567890",
            "5: [channels] debug_channel_id: is the same channel",
            true,
        ),
        (
            "delivery",
            "min_interval_ms = 0",
            "9: [delivery] min_interval_ms: 0 ms between two posts",
            false,
        ),
        (
            "delivery",
            "pace = \"steady\"",
            "8: [delivery] min_interval_ms: 1000 ms between two posts",
            false,
        ),
        (
            "exchange",
            "dialect = \"current\"",
            "8: [exchange] files: no fleet reads",
            false,
        ),
    ] {
        let place = Place::with(section, line);
        let (code, out, err) = place.check();
        assert_eq!((code, err.as_str()), (Some(0), ""), "{line}");
        assert_contains(&out, &["\nWarnings\n", &format!("config.toml:{part}")]);
        let (_, _, err) = place.run(&mut place.command(&["status"]));
        assert_eq!(err.contains(part), is_repeated, "{line}: {err}");
    }
}

#[test]
fn check_warns_about_an_application_that_cannot_be_the_operator_s() {
    for (from, to, part) in [
        (
            "api_id = 12345",
            "api_id = 17349",
            "2: [telegram] api_id: is the published api_id of Telegram Desktop",
        ),
        (
            HASH,
            "abc",
            "3: [telegram] api_hash: does not look like an api_hash, which has 32 digits",
        ),
    ] {
        let place = Place::with("log", "level = \"info\"");
        let text = fs::read_to_string(place.path("config.toml")).expect("readable");
        fs::write(place.path("config.toml"), text.replace(from, to)).expect("written");
        let (code, out, err) = place.check();
        assert_eq!((code, err.as_str()), (Some(0), ""), "{to}");
        assert_contains(&out, &["\nWarnings\n", part, "https://my.telegram.org"]);
    }
}

#[test]
fn no_command_that_writes_starts_in_a_file_system_of_the_kernel() {
    let place = Place::with("telegram", "data_dir = \"/proc/x\"");
    for arguments in [
        &["run"][..],
        &["login"],
        &["channels"],
        &["backup"],
        &["restore", "x"],
    ] {
        let (code, out, err) = place.run(&mut place.command(arguments));
        assert_eq!((code, out.as_str()), (Some(78), ""), "{arguments:?}: {err}");
        assert_contains(
            &err,
            &[
                "/proc/x cannot be made: /proc is in",
                "name another data_dir",
            ],
        );
    }
}

#[test]
fn check_names_a_pyrogram_session_under_another_name() {
    let place = Place::with("log", "level = \"info\"");
    let data = place.path("data");
    fs::create_dir(&data).expect("made");
    let session = fixture("python_program/account.session");
    fs::copy(&session, data.join("avatar.session")).expect("copied");
    fs::write(data.join("notes.session"), "no session").expect("written");
    let (code, out, err) = place.check();
    assert_eq!(code, Some(0), "{err}");
    assert_contains(
        &out,
        &[
            "data/account.session does not exist yet",
            "data/avatar.session is a session of Pyrogram",
            "`scp-079-avatar import DIR` takes it",
        ],
    );
    assert!(!out.contains("notes.session"), "{out}");
}

#[test]
fn config_prints_the_example_that_lacks_only_the_required_values() {
    let place = Place::with("log", "level = \"info\"");
    let (code, out, err) = place.run(&mut place.command(&["config"]));
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), EXAMPLE, ""));
    fs::write(place.path("config.toml"), out).expect("written");
    let (code, _, err) = place.check();
    assert_eq!(code, Some(78));
    assert_contains(&err, &["for 4 reasons", "is not filled in"]);
}

#[test]
fn the_name_of_a_service_selects_its_configuration() {
    let place = Place::with("log", "level = \"info\"");
    for options in [&["check", "-i", "no-such_1"], &["-i", "no-such_1", "check"]] {
        let (code, _, err) = place.run(&mut place.command(options));
        assert_eq!(code, Some(78), "{err}");
        assert_contains(
            &err,
            &[
                "tried /etc/scp-079-avatar/no-such_1.toml",
                "the name after -i",
                "scp-079-avatar config",
            ],
        );
    }
}

#[test]
fn the_data_directory_that_is_not_set_is_that_of_systemd_or_of_the_session() {
    let place = Place::with("log", "level = \"info\"");
    let state = place.path("state");
    let shown = |command: &mut Command| place.run(command).1;
    let own = shown(&mut place.command(&["check"]));
    assert_contains(
        &own,
        &[
            "The state lives in data.",
            "data (not set: beside the configuration)",
        ],
    );
    let mut check = place.command(&["check"]);
    let given = shown(check.env("STATE_DIRECTORY", &state));
    assert_contains(
        &given,
        &[
            "The state lives in state.",
            "state (not set: from $STATE_DIRECTORY)",
        ],
    );
    fs::write(place.path("account.session"), "").expect("written");
    let found = shown(check.env("STATE_DIRECTORY", &state));
    assert_contains(&found, &["(not set: account.session is there)"]);
    fs::create_dir(&state).expect("made");
    fs::write(state.join("account.session"), "").expect("written");
    let (code, _, err) = place.run(&mut check);
    assert_eq!(code, Some(78), "{err}");
    assert_contains(
        &err,
        &[
            "config.toml:1: [telegram] data_dir: is not set, and there are two sessions: state/account.session and ",
            "account.session\n    name the directory of the account",
        ],
    );
}

#[test]
fn the_log_level_of_the_command_line_wins_over_the_variable_and_the_configuration() {
    for (options, variable, shown, is_info) in [
        (&[][..], None, "level                warn\n", false),
        (
            &[],
            Some("info"),
            "info, from the environment variable RUST_LOG",
            true,
        ),
        (
            &["--log-level", "INFO"],
            Some("error"),
            "info, from --log-level",
            true,
        ),
        (
            &["--log-level", "error"],
            Some("info"),
            "error, from --log-level",
            false,
        ),
    ] {
        let mut scene = Scene::new();
        scene.set("log", "level = \"warn\"");
        let command = |subcommand: &str| {
            let mut command = scene.command(subcommand);
            command.args(options);
            if let Some(variable) = variable {
                command.env("RUST_LOG", variable);
            }
            command
        };
        let (code, out, err) = output_of(&mut command("check"));
        assert_eq!(code, Some(0), "{err}");
        assert_contains(&out, &[shown]);
        let run = command("run");
        scene.launch_with(run);
        scene.wait_for_call("messages.sendMessage", 1);
        scene.stop();
        let log = scene.log();
        assert_eq!(
            log.contains(" INFO watching"),
            is_info,
            "{options:?} {variable:?}\n{log}"
        );
    }
}

#[test]
fn a_variable_that_holds_no_level_is_a_warning() {
    let place = Place::with("log", "level = \"info\"");
    let mut check = place.command(&["check"]);
    let (code, out, _) = place.run(check.env("RUST_LOG", "hyper=debug"));
    assert_eq!(code, Some(0));
    assert_contains(
        &out,
        &[
            "config.toml:9: [log] level: the environment variable RUST_LOG is ignored, because \"hyper=debug\"",
            "set RUST_LOG to one of error, warn, info, debug, trace, or use --log-level",
        ],
    );
}
