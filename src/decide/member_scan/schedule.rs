//! The order in which lists of members, groups and senders are asked for.
//!
//! One call is made at a time. Each kind of call has a pace of its own, which leaves room for the other kinds, and a
//! rate limit of Telegram stops only its own kind. Within a kind, the group that has waited longest is next; a better reason
//! counts like a longer wait, so a group with a poor reason is delayed but never starves.

#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use super::group_class::YOUTH;
use super::scan_due::{dates_are_refused, head_start, past, scan_due};
use crate::model::{ChannelId, GroupClass, GroupScan, PendingSender, ScanReason, Timestamp};

/// The time between two readings of one group by `channels.getFullChannel`.
const FULL_GROUP_INTERVAL: i64 = 24 * 3600;
/// The same if it is wanted before its time.
const WANTED_FULL_GROUP_INTERVAL: i64 = 60;
/// The first calls after a start wait that long: the joins of the downtime have messages, which are read first.
const START_DELAY: i64 = 10;
/// A group in which calls fail is left alone for a minute first, in seconds.
const FIRST_PAUSE: i64 = 60;
/// The pause doubles with each failure, that many times.
const MAX_DOUBLINGS: u32 = 6;

/// The kinds of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScanCall {
    /// `channels.getParticipants`
    Members,
    /// `channels.getParticipant`
    Sender,
    /// `channels.getFullChannel`
    FullGroup,
}

impl ScanCall {
    /// Returns the time between two calls, in seconds.
    const fn interval(self) -> i64 {
        match self {
            Self::Members | Self::Sender => 3,
            Self::FullGroup => 10,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanStep {
    /// Read the list of members of the group with this index. Without a reason, its time has come.
    Members {
        group: usize,
        reason: Option<ScanReason>,
    },
    /// Ask since when the sender with this index is a member.
    Sender { sender: usize },
    /// Decide on the sender with this index, and on all of that group, without a call: dates are refused, or the group
    /// does not hide its members any more.
    Decide { sender: usize },
    /// Read the group with this index by `channels.getFullChannel`.
    FullGroup { group: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    Step(ScanStep),
    /// The next step is due at this time; without a time, once something changes.
    Wait(Option<Timestamp>),
}

/// The calls so far. A crash may lose all of it.
#[derive(Clone, Debug, Default)]
pub struct ScanSchedule {
    /// When each kind of call may be made again.
    ready_at: BTreeMap<ScanCall, Timestamp>,
    /// The groups in which calls failed: how often, and when the next one may be made.
    failures: BTreeMap<ChannelId, (u32, Timestamp)>,
    /// When a sender of each group was last asked about.
    asked_at: BTreeMap<ChannelId, Timestamp>,
    /// True if the last scan was the first one of its group. At the first start there are many: other scans take turns
    /// with them.
    was_first_scan: bool,
}

/// Something that can be done at `at`. The order decides between those that are due.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    at: Timestamp,
    order: (i64, i64),
    step: ScanStep,
}

impl ScanSchedule {
    /// Makes the schedule of a program that starts at `now`.
    #[must_use]
    pub fn starting_at(now: Timestamp) -> Self {
        let calls = [ScanCall::Members, ScanCall::Sender, ScanCall::FullGroup];
        let ready_at = now.plus(START_DELAY);
        Self {
            ready_at: calls.into_iter().map(|call| (call, ready_at)).collect(),
            ..Self::default()
        }
    }

    /// Returns the next step. `senders` has the oldest pending sender of each group.
    #[must_use]
    pub fn next(
        &self,
        groups: &[GroupScan],
        senders: &[PendingSender],
        now: Timestamp,
    ) -> NextStep {
        let candidates = [
            best(self.scans(groups, now), now),
            best(self.senders(groups, senders, now), now),
            best(self.full_groups(groups, now), now),
        ];
        let candidates = || candidates.iter().flatten();
        match candidates().find(|candidate| candidate.at <= now) {
            Some(due) => NextStep::Step(due.step),
            None => NextStep::Wait(candidates().map(|candidate| candidate.at).min()),
        }
    }

    /// Reports whether a list of members is to be read as soon as the pace allows it.
    #[must_use]
    pub fn is_scan_due(&self, groups: &[GroupScan], now: Timestamp) -> bool {
        let soon = now.plus(ScanCall::Members.interval());
        self.scans(groups, now).any(|scan| scan.at <= soon)
    }

    /// Records that a call was answered or refused.
    pub fn record_call(&mut self, call: ScanCall, now: Timestamp) {
        self.ready_at.insert(call, now.plus(call.interval()));
    }

    /// Returns how long a further call of this kind has to wait.
    #[must_use]
    pub fn pause_before(&self, call: ScanCall, now: Timestamp) -> Duration {
        let seconds = self.ready(call).get() - now.get();
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    /// Records that a sender of a group is asked about.
    pub fn record_sender(&mut self, group: ChannelId, now: Timestamp) {
        self.asked_at.insert(group, now);
    }

    /// Records that the list of a group was read.
    pub fn record_scan(&mut self, group: &GroupScan) {
        self.was_first_scan = group.scanned_at.is_none();
    }

    /// Records a rate limit.
    pub fn limit(&mut self, call: ScanCall, until: Timestamp) {
        self.ready_at.insert(call, until);
    }

    /// Records that a call about a group failed. The group is left alone for a while.
    pub fn record_failure(&mut self, group: ChannelId, now: Timestamp) {
        let (failures, _) = self.failures.get(&group).copied().unwrap_or((0, now));
        let pause = FIRST_PAUSE << failures.min(MAX_DOUBLINGS);
        self.failures.insert(group, (failures + 1, now.plus(pause)));
    }

    /// Records that the connection failed during calls about a group. An answer that is too large for the connection
    /// must not hold up the other groups, and an outage must not make the group wait for long.
    pub fn record_cut(&mut self, group: ChannelId, now: Timestamp) {
        let failures = self
            .failures
            .get(&group)
            .map_or(0, |(failures, _)| *failures);
        self.failures
            .insert(group, (failures, now.plus(FIRST_PAUSE)));
    }

    pub fn record_success(&mut self, group: ChannelId) {
        self.failures.remove(&group);
    }

    fn scans<'a>(
        &'a self,
        groups: &'a [GroupScan],
        now: Timestamp,
    ) -> impl Iterator<Item = Candidate> + 'a {
        let ready = self.ready(ScanCall::Members);
        groups.iter().enumerate().filter_map(move |(index, group)| {
            let (due, reason) = scan_due(group, now)?;
            let order = if group.scanned_at.is_none() && reason.is_none() {
                let turn = if self.was_first_scan { now.get() } else { 0 };
                (turn, due.get())
            } else {
                (due.get() - head_start(reason), 0)
            };
            Some(Candidate {
                at: due.max(ready).max(self.resumes_at(group.group)),
                order,
                step: ScanStep::Members {
                    group: index,
                    reason,
                },
            })
        })
    }

    fn senders<'a>(
        &'a self,
        groups: &'a [GroupScan],
        senders: &'a [PendingSender],
        now: Timestamp,
    ) -> impl Iterator<Item = Candidate> + 'a {
        let ready = self.ready(ScanCall::Sender);
        senders
            .iter()
            .enumerate()
            .filter_map(move |(index, pending)| {
                let group = groups.iter().find(|group| group.group == pending.group)?;
                let asked_at = self.asked_at.get(&group.group);
                let order = (asked_at.map_or(0, |at| at.get()), pending.sender.date.get());
                if group.class != GroupClass::Hidden || dates_are_refused(group, now) {
                    return Some(Candidate {
                        at: now,
                        order,
                        step: ScanStep::Decide { sender: index },
                    });
                }
                Some(Candidate {
                    at: ready.max(self.resumes_at(group.group)),
                    order,
                    step: ScanStep::Sender { sender: index },
                })
            })
    }

    fn full_groups<'a>(
        &'a self,
        groups: &'a [GroupScan],
        now: Timestamp,
    ) -> impl Iterator<Item = Candidate> + 'a {
        let ready = self.ready(ScanCall::FullGroup);
        groups.iter().enumerate().map(move |(index, group)| {
            let read_at = past(group.full_at, now);
            let due = match read_at {
                None => Timestamp::new(0),
                // The class that a group has for its youth ends.
                Some(at) if at < group.since.plus(YOUTH) => group.since.plus(YOUTH),
                Some(at) if group.full_wanted => at.plus(WANTED_FULL_GROUP_INTERVAL),
                Some(at) => at.plus(FULL_GROUP_INTERVAL),
            };
            // The newest group first, since a new group may be hidden.
            let tie = if read_at.is_none() {
                -group.since.get()
            } else {
                due.get()
            };
            let rank = i64::from(read_at.is_some()) * 2 + i64::from(group.has_seen_join);
            Candidate {
                at: due.max(ready).max(self.resumes_at(group.group)),
                order: (rank, tie),
                step: ScanStep::FullGroup { group: index },
            }
        })
    }

    fn ready(&self, call: ScanCall) -> Timestamp {
        let ready = self.ready_at.get(&call).copied();
        ready.unwrap_or(Timestamp::new(0))
    }

    fn resumes_at(&self, group: ChannelId) -> Timestamp {
        self.failures
            .get(&group)
            .map_or(Timestamp::new(0), |(_, resumes_at)| *resumes_at)
    }
}

/// Returns the best of the candidates that are due, or else the next one that will be.
fn best(candidates: impl Iterator<Item = Candidate>, now: Timestamp) -> Option<Candidate> {
    candidates.min_by_key(|candidate| {
        if candidate.at <= now {
            (Timestamp::new(0), candidate.order)
        } else {
            (candidate.at, candidate.order)
        }
    })
}
