//! Downloads the files of posts in the private channels.

use telegram_wire::tl::types;
use telegram_wire::{CallError, Wire};
use thiserror::Error;

use super::difference::messages;
use super::download::{DownloadError, download};
use crate::model::{AccessHash, ChannelId, Document, MessageId};

/// Room for 400,000 users twice over: sealed, one with a join and a photo takes about 300 bytes.
const LARGEST: usize = 256 * 1024 * 1024;

/// Why the file of a post did not come.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// Larger than any list.
    #[error("the file has more than {LARGEST} bytes")]
    TooLarge,
    /// The message has no file any more.
    #[error("the message has no file any more")]
    Gone,
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Downloads the file of a post. Its reference expires; a fresh one comes with the message.
pub(super) async fn post_document(
    wire: &Wire,
    (channel, access_hash): (ChannelId, AccessHash),
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
        other => other,
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
    download(wire, document.dc, &location, LARGEST)
        .await
        .map_err(|error| match error {
            DownloadError::TooLarge(_) => DocumentError::TooLarge,
            DownloadError::Call(error) => error.into(),
        })
}
