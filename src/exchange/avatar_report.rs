//! Reads the report of a photo that AVATAR posted: this instance, or another one that does the same job with another
//! account.

use fleet_exchange::Envelope;
use serde_json::Value;

use super::OWN_NAME;
use crate::model::{ChannelId, MessageId, UserId};

/// The report of a new member's photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvatarReport {
    pub group: ChannelId,
    pub user: UserId,
    /// The message of the join; 0 if the report names none.
    pub message: MessageId,
}

impl AvatarReport {
    /// Returns the report, if the envelope is one.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Option<Self> {
        let names = (&*envelope.from, &*envelope.action, &*envelope.kind);
        if names != (OWN_NAME, "update", "avatar") {
            return None;
        }
        let number = |key: &str| envelope.data.get(key).and_then(Value::as_i64);
        Some(Self {
            group: ChannelId::from_bot_api(number("group_id")?)?,
            user: UserId::new(number("user_id").filter(|id| *id > 0)?),
            message: MessageId::new(i32::try_from(number("message_id")?).ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exchange::{format_data, reports};

    #[test]
    fn a_report_that_avatar_wrote_is_read_again() {
        for message in [0, 42] {
            let report = AvatarReport {
                group: ChannelId::from_bare(1_234_567_890),
                user: UserId::new(5_000_000_001),
                message: MessageId::new(message),
            };
            let text = reports::avatar(report.group, report.user, report.message);
            let envelope = Envelope::parse(&text).expect("an envelope");
            assert_eq!(AvatarReport::of(&envelope), Some(report));
        }
    }

    #[test]
    fn other_envelopes_are_no_reports_of_photos() {
        let right = json!({"group_id": -1_001_234_567_890_i64, "user_id": 5, "message_id": 4});
        let text = |from, kind, data| format_data(from, &["NOSPAM"], "update", kind, data);
        for text in [
            text("NOSPAM", "avatar", &right),
            text("AVATAR", "score", &right),
            text("AVATAR", "avatar", &json!("right")),
            text(
                "AVATAR",
                "avatar",
                &json!({"group_id": 5, "user_id": 5, "message_id": 4}),
            ),
            text(
                "AVATAR",
                "avatar",
                &json!({"group_id": -1_001_234_567_890_i64, "user_id": -5, "message_id": 4}),
            ),
        ] {
            let envelope = Envelope::parse(&text).expect("an envelope");
            assert_eq!(AvatarReport::of(&envelope), None, "{text}");
        }
    }
}
