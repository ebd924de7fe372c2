//! The results of the watcher's background jobs: what the tracker learns from them, and which job follows.

use std::collections::BTreeMap;

use super::Watch;
use super::background::{self, BackgroundResult};
use crate::decide::channel_tracker::{AskEnd, AskedChannels, DialogSync, Event};
use crate::model::{Channel, ChannelId};
use crate::task::TaskError;
use crate::task::dialog_sync::{self, DialogReader, ReadStep};
use crate::task::known_channels::{AskStep, KnownChannels};

impl Watch {
    pub(super) async fn finish(&mut self, done: BackgroundResult) -> Result<(), TaskError> {
        let event = match done {
            BackgroundResult::Event(event) => event,
            BackgroundResult::ConnectionChecked {
                reconnected,
                subscribed,
            } => {
                let is_first = subscribed && !self.subscribed;
                self.subscribed |= subscribed;
                // The dialogs show the channels that moved without pushes.
                let reconnected = reconnected || is_first;
                Event::ConnectionChecked { reconnected }
            }
            BackgroundResult::SubscriptionLimited { until } => {
                self.subscribed = false;
                if !std::mem::replace(&mut self.awaits_subscription, true) {
                    let runtime = self.parts.runtime.clone();
                    self.jobs.spawn(background::await_limit(runtime, until));
                }
                let reconnected = false;
                Event::ConnectionChecked { reconnected }
            }
            BackgroundResult::LimitEnded => {
                self.awaits_subscription = false;
                Event::Disconnected
            }
            BackgroundResult::DialogsRead(reader, ReadStep::Page(channels)) => {
                self.take_over(channels, Vec::new()).await?;
                self.read_dialogs(reader);
                return Ok(());
            }
            BackgroundResult::DialogsRead(reader, ReadStep::Complete(listed)) => {
                self.reader = Some(reader);
                let missing = dialog_sync::complete(
                    &self.parts.database,
                    &listed,
                    self.parts.runtime.clock.now(),
                )
                .await?;
                self.parts.puller.end_reading_back().await?;
                let sync = DialogSync {
                    missing,
                    ..DialogSync::default()
                };
                Event::DialogsRead(sync)
            }
            BackgroundResult::DialogsRead(reader, ReadStep::Refused(error)) => {
                self.reader = Some(reader);
                tracing::error!(%error, "Telegram refused to list the dialogs");
                Event::DialogsRefused
            }
            BackgroundResult::KnownChannelsAsked(asked, left, AskStep::Part(part)) => {
                self.take_over(part.channels, part.missing).await?;
                self.ask_known_channels(asked, Some(left));
                return Ok(());
            }
            BackgroundResult::KnownChannelsAsked(asked, left, AskStep::Ended(end)) => {
                // The channels of a limited query that are left are asked for when the limit ends.
                if asked == AskedChannels::All && matches!(end, AskEnd::Limited { .. }) {
                    self.left_to_ask = Some(left);
                }
                let fails = end == AskEnd::Failed;
                if fails && !self.asks_fail {
                    tracing::warn!(
                        "the known channels cannot be asked for; the list of dialogs is read instead"
                    );
                }
                self.asks_fail = fails;
                Event::KnownChannelsAsked(end)
            }
        };
        self.handle([event], BTreeMap::new()).await
    }

    /// Takes over channels that were read, and has those pulled that moved.
    pub(super) async fn take_over(
        &mut self,
        channels: Vec<Channel>,
        missing: Vec<ChannelId>,
    ) -> Result<(), TaskError> {
        let unknown = self.tracker.unknown_channels();
        let mut sync = self.compare(&channels, &unknown).await?;
        sync.missing = missing;
        let event = Event::ChannelsListed(sync);
        self.handle([event], BTreeMap::new()).await
    }

    /// Reads the next part of the dialogs in the background.
    pub(super) fn read_dialogs(&mut self, reader: DialogReader) {
        let (runtime, telegram) = (self.parts.runtime.clone(), self.parts.telegram.clone());
        let step = background::read_dialogs(reader, runtime, telegram);
        self.jobs.spawn(step);
    }

    /// Asks for the next batch of known channels in the background.
    pub(super) fn ask_known_channels(&mut self, asked: AskedChannels, left: Option<KnownChannels>) {
        let (database, runtime) = (self.parts.database.clone(), self.parts.runtime.clone());
        let telegram = self.parts.telegram.clone();
        let step = background::ask_known_channels(asked, left, database, runtime, telegram);
        self.jobs.spawn(step);
    }

    /// Compares the list of dialogs with the ledger, and has the administrators of new groups read.
    async fn compare(
        &self,
        dialogs: &[Channel],
        unknown: &BTreeMap<ChannelId, i32>,
    ) -> Result<DialogSync, TaskError> {
        let channels = self.parts.transactions.channels;
        let now = self.parts.runtime.clock.now();
        let comparison =
            dialog_sync::compare(&self.parts.database, channels, dialogs, unknown, now).await?;
        if comparison.is_scan_due {
            self.parts.wakers.scan.notify_one();
        }
        if comparison.added > 0 {
            let watched = comparison.sync.listed.len();
            tracing::info!(watched, new = comparison.added, "channels");
            self.parts.wakers.administrators.read_unknown();
        }
        Ok(comparison.sync)
    }
}
