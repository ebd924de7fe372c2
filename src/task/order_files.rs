//! Downloads and opens the files that come with orders, before any of the orders is carried out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::call_retry::{Reply, until_answered};
use super::posted_order::PostedOrder;
use super::{Database, Runtime, TaskError};
use crate::file_codec::{DecodedFile, Decoder};
use crate::list_file::ListFile;
use crate::model::{AccessHash, ChannelId, Document, MessageId};
use crate::telegram::{CallError, DocumentError, Telegram};

/// The list that came with an order, or the reason why it cannot be used.
pub(super) type AttachedList = Result<ListFile, String>;

/// The lists that came with the orders of a page.
pub(super) type AttachedLists = BTreeMap<MessageId, AttachedList>;

/// Downloads the files of orders. Cheap to clone.
#[derive(Clone)]
pub struct OrderFiles {
    pub database: Database,
    pub runtime: Runtime,
    pub telegram: Telegram,
    pub decoder: Arc<Decoder>,
}

impl OrderFiles {
    /// Fetches the files of these orders, except of those that were carried out before.
    pub(super) async fn fetch(
        &self,
        channel: ChannelId,
        orders: &[PostedOrder<'_>],
    ) -> Result<AttachedLists, TaskError> {
        let mut lists = AttachedLists::new();
        for order in orders.iter().filter(|order| order.needs_file()) {
            let Some(document) = &order.post.document else {
                continue;
            };
            let message = order.post.message;
            let access_hash = self
                .database
                .read(|tx| {
                    if tx.has_order(channel, message)? {
                        return Ok(None);
                    }
                    Ok(tx.channel(channel)?.map(|known| known.channel.access_hash))
                })
                .await?;
            let Some(access_hash) = access_hash else {
                continue;
            };
            let list = self.fetch_list(channel, access_hash, message, document);
            lists.insert(message, list.await?);
        }
        Ok(lists)
    }

    async fn fetch_list(
        &self,
        channel: ChannelId,
        access_hash: AccessHash,
        message: MessageId,
        document: &Document,
    ) -> Result<AttachedList, TaskError> {
        let download = || async {
            match self
                .telegram
                .document(channel, access_hash, message, document)
                .await
            {
                Ok(bytes) => Ok(Ok(bytes)),
                Err(DocumentError::Call(
                    error @ (CallError::Network { .. }
                    | CallError::ServerError { .. }
                    | CallError::RateLimited { .. }
                    | CallError::Account(_)),
                )) => Err(error),
                Err(error) => Ok(Err(error)),
            }
        };
        Ok(match until_answered(&self.runtime, download).await? {
            Reply::Answer(Ok(bytes)) => tokio::task::block_in_place(|| self.open(&bytes)),
            Reply::Answer(Err(error)) => Err(error.to_string()),
            Reply::Refusal(error) => Err(error.to_string()),
        })
    }

    fn open(&self, bytes: &[u8]) -> AttachedList {
        match self.decoder.decode(bytes) {
            Ok(DecodedFile::List(list)) => Ok(list),
            Ok(DecodedFile::Photo(_) | DecodedFile::Other(_)) => {
                Err("its file holds no list".into())
            }
            Err(error) => Err(format!("its file does not open: {error}")),
        }
    }
}
