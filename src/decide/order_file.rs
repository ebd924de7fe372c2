//! How long an order waits for its file: the next attempt after one that failed, or the end.

use std::time::Duration;

use super::backoff;

/// How long an order may wait for its file, from the first attempt on. Later orders of the channel wait with it.
pub const ORDER_FILE_LIMIT: Duration = Duration::from_secs(5 * 60);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The time that is left for the last attempt.
const LAST_ATTEMPT: Duration = Duration::from_secs(10);

/// How an attempt to fetch the file of an order failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderFileFailure {
    /// FLOOD_WAIT: the method is limited for this time.
    RateLimited(Duration),
    /// Telegram did not answer, or refused in a way that may pass.
    Passing,
    /// The file does not exist any more, or can never be used.
    Final,
}

/// Returns the pause before the next attempt to fetch the file of an order, or `None` if the order is to be refused.
/// `attempts` earlier attempts failed before this one, and the first one began `waited` ago.
#[must_use]
pub fn order_file_failed(
    failure: OrderFileFailure,
    attempts: u32,
    waited: Duration,
) -> Option<Duration> {
    match failure {
        OrderFileFailure::Final => None,
        // A limit that outlasts the order's time cannot be waited for, so later orders do not wait either.
        OrderFileFailure::RateLimited(pause) => {
            (waited + pause < ORDER_FILE_LIMIT).then_some(pause)
        }
        OrderFileFailure::Passing => {
            let left = ORDER_FILE_LIMIT.saturating_sub(waited + LAST_ATTEMPT);
            let pause = backoff(attempts).min(LONGEST_PAUSE).min(left);
            (!left.is_zero()).then_some(pause)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_file_that_is_always_refused_is_given_up_within_five_minutes() {
        let mut waited = Duration::ZERO;
        let mut attempts = 0;
        while let Some(pause) = order_file_failed(OrderFileFailure::Passing, attempts, waited) {
            assert!(!pause.is_zero() && pause <= seconds(30), "{pause:?}");
            waited += pause;
            attempts += 1;
        }
        assert_eq!(waited, seconds(290));
        assert_eq!(attempts, 14);
    }

    #[test]
    fn an_attempt_that_hangs_until_the_end_is_the_last_one() {
        for waited in [290, 300, 1_000] {
            let next = order_file_failed(OrderFileFailure::Passing, 2, seconds(waited));
            assert_eq!(next, None, "{waited}");
        }
    }

    #[test]
    fn a_rate_limit_is_waited_for_if_it_ends_in_time() {
        for (waited, limit, next) in [
            (0, 299, Some(seconds(299))),
            (0, 300, None),
            (200, 99, Some(seconds(99))),
            (200, 100, None),
            (0, 86_400, None),
            (400, 0, None),
        ] {
            let failure = OrderFileFailure::RateLimited(seconds(limit));
            assert_eq!(
                order_file_failed(failure, 0, seconds(waited)),
                next,
                "{waited}, {limit}"
            );
        }
    }

    #[test]
    fn a_file_that_is_gone_is_not_fetched_again() {
        let next = order_file_failed(OrderFileFailure::Final, 0, Duration::ZERO);
        assert_eq!(next, None);
    }
}
