//! The choice of the groups that are polled, and of the time: the liveliest ones, because Telegram pushes updates of
//! large groups late or never.
//!
//! A poll is a pull of differences at the interval that Telegram named in its last answer for the group. A push or a
//! pull postpones it. How lively the groups are is forgotten with the process.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::PageRead;
use crate::model::ChannelId;

/// How many groups are polled. Official clients poll at most ten channels, those that are open.
const MAX_POLLED: usize = 10;
/// The interval until Telegram named one.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
const MIN_INTERVAL: Duration = Duration::from_secs(10);
const MAX_INTERVAL: Duration = Duration::from_secs(60);
/// Minimum time between the starts of two polls, so that they do not come in bursts.
const MIN_PAUSE: Duration = Duration::from_millis(500);
/// The weight of an event halves in this time.
const HALF_LIFE_SECS: u64 = 600;
/// The weight of a new event.
const EVENT_WEIGHT: u64 = 1 << 16;
/// The most events of one page that count, so that one burst does not rank a group for hours.
const MAX_COUNTED: u32 = 1000;
/// How often rate limits may double the intervals: 8 times as long.
const MAX_DOUBLINGS: u32 = 3;
/// After so many pulls without a rate limit, a doubling is taken back.
const PULLS_BEFORE_SPEEDUP: u32 = 20;

/// The groups that may be polled.
#[derive(Debug, Default)]
pub(super) struct Polls {
    groups: BTreeMap<ChannelId, Group>,
    /// How often rate limits have doubled the intervals.
    doublings: u32,
    /// Pulls since the last rate limit or the last change of `doublings`.
    pulls: u32,
    /// No poll starts earlier.
    not_before: Duration,
    /// The latest rate limit ends then.
    limited_until: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    /// The sum of the weights of the events, as of `period`.
    weight: u64,
    /// The half-life in which `weight` was computed, counted from zero.
    period: u64,
    /// When the group was known to be up to date.
    checked_at: Duration,
    /// The interval that Telegram named.
    interval: Option<Duration>,
}

impl Polls {
    pub(super) fn add(&mut self, group: ChannelId, now: Duration) {
        self.groups.entry(group).or_insert_with(|| Group {
            weight: 0,
            period: period(now),
            checked_at: now,
            interval: None,
        });
    }

    pub(super) fn remove(&mut self, group: ChannelId) {
        self.groups.remove(&group);
    }

    /// Records a push. Its `pts` shows whether an earlier one was lost.
    pub(super) fn pushed(&mut self, group: ChannelId, now: Duration) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.count(1, now);
            group.checked_at = now;
        }
    }

    /// Records a page that was pulled.
    pub(super) fn page_read(&mut self, group: ChannelId, read: PageRead, now: Duration) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.count(read.events.min(MAX_COUNTED), now);
            group.checked_at = now;
            group.interval = read.timeout.or(group.interval);
        }
        self.pulls += 1;
        if self.pulls >= PULLS_BEFORE_SPEEDUP {
            self.pulls = 0;
            self.doublings = self.doublings.saturating_sub(1);
        }
    }

    /// Records a rate limit. Calls that one limit refuses count once.
    pub(super) fn limited(&mut self, pause: Duration, now: Duration) {
        if self.limited_until <= now {
            self.doublings = (self.doublings + 1).min(MAX_DOUBLINGS);
            self.pulls = 0;
        }
        self.limited_until = self.limited_until.max(now + pause);
        self.not_before = self.not_before.max(self.limited_until);
    }

    /// Returns the next group to poll, and when. `is_idle` says whether a channel waits for nothing else.
    pub(super) fn next(
        &self,
        now: Duration,
        is_idle: impl Fn(ChannelId) -> bool,
    ) -> Option<(Duration, ChannelId)> {
        self.liveliest(now)
            .into_iter()
            .filter(|id| is_idle(*id))
            .filter_map(|id| Some((self.due_at(self.groups.get(&id)?), id)))
            .min()
    }

    pub(super) fn started(&mut self, now: Duration) {
        self.not_before = now + MIN_PAUSE;
    }

    /// Returns the liveliest groups in any order, and of equally lively ones those with the lowest ids.
    fn liveliest(&self, now: Duration) -> Vec<ChannelId> {
        let ranked = |(id, group): (&ChannelId, &Group)| (Reverse(group.weight(now)), *id);
        let mut ranked: Vec<_> = self.groups.iter().map(ranked).collect();
        if ranked.len() > MAX_POLLED {
            ranked.select_nth_unstable(MAX_POLLED);
            ranked.truncate(MAX_POLLED);
        }
        ranked.into_iter().map(|(_, id)| id).collect()
    }

    fn due_at(&self, group: &Group) -> Duration {
        let named = group.interval.unwrap_or(DEFAULT_INTERVAL);
        let interval = named.clamp(MIN_INTERVAL, MAX_INTERVAL) * (1 << self.doublings);
        (group.checked_at + interval).max(self.not_before)
    }
}

impl Group {
    fn count(&mut self, events: u32, now: Duration) {
        let added = EVENT_WEIGHT * u64::from(events);
        self.weight = self.weight(now).saturating_add(added);
        self.period = period(now);
    }

    fn weight(&self, now: Duration) -> u64 {
        let half_lives = period(now).saturating_sub(self.period).min(63);
        self.weight >> half_lives
    }
}

const fn period(now: Duration) -> u64 {
    now.as_secs() / HALF_LIFE_SECS
}
