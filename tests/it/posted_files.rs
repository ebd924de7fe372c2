//! Posts of every kind, in both kinds of files.
//!
//! If the environment names a directory in `POSTED_FILES`, the tests write each post into it, together with what the
//! files must hold. tests/interop/consumers.sh lets foreign programs open them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use telegram_sim::{JoinKind, OTHER_DC, PhotoSpec, Post, UserSpec, bot_api_id};

use crate::harness::{Scene, fixture, open_file, read_file, user_with_photo};

const WORD_LISTS: [&str; 5] = [
    "nm_words",
    "bio_words",
    "ban_words",
    "ad_words",
    "con_words",
];

#[test]
fn every_sealed_file_of_a_classic_fleet_opens() {
    // Four photos, nine lists, the hits of five lists of rules, and the figures.
    post_everything("sealed", "classic", 19);
}

#[test]
fn every_python_file_of_the_current_fleet_opens() {
    // The answer to version / ask has a file, too.
    post_everything("python", "current", 20);
}

fn post_everything(files: &str, dialect: &str, count: usize) {
    let mut scene = Scene::new();
    let lines = format!("dialect = {dialect:?}\nfiles = {files:?}");
    scene.set("exchange", &lines);
    scene.start();
    let users = [
        PhotoSpec::jpeg().size(160, 160),
        PhotoSpec::jpeg().size(640, 640),
        PhotoSpec::jpeg().size(320, 240).dc(OTHER_DC),
        PhotoSpec::bytes(read_file(&fixture("avatar.jpg"))),
    ]
    .map(|photo| scene.sim.add_user(UserSpec::new("Joiner").photo(photo)));
    for user in users {
        scene.sim.join(scene.group, user, JoinKind::ByLink);
    }
    scene.wait_for_photos(users.len());
    let bad = scene.add_user();
    scene.obey("NOSPAM", "add", "bad", &json!({"id": bad, "type": "user"}));
    let except = json!({"the_id": users[0], "the_type": "long"});
    scene.obey("NOSPAM", "add", "except", &except);
    scene.wait_for_rows("SELECT 1 FROM excepted", 1);
    for list in WORD_LISTS {
        scene.update_rules(list, json!({"spam shop": 0, "群組": 0}));
    }
    let named = scene.sim.add_user(user_with_photo("A spam shop"));
    scene.sim.join(scene.group, named, JoinKind::ByLink);
    scene.wait_for_outcome(named, "named");
    let chat = bot_api_id(1_700_000_001);
    let ask = json!({"admin_id": 7, "message_id": 9, "group_id": chat});
    scene.obey("HIDE", "version", "ask", &ask);
    let ask = json!({"admin_id": 7, "message_id": 10});
    scene.obey("MANAGE", "status", "ask", &ask);
    scene.obey("REGEX", "regex", "count", &json!("ask"));
    scene.obey("MANAGE", "backup", "now", &Value::Null);
    // Posts of lists are 5 seconds apart, which is long for one wait.
    for count in [count - 5, count] {
        scene.wait_for(&format!("{count} files"), |world| {
            let posts = world.posts(scene.hide);
            let files = posts.iter().filter(|post| post.by_account);
            files.filter(|post| post.file.is_some()).count() >= count
        });
    }
    scene.wait_until_settled();
    let posts = scene.sim.posts(scene.hide).into_iter();
    let posts: Vec<Post> = posts.filter(|post| post.by_account).collect();
    let with_file: Vec<_> = posts.iter().filter_map(|post| post.file.as_ref()).collect();
    assert_eq!(with_file.len(), count);
    for file in with_file {
        open_file(&file.bytes);
    }
    if let Some(directory) = std::env::var_os("POSTED_FILES") {
        let directory = Path::new(&directory).join(files);
        fs::create_dir_all(&directory).expect("a directory");
        for user in users {
            let path = directory.join(format!("{user}.jpg"));
            fs::write(path, scene.sim.photo_bytes(user)).expect("written");
        }
        let group = bot_api_id(scene.group);
        let expected = json!({
            "count": count,
            "group": group,
            "user_ids": users,
            "photo_ids": users.map(|user| scene.sim.photo_id(user)),
            "bad": bad,
            "owner": scene.sim.owner(),
            "words": {"spam shop": 0, "群組": 0},
            "nm_words": {"spam shop": 1, "群組": 0},
        });
        fs::write(directory.join("expected.json"), expected.to_string()).expect("written");
        for post in &posts {
            write_post(&directory, post);
        }
    }
    scene.finish();
}

/// Writes `ID.post.json` with text and entities, and the file, if there is one, to `ID.bin`.
fn write_post(directory: &Path, post: &Post) {
    let entities: Vec<Value> = post
        .entities
        .iter()
        .map(|entity| {
            let shown = format!("{entity:?}");
            let kind = shown.split('(').next();
            json!({"type": kind, "offset": entity.offset(), "length": entity.length()})
        })
        .collect();
    let json = json!({"text": post.text, "entities": entities});
    let path = directory.join(format!("{}.post.json", post.id));
    fs::write(path, json.to_string()).expect("written");
    if let Some(file) = &post.file {
        let path = directory.join(format!("{}.bin", post.id));
        fs::write(path, &file.bytes).expect("written");
    }
}
