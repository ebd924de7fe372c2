//! What happens by the clock: the status of every hour, the daily backup, the daily counts.
//!
//! tokio-cron-scheduler fires, in UTC; what a firing means is decided here. What was missed while the
//! program was down is not made up for yet, and a status report never is.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler, JobSchedulerError};

use super::{Shared, Stop, owed};
use crate::exchange::reports::{self, Status};

/// A job of `[schedule]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The status report.
    Status,
    /// The backup of every list.
    Backup,
    /// The counts of every list of rules.
    Count,
    /// The recheck of members who are still new.
    Recheck,
}

/// When each job is due: cron expressions of six fields, the first for seconds.
pub type Plan = Vec<(Job, String)>;

/// Owes a status report now. Each call is a report of its own, as each start of the service is.
///
/// # Errors
/// See [`Stop`].
pub async fn owe_status(shared: &Shared, status: Status) -> Result<(), Stop> {
    let now = shared.clock.now();
    let text = reports::status(shared.settings.dialect, status, shared.settings.backup);
    shared
        .commit(|facts| {
            // One that could not be said in time is not said late.
            facts.drop_unsent("awake/", now)?;
            owed::envelope(facts, status.as_str(), &text, now)
        })
        .await?;
    shared.wakes.deliver.notify_one();
    Ok(())
}

/// Does the jobs on schedule until the end.
///
/// # Errors
/// See [`Stop`].
pub async fn cron(shared: Arc<Shared>, plan: Plan) -> Result<(), Stop> {
    let (fired, mut fires) = mpsc::channel(8);
    let mut scheduler = start(plan, &fired)
        .await
        .map_err(|error| Stop::System(format!("the scheduler: {error}")))?;
    loop {
        match shared.or_ending(fires.recv()).await {
            Ok(Some(job)) => fire(&shared, job).await?,
            Ok(None) => return Err(Stop::System("the scheduler has stopped".into())),
            Err(stop) => {
                // It holds nothing that matters; the process ends right after.
                if let Err(error) = scheduler.shutdown().await {
                    tracing::debug!("the scheduler: {error}");
                }
                return Err(stop);
            }
        }
    }
}

async fn fire(shared: &Shared, job: Job) -> Result<(), Stop> {
    let now = shared.clock.now();
    match job {
        Job::Status => return owe_status(shared, Status::Awake).await,
        Job::Backup => {
            shared
                .commit(|facts| owed::backup(facts, shared.settings.dialect, now))
                .await?;
            shared.wakes.fetch.notify_one();
        }
        Job::Count => {
            shared.commit(|facts| owed::counts(facts, now)).await?;
            shared.wakes.deliver.notify_one();
        }
        Job::Recheck => shared.wakes.recheck.notify_one(),
    }
    Ok(())
}

async fn start(plan: Plan, fired: &mpsc::Sender<Job>) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for (job, expression) in plan {
        let fired = fired.clone();
        let cron_job = CronJob::new_async(expression, move |_, _| {
            let fired = fired.clone();
            Box::pin(async move {
                // Full means that as many firings wait already: one more adds nothing.
                if fired.try_send(job).is_err() {
                    tracing::warn!(?job, "fired again before it was done");
                }
            })
        })?;
        scheduler.add(cron_job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}
