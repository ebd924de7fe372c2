//! How long a data centre is left alone after it refused a connection, and when the account's key counts as lost.
//!
//! The wire asks before each call and reports how the call ended. After a refusal every call to that data centre
//! fails at once until the pause is over; the first call after it tries a new connection, while the others still
//! fail. An answer ends the pauses. The state is kept in memory, so that a restart tries at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::classification::TransportError;

/// The first pause after a refusal. Each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The first pause after a transport flood.
const FIRST_FLOOD_PAUSE: Duration = Duration::from_secs(5);
/// How long the call that tries a new connection keeps the others away, at most.
const TRIAL: Duration = Duration::from_secs(30);
/// How many new connections must be refused with −404, after the first refusal, before the key counts as lost.
const NEW_CONNECTIONS: u32 = 3;
/// The time in seconds over which these refusals must be spread.
const KEY_LOST_AFTER: i64 = 600;

/// The refusals of all data centres.
#[derive(Debug)]
pub(crate) struct ConnectionBackoff {
    longest_pause: Duration,
    refusals: Mutex<BTreeMap<i32, Refusals>>,
}

/// A refused connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) error: TransportError,
    /// When the call began that was refused.
    pub(crate) call_began: Instant,
    pub(crate) now: Instant,
    /// The time of the wall clock, as Unix time.
    pub(crate) unix_now: i64,
}

/// The consequence of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// An earlier call of the same connection has reported the refusal.
    AlreadyKnown,
    /// The connection has to be replaced; calls fail for this time.
    Pause(Duration),
    /// Three new connections over ten minutes were refused with −404.
    KeyLost,
}

/// The refusals of one data centre since its last answer.
#[derive(Debug)]
struct Refusals {
    count: u32,
    last: Instant,
    retry_at: Instant,
    unknown_key: Option<UnknownKey>,
}

#[derive(Clone, Copy, Debug)]
struct UnknownKey {
    count: u32,
    /// The Unix time of the first refusal.
    since: i64,
}

impl ConnectionBackoff {
    /// Makes a backoff whose pauses grow up to `longest_pause`, unless the server names a longer one.
    pub(crate) const fn new(longest_pause: Duration) -> Self {
        Self {
            longest_pause,
            refusals: Mutex::new(BTreeMap::new()),
        }
    }

    /// Permits a call to `dc`, or returns how long calls to it still have to wait.
    pub(crate) fn begin_call(&self, dc: i32, now: Instant) -> Result<(), Duration> {
        let mut refusals = self.lock();
        let Some(refusals) = refusals.get_mut(&dc) else {
            return Ok(());
        };
        if refusals.retry_at > now {
            return Err(refusals.retry_at - now);
        }
        refusals.retry_at = now + TRIAL;
        Ok(())
    }

    /// Records that `dc` answered a call that began at `call_began`. The answer to a call from before the refusal
    /// proves nothing.
    pub(crate) fn answered(&self, dc: i32, call_began: Instant) {
        let mut all = self.lock();
        if all.get(&dc).is_some_and(|known| call_began > known.last) {
            all.remove(&dc);
        }
    }

    /// Records that a call to `dc`, which began at `call_began`, ended without an answer and without a refusal: another
    /// call may try a connection. Calls from before the refusal are cut off with their connection.
    pub(crate) fn unanswered(&self, dc: i32, call_began: Instant, now: Instant) {
        if let Some(refusals) = self.lock().get_mut(&dc)
            && call_began > refusals.last
        {
            refusals.retry_at = refusals.retry_at.min(now);
        }
    }

    /// Records that `dc` refused a connection.
    pub(crate) fn refused(&self, dc: i32, refusal: Refusal) -> Consequence {
        let Refusal {
            error,
            call_began,
            now,
            unix_now,
        } = refusal;
        let mut all = self.lock();
        let earlier = all.get(&dc);
        // All calls in flight fail together.
        if earlier.is_some_and(|earlier| call_began <= earlier.last) {
            return Consequence::AlreadyKnown;
        }
        let count = earlier.map_or(0, |earlier| earlier.count) + 1;
        let mut unknown_key = earlier.and_then(|earlier| earlier.unknown_key);
        if error == TransportError::KeyUnknown {
            let known = unknown_key.unwrap_or(UnknownKey {
                count: 0,
                since: unix_now,
            });
            unknown_key = Some(UnknownKey {
                count: known.count + 1,
                ..known
            });
        }
        let pause = pause(error, count, self.longest_pause);
        let refusals = Refusals {
            count,
            last: now,
            retry_at: now + pause,
            unknown_key,
        };
        all.insert(dc, refusals);
        let is_key_lost = error == TransportError::KeyUnknown
            && unknown_key.is_some_and(|key| {
                key.count > NEW_CONNECTIONS && unix_now - key.since >= KEY_LOST_AFTER
            });
        if is_key_lost {
            Consequence::KeyLost
        } else {
            Consequence::Pause(pause)
        }
    }

    /// Returns how long calls to `dc` have to wait, which is zero if none was refused.
    pub(crate) fn pause(&self, dc: i32, now: Instant) -> Duration {
        let refusals = self.lock();
        let retry_at = refusals.get(&dc).map(|known| known.retry_at);
        retry_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    /// Returns true if `dc` refused the key with −404 since its last answer.
    pub(crate) fn is_key_refused(&self, dc: i32) -> bool {
        let refusals = self.lock();
        refusals
            .get(&dc)
            .is_some_and(|known| known.unknown_key.is_some())
    }

    /// Returns true if the last connection to `dc` was refused. It is closed then.
    pub(crate) fn is_refused(&self, dc: i32) -> bool {
        self.lock().contains_key(&dc)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Refusals>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the pause after refusal number `count`.
fn pause(error: TransportError, count: u32, longest: Duration) -> Duration {
    let (first, least) = match error {
        TransportError::Flood(named) => (FIRST_FLOOD_PAUSE, named.unwrap_or_default()),
        TransportError::KeyUnknown | TransportError::Other => (FIRST_PAUSE, Duration::ZERO),
    };
    let doubled = 2_u32.saturating_pow(count.saturating_sub(1));
    first.saturating_mul(doubled).min(longest).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock as _;
    use crate::rate_limit::tests::TestClock;

    const DC: i32 = 2;
    const SECOND: Duration = Duration::from_secs(1);

    /// A backoff and its clock: the wall clock shows 0 at the instant `start`.
    struct Scene {
        backoff: ConnectionBackoff,
        start: Instant,
        now: Duration,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                backoff: ConnectionBackoff::new(60 * SECOND),
                start: TestClock::at(0).instant(),
                now: Duration::ZERO,
            }
        }

        fn instant(&self) -> Instant {
            self.start + self.now
        }

        fn begin(&self) -> Result<(), Duration> {
            self.backoff.begin_call(DC, self.instant())
        }

        /// Makes a call that is refused after a millisecond.
        fn refuse(&mut self, error: TransportError) -> Consequence {
            self.begin().expect("no pause");
            let call_began = self.instant();
            self.now += Duration::from_millis(1);
            self.refuse_call_of(call_began, error)
        }

        fn refuse_call_of(&self, call_began: Instant, error: TransportError) -> Consequence {
            let refusal = Refusal {
                error,
                call_began,
                now: self.instant(),
                unix_now: i64::try_from(self.now.as_secs()).expect("small"),
            };
            self.backoff.refused(DC, refusal)
        }

        /// Refuses a connection after the other, each when the pause is over, until the key is lost; returns when.
        fn refuse_until_the_key_is_lost(&mut self) -> Duration {
            loop {
                match self.refuse(TransportError::KeyUnknown) {
                    Consequence::Pause(pause) => self.now += pause,
                    Consequence::KeyLost => return self.now,
                    Consequence::AlreadyKnown => panic!("a new connection"),
                }
            }
        }
    }

    #[test]
    fn refusals_in_a_row_pause_the_data_centre_longer_each_time() {
        for (error, pauses) in [
            (TransportError::Other, [1, 2, 4, 8, 16, 32, 60, 60]),
            (TransportError::KeyUnknown, [1, 2, 4, 8, 16, 32, 60, 60]),
            (TransportError::Flood(None), [5, 10, 20, 40, 60, 60, 60, 60]),
            (TransportError::Flood(Some(90 * SECOND)), [90; 8]),
        ] {
            let mut scene = Scene::new();
            for seconds in pauses {
                let pause = seconds * SECOND;
                assert_eq!(scene.refuse(error), Consequence::Pause(pause), "{error:?}");
                assert_eq!(scene.begin(), Err(pause));
                assert_eq!(scene.backoff.pause(DC, scene.instant()), pause);
                assert_eq!(scene.backoff.begin_call(DC + 1, scene.instant()), Ok(()));
                scene.now += pause;
            }
        }
    }

    #[test]
    fn calls_that_fail_together_count_once() {
        let mut scene = Scene::new();
        let began = scene.instant();
        scene.now += SECOND;
        let first = scene.refuse_call_of(began, TransportError::Flood(None));
        assert_eq!(first, Consequence::Pause(5 * SECOND));
        scene.now += SECOND;
        let second = scene.refuse_call_of(began, TransportError::Flood(None));
        assert_eq!(second, Consequence::AlreadyKnown);
        scene.backoff.answered(DC, began);
        scene.backoff.unanswered(DC, began, scene.instant());
        assert_eq!(scene.begin(), Err(4 * SECOND));
    }

    #[test]
    fn one_call_tries_the_new_connection() {
        let mut scene = Scene::new();
        scene.refuse(TransportError::Other);
        scene.now += SECOND;
        assert_eq!(scene.begin(), Ok(()));
        assert_eq!(scene.begin(), Err(TRIAL));
        scene
            .backoff
            .unanswered(DC, scene.instant(), scene.instant());
        assert_eq!(scene.begin(), Ok(()));
        scene.backoff.answered(DC, scene.instant());
        assert_eq!((scene.begin(), scene.begin()), (Ok(()), Ok(())));
        let again = scene.refuse(TransportError::Other);
        assert_eq!(
            again,
            Consequence::Pause(SECOND),
            "an answer ends the series"
        );
    }

    #[test]
    fn the_key_is_lost_after_ten_minutes_of_refusals() {
        let mut scene = Scene::new();
        let lost_at = scene.refuse_until_the_key_is_lost();
        assert!(lost_at >= 600 * SECOND, "{lost_at:?}");
        assert!(lost_at <= 660 * SECOND, "{lost_at:?}");
    }

    #[test]
    fn the_key_is_lost_only_after_three_new_connections() {
        let mut scene = Scene::new();
        for _ in 0..NEW_CONNECTIONS {
            let refused = scene.refuse(TransportError::KeyUnknown);
            assert!(matches!(refused, Consequence::Pause(_)), "{refused:?}");
            scene.now += 600 * SECOND;
        }
        let refused = scene.refuse(TransportError::KeyUnknown);
        assert_eq!(refused, Consequence::KeyLost);
    }

    #[test]
    fn an_answer_in_between_keeps_the_key() {
        let mut scene = Scene::new();
        for _ in 0..3 {
            for _ in 0..3 {
                let refused = scene.refuse(TransportError::KeyUnknown);
                assert!(matches!(refused, Consequence::Pause(_)), "{refused:?}");
                scene.now += 300 * SECOND;
            }
            scene.backoff.answered(DC, scene.instant());
        }
    }

    #[test]
    fn other_refusals_in_between_do_not_hide_a_lost_key() {
        let mut scene = Scene::new();
        for _ in 0..NEW_CONNECTIONS {
            scene.refuse(TransportError::KeyUnknown);
            scene.now += 150 * SECOND;
            scene.refuse(TransportError::Flood(None));
            scene.now += 150 * SECOND;
        }
        let refused = scene.refuse(TransportError::KeyUnknown);
        assert_eq!(refused, Consequence::KeyLost);
    }
}
