//! Times of the daemon's own clock, which is the system's.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use scp_079_avatar::clock::Clock;

/// The seconds of a day.
pub(crate) const DAY: i64 = 24 * 3600;

/// Returns the present time in seconds since 1970.
pub(crate) fn now() -> i64 {
    Clock::system().now().get()
}

/// Returns a time as a date and a time of day in UTC.
pub(crate) fn utc(seconds: i64) -> DateTime {
    let time = Timestamp::from_second(seconds).expect("a time");
    time.to_zoned(TimeZone::UTC).datetime()
}

/// Returns the cron expression for this time's hour, minute and second on every day.
pub(crate) fn daily(seconds: i64) -> String {
    let time = utc(seconds);
    format!("{} {} {} * * *", time.second(), time.minute(), time.hour())
}
