//! Downloads and opens the files that come with orders, before any of the orders is carried out.
//!
//! The orders of a channel are carried out in their order, so an order whose file does not come holds up the later ones:
//! at most for [`ORDER_FILE_LIMIT`](decide::ORDER_FILE_LIMIT) from the first attempt. The order is then refused. The
//! times are not stored, so a restart begins them again.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;
use tokio::time::Instant;

use super::posted_order::PostedOrder;
use super::{Database, PostingChannels, Runtime, TaskError, order_copy};
use crate::decide::{self, OrderFileFailure};
use crate::file_codec::{DecodedFile, Decoder};
use crate::list_file::ListFile;
use crate::model::{AccessHash, ChannelId, Document, MessageId, Timestamp};
use crate::telegram::{CallError, DocumentError, Telegram};

/// The list that came with an order.
pub(super) type AttachedList = Result<ListFile, FileError>;

/// The reason why the file of an order cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum FileError {
    /// Telegram did not hand over the file. The copy of the order in the other channel has a file of its own.
    #[error("{0}")]
    NotFetched(String),
    #[error("{0}")]
    Unusable(String),
}

/// The lists that came with the orders of a page.
pub(super) type AttachedLists = BTreeMap<MessageId, AttachedList>;

/// Downloads the files of orders. Cheap to clone.
#[derive(Clone)]
pub struct OrderFiles {
    pub channels: PostingChannels,
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub decoder: Arc<Decoder>,
}

/// A file that is still to be fetched.
struct MissingFile<'a> {
    channel: ChannelId,
    access_hash: AccessHash,
    message: MessageId,
    document: &'a Document,
    /// The time of the first attempt.
    begun: Option<Instant>,
    /// The attempts that failed.
    attempts: u32,
    /// The time of the next attempt.
    due: Instant,
}

impl OrderFiles {
    /// Fetches the files of these orders, except of those that were carried out before, in this channel or the other one.
    /// Between two attempts for one file, the other files get theirs.
    pub(super) async fn fetch(
        &self,
        channel: ChannelId,
        orders: &[PostedOrder<'_>],
    ) -> Result<AttachedLists, TaskError> {
        let clock = &self.runtime.clock;
        let mut lists = AttachedLists::new();
        let mut missing = self.missing_files(channel, orders).await?;
        loop {
            missing.sort_by_key(|file| file.due);
            let Some(file) = missing.first_mut() else {
                return Ok(lists);
            };
            self.runtime.pause(file.due - clock.instant()).await?;
            if let Some(list) = self.attempt(file).await? {
                lists.insert(file.message, list);
                missing.remove(0);
            }
        }
    }

    /// Returns the files of the orders that were not carried out before.
    async fn missing_files<'a>(
        &self,
        channel: ChannelId,
        orders: &[PostedOrder<'a>],
    ) -> Result<Vec<MissingFile<'a>>, TaskError> {
        let mut missing = Vec::new();
        for (index, order) in orders
            .iter()
            .enumerate()
            .filter(|(_, order)| order.needs_file())
        {
            let Some(document) = &order.post.document else {
                continue;
            };
            let message = order.post.message;
            let access_hash = self
                .database
                .read(|tx| {
                    let earlier = &orders[..index];
                    if order_copy::is_settled(tx, &self.channels, channel, earlier, order)? {
                        return Ok(None);
                    }
                    Ok(tx.channel(channel)?.map(|known| known.channel.access_hash))
                })
                .await?;
            missing.extend(access_hash.map(|access_hash| MissingFile {
                channel,
                access_hash,
                message,
                document,
                begun: None,
                attempts: 0,
                due: self.runtime.clock.instant(),
            }));
        }
        Ok(missing)
    }

    /// Makes one attempt to fetch a file. Returns `None` if there will be another attempt.
    async fn attempt(&self, file: &mut MissingFile<'_>) -> Result<Option<AttachedList>, TaskError> {
        let clock = &self.runtime.clock;
        let begun = *file.begun.get_or_insert_with(|| clock.instant());
        let download =
            self.telegram
                .document(file.channel, file.access_hash, file.message, file.document);
        let limited = tokio::time::timeout_at(begun + decide::ORDER_FILE_LIMIT, download);
        let (failure, cause) = match self.runtime.or_shutdown(limited).await? {
            Ok(Ok(bytes)) => {
                return Ok(Some(tokio::task::block_in_place(|| self.open(&bytes))));
            }
            Ok(Err(DocumentError::Call(CallError::Account(trouble)))) => {
                return Err(trouble.into());
            }
            Ok(Err(error)) => (self.failure_of(&error), error.to_string()),
            Err(_) => (OrderFileFailure::Passing, "the download did not end".into()),
        };
        let waited = clock.instant() - begun;
        let Some(pause) = decide::order_file_failed(failure, file.attempts, waited) else {
            return Ok(Some(Err(FileError::NotFetched(match failure {
                OrderFileFailure::Final => cause,
                OrderFileFailure::Passing | OrderFileFailure::RateLimited(_) => format!(
                    "its file could not be fetched within {} minutes: {cause}",
                    decide::ORDER_FILE_LIMIT.as_secs() / 60
                ),
            }))));
        };
        tracing::debug!(message_id = %file.message, %cause, "the file of an order is fetched again");
        file.attempts += 1;
        file.due = clock.instant() + pause;
        Ok(None)
    }

    fn failure_of(&self, error: &DocumentError) -> OrderFileFailure {
        match error {
            DocumentError::TooLarge
            | DocumentError::Gone
            | DocumentError::Call(CallError::NotSent { .. }) => OrderFileFailure::Final,
            DocumentError::Call(CallError::RateLimited { until, .. }) => {
                let pause = self.runtime.clock.until(Timestamp::new(*until));
                OrderFileFailure::RateLimited(pause)
            }
            DocumentError::Call(_) => OrderFileFailure::Passing,
        }
    }

    fn open(&self, bytes: &[u8]) -> AttachedList {
        match self.decoder.decode(bytes) {
            Ok(DecodedFile::List(list)) => Ok(list),
            Ok(DecodedFile::Photo(_) | DecodedFile::Other(_)) => {
                Err(FileError::Unusable("its file holds no list".into()))
            }
            Err(error) => Err(FileError::Unusable(format!(
                "its file does not open: {error}"
            ))),
        }
    }
}
