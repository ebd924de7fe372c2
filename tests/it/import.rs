//! `import`: the Python program's installation is taken along, or refused with its reason (docs/import.md).
//!
//! `tests/fixtures/python_program` was made by Python itself; its `make.py` makes it again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// Returns all files and directories below a directory: path, time of the last change, mode, content.
fn listing(directory: &Path) -> BTreeSet<(PathBuf, SystemTime, u32, Vec<u8>)> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("an entry").path();
        let content = if path.is_dir() {
            found.extend(listing(&path));
            Vec::new()
        } else {
            fs::read(&path).expect("readable")
        };
        let changed = fs::metadata(&path).and_then(|file| file.modified());
        found.insert((path.clone(), changed.expect("a time"), mode(&path), content));
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
        "data/.con_words",
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
fn a_file_that_exists_is_not_overwritten() {
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
fn a_python_program_that_does_not_exist_is_refused() {
    let installation = Installation::new();
    for name in ["missing", "config.ini"] {
        let directory = installation.python(name);
        let (code, _, err) = import(&directory, &installation.config(), &[]);
        assert_eq!(code, Some(78), "{err}");
        assert_has(
            &err,
            "there is no such directory; name the directory of the Python program",
        );
        assert!(!installation.config().exists());
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
    installation.assert_refused(&device, "leave the list out with --without except_ids");
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
fn the_new_files_are_private_whatever_the_umask_is() {
    let installation = Installation::new();
    let script = format!(
        "umask 000 && exec {} import {} --to {}",
        env!("CARGO_BIN_EXE_scp-079-avatar"),
        installation.python("").display(),
        installation.config().display()
    );
    let (code, _, err) = output_of(Command::new("sh").args(["-c", &script]).env_clear());
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(mode(&installation.data("")), 0o700);
    for file in [
        installation.config(),
        installation.data("account.session"),
        installation.data("state.db"),
    ] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_configuration_inside_the_python_program_s_directory_is_refused() {
    let installation = Installation::new();
    let before = listing(installation.root.path());
    for config in ["avatar.toml", "data/avatar.toml"] {
        let config = installation.python(config);
        let (code, _, err) = import(&installation.python(""), &config, &[]);
        assert_eq!(code, Some(78), "{err}");
        assert_has(&err, "name a configuration elsewhere with --to");
    }
    assert_eq!(listing(installation.root.path()), before);
}

#[test]
fn a_linked_and_a_relative_directory_without_lists_are_read() {
    let installation = Installation::new();
    fs::remove_dir_all(installation.python("data")).expect("removed");
    symlink(
        installation.python(""),
        installation.root.path().join("link"),
    )
    .expect("linked");
    let mut command = program("import");
    command
        .args(["link", "--dry-run"])
        .current_dir(installation.root.path());
    let (code, out, err) = output_of(&mut command);
    assert_eq!(code, Some(0), "{err}");
    assert_has(&out, "there is no such file");
    assert_has(&out, "No join of the Python program was taken");
    fs::write(installation.python("account.session-wal"), "").expect("written");
    let linked = installation.root.path().join("linked");
    fs::create_dir(&linked).expect("made");
    symlink(
        installation.python("account.session"),
        linked.join("a.session"),
    )
    .expect("linked");
    let (code, _, err) = import(&linked, &installation.config(), &[]);
    assert_eq!(code, Some(78), "{err}");
    assert_has(&err, "VACUUM` clears it up");
}

#[test]
fn a_file_of_windows_is_read_and_one_in_latin_1_is_refused_by_its_line() {
    let installation = Installation::new();
    let path = installation.python("config.ini");
    let text = fs::read_to_string(&path).expect("read");
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    fs::write(&path, windows).expect("written");
    let (code, _, err) = installation.import(&["--dry-run"]);
    assert_eq!(code, Some(0), "{err}");
    let mut latin = text
        .replace("correct horse 電池", "correct horse ")
        .into_bytes();
    latin.pop();
    latin.extend(b"\xe9\n");
    fs::write(&path, latin).expect("written");
    installation.assert_refused(&[], "line 38: the line is not UTF-8");
}

#[test]
fn a_value_that_the_configuration_refuses_is_named_by_its_line_in_config_ini() {
    let installation = Installation::new();
    let path = installation.python("config.ini");
    let text = fs::read_to_string(&path).expect("read");
    let short = text.replace("correct horse 電池", "short");
    fs::write(&path, short).expect("written");
    installation.assert_refused(&[], "line 38, [encrypt] password: is too short: 5 of");
}

#[test]
fn invalid_ids_of_floods_and_older_bad_ids_are_counted() {
    let installation = Installation::new();
    let groups = [-1_001_600_000_001, -160_000, 7].map(PyValue::Int);
    let floods = pickle::write(&PyValue::Set(groups.to_vec()));
    fs::write(installation.python("data/flooded_ids"), floods).expect("written");
    let (code, out, err) = installation.import(&[]);
    assert_eq!(code, Some(0), "{err}");
    assert_has(&out, "photos from there wait until CAPTCHA reports the end");
    assert_has(&out, "2 invalid group ids (-160000, 7)");
}

#[test]
fn a_session_of_pyrogram_in_the_data_directory_is_recognized() {
    let installation = Installation::new();
    assert_eq!(installation.import(&[]).0, Some(0));
    fs::copy(
        installation.python("account.session"),
        installation.data("account.session"),
    )
    .expect("copied");
    for (subcommand, expected) in [("check", 0), ("run", 77), ("login", 77)] {
        let mut command = program(subcommand);
        command.arg("--config").arg(installation.config());
        let (code, out, err) = output_of(&mut command);
        assert_eq!(code, Some(expected), "{out}{err}");
        assert_has(&format!("{out}{err}"), "is a session of Pyrogram");
        assert_has(
            &format!("{out}{err}"),
            "let `scp-079-avatar import` take it",
        );
    }
}

/// Puts an installation back into the state that a kill leaves before the configuration is in place.
fn make_unfinished(installation: &Installation, moved: &[&str]) {
    let mark = installation.data("import-unfinished");
    fs::create_dir(&mark).expect("made");
    let config = installation.config().into_os_string().into_vec();
    fs::write(mark.join("configuration"), config).expect("written");
    for file in ["state.db", "account.session"] {
        if !moved.contains(&file) {
            fs::rename(installation.data(file), mark.join(file)).expect("moved");
        }
    }
    fs::remove_file(installation.config()).expect("removed");
}

#[test]
fn an_unfinished_import_does_not_count_and_is_completed_by_the_next_one() {
    // The files that a kill leaves: inside the marked directory, or moved out of it.
    for moved in [&[][..], &["state.db"], &["state.db", "account.session"]] {
        let installation = Installation::new();
        assert_eq!(installation.import(&[]).0, Some(0));
        let other = installation.root.path().join("other.toml");
        fs::copy(installation.config(), &other).expect("copied");
        make_unfinished(&installation, moved);
        for subcommand in ["run", "login"] {
            let mut command = program(subcommand);
            let (code, _, err) = output_of(command.arg("--config").arg(&other));
            assert_eq!(code, Some(78), "{moved:?}: {err}");
            assert_has(&err, "is unfinished");
        }
        let (code, _, err) = installation.import(&[]);
        assert_eq!(code, Some(0), "{moved:?}: {err}");
        assert!(!installation.data("import-unfinished").exists());
        assert!(installation.config().exists());
    }
}

#[test]
fn the_mark_of_a_complete_import_is_removed_and_allows_no_other_import() {
    let installation = Installation::new();
    assert_eq!(installation.import(&[]).0, Some(0));
    let text = fs::read(installation.config()).expect("read");
    make_unfinished(&installation, &["state.db", "account.session"]);
    fs::write(installation.config(), text).expect("written");
    let other = installation.root.path().join("other.toml");
    let (code, _, err) = import(&installation.python(""), &other, &[]);
    assert_eq!(code, Some(78), "{err}");
    assert_has(&err, "there is a session already");
    fs::remove_file(installation.data("account.session")).expect("removed");
    let mut run = program("run");
    let (code, _, err) = output_of(run.arg("--config").arg(installation.config()));
    assert_eq!(code, Some(77), "{err}");
    assert!(!installation.data("import-unfinished").exists());
}

#[test]
fn a_killed_import_is_complete_or_does_not_count() {
    for kill in [
        "data",
        "data/lock",
        "data/import-unfinished",
        "data/import-unfinished/configuration",
        "data/import-unfinished/account.session",
        "data/import-unfinished/state.db",
        "data/import-unfinished/state.db-wal",
        "data/state.db",
        "data/account.session",
        ".avatar.toml.import",
        "avatar.toml",
    ] {
        let installation = Installation::new();
        let mut command = program("import");
        command
            .arg(installation.python(""))
            .arg("--to")
            .arg(installation.config())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary");
        // The kill comes as soon as this file is there.
        let file = installation.root.path().join(kill);
        while !file.exists() && child.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().expect("ended");
        if !installation.config().exists() {
            let (code, _, err) = installation.import(&[]);
            assert_eq!(code, Some(0), "{kill}: {err}");
        }
        let mut check = program("check");
        let (code, out, err) = output_of(check.arg("--config").arg(installation.config()));
        assert_eq!(code, Some(0), "{kill}: {out}{err}");
        assert_has(&out, "Session file: ");
        let saved = installation.root.path().join("saved");
        fs::create_dir(&saved).expect("made");
        let mut backup = program("backup");
        backup.arg("--config").arg(installation.config());
        let (code, out, err) = output_of(backup.arg("--to").arg(&saved));
        assert_eq!(code, Some(0), "{kill}: {err}");
        assert_has(&out, "except_ids");
    }
}

#[test]
fn files_of_an_instance_that_ran_are_not_taken_for_an_unfinished_import() {
    let installation = Installation::new();
    assert_eq!(installation.import(&[]).0, Some(0));
    make_unfinished(&installation, &["state.db", "account.session"]);
    execute_batch(
        &installation.data("state.db"),
        "INSERT INTO settings VALUES ('started_at', '1700000000')",
    );
    installation.assert_refused(&[], "there is a session already");
}

/// Returns the file id of a user's big profile photo, as Pyrogram 0.17 writes it.
fn file_id(photo: i64, user: i64) -> String {
    let mut plain = [1_i32, HOME_DC].map(i32::to_le_bytes).concat();
    plain.extend([photo, 0, 7].map(i64::to_le_bytes).concat());
    plain.extend(3_i32.to_le_bytes());
    plain.extend([user, 9].map(i64::to_le_bytes).concat());
    plain.extend(5_i32.to_le_bytes());
    plain.extend([22, 4]);
    let mut packed = Vec::new();
    for run in plain.chunk_by(|a, b| *a == 0 && *b == 0) {
        packed.extend_from_slice(&run[..1]);
        if run[0] == 0 {
            packed.push(u8::try_from(run.len()).expect("a short run"));
        }
    }
    base64url(&packed)
}

/// Encodes bytes without padding.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits: usize, at| {
            bits << 8 | usize::from(group.get(at).copied().unwrap_or(0))
        });
        for digit in 0..=group.len() {
            text.push(DIGITS[bits >> (18 - 6 * digit) & 63].into());
        }
    }
    text
}

/// Returns a user's entry of `user_ids`.
fn user_entry(avatar: &str, group: i64, joined_at: i64) -> PyValue {
    let text = |text: &str| PyValue::Str(text.into());
    let join = PyValue::Dict(vec![(PyValue::Int(group), PyValue::Int(joined_at))]);
    PyValue::Dict(vec![(text("avatar"), text(avatar)), (text("join"), join)])
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
    let photo = |user| file_id(scene.sim.photo_id(user).expect("a photo"), user);
    let group = bot_api_id(scene.group);
    let users = PyValue::Dict(vec![(
        PyValue::Int(forwarded),
        user_entry(&photo(forwarded), group, now() - 600),
    )]);
    let photos = PyValue::Set(vec![PyValue::Str(photo(excepted))]);
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
