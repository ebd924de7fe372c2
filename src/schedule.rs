//! When what happens (SPEC §8): the jobs, their times, and what is to be done about one now.
//!
//! Owns the meaning of `[schedule]` and `reset_day`, in UTC, and the rule for times that were missed. Knows no
//! clock: a moment and what the store remembers of a job come in, a [`Verdict`] goes out. Whoever
//! carries it out notes it in the same transaction, so that a crash leaves the job undone or done, and
//! never in between.

mod catch_up;
mod day;
#[cfg(test)]
mod tests;

use std::fmt;

use croner::Cron;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

pub use self::catch_up::{Run, STATUS_WITHIN, Verdict};
use crate::config::{ResetDay, Schedule};
use crate::model::Timestamp;

/// How many days ahead a reset is looked for: no month of any kind of [`ResetDay`] is further.
const DAYS_SEARCHED: usize = 400;

/// What happens by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// The status report.
    Status,
    /// The backup of every list.
    Backup,
    /// The counts of every list of rules.
    Count,
    /// The monthly reset of users, joins and the bad list.
    Reset,
    /// The refresh of every group's administrators.
    Admins,
    /// The second look at members who are still new.
    Recheck,
}

impl Job {
    /// All of them; where several are due at once, in this order. The backup comes before the reset,
    /// which empties what it saves.
    pub const ALL: [Self; 6] = [
        Self::Status,
        Self::Backup,
        Self::Count,
        Self::Reset,
        Self::Admins,
        Self::Recheck,
    ];

    /// Returns whether it happens at the next start if it was missed; administrators are read at each
    /// start anyway.
    #[must_use]
    pub const fn is_made_up_for(self) -> bool {
        !matches!(self, Self::Status)
    }

    /// Returns the name that `state.db` keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Backup => "backup",
            Self::Count => "count",
            Self::Reset => "reset",
            Self::Admins => "admins",
            Self::Recheck => "recheck",
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When each job is due.
#[derive(Clone, Debug)]
pub struct Timetable {
    schedule: Schedule,
    reset_day: ResetDay,
}

impl Timetable {
    /// Takes the times from the configuration.
    #[must_use]
    pub const fn new(schedule: Schedule, reset_day: ResetDay) -> Self {
        Self {
            schedule,
            reset_day,
        }
    }

    /// Says when a job is due, in the words of the configuration.
    #[must_use]
    pub fn expression(&self, job: Job) -> String {
        let cron = self.cron(job).as_str();
        match job {
            Job::Reset => format!("{cron} on {}", self.reset_day),
            _ => cron.to_owned(),
        }
    }

    /// Returns a cron expression of six fields, the first for seconds, that fires at the job's times of
    /// day on every day: whether the day is one, [`Timetable::decide`] says.
    #[must_use]
    pub fn fires_at(&self, job: Job) -> String {
        crate::config::every_day(self.cron(job))
    }

    /// Returns the first time that is due after a moment; `None` if there is none in living memory.
    #[must_use]
    pub fn next(&self, job: Job, after: Timestamp) -> Option<Timestamp> {
        let after = civil(after)?;
        let found = match job {
            Job::Reset => self.next_reset(after),
            _ => self.cron(job).find_next_occurrence(&after, false).ok(),
        };
        found.and_then(timestamp)
    }

    /// Returns the last time that was due by a moment, itself included.
    #[must_use]
    pub fn latest(&self, job: Job, by: Timestamp) -> Option<Timestamp> {
        let by = civil(by)?;
        let found = match job {
            Job::Reset => self.latest_reset(by),
            _ => self.cron(job).find_previous_occurrence(&by, true).ok(),
        };
        found.and_then(timestamp)
    }

    fn next_reset(&self, after: DateTime) -> Option<DateTime> {
        let time = &self.schedule.reset_time;
        after
            .date()
            .series(jiff::Span::new().days(1))
            .take(DAYS_SEARCHED)
            .filter(|date| day::is_reset_day(self.reset_day, *date))
            .find_map(|date| {
                let begins = date.to_datetime(Time::midnight());
                let found = if begins > after {
                    time.find_next_occurrence(&begins, true)
                } else {
                    time.find_next_occurrence(&after, false)
                };
                found.ok().filter(|found| found.date() == date)
            })
    }

    fn latest_reset(&self, by: DateTime) -> Option<DateTime> {
        let time = &self.schedule.reset_time;
        by.date()
            .series(jiff::Span::new().days(-1))
            .take(DAYS_SEARCHED)
            .filter(|date| day::is_reset_day(self.reset_day, *date))
            .find_map(|date| {
                let ends = date.at(23, 59, 59, 0);
                let found = time.find_previous_occurrence(&ends.min(by), true);
                found.ok().filter(|found| found.date() == date)
            })
    }

    const fn cron(&self, job: Job) -> &Cron {
        match job {
            Job::Status => &self.schedule.status,
            Job::Backup => &self.schedule.backup,
            Job::Count => &self.schedule.count,
            Job::Reset => &self.schedule.reset_time,
            Job::Admins => &self.schedule.admins,
            Job::Recheck => &self.schedule.recheck,
        }
    }
}

fn civil(moment: Timestamp) -> Option<DateTime> {
    let moment = jiff::Timestamp::from_second(moment.get()).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).datetime())
}

fn timestamp(moment: DateTime) -> Option<Timestamp> {
    let moment = moment.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::new(moment.as_second()))
}
