//! When the next post may begin: the configured pace, on the clock of the loop.
//!
//! The decision is `AdaptivePace` (docs/pace.md). A kill loses at most the change since the last store, and the time of
//! the last post: the first post after a start does not wait.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::turn::Turn;
use crate::config::PaceKind;
use crate::decide::{AdaptivePace, FEW_PHOTOS, LearnedPace};
use crate::model::{ChannelId, Timestamp};
use crate::store::{ReadTx, StoreError};
use crate::telegram::{CallError, PostError};

/// The change of a learned interval, in per cent, from which on it is stored again.
const STORED_CHANGE: u32 = 10;

/// The times of posts, and the paces of the channels.
#[derive(Debug)]
pub(super) struct Pacer {
    kind: PaceKind,
    min_interval: Duration,
    /// The origin of the times that the paces get.
    origin: Instant,
    channels: BTreeMap<ChannelId, ChannelPace>,
    /// The channel of the last post.
    channel: ChannelId,
    /// When the last post was begun.
    began: Option<Instant>,
    /// When the last flood ends.
    flood_until: Option<Timestamp>,
}

#[derive(Debug)]
struct ChannelPace {
    pace: AdaptivePace,
    stored: LearnedPace,
}

/// A pace that changed since it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnsavedPace {
    pub(super) channel: ChannelId,
    pub(super) learned: LearnedPace,
}

/// The present moment, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) instant: Instant,
    pub(super) now: Timestamp,
}

impl Pacer {
    /// Makes the pacer of a start. `channel` is where posts usually go.
    pub(super) fn new(
        kind: PaceKind,
        min_interval: Duration,
        learned: BTreeMap<ChannelId, LearnedPace>,
        channel: ChannelId,
        origin: Instant,
    ) -> Self {
        let mut pacer = Self {
            kind,
            min_interval,
            origin,
            channels: BTreeMap::new(),
            channel,
            began: None,
            flood_until: None,
        };
        for (channel, learned) in learned {
            pacer.add(channel, Some(learned));
        }
        pacer.add(channel, None);
        pacer
    }

    /// Returns when the next report may begin.
    pub(super) fn next_report(&self, now: Instant) -> Instant {
        let interval = match self.adaptive() {
            Some(pace) => pace.report_interval(self.since_origin(now)),
            None => self.min_interval,
        };
        self.began.map_or(now, |began| began + interval)
    }

    /// Returns how long the next photo has to wait, if it has to.
    pub(super) fn photo_wait(&self, now: Instant) -> Option<Duration> {
        let interval = match self.adaptive() {
            Some(pace) => pace.interval(self.since_origin(now)),
            None => self.min_interval,
        };
        let wait = (self.began? + interval).saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// Counts the photos that wait and may be posted in this turn, as far as their number matters.
    pub(super) fn count_waiting(&self, tx: &ReadTx<'_>, turn: &Turn) -> Result<usize, StoreError> {
        match self.kind {
            PaceKind::Adaptive => tx.count_due_avatars(turn.now, turn.members, FEW_PHOTOS + 1),
            PaceKind::Steady => Ok(0),
        }
    }

    /// Notes how many photos wait.
    pub(super) fn note_waiting(&mut self, photos: usize) {
        for channel in self.channels.values_mut() {
            channel.pace.note_waiting(photos);
        }
    }

    /// Notes that a post begins.
    pub(super) const fn begin(&mut self, now: Instant) {
        self.began = Some(now);
    }

    /// Notes the end of the post that was begun.
    pub(super) fn note_result<T>(
        &mut self,
        channel: ChannelId,
        result: &Result<T, PostError>,
        moment: Moment,
    ) {
        self.channel = channel;
        self.add(channel, None);
        match result {
            Ok(_) => {
                let began = self.since_origin(self.began.unwrap_or(moment.instant));
                if let Some(channel) = self.channels.get_mut(&channel) {
                    channel.pace.note_post(began);
                }
            }
            Err(PostError::Call(CallError::RateLimited { until, .. })) => {
                self.note_flood(Timestamp::new(*until), moment);
            }
            Err(_) => {}
        }
    }

    /// Returns the pace of the last post's channel, if it has to be stored.
    pub(super) fn unsaved(&self) -> Option<UnsavedPace> {
        let channel = self.channels.get(&self.channel)?;
        let (learned, stored) = (channel.pace.learned(), channel.stored);
        let difference = learned.interval.abs_diff(stored.interval);
        let is_changed = difference * 100 > stored.interval * STORED_CHANGE;
        (is_changed || learned.limit != stored.limit).then_some(UnsavedPace {
            channel: self.channel,
            learned,
        })
    }

    /// Notes that a pace was stored.
    pub(super) fn note_saved(&mut self, saved: UnsavedPace) {
        if let Some(channel) = self.channels.get_mut(&saved.channel) {
            channel.stored = saved.learned;
        }
    }

    /// A method that is limited is refused again until the same time, without a new flood.
    fn note_flood(&mut self, until: Timestamp, moment: Moment) {
        if self.flood_until >= Some(until) {
            return;
        }
        self.flood_until = Some(until);
        let now = self.since_origin(moment.instant);
        let seconds = until.get().saturating_sub(moment.now.get());
        let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        if let Some(channel) = self.channels.get_mut(&self.channel) {
            channel.pace.note_flood(now, wait);
            let learned = channel.pace.learned();
            tracing::info!(
                channel = %self.channel,
                interval_ms = millis(learned.interval),
                limit_ms = learned.limit.map(millis),
                "posts are slowed down after a rate limit"
            );
        }
    }

    /// Adds the pace of a channel, unless it is known or the pace is steady.
    fn add(&mut self, channel: ChannelId, learned: Option<LearnedPace>) {
        if self.kind == PaceKind::Steady || self.channels.contains_key(&channel) {
            return;
        }
        let pace = AdaptivePace::new(self.min_interval, learned);
        let stored = pace.learned();
        self.channels.insert(channel, ChannelPace { pace, stored });
    }

    fn adaptive(&self) -> Option<&AdaptivePace> {
        self.channels
            .get(&self.channel)
            .map(|channel| &channel.pace)
    }

    fn since_origin(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.origin)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fixture::{EXCHANGE, HIDE, NOW};

    const SECOND: Duration = Duration::from_secs(1);
    const POSTED: Result<(), PostError> = Ok(());

    fn limited(until: Timestamp) -> Result<(), PostError> {
        Err(PostError::Call(CallError::RateLimited {
            method: "messages.sendMedia",
            until: until.get(),
        }))
    }

    /// Returns a pacer with that interval in HIDE, in a raid, and the instant of its start.
    fn pacer(kind: PaceKind, interval: Duration) -> (Pacer, Instant) {
        let origin = crate::clock::Clock::system().instant();
        let learned = LearnedPace {
            interval,
            limit: Some(interval),
        };
        let mut pacer = Pacer::new(kind, SECOND, [(HIDE, learned)].into(), HIDE, origin);
        pacer.note_waiting(FEW_PHOTOS + 1);
        (pacer, origin)
    }

    fn end(
        pacer: &mut Pacer,
        channel: ChannelId,
        result: &Result<(), PostError>,
        instant: Instant,
    ) {
        pacer.begin(instant);
        pacer.note_result(channel, result, Moment { instant, now: NOW });
    }

    #[test]
    fn a_photo_waits_for_the_interval_and_a_report_ten_seconds_at_most() {
        let (mut pacer, start) = pacer(PaceKind::Adaptive, SECOND * 40);
        assert_eq!(pacer.photo_wait(start), None, "the first post");
        end(&mut pacer, HIDE, &POSTED, start);
        assert_eq!(pacer.next_report(start), start + SECOND * 10);
        let wait = pacer.photo_wait(start + SECOND * 10);
        assert!(
            wait > Some(SECOND * 29) && wait <= Some(SECOND * 30),
            "{wait:?}"
        );
        assert_eq!(pacer.photo_wait(start + SECOND * 40), None);
    }

    #[test]
    fn the_same_flood_slows_down_once_and_a_refusal_does_not() {
        let (mut pacer, start) = pacer(PaceKind::Adaptive, SECOND * 2);
        end(&mut pacer, HIDE, &limited(NOW.plus(5)), start);
        let wait = pacer.photo_wait(start);
        assert_eq!(wait, Some(SECOND * 4));
        end(&mut pacer, HIDE, &limited(NOW.plus(5)), start);
        end(&mut pacer, HIDE, &Err(PostError::Unproven), start);
        assert_eq!(pacer.photo_wait(start), wait);
        end(&mut pacer, HIDE, &limited(NOW.plus(9)), start);
        assert_eq!(pacer.photo_wait(start), Some(SECOND * 8));
    }

    #[test]
    fn each_channel_has_its_own_pace() {
        let (mut pacer, start) = pacer(PaceKind::Adaptive, SECOND * 2);
        end(&mut pacer, EXCHANGE, &limited(NOW.plus(5)), start);
        assert_eq!(pacer.photo_wait(start), Some(SECOND * 6));
        end(&mut pacer, HIDE, &Err(PostError::Unproven), start);
        assert_eq!(pacer.photo_wait(start), Some(SECOND * 2));
    }

    #[test]
    fn a_pace_is_stored_after_a_flood_and_a_large_change() {
        let (mut pacer, start) = pacer(PaceKind::Adaptive, SECOND * 4);
        end(&mut pacer, HIDE, &POSTED, start);
        assert_eq!(pacer.unsaved(), None);
        end(&mut pacer, HIDE, &limited(NOW.plus(5)), start + SECOND * 4);
        let unsaved = pacer.unsaved().expect("doubled");
        assert_eq!(unsaved.channel, HIDE);
        assert!(unsaved.learned.interval > SECOND * 7);
        pacer.note_saved(unsaved);
        assert_eq!(pacer.unsaved(), None);
        end(&mut pacer, HIDE, &POSTED, start + SECOND * 12);
        assert!(pacer.unsaved().is_some(), "half of the way back");
    }

    #[test]
    fn a_steady_pace_learns_nothing() {
        let (mut pacer, start) = pacer(PaceKind::Steady, SECOND * 40);
        for result in [POSTED, limited(NOW.plus(5))] {
            end(&mut pacer, HIDE, &result, start);
            assert_eq!(pacer.photo_wait(start), Some(SECOND));
            assert_eq!(pacer.next_report(start), start + SECOND);
            assert_eq!(pacer.unsaved(), None);
        }
    }
}
