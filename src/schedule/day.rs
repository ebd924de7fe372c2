//! Matches dates against a [`ResetDay`].
//!
//! A month without such a day, such as a fifth Monday or a 31st, has no reset.

use jiff::civil::Date;

use crate::config::ResetDay;

/// Returns true if the reset falls on this date.
pub(super) fn is_reset_day(day: ResetDay, date: Date) -> bool {
    match day {
        ResetDay::Nth { nth, weekday } => {
            date.weekday() == weekday && (date.day() - 1) / 7 + 1 == nth.number().cast_signed()
        }
        ResetDay::LastWeekday(weekday) => {
            date.weekday() == weekday && date.day() + 7 > date.days_in_month()
        }
        ResetDay::Last => date.day() == date.days_in_month(),
        ResetDay::Day(day) => date.day() == day.cast_signed(),
    }
}
