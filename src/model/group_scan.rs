//! The state that decides when the list of a group's members is read, and the senders who are asked about.

use super::{AccessHash, ChannelId, GroupClass, ScanReason, Sender, Timestamp};

/// A group with everything that decides when its list of members is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupScan {
    pub group: ChannelId,
    pub access_hash: AccessHash,
    pub class: GroupClass,
    /// When this account entered the group.
    pub since: Timestamp,
    /// Members who joined before this time are of no interest: the program did not know the group then.
    pub watched_from: Timestamp,
    pub administrators_known: bool,
    /// True if a join of the group is recorded.
    pub has_seen_join: bool,
    /// When `channels.getFullChannel` was last answered.
    pub full_at: Option<Timestamp>,
    /// True if `channels.getFullChannel` is due before its time.
    pub full_wanted: bool,
    pub member_count: Option<u32>,
    /// Joins that a rise of the member count shows and nothing else did.
    pub unexplained_joins: u32,
    /// The best reason for a scan, and since when it holds.
    pub wanted: Option<(ScanReason, Timestamp)>,
    pub scanned_at: Option<Timestamp>,
    /// The last scans for these reasons.
    pub gap_scanned_at: Option<Timestamp>,
    pub first_message_scanned_at: Option<Timestamp>,
    /// The time between two scans of a group of the class `scanned`, in seconds.
    pub period: i64,
    /// When a scan last found a join without a message.
    pub unseen_join_at: Option<Timestamp>,
    /// When Telegram last refused the date of a member.
    pub dates_refused_at: Option<Timestamp>,
    /// Since when the senders of a group are learned whose dates are refused.
    pub learning_since: Option<Timestamp>,
}

/// The change of a group's scans after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanRecord {
    /// The reason for which the group was scanned; `None` if its period was over.
    pub reason: Option<ScanReason>,
    pub at: Timestamp,
    /// The time until the next scan, in seconds.
    pub period: i64,
    /// True if the scan found a join without a message.
    pub found_unseen_join: bool,
}

/// A sender of whom nothing is known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingSender {
    pub group: ChannelId,
    pub sender: Sender,
}
