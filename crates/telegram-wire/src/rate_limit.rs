//! One method's gate: how many at once, how fast, and whether a flood limit rests it.
//!
//! Knows no method by name and nothing of Telegram but that it may say "wait". The pace is a
//! leaky bucket with room for a few calls at once; each flood limit doubles the interval, and calls
//! that go well bring it back, slowly.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::Clock;
use crate::error::CallError;

/// How many calls may follow each other without a pause after a rest.
const BURST: u32 = 5;
/// How far floods may stretch the interval.
const LONGEST_STRETCH: u32 = 16;
/// How many good calls in a row halve the stretch again.
const CALM: u32 = 50;
/// No method is called by more than this many tasks at once.
const MOST_AT_ONCE: u32 = 16;

/// How fast a method may be called.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many calls may be under way at once.
    pub at_once: u32,
    /// The interval between calls, once the burst is used up.
    pub every: Duration,
}

/// The gate of one method.
pub(super) struct Gate {
    clock: Arc<dyn Clock>,
    places: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the bucket is empty again.
    full_until: Instant,
    rests_until: Option<i64>,
    stretch: u32,
    good: u32,
}

impl Gate {
    /// Makes a gate, resting until `rests_until` if a limit of an earlier process is in force.
    pub(super) fn new(clock: Arc<dyn Clock>, rests_until: Option<i64>) -> Self {
        let full_until = clock.instant();
        Self {
            clock,
            places: Semaphore::new(MOST_AT_ONCE as usize),
            state: Mutex::new(State {
                full_until,
                rests_until,
                stretch: 1,
                good: 0,
            }),
        }
    }

    /// Waits for a place and for the pace; refuses at once while a flood limit is in force.
    pub(super) async fn pass(
        &self,
        method: &'static str,
        pace: Pace,
    ) -> Result<SemaphorePermit<'_>, CallError> {
        self.refuse_resting(method)?;
        let width = MOST_AT_ONCE / pace.at_once.clamp(1, MOST_AT_ONCE);
        let place = self
            .places
            .acquire_many(width)
            .await
            .expect("the semaphore is never closed");
        tokio::time::sleep_until(self.reserve(pace.every)).await;
        // A call before this one may have met the limit while this one waited.
        self.refuse_resting(method)?;
        Ok(place)
    }

    /// Notes that a call went well.
    pub(super) fn went_well(&self) {
        let mut state = self.lock();
        state.good = state.good.saturating_add(1);
        if state.good >= CALM && state.stretch > 1 {
            state.stretch /= 2;
            state.good = 0;
        }
    }

    /// Rests the method until `until`, and slows it down afterwards.
    pub(super) fn rest(&self, until: i64) {
        let mut state = self.lock();
        state.rests_until = state.rests_until.max(Some(until));
        state.stretch = (state.stretch * 2).min(LONGEST_STRETCH);
        state.good = 0;
    }

    /// Returns until when the method rests, if it does.
    pub(super) fn resting(&self) -> Option<i64> {
        let now = self.clock.now();
        self.lock().rests_until.filter(|&until| until > now)
    }

    fn refuse_resting(&self, method: &'static str) -> Result<(), CallError> {
        self.resting()
            .map_or(Ok(()), |until| Err(CallError::Flood { method, until }))
    }

    /// Takes the next moment at which a call may start.
    fn reserve(&self, every: Duration) -> Instant {
        let now = self.clock.instant();
        let mut state = self.lock();
        let every = every * state.stretch;
        let start = (state.full_until.max(now) + every)
            .checked_sub(every * BURST)
            .map_or(now, |start| start.max(now));
        state.full_until = state.full_until.max(now) + every;
        start
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A wall clock that the test sets, and the real monotonic one.
    struct TestClock(AtomicI64);

    impl TestClock {
        fn at(now: i64) -> Arc<Self> {
            Arc::new(Self(AtomicI64::new(now)))
        }
    }

    impl Clock for TestClock {
        fn now(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }

        #[expect(clippy::disallowed_methods, reason = "the timer of tokio runs by it")]
        fn instant(&self) -> Instant {
            Instant::now()
        }
    }

    #[tokio::test]
    async fn after_a_burst_calls_keep_their_distance() {
        let gate = Gate::new(TestClock::at(0), None);
        let every = Duration::from_secs(2);
        let starts: Vec<Instant> = (0..8).map(|_| gate.reserve(every)).collect();
        let distances: Vec<Duration> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(
            distances[..4].iter().all(|gap| *gap < every),
            "{distances:?}"
        );
        assert_eq!(distances[5..], [every; 2]);
    }

    #[tokio::test]
    async fn a_flood_limit_refuses_until_its_second_and_slows_down() {
        let clock = TestClock::at(1_000);
        let gate = Gate::new(clock.clone(), Some(1_010));
        let pace = Pace {
            at_once: 1,
            every: Duration::ZERO,
        };
        let refused = gate.pass("m", pace).await.expect_err("resting");
        assert_eq!(
            refused,
            CallError::Flood {
                method: "m",
                until: 1_010
            }
        );
        clock.0.store(1_010, Ordering::SeqCst);
        drop(gate.pass("m", pace).await.expect("open again"));
        gate.rest(1_020);
        assert_eq!(gate.resting(), Some(1_020));
        assert_eq!(gate.lock().stretch, 2);
    }
}
