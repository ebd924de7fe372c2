//! The mark of an unfinished import in the data directory.
//!
//! The directory `import-unfinished` holds the files of an import before they are moved out of it, and a file that
//! names the new configuration. Until that configuration exists, the session and `state.db` in the data directory do
//! not count, even if another configuration names the same directory. A crash after the configuration is in place
//! leaves the directory, and the next start removes it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use fleet_files::atomic_file::{self, AtomicFileError};

use super::AppError;

/// The name of the directory.
pub(super) const DIRECTORY: &str = "import-unfinished";

/// The name of the file in it that holds the absolute path of the new configuration.
const CONFIG: &str = "configuration";

/// Refuses a data directory whose files do not count yet, and removes the mark of an import that is complete.
///
/// # Errors
/// An import is unfinished, or the mark cannot be read.
pub(super) fn refuse(data_dir: &Path) -> Result<(), AppError> {
    match config_of(data_dir)? {
        Some(config) => Err(AppError::UnfinishedImport {
            mark: data_dir.join(DIRECTORY),
            config,
        }),
        None => {
            remove(data_dir);
            Ok(())
        }
    }
}

/// Returns the configuration that an unfinished import did not write yet.
pub(super) fn config_of(data_dir: &Path) -> Result<Option<PathBuf>, AppError> {
    let path = data_dir.join(DIRECTORY).join(CONFIG);
    let failed = |cause| AppError::DataDir {
        path: path.clone(),
        cause,
    };
    let config = match fs::read(&path) {
        Ok(bytes) => PathBuf::from(OsString::from_vec(bytes)),
        // Without the file the import has moved nothing out of the directory.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match config.symlink_metadata() {
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(config)),
        Err(error) => Err(failed(error)),
    }
}

/// Writes into the directory `mark` which configuration the import will write.
pub(super) fn record_config(mark: &Path, config: &Path) -> Result<(), AtomicFileError> {
    atomic_file::write(&mark.join(CONFIG), config.as_os_str().as_bytes())
}

/// Removes the mark. Without an unfinished import it does no harm, so a failure is only logged.
pub(super) fn remove(data_dir: &Path) {
    let path = data_dir.join(DIRECTORY);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "the mark of an import cannot be removed");
        }
        _ => {}
    }
}
