//! The parts of the overview. The fields are those of the JSON (docs/json-output.md).

use std::collections::BTreeMap;

use serde::Serialize;

use super::verdict::LEFT_GROUP_IS_TROUBLE;
use crate::decide::Coverage;
use crate::model::{ChannelId, GroupClass, MessageId, Timestamp, UserId, as_json};
use crate::store::statistics::{
    DroppedCount, FloodedGroup, GivenUp, GroupRecord, LimitedMethod, RefusedOrders, WaitingCount,
};

#[derive(Clone, Debug, Serialize)]
pub struct DeliveryOverview {
    /// `exchange` or `hide`.
    pub posts_go_to: &'static str,
    /// HIDE, as the last instance configured it.
    pub hide: Option<PrivateChannel>,
    /// EXCHANGE, as the last instance configured it.
    pub exchange: Option<PrivateChannel>,
    pub pace: PaceOverview,
    /// The part of the members that is this instance's own, as `K/N`, by the configuration.
    pub share: String,
}

/// The time between two posts.
#[derive(Clone, Debug, Serialize)]
pub struct PaceOverview {
    /// `adaptive` or `steady`.
    pub kind: String,
    /// The interval while few photos wait.
    pub interval_ms: u64,
    /// The interval in a raid, which an adaptive pace has learned for the channel that posts go to.
    pub learned_interval_ms: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PrivateChannel {
    #[serde(serialize_with = "as_json::channel")]
    pub id: ChannelId,
    /// The title, if the account was ever in the channel.
    pub title: Option<String>,
    /// True if the account is in the channel.
    pub present: bool,
    pub can_post: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct GroupOverview {
    #[serde(serialize_with = "as_json::channel")]
    pub id: ChannelId,
    pub title: String,
    /// True if the account is in the group.
    pub present: bool,
    /// The time since when the account is in the group, if known.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub since: Option<Timestamp>,
    /// When the program found that the account is not in the group any more.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub left_at: Option<Timestamp>,
    /// How many of the group's joins are seen.
    pub coverage: Coverage,
    /// The way in which the group shows its joins.
    pub class: GroupClass,
    /// The number of messages that could not be read.
    pub unreadable_messages: u64,
    /// The number of messages that were deleted before they were read.
    pub deleted_unread: u64,
    /// Joins that only a rise of the member count shows.
    pub unexplained_joins: u64,
    /// The time when the list of members was last read.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub scanned_at: Option<Timestamp>,
    /// The time when Telegram last refused the date of a member.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub dates_refused_at: Option<Timestamp>,
    /// True if joins there lead to photos: NOSPAM is an administrator, or need not be one, and it is a group of members.
    pub watched: bool,
    /// The joins since midnight, UTC.
    pub joins_today: u64,
    #[serde(serialize_with = "as_json::time_if_known")]
    pub last_join_at: Option<Timestamp>,
    /// The number of administrators; `None` if they were never read.
    pub administrators: Option<u64>,
    /// The time when the administrators were read.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub administrators_at: Option<Timestamp>,
    /// The newest message that was read.
    pub read_up_to: MessageId,
}

impl GroupOverview {
    /// Returns true if the account is not in the group any more, which the program found lately.
    #[must_use]
    pub fn is_left_lately(&self, now: Timestamp) -> bool {
        let left_at = self.left_at.filter(|_| !self.present);
        left_at.is_some_and(|at| now.get().saturating_sub(at.get()) <= LEFT_GROUP_IS_TROUBLE)
    }

    #[must_use]
    pub fn new(group: GroupRecord, nospam: Option<UserId>, now: Timestamp) -> Self {
        let signs = group.signs;
        Self {
            id: signs.group,
            title: group.title,
            present: signs.present,
            since: group.since,
            left_at: group.left_at,
            coverage: Coverage::judge(&signs, now),
            class: signs.class,
            unreadable_messages: signs.unreadable_messages,
            deleted_unread: signs.deleted_unread,
            unexplained_joins: signs.unexplained_joins,
            scanned_at: signs.scanned_at,
            dates_refused_at: signs.dates_refused_at,
            // The decision about a join treats a group with unknown administrators as watched, too.
            watched: signs.class != GroupClass::None
                && (nospam.is_none() || group.administrators_at.is_none() || group.has_nospam),
            joins_today: group.joins_today,
            last_join_at: group.last_join_at,
            administrators: group.administrators_at.map(|_| group.administrators),
            administrators_at: group.administrators_at,
            read_up_to: group.read_up_to,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct QueueOverview {
    /// The queued rows by class, state and age.
    pub waiting: Vec<WaitingCount>,
    /// The avatars among them of members who belong to other instances.
    pub others_avatars: u64,
    /// When the oldest avatar of an own member was enqueued.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub oldest_own_avatar_at: Option<Timestamp>,
    /// Joins whose user must be looked up first.
    pub joins_to_look_up: u64,
    /// Joins that wait for the end of their group's flood.
    pub joins_held: u64,
    /// Users whose photo goes on or off the exception list.
    pub exceptions_due: u64,
    /// The size of the waiting photos on disk.
    pub spool_bytes: u64,
    pub spool_max_bytes: u64,
    /// The posts of the last 24 hours by class.
    pub sent_24h: BTreeMap<String, u64>,
    /// The rows that were dropped in the last 24 hours.
    pub dropped_24h: Vec<DroppedCount>,
    /// The avatars of the last hour that were given up.
    pub given_up_1h: GivenUp,
    /// The avatars that were posted in the last hour.
    pub sent_avatars_1h: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct JobOverview {
    /// The name in `[schedule]`; `reset` is `reset_time` there.
    pub job: &'static str,
    /// The time of the last run.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub ran_at: Option<Timestamp>,
    /// The next due time.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub next_at: Option<Timestamp>,
    /// True if the due time is past and the program does not run.
    pub missed: bool,
    /// True if a missed run is caught up at the next start.
    #[serde(rename = "made_up_for")]
    pub catches_up: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct FloodOverview {
    /// Methods with a rate limit from Telegram.
    pub methods: Vec<LimitedMethod>,
    /// Groups for which CAPTCHA reported a group flood.
    pub groups: Vec<FloodedGroup>,
}

#[derive(Clone, Debug, Serialize)]
pub struct OrderOverview {
    /// The orders that were obeyed in the last 24 hours.
    pub obeyed_24h: u64,
    /// The orders that were refused in the last 24 hours.
    pub refused_24h: Vec<RefusedOrders>,
    /// The posts in HIDE and EXCHANGE that were no envelopes, since the first start.
    pub malformed_ever: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GroupSigns;

    #[test]
    fn a_group_without_nospam_is_not_watched_once_its_administrators_are_known() {
        let now = Timestamp::new(100);
        let nospam = Some(UserId::new(450));
        for (nospam, known, has_nospam, watched) in [
            (None, false, false, true),
            (None, true, false, true),
            (nospam, false, false, true),
            (nospam, true, false, false),
            (nospam, true, true, true),
        ] {
            let group = GroupRecord {
                signs: GroupSigns {
                    group: ChannelId::from_bare(5),
                    present: true,
                    class: GroupClass::Announced,
                    unreadable_messages: 0,
                    deleted_unread: 0,
                    unexplained_joins: 0,
                    scanned_at: None,
                    dates_refused_at: None,
                },
                title: String::new(),
                since: None,
                left_at: None,
                read_up_to: MessageId::new(1),
                administrators: 3,
                administrators_at: known.then_some(now),
                has_nospam,
                joins_today: 0,
                last_join_at: None,
            };
            let group = GroupOverview::new(group, nospam, now);
            assert_eq!(group.watched, watched, "{nospam:?} {known} {has_nospam}");
            assert_eq!(group.administrators, known.then_some(3));
        }
    }
}
