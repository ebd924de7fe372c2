//! What happens by the clock: status, backup, counts, reset, administrators, recheck.
//!
//! tokio-cron-scheduler fires, in UTC; what a firing means, `schedule` decides from the clock and from
//! what the store remembers of the job. The same question is asked at start and every few seconds, so
//! that neither a firing that was lost nor a clock that jumps matters. A job and the note that it ran are
//! one transaction: a crash leaves it due or done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler, JobSchedulerError};

use super::{Shared, TaskError, enqueue, lists};
use crate::exchange::reports::{self, Status};
use crate::model::Timestamp;
use crate::schedule::{Job, Progress, Timetable};
use crate::store::{JobRecord, StoreError, Tx};

/// How often every job is looked at, whatever fires: often enough for a status report to be in time.
const BEAT: Duration = Duration::from_secs(20);

/// Owes the report that the service has started.
///
/// # Errors
/// See [`TaskError`].
pub async fn enqueue_online(shared: &Shared) -> Result<(), TaskError> {
    let now = shared.clock.now();
    let text = status(shared, Status::Online);
    shared
        .commit(|tx| {
            enqueue::drop_awake(tx, now)?;
            enqueue::envelope(tx, Status::Online.into_str(), &text, now)
        })
        .await?;
    shared.wakes.deliver.notify_one();
    Ok(())
}

/// Does the jobs that were missed, once each, then every job on schedule until the end.
///
/// # Errors
/// See [`TaskError`].
pub async fn cron(shared: Arc<Shared>, timetable: Timetable) -> Result<(), TaskError> {
    look_at_all(&shared, &timetable, true).await?;
    let (fired, mut fires) = mpsc::channel(Job::ALL.len());
    let mut scheduler = start(&timetable, &fired)
        .await
        .map_err(|error| TaskError::System(format!("the scheduler: {error}")))?;
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => break,
            job = fires.recv() => match job {
                Some(_) => look_at_all(&shared, &timetable, false).await?,
                None => return Err(TaskError::System("the scheduler has stopped".into())),
            },
            () = tokio::time::sleep(BEAT) => look_at_all(&shared, &timetable, false).await?,
        }
    }
    // It holds nothing that matters; the process ends right after.
    if let Err(error) = scheduler.shutdown().await {
        tracing::debug!("the scheduler: {error}");
    }
    Ok(())
}

/// Does every job that is due, in their order, whichever of them fired: those of one second fire in any order.
async fn look_at_all(
    shared: &Shared,
    timetable: &Timetable,
    starting: bool,
) -> Result<(), TaskError> {
    let now = shared.clock.now();
    for &job in Job::ALL {
        look_at(shared, timetable, job, (now, starting)).await?;
    }
    Ok(())
}

/// Does a job, if it is due.
async fn look_at(
    shared: &Shared,
    timetable: &Timetable,
    job: Job,
    (now, starting): (Timestamp, bool),
) -> Result<(), TaskError> {
    let due = shared
        .commit(|tx| {
            let known = tx.job(job.as_str())?;
            let (record, due) = judge(known.as_ref(), timetable, job, now, starting);
            if let Some(due) = due
                && let Err(why) = carry_out(tx, shared, job, due, now)?
            {
                tracing::error!(%job, "not done yet: {why}");
                return Ok(None);
            }
            if known.as_ref() != Some(&record) {
                tx.note_job(job.as_str(), &record)?;
            }
            Ok(due)
        })
        .await?;
    let Some(due) = due else { return Ok(()) };
    match job {
        Job::Status | Job::Recheck => tracing::debug!(%job, late_s = now.get() - due.get(), "ran"),
        _ => tracing::info!(%job, late_s = now.get() - due.get(), "ran"),
    }
    match job {
        Job::Status | Job::Count => shared.wakes.deliver.notify_one(),
        Job::Backup => shared.wakes.fetch.notify_one(),
        Job::Reset => shared.wakes.deliver.notify_one(),
        Job::Admins => {
            shared.wakes.all_admins.store(true, Ordering::Release);
            shared.wakes.admins.notify_one();
        }
        Job::Recheck => shared.wakes.recheck.notify_one(),
    }
    Ok(())
}

/// Asks whether a job is due. Returns what is known of it once that is done, and the time to do it for.
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
    // Another expression has other times: none of them was missed.
    let run = remembered.filter(|_| known.is_some_and(|known| known.expression == expression));
    let action = timetable.decide(job, run, now, starting);
    let (Progress { due_at, ran_at }, due) = action.apply(remembered, now);
    let record = JobRecord {
        expression,
        due_at,
        ran_at,
        next_at: timetable.next(job, now.max(due_at)),
    };
    (record, due)
}

/// Does what a job does in the database. The inner error says why it is left for later.
fn carry_out(
    tx: &Tx<'_>,
    shared: &Shared,
    job: Job,
    due: Timestamp,
    now: Timestamp,
) -> Result<Result<(), String>, StoreError> {
    match job {
        Job::Status => enqueue::awake(tx, &status(shared, Status::Awake), due, now)?,
        Job::Backup => enqueue::backup(tx, shared.settings.dialect, now)?,
        Job::Count => {
            enqueue::counts(tx, now)?;
        }
        Job::Reset => {
            // A backup that waits shows what the reset takes.
            if let Err(why) = lists::save_waiting(tx, shared, now)? {
                return Ok(Err(why));
            }
            tx.reset()?;
        }
        // These are woken after the commit.
        Job::Admins | Job::Recheck => {}
    }
    Ok(Ok(()))
}

fn status(shared: &Shared, status: Status) -> String {
    reports::status(shared.settings.dialect, status, shared.settings.backup)
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
                // Full means that as many firings wait already; the next beat looks at every job.
                if fired.try_send(job).is_err() {
                    tracing::debug!(%job, "fired again before it was looked at");
                }
            })
        })?;
        scheduler.add(cron_job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}
