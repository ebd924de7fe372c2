//! Reads the dialogs step by step, so that the channels of each step are watched at once.
//!
//! The list of dialogs is read to its end, however often it is interrupted. While Telegram limits or refuses it, the
//! channels that the ledger knows are asked for instead, every few minutes.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide;
use crate::model::{Channel, ChannelId, Timestamp};
use crate::task::known_channels::{KnownChannels, KnownPart};
use crate::task::{Database, Runtime, TaskError};
use crate::telegram::{CallError, DialogListing, ListingStep, Telegram};

/// How often the known channels are asked for while the list is limited.
const KNOWN_INTERVAL: Duration = Duration::from_secs(300);
/// After so many failures the list is asked for instead. The batches are halved meanwhile, down to one channel.
const MAX_KNOWN_FAILURES: u32 = 8;
/// The pause after each of them.
const KNOWN_PAUSE: Duration = Duration::from_secs(1);
/// After so many failures of the list the known channels are asked for.
const MAX_LIST_FAILURES: u32 = 3;

/// A reading of the dialogs.
#[derive(Debug)]
pub struct DialogReader {
    known: Known,
    listing: DialogListing,
    is_complete: bool,
    /// The channels that the list has shown so far.
    listed: BTreeSet<ChannelId>,
}

#[derive(Debug)]
enum Known {
    /// The known channels are asked for before the list.
    Due,
    Asking(KnownChannels),
    /// They are asked for if the list is limited, but not more often than every few minutes.
    AskedAt(Option<Instant>),
}

/// The result of a step.
#[derive(Debug)]
pub(in crate::task) enum ReadStep {
    Part(KnownPart),
    /// The list was read to its end: these are all its channels.
    Complete(BTreeSet<ChannelId>),
    Refused(CallError),
}

impl DialogReader {
    /// Makes a reading that continues `listing`, which has shown `channels`. With `asks_known`, the channels of the ledger
    /// are asked for before that.
    #[must_use]
    pub fn new(listing: DialogListing, channels: &[Channel], asks_known: bool) -> Self {
        Self {
            known: if asks_known {
                Known::Due
            } else {
                Known::AskedAt(None)
            },
            listing,
            is_complete: false,
            listed: channels.iter().map(|channel| channel.id).collect(),
        }
    }

    /// Begins the next reading, unless the last one is to be continued.
    pub(in crate::task) fn begin(&mut self) {
        if self.is_complete {
            self.is_complete = false;
            self.listing.restart();
            self.listed.clear();
        }
    }

    /// Asks until there is something to take over.
    pub(in crate::task) async fn step(
        &mut self,
        database: &Database,
        runtime: &Runtime,
        telegram: &Telegram,
    ) -> Result<ReadStep, TaskError> {
        let mut failures = 0;
        loop {
            if matches!(self.known, Known::Due) {
                let channels = database.read(|tx| tx.channels()).await?;
                self.known = Known::Asking(KnownChannels::new(&channels));
            }
            if let Known::Asking(known) = &mut self.known {
                let part = ask_known(known, runtime, telegram).await?;
                if let Some(part) = part {
                    return Ok(ReadStep::Part(part));
                }
                self.known = Known::AskedAt(Some(runtime.clock.instant()));
            }
            let now = runtime.clock.now();
            let call = telegram.advance_listing(&mut self.listing, now);
            let error = match runtime.or_shutdown(call).await? {
                Ok(ListingStep::Page(channels)) => {
                    let ids = channels.iter().map(|channel| channel.id);
                    self.listed.extend(ids);
                    return Ok(ReadStep::Part(KnownPart {
                        channels,
                        missing: Vec::new(),
                    }));
                }
                Ok(ListingStep::Complete) => {
                    self.is_complete = true;
                    return Ok(ReadStep::Complete(std::mem::take(&mut self.listed)));
                }
                Err(error) => error,
            };
            let pause = match error {
                CallError::Account(trouble) => return Err(trouble.into()),
                CallError::RateLimited { until, .. } => {
                    self.ask_known_meanwhile(runtime);
                    let until = runtime.clock.until(Timestamp::new(until));
                    until.min(KNOWN_INTERVAL)
                }
                CallError::Network { .. } => decide::backoff(failures),
                CallError::ServerError { .. } => {
                    if failures >= MAX_LIST_FAILURES {
                        self.ask_known_meanwhile(runtime);
                    }
                    decide::backoff(failures)
                }
                CallError::Refused { .. }
                | CallError::Unusable { .. }
                | CallError::NotSent { .. } => {
                    if self.ask_known_meanwhile(runtime) {
                        continue;
                    }
                    return Ok(ReadStep::Refused(error));
                }
            };
            failures += 1;
            if !matches!(self.known, Known::Due) {
                tracing::debug!(%error, "the list of dialogs is asked for again");
                runtime.pause(pause).await?;
            }
        }
    }

    /// Has the known channels asked for, unless they were a short while ago.
    fn ask_known_meanwhile(&mut self, runtime: &Runtime) -> bool {
        let now = runtime.clock.instant();
        let is_due = match self.known {
            Known::AskedAt(at) => at.is_none_or(|at| at + KNOWN_INTERVAL <= now),
            Known::Due | Known::Asking(_) => false,
        };
        if is_due {
            self.known = Known::Due;
        }
        is_due
    }
}

/// Asks for a batch of known channels. Returns `None` after the last one, and if Telegram does not answer: the list has
/// them, too.
async fn ask_known(
    known: &mut KnownChannels,
    runtime: &Runtime,
    telegram: &Telegram,
) -> Result<Option<KnownPart>, TaskError> {
    let mut failures = 0;
    loop {
        match runtime.or_shutdown(known.advance(telegram)).await? {
            Ok(part) => return Ok(part),
            Err(CallError::Account(trouble)) => return Err(trouble.into()),
            Err(CallError::Network { .. } | CallError::ServerError { .. })
                if failures < MAX_KNOWN_FAILURES =>
            {
                failures += 1;
                runtime.pause(KNOWN_PAUSE).await?;
            }
            Err(error) => {
                tracing::debug!(%error, "the known channels cannot be asked for");
                return Ok(None);
            }
        }
    }
}
