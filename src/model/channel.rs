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

/// The way in which a group shows its joins (docs/coverage.md).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum GroupClass {
    /// Joins have messages, as far as is known.
    Announced,
    /// Some joins have no message, so the list of members is read from time to time.
    Scanned,
    /// The group does not show its members.
    Hidden,
    /// The group is not watched: it is a gigagroup or a monoforum.
    None,
}

impl GroupClass {
    /// Returns the word that `state.db` stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Parses the word of `state.db`. An unknown word, which a newer version wrote, counts as `Announced`.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        word.parse().unwrap_or(Self::Announced)
    }
}

/// A reason to read a group's list of members before its time, the best first.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ScanReason {
    /// Messages were deleted before they were read. One of them may be a join.
    Gap,
    /// The member count rose by more than the joins that were seen.
    MemberCount,
    /// A user wrote a first message.
    FirstMessage,
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
    /// The number of members, where Telegram shows it.
    pub member_count: Option<u32>,
}
