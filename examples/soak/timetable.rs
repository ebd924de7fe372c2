//! The schedule of the compressed month: `[schedule]` with a day of two minutes.
//!
//! The reset has a day of the month, so it runs on one day by the true clock. Days, missed runs and clocks that jump
//! are the matter of the simulated year (`examples/year.rs`).

use std::time::Duration;

use jiff::tz::TimeZone;

/// The minutes between two resets, each a divisor of the hour.
const RESET_MINUTES: [i64; 10] = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20];
/// The resets of a soak.
const RESETS: u64 = 3;

/// The times of the resets of a soak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resets {
    minutes: i64,
    day: i8,
}

impl Resets {
    /// Chooses times for a soak that begins at `begin`, in Unix seconds. There is a reset each few minutes, so that
    /// three or more are due, on the day on which the middle of the soak lies.
    pub(crate) fn new(begin: i64, length: Duration) -> Self {
        let third = length.as_secs() / 60 / RESETS;
        let fits = |minutes: &&i64| minutes.unsigned_abs() <= third;
        let minutes = RESET_MINUTES.iter().rfind(fits);
        Self {
            minutes: minutes.copied().unwrap_or(RESET_MINUTES[0]),
            day: day(begin + seconds(length) / 2),
        }
    }

    /// Returns how many resets are due after `from` and until `until`, in Unix seconds.
    pub(crate) fn due(self, from: i64, until: i64) -> usize {
        let interval = self.minutes * 60;
        let first = (from / interval + 1) * interval;
        let mut due = 0;
        let mut at = first;
        while at <= until {
            due += usize::from(day(at) == self.day);
            at += interval;
        }
        due
    }

    /// Returns the sections of the configuration.
    pub(crate) fn configuration(self) -> String {
        let Self { minutes, day } = self;
        format!(
            "\n[schedule]\nstatus = \"*/5 * * * * *\"\nbackup = \"0 */2 * * * *\"\ncount = \"30 */2 * * * *\"
reset_time = \"0 */{minutes} * * * *\"\nadmins = \"15 */2 * * * *\"\nrecheck = \"*/30 * * * * *\"\n
[custom]\nreset_day = \"{day}\"\ntime_new = 120\n"
        )
    }
}

fn seconds(length: Duration) -> i64 {
    i64::try_from(length.as_secs()).unwrap_or(i64::MAX)
}

/// Returns the day of the month, UTC.
fn day(at: i64) -> i8 {
    let at = jiff::Timestamp::from_second(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC).day()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    /// The first of November 2026, and an hour before the second.
    const MORNING: i64 = 1_793_491_200;
    const EVENING: i64 = MORNING + 23 * 3600;

    #[test]
    fn three_resets_are_due_in_an_hour_and_in_four_minutes() {
        let resets = Resets::new(MORNING, HOUR);
        assert_eq!((resets.minutes, resets.day), (20, 1));
        assert_eq!(resets.due(MORNING + 7, MORNING + 7 + 3600), 3);
        let resets = Resets::new(MORNING, Duration::from_secs(240));
        assert_eq!(resets.due(MORNING + 7, MORNING + 7 + 240), 4);
    }

    #[test]
    fn only_resets_of_one_day_are_due_around_midnight() {
        let begin = EVENING + 3600 - 100;
        let resets = Resets::new(begin, Duration::from_secs(240));
        assert_eq!((resets.minutes, resets.day), (1, 2));
        assert_eq!(resets.due(begin, begin + 240), 3);
        assert_eq!(resets.due(begin, begin + 60), 0);
    }
}
