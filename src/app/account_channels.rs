//! Reads the channels and groups that the account is in, so that an operator can fill in `[channels]`.
//!
//! The list comes from Telegram, or from `state.db` while the program runs. Reading it changes no file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::AppError;
use crate::clock::Clock;
use crate::config::Telegram as TelegramSection;
use crate::decide;
use crate::model::{Channel, ChannelId, Timestamp};
use crate::store::{Holder, inspect};
use crate::telegram::{CallError, DialogListing, ListingStep, Telegram};

/// The longest rate limit whose end the reading waits for.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The longest wait for a rate limit that an operator does not notice.
const UNNOTICED_WAIT: Duration = Duration::from_secs(2);
/// How many times in a row a page is read again that got no answer.
const MAX_RETRIES: u32 = 2;

/// The process that uses the data directory, and the channels in its `state.db`.
#[derive(Clone, Debug)]
pub struct StoredChannels {
    pub pid: Option<u32>,
    pub channels: Vec<Channel>,
}

/// Reads the channels from `state.db` if a process uses the data directory and has stored some; otherwise `None`.
///
/// # Errors
/// The lock file or `state.db` cannot be read.
pub fn stored(telegram: &TelegramSection) -> Result<Option<StoredChannels>, AppError> {
    let Some(Holder { pid }) = Holder::of(&telegram.data_dir)? else {
        return Ok(None);
    };
    let known = inspect(&telegram.state_file(), |tx| tx.channels())?;
    Ok(known.map(|known| StoredChannels {
        pid,
        channels: known.into_iter().map(|known| known.channel).collect(),
    }))
}

/// Reads the whole list of dialogs, and waits for the end of short rate limits. `on_rate_limit` gets each wait that an
/// operator would notice.
///
/// # Errors
/// See [`CallError`].
pub async fn listed(
    telegram: &Telegram,
    clock: &Clock,
    on_rate_limit: impl Fn(Duration),
) -> Result<Vec<Channel>, CallError> {
    let mut listing = DialogListing::default();
    let mut channels: BTreeMap<ChannelId, Channel> = BTreeMap::new();
    let mut retries = 0;
    loop {
        let error = match telegram.advance_listing(&mut listing, clock.now()).await {
            Ok(ListingStep::Page(page)) => {
                retries = 0;
                channels.extend(page.into_iter().map(|channel| (channel.id, channel)));
                continue;
            }
            Ok(ListingStep::Complete) => return Ok(channels.into_values().collect()),
            Err(error) => error,
        };
        let is_rate_limit = matches!(error, CallError::RateLimited { .. });
        let pause = match error {
            CallError::RateLimited { until, .. } => clock.until(Timestamp::new(until)),
            CallError::Network { .. } | CallError::ServerError { .. } if retries < MAX_RETRIES => {
                telegram.reconnect();
                retries += 1;
                decide::backoff(retries)
            }
            error => return Err(error),
        };
        if pause > MAX_WAIT {
            return Err(error);
        }
        if is_rate_limit && pause > UNNOTICED_WAIT {
            on_rate_limit(pause);
        }
        tokio::time::sleep(pause).await;
    }
}

/// Returns the rate limits that `run` has stored and that are in force. A `state.db` that cannot be read has none.
#[must_use]
pub fn rate_limits(telegram: &TelegramSection, clock: &Clock) -> BTreeMap<String, Timestamp> {
    let now = clock.now();
    let stored = inspect(&telegram.state_file(), |tx| tx.rate_limits(now));
    stored.ok().flatten().unwrap_or_default()
}
