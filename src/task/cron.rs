//! Runs the scheduled jobs: status, backup, counts, reset, administrators, recheck. See docs/schedule.md.
//!
//! tokio-cron-scheduler fires, in UTC; `schedule` decides what a firing means, from the clock and the stored record of
//! the job. The jobs are also checked at start and every few seconds, so that neither a lost firing nor a clock that
//! jumps matters. A job and its record are one transaction: after a crash the job is due or done.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler, JobSchedulerError};

use super::backup_files::{self, BackupError};
use super::{BackupFiles, Database, Runtime, TaskError, Wakers, enqueue};
use crate::config::Dialect;
use crate::exchange::reports::{self, Status};
use crate::model::{Purpose, Timestamp};
use crate::schedule::{Job, Progress, Timetable};
use crate::store::{JobRecord, StoreError, Tx};

/// Time between two checks of every job, whatever fires: short enough for a status report to be in time.
const CHECK_INTERVAL: Duration = Duration::from_secs(20);

/// The loop that runs the scheduled jobs.
pub struct Scheduler {
    pub database: Database,
    pub runtime: Runtime,
    pub wakers: Wakers,
    pub backup_files: BackupFiles,
    pub timetable: Timetable,
    pub dialect: Dialect,
    /// This instance is a standby replica.
    pub is_backup: bool,
}

/// The result of a check.
#[derive(Debug, PartialEq, Eq)]
enum Check {
    NotDue,
    /// The job was done, for this time.
    Done(Timestamp),
    /// A backup list waits for its file: it has to be made before the reset.
    ListsWait,
}

impl Scheduler {
    /// Enqueues the report that the service has started.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn enqueue_online(&self) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        let text = self.status(Status::Online);
        self.database
            .write(|tx| {
                enqueue::drop_awake(tx, now)?;
                tx.enqueue_text(Purpose::Online, &text, now)
            })
            .await?;
        self.wakers.deliver.notify_one();
        Ok(())
    }

    /// Runs the jobs that were missed, once each, then every job on schedule until the shutdown.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn schedule(self) -> Result<(), TaskError> {
        self.check_all(true).await?;
        let (fired, mut fires) = mpsc::channel(Job::ALL.len());
        let mut cron = start(&self.timetable, &fired)
            .await
            .map_err(|error| TaskError::System(format!("the scheduler: {error}")))?;
        loop {
            tokio::select! {
                () = self.runtime.shutdown.cancelled() => break,
                job = fires.recv() => match job {
                    Some(_) => self.check_all(false).await?,
                    None => return Err(TaskError::System("the scheduler has stopped".into())),
                },
                () = tokio::time::sleep(CHECK_INTERVAL) => self.check_all(false).await?,
            }
        }
        // The scheduler holds nothing that matters, and the process ends right after.
        if let Err(error) = cron.shutdown().await {
            tracing::debug!(%error, "the scheduler did not shut down");
        }
        Ok(())
    }

    /// Runs every job that is due, in the order of the jobs: those of one second fire in any order.
    async fn check_all(&self, starting: bool) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        for job in Job::ALL {
            self.check(*job, now, starting).await?;
        }
        Ok(())
    }

    /// Runs a job, if it is due.
    async fn check(&self, job: Job, now: Timestamp, starting: bool) -> Result<(), TaskError> {
        let due = loop {
            let check = self
                .database
                .write(|tx| self.run_if_due(tx, job, now, starting))
                .await?;
            match check {
                Check::NotDue => return Ok(()),
                Check::Done(due) => break due,
                Check::ListsWait => match self.backup_files.make_all().await {
                    Ok(()) => {}
                    Err(BackupError::Task(error)) => return Err(error),
                    Err(BackupError::Spool(error)) => {
                        tracing::error!(%job, error, "not done yet: a backup waits that cannot be kept");
                        return Ok(());
                    }
                },
            }
        };
        let late_s = now.get() - due.get();
        match job {
            Job::Status | Job::Recheck => tracing::debug!(%job, late_s, "ran"),
            _ => tracing::info!(%job, late_s, "ran"),
        }
        self.wake(job);
        Ok(())
    }

    fn run_if_due(
        &self,
        tx: &Tx<'_>,
        job: Job,
        now: Timestamp,
        starting: bool,
    ) -> Result<Check, StoreError> {
        let known = tx.job(job.as_str())?;
        let (record, due) = judge(known.as_ref(), &self.timetable, job, now, starting);
        if let Some(due) = due {
            // A backup that waits shows what the reset destroys.
            if job == Job::Reset && backup_files::lists_wait(tx)? {
                return Ok(Check::ListsWait);
            }
            self.run(tx, job, due, now)?;
        }
        if known.as_ref() != Some(&record) {
            tx.set_job(job.as_str(), &record)?;
        }
        Ok(due.map_or(Check::NotDue, Check::Done))
    }

    /// Does the part of a job that is in the database.
    fn run(&self, tx: &Tx<'_>, job: Job, due: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        match job {
            Job::Status => enqueue::awake(tx, &self.status(Status::Awake), due, now),
            Job::Backup => enqueue::backup(tx, self.dialect, now),
            Job::Count => enqueue::counts(tx, now).map(|_| ()),
            Job::Reset => tx.reset(),
            // Their loops are woken after the commit.
            Job::Admins | Job::Recheck => Ok(()),
        }
    }

    /// Wakes the loop that does the rest of a job.
    fn wake(&self, job: Job) {
        match job {
            Job::Status | Job::Count | Job::Reset => self.wakers.deliver.notify_one(),
            Job::Backup => self.wakers.fetch.notify_one(),
            Job::Admins => self.wakers.administrators.read_all(),
            Job::Recheck => self.wakers.recheck.notify_one(),
        }
    }

    fn status(&self, status: Status) -> String {
        reports::status(self.dialect, status, self.is_backup)
    }
}

/// Decides whether a job is due. Returns its record after that, and the time to run it for.
fn judge(
    known: Option<&JobRecord>,
    timetable: &Timetable,
    job: Job,
    now: Timestamp,
    starting: bool,
) -> (JobRecord, Option<Timestamp>) {
    let expression = timetable.expression(job);
    let remembered = known.map(|known| Progress {
        due_at: known.due_at,
        ran_at: known.ran_at,
    });
    // Another expression has other times, of which none was missed.
    let progress = remembered.filter(|_| known.is_some_and(|known| known.expression == expression));
    let action = timetable.decide(job, progress, now, starting);
    let (Progress { due_at, ran_at }, due) = action.apply(remembered, now);
    let record = JobRecord {
        expression,
        due_at,
        ran_at,
        next_at: timetable.next(job, now.max(due_at)),
    };
    (record, due)
}

async fn start(
    timetable: &Timetable,
    fired: &mpsc::Sender<Job>,
) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for &job in Job::ALL {
        let fired = fired.clone();
        let cron_job = CronJob::new_async(timetable.fires_at(job), move |_, _| {
            let fired = fired.clone();
            Box::pin(async move {
                // A full queue means that as many firings wait already; the next check looks at every job.
                if fired.try_send(job).is_err() {
                    tracing::debug!(%job, "fired again before it was checked");
                }
            })
        })?;
        scheduler.add(cron_job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}
