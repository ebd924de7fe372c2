//! Each report that the program posts, in both dialects (docs/exchange.md, "Reports").

use serde_json::{Value, json};
use telegram_sim::{JoinKind, bot_api_id};

use crate::harness::Scene;

/// The debug channel to which HIDE is asked to report the orders of MANAGE.
const DEBUG: i64 = -1_001_700_000_009;
/// The chat that asks for the version.
const CHAT: i64 = -1_001_700_000_001;

/// A report: its cause, and the envelope in each dialect.
struct Row {
    name: &'static str,
    cause: fn(&Scene),
    to: &'static str,
    action: &'static str,
    classic: (&'static str, Value),
    current: (&'static str, &'static str, Value),
    has_file: [bool; 2],
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
            cause: |_| {},
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
            cause: |_| {},
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
            cause: |scene| {
                scene.order("MANAGE", "backup", "now", &Value::Null);
            },
            to: "BACKUP",
            action: "backup",
            classic: ("pickle", json!("nm_words")),
            current: ("backup", "data", json!("nm_words")),
            has_file: [true, true],
        },
        Row {
            name: "21:00 daily, or asked",
            cause: |scene| {
                scene.order("REGEX", "regex", "count", &json!("ask"));
            },
            to: "REGEX",
            action: "regex",
            classic: count_classic,
            current: count_current,
            has_file: [true, true],
        },
        Row {
            name: "version asked",
            cause: |scene| {
                let data = json!({"admin_id": 7, "message_id": 9, "group_id": CHAT});
                scene.order("HIDE", "version", "ask", &data);
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
            cause: |scene| {
                let data = json!({"admin_id": 7, "message_id": 9});
                scene.order("MANAGE", "status", "ask", &data);
            },
            to: "MANAGE",
            action: "status",
            classic: status_classic,
            current: status_current,
            has_file: [true, true],
        },
        Row {
            name: "an order of MANAGE was carried out",
            cause: |scene| {
                let data = json!({"admin_id": 7, "type": "long"});
                scene.order("MANAGE", "clear", "except", &data);
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
fn each_report_is_posted_in_both_dialects() {
    for (index, dialect) in ["classic", "current"].into_iter().enumerate() {
        let mut scene = Scene::new();
        let exchange = scene.add_exchange();
        scene.set("channels", &format!("debug_channel_id = {DEBUG}"));
        scene.set("exchange", &format!("dialect = \"{dialect}\""));
        scene.set("schedule", "status = \"* * * * * *\"");
        scene.start();
        scene.update_rules("nm_words", json!({"a rule": 0}));
        for row in rows() {
            (row.cause)(&scene);
            let (action, kind, data) = match dialect {
                "classic" => (row.action, row.classic.0, &row.classic.1),
                _ => (row.current.0, row.current.1, &row.current.2),
            };
            let found = || {
                scene
                    .envelopes_in(exchange, action, kind)
                    .into_iter()
                    .find(|found| {
                        found.json["data"] == *data && found.json["to"] == json!([row.to])
                    })
            };
            scene.poll(&format!("{:?} in {dialect}", row.name), || {
                found().is_some()
            });
            let envelope = found().expect("found above");
            assert_eq!(envelope.json["from"], "AVATAR", "{}", row.name);
            assert_eq!(
                envelope.post.file.is_some(),
                row.has_file[index],
                "{}",
                row.name
            );
        }
        // The envelopes of a photo and of an unreachable EXCHANGE are the same in both dialects.
        let user = scene.add_user();
        let message = scene.sim.join(scene.group, user, JoinKind::ByLink);
        let photos = || scene.envelopes_in(exchange, "update", "avatar");
        scene.poll("a photo", || photos().len() == 1);
        let data = json!({
            "group_id": bot_api_id(scene.group), "user_id": user, "message_id": message
        });
        assert_eq!(photos()[0].json["data"], data);
        scene.sim.set_can_post(exchange, false);
        scene.poll("EXCHANGE unreachable", || {
            scene
                .envelopes_in(scene.hide, "backup", "hide")
                .iter()
                .any(|found| {
                    found.json["from"] == "HIDE"
                        && found.json["to"] == json!(["EMERGENCY"])
                        && found.json["data"] == json!(true)
                        && found.post.file.is_none()
                })
        });
        scene.finish();
    }
}
