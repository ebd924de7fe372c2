//! How long a start waits before it connects, after starts that did not get ready.
//!
//! A supervisor starts the program again and again. Connecting each time would make the account conspicuous.

use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_secs(600);
/// A start that is this much later than the last one was made by a person.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// Returns the wait after `unready` starts in a row that did not get ready, the last of them `since_last` ago: 5, 10,
/// 20 … 600 s.
#[must_use]
pub fn start_pause(unready: u32, since_last: Duration) -> Duration {
    if unready == 0 || since_last >= FORGOTTEN_AFTER {
        return Duration::ZERO;
    }
    let factor = 1_u32.checked_shl(unready - 1).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(factor).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_ten_minutes() {
        let pauses = (0..=9).map(|unready| start_pause(unready, Duration::ZERO).as_secs());
        assert!(pauses.eq([0, 5, 10, 20, 40, 80, 160, 320, 600, 600]));
        assert_eq!(start_pause(u32::MAX, Duration::ZERO), MAX_PAUSE);
    }

    #[test]
    fn a_start_an_hour_later_does_not_wait() {
        assert_eq!(start_pause(9, FORGOTTEN_AFTER), Duration::ZERO);
        let nearly = FORGOTTEN_AFTER.checked_sub(Duration::from_secs(1));
        assert_eq!(start_pause(9, nearly.expect("an hour")), MAX_PAUSE);
    }
}
