//! Repeats calls of a login that failed for a reason that may pass, and says so at the terminal.
//!
//! A call whose answer was lost may have taken effect. [`repeated`] is for calls that may be made twice all the same,
//! and [`repeated_unless_done`] for those that log the account in: it asks Telegram first whether they did.

use std::time::Duration;

use tokio::time::Instant;

use super::answers::print_line;
use crate::cli::channels::rate_limit_line;
use crate::clock::Clock;
use crate::telegram::{CallError, LoginError, Telegram};

/// How often a call that may be made twice is attempted.
const ATTEMPTS: u32 = 3;

/// How often a call that logs the account in is attempted.
const ATTEMPTS_TO_FINISH: u32 = 2;

/// The pause after a call without an answer. It is longer if the data centre refused the connection.
const PAUSE: Duration = Duration::from_secs(2);

/// The longest rate limit whose end a login waits for.
const LONGEST_RATE_LIMIT: Duration = Duration::from_secs(60);

/// How often one call waits for the end of a rate limit.
const RATE_LIMITS: u32 = 3;

/// How long a login lets Telegram refuse the session's key. After ten minutes the key counts as lost.
const KEY_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Makes a call, and repeats it after a failure that may pass.
pub(super) async fn repeated<T>(
    telegram: &Telegram,
    call: impl AsyncFn() -> Result<T, LoginError>,
) -> Result<T, LoginError> {
    let mut retries = Retries::new(telegram, ATTEMPTS);
    loop {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => retries.wait_after(error).await?,
        }
    }
}

/// Makes a call that logs the account in. If its answer was lost, `look` finds out whether the call took effect, and
/// otherwise the call is repeated once.
pub(super) async fn repeated_unless_done<T>(
    telegram: &Telegram,
    call: impl AsyncFn() -> Result<T, LoginError>,
    look: impl AsyncFn() -> Result<Option<T>, LoginError>,
) -> Result<T, LoginError> {
    let mut retries = Retries::new(telegram, ATTEMPTS_TO_FINISH);
    loop {
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let may_be_done = matches!(error, LoginError::Call(CallError::Network { .. }));
        retries.wait_after(error).await?;
        if may_be_done && let Some(answer) = repeated(telegram, &look).await? {
            return Ok(answer);
        }
    }
}

struct Retries<'a> {
    telegram: &'a Telegram,
    clock: Clock,
    failures: Failures,
}

impl<'a> Retries<'a> {
    fn new(telegram: &'a Telegram, attempts: u32) -> Self {
        let clock = Clock::system();
        Self {
            telegram,
            failures: Failures::new(attempts, clock.instant()),
            clock,
        }
    }

    /// Waits until the call may be repeated. Returns the error if that makes no sense.
    async fn wait_after(&mut self, error: LoginError) -> Result<(), LoginError> {
        let is_key_refused = self.telegram.is_key_refused();
        let failure = match &error {
            LoginError::Flood(until) => Failure::Limited(self.clock.until(*until)),
            LoginError::Call(CallError::Network { .. }) if is_key_refused => {
                Failure::KeyRefused(self.telegram.pause())
            }
            LoginError::Call(CallError::Network { .. } | CallError::ServerError { .. }) => {
                Failure::Unanswered(self.telegram.pause())
            }
            _ => return Err(error),
        };
        let is_first_refusal = is_key_refused && !self.failures.is_key_refused;
        let Some(pause) = self.failures.pause(failure, self.clock.instant()) else {
            return Err(error);
        };
        let seconds = pause.as_millis().div_ceil(1000);
        let line = match &error {
            LoginError::Call(error) => format!("{error}; trying again in {seconds} s."),
            _ => rate_limit_line(pause),
        };
        // The login goes on if nobody reads this.
        let _ = print_line(&line);
        if is_first_refusal {
            let _ = print_line(
                "That may pass, so `login` tries for ten minutes, and leaves account.session as it is. To log in with \
                 a new session at once, end this with Ctrl-C and move account.session away.",
            );
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// A failure that may pass.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// Telegram limits the method for this time.
    Limited(Duration),
    /// Telegram refuses the session's key, and connections for this time.
    KeyRefused(Duration),
    /// There was no answer, and connections are refused for this time.
    Unanswered(Duration),
}

/// The failures of one call.
#[derive(Debug)]
struct Failures {
    began: Instant,
    attempts_left: u32,
    rate_limits_left: u32,
    is_key_refused: bool,
}

impl Failures {
    const fn new(attempts: u32, began: Instant) -> Self {
        Self {
            began,
            attempts_left: attempts,
            rate_limits_left: RATE_LIMITS,
            is_key_refused: false,
        }
    }

    /// Returns the time after which the call may be repeated; `None` if the login ends.
    fn pause(&mut self, failure: Failure, now: Instant) -> Option<Duration> {
        match failure {
            Failure::Limited(pause) => {
                let is_bearable = pause <= LONGEST_RATE_LIMIT && self.rate_limits_left > 0;
                self.rate_limits_left = self.rate_limits_left.saturating_sub(1);
                is_bearable.then_some(pause)
            }
            Failure::KeyRefused(pause) => {
                self.is_key_refused = true;
                (now.duration_since(self.began) < KEY_PATIENCE).then(|| pause.max(PAUSE))
            }
            Failure::Unanswered(pause) => {
                self.attempts_left = self.attempts_left.saturating_sub(1);
                (self.attempts_left > 0 && pause <= LONGEST_RATE_LIMIT).then(|| pause.max(PAUSE))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn failures(attempts: u32) -> (Failures, Instant) {
        let now = Clock::system().instant();
        (Failures::new(attempts, now), now)
    }

    #[test]
    fn a_call_without_an_answer_is_attempted_three_times_after_the_pause_of_its_data_centre() {
        let (mut failures, now) = failures(ATTEMPTS);
        let refused = Failure::Unanswered(5 * SECOND);
        assert_eq!(failures.pause(refused, now), Some(5 * SECOND));
        let lost = Failure::Unanswered(Duration::ZERO);
        assert_eq!(failures.pause(lost, now), Some(PAUSE));
        assert_eq!(failures.pause(lost, now), None);
    }

    #[test]
    fn a_login_waits_for_short_rate_limits_only_and_not_for_ever() {
        let (mut failures, now) = failures(ATTEMPTS);
        let long = Failure::Limited(61 * SECOND);
        assert_eq!(failures.pause(long, now), None);
        let short = Failure::Limited(60 * SECOND);
        assert_eq!(failures.pause(short, now), Some(60 * SECOND));
        assert_eq!(failures.pause(short, now), Some(60 * SECOND));
        assert_eq!(failures.pause(short, now), None);
    }

    #[test]
    fn a_refused_key_is_tried_for_longer_than_the_time_after_which_it_counts_as_lost() {
        let (mut failures, now) = failures(ATTEMPTS);
        let refused = Failure::KeyRefused(30 * SECOND);
        for minute in 0..15 {
            let now = now + 60 * minute * SECOND;
            assert_eq!(failures.pause(refused, now), Some(30 * SECOND));
        }
        assert_eq!(failures.pause(refused, now + KEY_PATIENCE), None);
    }
}
