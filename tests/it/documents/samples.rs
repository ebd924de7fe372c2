//! The output that the pages in docs/ show: programs print the same, apart from numbers, times and ids.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::console::{examples, outputs_of, shapes};
use super::page;
use crate::harness::{Scene, fixture, output_of, sealed_list};

const STATUS: &str = "scp-079-avatar status -i main";
const BRIEF: &str = "scp-079-avatar status --brief -i main";
const WHY: &str = "scp-079-avatar why 6500000112 -i main";

/// Runs a command of a page in a scene, with the scene's configuration; returns standard output and standard error.
fn run(scene: &Scene, arguments: &[&str], directory: &Path) -> String {
    let mut command = scene.command(arguments[0]);
    command.args(&arguments[1..]).current_dir(directory);
    let (_, out, err) = output_of(&mut command);
    out + &err
}

/// Fails unless an output has the same lines as the sample of a page.
#[track_caller]
fn assert_same_shapes(sample: &str, output: &str) {
    assert_eq!(
        shapes(sample),
        shapes(output),
        "the program prints\n{output}"
    );
}

#[test]
fn the_status_page_shows_the_output_of_status_and_why() {
    let mut scene = Scene::with_photo_size(160);
    let groups = [
        scene.group,
        scene.sim.add_group("Group 2"),
        scene.sim.add_group("Group 3"),
    ];
    scene.start();
    let users = groups.map(|group| scene.join_user_in(group));
    scene.wait_for_rows("SELECT 1 FROM joins WHERE outcome = 'forwarded'", 3);
    scene.stop();
    // The photos of the second run wait for an hour.
    scene.set("delivery", "pace = \"adaptive\"\nmin_interval_ms = 3600000");
    // The online report is the one post before them.
    scene.age_online_reports();
    scene.launch();
    scene.join_users(4);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE state = 'fetched'", 4);
    scene.wait_for_contact();
    // The page shows groups whose joins have messages, which Telegram pushed, and whose members were listed once.
    scene.execute("UPDATE joins SET found_by = 'push'");
    scene.execute("UPDATE ledger SET class = 'announced' WHERE kind = 'group'");
    scene.execute(
        "INSERT INTO member_scans (group_id, scanned_at)
         SELECT channel_id, unixepoch() FROM ledger WHERE kind = 'group'
         ON CONFLICT (group_id) DO UPDATE SET scanned_at = excluded.scanned_at",
    );
    let data_dir = scene.data_dir();
    let run = |arguments: &[&str]| {
        run(&scene, arguments, &data_dir)
            .replace(
                &data_dir.display().to_string(),
                "/var/lib/scp-079-avatar/main",
            )
            .replace("A group", "Group 1")
    };
    let page = page("status.md");
    assert_same_shapes(&outputs_of(&page, STATUS)[0], &run(&["status"]));
    let brief = run(&["status", "--brief"]);
    assert_same_shapes(&outputs_of(&page, BRIEF)[0], &brief);
    let user = users[0].to_string();
    assert_same_shapes(&outputs_of(&page, WHY)[0], &run(&["why", &user]));
}

#[test]
fn the_files_page_shows_the_output_of_open_backup_and_restore() {
    let mut scene = Scene::new();
    let page = page("files.md");
    scene.start();
    let users: Vec<i64> = (5_000_000_001..=5_000_000_014).collect();
    for id in &users {
        scene.obey("NOSPAM", "add", "bad", &json!({"id": id, "type": "user"}));
    }
    scene.stop();
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let file = |name: &str| directory.join(name);
    fs::copy(fixture("sealed/avatar.sealed"), file("PpMsQS4x")).expect("copied");
    fs::copy(
        fixture("python/bad_ids.pickle.aes"),
        file("bad_ids.pickle.aes"),
    )
    .expect("copied");
    fs::write(file("hello.txt"), "hello\n").expect("written");
    let data_dir = scene.data_dir().display().to_string();
    for example in examples(&page) {
        let command = example.command.replace("runuser -u scp-079-avatar -- ", "");
        let command = command.replace("/var/lib/scp-079-avatar/main", &data_dir);
        let words: Vec<&str> = command.split(' ').collect();
        match words[0] {
            "mkdir" => fs::create_dir(file(words[1])).expect("made"),
            "scp-079-avatar" => {
                let (arguments, config) = words[1..].split_at(words.len() - 3);
                let expected = match example.as_root {
                    true => ["-i", "main"],
                    false => ["--config", "config.toml"],
                };
                assert_eq!(config, expected);
                if words[1] == "restore" && example.command.contains("--dry-run") {
                    // The file has two users more than the list.
                    let more = users.iter().copied().chain([5_000_000_015, 5_000_000_016]);
                    let data = json!({"users": Vec::from_iter(more), "channels": []});
                    fs::write(file(words[2]), sealed_list("bad_ids", data)).expect("written");
                }
                let output = run(&scene, arguments, directory);
                // The page does not show that `backup` names its files.
                if words[1] != "backup" {
                    assert_eq!(example.output, output, "{}", example.command);
                }
                if arguments.contains(&"--dry-run") {
                    scene.execute("DELETE FROM bad");
                }
            }
            // The test has no other user, and the service is stopped.
            "install" => drop(fs::copy(file(words[5]), words[6]).expect("copied")),
            "rm" => fs::remove_file(words[1]).expect("removed"),
            "systemctl" => {}
            // tests/interop/open_sealed.sh runs the script in an environment with its two packages.
            "pip" | "SEAL_PASSWORD='…'" => {}
            _ => panic!("no test runs {}", example.command),
        }
    }
    assert!(file("photo.jpg").exists() && file("saved/bad_ids").exists());
}

#[test]
fn the_queries_of_the_database_page_run() {
    let mut scene = Scene::with_photo_size(160);
    scene.start();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "forwarded");
    scene.stop();
    let database = rusqlite::Connection::open(scene.state()).expect("a database");
    let examples = examples(&page("state-db.md"));
    assert!(examples.len() > 4, "{examples:?}");
    for example in examples {
        let prefix = "sqlite3 -readonly data/state.db ";
        let query = example.command.strip_prefix(prefix).expect("a query");
        let query = query
            .trim_matches('"')
            .replace("6500000022", &user.to_string());
        let mut query = database.prepare(&query).expect("a query of these tables");
        let columns = query.column_count();
        let shown = example.output.lines().map(|line| line.split('|').count());
        assert!(
            shown.into_iter().all(|shown| shown == columns),
            "{example:?}"
        );
        let rows = query.query_map([], |_| Ok(())).expect("rows").count();
        assert!(rows > 0 || example.output.is_empty(), "{example:?}");
    }
}
