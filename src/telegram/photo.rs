//! Downloads profile photos: in which ways their owner can be named (TELEGRAM.md §2).

use telegram_wire::tl::types;
use telegram_wire::{CallError, Wire};
use thiserror::Error;

use super::download::{DownloadError, download};
use super::peer;
use crate::model::{Photo, Sighting};

/// A profile photo is some hundred KiB; more than this is none.
const LARGEST: usize = 16 * 1024 * 1024;

/// Why a photo did not come.
#[derive(Debug, Error)]
pub enum PhotoError {
    /// No way to name it was accepted: it is gone, replaced, or hidden from this account.
    #[error("the photo is not to be had any more ({0})")]
    Gone(CallError),
    /// Larger than any profile photo.
    #[error("the photo has more than {LARGEST} bytes")]
    TooLarge,
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Downloads `photo`, trying each way to name its owner.
pub(super) async fn profile_photo(
    wire: &Wire,
    photo: Photo,
    owner: &Sighting,
) -> Result<Vec<u8>, PhotoError> {
    let mut refused = CallError::Refused {
        method: "upload.getFile",
        code: 0,
        name: "no way to name the user is known".into(),
        value: None,
    };
    for peer in peer::for_photo(owner) {
        let location = types::InputPeerPhotoFileLocation {
            big: true,
            peer,
            photo_id: photo.id.get(),
        }
        .into();
        match download(wire, photo.dc, &location, LARGEST).await {
            Ok(bytes) => return Ok(bytes),
            Err(DownloadError::Call(error @ CallError::Refused { code: 400, .. })) => {
                refused = error;
            }
            Err(DownloadError::Call(error)) => return Err(error.into()),
            Err(DownloadError::TooLarge(_)) => return Err(PhotoError::TooLarge),
        }
    }
    Err(PhotoError::Gone(refused))
}
