//! The rate limit of one method.
//!
//! A limiter bounds how many calls run at once and how fast they follow each other, and refuses
//! calls while a rate limit of Telegram is in force. The pace is a leaky bucket with a burst of
//! [`BURST`] calls. Each rate limit doubles the interval, once for all calls that it refuses together; a series of
//! successful calls halves it again. The limiter stores nothing: a rate limit of an earlier process is passed to
//! [`RateLimiter::new`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::Clock;
use crate::error::CallError;

/// How many calls may follow each other without a pause when the bucket is empty.
const BURST: u32 = 5;
/// The largest factor by which rate limits stretch the interval.
const MAX_SLOWDOWN: u32 = 16;
/// How many successful calls in a row halve the slowdown.
const SUCCESSES_TO_RECOVER: u32 = 50;
/// The upper bound of [`Pace::max_concurrent`].
const MAX_CONCURRENT: u32 = 16;

/// How fast a method may be called.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many calls may run at once.
    pub max_concurrent: u32,
    /// The interval between calls, once the burst is used up.
    pub interval: Duration,
}

/// The rate limit of one method.
pub(crate) struct RateLimiter {
    clock: Arc<dyn Clock>,
    permits: Semaphore,
    state: Mutex<State>,
}

/// The permission for a call, which is running until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    /// When the call began.
    pub(crate) began: Instant,
    _running: SemaphorePermit<'a>,
}

struct State {
    /// The instant at which the bucket is empty, if no further call starts. Each call moves it by one interval.
    bucket_empty_at: Instant,
    limited_until: Option<i64>,
    slowdown: u32,
    /// When the slowdown last grew.
    slowed_at: Option<Instant>,
    successes: u32,
}

impl RateLimiter {
    /// Makes a limiter that refuses calls until `limited_until`, if that is in the future.
    pub(crate) fn new(clock: Arc<dyn Clock>, limited_until: Option<i64>) -> Self {
        let bucket_empty_at = clock.instant();
        Self {
            clock,
            permits: Semaphore::new(MAX_CONCURRENT as usize),
            state: Mutex::new(State {
                bucket_empty_at,
                limited_until,
                slowdown: 1,
                slowed_at: None,
                successes: 0,
            }),
        }
    }

    /// Waits until a call may start.
    ///
    /// # Errors
    /// [`CallError::RateLimited`], at once, while a rate limit is in force.
    pub(crate) async fn acquire(
        &self,
        method: &'static str,
        pace: Pace,
    ) -> Result<Permit<'_>, CallError> {
        self.refuse_while_limited(method)?;
        let permits_per_call =
            MAX_CONCURRENT.div_ceil(pace.max_concurrent.clamp(1, MAX_CONCURRENT));
        let running = self
            .permits
            .acquire_many(permits_per_call)
            .await
            .expect("the semaphore is never closed");
        tokio::time::sleep_until(self.reserve(pace.interval)).await;
        // Another call may have met the limit while this one waited.
        self.refuse_while_limited(method)?;
        Ok(Permit {
            began: self.clock.instant(),
            _running: running,
        })
    }

    pub(crate) fn note_success(&self) {
        let mut state = self.lock();
        state.successes = state.successes.saturating_add(1);
        if state.successes >= SUCCESSES_TO_RECOVER && state.slowdown > 1 {
            state.slowdown /= 2;
            state.successes = 0;
        }
    }

    /// Refuses calls until `until`, and slows them down afterwards. A call that began before the last slowdown met the
    /// same flood, so it does not slow them down further.
    pub(crate) fn note_rate_limit(&self, until: i64, call_began: Instant) {
        let mut state = self.lock();
        state.limited_until = state.limited_until.max(Some(until));
        state.successes = 0;
        if state.slowed_at.is_none_or(|slowed| call_began > slowed) {
            state.slowdown = (state.slowdown * 2).min(MAX_SLOWDOWN);
            state.slowed_at = Some(self.clock.instant());
        }
    }

    /// Returns the end of the rate limit that is in force, if any.
    pub(crate) fn limited_until(&self) -> Option<i64> {
        let now = self.clock.now();
        self.lock().limited_until.filter(|&until| until > now)
    }

    fn refuse_while_limited(&self, method: &'static str) -> Result<(), CallError> {
        self.limited_until().map_or(Ok(()), |until| {
            Err(CallError::RateLimited { method, until })
        })
    }

    /// Reserves the next instant at which a call may start.
    fn reserve(&self, interval: Duration) -> Instant {
        let now = self.clock.instant();
        let mut state = self.lock();
        let interval = interval * state.slowdown;
        let empty_at = state.bucket_empty_at.max(now) + interval;
        state.bucket_empty_at = empty_at;
        empty_at
            .checked_sub(interval * BURST)
            .map_or(now, |start| start.max(now))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A wall clock that the test sets, and the real monotonic clock.
    pub(crate) struct TestClock(AtomicI64);

    impl TestClock {
        pub(crate) fn at(now: i64) -> Arc<Self> {
            Arc::new(Self(AtomicI64::new(now)))
        }
    }

    impl Clock for TestClock {
        fn now(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }

        #[expect(clippy::disallowed_methods, reason = "tokio's timers use this clock")]
        fn instant(&self) -> Instant {
            Instant::now()
        }
    }

    #[tokio::test]
    async fn calls_keep_the_interval_after_a_burst() {
        let limiter = RateLimiter::new(TestClock::at(0), None);
        let interval = Duration::from_secs(2);
        let starts: Vec<Instant> = (0..8).map(|_| limiter.reserve(interval)).collect();
        let gaps: Vec<Duration> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps[..4].iter().all(|gap| *gap < interval), "{gaps:?}");
        assert_eq!(gaps[5..], [interval; 2]);
    }

    #[tokio::test]
    async fn a_rate_limit_refuses_calls_until_it_ends() {
        let clock = TestClock::at(1_000);
        let limiter = RateLimiter::new(clock.clone(), Some(1_010));
        let pace = Pace {
            max_concurrent: 1,
            interval: Duration::ZERO,
        };
        assert_eq!(
            limiter.acquire("m", pace).await.expect_err("limited"),
            CallError::RateLimited {
                method: "m",
                until: 1_010
            }
        );
        clock.0.store(1_010, Ordering::SeqCst);
        drop(limiter.acquire("m", pace).await.expect("permitted"));
        limiter.note_rate_limit(1_020, limiter.clock.instant());
        assert_eq!(limiter.limited_until(), Some(1_020));
    }

    #[test]
    fn successful_calls_undo_the_slowdown() {
        let limiter = RateLimiter::new(TestClock::at(1_000), None);
        for until in [1_010, 1_020] {
            limiter.note_rate_limit(until, limiter.clock.instant());
        }
        assert_eq!(limiter.lock().slowdown, 4);
        for _ in 0..SUCCESSES_TO_RECOVER {
            limiter.note_success();
        }
        assert_eq!(limiter.lock().slowdown, 2);
    }

    #[test]
    fn calls_that_one_flood_refuses_slow_down_once() {
        let limiter = RateLimiter::new(TestClock::at(1_000), None);
        let began = limiter.clock.instant();
        limiter.note_rate_limit(1_010, began);
        limiter.note_rate_limit(1_011, began);
        assert_eq!(limiter.lock().slowdown, 2);
        assert_eq!(limiter.limited_until(), Some(1_011));
    }
}
