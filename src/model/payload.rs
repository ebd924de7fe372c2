//! The content of one outbox row: the message that it becomes.

use serde::{Deserialize, Serialize};

use super::{ChannelId, List, MessageId, Photo, UserId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// An envelope without a file.
    Envelope { purpose: Purpose, text: String },
    /// An envelope with a small file, whose content the row holds.
    File {
        purpose: Purpose,
        caption: String,
        content: Content,
    },
    /// An envelope with a whole list. The program reads the list when it makes the file.
    List { list: List, caption: String },
    /// The photo of a new member.
    Avatar(Avatar),
}

/// The reason for a report.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString, strum::Display,
)]
#[strum(serialize_all = "snake_case")]
pub enum Purpose {
    /// The program started.
    Online,
    /// The hourly status.
    Awake,
    /// HIDE asked for the version.
    Version,
    /// A text for people, such as the effect of an order. The stored word is `text`.
    #[strum(serialize = "text")]
    Notice,
    /// MANAGE asked for the status.
    StatusReply,
    /// The hit counts of one rule list.
    Count,
    /// EXCHANGE does not take posts.
    Emergency,
}

impl Purpose {
    /// Returns the word that `state.db` stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The content of a report's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// A text for people. The stored word is `text`.
    #[serde(rename = "text")]
    PlainText(String),
    /// Numbers by label: the hits of each rule, or the figures of the status.
    Counts {
        /// The rule list that is counted, or "status".
        list: String,
        counts: Vec<(String, u64)>,
    },
}

/// The photo of a new member, for one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avatar {
    pub group: ChannelId,
    pub user: UserId,
    /// The service message of the join, or [another id](MessageId::unseen).
    pub message: MessageId,
    pub photo: Photo,
    /// True if a recheck of the new member found the photo (docs/outcomes.md). `message` then names the join that
    /// the photo belongs to, and is not reported.
    pub recheck: bool,
}

impl Avatar {
    /// Returns the `message_id` of the report: 0 unless the photo was seen with the join.
    #[must_use]
    pub const fn reported_message(&self) -> MessageId {
        if self.recheck {
            MessageId::new(0)
        } else {
            self.message.or_zero()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PhotoId;

    #[test]
    fn a_recheck_and_a_join_without_a_message_report_none() {
        let mut avatar = Avatar {
            group: ChannelId::from_bare(10),
            user: UserId::new(2),
            message: MessageId::new(5),
            photo: Photo {
                id: PhotoId::new(7),
                dc: 2,
            },
            recheck: false,
        };
        assert_eq!(avatar.reported_message(), MessageId::new(5));
        avatar.recheck = true;
        assert_eq!(avatar.reported_message(), MessageId::new(0));
        avatar.recheck = false;
        avatar.message = MessageId::unseen(crate::model::Timestamp::new(9));
        assert_eq!(avatar.reported_message(), MessageId::new(0));
    }
}
