//! The jobs that the watcher runs in the background: pulls, dialog syncs and checks of the connection.
//!
//! Each returns what the tracker has to know. A job that a shutdown or a crash ends is repeated after the next start.

use std::time::Duration;

use crate::decide;
use crate::decide::channel_tracker::{Event, PullStep};
use crate::model::{Channel, ChannelId, Timestamp};
use crate::task::call_retry::{Reply, until_answered};
use crate::task::{ChannelPuller, Runtime, TaskError};
use crate::telegram::{CallError, Telegram};

/// The longest pause between two attempts to connect.
const MAX_CONNECT_PAUSE: Duration = Duration::from_secs(30);

/// The result of a background job.
pub(super) enum BackgroundResult {
    Event(Event),
    DialogsRead(Result<Vec<Channel>, CallError>),
}

pub(super) async fn pull(
    puller: ChannelPuller,
    channel: ChannelId,
    step: PullStep,
) -> Result<BackgroundResult, TaskError> {
    let end = puller.pull(channel, step).await?;
    Ok(BackgroundResult::Event(Event::PullEnded { channel, end }))
}

pub(super) async fn read_dialogs(
    runtime: Runtime,
    telegram: Telegram,
) -> Result<BackgroundResult, TaskError> {
    let reply = until_answered(&runtime, || telegram.channels()).await?;
    Ok(BackgroundResult::DialogsRead(match reply {
        Reply::Answer(dialogs) => Ok(dialogs),
        Reply::Refusal(error) => Err(error),
    }))
}

/// Returns as soon as the connection answers and pushes updates; a silent one is replaced.
pub(super) async fn check_connection(
    runtime: Runtime,
    telegram: Telegram,
) -> Result<BackgroundResult, TaskError> {
    let mut attempts = 0;
    loop {
        match runtime.or_shutdown(telegram.subscribe()).await? {
            Ok(()) => break,
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(CallError::RateLimited { until, .. }) => {
                runtime
                    .pause(runtime.clock.until(Timestamp::new(until)))
                    .await?;
            }
            // Any answer, even a refusal, comes over a connection that is alive.
            Err(
                CallError::ServerError { .. }
                | CallError::Refused { .. }
                | CallError::Unusable { .. }
                | CallError::NotSent { .. },
            ) => break,
            Err(error @ CallError::Network { .. }) => {
                tracing::warn!(%error, "no connection");
                telegram.reconnect();
                runtime
                    .pause(decide::backoff(attempts).min(MAX_CONNECT_PAUSE))
                    .await?;
                attempts += 1;
            }
        }
    }
    let reconnected = attempts > 0;
    if reconnected {
        tracing::info!("connected again");
    }
    Ok(BackgroundResult::Event(Event::ConnectionChecked {
        reconnected,
    }))
}
