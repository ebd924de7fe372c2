//! The reports that AVATAR sends, in both dialects. Each function returns the text of an envelope, or of the file
//! that goes with it.

use fleet_exchange::format_data;
use serde::Serialize;

use super::OWN_NAME;
use crate::config::Dialect;
use crate::model::{ChannelId, MessageId, UserId};
use crate::version::{COMMIT, COMMIT_DATE, VERSION};

/// The kind of a status report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub enum StatusKind {
    /// The service has started.
    Online,
    /// The service is still running.
    Awake,
}

/// The administrator who asked for a report, and the message with the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Asker {
    pub admin_id: i64,
    pub message_id: i64,
}

/// The answer to HIDE's question for the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionReport {
    pub envelope: String,
    /// The text that goes with the envelope as a file.
    pub file: Option<String>,
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
    format_data(OWN_NAME, &["NOSPAM"], "update", "avatar", &data)
}

/// A status report, for BACKUP. `backup` is true for a standby replica.
#[must_use]
pub fn status(dialect: Dialect, status: StatusKind, backup: bool) -> String {
    #[derive(Serialize)]
    struct Data {
        r#type: &'static str,
        backup: bool,
    }
    let to = &["BACKUP"];
    let status = status.into_str();
    match dialect {
        Dialect::Classic => format_data(OWN_NAME, to, "backup", "status", &status),
        Dialect::Current => {
            let data = Data {
                r#type: status,
                backup,
            };
            format_data(OWN_NAME, to, "backup", "status", &data)
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
    format_data(OWN_NAME, &["BACKUP"], "backup", kind, &list)
}

/// The caption of the hit counts of a rule list, for REGEX.
#[must_use]
pub fn count(list: &str) -> String {
    format_data(OWN_NAME, &["REGEX"], "regex", "count", &list)
}

/// The answer to HIDE's question for the version.
///
/// In `current` HIDE sends a text to `chat`, the group of the question. If the question did not name a group, the
/// answer is the one of `classic`.
#[must_use]
pub fn version(dialect: Dialect, asker: Asker, chat: Option<ChannelId>) -> VersionReport {
    #[derive(Serialize)]
    struct Data {
        #[serde(flatten)]
        asker: Asker,
        version: &'static str,
    }
    if let (Dialect::Current, Some(chat)) = (dialect, chat) {
        return VersionReport {
            envelope: send(chat, Some(asker.message_id)),
            file: Some(format!(
                "Project: SCP-079-AVATAR\nVersion: {VERSION}\nCommit: {COMMIT}\nCommit date: {COMMIT_DATE}\n"
            )),
        };
    }
    let data = Data {
        asker,
        version: VERSION,
    };
    VersionReport {
        envelope: format_data(OWN_NAME, &["HIDE"], "version", "reply", &data),
        file: None,
    }
}

/// The caption of the answer to MANAGE's question for the status.
#[must_use]
pub fn status_reply(asker: Asker) -> String {
    format_data(OWN_NAME, &["MANAGE"], "status", "reply", &asker)
}

/// The caption of a debug report: asks HIDE to send the report's file to the debug channel.
#[must_use]
pub fn debug(dialect: Dialect, channel: ChannelId) -> String {
    match dialect {
        Dialect::Classic => format_data(OWN_NAME, &["HIDE"], "help", "send", &channel.bot_api()),
        Dialect::Current => send(channel, None),
    }
}

/// The file of a debug report: the action, and the administrator who ordered it.
#[must_use]
pub fn debug_text(admin: Option<i64>, action: &str) -> String {
    let admin = admin.map_or_else(|| "MANAGE".to_owned(), |admin| admin.to_string());
    format!("Project: SCP-079-AVATAR\nAdmin: {admin}\nAction: {action}\n")
}

/// The order to all bots, in HIDE's name, to use HIDE from here on.
#[must_use]
pub fn emergency() -> String {
    format_data("HIDE", &["EMERGENCY"], "backup", "hide", &true)
}

/// Asks HIDE to send the file of the post to a chat.
fn send(chat: ChannelId, message_id: Option<i64>) -> String {
    #[derive(Serialize)]
    struct Data {
        chat_id: i64,
        message_id: Option<i64>,
    }
    let data = Data {
        chat_id: chat.bot_api(),
        message_id,
    };
    format_data(OWN_NAME, &["HIDE"], "help", "send", &data)
}

#[cfg(test)]
mod tests {
    use fleet_exchange::Envelope;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_caption_of_a_photo_is_the_one_that_nospam_expects() {
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
    fn each_report_has_its_form_in_both_dialects() {
        let asker = Asker {
            admin_id: 7,
            message_id: 9,
        };
        let chat = ChannelId::from_bare(1_234_567_890);
        let id = chat.bot_api();
        let (classic, current) = (Dialect::Classic, Dialect::Current);
        let version_reply = json!({"admin_id": 7, "message_id": 9, "version": VERSION});
        let version = |dialect, chat| version(dialect, asker, chat).envelope;
        for (text, to, names, data) in [
            (
                status(classic, StatusKind::Awake, true),
                "BACKUP",
                ("backup", "status"),
                json!("awake"),
            ),
            (
                status(current, StatusKind::Online, true),
                "BACKUP",
                ("backup", "status"),
                json!({"type": "online", "backup": true}),
            ),
            (
                backup(classic, "bad_ids"),
                "BACKUP",
                ("backup", "pickle"),
                json!("bad_ids"),
            ),
            (
                backup(current, "bad_ids"),
                "BACKUP",
                ("backup", "data"),
                json!("bad_ids"),
            ),
            (
                count("nm_words"),
                "REGEX",
                ("regex", "count"),
                json!("nm_words"),
            ),
            (
                version(classic, Some(chat)),
                "HIDE",
                ("version", "reply"),
                version_reply.clone(),
            ),
            (
                version(current, Some(chat)),
                "HIDE",
                ("help", "send"),
                json!({"chat_id": id, "message_id": 9}),
            ),
            (
                version(current, None),
                "HIDE",
                ("version", "reply"),
                version_reply,
            ),
            (
                status_reply(asker),
                "MANAGE",
                ("status", "reply"),
                json!({"admin_id": 7, "message_id": 9}),
            ),
            (debug(classic, chat), "HIDE", ("help", "send"), json!(id)),
            (
                debug(current, chat),
                "HIDE",
                ("help", "send"),
                json!({"chat_id": id, "message_id": null}),
            ),
            (emergency(), "EMERGENCY", ("backup", "hide"), json!(true)),
        ] {
            let envelope = Envelope::parse(&text).expect("an envelope");
            assert_eq!(envelope.to, [to], "{text}");
            assert_eq!((&*envelope.action, &*envelope.kind), names, "{text}");
            assert_eq!(envelope.data, data, "{text}");
            let sender = if to == "EMERGENCY" { "HIDE" } else { OWN_NAME };
            assert_eq!(envelope.from, sender, "{text}");
        }
    }

    #[test]
    fn a_version_report_has_a_file_only_if_hide_sends_it_to_a_chat() {
        let asker = Asker {
            admin_id: 7,
            message_id: 9,
        };
        let chat = Some(ChannelId::from_bare(1_234_567_890));
        let report = version(Dialect::Current, asker, chat);
        assert!(report.file.is_some_and(|text| text.contains(VERSION)));
        assert_eq!(version(Dialect::Classic, asker, chat).file, None);
        assert_eq!(version(Dialect::Current, asker, None).file, None);
    }
}
