//! What happens by the clock: for now the status report of every hour.
//!
//! tokio-cron-scheduler fires, in UTC; what a firing means is decided here. A status report that
//! was missed is never made up for.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use super::{Shared, Stop};
use crate::config::Dialect;
use crate::exchange::reports::{self, Status};
use crate::spool;

/// When and how the status is reported.
#[derive(Clone, Debug)]
pub struct StatusPlan {
    /// A cron expression of six fields, the first for seconds.
    pub expression: String,
    /// How reports are worded.
    pub dialect: Dialect,
    /// Whether this instance is a standby replica.
    pub backup: bool,
}

/// Owes a status report now. Each call is a report of its own, as each start of the service is.
///
/// # Errors
/// See [`Stop`].
pub async fn owe_status(shared: &Shared, plan: &StatusPlan, status: Status) -> Result<(), Stop> {
    let now = shared.clock.now();
    let nonce = spool::random_name().map_err(|error| Stop::System(error.to_string()))?;
    let key = format!("status/{}/{now}/{nonce}", status.as_str());
    let text = reports::status(plan.dialect, status, plan.backup);
    shared
        .commit(|facts| facts.owe_report(&key, &text, now))
        .await?;
    shared.wakes.deliver.notify_one();
    Ok(())
}

/// Reports the status on schedule until the end.
///
/// # Errors
/// See [`Stop`].
pub async fn cron(shared: Arc<Shared>, plan: StatusPlan) -> Result<(), Stop> {
    let (fired, mut fires) = mpsc::channel(1);
    let mut scheduler = start(&plan.expression, fired)
        .await
        .map_err(|error| Stop::System(format!("the scheduler: {error}")))?;
    loop {
        match shared.or_ending(fires.recv()).await {
            Ok(Some(())) => owe_status(&shared, &plan, Status::Awake).await?,
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

async fn start(
    expression: &str,
    fired: mpsc::Sender<()>,
) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let job = Job::new_async(expression, move |_, _| {
        let fired = fired.clone();
        Box::pin(async move {
            // Full means that a report is being written this very moment.
            let _ = fired.try_send(());
        })
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
}
