//! What AVATAR says (SPEC §5.3), in both dialects. Each function gives a whole envelope.

use serde::Serialize;

use super::format_data;
use crate::config::Dialect;
use crate::model::{ChannelId, MessageId, UserId};
use crate::version::{COMMIT, COMMIT_DATE, VERSION};

/// This program's name in the fleet.
const AVATAR: &str = "AVATAR";

/// What a status report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The service has started.
    Online,
    /// It is still there.
    Awake,
}

impl Status {
    /// Returns the fleet's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Awake => "awake",
        }
    }
}

/// Who asked, and under which message: `{admin_id, message_id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Asker {
    /// The administrator.
    pub admin_id: i64,
    /// The message that asked.
    pub message_id: i64,
}

/// Where HIDE is to send a text.
#[derive(Serialize)]
struct Destination {
    chat_id: i64,
    message_id: Option<i64>,
}

/// The caption of a new member's photo, for NOSPAM. `message` is the join's service message.
#[must_use]
pub fn avatar(group: ChannelId, user: UserId, message: MessageId) -> String {
    #[derive(Serialize)]
    struct Data {
        group_id: i64,
        user_id: i64,
        message_id: i32,
    }
    let data = Data {
        group_id: group.bot_api(),
        user_id: user.get(),
        message_id: message.get(),
    };
    format_data(AVATAR, &["NOSPAM"], "update", "avatar", &data)
}

/// A status report, for BACKUP; `backup` says whether this instance is a standby replica.
#[must_use]
pub fn status(dialect: Dialect, status: Status, backup: bool) -> String {
    #[derive(Serialize)]
    struct Data {
        r#type: &'static str,
        backup: bool,
    }
    let to = &["BACKUP"];
    match dialect {
        Dialect::Classic => format_data(AVATAR, to, "backup", "status", &status.as_str()),
        Dialect::Current => {
            let data = Data {
                r#type: status.as_str(),
                backup,
            };
            format_data(AVATAR, to, "backup", "status", &data)
        }
    }
}

/// The caption of a list's backup, for BACKUP.
#[must_use]
pub fn backup(dialect: Dialect, list: &str) -> String {
    let kind = match dialect {
        Dialect::Classic => "pickle",
        Dialect::Current => "data",
    };
    format_data(AVATAR, &["BACKUP"], "backup", kind, &list)
}

/// The caption of a rule list's counts, for REGEX.
#[must_use]
pub fn count(list: &str) -> String {
    format_data(AVATAR, &["REGEX"], "regex", "count", &list)
}

/// The answer to HIDE's question for the version. In `current` it is a text for the chat that asked,
/// which [`version_text`] gives; without that chat the classic answer is all that can be given.
#[must_use]
pub fn version(dialect: Dialect, asker: Asker, chat: Option<ChannelId>) -> String {
    #[derive(Serialize)]
    struct Data {
        admin_id: i64,
        message_id: i64,
        version: &'static str,
    }
    match (dialect, chat) {
        (Dialect::Current, Some(chat)) => send(chat, Some(asker.message_id)),
        _ => {
            let data = Data {
                admin_id: asker.admin_id,
                message_id: asker.message_id,
                version: VERSION,
            };
            format_data(AVATAR, &["HIDE"], "version", "reply", &data)
        }
    }
}

/// Whether the version is answered by a text of its own.
#[must_use]
pub const fn version_is_a_text(dialect: Dialect, chat: Option<ChannelId>) -> bool {
    matches!(dialect, Dialect::Current) && chat.is_some()
}

/// The text that the version report brings in `current`.
#[must_use]
pub fn version_text() -> String {
    format!(
        "Project: SCP-079-AVATAR\nVersion: {VERSION}\nCommit: {COMMIT}\nCommit date: {COMMIT_DATE}\n"
    )
}

/// The caption of the answer to MANAGE's question for the status.
#[must_use]
pub fn status_reply(asker: Asker) -> String {
    format_data(AVATAR, &["MANAGE"], "status", "reply", &asker)
}

/// Asks HIDE to send the text that goes with it to the debug channel.
#[must_use]
pub fn debug(channel: ChannelId) -> String {
    send(channel, None)
}

/// The text of a debug report: what was done, and on whose word.
#[must_use]
pub fn debug_text(admin: Option<i64>, done: &str) -> String {
    let by = admin.map_or_else(|| "MANAGE".to_owned(), |admin| admin.to_string());
    format!("Project: SCP-079-AVATAR\nAdmin: {by}\nAction: {done}\n")
}

/// Tells every bot, in HIDE's name, to use HIDE from now on.
#[must_use]
pub fn emergency() -> String {
    format_data("HIDE", &["EMERGENCY"], "backup", "hide", &true)
}

fn send(chat: ChannelId, message_id: Option<i64>) -> String {
    let data = Destination {
        chat_id: chat.bot_api(),
        message_id,
    };
    format_data(AVATAR, &["HIDE"], "help", "send", &data)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn a_photo_is_announced_as_nospam_expects_it() {
        let text = avatar(
            ChannelId::from_bare(1_234_567_890),
            UserId::new(5_000_000_001),
            MessageId::new(42),
        );
        assert_eq!(
            text,
            "{\n    \"from\": \"AVATAR\",\n    \"to\": [\n        \"NOSPAM\"\n    ],\n    \"action\": \"update\",\n    \
             \"type\": \"avatar\",\n    \"data\": {\n        \"group_id\": -1001234567890,\n        \
             \"user_id\": 5000000001,\n        \"message_id\": 42\n    }\n}"
        );
    }

    #[test]
    fn each_report_is_said_in_both_dialects() {
        let asker = Asker {
            admin_id: 7,
            message_id: 9,
        };
        let chat = ChannelId::from_bare(1_234_567_890);
        let id = chat.bot_api();
        let classic = Dialect::Classic;
        let current = Dialect::Current;
        for (text, to, action, kind, data) in [
            (
                status(classic, Status::Awake, true),
                "BACKUP",
                "backup",
                "status",
                json!("awake"),
            ),
            (
                status(current, Status::Online, true),
                "BACKUP",
                "backup",
                "status",
                json!({"type": "online", "backup": true}),
            ),
            (
                backup(classic, "bad_ids"),
                "BACKUP",
                "backup",
                "pickle",
                json!("bad_ids"),
            ),
            (
                backup(current, "bad_ids"),
                "BACKUP",
                "backup",
                "data",
                json!("bad_ids"),
            ),
            (
                count("nm_words"),
                "REGEX",
                "regex",
                "count",
                json!("nm_words"),
            ),
            (
                version(classic, asker, Some(chat)),
                "HIDE",
                "version",
                "reply",
                json!({"admin_id": 7, "message_id": 9, "version": VERSION}),
            ),
            (
                version(current, asker, Some(chat)),
                "HIDE",
                "help",
                "send",
                json!({"chat_id": id, "message_id": 9}),
            ),
            (
                version(current, asker, None),
                "HIDE",
                "version",
                "reply",
                json!({"admin_id": 7, "message_id": 9, "version": VERSION}),
            ),
            (
                status_reply(asker),
                "MANAGE",
                "status",
                "reply",
                json!({"admin_id": 7, "message_id": 9}),
            ),
            (
                debug(chat),
                "HIDE",
                "help",
                "send",
                json!({"chat_id": id, "message_id": null}),
            ),
            (emergency(), "EMERGENCY", "backup", "hide", json!(true)),
        ] {
            let said = parsed(&text);
            assert_eq!(said["to"], json!([to]), "{text}");
            assert_eq!(said["action"], action, "{text}");
            assert_eq!(said["type"], kind, "{text}");
            assert_eq!(said["data"], data, "{text}");
        }
        assert_eq!(parsed(&emergency())["from"], "HIDE");
        assert!(version_text().contains(VERSION));
    }
}
