//! Data directories of other users: root is given the `runuser` line, others are told whose the file is, and no file is
//! made (docs/operations.md, "Users").
//!
//! Only root can make files of another user, so most cases are left out where the tests run as another user.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;

use crate::harness::{Scene, assert_contains, entries, fixture, output_of};

/// The user that owns nothing, by the convention of Linux distributions.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        let _ = writeln!(io::stderr(), "left out: the test does not run as root");
    }
    is_root
}

/// Returns a user's name by `id`, and the number if there is none.
fn name_of(uid: u32) -> String {
    let mut id = Command::new("id");
    let (code, out, _) = output_of(id.args(["-nu", &uid.to_string()]));
    match code {
        Some(0) => out.trim().to_owned(),
        _ => uid.to_string(),
    }
}

fn give(path: &Path, uid: u32) {
    chown(path, Some(uid), Some(uid)).expect("root");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("changed");
}

fn directory_of(scene: &Scene) -> PathBuf {
    scene.data_dir().parent().expect("a parent").to_owned()
}

/// Returns the paths in a directory and in its directories.
fn listing(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in entries(directory, "") {
        if path.is_dir() {
            all.extend(listing(&path));
        }
        all.push(path);
    }
    all.sort();
    all
}

/// Returns a command that runs as nobody if the tests run as root, and else as this user.
fn command_as_nobody(scene: &Scene, subcommand: &str) -> Command {
    let original = scene.command(subcommand);
    if !geteuid().is_root() {
        return original;
    }
    let directory = directory_of(scene);
    set_mode(&directory, 0o755);
    give(&scene.write_config(), NOBODY);
    let binary = directory.join("binary");
    if !binary.exists() && fs::hard_link(original.get_program(), &binary).is_err() {
        fs::copy(original.get_program(), &binary).expect("copied");
    }
    let mut command = Command::new(binary);
    command.args(original.get_args()).env_clear();
    command.current_dir("/").uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn root_is_given_the_line_that_runs_the_command_as_the_owner() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    give(&scene.data_dir(), NOBODY);
    give(&scene.session(), NOBODY);
    scene.write_config();
    let before = listing(&directory_of(&scene));
    for (subcommand, arguments) in [
        ("login", &["--qr"][..]),
        ("channels", &[]),
        ("run", &[]),
        ("backup", &["--to", "/nowhere"]),
        ("restore", &["a file"]),
    ] {
        let mut command = scene.command(subcommand);
        command.args(arguments);
        let program = command.get_program().to_string_lossy().into_owned();
        let (code, out, err) = output_of(&mut command);
        assert_eq!((code, out.as_str()), (Some(78), ""), "{subcommand}: {err}");
        let name = name_of(NOBODY);
        let owner = format!(
            "{} belongs to {name}, and this command runs as root",
            scene.data_dir().display()
        );
        let mut line = format!(
            "runuser -u {name} -- {program} {subcommand} --config {}",
            scene.write_config().display()
        );
        for argument in arguments {
            line += &match argument.contains(' ') {
                true => format!(" '{argument}'"),
                false => format!(" {argument}"),
            };
        }
        assert_contains(&err, &[&owner, &format!("{line}\n")]);
        assert_eq!(listing(&directory_of(&scene)), before, "{subcommand}");
    }
    assert!(scene.sim.calls().is_empty());
    // Commands that only read are open to root.
    let (code, _, err) = output_of(&mut scene.command("status"));
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(listing(&directory_of(&scene)), before);
}

#[test]
fn root_imports_nothing_into_a_directory_of_another_user() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    let directory = directory_of(&scene).join("new");
    fs::create_dir(&directory).expect("made");
    give(&directory, NOBODY);
    let config = directory.join("config.toml");
    let python = fixture("python_program");
    for arguments in [&[][..], &["--dry-run"]] {
        let mut command = scene.command("import");
        let program = command.get_program().to_string_lossy().into_owned();
        // The configuration of the scene is replaced by `--to`.
        command
            .arg(&python)
            .arg("--to")
            .arg(&config)
            .args(arguments);
        let line: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        let line = format!(
            "runuser -u {} -- {program} {}\n",
            name_of(NOBODY),
            line.join(" ")
        );
        let (code, out, err) = output_of(&mut command);
        assert_eq!((code, out.as_str()), (Some(78), ""), "{err}");
        let missing = format!("{} does not exist yet: ", directory.join("data").display());
        assert_contains(&err, &[&missing, "this command runs as root", &line]);
        assert!(listing(&directory).is_empty());
    }
}

#[test]
fn root_makes_no_data_directory_below_a_directory_of_another_user() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    fs::remove_dir_all(scene.data_dir()).expect("removed");
    give(&directory_of(&scene), NOBODY);
    for subcommand in ["login", "run"] {
        let (code, _, err) = output_of(&mut scene.command(subcommand));
        assert_eq!(code, Some(78), "{err}");
        let words = ["does not exist yet: ", "belongs to ", "runuser -u "];
        assert_contains(&err, &words);
        assert!(!scene.data_dir().exists());
    }
}

#[test]
fn a_file_of_root_is_named_with_the_command_that_gives_it_back() {
    if !is_root() {
        return;
    }
    for name in ["lock", "account.session", "state.db", "spool"] {
        let scene = Scene::new();
        let path = scene.data_dir().join(name);
        give(&scene.session(), NOBODY);
        match name {
            "spool" => fs::create_dir(&path).expect("made"),
            _ => fs::write(&path, b"").expect("written"),
        }
        give(&path, 0);
        set_mode(&path, 0o600);
        give(&scene.data_dir(), NOBODY);
        let (code, _, err) = output_of(&mut command_as_nobody(&scene, "run"));
        assert_eq!(code, Some(78), "{name}: {err}");
        let nobody = name_of(NOBODY);
        let owner = format!(
            "{} belongs to root, and this command runs as {nobody}",
            path.display()
        );
        let remedy = format!("let root run: chown {nobody} {}\n", path.display());
        assert_contains(&err, &[&owner, &remedy]);
    }
}

#[test]
fn a_file_that_the_group_may_write_is_refused_if_it_cannot_be_kept_private() {
    if !is_root() {
        return;
    }
    for name in ["", "account.session", "state.db", "spool"] {
        let scene = Scene::new();
        let path = scene.data_dir().join(name);
        give(&scene.session(), NOBODY);
        give(&scene.data_dir(), NOBODY);
        match name {
            "spool" => fs::create_dir(&path).expect("made"),
            "state.db" => fs::write(&path, b"").expect("written"),
            _ => {}
        }
        chown(&path, Some(0), Some(NOBODY)).expect("root");
        set_mode(&path, if path.is_dir() { 0o770 } else { 0o660 });
        let path = path.components().collect::<PathBuf>();
        for subcommand in ["login", "channels", "run"] {
            let (code, _, err) = output_of(&mut command_as_nobody(&scene, subcommand));
            assert_eq!(code, Some(78), "{subcommand} {name}: {err}");
            let owner = format!("permission denied: {} belongs to root", path.display());
            assert_contains(&err, &[&owner, "let root run: chown "]);
        }
        assert!(scene.sim.calls().is_empty());
    }
}

#[test]
fn a_file_of_the_command_line_that_this_user_may_not_use_is_named() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    give(&scene.data_dir(), NOBODY);
    give(&scene.session(), NOBODY);
    let closed = directory_of(&scene).join("closed");
    fs::create_dir(&closed).expect("made");
    set_mode(&closed, 0o700);
    let file = directory_of(&scene).join("file");
    fs::write(&file, b"").expect("written");
    set_mode(&file, 0o600);
    let own = directory_of(&scene).join("own");
    fs::create_dir(&own).expect("made");
    give(&own, NOBODY);
    let readable = directory_of(&scene).join("readable");
    fs::write(&readable, b"").expect("written");
    for (subcommand, arguments, named) in [
        ("open", vec![&*file], &file),
        (
            "open",
            vec![&*readable, Path::new("-o"), &closed.join("x")],
            &closed,
        ),
        ("restore", vec![&*file], &file),
        ("restore", vec![&closed.join("file")], &closed),
        ("backup", vec![Path::new("--to"), &closed], &closed),
        // Directories that the command would have to make.
        (
            "backup",
            vec![Path::new("--to"), &closed.join("new")],
            &closed,
        ),
        (
            "backup",
            vec![Path::new("--all"), &closed.join("new/backup")],
            &closed,
        ),
        (
            "import",
            vec![&*closed, Path::new("--to"), &own.join("new.toml")],
            &closed,
        ),
    ] {
        let mut command = command_as_nobody(&scene, subcommand);
        command.args(arguments);
        let (code, _, err) = output_of(&mut command);
        assert_eq!(code, Some(78), "{subcommand}: {err}");
        let owner = format!("permission denied: {} belongs to root", named.display());
        assert_contains(&err, &[&owner]);
    }
}

#[test]
fn the_owner_of_a_secret_that_cannot_be_read_is_named() {
    if !is_root() {
        return;
    }
    let mut scene = Scene::new();
    let secret = directory_of(&scene).join("secret");
    fs::write(&secret, "0123456789abcdef0123456789abcdef").expect("written");
    set_mode(&secret, 0o600);
    let proxy = format!("enabled = true\nusername = \"u\"\npassword_file = {secret:?}");
    scene.set("proxy", &proxy);
    for subcommand in ["check", "run"] {
        let (code, _, err) = output_of(&mut command_as_nobody(&scene, subcommand));
        assert_eq!(code, Some(78), "{subcommand}: {err}");
        let owner = format!("{} belongs to root", secret.display());
        assert_contains(&err, &["[proxy] password_file", &owner]);
    }
}

#[test]
fn check_explains_a_data_directory_that_its_user_may_not_use() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    set_mode(&scene.data_dir(), 0o700);
    let (code, out, err) = output_of(&mut command_as_nobody(&scene, "check"));
    assert_eq!(code, Some(0), "{err}");
    let owner = format!(
        "permission denied: {} belongs to root",
        scene.data_dir().display()
    );
    assert_contains(
        &out,
        &["run check as the user that runs the service", &owner],
    );
}

#[test]
fn check_refuses_a_data_directory_that_its_user_could_not_make_or_write() {
    if !is_root() {
        return;
    }
    // A directory that is to be made in one of root, and an own directory without the right to write.
    for is_own in [false, true] {
        let mut scene = Scene::new();
        let closed = directory_of(&scene).join("closed");
        fs::create_dir(&closed).expect("made");
        set_mode(&closed, 0o755);
        let mut data = closed.join("data");
        if is_own {
            data = closed;
            give(&data, NOBODY);
            set_mode(&data, 0o500);
        }
        scene.set("telegram", &format!("data_dir = {data:?}"));
        for subcommand in ["check", "run"] {
            let (code, out, err) = output_of(&mut command_as_nobody(&scene, subcommand));
            assert_eq!((code, out.as_str()), (Some(78), ""), "{subcommand}: {err}");
            assert_contains(&err, &["permission denied: ", &data.display().to_string()]);
            let is_named = err.contains("[telegram] data_dir: permission denied");
            assert_eq!(is_named, subcommand == "check", "{err}");
        }
    }
}

#[test]
fn a_directory_or_configuration_of_another_user_is_named() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    set_mode(&scene.data_dir(), 0o700);
    for subcommand in ["login", "channels", "run", "status", "backup"] {
        let (code, _, err) = output_of(&mut command_as_nobody(&scene, subcommand));
        assert_eq!(code, Some(78), "{subcommand}: {err}");
        let owner = format!("{} belongs to root", scene.data_dir().display());
        assert_contains(&err, &["permission denied", &owner]);
    }
    let mut command = command_as_nobody(&scene, "run");
    let config = scene.write_config();
    give(&config, 0);
    let (code, _, err) = output_of(&mut command);
    assert_eq!(code, Some(78), "{err}");
    let owner = format!("{} belongs to root", config.display());
    assert_contains(
        &err,
        &["the configuration cannot be read", &owner, "chown "],
    );
}

#[test]
fn a_directory_that_its_owner_may_not_use_is_named_with_the_permissions_to_set() {
    let scene = Scene::new();
    if geteuid().is_root() {
        give(&scene.data_dir(), NOBODY);
    }
    set_mode(&scene.data_dir(), 0o500);
    let (code, _, err) = output_of(&mut command_as_nobody(&scene, "login"));
    assert_eq!(code, Some(78), "{err}");
    let remedy = format!("chmod u+rwX {}\n", scene.data_dir().display());
    assert_contains(&err, &["permission denied", &remedy]);
    assert_eq!(listing(&scene.data_dir()), [scene.session()]);
    set_mode(&scene.data_dir(), 0o700);
}

#[test]
fn a_file_in_place_of_the_data_directory_is_named_as_the_cause() {
    let scene = Scene::new();
    fs::remove_dir_all(scene.data_dir()).expect("removed");
    fs::write(scene.data_dir(), "").expect("written");
    let sentence = format!(
        "{} is not a directory: move it away, or name another data_dir in [telegram]",
        scene.data_dir().display()
    );
    for subcommand in ["login", "channels", "run", "status"] {
        let (code, _, err) = output_of(&mut scene.command(subcommand));
        assert_eq!(code, Some(78), "{subcommand}: {err}");
        assert_contains(&err, &[&sentence]);
        assert!(!err.contains("permission"), "{err}");
    }
    let (code, out, err) = output_of(&mut scene.command("check"));
    assert_eq!((code, out.as_str()), (Some(78), ""), "{err}");
    let problem = format!(
        "[telegram] data_dir: {} is not a directory\n    move it away, or name another directory",
        scene.data_dir().display()
    );
    assert_contains(&err, &[&problem]);
    assert!(scene.data_dir().is_file());
}
