//! Downloads profile photos, naming their owner in one way after the other.

use telegram_wire::tl::types;
use telegram_wire::{CallError, Wire};
use thiserror::Error;

use super::download::{DownloadError, download};
use super::peer;
use crate::model::{Photo, UserRef};

/// The size limit in bytes. Profile photos have some hundred KiB.
const MAX_SIZE: usize = 16 * 1024 * 1024;

/// The reason why a profile photo was not downloaded.
#[derive(Debug, Error)]
pub enum PhotoError {
    /// Telegram accepted no way to name the owner: the photo was deleted, replaced, or hidden from this
    /// account. Holds the last refusal.
    #[error("the photo is not available any more ({0})")]
    Gone(CallError),
    #[error("the photo has more than {MAX_SIZE} bytes")]
    TooLarge,
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Downloads `photo`.
pub(super) async fn profile_photo(
    wire: &Wire,
    photo: Photo,
    owner: &UserRef,
) -> Result<Vec<u8>, PhotoError> {
    let mut refusal = CallError::NotSent {
        method: "upload.getFile",
        reason: "no way to name the user is known",
    };
    for peer in peer::for_photo(owner) {
        let location = types::InputPeerPhotoFileLocation {
            big: true,
            peer,
            photo_id: photo.id.get(),
        }
        .into();
        match download(wire, photo.dc, &location, MAX_SIZE).await {
            Ok(bytes) => return Ok(bytes),
            Err(DownloadError::Call(error)) if names_photo(&error) => refusal = error,
            Err(DownloadError::Call(error)) => return Err(error.into()),
            Err(DownloadError::TooLarge(_)) => return Err(PhotoError::TooLarge),
        }
    }
    Err(PhotoError::Gone(refusal))
}

/// Returns true if a refusal concerns this photo or the way to name its owner. Every other refusal concerns the call,
/// the connection or the account, and may pass.
fn names_photo(error: &CallError) -> bool {
    const NAMES: [&str; 10] = [
        "LOCATION_",
        "FILE_",
        "PHOTO_",
        "PEER_ID_",
        "USER_ID_",
        "MSG_ID_",
        "MESSAGE_ID_",
        "CHANNEL_INVALID",
        "CHANNEL_PRIVATE",
        "USER_DEACTIVATED",
    ];
    match error {
        CallError::Refused { code, name, .. } => {
            matches!(code, 400 | 406) && NAMES.iter().any(|begin| name.starts_with(begin))
        }
        _ => false,
    }
}
