//! Keeps the remainders whose photos HIDE has shown lately, so that instances cover for those that are silent
//! (docs/several-accounts.md). `decide::share` decides; this module gives it the time, and shares the record between the
//! loops.
//!
//! The record is lost with the process: after a start every other instance counts as one that has just posted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Clock;
use crate::decide::share::{LastShown, OldEnough};
use crate::model::{Share, Timestamp, UserId};
use crate::store::SharedMembers;

/// The photos of other instances that HIDE showed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cover {
    share: Share,
    clock: Clock,
    started: Instant,
    last_shown: Arc<Mutex<LastShown>>,
}

impl Cover {
    #[must_use]
    pub fn new(share: Share, clock: Clock) -> Self {
        let started = clock.instant();
        let last_shown = LastShown::new(share, Duration::ZERO);
        Self {
            share,
            clock,
            started,
            last_shown: Arc::new(Mutex::new(last_shown)),
        }
    }

    pub(super) const fn share(&self) -> Share {
        self.share
    }

    /// Returns the time since the start, by the monotonic clock.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.instant() - self.started
    }

    /// Records that HIDE showed photos of these users that other instances made.
    pub(super) fn record(&self, users: &[UserId]) {
        let now = self.elapsed();
        for user in users {
            self.lock().record(*user, now);
        }
    }

    /// Returns the members whose photos may be posted now. If `may_cover` is false, only own ones.
    pub(super) fn members(&self, may_cover: bool, now: Timestamp) -> SharedMembers {
        let silent = self.lock().silent(self.elapsed());
        let OldEnough { until, turn, from } = OldEnough::at(now);
        SharedMembers {
            share: self.share,
            silent: if may_cover { silent } else { 0 },
            made_until: until,
            turn: turn.into(),
            made_from: from,
        }
    }

    /// Returns when the next remainder may be covered for, or the pause ends, in the time of the wall clock.
    pub(super) fn next_change_at(
        &self,
        paused_until: Option<Duration>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let elapsed = self.elapsed();
        let next_silent_at = self.lock().next_silent_at(elapsed);
        let at = paused_until.into_iter().chain(next_silent_at).min()?;
        let seconds = at.saturating_sub(elapsed).as_secs().saturating_add(1);
        Some(now.plus(i64::try_from(seconds).unwrap_or(i64::MAX)))
    }

    fn lock(&self) -> MutexGuard<'_, LastShown> {
        self.last_shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
