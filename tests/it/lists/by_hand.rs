//! `backup` and `restore` where there is nothing yet, or what another version left.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::harness::{Scene, said};

fn layout(state: &Path) -> i64 {
    let database = Connection::open(state).expect("state.db");
    let layout = database.query_row("PRAGMA user_version", [], |row| row.get(0));
    layout.expect("a layout")
}

#[test]
fn a_backup_does_not_bring_up_the_state_of_an_older_version_that_may_still_run() {
    let scene = Scene::new();
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state/layout_2.db");
    fs::copy(frozen, scene.state()).expect("copied");
    let (code, out, err) = said(scene.command("backup").arg("--to").arg(scene.data_dir()));
    assert_eq!(layout(&scene.state()), 2, "{out}{err}");
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains("an older version"), "{err}");
}

#[test]
fn a_backup_of_an_instance_that_never_ran_says_so_and_makes_nothing() {
    let scene = Scene::new();
    for is_there in [true, false] {
        if !is_there {
            fs::remove_dir_all(scene.data_dir()).expect("removed");
        }
        let (code, out, err) = said(&mut scene.command("backup"));
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert!(err.contains("never run"), "{err}");
        assert!(!scene.state().exists());
        assert_eq!(scene.data_dir().exists(), is_there);
    }
}
