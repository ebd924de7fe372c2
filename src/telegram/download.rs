//! Downloads files, from whichever data centre keeps them.
//!
//! Owns the loop over chunks, the moves between data centres, and the import of the authorization
//! into those that are not home. It says nothing on what the bytes are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use telegram_wire::tl::{enums, functions as f};
use telegram_wire::{CallError, Wire};
use thiserror::Error;
use tokio::sync::Mutex as AsyncMutex;

/// How much is asked for at once; `upload.getFile` wants a divisor of 1 MiB. Most photos fit.
const CHUNK: i32 = 512 * 1024;
/// How often a file may move between data centres before that is an error.
const MOST_MIGRATIONS: usize = 3;

/// Why a file did not come.
#[derive(Debug, Error)]
pub(super) enum DownloadError {
    /// It is larger than was allowed.
    #[error("the file has more than {0} bytes")]
    TooLarge(usize),
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// How often the authorization was imported into each data centre; one import at a time for each.
#[derive(Debug, Default)]
pub(super) struct Imports(Mutex<BTreeMap<i32, Arc<AsyncMutex<u64>>>>);

/// Downloads a file of at most `largest` bytes, which is said to be in the data centre `dc`.
pub(super) async fn download(
    wire: &Wire,
    imports: &Imports,
    mut dc: i32,
    location: &enums::InputFileLocation,
    largest: usize,
) -> Result<Vec<u8>, DownloadError> {
    let mut migrations = 0;
    let mut imported = false;
    let mut bytes = Vec::new();
    loop {
        let request = f::upload::GetFile {
            precise: false,
            cdn_supported: false,
            location: location.clone(),
            offset: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            limit: CHUNK,
        };
        let generation = imports.generation(dc).await;
        match wire.invoke_in(dc, &request).await {
            Ok(enums::upload::File::File(file)) => {
                let short = file.bytes.len() < CHUNK as usize;
                bytes.extend_from_slice(&file.bytes);
                if bytes.len() > largest {
                    return Err(DownloadError::TooLarge(largest));
                }
                if short {
                    return Ok(bytes);
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
                imported = false;
                bytes.clear();
            }
            // At home a 401 is the account's end, and arrives as such.
            Err(CallError::Refused { code: 401, .. }) if !imported => {
                imports.import(wire, dc, generation).await?;
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
    async fn import(&self, wire: &Wire, dc: i32, generation: u64) -> Result<(), CallError> {
        let slot = self.slot(dc);
        let mut imported = slot.lock().await;
        if *imported != generation {
            return Ok(());
        }
        let enums::auth::ExportedAuthorization::Authorization(exported) = wire
            .invoke(&f::auth::ExportAuthorization { dc_id: dc })
            .await?;
        wire.invoke_in(
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
