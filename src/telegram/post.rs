//! Posts an envelope, with or without a file, under an id that makes repeating it harmless.
//!
//! Telegram gives the earlier message again when a `random_id` comes back to the same peer, so the
//! proof of a post is the message id in the answer, and a lost answer is asked for by posting again.

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{CallError, Wire};
use thiserror::Error;

use super::peer;
use crate::model::{AccessHash, ChannelId, MessageId};

/// The size of an upload's parts: Telegram wants a divisor of 512 KiB.
const PART: usize = 512 * 1024;
/// Above this, Telegram wants the parts saved as those of a "big" file.
const SMALL: usize = 10 * 1024 * 1024;
/// Telegram takes no more parts than this of an account without Premium.
const MOST_PARTS: usize = 4000;
/// The largest file that can be posted.
const LARGEST: usize = MOST_PARTS * PART;

/// What to post.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    /// Where.
    pub channel: ChannelId,
    /// The hash to name that channel by.
    pub access_hash: AccessHash,
    /// The id under which a repetition is the same post.
    pub random_id: i64,
    /// The envelope.
    pub text: &'a str,
    /// The file that goes with it.
    pub file: Option<File<'a>>,
}

/// A file to post.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The name that the others see.
    pub name: &'a str,
    /// An id of the upload, anew at each attempt.
    pub upload_id: i64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Why a post could not be proven.
#[derive(Debug, Error)]
pub enum PostError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The answer did not say which message became of it.
    #[error("the answer named no message")]
    Unproven,
    /// The file cannot be uploaded: it is empty or larger than 4000 parts.
    #[error("a file of {0} bytes cannot be posted")]
    Size(usize),
}

/// Posts, and returns the message that became of it, now or at an earlier attempt.
pub(super) async fn send(wire: &Wire, post: &Post<'_>) -> Result<MessageId, PostError> {
    let peer = peer::channel(post.channel, post.access_hash);
    let updates = match &post.file {
        None => {
            wire.invoke(&f::messages::SendMessage {
                no_webpage: true,
                silent: true,
                background: true,
                clear_draft: false,
                noforwards: false,
                update_stickersets_order: false,
                invert_media: false,
                allow_paid_floodskip: false,
                peer,
                reply_to: None,
                message: post.text.to_owned(),
                random_id: post.random_id,
                reply_markup: None,
                entities: Some(vec![whole(post.text)]),
                schedule_date: None,
                schedule_repeat_period: None,
                send_as: None,
                quick_reply_shortcut: None,
                effect: None,
                allow_paid_stars: None,
                suggested_post: None,
                rich_message: None,
            })
            .await?
        }
        Some(file) => {
            let media = upload(wire, file).await?;
            wire.invoke(&f::messages::SendMedia {
                silent: true,
                background: true,
                clear_draft: false,
                noforwards: false,
                update_stickersets_order: false,
                invert_media: false,
                allow_paid_floodskip: false,
                peer,
                reply_to: None,
                media,
                message: post.text.to_owned(),
                random_id: post.random_id,
                reply_markup: None,
                entities: Some(vec![whole(post.text)]),
                schedule_date: None,
                schedule_repeat_period: None,
                send_as: None,
                quick_reply_shortcut: None,
                effect: None,
                allow_paid_stars: None,
                suggested_post: None,
            })
            .await?
        }
    };
    proof(&updates, post.random_id).ok_or(PostError::Unproven)
}

async fn upload(wire: &Wire, file: &File<'_>) -> Result<enums::InputMedia, PostError> {
    if file.bytes.is_empty() || file.bytes.len() > LARGEST {
        return Err(PostError::Size(file.bytes.len()));
    }
    let uploaded = if file.bytes.len() > SMALL {
        upload_big(wire, file).await?
    } else {
        upload_small(wire, file).await?
    };
    Ok(types::InputMediaUploadedDocument {
        nosound_video: false,
        force_file: true,
        spoiler: false,
        file: uploaded,
        thumb: None,
        mime_type: "application/octet-stream".into(),
        attributes: vec![
            types::DocumentAttributeFilename {
                file_name: file.name.to_owned(),
            }
            .into(),
        ],
        stickers: None,
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
    }
    .into())
}

async fn upload_small(wire: &Wire, file: &File<'_>) -> Result<enums::InputFile, PostError> {
    let mut parts = 0;
    for part in file.bytes.chunks(PART) {
        let request = f::upload::SaveFilePart {
            file_id: file.upload_id,
            file_part: parts,
            bytes: part.to_vec(),
        };
        saved("upload.saveFilePart", wire.invoke(&request).await?)?;
        parts += 1;
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
    let length = file.bytes.len();
    let parts = i32::try_from(length.div_ceil(PART)).map_err(|_| PostError::Size(length))?;
    for (number, part) in (0..parts).zip(file.bytes.chunks(PART)) {
        let request = f::upload::SaveBigFilePart {
            file_id: file.upload_id,
            file_part: number,
            file_total_parts: parts,
            bytes: part.to_vec(),
        };
        saved("upload.saveBigFilePart", wire.invoke(&request).await?)?;
    }
    Ok(types::InputFileBig {
        id: file.upload_id,
        parts,
        name: file.name.to_owned(),
    }
    .into())
}

/// A part that was answered with "no" is as good as lost: the upload begins anew.
fn saved(method: &'static str, saved: bool) -> Result<(), PostError> {
    if saved {
        return Ok(());
    }
    let cause = "the part was not saved".into();
    Err(CallError::Network { method, cause }.into())
}

/// One `pre` entity over the whole text (SPEC §5.1). Telegram counts in UTF-16 units.
fn whole(text: &str) -> enums::MessageEntity {
    types::MessageEntityPre {
        offset: 0,
        length: i32::try_from(text.encode_utf16().count()).unwrap_or(i32::MAX),
        language: String::new(),
    }
    .into()
}

fn proof(updates: &enums::Updates, random_id: i64) -> Option<MessageId> {
    let list = match updates {
        enums::Updates::Updates(batch) => batch.updates.as_slice(),
        enums::Updates::Combined(batch) => batch.updates.as_slice(),
        enums::Updates::UpdateShort(short) => std::slice::from_ref(&short.update),
        _ => &[],
    };
    list.iter().find_map(|update| match update {
        enums::Update::MessageId(proof) if proof.random_id == random_id => {
            Some(MessageId::new(proof.id))
        }
        _ => None,
    })
}
