//! Kills during a restore, by the `restore` command and by MANAGE's rollback.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use telegram_sim::{Fault, Match};

use super::{SEEDED, seed, wait_for_backup};
use crate::harness::{Scene, TIMEOUT, entries, open_list, output_of, read_file};

/// The number of users in each of the two lists.
const USERS: usize = 400;

/// Returns every row of the list.
fn rows(scene: &Scene) -> Vec<(i64, i64)> {
    scene.query(
        "SELECT user_id, joined_at FROM joins UNION ALL SELECT user_id, sent_at FROM forwarded",
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Returns the files with replaced lists, each of which has to open.
fn kept(scene: &Scene) -> Vec<PathBuf> {
    let kept = scene.replaced_lists("user_ids");
    for path in &kept {
        open_list(&read_file(path));
    }
    kept
}

/// Two lists, of which the old one is in the scene's database and the new one in a file.
struct Lists {
    scene: Scene,
    old: Vec<(i64, i64)>,
    new: Vec<(i64, i64)>,
    /// A copy of `state.db` with the old list.
    base: PathBuf,
    /// A backup of the new list.
    file: PathBuf,
    _directory: tempfile::TempDir,
}

impl Lists {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let other = Scene::new();
        let save = |scene: &Scene| {
            let (code, _, err) =
                output_of(scene.command("backup").arg("--to").arg(directory.path()));
            assert_eq!(code, Some(0), "{err}");
        };
        seed(&other.state(), SEEDED + 1_000_000, USERS);
        save(&other);
        let new = rows(&other);
        other.finish();
        let scene = Scene::new();
        let file = directory.path().join("new");
        fs::rename(directory.path().join("user_ids"), &file).expect("renamed");
        seed(&scene.state(), SEEDED, USERS);
        let old = rows(&scene);
        assert_eq!((old.len(), new.len()), (2 * USERS, 2 * USERS));
        let base = directory.path().join("base.db");
        fs::copy(scene.state(), &base).expect("copied");
        Self {
            scene,
            old,
            new,
            base,
            file,
            _directory: directory,
        }
    }

    /// Resets the data directory to the session and `state.db` with the old list.
    fn reset(&self) {
        let session = self.scene.session();
        for path in entries(&self.scene.data_dir(), "") {
            if path != session && path.is_file() {
                fs::remove_file(&path).expect("removed");
            }
        }
        fs::copy(&self.base, self.scene.state()).expect("copied");
    }

    fn restore(&self) -> Command {
        let mut command = self.scene.command("restore");
        command.arg(&self.file);
        command
    }

    /// Fails unless the list is one of the two, and unless another restore then gives the new one. Returns whether it was
    /// the new one.
    fn check(&self, when: &str) -> bool {
        let found = rows(&self.scene);
        assert!(found == self.old || found == self.new, "a mixture {when}");
        let is_new = found == self.new;
        let kept_files = kept(&self.scene);
        assert!(!is_new || !kept_files.is_empty(), "no list was kept {when}");
        let (code, out, err) = output_of(&mut self.restore());
        assert_eq!(code, Some(0), "{when}: {out}{err}");
        assert!(rows(&self.scene) == self.new, "{when}");
        kept(&self.scene);
        is_new
    }
}

#[test]
fn a_restore_that_is_killed_by_a_full_disk_leaves_the_old_list_or_the_new() {
    let lists = Lists::new();
    let mut outcomes = [0, 0];
    // No file may grow beyond this many blocks of 512 bytes; a write beyond ends the program with a signal.
    for blocks in (0..).step_by(24) {
        lists.reset();
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!(
                "ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\""
            ))
            .arg(lists.restore().get_program())
            .args(lists.restore().get_args())
            .env_clear()
            .stdin(Stdio::null());
        let (code, ..) = output_of(&mut command);
        let is_new = lists.check(&format!("at {blocks} blocks"));
        outcomes[usize::from(is_new)] += 1;
        if code == Some(0) {
            break;
        }
    }
    assert!(outcomes[0] > 5 && outcomes[1] > 0, "{outcomes:?}");
    lists.scene.finish();
}

/// Waits for a step of the daemon without a pause, because the step may be short.
#[expect(clippy::disallowed_methods, reason = "the timeout is no measure")]
fn spin(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !holds() {
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        std::thread::yield_now();
    }
}

/// Waits until `holds` returns true or the restore has ended.
fn spin_until_exit(child: &mut Child, holds: impl Fn() -> bool) {
    while !holds() && child.try_wait().expect("a child").is_none() {
        std::thread::yield_now();
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the duration of a restore spreads the kills; no assertion depends on it"
)]
fn a_restore_that_is_killed_at_any_instant_leaves_the_old_list_or_the_new() {
    let lists = Lists::new();
    lists.reset();
    let begun = Instant::now();
    let (code, _, err) = output_of(&mut lists.restore());
    assert_eq!(code, Some(0), "{err}");
    let duration = begun.elapsed();
    let data_dir = lists.scene.data_dir();
    let exists = |prefix: &str, suffix: &str| {
        let suffixed = |path: &PathBuf| path.to_string_lossy().ends_with(suffix);
        entries(&data_dir, prefix).iter().any(suffixed)
    };
    let log = data_dir.join("state.db-wal");
    let log_holds = |bytes: u64| fs::metadata(&log).is_ok_and(|log| log.len() >= bytes);
    let kill = |when: &str, holds: &dyn Fn() -> bool| {
        lists.reset();
        let mut command = lists.restore();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary");
        spin_until_exit(&mut child, holds);
        child.kill().expect("killed");
        child.wait().expect("waited for");
        lists.check(when);
    };
    kill("with the lock", &|| exists("lock", ""));
    kill("with half a file", &|| exists(".", ".part"));
    kill("with the kept file", &|| exists("replaced-", ""));
    for bytes in [1, 4096, 20_000, 60_000, 90_000] {
        kill(&format!("with {bytes} bytes in the log"), &|| {
            log_holds(bytes)
        });
    }
    for part in 0..=12 {
        let begun = Instant::now();
        kill(&format!("after {part}/12"), &|| {
            begun.elapsed() >= duration * part / 12
        });
    }
    lists.scene.finish();
}

#[test]
fn a_killed_rollback_is_completed_once_after_the_next_start() {
    let mut lists = Lists::new();
    let file = crate::harness::read_file(&lists.file);
    lists.reset();
    lists.scene.start();
    for round in 0..8 {
        lists.scene.stop();
        // This restores the old list but keeps the dialogs and the orders of this run.
        lists.scene.execute("DELETE FROM joins");
        lists.scene.execute("DELETE FROM forwarded");
        seed(&lists.scene.state(), SEEDED, USERS);
        for path in kept(&lists.scene) {
            fs::remove_file(path).expect("removed");
        }
        lists.scene.start();
        let scene = &lists.scene;
        let downloads = scene.sim.calls_of("upload.getFile").len();
        if round == 0 {
            scene
                .sim
                .fault(Match::method("upload.getFile").once(), Fault::Hold);
        }
        let log = scene.data_dir().join("state.db-wal");
        let length = || fs::metadata(&log).map_or(0, |log| log.len());
        let before = length();
        let message = scene.roll_back("user_ids", &file);
        match round {
            0 | 1 => {
                scene.wait_for_call("upload.getFile", downloads + 1);
            }
            2 => spin("the kept file", || {
                !scene.replaced_lists("user_ids").is_empty()
            }),
            3..=6 => {
                let growth = [1, 8_000, 40_000, 80_000][round - 3];
                spin("rows in the log", || length() > before + growth);
            }
            _ => scene.wait_for_verdict(message, "obeyed"),
        }
        lists.scene.kill();
        lists.scene.sim.release();
        lists.scene.sim.clear_faults();
        let scene = &lists.scene;
        let found = rows(scene);
        let recorded = scene.count(&format!(
            "SELECT 1 FROM orders WHERE message_id = {message}"
        ));
        let expected = if recorded == 0 {
            &lists.old
        } else {
            &lists.new
        };
        assert!(found == *expected, "round {round}: list and order differ");
        lists.scene.start();
        let scene = &lists.scene;
        scene.wait_for_verdict(message, "obeyed");
        assert!(rows(scene) == lists.new, "round {round}");
        assert!((1..=2).contains(&kept(scene).len()), "round {round}");
    }
    let scene = lists.scene;
    let ordered = scene.order("MANAGE", "backup", "now", &Value::Null);
    scene.wait_for_verdict(ordered, "obeyed");
    wait_for_backup(&scene, "user_ids");
    scene.finish();
}
