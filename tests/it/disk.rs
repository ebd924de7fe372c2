//! A full disk: the program says so, waits, and loses nothing.
//!
//! A limit on the size of files stands for the full disk. It needs no privileges and can be lifted while the program
//! runs. The log is kept short because the limit holds for it too.

use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::json;
use telegram_sim::{JoinKind, PhotoSpec, UserSpec};

use crate::harness::{Scene, entries, execute_batch, output_of, read_file};

/// Wraps a command so that a write beyond the limit is an error, as on a full disk, instead of a signal.
fn with_limit_as_error(command: &Command, first: &str) -> Command {
    let mut wrapped = Command::new("sh");
    wrapped
        .arg("-c")
        .arg(format!("trap '' XFSZ; {first} exec \"$0\" \"$@\""))
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .stdin(Stdio::null());
    wrapped
}

fn started() -> Scene {
    let mut scene = Scene::with_photo_size(160);
    scene.set("log", "level = \"error\"");
    let command = with_limit_as_error(&scene.command("run"), "");
    scene.launch_with(command);
    let hide = scene.hide;
    scene.wait_for("the online report", |world| world.count_posts(hide) == 1);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE state = 'sent'", 1);
    scene
}

/// Limits the size of the running daemon's files; `None` lifts the limit.
fn limit_files(scene: &Scene, size: Option<u64>) {
    let limits = Rlimit {
        current: size,
        maximum: None,
    };
    prlimit(Some(scene.pid()), Resource::Fsize, limits).expect("limited");
}

fn write_ahead_log_size(scene: &Scene) -> u64 {
    let path = scene.data_dir().join("state.db-wal");
    std::fs::metadata(path).expect("a log").len()
}

#[test]
fn joins_that_cannot_be_stored_are_kept_until_there_is_room() {
    let scene = started();
    limit_files(&scene, Some(write_ahead_log_size(&scene)));
    let users = scene.join_users(5);
    scene.wait_for_log("state.db");
    assert!(scene.outcomes().is_empty(), "{:?}", scene.outcomes());
    limit_files(&scene, None);
    let mut posted: Vec<i64> = scene
        .wait_for_photos(5)
        .into_iter()
        .map(|photo| photo.user)
        .collect();
    posted.sort_unstable();
    assert_eq!(posted, users);
    scene.finish();
}

#[test]
fn a_join_is_not_lost_when_the_program_is_killed_with_a_full_disk() {
    let mut scene = started();
    limit_files(&scene, Some(write_ahead_log_size(&scene)));
    let user = scene.join_user();
    scene.wait_for_log("state.db");
    scene.kill();
    scene.start();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    scene.finish();
}

#[test]
fn a_photo_that_does_not_fit_is_downloaded_again_once_there_is_room() {
    let scene = started();
    let spec = UserSpec::new("Joiner").photo(PhotoSpec::jpeg().size(2400, 2400));
    let user = scene.sim.add_user(spec);
    let size = scene.sim.photo_bytes(user).len() as u64;
    let limit = write_ahead_log_size(&scene) + 256 * 1024;
    assert!(size > limit, "{size} of {limit} bytes");
    limit_files(&scene, Some(limit));
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    scene.wait_for_log("cannot write the file to the spool");
    assert!(
        entries(&scene.spool(), "").is_empty(),
        "half a photo in the spool"
    );
    limit_files(&scene, None);
    let photos = scene.wait_for_photos(1);
    assert!(photos[0].image == scene.sim.photo_bytes(user));
    scene.finish();
}

#[test]
fn failed_attempts_to_save_lists_leave_no_files_behind() {
    let mut scene = Scene::new();
    scene.set("log", "level = \"error\"");
    scene.start();
    scene.stop();
    execute_batch(
        &scene.state(),
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
         INSERT INTO bad SELECT 'user', 5000000000 + i, 1 FROM n",
    );
    // A backup as a Python file is smaller than the list that a rollback keeps, which is always sealed.
    let saved = tempfile::tempdir().expect("a directory");
    let size_of_backup = |scene: &Scene| {
        let (code, _, err) = output_of(scene.command("backup").arg("--to").arg(saved.path()));
        assert_eq!(code, Some(0), "{err}");
        read_file(&saved.path().join("bad_ids")).len() as u64
    };
    let sealed = size_of_backup(&scene);
    let file = read_file(&saved.path().join("bad_ids"));
    scene.set("exchange", "files = \"python\"");
    let python = size_of_backup(&scene);
    let limit = u64::midpoint(python, sealed);
    scene.age_online_reports();
    let command = with_limit_as_error(&scene.command("run"), "");
    scene.launch_with(command);
    scene.wait_for_rows(
        "SELECT 1 FROM outbox WHERE purpose = 'online' AND state = 'sent'",
        2,
    );
    scene.wait_for_rows("SELECT 1 FROM admins", 1);
    assert!(python < limit && write_ahead_log_size(&scene) < limit);
    // Both orders come in one page, so that the rollback first has to make the list of the backup.
    kill_process(scene.pid(), Signal::STOP).expect("stopped");
    scene.sim.cut_all();
    scene.order("MANAGE", "backup", "now", &json!(null));
    let last = scene.roll_back("bad_ids", &file);
    limit_files(&scene, Some(limit));
    kill_process(scene.pid(), Signal::CONT).expect("continued");
    scene.poll("three attempts", || {
        scene.log().matches("a transaction failed").count() >= 3
    });
    let files = entries(&scene.spool(), "").len();
    // These are the bad list and the administrators, as far as they are not posted yet.
    assert!(files <= 2, "{files} files\n{}", scene.log());
    limit_files(&scene, None);
    scene.wait_for_verdict(last, "obeyed");
    scene.finish();
}

#[test]
fn the_program_does_not_start_without_room_for_its_files_and_breaks_nothing() {
    // The shell counts in blocks of 512 or 1,024 bytes. The limits are no bytes, and too few for a database.
    for blocks in [0, 20] {
        let mut scene = Scene::new();
        let session = read_file(&scene.session());
        let limited = format!("ulimit -S -f {blocks};");
        let (code, _, stderr) =
            output_of(&mut with_limit_as_error(&scene.command("run"), &limited));
        assert_eq!(code, Some(1), "{stderr}");
        assert!(
            stderr.contains(&scene.data_dir().display().to_string()) || stderr.contains("state.db"),
            "{stderr}"
        );
        assert!(
            read_file(&scene.session()) == session,
            "the session was changed"
        );
        scene.start();
        scene.join_user();
        scene.wait_for_photos(1);
        scene.finish();
    }
}

#[test]
fn a_log_that_cannot_be_written_does_not_stop_the_program() {
    let mut scene = Scene::new();
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2> /dev/full"])
        .arg(env!("CARGO_BIN_EXE_scp-079-avatar"))
        .args(scene.command("run").get_args())
        .env_clear();
    scene.launch_with(command);
    let hide = scene.hide;
    scene.wait_for("the online report", |world| world.count_posts(hide) > 0);
    let user = scene.join_user();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    scene.finish();
}
