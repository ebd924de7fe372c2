//! README.md: each command is run, and each output that is shown is compared with that of the program.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::console::{assert_quoted, examples, outputs_of};
use super::service::INSTALLATION;
use super::{EXAMPLE, README, filled_in, page};
use crate::harness::{Scene, built_program, output_of};

/// The commands that need no other test: this test is one of those that the first of them runs, and the second one
/// makes the program that every test runs.
const CARGO: [&str; 2] = ["cargo test", "cargo build --release --bin scp-079-avatar"];
const DEMO: &str = "cargo run --example demo";
pub(super) const SIMULATOR: &str =
    "cargo run --bin telegram-sim -- --session data/account.session --join-every 5";
/// The commands that the tests of this file and of the walk run.
pub(super) const STEPS: [&str; 6] = [
    "target/release/scp-079-avatar --version",
    "cp config.example.toml config.toml && chmod 600 config.toml",
    "target/release/scp-079-avatar check",
    "target/release/scp-079-avatar login",
    "target/release/scp-079-avatar run",
    "mkdir -p data",
];

#[test]
fn each_command_in_the_readme_is_run_by_a_test() {
    let run: BTreeSet<&str> = [CARGO.as_slice(), &STEPS, &INSTALLATION, &[DEMO, SIMULATOR]]
        .concat()
        .into_iter()
        .collect();
    let shown = examples(README);
    let shown: BTreeSet<&str> = shown.iter().map(|shown| shown.command.as_str()).collect();
    assert_eq!(shown, run);
}

#[test]
fn the_readme_quotes_the_demo() {
    let (_, quoted) = README.split_once(DEMO).expect("the command");
    let quoted = quoted.split("```\n").nth(2).expect("the summary");
    let mut demo = Command::new(built_program("examples/demo"));
    let (code, out, err) = output_of(demo.stdin(Stdio::null()));
    assert_eq!(code, Some(0), "{err}");
    assert_quoted(quoted, &out);
}

#[test]
fn the_readme_quotes_the_program() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.toml");
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
        command.arg("check").current_dir(directory.path());
        let output = command.env_clear().output().expect("the binary");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("UTF-8");
        text.replace(&directory.path().display().to_string(), "/srv/avatar")
    };
    let quoted = outputs_of(README, "target/release/scp-079-avatar check");
    assert_eq!(quoted.len(), 2);
    fs::write(&path, EXAMPLE).expect("written");
    assert_quoted(&quoted[0], &check());
    fs::write(&path, filled_in(-1_001_600_000_005)).expect("written");
    assert_quoted(&quoted[1], &check());

    // The commit is not known to a build without a checkout.
    let version = outputs_of(README, "target/release/scp-079-avatar --version");
    let expected = format!("scp-079-avatar {} (…)\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(version, [expected]);
}

#[test]
fn the_readme_has_the_settings_of_the_fleet_in_service() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.toml");
    let blocks: Vec<&str> = README.split("```toml\n").skip(1).collect();
    let [settings] = blocks[..] else {
        panic!("{blocks:?}");
    };
    let settings = settings.split("```").next().expect("an end");
    let (_, values) = settings.split_once("[exchange]\n").expect("a section");
    let mut text = filled_in(-1_001_600_000_005);
    for (key, value) in values.lines().filter_map(|line| line.split_once(" = ")) {
        let default = text
            .lines()
            .find(|line| line.starts_with(&format!("{key} = ")));
        let default = default.unwrap_or_else(|| panic!("{key}")).to_owned();
        text = text.replace(&default, &format!("{key} = {value}"));
    }
    fs::write(&path, text).expect("written");
    let mut check = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
    let check = check.arg("check").arg("--config").arg(&path).env_clear();
    let (code, out, err) = output_of(check);
    assert_eq!(code, Some(0), "{err}");
    // `check` repeats the settings unless they are set.
    assert!(!out.contains("set these two"), "{out}");
    let page = page("configuration.md");
    for line in values.lines() {
        assert!(
            page.contains(&format!("`{line}`")),
            "docs/configuration.md has no {line}"
        );
        assert!(
            EXAMPLE.contains(line),
            "config.example.toml does not name {line}"
        );
    }
}

#[test]
fn the_readme_quotes_the_login() {
    let scene = Scene::new();
    let quoted = outputs_of(README, "target/release/scp-079-avatar login").remove(0);
    let (question, phone) = quoted
        .lines()
        .find_map(|line| line.split_once(": "))
        .expect("the phone number");
    scene
        .sim
        .write_session_unauthorized(scene.session())
        .expect("a session");
    scene.sim.set_login(phone, "27182", Some("staple battery"));
    let mut login = scene
        .command("login")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let answers = format!("{phone}\n27182\nstaple battery\n");
    let mut input = login.stdin.take().expect("piped");
    input.write_all(answers.as_bytes()).expect("written");
    drop(input);
    let output = login.wait_with_output().expect("the binary");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let printed = printed.replace(&scene.data_dir().display().to_string(), "/srv/avatar/data");

    let mut rest = printed.as_str();
    for line in quoted.lines() {
        let line = if line.ends_with(phone) {
            question
        } else {
            line
        };
        let at = rest.find(line);
        let at = at
            .unwrap_or_else(|| panic!("README.md quotes {line:?}, the program prints\n{printed}"));
        rest = &rest[at + line.len()..];
    }
    assert_eq!(rest.trim(), "", "README.md lacks the end");
}
