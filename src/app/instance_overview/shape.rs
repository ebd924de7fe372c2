//! The parts of what `status` tells: the names of the fields are those of its JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::decide::Coverage;
use crate::model::{ChannelId, MessageId, Timestamp, UserId, said};
use crate::store::overview::{Dropped, Flooded, GroupSeen, Refused, Resting, Waiting};

/// Where posts go.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// `exchange` or `hide`.
    pub posts_go_to: &'static str,
    /// HIDE, as the last instance had it.
    pub hide: Option<Private>,
    /// EXCHANGE, as the last instance had it.
    pub exchange: Option<Private>,
}

/// A private channel.
#[derive(Clone, Debug, Serialize)]
pub struct Private {
    /// Its id.
    #[serde(serialize_with = "said::channel")]
    pub id: ChannelId,
    /// Its title, if the account was ever in it.
    pub title: Option<String>,
    /// Whether the account is in it.
    pub present: bool,
    /// Whether it may post there.
    pub can_post: bool,
}

/// A group.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Its id.
    #[serde(serialize_with = "said::channel")]
    pub id: ChannelId,
    /// Its title.
    pub title: String,
    /// Whether the account is in it.
    pub present: bool,
    /// Since when, if that is known.
    #[serde(serialize_with = "said::time_if_known")]
    pub since: Option<Timestamp>,
    /// How much of its joins is seen.
    pub coverage: Coverage,
    /// Whether joins there lead to photos: NOSPAM administers it, or need not.
    pub watched: bool,
    /// How many joined since midnight, UTC.
    pub joins_today: u64,
    /// When somebody last joined.
    #[serde(serialize_with = "said::time_if_known")]
    pub last_join_at: Option<Timestamp>,
    /// How many administrators it has; nothing if they were never learned.
    pub administrators: Option<u64>,
    /// When these were learned.
    #[serde(serialize_with = "said::time_if_known")]
    pub administrators_at: Option<Timestamp>,
    /// The newest message that was read.
    pub read_up_to: MessageId,
}

impl Group {
    /// Judges what was seen of a group.
    #[must_use]
    pub fn judge(seen: GroupSeen, nospam: Option<UserId>, now: Timestamp) -> Self {
        Self {
            id: seen.id,
            title: seen.title,
            present: seen.present,
            since: seen.since,
            coverage: Coverage::judge(seen.last_told_at, now),
            // As a join is decided on: what is not known counts as watched.
            watched: nospam.is_none() || seen.administrators_at.is_none() || seen.has_nospam,
            joins_today: seen.joins_today,
            last_join_at: seen.last_join_at,
            administrators: seen.administrators_at.map(|_| seen.administrators),
            administrators_at: seen.administrators_at,
            read_up_to: seen.read_up_to,
        }
    }
}

/// What waits, and what became of what waited.
#[derive(Clone, Debug, Serialize)]
pub struct Queue {
    /// What waits, by class, state and age.
    pub waiting: Vec<Waiting>,
    /// Joins whose users are asked for first.
    pub joins_to_look_up: u64,
    /// Joins that wait for the end of their group's flood.
    pub joins_held: u64,
    /// Users whose photo goes on the exception list, or off it.
    pub exceptions_due: u64,
    /// How many bytes wait on disk.
    pub spool_bytes: u64,
    /// How many may.
    pub spool_max_bytes: u64,
    /// What was posted in the last 24 hours, by class.
    pub sent_24h: BTreeMap<String, u64>,
    /// What was dropped in the last 24 hours.
    pub dropped_24h: Vec<Dropped>,
}

/// What happens by the clock.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Job {
    /// Its name in `[schedule]`; `reset` is its `reset_time`.
    pub job: &'static str,
    /// When it last ran.
    #[serde(serialize_with = "said::time_if_known")]
    pub ran_at: Option<Timestamp>,
    /// When it is due.
    #[serde(serialize_with = "said::time_if_known")]
    pub next_at: Option<Timestamp>,
    /// Whether that is past, and nothing runs that could do it.
    pub missed: bool,
    /// Whether one that was missed runs at the next start.
    pub made_up_for: bool,
}

/// What rests.
#[derive(Clone, Debug, Serialize)]
pub struct Floods {
    /// Methods that Telegram limits.
    pub methods: Vec<Resting>,
    /// Groups that CAPTCHA says are flooded.
    pub groups: Vec<Flooded>,
}

/// What the fleet ordered.
#[derive(Clone, Debug, Serialize)]
pub struct Orders {
    /// How many orders were obeyed in the last 24 hours.
    pub obeyed_24h: u64,
    /// Which were not.
    pub refused_24h: Vec<Refused>,
    /// How many posts in HIDE and EXCHANGE were no envelopes, ever.
    pub malformed_ever: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_nospam_is_not_watched_once_that_is_known() {
        let now = Timestamp::new(100);
        let nospam = Some(UserId::new(450));
        for (nospam, known, has_nospam, watched) in [
            (None, false, false, true),
            (None, true, false, true),
            (nospam, false, false, true),
            (nospam, true, false, false),
            (nospam, true, true, true),
        ] {
            let seen = GroupSeen {
                id: ChannelId::from_bare(5),
                title: String::new(),
                present: true,
                since: None,
                read_up_to: MessageId::new(1),
                administrators: 3,
                administrators_at: known.then_some(now),
                has_nospam,
                joins_today: 0,
                last_join_at: None,
                last_told_at: None,
            };
            let group = Group::judge(seen, nospam, now);
            assert_eq!(group.watched, watched, "{nospam:?} {known} {has_nospam}");
            assert_eq!(group.administrators, known.then_some(3));
        }
    }
}
