//! What is to be done about a job now: the rule for times that were missed, and for clocks that jump.

use super::{Job, Timetable};
use crate::model::Timestamp;

/// How late a status report may still be begun, in seconds (SPEC §8).
pub const STATUS_WITHIN: i64 = 60;
/// A run that is later than this, in seconds, makes up for a missed one.
const PUNCTUAL_WITHIN: i64 = 300;
/// Within this, in seconds, each job is looked at again, whatever fires.
const LOOKED_AT_WITHIN: i64 = 60;
/// A time that is dealt with and lies further ahead than this, in seconds, was noted under a wrong clock.
const DAY: i64 = 24 * 3600;

/// What is remembered of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Up to when its times are dealt with.
    pub due_at: Timestamp,
    /// When it last ran, by the clock of then.
    pub ran_at: Option<Timestamp>,
}

/// What is to be done about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Wait,
    /// Nothing, and its times up to this moment count as dealt with.
    Pass(Timestamp),
    /// It is to be done, for this time and whatever was missed before it.
    Do(Timestamp),
}

impl Verdict {
    /// Returns what is remembered of the job once this is carried out at `now`, and the time that is done then. `known`
    /// is what was remembered so far, under whatever expression.
    #[must_use]
    pub fn carried_out(self, known: Option<Run>, now: Timestamp) -> (Run, Option<Timestamp>) {
        let ran_at = known.and_then(|run| run.ran_at);
        let due_at = match self {
            Self::Wait => known.map_or(now, |run| run.due_at),
            Self::Pass(due_at) => due_at,
            Self::Do(due_at) => {
                let ran_at = Some(now);
                return (Run { due_at, ran_at }, Some(due_at));
            }
        };
        (Run { due_at, ran_at }, None)
    }
}

impl Timetable {
    /// Says what is to be done about a job now. `run` is what is remembered of it under the same
    /// expression; `starting` tells that the program has just been started.
    ///
    /// Each time of a backup, count or reset leads to one run, at that time or as soon as the program
    /// runs again; several that were missed, to one together. A status report is never made up for, and
    /// administrators are read at each start anyway.
    #[must_use]
    pub fn decide(&self, job: Job, run: Option<Run>, now: Timestamp, starting: bool) -> Verdict {
        let Some(run) = run else {
            // Nothing was missed before there was anything to miss.
            return Verdict::Pass(now);
        };
        let is_wrong = self.is_of_a_wrong_clock(job, run, now);
        let dealt_with = if is_wrong {
            // What came since the clock was set, before anybody looked, is not missed.
            now.plus(-LOOKED_AT_WITHIN)
        } else {
            run.due_at
        };
        let due = match self.latest(job, now) {
            Some(due) if due > dealt_with => due,
            _ if is_wrong => return Verdict::Pass(now),
            _ => return Verdict::Wait,
        };
        let late = now.get().saturating_sub(due.get());
        let is_pointless = match job {
            Job::Status => starting || late > STATUS_WITHIN,
            Job::Admins => starting,
            Job::Recheck => false,
            // A clock that was set back and forth must not bring it twice.
            Job::Backup | Job::Count | Job::Reset => {
                late > PUNCTUAL_WITHIN && run.ran_at.is_some_and(|ran_at| ran_at >= due)
            }
        };
        if is_pointless {
            Verdict::Pass(due)
        } else {
            Verdict::Do(due)
        }
    }

    /// What was dealt with can lie ahead only if the clock was set back. By hours, it is waited for, so
    /// that nothing comes twice; but not at the price of the times that lie in between.
    fn is_of_a_wrong_clock(&self, job: Job, run: Run, now: Timestamp) -> bool {
        let ahead = run.due_at.get().saturating_sub(now.get());
        match job {
            Job::Backup | Job::Count | Job::Reset => ahead > DAY,
            // These may rather come twice than not at all: by half the way to their next time.
            Job::Status | Job::Admins | Job::Recheck => {
                let interval = self
                    .next(job, run.due_at)
                    .map_or(DAY, |next| next.get().saturating_sub(run.due_at.get()));
                ahead > 0 && ahead.saturating_mul(2) > interval
            }
        }
    }
}
