//! The signs of life of the loops, for the watchdog of a service manager.
//!
//! A loop beats when the runtime polls it and when that poll ends. A loop that works is polled before its deadline
//! whatever Telegram does: it waits for a notification no longer than a minute at a time, sleeps through a rate limit
//! in parts of a minute, and a call ends with the timeout of its answer. So an old beat means that the loop blocks
//! its thread, or waits for something that never happens. The beats live in memory only.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Clock;
use crate::decide::Heartbeat;

/// The heartbeats of the loops. Cheap to clone.
#[derive(Clone)]
pub struct Heartbeats {
    clock: Clock,
    origin: Instant,
    hearts: Arc<Mutex<Vec<Weak<Heart>>>>,
}

struct Heart {
    name: &'static str,
    longest_wait: Duration,
    clock: Clock,
    origin: Instant,
    is_in_step: AtomicBool,
    /// In milliseconds since the origin.
    last_beat: AtomicU64,
}

impl Heartbeats {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            origin: clock.instant(),
            clock,
            hearts: Arc::default(),
        }
    }

    /// Returns a loop that beats until it ends. The loop declares how long it waits at most before it wakes by itself.
    pub fn beating<F: Future>(
        &self,
        name: &'static str,
        longest_wait: Duration,
        work: F,
    ) -> Beating<F> {
        let heart = Arc::new(Heart {
            name,
            longest_wait,
            clock: self.clock.clone(),
            origin: self.origin,
            is_in_step: AtomicBool::new(false),
            last_beat: AtomicU64::new(0),
        });
        heart.beat(false);
        self.hearts().push(Arc::downgrade(&heart));
        Beating {
            work: Box::pin(work),
            heart,
        }
    }

    /// Returns the loops that hang, each with the age of its last beat. A step may take `longest_step`: a call may wait
    /// for the pace of its method and for its answer, a transaction for the disk.
    #[must_use]
    pub fn hanging(&self, longest_step: Duration) -> Vec<(&'static str, Duration)> {
        let now = self.clock.instant() - self.origin;
        let mut hearts = self.hearts();
        hearts.retain(|heart| heart.strong_count() > 0);
        let beats = hearts.iter().filter_map(Weak::upgrade);
        beats
            .map(|heart| heart.heartbeat())
            .filter(|beat| beat.is_overdue(longest_step, now))
            .map(|beat| (beat.name, now.saturating_sub(beat.last_beat)))
            .collect()
    }

    fn hearts(&self) -> MutexGuard<'_, Vec<Weak<Heart>>> {
        self.hearts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Heartbeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heartbeats")
    }
}

impl Heart {
    fn beat(&self, is_in_step: bool) {
        self.is_in_step.store(is_in_step, Ordering::Relaxed);
        let now = (self.clock.instant() - self.origin).as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        self.last_beat.store(now, Ordering::Relaxed);
    }

    fn heartbeat(&self) -> Heartbeat {
        Heartbeat {
            name: self.name,
            longest_wait: self.longest_wait,
            is_in_step: self.is_in_step.load(Ordering::Relaxed),
            last_beat: Duration::from_millis(self.last_beat.load(Ordering::Relaxed)),
        }
    }
}

/// A loop that beats.
pub struct Beating<F> {
    work: Pin<Box<F>>,
    heart: Arc<Heart>,
}

impl<F: Future> Future for Beating<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.heart.beat(true);
        let polled = self.work.as_mut().poll(context);
        self.heart.beat(false);
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_loop_is_watched_until_it_ends() {
        let heartbeats = Heartbeats::new(Clock::system());
        let work = heartbeats.beating("work", MINUTE, async { 7 });
        let other = heartbeats.beating("other", MINUTE, std::future::pending::<()>());
        assert_eq!(heartbeats.hearts().len(), 2);
        assert_eq!(work.await, 7);
        assert_eq!(heartbeats.hanging(MINUTE), []);
        assert_eq!(heartbeats.hearts().len(), 1);
        drop(other);
    }

    #[tokio::test]
    async fn a_loop_hangs_if_it_is_not_polled_before_its_deadline_or_a_poll_does_not_end() {
        let hanging = |heartbeats: &Heartbeats| -> Vec<&str> {
            let hanging = heartbeats.hanging(MINUTE * 3);
            hanging.into_iter().map(|(name, _)| name).collect()
        };
        let mut heartbeats = Heartbeats::new(Clock::system());
        let _quick = heartbeats.beating("quick", MINUTE / 3, std::future::pending::<()>());
        let _slow = heartbeats.beating("slow", MINUTE, std::future::pending::<()>());
        let origin = heartbeats.origin;
        // An earlier origin of the present time makes the beats look older.
        heartbeats.origin = origin - MINUTE * 3;
        assert!(hanging(&heartbeats).is_empty());
        heartbeats.origin = origin - MINUTE * 3 - MINUTE / 2;
        assert_eq!(hanging(&heartbeats), ["quick"]);
        heartbeats.origin = origin - MINUTE * 5;
        assert_eq!(hanging(&heartbeats), ["quick", "slow"]);

        heartbeats.origin = origin;
        let watching = heartbeats.clone();
        let blocked = heartbeats.beating("blocked", MINUTE, async move {
            hanging(&Heartbeats {
                origin: origin - MINUTE * 3 - MINUTE / 4,
                ..watching
            })
        });
        assert_eq!(blocked.await, ["blocked"]);
    }
}
