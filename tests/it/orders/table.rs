//! Every order that the program obeys, with the data of a real one (docs/exchange.md, "Orders"). The table is written
//! out here, independently of the program's own.

use serde_json::{Value, json};

/// An order, with the bots that may post it and the bot that it is addressed to.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) senders: &'static [&'static str],
    pub(super) to: &'static str,
    pub(super) action: (&'static str, &'static str),
    pub(super) data: Value,
    pub(super) list: Option<&'static str>,
    /// A bot of the fleet that may not post it, and a part of the verdict that is then recorded.
    pub(super) refused: Option<(&'static str, &'static str)>,
}

pub(super) fn rows(group: i64, user: i64) -> Vec<Row> {
    let row = |name, senders, action, data| Row {
        name,
        senders,
        to: "AVATAR",
        action,
        data,
        list: None,
        refused: Some(("TIP", "may not order it")),
    };
    let manage: &[&str] = &["MANAGE"];
    vec![
        row(
            "add bad",
            &[
                "CLEAN", "LANG", "LONG", "NOFLOOD", "NOPORN", "NOSPAM", "RECHECK", "USER", "MANAGE",
            ],
            ("add", "bad"),
            json!({"id": user, "type": "user"}),
        ),
        row(
            "remove bad",
            &["MANAGE", "USER"],
            ("remove", "bad"),
            json!({"id": user, "type": "user"}),
        ),
        row(
            "add except",
            &["NOSPAM", "MANAGE"],
            ("add", "except"),
            json!({"the_id": user, "the_type": "long"}),
        ),
        row(
            "remove except",
            &["NOSPAM", "MANAGE"],
            ("remove", "except"),
            json!({"id": user, "type": "long"}),
        ),
        row(
            "update declare",
            &[
                "CAPTCHA", "CLEAN", "LANG", "LONG", "NOFLOOD", "NOPORN", "NOSPAM", "RECHECK",
            ],
            ("update", "declare"),
            json!({"group_id": group, "message_id": 900}),
        ),
        row(
            "declare ban",
            &["CAPTCHA", "RECHECK"],
            ("declare", "ban"),
            json!({"group_id": group, "message_id": 901}),
        ),
        row(
            "declare delete",
            &["CLEAN", "NOPORN"],
            ("declare", "delete"),
            json!({"group_id": group, "message_id": 902}),
        ),
        row(
            "flood begin",
            &["CAPTCHA"],
            ("flood", "status"),
            json!({"group_id": group, "status": "begin"}),
        ),
        row(
            "flood end",
            &["CAPTCHA"],
            ("flood", "status"),
            json!({"group_id": group, "status": "end"}),
        ),
        Row {
            to: "USER",
            // From other bots this is an order to USER that does not concern AVATAR.
            refused: None,
            ..row(
                "help delete",
                &["CAPTCHA"],
                ("help", "delete"),
                json!({"group_id": group, "user_id": user, "type": "global"}),
            )
        },
        row(
            "version ask",
            &["HIDE"],
            ("version", "ask"),
            json!({"admin_id": 7, "message_id": 9}),
        ),
        row("backup now", manage, ("backup", "now"), Value::Null),
        Row {
            list: Some("bad_ids"),
            ..row(
                "backup rollback",
                manage,
                ("backup", "rollback"),
                json!({"admin_id": 7, "type": "bad_ids"}),
            )
        },
        row(
            "clear bad",
            manage,
            ("clear", "bad"),
            json!({"admin_id": 7, "type": "channels"}),
        ),
        row(
            "clear except",
            manage,
            ("clear", "except"),
            json!({"admin_id": 7, "type": "long"}),
        ),
        row(
            "clear user",
            manage,
            ("clear", "user"),
            json!({"admin_id": 7, "type": "new"}),
        ),
        row("remove score", manage, ("remove", "score"), json!(user)),
        row("update refresh", manage, ("update", "refresh"), json!(7)),
        row(
            "status ask",
            manage,
            ("status", "ask"),
            json!({"admin_id": 7, "message_id": 9}),
        ),
        Row {
            list: Some("con_words"),
            ..row(
                "regex update",
                &["REGEX"],
                ("regex", "update"),
                json!("con_words"),
            )
        },
        row("regex count", &["REGEX"], ("regex", "count"), json!("ask")),
        Row {
            to: "EMERGENCY",
            refused: None,
            ..row(
                "backup hide",
                &["BACKUP", "TIP", "MANAGE"],
                ("backup", "hide"),
                json!(true),
            )
        },
        Row {
            to: "EMERGENCY",
            ..row(
                "backup hide, back",
                &["BACKUP", "MANAGE"],
                ("backup", "hide"),
                json!(false),
            )
        },
    ]
}
