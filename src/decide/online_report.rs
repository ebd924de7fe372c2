//! Decides whether a start enqueues the report `online`: seldom enough that a program that ends again and again does
//! not fill the channel.

use crate::model::Timestamp;

/// The least time in seconds between two reports that the program is online.
pub const ONLINE_INTERVAL: i64 = 600;

/// Returns true if a start enqueues a report: unless an earlier one `is_waiting` to be posted, or was posted less than
/// [`ONLINE_INTERVAL`] ago. A time in the future was recorded before the clock was set back, and does not count.
#[must_use]
pub fn is_online_report_due(
    is_waiting: bool,
    posted_at: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let is_recent = posted_at.is_some_and(|posted_at| {
        let age = now.get().saturating_sub(posted_at.get());
        (0..ONLINE_INTERVAL).contains(&age)
    });
    !is_waiting && !is_recent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_due_ten_minutes_after_the_last_one_was_posted() {
        let now = Timestamp::new(10_000);
        for (is_waiting, age, expected) in [
            (false, None, true),
            (true, None, false),
            (false, Some(0), false),
            (false, Some(ONLINE_INTERVAL - 1), false),
            (false, Some(ONLINE_INTERVAL), true),
            (true, Some(ONLINE_INTERVAL), false),
            (false, Some(-1), true),
        ] {
            let posted_at = age.map(|age: i64| now.plus(-age));
            let due = is_online_report_due(is_waiting, posted_at, now);
            assert_eq!(due, expected, "{is_waiting} {age:?}");
        }
    }
}
