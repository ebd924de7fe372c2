//! A disk without room: said in a sentence, waited out, and nothing is lost.
//!
//! A limit on the size of files stands for the full disk: it needs no rights, and can be lifted while
//! the program runs. The log is kept short, since it is a file like the others.

use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, Signal, kill_process, prlimit};
use scp_079_avatar::exchange::format_data;
use serde_json::json;
use telegram_sim::{How, Options, PhotoSpec, UserSpec};

use crate::harness::{Scene, read, said, somebody};

/// Wraps a command so that a file at its limit is an error, as a full disk is, and no signal.
fn without_signal(command: &Command, first: &str) -> Command {
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
    let mut scene = Scene::with(Options {
        photo_size: (160, 160),
        ..Options::default()
    });
    scene.set("log", "level = \"error\"");
    let command = without_signal(&scene.command("run"), "");
    scene.launch_as(command);
    let hide = scene.hide;
    scene.wait_for("the online report", |world| world.count_posts(hide) == 1);
    scene.wait_for_state("SELECT 1 FROM outbox WHERE state = 'sent'", 1);
    scene
}

/// Lets no file of the running daemon grow beyond `size`; `None` for no limit.
fn limit(scene: &Scene, size: Option<u64>) {
    let limits = Rlimit {
        current: size,
        maximum: None,
    };
    prlimit(Some(scene.pid()), Resource::Fsize, limits).expect("limited");
}

fn write_ahead_log(scene: &Scene) -> u64 {
    let path = scene.data_dir().join("state.db-wal");
    std::fs::metadata(path).expect("a log").len()
}

/// Waits until the daemon's log says this.
fn wait_for_log(scene: &Scene, words: &str) {
    scene.poll(&format!("{words:?}"), || scene.log().contains(words));
}

#[test]
fn what_cannot_be_stored_is_not_let_go_of() {
    let scene = started();
    limit(&scene, Some(write_ahead_log(&scene)));
    let users: Vec<i64> = (0..5)
        .map(|_| {
            let user = scene.sim.add_user(somebody("Joiner"));
            scene.sim.join(scene.group, user, How::ByLink);
            user
        })
        .collect();
    wait_for_log(&scene, "state.db");
    assert!(scene.outcomes().is_empty(), "{:?}", scene.outcomes());
    limit(&scene, None);
    let mut who: Vec<i64> = scene
        .wait_for_photos(5)
        .into_iter()
        .map(|photo| photo.user)
        .collect();
    who.sort_unstable();
    assert_eq!(who, users);
    scene.finish();
}

#[test]
fn killed_with_a_full_disk_it_begins_where_it_stood() {
    let mut scene = started();
    limit(&scene, Some(write_ahead_log(&scene)));
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    wait_for_log(&scene, "state.db");
    scene.kill();
    scene.start();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    scene.finish();
}

#[test]
fn a_photo_that_does_not_fit_is_fetched_again_once_there_is_room() {
    let scene = started();
    let spec = UserSpec::new("Joiner").photo(PhotoSpec::jpeg().size(2400, 2400));
    let user = scene.sim.add_user(spec);
    let size = scene.sim.photo_bytes(user).len() as u64;
    let room = write_ahead_log(&scene) + 256 * 1024;
    assert!(size > room, "{size} of {room} bytes");
    limit(&scene, Some(room));
    scene.sim.join(scene.group, user, How::ByLink);
    wait_for_log(&scene, "a photo cannot be kept");
    let spool = scene.data_dir().join("spool");
    let left = std::fs::read_dir(&spool).expect("a spool").count();
    assert_eq!(left, 0, "half a photo in the spool");
    limit(&scene, None);
    let photos = scene.wait_for_photos(1);
    assert!(photos[0].image == scene.sim.photo_bytes(user));
    scene.finish();
}

#[test]
fn lists_that_are_saved_in_vain_do_not_pile_up() {
    let mut scene = Scene::new();
    scene.set("log", "level = \"error\"");
    scene.start();
    scene.stop();
    let database = rusqlite::Connection::open(scene.state()).expect("state.db");
    database
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
             INSERT INTO bad SELECT 'user', 5000000000 + i, 1 FROM n",
        )
        .expect("changed");
    drop(database);
    // A backup in Python's kind is smaller than what a rollback keeps, which is always sealed.
    let saved = tempfile::tempdir().expect("a directory");
    let size_of_backup = |scene: &Scene| {
        let (code, _, err) = said(scene.command("backup").arg("--to").arg(saved.path()));
        assert_eq!(code, Some(0), "{err}");
        read(&saved.path().join("bad_ids")).len() as u64
    };
    let sealed = size_of_backup(&scene);
    let file = read(&saved.path().join("bad_ids"));
    scene.set("exchange", "files = \"python\"");
    let python = size_of_backup(&scene);
    let room = u64::midpoint(python, sealed);
    let command = without_signal(&scene.command("run"), "");
    scene.launch_as(command);
    scene.wait_for_state(
        "SELECT 1 FROM outbox WHERE purpose = 'online' AND state = 'sent'",
        2,
    );
    scene.wait_for_state("SELECT 1 FROM admins", 1);
    assert!(python < room && write_ahead_log(&scene) < room);
    // Both orders come in one page, so that the second one has the first one's list made.
    kill_process(scene.pid(), Signal::STOP).expect("stopped");
    scene.sim.cut_all();
    let order = |kind, data, file| {
        let text = format_data("MANAGE", &["AVATAR"], "backup", kind, &data);
        scene.sim.post(scene.hide, scene.sim.owner(), &text, file)
    };
    order("now", json!(null), None);
    let data = json!({"admin_id": 7, "type": "bad_ids"});
    let last = order("rollback", data, Some(("file", &file[..])));
    limit(&scene, Some(room));
    kill_process(scene.pid(), Signal::CONT).expect("continued");
    scene.poll("three tries", || {
        scene.log().matches("trying again").count() >= 3
    });
    let spool = scene.data_dir().join("spool");
    let files = std::fs::read_dir(&spool).expect("a spool").count();
    // Those of the bad list and of the administrators, as far as they are not posted yet.
    assert!(files <= 2, "{files} files\n{}", scene.log());
    limit(&scene, None);
    scene.wait_for_state(
        &format!("SELECT 1 FROM orders WHERE message_id = {last} AND verdict = 'obeyed'"),
        1,
    );
    scene.finish();
}

#[test]
fn without_room_for_its_files_it_does_not_start_and_leaves_nothing_broken() {
    // In blocks of 512 bytes or of 1024, as the shell likes: nothing at all, and less than a database.
    for blocks in [0, 20] {
        let mut scene = Scene::new();
        let session = read(&scene.session());
        let limited = format!("ulimit -S -f {blocks};");
        let (code, _, said) = said(&mut without_signal(&scene.command("run"), &limited));
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains(&scene.data_dir().display().to_string()) || said.contains("state.db"),
            "{said}"
        );
        assert!(read(&scene.session()) == session, "it was changed");
        scene.start();
        let user = scene.sim.add_user(somebody("Joiner"));
        scene.sim.join(scene.group, user, How::ByLink);
        scene.wait_for_photos(1);
        scene.finish();
    }
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let mut scene = Scene::new();
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2> /dev/full"])
        .arg(env!("CARGO_BIN_EXE_scp-079-avatar"))
        .args(scene.command("run").get_args())
        .env_clear();
    scene.launch_as(command);
    let hide = scene.hide;
    scene.wait_for("the online report", |world| world.count_posts(hide) > 0);
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, user);
    scene.finish();
}
