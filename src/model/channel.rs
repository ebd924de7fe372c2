//! Supergroups and broadcast channels as Telegram's list of dialogs shows them.

use super::{AccessHash, ChannelId, MessageId, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// A supergroup.
    Group,
    /// A broadcast channel, such as HIDE and EXCHANGE.
    Broadcast,
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
