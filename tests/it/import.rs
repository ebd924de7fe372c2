//! `import`: the Python program's installation is taken along, or refused with its reason (docs/import.md).
//!
//! `tests/fixtures/python_program` was made by Python itself; its `make.py` makes it again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use fleet_files::pickle::{self, PyValue};
use telegram_sim::{HOME_DC, JoinKind, bot_api_id};
use tempfile::TempDir;

use crate::harness::{Scene, execute_batch, fixture, now, output_of};

/// A copy of the fixture, and a place for the new configuration.
struct Installation {
    root: TempDir,
}

impl Installation {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        copy(&fixture("python_program"), &root.path().join("python"));
        let installation = Self { root };
        installation.age_session();
        installation
    }

    fn python(&self, name: &str) -> PathBuf {
        self.root.path().join("python").join(name)
    }

    fn config(&self) -> PathBuf {
        self.root.path().join("avatar.toml")
    }

    fn data(&self, name: &str) -> PathBuf {
        self.root.path().join("data").join(name)
    }

    /// Makes the session look as if it was written long ago.
    fn age_session(&self) {
        let file = File::options()
            .append(true)
            .open(self.python("account.session"))
            .expect("a session");
        let past = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        file.set_modified(past).expect("aged");
    }

    fn change_session(&self, sql: &str) {
        execute_batch(&self.python("account.session"), sql);
        self.age_session();
    }

    fn import(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        import(&self.python(""), &self.config(), arguments)
    }

    #[track_caller]
    fn assert_refused(&self, arguments: &[&str], part: &str) {
        let before = listing(self.root.path());
        let (code, _, err) = self.import(arguments);
        assert_eq!(code, Some(78), "{err}");
        assert_has(&err, part);
        assert_eq!(listing(self.root.path()), before);
    }
}

#[track_caller]
fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "no {part:?} in {text}");
}

fn program(subcommand: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"));
    command.arg(subcommand).env_clear().stdin(Stdio::null());
    command
}

fn import(python: &Path, config: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program("import");
    command.arg(python).arg("--to").arg(config).args(arguments);
    output_of(&mut command)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("made");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// Returns the paths of all files below a directory, and their contents.
fn listing(directory: &Path) -> BTreeSet<(PathBuf, Vec<u8>)> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(listing(&path));
        } else {
            let content = fs::read(&path).expect("readable");
            found.insert((path, content));
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn an_installation_becomes_a_configuration_that_check_accepts() {
    let installation = Installation::new();
    let before = listing(&installation.python(""));
    let (code, out, err) = installation.import(&[]);
    assert_eq!(code, Some(0), "{err}");
    for part in [
        "account 450000009, data centre 2",
        "[time] date_reset",
        "not taken: [bots] index_id",
        "not taken: [bots] warn_id: it is not filled in",
        "AQADAgADr6cxGw",
        "data/white_ids",
        "device_model    CPython 3.7.3",
        "app_version     Pyrogram 0.17.1",
        "system_version  Linux ",
        "Settings > Devices",
        "watch lists and scores",
        "Stop and disable",
    ] {
        assert_has(&out, part);
    }
    assert_eq!(listing(&installation.python("")), before);
    assert!(!installation.data("import-unfinished").exists());
    assert_eq!(mode(&installation.data("")), 0o700);
    for file in ["account.session", "state.db"] {
        assert_eq!(mode(&installation.data(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&installation.config()), 0o600);
    let text = fs::read_to_string(installation.config()).expect("a configuration");
    for part in [
        "dialect = \"current\"",
        "files = \"python\"",
        "zh_cn = true",
        "# A member counts as new",
    ] {
        assert_has(&text, part);
    }
    let mut check = program("check");
    let (code, out, err) = output_of(check.arg("--config").arg(installation.config()));
    assert_eq!(code, Some(0), "{out}{err}");
    assert_has(&out, "CPython 3.7.3");
    let saved = installation.root.path().join("saved");
    fs::create_dir(&saved).expect("made");
    let mut backup = program("backup");
    backup.arg("--config").arg(installation.config());
    let (code, out, err) = output_of(backup.arg("--to").arg(&saved));
    assert_eq!(code, Some(0), "{err}");
    for list in [
        "user_ids",
        "bad_ids",
        "except_ids",
        "admin_ids",
        "nm_words",
        "ad_words",
        "con_words",
    ] {
        assert_has(&out, list);
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let installation = Installation::new();
    let before = listing(installation.root.path());
    let (code, out, err) = installation.import(&["--dry-run"]);
    assert_eq!(code, Some(0), "{err}");
    assert_has(&out, "nothing was written");
    assert_eq!(listing(installation.root.path()), before);
    assert!(!installation.data("").exists());
}

#[test]
fn what_is_there_already_is_not_overwritten() {
    let installation = Installation::new();
    fs::write(installation.config(), "mine").expect("written");
    installation.assert_refused(&[], "there is a configuration already");
    fs::remove_file(installation.config()).expect("removed");
    fs::create_dir(installation.data("")).expect("made");
    for (file, what) in [("account.session", "session"), ("state.db", "database")] {
        fs::write(installation.data(file), "mine").expect("written");
        installation.assert_refused(&[], &format!("there is a {what} already"));
        fs::remove_file(installation.data(file)).expect("removed");
    }
}

#[test]
fn a_directory_that_does_not_exist_is_refused_before_anything_is_written() {
    let installation = Installation::new();
    let config = installation.root.path().join("missing/avatar.toml");
    let (code, _, err) = import(&installation.python(""), &config, &[]);
    assert_eq!(code, Some(78), "{err}");
    assert!(!installation.root.path().join("missing").exists());
}

#[test]
fn a_session_that_is_in_use_is_refused() {
    let installation = Installation::new();
    let session = installation.python("account.session");
    let content = fs::read(&session).expect("read");
    fs::write(&session, content).expect("written");
    installation.assert_refused(&[], "it was written in the last minute");
    installation.age_session();
    let open = File::open(&session).expect("opened");
    installation.assert_refused(&[], "has it open: stop the Python program first");
    drop(open);
    fs::write(installation.python("account.session-journal"), "x").expect("written");
    installation.assert_refused(&[], "account.session-journal");
}

#[test]
fn a_session_that_cannot_serve_is_refused() {
    let installation = Installation::new();
    for (sql, undo, part) in [
        ("is_bot = 1", "is_bot = 0", "the session of a bot"),
        ("test_mode = 1", "test_mode = 0", "test servers"),
        (
            "auth_key = x'00'",
            "auth_key = zeroblob(256)",
            "1 bytes, not 256",
        ),
        ("dc_id = 7", "dc_id = 2", "no known data centre"),
    ] {
        installation.change_session(&format!("UPDATE sessions SET {sql}"));
        installation.assert_refused(&[], part);
        installation.change_session(&format!("UPDATE sessions SET {undo}"));
    }
    fs::copy(
        installation.python("account.session"),
        installation.python("other.session"),
    )
    .expect("copied");
    installation.assert_refused(&[], "other.session");
}

#[test]
fn an_unknown_device_and_an_unusable_file_are_refused_until_an_option_decides() {
    let installation = Installation::new();
    fs::remove_dir_all(installation.python("venv")).expect("removed");
    installation.assert_refused(&[], "--device-model");
    let device = [
        "--device-model",
        "CPython 3.8.1",
        "--app-version",
        "Pyrogram 0.16.0",
    ];
    let photos = PyValue::Set(vec![PyValue::Str("AQADAgADr6cxGw".into())]);
    let except = PyValue::Dict(vec![(PyValue::Str("long".into()), photos)]);
    fs::write(
        installation.python("data/except_ids"),
        pickle::write(&except),
    )
    .expect("written");
    installation.assert_refused(&device, "nothing in it can be used");
    fs::write(installation.python("data/except_ids"), "damaged").expect("written");
    installation.assert_refused(&device, "no copy .except_ids");
    let mut arguments = device.to_vec();
    arguments.extend(["--without", "except_ids"]);
    let (code, out, err) = installation.import(&arguments);
    assert_eq!(code, Some(0), "{err}");
    assert_has(&out, "left out on request");
}

#[test]
fn a_value_that_is_missing_or_wrong_is_refused() {
    let installation = Installation::new();
    let path = installation.python("config.ini");
    let text = fs::read_to_string(&path).expect("read");
    let wrong = text
        .replace("correct horse 電池", "[DATA EXPUNGED]")
        .replace("time_new = 1800", "time_new = soon");
    fs::write(&path, wrong).expect("written");
    installation.assert_refused(&[], "[encrypt] password is missing or not filled in");
    installation.assert_refused(&[], "[time] time_new is not a whole number");
}

#[test]
fn an_import_that_was_killed_is_completed_by_the_next_one() {
    // The files that a kill leaves: inside the staging directory, or moved out of it.
    for moved in [&[][..], &["state.db"], &["state.db", "account.session"]] {
        let installation = Installation::new();
        assert_eq!(installation.import(&[]).0, Some(0));
        let staging = installation.data("import-unfinished");
        fs::create_dir(&staging).expect("made");
        for file in ["state.db", "account.session"] {
            if !moved.contains(&file) {
                fs::rename(installation.data(file), staging.join(file)).expect("moved");
            }
        }
        fs::remove_file(installation.config()).expect("removed");
        let (code, _, err) = installation.import(&[]);
        assert_eq!(code, Some(0), "{moved:?}: {err}");
        assert!(!staging.exists());
        assert!(installation.config().exists());
    }
}

#[test]
fn files_of_an_instance_that_ran_are_not_taken_for_an_unfinished_import() {
    let installation = Installation::new();
    assert_eq!(installation.import(&[]).0, Some(0));
    fs::create_dir(installation.data("import-unfinished")).expect("made");
    fs::remove_file(installation.config()).expect("removed");
    execute_batch(
        &installation.data("state.db"),
        "INSERT INTO settings VALUES ('started_at', '1700000000')",
    );
    installation.assert_refused(&[], "there is a session already");
}

/// Returns a user's entry of `user_ids`.
fn user_entry(avatar: i64, group: i64, joined_at: i64) -> PyValue {
    let text = |text: &str| PyValue::Str(text.into());
    let join = PyValue::Dict(vec![(PyValue::Int(group), PyValue::Int(joined_at))]);
    PyValue::Dict(vec![
        (text("avatar"), text(&avatar.to_string())),
        (text("join"), join),
    ])
}

#[test]
fn an_imported_account_forwards_the_joins_of_the_gap_and_skips_what_python_had_handled() {
    let mut scene = Scene::with_photo_size(64);
    let installation = Installation::new();
    // The account of the simulator becomes the account of the Python program.
    let simulated = installation.root.path().join("simulated.session");
    scene.sim.write_session(&simulated).expect("a session");
    let attach = format!("ATTACH '{}' AS simulated;", simulated.display());
    installation.change_session(&format!(
        "{attach} UPDATE sessions SET dc_id = {HOME_DC},
             auth_key = (SELECT auth_key FROM simulated.dc_option WHERE dc_id = {HOME_DC});"
    ));
    let ini = fs::read_to_string(installation.python("config.ini")).expect("read");
    let hide = bot_api_id(scene.hide).to_string();
    fs::write(
        installation.python("config.ini"),
        ini.replace("-1001600000005", &hide),
    )
    .expect("written");

    // Python had forwarded the photo of one user and excepted that of another.
    let (forwarded, excepted) = (scene.add_user(), scene.add_user());
    let photo = |user| scene.sim.photo_id(user).expect("a photo");
    let group = bot_api_id(scene.group);
    let users = PyValue::Dict(vec![(
        PyValue::Int(forwarded),
        user_entry(photo(forwarded), group, now() - 600),
    )]);
    let photos = PyValue::Set(vec![PyValue::Str(photo(excepted).to_string())]);
    let except = PyValue::Dict(vec![(PyValue::Str("long".into()), photos)]);
    for (name, value) in [("user_ids", users), ("except_ids", except)] {
        let path = installation.python("data").join(name);
        fs::write(path, pickle::write(&value)).expect("written");
    }
    // The joins of the gap.
    for user in [forwarded, excepted] {
        scene.sim.join(scene.group, user, JoinKind::ByLink);
    }
    let mut expected = BTreeSet::from([scene.join_user()]);

    fs::remove_dir_all(scene.data_dir()).expect("removed");
    let config = scene.config_path().with_file_name("imported.toml");
    let (code, _, err) = import(&installation.python(""), &config, &[]);
    assert_eq!(code, Some(0), "{err}");
    // Pyrogram keeps no addresses, so the session has those of Telegram.
    execute_batch(
        &scene.session(),
        &format!(
            "{attach} INSERT OR REPLACE INTO dc_option SELECT new.dc_id, new.ipv4, new.ipv6,
                 COALESCE(old.auth_key, new.auth_key)
             FROM simulated.dc_option AS new LEFT JOIN main.dc_option AS old USING (dc_id);"
        ),
    );
    let mut run = program("run");
    run.arg("--config").arg(&config);
    scene.launch_with(run);
    scene.wait_for_photos_of(&expected);
    expected.insert(scene.join_user());
    scene.wait_for_photos_of(&expected);
    scene.wait_for_outcome(excepted, "excepted");
    scene.wait_for_outcome(forwarded, "repeat");
    scene.finish();
}

#[test]
fn a_restore_of_which_nothing_can_be_used_fails() {
    let scene = Scene::new();
    let file = fixture("python/except_ids.pickle.aes");
    let (code, out, err) = output_of(
        scene
            .command("restore")
            .arg(&file)
            .args(["--list", "except_ids"]),
    );
    assert_eq!(code, Some(1), "{out}");
    assert_has(&err, "nothing in it can be used");
    assert!(!out.contains("restored"), "{out}");
}
