//! Learns, before any loop starts, who the account is and which channels it is in, and checks that it may post.
//!
//! The module waits for a network that is not there yet, up to [`CONNECT_TIMEOUT`]. It keeps nothing: each start asks
//! Telegram again.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::AppError;
use crate::clock::Clock;
use crate::config::Config;
use crate::decide;
use crate::model::{Channel, ChannelId, Timestamp, UserId};
use crate::telegram::{CallError, Telegram};

/// How long Telegram may be unreachable at start.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(600);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// How often the program reads the list of dialogs before it believes that HIDE is not in it: the pages of the list are
/// no snapshot.
const MAX_LISTS: usize = 3;

/// The account, as Telegram knows it.
pub(super) struct Account {
    pub(super) own: UserId,
    /// Every channel that the account is in.
    pub(super) channels: Vec<Channel>,
}

/// Learns who the account is and which channels it is in. Returns `None` if the program shuts down first.
pub(super) async fn learn_account(
    config: &Config,
    telegram: &Telegram,
    clock: &Clock,
    shutdown: &CancellationToken,
) -> Result<Option<Account>, AppError> {
    let mut lists = 1;
    loop {
        let Some(account) = ask(telegram, clock, shutdown).await? else {
            return Ok(None);
        };
        match check_private_channels(config, &account.channels) {
            Ok(()) => return Ok(Some(account)),
            Err(AppError::NotInChannel { .. }) if lists < MAX_LISTS => lists += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Connects and asks, until there is an answer.
async fn ask(
    telegram: &Telegram,
    clock: &Clock,
    shutdown: &CancellationToken,
) -> Result<Option<Account>, AppError> {
    let deadline = clock.instant() + CONNECT_TIMEOUT;
    let mut attempts = 0;
    loop {
        let calls = async {
            telegram.subscribe().await?;
            let own = telegram.own_user().await?.id;
            let channels = telegram.channels().await?;
            Ok(Account { own, channels })
        };
        let result = tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            result = calls => result,
        };
        let (error, pause) = match result {
            Ok(account) => return Ok(Some(account)),
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(
                error @ (CallError::Refused { .. }
                | CallError::Unusable { .. }
                | CallError::NotSent { .. }),
            ) => return Err(AppError::Refused(error)),
            Err(error @ CallError::RateLimited { until, .. }) => {
                (error, clock.until(Timestamp::new(until)))
            }
            Err(error @ (CallError::Network { .. } | CallError::ServerError { .. })) => {
                telegram.reconnect();
                if clock.instant() >= deadline {
                    return Err(AppError::Unreachable(error.to_string()));
                }
                (error, decide::backoff(attempts).min(MAX_PAUSE))
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

/// Checks that the account may post in HIDE. Trouble with EXCHANGE is only logged: posts go to HIDE then.
fn check_private_channels(config: &Config, channels: &[Channel]) -> Result<(), AppError> {
    check_can_post("hide_channel_id", config.channels.hide, channels)?;
    if let Some(exchange) = config.channels.exchange
        && let Err(error) = check_can_post("exchange_channel_id", exchange, channels)
    {
        tracing::error!("{error}");
    }
    Ok(())
}

fn check_can_post(
    key: &'static str,
    channel: ChannelId,
    channels: &[Channel],
) -> Result<(), AppError> {
    match channels.iter().find(|known| known.id == channel) {
        None => Err(AppError::NotInChannel { key, channel }),
        Some(known) if !known.can_post => Err(AppError::CannotPost { key, channel }),
        Some(_) => Ok(()),
    }
}
