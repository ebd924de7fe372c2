//! Decides whether a job runs now: the rules for missed times and for clocks that jump.

use super::{Job, Timetable};
use crate::model::Timestamp;

/// A status report that is later than this, in seconds, is skipped.
pub const MAX_STATUS_DELAY: i64 = 60;
/// A run that is later than this, in seconds, catches up a missed time.
const MAX_DELAY: i64 = 300;
/// The caller checks each job at least this often, in seconds, whether the scheduler fires or not.
const MAX_CHECK_INTERVAL: i64 = 60;
/// If the settled time lies further ahead than this, in seconds, the clock was wrong when it was stored.
const MAX_CLOCK_SKEW: i64 = DAY;
const DAY: i64 = 24 * 3600;

/// How far a job's due times are settled: done, skipped, or caught up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// All due times up to this one are settled.
    pub due_at: Timestamp,
    /// The time of the last run, by the clock of that moment.
    pub ran_at: Option<Timestamp>,
}

/// The next step for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The job is not due.
    Wait,
    /// The due times up to this moment are settled without a run.
    Skip(Timestamp),
    /// The job runs, for this due time and all that were missed before it.
    Run(Timestamp),
}

impl Action {
    /// Returns the progress after this action at `now`, and the due time of the run, if there is one.
    ///
    /// `known` is the progress so far, also if it was made under another expression.
    #[must_use]
    pub fn apply(self, known: Option<Progress>, now: Timestamp) -> (Progress, Option<Timestamp>) {
        let ran_at = known.and_then(|progress| progress.ran_at);
        let due_at = match self {
            Self::Wait => known.map_or(now, |progress| progress.due_at),
            Self::Skip(due_at) => due_at,
            Self::Run(due_at) => {
                let ran_at = Some(now);
                return (Progress { due_at, ran_at }, Some(due_at));
            }
        };
        (Progress { due_at, ran_at }, None)
    }
}

impl Timetable {
    /// Decides whether a job runs now.
    ///
    /// `progress` is the job's progress under the same expression; `starting` is true at the
    /// program's start. Each due time of a backup, count or reset leads to one run, at that time or
    /// when the program runs again; several missed times lead to one run together. A missed status
    /// report is skipped. Administrators are read at each start anyway.
    #[must_use]
    pub fn decide(
        &self,
        job: Job,
        progress: Option<Progress>,
        now: Timestamp,
        starting: bool,
    ) -> Action {
        let Some(progress) = progress else {
            // The first start has missed nothing.
            return Action::Skip(now);
        };
        let clock_was_wrong = self.is_from_wrong_clock(job, progress, now);
        let settled = if clock_was_wrong {
            // A due time since the clock was corrected, but before this check, is not missed.
            now.plus(-MAX_CHECK_INTERVAL)
        } else {
            progress.due_at
        };
        let due = match self.latest(job, now) {
            Some(due) if due > settled => due,
            _ if clock_was_wrong => return Action::Skip(now),
            _ => return Action::Wait,
        };
        let late = now.get().saturating_sub(due.get());
        let skipped = match job {
            Job::Status => starting || late > MAX_STATUS_DELAY,
            Job::Admins => starting,
            Job::Recheck => false,
            // A clock that was set forward and back must not repeat the run.
            Job::Backup | Job::Count | Job::Reset => {
                late > MAX_DELAY && progress.ran_at.is_some_and(|ran_at| ran_at >= due)
            }
        };
        if skipped {
            Action::Skip(due)
        } else {
            Action::Run(due)
        }
    }

    /// Returns true if the progress was stored under a wrong clock.
    ///
    /// The settled time lies ahead only if the clock was set back. If it was set back by hours, the
    /// job waits for that time, so that no run is repeated. If it was set back further, waiting would
    /// lose the due times in between.
    fn is_from_wrong_clock(&self, job: Job, progress: Progress, now: Timestamp) -> bool {
        let ahead = progress.due_at.get().saturating_sub(now.get());
        match job {
            Job::Backup | Job::Count | Job::Reset => ahead > MAX_CLOCK_SKEW,
            // A repeated run is better than a lost one here; the limit is half an interval.
            Job::Status | Job::Admins | Job::Recheck => {
                let interval = self
                    .next(job, progress.due_at)
                    .map_or(DAY, |next| next.get().saturating_sub(progress.due_at.get()));
                ahead > 0 && ahead.saturating_mul(2) > interval
            }
        }
    }
}
