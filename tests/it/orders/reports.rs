//! Each report that the program posts, in both dialects (docs/exchange.md, "Reports").

use scp_079_avatar::exchange::format_data;
use serde_json::{Value, json};
use telegram_sim::{JoinKind, bot_api_id};

use crate::harness::{Envelope, Scene};

/// The debug channel to which HIDE is asked to report the orders of MANAGE.
const DEBUG: i64 = -1_001_700_000_009;
/// The chat that asks for the version.
const CHAT: i64 = -1_001_700_000_001;

/// A report: the order that causes it, and the envelope in each dialect.
struct Row {
    name: &'static str,
    /// The sender, the action, the type and the data.
    order: Option<(&'static str, &'static str, &'static str, Value)>,
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
    vec![
        Row {
            name: "service start",
            order: None,
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
            order: None,
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
            order: Some(("MANAGE", "backup", "now", Value::Null)),
            to: "BACKUP",
            action: "backup",
            classic: ("pickle", json!("nm_words")),
            current: ("backup", "data", json!("nm_words")),
            has_file: [true, true],
        },
        Row {
            name: "21:00 daily, or asked",
            order: Some(("REGEX", "regex", "count", json!("ask"))),
            to: "REGEX",
            action: "regex",
            classic: count_classic,
            current: count_current,
            has_file: [true, true],
        },
        Row {
            name: "version asked",
            order: Some((
                "HIDE",
                "version",
                "ask",
                json!({"admin_id": 7, "message_id": 9, "group_id": CHAT}),
            )),
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
            order: Some((
                "MANAGE",
                "status",
                "ask",
                json!({"admin_id": 7, "message_id": 9}),
            )),
            to: "MANAGE",
            action: "status",
            classic: status_classic,
            current: status_current,
            has_file: [true, true],
        },
        Row {
            name: "an order of MANAGE was carried out",
            order: Some((
                "MANAGE",
                "clear",
                "except",
                json!({"admin_id": 7, "type": "long"}),
            )),
            to: "HIDE",
            action: "help",
            classic: ("send", json!(DEBUG)),
            current: (
                "help",
                "send",
                json!({"chat_id": DEBUG, "message_id": null}),
            ),
            has_file: [true, true],
        },
    ]
}

#[test]
fn each_report_is_posted_once_in_both_dialects_whichever_channel_has_the_order() {
    for (dialect, is_copied) in [
        ("classic", false),
        ("classic", true),
        ("current", false),
        ("current", true),
    ] {
        let index = usize::from(dialect == "current");
        let mut scene = Scene::new();
        let exchange = scene.add_exchange();
        // A copied order is posted in EXCHANGE, and then in HIDE.
        let channels = if is_copied {
            vec![exchange, scene.hide]
        } else {
            vec![scene.hide]
        };
        scene.set("channels", &format!("debug_channel_id = {DEBUG}"));
        scene.set("exchange", &format!("dialect = \"{dialect}\""));
        scene.set("schedule", "status = \"* * * * * *\"");
        scene.start();
        scene.update_rules("nm_words", json!({"a rule": 0}));
        for row in rows() {
            if let Some((from, action, kind, data)) = &row.order {
                let text = format_data(from, &["AVATAR"], action, kind, data);
                for (index, channel) in channels.iter().enumerate() {
                    let message = scene.post_text(*channel, &text, None);
                    let verdict = if index == 0 { "obeyed" } else { "copy" };
                    scene.wait_for_verdict_in(*channel, message, verdict);
                }
            }
            let (action, kind, data) = match dialect {
                "classic" => (row.action, row.classic.0, &row.classic.1),
                _ => (row.current.0, row.current.1, &row.current.2),
            };
            let found = || -> Vec<Envelope> {
                let mut envelopes = scene.envelopes_in(exchange, action, kind);
                envelopes.retain(|found| {
                    found.json["data"] == *data && found.json["to"] == json!([row.to])
                });
                envelopes
            };
            // The debug channel has the backup, too.
            let expected = if action == "help" && row.action == "help" {
                2
            } else {
                1
            };
            scene.poll(&format!("{:?} in {dialect}", row.name), || {
                found().len() >= expected
            });
            if row.order.is_some() {
                assert_eq!(found().len(), expected, "{}", row.name);
            }
            let envelope = found().remove(0);
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
