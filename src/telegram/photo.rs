//! Downloads profile photos, from whichever data centre keeps them.
//!
//! Owns the loop over chunks, the order of the peers to try (TELEGRAM.md §2), and the import of
//! the authorization into other data centres. It says nothing on whether the bytes are an image.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use grammers_tl_types::{enums, functions as f, types};
use thiserror::Error;
use tokio::sync::Mutex as AsyncMutex;

use super::calls::Calls;
use super::fault::CallError;
use super::peer;
use crate::model::{Photo, Sighting};

/// How much is asked for at once; `upload.getFile` wants a divisor of 1 MiB. Most photos fit.
const CHUNK: i32 = 512 * 1024;
/// A profile photo is some hundred KiB; more than this is none.
const LARGEST: usize = 16 * 1024 * 1024;
/// How often a photo may move between data centres before that is an error.
const MOST_MIGRATIONS: usize = 3;

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

/// How often the authorization was imported into each data centre; one import at a time for each.
#[derive(Debug, Default)]
pub(super) struct Imports(Mutex<BTreeMap<i32, Arc<AsyncMutex<u64>>>>);

/// Downloads `photo`, trying each way to name its owner.
pub(super) async fn download(
    calls: &Calls,
    imports: &Imports,
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
        match from_peer(calls, imports, photo, &peer).await {
            Err(PhotoError::Call(error @ CallError::Refused { code: 400, .. })) => refused = error,
            other => return other,
        }
    }
    Err(PhotoError::Gone(refused))
}

async fn from_peer(
    calls: &Calls,
    imports: &Imports,
    photo: Photo,
    peer: &enums::InputPeer,
) -> Result<Vec<u8>, PhotoError> {
    let mut dc = photo.dc;
    let mut migrations = 0;
    let mut imported = false;
    let mut bytes = Vec::new();
    loop {
        let request = f::upload::GetFile {
            precise: false,
            cdn_supported: false,
            location: types::InputPeerPhotoFileLocation {
                big: true,
                peer: peer.clone(),
                photo_id: photo.id.get(),
            }
            .into(),
            offset: i64::try_from(bytes.len()).map_err(|_| PhotoError::TooLarge)?,
            limit: CHUNK,
        };
        let generation = imports.generation(dc).await;
        match calls.invoke_in(dc, &request).await {
            Ok(enums::upload::File::File(file)) => {
                let short = file.bytes.len() < CHUNK as usize;
                bytes.extend_from_slice(&file.bytes);
                if short {
                    return Ok(bytes);
                }
                if bytes.len() > LARGEST {
                    return Err(PhotoError::TooLarge);
                }
            }
            Ok(enums::upload::File::CdnRedirect(_)) => {
                return Err(CallError::Refused {
                    method: "upload.getFile",
                    code: 0,
                    name: "a redirect to a CDN, which was not offered".into(),
                    value: None,
                }
                .into());
            }
            Err(CallError::Refused {
                code: 303,
                value: Some(to),
                ..
            }) if migrations < MOST_MIGRATIONS => {
                migrations += 1;
                dc = i32::try_from(to).unwrap_or(dc);
                bytes.clear();
            }
            // At home a 401 is the account's end, and arrives as such.
            Err(CallError::Refused { code: 401, .. }) if !imported => {
                imports.import(calls, dc, generation).await?;
                imported = true;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

impl Imports {
    /// Returns how often the authorization was imported into `dc`, waiting for one under way.
    async fn generation(&self, dc: i32) -> u64 {
        *self.slot(dc).lock().await
    }

    /// Imports the authorization into `dc`, unless somebody did since `generation` was read.
    async fn import(&self, calls: &Calls, dc: i32, generation: u64) -> Result<(), CallError> {
        let slot = self.slot(dc);
        let mut imported = slot.lock().await;
        if *imported != generation {
            return Ok(());
        }
        let enums::auth::ExportedAuthorization::Authorization(exported) = calls
            .invoke(&f::auth::ExportAuthorization { dc_id: dc })
            .await?;
        calls
            .invoke_in(
                dc,
                &f::auth::ImportAuthorization {
                    id: exported.id,
                    bytes: exported.bytes,
                },
            )
            .await?;
        *imported += 1;
        tracing::info!(dc, "imported the authorization");
        Ok(())
    }

    fn slot(&self, dc: i32) -> Arc<AsyncMutex<u64>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(dc)
            .or_default()
            .clone()
    }
}
