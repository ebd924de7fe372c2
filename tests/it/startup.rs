//! What the program refuses to start with: each a plain sentence and its own exit code, nothing lost,
//! nothing half-written (SPEC §9.6, §11).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use telegram_sim::{How, bot_api_id};

use crate::harness::{Scene, read, said, somebody};

/// Runs the program to its end, and checks its exit code and what it says.
fn refused(scene: &Scene, code: i32, words: &[&str]) -> String {
    let (ended, out, said) = said(&mut scene.command("run"));
    assert_eq!(ended, Some(code), "{said}");
    assert_eq!(out, "");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
    said
}

/// The program starts after all, and does its work.
fn works(mut scene: Scene) {
    scene.start();
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    scene.finish();
}

fn sql(path: &Path, statements: &str) {
    let database = Connection::open(path).expect("a database");
    database.execute_batch(statements).expect("done");
    database.close().expect("closed");
}

/// Cuts a file to that many bytes.
fn cut(path: &Path, length: usize) {
    let whole = read(path);
    assert!(whole.len() > length);
    fs::write(path, &whole[..length]).expect("written");
}

#[test]
fn a_session_file_that_does_not_serve_is_named_and_left_as_it_is() {
    type Spoil = fn(&Path);
    let foreign = "is not a session of this program";
    let cases: [(&str, Spoil, &[&str]); 9] = [
        (
            "missing",
            |path| fs::remove_file(path).expect("removed"),
            &["there is no session file", "log the account in first"],
        ),
        (
            "empty",
            |path| fs::write(path, b"").expect("written"),
            &[foreign, "an empty database"],
        ),
        (
            "a text",
            |path| fs::write(path, "no session, but a text\n".repeat(50)).expect("written"),
            &[foreign, "not an SQLite database"],
        ),
        (
            "Pyrogram's",
            |path| {
                fs::remove_file(path).expect("removed");
                sql(
                    path,
                    "CREATE TABLE sessions (dc_id INTEGER, auth_key BLOB, user_id INTEGER)",
                );
            },
            &[foreign, "Pyrogram"],
        ),
        (
            "of a later layout",
            |path| sql(path, "PRAGMA user_version = 2"),
            &[foreign, "version 2"],
        ),
        (
            "cut in the middle",
            |path| cut(path, read(path).len() / 2),
            &["is damaged", "restore it from a backup"],
        ),
        (
            "cut in its first page",
            |path| cut(path, 60),
            &["account.session"],
        ),
        (
            "without a key",
            |path| sql(path, "UPDATE dc_option SET auth_key = NULL"),
            &["holds no login"],
        ),
        (
            "with half a key",
            |path| sql(path, "UPDATE dc_option SET auth_key = x'0102'"),
            &["is damaged", "2 bytes, not 256"],
        ),
    ];
    for (name, spoil, words) in cases {
        let scene = Scene::new();
        spoil(&scene.session());
        let before = fs::read(scene.session()).ok();
        let said = refused(&scene, 77, words);
        assert!(said.contains("scp-079-avatar login"), "{name}: {said}");
        assert!(said.contains("account.session"), "{name}: {said}");
        let after = fs::read(scene.session()).ok();
        assert!(after == before, "{name}: it was changed");
        assert_eq!(scene.sim.calls().len(), 0, "{name}: it connected");
        scene.sim.write_session(scene.session()).expect("a session");
        works(scene);
    }
}

#[test]
fn a_second_process_is_told_the_pid_of_the_first_which_goes_on() {
    let mut scene = Scene::new();
    scene.start();
    let pid = scene.pid().as_raw_nonzero().to_string();
    for subcommand in ["run", "login"] {
        let (code, _, said) = said(&mut scene.command(subcommand));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("(pid {pid})")), "{said}");
        assert!(said.contains("stop that one first"), "{said}");
    }
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_photos(1);
    assert_eq!(scene.reports("online").len(), 1);
    // A dead process holds nothing.
    scene.kill();
    scene.start();
    scene.finish();
}

#[test]
fn a_private_channel_that_is_not_the_accounts_or_not_to_be_posted_in_is_a_wrong_configuration() {
    let mut scene = Scene::new();
    let hide = scene.hide;
    scene.sim.kick_me(hide);
    refused(&scene, 78, &["hide_channel_id", "in no such channel"]);
    scene.sim.add_me(hide);
    let said = refused(&scene, 78, &["hide_channel_id", "may not post there"]);
    assert!(said.contains(&bot_api_id(hide).to_string()), "{said}");
    // A group is no private channel, though anybody may write there.
    scene.hide = scene.group;
    refused(&scene, 78, &["hide_channel_id"]);
    scene.hide = hide;
    scene.sim.set_can_post(hide, true);
    assert!(scene.sim.posts_by_account().is_empty());
    assert_eq!(scene.sim.failures(), Vec::<String>::new());
}

#[test]
fn a_database_of_a_newer_version_or_a_damaged_one_is_left_as_it_is() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil, &[&str]); 6] = [
        (
            "newer",
            |path| sql(path, "PRAGMA user_version = 99"),
            &["layout 99", "newer version"],
        ),
        (
            "a text",
            |path| fs::write(path, "no database\n".repeat(999)).expect("written"),
            &["is damaged or no database"],
        ),
        (
            "cut in the middle",
            |path| cut(path, 2 * 4096),
            &["is damaged or no database"],
        ),
        (
            "zeroed in the middle",
            |path| {
                let mut bytes = read(path);
                bytes[4096..].fill(0);
                fs::write(path, bytes).expect("written");
            },
            &["is damaged or no database"],
        ),
        (
            "another program's",
            |path| {
                fs::remove_file(path).expect("removed");
                sql(path, "CREATE TABLE notes (text); PRAGMA user_version = 1");
            },
            &["another program's"],
        ),
        (
            "another program's that numbers no layouts",
            |path| {
                fs::remove_file(path).expect("removed");
                sql(path, "CREATE TABLE notes (text)");
            },
            &["another program's"],
        ),
    ];
    for (name, spoil, words) in cases {
        let mut scene = Scene::new();
        scene.start();
        scene.stop();
        // All of it in one file.
        sql(&scene.state(), "PRAGMA wal_checkpoint (TRUNCATE)");
        let whole = read(&scene.state());
        spoil(&scene.state());
        let before = read(&scene.state());
        let said = refused(&scene, 78, words);
        assert!(said.contains("state.db"), "{name}: {said}");
        assert!(read(&scene.state()) == before, "{name}: it was changed");
        fs::write(scene.state(), whole).expect("written");
        for suffix in ["wal", "shm"] {
            let beside = scene.data_dir().join(format!("state.db-{suffix}"));
            assert!(!beside.exists() || read(&beside).is_empty(), "{name}");
        }
        works(scene);
    }
}

#[test]
fn all_that_is_wrong_with_a_configuration_is_said_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.toml");
    let run = |path: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
        command.arg("run").arg("--config").arg(path).env_clear();
        let (code, out, text) = said(command.stdin(Stdio::null()));
        assert_eq!(code, Some(78), "{text}");
        assert_eq!(out, "");
        text
    };
    let cases: [(&str, &str, &[&str]); 4] = [
        (
            "partial",
            "[telegram]\napi_id = 1\n",
            &["api_hash", "hide_channel_id", "password"],
        ),
        (
            "not filled in",
            "[telegram]\napi_id = \"[DATA EXPUNGED]\"\napi_hash = \"\"\n\
             [channels]\nhide_channel_id = \"[DATA EXPUNGED]\"\n[encrypt]\npassword = \"[DATA EXPUNGED]\"\n",
            &[
                "config.toml:2: [telegram] api_id",
                "config.toml:3: [telegram] api_hash",
                "config.toml:5: [channels] hide_channel_id",
                "config.toml:7: [encrypt] password",
            ],
        ),
        (
            "unknown and wrong",
            "[telegram]\napi_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\ndata_dirr = \"x\"\n\
             [channels]\nhide_channel_id = 5\n[encrypt]\npassword = \"short\"\n[delivry]\nx = 1\n",
            &[
                "config.toml:4: [telegram] data_dirr",
                "did you mean data_dir?",
                "config.toml:6: [channels] hide_channel_id",
                "config.toml:8: [encrypt] password",
                "config.toml:9: [delivry]",
            ],
        ),
        (
            "no TOML",
            "[telegram]\napi_id = = 1\n",
            &["config.toml:2:10:"],
        ),
    ];
    for (name, text, words) in cases {
        fs::write(&path, text).expect("written");
        let said = run(&path);
        for word in words {
            assert!(said.contains(word), "{name}: {word:?} is not in\n{said}");
        }
        assert!(!said.contains("short\""), "{name}: a secret in\n{said}");
    }
    let said = run(&directory.path().join("none.toml"));
    assert!(said.contains("none.toml"), "{said}");
    let said = run(directory.path());
    assert!(said.contains("name the file in it"), "{said}");
    fs::write(&path, b"\xff\xfe[telegram]\n").expect("written");
    let said = run(&path);
    assert!(said.contains("UTF-8"), "{said}");
    // Nothing was made beside a configuration that cannot be used.
    let made: Vec<PathBuf> = fs::read_dir(directory.path())
        .expect("readable")
        .map(|file| file.expect("a file").path())
        .collect();
    assert_eq!(made, [path]);
}

#[test]
fn what_is_in_the_data_directory_is_its_owners_alone() {
    let mut scene = Scene::new();
    scene.start();
    let fault = telegram_sim::Fault::error(500, "INTERNAL");
    let posts = telegram_sim::Match::method("messages.sendMedia");
    scene.sim.fault(posts, fault);
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_state("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 1);
    let mut seen = 0;
    let mut directories = vec![scene.data_dir()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("readable") {
            let path = entry.expect("a file").path();
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
            if path.is_dir() {
                directories.push(path);
            }
            seen += 1;
        }
    }
    assert!(
        seen >= 6,
        "session, lock, state.db, its log, spool, a photo: {seen}"
    );
    let mode = fs::metadata(scene.data_dir())
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700, "the data directory: {mode:o}");
    scene.sim.clear_faults();
    scene.wait_for_photos(1);
    scene.finish();
}
