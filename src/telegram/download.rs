//! Downloads a file in chunks, from the data centre that holds it.
//!
//! The caller interprets the bytes. The wire imports the authorization where it is missing.

use telegram_wire::tl::{enums, functions as f};
use telegram_wire::{CallError, Wire};
use thiserror::Error;

/// The size of a chunk. `upload.getFile` requires a divisor of 1 MiB; most photos fit into one chunk.
const CHUNK: i32 = 512 * 1024;
/// How many times a file may move to another data centre during its download.
const MAX_MIGRATIONS: usize = 3;

/// The reason why a download failed.
#[derive(Debug, Error)]
pub(super) enum DownloadError {
    /// The file is larger than the caller permits. Holds the limit in bytes.
    #[error("the file has more than {0} bytes")]
    TooLarge(usize),
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Downloads a file of at most `max_size` bytes. `dc` is the data centre that is expected to hold it.
pub(super) async fn download(
    wire: &Wire,
    mut dc: i32,
    location: &enums::InputFileLocation,
    max_size: usize,
) -> Result<Vec<u8>, DownloadError> {
    let mut migrations = 0;
    let mut bytes = Vec::new();
    loop {
        let request = f::upload::GetFile {
            precise: false,
            cdn_supported: false,
            location: location.clone(),
            offset: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            limit: CHUNK,
        };
        match wire.invoke_in(dc, &request).await {
            Ok(enums::upload::File::File(file)) => {
                let is_last = file.bytes.len() < CHUNK as usize;
                bytes.extend_from_slice(&file.bytes);
                if bytes.len() > max_size {
                    return Err(DownloadError::TooLarge(max_size));
                }
                if is_last {
                    return Ok(bytes);
                }
            }
            Ok(enums::upload::File::CdnRedirect(_)) => {
                return Err(CallError::Unusable {
                    method: "upload.getFile",
                    cause: "Telegram redirected to a CDN, although the request forbids it".into(),
                }
                .into());
            }
            // FILE_MIGRATE: another data centre holds the file.
            Err(CallError::Refused {
                code: 303,
                value: Some(to),
                ..
            }) if migrations < MAX_MIGRATIONS => {
                migrations += 1;
                dc = i32::try_from(to).unwrap_or(dc);
                bytes.clear();
            }
            Err(error) => return Err(error.into()),
        }
    }
}
