//! The jobs that the watcher runs in the background: pulls, dialog syncs, queries for known channels and checks
//! of the connection.
//!
//! Each returns what the tracker has to know. A job that a shutdown or a crash ends is repeated after the next start.

use std::time::Duration;

use crate::decide;
use crate::decide::channel_tracker::{AskedChannels, Event, PullStep};
use crate::model::{ChannelId, Timestamp};
use crate::task::dialog_sync::{DialogReader, ReadStep};
use crate::task::known_channels::{AskStep, KnownChannels};
use crate::task::{ChannelPuller, Database, Runtime, TaskError};
use crate::telegram::{CallError, Telegram};

/// The longest pause between two attempts to connect.
const MAX_CONNECT_PAUSE: Duration = Duration::from_secs(30);

/// The result of a background job.
pub(super) enum BackgroundResult {
    Event(Event),
    DialogsRead(DialogReader, ReadStep),
    KnownChannelsAsked(AskedChannels, KnownChannels, AskStep),
    /// The connection answers; `reconnected` if a new one was needed.
    ConnectionChecked {
        reconnected: bool,
        /// Telegram pushes updates over it.
        subscribed: bool,
    },
    /// The connection answers, but Telegram limits the call that has updates pushed.
    SubscriptionLimited {
        until: Timestamp,
    },
    /// The limit on the subscription ended.
    LimitEnded,
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
    mut reader: DialogReader,
    runtime: Runtime,
    telegram: Telegram,
) -> Result<BackgroundResult, TaskError> {
    let step = reader.step(&runtime, &telegram).await?;
    Ok(BackgroundResult::DialogsRead(reader, step))
}

/// Asks for the next batch of the channels that are left of a query, or begins it.
pub(super) async fn ask_known_channels(
    asked: AskedChannels,
    left: Option<KnownChannels>,
    database: Database,
    runtime: Runtime,
    telegram: Telegram,
) -> Result<BackgroundResult, TaskError> {
    let mut channels = match left {
        Some(left) => left,
        None => KnownChannels::of_ledger(&database, &asked).await?,
    };
    let step = channels.step(&runtime, &telegram).await?;
    Ok(BackgroundResult::KnownChannelsAsked(asked, channels, step))
}

pub(super) async fn await_limit(
    runtime: Runtime,
    until: Timestamp,
) -> Result<BackgroundResult, TaskError> {
    runtime.pause(runtime.clock.until(until)).await?;
    Ok(BackgroundResult::LimitEnded)
}

/// Returns as soon as the connection answers and pushes updates; a silent one is replaced.
pub(super) async fn check_connection(
    runtime: Runtime,
    telegram: Telegram,
) -> Result<BackgroundResult, TaskError> {
    let mut attempts = 0;
    let subscribed = loop {
        match runtime.or_shutdown(telegram.subscribe()).await? {
            Ok(()) => break true,
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            // The channels are pulled all the same, so nothing waits for the end of the limit.
            Err(CallError::RateLimited { until, .. }) => {
                let until = Timestamp::new(until);
                return Ok(BackgroundResult::SubscriptionLimited { until });
            }
            // Any answer, even a refusal, comes over a connection that is alive.
            Err(
                CallError::ServerError { .. }
                | CallError::Refused { .. }
                | CallError::Unusable { .. }
                | CallError::NotSent { .. },
            ) => break false,
            Err(error @ CallError::Network { .. }) => {
                tracing::warn!(%error, "no connection");
                telegram.reconnect();
                runtime
                    .pause(decide::backoff(attempts).min(MAX_CONNECT_PAUSE))
                    .await?;
                attempts += 1;
            }
        }
    };
    let reconnected = attempts > 0;
    if reconnected {
        tracing::info!("connected again");
    }
    Ok(BackgroundResult::ConnectionChecked {
        reconnected,
        subscribed,
    })
}
