//! A restore that is killed: by hand, and as MANAGE's rollback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::json;
use telegram_sim::{Fault, Match};

use super::{SEEDED, heard, opened, order, posted, seed};
use crate::harness::{PATIENCE, Scene, said};

/// How many users each of the two lists has.
const USERS: usize = 400;

/// Every row of the list, in its order.
fn rows(scene: &Scene) -> Vec<(i64, i64)> {
    scene.query(
        "SELECT user_id, joined_at FROM joins UNION ALL SELECT user_id, sent_at FROM forwarded",
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The lists that were kept, by their files, each of which has to open.
fn kept(scene: &Scene) -> Vec<PathBuf> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(scene.data_dir()).expect("readable") {
        let path = entry.expect("a file").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if name.starts_with("replaced-user_ids-") {
            opened(&crate::harness::read(&path));
            kept.push(path);
        }
    }
    kept
}

/// A list of before, one to come, and a file of the latter.
struct Lists {
    scene: Scene,
    old: Vec<(i64, i64)>,
    new: Vec<(i64, i64)>,
    /// `state.db` with the list of before.
    base: PathBuf,
    /// A backup of the list to come.
    file: PathBuf,
    _directory: tempfile::TempDir,
}

impl Lists {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let other = Scene::new();
        let save = |scene: &Scene| {
            let (code, _, err) = said(scene.command("backup").arg("--to").arg(directory.path()));
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

    /// Puts the list of before back, with nothing else in the data directory.
    fn reset(&self) {
        for entry in fs::read_dir(self.scene.data_dir()).expect("readable") {
            let path = entry.expect("a file").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            if name != "account.session" && path.is_file() {
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

    /// Fails unless what is there is one of the two lists, and a second restore brings the new one.
    fn is_old_or_new(&self, when: &str) -> bool {
        let found = rows(&self.scene);
        assert!(found == self.old || found == self.new, "a mixture {when}");
        let is_new = found == self.new;
        let kept_files = kept(&self.scene);
        assert!(!is_new || !kept_files.is_empty(), "nothing was kept {when}");
        let (code, out, err) = said(&mut self.restore());
        assert_eq!(code, Some(0), "{when}: {out}{err}");
        assert!(rows(&self.scene) == self.new, "{when}");
        kept(&self.scene);
        is_new
    }
}

#[test]
fn a_restore_that_a_full_disk_kills_leaves_the_old_list_or_the_new() {
    let lists = Lists::new();
    let mut outcomes = [0, 0];
    // No file may grow beyond so many blocks of 512 bytes: the write that would is the program's end.
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
        let (code, ..) = said(&mut command);
        let is_new = lists.is_old_or_new(&format!("at {blocks} blocks"));
        outcomes[usize::from(is_new)] += 1;
        if code == Some(0) {
            break;
        }
    }
    assert!(outcomes[0] > 5 && outcomes[1] > 0, "{outcomes:?}");
    lists.scene.finish();
}

/// Whether the directory has a file that is called like this.
fn is_there(directory: &Path, prefix: &str, suffix: &str) -> bool {
    fs::read_dir(directory).expect("readable").any(|entry| {
        let name = entry.expect("a file").file_name();
        let name = name.to_string_lossy();
        name.starts_with(prefix) && name.ends_with(suffix)
    })
}

/// Waits for a step of the daemon's without a pause: it may be short.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's patience, not a measure"
)]
fn spin(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// Waits for a step of a restore, or its end.
fn until(child: &mut Child, holds: impl Fn() -> bool) {
    while !holds() && child.try_wait().expect("a child").is_none() {
        std::thread::yield_now();
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the length of a restore, to spread kills over it: not asserted on"
)]
fn a_restore_that_is_killed_at_any_instant_leaves_the_old_list_or_the_new() {
    let lists = Lists::new();
    lists.reset();
    let begun = Instant::now();
    let (code, _, err) = said(&mut lists.restore());
    assert_eq!(code, Some(0), "{err}");
    let length = begun.elapsed();
    let data_dir = lists.scene.data_dir();
    let is_there = |prefix: &str, suffix: &str| is_there(&data_dir, prefix, suffix);
    let log = data_dir.join("state.db-wal");
    let log_holds = |bytes: u64| fs::metadata(&log).is_ok_and(|log| log.len() >= bytes);
    let kill = |when: &str, holds: &dyn Fn() -> bool| {
        lists.reset();
        let mut command = lists.restore();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary");
        until(&mut child, holds);
        child.kill().expect("killed");
        child.wait().expect("waited for");
        lists.is_old_or_new(when);
    };
    kill("with the lock", &|| is_there("lock", ""));
    kill("with half a file", &|| is_there(".", ".part"));
    kill("with the kept file", &|| is_there("replaced-", ""));
    for bytes in [1, 4096, 20_000, 60_000, 90_000] {
        kill(&format!("with {bytes} bytes to commit"), &|| {
            log_holds(bytes)
        });
    }
    for part in 0..=12 {
        let begun = Instant::now();
        kill(&format!("after {part}/12"), &|| {
            begun.elapsed() >= length * part / 12
        });
    }
    lists.scene.finish();
}

#[test]
fn a_rollback_that_is_killed_is_carried_out_once_after_the_next_start() {
    let mut lists = Lists::new();
    let file = crate::harness::read(&lists.file);
    lists.reset();
    lists.scene.start();
    for round in 0..8 {
        lists.scene.stop();
        // The list of before, beside the ledger and the orders of this run.
        lists
            .scene
            .query("DELETE FROM joins RETURNING 1", |_| Ok(()));
        lists
            .scene
            .query("DELETE FROM forwarded RETURNING 1", |_| Ok(()));
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
        let data = json!({"admin_id": 7, "type": "user_ids"});
        let message = order(scene, "backup", "rollback", &data, Some(&file));
        match round {
            0 | 1 => {
                scene
                    .sim
                    .wait_for_call("upload.getFile", downloads + 1, PATIENCE)
                    .expect("a download");
            }
            2 => spin("the kept file", || {
                is_there(&scene.data_dir(), "replaced-", "")
            }),
            3..=6 => {
                let growth = [1, 8_000, 40_000, 80_000][round - 3];
                spin("rows to commit", || length() > before + growth);
            }
            _ => heard(scene, message, "obeyed"),
        }
        lists.scene.kill();
        lists.scene.sim.release();
        lists.scene.sim.clear_faults();
        let scene = &lists.scene;
        let found = rows(scene);
        let noted = scene.query(
            &format!("SELECT 1 FROM orders WHERE message_id = {message}"),
            |_| Ok(()),
        );
        let expected = if noted.is_empty() {
            &lists.old
        } else {
            &lists.new
        };
        assert!(found == *expected, "round {round}: list and order disagree");
        lists.scene.start();
        let scene = &lists.scene;
        heard(scene, message, "obeyed");
        assert!(rows(scene) == lists.new, "round {round}");
        assert!((1..=2).contains(&kept(scene).len()), "round {round}");
    }
    let scene = lists.scene;
    let ordered = order(&scene, "backup", "now", &serde_json::Value::Null, None);
    heard(&scene, ordered, "obeyed");
    posted(&scene, "user_ids");
    scene.finish();
}
