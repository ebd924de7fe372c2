//! Starts that the program refuses: each with a sentence and its exit code, and no file is changed
//! (docs/operations.md).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use telegram_sim::bot_api_id;

use crate::harness::{Scene, assert_contains, entries, execute_batch, output_of, read_file};

/// Runs the program, which has to refuse to start with this exit code and these words; returns its standard error.
fn assert_refused(scene: &Scene, code: i32, words: &[&str]) -> String {
    let (exit_code, out, stderr) = output_of(&mut scene.command("run"));
    assert_eq!(exit_code, Some(code), "{stderr}");
    assert_eq!(out, "");
    assert_contains(&stderr, words);
    stderr
}

/// Fails unless the program starts and forwards a photo.
fn assert_works(mut scene: Scene) {
    scene.start();
    scene.finish_with_next_photo(0);
}

/// Truncates a file to that many bytes.
fn truncate(path: &Path, length: usize) {
    let whole = read_file(path);
    assert!(whole.len() > length);
    fs::write(path, &whole[..length]).expect("written");
}

#[test]
fn an_unusable_session_file_is_named_and_not_changed() {
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
                execute_batch(
                    path,
                    "CREATE TABLE sessions (dc_id INTEGER, auth_key BLOB, user_id INTEGER)",
                );
            },
            &["is a session of Pyrogram, not of this program"],
        ),
        (
            "of a later layout",
            |path| execute_batch(path, "PRAGMA user_version = 2"),
            &[foreign, "version 2"],
        ),
        (
            "cut in the middle",
            |path| truncate(path, read_file(path).len() / 2),
            &["is damaged", "restore it from a backup"],
        ),
        (
            "cut in its first page",
            |path| truncate(path, 60),
            &["account.session"],
        ),
        (
            "without a key",
            |path| execute_batch(path, "UPDATE dc_option SET auth_key = NULL"),
            &["holds no login"],
        ),
        (
            "with half a key",
            |path| execute_batch(path, "UPDATE dc_option SET auth_key = x'0102'"),
            &["is damaged", "2 bytes, not 256"],
        ),
    ];
    for (name, spoil, words) in cases {
        let scene = Scene::new();
        spoil(&scene.session());
        let before = fs::read(scene.session()).ok();
        let stderr = assert_refused(&scene, 77, words);
        let takes_it = if name == "Pyrogram's" {
            "scp-079-avatar import"
        } else {
            "scp-079-avatar login"
        };
        assert_contains(&stderr, &["account.session", takes_it]);
        let after = fs::read(scene.session()).ok();
        assert!(after == before, "{name}: the file was changed");
        assert_eq!(scene.sim.calls().len(), 0, "{name}: the program connected");
        scene.sim.write_session(scene.session()).expect("a session");
        assert_works(scene);
    }
}

#[test]
fn a_second_process_names_the_pid_of_the_first_which_continues() {
    let mut scene = Scene::new();
    scene.start();
    let pid = scene.pid().as_raw_nonzero().to_string();
    for subcommand in ["run", "login"] {
        let (code, _, stderr) = output_of(&mut scene.command(subcommand));
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(&format!("(pid {pid})")), "{stderr}");
        assert!(stderr.contains("stop that one first"), "{stderr}");
    }
    scene.join_user();
    scene.wait_for_photos(1);
    assert_eq!(scene.reports("online").len(), 1);
    // A process that was killed holds no lock.
    scene.kill();
    scene.start();
    scene.finish();
}

#[test]
fn a_private_channel_that_the_account_is_not_in_or_may_not_post_in_is_a_configuration_error() {
    let mut scene = Scene::new();
    let hide = scene.hide;
    scene.sim.kick_me(hide);
    assert_refused(&scene, 78, &["hide_channel_id", "not in this channel"]);
    scene.sim.add_me(hide);
    let stderr = assert_refused(&scene, 78, &["hide_channel_id", "may not post there"]);
    assert!(stderr.contains(&bot_api_id(hide).to_string()), "{stderr}");
    // A group is not accepted as HIDE, although the account may write there.
    scene.hide = scene.group;
    assert_refused(&scene, 78, &["hide_channel_id"]);
    scene.hide = hide;
    scene.sim.set_can_post(hide, true);
    assert!(scene.sim.posts_by_account().is_empty());
    assert_eq!(scene.sim.failures(), Vec::<String>::new());
}

#[test]
fn a_newer_or_damaged_database_is_named_and_not_changed() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil, &[&str]); 6] = [
        (
            "newer",
            |path| execute_batch(path, "PRAGMA user_version = 99"),
            &["layout 99", "newer version"],
        ),
        (
            "a text",
            |path| fs::write(path, "no database\n".repeat(999)).expect("written"),
            &["is damaged or not a database"],
        ),
        (
            "cut in the middle",
            |path| truncate(path, 2 * 4096),
            &["is damaged or not a database"],
        ),
        (
            "zeroed in the middle",
            |path| {
                let mut bytes = read_file(path);
                bytes[4096..].fill(0);
                fs::write(path, bytes).expect("written");
            },
            &["is damaged or not a database"],
        ),
        (
            "another program's",
            |path| {
                fs::remove_file(path).expect("removed");
                execute_batch(path, "CREATE TABLE notes (text); PRAGMA user_version = 1");
            },
            &["another program's"],
        ),
        (
            "another program's that numbers no layouts",
            |path| {
                fs::remove_file(path).expect("removed");
                execute_batch(path, "CREATE TABLE notes (text)");
            },
            &["another program's"],
        ),
    ];
    for (name, spoil, words) in cases {
        let mut scene = Scene::new();
        scene.start();
        scene.stop();
        // This moves the write-ahead log into the database, so that it is one whole file.
        execute_batch(&scene.state(), "PRAGMA wal_checkpoint (TRUNCATE)");
        let whole = read_file(&scene.state());
        spoil(&scene.state());
        let before = read_file(&scene.state());
        let stderr = assert_refused(&scene, 78, words);
        assert!(stderr.contains("state.db"), "{name}: {stderr}");
        assert!(
            read_file(&scene.state()) == before,
            "{name}: the file was changed"
        );
        fs::write(scene.state(), whole).expect("written");
        for suffix in ["wal", "shm"] {
            let beside = scene.data_dir().join(format!("state.db-{suffix}"));
            assert!(!beside.exists() || read_file(&beside).is_empty(), "{name}");
        }
        assert_works(scene);
    }
}

#[test]
fn all_errors_of_a_configuration_are_reported_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.toml");
    let run = |path: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
        command.arg("run").arg("--config").arg(path).env_clear();
        let (code, out, text) = output_of(command.stdin(Stdio::null()));
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
        let stderr = run(&path);
        assert_contains(&stderr, words);
        assert!(!stderr.contains("short\""), "{name}: a secret in\n{stderr}");
    }
    let stderr = run(&directory.path().join("none.toml"));
    assert!(stderr.contains("none.toml"), "{stderr}");
    let stderr = run(directory.path());
    assert!(stderr.contains("name the file in it"), "{stderr}");
    fs::write(&path, b"\xff\xfe[telegram]\n").expect("written");
    let stderr = run(&path);
    assert!(stderr.contains("UTF-8"), "{stderr}");
    // The program makes no file beside a configuration that it cannot use.
    assert_eq!(entries(directory.path(), ""), [path]);
}

#[test]
fn files_in_the_data_directory_are_accessible_to_their_owner_only() {
    let mut scene = Scene::new();
    scene.start();
    scene.refuse_file_posts();
    scene.join_user();
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 1);
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
