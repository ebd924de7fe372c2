//! The adaptive pace of posts in one channel (docs/pace.md): how long to wait before the next one.
//!
//! While few photos wait, posts follow each other by [`CALM_INTERVAL`]. In a raid they follow each other by an interval
//! that the program learns from Telegram's rate limits. Times are those of a monotonic clock, since any origin. The
//! caller keeps the [`LearnedPace`] over restarts, and obeys the rate limits themselves.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

/// The interval while few photos wait, unless a longer one is configured.
pub const CALM_INTERVAL: Duration = Duration::from_secs(3);
/// The largest number of waiting photos that is no raid.
pub const FEW_PHOTOS: usize = 5;
/// How long a report waits at most, however long the interval is.
const REPORT_WAIT: Duration = Duration::from_secs(10);
/// Bounds of the interval, so that doubling and halving always have an effect.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(120);

/// After a flood the interval returns to this multiple of the one at which Telegram's limit is supposed.
const MARGIN: f64 = 1.05;
/// A return that is closer than this to its end is complete.
const RETURNED: f64 = 1.01;
/// The part by which the interval shrinks in a second, above the supposed limit: the margin lasts for 12 minutes.
const SLOW_SHRINK: f64 = 0.004 / 60.0;
/// The same while no limit is known, and far below the supposed one.
const FAST_SHRINK: f64 = 0.3 / 60.0;
/// The part by which one post shrinks the interval at most.
const SHRINK_PER_POST: f64 = 0.02;
/// How far below the supposed limit the shrinking becomes twice as fast.
const CUBIC_SCALE: f64 = 0.01;

/// Floods in a shorter time mean that the limit is far from the supposed one. Few photos are posted with care for as
/// long.
const FLOODS_APART: Duration = Duration::from_secs(600);
/// A longer flood has another cause than the pace.
const LONGEST_MEASURE: Duration = Duration::from_secs(300);
/// The factor by which one flood raises the supposed limit at most, and one that follows soon.
const FIRST_RISE: f64 = 1.1;
const NEXT_RISE: f64 = 2.0;
/// How many posts are remembered, to measure the limit at the next flood.
const MEASURED_POSTS: usize = 2000;

/// The learned pace of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnedPace {
    /// The interval of posts in a raid.
    pub interval: Duration,
    /// The shortest interval that Telegram is supposed to allow; `None` before the first flood.
    pub limit: Option<Duration>,
}

/// The pace of posts in one channel.
#[derive(Debug)]
pub struct AdaptivePace {
    fastest: Duration,
    learned: LearnedPace,
    is_raid: bool,
    /// Until when few photos are not posted faster than the learned interval permits.
    careful_until: Duration,
    last_attempt: Option<Duration>,
    /// The posts since the last flood, the newest last.
    accepted: VecDeque<Duration>,
    /// When the last flood ended.
    flood_end: Option<Duration>,
}

impl AdaptivePace {
    /// Makes a pace that is never faster than `fastest`.
    #[must_use]
    pub fn new(fastest: Duration, learned: Option<LearnedPace>) -> Self {
        let fastest = fastest.max(SHORTEST);
        let learned = learned.unwrap_or_else(|| LearnedPace {
            interval: fastest.max(CALM_INTERVAL),
            limit: None,
        });
        let bounded = |interval: Duration| interval.clamp(fastest, fastest.max(LONGEST));
        Self {
            fastest,
            learned: LearnedPace {
                interval: bounded(learned.interval),
                limit: learned.limit.map(bounded),
            },
            is_raid: false,
            careful_until: Duration::ZERO,
            last_attempt: None,
            accepted: VecDeque::new(),
            flood_end: None,
        }
    }

    #[must_use]
    pub const fn learned(&self) -> LearnedPace {
        self.learned
    }

    /// Notes how many photos wait. A raid begins with more than [`FEW_PHOTOS`], and ends when none waits.
    pub const fn note_waiting(&mut self, photos: usize) {
        if photos > FEW_PHOTOS {
            self.is_raid = true;
        } else if photos == 0 {
            self.is_raid = false;
        }
    }

    /// Returns the time from one post to the next photo.
    #[must_use]
    pub fn interval(&self, now: Duration) -> Duration {
        let calm = self.fastest.max(CALM_INTERVAL);
        match self.is_raid {
            true => self.learned.interval,
            false if now < self.careful_until => self.learned.interval.max(calm),
            false => calm,
        }
    }

    /// Returns the time from one post to the next report.
    #[must_use]
    pub fn report_interval(&self, now: Duration) -> Duration {
        self.interval(now).min(REPORT_WAIT.max(self.fastest))
    }

    /// Notes a post that Telegram accepted: of a photo or a report, because the limit counts both.
    pub fn note_post(&mut self, now: Duration) {
        let since_last = self.note_attempt(now);
        if self.accepted.len() == MEASURED_POSTS {
            self.accepted.pop_front();
        }
        self.accepted.push_back(now);
        if self.is_raid {
            self.careful_until = self.careful_until.max(now + FLOODS_APART);
        }
        let interval = match self.goal() {
            Some(goal) if self.learned.interval > goal => halfway(self.learned.interval, goal),
            _ if self.is_raid => self.shrunk(since_last),
            _ => self.learned.interval,
        };
        self.learned.interval = interval.max(self.fastest);
    }

    /// Notes a post that Telegram refused for this time. Doubles the interval at once, and measures the limit.
    pub fn note_flood(&mut self, now: Duration, wait: Duration) {
        let failed = self.interval(now);
        self.note_attempt(now);
        let supposed = self.supposed_limit();
        let is_soon = self.flood_end.is_some_and(|end| now < end + FLOODS_APART);
        let rise = if is_soon { NEXT_RISE } else { FIRST_RISE };
        let measured = self.measured_limit(now.saturating_add(wait));
        match measured {
            Some(limit) if wait <= LONGEST_MEASURE => {
                let limit = limit.clamp(supposed, supposed.mul_f64(rise));
                self.learned.limit = Some(limit.min(self.fastest.max(LONGEST)));
            }
            Some(_) => self.learned.limit = Some(supposed),
            // The same flood goes on, or it came before the first post, after which the interval has to return.
            None => self.learned.limit = self.learned.limit.or(Some(supposed)),
        }
        self.learned.interval = (failed * 2).min(self.fastest.max(LONGEST));
        self.accepted.clear();
        self.flood_end = Some(now.saturating_add(wait.min(LONGEST_MEASURE)));
        self.careful_until = now + FLOODS_APART;
    }

    /// Returns the time since the last attempt; an idle time does not count.
    fn note_attempt(&mut self, now: Duration) -> Duration {
        let last = self.last_attempt.replace(now).unwrap_or(now);
        now.saturating_sub(last).min(self.interval(now) * 2)
    }

    /// Returns the interval to which a raid returns after a flood.
    fn goal(&self) -> Option<Duration> {
        self.learned.limit.map(|limit| limit.mul_f64(MARGIN))
    }

    /// Returns the interval that a flood proves to be too short: not one that a flood has doubled.
    fn supposed_limit(&self) -> Duration {
        let limit = self.learned.limit.unwrap_or(Duration::MAX);
        self.learned.interval.min(limit)
    }

    /// Returns the limit that a flood until `end` shows. Telegram accepts the next post at `end`, so the shortest mean
    /// interval of the last posts up to `end` is the one that it allows, whatever its window is.
    fn measured_limit(&self, end: Duration) -> Option<Duration> {
        let newest_first = self.accepted.iter().rev().zip(1_u32..);
        newest_first
            .map(|(at, posts)| end.saturating_sub(*at) / posts)
            .min()
    }

    /// Returns the interval after some time of a raid: slowly towards the limit, and ever faster below it.
    fn shrunk(&self, time: Duration) -> Duration {
        let rate = self.learned.limit.map_or(FAST_SHRINK, |limit| {
            let below = 1.0 - self.learned.interval.div_duration_f64(limit);
            let excess = (below / CUBIC_SCALE).max(0.0);
            (SLOW_SHRINK * (1.0 + excess * excess * excess)).min(FAST_SHRINK)
        });
        let part = (rate * time.as_secs_f64()).min(SHRINK_PER_POST);
        self.learned.interval.mul_f64(1.0 - part)
    }
}

/// Returns an interval halfway from a doubled one to its goal, or the goal.
fn halfway(interval: Duration, goal: Duration) -> Duration {
    let half = goal + (interval - goal) / 2;
    if half < goal.mul_f64(RETURNED) {
        goal
    } else {
        half
    }
}
