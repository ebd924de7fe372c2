//! What AVATAR says (SPEC §5.3), in both dialects.

use serde::Serialize;

use super::format_data;
use crate::config::Dialect;
use crate::model::{ChannelId, MessageId, UserId};

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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn status_is_said_in_both_dialects() {
        let classic = status(Dialect::Classic, Status::Awake, true);
        assert!(classic.ends_with("\"data\": \"awake\"\n}"), "{classic}");
        let current = status(Dialect::Current, Status::Online, true);
        assert!(
            current.ends_with(
                "\"data\": {\n        \"type\": \"online\",\n        \"backup\": true\n    }\n}"
            ),
            "{current}"
        );
    }
}
