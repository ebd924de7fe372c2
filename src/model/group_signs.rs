//! The signs that tell how well the program sees a group's joins.

use super::{ChannelId, GroupClass, Timestamp};

/// The signs from which the coverage of a group follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSigns {
    pub group: ChannelId,
    /// True if the account is in the group.
    pub present: bool,
    pub class: GroupClass,
    /// The number of messages that could not be read.
    pub unreadable_messages: u64,
    /// The number of messages that were deleted before they were read.
    pub deleted_unread: u64,
    /// Joins that a rise of the member count shows and nothing else did.
    pub unexplained_joins: u64,
    /// When the list of members was last read.
    pub scanned_at: Option<Timestamp>,
    /// When Telegram last refused the date of a member.
    pub dates_refused_at: Option<Timestamp>,
}
