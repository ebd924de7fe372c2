//! The commands `status`, `why` and `joins`, which read `state.db` beside a running daemon and without one, and change no file.

mod group_classes;
mod join_links;
mod latest_joins;
mod prometheus;
mod roles;
mod stopped;
mod verdict;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use telegram_sim::{Fault, JoinKind, Match, UserSpec, bot_api_id};

use crate::harness::{
    Scene, assert_contains, entries, execute_batch, fixture, output_of, read_file, user_with_photo,
};

fn scene() -> Scene {
    Scene::with_photo_size(160)
}

/// Returns the output of a command, which has to succeed without a warning.
fn text_of(scene: &Scene, subcommand: &str, arguments: &[&str]) -> String {
    let mut command = scene.command(subcommand);
    let (code, out, err) = output_of(command.args(arguments));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    out
}

fn json_of(scene: &Scene, subcommand: &str, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    serde_json::from_str(&text_of(scene, subcommand, &arguments)).expect("JSON")
}

fn status(scene: &Scene) -> Value {
    json_of(scene, "status", &[])
}

fn why(scene: &Scene, user: i64) -> (String, Value) {
    let user = user.to_string();
    (
        text_of(scene, "why", &[&user]),
        json_of(scene, "why", &[&user]),
    )
}

/// Posts an order, and waits until the daemon has recorded a verdict on it.
fn order(scene: &Scene, from: &str, (action, kind): (&str, &str), data: &Value) {
    let message = scene.order(from, action, kind, data);
    scene.wait_for_verdict(message, "");
}

/// The mode, inode, time of change and content of a file.
type FileState = (u32, u64, (i64, i64), Vec<u8>);

/// Returns the state of every file and directory in the data directory.
fn file_states(scene: &Scene) -> BTreeMap<PathBuf, FileState> {
    let mut files = BTreeMap::new();
    let mut directories = vec![scene.data_dir()];
    while let Some(directory) = directories.pop() {
        for path in entries(&directory, "") {
            let metadata = fs::metadata(&path).expect("a file");
            let bytes = if metadata.is_dir() {
                directories.push(path.clone());
                Vec::new()
            } else {
                read_file(&path)
            };
            let changed = (metadata.mtime(), metadata.mtime_nsec());
            files.insert(path, (metadata.mode(), metadata.ino(), changed, bytes));
        }
    }
    files
}

/// Reports whether this is a time as the JSON has it: RFC 3339 in UTC.
fn is_time(value: &Value) -> bool {
    let time = value.as_str().unwrap_or_default();
    time.starts_with("20") && time.ends_with('Z')
}

#[test]
fn status_of_a_running_instance_shows_channels_groups_queue_joins_floods_and_orders() {
    let mut scene = scene();
    let exchange = scene.add_exchange();
    let quiet = scene.sim.add_group("A quiet group\u{1b}[2J");
    let raided = scene.sim.add_group("A raided group");
    scene.start();
    let forwarded = scene.sim.add_user(user_with_photo("Forwarded"));
    let message = scene.sim.join(scene.group, forwarded, JoinKind::ByLink);
    scene.wait_for_photos(1);
    scene.wait_for_outcome(forwarded, "forwarded");
    let bot = scene.sim.add_user(user_with_photo("Bot").bot());
    scene
        .sim
        .join(scene.group, bot, JoinKind::AddedBy(forwarded));
    let bare = scene.sim.add_user(UserSpec::new("Bare"));
    scene.sim.join(scene.group, bare, JoinKind::BySelf);
    scene.wait_for_outcome(bare, "no_photo");
    scene.wait_for_outcome(bot, "bot");
    let flood = json!({"group_id": bot_api_id(raided), "status": "begin"});
    order(&scene, "CAPTCHA", ("flood", "status"), &flood);
    let held = scene.sim.add_user(user_with_photo("Held"));
    scene.sim.join(raided, held, JoinKind::ByLink);
    scene.wait_for_outcome(held, "held");
    order(&scene, "LANG", ("backup", "now"), &json!(null));
    let owner = scene.sim.owner();
    scene.sim.post(scene.hide, owner, "no envelope", None);
    scene.wait_for_rows("SELECT 1 FROM settings WHERE key = 'malformed'", 1);
    let limit = Fault::FloodWait(3000);
    scene.sim.fault(Match::method("messages.sendMedia"), limit);
    let queued = scene.sim.add_user(user_with_photo("Queued"));
    scene.sim.join(scene.group, queued, JoinKind::ByLink);
    scene.wait_for_rows("SELECT 1 FROM floods", 1);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 1);
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE admins_at IS NOT NULL", 3);
    // This gives the last run of the backup a known time.
    scene.execute("UPDATE runs SET ran_at = 1795118400 WHERE job = 'backup'");

    let before: Vec<PathBuf> = file_states(&scene).into_keys().collect();
    let text = text_of(&scene, "status", &[]);
    let pid = scene.pid().as_raw_nonzero().to_string();
    assert_contains(
        &text,
        &[
            &format!("running, pid {pid}, since 20"),
            &scene.sim.me().to_string(),
            "posts go to   EXCHANGE",
            &format!("{} HIDE", bot_api_id(scene.hide)),
            &format!("{} EXCHANGE", bot_api_id(exchange)),
            "last to run   the same",
            "A quiet group·[2J",
            "in all; found by ",
            "messages.sendMedia is limited until 20",
            &format!("group {} is flooded since 20", bot_api_id(raided)),
            "1  obeyed",
            "1  refused: backup/now from LANG: ",
            "1  malformed envelopes, ever",
            "joins held by a flood   1",
            "avatars 1, reports 1",
        ],
    );
    assert!(
        !text.contains('\u{1b}'),
        "a title's escape sequence reaches the terminal"
    );
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(100), "{text}");

    let json = status(&scene);
    assert!(is_time(&json["now"]));
    let instance = &json["instance"];
    assert_eq!(instance["state"], "running");
    assert_eq!(instance["pid"].to_string(), pid);
    assert_eq!(instance["account"], scene.sim.me());
    assert!(is_time(&instance["started_at"]) && instance["ended_at"].is_null());
    assert_eq!(instance["version"], json["program"]["version"]);
    assert_eq!(instance["layout"], 11);
    let delivery = &json["delivery"];
    assert_eq!(delivery["posts_go_to"], "exchange");
    assert_eq!(delivery["hide"]["id"], bot_api_id(scene.hide));
    assert_eq!(delivery["exchange"]["can_post"], true);
    let group = |id: i64| {
        let groups = json["groups"].as_array().expect("groups").iter();
        let mut found = groups.filter(|group| group["id"] == bot_api_id(id));
        found.next().expect("the group").clone()
    };
    assert!(is_time(&group(scene.group)["last_join_at"]));
    assert_eq!(group(quiet)["watched"], true);
    assert_eq!(group(quiet)["administrators"], 1);
    assert!(group(quiet)["last_join_at"].is_null());
    let queue = &json["queue"];
    let waiting = &queue["waiting"][0];
    assert_eq!(queue["waiting"].as_array().map(Vec::len), Some(1));
    assert_eq!(waiting["class"], "avatars");
    assert_eq!(
        (&waiting["total"], &waiting["older"]),
        (&1.into(), &0.into())
    );
    assert!(queue["spool_bytes"].as_u64() > Some(0));
    assert_eq!(queue["sent_24h"], json!({"avatars": 1, "reports": 1}));
    // The counts of today are not known if the test runs over midnight.
    let day = |time: &Value| time.as_str().map(|time| time[..10].to_owned());
    if day(&json["now"]) == day(&instance["started_at"]) {
        assert_eq!(group(scene.group)["joins_today"], 4);
        assert_eq!(
            json["joins_today"],
            json!({"bot": 1, "forwarded": 1, "held": 1, "no_photo": 1, "queued": 1})
        );
        let found = json["joins_found_today"].as_object().expect("counts");
        let found: u64 = found.values().filter_map(Value::as_u64).sum();
        assert_eq!(found, 5, "{json}");
    }
    assert_eq!(json["floods"]["methods"][0]["method"], "messages.sendMedia");
    assert_eq!(json["floods"]["groups"][0]["id"], bot_api_id(raided));
    assert_eq!(json["orders"]["refused_24h"][0]["sender"], "LANG");
    assert_eq!(json["jobs"][1]["job"], "backup");
    let next = json["jobs"][1]["next_at"].as_str().expect("a time");
    assert!(next.ends_with("T20:00:00Z"), "{next}");
    assert_eq!(json["jobs"][1]["ran_at"], "2026-11-19T20:00:00Z");
    assert_eq!(json["jobs"][2]["missed"], false, "it runs");

    let (text, json) = why(&scene, forwarded);
    let post = scene.photos()[0].clone();
    assert_eq!(post.user, forwarded);
    let sent = &json["photos"][0];
    let link = format!("https://t.me/c/{exchange}/{}", sent["message_id"]);
    assert_eq!(
        (&sent["state"], &sent["link"]),
        (&"sent".into(), &link.clone().into())
    );
    assert_eq!(sent["channel_id"], bot_api_id(exchange));
    let joined = &json["joins"][0];
    assert_eq!(
        joined["link"],
        format!("https://t.me/c/{}/{message}", scene.group)
    );
    assert!(is_time(&joined["seen_at"]) && is_time(&joined["joined_at"]));
    // As a number, readers such as jq 1.6 would round the id.
    let photo = scene.sim.photo_id(forwarded).map(|id| id.to_string());
    assert_eq!(json["last_photo_id"].as_str(), photo.as_deref());
    assert_eq!(sent["photo_id"].as_str(), photo.as_deref());
    assert_contains(
        &text,
        &[
            "by themselves",
            "forwarded: a photo was posted",
            &link,
            "(EXCHANGE)",
        ],
    );
    let (text, json) = why(&scene, bot);
    assert_contains(
        &text,
        &[&format!("added by {forwarded}"), "bot: it is a bot"],
    );
    assert_eq!(json["joins"][0]["added_by"], forwarded);
    let (text, _) = why(&scene, bare);
    assert_contains(
        &text,
        &["no_photo: the user shows no photo to this account"],
    );
    let (text, json) = why(&scene, held);
    assert_contains(
        &text,
        &[
            "held: CAPTCHA says",
            "to do",
            "flood      in that group since",
        ],
    );
    assert!(is_time(&json["joins"][0]["flooded_since"]));
    let (text, json) = why(&scene, queued);
    assert_contains(
        &text,
        &[
            "queued: a photo is on its way",
            "next try",
            "    queued     20",
        ],
    );
    assert!(is_time(&json["photos"][0]["next_try_at"]));
    let after: Vec<PathBuf> = file_states(&scene).into_keys().collect();
    assert_eq!(after, before, "a file was created or removed");

    // The daemon continues as if the commands had not run.
    order(
        &scene,
        "CAPTCHA",
        ("flood", "status"),
        &json!({"group_id": bot_api_id(raided), "status": "end"}),
    );
    scene.kill();
    scene.execute("DELETE FROM floods");
    scene.execute("UPDATE outbox SET due_at = 0");
    scene.sim.clear_faults();
    scene.start();
    assert_eq!(scene.wait_for_photos(3).len(), 3);
    scene.finish();
}

#[test]
fn an_unreadable_database_is_named_and_not_changed() {
    type Spoil = fn(&Path);
    let scene = Scene::new();
    for layout in [
        "layout_1.db",
        "layout_2.db",
        "layout_3.db",
        "layout_4.db",
        "layout_5.db",
    ] {
        fs::copy(fixture(&format!("state/{layout}")), scene.state()).expect("copied");
        assert_refused(&scene, 1, &["older version", "at the next start"]);
    }
    scene.copy_newest_state();
    assert_contains(&text_of(&scene, "why", &["7"]), &["User 7"]);
    let cases: [(i32, Spoil, &[&str]); 4] = [
        (
            78,
            |path| execute_batch(path, "PRAGMA user_version = 99"),
            &["layout 99", "newer version"],
        ),
        (
            78,
            |path| fs::write(path, "no database\n".repeat(999)).expect("written"),
            &["is damaged or not a database"],
        ),
        (
            78,
            |path| {
                let mut bytes = read_file(path);
                bytes[4096..].fill(0);
                fs::write(path, bytes).expect("written");
            },
            &["is damaged or not a database"],
        ),
        (
            1,
            |path| {
                let log = path.with_file_name("state.db-wal");
                fs::write(log, "something").expect("written");
            },
            &["state.db-wal is there without state.db-shm"],
        ),
    ];
    for (code, spoil, words) in cases {
        scene.copy_newest_state();
        spoil(&scene.state());
        assert_refused(&scene, code, words);
    }
}

/// Runs both commands, which have to fail with this exit code and these words and to change no file.
fn assert_refused(scene: &Scene, code: i32, words: &[&str]) {
    let before = file_states(scene);
    for arguments in [&["status"][..], &["status", "--json"], &["why", "7"]] {
        let mut command = scene.command(arguments[0]);
        let (exit_code, out, err) = output_of(command.args(&arguments[1..]));
        assert_eq!((exit_code, out.as_str()), (Some(code), ""), "{err}");
        assert_contains(&err, words);
    }
    assert!(
        file_states(scene) == before,
        "{words:?}: a file was changed"
    );
}
