//! Runs the scheduled jobs: status, backup, counts, reset, administrators, recheck. See docs/schedule.md.
//!
//! tokio-cron-scheduler fires, in UTC; `schedule` decides which jobs are due, from the clock and the stored record of
//! the job. The jobs are also checked at start and every few seconds, so that neither a lost firing nor a clock that
//! jumps matters. A job and its record are one transaction: after a crash the job is due or done.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler, JobSchedulerError};

use super::backup_files::{self, BackupError};
use super::{BackupFiles, Database, Runtime, TaskError, Wakers, enqueue, spool_file};
use crate::config::Dialect;
use crate::exchange::reports::{self, StatusKind};
use crate::model::Timestamp;
use crate::schedule::{Job, Progress, Timetable};
use crate::store::{JobRecord, StoreError, Tx};

/// Time between two checks of every job, whatever fires: short enough for a status report to be in time.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(20);

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
    /// This instance sends reports, backups and counts; another one does otherwise.
    pub sends_reports: bool,
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
    /// Enqueues the report that the service has started, unless an earlier one is recent or waits. If another
    /// instance sends reports, drops those that this one has left from the time when it did.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn enqueue_online(&self) -> Result<(), TaskError> {
        let now = self.runtime.clock.now();
        if !self.sends_reports {
            let files = self
                .database
                .write(|tx| tx.drop_unsent_reports(now))
                .await?;
            for name in &files {
                spool_file::remove(&self.backup_files.spool, name);
            }
            return Ok(());
        }
        let text = self.status(StatusKind::Online);
        self.database
            .write(|tx| enqueue::online(tx, &text, now))
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
                        tracing::error!(%job, error, "reset postponed: cannot write a pending backup");
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
            if job == Job::Reset && backup_files::has_pending_lists(tx)? {
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
            Job::Status | Job::Backup if !self.sends_reports => Ok(()),
            Job::Count if !self.sends_reports => enqueue::reset_counts(tx),
            Job::Status => enqueue::awake(tx, &self.status(StatusKind::Awake), due, now),
            Job::Backup => enqueue::backup(tx, self.dialect, now),
            Job::Count => enqueue::counts(tx, now).map(|_| ()),
            Job::Reset => tx.reset(now),
            // Their loops are woken after the commit.
            Job::Admins | Job::Recheck => Ok(()),
        }
    }

    /// Wakes the loop that does the rest of a job.
    fn wake(&self, job: Job) {
        match job {
            Job::Status | Job::Count => self.wakers.deliver.notify_one(),
            Job::Reset => {
                // Photos that were to be posted by the document of a forgotten post are fetched again.
                self.wakers.fetch.notify_one();
                self.wakers.deliver.notify_one();
            }
            Job::Backup => self.wakers.fetch.notify_one(),
            Job::Admins => self.wakers.administrators.read_all(),
            Job::Recheck => self.wakers.recheck.notify_one(),
        }
    }

    fn status(&self, status: StatusKind) -> String {
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

#[cfg(test)]
mod tests {
    use croner::Cron;
    use croner::parser::CronParser;

    use super::*;
    use crate::config::{ResetDay, Schedule};
    use crate::model::{BadEntry, List, UserId, WordList};
    use crate::store::SendFilter;
    use crate::task::fixture::{Fixture, NOW};

    fn cron(text: &str) -> Cron {
        CronParser::new().parse(text).expect(text)
    }

    /// A scheduler whose reset was due ten hours ago, on the day before [`NOW`].
    fn scheduler(fixture: &Fixture) -> Scheduler {
        let schedule = Schedule {
            status: cron("30 * * * *"),
            backup: cron("0 20 * * *"),
            count: cron("0 21 * * *"),
            reset_time: cron("0 22 * * *"),
            admins: cron("30 22 * * *"),
            recheck: cron("*/15 * * * *"),
        };
        let timetable = Timetable::new(schedule, ResetDay::parse("14").expect("a day"));
        let reset = JobRecord {
            expression: timetable.expression(Job::Reset),
            due_at: NOW.plus(-3 * 24 * 3600),
            ran_at: None,
            next_at: None,
        };
        fixture.write(|tx| {
            tx.set_job(Job::Reset.as_str(), &reset)?;
            tx.set_bad(BadEntry::User(UserId::new(5)), true, NOW)
        });
        Scheduler {
            database: fixture.database.clone(),
            runtime: fixture.runtime.clone(),
            wakers: Wakers::default(),
            backup_files: fixture.backup_files.clone(),
            timetable,
            dialect: Dialect::Classic,
            is_backup: false,
            sends_reports: true,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_reset_runs_once_after_the_files_of_a_waiting_backup_are_made() {
        let fixture = Fixture::new();
        let scheduler = scheduler(&fixture);
        fixture.write(|tx| enqueue::backup(tx, Dialect::Classic, NOW));
        let run = |tx: &Tx<'_>| scheduler.run_if_due(tx, Job::Reset, NOW, true);
        assert_eq!(fixture.write(run), Check::ListsWait);
        scheduler.check(Job::Reset, NOW, true).await.expect("run");
        assert_eq!(fixture.spooled().len(), 1);
        assert!(fixture.write(|tx| tx.is_list_empty(List::BadIds)));
        assert_eq!(fixture.write(run), Check::NotDue);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_reset_waits_while_a_backup_cannot_be_written() {
        let fixture = Fixture::new();
        let scheduler = scheduler(&fixture);
        fixture.write(|tx| enqueue::backup(tx, Dialect::Classic, NOW));
        std::fs::remove_dir(fixture.directory.path().join("spool")).expect("an empty spool");
        scheduler
            .check(Job::Reset, NOW, true)
            .await
            .expect("logged");
        assert!(!fixture.write(|tx| tx.is_list_empty(List::BadIds)));
    }

    #[test]
    fn an_instance_that_sends_no_reports_sets_the_hits_to_zero_and_resets() {
        let fixture = Fixture::new();
        let mut scheduler = scheduler(&fixture);
        scheduler.sends_reports = false;
        fixture.write(|tx| {
            tx.replace_rules(WordList::Ad, &[("a".into(), 3)], false)?;
            for job in [Job::Status, Job::Backup, Job::Count] {
                scheduler.run(tx, job, NOW, NOW)?;
            }
            assert_eq!(tx.next_to_send(NOW, SendFilter::ALL)?, None);
            assert_eq!(tx.lists_to_make(None)?, []);
            assert_eq!(tx.rules(WordList::Ad)?, [("a".to_owned(), 0)]);
            scheduler.run(tx, Job::Reset, NOW, NOW)?;
            assert!(tx.is_list_empty(List::BadIds)?);
            Ok(())
        });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_instance_that_is_no_longer_the_first_drops_its_reports() {
        let fixture = Fixture::new();
        let mut scheduler = scheduler(&fixture);
        scheduler.enqueue_online().await.expect("enqueued");
        scheduler.sends_reports = false;
        scheduler.enqueue_online().await.expect("dropped");
        let next = fixture.write(|tx| tx.next_to_send(NOW, SendFilter::ALL));
        assert_eq!(next, None);
    }

    #[test]
    fn a_job_that_was_never_seen_is_not_made_up_for() {
        let fixture = Fixture::new();
        let scheduler = scheduler(&fixture);
        let run = |tx: &Tx<'_>| scheduler.run_if_due(tx, Job::Backup, NOW, true);
        assert_eq!(fixture.write(run), Check::NotDue);
        assert!(fixture.write(|tx| tx.job(Job::Backup.as_str())).is_some());
    }
}
