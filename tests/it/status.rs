//! `status` and `why`: told from `state.db` alone, beside a running daemon and without one; nothing is
//! changed by being looked at.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use scp_079_avatar::exchange::format_data;
use serde_json::{Value, json};
use telegram_sim::{Fault, How, Match, Options, UserSpec, bot_api_id};

use crate::harness::{Scene, read, said, somebody};

fn scene() -> Scene {
    Scene::with(Options {
        photo_size: (160, 160),
        ..Options::default()
    })
}

/// What a command says, which has to succeed and warn of nothing.
fn text_of(scene: &Scene, subcommand: &str, arguments: &[&str]) -> String {
    let mut command = scene.command(subcommand);
    let (code, out, err) = said(command.args(arguments));
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

#[track_caller]
fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
}

/// Posts an envelope in HIDE.
fn order(scene: &Scene, from: &str, (action, kind): (&str, &str), data: &Value) {
    let text = format_data(from, &["AVATAR"], action, kind, data);
    let owner = scene.sim.owner();
    let message = scene.sim.post(scene.hide, owner, &text, None);
    let sql = format!("SELECT 1 FROM orders WHERE message_id = {message}");
    scene.wait_for_state(&sql, 1);
}

/// What would show that a file was changed.
type FileState = (u32, u64, (i64, i64), Vec<u8>);

/// Every file of the data directory.
fn files(scene: &Scene) -> BTreeMap<PathBuf, FileState> {
    let mut files = BTreeMap::new();
    let mut directories = vec![scene.data_dir()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("readable") {
            let path = entry.expect("a file").path();
            let metadata = fs::metadata(&path).expect("there");
            let bytes = if metadata.is_dir() {
                directories.push(path.clone());
                Vec::new()
            } else {
                read(&path)
            };
            let changed = (metadata.mtime(), metadata.mtime_nsec());
            files.insert(path, (metadata.mode(), metadata.ino(), changed, bytes));
        }
    }
    files
}

fn sql(path: &Path, statements: &str) {
    let database = Connection::open(path).expect("a database");
    database.execute_batch(statements).expect("done");
    database.close().expect("closed");
}

/// A time of the JSON, which is RFC 3339 in UTC.
fn is_time(value: &Value) -> bool {
    let time = value.as_str().unwrap_or_default();
    time.starts_with("20") && time.ends_with('Z')
}

#[test]
fn a_running_instance_tells_of_its_channels_groups_queue_joins_floods_and_orders() {
    let mut scene = scene();
    let exchange = scene.exchange();
    let quiet = scene.sim.add_group("A quiet group\u{1b}[2J");
    let raided = scene.sim.add_group("A raided group");
    scene.start();
    let forwarded = scene.sim.add_user(somebody("Forwarded"));
    let message = scene.sim.join(scene.group, forwarded, How::ByLink);
    scene.wait_for_photos(1);
    scene.wait_for_outcome(forwarded, "forwarded");
    let bot = scene.sim.add_user(somebody("Bot").bot());
    scene.sim.join(scene.group, bot, How::AddedBy(forwarded));
    let bare = scene.sim.add_user(UserSpec::new("Bare"));
    scene.sim.join(scene.group, bare, How::BySelf);
    scene.wait_for_outcome(bare, "no_photo");
    scene.wait_for_outcome(bot, "bot");
    let flood = json!({"group_id": bot_api_id(raided), "status": "begin"});
    order(&scene, "CAPTCHA", ("flood", "status"), &flood);
    let held = scene.sim.add_user(somebody("Held"));
    scene.sim.join(raided, held, How::ByLink);
    scene.wait_for_outcome(held, "held");
    order(&scene, "LANG", ("backup", "now"), &json!(null));
    let owner = scene.sim.owner();
    scene.sim.post(scene.hide, owner, "no envelope", None);
    scene.wait_for_state("SELECT 1 FROM settings WHERE key = 'malformed'", 1);
    let limit = Fault::FloodWait(3000);
    scene.sim.fault(Match::method("messages.sendMedia"), limit);
    let queued = scene.sim.add_user(somebody("Queued"));
    scene.sim.join(scene.group, queued, How::ByLink);
    scene.wait_for_state("SELECT 1 FROM floods", 1);
    scene.wait_for_state("SELECT 1 FROM outbox WHERE spool IS NOT NULL", 1);
    scene.wait_for_state("SELECT 1 FROM ledger WHERE admins_at IS NOT NULL", 3);
    // What the clock has done, and will do; one is due, and done in a moment.
    scene.query(
        "UPDATE runs SET ran_at = 1795118400 WHERE job = 'backup' RETURNING 1",
        |_| Ok(()),
    );

    let before: Vec<PathBuf> = files(&scene).into_keys().collect();
    let text = text_of(&scene, "status", &[]);
    let pid = scene.pid().as_raw_nonzero().to_string();
    has(
        &text,
        &[
            &format!("running, pid {pid}, since 20"),
            &scene.sim.me().to_string(),
            "posts go to   EXCHANGE",
            &format!("{} HIDE", bot_api_id(scene.hide)),
            &format!("{} EXCHANGE", bot_api_id(exchange)),
            "last to run   the same",
            "A quiet group·[2J",
            "either nobody joined, or",
            "messages.sendMedia is limited until 20",
            &format!("group {} is flooded since 20", bot_api_id(raided)),
            "1  obeyed",
            "1  refused: backup/now from LANG: ",
            "1  malformed envelopes, ever",
            "joins held by a flood   1",
            "avatars 1, reports 1",
        ],
    );
    assert!(!text.contains('\u{1b}'), "a title reaches the terminal");
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(100), "{text}");

    let told = status(&scene);
    assert!(is_time(&told["now"]));
    let instance = &told["instance"];
    assert_eq!(instance["state"], "running");
    assert_eq!(instance["pid"].to_string(), pid);
    assert_eq!(instance["account"], scene.sim.me());
    assert!(is_time(&instance["started_at"]) && instance["ended_at"].is_null());
    assert_eq!(instance["version"], told["program"]["version"]);
    assert_eq!(instance["layout"], 4);
    let delivery = &told["delivery"];
    assert_eq!(delivery["posts_go_to"], "exchange");
    assert_eq!(delivery["hide"]["id"], bot_api_id(scene.hide));
    assert_eq!(delivery["exchange"]["can_post"], true);
    let group = |id: i64| {
        let groups = told["groups"].as_array().expect("groups").iter();
        let mut found = groups.filter(|group| group["id"] == bot_api_id(id));
        found.next().expect("the group").clone()
    };
    assert_eq!(group(scene.group)["coverage"], "full");
    assert!(is_time(&group(scene.group)["last_join_at"]));
    assert_eq!(group(quiet)["coverage"], "unknown");
    assert_eq!(group(quiet)["watched"], true);
    assert_eq!(group(quiet)["administrators"], 1);
    assert!(group(quiet)["last_join_at"].is_null());
    let queue = &told["queue"];
    let waiting = &queue["waiting"][0];
    assert_eq!(queue["waiting"].as_array().map(Vec::len), Some(1));
    assert_eq!(waiting["class"], "avatars");
    assert_eq!(
        (&waiting["total"], &waiting["older"]),
        (&1.into(), &0.into())
    );
    assert!(queue["spool_bytes"].as_u64() > Some(0));
    assert_eq!(queue["sent_24h"], json!({"avatars": 1, "reports": 1}));
    // A test that runs over midnight sees the joins of two days.
    let day = |time: &Value| time.as_str().map(|time| time[..10].to_owned());
    if day(&told["now"]) == day(&instance["started_at"]) {
        assert_eq!(group(scene.group)["joins_today"], 4);
        assert_eq!(
            told["joins_today"],
            json!({"bot": 1, "forwarded": 1, "held": 1, "no_photo": 1, "queued": 1})
        );
    }
    assert_eq!(told["floods"]["methods"][0]["method"], "messages.sendMedia");
    assert_eq!(told["floods"]["groups"][0]["id"], bot_api_id(raided));
    assert_eq!(told["orders"]["refused_24h"][0]["sender"], "LANG");
    assert_eq!(told["jobs"][1]["job"], "backup");
    let next = told["jobs"][1]["next_at"].as_str().expect("a time");
    assert!(next.ends_with("T20:00:00Z"), "{next}");
    assert_eq!(told["jobs"][1]["ran_at"], "2026-11-19T20:00:00Z");
    assert_eq!(told["jobs"][2]["missed"], false, "it runs");

    let (text, told) = why(&scene, forwarded);
    let post = scene.photos()[0].clone();
    assert_eq!(post.user, forwarded);
    let sent = &told["photos"][0];
    let link = format!("https://t.me/c/{exchange}/{}", sent["message_id"]);
    assert_eq!(
        (&sent["state"], &sent["link"]),
        (&"sent".into(), &link.clone().into())
    );
    assert_eq!(sent["channel_id"], bot_api_id(exchange));
    let joined = &told["joins"][0];
    assert_eq!(
        joined["link"],
        format!("https://t.me/c/{}/{message}", scene.group)
    );
    assert!(is_time(&joined["seen_at"]) && is_time(&joined["joined_at"]));
    assert_eq!(
        told["last_photo_id"].as_i64(),
        scene.sim.photo_id(forwarded)
    );
    has(
        &text,
        &[
            "by themselves",
            "forwarded: a photo was posted",
            &link,
            "(EXCHANGE)",
        ],
    );
    let (text, told) = why(&scene, bot);
    has(
        &text,
        &[&format!("added by {forwarded}"), "bot: it is a bot"],
    );
    assert_eq!(told["joins"][0]["added_by"], forwarded);
    let (text, _) = why(&scene, bare);
    has(
        &text,
        &["no_photo: the user shows no photo to this account"],
    );
    let (text, told) = why(&scene, held);
    has(
        &text,
        &[
            "held: CAPTCHA says",
            "to do",
            "flood      in that group since",
        ],
    );
    assert!(is_time(&told["joins"][0]["flooded_since"]));
    let (text, told) = why(&scene, queued);
    has(
        &text,
        &[
            "queued: a photo is on its way",
            "next try",
            "    queued     20",
        ],
    );
    assert!(is_time(&told["photos"][0]["next_try_at"]));
    let after: Vec<PathBuf> = files(&scene).into_keys().collect();
    assert_eq!(after, before, "a file was made or removed");

    // It goes on as if nobody had looked.
    order(
        &scene,
        "CAPTCHA",
        ("flood", "status"),
        &json!({"group_id": bot_api_id(raided), "status": "end"}),
    );
    scene.kill();
    scene.query("DELETE FROM floods RETURNING method", |_| Ok(()));
    scene.query("UPDATE outbox SET due_at = 0 RETURNING id", |_| Ok(()));
    scene.sim.clear_faults();
    scene.start();
    assert_eq!(scene.wait_for_photos(3).len(), 3);
    scene.finish();
}

#[test]
fn a_stopped_instance_tells_how_it_ended_and_is_not_touched() {
    let mut scene = scene();
    // Nothing was ever there.
    fs::remove_file(scene.session()).expect("removed");
    assert_eq!(status(&scene)["instance"]["state"], "never_ran");
    has(&text_of(&scene, "status", &[]), &["never run", "`login`"]);
    has(&text_of(&scene, "why", &["7"]), &["never run"]);
    assert!(files(&scene).is_empty(), "a look made a file");
    scene.sim.write_session(scene.session()).expect("a session");

    scene.start();
    let user = scene.sim.add_user(somebody("Joiner"));
    scene.sim.join(scene.group, user, How::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    let untouched = |scene: &Scene, state: &str, words: &[&str]| {
        let before = files(scene);
        let text = text_of(scene, "status", &[]);
        has(&text, words);
        assert_eq!(status(scene)["instance"]["state"], state);
        let (text, told) = why(scene, user);
        has(&text, &["forwarded: a photo was posted"]);
        assert_eq!(told["joins"][0]["outcome"], "forwarded");
        assert!(files(scene) == before, "{state}: something was changed");
    };
    // Dead, with its log of writes beside the database.
    scene.kill();
    assert!(scene.data_dir().join("state.db-wal").exists());
    untouched(&scene, "died", &["not running, and did not end cleanly"]);
    scene.start();
    scene.stop();
    // The jobs' next times are long past.
    scene.query(
        "UPDATE runs SET due_at = 5, next_at = 6 WHERE job IN ('status', 'backup') RETURNING 1",
        |_| Ok(()),
    );
    assert!(!scene.data_dir().join("state.db-wal").exists());
    untouched(
        &scene,
        "ended",
        &[
            "not running, ended 20",
            "never     missed: at the next start",
            "never     missed, and skipped",
        ],
    );
    // Ended by trouble.
    scene.sim.revoke();
    scene.launch();
    assert_eq!(scene.ended().0, Some(77));
    untouched(&scene, "failed", &["ended by an error", "session"]);
    scene.sim.restore_login();
    // Another command has the directory.
    let lock = fs::File::open(scene.data_dir().join("lock")).expect("opened");
    lock.lock().expect("locked");
    assert_eq!(status(&scene)["instance"]["state"], "busy");
    drop(lock);
    scene.launch();
    scene.poll("the third online report", || {
        scene.reports("online").len() == 3
    });
    scene.finish();
}

#[test]
fn why_tells_what_is_known_of_a_user_beside_joins() {
    const CAPTCHA: i64 = 450_000_002;
    let mut scene = scene();
    scene.set("bots", &format!("captcha_id = {CAPTCHA}"));
    scene.start();
    let bad = scene.sim.add_user(somebody("Bad"));
    let id = json!({"id": bad, "type": "user"});
    order(&scene, "NOSPAM", ("add", "bad"), &id);
    scene.sim.join(scene.group, bad, How::ByLink);
    scene.wait_for_outcome(bad, "bad");
    let declared = scene.sim.add_user(somebody("Declared"));
    let message = scene.sim.join(scene.group, declared, How::ByLink);
    scene.wait_for_outcome(declared, "forwarded");
    let data = json!({"group_id": bot_api_id(scene.group), "message_id": message});
    order(&scene, "NOSPAM", ("update", "declare"), &data);
    let except = json!({"id": declared, "type": "long"});
    order(&scene, "MANAGE", ("add", "except"), &except);
    scene.wait_for_state("SELECT 1 FROM excepted", 1);

    let (text, told) = why(&scene, bad);
    has(
        &text,
        &[
            "on the bad list since",
            "bad: the user was on the bad list",
            "remove / bad",
        ],
    );
    assert!(is_time(&told["bad_since"]) && told["known"] == true);
    let (text, told) = why(&scene, declared);
    has(&text, &["which is on the exception list", "declared   20"]);
    assert_eq!(told["last_photo_excepted"], true);
    assert!(is_time(&told["joins"][0]["declared_at"]));
    let (text, told) = why(&scene, scene.sim.owner());
    has(&text, &["administers", "(A group)", "No join and no photo"]);
    assert_eq!(told["administrator_of"][0], bot_api_id(scene.group));
    let (text, told) = why(&scene, CAPTCHA);
    has(&text, &["CAPTCHA, by [bots]"]);
    assert_eq!(told["fleet"], "captcha");
    let (text, _) = why(&scene, scene.sim.me());
    has(&text, &["this is the account itself"]);

    // One group of several, in both forms; one that nobody knows; somebody whom nobody knows.
    let other = scene.sim.add_group("Another group");
    scene.sim.join(other, declared, How::ByLink);
    scene.wait_for_outcome(declared, "excepted");
    let user = declared.to_string();
    for (group, joins) in [
        (bot_api_id(other), 1),
        (other, 1),
        (bot_api_id(scene.group), 1),
        (bot_api_id(77), 0),
    ] {
        let told = json_of(&scene, "why", &[&user, &group.to_string()]);
        assert_eq!(
            told["joins"].as_array().map(Vec::len),
            Some(joins),
            "{group}"
        );
    }
    assert_eq!(
        why(&scene, declared).1["joins"].as_array().map(Vec::len),
        Some(2)
    );
    has(
        &text_of(&scene, "why", &[&user, &bot_api_id(77).to_string()]),
        &["the account is not in that group, and never was"],
    );
    order(
        &scene,
        "MANAGE",
        ("clear", "user"),
        &json!({"admin_id": 5, "type": "all"}),
    );
    let (text, told) = why(&scene, declared);
    has(
        &text,
        &[
            "No join and no photo of theirs is known",
            "clear / user (the last one ",
        ],
    );
    assert!(is_time(&told["cleared"]["users_at"]) && told["joins"] == json!([]));
    let (text, told) = why(&scene, 5_000_000_000);
    has(
        &text,
        &[
            "never joined while the account was there",
            "none is recorded",
        ],
    );
    assert_eq!(told["known"], false);
    scene.finish();
}

#[test]
fn who_reads_no_further_is_told_nothing_more() {
    let scene = Scene::new();
    scene.write_config();
    for (subcommand, arguments) in [
        ("status", &[][..]),
        ("why", &["5"]),
        ("why", &["5", "--json"]),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = scene.command(subcommand);
        let ended = command.args(arguments).stdout(writer).output();
        let ended = ended.expect("the binary");
        let complaint = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), &*complaint), (Some(0), ""));
    }
}

#[test]
fn a_database_that_cannot_be_read_is_named_and_left_as_it_is() {
    type Spoil = fn(&Path);
    let fixture = |name: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/state")
            .join(name)
    };
    let scene = Scene::new();
    for layout in ["layout_1.db", "layout_2.db", "layout_3.db"] {
        fs::copy(fixture(layout), scene.state()).expect("copied");
        refused(&scene, 1, &["older version", "at the next start"]);
    }
    fs::copy(fixture("layout_4.db"), scene.state()).expect("copied");
    has(&text_of(&scene, "why", &["7"]), &["User 7"]);
    let cases: [(i32, Spoil, &[&str]); 4] = [
        (
            78,
            |path| sql(path, "PRAGMA user_version = 99"),
            &["layout 99", "newer version"],
        ),
        (
            78,
            |path| fs::write(path, "no database\n".repeat(999)).expect("written"),
            &["is damaged or no database"],
        ),
        (
            78,
            |path| {
                let mut bytes = read(path);
                bytes[4096..].fill(0);
                fs::write(path, bytes).expect("written");
            },
            &["is damaged or no database"],
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
        fs::copy(fixture("layout_4.db"), scene.state()).expect("copied");
        spoil(&scene.state());
        refused(&scene, code, words);
    }
}

fn refused(scene: &Scene, code: i32, words: &[&str]) {
    let before = files(scene);
    for arguments in [&["status"][..], &["status", "--json"], &["why", "7"]] {
        let mut command = scene.command(arguments[0]);
        let (ended, out, err) = said(command.args(&arguments[1..]));
        assert_eq!((ended, out.as_str()), (Some(code), ""), "{err}");
        has(&err, words);
    }
    assert!(files(scene) == before, "{words:?}: something was changed");
}

#[test]
fn what_is_not_understood_is_a_usage_error() {
    let scene = Scene::new();
    for (arguments, words) in [
        (&["status", "now"][..], "'now'"),
        (&["why"][..], "<USER>"),
        (&["why", "somebody"][..], "a user's id is a number"),
        (&["why", "0"][..], "a user's id is a number"),
        (&["why", "7", "here"][..], "a group's id is a number"),
        (&["why", "7", "-7"][..], "a group's id is a number"),
        (&["why", "7", "8", "9"][..], "'9'"),
    ] {
        let mut command = scene.command(arguments[0]);
        let (code, out, err) = said(command.args(&arguments[1..]));
        assert_eq!((code, out.as_str()), (Some(64), ""), "{arguments:?}");
        assert!(err.contains(words), "{words:?} is not in\n{err}");
    }
}
