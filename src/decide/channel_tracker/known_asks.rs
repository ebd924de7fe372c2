//! When the channels of the ledger are asked for their present `pts`: all of them periodically, and single ones of
//! which Telegram shows that something changed.
//!
//! A rate limit is obeyed and makes the period longer, up to a bound; each answer shortens it by a step.

use std::collections::BTreeSet;
use std::time::Duration;

use super::periodic_job::PeriodicJob;
use super::{AskEnd, AskedChannels};
use crate::model::ChannelId;

/// Time between two queries for all channels.
const INTERVAL: Duration = Duration::from_secs(60);
/// The longest time between them, after rate limits.
const MAX_INTERVAL: Duration = Duration::from_secs(300);
/// How much each query that is answered shortens the interval.
const INTERVAL_STEP: Duration = Duration::from_secs(30);
/// Minimum time between two queries for all channels.
const MIN_INTERVAL: Duration = Duration::from_secs(10);
/// Minimum time between any two queries. The channels that change meanwhile share a call.
const MIN_PAUSE: Duration = Duration::from_secs(3);
/// While a rate limit is longer than this, the list of dialogs replaces the queries.
const LONG_LIMIT: Duration = Duration::from_secs(60);

/// The queries for the channels of the ledger. One runs at a time.
#[derive(Debug)]
pub(super) struct KnownAsks {
    /// Asks for all channels.
    all: PeriodicJob,
    /// Channels to ask for beside that.
    single: BTreeSet<ChannelId>,
    /// The single channels of the query that runs.
    asked: Option<BTreeSet<ChannelId>>,
    interval: Duration,
    not_before: Duration,
    all_not_before: Duration,
}

impl Default for KnownAsks {
    fn default() -> Self {
        Self {
            all: PeriodicJob::new(INTERVAL),
            single: BTreeSet::new(),
            asked: None,
            interval: INTERVAL,
            not_before: Duration::ZERO,
            all_not_before: Duration::ZERO,
        }
    }
}

impl KnownAsks {
    pub(super) fn expire(&mut self, now: Duration) {
        self.all.expire(now);
    }

    pub(super) const fn ask_for_all(&mut self) {
        self.all.due = true;
    }

    pub(super) fn ask_for(&mut self, channel: ChannelId) {
        self.single.insert(channel);
    }

    /// Has a channel asked for, unless the query that runs names it.
    pub(super) fn ask_for_once(&mut self, channel: ChannelId) {
        let is_asked = self.asked.as_ref().is_some_and(|on| on.contains(&channel));
        if !is_asked {
            self.single.insert(channel);
        }
    }

    /// Returns when the next query starts that is due; `None` if none is due or one runs.
    pub(super) fn due_at(&self) -> Option<Duration> {
        if self.is_running() {
            return None;
        }
        let all = (self.all.due).then(|| self.not_before.max(self.all_not_before));
        let single = (!self.single.is_empty()).then_some(self.not_before);
        all.into_iter().chain(single).min()
    }

    /// Returns when all channels become due without an event.
    pub(super) const fn next(&self) -> Duration {
        self.all.next
    }

    /// Starts the query that is due.
    pub(super) fn start(&mut self, now: Duration) -> Option<AskedChannels> {
        if self.is_running() || self.not_before > now {
            return None;
        }
        let asked = if self.all.due && self.all_not_before <= now {
            self.all.start(now);
            self.all_not_before = now + MIN_INTERVAL;
            AskedChannels::All
        } else if self.single.is_empty() {
            return None;
        } else {
            let single = std::mem::take(&mut self.single);
            self.asked = Some(single.clone());
            AskedChannels::These(single)
        };
        self.not_before = now + MIN_PAUSE;
        Some(asked)
    }

    /// Records the end of a query. Returns true if channels wait that only the list of dialogs can show soon.
    pub(super) fn ended(&mut self, end: AskEnd, now: Duration) -> bool {
        let asked = self.asked.take();
        let all = std::mem::take(&mut self.all.running);
        match end {
            AskEnd::Answered => {
                if all {
                    let shorter = self.interval.saturating_sub(INTERVAL_STEP);
                    self.set_interval(shorter.max(INTERVAL), now);
                }
                return false;
            }
            AskEnd::Limited { pause } => {
                self.not_before = self.not_before.max(now + pause);
                self.set_interval((self.interval * 2).min(MAX_INTERVAL), now);
                // The channels that were not reached are asked for when the limit ends.
                self.all.due |= all;
            }
            AskEnd::Failed => {}
        }
        self.single.extend(asked.into_iter().flatten());
        if end.is_lasting() {
            return !std::mem::take(&mut self.single).is_empty();
        }
        false
    }

    const fn is_running(&self) -> bool {
        self.all.running || self.asked.is_some()
    }

    fn set_interval(&mut self, interval: Duration, now: Duration) {
        self.interval = interval;
        self.all.set_interval(interval, now);
    }
}

impl AskEnd {
    /// Reports whether the channels cannot be asked for in the next minute.
    pub(super) fn is_lasting(self) -> bool {
        match self {
            Self::Answered => false,
            Self::Limited { pause } => pause > LONG_LIMIT,
            Self::Failed => true,
        }
    }
}
