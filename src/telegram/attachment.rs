//! Downloads the documents that are attached to posts in the private channels.

use telegram_wire::tl::types;
use telegram_wire::{CallError, Wire};
use thiserror::Error;

use super::difference::messages;
use super::download::{DownloadError, download};
use crate::model::{AccessHash, ChannelId, Document, MessageId};

/// The size limit in bytes: twice the size of a sealed list of 400,000 users at 300 bytes each.
const MAX_SIZE: usize = 256 * 1024 * 1024;

/// The reason why a document was not downloaded.
#[derive(Debug, Error)]
pub enum DocumentError {
    #[error("the file has more than {MAX_SIZE} bytes")]
    TooLarge,
    #[error("the message has no file any more")]
    Gone,
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Downloads the document of a post. If the file reference has expired, fetches the message again,
/// which has a fresh one, and retries once.
pub(super) async fn post_document(
    wire: &Wire,
    channel: ChannelId,
    access_hash: AccessHash,
    message: MessageId,
    document: &Document,
) -> Result<Vec<u8>, DocumentError> {
    match attempt(wire, document).await {
        Err(DocumentError::Call(CallError::Refused { name, .. }))
            if name.starts_with("FILE_REFERENCE") =>
        {
            let page = messages(wire, channel, access_hash, message, message).await?;
            let fresh = page
                .posts
                .into_iter()
                .find(|post| post.message == message)
                .and_then(|post| post.document)
                .ok_or(DocumentError::Gone)?;
            attempt(wire, &fresh).await
        }
        result => result,
    }
}

async fn attempt(wire: &Wire, document: &Document) -> Result<Vec<u8>, DocumentError> {
    let location = types::InputDocumentFileLocation {
        id: document.id,
        access_hash: document.access_hash.get(),
        file_reference: document.file_reference.clone(),
        thumb_size: String::new(),
    }
    .into();
    download(wire, document.dc, &location, MAX_SIZE)
        .await
        .map_err(|error| match error {
            DownloadError::TooLarge(_) => DocumentError::TooLarge,
            DownloadError::Call(error) => error.into(),
        })
}
