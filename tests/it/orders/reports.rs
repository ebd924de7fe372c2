//! The table of SPEC §5.3: each report, in both dialects, said by the running binary.

use serde_json::{Value, json};
use telegram_sim::{How, bot_api_id};

use super::{order, said_in, update_rules};
use crate::harness::{Scene, somebody};

/// Where HIDE is asked to report MANAGE's orders in these tests.
const DEBUG: i64 = -1_001_700_000_009;
/// The chat that asks for the version.
const CHAT: i64 = -1_001_700_000_001;

/// A row of the table: what brings the report about, and what it then says.
struct Row {
    name: &'static str,
    bring_about: fn(&Scene),
    to: &'static str,
    action: &'static str,
    classic: (&'static str, Value),
    current: (&'static str, &'static str, Value),
    has_file: [bool; 2],
}

fn ask(scene: &Scene, from: &str, action: &str, kind: &str, data: &Value) {
    order(scene, from, &["AVATAR"], action, kind, data);
}

fn rows() -> Vec<Row> {
    let same = |kind: &'static str, action: &'static str, data: &Value| {
        ((kind, data.clone()), (action, kind, data.clone()))
    };
    let asker = json!({"admin_id": 7, "message_id": 9});
    let (status_classic, status_current) = same("reply", "status", &asker);
    let (count_classic, count_current) = same("count", "regex", &json!("nm_words"));
    let (debug_classic, debug_current) = same(
        "send",
        "help",
        &json!({"chat_id": DEBUG, "message_id": null}),
    );
    vec![
        Row {
            name: "service start",
            bring_about: |_| {},
            to: "BACKUP",
            action: "backup",
            classic: ("status", json!("online")),
            current: (
                "backup",
                "status",
                json!({"type": "online", "backup": false}),
            ),
            has_file: [false, false],
        },
        Row {
            name: "minute 30 of every hour",
            bring_about: |_| {},
            to: "BACKUP",
            action: "backup",
            classic: ("status", json!("awake")),
            current: (
                "backup",
                "status",
                json!({"type": "awake", "backup": false}),
            ),
            has_file: [false, false],
        },
        Row {
            name: "20:00 daily, or ordered",
            bring_about: |scene| ask(scene, "MANAGE", "backup", "now", &Value::Null),
            to: "BACKUP",
            action: "backup",
            classic: ("pickle", json!("nm_words")),
            current: ("backup", "data", json!("nm_words")),
            has_file: [true, true],
        },
        Row {
            name: "21:00 daily, or asked",
            bring_about: |scene| ask(scene, "REGEX", "regex", "count", &json!("ask")),
            to: "REGEX",
            action: "regex",
            classic: count_classic,
            current: count_current,
            has_file: [true, true],
        },
        Row {
            name: "version asked",
            bring_about: |scene| {
                let data = json!({"admin_id": 7, "message_id": 9, "group_id": CHAT});
                ask(scene, "HIDE", "version", "ask", &data);
            },
            to: "HIDE",
            action: "version",
            classic: (
                "reply",
                json!({"admin_id": 7, "message_id": 9, "version": scp_079_avatar::version::VERSION}),
            ),
            current: ("help", "send", json!({"chat_id": CHAT, "message_id": 9})),
            has_file: [false, true],
        },
        Row {
            name: "status asked",
            bring_about: |scene| {
                let data = json!({"admin_id": 7, "message_id": 9});
                ask(scene, "MANAGE", "status", "ask", &data);
            },
            to: "MANAGE",
            action: "status",
            classic: status_classic,
            current: status_current,
            has_file: [true, true],
        },
        Row {
            name: "an order of MANAGE was carried out",
            bring_about: |scene| {
                let data = json!({"admin_id": 7, "type": "long"});
                ask(scene, "MANAGE", "clear", "except", &data);
            },
            to: "HIDE",
            action: "help",
            classic: debug_classic,
            current: debug_current,
            has_file: [true, true],
        },
    ]
}

#[test]
fn each_report_is_said_in_both_dialects() {
    for (index, dialect) in ["classic", "current"].into_iter().enumerate() {
        let mut scene = Scene::new();
        let exchange = scene.exchange();
        scene.set("channels", &format!("debug_channel_id = {DEBUG}"));
        scene.set("exchange", &format!("dialect = \"{dialect}\""));
        scene.set("schedule", "status = \"* * * * * *\"");
        scene.start();
        update_rules(&scene, "nm_words", json!({"a rule": 0}));
        for row in rows() {
            (row.bring_about)(&scene);
            let (action, kind, data) = match dialect {
                "classic" => (row.action, row.classic.0, &row.classic.1),
                _ => (row.current.0, row.current.1, &row.current.2),
            };
            let found = || {
                said_in(&scene, exchange, action, kind)
                    .into_iter()
                    .find(|(said, _)| said["data"] == *data && said["to"] == json!([row.to]))
            };
            scene.poll(&format!("{:?} in {dialect}", row.name), || {
                found().is_some()
            });
            let (said, post) = found().expect("it was there");
            assert_eq!(said["from"], "AVATAR", "{}", row.name);
            assert_eq!(post.file.is_some(), row.has_file[index], "{}", row.name);
        }
        // A photo, and EXCHANGE unreachable: these two are of one form in both dialects.
        let user = scene.sim.add_user(somebody("Joiner"));
        let message = scene.sim.join(scene.group, user, How::ByLink);
        let photos = || said_in(&scene, exchange, "update", "avatar");
        scene.poll("a photo", || photos().len() == 1);
        let data = json!({
            "group_id": bot_api_id(scene.group), "user_id": user, "message_id": message
        });
        assert_eq!(photos()[0].0["data"], data);
        scene.sim.set_can_post(exchange, false);
        scene.poll("EXCHANGE unreachable", || {
            said_in(&scene, scene.hide, "backup", "hide")
                .iter()
                .any(|(said, post)| {
                    said["from"] == "HIDE"
                        && said["to"] == json!(["EMERGENCY"])
                        && said["data"] == json!(true)
                        && post.file.is_none()
                })
        });
        scene.finish();
    }
}
