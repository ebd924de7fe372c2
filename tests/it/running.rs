//! The settings of a running daemon that only its posts, its connections and its log show: the device, the JSON log,
//! the sources of secrets, `zh_cn`, and the formatting of posts.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use scp_079_avatar::exchange::format_data;
use serde_json::{Value, json};
use telegram_sim::{JoinKind, Options, bot_api_id};

use crate::harness::{PASSWORD, Scene, assert_contains, output_of, user_with_photo};

/// The `api_hash` of a scene.
const API_HASH: &str = "0123456789abcdef0123456789abcdef";

/// Fails if the log has a secret of the scene.
#[track_caller]
fn assert_no_secret(log: &str) {
    for secret in [PASSWORD, API_HASH] {
        assert!(!log.contains(secret), "{secret:?} is in\n{log}");
    }
}

#[test]
fn the_configured_device_is_sent_to_every_data_centre() {
    let defaults = ["PC 64bit", "Windows 10", "4.16.8", "en"];
    let configured = ["Desktop", "Debian 13", "5.1.0", "de"];
    for (values, is_default) in [(defaults, true), (configured, false)] {
        let mut scene = Scene::with_photo_size(64);
        if !is_default {
            let [model, system, app, language] = values;
            scene.set(
                "telegram",
                &format!(
                    "device_model = {model:?}\nsystem_version = {system:?}\n\
                     app_version = {app:?}\nlang_code = {language:?}"
                ),
            );
        }
        scene.start();
        let devices = scene.sim.devices();
        assert!(!devices.is_empty());
        for device in devices {
            let sent = [
                &device.device_model,
                &device.system_version,
                &device.app_version,
                &device.lang_code,
            ];
            assert_eq!(sent, values);
            assert_eq!(device.system_lang_code, values[3]);
            assert_eq!(device.api_id, 1);
        }
        scene.finish();
    }
}

#[test]
fn each_line_of_the_json_log_is_an_object_and_has_no_secret() {
    let mut scene = Scene::with_photo_size(64);
    scene.set("log", "format = \"json\"\nlevel = \"trace\"");
    scene.start();
    scene.join_user();
    scene.wait_for_photos(1);
    scene.wait_until_settled();
    scene.stop();
    let log = scene.log();
    assert!(log.lines().count() > 5, "{log}");
    for line in log.lines() {
        let entry: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for text in [&entry["timestamp"], &entry["level"]] {
            assert!(text.is_string(), "{line}");
        }
        assert!(entry["fields"]["message"].is_string(), "{line}");
    }
    assert_no_secret(&log);
    scene.finish();
}

#[test]
fn the_daemon_takes_its_password_from_a_file_a_credential_or_the_environment() {
    for (source, named) in [
        ("file", "the file"),
        ("credential", "the systemd credential"),
        ("variable", "the environment variable"),
    ] {
        let mut scene = Scene::with_photo_size(64);
        let secrets = tempfile::tempdir().expect("a directory");
        let file = secrets.path().join("password");
        fs::write(&file, format!("{PASSWORD}\n")).expect("written");
        let command = |scene: &Scene, subcommand: &str| {
            let mut command = scene.command(subcommand);
            let written = format!("password = \"{PASSWORD}\"\n");
            let key = match source {
                "file" => format!("password_file = {file:?}\n"),
                _ => String::new(),
            };
            let text = fs::read_to_string(scene.config_path()).expect("a configuration");
            assert!(text.contains(&written));
            fs::write(scene.config_path(), text.replace(&written, &key)).expect("written");
            match source {
                "credential" => command.env("CREDENTIALS_DIRECTORY", secrets.path()),
                "variable" => command.env("SCP079_ENCRYPT_PASSWORD", PASSWORD),
                _ => &mut command,
            };
            command
        };
        let (code, out, err) = output_of(&mut command(&scene, "check"));
        assert_eq!(code, Some(0), "{err}");
        assert_contains(&out, &[named]);
        assert!(!out.contains(PASSWORD), "{out}");
        let run = command(&scene, "run");
        scene.launch_with(run);
        // A join counts only once the daemon watches the group.
        scene.wait_for_log("watching");
        let user = scene.join_user();
        // The harness opens each photo with the scene's password.
        assert_eq!(scene.wait_for_photos(1)[0].user, user);
        assert_no_secret(&scene.log());
        scene.finish();
    }
}

#[test]
fn traditional_and_simplified_chinese_are_the_same_with_zh_cn_only() {
    for zh_cn in [true, false] {
        let mut scene = Scene::with_photo_size(64);
        scene.set("custom", &format!("zh_cn = {zh_cn}"));
        scene.start();
        for (rule, name) in [("群组广告", "群組廣告"), ("電報頻道", "电报频道")] {
            scene.update_rules("nm_words", json!({rule: 0}));
            let user = scene.sim.add_user(user_with_photo(name));
            scene.sim.join(scene.group, user, JoinKind::ByLink);
            scene.wait_for_outcome(user, if zh_cn { "named" } else { "forwarded" });
        }
        scene.finish();
    }
}

#[test]
fn an_envelope_outside_of_hide_and_exchange_does_nothing() {
    // Pushes come at once and in their order.
    let mut scene = Scene::with_options(Options {
        photo_size: (64, 64),
        latest_push: Duration::ZERO,
        ..Options::default()
    });
    let test = scene.sim.add_group("TEST");
    scene.start();
    let member = scene.join_user();
    scene.wait_for_photos(1);
    let target = scene.add_user();
    let data = json!({"id": target, "type": "user"});
    let text = format_data("NOSPAM", &["AVATAR"], "add", "bad", &data);
    for group in [scene.group, test] {
        for sender in [member, scene.sim.owner()] {
            scene.sim.post(group, sender, &text, None);
            scene.sim.post(group, sender, "{\"from\": 1", None);
            scene.sim.forward(group, sender, scene.sim.owner(), &text);
        }
    }
    for sender in [member, scene.sim.owner()] {
        scene.sim.send_private_message(sender, &text);
        scene.sim.send_private_message(sender, "{\"from\": 1");
    }
    // The joins come after the messages, so that these were read before.
    for group in [scene.group, test] {
        scene.join_user_in(group);
    }
    scene.wait_for_photos(3);
    for table in ["orders", "bad"] {
        assert_eq!(scene.count(&format!("SELECT 1 FROM {table}")), 0, "{table}");
    }
    let malformed = "SELECT 1 FROM settings WHERE key = 'malformed' AND value != '0'";
    assert_eq!(scene.count(malformed), 0);
    scene.finish();
}

#[test]
fn every_post_is_formatted_whole_as_one_pre_entity() {
    let mut scene = Scene::with_photo_size(64);
    scene.set("exchange", "dialect = \"current\"");
    scene.start();
    scene.join_user();
    scene.wait_for_photos(1);
    let chat = bot_api_id(1_700_000_001);
    let ask = json!({"admin_id": 7, "message_id": 9, "group_id": chat});
    scene.obey("HIDE", "version", "ask", &ask);
    scene.wait_for_envelopes("help", "send", 1);
    scene.wait_until_settled();
    let posts = scene.sim.posts(scene.hide);
    let mut with_file = BTreeSet::new();
    for post in posts.iter().filter(|post| post.by_account) {
        with_file.insert(post.file.is_some());
        let [entity] = &post.entities[..] else {
            panic!("{post:?}");
        };
        assert!(format!("{entity:?}").starts_with("Pre("), "{post:?}");
        let length = i32::try_from(post.text.encode_utf16().count()).expect("short");
        let span = (entity.offset(), entity.length());
        assert_eq!(span, (0, length), "{post:?}");
    }
    assert_eq!(with_file, BTreeSet::from([false, true]));
    scene.finish();
}
