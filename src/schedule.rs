//! The schedule: the jobs, their due times, and whether a job runs now.
//!
//! All times are UTC. The module is pure: a moment and the stored [`Progress`] of a job come in, an
//! [`Action`] goes out. The caller commits an action's effects and the new progress in one
//! transaction, so that after a crash the job is either done or due. docs/schedule.md describes the
//! rules.

mod catch_up;
mod day;
#[cfg(test)]
mod tests;

use croner::Cron;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

pub use self::catch_up::{Action, MAX_STATUS_DELAY, Progress};
use crate::config::{ResetDay, Schedule};
use crate::model::Timestamp;

/// The search for a reset ends after this many days. Every [`ResetDay`] occurs within them.
const DAYS_SEARCHED: usize = 400;

/// The jobs. If several are due at once, they run in this order: the backup precedes the reset,
/// which clears the lists that it saves.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub enum Job {
    /// The status report.
    Status,
    /// The backup of every list.
    Backup,
    /// The hit counts of every rule list.
    Count,
    /// The monthly reset of users, joins and the bad list.
    Reset,
    /// The refresh of every group's administrators.
    Admins,
    /// The recheck of new members.
    Recheck,
}

impl Job {
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Returns the name that `state.db` keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Returns the key of the job's time in `[schedule]`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Reset => "reset_time",
            other => other.as_str(),
        }
    }

    /// Returns true if a missed run is caught up at the next start. Administrators are read at every
    /// start anyway.
    #[must_use]
    pub const fn catches_up(self) -> bool {
        !matches!(self, Self::Status)
    }
}

/// Computes when each job is due.
#[derive(Clone, Debug)]
pub struct Timetable {
    schedule: Schedule,
    reset_day: ResetDay,
}

impl Timetable {
    #[must_use]
    pub const fn new(schedule: Schedule, reset_day: ResetDay) -> Self {
        Self {
            schedule,
            reset_day,
        }
    }

    /// Returns a job's times as the configuration expresses them.
    #[must_use]
    pub fn expression(&self, job: Job) -> String {
        let cron = self.cron(job).as_str();
        match job {
            Job::Reset => format!("{cron} on {}", self.reset_day),
            _ => cron.to_owned(),
        }
    }

    /// Returns a cron expression of six fields, the first for seconds, that fires at the job's times
    /// of day on every day. [`Timetable::decide`] checks the date.
    #[must_use]
    pub fn fires_at(&self, job: Job) -> String {
        crate::config::every_day(self.cron(job))
    }

    /// Returns the first due time after a moment, or `None` if the search finds none.
    #[must_use]
    pub fn next(&self, job: Job, after: Timestamp) -> Option<Timestamp> {
        let after = civil(after)?;
        let found = match job {
            Job::Reset => self.next_reset(after),
            _ => self.cron(job).find_next_occurrence(&after, false).ok(),
        };
        found.and_then(timestamp)
    }

    /// Returns the last due time at or before a moment.
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
                let midnight = date.to_datetime(Time::midnight());
                let found = if midnight > after {
                    time.find_next_occurrence(&midnight, true)
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
                let end_of_day = date.at(23, 59, 59, 0);
                let found = time.find_previous_occurrence(&end_of_day.min(by), true);
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
