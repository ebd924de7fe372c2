//! Reads the list of dialogs step by step, so that the channels of each step are watched at once.
//!
//! The list is read to its end, however often it is interrupted. A rate limit or a failure of the list does not hold up
//! the queries for the known channels, which are a job of their own.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::decide;
use crate::model::{Channel, ChannelId, Timestamp};
use crate::task::{Runtime, TaskError};
use crate::telegram::{CallError, DialogListing, ListingStep, Telegram};

/// The longest pause before a limited list is asked for again.
const MAX_LIMIT_PAUSE: Duration = Duration::from_secs(300);

/// A reading of the list of dialogs.
#[derive(Debug)]
pub struct DialogReader {
    listing: DialogListing,
    is_complete: bool,
    /// The channels that the list has shown so far.
    listed: BTreeSet<ChannelId>,
}

/// The result of a step.
#[derive(Debug)]
pub(in crate::task) enum ReadStep {
    Page(Vec<Channel>),
    /// The list was read to its end: these are all its channels.
    Complete(BTreeSet<ChannelId>),
    Refused(CallError),
}

impl DialogReader {
    /// Makes a reading that continues `listing`, which has shown `channels`.
    #[must_use]
    pub fn new(listing: DialogListing, channels: &[Channel]) -> Self {
        Self {
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
        runtime: &Runtime,
        telegram: &Telegram,
    ) -> Result<ReadStep, TaskError> {
        let mut failures = 0;
        loop {
            let now = runtime.clock.now();
            let call = telegram.advance_listing(&mut self.listing, now);
            let error = match runtime.or_shutdown(call).await? {
                Ok(ListingStep::Page(channels)) => {
                    let ids = channels.iter().map(|channel| channel.id);
                    self.listed.extend(ids);
                    return Ok(ReadStep::Page(channels));
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
                    let until = runtime.clock.until(Timestamp::new(until));
                    until.min(MAX_LIMIT_PAUSE)
                }
                CallError::Network { .. } | CallError::ServerError { .. } => {
                    decide::backoff(failures)
                }
                CallError::Refused { .. }
                | CallError::Unusable { .. }
                | CallError::NotSent { .. } => return Ok(ReadStep::Refused(error)),
            };
            failures += 1;
            tracing::debug!(%error, "the list of dialogs is asked for again");
            runtime.pause(pause).await?;
        }
    }
}
