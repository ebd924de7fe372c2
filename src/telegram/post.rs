//! Posts an envelope, with or without a file, under an id that makes a repetition harmless.
//!
//! When a `random_id` is repeated to the same peer, Telegram returns the earlier message. The message id
//! in the answer therefore proves the post, and after a lost answer the caller posts again.

use std::os::unix::fs::FileExt as _;

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{CallError, FilePart, Wire};
use thiserror::Error;

use super::{convert, peer};
use crate::model::{AccessHash, ChannelId, Document, DocumentRef, MessageId};

/// The size of a part of an upload: Telegram requires a divisor of 512 KiB.
const PART_SIZE: usize = 512 * 1024;
/// The size above which Telegram requires `upload.saveBigFilePart`.
const MAX_SMALL_FILE: usize = 10 * 1024 * 1024;
/// The number of parts that Telegram permits to an account without Premium.
const MAX_PARTS: usize = 4000;
const MAX_FILE: usize = MAX_PARTS * PART_SIZE;

/// A message to post.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    pub channel: ChannelId,
    pub access_hash: AccessHash,
    /// The id under which a repetition is the same post.
    pub random_id: i64,
    /// The envelope.
    pub text: &'a str,
    pub file: Option<PostFile<'a>>,
}

/// The file of a post. Telegram holds it already.
#[derive(Clone, Copy, Debug)]
pub enum PostFile<'a> {
    /// Becomes a new document.
    Uploaded(&'a Uploaded),
    /// The document of an earlier post of this account.
    Document(&'a DocumentRef),
}

/// A post that Telegram confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub message: MessageId,
    /// The document of the message, if it has one and the answer shows it.
    pub document: Option<Document>,
}

/// A file that Telegram holds for a post. A repetition of the post names it again.
#[derive(Clone, Debug)]
pub struct Uploaded {
    name: String,
    file: enums::InputFile,
}

impl Uploaded {
    /// Returns the name that the other members of the channel see.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A file to upload.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The name that the other members of the channel see.
    pub name: &'a str,
    /// The id of the upload, a new one for each attempt.
    pub upload_id: i64,
    pub bytes: FileBytes<'a>,
}

/// The content of a file to upload.
#[derive(Clone, Copy, Debug)]
pub enum FileBytes<'a> {
    Memory(&'a [u8]),
    /// A file on disk, which is read part by part, and its size.
    Disk(&'a std::fs::File, u64),
}

impl FileBytes<'_> {
    fn len(self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::Disk(_, size) => usize::try_from(size).unwrap_or(usize::MAX),
        }
    }

    /// Returns the part with this number, counted from 0.
    fn part(self, number: i32) -> Result<Vec<u8>, PostError> {
        let start = usize::try_from(number).unwrap_or(0) * PART_SIZE;
        let length = PART_SIZE.min(self.len().saturating_sub(start));
        match self {
            Self::Memory(bytes) => Ok(bytes[start..][..length].to_vec()),
            Self::Disk(file, _) => {
                let mut part = vec![0; length];
                file.read_exact_at(&mut part, start as u64)
                    .map_err(PostError::Read)?;
                Ok(part)
            }
        }
    }
}

/// The reason why a post is not proven. The message may exist nevertheless.
#[derive(Debug, Error)]
pub enum PostError {
    #[error(transparent)]
    Call(#[from] CallError),
    /// The answer does not contain the id of the message.
    #[error("the answer names no message")]
    Unproven,
    /// The file is empty, or larger than Telegram permits. Holds its size in bytes.
    #[error("a file of {0} bytes cannot be posted")]
    Size(usize),
    /// The file cannot be read from the disk.
    #[error("the file cannot be read: {0}")]
    Read(std::io::Error),
}

impl PostError {
    /// Returns true if this attempt has certainly made no message: it did not get beyond the upload, or Telegram
    /// refused it.
    #[must_use]
    pub fn is_not_made(&self) -> bool {
        match self {
            Self::Call(
                CallError::RateLimited { .. }
                | CallError::NotSent { .. }
                | CallError::Refused { code: 400..500, .. },
            )
            | Self::Size(_)
            | Self::Read(_) => true,
            Self::Call(
                CallError::Network { method, .. } | CallError::ServerError { method, .. },
            ) => method.starts_with("upload."),
            Self::Call(_) | Self::Unproven => false,
        }
    }
}

/// Posts, and returns the message, which this attempt or an earlier one has made.
pub(super) async fn send(wire: &Wire, post: &Post<'_>) -> Result<Posted, PostError> {
    let updates = match post.file {
        None => send_text(wire, post).await?,
        Some(PostFile::Uploaded(file)) => send_file(wire, post, new_document(file)).await?,
        Some(PostFile::Document(document)) => {
            send_file(wire, post, known_document(document)).await?
        }
    };
    posted(&updates, post).ok_or(PostError::Unproven)
}

async fn send_text(wire: &Wire, post: &Post<'_>) -> Result<enums::Updates, CallError> {
    let request = f::messages::SendMessage {
        no_webpage: true,
        silent: true,
        background: true,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer: peer::channel(post.channel, post.access_hash),
        reply_to: None,
        message: post.text.to_owned(),
        random_id: post.random_id,
        reply_markup: None,
        entities: Some(vec![preformatted(post.text)]),
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
        rich_message: None,
    };
    wire.invoke(&request).await
}

async fn send_file(
    wire: &Wire,
    post: &Post<'_>,
    media: enums::InputMedia,
) -> Result<enums::Updates, CallError> {
    let request = f::messages::SendMedia {
        silent: true,
        background: true,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer: peer::channel(post.channel, post.access_hash),
        reply_to: None,
        media,
        message: post.text.to_owned(),
        random_id: post.random_id,
        reply_markup: None,
        entities: Some(vec![preformatted(post.text)]),
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
    };
    wire.invoke(&request).await
}

/// Uploads a file, which is invisible until a post names it.
pub(super) async fn upload(wire: &Wire, file: &File<'_>) -> Result<Uploaded, PostError> {
    if !(1..=MAX_FILE).contains(&file.bytes.len()) {
        return Err(PostError::Size(file.bytes.len()));
    }
    let uploaded = if file.bytes.len() > MAX_SMALL_FILE {
        upload_big(wire, file).await?
    } else {
        upload_small(wire, file).await?
    };
    Ok(Uploaded {
        name: file.name.to_owned(),
        file: uploaded,
    })
}

fn new_document(file: &Uploaded) -> enums::InputMedia {
    types::InputMediaUploadedDocument {
        nosound_video: false,
        force_file: true,
        spoiler: false,
        file: file.file.clone(),
        thumb: None,
        mime_type: "application/octet-stream".into(),
        attributes: vec![
            types::DocumentAttributeFilename {
                file_name: file.name.clone(),
            }
            .into(),
        ],
        stickers: None,
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
    }
    .into()
}

fn known_document(document: &DocumentRef) -> enums::InputMedia {
    types::InputMediaDocument {
        spoiler: false,
        id: types::InputDocument {
            id: document.id,
            access_hash: document.access_hash.get(),
            file_reference: document.file_reference.clone(),
        }
        .into(),
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
        query: None,
    }
    .into()
}

async fn upload_small(wire: &Wire, file: &File<'_>) -> Result<enums::InputFile, PostError> {
    let parts = count_parts(file)?;
    for number in 0..parts {
        let request = FilePart {
            file_id: file.upload_id,
            file_part: number,
            bytes: file.bytes.part(number)?,
        };
        check_saved("upload.saveFilePart", wire.invoke(&request).await?)?;
    }
    Ok(types::InputFile {
        id: file.upload_id,
        parts,
        name: file.name.to_owned(),
        md5_checksum: String::new(),
    }
    .into())
}

async fn upload_big(wire: &Wire, file: &File<'_>) -> Result<enums::InputFile, PostError> {
    let parts = count_parts(file)?;
    for number in 0..parts {
        let request = f::upload::SaveBigFilePart {
            file_id: file.upload_id,
            file_part: number,
            file_total_parts: parts,
            bytes: file.bytes.part(number)?,
        };
        check_saved("upload.saveBigFilePart", wire.invoke(&request).await?)?;
    }
    Ok(types::InputFileBig {
        id: file.upload_id,
        parts,
        name: file.name.to_owned(),
    }
    .into())
}

fn count_parts(file: &File<'_>) -> Result<i32, PostError> {
    let size = file.bytes.len();
    i32::try_from(size.div_ceil(PART_SIZE)).map_err(|_| PostError::Size(size))
}

/// Treats an unsaved part like a lost answer, so that the caller repeats the whole upload.
fn check_saved(method: &'static str, is_saved: bool) -> Result<(), CallError> {
    if is_saved {
        return Ok(());
    }
    Err(CallError::Network {
        method,
        cause: "Telegram did not save the part".into(),
        is_cut: false,
    })
}

/// Makes a `pre` entity over the whole text (docs/exchange.md). Telegram counts in UTF-16 units.
fn preformatted(text: &str) -> enums::MessageEntity {
    types::MessageEntityPre {
        offset: 0,
        length: i32::try_from(text.encode_utf16().count()).unwrap_or(i32::MAX),
        language: String::new(),
    }
    .into()
}

/// Finds the message that was posted, by the update that names its `random_id`.
fn posted(updates: &enums::Updates, post: &Post<'_>) -> Option<Posted> {
    let list = match updates {
        enums::Updates::Updates(batch) => batch.updates.as_slice(),
        enums::Updates::Combined(batch) => batch.updates.as_slice(),
        enums::Updates::UpdateShort(short) => std::slice::from_ref(&short.update),
        _ => &[],
    };
    let message = list.iter().find_map(|update| match update {
        enums::Update::MessageId(proof) if proof.random_id == post.random_id => {
            Some(MessageId::new(proof.id))
        }
        _ => None,
    })?;
    let document = list.iter().find_map(|update| match update {
        enums::Update::NewChannelMessage(new) => {
            convert::document_of(&new.message, post.channel, message)
        }
        _ => None,
    });
    Some(Posted { message, document })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_or_a_failed_upload_proves_that_there_is_no_message() {
        let lost = |method| CallError::Network {
            method,
            cause: "reset".into(),
            is_cut: true,
        };
        let refused = |code, name: &str| CallError::Refused {
            method: "messages.sendMedia",
            code,
            name: name.into(),
            value: None,
        };
        for (error, is_not_made) in [
            (lost("messages.sendMedia"), false),
            (lost("upload.saveFilePart"), true),
            (refused(500, "RANDOM_ID_DUPLICATE"), false),
            (refused(400, "CHANNEL_PRIVATE"), true),
            (
                CallError::RateLimited {
                    method: "messages.sendMedia",
                    until: 1,
                },
                true,
            ),
            (
                CallError::Unusable {
                    method: "messages.sendMedia",
                    cause: "a new layer".into(),
                },
                false,
            ),
        ] {
            let error = PostError::from(error);
            assert_eq!(error.is_not_made(), is_not_made, "{error}");
        }
        assert!(!PostError::Unproven.is_not_made());
    }
}
