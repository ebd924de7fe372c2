//! Learns, before any loop starts, who the account is and how to reach HIDE, and checks that it may post there.
//!
//! The start uses the ledger of an earlier run where Telegram limits or refuses a call; the loops confirm it later. Only
//! a first start reads the list of dialogs here, and only until HIDE appears; the watcher reads the rest. The module
//! waits for a network that is not there yet, up to [`CONNECT_TIMEOUT`].

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::AppError;
use crate::clock::Clock;
use crate::config::Config;
use crate::decide;
use crate::model::{Channel, ChannelId, Timestamp, UserId};
use crate::store::{KnownChannel, Store};
use crate::task::{DialogReader, KnownChannels};
use crate::telegram::{CallError, DialogListing, ListingStep, Telegram};

/// How long Telegram may be unreachable at start.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(600);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// How often the program reads the list of dialogs before it believes that HIDE is not in it: the pages of the list are
/// no snapshot.
const MAX_LISTS: usize = 3;

/// The account, as far as the start needs it.
pub(super) struct Account {
    pub(super) own: UserId,
    /// Telegram named the account; otherwise it is the account of the last run.
    pub(super) is_confirmed: bool,
    /// Telegram pushes updates over the connection.
    pub(super) subscribed: bool,
    /// The channels that were read so far, HIDE among them.
    pub(super) channels: Vec<Channel>,
    /// Reads the other channels.
    pub(super) reader: DialogReader,
}

/// The knowledge of an earlier run.
struct Remembered {
    account: Option<UserId>,
    /// HIDE and EXCHANGE, where the account was in them.
    private: Vec<KnownChannel>,
}

/// Learns what the start needs. Returns `None` if the program shuts down first.
pub(super) async fn learn_account(
    config: &Config,
    store: &Store,
    telegram: &Telegram,
    clock: &Clock,
    shutdown: &CancellationToken,
) -> Result<Option<Account>, AppError> {
    let start = Start {
        config,
        telegram,
        clock,
        deadline: clock.instant() + CONNECT_TIMEOUT,
        remembered: Remembered::read(config, store)?,
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(None),
        account = start.learn() => account.map(Some),
    }
}

impl Remembered {
    fn read(config: &Config, store: &Store) -> Result<Self, AppError> {
        Ok(store.read(|tx| {
            let private = super::private_channels(config)
                .map(|id| tx.channel(id))
                .filter_map(Result::transpose)
                .collect::<Result<Vec<KnownChannel>, _>>()?;
            Ok::<_, crate::store::StoreError>(Self {
                account: tx.instance()?.account,
                private: private.into_iter().filter(|known| known.present).collect(),
            })
        })?)
    }

    fn knows(&self, channel: ChannelId) -> bool {
        self.private.iter().any(|known| known.channel.id == channel)
    }
}

struct Start<'a> {
    config: &'a Config,
    telegram: &'a Telegram,
    clock: &'a Clock,
    /// When Telegram counts as unreachable.
    deadline: Instant,
    remembered: Remembered,
}

impl Start<'_> {
    async fn learn(&self) -> Result<Account, AppError> {
        let mut attempts = 0;
        loop {
            let subscribed = answer_of(self.telegram.subscribe().await)?;
            let own = answer_of(self.telegram.own_user().await)?;
            let private = answer_of(self.known_private_channels().await)?;
            // One method that gets no answer does not mean that Telegram is unreachable.
            let is_silent =
                is_silent(&subscribed) && is_silent(&own) && !matches!(private, Ok(Some(_)));
            let (own, is_confirmed) = match (own, self.remembered.account) {
                (Ok(user), _) => (user.id, true),
                (Err(error), Some(account)) if !is_silent => {
                    tracing::warn!(%error, %account, "Telegram does not name the account; that of the last run is used");
                    (account, false)
                }
                (Err(error), _) => {
                    self.retry(error, &mut attempts).await?;
                    continue;
                }
            };
            if let Err(error) = &subscribed {
                tracing::warn!(%error, "updates are not pushed yet; the program asks again");
            }
            let (channels, reader) = self.private_channels(private).await?;
            return Ok(Account {
                own,
                is_confirmed,
                subscribed: subscribed.is_ok(),
                channels,
                reader,
            });
        }
    }

    /// Asks for HIDE and EXCHANGE by their access hashes. Returns `None` if the ledger lacks HIDE.
    async fn known_private_channels(&self) -> Result<Option<Vec<Channel>>, CallError> {
        if !self.remembered.knows(self.config.channels.hide) {
            return Ok(None);
        }
        let mut asked = KnownChannels::new(&self.remembered.private);
        let mut channels = Vec::new();
        while let Some(part) = asked.advance(self.telegram).await? {
            channels.extend(part.channels);
        }
        Ok(Some(channels))
    }

    /// Finds HIDE and EXCHANGE, by the list of dialogs where the ledger does not help. Returns the channels that were
    /// read, and what reads the others.
    async fn private_channels(
        &self,
        known: Result<Option<Vec<Channel>>, CallError>,
    ) -> Result<(Vec<Channel>, DialogReader), AppError> {
        let mut channels = match known {
            Ok(known) => known.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "HIDE and EXCHANGE are used as the last run knew them");
                let known = self.remembered.private.iter();
                known.map(|known| known.channel.clone()).collect()
            }
        };
        let mut listing = DialogListing::default();
        let hide = self.config.channels.hide;
        let is_known = contains(&channels, hide);
        if is_known {
            self.look_for_exchange(&mut listing, &mut channels).await;
        } else {
            self.list_until_found(&mut listing, &mut channels).await?;
        }
        check_can_post("hide_channel_id", hide, &channels)?;
        self.check_exchange(&channels);
        let reader = DialogReader::new(listing, &channels);
        Ok((channels, reader))
    }

    /// Reads the list of dialogs until it shows HIDE, and EXCHANGE if the account is in it. Limits and failures do not
    /// begin it again.
    async fn list_until_found(
        &self,
        listing: &mut DialogListing,
        channels: &mut Vec<Channel>,
    ) -> Result<(), AppError> {
        let (mut attempts, mut lists) = (0, 1);
        let (key, hide) = ("hide_channel_id", self.config.channels.hide);
        loop {
            let now = self.clock.now();
            match self.telegram.advance_listing(listing, now).await {
                Ok(ListingStep::Page(page)) => {
                    attempts = 0;
                    channels.extend(page);
                    if super::private_channels(self.config).all(|id| contains(channels, id)) {
                        return Ok(());
                    }
                }
                Ok(ListingStep::Complete) if contains(channels, hide) => return Ok(()),
                Ok(ListingStep::Complete) if lists < MAX_LISTS => {
                    lists += 1;
                    listing.restart();
                }
                Ok(ListingStep::Complete) => {
                    return Err(AppError::NotInChannel { key, channel: hide });
                }
                Err(error) => self.retry(error, &mut attempts).await?,
            }
        }
    }

    /// Reads the list of dialogs until it shows EXCHANGE, as far as Telegram answers: posts can go to HIDE.
    async fn look_for_exchange(&self, listing: &mut DialogListing, channels: &mut Vec<Channel>) {
        let Some(exchange) = self.config.channels.exchange else {
            return;
        };
        while !contains(channels, exchange) {
            let now = self.clock.now();
            match self.telegram.advance_listing(listing, now).await {
                Ok(ListingStep::Page(page)) => channels.extend(page),
                Ok(ListingStep::Complete) => return,
                Err(error) => {
                    tracing::warn!(%error, "EXCHANGE is not found yet");
                    return;
                }
            }
        }
    }

    /// Logs trouble with EXCHANGE: posts go to HIDE then.
    fn check_exchange(&self, channels: &[Channel]) {
        if let Some(exchange) = self.config.channels.exchange
            && let Err(error) = check_can_post("exchange_channel_id", exchange, channels)
        {
            tracing::error!("{error}");
        }
    }

    /// Waits before a call that the start needs is made again.
    ///
    /// # Errors
    /// Telegram refuses the call, or was unreachable for too long.
    async fn retry(&self, error: CallError, attempts: &mut u32) -> Result<(), AppError> {
        let pause = match error {
            CallError::RateLimited { until, .. } => self.clock.until(Timestamp::new(until)),
            CallError::Network { .. } | CallError::ServerError { .. } => {
                self.telegram.reconnect();
                if self.clock.instant() >= self.deadline {
                    return Err(AppError::Unreachable(error.to_string()));
                }
                decide::backoff(*attempts).min(MAX_PAUSE)
            }
            CallError::Account(trouble) => return Err(trouble.into()),
            CallError::Refused { .. } | CallError::Unusable { .. } | CallError::NotSent { .. } => {
                return Err(AppError::Refused(error));
            }
        };
        *attempts += 1;
        tracing::warn!("{error}; trying again in {} s", pause.as_secs());
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

fn contains(channels: &[Channel], wanted: ChannelId) -> bool {
    channels.iter().any(|channel| channel.id == wanted)
}

/// Separates trouble with the account, which ends the start, from failures of one call.
fn answer_of<T>(answer: Result<T, CallError>) -> Result<Result<T, CallError>, AppError> {
    match answer {
        Err(CallError::Account(trouble)) => Err(trouble.into()),
        answer => Ok(answer),
    }
}

/// Reports whether Telegram did not answer a call at all.
const fn is_silent<T>(answer: &Result<T, CallError>) -> bool {
    matches!(answer, Err(CallError::Network { .. }))
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
