//! The command line: help, usage errors, `check`, `open`, signals and exit codes (docs/operations.md).

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::{Signal, kill_process};
use scp_079_avatar::version;
use telegram_sim::{Fault, JoinKind, Match, OTHER_DC, PhotoSpec, UserSpec};
use tempfile::TempDir;

use crate::harness::{
    PASSWORD, Scene, assert_contains, entries, fixture, output_of, read_file, wait_for_output,
};

/// Runs the binary with these arguments and no configuration of a scene.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
    command
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null());
    output_of(&mut command)
}

/// Makes a directory with a valid configuration; returns it and the path of the configuration.
fn directory_with_config(password: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.toml");
    let text = format!(
        "[telegram]\napi_id = 12345\napi_hash = \"0123456789abcdef0123456789abcdef\"\n\
         [channels]\nhide_channel_id = -1001234567890\n[encrypt]\npassword = {password:?}\n"
    );
    fs::write(&path, text).expect("written");
    let shown = path.to_str().expect("UTF-8").to_owned();
    (directory, shown)
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let (code, out, err) = run(&["--help"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_contains(
        &out,
        &[
            "Examples:",
            "scp-079-avatar check --config config.toml",
            "scp-079-avatar login --config config.toml",
            "scp-079-avatar run --config config.toml",
            "scp-079-avatar open photo -o photo.jpg",
            "scp-079-avatar config > config.toml",
            "scp-079-avatar status -i main",
            "scp-079-avatar why 5079000001",
            "/etc/scp-079-avatar/config.toml",
            "Exit codes:",
            "78 configuration",
        ],
    );
    for subcommand in ["run", "login", "channels", "check", "open", "status", "why"] {
        let (code, out, _) = run(&[subcommand, "--help"]);
        assert_eq!(code, Some(0));
        assert_contains(
            &out,
            &[
                "--config <PATH>",
                "--instance <NAME>",
                "--log-level <LEVEL>",
            ],
        );
    }
}

#[test]
fn version_is_that_of_the_package_and_the_long_one_has_the_commit() {
    let short = format!("scp-079-avatar {}", env!("CARGO_PKG_VERSION"));
    let commit = match (version::COMMIT, version::COMMIT_DATE) {
        ("unknown", _) => String::new(),
        (commit, "unknown") => format!(" ({commit})"),
        (commit, date) => format!(" ({commit} {date})"),
    };
    for (option, expected) in [("-V", short.clone()), ("--version", short + &commit)] {
        let ended = run(&[option]);
        assert_eq!(ended, (Some(0), expected + "\n", String::new()));
    }
}

#[test]
fn help_fits_the_width_of_the_terminal() {
    for width in [60, 80] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
        command.arg("--help").env_clear();
        command.env("COLUMNS", width.to_string());
        let (code, out, _) = output_of(&mut command);
        assert_eq!(code, Some(0));
        let widest = out.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(width), "{width} columns\n{out}");
    }
}

#[test]
fn unknown_arguments_are_usage_errors() {
    let (_directory, config) = directory_with_config("correct horse");
    for (arguments, words) in [
        (&[][..], "Usage:"),
        (&["sing"][..], "'sing'"),
        (&["run", "--fast"][..], "'--fast'"),
        (
            &["run", "--log-level", "loud"][..],
            "[possible values: error, warn, info, debug, trace]",
        ),
        (
            &["check", "-i", "main", "--config", &config][..],
            "cannot be used with",
        ),
        (
            &["check", "-i", "main.toml"][..],
            "write it without .toml: -i main",
        ),
        (
            &["check", "-i", "../main"][..],
            "write a path as --config PATH",
        ),
        (&["check", "--config"][..], "'--config <PATH>'"),
        (&["open"][..], "<FILE>"),
        (&["open", "--config", &config, "a", "b"][..], "'b'"),
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!(code, Some(64), "{arguments:?}: {err}");
        assert_eq!(out, "", "{arguments:?}");
        assert!(
            err.contains(words),
            "{arguments:?}: {words:?} is not in\n{err}"
        );
    }
}

#[test]
fn check_explains_a_valid_configuration_and_shows_no_secret() {
    let (directory, config) = directory_with_config("correct horse");
    let (code, out, err) = run(&["check", "--config", &config]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{err}");
    assert_contains(
        &out,
        &[
            "can be used",
            "-1001234567890",
            "every group that the account is in is watched",
            "scp-079-avatar login",
            "chmod 600",
        ],
    );
    for secret in ["correct horse", "0123456789abcdef"] {
        assert!(!out.contains(secret), "{secret:?} is in\n{out}");
    }
    assert_eq!(entries(directory.path(), "").len(), 1, "check made a file");
}

#[test]
fn check_reports_every_error_of_a_configuration() {
    let (_directory, config) = directory_with_config("short");
    let broken = fs::read_to_string(&config)
        .expect("readable")
        .replace("api_id = 12345", "api_id = \"[DATA EXPUNGED]\"")
        .replace("-1001234567890", "1234567890");
    fs::write(&config, broken + "[custom]\nzh_cnn = true\n").expect("written");
    let (code, out, err) = run(&["check", "--config", &config]);
    assert_eq!((code, out.as_str()), (Some(78), ""));
    assert_contains(
        &err,
        &[
            "for 4 reasons",
            "config.toml:2: [telegram] api_id",
            "config.toml:5: [channels] hide_channel_id",
            "config.toml:7: [encrypt] password",
            "config.toml:9: [custom] zh_cnn",
            "did you mean zh_cn?",
        ],
    );
    // The other commands report the same.
    for arguments in [&["run"][..], &["status"][..], &["open", "file"][..]] {
        let (code, _, again) = run(&[arguments, &["--config", &config]].concat());
        assert_eq!((code, again), (Some(78), err.clone()));
    }
}

#[test]
fn an_output_that_cannot_be_written_does_not_change_the_exit_code() {
    let (_directory, config) = directory_with_config("correct horse");
    // Without a configuration the errors cannot be written; with one the explanation cannot.
    for (path, redirection, expected) in [
        ("/nowhere/config.toml", "2> /dev/full", 78),
        (config.as_str(), "> /dev/full", 1),
    ] {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("exec \"$0\" \"$@\" {redirection}")])
            .arg(env!("CARGO_BIN_EXE_scp-079-avatar"))
            .args(["check", "--config", path])
            .env_clear();
        let (code, out, err) = output_of(&mut command);
        assert_eq!((code, out.as_str()), (Some(expected), ""), "{err}");
        assert_eq!(err.is_empty(), redirection.starts_with('2'), "{err}");
    }
}

/// Runs a command of the binary whose standard output is a pipe that its reader has closed.
fn run_into_closed_pipe(command: &mut Command) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let piped = command.env_clear().stdout(writer).stderr(Stdio::piped());
    let (code, _, err) = wait_for_output(piped.spawn().expect("the binary"));
    (code, err)
}

#[test]
fn a_reader_that_closes_the_pipe_ends_no_command_with_an_error() {
    let mut scene = Scene::new();
    scene.start();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "forwarded");
    scene.stop();
    let saved = tempfile::tempdir().expect("a directory");
    let list = fixture("python/bad_ids.pickle.aes");
    let list = list.to_str().expect("UTF-8");
    let to = saved.path().to_str().expect("UTF-8");
    let user = user.to_string();
    for words in [
        &["check"][..],
        &["status"],
        &["status", "--json"],
        &["why", &user],
        &["channels"],
        &["login"],
        &["open", list],
        &["open", list, "--json"],
        &["backup", "--to", to],
        &["restore", list, "--list", "bad_ids", "--dry-run"],
        &["restore", list, "--list", "bad_ids"],
        &["--help"],
        &["--version"],
        &["help", "run"],
    ] {
        let mut command = scene.command(words[0]);
        if words[0].starts_with('-') || words[0] == "help" {
            command = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
            command.arg(words[0]);
        }
        let ended = run_into_closed_pipe(command.args(&words[1..]));
        assert_eq!(ended, (Some(0), String::new()), "{words:?}");
    }
    assert_ne!(entries(saved.path(), "").len(), 0, "nothing was saved");
    scene.finish();
}

#[test]
fn a_login_whose_questions_cannot_be_printed_is_not_done() {
    let scene = Scene::new();
    let unauthorized = scene.sim.write_session_unauthorized(scene.session());
    unauthorized.expect("a session");
    let (code, err) = run_into_closed_pipe(&mut scene.command("login"));
    assert_eq!(code, Some(1), "{err}");
    assert_contains(
        &err,
        &["standard output was closed before the login was done"],
    );
}

#[test]
fn open_writes_the_photo_to_standard_output_or_to_a_file() {
    let (directory, config) = directory_with_config(PASSWORD);
    let photo = read_file(&fixture("avatar.jpg"));
    let sealed = fixture("sealed/avatar.sealed");

    let mut command = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
    command.args(["open", "--config", &config]).arg(&sealed);
    let output = command.env_clear().output().expect("the binary");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == photo, "standard output differs");

    let out = directory.path().join("photo.jpg");
    fs::write(&out, "an older file").expect("written");
    let to = out.to_str().expect("UTF-8");
    let from = sealed.to_str().expect("UTF-8");
    let open = ["open", "--config", &config, from, "-o", to];
    let (code, text, err) = run(&open);
    assert_eq!((code, text.as_str()), (Some(1), ""), "{err}");
    assert!(
        err.contains("exists already") && err.contains("--force"),
        "{err}"
    );
    assert_eq!(read_file(&out), b"an older file");
    // Not even `--force` replaces these.
    for place in ["/dev/stdout", "/"] {
        let (code, _, err) = run(&["open", "--config", &config, from, "-o", place]);
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains("not a regular file"), "{err}");
    }
    let (code, text, err) = run(&[&open[..], &["--force"]].concat());
    assert_eq!((code, text.as_str()), (Some(0), ""), "{err}");
    assert!(read_file(&out) == photo, "the file differs");
    assert_eq!(
        entries(directory.path(), "").len(),
        2,
        "something else was left"
    );
}

#[test]
fn open_names_the_error_of_a_file_and_writes_nothing() {
    let (directory, config) = directory_with_config(PASSWORD);
    let (_other, wrong_password) = directory_with_config("another password");
    let out = directory.path().join("out");
    let to = out.to_str().expect("UTF-8");
    let nowhere = directory.path().join("no/such/directory/out");
    let cases = [
        (&config, "sealed/chunk_flipped.sealed", "is damaged"),
        (&config, "sealed/tag_flipped.sealed", "is damaged"),
        (&config, "sealed/cut_in_chunk.sealed", "is damaged"),
        (&config, "sealed/cut_in_header.sealed", "truncated"),
        (&config, "sealed/trailing_byte.sealed", "is damaged"),
        (&config, "sealed/joined_twice.sealed", "is damaged"),
        (
            &config,
            "sealed/version_unknown.sealed",
            "version 2 is unknown",
        ),
        (
            &config,
            "sealed/memory_over_1_gib.sealed",
            "more than 1 GiB",
        ),
        (&config, "sealed/passes_over_16.sealed", "16 passes"),
        (&config, "avatar.jpg", "not a sealed file"),
        (&config, "sealed/none", "No such file"),
        (&wrong_password, "sealed/avatar.sealed", "wrong password"),
    ];
    for (config, name, words) in cases {
        let file = fixture(name);
        let from = file.to_str().expect("UTF-8");
        for to in [&["-o", to][..], &[][..]] {
            let open = ["open", "--config", config, from];
            let (code, text, err) = run(&[&open, to].concat());
            assert_eq!((code, text.as_str()), (Some(1), ""), "{name}: {err}");
            assert!(err.contains(words), "{name}: {words:?} is not in\n{err}");
            assert!(err.contains(from), "{name} is not named in\n{err}");
        }
        assert!(!out.exists(), "{name}: something was written");
    }
    assert_eq!(
        entries(directory.path(), "").len(),
        1,
        "something was left beside the configuration"
    );

    let from = fixture("sealed/avatar.sealed");
    let from = from.to_str().expect("UTF-8");
    let nowhere = nowhere.to_str().expect("UTF-8");
    let (code, _, err) = run(&["open", "--config", &config, from, "-o", nowhere]);
    assert_eq!(code, Some(1));
    assert!(err.contains("no/such/directory"), "{err}");
}

#[test]
fn sigterm_and_sigint_end_the_program_cleanly() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut scene = Scene::new();
        scene.start();
        kill_process(scene.pid(), signal).expect("signalled");
        let (code, log) = scene.wait_for_exit();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.trim_end().ends_with("ended"), "{log}");
        scene.finish();
    }
}

#[test]
fn a_signal_during_a_post_loses_nothing() {
    let mut scene = Scene::new();
    scene.start();
    let posts = Match::method("messages.sendMedia").once();
    scene.sim.fault(posts, Fault::Hold);
    let user = scene.join_user();
    scene.wait_for_call("messages.sendMedia", 1);
    assert_eq!(scene.stop().code(), Some(0));
    scene.sim.release();
    scene.start();
    scene.wait_for_outcome(user, "forwarded");
    assert_eq!(scene.photos().len(), 1);
    scene.finish();
}

#[test]
fn a_signal_before_the_first_reply_ends_the_program() {
    let mut scene = Scene::new();
    let first_call = Match::method("updates.getState").once();
    scene.sim.fault(first_call, Fault::HoldBefore);
    scene.launch();
    scene.wait_for_call("updates.getState", 1);
    assert_eq!(scene.stop().code(), Some(0));
    assert!(scene.sim.posts_by_account().is_empty());
}

#[test]
fn open_prints_lists_as_text_and_as_json() {
    let scene = Scene::new();
    let python = |name: &str| fixture(&format!("python/{name}.pickle.aes"));
    let (code, out, err) = output_of(scene.command("open").arg(python("bad_ids")));
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("users:") && out.contains("5000000001"),
        "{out}"
    );
    let (code, out, err) = output_of(scene.command("open").arg(python("nm_words")).arg("--json"));
    assert_eq!(code, Some(0), "{err}");
    let list: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(list["data"]["t\\.me/\\w+"], 0);
    let photo = scene.data_dir().join("photo.png");
    let (code, _, err) = output_of(
        scene
            .command("open")
            .arg(python("avatar"))
            .arg("-o")
            .arg(&photo),
    );
    assert_eq!(code, Some(0), "{err}");
    assert!(read_file(&photo).starts_with(b"\x89PNG"));
}

#[test]
fn the_log_level_holds_for_every_crate_of_the_workspace() {
    for (level, lines) in [("info", 1), ("error", 0)] {
        let mut scene = Scene::new();
        scene.set("log", &format!("level = {level:?}"));
        let first_download = Match::method("upload.getFile").once();
        scene.sim.fault(first_download, Fault::FloodWait(1));
        scene.start();
        let far = UserSpec::new("Far").photo(PhotoSpec::jpeg().size(160, 160).dc(OTHER_DC));
        let user = scene.sim.add_user(far);
        scene.sim.join(scene.group, user, JoinKind::ByLink);
        scene.wait_for_photos(1);
        let log = scene.log();
        for line in ["rate limit", "imported the authorization"] {
            assert_eq!(log.matches(line).count(), lines, "{level}: {line}\n{log}");
        }
        scene.finish();
    }
}
