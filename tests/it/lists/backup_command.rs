//! The `backup` command on an instance that never ran, and on a database of an older version.

use std::fs;

use crate::harness::{Scene, fixture, output_of};

#[test]
fn backup_does_not_migrate_the_database_of_an_older_version() {
    let scene = Scene::new();
    fs::copy(fixture("state/layout_2.db"), scene.state()).expect("copied");
    let layout = || scene.query("PRAGMA user_version", |row| row.get::<_, i64>(0));
    let (code, out, err) = output_of(scene.command("backup").arg("--to").arg(scene.data_dir()));
    assert_eq!(layout(), [2], "{out}{err}");
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains("an older version"), "{err}");
}

#[test]
fn backup_of_an_instance_that_never_ran_says_so_and_makes_no_file() {
    let scene = Scene::new();
    for is_there in [true, false] {
        if !is_there {
            fs::remove_dir_all(scene.data_dir()).expect("removed");
        }
        let (code, out, err) = output_of(&mut scene.command("backup"));
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert!(err.contains("never run"), "{err}");
        assert!(!scene.state().exists());
        assert_eq!(scene.data_dir().exists(), is_there);
    }
}
