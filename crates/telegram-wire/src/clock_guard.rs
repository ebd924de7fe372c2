//! Compares this machine's clock with Telegram's, and notices a clock that jumps.
//!
//! Telegram rejects message ids that are more than 30 s ahead of its clock (`bad_msg_notification` 17), and grammers
//! then sends the same messages again at once, without end. So the program must not connect with such a clock. A clock
//! that is behind needs no guard: grammers corrects it after `bad_msg_notification` 16. The guard keeps nothing beyond
//! the process.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use crate::Clock;

/// How far ahead of Telegram's clock message ids may be, in seconds.
const MAX_AHEAD: i64 = 30;

/// The shortest time between two comparisons for the same reason.
const MIN_INTERVAL: Duration = Duration::from_secs(30);

/// The difference between the wall clock and the monotonic one, from one look to the next, that counts as a jump, in
/// seconds.
const MAX_DRIFT: i64 = 10;

/// This machine's clock is too far ahead of Telegram's, so Telegram accepts no message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "this machine's clock is {seconds} s ahead of Telegram's, which rejects every message; set the clock, best by NTP"
)]
pub struct ClockAhead {
    /// How far the clock is ahead.
    pub seconds: i64,
}

/// The comparison with Telegram's clock.
pub(crate) struct ClockGuard {
    clock: Arc<dyn Clock>,
    compared: Mutex<Compared>,
    ahead: watch::Sender<Option<ClockAhead>>,
}

/// The reason of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The home connection is about to be opened. A comparison for either reason will do.
    NewConnection,
    /// A call gets no answer.
    NoAnswer,
}

/// When the clock was compared.
#[derive(Default)]
struct Compared {
    at: Option<Instant>,
    /// The latest comparison because of a call without an answer.
    without_answer_at: Option<Instant>,
}

impl ClockGuard {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            compared: Mutex::default(),
            ahead: watch::Sender::default(),
        }
    }

    /// Compares the clock with the Unix time that `server_time` returns, unless that was done a moment ago. An unknown
    /// time is no error.
    pub(crate) async fn compare(
        &self,
        reason: Reason,
        server_time: impl Future<Output = Option<i64>>,
    ) -> Result<(), ClockAhead> {
        let mut compared = self.compared.lock().await;
        if let Some(known) = self.ahead() {
            return Err(known);
        }
        let last = match reason {
            Reason::NewConnection => compared.at,
            Reason::NoAnswer => compared.without_answer_at,
        };
        if last.is_some_and(|at| self.clock.instant() - at < MIN_INTERVAL) {
            return Ok(());
        }
        let before = self.clock.now();
        let server_time = server_time.await;
        let after = self.clock.now();
        compared.at = Some(self.clock.instant());
        if reason == Reason::NoAnswer {
            compared.without_answer_at = compared.at;
        }
        let Some(server_time) = server_time else {
            return Ok(());
        };
        // The server read its clock between the two.
        let seconds = before.midpoint(after) - server_time;
        if seconds <= MAX_AHEAD {
            return Ok(());
        }
        let ahead = ClockAhead { seconds };
        self.ahead.send_replace(Some(ahead));
        Err(ahead)
    }

    /// Makes the next comparison happen in any case.
    pub(crate) async fn forget(&self) {
        *self.compared.lock().await = Compared::default();
    }

    /// Returns the finding of the comparisons so far, if the clock was ahead.
    pub(crate) fn ahead(&self) -> Option<ClockAhead> {
        *self.ahead.borrow()
    }

    /// Returns once a comparison has found the clock to be ahead.
    pub(crate) async fn found_ahead(&self) -> ClockAhead {
        let mut ahead = self.ahead.subscribe();
        loop {
            if let Some(ahead) = *ahead.borrow_and_update() {
                return ahead;
            }
            // The sender lives as long as `self`.
            let _ = ahead.changed().await;
        }
    }
}

/// Notices jumps of the wall clock.
pub(crate) struct JumpDetector {
    wall: i64,
    monotonic: Instant,
}

impl JumpDetector {
    pub(crate) const fn new(wall: i64, monotonic: Instant) -> Self {
        Self { wall, monotonic }
    }

    /// Returns by how many seconds the wall clock has jumped since the last call, if it has.
    pub(crate) fn jump(&mut self, wall: i64, monotonic: Instant) -> Option<i64> {
        let elapsed = i64::try_from((monotonic - self.monotonic).as_secs()).unwrap_or(i64::MAX);
        let jump = (wall - self.wall).saturating_sub(elapsed);
        *self = Self::new(wall, monotonic);
        (jump.abs() > MAX_DRIFT).then_some(jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::tests::TestClock;

    /// Both clocks of a machine, standing still.
    struct StoppedClock {
        wall: i64,
        monotonic: Instant,
    }

    impl StoppedClock {
        fn at(wall: i64) -> Arc<Self> {
            let monotonic = TestClock::at(wall).instant();
            Arc::new(Self { wall, monotonic })
        }
    }

    impl Clock for StoppedClock {
        fn now(&self) -> i64 {
            self.wall
        }

        fn instant(&self) -> Instant {
            self.monotonic
        }
    }

    #[tokio::test]
    async fn a_clock_is_ahead_from_31_seconds_on() {
        for (server, expected) in [
            (Some(970), Ok(())),
            (Some(969), Err(ClockAhead { seconds: 31 })),
            (Some(2_000), Ok(())),
            (None, Ok(())),
        ] {
            let guard = ClockGuard::new(StoppedClock::at(1_000));
            let compared = guard.compare(Reason::NewConnection, async { server });
            assert_eq!(compared.await, expected);
        }
    }

    #[tokio::test]
    async fn the_clock_is_compared_at_most_once_in_30_seconds_for_each_reason() {
        let guard = ClockGuard::new(StoppedClock::at(1_000));
        let unasked = || async { panic!("asked again") };
        let same = || async { Some(1_000) };
        assert_eq!(guard.compare(Reason::NewConnection, same()).await, Ok(()));
        assert_eq!(
            guard.compare(Reason::NewConnection, unasked()).await,
            Ok(())
        );
        assert_eq!(guard.compare(Reason::NoAnswer, same()).await, Ok(()));
        for reason in [Reason::NoAnswer, Reason::NewConnection] {
            assert_eq!(guard.compare(reason, unasked()).await, Ok(()));
        }
        guard.forget().await;
        let ahead = ClockAhead { seconds: 100 };
        let behind = guard.compare(Reason::NewConnection, async { Some(900) });
        assert_eq!(behind.await, Err(ahead));
        assert_eq!(guard.found_ahead().await, ahead);
    }

    #[test]
    fn a_jump_is_a_difference_between_the_clocks() {
        let start = TestClock::at(0).instant();
        let mut detector = JumpDetector::new(1_000, start);
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(detector.jump(1_005, after(5)), None);
        // A machine that was busy or asleep with both clocks running.
        assert_eq!(detector.jump(1_105, after(105)), None);
        assert_eq!(detector.jump(1_116, after(106)), None);
        assert_eq!(detector.jump(4_717, after(107)), Some(3_600));
        assert_eq!(detector.jump(1_118, after(108)), Some(-3_600));
        assert_eq!(detector.jump(1_119, after(109)), None);
    }
}
