//! Supergroups and broadcast channels as Telegram's list of dialogs shows them.

use serde::Serialize;

use super::{AccessHash, ChannelId, MessageId, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// A supergroup.
    Group,
    /// A broadcast channel, such as HIDE and EXCHANGE.
    Broadcast,
    /// A gigagroup or a monoforum. Neither is a group for this program: members do not join them as they join a group.
    Unsupported,
}

/// The way in which a group shows its joins (docs/promises.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::EnumString, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum GroupClass {
    /// Joins have messages, as far as is known.
    Announced,
    /// The group is not watched: it is a gigagroup or a monoforum.
    None,
}

impl GroupClass {
    /// Parses the word of `state.db`. An unknown word, which a newer version wrote, counts as `Announced`.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        word.parse().unwrap_or(Self::Announced)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: ChannelId,
    pub access_hash: AccessHash,
    pub kind: ChannelKind,
    /// Private: never logged above debug.
    pub title: String,
    /// True if this account may post there.
    pub can_post: bool,
    /// When this account joined the channel.
    pub since: Timestamp,
    pub pts: i32,
    pub top_message: MessageId,
}
