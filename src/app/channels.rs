//! Before anything runs: who the account is, which channels it is in, and where posts go.
//!
//! Owns the patience with a network that is not there yet (SPEC §11, code 69). Keeps nothing: a new start asks anew.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::AppError;
use crate::clock::Clock;
use crate::config::Config;
use crate::decide;
use crate::model::{Channel, ChannelId, Timestamp, UserId};
use crate::task::Delivery;
use crate::telegram::{CallError, Telegram};

/// How long Telegram may be unreachable at start.
pub(super) const REACHABLE_WITHIN: Duration = Duration::from_secs(600);

/// Learns where posts go. A list of dialogs that lacks HIDE is asked for again before it is believed:
/// its pages are no snapshot.
pub(super) async fn learn_channels(
    config: &Config,
    telegram: &Telegram,
    clock: &Clock,
    shutdown: &CancellationToken,
) -> Result<Option<(UserId, Vec<Channel>, Delivery)>, AppError> {
    const LISTS: usize = 3;
    let mut lists = 1;
    loop {
        let Some((own, channels)) = learn(telegram, clock, shutdown).await? else {
            return Ok(None);
        };
        match delivery(config, &channels) {
            Ok(delivery) => return Ok(Some((own, channels, delivery))),
            Err(AppError::NotInChannel { .. }) if lists < LISTS => lists += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Connects, and learns who the account is and which channels it is in. `None` if the end was asked
/// for first.
async fn learn(
    telegram: &Telegram,
    clock: &Clock,
    shutdown: &CancellationToken,
) -> Result<Option<(UserId, Vec<Channel>)>, AppError> {
    let deadline = clock.instant() + REACHABLE_WITHIN;
    let mut attempts = 0;
    loop {
        let asked = async {
            telegram.subscribe().await?;
            let own = telegram.own_user().await?.id;
            Ok((own, telegram.channels().await?))
        };
        let result = tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            result = asked => result,
        };
        let (error, pause) = match result {
            Ok(learned) => return Ok(Some(learned)),
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(error @ CallError::Refused { .. }) => return Err(AppError::Refused(error)),
            Err(error @ CallError::Flood { until, .. }) => {
                (error, clock.until(Timestamp::new(until)))
            }
            Err(error @ (CallError::Network { .. } | CallError::Busy { .. })) => {
                telegram.reconnect();
                if clock.instant() >= deadline {
                    return Err(AppError::Unreachable(error.to_string()));
                }
                (
                    error,
                    decide::backoff(attempts).min(Duration::from_secs(30)),
                )
            }
        };
        attempts += 1;
        tracing::warn!("{error}; trying again in {} s", pause.as_secs());
        tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Checks that the private channels are the account's, and may be posted in. HIDE has to be; what
/// EXCHANGE does not take goes to HIDE (SPEC §5.4).
fn delivery(config: &Config, channels: &[Channel]) -> Result<Delivery, AppError> {
    let hide = config.channels.hide;
    postable("hide_channel_id", hide, channels)?;
    let exchange = config.channels.exchange;
    if let Some(id) = exchange
        && let Err(error) = postable("exchange_channel_id", id, channels)
    {
        tracing::error!("{error}");
    }
    Ok(Delivery {
        hide,
        exchange,
        private: std::iter::once(hide).chain(exchange).collect(),
        min_interval: config.delivery.min_interval,
        max_age: i64::try_from(config.delivery.max_age.as_secs()).unwrap_or(i64::MAX),
        spool_max: config.delivery.spool_max_bytes,
    })
}

fn postable(key: &'static str, id: ChannelId, channels: &[Channel]) -> Result<(), AppError> {
    match channels.iter().find(|channel| channel.id == id) {
        None => Err(AppError::NotInChannel { key, channel: id }),
        Some(channel) if !channel.can_post => Err(AppError::CannotPost { key, channel: id }),
        Some(_) => Ok(()),
    }
}
